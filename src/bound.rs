//! What a frame costs at the least, straight from the equations.
//!
//! Nothing here knows how the engine walks through its taps: these figures are what the engine, and its cost model,
//! are measured against.

use crate::layer::{Axis, Layer, Pass};
use crate::operation::Gather;

/// Pairs of an output `p` and a tap `r` of the forward convolution that meet at a pixel of the input, and not in the
/// padding: the sum over the pixels of the taps that each has. In every pass these are what is multiplied: p and r run over
/// what moves, what is stationary and what is made in another order.
pub fn axis_taps(axis: &Axis) -> u64 {
    outputs_by_tap(axis).sum()
}

/// Issues of a frame for each pair of blocks of channels: [`axis_taps`] of both axes, as many columns at once as there are
/// lanes over pixels.
pub(crate) fn pair_issues(layer: &Layer) -> u64 {
    fits(Frame::new(layer).issues)
}

/// The outputs that each tap meets.
fn outputs_by_tap(axis: &Axis) -> impl Iterator<Item = u64> + '_ {
    let (stride, dilation) = (i64::from(axis.stride), i64::from(axis.dilation));
    let pixels = 0..i64::from(axis.in_size);
    (0..i64::from(axis.kernel)).map(move |r| {
        let offset = r * dilation - i64::from(axis.pad_before);
        (0..i64::from(axis.out_size))
            .filter(|p| pixels.contains(&(p * stride + offset)))
            .count() as u64
    })
}

/// Taps that so many lanes over pixels go through along a row: of each run of as many columns of one phase, the most that
/// one of them has. With one lane, all taps of the row.
fn lane_taps(cols: &Gather, lanes: u64) -> u64 {
    let apart = cols.phases();
    let mut more = vec![0_i64; (cols.positions + apart) as usize];
    for tap in 0..cols.kernel {
        let at =
            |column: u64| (column * cols.advance) as i64 + cols.pad - (tap * cols.dilation) as i64;
        let stride = cols.stride as i64;
        let Some(phase) = (0..apart).find(|&column| at(column) % stride == 0) else {
            continue;
        };
        // What is met rises from a column of the phase to the next.
        let step = cols.phase_step();
        let met = at(phase) / stride;
        let columns_until = |met: i64| phase + (met.max(0) as u64).div_ceil(step) * apart;
        let first = columns_until(-met);
        let end = columns_until(cols.sources as i64 - met).min(first_behind(
            phase,
            apart,
            cols.positions,
        ));
        if first < end {
            more[first as usize] += 1;
            more[end as usize] -= 1;
        }
    }
    (0..apart.min(cols.positions))
        .map(|phase| {
            let mut taps = 0;
            let columns = (phase..cols.positions).step_by(apart as usize);
            let each: Vec<i64> = columns
                .map(|column| {
                    taps += more[column as usize];
                    taps
                })
                .collect();
            let runs = each.chunks(lanes as usize);
            runs.map(|run| run.iter().max().map_or(0, |&most| most as u64))
                .sum::<u64>()
        })
        .sum()
}

/// The first column of a phase that is not in the row.
fn first_behind(phase: u64, apart: u64, columns: u64) -> u64 {
    phase + columns.saturating_sub(phase).div_ceil(apart) * apart
}

/// Cycles of a frame in which the multipliers of an engine with this layer's lanes work.
pub fn issues(layer: &Layer) -> u64 {
    fits(Frame::new(layer).issues * Blocks::of(layer).pairs())
}

/// Cycles of a frame below which no engine with this layer's lanes can be: it issues at most one word of
/// multiplications, takes at most one beat and gives at most one beat a cycle.
pub fn bound_cycles(layer: &Layer) -> u64 {
    fits(Counts::new(layer).bound)
}

/// The same for an engine whose lanes are shared by groups that are narrower than they are: with any number of them
/// laid side by side as one, or, where each has a single channel of the result, with a PE lane for each. Of a weight
/// gradient, which is a sum over the rows of grad_output, rows can be put together in any way: each lane works on a row of
/// an image, and rows of the input that no row of grad_output sees need not be taken. Which of these is the least is the
/// layer's bound; it is never above [`bound_cycles`].
pub fn shared_bound_cycles(layer: &Layer) -> u64 {
    let op = layer.operation();
    let merged = |each: u32| {
        let moving = u64::from(each) * u64::from(op.moving_per_group);
        let blocks = Blocks {
            groups: op.groups.div_ceil(each).into(),
            k: moving.div_ceil(op.simd.into()),
            c: (u64::from(each) * u64::from(op.result_per_group)).div_ceil(op.pe.into()),
        };
        (moving, blocks)
    };
    let depthwise = (op.groups > 1 && op.result_per_group == 1).then(|| {
        let moving = u64::from(op.moving_per_group);
        let blocks = Blocks {
            groups: op.groups.div_ceil(op.pe).into(),
            k: moving.div_ceil(op.simd.into()),
            c: 1,
        };
        (moving, blocks)
    });
    let all = (1..=op.groups).map(merged).chain(depthwise);
    let frame = Frame::new(layer);
    let bounds = all.map(|(moving, blocks)| match layer.pass() {
        Pass::GradInput | Pass::Forward => frame.bound(&blocks),
        Pass::GradWeight => rows_apart(layer, moving, &blocks),
    });
    // At least one group is merged with none.
    fits(bounds.fold(u128::MAX, u128::min))
}

/// The bound of a frame of a weight gradient whose rows of grad_output are put together in any way, `moving` images of each
/// group: a word of multiplications has a tap of as many rows of images as there are lanes, a beat as many rows of the
/// input.
fn rows_apart(layer: &Layer, moving: u64, blocks: &Blocks) -> u128 {
    let op = layer.operation();
    let rows = layer.rows();
    let words = |rows: u64| u128::from((rows * moving).div_ceil(op.simd.into()));
    let row_taps: u128 = outputs_by_tap(&rows).map(words).sum();
    let frame = Frame {
        issues: row_taps * u128::from(axis_taps(&layer.cols())),
        taps: row_taps * u128::from(axis_taps(&layer.cols())),
        consumed: words(rows_seen(&rows)) * u128::from(op.cols.sources),
        produced: area(op.rows.positions, op.cols.positions),
    };
    // Words and beats stand for the blocks of what moves.
    frame.bound(&Blocks { k: 1, ..*blocks })
}

/// Cycles of a batch of a weight gradient on a fixed engine, below which no engine can be: its frames, or the beats of
/// grad_output, which stay for one batch alone. `None` for the other passes, whose weights may stay as long as they like.
pub fn batch_bound_cycles(layer: &Layer) -> Option<u64> {
    let frames = u128::from(layer.in_per_group()) * Counts::new(layer).bound;
    let stationary = layer.operation().stationary_words().into();
    (layer.pass() == Pass::GradWeight).then(|| fits(frames.max(stationary)))
}

/// Issues of a frame for an engine of the same lanes that dilates the gradient, where the pass has one, with zeros by the
/// stride and then convolves: every tap at every pixel.
pub fn zero_insertion_cycles(layer: &Layer) -> u64 {
    fits(Counts::new(layer).zero_insertion)
}

/// Rows of the input that lie under the windows of the outputs, from each one's first tap to its last.
fn rows_seen(axis: &Axis) -> u64 {
    let (stride, top) = (i64::from(axis.stride), i64::from(axis.pad_before));
    let reach = i64::from(axis.kernel - 1) * i64::from(axis.dilation);
    let inside = |from: i64, to: i64| {
        let rows = to.min(axis.in_size.into()) - from.max(0);
        rows.max(0) as u64
    };
    let windows = i64::from(axis.out_size);
    match stride <= reach {
        true => inside(-top, (windows - 1) * stride - top + reach + 1),
        false => (0..windows)
            .map(|p| inside(p * stride - top, p * stride - top + reach + 1))
            .sum(),
    }
}

/// Multiplications of a frame between values that both exist: no padding, no inserted zero, no
/// padded lane.
pub fn useful_macs(layer: &Layer) -> u64 {
    fits(Counts::new(layer).macs)
}

/// The limits of validation keep every count of a valid layer within 64 bits but one, the zero insertion of a weight
/// gradient with a huge stride; that is cut.
fn fits(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The counts of a frame, wide enough for any sizes that a layer file can state.
pub(crate) struct Counts {
    pub(crate) bound: u128,
    pub(crate) zero_insertion: u128,
    pub(crate) macs: u128,
}

impl Counts {
    pub(crate) fn new(layer: &Layer) -> Self {
        let frame = Frame::new(layer);
        let blocks = Blocks::of(layer);
        let op = layer.operation();
        let (rows, cols) = (spread(layer, &op.rows), spread(layer, &op.cols));
        Self {
            bound: frame.bound(&blocks),
            zero_insertion: frame.produced * area(rows, cols) * blocks.pairs(),
            macs: frame.taps * area(op.moving_channels().into(), op.result_per_group.into()),
        }
    }
}

/// What a frame has of each pair of channels, or of each channel.
struct Frame {
    taps: u128,
    /// Of taps, as many at once as there are lanes over pixels.
    issues: u128,
    /// Pixels of what moves, and of the result, likewise.
    consumed: u128,
    produced: u128,
}

/// Groups one after the other, and in each of them blocks of channels as wide as the lanes.
struct Blocks {
    groups: u64,
    k: u64,
    c: u64,
}

impl Frame {
    fn new(layer: &Layer) -> Self {
        let op = layer.operation();
        let rows = axis_taps(&layer.rows());
        Frame {
            taps: area(rows, axis_taps(&layer.cols())),
            issues: area(rows, lane_taps(&op.cols, op.pixels.into())),
            consumed: area(op.rows.sources, op.moving_columns()),
            produced: area(op.rows.positions, op.result_columns()),
        }
    }

    fn bound(&self, blocks: &Blocks) -> u128 {
        let groups = u128::from(blocks.groups);
        (self.issues * blocks.pairs())
            .max(self.consumed * groups * u128::from(blocks.k))
            .max(self.produced * groups * u128::from(blocks.c))
    }
}

impl Blocks {
    fn of(layer: &Layer) -> Self {
        Blocks {
            groups: layer.operation().group_blocks().into(),
            k: layer.operation().moving_blocks().into(),
            c: layer.operation().result_blocks().into(),
        }
    }

    fn pairs(&self) -> u128 {
        u128::from(self.groups) * u128::from(self.k) * u128::from(self.c)
    }
}

/// Taps of an axis with zeros between those of a gradient.
fn spread(layer: &Layer, axis: &Gather) -> u64 {
    match layer.pass() {
        Pass::GradInput | Pass::Forward => axis.kernel,
        // The gradient is the kernel, and the stride its dilation.
        Pass::GradWeight => (axis.kernel - 1) * axis.dilation + 1,
    }
}

fn area(rows: u64, cols: u64) -> u128 {
    u128::from(rows) * u128::from(cols)
}

//! What a frame costs at the least, straight from the equations.
//!
//! Nothing here knows how the engine walks through its taps: these figures are what the engine, and its cost model,
//! are measured against.

use crate::layer::{Axis, Layer};

/// Pairs of an output `p` and a tap `r` of the forward convolution that meet at a pixel of the input, and not in the
/// padding: the sum over the pixels of the taps that each has.
pub fn axis_taps(axis: &Axis) -> u64 {
    let (stride, dilation) = (i64::from(axis.stride), i64::from(axis.dilation));
    let pixels = 0..i64::from(axis.in_size);
    let outputs_at = |r: i64| {
        let offset = r * dilation - i64::from(axis.pad_before);
        (0..i64::from(axis.out_size))
            .filter(|p| pixels.contains(&(p * stride + offset)))
            .count() as u64
    };
    (0..i64::from(axis.kernel)).map(outputs_at).sum()
}

/// Cycles of a frame below which no engine with this layer's lanes can be: it issues at most one word of
/// multiplications, takes at most one beat and gives at most one beat a cycle.
pub fn bound_cycles(layer: &Layer) -> u64 {
    fits(Counts::new(layer).bound)
}

/// The same for an engine whose lanes are shared by groups that are narrower than they are: with any number of them
/// laid side by side as one, or, where each has a single channel of C, with a PE lane for each. Which of these is the
/// least is the layer's bound; it is never above [`bound_cycles`].
pub fn shared_bound_cycles(layer: &Layer) -> u64 {
    let frame = Frame::new(layer);
    let merged = |each: u32| Blocks {
        groups: layer.groups().div_ceil(each).into(),
        k: (u64::from(each) * u64::from(layer.out_per_group())).div_ceil(layer.simd().into()),
        c: (u64::from(each) * u64::from(layer.in_per_group())).div_ceil(layer.pe().into()),
    };
    let depthwise = (layer.groups() > 1 && layer.in_per_group() == 1).then(|| Blocks {
        groups: layer.groups().div_ceil(layer.pe()).into(),
        k: layer.k_blocks().into(),
        c: 1,
    });
    let all = (1..=layer.groups()).map(merged).chain(depthwise);
    let bounds = all.map(|blocks| frame.bound(&blocks));
    // At least one group is merged with none.
    fits(bounds.fold(u128::MAX, u128::min))
}

/// Issues of a frame for an engine of the same lanes that dilates the gradient with zeros by the stride and then
/// convolves: every tap at every pixel.
pub fn zero_insertion_cycles(layer: &Layer) -> u64 {
    fits(Counts::new(layer).zero_insertion)
}

/// Multiplications of a frame between a gradient and a weight that both exist: no padding, no inserted zero, no
/// padded lane.
pub fn useful_macs(layer: &Layer) -> u64 {
    fits(Counts::new(layer).macs)
}

/// The limits of validation keep every count of a valid layer within 64 bits, so this narrows nothing.
fn fits(count: u128) -> u64 {
    count as u64
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
        let kernel = area(layer.rows().kernel, layer.cols().kernel);
        Self {
            bound: frame.bound(&blocks),
            zero_insertion: frame.produced * kernel * blocks.pairs(),
            macs: frame.taps * area(layer.out_channels(), layer.in_per_group()),
        }
    }
}

/// What a frame has of each pair of channels, or of each channel.
struct Frame {
    taps: u128,
    /// Pixels of grad_output, and of grad_input.
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
        let (rows, cols) = (layer.rows(), layer.cols());
        Frame {
            taps: u128::from(axis_taps(&rows)) * u128::from(axis_taps(&cols)),
            consumed: area(rows.out_size, cols.out_size),
            produced: area(rows.in_size, cols.in_size),
        }
    }

    fn bound(&self, blocks: &Blocks) -> u128 {
        let groups = u128::from(blocks.groups);
        (self.taps * blocks.pairs())
            .max(self.consumed * groups * u128::from(blocks.k))
            .max(self.produced * groups * u128::from(blocks.c))
    }
}

impl Blocks {
    fn of(layer: &Layer) -> Self {
        Blocks {
            groups: layer.group_blocks().into(),
            k: layer.k_blocks().into(),
            c: layer.c_blocks().into(),
        }
    }

    fn pairs(&self) -> u128 {
        u128::from(self.groups) * u128::from(self.k) * u128::from(self.c)
    }
}

fn area(rows: u32, cols: u32) -> u128 {
    u128::from(rows) * u128::from(cols)
}

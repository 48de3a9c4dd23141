//! What a first frame may cost at the most, straight from the equations.
//!
//! A frame that finds the engine empty has to fill it, and its last beats have to leave. Like [`bound`](crate::bound)
//! this knows nothing of the schedule: the engine, and its cost model, are measured against it.
//!
//! The bound is what the busiest of three has to do: beats in, multiplications, beats out. It counts as if that one were
//! busy all the time. In steady state it can be, since each works on another part of the frames meanwhile. In a first
//! frame each has to wait for the one before, and which of them is the busiest may change on the way: with a stride, a row
//! with taps is mostly multiplications, the rows without are beats out alone. [`in_order_cycles`] adds up what they wait
//! for each other, and no engine with these lanes that computes and gives its beats in order can be faster.

use std::collections::HashMap;

use crate::bound::bound_cycles;
use crate::layer::Layer;
use crate::operation::{Gather, Operation};

/// Cycles allowed for all registers from the input to the output.
pub const PIPELINE_CYCLES: u64 = 32;
/// Cycles allowed for the registers of lanes over pixels: their banks, and what puts rows in order.
pub const PIXEL_CYCLES: u64 = 40;
/// Cycles allowed for the registers of the stages behind the accumulators, where a layer has any.
pub const STAGE_CYCLES: u64 = 16;
/// On top of these, where a layer has biases.
pub const BIAS_CYCLES: u64 = 1;
/// On top of these, where its results have a zero point or bounds.
pub const CLAMP_CYCLES: u64 = 3;

/// Cycles from the first beat of what moves that is taken to the last beat of the result, both counted, that a first
/// frame may take: the bound, the input beats until the first output that has a tap can be computed, and the output
/// beats that follow the last such output; or [`in_order_cycles`] where these are more. On top come [`PIPELINE_CYCLES`],
/// and with stages behind the accumulators [`stage_limit`].
pub fn first_frame_limit(layer: &Layer) -> u64 {
    first_frame_without_stages(layer) + stage_limit(layer)
}

/// Cycles allowed for the registers of the stages behind the accumulators of this layer.
pub fn stage_limit(layer: &Layer) -> u64 {
    let of = |is_there: bool, cycles: u64| if is_there { cycles } else { 0 };
    let clamps = layer.requantise().is_some_and(|it| it.clamps());
    of(layer.has_stages(), STAGE_CYCLES) + of(layer.bias(), BIAS_CYCLES) + of(clamps, CLAMP_CYCLES)
}

/// The same up to where the stages behind the accumulators begin.
pub(crate) fn first_frame_without_stages(layer: &Layer) -> u64 {
    let (fill, drain) = fill_and_drain(layer);
    let simple = bound_cycles(layer) + fill + drain;
    if layer.pixels() > 1 {
        return simple + in_stretches(layer.operation()) + PIPELINE_CYCLES + PIXEL_CYCLES;
    }
    simple.max(in_order_cycles(layer)) + PIPELINE_CYCLES
}

/// With lanes over pixels, beats that come and go before and behind the computation because a row is put in the order of
/// the lanes, and back, a stretch at a time.
fn in_stretches(op: &Operation) -> u64 {
    let of = |phases: u64, beats: u32| match phases {
        1 => 0,
        phases => 2 * phases * u64::from(beats),
    };
    let cols = &op.cols;
    of(cols.phase_step(), op.moving_beats_per_pixel())
        + of(cols.phases(), op.result_beats_per_pixel())
}

/// Cycles of a frame that finds the engine empty below which no engine can be that has these lanes and any memories, no
/// registers on the way, and takes, computes and gives everything in the order of the streams:
///
/// - a beat of what moves is taken each cycle,
/// - an output with taps is begun when those before it are computed and the last pixel that it needs has been taken; each
///   of its beats takes an issue for each tap and block of moving channels,
/// - a beat leaves in the cycle of its last issue, if the one before it has left; those without a tap have none to wait for.
pub fn in_order_cycles(layer: &Layer) -> u64 {
    let op = layer.operation();
    let beats = u64::from(op.result_beats_per_pixel());
    let (met_rows, met_cols) = (along(&op.rows), along(&op.cols));
    let words = u64::from(op.moving_beats_per_pixel());
    let mut waits: HashMap<u64, RowWaits> = HashMap::new();
    let (mut computed, mut left) = (0, 0);
    for row in &met_rows {
        let Some(row) = row else {
            left += beats * op.cols.positions;
            continue;
        };
        let waits = waits.entry(row.taps).or_insert_with(|| {
            let issues = row.taps * u64::from(op.moving_blocks());
            RowWaits::of(&met_cols, issues, beats, words)
        });
        let arrived = row.last * op.cols.sources * words;
        let now = [computed, left, arrived];
        (computed, left) = (waits.computed.after(now), waits.left.after(now));
    }
    left
}

/// A cycle that is the latest of three others, each with so many cycles on top; or without some of them.
#[derive(Clone, Copy)]
struct Latest([Option<u64>; 3]);

impl Latest {
    fn after(&self, cycles: [u64; 3]) -> u64 {
        let later = self
            .0
            .iter()
            .zip(cycles)
            .filter_map(|(on_top, cycle)| Some((*on_top)? + cycle));
        later.max().unwrap_or(0)
    }

    fn plus(self, cycles: u64) -> Self {
        Latest(self.0.map(|on_top| Some(on_top? + cycles)))
    }

    fn or(self, other: Latest) -> Self {
        // `None` is the least.
        Latest([0, 1, 2].map(|i| self.0[i].max(other.0[i])))
    }
}

/// When a row is computed and has left, by when the one before it is computed and has left, and when the row of what moves
/// that it needs last begins to be taken. All rows with so many taps take the same.
struct RowWaits {
    computed: Latest,
    left: Latest,
}

impl RowWaits {
    /// `issues`: of each beat, for each tap of a column.
    fn of(cols: &[Option<Met>], issues: u64, beats: u64, words: u64) -> Self {
        let mut computed = Latest([Some(0), None, None]);
        let mut left = Latest([None, Some(0), None]);
        for col in cols {
            let Some(col) = col else {
                left = left.plus(beats);
                continue;
            };
            let arrived = Latest([None, None, Some((col.last + 1) * words)]);
            let begun = computed.or(arrived);
            let issues = issues * col.taps;
            computed = begun.plus(beats * issues);
            // What holds its last beat up is what left before, its own first beat, or itself.
            left = left
                .plus(beats)
                .or(begun.plus(issues + beats - 1))
                .or(computed);
        }
        RowWaits { computed, left }
    }
}

/// What meets at a position of the result, on one axis.
struct Met {
    taps: u64,
    /// The last position of what moves.
    last: u64,
}

/// What meets at each position of the result, if anything does.
fn along(axis: &Gather) -> Vec<Option<Met>> {
    (0..axis.positions)
        .map(|position| met(axis, position))
        .collect()
}

/// By the equation of a gather: position `h` of the result and tap `r` meet at `(h * advance + pad - r * dilation) / stride`.
fn met(axis: &Gather, position: u64) -> Option<Met> {
    let at = (position * axis.advance) as i64 + axis.pad;
    let mut met: Option<Met> = None;
    for r in 0..axis.kernel {
        let spread = at - (r * axis.dilation) as i64;
        if spread < 0 {
            break;
        }
        let (spread, stride) = (spread as u64, axis.stride);
        let p = spread / stride;
        if spread % stride == 0 && p < axis.sources {
            // Taps go up, so that what they meet goes down.
            met.get_or_insert(Met { taps: 0, last: p }).taps += 1;
        }
    }
    met
}

/// Input beats up to the last one that the first output with a tap needs, and output beats behind the last pixel with a
/// tap. Where no output has a tap, nothing is waited for and every output follows.
fn fill_and_drain(layer: &Layer) -> (u64, u64) {
    let op = layer.operation();
    let (rows, cols) = (op.rows, op.cols);
    let beats = u64::from(op.result_beats_per_pixel());
    let (taken, given) = (op.moving_columns(), op.result_columns());
    let pixels = rows.positions * given;
    let Some((row, col)) = reach(&rows).zip(reach(&cols)) else {
        return (0, pixels * beats);
    };
    // An output has all channels, and needs all those of its last pixel of what moves.
    let lanes = u64::from(op.pixels);
    // Lanes over pixels begin with as many columns.
    let needed = match lanes {
        1 => col.needed,
        lanes => (taken - 1).min(col.needed / lanes + cols.advance),
    };
    let arrived = row.needed * taken + needed + 1;
    let fill = arrived * u64::from(op.moving_beats_per_pixel());
    let drain = pixels - 1 - (row.last * given + col.last / lanes);
    (fill, drain * beats)
}

/// On one axis, the positions of the result that some tap reaches.
#[derive(Debug, PartialEq, Eq)]
struct Reach {
    first: u64,
    last: u64,
    /// The last position of what moves that the first of them needs.
    needed: u64,
}

fn reach(axis: &Gather) -> Option<Reach> {
    let all = along(axis);
    let reached = |(position, met): (usize, &Option<Met>)| {
        let last = met.as_ref()?.last;
        Some((position as u64, last))
    };
    let mut reached = all.iter().enumerate().filter_map(reached);
    let (first, needed) = reached.next()?;
    let last = reached.next_back().map_or(first, |(position, _)| position);
    Some(Reach {
        first,
        last,
        needed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{LayerFile, PerItem};

    fn file(in_size: i64, kernel: i64, stride: i64, padding: i64) -> LayerFile {
        let mut file = LayerFile::default();
        file.layer.in_channels = Some(1);
        file.layer.out_channels = Some(4);
        file.layer.in_size = Some(PerItem([in_size; 2]));
        file.layer.kernel = Some(PerItem([kernel; 2]));
        file.layer.stride = PerItem([stride; 2]);
        file.layer.padding = PerItem([padding; 4]);
        file
    }

    /// 3x3, stride 1, padding 1 on 5x5: the first pixel takes outputs (0,0) to (1,1), of which the last is number 6 in
    /// rows of 5, so 7 pixels of 4 beats each; the last pixel has taps, so nothing follows.
    #[test]
    fn a_dense_layer_waits_for_a_row_and_two_pixels() {
        let layer = file(5, 3, 1, 1).validate().unwrap();
        assert_eq!(fill_and_drain(&layer), (7 * 4, 0));
        let taps = 13 * 13;
        assert_eq!(first_frame_limit(&layer), taps * 4 + 7 * 4 + 32);
    }

    /// 1x1, stride 2 on 6x6, padding 0: taps at even pixels alone, so the last one is (4, 4), and 7 of 36 pixels follow.
    #[test]
    fn pixels_without_a_tap_drain_after_the_last_result() {
        let layer = file(6, 1, 2, 0).validate().unwrap();
        assert_eq!(fill_and_drain(&layer), (4, 7));
    }

    /// Padding 3 with a 1x1 kernel and stride 2 on 7x7: outputs 0 and 1 lie in the padding, output 2 meets pixel 1, and
    /// the last is output 4 at pixel 5 of 7.
    #[test]
    fn outputs_in_the_padding_are_waited_for_too() {
        let layer = file(7, 1, 2, 3).validate().unwrap();
        let expected = Reach {
            first: 1,
            last: 5,
            needed: 2,
        };
        assert_eq!(reach(&layer.operation().rows), Some(expected));
        // Outputs are 7x7: two rows of 7 and two more before the one that is needed.
        assert_eq!(fill_and_drain(&layer), (16 * 4 + 4, 7 + 1));
    }

    /// 1x1, stride 3 by 1 on 7x2, two blocks of K, by hand. Beats out, 14, are more than issues, 12, and than beats in, 12.
    /// But the first row is issues: behind the 2 beats in of its first output, 2 x 2 of them. The others are beats out: the
    /// results are there when the 4 zeros before them have left.
    #[test]
    fn where_the_busiest_changes_the_waits_add_up() {
        let mut file = file(1, 1, 1, 0);
        file.layer.out_channels = Some(2);
        file.layer.in_size = Some(PerItem([7, 2]));
        file.layer.stride = PerItem([3, 1]);
        let layer = file.validate().unwrap();
        assert_eq!(bound_cycles(&layer), 14);
        assert_eq!(fill_and_drain(&layer), (2, 0));
        assert_eq!(in_order_cycles(&layer), 2 + 4 + 4 + 2 + 4 + 2);
        assert_eq!(first_frame_limit(&layer), 18 + 32);
    }

    /// A dense layer is multiplications from its first output to its last.
    #[test]
    fn where_the_busiest_stays_the_same_nothing_is_added() {
        let layer = file(5, 3, 1, 1).validate().unwrap();
        assert_eq!(in_order_cycles(&layer), 13 * 13 * 4 + 7 * 4);
    }

    #[test]
    fn all_groups_of_the_last_pixel_are_waited_for() {
        let mut file = file(5, 3, 1, 1);
        file.layer.in_channels = Some(2);
        file.layer.groups = 2;
        let layer = file.validate().unwrap();
        assert!(layer.operation().depthwise);
        assert_eq!(fill_and_drain(&layer), (7 * 4, 0));
    }

    #[test]
    fn where_no_tap_reaches_everything_follows() {
        let mut file = file(2, 1, 9, 4);
        file.layer.out_size = Some(PerItem([1; 2]));
        let layer = file.validate().unwrap();
        assert_eq!(fill_and_drain(&layer), (0, 4));
        assert_eq!(first_frame_limit(&layer), 4 + 4 + 32);
    }
}

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
        let (rows, cols) = (layer.rows(), layer.cols());
        let area = |of_rows: u32, of_cols: u32| u128::from(of_rows) * u128::from(of_cols);
        let taps = u128::from(axis_taps(&rows)) * u128::from(axis_taps(&cols));
        let pixels = area(rows.in_size, cols.in_size);
        let consumed = u128::from(layer.dy_words_per_pixel());
        let produced = u128::from(layer.out_beats_per_pixel());
        let block_pairs = consumed * u128::from(layer.c_blocks());
        Self {
            bound: (taps * block_pairs)
                .max(area(rows.out_size, cols.out_size) * consumed)
                .max(pixels * produced),
            zero_insertion: pixels * area(rows.kernel, cols.kernel) * block_pairs,
            macs: taps * area(layer.out_channels(), layer.in_per_group()),
        }
    }
}

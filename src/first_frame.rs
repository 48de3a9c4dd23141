//! What a first frame may cost at the most, straight from the equations.
//!
//! A frame that finds the engine empty has to fill it, and its last beats have to leave. Like [`bound`](crate::bound)
//! this knows nothing of the schedule: the engine, and its cost model, are measured against it.

use crate::bound::bound_cycles;
use crate::layer::{Axis, Layer};

/// Cycles allowed for all registers from the input to the output.
pub const PIPELINE_CYCLES: u64 = 32;
/// Cycles allowed for the registers of the stages behind the accumulators, where a layer has any.
pub const STAGE_CYCLES: u64 = 16;

/// Cycles from the first beat of grad_output that is taken to the last beat of grad_input, both counted, that a first
/// frame may take: the bound, the input beats until the first output that has a tap can be computed, the output beats
/// that follow the last such output, [`PIPELINE_CYCLES`], and with stages behind the accumulators [`STAGE_CYCLES`].
pub fn first_frame_limit(layer: &Layer) -> u64 {
    let (fill, drain) = fill_and_drain(layer);
    let staged = layer.accumulate() || layer.mask() || layer.requantise().is_some();
    let registers = PIPELINE_CYCLES + if staged { STAGE_CYCLES } else { 0 };
    bound_cycles(layer) + fill + drain + registers
}

/// Input beats up to the last one that the first output with a tap needs, and output beats behind the last pixel with a
/// tap. Where no output has a tap, nothing is waited for and every output follows.
fn fill_and_drain(layer: &Layer) -> (u64, u64) {
    let (rows, cols) = (layer.rows(), layer.cols());
    let raster =
        |row: u32, col: u32, width: u32| u64::from(row) * u64::from(width) + u64::from(col);
    let beats = u64::from(layer.out_beats_per_pixel());
    let pixels = raster(rows.in_size, 0, cols.in_size);
    let Some((row, col)) = reach(&rows).zip(reach(&cols)) else {
        return (0, pixels * beats);
    };
    // An output has all channels, and needs all those of its last pixel of grad_output.
    let arrived = raster(row.needed, col.needed, cols.out_size) + 1;
    let fill = arrived * u64::from(layer.dy_words_per_pixel());
    let drain = pixels - 1 - raster(row.last, col.last, cols.in_size);
    (fill, drain * beats)
}

/// On one axis, the pixels of grad_input that some tap reaches.
#[derive(Debug, PartialEq, Eq)]
struct Reach {
    first: u32,
    last: u32,
    /// The last pixel of grad_output that the first of them needs.
    needed: u32,
}

/// By the forward equation: output `p` and tap `r` meet at pixel `p * stride - pad_before + r * dilation`.
fn reach(axis: &Axis) -> Option<Reach> {
    let pixel = |p: u32, r: u32| {
        let pixel = i64::from(p) * i64::from(axis.stride) - i64::from(axis.pad_before)
            + i64::from(r) * i64::from(axis.dilation);
        u32::try_from(pixel)
            .ok()
            .filter(|&pixel| pixel < axis.in_size)
    };
    let mut reach: Option<Reach> = None;
    for p in 0..axis.out_size {
        for pixel in (0..axis.kernel).filter_map(|r| pixel(p, r)) {
            let so_far = reach.get_or_insert(Reach {
                first: pixel,
                last: pixel,
                needed: p,
            });
            if pixel <= so_far.first {
                so_far.first = pixel;
                so_far.needed = p;
            }
            so_far.last = so_far.last.max(pixel);
        }
    }
    reach
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
        assert_eq!(reach(&layer.rows()), Some(expected));
        // Outputs are 7x7: two rows of 7 and two more before the one that is needed.
        assert_eq!(fill_and_drain(&layer), (16 * 4 + 4, 7 + 1));
    }

    #[test]
    fn all_groups_of_the_last_pixel_are_waited_for() {
        let mut file = file(5, 3, 1, 1);
        file.layer.in_channels = Some(2);
        file.layer.groups = 2;
        let layer = file.validate().unwrap();
        assert!(layer.is_depthwise());
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

//! The schedule: how the engine walks through a layer, in one place.
//!
//! Everything that must agree comes from here: what the hardware is told ([`FrameWalk::describe`]),
//! how large its buffers are, and how many cycles it takes.

mod axis;
pub mod cycles;
mod frame;
mod span;

pub use axis::{AxisTaps, AxisWalk, Taps};
pub use cycles::{Buffers, Cycles};
pub use frame::FrameWalk;
pub use span::live_span_pixels;

use crate::layer::Layer;
use axis::AxisUnits;
use bpa_hdl::descriptor::Descriptor;

impl FrameWalk {
    /// The layer as the core takes it, with buffers of these sizes.
    pub fn describe(&self, layer: &Layer, buffers: Buffers) -> Descriptor {
        let words = self.pixel_words;
        let beats = self.pixel_beats;
        let ring = buffers.line_words;
        let k_blocks = u64::from(layer.k_blocks());
        let width = u64::from(layer.cols().in_size);
        let kernel_cols = u64::from(layer.cols().kernel);
        let lead = self.cols.first * beats;
        let tail = (width - 1 - self.cols.last) * beats;
        let rows = self.rows.describe(&AxisUnits {
            words: self.cols.kept_size() * words,
            pixels: self.cols.kept_size(),
            ring,
            weights: kernel_cols * k_blocks,
            beats: width * beats,
            edge_beats: lead + tail,
            lead_beats: lead,
        });
        let cols = self.cols.describe(&AxisUnits {
            words,
            pixels: 1,
            ring,
            weights: k_blocks,
            beats,
            edge_beats: 0,
            lead_beats: 0,
        });
        let cols = bpa_hdl::descriptor::Axis {
            // What lies left of a row's first tap is counted with the rows.
            first_skip: 0,
            ..cols
        };
        Descriptor {
            rows,
            cols,
            kept_rows: self.rows.kept,
            kept_cols: self.cols.kept,
            k_blocks,
            c_blocks: u64::from(layer.c_blocks()),
            group_blocks: u64::from(layer.group_blocks()),
            block_weights: u64::from(layer.rows().kernel) * kernel_cols * k_blocks,
            line_words: buffers.line_words,
            reaches: self.reaches,
            frame_step: self.kept_pixels() * words % ring,
            fifo_results: buffers.fifo_results,
            end_beats: self.end_pixels() * beats,
            two_weight_sets: layer.two_weight_sets(),
            accumulate: layer.accumulate(),
            mask: layer.mask(),
            shift: layer.requantise().map_or(0, |it| it.shift.into()),
            rounding_seed: 0,
            max_skip: self.pixels().map(|p| p.skipped).max().unwrap_or(0) * beats,
        }
    }
}

//! How many frames, and whether memory holds their arrays.

use anyhow::bail;
use clap::Args;

use crate::layer::Layer;
use crate::number::integer;
use crate::reference::{grad_input_shape, grad_output_shape};

/// Values that random arrays and their results may have at once: what memory holds.
const MOST_VALUES: u64 = 1 << 31;

#[derive(Args, Debug)]
pub(super) struct Frames {
    /// Frames, back to back
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = integer(1..=1_000_000_u64))]
    pub(super) frames: u64,
}

/// The frames that are in memory all at once, as far as it can hold their arrays.
pub(super) fn frames_at_once(layer: &Layer, frames: u64) -> anyhow::Result<usize> {
    let values = frame_values(layer) * u128::from(frames);
    if values > MOST_VALUES.into() {
        bail!(
            "`--frames` is {frames}: the arrays would hold {values} values, and at most {MOST_VALUES} are possible"
        );
    }
    Ok(frames as usize)
}

/// Whether memory can hold the arrays of one frame; of others that come one after the other it need not.
pub(super) fn frame_fits(layer: &Layer) -> anyhow::Result<()> {
    let values = frame_values(layer);
    if values > MOST_VALUES.into() {
        bail!(
            "the layer is too large: the arrays of a frame would hold {values} values, and at most {MOST_VALUES} are \
             possible"
        );
    }
    Ok(())
}

/// Values of a frame of grad_output and of grad_input.
fn frame_values(layer: &Layer) -> u128 {
    let values =
        |[channels, height, width]: [usize; 3]| channels as u128 * height as u128 * width as u128;
    values(grad_output_shape(layer)) + values(grad_input_shape(layer))
}

//! How many frames, and whether memory holds their arrays.

use anyhow::bail;
use clap::Args;

use crate::layer::Layer;
use crate::number::integer;

/// Values that random arrays and their results may have at once: what memory holds.
const MOST_VALUES: u64 = 1 << 31;

#[derive(Args, Debug)]
pub(super) struct Frames {
    /// Frames, back to back: images; for grad_weight channels of the input, of each group
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = integer(1..=1_000_000_u64))]
    pub(super) frames: u64,
}

/// The frames that are in memory all at once, as far as it can hold their arrays.
pub(super) fn frames_at_once(layer: &Layer, frames: u64) -> anyhow::Result<usize> {
    frames_fit(layer, frames, &format!("`--frames` is {frames}"))?;
    Ok(frames as usize)
}

/// Whether memory can hold the arrays of so many frames; what is wrong where it cannot is `fault`.
pub(super) fn frames_fit(layer: &Layer, frames: u64, fault: &str) -> anyhow::Result<()> {
    let values = frame_values(layer) * u128::from(frames);
    if values > MOST_VALUES.into() {
        bail!("{fault}: the arrays would hold {values} values, and at most {MOST_VALUES} are possible");
    }
    Ok(())
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

/// Values of a frame of what moves and of the result.
fn frame_values(layer: &Layer) -> u128 {
    let values =
        |[channels, height, width]: [usize; 3]| channels as u128 * height as u128 * width as u128;
    values(layer.operation().moving_shape()) + values(layer.operation().result_shape())
}

//! Test vectors: random arrays, and arrays as the beats of the engine's streams.

mod beats;
mod random;

pub use beats::{
    accumulate_bits, accumulate_value_bits, bias_beats, bias_count, moving_beats, pack_channels,
    pack_moving, pack_result, pack_stationary, result_beats, scale_beats, scale_count,
    stationary_beats, unpack_result, BeatFormat, UnpackError,
};
pub(crate) use beats::{moving_pixel, result_pixel};
pub use random::{
    random_channel_arrays, random_moving, random_stage_arrays, random_stationary, RandomFrames,
};

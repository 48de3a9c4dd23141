//! Test vectors: random arrays, and arrays as the beats of the engine's streams.

mod beats;
mod random;

pub use beats::{
    accumulate_bits, accumulate_value_bits, grad_input_beats, grad_output_beats, pack_grad_input,
    pack_grad_output, pack_scale, pack_weight, scale_beats, scale_count, unpack_grad_input,
    weight_beats, BeatFormat, UnpackError,
};
pub use random::{random_grad_output, random_stage_arrays, random_weight, RandomFrames};

//! What stands between the results and the grad_input stream: a bias and a value from outside added, a
//! mask, a scale, a shift, rounding, saturation, a zero point and bounds, each of them only where the
//! engine has it.

mod accumulate_in;
mod add_bias;
mod align;
mod clamp;
mod draws;
mod mask_out;
mod multiply;
pub(crate) mod nets;
mod pipeline;
mod queue;
mod round;
mod saturate;
mod saturation_count;
mod scale_bank;
mod scale_beats;
mod scale_store;
mod settings;
mod side_stream;

pub use draws::SEED_BITS;
pub use pipeline::output_stages;
pub(crate) use pipeline::{CLEAR_SATURATIONS, CLEAR_SATURATIONS_DOC, STREAMS_ARESETN};
pub use queue::queue;
pub use saturation_count::COUNT_BITS;
pub(crate) use scale_beats::ScaleBeats;
pub use settings::{stage_beats, stage_cycles, Requantise, Rounding, Stages};
pub use side_stream::side_stream;

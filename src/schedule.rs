//! The schedule: how the engine walks through a layer, in one place.
//!
//! Everything that must agree comes from here: what the hardware is told ([`FrameWalk::describe`]),
//! how large its buffers are, and how many cycles it takes.

mod axis;
pub mod cycles;
mod frame;
mod lanes;
mod lower;
pub mod program;
mod span;

pub use axis::{AxisTaps, AxisWalk, Taps};
pub use cycles::{Buffers, Cycles, Pipeline};
pub use frame::FrameWalk;
pub use lower::Shell;
pub use span::live_span_pixels;

pub use crate::operation::Gather;

//! Memory instead of streams: AXI4 masters that read what an engine takes and write what it gives.
//!
//! [`place`] says how the beats of a stream lie in memory, [`array`] what is told of an array, [`walk`] goes through it and cuts
//! it into bursts, [`reader`] makes a stream of what it reads, [`writer`] writes a stream, and [`requests`] puts the readers'
//! bursts on one channel. [`masters`] has all of them, behind the [`pins`] of the bus.

pub mod array;
pub mod masters;
pub mod pins;
pub mod place;
pub mod reader;
pub mod requests;
pub mod walk;
pub mod writer;

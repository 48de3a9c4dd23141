//! Memory instead of streams: AXI4 masters that read what an engine takes and write what it gives.
//!
//! [`place`] says how the beats of a stream lie in memory, [`walk`] goes through an array and cuts it into bursts, [`reader`]
//! makes a stream of what it reads, [`writer`] writes a stream, and [`requests`] puts the readers' bursts on one channel.

pub mod place;
pub mod reader;
pub mod requests;
pub mod walk;
pub mod writer;

//! Modules that are no engine: what the clock and area of an engine are measured against and in.

pub mod bare_array;
pub mod harness;

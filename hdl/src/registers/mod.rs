//! What a processor sees of a programmable engine: the AXI4-Lite slave, the map of its registers and its counters.

pub mod axi_lite;
pub mod counters;
pub mod map;

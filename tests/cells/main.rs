//! What the cells of FPGA families make of the Verilog. Each module says which promise it protects:
//!
//! | module | promise |
//! |---|---|
//! | [`multipliers`] | a family's multiplier gives what the generic one gives, in the same cycle |
//! | [`accumulators`] | a family's accumulator likewise |
//! | [`memories`] | a family's memory likewise, however it is laid out in blocks |
//!
//! Icarus Verilog and Yosys have to be installed.

mod accumulators;
mod cell_models;
#[path = "../engine/icarus_tool.rs"]
mod icarus_tool;
mod memories;
mod multipliers;
mod side_by_side;

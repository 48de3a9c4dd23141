//! What the cells of FPGA families make of the Verilog. Each module says which promise it protects:
//!
//! | module | promise |
//! |---|---|
//! | [`multipliers`] | a family's multiplier gives what the generic one gives, in the same cycle |
//! | [`packed_multipliers`] | one multiplier gives two products, each what a multiplier of its own gives |
//! | [`accumulators`] | a family's accumulator likewise |
//! | [`carry_adders`] | a family's sums with a chosen operand likewise |
//! | [`memories`] | a family's memory likewise, however it is laid out in blocks |
//! | [`netlists`] | synthesised engines give what their Verilog gives; line buffer and weights are memories |
//! | [`told_netlists`] | a synthesised programmable engine gives what its Verilog gives, job after job, for ECP5 |
//! | [`equivalence`] | the generic netlist of a small engine is proved equal to its Verilog |
//!
//! Icarus Verilog and Yosys have to be installed; packaged tools are installed on first use.

mod accumulators;
mod carry_adders;
mod cell_models;
mod equivalence;
#[path = "../engine/icarus_tool.rs"]
mod icarus_tool;
mod memories;
mod multipliers;
mod netlist;
mod netlists;
mod packed_multipliers;
mod side_by_side;
mod told_netlists;
#[path = "../engine/vector_bench.rs"]
mod vector_bench;

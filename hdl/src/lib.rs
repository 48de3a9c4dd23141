//! The hardware blocks of the engine, on rust-hdl with run-time widths.
//!
//! [`core::fixed_engine`] puts them together for one layer, given as a
//! [`descriptor::Descriptor`]; [`rtl::print_verilog`] prints the result.

pub mod accumulator;
pub mod axi_lite;
pub mod bare_array;
pub mod beat_fifo;
pub mod block_ram;
pub mod carry_adders;
pub mod config;
pub mod core;
pub mod counter;
pub mod counters;
pub mod delay;
pub mod descriptor;
pub mod gated_add;
pub mod grad_port;
pub mod harness;
pub mod hull;
pub mod issue;
pub mod job_table;
pub mod jobs;
pub mod limits;
pub mod mac;
pub mod memory;
pub mod multiplier;
pub mod output_stages;
pub mod packed_multiplier;
pub mod programmable;
pub mod register_map;
pub mod result_port;
pub mod ring;
pub mod rtl;
pub mod stock;
pub mod target;
pub mod told_memory;
pub mod walk;
pub mod weight_load;
pub mod weight_port;
pub mod weight_swap;

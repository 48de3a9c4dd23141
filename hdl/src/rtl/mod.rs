//! A thin, width-checked layer over rust-hdl's syntax tree, and the printer of readable Verilog.
//!
//! rust-hdl fixes the width of a signal in its type. Here the widths come from the layer at run
//! time, so [`Module`] implements rust-hdl's `Block`, `Logic` and `Atom` by hand and builds its
//! statements in `rust_hdl_core::ast`; [`print_verilog`] is a rust-hdl `Probe` that visits the
//! tree and prints it.

mod expr;
mod module;
mod order;
mod printer;
mod resource;

pub use expr::{lit, ones, Expr};
pub use module::{Body, Module, Port, Reg};
pub use printer::print_verilog;
pub use resource::Resource;

/// Bits that an unsigned register needs to hold every value up to and including `max`; at least 1.
pub fn bits_for(max: u64) -> usize {
    (u64::BITS - max.leading_zeros()).max(1) as usize
}

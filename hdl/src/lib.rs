//! The hardware blocks of the engine, on rust-hdl with run-time widths.
//!
//! [`shell::fixed::fixed_engine`] puts them together for one layer, given as a
//! [`config::descriptor::Descriptor`]; [`rtl::print_verilog`] prints the result.
//!
//! The folders follow the block diagram: `walk` and `issue` say which products are due, `streams`
//! and `weights` bring the data in and the results out, `lanes` multiply and add, `stages` stand
//! behind the lanes; `core` joins them, `shell` and `registers` make them programmable.

#![deny(missing_docs)]

pub mod bus;
pub mod config;
pub mod core;
pub mod glossary;
pub mod issue;
pub mod lanes;
pub mod measure;
pub mod paragraph;
pub mod pixels;
pub mod primitives;
pub mod registers;
pub mod rtl;
pub mod shell;
pub mod stages;
pub mod streams;
pub mod walk;
pub mod weights;

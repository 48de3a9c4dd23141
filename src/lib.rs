//! Verilog engines for the passes of a convolution, its data gradient above all: the layer, its reference arithmetic, and
//! the vectors that check one against the other.
//!
//! A [`layer::LayerFile`] is what a user wrote; [`layer::Layer`] is what was found valid, and all other modules
//! take only the latter.

#![deny(missing_docs)]

pub mod arrays;
pub mod atomic_file;
pub mod bench;
pub mod bound;
pub mod check;
pub mod cli;
pub mod compare;
pub mod driver;
pub mod emit;
pub mod events;
pub mod explain;
pub mod explore;
pub mod first_frame;
pub mod flows;
pub mod import;
pub mod interface;
pub mod internal_error;
pub mod layer;
pub mod layer_list;
pub mod manifest;
pub mod network;
pub mod npy;
mod number;
pub mod onnx;
pub mod operands;
pub mod operation;
pub mod plan;
pub mod programmable;
pub mod reference;
pub mod report;
pub mod report_page;
pub mod run;
pub mod schedule;
pub mod seal;
pub mod synth;
pub mod table_file;
pub mod trace;
pub mod vectors;
pub mod zero_insertion;

//! The C driver, compiled with every warning and with sanitizers, on Verilated engines: networks that `bpa compile` made
//! give what the reference gives, and bad blobs are refused by name.

mod blobs;
mod networks;
mod plan;
mod registers;
mod rig;

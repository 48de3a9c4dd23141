//! What a device has a fixed number of, and a module takes of it.

/// A piece of hardware that tools do not make of lookup tables and flip-flops if they can help it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A multiplier cell, or a product for a tool to put into one.
    Multiplier,
    /// A block RAM cell that the Verilog names.
    BlockRam,
    /// A memory that is left to inference, with one write and one read port.
    Memory {
        /// Words.
        words: u64,
        /// Bits of a word.
        bits: usize,
    },
}

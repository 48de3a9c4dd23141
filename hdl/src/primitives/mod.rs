//! The small parts that the blocks are made of. Memories, multipliers and adders have a generic body and one for each FPGA
//! family that has cells for it; the rest is plain logic.

pub mod beat_fifo;
pub mod block_ram;
pub mod carry_adders;
pub mod counter;
pub mod credit_counter;
pub mod delay;
pub mod gated_add;
pub mod memory;
pub mod multiplier;
pub mod packed_multiplier;
pub mod paged_memory;
pub mod ring;
pub mod target;

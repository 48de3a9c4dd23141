//! Lanes over pixels: the line buffer in banks, one for each lane; rows put in the order of the lanes and back; and the lanes
//! that are beyond a row's end.

mod banks;
mod place;
mod row_end;
mod row_order;
mod sides;
mod told_side;
mod turn;

use crate::config::capacity::Capacity;
use crate::config::pixels::PixelLanes;
use crate::primitives::memory::MEMORY_CYCLES;

pub use banks::{banked_line_buffer, Rows as BankRows, READ_BEHIND_CYCLES};
pub use row_end::{inside_row, inside_told_row};
pub use row_order::{
    order_cycles, pages, row_order, Direction, OrderCycles, Rows, ToldRowOrder, PAGE_CYCLES,
    PLACES, PLACE_CYCLES,
};
pub use turn::late;

/// Cycles from a read's address to the lanes.
pub fn read_cycles(pixels: usize) -> usize {
    match pixels {
        1 => MEMORY_CYCLES,
        pixels => banks::bank_cycles(pixels),
    }
}

/// Cycles from a read's address to the banks' own: so much later may be written over what it is the last to need.
pub fn read_behind(pixels: usize) -> usize {
    match pixels {
        1 => 0,
        _ => READ_BEHIND_CYCLES,
    }
}

/// Most pages that rows are put in order by.
pub const MOST_PAGES: u64 = 8;

/// Most frames, or parts of one, that can be where rows are put in order: each has a beat there at least.
pub fn frames_in_order(pixels: &PixelLanes) -> u64 {
    let order = [&pixels.moving, &pixels.result];
    order.iter().filter(|order| order.differs()).count() as u64 * FRAMES_OF_ORDER
}

/// The same of rows that are told: all go there.
pub const FRAMES_IN_TOLD_ORDER: u64 = 2 * FRAMES_OF_ORDER;

/// Of one side.
const FRAMES_OF_ORDER: u64 = MOST_PAGES + crate::primitives::beat_fifo::SHORT_PLACES;

/// Names of the FIFO of beats of the result as they leave where rows are put in order, and of its memory: where it is like
/// that of the results it is the same module.
pub fn order_fifo(engine: &str, capacity: &Capacity) -> [String; 2] {
    match capacity.fifo_results == PLACES {
        true => ["results", "memory"].map(|part| format!("{engine}_result_{part}")),
        false => ["beats", "memory"].map(|part| format!("{engine}_result_order_{part}")),
    }
}

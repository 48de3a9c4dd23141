//! What Yosys makes of a memory that the Verilog leaves to inference: block RAMs, LUTs as memories, or flip-flops.
//!
//! The rule is that of its pass `memory_libmap`, for one write port, one read port and no demands on a word that is read
//! while it is written: of all cells, in all widths, and of flip-flops, whatever costs least.

use super::Board;

/// A kind of memory cell with the costs that Yosys gives it in the family's library.
struct Cell {
    /// Bits of an address at the least width; each wider one halves the words.
    address_bits: u32,
    widths: &'static [u64],
    /// Words fill cells in units of as many bits.
    byte: u64,
    cost: f64,
    /// The part of the cost that only the used bits of a cell make up.
    scale: f64,
    /// Block RAMs that one cell counts; LUTs as memories are none.
    blocks: u64,
}

const fn block(address_bits: u32, widths: &'static [u64], cost: u32, blocks: u64) -> Cell {
    Cell {
        address_bits,
        widths,
        byte: 9,
        cost: cost as f64,
        scale: 0.0,
        blocks,
    }
}

const fn luts(address_bits: u32, widths: &'static [u64], cost: u32, scale: u32) -> Cell {
    Cell {
        address_bits,
        widths,
        byte: u64::MAX,
        cost: cost as f64,
        scale: scale as f64,
        blocks: 0,
    }
}

const ICE40: &[Cell] = &[Cell {
    byte: 1,
    ..block(11, &[2, 4, 8, 16], 64, 1)
}];
const ECP5: &[Cell] = &[
    luts(4, &[4], 4, 0),
    block(14, &[1, 2, 4, 9, 18, 36], 128, 1),
];
const GOWIN: &[Cell] = &[
    luts(4, &[4], 4, 4),
    block(14, &[1, 2, 4, 9, 18, 36], 128, 1),
];
const XILINX7: &[Cell] = &[
    luts(5, &[4], 8, 8),
    luts(6, &[2], 8, 8),
    luts(7, &[1], 8, 8),
    luts(5, &[6], 8, 7),
    luts(6, &[3], 8, 7),
    block(14, &[1, 2, 4, 9, 18, 36], 129, 1),
    block(15, &[1, 2, 4, 9, 18, 36, 72], 257, 2),
    block(16, &[1, 2, 4, 9], 513, 4),
];

/// Cost of a multiplexer's or demultiplexer's bit between cells that share an address.
const SELECT: f64 = 0.5;
/// Cost of a read port that is not a write port too.
const READ_PORT: f64 = 2.0;

impl Cell {
    /// Cost and number of the cells for `words` of `bits`, in the `index`-th width.
    fn take(&self, index: usize, words: u64, bits: u64) -> (f64, u64) {
        let width = self.widths[index];
        let banks = words.div_ceil(1 << (self.address_bits as usize - index));
        let stored = banks * bits.next_multiple_of(self.byte.min(width));
        let cells = stored.div_ceil(width);
        let used = self.scale * (banks * bits) as f64 / width as f64;
        let mut cost = (self.cost - self.scale) * cells as f64 + used + READ_PORT;
        if banks > 1 {
            cost += SELECT * ((banks - 1) * bits + banks) as f64;
        }
        (cost, cells)
    }
}

/// Block RAMs of one memory.
pub(super) fn block_rams(board: Board, words: u64, bits: u64) -> u64 {
    let cells = match board {
        Board::Ice40Up5k | Board::Ice40Hx8k => ICE40,
        Board::Ecp5_85k => ECP5,
        Board::GowinGw2a => GOWIN,
        Board::XilinxXc7 | Board::XilinxXcup => XILINX7,
        // There memories stay whole.
        Board::Generic => return 1,
    };
    // Flip-flops, at a cost of one for each bit.
    let mut best = ((words * bits) as f64, 0);
    for cell in cells {
        for index in 0..cell.widths.len() {
            let (cost, number) = cell.take(index, words, bits);
            if cost < best.0 {
                best = (cost, number * cell.blocks);
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_cells_are_taken() {
        for (board, words, bits, blocks) in [
            // 64 bits cost as much in flip-flops as a block without its port.
            (Board::Ice40Up5k, 8, 8, 0),
            (Board::Ice40Up5k, 16, 45, 3),
            (Board::Ice40Up5k, 288, 64, 8),
            (Board::Ecp5_85k, 16, 45, 0),
            (Board::Ecp5_85k, 64, 177, 5),
            (Board::GowinGw2a, 64, 177, 5),
            (Board::XilinxXc7, 64, 177, 0),
            (Board::XilinxXc7, 512, 177, 5),
            (Board::Generic, 1, 1, 1),
        ] {
            let found = block_rams(board, words, bits);
            assert_eq!(found, blocks, "{} {words} {bits}", board.name());
        }
    }
}

//! Block RAMs of the families, and how a memory is laid out in them.

use crate::primitives::target::Target;
use crate::rtl::{bits_for, Module, Resource};
use std::fmt::Write as _;

/// One bank of a memory: block RAMs of one shape side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// First word, a multiple of `depth`.
    pub first: u64,
    /// Words used.
    pub words: u64,
    /// Words of a block.
    pub depth: u64,
    /// Bits of a block's word.
    pub width: usize,
}

impl Tile {
    fn blocks(&self, width: usize) -> usize {
        width.div_ceil(self.width)
    }
}

/// Shapes of a block of 18 kbit (words, bits), deepest first; all three families have these.
const SHAPES: [(u64, usize); 6] = [
    (16384, 1),
    (8192, 2),
    (4096, 4),
    (2048, 9),
    (1024, 18),
    (512, 36),
];

/// Bits of a word that one more bank is worth in blocks: each bit then needs a multiplexer.
const BITS_OF_A_BANK: usize = 16;

/// Lays a memory out in banks: few blocks, and few banks. Empty where the family's memories are
/// left to inference.
pub fn tiling(target: Target, depth: u64, width: usize) -> Vec<Tile> {
    match target {
        Target::Generic | Target::Ice40 => Vec::new(),
        Target::Ecp5 | Target::Gowin | Target::Xilinx7 => {
            best_banks(0, depth, width, SHAPES.len()).1
        }
    }
}

/// Cost and banks for the words from `first` on, in the last `shapes` shapes.
fn best_banks(first: u64, words: u64, width: usize, shapes: usize) -> (usize, Vec<Tile>) {
    let from = SHAPES.len() - shapes;
    let mut best: Option<(usize, Vec<Tile>)> = None;
    for (index, &(depth, bits)) in SHAPES.iter().enumerate().skip(from) {
        let full = words / depth;
        // Many shallow banks never pay; where even the deepest shape is too shallow they must.
        if full > 3 && index > from {
            break;
        }
        let mut tiles: Vec<Tile> = (0..full)
            .map(|bank| Tile {
                first: first + bank * depth,
                words: depth,
                depth,
                width: bits,
            })
            .collect();
        let rest = words - full * depth;
        let mut cost: usize = tiles
            .iter()
            .map(|tile| tile.blocks(width) + width / BITS_OF_A_BANK)
            .sum();
        if rest > 0 {
            let last = Tile {
                first: first + full * depth,
                words: rest,
                depth,
                width: bits,
            };
            let in_one = last.blocks(width) + width / BITS_OF_A_BANK;
            let shallower = SHAPES.len() - index - 1;
            let (split_cost, split) = if shallower > 0 && full > 0 {
                best_banks(last.first, rest, width, shallower)
            } else {
                (usize::MAX, Vec::new())
            };
            if in_one <= split_cost {
                cost += in_one;
                tiles.push(last);
            } else {
                cost += split_cost;
                tiles.extend(split);
            }
        }
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, tiles));
        }
    }
    best.unwrap_or_default()
}

/// Bits of a memory that lookup tables hold at less than a block's cost, where the family counts bits.
const BITS_OF_LUTS: u64 = 512;
/// Words that the lookup tables of 7 series hold without a multiplexer.
const WORDS_OF_LUTS: u64 = 64;
/// Words that the lookup tables of ECP5 and Gowin hold with one multiplexer a bit, and so in time.
const WORDS_OF_SMALL_LUTS: u64 = 32;

/// Whether lookup tables hold a memory at less than a block's cost.
pub fn fits_luts(target: Target, words: u64, bits: usize) -> bool {
    match target {
        Target::Generic | Target::Ice40 => false,
        Target::Ecp5 | Target::Gowin => {
            words <= WORDS_OF_SMALL_LUTS && words * bits as u64 <= BITS_OF_LUTS
        }
        Target::Xilinx7 => words <= WORDS_OF_LUTS,
    }
}

/// The block of which one alone has so many words; `None` where none has, or the family's memories are left to inference.
pub fn one_deep(target: Target, words: u64) -> Option<Tile> {
    if matches!(target, Target::Generic | Target::Ice40) {
        return None;
    }
    let shape = SHAPES.iter().rev().find(|(depth, _)| *depth >= words);
    shape.map(|&(depth, width)| Tile {
        first: 0,
        words,
        depth,
        width,
    })
}

const DOC: &str = "\
One block RAM with its output register: `read_data` follows `read_address` by two cycles.";

const FETCHED_DOC: &str = "\
One block RAM with its output register: `fetch` reads a word, `move` puts what was read last into `read_data`.";

/// When a block RAM reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// In every cycle.
    Always,
    /// With its inputs `fetch` and `move`, one for each of its registers.
    Fetched,
}

/// Builds the module around one block RAM of a tile's shape.
pub fn block_ram(name: &str, tile: &Tile, reads: Reads, target: Target) -> Module {
    let doc = match reads {
        Reads::Always => DOC,
        Reads::Fetched => FETCHED_DOC,
    };
    let mut m = Module::new(name, doc);
    let address = bits_for(tile.depth - 1);
    m.input("aclk", 1, "");
    m.input("write", 1, "");
    m.input("write_address", address, "");
    m.input("write_data", tile.width, "");
    let enables = match reads {
        Reads::Always => ["1'b1"; 2],
        Reads::Fetched => {
            m.input("fetch", 1, "");
            m.input("move", 1, "");
            ["fetch", "move"]
        }
    };
    m.input("read_address", address, "");
    m.output("read_data", tile.width, "");
    m.takes(Resource::BlockRam);
    m.primitive_body(match target {
        Target::Gowin => gowin(tile, enables),
        Target::Xilinx7 => ramb18e1(tile, enables),
        // Inferred memories have no block of their own; the shape is that of the ECP5.
        Target::Ecp5 | Target::Generic | Target::Ice40 => dp16kd(tile, enables),
    });
    m
}

/// A bus of single pins: `.PORT0(net[0]), ...`, `net` being wide enough.
fn pins(port: &str, count: usize, net: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for line in (0..count).collect::<Vec<_>>().chunks(6) {
        text.push_str("\n ");
        for &bit in line {
            let _ = write!(text, " .{port}{bit}({}),", net(bit));
        }
    }
    text
}

/// The bits `low..low + count` of a port as wide as the tile's word; a port of one bit has no bits to select.
fn word_bits(port: &str, tile: &Tile, low: usize, count: usize) -> String {
    match (tile.width, count) {
        (1, _) => port.to_owned(),
        (_, 1) => format!("{port}[{low}]"),
        _ => format!("{port}[{}:{low}]", low + count - 1),
    }
}

fn dp16kd(tile: &Tile, [fetch, moves]: [&str; 2]) -> String {
    let wide = tile.width == 36;
    // The address stands at the top of fourteen pins; the lowest ones enable bytes.
    let shift = 14 - bits_for(tile.depth - 1);
    let address = |net: &str, write: bool, bit: usize| match bit.checked_sub(shift) {
        Some(index) => format!("{net}[{index}]"),
        None if write && tile.width >= 18 && bit < tile.width / 9 => "1'b1".to_owned(),
        None => "1'b0".to_owned(),
    };
    let data = |first: usize| {
        move |bit: usize| match first + bit {
            index if index < tile.width => word_bits("write_data", tile, index, 1),
            _ => "1'b0".to_owned(),
        }
    };
    let out = |first: usize| {
        move |bit: usize| match first + bit {
            index if index < tile.width => word_bits("read_data", tile, index, 1),
            _ => String::new(),
        }
    };
    // A block of 36 bits is what Lattice describes as PDPW16KD, which has a clock enable for writing
    // and no write enable.
    let (clock_enable, write_enable) = if wide {
        ("write", "1'b1")
    } else {
        ("1'b1", "write")
    };
    let (read_a, read_b) = if wide {
        (pins("DOA", 18, out(0)), pins("DOB", 18, out(18)))
    } else {
        (String::new(), pins("DOB", 18, out(0)))
    };
    format!(
        "\
// Port A writes, port B reads.
DP16KD #(
  .DATA_WIDTH_A({width}), .DATA_WIDTH_B({width}),
  .REGMODE_A(\"OUTREG\"), .REGMODE_B(\"OUTREG\"), .RESETMODE(\"SYNC\"),
  .ASYNC_RESET_RELEASE(\"SYNC\"), .CSDECODE_A(\"0b000\"), .CSDECODE_B(\"0b000\"),
  .WRITEMODE_A(\"NORMAL\"), .WRITEMODE_B(\"NORMAL\"), .GSR(\"DISABLED\")
) u_block (
  .CLKA(aclk), .CEA({clock_enable}), .OCEA(1'b1), .WEA({write_enable}), .RSTA(1'b0),
  .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),{write_address}{data_a}
  .CLKB(aclk), .CEB({fetch}), .OCEB({moves}), .WEB(1'b0), .RSTB(1'b0),
  .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),{read_address}{data_b}{read_a}{read_b}
);",
        width = tile.width,
        write_address = pins("ADA", 14, |bit| address("write_address", true, bit)),
        data_a = pins("DIA", 18, data(0)),
        read_address = pins("ADB", 14, |bit| address("read_address", false, bit)),
        data_b = pins("DIB", 18, data(18)),
        read_b = read_b.trim_end_matches(','),
    )
}

fn gowin(tile: &Tile, [fetch, moves]: [&str; 2]) -> String {
    let nine = tile.width % 9 == 0;
    let (cell, bits) = if nine { ("SDPX9B", 36) } else { ("SDPB", 32) };
    let zeros = 14 - bits_for(tile.depth - 1);
    let enables = if tile.width >= 18 { tile.width / 9 } else { 0 };
    let write_address = match zeros {
        0 => "write_address".to_owned(),
        _ if enables == 0 => format!("{{write_address, {zeros}'d0}}"),
        _ => {
            let ones = (1 << enables) - 1;
            format!("{{write_address, {zeros}'d{ones}}}")
        }
    };
    let read_address = match zeros {
        0 => "read_address".to_owned(),
        _ => format!("{{read_address, {zeros}'d0}}"),
    };
    let spare = bits - tile.width;
    let (write_data, taken) = if spare == 0 {
        (
            "write_data".to_owned(),
            "assign read_data = whole;".to_owned(),
        )
    } else {
        (
            format!("{{{spare}'d0, write_data}}"),
            format!(
                "assign read_data = whole[{}:0];\nwire unused_whole;\nassign unused_whole = |whole[{}:{}];",
                tile.width - 1,
                bits - 1,
                tile.width
            ),
        )
    };
    format!(
        "\
wire [{msb}:0] whole;
{taken}

{cell} #(
  .READ_MODE(1'b1), .BIT_WIDTH_0({width}), .BIT_WIDTH_1({width}),
  .BLK_SEL_0(3'b000), .BLK_SEL_1(3'b000), .RESET_MODE(\"SYNC\")
) u_block (
  .CLKA(aclk), .CEA(write), .RESETA(1'b0), .ADA({write_address}), .DI({write_data}),
  .BLKSELA(3'b000),
  .CLKB(aclk), .CEB({fetch}), .RESETB(1'b0), .OCE({moves}), .ADB({read_address}), .BLKSELB(3'b000),
  .DO(whole)
);",
        msb = bits - 1,
        width = tile.width,
    )
}

fn ramb18e1(tile: &Tile, [fetch, moves]: [&str; 2]) -> String {
    // Simple dual port: 36 bits use both halves; narrower shapes write at B and read at A.
    let (bits, parity) = if tile.width % 9 == 0 {
        (tile.width / 9 * 8, tile.width / 9)
    } else {
        (tile.width, 0)
    };
    let zeros = 14 - bits_for(tile.depth - 1);
    let address = |net: &str| match zeros {
        0 => net.to_owned(),
        _ => format!("{{{net}, {zeros}'d0}}"),
    };
    let padded = |wide: usize, first: usize, used: usize| match wide - used {
        0 => word_bits("write_data", tile, first, used),
        spare if used == 0 => format!("{spare}'d0"),
        spare => format!(
            "{{{spare}'d0, {}}}",
            word_bits("write_data", tile, first, used)
        ),
    };
    let mode = if tile.width == 36 { "SDP" } else { "TDP" };
    let whole = tile.width == 36;
    let (a_bits, b_bits, a_parity, b_parity) = if whole {
        (
            padded(16, 0, 16),
            padded(16, 16, 16),
            padded(2, 32, 2),
            padded(2, 34, 2),
        )
    } else {
        (
            "16'd0".to_owned(),
            padded(16, 0, bits),
            "2'd0".to_owned(),
            padded(2, bits, parity),
        )
    };
    let read = if whole {
        "{parity_b, parity_a, data_b, data_a}".to_owned()
    } else if parity > 0 {
        format!("{{parity_a[{}:0], data_a[{}:0]}}", parity - 1, bits - 1)
    } else {
        format!("data_a[{}:0]", bits - 1)
    };
    format!(
        "\
wire [15:0] data_a;
wire [15:0] data_b;
wire [1:0] parity_a;
wire [1:0] parity_b;
wire unused_outputs;
assign read_data = {read};
assign unused_outputs = |{{data_a, data_b, parity_a, parity_b}};

// Port A reads, port B writes.
RAMB18E1 #(
  .RAM_MODE(\"{mode}\"),
  .READ_WIDTH_A({width}), .READ_WIDTH_B(0), .WRITE_WIDTH_A(0), .WRITE_WIDTH_B({width}),
  .DOA_REG(1), .DOB_REG(1), .WRITE_MODE_A(\"READ_FIRST\"), .WRITE_MODE_B(\"READ_FIRST\"),
  .RDADDR_COLLISION_HWCONFIG(\"DELAYED_WRITE\"), .SIM_DEVICE(\"7SERIES\")
) u_block (
  .CLKARDCLK(aclk), .ENARDEN({fetch}), .REGCEAREGCE({moves}), .RSTRAMARSTRAM(1'b0),
  .RSTREGARSTREG(1'b0), .WEA(2'b00), .ADDRARDADDR({read_address}),
  .DIADI({a_bits}), .DIPADIP({a_parity}), .DOADO(data_a), .DOPADOP(parity_a),
  .CLKBWRCLK(aclk), .ENBWREN(1'b1), .REGCEB(1'b1), .RSTRAMB(1'b0), .RSTREGB(1'b0),
  .WEBWE({{4{{write}}}}), .ADDRBWRADDR({write_address}),
  .DIBDI({b_bits}), .DIPBDIP({b_parity}), .DOBDO(data_b), .DOPBDOP(parity_b)
);",
        width = tile.width,
        read_address = address("read_address"),
        write_address = address("write_address"),
    )
}

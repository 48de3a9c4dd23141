//! Promise: a family's memory reads what the generic one reads, in the same cycle, however it is laid out in blocks. A
//! word that is read in the cycle after it was written is not promised, and not compared.

use std::collections::BTreeSet;

use bpa_hdl::primitives::block_ram::tiling;
use bpa_hdl::primitives::memory::{fetched_memory, read_ahead_memory, MEMORY_CYCLES};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::print_verilog;

use crate::cell_models::{ECP5_MEMORY, GOWIN_MEMORY, XILINX7_MEMORY};
use crate::side_by_side::{Pair, SideBySide};

/// Words and bits: blocks of every shape, alone, side by side, above one another and both; whole blocks and parts.
const SHAPES: [(u64, usize); 12] = [
    (1, 5),
    (2, 1),
    (48, 32),
    (300, 72),
    (512, 36),
    (1000, 18),
    (1500, 20),
    (2100, 40),
    (4096, 3),
    (6000, 9),
    (8200, 5),
    (17000, 2),
];
/// Cycles of random traffic.
const TRAFFIC: u64 = 2_000;

/// Every word is written, then read; random traffic follows, in which reads stay close to writes and writes close to
/// the edges of blocks; at the end every word is read again.
fn drive(depth: u64) -> String {
    format!(
        "written_2 = written_1;
    written_1 = write_address;
    write_data = {{$random(seed), $random(seed), $random(seed)}};
    doubtful = write;
    if (n < {depth}) begin
      write = 1;
      write_address = n;
      read_address = 0;
    end else if (n < 2 * {depth} || n >= 2 * {depth} + {TRAFFIC}) begin
      write = 0;
      write_address = 0;
      read_address = n < 2 * {depth} ? n - {depth} : n - 2 * {depth} - {TRAFFIC};
    end else begin
      write = $random(seed) % 4 != 0;
      write_address = {{$random(seed)}} % {depth};
      edge_of_block = 512 * ({{$random(seed)}} % 33) + {{$random(seed)}} % 4 - 2;
      if ($random(seed) % 2 && edge_of_block < {depth}) write_address = edge_of_block;
      case ({{$random(seed)}} % 4)
        0: read_address = {{$random(seed)}} % {depth};
        1: read_address = write_address;
        2: read_address = written_1;
        3: read_address = written_2;
      endcase
    end
    doubtfuls = {{doubtfuls, doubtful && written_1 == read_address}};"
    )
}

fn check(target: Target, cells: &str) {
    for (depth, width) in SHAPES {
        let cycles = 3 * depth + TRAFFIC + 1;
        let mut bench = SideBySide::new(cycles);
        let body = |kind: &str, target| {
            read_ahead_memory(&format!("{kind}_{depth}x{width}"), depth, width, target)
        };
        let pair = Pair {
            declarations: "  reg doubtful;
  reg [7:0] doubtfuls;
  reg [31:0] written_1, written_2, edge_of_block;
",
            drive: &drive(depth),
            promised: &format!(
                "n >= {depth} + {MEMORY_CYCLES} && !doubtfuls[{}]",
                MEMORY_CYCLES - 1
            ),
        };
        bench.add(
            &body("generic", Target::Generic),
            &body("family", target),
            &pair,
        );
        // A quarter of the random reads is of a word just written, or all are where there is one word.
        let least = if depth < 8 {
            TRAFFIC / 8
        } else {
            2 * depth + TRAFFIC / 2
        };
        bench
            .run(cells, least)
            .unwrap_or_else(|said| panic!("{target}, {depth} words of {width} bits: {said}"));
    }
}

/// Words and bits of memories with a register behind their read, in one block or several side by side. Smaller ones have
/// the generic body.
const FETCHED: [(u64, usize); 4] = [(100, 32), (128, 81), (600, 20), (2048, 12)];

/// Every word is written; then words are read and move on by chance, each on its own.
fn check_fetched(target: Target, cells: &str) {
    for (depth, width) in FETCHED {
        let mut bench = SideBySide::new(depth + TRAFFIC);
        let body = |kind: &str, target| {
            fetched_memory(&format!("{kind}_{depth}x{width}"), depth, width, target)
        };
        let drive = format!(
            "write = n < {depth};
    write_address = n;
    write_data = {{$random(seed), $random(seed), $random(seed)}};
    read_address = {{$random(seed)}} % {depth};
    fetch = n == {depth} || n > {depth} && $random(seed) % 2;
    move = n == {depth} + 1 || n > {depth} && $random(seed) % 2;"
        );
        let pair = Pair {
            declarations: "",
            drive: &drive,
            promised: &format!("n > {depth} + 2"),
        };
        let [generic, family] = [("generic", Target::Generic), ("family", target)];
        bench.add(
            &body(generic.0, generic.1),
            &body(family.0, family.1),
            &pair,
        );
        bench
            .run(cells, TRAFFIC / 2)
            .unwrap_or_else(|said| panic!("{target}, {depth} words of {width} bits: {said}"));
    }
}

#[test]
fn fetched_ecp5() {
    check_fetched(Target::Ecp5, ECP5_MEMORY);
}

#[test]
fn fetched_gowin() {
    check_fetched(Target::Gowin, GOWIN_MEMORY);
}

#[test]
fn fetched_xilinx7() {
    check_fetched(Target::Xilinx7, XILINX7_MEMORY);
}

#[test]
fn ecp5() {
    check(Target::Ecp5, ECP5_MEMORY);
}

#[test]
fn gowin() {
    check(Target::Gowin, GOWIN_MEMORY);
}

#[test]
fn xilinx7() {
    check(Target::Xilinx7, XILINX7_MEMORY);
}

/// The shapes above leave none out: blocks of each width, words that do not fill the last block, several banks, of one
/// width and of two.
#[test]
fn every_layout_is_among_them() {
    let mut widths = BTreeSet::new();
    let (mut beside, mut part, mut same, mut different) = (false, false, false, false);
    for (depth, width) in SHAPES {
        let tiles = tiling(Target::Ecp5, depth, width);
        widths.extend(tiles.iter().map(|tile| tile.width));
        beside |= tiles.iter().any(|tile| tile.width < width);
        part |= tiles.iter().any(|tile| width % tile.width != 0);
        same |= tiles.windows(2).any(|two| two[0].width == two[1].width);
        different |= tiles.windows(2).any(|two| two[0].width != two[1].width);
    }
    assert_eq!(widths, BTreeSet::from([1, 2, 4, 9, 18, 36]));
    assert!(beside && part && same && different);
}

#[test]
fn ice40_has_the_generic_one() {
    let text = |target| print_verilog(&read_ahead_memory("memory", 300, 20, target));
    assert_eq!(text(Target::Ice40), text(Target::Generic));
}

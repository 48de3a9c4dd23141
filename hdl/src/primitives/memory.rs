//! The memories, for each family.

use crate::primitives::block_ram::{block_ram, one_deep, tiling, Reads, Tile};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Expr, Module, Resource};

const DOC: &str = "\
Memory with one write and one read port.";

/// Ahead of the words of a memory that is left to inference: what a read gives of a word that is being
/// written is never used. Without this, Yosys puts registers and multiplexers around the memories
/// of families that do not give the old word.
const NO_COLLISIONS: &str = "\
// No use is made of a word that is read while it is written.
(* no_rw_check *)";

/// Cycles from a read-ahead memory's address to its data.
pub const MEMORY_CYCLES: usize = 3;

/// Builds a memory of `depth` words of `width` bits. `read_data` follows `read_address` by three
/// cycles: the memory's own read, its output register, and one behind the choice of a bank, which
/// also carries the word across the device to the multipliers.
pub fn read_ahead_memory(name: &str, depth: u64, width: usize, target: Target) -> Module {
    let mut m = Module::new(
        name,
        format!("{DOC}\n`read_data` follows `read_address` by three cycles.\nA word written in one cycle can be read from the second after it."),
    );
    let address = bits_for(depth - 1);
    m.input("aclk", 1, "");
    let write = m.input("write", 1, "");
    let write_address = m.input("write_address", address, "");
    let write_data = m.input("write_data", width, "");
    let read_address = m.input("read_address", address, "");
    let read_data = m.output("read_data", width, "");
    let tiles = tiling(target, depth, width);
    if tiles.is_empty() {
        m.takes(Resource::Memory {
            words: depth,
            bits: width,
        });
        m.primitive_body(inferred(depth, width));
        return m;
    }
    // The write is registered once, so that the choice of a bank is no part of the stream's path.
    let late_address = m.data_reg("write_address", address, "");
    let late_data = m.data_reg("write_data", width, "");
    let writes: Vec<Expr> = tiles
        .iter()
        .enumerate()
        .map(|(index, tile)| {
            let words = format!("words {} to {}", tile.first, tile.first + tile.words - 1);
            let late = m.data_reg(&format!("bank{index}_write"), 1, &words);
            m.comb(|b| match tiles.len() {
                1 => b.set(&late.d, &write),
                _ => b.set(&late.d, &(&write & tile.holds(&write_address))),
            });
            late.q
        })
        .collect();
    m.comb(|b| {
        b.set(&late_address.d, &write_address);
        b.set(&late_data.d, &write_data);
    });
    let ports = Ports {
        writes,
        write_address: late_address.q,
        write_data: late_data.q,
        read_address,
    };
    let banks: Vec<Expr> = tiles
        .iter()
        .enumerate()
        .map(|(index, tile)| bank(&mut m, name, index, tile, &ports, target))
        .collect();
    select(&mut m, &tiles, &banks, &ports.read_address, &read_data);
    m
}

fn inferred(depth: u64, width: usize) -> String {
    format!(
        "\
{NO_COLLISIONS}
reg [{msb}:0] words [0:{last}];
reg write_q;
reg [{address}:0] write_address_q;
reg [{msb}:0] write_data_q;
reg [{msb}:0] read_q;
reg [{msb}:0] output_q;
reg [{msb}:0] read_data_q;

assign read_data = read_data_q;

always @(posedge aclk) begin
  write_q <= write;
  write_address_q <= write_address;
  write_data_q <= write_data;
  if (write_q) words[write_address_q] <= write_data_q;
  read_q <= words[read_address];
  output_q <= read_q;
  read_data_q <= output_q;
end",
        address = bits_for(depth - 1) - 1,
        msb = width - 1,
        last = depth - 1,
    )
}

struct Ports {
    /// By bank.
    writes: Vec<Expr>,
    write_address: Expr,
    write_data: Expr,
    read_address: Expr,
}

/// Places the block RAMs of one bank side by side; returns the bank's read data.
fn bank(
    m: &mut Module,
    name: &str,
    index: usize,
    tile: &Tile,
    ports: &Ports,
    target: Target,
) -> Expr {
    let width = ports.write_data.width();
    let data = m.net(&format!("bank{index}_data"), width, "");
    let write = &ports.writes[index];
    let wide = bits_for(tile.depth - 1);
    let narrow = wide.min(ports.write_address.width());
    let local = |address: &Expr| address.slice(0, narrow).zext(wide);
    let block_name = format!("{name}_{}x{}", tile.depth, tile.width);
    let mut low = 0;
    while low < width {
        let used = tile.width.min(width - low);
        let block = block_ram(&block_name, tile, Reads::Always, target);
        let column = low / tile.width;
        let (write_data, read_data) = if used == tile.width {
            (ports.write_data.slice(low, used), data.slice(low, used))
        } else {
            // The last block of a bank may be wider than what is left of the word.
            let spare = m.net(&format!("bank{index}_spare"), tile.width, "");
            m.assign(&data.slice(low, used), &spare.slice(0, used));
            m.unused(
                &format!("bank{index}_spare"),
                &spare.slice(used, tile.width - used),
            );
            (ports.write_data.slice(low, used).zext(tile.width), spare)
        };
        m.instance(
            &format!("u_bank{index}_{column}"),
            block,
            vec![
                ("write", write.clone()),
                ("write_address", local(&ports.write_address)),
                ("write_data", write_data),
                ("read_address", local(&ports.read_address)),
                ("read_data", read_data),
            ],
        );
        low += used;
    }
    data
}

/// Registers the word of the bank that was addressed.
fn select(m: &mut Module, tiles: &[Tile], banks: &[Expr], address: &Expr, read_data: &Expr) {
    let chosen = m.data_reg("chosen", read_data.width(), "");
    let mut hits = Vec::new();
    for (index, tile) in tiles.iter().enumerate().skip(1) {
        let asked = m.data_reg(&format!("bank{index}_asked"), 1, "");
        let due = m.data_reg(&format!("bank{index}_due"), 1, "");
        m.comb(|b| {
            b.set(&asked.d, &tile.holds(address));
            b.set(&due.d, &asked.q);
        });
        hits.push(due.q);
    }
    m.comb(|b| {
        b.set(&chosen.d, &banks[0]);
        for (hit, bank) in hits.iter().zip(&banks[1..]) {
            b.when(hit, |b| b.set(&chosen.d, bank));
        }
    });
    m.assign(read_data, &chosen.q);
}

impl Tile {
    /// Whether `address` lies in this bank. Banks are aligned to their depth.
    fn holds(&self, address: &Expr) -> Expr {
        let low = bits_for(self.depth - 1);
        if low >= address.width() {
            return lit(1, 1);
        }
        let high = address.slice(low, address.width() - low);
        high.eq(&lit(self.first >> low, high.width()))
    }
}

/// Builds a memory with a register behind its read, each with an enable: `fetch` reads a word, `move` puts what was read
/// last into `read_data`.
pub fn fetched_memory(name: &str, depth: u64, width: usize, target: Target) -> Module {
    let mut m = Module::new(
        name,
        format!(
            "{DOC}\n`fetch` reads a word; `move` puts the one that was read last into `read_data`."
        ),
    );
    let address = bits_for(depth - 1);
    m.input("aclk", 1, "");
    let write = m.input("write", 1, "");
    let write_address = m.input("write_address", address, "");
    let write_data = m.input("write_data", width, "");
    let fetch = m.input("fetch", 1, "a word is read");
    let moves = m.input("move", 1, "the word that was read last moves on");
    let read_address = m.input("read_address", address, "");
    let read_data = m.output("read_data", width, "");
    let Some(tile) = one_deep(target, depth) else {
        m.takes(Resource::Memory {
            words: depth,
            bits: width,
        });
        m.primitive_body(format!(
            "\
{NO_COLLISIONS}
reg [{msb}:0] words [0:{last}];
reg [{msb}:0] read_q;
reg [{msb}:0] read_data_q;

assign read_data = read_data_q;

always @(posedge aclk) begin
  if (write) words[write_address] <= write_data;
  if (fetch) read_q <= words[read_address];
  if (move) read_data_q <= read_q;
end",
            msb = width - 1,
            last = depth - 1,
        ));
        return m;
    };
    let wide = bits_for(tile.depth - 1);
    for (column, low) in (0..width).step_by(tile.width).enumerate() {
        let used = tile.width.min(width - low);
        let block = block_ram(
            &format!("{name}_{}x{}", tile.depth, tile.width),
            &tile,
            Reads::Fetched,
            target,
        );
        let word = m.net(&format!("word{column}"), tile.width, "");
        m.assign(&read_data.slice(low, used), &word.slice(0, used));
        if used < tile.width {
            let spare = word.slice(used, tile.width - used);
            m.unused(&format!("word{column}"), &spare);
        }
        m.instance(
            &format!("u_block{column}"),
            block,
            vec![
                ("write", write.clone()),
                ("write_address", write_address.zext(wide)),
                ("write_data", write_data.slice(low, used).zext(tile.width)),
                ("fetch", fetch.clone()),
                ("move", moves.clone()),
                ("read_address", read_address.zext(wide)),
                ("read_data", word),
            ],
        );
    }
    m
}

/// Builds a memory whose output holds while `read` is low; `read_data` follows by one cycle.
pub fn held_memory(name: &str, depth: u64, width: usize) -> Module {
    let mut m = Module::new(
        name,
        format!("{DOC}\n`read_data` changes in the cycle after `read` only."),
    );
    let address = bits_for(depth - 1);
    m.input("aclk", 1, "");
    m.input("write", 1, "");
    m.input("write_address", address, "");
    m.input("write_data", width, "");
    m.input("read", 1, "");
    m.input("read_address", address, "");
    m.output("read_data", width, "");
    m.takes(Resource::Memory {
        words: depth,
        bits: width,
    });
    m.primitive_body(format!(
        "\
{NO_COLLISIONS}
reg [{msb}:0] words [0:{last}];
reg [{msb}:0] read_data_q;

assign read_data = read_data_q;

always @(posedge aclk) begin
  if (write) words[write_address] <= write_data;
  if (read) read_data_q <= words[read_address];
end",
        msb = width - 1,
        last = depth - 1,
    ));
    m
}

/// Builds a memory whose output follows its address in the same cycle: lookup tables that are
/// memories, in families that have them.
pub fn prompt_memory(name: &str, depth: u64, width: usize) -> Module {
    let mut m = Module::new(
        name,
        format!("{DOC}\n`read_data` is that of `read_address` in the same cycle."),
    );
    let address = bits_for(depth - 1);
    m.input("aclk", 1, "");
    m.input("write", 1, "");
    m.input("write_address", address, "");
    m.input("write_data", width, "");
    m.input("read_address", address, "");
    m.output("read_data", width, "");
    m.primitive_body(format!(
        "\
reg [{msb}:0] words [0:{last}];

assign read_data = words[read_address];

always @(posedge aclk) begin
  if (write) words[write_address] <= write_data;
end",
        msb = width - 1,
        last = depth - 1,
    ));
    m
}

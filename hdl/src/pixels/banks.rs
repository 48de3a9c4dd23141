//! The line buffer of lanes over pixels.

use super::turn::{late, turn_cycles, turned};
use crate::config::capacity::Capacity;
use crate::config::descriptor::Descriptor;
use crate::config::inputs::{Config, Used};
use crate::config::pixels::{PixelHull, PixelLanes, TapColumn};
use crate::primitives::memory::{read_ahead_memory, MEMORY_CYCLES};
use crate::primitives::paged_memory::{number, LoadBus, ReadBy};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Expr, Module, Reg};

const DOC: &str = "\
Line buffer of lanes over pixels: a bank for each lane. A word is written to all of them at once. Lane
0 reads the bank that its tap says, lane 1 the one behind it, and so on; beyond the last bank they go
on with the first, in the same word of the next stretch of the row. A lane beyond a border reads zero.
What comes has zeros beyond its row. Where nothing behind the lanes drops those that are beyond the row
of the result, they read zero as well.

In order: the tap's row of the table; the two addresses, by which a stretch is not left and by which
it is; each bank's choice of them; the banks; and their words turned to the lanes.

Promise: a word is found by an address from the cycle of its write on. ";

const TOLD_DOC: &str = "

The table is told with the job; a ring's size is built in.";

/// Cycles from an address to the banks' own.
pub const READ_BEHIND_CYCLES: usize = 3;

/// Cycles from an address to the words of so many lanes.
pub fn bank_cycles(lanes: usize) -> usize {
    READ_BEHIND_CYCLES + MEMORY_CYCLES + turn_cycles(lanes)
}

/// Where the layer is told: in the Verilog, or at run time.
pub enum Rows<'a> {
    /// Of one layer.
    Exactly(&'a PixelLanes),
    /// Of every layer within these; rows are always put in order behind the lanes.
    Told(&'a PixelHull, &'a mut Config),
}

impl Rows<'_> {
    fn lanes(&self) -> u64 {
        match self {
            Rows::Exactly(pixels) => pixels.result.lanes,
            Rows::Told(hull, _) => hull.lanes,
        }
    }

    /// Lanes in the row's last stretch and how many stretches there are, where lanes beyond the end of the result's row are
    /// dropped nowhere behind.
    fn row_end(&self) -> Option<(usize, u64)> {
        match self {
            Rows::Exactly(pixels) if drops_lanes(pixels) => {
                Some((pixels.result.last_columns() as usize, stretches(pixels)))
            }
            _ => None,
        }
    }
}

/// Builds it for words of `bits` bits a lane.
pub fn banked_line_buffer(
    name: &str,
    capacity: &Capacity,
    mut rows: Rows,
    bits: usize,
    target: Target,
) -> Module {
    let lanes = rows.lanes() as usize;
    let cycles = bank_cycles(lanes);
    let promise = format!(
        "It may be written over from {READ_BEHIND_CYCLES} cycles
behind the address on. `lanes` follows address, tap and stretch by {cycles} cycles."
    );
    let told = match &rows {
        Rows::Exactly(_) => "",
        Rows::Told(..) => TOLD_DOC,
    };
    let mut m = Module::new(name, format!("{DOC}{promise}{told}"));
    m.input("aclk", 1, "");
    let width = bits_for(capacity.line_words - 1);
    let [tap_bits, stretch_bits] = match &rows {
        Rows::Exactly(pixels) => [pixels.tap_bits(), pixels.stretch_bits()],
        Rows::Told(hull, _) => [hull.tap_bits(), hull.stretch_bits()],
    };
    let write = m.input("write", 1, "");
    let write_address = m.input("write_address", width, "");
    let write_data = m.input("write_data", lanes * bits, "lane 0 in the low bits");
    let address = m.input("read_address", width, "of the stretch's first word");
    let tap = m.input("tap", tap_bits, "place in the table");
    let stretch = m.input("stretch", stretch_bits, "of the row");
    let out = m.output("lanes", lanes * bits, "");

    let row_end = rows.row_end();
    let table = match &mut rows {
        Rows::Exactly(pixels) => Table::place(&mut m, capacity, pixels, &tap),
        Rows::Told(hull, config) => Table::told(&mut m, capacity, hull, &tap, config),
    };
    let base = m.data_reg("base", width, "");
    let of_stretch = m.data_reg("of_stretch", stretch_bits, "");
    m.comb(|b| {
        b.set(&base.d, &address);
        b.set(&of_stretch.d, &stretch);
    });
    let sums = WORDS.map(|word| table.address(&mut m, word, &base.q));
    let inside = WORDS.map(|word| table.inside(&mut m, word, &of_stretch.q));
    let rotation = table.field("rotation");
    let turn = rotation.as_ref().map(|rotation| {
        let held = m.data_reg("turn", rotation.width(), "");
        m.comb(|b| b.set(&held.d, rotation));
        held.q
    });
    if !table.has_limits() && row_end.is_none() {
        m.unused("of_stretch", &of_stretch.q);
    }

    let words = m.net("words", lanes * bits, "");
    for bank in 0..lanes {
        let read_address = bank_address(&mut m, bank, rotation.as_ref(), &sums, lanes);
        m.instance(
            &format!("u_bank{bank}"),
            read_ahead_memory(&format!("{name}_bank"), capacity.line_words, bits, target),
            vec![
                ("write", write.clone()),
                ("write_address", write_address.clone()),
                ("write_data", write_data.slice(bank * bits, bits)),
                ("read_address", read_address),
                ("read_data", words.slice(bank * bits, bits)),
            ],
        );
    }
    let kept = kept_lanes(
        &mut m,
        (lanes, row_end),
        (&inside, turn.as_ref()),
        &of_stretch.q,
    );
    if turn.is_none() {
        m.unused("behind_address", &sums[1]);
    }
    let turn = turn.map(|turn| late(&mut m, "turn", &turn, 1 + MEMORY_CYCLES));
    let (by, kept) = (turn.as_ref(), Some(&kept));
    let reads = turned(&mut m, "turned", &words, by, kept, lanes);
    m.assign(&out, &reads);
    m
}

/// The word of lane 0, and the same of the next stretch: what names begin with.
const WORDS: [&str; 2] = ["here", "behind"];

/// The table of taps: of the row that was read, the columns that say anything.
struct Table {
    read: Vec<(&'static str, Expr)>,
    /// Bits of the number of a stretch, or of all of them.
    limit_bits: usize,
}

impl Table {
    /// Reads the row of `tap`.
    fn place(m: &mut Module, capacity: &Capacity, pixels: &PixelLanes, tap: &Expr) -> Self {
        let widths = Widths::new(capacity.line_words, pixels.result.lanes, stretches(pixels));
        let mut fields = fields(capacity.line_words, pixels, &widths);
        fields.retain(|field| field.says(stretches(pixels)));
        let read = fields
            .iter()
            .map(|field| m.data_reg(field.name, field.bits, field.comment));
        let read: Vec<Reg> = read.collect();
        m.comb(|b| {
            b.case(tap, pixels.taps.len(), |b, index| {
                b.comment(&pixels.taps[index].comment);
                for (field, reg) in fields.iter().zip(&read) {
                    b.set(&reg.d, &lit(field.values[index], field.bits));
                }
            });
        });
        let read = fields.iter().zip(&read);
        Table {
            read: read
                .map(|(field, reg)| (field.name, reg.q.clone()))
                .collect(),
            limit_bits: widths.limit,
        }
    }

    /// The same out of a memory.
    fn told(
        m: &mut Module,
        capacity: &Capacity,
        hull: &PixelHull,
        tap: &Expr,
        config: &mut Config,
    ) -> Self {
        let widths = Widths::new(capacity.line_words, hull.lanes, hull.stretches());
        let line_words = capacity.line_words;
        let is_odd = !line_words.is_power_of_two();
        // Which there are, whatever the layer.
        let all = fields(line_words, &PixelLanes::default(), &widths);
        let numbers = all.iter().enumerate();
        let numbers = numbers.filter(|(_, field)| is_odd || !field.name.ends_with("_less"));
        let numbers = numbers.map(|(index, field)| {
            let of_tap = move |d: &Descriptor, tap: u64| {
                let one = d.pixels.as_ref().and_then(|pixels| pixels.with_tap(tap));
                one.map_or(0, |one| fields(line_words, &one, &widths)[index].values[0])
            };
            number(field.name, field.bits, field.comment, of_tap)
        });
        let mut bus = LoadBus::declare(m, config, capacity.entry_bits());
        let entries: Vec<u64> = (0..hull.taps).collect();
        let found = bus.memory(
            m,
            config,
            "taps",
            numbers.collect(),
            (&entries, Used::Taps, tap),
            ReadBy::Address,
        );
        bus.close(m);
        let read = all.iter().filter_map(|field| {
            let told = found.get(field.name)?;
            let reg = m.data_reg(field.name, field.bits, field.comment);
            m.comb(|b| b.set(&reg.d, told));
            Some((field.name, reg.q))
        });
        Table {
            read: read.collect(),
            limit_bits: widths.limit,
        }
    }

    /// A column of the row; `None` where it says nothing.
    fn field(&self, wanted: &str) -> Option<Expr> {
        let mut named = self.read.iter();
        let found = named.find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.clone())
    }

    /// Whether some word is not in the row for all stretches.
    fn has_limits(&self) -> bool {
        let is_limit = |name: &str| name.ends_with("_first") || name.ends_with("_last");
        self.read.iter().any(|(name, _)| is_limit(name))
    }

    /// Where a word is: on the ring, an offset from `base`.
    fn address(&self, m: &mut Module, word: &str, base: &Expr) -> Expr {
        let width = base.width();
        let sum = m.data_reg(&format!("{word}_address"), width, "");
        let Some(step) = self.field(&format!("{word}_offset")) else {
            m.comb(|b| b.set(&sum.d, base));
            return sum.q;
        };
        let next = m.net(&format!("{word}_sum"), width, "");
        m.assign(&next, &(base + &step));
        match self.field(&format!("{word}_less")) {
            None => m.comb(|b| b.set(&sum.d, &next)),
            Some(less) => {
                let comment = "less the ring; negative: no wrap is due";
                let wrapped = m.net(&format!("{word}_wrapped"), width + 1, comment);
                m.assign(&wrapped, &(base.zext(width + 1) + less));
                let low = wrapped.slice(0, width);
                m.comb(|b| b.select(&sum.d, &wrapped.msb(), &next, &low));
            }
        }
        sum.q
    }

    /// Whether a word is in the row.
    fn inside(&self, m: &mut Module, word: &str, of_stretch: &Expr) -> Expr {
        let inside = m.data_reg(&format!("{word}_inside"), 1, "its word is in the row");
        let wide = of_stretch.zext(self.limit_bits);
        let first = self.field(&format!("{word}_first"));
        let last = self.field(&format!("{word}_last"));
        let limits = [
            first.map(|first| wide.ge(&first)),
            last.map(|last| last.ge(&wide)),
        ];
        let all = limits.into_iter().flatten().reduce(|a, b| a & b);
        let all = all.unwrap_or_else(|| lit(1, 1));
        m.comb(|b| b.set(&inside.d, &all));
        inside.q
    }
}

/// A bank's choice of the two addresses: the lanes come round to the first ones, as many as the rotation says.
fn bank_address(
    m: &mut Module,
    bank: usize,
    rotation: Option<&Expr>,
    [here, behind]: &[Expr; 2],
    lanes: usize,
) -> Expr {
    let address = m.data_reg(&format!("address{bank}"), here.width(), "");
    // No lane comes round to the last one.
    let Some(rotation) = rotation.filter(|_| bank + 1 < lanes) else {
        m.comb(|b| b.set(&address.d, here));
        return address.q;
    };
    let crosses = m.data_reg(&format!("crosses{bank}"), 1, "the lanes reach it anew");
    m.comb(|b| {
        b.set(
            &crosses.d,
            &rotation.ge(&lit(bank as u64 + 1, rotation.width())),
        );
        b.select(&address.d, &crosses.q, behind, here);
    });
    address.q
}

/// The lanes that are inside the row, in time for the last turn: a lane that goes on in the next stretch is inside where
/// that is.
fn kept_lanes(
    m: &mut Module,
    (lanes, row_end): (usize, Option<(usize, u64)>),
    (inside, turn): (&[Expr; 2], Option<&Expr>),
    of_stretch: &Expr,
) -> Expr {
    let until = turn_cycles(lanes) + MEMORY_CYCLES - 1;
    let here = late(m, "here_inside", &inside[0], until);
    let behind = late(m, "behind_inside", &inside[1], until);
    let turn = turn.map(|turn| late(m, "kept_turn", turn, until));
    let beyond = row_end.map(|(inside, all)| (inside, beyond(m, all, of_stretch, until)));
    let kept = m.data_reg("kept", lanes, "lanes that are inside the row");
    m.comb(|b| {
        for lane in 0..lanes {
            b.set_slice(&kept.d, lane, &here);
            if let Some(turn) = turn.as_ref().filter(|_| lane > 0) {
                let crosses = turn.ge(&lit((lanes - lane) as u64, turn.width()));
                b.when(&crosses, |b| b.set_slice(&kept.d, lane, &behind));
            }
        }
        if let Some((inside, beyond)) = &beyond {
            let nothing = lit(0, lanes - inside);
            b.when(beyond, |b| b.set_slice(&kept.d, *inside, &nothing));
        }
    });
    if turn.is_none() {
        m.unused("behind", &behind);
    }
    kept.q
}

/// Whether lanes are beyond the end of the result's row, and nothing behind them drops those.
fn drops_lanes(pixels: &PixelLanes) -> bool {
    let result = &pixels.result;
    !result.differs() && result.last_columns() < result.lanes
}

/// Whether the stretch is the last of the `stretches` of the result's row, where some lanes are beyond that; elsewhere the
/// row is put in order behind the lanes, and they are dropped there.
fn beyond(m: &mut Module, stretches: u64, of_stretch: &Expr, until: usize) -> Expr {
    let last = of_stretch.eq(&lit(stretches - 1, of_stretch.width()));
    let beyond = m.data_reg(
        "at_end",
        1,
        "in the row's last stretch some lanes are beyond it",
    );
    m.comb(|b| b.set(&beyond.d, &last));
    late(m, "at_end", &beyond.q, until)
}

fn stretches(pixels: &PixelLanes) -> u64 {
    let result = &pixels.result;
    result.columns.div_ceil(result.stretch().max(1))
}

/// A column of the table of taps.
struct Field {
    name: &'static str,
    bits: usize,
    comment: &'static str,
    values: Vec<u64>,
}

impl Field {
    /// Whether it is not the same whatever the tap and the stretch, of so many.
    fn says(&self, stretches: u64) -> bool {
        match self.name.ends_with("_last") {
            true => self.values.iter().any(|&last| last + 1 < stretches),
            false => self.values.iter().any(|&value| value != 0),
        }
    }
}

/// Bits of the numbers in the table.
#[derive(Clone, Copy)]
struct Widths {
    address: usize,
    limit: usize,
    lane: usize,
}

impl Widths {
    fn new(line_words: u64, lanes: u64, stretches: u64) -> Self {
        Widths {
            address: bits_for(line_words - 1),
            limit: bits_for(stretches),
            lane: bits_for(lanes - 1),
        }
    }
}

/// The columns of the table.
fn fields(line_words: u64, pixels: &PixelLanes, widths: &Widths) -> Vec<Field> {
    let width = widths.address;
    let size = line_words as i64;
    let count = stretches(pixels) as i64;
    let limit_bits = widths.limit;
    let lane_bits = widths.lane;
    let stretch_words = pixels.stretch_words as i64;
    let of = |value: &dyn Fn(&TapColumn) -> i64| -> Vec<u64> {
        let limited = |value: i64| value.clamp(0, count) as u64;
        pixels.taps.iter().map(|tap| limited(value(tap))).collect()
    };
    let wrapped = |by: i64| -> Vec<u64> {
        let place = |tap: &TapColumn| (tap.offset + by).rem_euclid(size) as u64;
        pixels.taps.iter().map(place).collect()
    };
    // Where its bits are not the ring's, an offset less the ring stands beside it.
    let is_odd = !line_words.is_power_of_two();
    let less = |by: i64| -> Vec<u64> {
        let offsets = wrapped(by).into_iter();
        match is_odd && wrapped(by).iter().any(|&offset| offset != 0) {
            true => offsets
                .map(|offset| (1 << (width + 1)) + offset - line_words)
                .collect(),
            false => vec![0; pixels.taps.len()],
        }
    };
    // Where the last stretch for which a word is there is none at all, no stretch is as far as the first.
    let none = |first: &mut Vec<u64>, last: &dyn Fn(&TapColumn) -> i64| {
        for (first, tap) in first.iter_mut().zip(&pixels.taps) {
            if last(tap) < 0 {
                *first = count as u64;
            }
        }
    };
    let mut here_first = of(&|tap| tap.first);
    none(&mut here_first, &|tap| tap.last);
    let mut behind_first = of(&|tap| tap.first - 1);
    none(&mut behind_first, &|tap| tap.last - 1);
    vec![
        Field {
            name: "here_offset",
            bits: width,
            comment: "words to that of lane 0",
            values: wrapped(0),
        },
        Field {
            name: "behind_offset",
            bits: width,
            comment: "words to the same of the next stretch",
            values: wrapped(stretch_words),
        },
        Field {
            name: "here_less",
            bits: width + 1,
            comment: "that less the ring",
            values: less(0),
        },
        Field {
            name: "behind_less",
            bits: width + 1,
            comment: "that less the ring",
            values: less(stretch_words),
        },
        Field {
            name: "rotation",
            bits: lane_bits,
            comment: "the bank of lane 0",
            values: pixels.taps.iter().map(|tap| tap.rotation).collect(),
        },
        Field {
            name: "here_first",
            bits: limit_bits,
            comment: "first stretch that has the word",
            values: here_first,
        },
        Field {
            name: "here_last",
            bits: limit_bits,
            comment: "and the last",
            values: of(&|tap| tap.last),
        },
        Field {
            name: "behind_first",
            bits: limit_bits,
            comment: "first stretch whose next one has it",
            values: behind_first,
        },
        Field {
            name: "behind_last",
            bits: limit_bits,
            comment: "and the last",
            values: of(&|tap| tap.last - 1),
        },
    ]
}

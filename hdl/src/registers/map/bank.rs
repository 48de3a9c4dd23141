//! The register map as hardware.

use super::{Field, Kind, Register, RegisterMap, REGISTER_BITS};
use crate::registers::axi_lite::{axi_lite, AxiPins};
use crate::registers::counters::COUNT_CYCLES;
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use std::collections::BTreeMap;

const DOC: &str = "\
Registers behind an AXI4-Lite slave, as the register map has them.

Promise: a write changes the bytes that its strobes name, in the cycle after it. What no register
is written by or read from is answered by SLVERR and changes nothing; so is a word of the table
while `table_locked` is high. A command is a pulse of one cycle. An event stays from its pulse to
the write that clears it; a pulse in that same cycle wins. `irq` is a register: an event is there
and enabled.";

/// The signal of a field outside of the bank: the register's name, and the field's where there are
/// several.
fn signal(register: &Register, field: &Field) -> String {
    match register.fields.as_slice() {
        [_] => register.name.clone(),
        _ => format!("{}_{}", register.name, field.name),
    }
}

/// Builds the bank of `map` with the slave in front of it. Ports: `s_axi_*`; `irq` where an event
/// can raise it; for each field, by the name of its register and where
/// there are several its own, an input (status), an output (command, and control
/// that enables no event) or an input with `_set` behind its name (event); `table_*` where there is a table.
pub fn bank(name: &str, map: &RegisterMap) -> Module {
    let mut m = Module::new(format!("{name}_registers"), DOC);
    m.clocked();
    let pins = AxiPins::declare(&mut m, map.address_bits());
    let word_bits = map.address_bits() - 2;
    let table = Table::new(&mut m, map);
    let cells: Vec<(&Register, Vec<Cell>)> = map
        .registers()
        .iter()
        .filter(|register| !matches!(register.kind, Kind::Table { .. }))
        .map(|register| {
            let fields = register.fields.iter();
            let shown = !map.is_enable(register);
            let cells = fields.map(|field| Cell::new(&mut m, register, field, shown));
            (register, cells.collect())
        })
        .collect();

    let write = m.net("write", 1, "");
    let write_word = m.net("write_word", word_bits, "");
    let write_data = m.net("write_data", 32, "");
    let write_strobe = m.net("write_strobe", 4, "");
    let read = m.net("read", 1, "");
    let read_word = m.net("read_word", word_bits, "");
    let bad_write = m.data_reg("bad_write", 1, "the latest write was to no register");
    let reads = Reads::new(&mut m, map, &cells);
    m.comb(|b| {
        for cell in cells.iter().flat_map(|(_, cells)| cells) {
            cell.idle(b);
        }
        b.comment("Writes.");
        b.set(&bad_write.d, &lit(1, 1));
        for (register, cells) in &cells {
            if register.kind.writable() {
                let hit = write_word.eq(&lit(register.offset / 4, word_bits));
                b.when(&hit, |b| {
                    b.set(&bad_write.d, &lit(0, 1));
                    b.when(&write, |b| {
                        for cell in cells {
                            cell.write(b, &write_data, &write_strobe);
                        }
                    });
                });
            }
        }
        if let Some(table) = &table {
            let from = write_word.ge(&lit(table.first, word_bits));
            let to = lit(table.last, word_bits).ge(&write_word);
            b.set(&table.open, &(from & to & !&table.locked));
            b.set(&table.write.d, &(&write & &table.open));
            b.when(&table.open, |b| b.set(&bad_write.d, &lit(0, 1)));
        }
    });
    reads.answer(&mut m, &read, &read_word);
    interrupt(&mut m, map, &cells);
    if let Some(table) = &table {
        let index = table.word.width();
        // The slave keeps a write until it is answered, so that the word may go on a cycle later.
        m.assign(&table.written, &table.write.q);
        m.assign(&table.word, &write_word.slice(0, index));
        m.assign(&table.data, &write_data);
        m.assign(&table.strobe, &write_strobe);
    }
    let mut bindings = pins.bindings();
    bindings.extend([
        ("write", write),
        ("write_word", write_word),
        ("write_data", write_data),
        ("write_strobe", write_strobe),
        ("write_refused", bad_write.q),
        ("read", read),
        ("read_word", read_word),
        ("read_answered", reads.answers.q),
        ("read_data", reads.value.q),
        ("read_refused", reads.bad.q),
    ]);
    let slave = axi_lite(&format!("{name}_axi"), map.address_bits());
    m.instance("u_axi", slave, bindings);
    m
}

/// Words of registers that are one choice of the first step of a read: as many as a lookup table of four inputs tells
/// apart, so that a bit of constants is one of them.
const GROUP_BITS: usize = 4;

/// Cycles from the slave's question until the second step's register has the answer, less one.
const FOUND_CYCLES: u64 = 1;

/// What is read, in two steps: a word of each group of registers, then one of the groups. In one step it was the longest
/// path of an engine, and cost twice the logic.
struct Reads<'a> {
    groups: Vec<Group<'a>>,
    value: Reg,
    bad: Reg,
    /// Cycles until the answer, and that it is there.
    left: Reg,
    answers: Reg,
    counters: Option<Counters>,
}

/// The counters, which take some cycles to tell a word.
struct Counters {
    read: Expr,
    word: Expr,
    count: Expr,
}

impl Counters {
    /// `None` where the map has none.
    fn new(m: &mut Module, map: &RegisterMap) -> Option<Self> {
        let words = map.counters() as u64;
        (words > 0).then(|| Counters {
            read: m.output("counter_read", 1, "a word of a counter is read"),
            word: m.output("counter", bits_for(words - 1), "which it is"),
            count: m.input("count", REGISTER_BITS, "its value"),
        })
    }
}

/// Registers side by side.
struct Group<'a> {
    /// By the low bits of their address in words.
    by_word: BTreeMap<usize, &'a (&'a Register, Vec<Cell>)>,
    /// Its address: the bits above.
    at: usize,
    value: Reg,
    bad: Reg,
}

impl<'a> Reads<'a> {
    fn new(m: &mut Module, map: &RegisterMap, cells: &'a [(&Register, Vec<Cell>)]) -> Self {
        let mut by_group: BTreeMap<usize, BTreeMap<usize, &(&Register, Vec<Cell>)>> =
            BTreeMap::new();
        for of_register in cells {
            let word = (of_register.0.offset / 4) as usize;
            let group = by_group.entry(word >> GROUP_BITS).or_default();
            group.insert(word % (1 << GROUP_BITS), of_register);
        }
        let counters = Counters::new(m, map);
        let most = FOUND_CYCLES + COUNT_CYCLES;
        let groups = by_group.into_iter().map(|(at, by_word)| {
            let from = at << (GROUP_BITS + 2);
            let what = format!("a word of those from 0x{from:03X} on");
            Group {
                by_word,
                at,
                value: m.data_reg(&format!("value_{at}"), 32, &what),
                bad: m.data_reg(&format!("bad_read_{at}"), 1, ""),
            }
        });
        Reads {
            groups: groups.collect(),
            value: m.data_reg("value", 32, "what is read"),
            bad: m.data_reg("bad_read", 1, "no register is read"),
            left: m.reg(
                "read_left",
                bits_for(most),
                0,
                "cycles until it is answered",
            ),
            answers: m.reg("read_answers", 1, 0, ""),
            counters,
        }
    }

    /// Both steps, of the word at an address that stays for them.
    fn answer(&self, m: &mut Module, read: &Expr, word: &Expr) {
        let low = word.slice(0, GROUP_BITS);
        let high = word.slice(GROUP_BITS, word.width() - GROUP_BITS);
        m.comb(|b| {
            b.comment("Reads, the first step: a word of each group.");
            for group in &self.groups {
                b.set(&group.value.d, &lit(0, 32));
                b.set(&group.bad.d, &lit(1, 1));
                let words = group.by_word.keys().max().map_or(0, |last| last + 1);
                b.case(&low, words + 1, |b, word| {
                    let Some((register, cells)) = group.by_word.get(&word) else {
                        return;
                    };
                    b.set(&group.bad.d, &lit(0, 1));
                    if let (Kind::Counter { .. }, Some(it)) = (register.kind, &self.counters) {
                        b.set(&group.value.d, &it.count);
                    }
                    for cell in cells {
                        if let Some(bits) = &cell.value {
                            b.set_slice(&group.value.d, cell.field.low, bits);
                        }
                    }
                });
            }
        });
        m.comb(|b| {
            b.comment("Reads, the second step: one of the groups.");
            b.set(&self.value.d, &lit(0, 32));
            b.set(&self.bad.d, &lit(1, 1));
            for group in &self.groups {
                let here = high.eq(&lit(group.at as u64, high.width()));
                b.when(&here, |b| {
                    b.set(&self.value.d, &group.value.q);
                    b.set(&self.bad.d, &group.bad.q);
                });
            }
        });
        m.comb(|b| {
            b.comment("The answer; a counter is told later than the others.");
            let bits = self.left.q.width();
            b.set(&self.answers.d, &self.left.q.eq(&lit(1, bits)));
            b.when(&self.left.q.non_zero(), |b| {
                b.set(&self.left.d, &self.left.q.minus(1));
            });
            b.when(read, |b| {
                b.set(&self.left.d, &lit(FOUND_CYCLES, bits));
                if self.counters.is_some() {
                    let cycles = lit(FOUND_CYCLES + COUNT_CYCLES, bits);
                    b.when(&self.of_counters(word), |b| b.set(&self.left.d, &cycles));
                }
            });
        });
        if let Some(it) = &self.counters {
            m.assign(&it.read, &(read & self.of_counters(word)));
            m.assign(&it.word, &word.slice(0, it.word.width()));
        }
    }
}

impl Reads<'_> {
    /// Whether a word is in a group that has counters.
    fn of_counters(&self, word: &Expr) -> Expr {
        let high = word.slice(GROUP_BITS, word.width() - GROUP_BITS);
        let is_counter = |it: &&(&Register, Vec<Cell>)| matches!(it.0.kind, Kind::Counter { .. });
        let with_counters = self
            .groups
            .iter()
            .filter(|group| group.by_word.values().any(is_counter));
        with_counters
            .map(|group| high.eq(&lit(group.at as u64, high.width())))
            .reduce(|any, one| any | one)
            .unwrap_or_else(|| lit(0, 1))
    }
}

/// What the bank shows of writes to the table.
struct Table {
    /// Addresses, in words.
    first: u64,
    last: u64,
    write: Reg,
    written: Expr,
    word: Expr,
    data: Expr,
    strobe: Expr,
    locked: Expr,
    open: Expr,
}

impl Table {
    /// `None` where the map has none.
    fn new(m: &mut Module, map: &RegisterMap) -> Option<Self> {
        let words: Vec<u64> = map
            .table()
            .map(|(register, _)| register.offset / 4)
            .collect();
        let (&first, &last) = (words.first()?, words.last()?);
        let index = bits_for(last - first);
        // The low bits of an address are then the index.
        assert!(
            first % (1 << index) == 0,
            "the table is not aligned to its size"
        );
        Some(Table {
            first,
            last,
            write: m.reg("table_write", 1, 0, ""),
            written: m.output("table_write", 1, "a word of the table is written"),
            word: m.output("table_word", index, "its index"),
            data: m.output("table_data", 32, ""),
            strobe: m.output("table_strobe", 4, "its bytes that are written"),
            locked: m.input("table_locked", 1, "the table must not change"),
            open: m.net("table_open", 1, ""),
        })
    }
}

/// A field in the bank.
struct Cell {
    field: Field,
    /// Its bits when read; `None` for zero.
    value: Option<Expr>,
    /// Where writes go.
    reg: Option<Reg>,
    /// What sets the bits of an event.
    set: Option<Expr>,
}

impl Cell {
    /// `shown`: a control is for the hardware outside to see.
    fn new(m: &mut Module, register: &Register, field: &Field, shown: bool) -> Self {
        let name = signal(register, field);
        let width = field.width;
        let mut cell = Cell {
            field: field.clone(),
            value: None,
            reg: None,
            set: None,
        };
        match register.kind {
            Kind::Constant => cell.value = Some(lit(field.value.into(), width)),
            Kind::Status => cell.value = Some(m.input(&name, width, &field.doc)),
            Kind::Control | Kind::Command => {
                let port = shown.then(|| m.output(&name, width, &field.doc));
                let reg = m.reg(&name, width, field.value.into(), "");
                if let Some(port) = port {
                    m.assign(&port, &reg.q);
                }
                cell.value = (register.kind == Kind::Control).then(|| reg.q.clone());
                cell.reg = Some(reg);
            }
            Kind::Event { .. } => {
                let reg = m.reg(&name, width, 0, "");
                cell.set = Some(m.input(&format!("{name}_set"), width, &field.doc));
                cell.value = Some(reg.q.clone());
                cell.reg = Some(reg);
            }
            Kind::Counter { .. } | Kind::Table { .. } => (),
        }
        cell
    }

    /// What happens without a write, where the bits do not just stay.
    fn idle(&self, b: &mut Body) {
        match (&self.reg, &self.set) {
            (Some(reg), Some(set)) => b.set(&reg.d, &(&reg.q | set)),
            (Some(reg), None) if self.value.is_none() => {
                b.set(&reg.d, &lit(0, self.field.width));
            }
            _ => (),
        }
    }

    /// A write to the bytes whose strobes are high.
    fn write(&self, b: &mut Body, data: &Expr, strobe: &Expr) {
        let Some(reg) = &self.reg else { return };
        let Field { low, width, .. } = self.field;
        for byte in low / 8..=(low + width - 1) / 8 {
            let from = low.max(byte * 8);
            let bits = (low + width).min(byte * 8 + 8) - from;
            let at = from - low;
            b.when(&strobe.bit(byte), |b| {
                let written = data.slice(from, bits);
                let next = match &self.set {
                    Some(set) => (reg.q.slice(at, bits) & !written) | set.slice(at, bits),
                    None => written,
                };
                b.set_slice(&reg.d, at, &next);
            });
        }
    }
}

/// The interrupt, where an event can raise it.
fn interrupt(m: &mut Module, map: &RegisterMap, cells: &[(&Register, Vec<Cell>)]) {
    let cells_at = |offset: u64| {
        cells
            .iter()
            .find(|(register, _)| register.offset == offset)
            .map_or(&[][..], |(_, cells)| cells.as_slice())
    };
    let mut sources = Vec::new();
    for register in map.registers() {
        let Kind::Event {
            enable: Some(enable),
        } = register.kind
        else {
            continue;
        };
        for (event, enable) in cells_at(register.offset).iter().zip(cells_at(enable)) {
            if let (Some(event), Some(enable)) = (&event.value, &enable.value) {
                sources.push((event & enable).any());
            }
        }
    }
    let Some(any) = sources.into_iter().reduce(|all, one| all | one) else {
        return;
    };
    let port = m.output("irq", 1, "interrupt: an enabled event is there");
    let irq = m.reg("irq", 1, 0, "");
    m.comb(|b| {
        b.comment("The interrupt.");
        b.set(&irq.d, &any);
    });
    m.assign(&port, &irq.q);
}

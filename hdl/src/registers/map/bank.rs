//! The register map as hardware.

use super::{Field, Kind, Register, RegisterMap};
use crate::registers::axi_lite::{axi_lite, AxiPins};
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use std::collections::HashMap;

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
    let bad_read = m.data_reg("bad_read", 1, "no register is read");
    let value = m.data_reg("value", 32, "what is read");
    // Readable registers by their address in words; no word from `words` on is one.
    let by_word: HashMap<usize, &(&Register, Vec<Cell>)> = cells
        .iter()
        .map(|cell| ((cell.0.offset / 4) as usize, cell))
        .collect();
    let words = by_word.keys().max().map_or(0, |last| last + 1);
    let index_bits = bits_for(words as u64);
    let above =
        (index_bits < word_bits).then(|| read_word.slice(index_bits, word_bits - index_bits));
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
            b.when(&table.open, |b| b.set(&bad_write.d, &lit(0, 1)));
        }
        b.comment(
            "Reads: one choice by the address, which costs far less than one for each register.",
        );
        b.set(&value.d, &lit(0, 32));
        b.set(&bad_read.d, &lit(1, 1));
        b.case(&read_word.slice(0, index_bits), words + 1, |b, word| {
            if let Some((_, cells)) = by_word.get(&word) {
                b.set(&bad_read.d, &lit(0, 1));
                for cell in cells {
                    if let Some(bits) = &cell.value {
                        b.set_slice(&value.d, cell.field.low, bits);
                    }
                }
            }
        });
        if let Some(above) = &above {
            b.when(&above.non_zero(), |b| b.set(&bad_read.d, &lit(1, 1)));
        }
    });
    interrupt(&mut m, map, &cells);
    if let Some(table) = &table {
        let index = table.word.width();
        m.assign(&table.write, &(&write & &table.open));
        m.assign(&table.word, &write_word.slice(0, index));
        m.assign(&table.data, &write_data);
        m.assign(&table.strobe, &write_strobe);
    }
    // The bank reads in every cycle; what the slave asks for stays while it does.
    m.unused("read", &read);
    let mut bindings = pins.bindings();
    bindings.extend([
        ("write", write),
        ("write_word", write_word),
        ("write_data", write_data),
        ("write_strobe", write_strobe),
        ("write_refused", bad_write.q),
        ("read", read),
        ("read_word", read_word),
        ("read_data", value.q),
        ("read_refused", bad_read.q),
    ]);
    let slave = axi_lite(&format!("{name}_axi"), map.address_bits());
    m.instance("u_axi", slave, bindings);
    m
}

/// What the bank shows of writes to the table.
struct Table {
    /// Addresses, in words.
    first: u64,
    last: u64,
    write: Expr,
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
            write: m.output("table_write", 1, "a word of the table is written"),
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
            Kind::Table { .. } => (),
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

//! The shadow: the job that comes next, word by word out of the table, and what of it each part of the engine is told.

use super::pass::{up_to, Pass};
use crate::config::inputs::Turn;
use crate::primitives::paged_memory::{LOAD_BITS, LOAD_DATA, LOAD_ENTRY, LOAD_PAGE};
use crate::rtl::{lit, Body, Expr, Module, Reg};
use crate::shell::job_table::{plain, JobTable, TableField, FRAMES_BITS};

/// Words of registers, and the bus that fills the memories of the core.
pub(super) struct Shadow {
    /// The words are loaded through one another, the last one first.
    chain: Vec<Reg>,
    /// What each part was told; `None` where it sees the shadow.
    told: Vec<Option<Reg>>,
    frames: Reg,
    /// The word is one of registers.
    of_register: Reg,
    bus: LoadOut,
}

impl Shadow {
    pub fn new(m: &mut Module, table: &JobTable) -> Self {
        let bus = LoadOut::new(m, table);
        let chain = table
            .bits()
            .enumerate()
            .map(|(i, bits)| m.data_reg(&format!("word{i}"), bits, ""));
        let chain = chain.collect();
        let told = table.fields().map(|TableField { port, .. }| {
            let name = format!("told_{}", plain(port));
            (port.turn != Turn::Known).then(|| m.data_reg(&name, port.width, ""))
        });
        let told = told.collect();
        Shadow {
            chain,
            told,
            frames: m.data_reg("told_frames_less_1", FRAMES_BITS, ""),
            of_register: m.reg("of_register", 1, 0, "it is one of the layer's in registers"),
            bus,
        }
    }

    /// Frames of its job, less one.
    pub fn frames_less_1(&self) -> &Expr {
        // There is a word at least: the number of frames, which is the last.
        &self.chain[self.chain.len() - 1].q
    }

    /// Takes the words of a pass while `loading`; `page` is the page of the memories in use.
    pub fn load(&self, b: &mut Body, table: &JobTable, pass: &Pass, loading: &Expr, page: &Expr) {
        let before = pass.before();
        let [_, column_bits] = table.index_bits();
        let told = before.line.q.non_zero();
        let told = match up_to(&before.line.q, self.chain.len() as u64) {
            Some(up_to_last) => told & up_to_last,
            None => told,
        };
        let of_register = before.column.q.eq(&lit(0, column_bits)) & told;
        b.set(&self.of_register.d, &(&before.valid.q & of_register));
        b.comment("A load: each word of registers moves on by one.");
        let (_, word) = pass.word();
        b.when(&(loading & &self.of_register.q), |b| {
            for (i, reg) in self.chain.iter().enumerate() {
                let from = self.chain.get(i + 1).map_or(word, |next| &next.q);
                b.set(&reg.d, &from.slice(0, reg.q.width()));
            }
        });
        self.bus.step(b, table, pass, loading, page);
    }

    /// What is on its way from the table is dropped.
    pub fn drop(&self, b: &mut Body) {
        b.set(&self.of_register.d, &lit(0, 1));
    }

    /// The parts that go on in this turn are told.
    pub fn tell(&self, b: &mut Body, table: &JobTable, turn: Turn) {
        for (field, reg) in table.fields().zip(&self.told) {
            if let (Some(reg), true) = (reg, field.port.turn == turn) {
                let told = self.chain[field.word].q.slice(field.low, field.port.width);
                b.set(&reg.d, &told);
            }
        }
        if turn == Turn::Taken {
            b.set(&self.frames.d, self.frames_less_1());
        }
    }

    /// Drives `ports`, one for each field of the table, and the number of frames.
    pub fn drive(&self, m: &mut Module, table: &JobTable, ports: &[Expr], frames: &Expr) {
        for ((field, port), told) in table.fields().zip(ports).zip(&self.told) {
            let shadow = || self.chain[field.word].q.slice(field.low, field.port.width);
            let value = told.as_ref().map_or_else(shadow, |told| told.q.clone());
            m.assign(port, &value);
        }
        m.assign(frames, &self.frames.q);
    }
}

/// The bus that fills the memories of the core.
struct LoadOut {
    page: Reg,
    entry: Reg,
    data: Reg,
    strobes: Vec<Reg>,
}

impl LoadOut {
    fn new(m: &mut Module, table: &JobTable) -> Self {
        let mut out = |name: &str, reg: &str, width: usize, comment: &str, strobe: bool| {
            let port = m.output(name, width, comment);
            let reg = match strobe {
                true => m.reg(reg, width, 0, ""),
                false => m.data_reg(reg, width, ""),
            };
            m.assign(&port, &reg.q);
            reg
        };
        LoadOut {
            page: out(LOAD_PAGE, "load_page", 1, "page that is filled", false),
            entry: out(
                LOAD_ENTRY,
                "load_entry",
                table.entry_bits(),
                "entry that is filled",
                false,
            ),
            data: out(LOAD_DATA, "load_data", LOAD_BITS, "its word", false),
            strobes: table
                .memories()
                .iter()
                .enumerate()
                .map(|(i, memory)| {
                    let reg = format!("load{i}");
                    out(&memory.strobe, &reg, 1, "it is one of this memory", true)
                })
                .collect(),
        }
    }

    /// A word of a column goes into its memory, to the entry of its line.
    fn step(&self, b: &mut Body, table: &JobTable, pass: &Pass, loading: &Expr, page: &Expr) {
        let (at, word) = pass.word();
        let [line_bits, column_bits] = table.index_bits();
        let entry_bits = self.entry.q.width();
        b.set(&self.page.d, &!page);
        b.set(&self.data.d, word);
        let entry = match entry_bits > line_bits {
            true => at.line.q.zext(entry_bits),
            false => at.line.q.slice(0, entry_bits),
        };
        b.set(&self.entry.d, &entry);
        for (i, (memory, strobe)) in table.memories().iter().zip(&self.strobes).enumerate() {
            let mut here = at.column.q.eq(&lit(i as u64 + 1, column_bits));
            if memory.entry_bits < line_bits {
                let above = line_bits - memory.entry_bits;
                here = here & at.line.q.slice(memory.entry_bits, above).is_zero();
            }
            b.set(&strobe.d, &(&at.valid.q & loading & here));
        }
    }
}

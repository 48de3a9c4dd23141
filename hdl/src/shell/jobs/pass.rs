//! The pass over the table: its words one after the other, each judged by its limit.

use crate::primitives::memory::fetched_memory;
use crate::primitives::target::Target;
use crate::rtl::{lit, Body, Expr, Module, Reg};
use crate::shell::job_table::JobTable;

/// Steps of the pass: a place in the table, the memory's word, the register behind it, and whether the word is too large.
pub(super) struct Pass {
    scanning: Reg,
    line: Reg,
    column: Reg,
    last: Expr,
    read: Stage,
    moved: Stage,
    judged: Stage,
    settled_index: Reg,
    word: Reg,
    most: Reg,
    means: Reg,
    too_large: Reg,
    from_table: Expr,
    /// Lines that the job in the table has behind those of registers, and its last line.
    more_lines: Reg,
    last_line: Reg,
    bad: Reg,
    /// The first word that is too large, and that none is, of those that have settled.
    pub bad_word: Reg,
    pub is_good: Expr,
    /// The pass is over: its last word has settled.
    pub ends: Reg,
}

impl Pass {
    pub fn new(m: &mut Module, table: &JobTable) -> Self {
        let bits @ [line_bits, column_bits] = table.index_bits();
        let index_bits = line_bits + column_bits;
        Pass {
            scanning: m.reg("scanning", 1, 0, "the pass goes over the table"),
            line: m.reg("line", line_bits, 0, "of the word that it is at"),
            column: m.reg("column", column_bits, 0, ""),
            last: m.net("last", 1, "which is the last of the job"),
            read: Stage::new(m, "read", bits),
            moved: Stage::new(m, "moved", bits),
            judged: Stage::new(m, "judged", bits),
            settled_index: m.data_reg("settled_index", index_bits, "of the word that was judged"),
            word: m.data_reg("word", 32, ""),
            most: m.data_reg("most", 32, "the greatest that it may be"),
            means: m.data_reg("means", 1, "it means something"),
            too_large: m.reg("too_large", 1, 0, "the settled word is"),
            from_table: m.net("from_table", 32, ""),
            more_lines: m.reg("more_lines", line_bits, 0, "behind those of registers"),
            last_line: m.data_reg("last_line", line_bits, "of the job in the table"),
            bad: m.reg("bad", 1, 0, "a word was too large"),
            bad_word: m.reg("bad_word", index_bits, 0, "the first of them"),
            is_good: m.net("is_good", 1, "no settled word is too large"),
            ends: m.reg("pass_ends", 1, 0, "the last word has settled"),
        }
    }

    /// A word of the pass and its place, in the step in which it goes to the shadow.
    pub fn word(&self) -> (&Stage, &Expr) {
        (&self.judged, &self.word.q)
    }

    /// The step before that, by which what is done with the word is known as it comes.
    pub fn before(&self) -> &Stage {
        &self.moved
    }

    /// Steps on; `begins` begins a pass that none is under way of.
    pub fn step(&self, b: &mut Body, table: &JobTable, begins: &Expr) {
        let [line_bits, column_bits] = table.index_bits();
        b.comment("The pass over the table, line by line.");
        let least = table.register_lines() - 1;
        b.set(&self.last_line.d, &self.more_lines.q.plus(least));
        let end_of_line = self
            .column
            .q
            .eq(&lit(table.memories().len() as u64, column_bits));
        b.set(
            &self.last,
            &(&end_of_line & self.line.q.eq(&self.last_line.q)),
        );
        b.when(&self.scanning.q, |b| {
            b.set(&self.column.d, &self.column.q.plus(1));
            b.when(&end_of_line, |b| {
                b.set(&self.column.d, &lit(0, column_bits));
                b.set(&self.line.d, &self.line.q.plus(1));
            });
            b.when(&self.last, |b| {
                b.set(&self.line.d, &lit(0, line_bits));
                b.set(&self.scanning.d, &lit(0, 1));
            });
        });
        b.when(begins, |b| b.set(&self.scanning.d, &lit(1, 1)));
        let place = (&self.line.q, &self.column.q);
        let last = &self.scanning.q & &self.last;
        self.read.step(b, &self.scanning.q, place, &last);
        self.moved.follow(b, &self.read);
        self.judged.follow(b, &self.moved);
        b.set(&self.word.d, &self.from_table);
        self.find_limit(b, table);
        b.comment("A word against its limit.");
        b.set(&self.ends.d, &self.judged.last.q);
        b.set_slice(&self.settled_index.d, 0, &self.judged.column.q);
        b.set_slice(&self.settled_index.d, column_bits, &self.judged.line.q);
        let above = &self.means.q & !self.most.q.ge(&self.word.q);
        b.set(&self.too_large.d, &(&self.judged.valid.q & above));
        b.set(&self.is_good, &!(&self.bad.q | &self.too_large.q));
        b.when(&(&self.too_large.q & !&self.bad.q), |b| {
            b.set(&self.bad.d, &lit(1, 1));
            b.set(&self.bad_word.d, &self.settled_index.q);
        });
        b.when(begins, |b| b.set(&self.bad.d, &lit(0, 1)));
    }

    /// The greatest number of the word that comes: of registers each has its own, of a memory all have one.
    fn find_limit(&self, b: &mut Body, table: &JobTable) {
        let of_registers: Vec<u64> = table.most_of_registers().collect();
        b.set(&self.means.d, &lit(0, 1));
        let judge = |b: &mut Body, most: u64| {
            b.set(&self.most.d, &lit(most, 32));
            b.set(&self.means.d, &lit(1, 1));
        };
        let columns = table.memories().len() + 2;
        b.case(&self.moved.column.q, columns, |b, column| {
            if column == 0 {
                let lines = of_registers.len() + 1;
                b.case(&self.moved.line.q, lines, |b, line| {
                    if let Some(most) = of_registers.get(line) {
                        judge(b, *most);
                    }
                });
            } else if let Some(memory) = table.memories().get(column - 1) {
                let most = u64::MAX >> (64 - memory.bits);
                match up_to(&self.moved.line.q, memory.entries() - 1) {
                    Some(is_entry) => b.when(&is_entry, |b| judge(b, most)),
                    None => judge(b, most),
                }
            }
        });
    }

    /// Begins with the first word, wherever another pass is.
    pub fn restart(&self, b: &mut Body) {
        self.drop(b);
        b.set(&self.scanning.d, &lit(1, 1));
        b.set(&self.bad.d, &lit(0, 1));
    }

    /// Drops what is under way.
    pub fn drop(&self, b: &mut Body) {
        let flags = [&self.scanning, &self.ends, &self.too_large];
        let stages = [&self.read, &self.moved, &self.judged];
        let of_stages = stages.iter().flat_map(|stage| [&stage.valid, &stage.last]);
        for reg in flags.into_iter().chain(of_stages) {
            b.set(&reg.d, &lit(0, 1));
        }
        for reg in [&self.line, &self.column] {
            b.set(&reg.d, &lit(0, reg.q.width()));
        }
    }

    /// The table, by the inputs that write it, and how many lines of it the job has.
    pub fn memory(
        &self,
        m: &mut Module,
        table: &JobTable,
        (write, word, data, strobe): (&Expr, &Expr, &Expr, &Expr),
        target: Target,
    ) {
        let [line_bits, column_bits] = table.index_bits();
        let width = line_bits + column_bits;
        let index = m.net("index", width, "of the word that the pass is at");
        m.assign(&index.slice(0, column_bits), &self.column.q);
        m.assign(&index.slice(column_bits, line_bits), &self.line.q);
        let name = format!("{}_table", m.name());
        let mut strobes = Vec::new();
        for byte in 0..4 {
            let strobed = m.net(&format!("write_byte{byte}"), 1, "");
            m.assign(&strobed, &(write & strobe.bit(byte)));
            m.instance(
                &format!("u_byte{byte}"),
                fetched_memory(&name, table.word_count() as u64, 8, target),
                vec![
                    ("write", strobed.clone()),
                    ("write_address", word.clone()),
                    ("write_data", data.slice(8 * byte, 8)),
                    ("fetch", self.scanning.q.clone()),
                    ("move", self.read.valid.q.clone()),
                    ("read_address", index.clone()),
                    ("read_data", self.from_table.slice(8 * byte, 8)),
                ],
            );
            strobes.push(strobed);
        }
        m.comb(|b| {
            b.comment("The first word tells how far the pass goes.");
            b.when(&word.is_zero(), |b| {
                for (byte, strobe) in strobes.iter().enumerate() {
                    let low = 8 * byte;
                    if low < line_bits {
                        let bits = 8.min(line_bits - low);
                        let told = data.slice(low, bits);
                        b.when(strobe, |b| b.set_slice(&self.more_lines.d, low, &told));
                    }
                }
            });
        });
    }
}

/// Whether a line is no later than `last`; `None` where every one is.
pub(super) fn up_to(line: &Expr, last: u64) -> Option<Expr> {
    let width = line.width();
    (last + 1 < 1 << width).then(|| lit(last, width).ge(line))
}

/// A step of the pass: a word, by its place.
pub(super) struct Stage {
    pub valid: Reg,
    pub line: Reg,
    pub column: Reg,
    last: Reg,
}

impl Stage {
    fn new(m: &mut Module, name: &str, [line_bits, column_bits]: [usize; 2]) -> Self {
        Stage {
            valid: m.reg(&format!("{name}_valid"), 1, 0, ""),
            line: m.data_reg(&format!("{name}_line"), line_bits, ""),
            column: m.data_reg(&format!("{name}_column"), column_bits, ""),
            last: m.reg(&format!("{name}_last"), 1, 0, ""),
        }
    }

    fn step(&self, b: &mut Body, valid: &Expr, (line, column): (&Expr, &Expr), last: &Expr) {
        b.set(&self.valid.d, valid);
        b.set(&self.line.d, line);
        b.set(&self.column.d, column);
        b.set(&self.last.d, last);
    }

    fn follow(&self, b: &mut Body, before: &Stage) {
        let place = (&before.line.q, &before.column.q);
        self.step(b, &before.valid.q, place, &before.last.q);
    }
}

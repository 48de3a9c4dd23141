//! The jobs: a layer and a number of frames, one that runs, one that comes next, and one that waits.

use crate::config::inputs::Turn;
use crate::primitives::memory::fetched_memory;
use crate::primitives::paged_memory::{LOAD_BITS, LOAD_DATA, LOAD_ENTRY, LOAD_PAGE, PAGE};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use crate::shell::job_table::{plain, JobTable, TableField, FRAMES_BITS};

const DOC: &str = "\
Jobs. A job is written word by word into a table, and started: then it is checked, word by word,
against the greatest numbers that the engine can be told, and refused if one is larger. A job that
is good goes, word by word, from the table into the shadow, whatever runs meanwhile; the table is
free again then. Where the shadow is free, a job is checked on its way there, in one pass over the
table; it counts as there only if it is good. Where the shadow becomes free during a check, that pass
begins at once, from the first word on. In the shadow it comes next, for one part of the engine after the other: for the
weights at once, for the stream of frames when those of the job before are taken, for the rest when
that job is done. Each part takes its words all at once. What stands in memories of the core goes there
with the load, by a bus: the memories have two pages, of which the job that runs uses one and the
shadow the other. A job runs until all its frames are taken and done (the last of a frame's grad_output
may be needed by no pixel, and come behind the frame's results).

Promise: what is configured changes only as `job_aresetn` falls or while it is low; `frames_less_1`
and what the frames' stream is told, only in the cycle before `frames_begin`; the number of weights
shows the shadow, and is steady from `next_told` on until the job takes over. `job_aresetn` is low for
one cycle between two jobs, the third after the last beat was taken, if the next one is in the shadow
by then; `takes_over` and `job_ends` come in the cycle before. `closes` follows `frame_done` in the same
cycle, `job_ends` in the next. A frame is done some cycles after its set is whole: the next one's
weights begin in them. `frames_begin` comes in the second cycle after the last beat of the job before,
or when the job is in the shadow. A job takes over only after `weights_begin`, and not before
`frames_begin`; from that on until it takes over, `frames_ahead` is high. `table_locked` is high from
a good start until the job is in the shadow; a start meanwhile is refused and changes nothing. A
refused job leaves the table as it is. `abort` drops every job, one that is started in the same cycle
too, and lowers `alive` for a cycle; what the table holds stays. While `closes` is high no other
result may be offered, and the job does not end while one is: none is taken back, whatever the words
make of the core. A job is in the shadow at the latest so many cycles as there are words and six more
after its start and after the shadow became free, whichever is later.";

/// Cycles from a job's start, or from the shadow's becoming free, until it is in the shadow, beside one for each word of the
/// table.
pub const PASS_CYCLES: u64 = 6;

/// Cycles from the last beat of a job to the first one of the next job's walk, if that job is in the shadow by then.
pub const RESTART_CYCLES: u64 = 4;

/// Why a job was refused.
pub const REFUSED_CAUSES: [&str; 2] = [
    "a job was being checked or waited in the table",
    "a word was larger than it may be",
];

/// Bits of the cause: none, or one of [`REFUSED_CAUSES`].
pub const CAUSE_BITS: usize = 2;

/// Builds the block; the outputs `cfg_*` are the inputs that the table tells.
pub fn jobs(name: &str, table: &JobTable, target: Target) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let words = table.word_count();
    let index_bits = bits_for(words as u64 - 1);
    let table_write = m.input("table_write", 1, "");
    let table_word = m.input("table_word", index_bits, "");
    let table_data = m.input("table_data", 32, "");
    let table_strobe = m.input("table_strobe", 4, "");
    let table_locked = m.output("table_locked", 1, "");
    let start = m.input("start", 1, "pulse: the job in the table is whole");
    let abort = m.input(
        "abort",
        1,
        "pulse: no job runs, comes next or waits any more",
    );
    let frame_done = m.input("frame_done", 1, "pulse: the core is done with a frame");
    let all_taken = m.input("all_taken", 1, "the core has taken the last frame told");
    let frames_begin = m.output("frames_begin", 1, "pulse: the next job's are told");
    let frames_ahead = m.output("frames_ahead", 1, "they are those of the job in the shadow");
    let offers = m.input("offers", 1, "a result is on the stream");
    let closes = m.output("closes", 1, "the last frame is done");
    let alive = m.output("alive", 1, "low after an abort");
    let job_aresetn = m.output("job_aresetn", 1, "low while no job runs");
    let told = m.output("next_told", 1, "the job in the shadow may take its weights");
    let weights_begin = m.input("weights_begin", 1, "pulse: it does");
    let takes_over_now = m.output("takes_over", 1, "pulse: the job in the shadow runs");
    let job_ends = m.output("job_ends", 1, "pulse: the job that ran is done");
    let is_running = m.output("running", 1, "a job runs or takes over");
    let is_checking = m.output("checking", 1, "a job is being checked");
    let is_waiting = m.output("waiting", 1, "a good job is in the table");
    let is_next = m.output("next", 1, "a job is in the shadow");
    let job_done = m.output("job_done", 1, "pulse");
    let refused = m.output("refused", 1, "pulse");
    let refused_cause = m.output("refused_cause", CAUSE_BITS, "of the latest one");
    let refused_word = m.output("refused_word", index_bits, "first word that is too large");
    let frames_less_1 = m.output("frames_less_1", FRAMES_BITS, "frames of the job, less one");
    let page_port = m.output(PAGE, 1, "page of the core's memories in use");
    let bus = LoadOut::new(&mut m, table);
    let configuration: Vec<Expr> = table
        .fields()
        .map(|field| m.output(&field.port.port, field.port.width, &field.port.comment))
        .collect();

    // One pass over the table: an index, the memory's word, the register behind it, and the word beside its limit.
    let scanning = m.reg("scanning", 1, 0, "the index runs over the table");
    let loading = m.reg("loading", 1, 0, "words go into the shadow");
    let index = m.reg("index", index_bits, 0, "");
    let read = Stage::new(&mut m, "read", index_bits);
    let moved = Stage::new(&mut m, "moved", index_bits);
    let judged = Stage::new(&mut m, "judged", index_bits);
    let word = m.data_reg("word", 32, "");
    let most = m.data_reg("most", 32, "the greatest that it may be");
    let from_table = m.net("from_table", 32, "");
    let last = m.net("last", 1, "the index is at the last word");
    let begins_check = m.net("begins_check", 1, "");
    let begins_load = m.net("begins_load", 1, "");
    let ends = m.net("ends", 1, "the pass is over");
    let settled_index = m.data_reg("settled_index", index_bits, "of the word that was judged");
    let settled_last = m.reg("settled_last", 1, 0, "");
    let too_large = m.reg("too_large", 1, 0, "the settled word is");
    let is_good = m.net("is_good", 1, "no word of it was, this one included");

    let checking = m.reg("checking", 1, 0, "a job is being checked");
    let waiting = m.reg("waiting", 1, 0, "a good job is in the table");
    let next = m.reg("next", 1, 0, "the shadow is whole");
    let untold = m.reg("untold", 1, 0, "and its weights have not begun");
    let begins = m.reg("begins", 1, 0, "its frames may be taken from now on");
    let ahead = m.reg("ahead", 1, 0, "they are, while another job runs");
    let taking = m.reg("taking", 1, 0, "a job takes over");
    let running = m.reg("running", 1, 0, "a job runs");
    let lives = m.reg("lives", 1, 1, "");
    let bad = m.reg("bad", 1, 0, "a word was too large");
    let bad_word = m.reg("bad_word", index_bits, 0, "the first of them");
    let frames_left = m.data_reg("frames_left", FRAMES_BITS, "frames after this one");
    let last_frame = m.data_reg("last_frame", 1, "there are none");
    let given = m.reg("given", 1, 0, "the last frame is done");
    let closing = m.net("closing", 1, "its last frame is");
    let job_over = m.reg("job_over", 1, 0, "the job that runs is done");
    let takes_frames = m.net("takes_frames", 1, "the stream of frames takes the shadow's");
    let takes_over = m.net("takes_over_now", 1, "the rest takes the shadow's");
    let done = m.reg("done", 1, 0, "");
    let refuses = m.reg("refuses", 1, 0, "");
    let cause = m.reg("cause", CAUSE_BITS, 0, "");

    // The core's memories have two pages: one in use, one that the load fills.
    let page = m.reg("page", 1, 0, "page in use");

    // The shadow: words that are loaded through one another, the last word first.
    let chain: Vec<_> = table
        .bits()
        .enumerate()
        .map(|(i, bits)| m.data_reg(&format!("word{i}"), bits, ""))
        .collect();
    // What each part was told; `None` where it sees the shadow.
    let active: Vec<_> = table
        .fields()
        .map(|TableField { port, .. }| {
            let name = format!("told_{}", plain(port));
            (port.turn != Turn::Known).then(|| m.data_reg(&name, port.width, ""))
        })
        .collect();
    let frames = m.data_reg("told_frames_less_1", FRAMES_BITS, "");
    let take = |b: &mut Body, turn: Turn| {
        for (field, reg) in table.fields().zip(&active) {
            if let (Some(reg), true) = (reg, field.port.turn == turn) {
                let told = chain[field.word].q.slice(field.low, field.port.width);
                b.set(&reg.d, &told);
            }
        }
    };

    // There is a word at least: the number of frames, which is the last.
    let frames_told = &chain[chain.len() - 1].q;

    let limits: Vec<u64> = table.most().collect();
    let in_memories = table.memory_words();
    let of_registers = m.net(
        "of_registers",
        index_bits,
        "the word's place among those of registers",
    );
    let cause_of = |index: usize| lit(index as u64 + 1, CAUSE_BITS);
    m.comb(|b| {
        b.comment("What ends and what begins in this cycle.");
        b.set(&ends, &settled_last.q);
        b.set(&begins_check, &(&start & !(&checking.q | &waiting.q)));
        let whole = &checking.q | &waiting.q;
        b.set(&begins_load, &(whole & !(&loading.q | &next.q | &ends)));
        b.comment("The pass over the table.");
        b.set(&last, &index.q.eq(&lit(words as u64 - 1, index_bits)));
        b.when(&scanning.q, |b| {
            b.set(&index.d, &index.q.plus(1));
            b.when(&last, |b| {
                b.set(&index.d, &lit(0, index_bits));
                b.set(&scanning.d, &lit(0, 1));
            });
        });
        b.when(&begins_check, |b| b.set(&scanning.d, &lit(1, 1)));
        read.step(b, &scanning.q, &index.q, &(&scanning.q & &last));
        moved.step(b, &read.valid.q, &read.index.q, &read.last.q);
        judged.step(b, &moved.valid.q, &moved.index.q, &moved.last.q);
        b.set(&word.d, &from_table);
        // The words of a memory have one limit. In one table with those of the registers, they would make a block RAM of
        // it, whose output comes late.
        b.set(&of_registers, &moved.index.q.minus(in_memories as u64));
        b.case(&of_registers, limits.len() - in_memories, |b, i| {
            b.set(&most.d, &lit(limits[in_memories + i], 32));
        });
        for end in (1..=in_memories).rev() {
            let limit = limits[end - 1];
            if end == in_memories || limits[end] != limit {
                let below = !moved.index.q.ge(&lit(end as u64, index_bits));
                b.when(&below, |b| b.set(&most.d, &lit(limit, 32)));
            }
        }
        b.set(&settled_index.d, &judged.index.q);
        b.set(&settled_last.d, &judged.last.q);
        b.set(&too_large.d, &(&judged.valid.q & !most.q.ge(&word.q)));
        b.set(&is_good, &!(&bad.q | &too_large.q));
        b.comment("A check.");
        b.when(&(&too_large.q & !&bad.q), |b| {
            b.set(&bad.d, &lit(1, 1));
            b.set(&bad_word.d, &settled_index.q);
        });
        b.when(&begins_check, |b| {
            b.set(&checking.d, &lit(1, 1));
            b.set(&bad.d, &lit(0, 1));
        });
        b.set(&refuses.d, &lit(0, 1));
        b.when(&(&start & (&checking.q | &waiting.q)), |b| {
            b.set(&refuses.d, &lit(1, 1));
            b.set(&cause.d, &cause_of(0));
        });
        b.when(&(&checking.q & &ends), |b| {
            b.set(&checking.d, &lit(0, 1));
            b.when_else(
                &is_good,
                |b| b.set(&waiting.d, &!&loading.q),
                |b| {
                    b.set(&refuses.d, &lit(1, 1));
                    b.set(&cause.d, &cause_of(1));
                },
            );
        });
        b.comment("A load: each word moves on by one.");
        b.when(&(&judged.valid.q & &loading.q), |b| {
            for (i, reg) in chain.iter().enumerate() {
                let from = chain.get(i + 1).map_or(&word.q, |next| &next.q);
                b.set(&reg.d, &from.slice(0, reg.q.width()));
            }
        });
        let loads = &judged.valid.q & &loading.q;
        bus.step(b, table, (&loads, &judged.index.q), &word.q, &page.q);
        b.when(&(&loading.q & &ends), |b| {
            b.set(&loading.d, &lit(0, 1));
            b.set(&waiting.d, &lit(0, 1));
            b.when(&is_good, |b| {
                b.set(&next.d, &lit(1, 1));
                b.set(&untold.d, &lit(1, 1));
            });
        });
        b.comment("It begins with the first word, wherever a check is.");
        b.when(&begins_load, |b| {
            b.set(&scanning.d, &lit(1, 1));
            b.set(&loading.d, &lit(1, 1));
            b.set(&index.d, &lit(0, index_bits));
            b.set(&bad.d, &lit(0, 1));
            for step in [&read, &moved, &judged] {
                b.set(&step.valid.d, &lit(0, 1));
                b.set(&step.last.d, &lit(0, 1));
            }
            b.set(&settled_last.d, &lit(0, 1));
            b.set(&too_large.d, &lit(0, 1));
        });
        b.when(&weights_begin, |b| b.set(&untold.d, &lit(0, 1)));
        b.comment("A run.");
        b.set(&job_over.d, &lit(0, 1));
        b.when(&(&running.q & !&job_over.q), |b| {
            b.when(&frame_done, |b| {
                b.set(&frames_left.d, &frames_left.q.minus(1));
                b.set(&last_frame.d, &frames_left.q.eq(&lit(1, FRAMES_BITS)));
                b.when(&last_frame.q, |b| b.set(&given.d, &lit(1, 1)));
            });
            let taken = &all_taken | &ahead.q;
            b.set(&job_over.d, &(&given.d & taken & !&offers));
        });
        b.set(&done.d, &job_over.q);
        b.set(&closing, &given.d);
        b.when(&job_over.q, |b| {
            b.set(&running.d, &lit(0, 1));
            b.set(&given.d, &lit(0, 1));
        });
        b.comment("The shadow's job, by the part.");
        b.set(&takes_frames, &(&next.q & !&ahead.q & &all_taken));
        b.set(&begins.d, &takes_frames);
        b.when(&takes_frames, |b| {
            b.set(&ahead.d, &lit(1, 1));
            b.set(&frames.d, frames_told);
            take(b, Turn::Taken);
        });
        b.set(
            &takes_over,
            // Its weights have begun by then: the loader is idle where no job runs or the one that runs has its set.
            &(&ahead.q & (&job_over.q | !&running.q)),
        );
        b.set(&taking.d, &takes_over);
        b.when(&taking.q, |b| b.set(&running.d, &lit(1, 1)));
        b.when(&takes_over, |b| {
            b.set(&next.d, &lit(0, 1));
            b.set(&page.d, &!&page.q);
            b.set(&ahead.d, &lit(0, 1));
            take(b, Turn::Done);
            b.set(&frames_left.d, frames_told);
            b.set(&last_frame.d, &frames_told.is_zero());
        });
        b.set(&lives.d, &!&abort);
        b.when(&abort, |b| {
            for reg in [
                &scanning,
                &loading,
                &checking,
                &waiting,
                &next,
                &untold,
                &begins,
                &ahead,
                &taking,
                &running,
                &given,
                &job_over,
                &done,
                &refuses,
                &read.valid,
                &read.last,
                &moved.valid,
                &moved.last,
                &judged.valid,
                &judged.last,
                &settled_last,
                &too_large,
            ] {
                b.set(&reg.d, &lit(0, 1));
            }
            b.set(&index.d, &lit(0, index_bits));
            b.set(&cause.d, &cause.q);
        });
    });

    for byte in 0..4 {
        let strobed = m.net(&format!("write_byte{byte}"), 1, "");
        m.assign(&strobed, &(&table_write & table_strobe.bit(byte)));
        m.instance(
            &format!("u_byte{byte}"),
            fetched_memory(&format!("{name}_table"), words as u64, 8, target),
            vec![
                ("write", strobed),
                ("write_address", table_word.clone()),
                ("write_data", table_data.slice(8 * byte, 8)),
                ("fetch", scanning.q.clone()),
                ("move", read.valid.q.clone()),
                ("read_address", index.q.clone()),
                ("read_data", from_table.slice(8 * byte, 8)),
            ],
        );
    }
    for ((field, port), active) in table.fields().zip(&configuration).zip(&active) {
        match active {
            Some(active) => m.assign(port, &active.q),
            None => m.assign(
                port,
                &chain[field.word].q.slice(field.low, field.port.width),
            ),
        }
    }
    m.assign(&frames_less_1, &frames.q);
    m.assign(&page_port, &page.q);
    m.assign(&table_locked, &(&checking.q | &waiting.q));
    m.assign(&closes, &closing);
    m.assign(&alive, &lives.q);
    m.assign(&job_aresetn, &running.q);
    m.assign(&told, &untold.q);
    m.assign(&frames_begin, &begins.q);
    m.assign(&frames_ahead, &ahead.q);
    m.assign(&takes_over_now, &takes_over);
    m.assign(&job_ends, &job_over.q);
    m.assign(&is_running, &(&running.q | &taking.q));
    m.assign(&is_next, &next.q);
    m.assign(&is_checking, &checking.q);
    m.assign(&is_waiting, &waiting.q);
    m.assign(&job_done, &done.q);
    m.assign(&refused, &refuses.q);
    m.assign(&refused_cause, &cause.q);
    m.assign(&refused_word, &bad_word.q);
    m
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
                .strobes()
                .iter()
                .enumerate()
                .map(|(i, name)| {
                    out(
                        name,
                        &format!("load{i}"),
                        1,
                        "it is one of this memory",
                        true,
                    )
                })
                .collect(),
        }
    }

    /// A load: a word of a memory goes there.
    fn step(
        &self,
        b: &mut Body,
        table: &JobTable,
        (loads, index): (&Expr, &Expr),
        word: &Expr,
        page: &Expr,
    ) {
        b.set(&self.page.d, &!page);
        b.set(&self.data.d, word);
        b.set(&self.entry.d, &lit(0, self.entry.q.width()));
        for strobe in &self.strobes {
            b.set(&strobe.d, &lit(0, 1));
        }
        let entries: Vec<(usize, u64)> = table.entries().collect();
        // Behind them come the words of registers.
        b.case(index, entries.len() + 1, |b, i| {
            if let Some(&(memory, entry)) = entries.get(i) {
                b.set(&self.entry.d, &lit(entry, self.entry.q.width()));
                b.set(&self.strobes[memory].d, loads);
            }
        });
    }
}

/// A step of the pass: a word, by its index.
struct Stage {
    valid: Reg,
    index: Reg,
    last: Reg,
}

impl Stage {
    fn new(m: &mut Module, name: &str, index_bits: usize) -> Self {
        Stage {
            valid: m.reg(&format!("{name}_valid"), 1, 0, ""),
            index: m.data_reg(&format!("{name}_index"), index_bits, ""),
            last: m.reg(&format!("{name}_last"), 1, 0, ""),
        }
    }

    fn step(&self, b: &mut Body, valid: &Expr, index: &Expr, last: &Expr) {
        b.set(&self.valid.d, valid);
        b.set(&self.index.d, index);
        b.set(&self.last.d, last);
    }
}

//! The jobs: a layer and a number of frames, one that runs, one that comes next, and one that waits.

mod pass;
mod shadow;
mod turns;

use crate::primitives::target::Target;
use crate::rtl::{lit, Body, Expr, Module, Reg};
use crate::shell::job_table::{JobTable, FRAMES_BITS};
use pass::Pass;
use shadow::Shadow;
use turns::Turns;

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
    let index_bits = table.index_bits().iter().sum();
    let table_write = m.input("table_write", 1, "");
    let table_word = m.input("table_word", index_bits, "line above column");
    let table_data = m.input("table_data", 32, "");
    let table_strobe = m.input("table_strobe", 4, "");
    let table_locked = m.output("table_locked", 1, "");
    let start = m.input("start", 1, "pulse: the job in the table is whole");
    let abort = m.input(
        "abort",
        1,
        "pulse: no job runs, comes next or waits any more",
    );
    let alive = m.output("alive", 1, "low after an abort");
    let is_checking = m.output("checking", 1, "a job is being checked");
    let is_waiting = m.output("waiting", 1, "a good job is in the table");
    let is_next = m.output("next", 1, "a job is in the shadow");
    let refused = m.output("refused", 1, "pulse");
    let refused_cause = m.output("refused_cause", CAUSE_BITS, "of the latest one");
    let refused_word = m.output("refused_word", index_bits, "first word that is too large");
    let weights_begin = m.input(
        "weights_begin",
        1,
        "pulse: the job in the shadow takes its weights",
    );
    let told = m.output("next_told", 1, "it may");
    let frames_less_1 = m.output("frames_less_1", FRAMES_BITS, "frames of the job, less one");

    let coming = Coming::new(&mut m);
    let pass = Pass::new(&mut m, table);
    let turns = Turns::new(&mut m);
    let shadow = Shadow::new(&mut m, table);
    let configuration: Vec<Expr> = table
        .fields()
        .map(|field| m.output(&field.port.port, field.port.width, &field.port.comment))
        .collect();
    let lives = m.reg("lives", 1, 1, "");
    m.comb(|b| {
        coming.begin(b, &start, &pass.ends.q);
        pass.step(b, table, &coming.begins_check);
        coming.check(b, &start, &pass);
        shadow.load(b, table, &pass, &coming.loading.q, &turns.page.q);
        coming.load(b, &pass, &shadow);
        b.when(&weights_begin, |b| b.set(&coming.untold.d, &lit(0, 1)));
        turns.run(b);
        turns.tell(b, table, &coming.next, &shadow);
        b.comment("An abort drops all of them.");
        b.set(&lives.d, &!&abort);
        b.when(&abort, |b| {
            coming.drop(b);
            pass.drop(b);
            shadow.drop(b);
            turns.drop(b);
        });
    });
    let writes = (&table_write, &table_word, &table_data, &table_strobe);
    pass.memory(&mut m, table, writes, target);
    shadow.drive(&mut m, table, &configuration, &frames_less_1);
    turns.drive(&mut m);
    for (port, value) in [
        (&table_locked, &coming.locked()),
        (&alive, &lives.q),
        (&is_checking, &coming.checking.q),
        (&is_waiting, &coming.waiting.q),
        (&is_next, &coming.next.q),
        (&refused, &coming.refuses.q),
        (&refused_cause, &coming.cause.q),
        (&refused_word, &pass.bad_word.q),
        (&told, &coming.untold.q),
    ] {
        m.assign(port, value);
    }
    m
}

/// The job that was started last, from its check until it is in the shadow.
struct Coming {
    checking: Reg,
    waiting: Reg,
    loading: Reg,
    next: Reg,
    untold: Reg,
    refuses: Reg,
    cause: Reg,
    begins_check: Expr,
    begins_load: Expr,
}

impl Coming {
    fn new(m: &mut Module) -> Self {
        Coming {
            checking: m.reg("checking", 1, 0, "a job is being checked"),
            waiting: m.reg("waiting", 1, 0, "a good job is in the table"),
            loading: m.reg("loading", 1, 0, "words go into the shadow"),
            next: m.reg("next", 1, 0, "the shadow is whole"),
            untold: m.reg("untold", 1, 0, "and its weights have not begun"),
            refuses: m.reg("refuses", 1, 0, ""),
            cause: m.reg("cause", CAUSE_BITS, 0, ""),
            begins_check: m.net("begins_check", 1, ""),
            begins_load: m.net("begins_load", 1, ""),
        }
    }

    fn locked(&self) -> Expr {
        &self.checking.q | &self.waiting.q
    }

    /// What begins in this cycle; `ends`: a pass over the table does.
    fn begin(&self, b: &mut Body, start: &Expr, ends: &Expr) {
        b.comment("What begins in this cycle.");
        b.set(&self.begins_check, &(start & !self.locked()));
        let full = &self.loading.q | &self.next.q | ends;
        b.set(&self.begins_load, &(self.locked() & !full));
    }

    /// A job is started, and found good or not.
    fn check(&self, b: &mut Body, start: &Expr, pass: &Pass) {
        let cause_of = |index: usize| lit(index as u64 + 1, CAUSE_BITS);
        b.comment("A check.");
        b.when(&self.begins_check, |b| {
            b.set(&self.checking.d, &lit(1, 1));
        });
        b.set(&self.refuses.d, &lit(0, 1));
        b.when(&(start & self.locked()), |b| {
            b.set(&self.refuses.d, &lit(1, 1));
            b.set(&self.cause.d, &cause_of(0));
        });
        b.when(&(&self.checking.q & &pass.ends.q), |b| {
            b.set(&self.checking.d, &lit(0, 1));
            b.when_else(
                &pass.is_good,
                |b| b.set(&self.waiting.d, &!&self.loading.q),
                |b| {
                    b.set(&self.refuses.d, &lit(1, 1));
                    b.set(&self.cause.d, &cause_of(1));
                },
            );
        });
    }

    /// It goes into the shadow, where that is free.
    fn load(&self, b: &mut Body, pass: &Pass, shadow: &Shadow) {
        b.when(&(&self.loading.q & &pass.ends.q), |b| {
            b.set(&self.loading.d, &lit(0, 1));
            b.set(&self.waiting.d, &lit(0, 1));
            b.when(&pass.is_good, |b| {
                b.set(&self.next.d, &lit(1, 1));
                b.set(&self.untold.d, &lit(1, 1));
            });
        });
        b.comment("A load begins with the first word, wherever a check is.");
        b.when(&self.begins_load, |b| {
            b.set(&self.loading.d, &lit(1, 1));
            pass.restart(b);
            shadow.drop(b);
        });
    }

    fn drop(&self, b: &mut Body) {
        let states = [
            &self.checking,
            &self.waiting,
            &self.loading,
            &self.next,
            &self.untold,
            &self.refuses,
        ];
        for reg in states {
            b.set(&reg.d, &lit(0, 1));
        }
        b.set(&self.cause.d, &self.cause.q);
    }
}

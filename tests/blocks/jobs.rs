//! Promise: jobs run one after the other as they were written and started; each part of the engine is told a job all at once
//! and not before its time; one that holds a number too large is refused with the word, one that comes too early too; an
//! abort drops all of them.

use std::collections::HashMap;

use bpa_hdl::config::inputs::{Config, Turn, Used};
use bpa_hdl::primitives::paged_memory::{
    number, LoadBus, ReadBy, LOAD_DATA, LOAD_ENTRY, LOAD_PAGE, PAGE,
};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::Module;
use bpa_hdl::shell::job_table::JobTable;
use bpa_hdl::shell::jobs::{jobs, PASS_CYCLES, REFUSED_CAUSES};

use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::traffic::Gate;

const JOBS: u64 = 25;
const MOST_FRAMES: u64 = 3;
/// Cycles from a set's being whole to the end of a frame by it, at the least: what the block leans on.
const FRAME_CYCLES: u64 = 4;

const MUTANTS: &[Mutant] = &[
    mutant(
        "a job that ends a frame early",
        "given_q <= given_d;",
        "given_d",
        "given_d | (frame_done & running_q & frames_left_q == 1)",
    ),
    mutant(
        "a word too large that is let in",
        "bad_q <= bad_d;",
        "bad_d",
        "bad_d & ~read_last_q",
    ),
    mutant(
        "frames told while others are taken",
        "assign frames_less_1 = told_frames_less_1_q;",
        "told_frames_less_1_q",
        "word4_q",
    ),
    mutant("a page that stays", "page_q <= page_d;", "page_d", "1'd0"),
    mutant(
        "a job that a result ends too early",
        "done_q <= done_d;",
        "done_d",
        "done_d | (given_q & offers)",
    ),
    mutant(
        "a stream that opens before the reset",
        "assign closes = closing;",
        "closing",
        "closing & ~job_over_q",
    ),
    mutant(
        "an abort that a job survives",
        "next_q <= next_d;",
        "next_d",
        "(abort ? next_q : next_d)",
    ),
];

/// A number of registers in each turn, one of them limited, and a memory of two words an entry.
fn table() -> JobTable {
    let mut config = Config::default();
    let mut m = Module::new("core", "");
    let _ = config.port(&mut m, "done", 7, |_| 0, "told when the job before is done");
    let _ = config.port(&mut m, "limited", 5, |_| 0, "the same, limited");
    config.at_most("limited", 19);
    config.in_turn(Turn::Taken, |config| {
        let _ = config.port(&mut m, "taken", 27, |_| 0, "told when frames are taken");
    });
    config.in_turn(Turn::Known, |config| {
        let _ = config.port(&mut m, "known", 9, |_| 0, "told at once");
    });
    let mut bus = LoadBus::declare(&mut m, &mut config, 2);
    let numbers = vec![
        number("low", 9, "a number", |_, _| 0),
        number("high", 30, "another", |_, _| 0),
    ];
    let address = m.net("address", 2, "");
    bus.memory(
        &mut m,
        &mut config,
        "memory",
        numbers,
        (&[0, 1, 2], Used::Always(3), &address),
        ReadBy::Address,
    );
    JobTable::new(config)
}

#[test]
fn one_after_the_other() {
    let table = table();
    let module = jobs("jobs", &table, Target::Generic);
    let block = Block::new(&module, Config::default(), MUTANTS);
    block.check(|run| Bench::new(run, &table).run());
}

/// A job as it is in the table.
type Words = Vec<u64>;

struct Bench<'r, 'a> {
    run: &'r mut Run<'a>,
    table: &'r JobTable,
    /// By the index of a word; `None` where none has a meaning.
    most: Vec<Option<u64>>,
    /// The indices that have one.
    indices: Vec<usize>,
    /// What the table holds.
    words: Words,
    /// The job that was started and is not in the shadow, since when, and whether it is good; the one in the shadow; the one
    /// that runs or takes over.
    started: Option<(Words, i64)>,
    shadow: Option<Words>,
    runs: Option<Words>,
    shadow_free: i64,
    core: Core,
    /// By page, memory and entry.
    pages: HashMap<(u64, usize, u64), u64>,
    /// What the stream of frames was told last.
    frames: Option<u64>,
    finished: u64,
    /// The last frame was done in the cycle before, and the next job's may be taken.
    ending: bool,
    /// What the cycle before leads to.
    before: Before,
}

/// What is seen in the cycle behind an event.
#[derive(Default)]
struct Before {
    job_ends: bool,
    takes_over: bool,
    abort: bool,
    /// A start while a job was under way.
    too_early: bool,
}

/// The rest of the engine.
struct Core {
    frames: Gate,
    results: Gate,
    /// Cycles until all frames that were told are taken, and until a set of weights is whole.
    taking: u64,
    loading: u64,
    /// Cycles until a frame can be done by the latest set.
    fresh: u64,
    /// A set began in the cycle before.
    begins: bool,
    begun: bool,
    ahead: bool,
    /// Sets that are whole, of jobs that are not done.
    sets: u64,
    /// Frames that the job that runs has yet to give.
    left: u64,
    offers: bool,
}

impl Core {
    fn new(run: &Run) -> Self {
        Core {
            frames: run.idle(),
            results: run.back(),
            taking: 0,
            loading: 0,
            fresh: 0,
            begins: false,
            begun: false,
            ahead: false,
            sets: 0,
            left: 0,
            offers: false,
        }
    }
}

impl<'r, 'a> Bench<'r, 'a> {
    fn new(run: &'r mut Run<'a>, table: &'r JobTable) -> Self {
        let core = Core::new(run);
        Bench {
            table,
            most: {
                let mut most = vec![None; table.word_count()];
                for (index, limit) in table.most() {
                    most[index] = Some(limit);
                }
                most
            },
            indices: table.most().into_iter().map(|(index, _)| index).collect(),
            words: vec![0; table.word_count()],
            started: None,
            shadow: None,
            runs: None,
            shadow_free: 0,
            core,
            pages: HashMap::new(),
            frames: None,
            finished: 0,
            ending: false,
            before: Before::default(),
            run,
        }
    }

    fn run(&mut self) -> Verdict {
        let inputs = [
            "table_write",
            "start",
            "abort",
            "frame_done",
            "offers",
            "weights_begin",
        ];
        for port in inputs {
            self.run.set(port, 0);
        }
        self.run.set("all_taken", 1);
        self.run.reset();
        // Words are written before the first job: the table holds anything.
        for word in 0..self.words.len() {
            self.write(word, 15);
            self.run.step()?;
        }
        self.run.set("table_write", 0);
        while self.finished < JOBS {
            let locked = self.run.next("table_locked") != 0;
            self.software(locked);
            let abort = self.run.choices.below(400) == 0;
            self.run.set("abort", abort.into());
            let start = self.run.choices.below(if locked { 60 } else { 12 }) == 0;
            self.run.set("start", start.into());
            self.drive();
            self.run.step()?;
            self.states()?;
            self.events(abort)?;
            if start && !abort {
                match locked {
                    true => self.before.too_early = true,
                    false => self.started = Some((self.words.clone(), self.run.cycle)),
                }
            }
        }
        Ok(())
    }

    /// Writes a word, or some bytes of it, of a job that is good more often than not.
    fn write(&mut self, word: usize, strobe: u64) {
        let most = self.most[word].unwrap_or(u64::from(u32::MAX));
        let is_frames = word == self.frames_word();
        let value = match self.run.choices.below(60) {
            0 => self.run.choices.below(1 << 32),
            _ if is_frames => self.run.choices.below(MOST_FRAMES),
            _ => self.run.choices.below(most + 1),
        };
        // A job of many frames would take long.
        let value = if is_frames {
            value % MOST_FRAMES
        } else {
            value
        };
        self.run.set("table_write", 1);
        self.run.set("table_word", word as u64);
        self.run.set("table_data", value);
        self.run.set("table_strobe", strobe);
        for byte in (0..4).filter(|byte| strobe >> byte & 1 != 0) {
            let mask = 0xff << (8 * byte);
            self.words[word] = self.words[word] & !mask | value & mask;
        }
    }

    fn software(&mut self, locked: bool) {
        self.run.set("table_write", 0);
        if !locked && self.run.choices.below(2) == 0 {
            let word = self.run.choices.below(self.words.len() as u64) as usize;
            let strobe =
                [15, 15, 15, self.run.choices.below(16)][self.run.choices.below(4) as usize];
            self.write(word, strobe);
        }
    }

    /// What the core says in the next cycle.
    fn drive(&mut self) {
        let core = &mut self.core;
        self.run.set("all_taken", (core.taking == 0).into());
        self.run.set("weights_begin", core.begins.into());
        let closes = self.run.next("closes") != 0;
        let results = core.results.opens();
        // While the stream closes, what is offered may stay and nothing else comes.
        core.offers = match closes {
            true => core.offers && !results,
            false => self.run.next("job_aresetn") != 0 && self.run.choices.below(2) == 0,
        };
        let computed = core.left > 0 && core.sets > 0 && core.fresh == 0;
        let frame = computed && core.frames.opens() && self.run.choices.below(4) == 0;
        core.left -= u64::from(frame);
        self.run.set("offers", core.offers.into());
        self.run.set("frame_done", frame.into());
    }

    /// First word that is too large.
    fn too_large(&self, words: &Words) -> Option<usize> {
        let told = self.pass_end(words);
        let beyond = |index: usize| self.most[index].is_some_and(|most| words[index] > most);
        (0..told).find(|&index| beyond(index))
    }

    /// The index behind the last line of a job.
    fn pass_end(&self, words: &Words) -> usize {
        let [_, column_bits] = self.table.index_bits();
        let lines = (self.table.register_lines() + words[0]) as usize;
        (lines << column_bits).min(words.len())
    }

    /// The index of the word of registers number `word`, of those that a layer tells.
    fn register(&self, word: usize) -> usize {
        let [_, column_bits] = self.table.index_bits();
        (word + 1) << column_bits
    }

    /// The index of the number of frames.
    fn frames_word(&self) -> usize {
        self.register(self.table.register_lines() as usize - 2)
    }

    /// Where the jobs are.
    fn states(&mut self) -> Verdict {
        let run = &self.run;
        let before = std::mem::take(&mut self.before);
        must!(
            run,
            run.high("alive") != before.abort,
            "alive is {}",
            before.abort
        );
        must!(
            run,
            run.high("job_done") == before.job_ends,
            "job_done is {}",
            !before.job_ends
        );
        if before.abort {
            for state in [
                "running",
                "checking",
                "waiting",
                "next",
                "next_told",
                "frames_ahead",
                "job_aresetn",
            ] {
                must!(run, !run.high(state), "{state} behind an abort");
            }
        }
        let resets = before.job_ends || before.takes_over;
        must!(
            run,
            !resets || !run.high("job_aresetn"),
            "no reset between two jobs"
        );
        let locked = run.high("table_locked");
        let (checking, waiting) = (run.high("checking"), run.high("waiting"));
        must!(
            run,
            locked == (checking || waiting),
            "table_locked is {locked}"
        );
        self.refusals(before.too_early)?;
        let run = &self.run;
        if let Some((words, since)) = self.started.take_if(|_| !run.high("table_locked")) {
            must!(run, run.high("next"), "a good job is nowhere");
            must!(
                run,
                since < run.cycle,
                "a job is there before it was started"
            );
            let large = self.too_large(&words);
            must!(
                run,
                large.is_none(),
                "a job is taken whose word {large:?} is too large"
            );
            self.shadow = Some(words);
        }
        if let Some((words, since)) = &self.started {
            let late = run.cycle - (*since).max(self.shadow_free);
            let lines = (self.table.register_lines() + words[0]) as i64;
            let columns = self.table.memories().len() as i64 + 1;
            let most = lines * columns + PASS_CYCLES as i64;
            let good = self.too_large(words).is_none();
            must!(
                run,
                self.shadow.is_some() || !good || late < most,
                "a job is {late} cycles late"
            );
        }
        let next = run.high("next");
        must!(run, next == self.shadow.is_some(), "next is {next}");
        let running = run.high("running");
        must!(run, running == self.runs.is_some(), "running is {running}");
        Ok(())
    }

    /// Jobs that are refused.
    fn refusals(&mut self, too_early: bool) -> Verdict {
        let run = &self.run;
        if !run.high("refused") {
            must!(
                run,
                !too_early,
                "a start that comes too early is not refused"
            );
            return Ok(());
        }
        let cause = run.was("refused_cause") as usize;
        must!(
            run,
            (1..=REFUSED_CAUSES.len()).contains(&cause),
            "refused for {cause}"
        );
        if cause == 1 {
            must!(run, too_early, "a job is refused as too early and is not");
            return Ok(());
        }
        let large = self
            .started
            .take()
            .and_then(|(words, _)| self.too_large(&words));
        let word = run.was("refused_word") as usize;
        must!(
            run,
            large == Some(word),
            "refused for word {word}, not {large:?}"
        );
        Ok(())
    }

    /// What comes to pass in this cycle.
    fn events(&mut self, abort: bool) -> Verdict {
        let run = &self.run;
        let [ends, over, begins] =
            ["job_ends", "takes_over", "frames_begin"].map(|port| run.high(port));
        let (all_taken, ahead) = (self.core.taking == 0, run.high("frames_ahead"));
        must!(run, ends == self.ending, "job_ends is {ends}");
        must!(
            run,
            !ends || run.high("closes"),
            "the stream opens before the reset"
        );
        let closes = run.high("closes") && !ends;
        self.ending = closes && (all_taken || ahead) && !self.core.offers;
        let done = self.runs.is_none() || self.core.left == 0;
        must!(
            run,
            !ends || done,
            "a job ends with {} frames to come",
            self.core.left
        );
        self.filled()?;
        self.told()?;
        let frames_word = self.frames_word();
        let core = &mut self.core;
        let run = &mut self.run;
        // The weights.
        let told = run.high("next_told");
        let loading = core.loading > 0 || core.begins;
        core.fresh = core.fresh.saturating_sub(1);
        if core.loading == 1 {
            core.sets += 1;
            core.fresh = FRAME_CYCLES;
        }
        core.loading = core.loading.saturating_sub(1);
        if core.begins {
            core.begun = true;
            core.loading = 1 + run.choices.below(30);
        }
        core.begins = told && !loading;
        // The frames.
        core.taking = core.taking.saturating_sub(1);
        if begins {
            let Some(words) = &self.shadow else {
                return Err(format!("cycle {}: frames of no job begin", run.cycle));
            };
            let frames = words[frames_word];
            self.frames = Some(frames);
            must!(
                run,
                all_taken && ahead,
                "frames begin while others are taken"
            );
            core.taking = 2 + run.choices.below(60);
            core.ahead = true;
        }
        let (found, told) = (run.was("frames_less_1"), self.frames);
        must!(
            run,
            told.is_none_or(|told| told == found),
            "frames_less_1 is {found}, not {told:?}"
        );
        if ends {
            self.finished += 1;
            self.runs = None;
            core.sets -= 1;
        }
        if over {
            let Some(words) = self.shadow.take() else {
                return Err(format!("cycle {}: no job takes over", run.cycle));
            };
            must!(
                run,
                core.begun || core.loading > 0,
                "a job takes over without weights"
            );
            must!(run, core.ahead, "a job takes over without frames");
            must!(run, self.runs.is_none(), "a job takes over while one runs");
            (core.begun, core.ahead) = (false, false);
            core.left = words[frames_word] + 1;
            self.runs = Some(words);
            self.shadow_free = run.cycle + 1;
        }
        self.before.job_ends = ends && !abort;
        self.before.takes_over = over;
        if abort {
            self.before.abort = true;
            self.ending = false;
            (self.started, self.shadow, self.runs) = (None, None, None);
            self.shadow_free = run.cycle + 1;
            self.frames = None;
            self.core = Core::new(run);
        }
        Ok(())
    }

    /// Words that go to memories.
    fn filled(&mut self) -> Verdict {
        let run = &self.run;
        for (memory, column) in self.table.memories().iter().enumerate() {
            if run.high(&column.strobe) {
                let page = run.was(LOAD_PAGE);
                must!(run, page != run.was(PAGE), "the page in use is filled");
                let at = (page, memory, run.was(LOAD_ENTRY));
                self.pages.insert(at, run.was(LOAD_DATA));
            }
        }
        Ok(())
    }

    /// What each part of the engine is told.
    fn told(&mut self) -> Verdict {
        let run = &self.run;
        for field in self.table.fields() {
            let of = |words: &Words| {
                words[self.register(field.word)] >> field.low
                    & (u64::MAX >> (64 - field.port.width))
            };
            let name = &field.port.port;
            let job = match field.port.turn {
                Turn::Known if run.high("next_told") => self.shadow.as_ref(),
                Turn::Taken if run.high("frames_ahead") => self.shadow.as_ref(),
                Turn::Taken | Turn::Done if run.high("job_aresetn") => self.runs.as_ref(),
                _ => None,
            };
            if let Some(words) = job {
                let (found, wanted) = (run.was(name), of(words));
                must!(
                    run,
                    found == wanted,
                    "{name} is {found:#x}, not {wanted:#x}"
                );
            }
        }
        if let Some(words) = self.runs.as_ref().filter(|_| run.high("job_aresetn")) {
            let page = run.was(PAGE);
            let [_, column_bits] = self.table.index_bits();
            let told = self
                .indices
                .iter()
                .filter(|&&index| index < self.pass_end(words));
            for &index in told {
                let (line, column) = (index >> column_bits, index % (1 << column_bits));
                let Some(memory) = column.checked_sub(1) else {
                    continue;
                };
                let (found, word) = (self.pages.get(&(page, memory, line as u64)), words[index]);
                must!(
                    run,
                    found == Some(&word),
                    "memory {memory}, entry {line}: {found:x?}, not {word:#x}"
                );
            }
        }
        Ok(())
    }
}

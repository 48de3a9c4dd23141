//! Promise: one set for each job, behind the one before it round the ring; the next job's while a job runs; never over a word
//! of a job that runs. `weights_ready` is of the job that runs, and `weight_base` where its set begins.

use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::weights::load::weight_load;

use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::tlast::Tlast;

/// Bits of an address of the ring.
const BITS: usize = 5;
const WORDS: u64 = 1 << BITS;
const JOBS: u64 = 30;
/// Nothing waits longer than this for nothing.
const SOON: i64 = 6;

const MUTANTS: &[Mutant] = &[
    mutant(
        "a word of the job that runs written over",
        "full_q <= full_d;",
        "full_d",
        "1'd0",
    ),
    mutant(
        "weights that are ready with half a set",
        "whole_q <= whole_d;",
        "whole_d",
        "(weights_begin ? whole_d + 2'd1 : whole_d)",
    ),
    mutant(
        "a base that is the job's before",
        "base_q <= base_d;",
        "base_d",
        "(takes_over ? base_q : base_d)",
    ),
    mutant(
        "a set that ends a beat early",
        "due_q <= due_d;",
        "due_d",
        "due_d | (left_q == 3)",
    ),
];

/// The set of a job, by the words of all sets: where it begins and how many there are.
#[derive(Clone, Copy)]
struct Set {
    begin: u64,
    words: u64,
}

#[test]
fn ring() {
    let mut config = Config::default();
    let module = weight_load("load", BITS, 0, Target::Generic, &mut config);
    Block::new(&module, config, MUTANTS).check(vector);
}

/// A job's way: told, its set taken, running.
#[derive(Default)]
struct Bench {
    tlast: Tlast,
    /// Words taken of all sets, and whether the next is offered.
    words: u64,
    offered: Option<bool>,
    waits: i64,
    /// Words of the set of a job that is told and has not begun.
    told: Option<u64>,
    /// The set that is taken; that of the job that comes next; that of the job that runs.
    taking: Option<Set>,
    next: Option<Set>,
    runs: Option<Set>,
    /// A set began in the cycle before.
    begun: bool,
    jobs: u64,
    done: u64,
    took_over: i64,
    ended: i64,
}

fn vector(run: &mut Run) -> Verdict {
    let [mut offers, mut ends] = [run.idle(), run.back()];
    let mut bench = Bench {
        took_over: -SOON,
        ended: -SOON,
        ..Bench::default()
    };
    for port in ["tvalid", "next_told", "takes_over", "job_ends"] {
        run.set(port, 0);
    }
    run.reset();
    while bench.done < JOBS {
        bench.offer(run, offers.opens());
        let ready = run.cycle >= 0 && run.high("weights_ready") && run.cycle > bench.took_over + 4;
        let computed = bench.is_whole() && ready;
        let ends_now = computed && ends.opens() && run.choices.below(8) == 0;
        let free = ends_now || bench.runs.is_none();
        let over = free && bench.next.is_some() && run.choices.below(2) == 0;
        run.set("job_ends", ends_now.into());
        run.set("takes_over", over.into());
        run.step()?;
        bench.look(run)?;
        if ends_now {
            bench.runs = None;
            bench.done += 1;
            bench.ended = run.cycle;
        }
        if over {
            bench.runs = bench.next.take();
            bench.took_over = run.cycle;
        }
    }
    Ok(())
}

impl Bench {
    /// Whether the set of the job that runs is in the memory.
    fn is_whole(&self) -> bool {
        self.runs
            .is_some_and(|set| self.words >= set.begin + set.words)
    }

    /// Whether the next word is one of a set in use.
    fn is_full(&self) -> bool {
        let oldest = self.runs.or(self.next);
        oldest.is_some_and(|set| self.words >= set.begin + WORDS)
    }

    /// Whether so many words end the set that is taken.
    fn ends(&self, words: u64) -> bool {
        self.taking
            .is_some_and(|set| words == set.begin + set.words)
    }

    /// Tells a job, when the one before has left the shadow, and offers a beat.
    fn offer(&mut self, run: &mut Run, opens: bool) {
        let shadow_is_free = self.told.is_none() && self.next.is_none();
        if shadow_is_free && self.jobs < JOBS && run.choices.below(3) == 0 {
            let most = [4, 20, WORDS][run.choices.below(3) as usize];
            let words = 1 + run.choices.below(most);
            run.set("cfg_weight_words_less_1", words - 1);
            self.told = Some(words);
            self.jobs += 1;
        }
        run.set("next_told", self.told.is_some().into());
        if self.offered.is_none() && opens {
            let stray = run.choices.below(10) == 0;
            self.offered = Some(self.ends(self.words + 1) != stray);
            self.waits = run.cycle + 1;
        }
        run.set("tvalid", self.offered.is_some().into());
        run.set("tlast", self.offered.unwrap_or_default().into());
    }

    fn look(&mut self, run: &Run) -> Verdict {
        let now = run.cycle;
        self.tlast.check(run)?;
        must!(
            run,
            run.high("weights_begin") == self.begun,
            "weights_begin is {}",
            !self.begun
        );
        let ready = run.high("tready");
        must!(
            run,
            !ready || self.taking.is_some(),
            "tready without a set to take"
        );
        let taken = ready && self.offered.is_some();
        let (words, full) = (self.words, self.is_full());
        must!(run, run.high("write") == taken, "write is {}", !taken);
        must!(run, !(taken && full), "word {words} goes over one in use");
        if self.taking.is_some() && self.offered.is_some() && !full && !taken {
            let since = self.waits.max(self.ended).max(self.took_over);
            must!(run, now <= since + SOON, "word {words} waits for nothing");
        }
        if self.runs.is_some() && now >= self.ended + 2 {
            let whole = self.is_whole();
            must!(
                run,
                whole || !run.high("weights_ready"),
                "weights_ready before they are"
            );
        }
        if let Some(set) = self.runs {
            let (found, wanted) = (run.was("weight_base"), set.begin % WORDS);
            must!(run, found == wanted, "weight_base is {found}, not {wanted}");
        }
        let begins = self.told.is_some() && self.taking.is_none() && !self.begun;
        if self.begun {
            self.told = None;
        }
        self.tlast.beat(None);
        if taken {
            let address = run.was("write_address");
            must!(
                run,
                address == words % WORDS,
                "word {words} goes to {address}"
            );
            self.words += 1;
            let due = self.ends(self.words);
            self.tlast
                .beat(Some((self.offered.take().unwrap_or_default(), due)));
            if due {
                self.taking = None;
            }
        }
        if begins {
            self.taking = self.told.map(|words| Set {
                begin: self.words,
                words,
            });
            self.next = self.taking;
        }
        self.begun = begins;
        Ok(())
    }
}

//! Promise: sets are written in order of arrival, never while a frame reads them; `weights_ready` only while a whole set is in
//! the memory; a beat that waits while no frame reads is taken before long; a misplaced `tlast` is told and changes nothing.

use bpa_hdl::config::inputs::Config;
use bpa_hdl::issue::{BUSY_CYCLES, ISSUE_CYCLES};
use bpa_hdl::rtl::bits_for;
use bpa_hdl::weights::port::weight_port;
use bpa_hdl::weights::swap::weight_swap;

use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::tlast::Tlast;
use crate::traffic::Gate;

/// Beats of a set.
const WORDS: u64 = 11;
const SETS: u64 = 12;
/// Nothing waits longer than this for nothing.
const SOON: i64 = 10;
/// From a frame's decision to begin to the flag that tells it: the token leaves the queue and enters the loops, and the flag
/// follows in the second cycle behind that.
const SEEN_CYCLES: i64 = 1 + BUSY_CYCLES as i64;

const ONE: &[Mutant] = &[
    mutant(
        "a set that does not wait for a frame that begins",
        "told_q <= told_d;",
        "told_d",
        "2'd0",
    ),
    mutant(
        "weights that are ready a beat early",
        "usable_q <= usable_d;",
        "usable_d",
        "~tvalid & (usable_d | address_at_last_q)",
    ),
    mutant(
        "a set that begins behind another's end",
        "address_q <= address_d;",
        "address_d",
        "(loading_q ? address_d : address_q)",
    ),
    mutant(
        "a set that never begins",
        "begins_q <= begins_d;",
        "begins_d",
        "1'd0",
    ),
];

const TWO: &[Mutant] = &[
    mutant(
        "the set in use written",
        "set_q <= set_d;",
        "set_d",
        "(frame_start & ~waits_q ? ~set_d : set_d)",
    ),
    mutant(
        "a set taken while another waits",
        "ready_q <= ready_d;",
        "ready_d",
        "1'd1",
    ),
    mutant(
        "a set left that may still be read",
        "waited_q <= waited_d;",
        "waited_d",
        "waits_d",
    ),
    mutant(
        "a set that is lost where a frame begins with its last beat",
        "waits_q <= waits_d;",
        "waits_d",
        "waits_d & ~frame_start",
    ),
];

#[test]
fn one_set() {
    let mut config = Config::default();
    let width = bits_for(WORDS - 1);
    let module = weight_port("weight", width, 0, &mut config);
    Block::new(&module, config, ONE).check(one);
}

#[test]
fn two_sets() {
    let mut config = Config::default();
    let width = bits_for(WORDS - 1);
    let module = weight_swap("swap", width, 0, &mut config);
    Block::new(&module, config, TWO).check(two);
}

/// The stream of sets: a beat at a time, with stray `tlast`s.
struct Sets {
    offers: Gate,
    offered: Option<bool>,
    /// Beats taken of the set, and sets taken.
    beat: u64,
    sets: u64,
    /// Since when a beat waits.
    waits: i64,
    tlast: Tlast,
}

impl Sets {
    fn new(run: &mut Run) -> Self {
        run.set("cfg_weight_words_less_1", WORDS - 1);
        run.set("tvalid", 0);
        Sets {
            offers: run.idle(),
            offered: None,
            beat: 0,
            sets: 0,
            waits: 0,
            tlast: Tlast::default(),
        }
    }

    fn is_due(&self) -> bool {
        self.beat + 1 == WORDS
    }

    /// Offers a beat for the next cycle. Between two sets the stream pauses now and then, so that frames can begin.
    fn offer(&mut self, run: &mut Run) {
        let between = self.beat == 0 && self.sets > 0;
        let pauses = between && run.choices.below(40) > 0;
        if self.offered.is_none() && self.sets < SETS && !pauses && self.offers.opens() {
            let stray = run.choices.below(10) == 0;
            self.offered = Some(self.is_due() != stray);
            self.waits = run.cycle + 1;
        }
        run.set("tvalid", self.offered.is_some().into());
        run.set("tlast", self.offered.unwrap_or_default().into());
    }

    /// What the port does with it; whether a beat was taken.
    fn look(&mut self, run: &Run) -> Result<bool, String> {
        self.tlast.check(run)?;
        must!(
            run,
            run.cycle > 0 || !run.high("tready"),
            "tready is high in reset"
        );
        let taken = run.high("tready") && self.offered.is_some();
        must!(
            run,
            run.high("write") == taken,
            "write is {}",
            run.high("write")
        );
        let last = self.offered.take_if(|_| taken);
        self.tlast.beat(last.map(|last| (last, self.is_due())));
        Ok(taken)
    }

    /// The next beat, where one was taken.
    fn step(&mut self) {
        self.beat += 1;
        if self.beat == WORDS {
            self.beat = 0;
            self.sets += 1;
        }
    }
}

fn one(run: &mut Run) -> Verdict {
    let mut sets = Sets::new(run);
    let mut frames = run.back();
    // A frame reads the memory up to this cycle, and is seen from the other one on.
    let (mut reads_to, mut seen_from) = (-1, i64::MAX);
    let mut quiet_since = 0;
    run.set("frame_busy", 0);
    run.reset();
    while sets.sets < SETS || run.cycle < quiet_since + 2 * SOON {
        sets.offer(run);
        let next = run.cycle + 1;
        run.set("frame_busy", (next >= seen_from && next <= reads_to).into());
        run.step()?;
        let now = run.cycle;
        let reads = now <= reads_to + ISSUE_CYCLES as i64 && reads_to > 0;
        let (index, beat) = (sets.sets, sets.beat);
        if sets.look(run)? {
            let address = run.was("write_address");
            must!(
                run,
                address == beat,
                "set {index}: word {beat} goes to {address}"
            );
            must!(run, !reads, "set {index} is written while a frame reads");
            sets.step();
        } else if sets.offered.is_some() && reads_to < 0 {
            let since = sets.waits.max(quiet_since);
            must!(run, now <= since + SOON, "set {index} waits for nothing");
        }
        let ready = run.high("weights_ready");
        must!(
            run,
            !ready || (index > 0 && beat == 0),
            "weights_ready in set {index}, beat {beat}"
        );
        if sets.offered.is_some() || beat > 0 || index == 0 {
            quiet_since = quiet_since.max(if reads_to >= 0 { now } else { quiet_since });
        }
        let idle = sets.offered.is_none() && beat == 0 && index > 0;
        let whole_since = if idle {
            sets.waits.max(quiet_since)
        } else {
            now
        };
        must!(
            run,
            ready || now <= whole_since + WORDS as i64 * 64,
            "weights are never ready"
        );
        if reads_to >= 0 && now > reads_to {
            (reads_to, seen_from) = (-1, i64::MAX);
            quiet_since = now;
        }
        // By what was told in this cycle, a frame may begin.
        if ready && reads_to < 0 && frames.opens() {
            seen_from = now + SEEN_CYCLES;
            reads_to = seen_from + run.choices.below(40) as i64;
        }
    }
    Ok(())
}

fn two(run: &mut Run) -> Verdict {
    let mut sets = Sets::new(run);
    let mut frames = run.back();
    let mut in_use = 0;
    // Sets that were whole before this cycle; of them, those that frames have used.
    let (mut whole, mut used) = (0, 0);
    let mut swapped = -SOON;
    let mut free_since = 0;
    run.set("frame_start", 0);
    run.reset();
    while used < SETS {
        sets.offer(run);
        let ready = run.cycle >= 0 && run.high("weights_ready");
        let begins = ready && frames.opens() && run.choices.below(20) == 0;
        run.set("frame_start", begins.into());
        run.step()?;
        let now = run.cycle;
        must!(
            run,
            run.high("weights_ready") == (whole > 0),
            "weights_ready is {}",
            whole == 0
        );
        must!(run, run.was("in_use") == in_use, "in_use is {}", 1 - in_use);
        let (index, beat) = (sets.sets, sets.beat);
        if sets.look(run)? {
            let address = run.was("write_address");
            must!(
                run,
                address >> 1 == beat,
                "set {index}: word {beat} goes to {}",
                address >> 1
            );
            must!(
                run,
                address & 1 != in_use,
                "set {index} goes over the set in use"
            );
            let left = now > swapped + ISSUE_CYCLES as i64;
            must!(run, left, "set {index} goes over a set that is still read");
            must!(run, whole == used, "set {index} goes over a set that waits");
            sets.step();
        } else if sets.offered.is_some() && whole == used {
            let since = sets.waits.max(free_since);
            must!(run, now <= since + SOON, "set {index} waits for nothing");
        }
        if begins && whole > used {
            in_use = 1 - in_use;
            used += 1;
            swapped = now;
            free_since = now;
        }
        whole = sets.sets;
    }
    Ok(())
}

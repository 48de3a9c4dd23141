//! Promise: `word` is the oldest beat while `valid`, until `take`; one beat a cycle; a beat is there so many cycles after
//! it was written; a place is given back for each beat, when the beat has become the word at the latest.

use std::collections::VecDeque;

use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::beat_fifo::{beat_fifo, extra_cycles, BEAT_CYCLES};
use bpa_hdl::primitives::target::Target;

use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};

const BITS: usize = 24;
const BEATS: u64 = 400;

const SHORT: &[Mutant] = &[
    mutant(
        "a place given back with the write",
        "assign gave = fetched_q;",
        "fetched_q",
        "write",
    ),
    mutant(
        "a beat fetched while the word waits",
        "held_q <= held_d;",
        "held_d",
        "1'd1",
    ),
    mutant(
        "a slot passed over at the end",
        "read_slot_q <= read_slot_d;",
        "read_slot_d",
        "read_slot_d == 4'd15 ? 4'd0 : read_slot_d",
    ),
    mutant(
        "a count that knows of two as of one",
        "two_q <= two_d;",
        "two_d",
        "one_d",
    ),
];

const LONG: &[Mutant] = &[
    mutant(
        "a place given back twice",
        "assign gave = fetched_q;",
        "fetched_q",
        "fetched_q | moves",
    ),
    mutant(
        "a word that is dropped",
        "held_q <= held_d;",
        "held_d",
        "moves",
    ),
    mutant(
        "a beat that waits for a second one",
        "one_q <= one_d;",
        "one_d",
        "two_d",
    ),
];

#[test]
fn short() {
    fifo(16, SHORT);
}

#[test]
fn long() {
    fifo(64, LONG);
}

fn fifo(places: u64, mutants: &'static [Mutant]) {
    let name = format!("fifo{places}");
    let module = beat_fifo(
        &name,
        &format!("{name}_memory"),
        BITS,
        places,
        Target::Generic,
    );
    let block = Block::new(&module, Config::default(), mutants);
    block.check(|run| vector(run, places));
}

fn vector(run: &mut Run, places: u64) -> Verdict {
    let there_after = (BEAT_CYCLES + extra_cycles(places)) as i64;
    let (mut writes, mut takes) = (run.idle(), run.back());
    // Beats that were written, by value and the first cycle in which each may be the word.
    let mut inside: VecDeque<(u64, i64)> = VecDeque::new();
    let (mut written, mut taken, mut given) = (0, 0, 0);
    let mut taken_in = -1;
    run.reset();
    while taken < BEATS || given < BEATS {
        let write = written < BEATS && written - given < places && writes.opens();
        let beat = run.choices.below(1 << BITS);
        let take = run.next("valid") != 0 && takes.opens();
        run.set("write", write.into());
        run.set("beat", beat);
        run.set("take", take.into());
        run.step()?;
        let word = inside.front().copied();
        let due = word.is_some_and(|(_, there)| run.cycle >= there.max(taken_in + 1));
        must!(
            run,
            run.high("valid") == due,
            "beat {taken}: valid is {}",
            run.was("valid")
        );
        if let (Some((value, _)), true) = (word, due) {
            let found = run.was("word");
            must!(
                run,
                found == value,
                "beat {taken}: {found:#x} for {value:#x}"
            );
        }
        if run.high("gave") {
            given += 1;
            must!(run, given <= written, "a place of no beat is given back");
        }
        // Those that are the word or were taken have given theirs.
        let least = taken + u64::from(due);
        must!(run, given >= least, "{given} places given back of {least}");
        if take {
            inside.pop_front();
            taken += 1;
            taken_in = run.cycle;
        }
        if write {
            inside.push_back((beat, run.cycle + there_after));
            written += 1;
        }
    }
    for _ in 0..20 {
        run.set("write", 0);
        run.set("take", 0);
        run.step()?;
        let quiet = !run.high("valid") && !run.high("gave");
        must!(run, quiet, "something comes from an empty FIFO");
    }
    Ok(())
}

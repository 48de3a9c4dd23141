//! Promise: each counter counts the cycles of its event, wraps, and carries into its upper word; a read tells what had
//! happened before its cycle; a clear and a reset make all of them zero.

use std::collections::VecDeque;

use bpa_hdl::config::inputs::Config;
use bpa_hdl::registers::counters::{counters, words_of, Counted, COUNT_CYCLES, READ_SPACING};

use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};

/// Few, so that words wrap.
const WORD_BITS: usize = 6;
const CYCLES: i64 = 20_000;

const MUTANTS: &[Mutant] = &[
    mutant(
        "an event in a word's turn that is lost",
        "pair_few_q <= pair_few_d;",
        "pair_few_d",
        "takes & address == 0 ? 0 : pair_few_d",
    ),
    mutant(
        "an event that is counted twice",
        "last_few_q <= last_few_d;",
        "last_few_d",
        "takes & address == 5 ? last_few_q + last_seen_q : last_few_d",
    ),
    mutant(
        "a carry that stays",
        "pair_carry_q <= pair_carry_d;",
        "pair_carry_d",
        "pair_carry_q | pair_carry_d",
    ),
    mutant(
        "no carry",
        "upper_carry_q <= upper_carry_d;",
        "upper_carry_d",
        "1'd0",
    ),
    mutant(
        "a word that is read while it is written",
        "turns = ~(reads_q | asks_q | asked_before_q)",
        "(reads_q | asks_q | asked_before_q)",
        "asks_q",
    ),
    mutant(
        "a clear that leaves a word",
        "from_zero_q <= from_zero_d;",
        "from_zero_d",
        "clearing_q & turn_q != 5",
    ),
    mutant(
        "a clear that leaves what has yet to be added",
        "middle_few_q <= middle_few_d;",
        "middle_few_d",
        "clear ? middle_few_q : middle_few_d",
    ),
    mutant(
        "another word told",
        "tells_q <= tells_d;",
        "tells_d",
        "reads_q",
    ),
];

/// The words that take the carry of the one before them.
const UPPER: [usize; 2] = [1, 4];

fn counted() -> Vec<Counted> {
    let counted = |name: &str, words| Counted {
        name: name.to_owned(),
        words,
        what: format!("what {name} means"),
    };
    [("pair", 2), ("middle", 1), ("upper", 2), ("last", 1)]
        .map(|(name, words)| counted(name, words))
        .into()
}

#[test]
fn counters_in_one_memory() {
    let module = counters("counters", &counted(), WORD_BITS);
    let block = Block::new(&module, Config::default(), MUTANTS);
    block.check(vector);
}

/// A read under way or told: the cycle, the word as it then was, and whether events since a clear may be missing.
struct Read {
    at: i64,
    word: usize,
    value: u64,
    /// The least that it may be.
    oldest: u64,
    lacks: bool,
}

fn vector(run: &mut Run) -> Verdict {
    let counted = counted();
    let words = words_of(&counted);
    let mut gates: Vec<_> = counted.iter().map(|_| run.idle()).collect();
    let mut counts = vec![0_u64; counted.len()];
    let mut cleared = 0;
    // The word above the one that was read last, as it was then.
    let mut upper_then = 0;
    let mut reads: VecDeque<Read> = VecDeque::new();
    // The word that was asked for in the cycle before: what had happened before this one is told.
    let mut asked: Option<usize> = None;
    for pin in ["word", "read", "clear"] {
        run.set(pin, 0);
    }
    run.reset();
    while run.cycle < CYCLES {
        let now = run.cycle + 1;
        // Long enough between two of them that upper words are reached.
        let clear = run.choices.below(400) == 0;
        if clear {
            cleared = now;
        }
        if let Some(word) = asked.take() {
            let value = |word: usize| match clear {
                true => 0,
                false => words_now(&counted, &counts)[word],
            };
            let pair = reads
                .back()
                .filter(|read| UPPER.contains(&word) && read.word + 1 == word);
            // What the lower word has carried since it was read may be missing; if it was not, since its turn.
            let oldest = match pair {
                Some(read) if read.at >= cleared => upper_then,
                _ if UPPER.contains(&word) => value(word).saturating_sub(1),
                _ => value(word),
            };
            upper_then = value((word + 1) % words);
            reads.push_back(Read {
                at: now,
                word,
                value: value(word),
                oldest,
                lacks: now - cleared <= 2 * words as i64 + READ_SPACING as i64,
            });
        }
        let events: Vec<bool> = gates.iter_mut().map(|gate| gate.opens()).collect();
        for (each, event) in counted.iter().zip(&events) {
            run.set(&format!("{}_event", each.name), (*event).into());
        }
        let spaced = |read: &Read| now >= read.at + READ_SPACING as i64;
        let read = reads.back().is_none_or(spaced) && run.choices.below(3) == 0;
        if read {
            // Often the upper word behind its lower one.
            let last = reads.back().map(|read| read.word + 1);
            let upper = last.filter(|word| UPPER.contains(word) && run.choices.below(2) == 0);
            let word = upper.unwrap_or_else(|| run.choices.below(words as u64) as usize);
            run.set("word", word as u64);
            asked = Some(word);
        }
        run.set("read", read.into());
        run.set("clear", clear.into());
        run.step()?;
        // The one before is told until the next one is.
        let told = |read: &Read| read.at + COUNT_CYCLES as i64 - 1 <= now;
        while reads.len() > 1 && told(&reads[1]) {
            reads.pop_front();
        }
        if let Some(read) = reads.front().filter(|read| told(read)) {
            let (found, due) = (run.was("count"), read.value);
            let fits = found == due || found == read.oldest || (read.lacks && found < due);
            must!(run, fits, "word {} is {found}, not {due}", read.word);
        }
        for ((count, each), event) in counts.iter_mut().zip(&counted).zip(events) {
            *count = if clear { 0 } else { *count } + u64::from(event);
            *count %= 1 << (WORD_BITS * each.words);
        }
    }
    Ok(())
}

/// The counts by word.
fn words_now(counted: &[Counted], counts: &[u64]) -> Vec<u64> {
    let parts = counted.iter().zip(counts);
    let parts = parts.flat_map(|(each, count)| {
        (0..each.words).map(move |part| count >> (WORD_BITS * part) & ((1 << WORD_BITS) - 1))
    });
    parts.collect()
}

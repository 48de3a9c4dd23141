//! Counters that software reads.

use crate::primitives::memory::held_memory;
use crate::rtl::{bits_for, lit, Expr, Module};

const DOC: &str = "\
Counters: each counts the cycles in which its event is high, in a word or in two, and wraps. All stand
in one memory with one adder. Beside it, each event has a few bits that count until its turn comes: one
word is brought up to date in each cycle, all of them in turn, and one that is read at once.

Promise: four cycles after `read`, and until the next one, `count` is `word`, with all events but those of
the latest four cycles; an upper word, all that its lower one had when that was read before it. Nothing
is lost, and nothing counted twice. `clear` makes all counters zero: what
happens in its cycle and from then on is counted. So does a reset. For some cycles behind either, as many as
there are words and three more for each read, what is read may lack what happened in them.

`word` stays for three cycles behind `read`. Reads are eight cycles apart or more.";

/// Cycles from `read` to the answer.
pub const COUNT_CYCLES: u64 = 4;
/// Cycles from a read to the next, at the least.
pub const READ_SPACING: u64 = 8;
/// Cycles of these in which no word takes its turn.
const HELD_CYCLES: u64 = 3;

/// A counter and what it counts.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Its name.
    pub name: String,
    /// Its words: one, or two of which the lower one comes first.
    pub words: usize,
    /// What it counts.
    pub what: String,
}

/// Words of all of them.
pub fn words_of(counted: &[Counted]) -> usize {
    counted.iter().map(|each| each.words).sum()
}

/// Most cycles between two turns of a word.
fn turn_cycles(words: u64) -> u64 {
    words * READ_SPACING / (READ_SPACING - HELD_CYCLES) + READ_SPACING
}

/// Builds the counters, of words of so many bits: for each an input `NAME_event`; the input `word` chooses what the output
/// `count` tells.
///
/// # Panics
/// If there are fewer than two words: one would then be read while it is written. If a word has too few bits for what happens
/// between two of its turns.
pub fn counters(name: &str, counted: &[Counted], word_bits: usize) -> Module {
    let words = words_of(counted);
    assert!(words >= 2, "{words} words of counters");
    let few_bits = bits_for(turn_cycles(words as u64));
    assert!(few_bits < word_bits, "{words} words of {word_bits} bits");
    let mut m = Module::new(name, DOC);
    m.clocked();
    let index_bits = bits_for(words as u64 - 1);
    let index = |word: usize| lit(word as u64, index_bits);
    let clear = m.input("clear", 1, "");
    let read = m.input("read", 1, "pulse: a word is read");
    let asked = m.input("word", index_bits, "which it is");
    let port = m.output("count", word_bits, "");

    let turn = m.reg("turn", index_bits, 0, "the word whose turn it is");
    let clearing = m.reg("clearing", 1, 1, "the words from there on are not zero yet");
    let reads = m.reg("reads", 1, 0, "");
    let asks = m.reg("asks", 1, 0, "the word that is read takes its turn");
    let asked_before = m.reg("asked_before", 1, 0, "");
    let turns = m.net("turns", 1, "the next word takes its turn");
    let takes = m.net("takes", 1, "a word is brought up to date");
    let address = m.net("address", index_bits, "");
    m.comb(|b| {
        b.comment("One word after the other. Around a word that is read none is, so that none is read while it is written.");
        b.set(&reads.d, &read);
        b.set(&asks.d, &reads.q);
        b.set(&asked_before.d, &asks.q);
        b.set(&turns, &!(&reads.q | &asks.q | &asked_before.q));
        b.when(&turns, |b| {
            b.set(&turn.d, &turn.q.plus(1));
            b.when(&turn.q.eq(&index(words - 1)), |b| {
                b.set(&turn.d, &index(0));
                b.set(&clearing.d, &lit(0, 1));
            });
        });
        b.when(&clear, |b| {
            b.set(&turn.d, &index(0));
            b.set(&clearing.d, &lit(1, 1));
        });
        b.comment("A word that may not be zero yet is only told.");
        b.set(&takes, &(&turns | (&asks.q & !&clearing.q)));
        b.select(&address, &asks.q, &asked, &turn.q);
    });

    // Each event's few, and its word.
    let mut few_of = Vec::new();
    // The lower words of pairs.
    let mut lower = Vec::new();
    let mut at = 0;
    for Counted { name, words, what } in counted {
        let event = m.input(&format!("{name}_event"), 1, what);
        // The event is registered: it may come from far away.
        let seen = m.reg(&format!("{name}_seen"), 1, 0, "");
        let few = m.reg(&format!("{name}_few"), few_bits, 0, "since its word's turn");
        let its_turn = &takes & address.eq(&index(at));
        m.comb(|b| {
            let one = seen.q.zext(few_bits);
            b.set(&seen.d, &event);
            b.set(&few.d, &(&few.q + &one));
            b.when(&its_turn, |b| b.set(&few.d, &one));
            b.when(&clear, |b| b.set(&few.d, &lit(0, few_bits)));
        });
        few_of.push((at, few.q));
        if *words == 2 {
            lower.push((
                at,
                m.reg(&format!("{name}_carry"), 1, 0, "into its upper word"),
            ));
        }
        at += words;
    }

    let word = m.net("word_read", word_bits, "");
    let from_zero = m.reg(
        "from_zero",
        1,
        1,
        "the word that was read is to begin with zero",
    );
    let added = m.reg("added", few_bits, 0, "to it");
    let added_to = m.data_reg("added_to", index_bits, "which it is");
    let writes = m.reg("writes", 1, 0, "it is written");
    let tells = m.reg("tells", 1, 0, "it is told");
    m.comb(|b| {
        b.comment("A word is read, with what is added to it.");
        b.set(&from_zero.d, &clearing.q);
        b.set(&added.d, &lit(0, few_bits));
        b.case(&address, words + 1, |b, at| {
            if let Some((_, few)) = few_of.iter().find(|(its, _)| *its == at) {
                b.set(&added.d, few);
            }
        });
        b.set(&added_to.d, &address);
        b.set(&writes.d, &takes);
        b.set(&tells.d, &asks.q);
    });

    let from = m.net("from", word_bits + 1, "");
    let sum = m.net("sum", word_bits + 1, "");
    let count = m.data_reg("count", word_bits, "");
    m.comb(|b| {
        b.comment(
            "The sum. An upper word has no event but the carry, and none from before a clear.",
        );
        let mut addend = added.q.clone();
        for (at, carry) in &lower {
            let is_upper = added_to.q.eq(&index(at + 1)) & &writes.q;
            let carries = &carry.q & is_upper & !&from_zero.q;
            addend = addend | carries.zext(few_bits);
        }
        b.set(&from, &word.zext(word_bits + 1));
        b.when(&from_zero.q, |b| b.set(&from, &lit(0, word_bits + 1)));
        b.set(&sum, &(&from + addend.zext(word_bits + 1)));
        for (at, carry) in &lower {
            b.when(&writes.q, |b| {
                let is_upper = added_to.q.eq(&index(at + 1));
                b.when(&is_upper, |b| b.set(&carry.d, &lit(0, 1)));
                let is_lower = added_to.q.eq(&index(*at));
                b.when(&is_lower, |b| b.set(&carry.d, &(&carry.q | sum.msb())));
            });
        }
        b.when(&tells.q, |b| b.set(&count.d, &sum.slice(0, word_bits)));
    });
    m.instance(
        "u_words",
        held_memory(&format!("{name}_words"), words as u64, word_bits),
        vec![
            ("write", writes.q),
            ("write_address", added_to.q),
            ("write_data", sum.slice(0, word_bits)),
            ("read", lit(1, 1)),
            ("read_address", address),
            ("read_data", word),
        ],
    );
    m.assign(&port, &count.q);
    m
}

/// The pins of a stream whose beat waits.
pub fn waits(valid: &Expr, ready: &Expr) -> Expr {
    valid & !ready
}

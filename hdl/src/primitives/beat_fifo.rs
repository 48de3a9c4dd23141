//! A FIFO of beats: a memory, and one word ahead of it.

use crate::primitives::block_ram::fits_luts;
use crate::primitives::carry_adders::carry_sum;
use crate::primitives::memory::{fetched_memory, held_memory};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Module};

/// The most places of a FIFO whose memory is small and fast; a larger one is a block RAM, with a register of its own
/// behind its read, and a cycle later.
pub const SHORT_PLACES: u64 = 32;

/// Cycles from a beat's write to the first in which it is the word of a short FIFO.
pub const BEAT_CYCLES: u64 = 2;

const DOC: &str = "\
FIFO of beats. Who writes knows that there is a place: `gave` is a pulse for each that is free again.

Promise: `word` is the oldest beat while `valid`, both registers, until `take`, which comes only
while `valid`; one beat a cycle; a beat is there ";

/// Cycles that a beat takes longer through a FIFO of so many places than through a short one.
pub fn extra_cycles(places: u64) -> u64 {
    u64::from(places > SHORT_PLACES)
}

/// Builds the FIFO for beats of `bits` bits, with a power of two of places; `memory` names the module that holds them.
pub fn beat_fifo(name: &str, memory: &str, bits: usize, places: u64, target: Target) -> Module {
    let long = places > SHORT_PLACES;
    let since = if long { "three" } else { "two" };
    let mut m = Module::new(name, format!("{DOC}{since} cycles after it was written."));
    m.clocked();
    let slot_bits = bits_for(places - 1);
    let count_bits = bits_for(places);
    let write = m.input("write", 1, "");
    let beat = m.input("beat", bits, "");
    let gave = m.output("gave", 1, "a place is free again");
    let valid = m.output("valid", 1, "");
    let word = m.output("word", bits, "");
    let take = m.input("take", 1, "");

    let write_slot = m.reg("write_slot", slot_bits, 0, "");
    let read_slot = m.reg("read_slot", slot_bits, 0, "");
    let count = m.reg(
        "count",
        count_bits,
        0,
        "beats in the memory, but for a fetch just before",
    );
    let one = m.reg("one", 1, 0, "the count is one at least");
    let two = m.reg("two", 1, 0, "it is two at least");
    let fetched = m.reg("fetched", 1, 0, "one was fetched in the cycle before");
    let held = m.reg("held", 1, 0, "the word has yet to be taken");
    let second = long.then(|| m.reg("read", 1, 0, "a beat was read and waits behind the word"));
    let some = m.net("some", 1, "there is a beat to fetch");
    let fetch = m.net("fetch", 1, "a beat is read");
    let moves = m.net("moves", 1, "a beat becomes the word");
    let less_fetched = fetched.q.sext(count_bits);
    let written = (&write, "a write");
    let sum = carry_sum(&mut m, "count", (&count.q, &less_fetched), written);
    m.comb(|b| {
        b.set(&count.d, &sum);
        b.set(&one.d, &count.d.non_zero());
        b.set(&two.d, &count.d.ge(&lit(2, count_bits)));
        b.select(&some, &fetched.q, &two.q, &one.q);
        let open = &take | !&held.q;
        match &second {
            None => {
                b.set(&fetch, &(&some & open));
                b.set(&moves, &fetch);
            }
            Some(second) => {
                b.set(&moves, &(&second.q & open));
                b.set(&fetch, &(&some & (&moves | !&second.q)));
                b.set(&second.d, &(&fetch | (&second.q & !&moves)));
            }
        }
        b.set(&held.d, &(&moves | (&held.q & !&take)));
        b.set(&fetched.d, &fetch);
        b.when(&write, |b| b.set(&write_slot.d, &write_slot.q.plus(1)));
        b.when(&fetch, |b| b.set(&read_slot.d, &read_slot.q.plus(1)));
    });
    m.assign(&gave, &fetched.q);
    m.assign(&valid, &held.q);
    let mut bindings = vec![
        ("write", write),
        ("write_address", write_slot.q),
        ("write_data", beat),
        ("read_address", read_slot.q),
        ("read_data", word),
    ];
    let memory = match long {
        false => {
            bindings.push(("read", fetch));
            held_memory(memory, places, bits)
        }
        true => {
            bindings.extend([("fetch", fetch), ("move", moves)]);
            // The generic body is that of lookup tables.
            let target = match fits_luts(target, places, bits) {
                true => Target::Generic,
                false => target,
            };
            fetched_memory(memory, places, bits, target)
        }
    };
    m.instance("u_memory", memory, bindings);
    m
}

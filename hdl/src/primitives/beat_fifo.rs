//! A FIFO of beats: a memory, and one word ahead of it.

use crate::primitives::block_ram::fits_luts;
use crate::primitives::carry_adders::carry_sum;
use crate::primitives::memory::{fetched_memory, held_memory};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, Body, Expr, Module, Reg};

/// The most places of a FIFO whose memory is a lookup table a bit; a larger one is a block RAM, with a register of its own
/// behind its read, and a cycle later.
pub const SHORT_PLACES: u64 = 16;

/// Cycles from a beat's write to the first in which it is the word of a short FIFO.
pub const BEAT_CYCLES: u64 = 2;

const DOC: &str = "\
FIFO of beats. Who writes knows that there is a place: `gave` is a pulse for each that is free again,
one for each beat, when the beat becomes the word at the latest.

Promise: `word` is the oldest beat while `valid`, both registers, until `take`, which comes only
while `valid`; one beat a cycle; a beat is there ";

const STREAM_DOC: &str = "\
FIFO of beats ahead of a stream's registers. Who writes knows that there is a place: `gave` is a
pulse for each that is free again, one for each beat, when the beat becomes the word at the latest.

That the word and the stream's registers both hold a beat is a register of its own, so that the two
do not hang on one enable.

Promise: the stream's registers take `word` with `open`; `tvalid` tells that they hold a beat; all
but `open` are registers; one beat a cycle; a beat is the word ";

/// Cycles that a beat takes longer through a FIFO of so many places than through a short one.
pub fn extra_cycles(places: u64) -> u64 {
    u64::from(places > SHORT_PLACES)
}

/// Builds the FIFO for beats of `bits` bits, with a power of two of places; `memory` names the module that holds them.
pub fn beat_fifo(name: &str, memory: &str, bits: usize, places: u64, target: Target) -> Module {
    build(name, memory, (bits, places), target, false)
}

/// The same ahead of a stream's registers, of which it knows whether they hold a beat.
pub fn stream_fifo(name: &str, memory: &str, bits: usize, places: u64, target: Target) -> Module {
    build(name, memory, (bits, places), target, true)
}

fn build(
    name: &str,
    memory: &str,
    (bits, places): (usize, u64),
    target: Target,
    streams: bool,
) -> Module {
    let long = places > SHORT_PLACES;
    let since = if long { "three" } else { "two" };
    let doc = if streams { STREAM_DOC } else { DOC };
    let mut m = Module::new(name, format!("{doc}{since} cycles after it was written."));
    m.clocked();
    let slot_bits = bits_for(places - 1);
    let count_bits = bits_for(places);
    let write = m.input("write", 1, "");
    let beat = m.input("beat", bits, "");
    let gave = m.output("gave", 1, "a place is free again");
    let (reader, word) = Reader::declare(&mut m, bits, streams);
    let write_slot = m.reg("write_slot", slot_bits, 0, "");
    // A long FIFO of narrow beats needs no block RAM.
    let in_luts = long && fits_luts(target, places, bits);
    let slots = Slots::new(&mut m, in_luts, slot_bits);
    let comment = "beats in the memory, and the one that was fetched in the cycle before";
    let count = m.reg("count", count_bits, 0, comment);
    let one = m.reg("one", 1, 0, "beats in the memory are one at least");
    let two = m.reg("two", 1, 0, "the count is two at least");
    let three = m.reg("three", 1, 0, "it is three at least");
    let more = m.net("more", 1, "beats in the memory are two at least");
    let fetched = m.reg("fetched", 1, 0, "one was fetched in the cycle before");
    let held = m.reg("held", 1, 0, "the word has yet to be taken");
    let second = long.then(|| m.reg("read", 1, 0, "a beat was read and waits behind the word"));
    let open = m.net(
        if streams { "word_open" } else { "open" },
        1,
        "the word is or becomes free",
    );
    let fetch = m.net("fetch", 1, "a beat is read");
    let moves = m.net("moves", 1, "a beat becomes the word");
    let less_fetched = fetched.q.sext(count_bits);
    let written = (&write, "a write");
    let sum = carry_sum(&mut m, "count", (&count.q, &less_fetched), written);
    m.comb(|b| {
        b.set(&count.d, &sum);
        b.select(&more, &fetched.q, &three.q, &two.q);
        reader.opens(b, &open, &held.q);
        match &second {
            None => {
                b.set(&fetch, &(&one.q & &open));
                b.set(&moves, &fetch);
            }
            Some(second) => {
                b.set(&moves, &(&second.q & &open));
                b.set(&fetch, &(&one.q & (&moves | !&second.q)));
                b.set(&second.d, &(&fetch | (&second.q & !&moves)));
            }
        }
        b.comment("By flags, so that no fetch waits for a sum.");
        b.set(&one.d, &(&write | &more | (&one.q & !&fetch)));
        b.when(&(&write & !&fetched.q), |b| {
            b.set(&two.d, &one.q);
            b.set(&three.d, &two.q);
        });
        b.when(&(&fetched.q & !&write), |b| {
            b.set(&two.d, &three.q);
            b.set(&three.d, &count.q.at_least(4));
        });
        match &reader {
            Reader::Takes { take, .. } => b.set(&held.d, &(&moves | (&held.q & !take))),
            Reader::Stream(stream) => {
                b.set(&held.d, &(&moves | !&open));
                stream.step(b, &held);
            }
        }
        b.set(&fetched.d, &fetch);
        b.when(&write, |b| b.set(&write_slot.d, &write_slot.q.plus(1)));
        slots.step(b, &fetch, &fetched.q);
    });
    let fetch_slot = slots.read(&mut m, &fetched.q);
    m.assign(&gave, &fetched.q);
    reader.tell(&mut m, &held.q);
    let mut bindings = vec![
        ("write", write),
        ("write_address", write_slot.q),
        ("write_data", beat),
        ("read_address", fetch_slot),
        ("read_data", word),
    ];
    let memory = match long {
        false => {
            // What it reads where there is no beat is no word.
            bindings.push(("read", open));
            held_memory(memory, places, bits)
        }
        true => {
            bindings.extend([("fetch", fetch), ("move", moves)]);
            // The generic body is that of lookup tables.
            let target = match in_luts {
                true => Target::Generic,
                false => target,
            };
            fetched_memory(memory, places, bits, target)
        }
    };
    m.instance("u_memory", memory, bindings);
    m
}

/// The slot that is read.
enum Slots {
    /// Steps with a fetch.
    Prompt(Reg),
    /// Steps in the cycle behind it: until then the one behind it counts. No fetch waits for it, and a memory without
    /// multiplexers has time for the choice.
    Late { slot: Reg, after: Reg },
}

impl Slots {
    /// `several`: the memory is several lookup tables a bit, with multiplexers behind them.
    fn new(m: &mut Module, several: bool, bits: usize) -> Self {
        if several {
            return Slots::Prompt(m.reg("read_slot", bits, 0, ""));
        }
        Slots::Late {
            slot: m.reg(
                "read_slot",
                bits,
                0,
                "of a fetch just before, or else of the next",
            ),
            after: m.reg("slot_after", bits, 1, "the one behind it"),
        }
    }

    fn step(&self, b: &mut Body, fetch: &Expr, fetched: &Expr) {
        match self {
            Slots::Prompt(slot) => b.when(fetch, |b| b.set(&slot.d, &slot.q.plus(1))),
            Slots::Late { slot, after } => b.when(fetched, |b| {
                b.set(&slot.d, &after.q);
                b.set(&after.d, &after.q.plus(1));
            }),
        }
    }

    fn read(self, m: &mut Module, fetched: &Expr) -> Expr {
        match self {
            Slots::Prompt(slot) => slot.q,
            Slots::Late { slot, after } => {
                let read = m.net("fetch_slot", slot.q.width(), "");
                m.observe(|b| b.select(&read, fetched, &after.q, &slot.q));
                read
            }
        }
    }
}

/// What stands behind the word.
enum Reader {
    /// Anything that tells when it takes it.
    Takes {
        take: Expr,
        valid: Expr,
    },
    Stream(Box<Stream>),
}

/// The registers of a stream.
struct Stream {
    tready: Expr,
    tvalid: Expr,
    /// They take the word.
    open: Expr,
    valid: Reg,
    full: Reg,
}

impl Reader {
    /// Declares its ports; the second is the word.
    fn declare(m: &mut Module, bits: usize, streams: bool) -> (Self, Expr) {
        if !streams {
            let valid = m.output("valid", 1, "");
            let word = m.output("word", bits, "");
            let take = m.input("take", 1, "");
            return (Reader::Takes { take, valid }, word);
        }
        let word = m.output("word", bits, "");
        let stream = Stream {
            tready: m.input("tready", 1, ""),
            tvalid: m.output("tvalid", 1, ""),
            open: m.output("open", 1, "the stream's registers take the word"),
            valid: m.reg("out_valid", 1, 0, "the stream's registers hold a beat"),
            full: m.reg("full", 1, 0, "they do, and so does the word"),
        };
        (Reader::Stream(Box::new(stream)), word)
    }

    /// Whether the word is free, or becomes so; `held`: there is one.
    fn opens(&self, b: &mut Body, open: &Expr, held: &Expr) {
        match self {
            Reader::Takes { take, .. } => b.set(open, &(take | !held)),
            Reader::Stream(stream) => b.set(open, &(&stream.tready | !&stream.full.q)),
        }
    }

    fn tell(&self, m: &mut Module, held: &Expr) {
        match self {
            Reader::Takes { valid, .. } => m.assign(valid, held),
            Reader::Stream(stream) => {
                m.assign(&stream.open, &(&stream.tready | !&stream.valid.q));
                m.assign(&stream.tvalid, &stream.valid.q);
            }
        }
    }
}

impl Stream {
    fn step(&self, b: &mut Body, held: &Reg) {
        b.set(&self.valid.d, &(&held.q | (&self.valid.q & !&self.tready)));
        b.set(&self.full.d, &(&held.d & &self.valid.d));
    }
}

//! The random numbers of stochastic rounding.

use crate::rtl::{lit, Module};

/// Bits of the generator's state, and of the widest draw.
pub const STATE_BITS: usize = 32;
/// Bits of the seed: the state's lowest bit is one, so that the state is never zero.
pub const SEED_BITS: usize = STATE_BITS - 1;

const DOC: &str = "\
The draws of one lane: xorshift with steps 13, 17 and 5 on 32 bits, which goes through all numbers
but zero. In reset it takes the seed, combined with a key that differs from lane to lane, with its
bits in reverse: seeds close to each other differ in the high bits, which are drawn first.

Promise: `draw` is the state's high bits; the first draw is the seed's, each `step` makes the next
one, and nothing else does.";

/// What is combined with the seed in lane `lane`.
pub(super) fn lane_key(lane: usize) -> u64 {
    (lane as u64 + 1).wrapping_mul(0x9e37_79b9) & ((1 << SEED_BITS) - 1)
}

/// Builds the generator for draws of `bits` bits.
pub(super) fn draws(name: &str, bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let seed = m.input("seed", SEED_BITS, "taken in reset");
    let key = m.input("key", SEED_BITS, "");
    let step = m.input("step", 1, "a draw was used");
    let draw = m.output("draw", bits, "");
    let mixed = m.net("mixed", SEED_BITS, "");
    let first = m.net("first", STATE_BITS, "");
    let state = m.reg_from("state", first.clone(), "");
    let [left, right, next] = ["left", "right", "next"].map(|name| m.net(name, STATE_BITS, ""));
    m.comb(|b| {
        b.set(&mixed, &(&seed ^ &key));
        b.set_slice(&first, 0, &lit(1, 1));
        for bit in 0..SEED_BITS {
            b.set_slice(&first, SEED_BITS - bit, &mixed.bit(bit));
        }
        let x = &state.q;
        b.set_slice(&left, 0, &x.slice(0, 13));
        b.set_slice(&left, 13, &(x.slice(13, 19) ^ x.slice(0, 19)));
        b.set_slice(&right, 0, &(left.slice(0, 15) ^ left.slice(17, 15)));
        b.set_slice(&right, 15, &left.slice(15, 17));
        b.set_slice(&next, 0, &right.slice(0, 5));
        b.set_slice(&next, 5, &(right.slice(5, 27) ^ right.slice(0, 27)));
        b.when(&step, |b| b.set(&state.d, &next));
    });
    m.assign(&draw, &state.q.slice(STATE_BITS - bits, bits));
    m
}

//! Promise: a FIFO of beats neither over- nor underflows, and loses, doubles and turns round nothing.

use bpa_hdl::primitives::beat_fifo::{beat_fifo, extra_cycles, BEAT_CYCLES};
use bpa_hdl::primitives::target::Target;

use crate::prover::{Broken, Design, Proof};

const PROMISE: &str = "no over- or underflow, nothing lost, doubled or overtaken";

const BROKEN: &[Broken] = &[
    (
        "a place given back with the write",
        "assign gave = fetched_q;",
        "assign gave = write;",
    ),
    (
        "a beat fetched while the word waits",
        "open = take | ~held_q;",
        "open = 1'd1;",
    ),
    (
        "a count that knows of two as of one",
        "two_q <= two_d;",
        "two_q <= one_d;",
    ),
    (
        "a slot passed over",
        "write_slot_d = write_slot_q + 2'd1;",
        "write_slot_d = write_slot_q + 2'd2;",
    ),
];

fn fifo(name: &str, places: u64, broken: &[Broken]) {
    let module = beat_fifo(name, &format!("{name}_memory"), 2, places, Target::Generic);
    Proof {
        block: &format!("FIFO of {places} beats"),
        promise: PROMISE,
        design: &Design::from(&module),
        constants: vec![],
        given: &[],
        rules: "`include \"beat_fifo.sv\"",
        defines: vec![
            ("PLACES", places.to_string()),
            (
                "THERE",
                (BEAT_CYCLES - 1 + extra_cycles(places)).to_string(),
            ),
        ],
        broken,
    }
    .check();
}

#[test]
fn short() {
    fifo("short", 4, BROKEN);
}

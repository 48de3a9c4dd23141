//! Promise: a FIFO of beats neither over- nor underflows, and loses, doubles and turns round nothing.

use bpa_hdl::primitives::beat_fifo::{beat_fifo, extra_cycles, stream_fifo, BEAT_CYCLES};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::Module;

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

const STREAM_BROKEN: &[Broken] = &[
    (
        "a word replaced while it waits",
        "full_d = held_d & out_valid_d;",
        "full_d = 1'd0;",
    ),
    (
        "a word that is sent twice",
        "full_d = held_d & out_valid_d;",
        "full_d = held_d;",
    ),
    (
        "a beat on the stream that does not wait",
        "open = tready | ~out_valid_q;",
        "open = 1'd1;",
    ),
];

fn fifo(name: &str, places: u64, broken: &[Broken]) {
    let module = beat_fifo(name, &format!("{name}_memory"), 2, places, Target::Generic);
    prove(&module, "FIFO", places, (vec![], 0), broken);
}

fn ahead_of_a_stream(name: &str, places: u64) {
    let module = stream_fifo(name, &format!("{name}_memory"), 2, places, Target::Generic);
    let stream = (vec![("STREAM", "1".to_owned())], 1);
    prove(
        &module,
        "FIFO ahead of a stream",
        places,
        stream,
        STREAM_BROKEN,
    );
}

/// `more`: what else is defined, and the cycles that a beat takes behind the word.
fn prove(
    module: &Module,
    what: &str,
    places: u64,
    (more, behind): (Vec<(&'static str, String)>, u64),
    broken: &[Broken],
) {
    let mut defines = vec![
        ("PLACES", places.to_string()),
        (
            "THERE",
            (BEAT_CYCLES - 1 + extra_cycles(places) + behind).to_string(),
        ),
    ];
    defines.extend(more);
    Proof {
        block: &format!("{what} of {places} beats"),
        promise: PROMISE,
        design: &Design::from(module),
        constants: vec![],
        given: &[],
        rules: "`include \"beat_fifo.sv\"",
        defines,
        broken,
    }
    .check();
}

#[test]
fn short() {
    fifo("short", 4, BROKEN);
}

#[test]
fn ahead_of_a_stream_short() {
    ahead_of_a_stream("stream", 4);
}

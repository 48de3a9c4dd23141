//! Promise: the queue behind the stages and the streams beside the results lose, double and turn round nothing.

use bpa_hdl::stages::{queue, side_stream};

use crate::prover::{Broken, Design, Proof};

/// Places of the queue, and the least cycles of a beat through it.
const PLACES: u64 = 2;
const SOON: u64 = 3;
/// Of a beat: the rules use two of them.
const BITS: usize = 3;

const QUEUE: &[Broken] = &[
    (
        "a beat read while the one before it waits",
        "read = some_wait_q & (open | ~held_q);",
        "read = some_wait_q;",
    ),
    (
        "a slot passed over",
        "write_slot_d = write_slot_q + 1'd1;",
        "write_slot_d = write_slot_q;",
    ),
    (
        "a place given back with the write",
        "gave_d = read;",
        "gave_d = write;",
    ),
    (
        "frame_done before the beat is taken",
        "done_d = out_valid_q & tready & out_last_q;",
        "done_d = out_valid_q & out_last_q;",
    ),
];

const SIDE: &[Broken] = &[
    (
        "a beat taken without a place",
        "ready_d = ~tail_valid_d;",
        "ready_d = ~tail_valid_q;",
    ),
    (
        "a beat that passes the one ahead of it",
        "head_d = tail_q;",
        "head_d = tdata;",
    ),
    (
        "a beat told of that is not there",
        "assign next_valid = head_valid_d;",
        "assign next_valid = head_valid_q;",
    ),
    (
        "a late tlast that is told as an early one",
        "overdue_q <= overdue_d;",
        "overdue_q <= 1'd0;",
    ),
];

#[test]
fn queue_of_beats() {
    let module = queue("queue", "queue_beats", BITS, PLACES, false);
    Proof {
        block: "queue behind the stages",
        promise: "no over- or underflow, nothing lost, doubled or overtaken",
        design: &Design::from(&module),
        constants: vec![],
        given: &[],
        rules: "`include \"result_port.sv\"",
        defines: vec![
            ("PLACES", PLACES.to_string()),
            ("END_BEATS", 0.to_string()),
            ("SOON", SOON.to_string()),
            ("RESULT", "data".to_owned()),
            ("LAST", "last".to_owned()),
        ],
        broken: QUEUE,
    }
    .check();
}

#[test]
fn stream_beside_the_results() {
    let module = side_stream("side", BITS, false);
    Proof {
        block: "stream beside the results",
        promise: "no over- or underflow, nothing lost, doubled or overtaken; each tlast judged",
        design: &Design::from(&module),
        constants: vec![],
        given: &[],
        rules: "`include \"side_stream.sv\"",
        defines: vec![],
        broken: SIDE,
    }
    .check();
}

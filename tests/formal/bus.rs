//! Promise: no burst crosses 4 KiB; bursts, words and addresses that are offered stay until they are taken; each burst that
//! is asked for is offered once, as it was asked for.

use bpa_hdl::bus::place::Place;
use bpa_hdl::bus::requests::requests;
use bpa_hdl::bus::walk::walk;

use crate::prover::{Broken, Design, Proof};

const WALK: &[Broken] = &[
    (
        "a burst across a block",
        "last_word_d = 6'd63 - at_q[6:1];",
        "last_word_d = 6'd63;",
    ),
    (
        "a burst that does not wait",
        "waits = valid_q & ~burst_take;",
        "waits = 1'd0;",
    ),
    (
        "a run that ends before it begins",
        "last_d = sum;",
        "last_d = sum - 12'd1;",
    ),
];

const REQUESTS: &[Broken] = &[
    (
        "a burst that does not wait",
        "open = ~valid_q | request_ready;",
        "open = 1'd1;",
    ),
    (
        "a reader that is passed over",
        "turn_q <= turn_d;",
        "turn_q <= 1'd0;",
    ),
    (
        "another reader's number",
        "assign request_id = id_q;",
        "assign request_id = turn_q;",
    ),
];

#[test]
fn bursts_lie_in_a_block() {
    // Words so long that addresses are short.
    let place = Place {
        beat_bits: 1 << 23,
        word_bits: 1 << 24,
    };
    Proof {
        block: "walk of an array",
        promise: "no burst crosses 4 KiB; one that is offered stays",
        design: &Design::from(&walk("walk", &place)),
        constants: vec![],
        given: &[],
        rules: "`include \"bus_walk.sv\"",
        defines: vec![],
        broken: WALK,
    }
    .check();
}

#[test]
fn read_addresses() {
    Proof {
        block: "read addresses",
        promise:
            "each burst is offered once, as it was asked for, and stays; no reader is passed over",
        design: &Design::from(&requests("requests", 2, 8)),
        constants: vec![],
        given: &[],
        rules: "`include \"bus_requests.sv\"",
        defines: vec![],
        broken: REQUESTS,
    }
    .check();
}

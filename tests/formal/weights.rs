//! Promise: no word of a set of weights that is in use is ever written, in each of the three ports; who computes is told
//! of whole sets alone.

use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::weights::load::weight_load;
use bpa_hdl::weights::port::weight_port;
use bpa_hdl::weights::swap::weight_swap;

use crate::prover::{Broken, Design, Proof};

/// Bits of an address.
const BITS: usize = 2;
/// Beats of a set, less one: fewer than the bits hold.
const LAST: u64 = 2;

const ONE: &[Broken] = &[
    (
        "a set that does not wait for a frame that begins",
        "told_q <= told_d;",
        "told_q <= 2'd0;",
    ),
    (
        "weights that are ready a beat early",
        "usable_q <= usable_d;",
        "usable_q <= ~tvalid & (usable_d | address_at_last_q);",
    ),
    (
        "a set that never begins",
        "begins_q <= begins_d;",
        "begins_q <= 1'd0;",
    ),
];

const TWO: &[Broken] = &[
    (
        "a set left that may still be read",
        "waited_q <= waited_d;",
        "waited_q <= waits_d;",
    ),
    (
        "a set taken while another waits",
        "ready_q <= ready_d;",
        "ready_q <= 1'd1;",
    ),
    (
        "a set that is lost where a frame begins with its last beat",
        "waits_q <= waits_d;",
        "waits_q <= waits_d & ~frame_start;",
    ),
];

const RING: &[Broken] = &[
    (
        "a word of the job that runs written over",
        "full_q <= full_d;",
        "full_q <= 1'd0;",
    ),
    (
        "words that the next job's set has forgotten",
        "if (ahead_q & (job_ends | takes_over)) begin",
        "if (ahead_q & takes_over) begin",
    ),
    (
        "weights that are ready with half a set",
        "whole_q <= whole_d;",
        "whole_q <= weights_begin ? whole_d + 2'd1 : whole_d;",
    ),
    (
        "a set that ends a beat early",
        "due_q <= due_d;",
        "due_q <= due_d | (left_q == 2'd2);",
    ),
];

#[test]
fn one_set() {
    let module = weight_port("weight_port", BITS, 0, &mut Config::default());
    Proof {
        block: "weights, one set",
        promise: "no word written that a frame reads; ready when whole",
        design: &Design::from(&module),
        constants: vec![("cfg_weight_words_less_1".to_owned(), LAST)],
        given: &[],
        rules: "`include \"weight_port.sv\"",
        defines: vec![],
        broken: ONE,
    }
    .check();
}

#[test]
fn two_sets() {
    let module = weight_swap("weight_swap", BITS, 0, &mut Config::default());
    Proof {
        block: "weights, two sets",
        promise: "no word written that a frame reads, no waiting set lost",
        design: &Design::from(&module),
        constants: vec![("cfg_weight_words_less_1".to_owned(), LAST)],
        given: &[],
        rules: "`include \"weight_swap.sv\"",
        defines: vec![],
        broken: TWO,
    }
    .check();
}

#[test]
fn ring() {
    let module = weight_load(
        "weight_load",
        BITS,
        0,
        Target::Generic,
        &mut Config::default(),
    );
    Proof {
        block: "weights, ring of jobs",
        promise: "no word in use written; each job reads its own set, whole",
        design: &Design::from(&module),
        constants: vec![],
        given: &[],
        rules: "`include \"weight_load.sv\"",
        defines: vec![],
        broken: RING,
    }
    .check();
}

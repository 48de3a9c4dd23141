//! Promise: results leave in the order in which they came, each behind the zeros of its run, and `tlast` is with a frame's
//! last beat alone.

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor::Lanes;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::streams::result_port::{result_port, RUN_CYCLES};

use crate::prover::{smallest, Broken, Design, Proof};

/// Results that the FIFO holds.
const PLACES: u64 = 2;
/// Bits of a result: two of them are used by the rules.
const BITS: usize = 3;

const PLAIN: &[Broken] = &[
    (
        "a beat lost where it is not taken",
        "out_valid_q <= out_valid_d;",
        "out_valid_q <= held_q;",
    ),
    (
        "a beat that does not wait",
        "out_data_q <= out_data_d;",
        "out_data_q <= word[2:0];",
    ),
    (
        "tlast a beat late",
        "out_last_q <= out_last_d;",
        "out_last_q <= open ? out_data_q[1] : out_last_d;",
    ),
    (
        "frame_done before the beat is taken",
        "done_d = tvalid & tready & out_last_q;",
        "done_d = tvalid & out_last_q;",
    ),
    (
        "a word that passes the one ahead of it",
        "full_d = held_d & out_valid_d;",
        "full_d = 1'd0;",
    ),
];

const RUNS: &[Broken] = &[
    (
        "a zero too few",
        "left_q <= left_d;",
        "left_q <= load & (run[1:0] == 2'd3) ? 3'd1 : left_d;",
    ),
    (
        "a result that passes its zeros",
        "armed_q <= armed_d;",
        "armed_q <= 1'd1;",
    ),
    (
        "a run taken while the one before it leaves",
        "load = take | ~armed_q;",
        "load = take | ~armed_q | (open & turn_q);",
    ),
];

const ENDS: &[Broken] = &[
    (
        "the zeros of a frame's end behind the next one's",
        "run_there & run[1] & ~(word[3] & cfg_has_end_beats)",
        "run_there & run[1]",
    ),
    (
        "tlast with a frame's last result",
        "out_last_d = (word[3] & turn_q & ~cfg_has_end_beats) |",
        "out_last_d = (word[3] & turn_q) |",
    ),
];

fn port(name: &str, block: &str, run_bits: Option<usize>, end_beats: u64, broken: &[Broken]) {
    let plan = smallest();
    let capacity = Capacity {
        fifo_results: PLACES,
        end_beats,
        ..Capacity::exactly(plan.descriptor())
    };
    let lanes = Lanes {
        pe: 1,
        pixels: 1,
        acc_bits: BITS,
        ..plan.lanes()
    };
    let mut config = Config::default();
    let module = result_port(
        name,
        &capacity,
        &lanes,
        run_bits,
        Target::Generic,
        &mut config,
    );
    let mut defines = vec![
        ("PLACES", PLACES.to_string()),
        ("END_BEATS", end_beats.to_string()),
        ("SOON", RUN_CYCLES.to_string()),
        ("RESULT", "acc".to_owned()),
        ("LAST", "frame_last".to_owned()),
    ];
    if run_bits.is_some() {
        defines.push(("TAKES_RUNS", String::new()));
    }
    let constants = match end_beats {
        0 => vec![],
        beats => vec![
            ("cfg_has_end_beats".to_owned(), 1),
            ("cfg_end_beats_less_1".to_owned(), beats - 1),
        ],
    };
    Proof {
        block,
        promise:
            "results in their order, each behind its zeros; a frame's last beat alone has tlast",
        design: &Design::from(&module),
        constants,
        given: &[],
        rules: "`include \"result_port.sv\"",
        defines,
        broken,
    }
    .check();
}

#[test]
fn without_runs() {
    port("result", "result port", None, 0, PLAIN);
}

#[test]
fn with_runs() {
    port("result_runs", "result port, runs", Some(2), 0, RUNS);
}

#[test]
fn with_runs_and_ends() {
    port(
        "result_ends",
        "result port, runs and frames' ends",
        Some(1),
        2,
        ENDS,
    );
}

//! Promise: no token leaves before all pixels of grad_output that it needs are in the line buffer, so that none is read
//! before it was written, nor a frame's first without weights; none is lost, doubled or overtaken.

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::walk::{token_queue, TokenWidths};

use crate::prover::{smallest, Broken, Design, Proof};

const PROMISE: &str = "no token leaves before its pixels are stored; none lost or overtaken";
/// A token that may leave does after fewer cycles than these.
const SOON: u64 = 3;

const THREE: &[Broken] = &[
    (
        "a token that leaves before its data",
        "may_go_q <= may_go_d;",
        "may_go_q <= head_valid_d;",
    ),
    (
        "a token lost where the queue is full",
        "third_valid_q <= third_valid_d;",
        "third_valid_q <= 1'd0;",
    ),
    (
        "a token overtaken",
        "third_q <= third_d;",
        "third_q <= in_token;",
    ),
];

const PACED: &[Broken] = &[
    (
        "a token that leaves before its data",
        "may_go_q <= may_go_d;",
        "may_go_q <= head_valid_d & head_valid_q;",
    ),
    (
        "what a token needed kept as credit",
        "credit_q <= credit_d;",
        "credit_q <= takes ? credit_q + arrived : credit_d;",
    ),
    (
        "an arrival lost while a token comes in",
        "credit_q <= credit_d;",
        "credit_q <= credit_d - (takes & arrived);",
    ),
];

/// A line buffer of two pixels, of which a token needs one more than the one before.
fn small(paced: bool) -> Capacity {
    Capacity {
        line_pixels: 2,
        need: 1,
        paced,
        ..Capacity::exactly(smallest().descriptor())
    }
}

fn queue(name: &str, capacity: &Capacity, broken: &[Broken]) {
    let t = TokenWidths::of(capacity);
    let module = token_queue(name, capacity, &t);
    let place = |wanted: &str| {
        let fields = t.fields();
        let before = fields.iter().take_while(|(name, _)| *name != wanted);
        before.map(|(_, width)| width).sum::<usize>().to_string()
    };
    let told = capacity.frames.is_some();
    let mut defines = vec![
        ("PLACES", if capacity.paced { "1" } else { "3" }.to_owned()),
        ("NEED", capacity.need.to_string()),
        ("LINE", capacity.line_pixels.to_string()),
        ("NEED_LOW", place("need")),
        ("NEED_BITS", t.need.to_string()),
        ("FIRST", place("frame_first")),
        ("SOON", SOON.to_string()),
    ];
    if capacity.paced {
        defines.push(("PACED", String::new()));
    }
    if told {
        defines.push(("TOLD", String::new()));
    }
    let kind = match (capacity.paced, told) {
        (true, _) => "token queue, paced",
        (false, true) => "token queue, of jobs",
        (false, false) => "token queue",
    };
    Proof {
        block: kind,
        promise: PROMISE,
        design: &Design::from(&module),
        constants: vec![],
        given: &["in_token"],
        rules: "`include \"token_queue.sv\"",
        defines,
        broken,
    }
    .check();
}

#[test]
fn three_tokens() {
    queue("queue", &small(false), THREE);
}

#[test]
fn paced() {
    queue("paced_queue", &small(true), PACED);
}

#[test]
fn of_jobs() {
    let capacity = Capacity {
        frames: Some(4),
        ..small(false)
    };
    queue("told_queue", &capacity, THREE);
}

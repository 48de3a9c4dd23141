//! The engine as seen from outside: its ports and what its error output means.
//!
//! Written down once, for the bridge that drives the Verilog and for the manifest that describes it.

use std::fmt;

use serde::Serialize;

use crate::plan::Plan;
use crate::vectors::{grad_input_beats, grad_output_beats, weight_beats, BeatFormat};

/// The stream of the gradient that the engine consumes.
pub const GRAD_OUTPUT: &str = "s_axis_grad_output";
/// The stream of the weights.
pub const WEIGHT: &str = "s_axis_weight";
/// The stream of the gradient that the engine produces.
pub const GRAD_INPUT: &str = "m_axis_grad_input";

/// A port's direction, as the engine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Input,
    Output,
}

/// A port of the top module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    pub name: String,
    pub direction: Direction,
    /// Bits.
    pub width: usize,
}

/// An output beside the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    pub name: &'static str,
    /// Bits.
    pub width: usize,
}

/// High from the first beat of a frame to the last beat of its result.
pub const BUSY: Status = Status {
    name: "busy",
    width: 1,
};
/// One cycle for each frame, after its last result was taken.
pub const FRAME_DONE: Status = Status {
    name: "frame_done",
    width: 1,
};
/// High from the first misplaced `tlast` until reset.
pub const ERROR: Status = Status {
    name: "error",
    width: 1,
};
/// What was wrong, one bit for each [`Cause`], until reset.
pub const ERROR_CAUSE: Status = Status {
    name: "error_cause",
    width: CAUSES.len(),
};
/// All outputs beside the streams.
pub const STATUS: [Status; 4] = [BUSY, FRAME_DONE, ERROR, ERROR_CAUSE];

/// The format of each stream's beats.
pub struct Streams {
    pub grad_output: BeatFormat,
    pub weight: BeatFormat,
    pub grad_input: BeatFormat,
}

impl Streams {
    pub fn new(plan: &Plan) -> Self {
        let layer = plan.layer();
        Self {
            grad_output: grad_output_beats(layer),
            weight: weight_beats(layer),
            grad_input: grad_input_beats(layer, out_bits(plan)),
        }
    }
}

/// Bits of a value of grad_input on its stream.
pub fn out_bits(plan: &Plan) -> u32 {
    // Sums of 32-bit products over at most 65535 channels and 4095 x 4095 taps, so far below 2^32 bits.
    plan.lanes().out_bits() as u32
}

/// All ports, in the order of the Verilog.
pub fn ports(plan: &Plan) -> Vec<Port> {
    use Direction::{Input, Output};
    let mut ports = Vec::new();
    let mut port = |name: &str, direction, width| {
        ports.push(Port {
            name: name.to_owned(),
            direction,
            width,
        });
    };
    port("aclk", Input, 1);
    port("aresetn", Input, 1);
    let streams = Streams::new(plan);
    for (name, format, forward, back) in [
        (GRAD_OUTPUT, streams.grad_output, Input, Output),
        (WEIGHT, streams.weight, Input, Output),
        (GRAD_INPUT, streams.grad_input, Output, Input),
    ] {
        port(&format!("{name}_tvalid"), forward, 1);
        port(&format!("{name}_tready"), back, 1);
        port(&format!("{name}_tdata"), forward, 8 * format.beat_bytes());
        port(&format!("{name}_tlast"), forward, 1);
    }
    for status in STATUS {
        port(status.name, Output, status.width);
    }
    ports
}

/// What a bit of `error_cause` says, bit 0 first.
pub const CAUSES: [Cause; 6] = [
    Cause(GRAD_OUTPUT, "came before the last beat of a frame"),
    Cause(GRAD_OUTPUT, "was missing on the last beat of a frame"),
    Cause(
        GRAD_OUTPUT,
        "came on a later beat after it had been missing",
    ),
    Cause(WEIGHT, "came before the last beat of a set"),
    Cause(WEIGHT, "was missing on the last beat of a set"),
    Cause(WEIGHT, "came on a later beat after it had been missing"),
];

/// A reason for the error output: a stream, and what its `tlast` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause(pub &'static str, pub &'static str);

impl Cause {
    /// The causes in a value of `error_cause`.
    pub fn of(bits: u64) -> Vec<Cause> {
        let set = |(bit, _): &(usize, Cause)| bits >> bit & 1 == 1;
        let causes = CAUSES.into_iter().enumerate();
        causes.filter(set).map(|(_, cause)| cause).collect()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}_tlast {}", self.0, self.1)
    }
}

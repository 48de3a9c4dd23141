//! The engine as seen from outside: its ports and what its error output means.
//!
//! Written down once, for the bridge that drives the Verilog and for the manifest that describes it.

use std::fmt;

use bpa_hdl::rtl::Module;
use bpa_hdl::stages::{COUNT_BITS, SEED_BITS};
use serde::Serialize;

use crate::layer::{Pass, Rounding};
use crate::plan::Plan;
pub use crate::vectors::{accumulate_bits, accumulate_value_bits};
use crate::vectors::{moving_beats, result_beats, stationary_beats, BeatFormat};

/// The stream of what moves through an engine of the data gradient.
pub const GRAD_OUTPUT: &str = "s_axis_grad_output";
/// The stream of what is stationary in it.
pub const WEIGHT: &str = "s_axis_weight";
/// The stream of what it makes.
pub const GRAD_INPUT: &str = "m_axis_grad_input";
/// The stream of what moves through a programmable engine, whatever the pass of a job.
pub const DATA: &str = "s_axis_data";
/// The stream of what it makes.
pub const RESULT: &str = "m_axis_result";
/// The stream of values to add, where the layer has it.
pub const ACCUMULATE: &str = "s_axis_accumulate";
/// The stream of the mask, where the layer has it.
pub const MASK: &str = "s_axis_mask";

/// The streams of an engine that carry the arrays of its pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamNames {
    /// What moves through the line buffer.
    pub moving: &'static str,
    /// What stays in the weight memory.
    pub stationary: &'static str,
    /// What is made.
    pub result: &'static str,
}

impl StreamNames {
    /// Those of a pass: an engine's ports are called after its arrays.
    pub fn of(pass: Pass) -> Self {
        match pass {
            Pass::GradInput => Self {
                moving: GRAD_OUTPUT,
                stationary: WEIGHT,
                result: GRAD_INPUT,
            },
            Pass::Forward => Self {
                moving: "s_axis_input",
                stationary: WEIGHT,
                result: "m_axis_output",
            },
            Pass::GradWeight => Self {
                moving: "s_axis_input",
                stationary: GRAD_OUTPUT,
                result: "m_axis_grad_weight",
            },
        }
    }
}

/// A port's direction, as the engine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Driven from outside.
    Input,
    /// Driven by the engine.
    Output,
}

/// A port of the top module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its direction.
    pub direction: Direction,
    /// Bits.
    pub width: usize,
}

/// A pin beside the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its name.
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
pub fn error_cause(plan: &Plan) -> Status {
    Status {
        name: "error_cause",
        width: causes(plan).len(),
    }
}
/// Values that did not fit the output's type since reset, where the layer is requantised.
pub const SATURATIONS: Status = Status {
    name: "saturations",
    width: COUNT_BITS,
};
/// The input that stochastic rounding begins with.
pub const ROUNDING_SEED: Status = Status {
    name: "rounding_seed",
    width: SEED_BITS,
};

/// All outputs beside the streams.
pub fn status(plan: &Plan) -> Vec<Status> {
    let mut status = vec![BUSY, FRAME_DONE, ERROR, error_cause(plan)];
    status.extend(plan.layer().requantise().map(|_| SATURATIONS));
    status
}

/// All inputs beside the streams, clock and reset.
pub fn settings(plan: &Plan) -> Vec<Status> {
    let rounding = plan.layer().requantise().map(|it| it.rounding);
    match rounding {
        Some(Rounding::Stochastic) => vec![ROUNDING_SEED],
        _ => vec![],
    }
}

/// The format of each stream's beats.
pub struct Streams {
    /// What the streams are called.
    pub names: StreamNames,
    /// Of a frame of what moves.
    pub moving: BeatFormat,
    /// Of a stationary set.
    pub stationary: BeatFormat,
    /// Of a frame of values to add, where the layer has them.
    pub accumulate: Option<BeatFormat>,
    /// Of a frame of the mask, where the layer has one.
    pub mask: Option<BeatFormat>,
    /// Of a frame of the result.
    pub result: BeatFormat,
}

impl Streams {
    /// Those of the plan's engine.
    pub fn new(plan: &Plan) -> Self {
        let layer = plan.layer();
        Self {
            names: StreamNames::of(layer.pass()),
            moving: moving_beats(layer),
            stationary: stationary_beats(layer),
            accumulate: layer
                .accumulate()
                .then(|| result_beats(layer, accumulate_bits(plan))),
            mask: layer.mask().then(|| result_beats(layer, 1)),
            result: result_beats(layer, out_bits(plan)),
        }
    }

    /// The streams into the engine, in the order of its ports.
    pub fn inputs(&self) -> Vec<(&'static str, BeatFormat)> {
        let mut inputs = vec![
            (self.names.moving, self.moving),
            (self.names.stationary, self.stationary),
        ];
        inputs.extend(self.accumulate.map(|format| (ACCUMULATE, format)));
        inputs.extend(self.mask.map(|format| (MASK, format)));
        inputs
    }
}

/// Bits of a value of the result on its stream.
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
    let inputs = streams.inputs().into_iter();
    let inputs = inputs.map(|(name, format)| (name, format, Input, Output));
    let output = (streams.names.result, streams.result, Output, Input);
    for (name, format, forward, back) in inputs.chain([output]) {
        port(&format!("{name}_tvalid"), forward, 1);
        port(&format!("{name}_tready"), back, 1);
        port(&format!("{name}_tdata"), forward, 8 * format.beat_bytes());
        port(&format!("{name}_tlast"), forward, 1);
    }
    for setting in settings(plan) {
        port(setting.name, Input, setting.width);
    }
    for status in status(plan) {
        port(status.name, Output, status.width);
    }
    ports
}

/// The ports of a module, in the order of the Verilog.
pub fn module_ports(module: &Module) -> Vec<Port> {
    let port = |port: bpa_hdl::rtl::Port| Port {
        name: port.name,
        direction: match port.inward {
            true => Direction::Input,
            false => Direction::Output,
        },
        width: port.width,
    };
    module.ports().into_iter().map(port).collect()
}

/// What a bit of `error_cause` says, bit 0 first.
pub fn causes(plan: &Plan) -> Vec<Cause> {
    let streams = Streams::new(plan);
    let inputs = streams.inputs().into_iter();
    let of_stream = |(name, _)| {
        let [early, missing, late] = match name == streams.names.stationary {
            true => [
                "came before the last beat of a set",
                "was missing on the last beat of a set",
                "came on a later beat after it had been missing",
            ],
            false => [
                "came before the last beat of a frame",
                "was missing on the last beat of a frame",
                "came on a later beat after it had been missing",
            ],
        };
        [Cause(name, early), Cause(name, missing), Cause(name, late)]
    };
    inputs.flat_map(of_stream).collect()
}

/// A reason for the error output: a stream, and what its `tlast` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause(pub &'static str, pub &'static str);

impl Cause {
    /// The causes in a value of `error_cause`.
    pub fn of(plan: &Plan, bits: u64) -> Vec<Cause> {
        let set = |(bit, _): &(usize, Cause)| bits >> bit & 1 == 1;
        let causes = causes(plan).into_iter().enumerate();
        causes.filter(set).map(|(_, cause)| cause).collect()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}_tlast {}", self.0, self.1)
    }
}

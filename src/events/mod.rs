//! Where the hardware and the cycle model part: the same events from both, one by one.
//!
//! The model's are those of [`Replay`], the hardware's are watched in the simulated Verilog ([`compare`]). A total that is
//! a cycle off says that something is wrong; the first event that is says where.

mod place;
mod record;
mod replay;
mod watch;

use std::fmt;

use indicatif::HumanCount;
use serde::Serialize;

use crate::layer::Layer;
use place::Place;
pub use record::{record, recorded, Issue, RecordError, Recording, Stream};
pub use replay::{Latencies, Replay};
pub use watch::{compare, watched};

/// Events are told by pixels: of several at once there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("events and the page of a report go pixel by pixel, and `engine.pixels` is {pixels}: take 1 for them (--pixels 1)")]
pub struct SeveralPixels {
    /// Lanes over pixels.
    pub pixels: u32,
}

/// Whether events can be told of a layer's engine.
///
/// # Errors
/// It has lanes over pixels.
pub fn one_pixel(layer: &Layer) -> Result<(), SeveralPixels> {
    match layer.pixels() {
        1 => Ok(()),
        pixels => Err(SeveralPixels { pixels }),
    }
}

/// What happens in an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A pixel's token enters the issue loops.
    Token,
    /// The last issue of an accumulation is at the memories' addresses.
    Issue,
    /// A beat of the result is taken.
    Result,
}

impl Kind {
    /// In the order in which they are told where several part in one cycle: of causes.
    pub const ALL: [Kind; 3] = [Kind::Token, Kind::Issue, Kind::Result];
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Kind::Token => "token",
            Kind::Issue => "issue",
            Kind::Result => "result",
        })
    }
}

/// The first event that comes in another cycle than the model says. Cycles are counted from the first beat of what moves,
/// which is taken in cycle 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// What it is.
    pub event: Kind,
    /// Which one of its kind, from 0.
    pub index: u64,
    /// Of what.
    #[serde(flatten)]
    pub place: Place,
    /// When the model has it; `None` where it has no more of them.
    pub model: Option<i64>,
    /// When the hardware has it; `None` where it does not come.
    pub hardware: Option<i64>,
}

impl fmt::Display for Parting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parting {
            event,
            index,
            place,
            ..
        } = self;
        let cycle = |cycle: Option<i64>| match cycle {
            Some(cycle) => format!("in cycle {cycle}"),
            None => "never".to_owned(),
        };
        write!(
            out,
            "hardware and model part at {event} {index} ({place}): model {}, hardware {}",
            cycle(self.model),
            cycle(self.hardware)
        )
    }
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Events of each kind that agree.
    pub tokens: u64,
    /// Likewise.
    pub issues: u64,
    /// Likewise.
    pub results: u64,
    /// The first that does not, if any.
    pub parting: Option<Parting>,
}

impl fmt::Display for Findings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parting) = &self.parting {
            return write!(out, "{parting}");
        }
        let [tokens, issues, results] =
            [self.tokens, self.issues, self.results].map(|count| HumanCount(count).to_string());
        write!(
            out,
            "hardware and model agree in every event: {tokens} tokens, {issues} issues, {results} results"
        )
    }
}

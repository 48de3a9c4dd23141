//! The figures of a run or of an estimate, for people and for programs.

use std::fmt::Write as _;

use indicatif::HumanCount;
use serde::Serialize;

use crate::bound::{bound_cycles, useful_macs, zero_insertion_cycles};
use crate::events::Findings;
use crate::plan::Plan;
use crate::schedule::Cycles;
use crate::synth::Estimate;

/// The figures; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Frames, back to back.
    pub frames: u64,
    /// Elements that differ from the reference; `None` where there was no comparison.
    pub mismatches: Option<u64>,
    /// Values that did not fit the output's type; `None` where nothing is requantised, or nothing was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturations: Option<u64>,
    /// From the first beat of what moves to the last result, both counted.
    pub cycles_total: u64,
    /// To the last result of the first frame.
    pub cycles_first_frame: u64,
    /// `None` under three frames.
    pub cycles_per_frame_steady: Option<u64>,
    /// Of a frame, as are the next two.
    pub bound_cycles: u64,
    /// Multiplications by a tap that exists ([`useful_macs`]).
    pub useful_macs: u64,
    /// [`zero_insertion_cycles`].
    pub zero_insertion_cycles: u64,
    /// Pixels that the line buffer holds.
    pub line_buffer_pixels: u64,
    /// Pixels that are alive at once.
    pub live_span_pixels: u64,
    /// Where hardware and cycle model part, or that they do not; `None` where that was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Findings>,
    /// Of a device, where one was named.
    #[serde(flatten)]
    pub area: Option<Estimate>,
}

impl Figures {
    /// The figures of the plan's engine, with cycles that were measured or predicted.
    pub fn new(plan: &Plan, frames: u64, cycles: Cycles, mismatches: Option<u64>) -> Self {
        let layer = plan.layer();
        Self {
            frames,
            mismatches,
            saturations: None,
            cycles_total: cycles.total,
            cycles_first_frame: cycles.first_frame,
            cycles_per_frame_steady: cycles.per_frame_steady,
            bound_cycles: bound_cycles(layer),
            useful_macs: useful_macs(layer),
            zero_insertion_cycles: zero_insertion_cycles(layer),
            line_buffer_pixels: plan.line_buffer_pixels(),
            live_span_pixels: plan.live_span_pixels(),
            events: None,
            area: None,
        }
    }

    /// One JSON object on a line of its own.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and names are always valid JSON");
        json + "\n"
    }

    /// A few lines for a person; `heading` says what the cycles are. Where the run was `stalled` from outside, the
    /// time between two frames' ends says nothing of the engine and is not held against the bound: a frame that
    /// was held up may be followed closely by the next.
    pub fn to_text(&self, heading: &str, multipliers: u64, stalled: bool) -> String {
        let mut text = format!("{heading}\n");
        let bound = self.bound_cycles as f64;
        let mut line = |what: &str, count: u64, note: String| {
            let count = HumanCount(count).to_string();
            let line = format!("  {what:<26} {count:>16}  {note}");
            let _ = writeln!(text, "{}", line.trim_end());
        };
        let frames = self.frames;
        line(
            "cycles, all frames",
            self.cycles_total,
            format!("{frames} back to back"),
        );
        line(
            "cycles, first frame",
            self.cycles_first_frame,
            String::new(),
        );
        if let Some(cycles) = self.cycles_per_frame_steady {
            let ratio = cycles as f64 / bound;
            let busy = self.useful_macs as f64 / (cycles as f64 * multipliers as f64);
            let note = match stalled {
                true => "as the stalls had it".to_owned(),
                false => format!(
                    "{ratio:.3} x the bound; {:.1} % of {multipliers} multipliers' cycles useful",
                    busy * 100.0
                ),
            };
            line("cycles a frame, steady", cycles, note);
        }
        line("bound, a frame", self.bound_cycles, String::new());
        let ratio = self.zero_insertion_cycles as f64 / bound;
        line(
            "zero insertion, a frame",
            self.zero_insertion_cycles,
            format!("{ratio:.2} x the bound"),
        );
        line("multiplications, a frame", self.useful_macs, String::new());
        if let Some(saturations) = self.saturations {
            line("values saturated", saturations, String::new());
        }
        line(
            "line buffer, pixels",
            self.line_buffer_pixels,
            format!("live span {}", HumanCount(self.live_span_pixels)),
        );
        if let Some(area) = self.area {
            let device = |available: Option<u64>, missing: u64| {
                let mut note = format!("cells of {}", area.target);
                if let Some(available) = available {
                    let _ = write!(note, ", which has {available}");
                }
                if missing > 0 {
                    let _ = write!(note, ": {} TOO MANY", HumanCount(missing));
                }
                note
            };
            let of_dsps = device(area.dsps_available, area.dsps_missing);
            let of_brams = device(area.brams_available, area.brams_missing);
            line("multipliers", area.dsps, of_dsps);
            line("block RAMs", area.brams, of_brams);
        }
        if let Some(events) = &self.events {
            let _ = writeln!(text, "  {events}");
        }
        text
    }
}

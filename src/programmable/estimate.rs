//! What a layer will take on an engine, for people and for programs.

use std::fmt::Write as _;

use indicatif::HumanCount;
use serde::Serialize;

#[cfg(doc)]
use super::ProgrammableEngine;
use super::{ShortFifo, Tiling};
use crate::bound::useful_macs;
use crate::layer::Pass;

/// Predicted figures; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Frames, back to back.
    pub frames: u64,
    /// Groups that are merged into one.
    pub merged: u32,
    /// Jobs.
    pub tiles: u64,
    /// Runs of groups, of the result's channels and of those that are added up, that the tiles are made of.
    pub cuts: [u32; 3],
    /// Runs of rows of grad_output, of a weight gradient; 1 where it is not cut over them.
    pub row_cuts: u32,
    /// Rows of each image that stand side by side on the lanes, likewise.
    pub rows_beside: u32,
    #[serde(skip)]
    pass: Pass,
    /// [`Tiling::cycles`]
    pub cycles_total: u64,
    /// [`Tiling::cycles_told`]
    pub cycles_told: u64,
    /// `None` in several tiles, or under three frames.
    pub cycles_per_frame_steady: Option<u64>,
    /// [`Tiling::bound_cycles`], of all frames.
    pub bound_cycles: u64,
    /// All cycles for one of the bound.
    pub ratio: f64,
    /// Of a frame.
    pub useful_macs: u64,
    /// Multipliers of the engine: SIMD times PE, times its lanes over pixels.
    pub multipliers: u64,
    /// Of the multiplications that all cycles have room for, the share that the layer needs; the other lanes stand idle.
    pub multipliers_in_use: f64,
    /// The value of `limits.fifo_results` that would do, where the engine's holds the layer up.
    pub fifo_results_enough: Option<u64>,
}

impl Estimate {
    /// The figures of so many frames; `short_fifo` as [`ProgrammableEngine::short_fifo`] has it.
    pub fn new(tiling: &Tiling, frames: u64, short_fifo: Option<ShortFifo>) -> Self {
        let parts = tiling.parts();
        let (cycles, bound_cycles) = (tiling.cycles(frames), tiling.bound_cycles(frames));
        Self {
            frames,
            merged: tiling.merge().each(),
            tiles: tiling.tiles().len() as u64,
            cuts: [parts.groups, parts.result_channels, parts.moving_channels],
            row_cuts: parts.rows,
            rows_beside: tiling.merge().rows_beside(),
            pass: tiling.layer().pass(),
            cycles_total: cycles,
            cycles_told: tiling.cycles_told(frames),
            cycles_per_frame_steady: match tiling.tiles() {
                [tile] => tile.plan.cycles(frames).per_frame_steady,
                _ => None,
            },
            bound_cycles,
            ratio: cycles as f64 / bound_cycles as f64,
            useful_macs: useful_macs(tiling.layer()),
            multipliers: tiling.layer().multipliers(),
            multipliers_in_use: tiling.multipliers_in_use(frames, cycles),
            fifo_results_enough: short_fifo.map(|fifo| fifo.enough),
        }
    }

    /// One JSON object on a line of its own.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers are always valid JSON");
        json + "\n"
    }

    /// A few lines for a person.
    pub fn to_text(&self, heading: &str) -> String {
        let mut text = format!("{heading}\n");
        let mut line = |what: &str, count: u64, note: String| {
            let count = HumanCount(count).to_string();
            let line = format!("  {what:<26} {count:>16}  {note}");
            let _ = writeln!(text, "{}", line.trim_end());
        };
        let [groups, results, moving] = self.cuts;
        let [of_results, of_moving] = channels(self.pass);
        line("groups side by side", self.merged.into(), String::new());
        let cuts = match self.pass {
            Pass::GradInput | Pass::Forward => {
                format!(
                    "{groups} x {results} x {moving} runs of groups, {of_results} and {of_moving}"
                )
            }
            Pass::GradWeight => {
                line("rows side by side", self.rows_beside.into(), String::new());
                let rows = self.row_cuts;
                format!("{groups} x {results} x {moving} x {rows} runs of groups, {of_results}, {of_moving} and rows")
            }
        };
        line("tiles", self.tiles, cuts);
        line(
            "cycles, all frames",
            self.cycles_total,
            format!("{} of them, weights included; at the most", self.frames),
        );
        line(
            "cycles, telling included",
            self.cycles_told,
            "those too in which it waits to be told its jobs".to_owned(),
        );
        if let Some(cycles) = self.cycles_per_frame_steady {
            line("cycles a frame, steady", cycles, String::new());
        }
        line(
            "bound, all frames",
            self.bound_cycles,
            format!("cycles are {:.3} x the bound", self.ratio),
        );
        let share = 100.0 * self.multipliers_in_use;
        line(
            "multiplications, a frame",
            self.useful_macs,
            format!("{share:.1} % of {} multipliers in use", self.multipliers),
        );
        text
    }
}

/// The letters of the result's channels and of those that are added up.
fn channels(pass: Pass) -> [&'static str; 2] {
    match pass {
        Pass::GradInput => ["C", "K"],
        Pass::Forward => ["K", "C"],
        Pass::GradWeight => ["K", "N"],
    }
}

//! The figures of a synthesis, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::timing::Timing;
use super::{Area, Board, CriticalPath};

/// One design on one device; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The device, by its name on the command line.
    pub target: &'static str,
    /// Versions by name.
    pub tools: BTreeMap<String, String>,
    /// Counted as `lut_rule` says.
    pub luts: u64,
    /// How LUTs are counted.
    pub lut_rule: &'static str,
    /// Cells that use LUTs as small memories or shift registers; not among `luts`.
    pub lut_rams: u64,
    /// Flip-flops.
    pub ffs: u64,
    /// Multiplier cells.
    pub dsps: u64,
    /// Block RAMs; on 7 series those of 18 kbit.
    pub brams: u64,
    /// By seed, from 1 on; empty where nothing was placed and routed.
    pub fmax_mhz: Vec<f64>,
    /// The one in the middle.
    pub fmax_mhz_median: Option<f64>,
    /// Multiplications in each cycle.
    pub macs: u64,
    /// Of the seed in the middle.
    pub critical_path: Option<CriticalPath>,
    /// All cells of the netlist by type.
    pub cells: BTreeMap<String, u64>,
}

/// An engine and its limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Synthesis {
    /// The engine.
    #[serde(flatten)]
    pub engine: Figures,
    /// Its multipliers and accumulators without control.
    pub bare_array: Figures,
}

impl Figures {
    pub(super) fn new(
        macs: u64,
        board: Board,
        tools: BTreeMap<String, String>,
        area: Area,
        timings: &[Timing],
    ) -> Self {
        let mut sorted: Vec<&Timing> = timings.iter().collect();
        sorted.sort_by(|a, b| a.fmax_mhz.total_cmp(&b.fmax_mhz));
        let middle = sorted.get(sorted.len().saturating_sub(1) / 2);
        let fmax_mhz: Vec<f64> = timings.iter().map(|timing| timing.fmax_mhz).collect();
        Figures {
            target: board.name(),
            tools,
            luts: area.luts,
            lut_rule: board.lut_rule(),
            lut_rams: area.lut_rams,
            ffs: area.ffs,
            dsps: area.dsps,
            brams: area.brams,
            fmax_mhz_median: median(&fmax_mhz),
            fmax_mhz,
            macs,
            critical_path: middle.map(|timing| timing.critical_path.clone()),
            cells: area.cells,
        }
    }
}

/// The value in the middle, or between the two there.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[half]),
        _ => Some((sorted[half - 1] + sorted[half]) / 2.0),
    }
}

impl Synthesis {
    /// One JSON object on a line of its own.
    pub fn to_json(&self) -> String {
        let json =
            serde_json::to_string(self).expect("text and finite numbers are always valid JSON");
        json + "\n"
    }

    /// A table for a person; `name` is the layer's.
    pub fn to_text(&self, name: &str) -> String {
        let (engine, limit) = (&self.engine, &self.bare_array);
        let tools: Vec<String> = engine
            .tools
            .iter()
            .map(|(n, v)| format!("{n} {v}"))
            .collect();
        let mut text = format!(
            "{name} on {}, {} multiplications a cycle; {}\n\n",
            engine.target,
            engine.macs,
            tools.join(", ")
        );
        let mut line = |words: [&str; 4], note: &str| {
            let [what, engine, limit, ratio] = words;
            let line = format!("  {what:<18} {engine:>8} {limit:>11} {ratio:>7}  {note}");
            let _ = writeln!(text, "{}", line.trim_end());
        };
        line(["", "engine", "bare array", "ratio"], "");
        for (what, of_engine, of_limit, note) in [
            ("LUTs", engine.luts, limit.luts, engine.lut_rule),
            (
                "LUTs as memories",
                engine.lut_rams,
                limit.lut_rams,
                "cells, not among the LUTs",
            ),
            ("FFs", engine.ffs, limit.ffs, ""),
            ("multipliers", engine.dsps, limit.dsps, "cells"),
            ("block RAMs", engine.brams, limit.brams, ""),
        ] {
            let ratio = ratio(of_engine as f64, of_limit as f64);
            line(
                [what, &of_engine.to_string(), &of_limit.to_string(), &ratio],
                note,
            );
        }
        match (engine.fmax_mhz_median, limit.fmax_mhz_median) {
            (Some(of_engine), Some(of_limit)) => {
                let ratio = ratio(of_engine, of_limit);
                let [e, l] = [of_engine, of_limit].map(|mhz| format!("{mhz:.1}"));
                line(["Fmax, MHz", &e, &l, &ratio], "median");
                for (index, (e, l)) in engine.fmax_mhz.iter().zip(&limit.fmax_mhz).enumerate() {
                    let seed = format!("  seed {}", index + 1);
                    line([&seed, &format!("{e:.1}"), &format!("{l:.1}"), ""], "");
                }
            }
            _ => text += "\n  no Fmax: not placed and routed\n",
        }
        for (what, figures) in [("engine", engine), ("bare array", limit)] {
            if let Some(path) = &figures.critical_path {
                let _ = write!(
                    text,
                    "\n  critical path of the {what}, seed {}: {:.2} ns, {:.2} of it wires\n",
                    path.seed, path.ns, path.routing_ns
                );
                for step in &path.steps {
                    let _ = writeln!(text, "    {:>6.2}  {}", step.ns, step.name);
                }
            }
        }
        text
    }
}

fn ratio(engine: f64, limit: f64) -> String {
    match limit {
        0.0 => String::new(),
        _ => format!("{:.2}", engine / limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[3.0, 1.0]), Some(2.0));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    }
}

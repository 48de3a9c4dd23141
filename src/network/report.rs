//! The figures of a network's run, for people and for programs.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use indicatif::HumanCount;
use serde::Serialize;

use super::{Network, Step};
use crate::compare::Comparison;

/// What a layer took; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub name: String,
    /// Jobs.
    pub tiles: u64,
    /// Groups that are merged into one.
    pub merged: u32,
    /// Runs of groups, of C and of K that the tiles are made of.
    pub cuts: [u32; 3],
    /// Cycles in which the engine had one of them, loads of weights included.
    pub cycles: u64,
    /// [`Tiling::bound_cycles`](crate::programmable::Tiling::bound_cycles) of the first layer; of the others, which are given
    /// their first weights before,
    /// [`Tiling::bound_cycles_behind`](crate::programmable::Tiling::bound_cycles_behind).
    pub bound_cycles: u64,
    /// Cycles for one of the bound.
    pub ratio: f64,
    /// Of the multiplications that these cycles have room for, the share that the layer needs.
    pub multipliers_in_use: f64,
    /// The value of `limits.fifo_results` that would do, where the engine's holds the layer up.
    pub fifo_results_enough: Option<u64>,
    /// Values of what the layer consumes that did not fit the type of gradients.
    pub saturated: u64,
    /// Values of grad_input that are not the reference's.
    pub mismatches: u64,
    /// The first of them, for people.
    pub first_mismatch: Option<String>,
}

/// What a network took; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub version: &'static str,
    pub name: String,
    pub frames: usize,
    pub layers: Vec<Row>,
    pub tiles: u64,
    pub cycles: u64,
    /// Those of all layers, or the beats of all weights where these are more.
    pub bound_cycles: u64,
    pub ratio: f64,
    pub multipliers_in_use: f64,
    pub mismatches: u64,
}

impl Row {
    pub(super) fn new(
        step: &Step,
        begun: bool,
        frames: u64,
        cycles: u64,
        saturated: u64,
        comparison: &Comparison,
    ) -> Self {
        let tiling = step.tiling();
        let parts = tiling.parts();
        let bound_cycles = match begun {
            false => tiling.bound_cycles(frames),
            true => tiling.bound_cycles_behind(frames),
        };
        Self {
            name: step.name().to_owned(),
            tiles: tiling.tiles().len() as u64,
            merged: tiling.merge().each(),
            cuts: [parts.groups, parts.result_channels, parts.moving_channels],
            cycles,
            bound_cycles,
            ratio: cycles as f64 / bound_cycles as f64,
            multipliers_in_use: tiling.multipliers_in_use(frames, cycles),
            fifo_results_enough: step.short_fifo().map(|fifo| fifo.enough),
            saturated,
            mismatches: comparison.mismatches,
            first_mismatch: comparison
                .first
                .map(|first| first.of(step.tiling().layer())),
        }
    }
}

impl Report {
    pub(super) fn new(network: &Network, layers: Vec<Row>) -> Self {
        let sum = |pick: fn(&Row) -> u64| layers.iter().map(pick).sum::<u64>();
        let cycles = sum(|row| row.cycles);
        let steps = network.steps().iter();
        let weight_beats = steps.map(|step| step.tiling().weight_beats()).sum();
        let bound_cycles = sum(|row| row.bound_cycles).max(weight_beats);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            name: network.name().to_owned(),
            frames: network.frames(),
            tiles: sum(|row| row.tiles),
            cycles,
            bound_cycles,
            ratio: cycles as f64 / bound_cycles as f64,
            // Each layer's share weighs as much as its cycles.
            multipliers_in_use: layers
                .iter()
                .map(|row| row.multipliers_in_use * row.cycles as f64)
                .sum::<f64>()
                / cycles as f64,
            mismatches: sum(|row| row.mismatches),
            layers,
        }
    }

    /// One JSON object on a line of its own.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and names are always valid JSON");
        json + "\n"
    }

    /// A heading and a table.
    pub fn to_text(&self) -> String {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED);
        table.set_header([
            "layer",
            "merged",
            "tiles",
            "groups x C x K",
            "cycles",
            "bound",
            "ratio",
            "in use",
            "saturated",
            "bit-exact",
        ]);
        let count = |number: u64| HumanCount(number).to_string();
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let verdict = |wrong: u64| if wrong == 0 { "yes" } else { "NO" }.to_owned();
        for row in &self.layers {
            let [groups, in_channels, out_channels] = row.cuts;
            table.add_row([
                row.name.clone(),
                count(row.merged.into()),
                count(row.tiles),
                format!("{groups} x {in_channels} x {out_channels}"),
                count(row.cycles),
                count(row.bound_cycles),
                format!("{:.4}", row.ratio),
                percent(row.multipliers_in_use),
                count(row.saturated),
                verdict(row.mismatches),
            ]);
        }
        table.add_row([
            "all".to_owned(),
            String::new(),
            count(self.tiles),
            String::new(),
            count(self.cycles),
            count(self.bound_cycles),
            format!("{:.4}", self.ratio),
            percent(self.multipliers_in_use),
            count(self.layers.iter().map(|row| row.saturated).sum()),
            verdict(self.mismatches),
        ]);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let heading = match self.mismatches {
            0 => "every gradient exact".to_owned(),
            wrong => format!("{wrong} values WRONG"),
        };
        let (name, frames) = (&self.name, self.frames);
        format!("{name}: {heading}; frames: {frames}\n{table}\n")
    }
}

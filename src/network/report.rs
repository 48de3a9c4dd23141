//! The figures of a network's run, for people and for programs.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use indicatif::HumanCount;
use serde::{Serialize, Serializer};

use super::{Network, Step};
use crate::compare::Comparison;
use crate::layer::Pass;

/// What a pass of a layer took; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The layer's name.
    pub name: String,
    /// The pass.
    #[serde(serialize_with = "word")]
    pub pass: Pass,
    /// Jobs.
    pub tiles: u64,
    /// Groups that are merged into one.
    pub merged: u32,
    /// Runs of groups, of the result's channels and of those that are added up, that the tiles are made of.
    pub cuts: [u32; 3],
    /// Runs of rows of grad_output, of a weight gradient; 1 where it is not cut over them.
    pub row_cuts: u32,
    /// Rows of each image that stand side by side on the lanes, likewise.
    pub rows_beside: u32,
    /// Cycles in which the engine had one of them, loads of weights included.
    pub cycles: u64,
    /// [`Tiling::bound_cycles`](crate::programmable::Tiling::bound_cycles) of the first row; of the others, which are given
    /// their first weights before,
    /// [`Tiling::bound_cycles_behind`](crate::programmable::Tiling::bound_cycles_behind).
    pub bound_cycles: u64,
    /// Cycles for one of the bound.
    pub ratio: f64,
    /// Of the multiplications that these cycles have room for, the share that the layer needs.
    pub multipliers_in_use: f64,
    /// [`Tiling::idle_multipliers`](crate::programmable::Tiling::idle_multipliers)
    pub idle_multipliers: f64,
    /// The value of `limits.fifo_results` that would do, where the engine's holds the layer up.
    pub fifo_results_enough: Option<u64>,
    /// Values of what the layer consumes, or forward of its output, that did not fit the type of what moves.
    pub saturated: u64,
    /// Values of the result that are not the reference's.
    pub mismatches: u64,
    /// The first of them, for people.
    pub first_mismatch: Option<String>,
}

/// What one pass of all layers took; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassTotal {
    /// The pass.
    #[serde(serialize_with = "word")]
    pub pass: Pass,
    /// Jobs.
    pub tiles: u64,
    /// Cycles of the engine.
    pub cycles: u64,
    /// The sum of those of its rows.
    pub bound_cycles: u64,
    /// Cycles for one of the bound.
    pub ratio: f64,
    /// Of the multiplications that these cycles have room for, the share that the layers need.
    pub multipliers_in_use: f64,
}

/// What a network took; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// That of this program.
    pub version: &'static str,
    /// The network's name.
    pub name: String,
    /// Frames of the batch.
    pub frames: usize,
    /// In the order in which they were run.
    pub layers: Vec<Row>,
    /// All layers of each pass.
    pub passes: Vec<PassTotal>,
    /// Jobs.
    pub tiles: u64,
    /// Cycles of the engine.
    pub cycles: u64,
    /// Those of all rows, or the beats of all weights where these are more.
    pub bound_cycles: u64,
    /// Cycles for one of the bound.
    pub ratio: f64,
    /// Of the multiplications that these cycles have room for, the share that the layers need.
    pub multipliers_in_use: f64,
    /// Values of all results that are not the reference's.
    pub mismatches: u64,
}

fn word<S: Serializer>(pass: &Pass, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(pass)
}

impl Row {
    pub(super) fn new(
        (step, pass): (&Step, Pass),
        begun: bool,
        frames: u64,
        cycles: u64,
        saturated: u64,
        comparison: &Comparison,
    ) -> Self {
        let tiling = step.tiling(pass);
        let parts = tiling.parts();
        let bound_cycles = match begun {
            false => tiling.bound_cycles(frames),
            true => tiling.bound_cycles_behind(frames),
        };
        Self {
            name: step.name().to_owned(),
            pass,
            tiles: tiling.tiles().len() as u64,
            merged: tiling.merge().each(),
            cuts: [parts.groups, parts.result_channels, parts.moving_channels],
            row_cuts: parts.rows,
            rows_beside: tiling.merge().rows_beside(),
            cycles,
            bound_cycles,
            ratio: cycles as f64 / bound_cycles as f64,
            multipliers_in_use: tiling.multipliers_in_use(frames, cycles),
            idle_multipliers: tiling.idle_multipliers(),
            fifo_results_enough: step.short_fifo(pass).map(|fifo| fifo.enough),
            saturated,
            mismatches: comparison.mismatches,
            first_mismatch: comparison
                .first
                .map(|first| first.of_array(step.result(pass), tiling.layer().pass())),
        }
    }
}

impl PassTotal {
    fn new(pass: Pass, layers: &[Row]) -> Self {
        let rows = || layers.iter().filter(|row| row.pass == pass);
        let cycles = rows().map(|row| row.cycles).sum();
        let bound_cycles = rows().map(|row| row.bound_cycles).sum();
        Self {
            pass,
            tiles: rows().map(|row| row.tiles).sum(),
            cycles,
            bound_cycles,
            ratio: cycles as f64 / bound_cycles as f64,
            multipliers_in_use: in_use(rows(), cycles),
        }
    }
}

/// The share of several rows together: each one's weighs as much as its cycles.
fn in_use<'a>(rows: impl Iterator<Item = &'a Row>, cycles: u64) -> f64 {
    let used = rows.map(|row| row.multipliers_in_use * row.cycles as f64);
    used.sum::<f64>() / cycles as f64
}

impl Report {
    pub(super) fn new(network: &Network, layers: Vec<Row>) -> Self {
        let sum = |pick: fn(&Row) -> u64| layers.iter().map(pick).sum::<u64>();
        let cycles = sum(|row| row.cycles);
        let tasks = network.tasks().into_iter();
        let weight_beats = tasks
            .map(|task| network.steps()[task.step].tiling(task.pass).weight_beats())
            .sum();
        let bound_cycles = sum(|row| row.bound_cycles).max(weight_beats);
        let passes = network.passes().iter();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            name: network.name().to_owned(),
            frames: network.frames(),
            passes: passes.map(|&pass| PassTotal::new(pass, &layers)).collect(),
            tiles: sum(|row| row.tiles),
            cycles,
            bound_cycles,
            ratio: cycles as f64 / bound_cycles as f64,
            multipliers_in_use: in_use(layers.iter(), cycles),
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
            "pass",
            "side by side",
            "tiles",
            "cuts",
            "cycles",
            "bound",
            "ratio",
            "in use",
            "idle lanes",
            "saturated",
            "bit-exact",
        ]);
        for row in &self.layers {
            table.add_row(row.cells());
        }
        if let [_, _, ..] = self.passes.as_slice() {
            for total in &self.passes {
                let rows = || self.layers.iter().filter(|row| row.pass == total.pass);
                table.add_row([
                    "all".to_owned(),
                    total.pass.to_string(),
                    String::new(),
                    count(total.tiles),
                    String::new(),
                    count(total.cycles),
                    count(total.bound_cycles),
                    format!("{:.4}", total.ratio),
                    percent(total.multipliers_in_use),
                    String::new(),
                    count(rows().map(|row| row.saturated).sum()),
                    verdict(rows().map(|row| row.mismatches).sum()),
                ]);
            }
        }
        table.add_row([
            "all".to_owned(),
            match self.passes.as_slice() {
                [total] => total.pass.to_string(),
                _ => "all".to_owned(),
            },
            String::new(),
            count(self.tiles),
            String::new(),
            count(self.cycles),
            count(self.bound_cycles),
            format!("{:.4}", self.ratio),
            percent(self.multipliers_in_use),
            String::new(),
            count(self.layers.iter().map(|row| row.saturated).sum()),
            verdict(self.mismatches),
        ]);
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let heading = match self.mismatches {
            0 => "every value exact".to_owned(),
            wrong => format!("{wrong} values WRONG"),
        };
        let (name, frames) = (&self.name, self.frames);
        format!("{name}: {heading}; frames: {frames}\n{table}\n")
    }
}

impl Row {
    fn cells(&self) -> [String; 12] {
        let cuts = self.cuts.map(|runs| runs.to_string()).join(" x ");
        [
            self.name.clone(),
            self.pass.to_string(),
            self.beside(),
            count(self.tiles),
            match self.pass {
                Pass::Forward | Pass::GradInput => cuts,
                Pass::GradWeight => format!("{cuts} x {}", self.row_cuts),
            },
            count(self.cycles),
            count(self.bound_cycles),
            format!("{:.4}", self.ratio),
            percent(self.multipliers_in_use),
            format!("{:.1}", self.idle_multipliers),
            count(self.saturated),
            verdict(self.mismatches),
        ]
    }
}

impl Row {
    /// What stands side by side on the lanes.
    fn beside(&self) -> String {
        let told = |count: u32, what: &str| (count > 1).then(|| format!("{count} {what}"));
        let all = [told(self.merged, "groups"), told(self.rows_beside, "rows")];
        all.into_iter().flatten().collect::<Vec<_>>().join(" x ")
    }
}

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn verdict(wrong: u64) -> String {
    if wrong == 0 { "yes" } else { "NO" }.to_owned()
}

//! A layer cut into tiles that each fit a programmable engine.
//!
//! Groups that are narrower than the lanes are first [merged](Merge) into wider ones. A tile is a layer of its own: a
//! run of whole (merged) groups, and within each of them a run of the channels of the result and one of those of what moves.
//! Tiles over groups and over the result's channels give different channels of the result; tiles over moving channels give
//! partial sums of the same ones, and so do those over rows of grad_output, of a weight gradient ([`RowRun`]). Where the engine has a stream of values to add, each partial sum goes back in with the next tile; else, whoever drives the
//! engine adds them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bpa_hdl::shell::job_table::TableShape;

use super::merge::Merge;
use super::rows::RowRun;
use super::timeline::{self, Clock};
use super::{NoFit, ProgrammableEngine, UsedStages};
use crate::bound::{issues, shared_bound_cycles, useful_macs};
use crate::layer::{Layer, Rounding};
use crate::plan::Plan;

/// One job of a layer. Groups and channels are those of the merged layer.
#[derive(Clone, Debug)]
pub struct Tile {
    /// Groups.
    pub groups: Range<u32>,
    /// Channels of the result, of those of each group.
    pub result_channels: Range<u32>,
    /// Channels of what moves, of those of each group.
    pub moving_channels: Range<u32>,
    /// Rows of grad_output, where a weight gradient is cut over them.
    pub rows: Option<RowRun>,
    /// Which of the partial sums of its results this is, from 0 on.
    pub part: u32,
    /// The tile as a layer, in the engine's memories; tiles of a shape share it.
    pub plan: Arc<Plan>,
}

/// The jobs of a layer; one if it fits as it is.
#[derive(Clone, Debug)]
pub struct Tiling {
    merge: Merge,
    parts: Parts,
    tiles: Vec<Tile>,
    /// Words of the engine's weight memory.
    pub(super) weight_memory: u64,
    sums_go_in: bool,
    most_accumulate: i64,
    /// Words of its line buffer.
    pub(super) line_words: u64,
    /// How large its jobs are.
    table: TableShape,
}

/// Into how many runs a layer is cut, its groups merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Runs of groups.
    pub groups: u32,
    /// Runs of the result's channels of a group.
    pub result_channels: u32,
    /// Runs of the moving channels of a group: partial sums.
    pub moving_channels: u32,
    /// Runs of rows of grad_output, of a weight gradient: partial sums as well.
    pub rows: u32,
}

/// Channels of a tile at the most, in each group, and groups; and of a weight gradient rows of grad_output.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Cut {
    pub groups: u32,
    pub result_channels: u32,
    pub moving_channels: u32,
    /// `None` where all of them are one run.
    pub rows: Option<u32>,
}

/// What tiles have in common that share a plan.
#[derive(PartialEq, Eq, Hash)]
struct Shape {
    cut: Cut,
    rows: Option<[u32; 4]>,
    stages: UsedStages,
}

impl Tile {
    /// Beats of what is stationary, and of their scales.
    pub fn weight_beats(&self) -> u64 {
        self.plan.layer().operation().stationary_words() + self.plan.layer().scale_words()
    }

    /// Whether that other tile adds to partial sums of this one.
    pub(crate) fn gives_sums_to(&self, other: &Tile) -> bool {
        self.groups == other.groups
            && self.result_channels == other.result_channels
            && self.part < other.part
    }
}

impl Tiling {
    /// The whole layer.
    pub fn layer(&self) -> &Layer {
        self.merge.layer()
    }

    /// How its groups are laid side by side.
    pub fn merge(&self) -> &Merge {
        &self.merge
    }

    /// Into how many runs the layer is cut.
    pub fn parts(&self) -> Parts {
        self.parts
    }

    /// Whether the partial sums of tiles over moving channels go back into the engine, so that the last one gives the whole sum.
    pub fn sums_go_in(&self) -> bool {
        self.sums_go_in
    }

    /// The greatest value that may be added to the results, where the layer has that stream; the least is one further
    /// from zero. What partial sums may come to on top fits the stream.
    pub fn most_accumulate(&self) -> i64 {
        self.most_accumulate
    }

    /// The jobs. Where partial sums go back in, the first ones of all channels of the result, then the next ones of all,
    /// so that as many other tiles as can be are between a tile and the one that needs its sums. Else all partial sums
    /// of some channels, then those of the next.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Beats of what is stationary in all tiles, and of their scales.
    pub fn weight_beats(&self) -> u64 {
        self.tiles.iter().map(Tile::weight_beats).sum()
    }

    /// Cycles of `frames` frames below which no engine with these lanes and this memory can be: those of the whole
    /// layer with its groups on the lanes [as well as can be](shared_bound_cycles), or the beats of the weights if these
    /// are more.
    pub fn bound_cycles(&self, frames: u64) -> u64 {
        (shared_bound_cycles(self.layer()) * frames).max(self.weight_beats())
    }

    /// The same from the end of another layer on, while which the engine can have taken the weights of the first tile.
    pub fn bound_cycles_behind(&self, frames: u64) -> u64 {
        let behind = self.tiles.iter().skip(1).map(Tile::weight_beats).sum();
        (shared_bound_cycles(self.layer()) * frames).max(behind)
    }

    /// Of the multiplications that the engine could do in so many cycles, the share that `frames` frames need.
    pub fn multipliers_in_use(&self, frames: u64, cycles: u64) -> f64 {
        let most = cycles as f64 * self.layer().multipliers() as f64;
        useful_macs(self.layer()) as f64 * frames as f64 / most
    }

    /// Multipliers that have nothing to do while the others work, on average: lanes for which there is no channel, and pairs of
    /// groups that do not meet.
    pub fn idle_multipliers(&self) -> f64 {
        let tiles = self.tiles.iter();
        let issues: u64 = tiles.map(|tile| issues(tile.plan.layer())).sum();
        let most = self.layer().multipliers() as f64;
        match issues {
            0 => most,
            _ => most - useful_macs(self.layer()) as f64 / issues as f64,
        }
    }

    /// Cycles in which the engine has these jobs, at the most, without stalls from outside: the weights of the first tile
    /// and the fill of the line buffer; and of each tile its multiplications, the hand-over, the beats at the end of a frame
    /// that no pixel needs, and what the weights or beats of the next one take longer than that. These come when it has been
    /// told, which software does as soon as it can, a register written in four cycles and read in five.
    pub fn cycles(&self, frames: u64) -> u64 {
        timeline::cycles(self, frames, Clock::Busy)
    }

    /// All cycles, at the most, from the first access of software on: those, and where the engine waits to be told a job.
    pub fn cycles_told(&self, frames: u64) -> u64 {
        timeline::cycles(self, frames, Clock::Elapsed)
    }

    /// Words of the table that are written to tell a job behind another, at the most: between tiles of one shape, where
    /// rounding begins.
    pub(super) fn words_told(&self, before: Option<&Tile>, tile: &Tile) -> u64 {
        let alike = |before: &Tile| Arc::ptr_eq(&before.plan, &tile.plan);
        match before {
            Some(before) if alike(before) => {
                let requantise = tile.plan.layer().requantise();
                requantise.map_or(0, |it| (it.rounding == Rounding::Stochastic).into())
            }
            _ => self.table.told_words(tile.plan.descriptor()),
        }
    }

    /// Words of the table that the pass over a tile's job goes through.
    pub(super) fn pass_words(&self, tile: &Tile) -> u64 {
        self.table.pass_words(tile.plan.descriptor())
    }

    /// Whether the results of a tile go back in with the one right behind it.
    pub(super) fn waits_for_sums(&self, before: &Tile, tile: &Tile) -> bool {
        self.sums_go_in && before.gives_sums_to(tile)
    }
}

impl ProgrammableEngine {
    /// The tiles of a cut.
    pub(super) fn tiles(&self, merge: &Merge, cut: Cut) -> Result<Tiling, NoFit> {
        let layer = merge.merged();
        let op = layer.operation();
        let groups_runs = runs(layer.groups(), cut.groups);
        let result_runs = runs(op.result_per_group, cut.result_channels);
        let moving_runs = runs(op.moving_per_group, cut.moving_channels);
        let row_runs = row_runs(layer, cut);
        let sums: Vec<_> = (row_runs.iter())
            .flat_map(|rows| moving_runs.iter().map(move |moving| (rows, moving)))
            .collect();
        // The values that partial sums leave room for on the stream that they go back in by.
        let room = match sums.as_slice() {
            [before @ .., _] if !before.is_empty() && self.stages().accumulate => {
                let sums = before
                    .iter()
                    .map(|(rows, moving)| partial_sum(layer, rows, moving));
                let bias = match (layer.bias(), self.bias_place()) {
                    (true, Some(bits)) => 1_i128 << (bits - 1),
                    _ => 0,
                };
                i128::from(self.most_accumulate()) - sums.sum::<i128>() - bias
            }
            _ => -1,
        };
        let sums_go_in = room >= 0;
        let stages_of = |part: usize| UsedStages {
            // The first of the sums has it, and with it the whole.
            bias: part == 0 && layer.bias(),
            accumulate: match part {
                0 => layer.accumulate(),
                _ => sums_go_in,
            },
            ..UsedStages::of(layer)
        };
        // Tiles of a shape have one plan.
        let mut plans = HashMap::new();
        let mut tiles = Vec::new();
        for groups in &groups_runs {
            for result_channels in &result_runs {
                for (part, &(rows, moving_channels)) in sums.iter().enumerate() {
                    let cut = Cut {
                        groups: groups.end - groups.start,
                        result_channels: result_channels.end - result_channels.start,
                        moving_channels: moving_channels.end - moving_channels.start,
                        rows: None,
                    };
                    let stages = stages_of(part);
                    let shape = Shape {
                        cut,
                        rows: rows.as_ref().map(RowRun::shape),
                        stages,
                    };
                    let plan = match plans.get(&shape) {
                        Some(plan) => Arc::clone(plan),
                        None => {
                            let part = self.part(layer, cut, rows.as_ref(), stages)?;
                            let plan = Arc::new(self.plan(&part)?);
                            plans.insert(shape, Arc::clone(&plan));
                            plan
                        }
                    };
                    tiles.push(Tile {
                        groups: groups.clone(),
                        result_channels: result_channels.clone(),
                        moving_channels: moving_channels.clone(),
                        rows: rows.clone(),
                        part: part as u32,
                        plan,
                    });
                }
            }
        }
        if sums_go_in {
            // The order among the tiles of one part stays.
            tiles.sort_by_key(|tile| tile.part);
        }
        Ok(Tiling {
            merge: merge.clone(),
            parts: Parts {
                groups: groups_runs.len() as u32,
                result_channels: result_runs.len() as u32,
                moving_channels: moving_runs.len() as u32,
                rows: row_runs.len() as u32,
            },
            tiles,
            weight_memory: self.weight_memory_words(),
            sums_go_in,
            most_accumulate: match sums_go_in {
                // It is at most as large as the one of the engine.
                true => room as i64,
                false => self.most_accumulate(),
            },
            line_words: self.limits().line_words,
            table: self.table.clone(),
        })
    }

    /// The layer with so many groups, so many channels in each, and these rows of grad_output.
    pub(super) fn part(
        &self,
        layer: &Layer,
        cut: Cut,
        rows: Option<&RowRun>,
        stages: UsedStages,
    ) -> Result<Layer, NoFit> {
        let (moving, result) = (cut.moving_channels.into(), cut.result_channels.into());
        let geometry = layer.with_channels(cut.groups, moving, result);
        let geometry = match rows {
            None => geometry,
            Some(rows) => rows.of(geometry),
        };
        self.staged_layer(geometry, stages)
    }
}

/// The runs of rows of a cut; one of all that are there where it has none.
pub(super) fn row_runs(layer: &Layer, cut: Cut) -> Vec<Option<RowRun>> {
    let runs = cut
        .rows
        .map_or(Vec::new(), |each| RowRun::all(&layer.rows(), each));
    match runs.is_empty() {
        true => vec![None],
        false => runs.into_iter().map(Some).collect(),
    }
}

/// What the sum over these rows and moving channels can be at the most: every operand at its most negative.
fn partial_sum(layer: &Layer, rows: &Option<RowRun>, moving_channels: &Range<u32>) -> i128 {
    let op = layer.operation();
    let rows = rows.as_ref().map_or(op.rows.kernel, RowRun::length);
    let terms = i128::from(rows)
        * i128::from(op.cols.kernel)
        * i128::from(moving_channels.end - moving_channels.start);
    (terms * i128::from(layer.largest_operand())) << (layer.stationary_type().bits() - 1)
}

/// Runs of at most `each`.
fn runs(whole: u32, each: u32) -> Vec<Range<u32>> {
    let starts = (0..whole).step_by(each as usize);
    starts
        .map(|start| start..whole.min(start.saturating_add(each)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_as_long_as_they_may_be() {
        assert_eq!(runs(10, 4), [0..4, 4..8, 8..10]);
    }
}

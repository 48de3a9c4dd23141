//! Which tiles a layer is cut into.
//!
//! All cuts into even parts are put in the order of the cycles that they take at the least, by arithmetic alone; then they
//! are timed as they would run, job by job, until none that is left can be better. Of those that take a thousandth more, one
//! with fewer tiles is taken in its place.

use super::merge::Merge;
use super::tiling::Cut;
use super::timeline::{late_words, pass_cycles};
use super::{even_parts, NoFit, ProgrammableEngine, Tiling, UsedStages};
use crate::bound::{axis_taps, bound_cycles};
use crate::layer::{Layer, ScalePer};
use crate::plan::Plan;
use crate::schedule::FrameWalk;

/// Tiles of a layer at the most; beyond, the limits are far too small for it.
const MOST_TILES: u64 = 1 << 20;

/// Cuts that take this part more of the cycles are as good, if they are of fewer tiles.
const NEAR: u128 = 1_000;

/// Cycles, and tiles.
type Cost = (u128, u64);

/// A cut, and what it costs at the least.
struct Candidate {
    least: Cost,
    cut: Cut,
}

/// Cycles of a frame of many.
fn steady_cycles(plan: &Plan) -> u64 {
    let cycles = plan.cycles(3);
    cycles.per_frame_steady.unwrap_or(cycles.total)
}

impl ProgrammableEngine {
    /// Merges narrow groups of a [`layer`](Self::layer) of this engine and cuts it into tiles that fit; of the ways to do
    /// so, one with the fewest cycles for batches of `frames` frames, those of telling its jobs included.
    ///
    /// # Errors
    /// Not even a tile of one block of channels fits, or there would be more than a million tiles.
    pub fn tiling(&self, layer: &Layer, frames: u64) -> Result<Tiling, NoFit> {
        let mut best: Option<(Cost, Tiling)> = None;
        let mut unmerged = None;
        for (bound, merge) in Merge::all(layer) {
            // Of the others none has a lower bound.
            let least = u128::from(bound) * u128::from(frames);
            if best.as_ref().is_some_and(|(cost, _)| cost.0 <= least) {
                break;
            }
            match self.best_cut(&merge, frames) {
                Ok((cost, tiling)) => {
                    if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                        best = Some((cost, tiling));
                    }
                }
                // What is said is said of the layer as the user has it.
                Err(reason) if merge.each() == 1 => unmerged = Some(reason),
                Err(_) => (),
            }
        }
        match (best, unmerged) {
            (Some((_, tiling)), _) => Ok(tiling),
            (None, Some(reason)) => Err(reason),
            (None, None) => unreachable!("a layer whose groups stay alone is always tried"),
        }
    }

    /// The cut with the fewest cycles, with these; none where the layer fits and runs at its bound.
    fn best_cut(&self, merge: &Merge, frames: u64) -> Result<(Cost, Tiling), NoFit> {
        let layer = merge.merged();
        let timed = |cut: Cut| -> Result<(Cost, Tiling), NoFit> {
            let tiling = self.tiles(merge, cut)?;
            let cost = (
                tiling.cycles_told(frames).into(),
                tiling.tiles().len() as u64,
            );
            Ok((cost, tiling))
        };
        let whole = Cut {
            groups: layer.groups(),
            result_channels: layer.operation().result_per_group,
            moving_channels: layer.operation().moving_per_group,
        };
        let mut best: Option<(Cost, Tiling)> = None;
        if let Ok(plan) = self.plan(layer) {
            let bound = bound_cycles(layer);
            let tiling = timed(whole)?;
            if steady_cycles(&plan) <= bound + bound / 100 {
                return Ok(tiling);
            }
            best = Some(tiling);
        }
        let mut candidates = self.candidates(layer, frames)?;
        candidates.sort_by_key(|candidate| candidate.least);
        let fewest = candidates.iter().map(|candidate| candidate.least.1).min();
        candidates.retain(|candidate| candidate.least.1 <= MOST_TILES);
        for Candidate { least, cut } in &candidates {
            if best.as_ref().is_some_and(|(cost, _)| cost <= least) {
                break;
            }
            let found = timed(*cut)?;
            if best.as_ref().is_none_or(|(cost, _)| found.0 < *cost) {
                best = Some(found);
            }
        }
        if let Some((cost, _)) = &best {
            // Each tile more sends its beats, or its sums, once more.
            let ((cycles, tiles), near) = (*cost, cost.0 + cost.0 / NEAR);
            candidates.retain(|&Candidate { least, .. }| least.0 <= near && least.1 < tiles);
            candidates.sort_by_key(|candidate| (candidate.least.1, candidate.least.0));
            for Candidate { cut, .. } in candidates {
                let found = timed(cut)?;
                if found.0 .0 <= near {
                    // What it costs is what the fastest does, so that other merges have to be faster than that.
                    best = Some(((cycles, found.0 .1), found.1));
                    break;
                }
            }
        }
        best.ok_or(NoFit::Tiles {
            // The smallest tile fits and is one of the candidates.
            tiles: fewest.unwrap_or(u64::MAX),
            most: MOST_TILES,
        })
    }

    /// The cuts into even parts that fit.
    fn candidates(&self, layer: &Layer, frames: u64) -> Result<Vec<Candidate>, NoFit> {
        let memory = self.weight_memory_words();
        let op = layer.operation();
        let (simd, pe) = (op.simd, op.pe);
        // A sum that has been made narrow is no partial one any more.
        let moving_is_whole = layer.requantise().is_some();
        let smallest = Cut {
            groups: 1,
            result_channels: pe.min(op.result_per_group),
            moving_channels: match moving_is_whole {
                true => op.moving_per_group,
                false => simd.min(op.moving_per_group),
            },
        };
        let smallest = self.part(layer, smallest, UsedStages::of(layer))?;
        let plan = self.plan(&smallest).map_err(NoFit::of_a_tile)?;
        let limits = self.limits();
        // Of one block of channels of one group.
        let held = FrameWalk::new(smallest.operation()).held_pixels();
        let zeros = plan
            .descriptor()
            .max_skip
            .max(plan.descriptor().end_beats)
            .max(1);
        let kernel = op.rows.kernel * op.cols.kernel;
        let taps = axis_taps(&layer.rows()) * axis_taps(&layer.cols());
        let consumed = op.rows.sources * op.cols.sources;
        let produced = op.rows.positions * op.cols.positions;

        let (moving_blocks, result_blocks) = (op.moving_blocks(), op.result_blocks());
        let most_scales = match layer.requantise().map(|it| it.scale_per) {
            Some(ScalePer::Channel) => limits.scale_words,
            _ => u64::MAX,
        };
        let mut candidates = Vec::new();
        for groups in even_parts(layer.groups()) {
            for moving_run in even_parts(moving_blocks) {
                if moving_is_whole && moving_run < moving_blocks {
                    break;
                }
                let words = u64::from(groups) * u64::from(moving_run);
                if held * words > limits.line_words {
                    continue;
                }
                let most = (limits.weight_words / (kernel * words))
                    .min(limits.zero_run / (zeros * u64::from(groups)))
                    .min(most_scales / u64::from(groups));
                for result_run in
                    even_parts(result_blocks).filter(|&result_run| u64::from(result_run) <= most)
                {
                    let beats = u64::from(groups) * u64::from(result_run);
                    let bound = (u128::from(taps) * u128::from(words) * u128::from(result_run))
                        .max(u128::from(consumed) * u128::from(words))
                        .max(u128::from(produced) * u128::from(beats));
                    let set = kernel * words * u64::from(result_run);
                    let tiles = u64::from(layer.groups().div_ceil(groups))
                        * u64::from(moving_blocks.div_ceil(moving_run))
                        * u64::from(result_blocks.div_ceil(result_run));
                    // The last tiles of each kind may be as small as can be.
                    let whole = u64::from(layer.groups() / groups)
                        * u64::from(moving_blocks / moving_run)
                        * u64::from(result_blocks / result_run);
                    let run = bound * u128::from(frames) + u128::from(late_words(memory, set, set));
                    let told = u128::from(pass_cycles(self.table_words));
                    // A tile is told and its set taken while the one before runs, but for the first of them.
                    let given = told + u128::from(set);
                    let cycles = u128::from(whole) * run.max(given)
                        + run.min(given)
                        + u128::from(tiles - whole) * told;
                    candidates.push(Candidate {
                        least: (cycles, tiles),
                        cut: Cut {
                            groups,
                            result_channels: result_run.saturating_mul(pe).min(op.result_per_group),
                            moving_channels: moving_run
                                .saturating_mul(simd)
                                .min(op.moving_per_group),
                        },
                    });
                }
            }
        }
        Ok(candidates)
    }
}

//! Which tiles a layer is cut into.
//!
//! All cuts into even parts are put in the order of the cycles that they take at the least, by arithmetic alone; then they
//! are timed as they would run, job by job, until none that is left can be better. Of those that take a thousandth more, one
//! with fewer tiles is taken in its place.

use std::collections::HashMap;

use super::merge::Merge;
use super::rows::RowRun;
use super::tiling::{row_runs, Cut};
use super::timeline::{late_words, pass_cycles};
use super::{even_parts, NoFit, ProgrammableEngine, Tiling, UsedStages};
use crate::bound::{bound_cycles, pair_issues};
use crate::layer::{Layer, Pass};
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
            rows: None,
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
        let op = layer.operation();
        let (moving_blocks, result_blocks) = (op.moving_blocks(), op.result_blocks());
        let limits = self.limits();
        let most_scales = match self.stages().for_channels() {
            true => limits.scale_words,
            false => u64::MAX,
        };
        let mut candidates = Vec::new();
        for rows in self.row_options(layer)? {
            for groups in even_parts(layer.groups()) {
                for moving_run in even_parts(moving_blocks) {
                    if sums_are_whole(layer) && moving_run < moving_blocks {
                        break;
                    }
                    let words = u64::from(groups) * u64::from(moving_run);
                    let stretch = limits.pixels.map_or(u64::MAX, |it| it.stretch_beats);
                    if rows.most(|part| part.held) * words > limits.line_words
                        || rows.most(|part| part.phases[0]) * words > stretch
                    {
                        continue;
                    }
                    let most = (limits.weight_words / (rows.most(|part| part.kernel) * words))
                        .min(limits.zero_run / (rows.most(|part| part.zeros) * u64::from(groups)))
                        .min(most_scales / u64::from(groups))
                        .min(stretch / (rows.most(|part| part.phases[1]) * u64::from(groups)));
                    let fits = |result_run: &u32| u64::from(*result_run) <= most;
                    for result_run in even_parts(result_blocks).filter(fits) {
                        let runs = Runs {
                            groups,
                            moving: moving_run,
                            result: result_run,
                        };
                        candidates.push(Candidate {
                            least: self.least(layer, frames, &runs, &rows),
                            cut: Cut {
                                groups,
                                result_channels: result_run
                                    .saturating_mul(op.pe)
                                    .min(op.result_per_group),
                                moving_channels: moving_run
                                    .saturating_mul(op.simd)
                                    .min(op.moving_per_group),
                                rows: rows.each,
                            },
                        });
                    }
                }
            }
        }
        Ok(candidates)
    }

    /// What a cut costs at the least.
    fn least(&self, layer: &Layer, frames: u64, runs: &Runs, rows: &RowOption) -> Cost {
        let (op, memory) = (layer.operation(), self.weight_memory_words());
        let (moving_blocks, result_blocks) = (op.moving_blocks(), op.result_blocks());
        let words = u64::from(runs.groups) * u64::from(runs.moving);
        let beats = u64::from(runs.groups) * u64::from(runs.result);
        let tiles = u64::from(layer.groups().div_ceil(runs.groups))
            * u64::from(moving_blocks.div_ceil(runs.moving))
            * u64::from(result_blocks.div_ceil(runs.result));
        // The last tiles of each kind may be as small as can be.
        let whole = u64::from(layer.groups() / runs.groups)
            * u64::from(moving_blocks / runs.moving)
            * u64::from(result_blocks / runs.result);
        let told = u128::from(pass_cycles(self.table.least_pass_words()));
        let (mut cycles, mut first, mut count) = (0, u128::MAX, 0);
        for part in &rows.parts {
            let pairs = u128::from(words) * u128::from(runs.result);
            let bound = (u128::from(part.taps) * pairs)
                .max(u128::from(part.consumed) * u128::from(words))
                .max(u128::from(part.produced) * u128::from(beats));
            let set = part.kernel * words * u64::from(runs.result);
            let run = bound * u128::from(frames) + u128::from(late_words(memory, set, set));
            // A tile is told and its set taken while the one before runs, but for the first of them.
            let given = told + u128::from(set);
            cycles += u128::from(part.count)
                * (u128::from(whole) * run.max(given) + u128::from(tiles - whole) * told);
            first = first.min(run.min(given));
            count += part.count;
        }
        (cycles + first, tiles * count)
    }

    /// The ways to cut a layer over rows, as far as tiles of one block of channels of one group fit.
    fn row_options(&self, layer: &Layer) -> Result<Vec<RowOption>, NoFit> {
        let op = layer.operation();
        let smallest = Cut {
            groups: 1,
            result_channels: op.pe.min(op.result_per_group),
            moving_channels: match sums_are_whole(layer) {
                true => op.moving_per_group,
                false => op.simd.min(op.moving_per_group),
            },
            rows: None,
        };
        let mut lengths = vec![None];
        if layer.pass() == Pass::GradWeight && !sums_are_whole(layer) {
            let axis = layer.rows();
            let all = RowRun::all(&axis, 1).len() as u32;
            let shorter = |each: &u32| *each > 0 && *each < axis.out_size;
            lengths.extend(even_parts(all).filter(shorter).map(Some));
        }
        let (mut options, mut reason) = (Vec::new(), None);
        for rows in lengths {
            match self.row_option(layer, Cut { rows, ..smallest }) {
                Ok(option) => options.push(option),
                Err(no_fit) => reason = Some(no_fit),
            }
        }
        match reason {
            Some(reason) if options.is_empty() => Err(reason.of_a_tile()),
            _ => Ok(options),
        }
    }

    fn row_option(&self, layer: &Layer, smallest: Cut) -> Result<RowOption, NoFit> {
        let mut parts: HashMap<Option<[u32; 4]>, RowPart> = HashMap::new();
        for rows in row_runs(layer, smallest) {
            let shape = rows.as_ref().map(RowRun::shape);
            if let Some(part) = parts.get_mut(&shape) {
                part.count += 1;
                continue;
            }
            let stages = UsedStages::of(layer);
            let tile = self.part(layer, smallest, rows.as_ref(), stages)?;
            parts.insert(shape, RowPart::new(&self.plan(&tile)?));
        }
        Ok(RowOption {
            each: smallest.rows,
            parts: parts.into_values().collect(),
        })
    }
}

/// Whether tiles may give no partial sums: one that has been made narrow is none any more.
fn sums_are_whole(layer: &Layer) -> bool {
    layer.requantise().is_some()
}

/// Blocks of channels of a tile, and groups.
struct Runs {
    groups: u32,
    moving: u32,
    result: u32,
}

/// A way to cut a layer over rows of grad_output.
struct RowOption {
    /// Rows of a tile; `None` where they are not cut.
    each: Option<u32>,
    parts: Vec<RowPart>,
}

impl RowOption {
    fn most(&self, pick: fn(&RowPart) -> u64) -> u64 {
        self.parts.iter().map(pick).max().unwrap_or(0)
    }
}

/// What tiles that have the same of the rows have of a block of channels of one group.
struct RowPart {
    count: u64,
    /// Pixels of line buffer.
    held: u64,
    /// Beats without a tap in a row, 1 at least.
    zeros: u64,
    kernel: u64,
    /// Issues of a pair of blocks.
    taps: u64,
    /// Beats of a block.
    consumed: u64,
    produced: u64,
    /// Beats of a stretch of a row of what moves and of the result, likewise.
    phases: [u64; 2],
}

impl RowPart {
    /// Of one of these tiles.
    fn new(plan: &Plan) -> Self {
        let (layer, d) = (plan.layer(), plan.descriptor());
        let op = layer.operation();
        RowPart {
            count: 1,
            held: FrameWalk::new(op).held_pixels(),
            zeros: d.max_skip.max(d.end_beats).max(1),
            kernel: op.rows.kernel * op.cols.kernel,
            taps: pair_issues(layer),
            consumed: op.rows.sources * op.moving_columns(),
            produced: op.rows.positions * op.result_columns(),
            phases: d.pixels.as_ref().map_or([1; 2], |pixels| {
                [pixels.moving.stride, pixels.result.stride]
            }),
        }
    }
}

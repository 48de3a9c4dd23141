//! A layer cut into tiles that each fit a programmable engine.
//!
//! Groups that are narrower than the lanes are first [merged](Merge) into wider ones. A tile is a layer of its own: a
//! run of whole (merged) groups, and within each of them a run of the channels of C and one of those of K. Tiles over C
//! and over groups give different channels of grad_input; tiles over K give partial sums of the same ones. Where the
//! engine has a stream of values to add, each partial sum goes back in with the next tile; else, whoever drives the
//! engine adds them.

use std::collections::HashMap;
use std::ops::Range;

use super::merge::Merge;
use super::{even_parts, NoFit, ProgrammableEngine, UsedStages};
use crate::bound::{axis_taps, bound_cycles, shared_bound_cycles, useful_macs};
use crate::layer::{Layer, ScalePer};
use crate::plan::Plan;
use crate::schedule::FrameWalk;

/// Cycles of a job beside its weights and frames, at the most, where it follows none.
const JOB_CYCLES: u64 = 10;

/// Cycles that a job costs beside its multiplications where it follows another, about: the pipeline runs empty and
/// fills again.
const HAND_OVER_CYCLES: u64 = 24;

/// Words of the weight memory that a set waits for until the job before it ends: both are in the memory, one behind the
/// other.
fn late_words(memory: u64, before: u64, words: u64) -> u64 {
    (before + words).saturating_sub(memory)
}

/// Tiles of a layer at the most; beyond, the limits are far too small for it.
const MOST_TILES: u64 = 1 << 20;

/// One job of a layer. Groups and channels are those of the merged layer.
#[derive(Clone, Debug)]
pub struct Tile {
    /// Groups.
    pub groups: Range<u32>,
    /// Channels of C, of those of each group.
    pub in_channels: Range<u32>,
    /// Channels of K, of those of each group.
    pub out_channels: Range<u32>,
    /// The tile as a layer, in the engine's memories.
    pub plan: Plan,
}

/// The jobs of a layer; one if it fits as it is.
#[derive(Clone, Debug)]
pub struct Tiling {
    merge: Merge,
    parts: Parts,
    tiles: Vec<Tile>,
    /// Words of the engine's weight memory.
    weight_memory: u64,
    sums_go_in: bool,
    most_accumulate: i64,
    /// Words of its line buffer.
    line_words: u64,
}

/// Into how many runs a layer is cut, its groups merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Runs of groups.
    pub groups: u32,
    /// Runs of the channels of C of a group.
    pub in_channels: u32,
    /// Runs of the channels of K of a group: partial sums.
    pub out_channels: u32,
}

/// Cycles, and tiles.
type Cost = (u128, u64);

/// Channels of a tile at the most, in each group, and groups.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Cut {
    groups: u32,
    in_channels: u32,
    out_channels: u32,
}

impl Tile {
    /// Whether that other tile adds to partial sums of this one.
    pub(crate) fn gives_sums_to(&self, other: &Tile) -> bool {
        self.groups == other.groups && self.in_channels == other.in_channels
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

    /// Whether the partial sums of tiles over K go back into the engine, so that the last one gives the whole sum.
    pub fn sums_go_in(&self) -> bool {
        self.sums_go_in
    }

    /// The greatest value that may be added to the results, where the layer has that stream; the least is one further
    /// from zero. What partial sums may come to on top fits the stream.
    pub fn most_accumulate(&self) -> i64 {
        self.most_accumulate
    }

    /// The jobs. Where partial sums go back in, the first ones of all channels of grad_input, then the next ones of all,
    /// so that as many other tiles as can be are between a tile and the one that needs its sums. Else all partial sums
    /// of some channels, then those of the next.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Beats of weights of all tiles, and of their scales.
    pub fn weight_beats(&self) -> u64 {
        let beats =
            |tile: &Tile| tile.plan.layer().weight_words() + tile.plan.layer().scale_words();
        self.tiles.iter().map(beats).sum()
    }

    /// Cycles of `frames` frames below which no engine with these lanes and this memory can be: those of the whole
    /// layer with its groups on the lanes [as well as can be](shared_bound_cycles), or the beats of the weights if these
    /// are more.
    pub fn bound_cycles(&self, frames: u64) -> u64 {
        (shared_bound_cycles(self.layer()) * frames).max(self.weight_beats())
    }

    /// Of the multiplications that the engine could do in so many cycles, the share that `frames` frames need.
    pub fn multipliers_in_use(&self, frames: u64, cycles: u64) -> f64 {
        let most = cycles as f64 * self.layer().multipliers() as f64;
        useful_macs(self.layer()) as f64 * frames as f64 / most
    }

    /// Cycles in which the engine has these jobs, at the most, without stalls from outside, where software tells each
    /// before the one before it begins: the weights of the first tile and the fill of the line buffer; and of each tile
    /// its multiplications, the hand-over, the beats at the end of a frame that no pixel needs, and what the weights or
    /// beats of the next one take longer than that.
    pub fn cycles(&self, frames: u64) -> u64 {
        let mut passed = Passed::default();
        self.each_run(frames, |run| passed = passed.then(run, self));
        passed.ended
    }

    /// The same where software tells each job only when the one before it is done.
    pub fn cycles_apart(&self, frames: u64) -> u64 {
        let mut cycles = 0;
        self.each_run(frames, |run| cycles += run.weights + run.scales + run.alone);
        cycles
    }

    fn each_run(&self, frames: u64, mut see: impl FnMut(&Run)) {
        let mut of_shape = HashMap::new();
        for tile in &self.tiles {
            let layer = tile.plan.layer();
            let shape = (layer.groups(), layer.in_channels(), layer.out_channels());
            see(of_shape
                .entry(shape)
                .or_insert_with(|| Run::new(&tile.plan, frames)));
        }
    }
}

/// What a tile takes by itself.
struct Run {
    weights: u64,
    scales: u64,
    /// Words of the line buffer, by all frames.
    stored: u64,
    beats: u64,
    /// Cycles where nothing was taken before, and where everything was.
    alone: u64,
    ahead: u64,
}

impl Run {
    fn new(plan: &Plan, frames: u64) -> Self {
        let d = plan.descriptor();
        Run {
            weights: plan.layer().weight_words(),
            scales: plan.layer().scale_words(),
            stored: plan.frame_words() * frames,
            beats: d.input_pixels() * d.pixel_words() * frames,
            alone: plan.cycles(frames).total + unneeded_beats(plan) + JOB_CYCLES,
            ahead: plan.cycles_ahead(frames),
        }
    }
}

/// When the tile before began, ended, had its weights and its beats of grad_output, and what it needs of the memories.
#[derive(Default)]
struct Passed {
    began: u64,
    ended: u64,
    loaded: u64,
    taken: u64,
    weights: u64,
    stored: u64,
}

impl Passed {
    fn then(&self, run: &Run, tiling: &Tiling) -> Passed {
        let late = late_words(tiling.weight_memory, self.weights, run.weights);
        let loaded =
            (self.loaded.max(self.began) + run.weights).max(self.ended + late) + run.scales;
        let begins = self.taken.max(self.began);
        let began = self.ended.max(loaded);
        let taken = begins + run.beats;
        // All of it fits beside all of the tile before, and is there when that one ends.
        if self.stored + run.stored <= tiling.line_words && taken <= began {
            return Passed {
                began,
                ended: began + run.ahead,
                loaded,
                taken,
                weights: run.weights,
                stored: run.stored,
            };
        }
        let ended = began.max(begins) + run.alone;
        Passed {
            began,
            ended,
            loaded,
            taken: match run.stored <= tiling.line_words {
                true => taken.max(self.ended),
                false => ended,
            },
            weights: run.weights,
            stored: run.stored,
        }
    }
}

/// Beats of grad_output behind the last pixel of a frame that is needed.
fn unneeded_beats(plan: &Plan) -> u64 {
    let d = plan.descriptor();
    let last = d.kept_rows.last * d.kept_cols.size + d.kept_cols.last;
    let pixels = d.kept_rows.size * d.kept_cols.size - 1 - last;
    pixels * u64::from(plan.layer().dy_words_per_pixel())
}

/// Cycles of a frame of many.
fn steady_cycles(plan: &Plan) -> u64 {
    let cycles = plan.cycles(3);
    cycles.per_frame_steady.unwrap_or(cycles.total)
}

impl ProgrammableEngine {
    /// Merges narrow groups of a [`layer`](Self::layer) of this engine and cuts it into tiles that fit; of the ways to do
    /// so, one with the fewest cycles for batches of `frames` frames.
    ///
    /// # Errors
    /// Not even a tile of one block of channels fits, or there would be more than a million tiles.
    pub fn tiling(&self, layer: &Layer, frames: u64) -> Result<Tiling, NoFit> {
        let mut best: Option<(Cost, Merge, Cut)> = None;
        let mut unmerged = None;
        for (bound, merge) in Merge::all(layer) {
            // Of the others none has a lower bound.
            let least = u128::from(bound) * u128::from(frames);
            if best.as_ref().is_some_and(|(cost, ..)| cost.0 <= least) {
                break;
            }
            match self.best_cut(merge.merged(), frames) {
                Ok((cost, cut)) => {
                    if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                        best = Some((cost, merge, cut));
                    }
                }
                // What is said is said of the layer as the user has it.
                Err(reason) if merge.each() == 1 => unmerged = Some(reason),
                Err(_) => (),
            }
        }
        match (best, unmerged) {
            (Some((_, merge, cut)), _) => self.tiles(merge, cut),
            (None, Some(reason)) => Err(reason),
            (None, None) => unreachable!("a layer whose groups stay alone is always tried"),
        }
    }

    /// The tiles of a cut.
    fn tiles(&self, merge: Merge, cut: Cut) -> Result<Tiling, NoFit> {
        let layer = merge.merged();
        let all = [
            runs(layer.groups(), cut.groups),
            runs(layer.in_per_group(), cut.in_channels),
            runs(layer.out_per_group(), cut.out_channels),
        ];
        let [groups_runs, in_runs, out_runs] = &all;
        // The values that partial sums leave room for on the stream that they go back in by.
        let room = match out_runs.as_slice() {
            [_, .., last] if self.stages().accumulate => {
                i128::from(self.most_accumulate()) - partial_sum(layer, last.start)
            }
            _ => -1,
        };
        let sums_go_in = room >= 0;
        let stages_of = |out_channels: &Range<u32>| UsedStages {
            accumulate: match out_channels.start {
                0 => layer.accumulate(),
                _ => sums_go_in,
            },
            ..UsedStages::of(layer)
        };
        // Tiles of a shape have one plan.
        let mut plans = HashMap::new();
        let mut tiles = Vec::new();
        for groups in groups_runs {
            for in_channels in in_runs {
                for out_channels in out_runs {
                    let shape = Cut {
                        groups: groups.end - groups.start,
                        in_channels: in_channels.end - in_channels.start,
                        out_channels: out_channels.end - out_channels.start,
                    };
                    let stages = stages_of(out_channels);
                    let key = (shape, stages);
                    let plan = match plans.get(&key) {
                        Some(plan) => Plan::clone(plan),
                        None => {
                            let plan = self.plan(&self.part(layer, shape, stages)?)?;
                            plans.insert(key, plan.clone());
                            plan
                        }
                    };
                    tiles.push(Tile {
                        groups: groups.clone(),
                        in_channels: in_channels.clone(),
                        out_channels: out_channels.clone(),
                        plan,
                    });
                }
            }
        }
        if sums_go_in {
            // The order among the tiles of one run over K stays.
            tiles.sort_by_key(|tile| tile.out_channels.start);
        }
        let [groups, in_channels, out_channels] = all.map(|runs| runs.len() as u32);
        Ok(Tiling {
            merge,
            parts: Parts {
                groups,
                in_channels,
                out_channels,
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
        })
    }

    /// The cut with the fewest cycles, were all its tiles as large as the largest; none where the layer fits and runs at
    /// its bound. With its cost, the load of the first set of weights included.
    fn best_cut(&self, layer: &Layer, frames: u64) -> Result<(Cost, Cut), NoFit> {
        let memory = self.weight_memory_words();
        let cost = |tiles: u64, frame: u128, set: u64| {
            // Each set is loaded while the tile before runs, as far as both fit.
            let run = frame * u128::from(frames) + u128::from(HAND_OVER_CYCLES);
            let late = u128::from(late_words(memory, set, set));
            (u128::from(tiles) * (run + late).max(set.into()), tiles)
        };
        let with_load = |(cycles, tiles): Cost, set: u64| (cycles + u128::from(set), tiles);
        let mut best: Option<(Cost, u64, Cut)> = None;
        if let Ok(plan) = self.plan(layer) {
            let (steady, bound) = (steady_cycles(&plan), bound_cycles(layer));
            let set = layer.weight_words();
            let cost = cost(1, steady.into(), set);
            let whole = Cut {
                groups: layer.groups(),
                in_channels: layer.in_per_group(),
                out_channels: layer.out_per_group(),
            };
            if steady <= bound + bound / 100 {
                return Ok((with_load(cost, set), whole));
            }
            best = Some((cost, set, whole));
        }
        let (simd, pe) = (layer.simd(), layer.pe());
        // A sum that has been made narrow is no partial one any more.
        let k_is_whole = layer.requantise().is_some();
        let stages = UsedStages::of(layer);
        let smallest = Cut {
            groups: 1,
            in_channels: pe.min(layer.in_per_group()),
            out_channels: match k_is_whole {
                true => layer.out_per_group(),
                false => simd.min(layer.out_per_group()),
            },
        };
        let smallest = self.part(layer, smallest, stages)?;
        let plan = self.plan(&smallest).map_err(NoFit::of_a_tile)?;
        let limits = self.limits();
        let (rows, cols) = (layer.rows(), layer.cols());
        // Of one block of channels of one group.
        let held = FrameWalk::new(&smallest).held_pixels();
        let zeros = plan
            .descriptor()
            .max_skip
            .max(plan.descriptor().end_beats)
            .max(1);
        let kernel = u64::from(rows.kernel) * u64::from(cols.kernel);
        let taps = axis_taps(&rows) * axis_taps(&cols);
        let consumed = u64::from(rows.out_size) * u64::from(cols.out_size);
        let produced = u64::from(rows.in_size) * u64::from(cols.in_size);

        let (k_blocks, c_blocks) = (layer.k_blocks(), layer.c_blocks());
        let most_scales = match layer.requantise().map(|it| it.scale_per) {
            Some(ScalePer::Channel) => limits.scale_words,
            _ => u64::MAX,
        };
        for groups in even_parts(layer.groups()) {
            for k_run in even_parts(k_blocks) {
                if k_is_whole && k_run < k_blocks {
                    break;
                }
                let words = u64::from(groups) * u64::from(k_run);
                if held * words > limits.line_words {
                    continue;
                }
                // As large as they can be, or so that two sets fit beside one another.
                for weight_words in [limits.weight_words, limits.weight_words.min(memory / 2)] {
                    let most = (weight_words / (kernel * words))
                        .min(limits.zero_run / (zeros * u64::from(groups)))
                        .min(most_scales / u64::from(groups))
                        .min(c_blocks.into());
                    if most == 0 {
                        continue;
                    }
                    // As few runs as `most` allows, and these as even as they can be. It is at most `c_blocks`.
                    let c_runs = c_blocks.div_ceil(most as u32);
                    let c_run = c_blocks.div_ceil(c_runs);
                    let beats = u64::from(groups) * u64::from(c_run);
                    let bound = (u128::from(taps) * u128::from(words) * u128::from(c_run))
                        .max(u128::from(consumed) * u128::from(words))
                        .max(u128::from(produced) * u128::from(beats));
                    let cut = Cut {
                        groups,
                        in_channels: c_run.saturating_mul(pe).min(layer.in_per_group()),
                        out_channels: k_run.saturating_mul(simd).min(layer.out_per_group()),
                    };
                    let frame = match limits.line_words / words > held {
                        true => bound,
                        // Where there is no pixel to spare, each that arrives waits for one to be dead.
                        false => {
                            let part = self.part(layer, cut, stages)?;
                            steady_cycles(&self.plan(&part)?).into()
                        }
                    };
                    let tiles = u64::from(layer.groups().div_ceil(groups))
                        * u64::from(k_blocks.div_ceil(k_run))
                        * u64::from(c_runs);
                    let set = kernel * words * u64::from(c_run);
                    let cost = cost(tiles, frame, set);
                    if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                        best = Some((cost, set, cut));
                    }
                }
            }
        }
        // The smallest tile fits and is the last that is tried.
        let (cost, set, cut) = best.expect("the smallest tile is one of those tried");
        match cost.1 > MOST_TILES {
            true => Err(NoFit::Tiles {
                tiles: cost.1,
                most: MOST_TILES,
            }),
            false => Ok((with_load(cost, set), cut)),
        }
    }

    /// The layer with so many groups, and so many channels in each.
    fn part(&self, layer: &Layer, cut: Cut, stages: UsedStages) -> Result<Layer, NoFit> {
        let mut geometry = layer.to_file().layer;
        geometry.groups = cut.groups.into();
        geometry.in_channels = Some(i64::from(cut.groups) * i64::from(cut.in_channels));
        geometry.out_channels = Some(i64::from(cut.groups) * i64::from(cut.out_channels));
        self.staged_layer(geometry, stages)
    }
}

/// What the sum over so many channels of K can be at the most: every operand at its most negative.
fn partial_sum(layer: &Layer, out_channels: u32) -> i128 {
    let taps = i128::from(layer.rows().kernel) * i128::from(layer.cols().kernel);
    let product_bits = layer.grad_type().bits() + layer.weight_type().bits() - 2;
    (taps * i128::from(out_channels)) << product_bits
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

//! When the jobs of a layer are told, begin and end.
//!
//! Promise: no time is later than said here, for an engine without stalls from outside and software that does as
//! [`Driver`](crate::driver::Driver) does, a register access after the other, in [`READ_CYCLES`] or [`WRITE_CYCLES`]. Every time is a
//! maximum or a sum of earlier ones, so that where one comes earlier than said, none comes later.

use std::collections::HashMap;

use bpa_hdl::shell::jobs::PASS_CYCLES;

use super::{Tile, Tiling};
use crate::operation::Operation;
use crate::plan::Plan;

/// Cycles in which software reads a register that is no counter.
const READ_CYCLES: u64 = 5;

/// Cycles in which it reads how many cycles there were, a counter of two words.
const COUNTER_CYCLES: u64 = 18;

/// Cycles in which it writes one.
const WRITE_CYCLES: u64 = 4;

/// Writes of a job beside its words: `event` is cleared, `command` is written.
const START_WRITES: u64 = 2;

/// Reads from a job's check to its first beat of data: `state` was read just before the check ended, is read again, and
/// then `event`.
const SEEN_READS: u64 = 3;

/// Cycles from the write of `command` to the job's start.
const COMMAND_CYCLES: u64 = 1;

/// Cycles between two sets of weights, and from a word of memory that is free to the beat for it.
const SET_CYCLES: u64 = 1;

/// Cycles of a job beside its weights and frames, at the most, where it follows none.
const JOB_CYCLES: u64 = 10;

/// What counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// Cycles in which the engine has a job. Where it waits to be told one, that clock stands still.
    Busy,
    /// All cycles from the first access of software on.
    Elapsed,
}

/// Words of the weight memory that a set waits for until the job before it ends: both are in the memory, one behind the
/// other.
pub(super) fn late_words(memory: u64, before: u64, words: u64) -> u64 {
    (before + words).saturating_sub(memory)
}

/// Cycles from the write that starts a job until it is in the shadow, where nothing is in its way.
pub(super) fn pass_cycles(pass_words: u64) -> u64 {
    COMMAND_CYCLES + pass_words + PASS_CYCLES
}

/// Cycles in which all jobs of a layer are done.
pub(super) fn cycles(tiling: &Tiling, frames: u64, clock: Clock) -> u64 {
    let tiles = tiling.tiles();
    let mut runs = Runs::new(frames);
    let runs: Vec<Run> = tiles.iter().map(|tile| runs.of(tile)).collect();
    let mut software = Software::default();
    let mut passed = Passed::default();
    // When the last job but one ended.
    let mut ended_before = 0;
    for (index, (tile, run)) in tiles.iter().zip(&runs).enumerate() {
        let before = index.checked_sub(1).map(|before| &tiles[before]);
        let words = tiling.words_told(before, tile);
        let mut told = software.tell(words, tiling.pass_words(tile), passed.takes_over);
        if clock == Clock::Busy {
            told = told.stopped_at(passed.ended);
        }
        // It holds three jobs: before the next one is told, the results of the last but two are collected.
        software = Software {
            free: told.seen.max(ended_before),
            table_free: told.in_shadow,
        };
        let mut values = 0;
        if before.is_some_and(|before| tiling.waits_for_sums(before, tile)) {
            // They are collected and sent when the next job has been told, if there is one.
            let next = tiles.get(index + 1).map(|next| {
                let words = tiling.words_told(Some(tile), next);
                seen(software.written(words) + 2 * pass_cycles(tiling.pass_words(next)))
            });
            values = passed.ended.max(next.unwrap_or(told.seen));
        }
        ended_before = passed.ended;
        passed = passed.then(run, &told, values, tiling);
    }
    passed.ended
}

/// The software: when it turns to the next job, and when it can write that to the table.
#[derive(Default)]
struct Software {
    free: u64,
    table_free: u64,
}

/// A job that is told.
struct Told {
    in_shadow: u64,
    /// Software knows that it is good, and gives its data.
    seen: u64,
}

impl Software {
    /// When so many words are written, and the job is started.
    fn written(&self, words: u64) -> u64 {
        // `state` is read once at least, and may just have been read when the table becomes free.
        let may_write = self.free.max(self.table_free + READ_CYCLES) + READ_CYCLES;
        may_write + (words + START_WRITES) * WRITE_CYCLES
    }

    /// Tells a job, of which so many words are to be written and so many gone through. `shadow_free`: when the job before it took over.
    fn tell(&self, words: u64, pass_words: u64, shadow_free: u64) -> Told {
        let pass = pass_cycles(pass_words);
        let written = self.written(words);
        let in_shadow = written.max(shadow_free) + pass;
        // A check is over with the pass into the shadow, or before. Where the shadow becomes free during a check, it begins
        // anew.
        let checked = in_shadow.min(written + 2 * pass);
        Told {
            in_shadow,
            seen: seen(checked),
        }
    }
}

/// When software knows of a job that its check is over.
fn seen(checked: u64) -> u64 {
    checked + SEEN_READS * READ_CYCLES
}

impl Told {
    /// By a clock that stands still from the end of the job before on until this one takes over.
    fn stopped_at(self, ended: u64) -> Told {
        Told {
            in_shadow: self.in_shadow.min(ended),
            // At the end of the job before, software may read how long that took.
            seen: self
                .seen
                .min(ended + COUNTER_CYCLES.max(SEEN_READS * READ_CYCLES)),
        }
    }
}

/// What tiles take by themselves; those of a shape are alike.
struct Runs {
    frames: u64,
    of_shape: HashMap<Operation, Run>,
}

impl Runs {
    fn new(frames: u64) -> Self {
        Runs {
            frames,
            of_shape: HashMap::new(),
        }
    }

    fn of(&mut self, tile: &Tile) -> Run {
        let run = self.of_shape.entry(*tile.plan.layer().operation());
        *run.or_insert_with(|| Run::new(&tile.plan, self.frames))
    }
}

/// What a tile takes by itself.
#[derive(Clone, Copy)]
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
            weights: plan.layer().operation().stationary_words(),
            scales: plan.layer().scale_words(),
            stored: plan.frame_words() * frames,
            beats: d.input_pixels() * d.pixel_words() * frames,
            alone: plan.cycles(frames).total + unneeded_beats(plan) + JOB_CYCLES,
            ahead: plan.cycles_ahead(frames),
        }
    }
}

/// When the tile before took over, ended, had its weights and its beats of grad_output, and what it needs of the memories.
#[derive(Default)]
struct Passed {
    takes_over: u64,
    ended: u64,
    loaded: u64,
    taken: u64,
    weights: u64,
    stored: u64,
}

impl Passed {
    /// The next tile; the values that are added to its first results come at `values`.
    fn then(&self, run: &Run, told: &Told, values: u64, tiling: &Tiling) -> Passed {
        let given = told.in_shadow.max(told.seen);
        let late = late_words(tiling.weight_memory, self.weights, run.weights);
        let in_memory = (self.loaded.max(given) + run.weights).max(self.ended + late);
        let loaded = in_memory + run.scales + SET_CYCLES;
        let begins = self.taken.max(given);
        let began = self.ended.max(loaded).max(values);
        let taken = begins + run.beats;
        let next = Passed {
            takes_over: self.ended.max(told.in_shadow),
            ended: began.max(begins) + run.alone,
            loaded,
            taken,
            weights: run.weights,
            stored: run.stored,
        };
        // All of it fits beside all of the tile before, and is there when that one ends.
        if self.stored + run.stored <= tiling.line_words && taken <= began {
            return Passed {
                ended: began + run.ahead,
                ..next
            };
        }
        Passed {
            taken: match run.stored <= tiling.line_words {
                true => taken.max(self.ended),
                false => next.ended,
            },
            ..next
        }
    }
}

/// Beats of grad_output behind the last pixel of a frame that is needed.
fn unneeded_beats(plan: &Plan) -> u64 {
    let d = plan.descriptor();
    let last = d.kept_rows.last * d.kept_cols.size + d.kept_cols.last;
    let pixels = d.kept_rows.size * d.kept_cols.size - 1 - last;
    pixels * u64::from(plan.layer().operation().moving_beats_per_pixel())
}

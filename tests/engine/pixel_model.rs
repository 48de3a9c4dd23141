//! The cycle model, pixel by pixel: what [`bpa_engine::schedule::cycles`] tells in loops is gone through one by one, with
//! nothing skipped and no state compared.

use bpa_engine::layer::{Axis, Layer};
use bpa_engine::schedule::cycles::{
    issue_to_read, Pace, ARRIVAL_TO_LOAD, FIRST_TOKEN, FREE_TO_ARRIVAL, READ_TO_START,
    START_TO_ZERO,
};
use bpa_engine::schedule::{Buffers, Cycles, FrameWalk, Pipeline};
use bpa_hdl::config::capacity::PACE;
use bpa_hdl::primitives::beat_fifo::extra_cycles;
use bpa_hdl::shell::jobs::RESTART_CYCLES;
use std::collections::VecDeque;

/// Runs `frames` frames back to back.
pub fn run(walk: &FrameWalk, engine: Pipeline, buffers: Buffers, frames: u64) -> Cycles {
    Cycles::of(&ends(Model::new(walk, engine, buffers), frames))
}

/// The pace of a run.
pub fn pace(walk: &FrameWalk, engine: Pipeline, buffers: Buffers) -> Pace {
    let mut model = Model::new(walk, engine, buffers);
    Pace::of(|| {
        model.frame();
        model.last_beat
    })
}

/// Cycles from the last beat of the job before to the last of a job of so many frames, in an engine that takes one job
/// after the other: where the first of its beats, as many as the line buffer holds, were taken while that one ran.
pub fn run_ahead(walk: &FrameWalk, engine: Pipeline, buffers: Buffers, frames: u64) -> u64 {
    let mut model = Model::new(walk, engine, buffers);
    model.last_beat_in = NEVER;
    // The walk begins when the job does.
    model.emitted = FIRST_TOKEN - 1;
    let end = ends(model, frames).last().map_or(0, |end| end + 1);
    end as u64 + RESTART_CYCLES
}

/// When the last beat of each of the frames moves to the stream's registers.
fn ends(mut model: Model, frames: u64) -> Vec<i64> {
    (0..frames)
        .map(|_| {
            model.frame();
            model.last_beat
        })
        .collect()
}

/// Cycle in which the first beat of grad_output is taken; the walk has run ahead by then.
const FIRST_BEAT: i64 = 0;
/// A cycle before everything.
const NEVER: i64 = i64::MIN / 4;

struct Model<'a> {
    walk: &'a FrameWalk,
    buffers: Buffers,
    paced: bool,
    /// From the last issue of an accumulation to the result at the FIFO memory's output.
    issue_to_read: i64,

    // Input: pixels stored, freed; when the latest beat was taken.
    stored: u64,
    last_beat_in: i64,
    freed: u64,
    /// Pixels freed up to and including a pixel of grad_input, and the cycle of its last issue.
    frees: VecDeque<(u64, i64)>,
    needed: u64,

    // Walk: cycles of the latest events.
    emitted: i64,
    queued: i64,
    /// In the second entry of the queue, at its head, in the issue loops.
    second: i64,
    head: i64,
    loaded: i64,
    /// The latest issue: when it left the loops, one ahead, and when it went.
    left: i64,
    issued: i64,

    // Output: read cycles of the results that may still hold a place.
    reads: VecDeque<i64>,
    /// When the latest result moved to the output of the FIFO's memory.
    word: i64,
    /// When the latest result moved to the stream's registers.
    result_moved: i64,
    /// When the latest beat did, zeros included.
    moved: i64,
    last_beat: i64,
}

impl<'a> Model<'a> {
    fn new(walk: &'a FrameWalk, engine: Pipeline, buffers: Buffers) -> Self {
        Model {
            walk,
            buffers,
            paced: engine.paced,
            issue_to_read: issue_to_read(engine.simd, engine.pixels),
            stored: 0,
            last_beat_in: FIRST_BEAT - 1,
            freed: 0,
            frees: VecDeque::from([(0, NEVER)]),
            needed: 0,
            emitted: NEVER,
            queued: NEVER,
            second: NEVER,
            head: NEVER,
            loaded: NEVER,
            left: NEVER,
            issued: NEVER,
            reads: VecDeque::new(),
            word: NEVER,
            result_moved: NEVER,
            moved: NEVER,
            last_beat: NEVER,
        }
    }

    /// The first cycle in which the next token may go into the loops, were its data there.
    fn token(&mut self) -> i64 {
        if self.paced {
            // It takes the place of the one before, and is compared there. The walk has it ready by then.
            return self.loaded + PACE as i64;
        }
        // The walk: a token a cycle.
        self.emitted = (self.emitted + 1).max(self.queued);
        // The queue: three entries, of which the second is never passed by.
        self.queued = (self.emitted + 1).max(self.second);
        self.second = (self.queued + 1).max(self.head);
        self.head = (self.second + 1).max(self.loaded + 1);
        self.head
    }

    fn frame(&mut self) {
        let walk = self.walk;
        for pixel in walk.pixels() {
            let head = self.token();
            // The issue loop: data for the pixel, a place for each accumulation.
            self.needed += pixel.opens;
            let data = self.arrival(self.needed) + ARRIVAL_TO_LOAD;
            let loaded = head.max(self.left).max(data);
            self.loaded = loaded;
            self.left = loaded;
            let zeros = (pixel.skipped * walk.pixel_beats) as i64;
            for block in 0..walk.pixel_beats {
                // Each issue leaves the loops when the one before goes.
                let left = (self.left + 1).max(self.issued);
                let mut start = left + 1;
                if self.reads.len() as u64 == self.buffers.fifo_results {
                    // The oldest read gave back the place that this accumulation takes.
                    if let Some(read) = self.reads.pop_front() {
                        start = start.max(read + READ_TO_START);
                    }
                }
                self.issued = start + pixel.issues as i64 - 1;
                self.left = if pixel.issues > 1 {
                    self.issued - 1
                } else {
                    left
                };
                let zeros = if block == 0 { zeros } else { 0 };
                self.result(start, self.issued, zeros);
            }
            if pixel.frees > 0 {
                self.freed += pixel.frees;
                self.frees.push_back((self.freed, self.issued));
            }
        }
        self.last_beat = self.moved + (walk.end_pixels() * walk.pixel_beats) as i64;
        self.moved = self.last_beat;
    }

    /// Cycle in which the last beat of the first `pixels` stored pixels is taken.
    fn arrival(&mut self, pixels: u64) -> i64 {
        let words = self.walk.pixel_words as i64;
        while self.stored < pixels {
            let dropped = self.walk.dropped_before(self.stored) as i64 * words;
            // The first words of a pixel need one pixel less freed than its others: as many as the
            // ring has beyond whole pixels. Beats to be dropped wait as the word behind them does.
            let whole = self.buffers.line_words / words as u64;
            let (first, others) = match (self.buffers.line_words % words as u64) as i64 {
                0 => (0, dropped + words),
                beyond => (dropped + beyond, words - beyond),
            };
            for (beats, pixels) in [(first, self.stored), (others, self.stored + 1)] {
                if beats > 0 {
                    let space = self.space(pixels.saturating_sub(whole));
                    self.last_beat_in = (self.last_beat_in + 1).max(space) + beats - 1;
                }
            }
            self.stored += 1;
        }
        self.last_beat_in
    }

    /// The first cycle in which a beat may be taken that needs so many pixels freed.
    fn space(&mut self, wanted: u64) -> i64 {
        while self.frees.front().is_some_and(|free| free.0 < wanted) {
            self.frees.pop_front();
        }
        self.frees
            .front()
            .map_or(NEVER, |free| free.1 + FREE_TO_ARRIVAL)
    }

    /// An accumulation whose issues are in the cycles from `start` to `end`, behind `zeros` beats without a tap.
    fn result(&mut self, start: i64, end: i64, zeros: i64) {
        let at_output = end + self.issue_to_read;
        let before = self.reads.back().copied().unwrap_or(NEVER);
        let extra = extra_cycles(self.buffers.fifo_results) as i64;
        let read = match extra {
            0 => at_output.max(before + 1).max(self.result_moved),
            _ => at_output.max(before + 1).max(self.word),
        };
        // When it is the word that may move out.
        self.word = match extra {
            0 => read,
            _ => (read + 1).max(self.result_moved),
        };
        if zeros > 0 {
            let first = (self.moved + 1).max(start + START_TO_ZERO + extra);
            self.moved = first + zeros - 1;
        }
        self.moved = (self.moved + 1).max(self.word + 1);
        self.result_moved = self.moved;
        self.reads.push_back(read);
    }
}

/// [`bpa_engine::first_frame::in_order_cycles`], pixel by pixel. `met`: how many taps a row or a column of grad_input has,
/// and the last row or column of grad_output that they meet.
pub fn in_order_cycles(layer: &Layer, met: impl Fn(&Axis, u32) -> Option<(u64, u64)>) -> u64 {
    let (rows, cols) = (layer.rows(), layer.cols());
    let beats = u64::from(layer.operation().result_beats_per_pixel());
    let (mut computed, mut left) = (0, 0);
    for row in (0..rows.in_size).map(|h| met(&rows, h)) {
        for col in (0..cols.in_size).map(|w| met(&cols, w)) {
            let Some(((row_taps, p), (col_taps, q))) = row.zip(col) else {
                left += beats;
                continue;
            };
            let pixels = p * u64::from(cols.out_size) + q + 1;
            let begun =
                computed.max(pixels * u64::from(layer.operation().moving_beats_per_pixel()));
            let issues = row_taps * col_taps * u64::from(layer.operation().moving_blocks());
            computed = begun + beats * issues;
            left = (left + beats).max(begun + issues + beats - 1).max(computed);
        }
    }
    left
}

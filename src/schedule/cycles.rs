//! The cycle model: when each pixel is issued and each beat leaves, to the cycle, without stalls
//! from outside.
//!
//! Every step of the engine waits for the latest of a few earlier ones, so a frame is maxima and sums
//! over its pixels. They are gone through as the program of an axis is, in loops, whose turns are told
//! at once where they repeat themselves (`repeat`). The constants are the registers between two blocks,
//! as the blocks in `bpa_hdl` promise them.

mod history;
mod order;
mod repeat;
mod state;

use super::frame::{alike, FrameWalk, Pixel};
use bpa_hdl::config::capacity::{is_paced, PACE};
use bpa_hdl::config::pixels::RowOrder;
use bpa_hdl::issue::{FREE_CYCLES, ISSUE_CYCLES, PLACE_CYCLES, SKIP_CYCLES};
use bpa_hdl::lanes::mac::lane_cycles;
use bpa_hdl::pixels::{read_behind, read_cycles};
use bpa_hdl::primitives::beat_fifo::{extra_cycles, BEAT_CYCLES};
use bpa_hdl::shell::jobs::RESTART_CYCLES;
use bpa_hdl::streams::grad_port::{SPACE_CYCLES, STORE_CYCLES};
use bpa_hdl::streams::result_port::RUN_CYCLES;
use bpa_hdl::walk::DATA_CYCLES;
use history::{History, Point};
use order::Order;
use repeat::Log;
use state::{State, FREES, PASTS, READS};

/// From a pixel's last beat taken to the token that needs it in the loops.
pub const ARRIVAL_TO_LOAD: i64 = (STORE_CYCLES + DATA_CYCLES) as i64;
/// From the last issue of a pixel to the first beat that may overwrite what it freed.
pub const FREE_TO_ARRIVAL: i64 = (FREE_CYCLES + SPACE_CYCLES) as i64;
/// From there to the first token: two fetches, and the sums.
pub const FIRST_TOKEN: i64 = 2;
/// From a result's move to the FIFO memory's output, which gives its place back, to the accumulation that may take it.
pub const READ_TO_START: i64 = (1 + PLACE_CYCLES) as i64;
/// From an accumulation's start to the move of the first zero ahead of its result to the stream's registers, by a short
/// FIFO; on the stream it is in the cycle behind.
pub const START_TO_ZERO: i64 = (SKIP_CYCLES + RUN_CYCLES) as i64 - 1;

/// From the last issue of an accumulation to its result's move to the FIFO memory's output: addresses, memories, lanes, and
/// the FIFO, of which it is the word in the cycle behind.
pub fn issue_to_read(simd: usize, pixels: usize) -> i64 {
    (ISSUE_CYCLES + read_cycles(pixels) + lane_cycles(simd)) as i64 + BEAT_CYCLES as i64 - 1
}

/// More than it takes any place in the buffers to be freed and filled again.
const LOOP_CYCLES: i64 = 64;

/// Sizes that the model is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// Words in the line buffer. Space is counted in words, which comes to counting pixels where
    /// whole pixels fill it.
    pub line_words: u64,
    /// Results in the output FIFO.
    pub fifo_results: u64,
}

/// Cycle counts of a run, from the first beat of what moves that is taken, both ends counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycles {
    /// To the last beat of the last frame.
    pub total: u64,
    /// To the last beat of the first frame.
    pub first_frame: u64,
    /// From the last beat of the last frame but one to that of the last; needs three frames.
    pub per_frame_steady: Option<u64>,
}

/// The engine that the model is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Lanes over K.
    pub simd: usize,
    /// Lanes over pixels.
    pub pixels: usize,
    /// Whether its walk is paced ([`bpa_hdl::config::capacity::Capacity::paced`]).
    pub paced: bool,
    /// Whether it is told its layer, so that with lanes over pixels all rows are put in order.
    pub told: bool,
}

impl Pipeline {
    /// The engine for this walk alone.
    pub fn of(walk: &FrameWalk, simd: usize) -> Self {
        Pipeline {
            simd,
            pixels: walk.pixel_lanes() as usize,
            paced: is_paced(walk.least_issues()),
            told: false,
        }
    }

    /// A programmable engine.
    pub fn programmable(simd: usize, pixels: usize) -> Self {
        Pipeline {
            simd,
            pixels,
            paced: false,
            told: true,
        }
    }
}

/// Runs `frames` frames back to back.
pub fn run(walk: &FrameWalk, engine: Pipeline, buffers: Buffers, frames: u64) -> Cycles {
    Cycles::of(&ends(Model::new(walk, engine, buffers), frames))
}

impl Cycles {
    /// Of frames whose last beats move to the stream's registers in these cycles; of those between the first and the last two
    /// some may be left out.
    pub fn of(ends: &[i64]) -> Self {
        Cycles {
            total: ends.last().copied().map_or(0, from_start),
            first_frame: ends.first().copied().map_or(0, from_start),
            per_frame_steady: match ends {
                [.., before, last] if ends.len() >= 3 => Some((last - before) as u64),
                _ => None,
            },
        }
    }
}

/// Cycles up to a beat that moves to the output registers in cycle `end`: it is on the stream one cycle later.
fn from_start(end: i64) -> u64 {
    (end + 1 - FIRST_BEAT + 1) as u64
}

/// How fast frames go through, for choosing buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// [`Cycles::first_frame`]
    pub first_frame: u64,
    /// Cycles of the slowest frame behind the first two: of one, or of as many as it takes to see every place in the
    /// buffers be filled again. Frames that are shorter than that take turns in being slow.
    pub slowest: u64,
}

/// The pace of a run.
pub fn pace(walk: &FrameWalk, engine: Pipeline, buffers: Buffers) -> Pace {
    let mut model = Model::new(walk, engine, buffers);
    Pace::of(|| {
        model.frame();
        model.state.last_beat
    })
}

impl Pace {
    /// Of frames of which each call goes through the next one and tells when its last beat moves to the stream's registers.
    pub fn of(mut frame: impl FnMut() -> i64) -> Self {
        let first_frame = from_start(frame());
        let second = frame();
        let (mut before, mut slowest) = (second, 0);
        while before < second + LOOP_CYCLES || slowest == 0 {
            let end = frame();
            slowest = slowest.max((end - before) as u64);
            before = end;
        }
        Pace {
            first_frame,
            slowest,
        }
    }
}

/// Cycles from the last beat of the job before to the last of a job of so many frames, in an engine that takes one job
/// after the other: where the first of its beats, as many as the line buffer holds, were taken while that one ran.
pub fn run_ahead(walk: &FrameWalk, engine: Pipeline, buffers: Buffers, frames: u64) -> u64 {
    let mut model = Model::new(walk, engine, buffers);
    model.state.last_beat_in = NEVER;
    // The walk begins when the job does.
    model.state.emitted = FIRST_TOKEN - 1;
    let end = ends(model, frames).last().map_or(0, |end| end + 1);
    end as u64 + RESTART_CYCLES
}

/// When the last beat of each of the frames moves to the stream's registers; of many, of the first ones and the last two.
fn ends(mut model: Model, frames: u64) -> Vec<i64> {
    let mut ends: Vec<i64> = Vec::new();
    let frames = frames as usize;
    let alike = |since: usize, _| frames.saturating_sub(2 + since);
    model.repeat(frames, &[], alike, |model, _| {
        model.frame();
        ends.push(model.state.last_beat);
    });
    ends
}

/// Cycle in which the first beat of what moves is taken; the walk has run ahead by then.
const FIRST_BEAT: i64 = 0;
/// A cycle before everything.
const NEVER: i64 = i64::MIN / 4;

struct Model<'a> {
    walk: &'a FrameWalk,
    /// [`AxisWalk::periods`](super::AxisWalk::periods) of rows and of columns.
    periods: [[usize; 3]; 2],
    buffers: Buffers,
    paced: bool,
    /// From the last issue of an accumulation to the result at the FIFO memory's output.
    issue_to_read: i64,
    /// From the last issue of a pixel to the first beat that may overwrite what it freed.
    free_to_arrival: i64,
    /// Where rows of what moves, and of the result, are put in another order.
    moving_order: Option<Order>,
    result_order: Option<Order>,
    state: State,
    /// What later steps ask for, as [`State::past`] has it.
    past: [History; PASTS],
    log: Log,
}

impl<'a> Model<'a> {
    fn new(walk: &'a FrameWalk, engine: Pipeline, buffers: Buffers) -> Self {
        let lanes = walk.lanes.as_ref();
        let order = |rows: &RowOrder, blocks: u64| match engine.told {
            true => Some(Order::told(rows, blocks)),
            false => Order::built_in(rows, blocks),
        };
        let moving_order = lanes.and_then(|it| order(&it.moving, walk.pixel_words));
        Model {
            walk,
            periods: [walk.rows.periods(), walk.cols.periods()],
            buffers,
            paced: engine.paced,
            issue_to_read: issue_to_read(engine.simd, engine.pixels),
            free_to_arrival: FREE_TO_ARRIVAL + read_behind(engine.pixels) as i64,
            state: State::new(moving_order.is_some()),
            moving_order,
            result_order: lanes.and_then(|it| order(&it.result, walk.pixel_beats)),
            past: Default::default(),
            log: Log::default(),
        }
    }

    fn frame(&mut self) {
        let walk = self.walk;
        let rows = &walk.row_kinds;
        self.repeat(
            rows.len(),
            &self.periods[0].clone(),
            |since, period| alike(rows, since, period),
            Self::row,
        );
        self.leave_zeros((walk.end_pixels() * walk.pixel_beats) as i64, NEVER);
        self.state.last_beat = self.last_given();
    }

    fn row(&mut self, index: usize) {
        let walk = self.walk;
        let cols = &walk.col_kinds;
        let pixel = walk.row(index);
        self.repeat(
            cols.len(),
            &self.periods[1].clone(),
            |since, period| alike(cols, since, period),
            |model, index| model.pixel(&pixel(index)),
        );
    }

    fn pixel(&mut self, pixel: &Pixel) {
        let head = self.token();
        // The issue loop: data for the pixel, a place for each accumulation.
        self.state.needed += pixel.opens as i64;
        let data = self.arrival(self.state.needed) + ARRIVAL_TO_LOAD;
        let loaded = self.log.later(head, self.state.left);
        let loaded = self.log.later(loaded, data);
        self.state.loaded = loaded;
        self.state.left = loaded;
        let issues = pixel.issues as i64;
        self.accumulation(issues, (pixel.skipped * self.walk.pixel_beats) as i64);
        let others = self.walk.pixel_beats as usize - 1;
        // Where rows are put in order, the last one may end a stretch.
        let last = usize::from(self.result_order.is_some());
        self.repeat(
            others,
            &[],
            move |since, _| (others - since).saturating_sub(last),
            |model, _| {
                model.accumulation(issues, 0);
            },
        );
        if pixel.frees > 0 {
            self.state.freed += pixel.frees as i64;
            self.past[FREES].push(Point {
                count: self.state.freed,
                cycle: self.state.issued,
            });
        }
    }

    /// The first cycle in which the next token may go into the loops, were its data there.
    fn token(&mut self) -> i64 {
        let (now, log) = (&mut self.state, &mut self.log);
        if self.paced {
            // It takes the place of the one before, and is compared there. The walk has it ready by then.
            return now.loaded + PACE as i64;
        }
        // The walk: a token a cycle.
        now.emitted = log.later(now.emitted + 1, now.queued);
        // The queue: three entries, of which the second is never passed by.
        now.queued = log.later(now.emitted + 1, now.second);
        now.second = log.later(now.queued + 1, now.head);
        now.head = log.later(now.second + 1, now.loaded + 1);
        now.head
    }

    /// An accumulation of so many issues, behind `zeros` beats without a tap.
    fn accumulation(&mut self, issues: i64, zeros: i64) {
        // Each issue leaves the loops when the one before goes.
        let left = self.log.later(self.state.left + 1, self.state.issued);
        let mut start = left + 1;
        let wanted = self.state.results + 1 - self.buffers.fifo_results as i64;
        if self.log.is_some(wanted) {
            // The oldest read gave back the place that this accumulation takes.
            self.state.place_wanted = wanted;
            let read = self.past[READS].cycle(wanted).unwrap_or(NEVER);
            start = self.log.later(start, read + READ_TO_START);
        }
        let issued = start + issues - 1;
        self.state.issued = issued;
        self.state.left = if issues > 1 { issued - 1 } else { left };
        self.result(start, zeros);
    }

    /// The result of the accumulation that began in `start`.
    fn result(&mut self, start: i64, zeros: i64) {
        let (now, log) = (&mut self.state, &mut self.log);
        let at_output = now.issued + self.issue_to_read;
        let extra = extra_cycles(self.buffers.fifo_results) as i64;
        let read = log.later(at_output, now.read + 1);
        // The word is what may move out.
        (now.read, now.word) = match extra {
            0 => {
                let read = log.later(read, now.result_moved);
                (read, read)
            }
            _ => {
                let read = log.later(read, now.word);
                (read, log.later(read + 1, now.result_moved))
            }
        };
        let word = now.word;
        self.leave_zeros(zeros, start + START_TO_ZERO + extra);
        self.leaves(word + 1);
        let now = &mut self.state;
        now.result_moved = now.moved;
        now.results += 1;
        self.past[READS].push(Point {
            count: now.results,
            cycle: now.read,
        });
    }

    /// Beats without a tap leave, the first at the earliest in cycle `ready`.
    fn leave_zeros(&mut self, zeros: i64, ready: i64) {
        if zeros == 0 {
            return;
        }
        if self.result_order.is_some() {
            self.leaves(ready);
            return self.leave(zeros - 1);
        }
        let now = &mut self.state;
        now.moved = self.log.later(now.moved + 1, ready) + zeros - 1;
    }

    /// Cycle in which the last beat of the first `pixels` stored pixels is taken.
    fn arrival(&mut self, pixels: i64) -> i64 {
        let width = self.walk.cols.kept_size() as i64;
        let to_end_of_row = (width - self.state.stored % width).min(pixels - self.state.stored);
        self.arrive(to_end_of_row);
        let rows = ((pixels - self.state.stored) / width) as usize;
        self.repeat(
            rows,
            &[],
            move |since, _| rows - since,
            |model, _| {
                model.arrive(width);
            },
        );
        self.arrive(pixels - self.state.stored);
        self.state.last_beat_in
    }

    /// So many more pixels of a row are stored.
    fn arrive(&mut self, pixels: i64) {
        let pixels = pixels as usize;
        // The first one has pixels before it that are dropped.
        // So it is where rows are put in order, stretch by stretch.
        let in_order = self.moving_order.is_some();
        let alike = move |since: usize, _| match since {
            0 => 0,
            _ if in_order => 0,
            since => pixels - since,
        };
        self.repeat(pixels, &[], alike, |model, _| model.arrive_one());
    }

    fn arrive_one(&mut self) {
        let words = self.walk.pixel_words as i64;
        let dropped = self.walk.dropped_before(self.state.stored as u64);
        self.log.note(dropped);
        let dropped = dropped as i64 * words;
        // The first words of a pixel need one pixel less freed than its others: as many as the
        // ring has beyond whole pixels. Beats to be dropped wait as the word behind them does.
        let whole = (self.buffers.line_words / words as u64) as i64;
        let (first, others) = match (self.buffers.line_words % words as u64) as i64 {
            0 => (0, dropped + words),
            beyond => (dropped + beyond, words - beyond),
        };
        let stored = self.state.stored;
        for (beats, pixels) in [(first, stored), (others, stored + 1)] {
            if beats > 0 {
                let space = self.space(pixels - whole);
                self.take(beats, space);
            }
        }
        self.state.stored += 1;
    }

    /// The first cycle in which a beat may be taken that needs so many pixels freed.
    fn space(&mut self, wanted: i64) -> i64 {
        if !self.log.is_some(wanted) {
            return NEVER;
        }
        self.state.space_wanted = wanted;
        let freed = self.past[FREES].cycle(wanted);
        freed.map_or(NEVER, |cycle| cycle + self.free_to_arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{LayerFile, PerItem};
    use crate::plan::Plan;

    /// What is compared in three frames: it measures the model's steps.
    fn comparisons(size: [i64; 2], kernel: i64, stride: i64, dilation: i64, padding: i64) -> usize {
        let mut file = LayerFile::default();
        file.layer.in_channels = Some(16);
        file.layer.out_channels = Some(16);
        file.layer.in_size = Some(PerItem(size));
        file.layer.kernel = Some(PerItem([kernel; 2]));
        file.layer.stride = PerItem([stride; 2]);
        file.layer.dilation = PerItem([dilation; 2]);
        file.layer.padding = PerItem([padding; 4]);
        (file.engine.simd, file.engine.pe) = (4, 4);
        let layer = file.validate().unwrap();
        let plan = Plan::new(&layer);
        let walk = FrameWalk::new(layer.operation());
        let buffers = Buffers {
            line_words: plan.line_buffer_pixels() * walk.pixel_words,
            fifo_results: plan.fifo_results(),
        };
        let mut model = Model::new(&walk, Pipeline::of(&walk, 4), buffers);
        (0..3).for_each(|_| model.frame());
        model.log.len()
    }

    /// 3x3 with stride 1, 2, dilation 12; an upsampler; a stride above the kernel; 1x1. The smallest image has 90 x 160
    /// pixels, of which each takes 40 comparisons or more.
    #[test]
    fn steps_do_not_grow_with_the_image() {
        for (kernel, stride, dilation, padding) in [
            (3, 1, 1, 1),
            (3, 2, 1, 1),
            (3, 1, 12, 12),
            (9, 3, 1, 4),
            (2, 3, 1, 0),
            (1, 1, 1, 0),
        ] {
            for size in [[90, 160], [540, 960], [2160, 3840], [4320, 7680]] {
                let found = comparisons(size, kernel, stride, dilation, padding);
                println!(
                    "{kernel}x{kernel}, stride {stride}, dilation {dilation}, {size:?}: {found}"
                );
                assert!(found < 40_000, "{found}");
            }
        }
    }
}

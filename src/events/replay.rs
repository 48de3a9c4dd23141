//! The cycle model event by event: pixel after pixel, from what each block promises alone.
//!
//! It says the same as [`crate::schedule::cycles`], which is made to be quick; here each rule is the promise of one block,
//! as its bench in `tests/blocks` holds it.

use std::collections::VecDeque;

use bpa_hdl::config::capacity::PACE;
use bpa_hdl::issue::{FREE_CYCLES, ISSUE_CYCLES, LOAD_CYCLES, PLACE_CYCLES, SKIP_CYCLES};
use bpa_hdl::lanes::mac::lane_cycles;
use bpa_hdl::primitives::beat_fifo::{extra_cycles, BEAT_CYCLES};
use bpa_hdl::primitives::memory::MEMORY_CYCLES;
use bpa_hdl::streams::grad_port::{SPACE_CYCLES, STORE_CYCLES};
use bpa_hdl::streams::result_port::RUN_CYCLES;
use bpa_hdl::walk::{DATA_CYCLES, TOKEN_CYCLES};

use super::Kind;
use crate::plan::Plan;
use crate::schedule::{FrameWalk, Pipeline};

/// Tokens that the queue holds, where the walk gives one a cycle.
const QUEUE_TOKENS: usize = 3;
/// Before everything.
const NEVER: i64 = i64::MIN / 4;

/// The cycles between two events in neighbouring blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// From a token's coming into the queue to its leaving.
    pub token: i64,
    /// From a pixel's last beat to the token that waits for it.
    pub data: i64,
    /// From a pixel's last issue to the beat that takes the place of what it freed.
    pub space: i64,
    /// From a token's entering the loops to its first issue.
    pub load: i64,
    /// From a place's being given back to the accumulation that takes it.
    pub place: i64,
    /// From an issue to its addresses.
    pub issue: i64,
    /// From the addresses of an accumulation's last issue to its result's write.
    pub lanes: i64,
    /// From a result's write to its being the word of a short FIFO.
    pub fifo: i64,
    /// From an accumulation's start to the first zero ahead of it, by a short FIFO.
    pub run: i64,
    /// How much later by the FIFO of this engine.
    pub extra: i64,
    /// From the stream of results to that of the engine.
    pub stages: i64,
}

impl Latencies {
    /// As the blocks of the plan's engine promise them.
    pub fn of(plan: &Plan) -> Self {
        let sum = |parts: &[usize]| parts.iter().sum::<usize>() as i64;
        Latencies {
            token: sum(&[TOKEN_CYCLES]),
            data: sum(&[STORE_CYCLES, DATA_CYCLES]),
            space: sum(&[FREE_CYCLES, SPACE_CYCLES]),
            load: sum(&[LOAD_CYCLES]),
            place: sum(&[PLACE_CYCLES]),
            issue: sum(&[ISSUE_CYCLES]),
            lanes: sum(&[MEMORY_CYCLES, lane_cycles(plan.layer().simd() as usize)]),
            fifo: BEAT_CYCLES as i64,
            run: sum(&[SKIP_CYCLES, RUN_CYCLES]),
            extra: extra_cycles(plan.fifo_results()) as i64,
            stages: plan.stage_cycles() as i64,
        }
    }
}

/// The events of frames back to back, without stalls from outside and without end. Cycle 0 is that of the first beat of
/// what moves.
pub struct Replay {
    walk: FrameWalk,
    latencies: Latencies,
    paced: bool,
    line_pixels: u64,
    fifo_results: usize,
    /// Events that come next, by kind.
    events: [VecDeque<i64>; 3],
    /// The next row with taps.
    row: usize,

    /// Pixels of what moves that were stored, and when the last beat was taken.
    stored: u64,
    last_beat: i64,
    /// Pixels that all so far need.
    needed: u64,
    /// Pixels dead behind a pixel and all before it, and its last issue.
    freed: VecDeque<(u64, i64)>,

    /// When the latest tokens came into the queue and left it.
    entered: i64,
    loaded: VecDeque<i64>,
    /// When the latest issue left the loops, and when it went.
    left: i64,
    issued: i64,

    /// When the places of the latest results were given back; when the latest was the FIFO's word, and on the stream.
    given: VecDeque<i64>,
    word: i64,
    result: i64,
    /// When the latest beat was on the stream, a zero too.
    sent: i64,
}

impl Replay {
    /// The events of the plan's engine.
    pub fn new(plan: &Plan) -> Self {
        Self::with(plan, Latencies::of(plan))
    }

    /// The same if the blocks promised these latencies.
    pub fn with(plan: &Plan, latencies: Latencies) -> Self {
        let walk = FrameWalk::new(plan.layer().operation());
        Replay {
            paced: Pipeline::of(&walk, plan.layer().simd() as usize).paced,
            walk,
            latencies,
            line_pixels: plan.line_buffer_pixels(),
            fifo_results: plan.fifo_results() as usize,
            events: Default::default(),
            row: 0,
            stored: 0,
            last_beat: -1,
            needed: 0,
            freed: VecDeque::from([(0, NEVER)]),
            entered: NEVER,
            loaded: VecDeque::from([NEVER; QUEUE_TOKENS]),
            left: NEVER,
            issued: NEVER,
            given: VecDeque::new(),
            word: NEVER,
            result: NEVER,
            sent: NEVER,
        }
    }

    /// The frame that it goes through.
    pub(super) fn walk(&self) -> &FrameWalk {
        &self.walk
    }

    /// The cycle of the next event of a kind.
    pub fn next(&mut self, kind: Kind) -> i64 {
        loop {
            if let Some(cycle) = self.events[kind as usize].pop_front() {
                return cycle;
            }
            self.row();
        }
    }

    fn event(&mut self, kind: Kind, cycle: i64) {
        self.events[kind as usize].push_back(cycle);
    }

    /// The next row with taps; behind the last one, the frame's end.
    fn row(&mut self) {
        let pixel = self.walk.row(self.row);
        let pixels: Vec<_> = (0..self.walk.cols.visits.len()).map(pixel).collect();
        for pixel in pixels {
            self.needed += pixel.opens;
            self.token();
            for block in 0..self.walk.pixel_beats {
                let zeros = match block {
                    0 => pixel.skipped * self.walk.pixel_beats,
                    _ => 0,
                };
                self.accumulation(block == 0, pixel.issues as i64, zeros);
            }
            if pixel.frees > 0 {
                let freed = self.freed.back().map_or(0, |freed| freed.0) + pixel.frees;
                self.freed.push_back((freed, self.issued));
            }
        }
        self.row += 1;
        if self.row == self.walk.rows.visits.len() {
            self.row = 0;
            for _ in 0..self.walk.end_pixels() * self.walk.pixel_beats {
                self.beat(NEVER);
            }
        }
    }

    /// A token goes through the queue and into the loops.
    fn token(&mut self) {
        let Latencies { token, data, .. } = self.latencies;
        let before = self.loaded[QUEUE_TOKENS - 1];
        let may_leave = match self.paced {
            // The walk has the next one ready by then.
            true => before + PACE as i64,
            false => {
                self.entered = (self.entered + 1).max(self.loaded[0] + 1);
                (self.entered + token).max(before + 1)
            }
        };
        let loaded = may_leave
            .max(self.arrival(self.needed) + data)
            .max(self.left);
        self.loaded.pop_front();
        self.loaded.push_back(loaded);
        self.event(Kind::Token, loaded);
    }

    /// An accumulation of so many issues, of a pixel's first block or another, behind a run of zeros.
    fn accumulation(&mut self, first: bool, issues: i64, zeros: u64) {
        let at = self.latencies;
        let loaded = self.loaded[QUEUE_TOKENS - 1];
        let mut start = self.issued + 1;
        if first {
            start = start.max(loaded + at.load);
        }
        if self.given.len() == self.fifo_results {
            if let Some(given) = self.given.pop_front() {
                start = start.max(given + at.place);
            }
        }
        let entered = if first { loaded } else { self.left };
        let before = std::mem::replace(&mut self.issued, start + issues - 1);
        // An issue leaves the loops when the one before it goes.
        self.left = match issues {
            1 => (entered + 1).max(before),
            _ => self.issued - 1,
        };
        self.event(Kind::Issue, self.issued + at.issue);

        for _ in 0..zeros {
            self.beat(start + at.run + at.extra);
        }
        let there = self.issued + at.issue + at.lanes + at.fifo;
        let given = self.given.back().map_or(NEVER, |before| before + 1);
        // A long FIFO has a register more, in which a beat waits for the word to go.
        let waits_for = if at.extra == 0 {
            self.result
        } else {
            self.word
        };
        let given = there.max(given).max(waits_for);
        self.given.push_back(given);
        self.word = (given + at.extra).max(self.result);
        self.result = self.beat(self.word + 1);
    }

    /// A beat that may be on the stream from this cycle on; when it is.
    fn beat(&mut self, from: i64) -> i64 {
        self.sent = (self.sent + 1).max(from);
        self.event(Kind::Result, self.sent + self.latencies.stages);
        self.sent
    }

    /// When the last beat of the first `pixels` stored pixels is taken.
    fn arrival(&mut self, pixels: u64) -> i64 {
        while self.stored < pixels {
            // Beats to be dropped wait as the pixel behind them does.
            let beats = (self.dropped() + 1) * self.walk.pixel_words;
            let wanted = (self.stored + 1).saturating_sub(self.line_pixels);
            while self.freed.front().is_some_and(|freed| freed.0 < wanted) {
                self.freed.pop_front();
            }
            let space = self.freed.front().map_or(NEVER, |freed| freed.1);
            let space = space + self.latencies.space;
            self.last_beat = (self.last_beat + 1).max(space) + beats as i64 - 1;
            self.stored += 1;
        }
        self.last_beat
    }

    /// Pixels that are dropped just before the next one that is stored.
    fn dropped(&self) -> u64 {
        let (rows, cols) = (&self.walk.rows.kept, &self.walk.cols.kept);
        let width = self.walk.cols.kept_size();
        let arrives = |stored: u64| {
            let frame = stored / self.walk.kept_pixels() * rows.size * cols.size;
            let stored = stored % self.walk.kept_pixels();
            frame + (rows.first + stored / width) * cols.size + cols.first + stored % width
        };
        match self.stored {
            0 => arrives(0),
            stored => arrives(stored) - arrives(stored - 1) - 1,
        }
    }
}

//! The plan of an engine: a layer, the sizes chosen for it, and the cycles it will take.

use std::sync::Arc;

use crate::bound::bound_cycles;
use crate::first_frame::first_frame_without_stages;
use crate::layer::Layer;
use crate::schedule::cycles::Pace;
use crate::schedule::{cycles, live_span_pixels, Buffers, Cycles, FrameWalk, Pipeline, Shell};
use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor::{Descriptor, Lanes};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::stages::{stage_cycles, Stages};

/// Pixels of line buffer beyond what must be held, so that new ones arrive meanwhile.
const SPARE_PIXELS: u64 = 2;
/// As many as that are tried at least: pixels that arrive, one a cycle, while one goes through the walk and its place
/// becomes free again. Frames of a single pixel can need them.
const LOOP_PIXELS: u64 = 16;
/// Smallest output FIFO tried: the small memories of FPGAs hold no fewer words.
const LEAST_RESULTS: u64 = 16;
/// Largest output FIFO tried.
const MOST_RESULTS: u64 = 4096;

/// An engine for one layer.
#[derive(Clone, Debug)]
pub struct Plan {
    layer: Layer,
    /// Clones of a plan share it.
    walk: Arc<FrameWalk>,
    buffers: Buffers,
    pipeline: Pipeline,
    descriptor: Descriptor,
    live_span_pixels: u64,
    /// [`Plan::stage_cycles`]
    stage_cycles: u64,
}

impl Plan {
    /// Chooses the smallest buffers with which the engine runs as fast as with large ones, or
    /// within a thousandth of the bound and with its first frame in time.
    pub fn new(layer: &Layer) -> Self {
        let walk = FrameWalk::new(layer.operation());
        let buffers = smallest_buffers(layer, &walk);
        Self::of(layer, walk, buffers, Shell::Fixed)
    }

    /// The same on a programmable engine, with the buffers that it has.
    pub fn with_buffers(layer: &Layer, buffers: Buffers) -> Self {
        Self::of(
            layer,
            FrameWalk::new(layer.operation()),
            buffers,
            Shell::Programmable,
        )
    }

    fn of(layer: &Layer, walk: FrameWalk, buffers: Buffers, shell: Shell) -> Self {
        let simd = layer.simd() as usize;
        let mut plan = Plan {
            descriptor: walk.describe(layer, buffers, shell),
            live_span_pixels: live_span_pixels(&walk),
            layer: layer.clone(),
            buffers,
            pipeline: match shell {
                Shell::Fixed => Pipeline::of(&walk, simd),
                Shell::Programmable => Pipeline::programmable(simd, layer.pixels() as usize),
            },
            stage_cycles: 0,
            walk: Arc::new(walk),
        };
        let capacity = Capacity::exactly(&plan.descriptor);
        plan.stage_cycles = stage_cycles(&capacity, &plan.lanes(), Target::Generic) as u64;
        plan
    }

    /// The same in an engine whose stages behind the accumulators, used or not, add so many cycles to each beat.
    pub fn behind(self, stage_cycles: u64) -> Self {
        Plan {
            stage_cycles,
            ..self
        }
    }

    /// The layer.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// The layer as the hardware takes it.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Lanes and number formats. The accumulator is as wide as the layer's worst case needs: every
    /// operand at its most negative, at a pixel with the most taps.
    pub fn lanes(&self) -> Lanes {
        let layer = &self.layer;
        let stationary_bits = layer.stationary_type().bits();
        let terms = u128::from(self.descriptor.rows.max_taps)
            * u128::from(self.descriptor.cols.max_taps)
            * u128::from(layer.operation().moving_per_group);
        let largest = (terms * u128::from(layer.largest_operand())) << (stationary_bits - 1);
        Lanes {
            simd: layer.simd() as usize,
            pe: layer.pe() as usize,
            pixels: layer.pixels() as usize,
            depthwise: layer.operation().depthwise,
            grad_bits: layer.moving_type().bits() as usize,
            zero_point: layer.zero_point() != 0,
            weight_bits: stationary_bits as usize,
            // The magnitude's bits and the sign.
            acc_bits: (u128::BITS - largest.leading_zeros()) as usize + 1,
            packed_multipliers: layer.packed_multipliers(),
            stages: self.stages(),
        }
    }

    /// What stands behind the accumulators.
    fn stages(&self) -> Stages {
        let layer = &self.layer;
        Stages {
            bias: layer.bias_bits().map(|bits| bits as usize),
            accumulate: layer.accumulate(),
            mask: layer.mask(),
            requantise: layer.requantise().map(|it| it.hardware()),
        }
    }

    /// The same, told where stochastic rounding begins; only where the job's words tell it.
    pub fn with_rounding_seed(mut self, seed: u32) -> Self {
        self.descriptor.rounding_seed = seed.into();
        self
    }

    /// Pixels that the line buffer holds.
    pub fn line_buffer_pixels(&self) -> u64 {
        self.descriptor.line_pixels()
    }

    /// Pixels alive at once ([`live_span_pixels`]).
    pub fn live_span_pixels(&self) -> u64 {
        self.live_span_pixels
    }

    /// Results that the output FIFO holds.
    pub fn fifo_results(&self) -> u64 {
        self.buffers.fifo_results
    }

    /// Cycles of `frames` frames back to back, without stalls from outside.
    pub fn cycles(&self, frames: u64) -> Cycles {
        let run = cycles::run(&self.walk, self.pipeline, self.buffers, frames);
        // The stages take a beat a cycle, so that each beat leaves so much later and no other thing changes.
        let later = self.stage_cycles;
        Cycles {
            total: run.total + later,
            first_frame: run.first_frame + later,
            per_frame_steady: run.per_frame_steady,
        }
    }

    /// Cycles from the last beat of the job before to the last of `frames` frames, in an engine that takes one job after
    /// the other: where its weights and the first of its beats, as many as the line buffer holds, were taken meanwhile.
    pub fn cycles_ahead(&self, frames: u64) -> u64 {
        cycles::run_ahead(&self.walk, self.pipeline, self.buffers, frames) + self.stage_cycles()
    }

    /// Words of the line buffer that a frame needs to be stored.
    pub fn frame_words(&self) -> u64 {
        self.walk.kept_pixels() * self.walk.pixel_words
    }

    /// Cycles that the stages behind the accumulators add to each beat, in Verilog for any device.
    pub fn stage_cycles(&self) -> u64 {
        self.stage_cycles
    }
}

/// Finds the least line buffer with which a large FIFO reaches the target, then the least FIFO.
fn smallest_buffers(layer: &Layer, walk: &FrameWalk) -> Buffers {
    let sized = |line_pixels: u64, fifo_results: u64| Buffers {
        line_words: line_pixels * walk.pixel_words,
        fifo_results,
    };
    let engine = Pipeline::of(walk, layer.simd() as usize);
    let pace = |line_pixels: u64, fifo_results: u64| {
        let buffers = sized(line_pixels, fifo_results);
        cycles::pace(walk, engine, buffers)
    };
    let bound = bound_cycles(layer);
    let near_bound = bound + bound / 1000;
    let in_time = first_frame_without_stages(layer);
    let reaches = |pace: Pace, steady: u64, first_frame: u64| {
        pace.slowest <= steady && pace.first_frame <= first_frame
    };
    let held = walk.held_pixels();
    let least = held + SPARE_PIXELS;
    if reaches(pace(least, LEAST_RESULTS), near_bound, in_time) {
        return sized(least, LEAST_RESULTS);
    }
    let most = least + walk.kept_pixels().max(LOOP_PIXELS);
    let best = pace(most, MOST_RESULTS);
    let (steady, first_frame) = (best.slowest.max(near_bound), best.first_frame.max(in_time));
    let enough = |pixels, results| reaches(pace(pixels, results), steady, first_frame);
    let line_pixels = first_that(least, most, |pixels| enough(pixels, MOST_RESULTS));
    let fifo_results = (LEAST_RESULTS.ilog2()..MOST_RESULTS.ilog2())
        .map(|log| 1 << log)
        .find(|&results| enough(line_pixels, results))
        .unwrap_or(MOST_RESULTS);
    sized(line_pixels, fifo_results)
}

/// The first of `low` to `high` for which `holds` is true, if it is true for `high` and stays true
/// from the first on.
fn first_that(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    if holds(low) {
        return low;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

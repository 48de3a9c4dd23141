//! One layer, measured.

use std::sync::Arc;
use std::time::Instant;

use bpa_sim::{Cache, SimError};

use super::{Row, ZeroInsertion};
use crate::bound::{bound_cycles, zero_insertion_cycles};
use crate::check::{run_checked, Expected, Findings, Source};
use crate::emit;
use crate::first_frame::first_frame_limit;
use crate::layer::{Layer, Pass};
use crate::plan::Plan;
use crate::reference::StageArrays;
use crate::report::Figures;
use crate::run::{set_of, Batch, Counted, RunError, Setup, Simulator, Traffic};
use crate::vectors::{random_stationary, RandomFrames};
use crate::zero_insertion::{equivalent_layer, finn_cycles, insert_zeros, Borders};

/// Seed of the random arrays.
const SEED: u64 = 0;

/// How layers are measured.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Frames back to back, at least three.
    pub frames: usize,
    /// Whether layers with a stride are run with inserted zeros, too.
    pub zero_insertion: bool,
    /// Where compiled models are kept.
    pub cache: &'a Cache,
}

/// Cycles that [`measure`] will simulate, roughly.
pub fn expected_cycles(layer: &Layer, options: &Options) -> u64 {
    let runs = match options.zero_insertion && has_stride(layer) {
        true => 2,
        false => 0,
    };
    let frame = bound_cycles(layer) + runs * zero_insertion_cycles(layer);
    frame * options.frames as u64
}

/// Measures the layer on random arrays. `progress` is called now and then with the cycles that were run since the call
/// before.
///
/// # Errors
/// A tool is missing or fails, or an engine did not keep its contract.
pub fn measure(
    layer: &Layer,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Row, RunError> {
    let plan = Plan::new(layer);
    let begin = Instant::now();
    let simulator = build(&plan, options)?;
    let compile_seconds = (!simulator.was_cached()).then(|| begin.elapsed().as_secs_f64());

    let begin = Instant::now();
    let stationary = random_stationary(layer, SEED);
    let expected = Expected {
        layer,
        stationary: &stationary,
    };
    let mut random = RandomFrames::new(&plan, SEED);
    let (counted, mismatches) = run(&simulator, &plan, expected, &mut random, options, progress)?;
    let check_seconds = begin.elapsed().as_secs_f64();

    let zero_insertion_measured = match options.zero_insertion && has_stride(layer) {
        true => zero_insertion(&plan, expected, options, progress)?,
        false => None,
    };
    let frames = options.frames as u64;
    let figures = Figures::new(&plan, frames, counted.cycles, Some(mismatches));
    let steady = counted.cycles.per_frame_steady.unwrap_or(u64::MAX);
    let for_one = |cycles: u64, of: u64| cycles as f64 / of as f64;
    Ok(Row {
        name: layer.name().to_owned(),
        simd: layer.simd(),
        pe: layer.pe(),
        pixels: layer.pixels(),
        ratio: for_one(steady, figures.bound_cycles),
        first_frame_limit: first_frame_limit(layer),
        model_agrees: plan.cycles(frames) == counted.cycles,
        finn_cycles: finn_cycles(layer),
        zero_insertion_measured,
        speed_up: for_one(figures.zero_insertion_cycles, steady),
        line_buffer_words: plan.line_buffer_pixels()
            * u64::from(layer.operation().moving_beats_per_pixel()),
        output_fifo_results: plan.fifo_results(),
        compile_seconds,
        check_seconds,
        eval_share: counted.profile.eval.as_secs_f64() / check_seconds,
        figures,
    })
}

/// Whether the gradient would be given zeros: the other passes are not run with any.
fn has_stride(layer: &Layer) -> bool {
    layer.pass() == Pass::GradInput && (layer.rows().stride > 1 || layer.cols().stride > 1)
}

fn build<'a>(plan: &'a Plan, options: &Options) -> Result<Simulator<'a>, SimError> {
    Simulator::build(plan, &emit::verilog(plan), options.cache)
}

/// Runs the frames on the plan's engine; what it counted, and how many values are not as expected.
fn run(
    simulator: &Simulator,
    plan: &Plan,
    expected: Expected,
    source: &mut dyn Source,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<(Counted, u64), RunError> {
    let setup = Setup {
        set: set_of(plan, expected.stationary, &StageArrays::default()),
        rounding_seed: 0,
        frames: options.frames as u64,
        traffic: Traffic::default(),
    };
    let steps = &mut steps(progress);
    let (counted, findings) = run_checked(
        simulator,
        &setup,
        Some(expected),
        source,
        &mut |_| (),
        steps,
    )?;
    let wrong = |findings: Findings| findings.comparison.mismatches;
    Ok((counted, findings.map_or(0, wrong)))
}

/// Random frames of a layer, which its equivalent is given with zeros.
struct Spread<'a> {
    random: RandomFrames<'a>,
    layer: &'a Layer,
    borders: Borders,
}

impl Source for Spread<'_> {
    fn next(&mut self, frames: usize) -> Batch {
        self.random.next(frames)
    }

    fn given(&self, batch: &Arc<Batch>) -> Arc<Batch> {
        Arc::new(Batch {
            moving: insert_zeros(self.layer, self.borders, &batch.moving),
            stages: StageArrays::default(),
        })
    }
}

/// `None` where the equivalent layer is beyond the limits of a layer.
fn zero_insertion(
    plan: &Plan,
    expected: Expected,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<ZeroInsertion>, RunError> {
    let layer = expected.layer;
    let mut run = |borders: Borders| -> Result<Option<(Counted, u64)>, RunError> {
        let Ok(equivalent) = equivalent_layer(layer, borders) else {
            return Ok(None);
        };
        let mut source = Spread {
            random: RandomFrames::new(plan, SEED),
            layer,
            borders,
        };
        let plan = Plan::new(&equivalent);
        let simulator = build(&plan, options)?;
        run(&simulator, &plan, expected, &mut source, options, progress).map(Some)
    };
    let (Some(padded), Some(skipped)) = (run(Borders::Padded)?, run(Borders::Skipped)?) else {
        return Ok(None);
    };
    let steady = |counted: Counted| counted.cycles.per_frame_steady.unwrap_or(u64::MAX);
    Ok(Some(ZeroInsertion {
        cycles: steady(padded.0),
        cycles_borders_skipped: steady(skipped.0),
        mismatches: padded.1 + skipped.1,
    }))
}

/// Turns the cycles of a run so far, as the simulator tells them, into those since the last call.
fn steps(progress: &mut dyn FnMut(u64)) -> impl FnMut(u64) + '_ {
    let mut told = 0;
    move |cycles| {
        progress(cycles - told);
        told = cycles;
    }
}

//! One layer, measured.

use std::thread;
use std::time::Instant;

use bpa_sim::{Cache, SimError};
use ndarray::Array4;

use super::{Row, ZeroInsertion};
use crate::bound::{bound_cycles, zero_insertion_cycles};
use crate::compare::compare;
use crate::emit;
use crate::first_frame::first_frame_limit;
use crate::internal_error::joined;
use crate::layer::Layer;
use crate::plan::Plan;
use crate::reference::{gather, StageArrays};
use crate::report::Figures;
use crate::run::{Arrays, Measured, RunError, Simulator, Traffic};
use crate::vectors::{random_grad_output, random_weight};
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
    let arrays = Arrays {
        grad_output: random_grad_output(layer, options.frames, SEED),
        weight: random_weight(layer, SEED),
        stages: StageArrays::default(),
    };
    let reference = || gather(layer, &arrays.grad_output, &arrays.weight);
    let (measured, profile, expected) = thread::scope(|scope| {
        let expected = scope.spawn(reference);
        let (measured, profile) =
            simulator.run_profiled(&arrays, &Traffic::default(), &mut steps(progress))?;
        Ok::<_, RunError>((measured, profile, joined(expected)))
    })?;
    let mismatches = compare(&measured.grad_input, &expected).mismatches;
    let check_seconds = begin.elapsed().as_secs_f64();

    let zero_insertion_measured = match options.zero_insertion && has_stride(layer) {
        true => zero_insertion(layer, &arrays, &expected, options, progress)?,
        false => None,
    };
    let frames = options.frames as u64;
    let figures = Figures::new(&plan, frames, measured.cycles, Some(mismatches));
    let steady = measured.cycles.per_frame_steady.unwrap_or(u64::MAX);
    let for_one = |cycles: u64, of: u64| cycles as f64 / of as f64;
    Ok(Row {
        name: layer.name().to_owned(),
        simd: layer.simd(),
        pe: layer.pe(),
        ratio: for_one(steady, figures.bound_cycles),
        first_frame_limit: first_frame_limit(layer),
        model_agrees: plan.cycles(frames) == measured.cycles,
        finn_cycles: finn_cycles(layer),
        zero_insertion_measured,
        speed_up: for_one(figures.zero_insertion_cycles, steady),
        line_buffer_words: plan.line_buffer_pixels() * u64::from(layer.dy_words_per_pixel()),
        output_fifo_results: plan.fifo_results(),
        compile_seconds,
        check_seconds,
        eval_share: profile.eval.as_secs_f64() / check_seconds,
        figures,
    })
}

fn has_stride(layer: &Layer) -> bool {
    layer.rows().stride > 1 || layer.cols().stride > 1
}

fn build<'a>(plan: &'a Plan, options: &Options) -> Result<Simulator<'a>, SimError> {
    Simulator::build(plan, &emit::verilog(plan), options.cache)
}

/// `None` where the equivalent layer is beyond the limits of a layer.
fn zero_insertion(
    layer: &Layer,
    arrays: &Arrays,
    expected: &Array4<i64>,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<ZeroInsertion>, RunError> {
    let mut run = |borders: Borders| -> Result<Option<Measured>, RunError> {
        let Ok(equivalent) = equivalent_layer(layer, borders) else {
            return Ok(None);
        };
        let arrays = Arrays {
            grad_output: insert_zeros(layer, borders, &arrays.grad_output),
            weight: arrays.weight.clone(),
            stages: StageArrays::default(),
        };
        let plan = Plan::new(&equivalent);
        let simulator = build(&plan, options)?;
        let measured = simulator.run(&arrays, &Traffic::default(), &mut steps(progress))?;
        Ok(Some(measured))
    };
    let (Some(padded), Some(skipped)) = (run(Borders::Padded)?, run(Borders::Skipped)?) else {
        return Ok(None);
    };
    let steady = |measured: &Measured| measured.cycles.per_frame_steady.unwrap_or(u64::MAX);
    let wrong = |measured: &Measured| compare(&measured.grad_input, expected).mismatches;
    Ok(Some(ZeroInsertion {
        cycles: steady(&padded),
        cycles_borders_skipped: steady(&skipped),
        mismatches: wrong(&padded) + wrong(&skipped),
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

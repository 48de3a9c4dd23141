//! Promise: on the benchmark layers the engine is exact, with and without stalls; reaches the bound in steady state
//! with no more line buffer than the design allows; gives its first frame as soon as the data allow; and takes exactly
//! the cycles that the model says. The sizes are cut to at most 24, where these layers keep what makes them special; at
//! their full sizes the model, which the cut ones prove, has to keep the same limits.
//!
//! The terms of the limits come from the equations here, or from `bpa_engine::bound`, which knows no schedule.

use bpa_engine::bound::bound_cycles;
use bpa_engine::layer::{Axis, Layer, LayerFile, PerItem};
use bpa_engine::plan::Plan;
use bpa_engine::schedule::Cycles;

use crate::common::{
    arrays, benchmark_files, exact, exact_and_on_time, expected, simulator, stalled,
};

const LARGEST: i64 = 24;
const FRAMES: usize = 3;
/// Cycles that the pipeline may add to the first frame.
const PIPELINE: u64 = 32;

/// The benchmark layers, in_size cut.
fn layers() -> Vec<Layer> {
    let cut = |file: &mut LayerFile| {
        let size = file.layer.in_size.unwrap().0;
        file.layer.in_size = Some(PerItem(size.map(|size| size.min(LARGEST))));
        file.validate().unwrap()
    };
    benchmark_files().iter_mut().map(cut).collect()
}

/// The last position of grad_output that reaches `position`, by the equation.
fn newest(axis: &Axis, position: u32) -> Option<u64> {
    let x = u64::from(position + axis.pad_before);
    let reaches = |p: &u64| {
        let forward = p * u64::from(axis.stride);
        x >= forward
            && (x - forward) % u64::from(axis.dilation) == 0
            && (x - forward) / u64::from(axis.dilation) < u64::from(axis.kernel)
    };
    (0..u64::from(axis.out_size)).rev().find(reaches)
}

/// Beats of grad_output up to the last that the first pixel with a tap needs.
fn beats_to_first_result(layer: &Layer) -> u64 {
    let first = |axis: Axis| (0..axis.in_size).find_map(|position| newest(&axis, position));
    let (p, q) = (first(layer.rows()).unwrap(), first(layer.cols()).unwrap());
    (p * u64::from(layer.cols().out_size) + q + 1)
        * u64::from(layer.operation().moving_beats_per_pixel())
}

/// Beats of grad_input after those of the last pixel with a tap.
fn beats_after_last_result(layer: &Layer) -> u64 {
    let last = |axis: Axis| {
        let has_tap = |position: &u32| newest(&axis, *position).is_some();
        u64::from((0..axis.in_size).rev().find(has_tap).unwrap())
    };
    let (height, width) = (
        u64::from(layer.rows().in_size),
        u64::from(layer.cols().in_size),
    );
    let behind = height * width - 1 - (last(layer.rows()) * width + last(layer.cols()));
    behind * u64::from(layer.operation().result_beats_per_pixel())
}

/// Pixels of line buffer beyond the live span that a layer may have: two, and a row more where beats of dY are as many
/// as half the bound and have to come in nearly all the time. The same where all of dY is alive at once, as dilation
/// makes it in a layer cut short: the next frame then has nowhere to arrive before this one ends.
fn spare_pixels(layer: &Layer, live_span: u64) -> u64 {
    let row = u64::from(layer.cols().out_size);
    let pixels = u64::from(layer.rows().out_size) * row;
    let beats = pixels * u64::from(layer.operation().moving_beats_per_pixel());
    match 2 * beats < bound_cycles(layer) && live_span < pixels {
        true => 2,
        false => 2 + row,
    }
}

/// What the layer's figures are against the promise.
fn faults(plan: &Plan, cycles: &Cycles) -> Vec<String> {
    let layer = plan.layer();
    let bound = bound_cycles(layer);
    let steady = cycles.per_frame_steady.unwrap();
    let first = cycles.first_frame;
    let (before, after) = (beats_to_first_result(layer), beats_after_last_result(layer));
    let (buffer, span) = (plan.line_buffer_pixels(), plan.live_span_pixels());
    println!(
        "{:26} bound {bound:7}, steady {steady:7}; first {first:7}, of which {before} before and {after} after; line \
         buffer {buffer}, live span {span}, FIFO {}",
        layer.name(),
        plan.fifo_results(),
    );
    let mut faults = Vec::new();
    if steady as f64 > 1.005 * bound as f64 + 4.0 {
        faults.push(format!(
            "{steady} cycles in steady state, the bound is {bound}"
        ));
    }
    let most = bound + before + after + PIPELINE;
    if first > most {
        faults.push(format!(
            "the first frame takes {first} cycles, at most {most} are allowed"
        ));
    }
    let most = span + spare_pixels(layer, span);
    if buffer > most {
        faults.push(format!(
            "a line buffer of {buffer} pixels, at most {most} are allowed"
        ));
    }
    faults
}

fn check(layer: &Layer) -> Result<(), String> {
    let plan = Plan::new(layer);
    let simulator = simulator(&plan);
    let seed = 1;
    let arrays = arrays(layer, FRAMES, seed);
    let expected = expected(layer, &arrays);
    let measured = exact_and_on_time(&simulator, &plan, &arrays, &expected, seed)?;
    let traffic = stalled(0.3, 0.3, seed);
    exact(&simulator, &plan, &arrays, &expected, &traffic)?;
    let faults = faults(&plan, &measured.cycles);
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("; ")),
    }
}

/// Every second layer from `first`.
fn check_half(first: usize) {
    let layers = layers();
    assert_eq!(layers.len(), 13);
    let faults: Vec<String> = layers
        .iter()
        .skip(first)
        .step_by(2)
        .filter_map(|layer| {
            check(layer)
                .err()
                .map(|fault| format!("{}: {fault}", layer.name()))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn benchmark_layers_reach_the_bound_even() {
    check_half(0);
}

#[test]
fn benchmark_layers_reach_the_bound_odd() {
    check_half(1);
}

#[test]
fn benchmark_layers_reach_the_bound_at_their_full_size() {
    for file in benchmark_files() {
        let plan = Plan::new(&file.validate().unwrap());
        let faults = faults(&plan, &plan.cycles(4));
        assert!(faults.is_empty(), "{}: {faults:?}", plan.layer().name());
    }
}

//! Promise: on the benchmark layers the engine is exact, with and without stalls; reaches the bound in steady state with
//! no more line buffer than the design allows (at full size); gives its first frame as soon as the data allow; and takes exactly the
//! cycles that the model says. The sizes are cut to at most 24, where these layers keep what makes them special.
//!
//! The terms of the limits come from the equations here, or from `bpa_engine::bound`, which knows no schedule.

use bpa_engine::bound::bound_cycles;
use bpa_engine::layer::{Axis, Layer, PerItem};
use bpa_engine::plan::Plan;

use crate::common::{
    arrays, benchmark_files, exact, exact_and_on_time, expected, simulator, stalled,
};

const LARGEST: i64 = 24;
const FRAMES: usize = 3;
/// Cycles that the pipeline may add to the first frame.
const PIPELINE: u64 = 32;

/// The benchmark layers, in_size cut.
fn layers() -> Vec<Layer> {
    let cut = |file: &mut bpa_engine::layer::LayerFile| {
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
    (p * u64::from(layer.cols().out_size) + q + 1) * u64::from(layer.dy_words_per_pixel())
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
    behind * u64::from(layer.out_beats_per_pixel())
}

/// Pixels of line buffer beyond the live span that a layer may have: two, and a row more where beats of dY are as many
/// as half the bound and have to come in nearly all the time.
fn spare_pixels(layer: &Layer) -> u64 {
    let (rows, cols) = (layer.rows(), layer.cols());
    let beats =
        u64::from(rows.out_size) * u64::from(cols.out_size) * u64::from(layer.dy_words_per_pixel());
    match 2 * beats < bound_cycles(layer) {
        true => 2,
        false => 2 + u64::from(cols.out_size),
    }
}

fn check(layer: &Layer) -> Result<(), String> {
    let plan = Plan::new(layer);
    let simulator = simulator(&plan);
    let seed = 1;
    let arrays = arrays(layer, FRAMES, seed);
    let expected = expected(layer, &arrays);
    let measured = exact_and_on_time(&simulator, &plan, &arrays, &expected, seed)?.cycles;
    exact(
        &simulator,
        &plan,
        &arrays,
        &expected,
        &stalled(0.3, 0.3, seed),
    )?;

    let bound = bound_cycles(layer);
    let steady = measured.per_frame_steady.unwrap();
    let first = measured.first_frame;
    let (before, after) = (beats_to_first_result(layer), beats_after_last_result(layer));
    let buffer = plan.line_buffer_pixels();
    println!(
        "{:26} bound {bound:7}, steady {steady:7}; first {first:7}, of which {before} before and {after} after; \
         line buffer {buffer}, live span {}, FIFO {}",
        layer.name(),
        plan.live_span_pixels(),
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
            "the first frame took {first} cycles, at most {most} are allowed"
        ));
    }
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

/// The limit on the line buffer holds for the layers at their full size. Cut to a few rows, a layer with a large dilation
/// keeps a whole frame alive and needs more to take in the next one meanwhile.
#[test]
fn line_buffers_are_little_more_than_the_live_span() {
    for file in benchmark_files() {
        let layer = file.validate().unwrap();
        let plan = Plan::new(&layer);
        let most = plan.live_span_pixels() + spare_pixels(&layer);
        assert!(
            plan.line_buffer_pixels() <= most,
            "{}: a line buffer of {} pixels, at most {most} are allowed",
            layer.name(),
            plan.line_buffer_pixels()
        );
    }
}

//! Promise: a programmable engine with lanes over pixels computes every layer within its limits, in any pass, exactly, one
//! after the other, with and without stalls, in the cycles of the model.
//!
//! Geometries are drawn by seed, as in [`programmable`](crate::programmable), and by the same variables.

use bpa_engine::layer::Pass;

use crate::common::GRAD_INPUT;
use crate::programmable::{from_environment, parsed, run_all, Case, Rig};

/// Geometries that are run in each pass, where they fit.
const CASES: u64 = 40;

/// One of so many is timed, and its frames: what came while weights were loaded is used up by then.
const TIMED: usize = 2;
const FRAMES: usize = 12;

fn engine(pixels: u64, line_words: u64) -> String {
    format!(
        "name = \"told\"\n[engine]\nmode = \"programmable\"\nsimd = 2\npe = 2\npixels = {pixels}\n\
         grad_type = \"int7\"\nweight_type = \"int5\"\n[limits]\nsize = 64\nkernel = 40\nsteps = 48\n\
         line_words = {line_words}\nweight_words = 5000\nzero_run = 8191\nfifo_results = 64\nstretch_beats = 64\n"
    )
}

fn cases(rig: &Rig) -> Vec<Case> {
    let first = from_environment("BPA_PROGRAMMABLE_SEED").unwrap_or(0);
    let count = from_environment("BPA_PROGRAMMABLE_CASES").unwrap_or(CASES);
    println!("seeds {first} to {}", first + count - 1);
    let seeds = (first..first + count).flat_map(|seed| Pass::ALL.map(|pass| (seed, pass)));
    seeds
        .filter_map(|(seed, pass)| Case::in_pass(&rig.engine, seed, pass))
        .collect()
}

fn check(pixels: u64, line_words: u64) {
    let rig = Rig::of(parsed(&engine(pixels, line_words)));
    let cases = cases(&rig);
    let of = |pass| {
        let layers = cases.iter().map(|case| case.plan.layer());
        layers.filter(|layer| layer.pass() == pass).count() as u64
    };
    let reached = Pass::ALL.map(of);
    println!("grad_input, forward, grad_weight: {reached:?}");
    let mut driver = rig.driver();
    for case in cases.iter().step_by(TIMED) {
        let layer = case.plan.layer().clone();
        let case = Case::of_layer(&rig.engine, layer, case.seed, FRAMES);
        case.run(&mut driver);
        let sink = driver.device().instance().sink(GRAD_INPUT);
        let ends = sink.last_cycles();
        let steady = ends[ends.len() - 1] - ends[ends.len() - 2];
        let cycles = case.plan.cycles(FRAMES as u64);
        let told = || case.told("steady state");
        assert_eq!(Some(steady), cycles.per_frame_steady, "{}", told());
    }
    let cycles = run_all(rig.driver(), &cases).unwrap_or_else(|error| panic!("{error}"));
    println!("{} layers in {cycles} cycles", cases.len());
    if from_environment("BPA_PROGRAMMABLE_CASES").is_none() {
        assert!(reached.iter().all(|&pass| pass >= 20));
    }
}

#[test]
fn three_lanes_over_pixels_compute_any_layers_one_after_the_other() {
    check(3, 3000);
}

#[test]
fn four_lanes_over_pixels_compute_any_layers_one_after_the_other() {
    check(4, 4096);
}

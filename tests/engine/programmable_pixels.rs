//! Promise: a programmable engine with lanes over pixels computes every layer within its limits, in any pass, exactly, one
//! after the other, with and without stalls, in the cycles of the model.
//!
//! Geometries are drawn by seed, as in [`programmable`](crate::programmable), and by the same variables.

use std::num::NonZeroU32;

use bpa_engine::driver::{Device, Input, Simulated};
use bpa_engine::layer::{Geometry, Pass, PerItem};
use bpa_engine::vectors::{pack_moving, pack_stationary, result_beats, unpack_result};
use ndarray::Axis;

use crate::common::{GRAD_INPUT, GRAD_OUTPUT};
use crate::programmable::{every_mutant_is_noticed, from_environment, parsed, Case, Mutant, Rig};

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

/// What the cases must be able to notice, of three lanes.
const MUTANTS: &[Mutant] = &[
    (
        "beats of the next job that are turned as those of the one that runs",
        "assign moving_beats_place[6] = cfg_page ^ frames_ahead;",
        "cfg_page ^ frames_ahead",
        "cfg_page",
    ),
    (
        "words of the next job in the places of the one that runs",
        "assign moving_words_place[6] = cfg_page ^ frames_ahead;",
        "cfg_page ^ frames_ahead",
        "cfg_page",
    ),
    (
        "taps of another job",
        "assign taps_place[6] = cfg_page;",
        "cfg_page",
        "~cfg_page",
    ),
    (
        "results of another job",
        "assign result_words_place[6] = cfg_page;",
        "cfg_page",
        "~cfg_page",
    ),
    (
        "a job whose frames begin before its rows are in order",
        "& port_all_taken;",
        "port_all_taken",
        "1'd1",
    ),
    (
        "a tap column that is read for all of them",
        "turns_tap = 6'd1;",
        "6'd1",
        "6'd0",
    ),
    (
        "a row of taps that goes on where it came back",
        "turns_tap = 6'd63;",
        "6'd63",
        "6'd0",
    ),
    (
        "a block that is read for all of them",
        "assign read_address1[5:0] = moving_words_place1 + read_block_q;",
        "read_block_q",
        "6'd0",
    ),
    (
        "a block that is written over all of them",
        "assign write_address1[5:0] = result_words_place1 + write_block_q;",
        "write_block_q",
        "6'd0",
    ),
    (
        "a rest without a word that waits for a page",
        "assign fetch = (page_full_q | (read_in_rest & cfg_result_restless)) & place_free_q;",
        "cfg_result_restless",
        "1'd0",
    ),
    (
        "columns beyond the end of what moves",
        "kept = moving_words_rest_kept;",
        "moving_words_rest_kept",
        "moving_words_kept",
    ),
    (
        "a rest as long as a stretch",
        "write_entry_last = write_entry_q == cfg_moving_beat_rest_less_1;",
        "cfg_moving_beat_rest_less_1",
        "cfg_moving_beat_whole_less_1",
    ),
    (
        "a lane of what moves in its own slot",
        "case (cfg_moving_slot1)",
        "cfg_moving_slot1",
        "2'd1",
    ),
    (
        "a lane of the result in its own slot",
        "case (cfg_result_slot1)",
        "cfg_result_slot1",
        "2'd1",
    ),
    (
        "a tap that is met in a stretch too many",
        "behind_inside_d = (of_stretch_q >= behind_first_q) & (behind_last_q >= of_stretch_q);",
        "behind_last_q >= of_stretch_q",
        "1'd1",
    ),
];

/// What shows where a row ends with beats of which no word comes, which are late.
const OF_LATE_BEATS: &[Mutant] = &[
    (
        "a rest without a word that is a page",
        "page_written = accept & write_ends & ~(write_in_rest & cfg_moving_restless);",
        "cfg_moving_restless",
        "1'd0",
    ),
    (
        "a job whose frames begin before the last beats without a word",
        "assign all_taken = order_all_taken",
        "order_all_taken",
        "1'd1",
    ),
];

/// A layer whose rows, of what moves in a forward pass and of the result in a data gradient, end with columns of no word.
fn with_restless_rows(rig: &Rig, pass: &str) -> Case {
    let geometry = Geometry {
        pass: Some(pass.to_owned()),
        in_channels: Some(2),
        out_channels: Some(2),
        in_size: Some(PerItem([2, 10])),
        kernel: Some(PerItem([1; 2])),
        stride: PerItem([1, 3]),
        padding: PerItem([0, 0, 1, 0]),
        ..Geometry::default()
    };
    let layer = rig.engine.layer(geometry).unwrap();
    Case::of_layer(&rig.engine, layer, 0, 1)
}

/// A job whose frames end with beats of which no word comes, and these come when all else is done and the next job waits.
/// What is wrong, if anything.
fn fault_of_late_beats(rig: &Rig, mutant: u64) -> Option<String> {
    let case = with_restless_rows(rig, "forward");
    let layer = case.plan.layer();
    let order = &case.plan.descriptor().pixels.as_ref().unwrap().moving;
    assert!(order.rest() > 0 && order.rest_words() == 0);
    let job = rig
        .engine
        .job(&rig.hardware.table, &case.plan, NonZeroU32::MIN);
    let words = job.unwrap();
    let map = &rig.hardware.map;
    let mut device = Simulated::new(&rig.model, 1);
    device.instance().poke("mutant", mutant).unwrap();
    let weight = pack_stationary(layer, &case.arrays.stationary);
    let frame = pack_moving(layer, case.arrays.moving.index_axis(Axis(0), 0));
    let last = frame.len() - device.instance().source(GRAD_OUTPUT).port().bytes;
    let load = |device: &mut Simulated, beats: &[u8], ends: bool| {
        let mut source = device.instance().source(GRAD_OUTPUT);
        let mut flags = vec![0; beats.len() / source.port().bytes];
        if let Some(flag) = flags.last_mut().filter(|_| ends) {
            *flag = 1;
        }
        source.load(beats, &flags).unwrap();
    };
    for _ in 0..2 {
        for ((register, _), word) in map.table().zip(&words) {
            if let Some(word) = word {
                assert!(device.write(register.offset, *word).unwrap());
            }
        }
        device.write(map.named("command").offset, 1).unwrap();
        device.send(Input::Weight, &weight).unwrap();
        if device.instance().source(GRAD_OUTPUT).accepted() == 0 {
            load(&mut device, &frame[..last], false);
        }
        device.instance().run(2_000, None);
    }
    load(&mut device, &frame[last..], true);
    load(&mut device, &frame, true);
    let bits = rig.engine.out_bits();
    let bytes = result_beats(layer, bits).bytes();
    (0..2).find_map(|_| match device.receive(bytes) {
        Err(error) => Some(error.to_string()),
        Ok(found) => case
            .check(&unpack_result(layer, &found, bits).unwrap())
            .err(),
    })
}

#[test]
fn three_lanes_over_pixels_compute_any_layers_one_after_the_other() {
    let engine = parsed(&engine(3, 3000));
    let mutants: Vec<Mutant> = [MUTANTS, OF_LATE_BEATS].concat();
    let rig = Rig::with_mutants(engine, &mutants);
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
    assert_eq!(fault_of_late_beats(&rig, 0), None);
    for (mutant, (what, ..)) in (1 + MUTANTS.len() as u64..).zip(OF_LATE_BEATS) {
        assert!(fault_of_late_beats(&rig, mutant).is_some(), "{what} passes");
    }
    let restless = ["grad_input", "forward"].map(|pass| with_restless_rows(&rig, pass));
    let cases: Vec<Case> = restless.into_iter().chain(cases).collect();
    every_mutant_is_noticed(&rig, MUTANTS, &cases);
    if from_environment("BPA_PROGRAMMABLE_CASES").is_none() {
        assert!(reached.iter().all(|&pass| pass >= 20));
    }
}

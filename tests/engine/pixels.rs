//! Promise: with lanes over pixels an engine of any pass is exact, with and without stalls, in as many cycles as the cost
//! model says; and at its bound on every benchmark layer whose rows are long enough to fill the lanes.
//!
//! As in [`random`](crate::random), for others: `PROPTEST_RNG_SEED=5 PROPTEST_CASES=100 cargo test --test engine pixels`.

use bpa_engine::bound::bound_cycles;
use bpa_engine::emit;
use bpa_engine::interface::{out_bits, Streams};
use bpa_engine::layer::{Layer, LayerFile, Pass, PerItem};
use bpa_engine::operation::Gather;
use bpa_engine::plan::Plan;
use bpa_engine::run::model_spec;
use bpa_engine::vectors::{pack_moving, pack_stationary, unpack_result};
use bpa_sim::Model;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::common::{
    arrays, benchmark_files, cache, exact, exact_and_on_time, expected, last_flags,
    layer as layer_of, simulator, stalled, GRAD_INPUT, GRAD_OUTPUT, WEIGHT,
};
use crate::icarus;
use crate::layers::{config, layer, staged};
use crate::mutants::{verdict, Edit};
use crate::passes::passed;

/// In hardware, for each of the tests that run side by side; and on the cost model alone.
const CASES: u32 = 10;
const MODEL_CASES: u32 = 400;
const FRAMES: usize = 4;
/// Each step of shrinking compiles a model.
const SHRINKING_STEPS: u32 = 60;
/// Of a batch in the benchmarks: enough for all lanes.
const BATCH: i64 = 8;

/// The layer with so many lanes over pixels; its rows are `longer` times as long, for lanes to be filled.
fn with_pixels(layer: &Layer, pixels: i64, longer: i64) -> Option<Layer> {
    let mut file = layer.to_file();
    file.engine.pixels = pixels;
    let size = file.layer.in_size.as_mut()?;
    size.0[1] *= longer;
    file.layer.out_size = None;
    // Of every other even number, two pixels share each multiplier, where the types fit.
    file.engine.packed_multipliers |= pixels % 4 == 0;
    file.validate().ok().or_else(|| {
        file.engine.packed_multipliers = false;
        file.validate().ok()
    })
}

/// Every third with stages behind the accumulators.
fn any() -> impl Strategy<Value = Layer> {
    prop_oneof![2 => plain().boxed(), 1 => staged(plain()).boxed()]
}

fn plain() -> impl Strategy<Value = Layer> {
    let pixels = prop_oneof![3 => 2..=5_i64, 1 => 6..=17_i64];
    let pass = prop_oneof![
        2 => Just(Pass::GradInput),
        1 => Just(Pass::Forward),
        1 => Just(Pass::GradWeight)
    ];
    (layer(4_000), pass, 1..=3_i64, pixels, 1..=5_i64)
        .prop_map(|(layer, pass, batch, pixels, longer)| {
            let layer = passed(&layer, pass, batch);
            with_pixels(&layer, pixels, longer)
        })
        .prop_filter_map("no such layer", |layer| {
            layer.filter(|layer| bound_cycles(layer) < 20_000)
        })
}

fn run(layer: &Layer, seed: u64) -> Result<(), String> {
    let plan = Plan::new(layer);
    let arrays = arrays(layer, FRAMES, seed);
    let expected = expected(layer, &arrays);
    let simulator = simulator(&plan);
    exact_and_on_time(&simulator, &plan, &arrays, &expected, seed)?;
    for (input, output) in [(0.3, 0.0), (0.2, 0.6)] {
        let traffic = stalled(input, output, seed);
        exact(&simulator, &plan, &arrays, &expected, &traffic)?;
    }
    Ok(())
}

fn check(cases: u32, seed: u64, holds: impl Fn(&Layer) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new(Config {
        max_shrink_iters: SHRINKING_STEPS,
        ..config(cases, seed)
    });
    match runner.run(&any(), |layer| holds(&layer)) {
        Ok(()) => (),
        Err(TestError::Fail(reason, layer)) => {
            panic!("{reason}\nfor the layer\n{}", layer.to_file().to_toml())
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn random_layers_are_exact_and_on_time_with_any_lanes_over_pixels_0() {
    check(CASES, 1, |layer| run(layer, 1).map_err(TestCaseError::fail));
}

#[test]
fn random_layers_are_exact_and_on_time_with_any_lanes_over_pixels_1() {
    check(CASES, 2, |layer| run(layer, 2).map_err(TestCaseError::fail));
}

/// Loops are told by turns; told one by one, a run takes the same cycles.
#[test]
fn cycles_of_many_frames_are_those_of_each() {
    let holds = |layer: &Layer| {
        let plan = Plan::new(layer);
        let [few, many] = [20, 21].map(|frames| plan.cycles(frames));
        prop_assert_eq!(Some(many.total - few.total), many.per_frame_steady);
        Ok(())
    };
    check(MODEL_CASES, 3, holds);
}

/// Columns of one phase, in the row that is made.
fn columns_of_a_phase(layer: &Layer) -> u64 {
    let Gather {
        positions,
        stride,
        advance,
        ..
    } = layer.operation().cols;
    let shared = (1..=stride).rfind(|by| stride % by == 0 && advance % by == 0);
    positions / (stride / shared.unwrap_or(1))
}

fn benchmarks(pass: Pass, pixels: i64) -> impl Iterator<Item = Layer> {
    let files: Vec<LayerFile> = benchmark_files();
    files.into_iter().filter_map(move |mut file| {
        // Its height is cut, in its rows is what counts here.
        let size = file.layer.in_size?.0;
        let reach = 1 + (file.layer.kernel?.0[0] - 1) * file.layer.dilation.0[0];
        let height = size[0].min(12.max(2 * reach));
        file.layer.in_size = Some(PerItem([height, size[1]]));
        file.layer.out_size = None;
        let layer = passed(&file.validate().ok()?, pass, BATCH);
        let layer = with_pixels(&layer, pixels, 1)?;
        (columns_of_a_phase(&layer) >= 2 * pixels as u64).then_some(layer)
    })
}

/// On the model, which the tests above hold to the hardware.
#[test]
fn benchmark_layers_are_at_their_bounds_with_lanes_over_pixels() {
    let mut faults = Vec::new();
    let mut held = 0;
    for pass in [Pass::GradInput, Pass::Forward, Pass::GradWeight] {
        for pixels in [2, 4, 7, 16] {
            for layer in benchmarks(pass, pixels) {
                held += 1;
                let bound = bound_cycles(&layer);
                let steady = Plan::new(&layer).cycles(5).per_frame_steady.unwrap();
                if steady > bound + bound / 200 + 4 {
                    let name = layer.name();
                    faults.push(format!(
                        "{name}, {pass}, {pixels} pixels: {steady} cycles, bound {bound}, {:.4}",
                        steady as f64 / bound as f64
                    ));
                }
            }
        }
    }
    println!("{held} engines");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A row whose last beat and whose last stretch are not whole, in words of other columns than beats: what moves comes so in
/// one, the result leaves so in the other.
fn strided(pass: &str, width: u64) -> Layer {
    layer_of(&format!(
        "name = \"{pass}_pixels\"\n[layer]\npass = \"{pass}\"\nin_channels = 4\nout_channels = 2\nin_size = [7, {width}]\n\
         kernel = 3\nstride = 2\npadding = 1\n[engine]\nsimd = 2\npe = 2\npixels = 4\n"
    ))
}

/// Registers begin unknown there, and nothing unknown may leave, beyond the rows' ends neither.
#[test]
fn lanes_over_pixels_give_what_verilator_gives_in_icarus() {
    icarus::check(&strided("grad_input", 27));
    icarus::check(&strided("grad_input", 6));
}

/// Pass and width of the layer; what is wrong; the module, the text in it and the wrong one.
type Mutant = ((&'static str, u64), &'static str, [&'static str; 3]);

const MUTANTS: &[Mutant] = &[
    (
        ("grad_input", 28),
        "a bank that never goes on in the next stretch",
        [
            "_line_buffer",
            "crosses0_d = rotation_q >= 2'd1;",
            "crosses0_d = 1'd0;",
        ],
    ),
    (
        ("grad_input", 32),
        "lanes beyond the right border that are not zero",
        [
            "_line_buffer",
            "behind_inside_d = behind_last_q >= {1'd0, of_stretch_q};",
            "behind_inside_d = 1'd1;",
        ],
    ),
    (
        ("grad_input", 32),
        "a lane that never comes round",
        [
            "_line_buffer",
            "if (kept_turn_late2_q >= 2'd1) begin",
            "if (kept_turn_late2_q >= 2'd2) begin",
        ],
    ),
    (
        ("grad_input", 28),
        "a page that is read before it is written",
        [
            "_result_order",
            "page_full_line_d = page_written;",
            "page_full_line_d = accept;",
        ],
    ),
    (
        ("grad_input", 28),
        "a page that is written before it is read",
        ["_result_order", "ready_d = page_free_d;", "ready_d = 1'd1;"],
    ),
    (
        ("grad_input", 28),
        "words turned the wrong way",
        ["_result_order", "write_turn = 2'd3;", "write_turn = 2'd1;"],
    ),
    (
        ("forward", 28),
        "a phase that is read in the place of another",
        ["_moving_order", "read_turn = 2'd1;", "read_turn = 2'd0;"],
    ),
    (
        ("forward", 28),
        "a place in the FIFO too many",
        [
            "_moving_order",
            "fetch = page_full_q & place_free_q;",
            "fetch = page_full_q;",
        ],
    ),
    (
        ("forward", 28),
        "lanes beyond the left border that are not zero",
        [
            "_line_buffer",
            "here_inside_d = {1'd0, of_stretch_q} >= here_first_q;",
            "here_inside_d = 1'd1;",
        ],
    ),
];

#[test]
fn every_edit_of_the_lanes_is_noticed() {
    let mut alive = Vec::new();
    for ((pass, width), what, [module, from, to]) in MUTANTS {
        let layer = strided(pass, *width);
        let plan = Plan::new(&layer);
        let mutant = Edit::Text(module, from, to).apply(&layer, &emit::verilog(&plan));
        match verdict(&plan, &mutant) {
            Some(fault) => println!("{what}: {}", fault.replace('\n', " ")),
            None => alive.push(what),
        }
    }
    assert!(alive.is_empty(), "not noticed: {alive:#?}");
}

/// What comes in a row's last beats beyond its end is ignored, whatever it is. The last column's taps reach there.
#[test]
fn what_comes_in_beyond_a_row_is_ignored() {
    let layer = strided("grad_input", 28);
    let (plan, frames) = (Plan::new(&layer), 3);
    let streams = Streams::new(&plan);
    let given = arrays(&layer, frames, 5);
    let model = Model::build(&model_spec(&plan, &emit::verilog(&plan)), &cache()).unwrap();
    let mut instance = model.instance(5);
    instance.reset(4);
    let weights = pack_stationary(&layer, &given.stationary);
    let flags = last_flags(streams.stationary.beats);
    instance.source(WEIGHT).load(&weights, &flags).unwrap();
    instance.run(2 * streams.stationary.beats + 40, None);

    let op = layer.operation();
    let (columns, pixel) = (op.moving_columns() as usize, op.simd as usize);
    let inside = op.cols.sources as usize % op.pixels as usize * pixel;
    assert!(inside > 0, "a row's last beat is not whole");
    for frame in given.moving.outer_iter() {
        let mut beats = pack_moving(&layer, frame);
        let bytes = streams.moving.beat_bytes();
        // Of one block of channels, with values of a byte.
        for last in beats
            .chunks_exact_mut(bytes)
            .skip(columns - 1)
            .step_by(columns)
        {
            last[inside..].fill(0x5a);
        }
        let flags = last_flags(streams.moving.beats);
        instance.source(GRAD_OUTPUT).load(&beats, &flags).unwrap();
    }
    let beats = frames as u64 * streams.result.beats;
    assert!(instance.run(10 * plan.cycles(3).total, Some(beats)).done);
    let found = unpack_result(&layer, instance.sink(GRAD_INPUT).data(), out_bits(&plan)).unwrap();
    assert_eq!(found, expected(&layer, &given));
}

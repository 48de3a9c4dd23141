//! Promise: an engine of any pass is exact, with and without stalls, in as many cycles as the cost model says, and at its
//! bound: the forward convolution and the weight gradient as the data gradient, of any layer and with any stage behind the
//! accumulators. The references that they are compared with are written from the equations; the engines do a gather.
//!
//! As in [`random`](crate::random), for others: `PROPTEST_RNG_SEED=5 PROPTEST_CASES=100 cargo test --test engine passes`.

use bpa_engine::bound::bound_cycles;
use bpa_engine::first_frame::first_frame_limit;
use bpa_engine::layer::{Layer, LayerFile, Pass};
use bpa_engine::plan::Plan;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::common::{
    arrays, benchmark_files, exact, exact_and_on_time, expected, layer as layer_of, simulator,
    stalled,
};
use crate::layers::{config, layer, staged};

const OTHERS: [Pass; 2] = [Pass::Forward, Pass::GradWeight];

/// Layers on the cost model; in hardware, for each of the tests that run side by side.
const MODEL_CASES: u32 = 3_000;
const CASES: u32 = 8;
/// Enough for the shortest frames to go round the buffers.
const FRAMES: u64 = 40;
/// Each step of shrinking compiles a model.
const SHRINKING_STEPS: u32 = 40;
/// Of a batch in the benchmarks: enough for all lanes.
const BATCH: i64 = 8;

/// The layer in another pass, with lanes of the ones it has that the pass has channels for.
pub fn passed(layer: &Layer, pass: Pass, batch: i64) -> Layer {
    let mut file = layer.to_file();
    file.layer.pass = Some(pass.to_string());
    file.layer.batch = Some(batch);
    file.engine.input_type = Some(layer.grad_type().to_string());
    let (c, k) = (layer.in_per_group(), layer.out_per_group());
    let (moving, result) = match pass {
        Pass::GradInput => return layer.clone(),
        Pass::Forward => (c.into(), k),
        Pass::GradWeight => (batch, k),
    };
    let pe_lanes = match result {
        1 => layer.groups(),
        _ => result,
    };
    file.engine.simd = 1 + (file.engine.simd - 1) % moving;
    file.engine.pe = 1 + (file.engine.pe - 1) % i64::from(pe_lanes);
    file.validate().unwrap_or_else(|_| {
        // Its PE lanes make no pairs any more.
        file.engine.packed_multipliers = false;
        file.validate().unwrap()
    })
}

fn any(drawn: impl Strategy<Value = Layer>) -> impl Strategy<Value = Layer> {
    let pass = prop_oneof![Just(Pass::Forward), Just(Pass::GradWeight)];
    (drawn, pass, 1..=5_i64).prop_map(|(layer, pass, batch)| passed(&layer, pass, batch))
}

fn run(layer: &Layer, frames: usize, seed: u64) -> Result<(), String> {
    let plan = Plan::new(layer);
    let arrays = arrays(layer, frames, seed);
    let expected = expected(layer, &arrays);
    let simulator = simulator(&plan);
    exact_and_on_time(&simulator, &plan, &arrays, &expected, seed)?;
    for (input, output) in [(0.3, 0.0), (0.2, 0.6)] {
        let traffic = stalled(input, output, seed);
        exact(&simulator, &plan, &arrays, &expected, &traffic)?;
    }
    Ok(())
}

fn check(
    cases: u32,
    seed: u64,
    layers: impl Strategy<Value = Layer>,
    holds: impl Fn(&Layer) -> Result<(), TestCaseError>,
) {
    let mut runner = TestRunner::new(Config {
        max_shrink_iters: SHRINKING_STEPS,
        ..config(cases, seed)
    });
    match runner.run(&layers, |layer| holds(&layer)) {
        Ok(()) => (),
        Err(TestError::Fail(reason, layer)) => {
            panic!("{reason}\nfor the layer\n{}", layer.to_file().to_toml())
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// Thousands, on the model alone. A thousandth of the bound is given away for smaller buffers.
#[test]
fn any_layer_is_at_its_bound_in_any_pass() {
    let holds = |layer: &Layer| {
        let bound = bound_cycles(layer);
        let cycles = Plan::new(layer).cycles(FRAMES);
        let later = cycles.total - cycles.first_frame;
        prop_assert!(
            later <= (bound + bound / 1000) * (FRAMES - 1),
            "{later} cycles for {} frames, the bound is {bound}",
            FRAMES - 1
        );
        Ok(())
    };
    check(MODEL_CASES, 1, any(layer(20_000)), holds);
}

#[test]
fn random_layers_are_exact_and_on_time_in_any_pass_0() {
    let holds = |layer: &Layer| run(layer, 4, 1).map_err(TestCaseError::fail);
    check(CASES, 1, any(layer(20_000)), holds);
}

#[test]
fn random_layers_are_exact_and_on_time_in_any_pass_1() {
    let holds = |layer: &Layer| run(layer, 3, 2).map_err(TestCaseError::fail);
    check(CASES, 2, any(layer(20_000)), holds);
}

#[test]
fn random_stages_are_exact_and_on_time_in_any_pass() {
    let holds = |layer: &Layer| run(layer, 3, 3).map_err(TestCaseError::fail);
    check(CASES, 3, any(staged(layer(10_000))), holds);
}

/// What a random layer may miss: unequal strides and dilations, padding above the kernel, a stride above it, groups, a
/// depthwise layer with a multiplier, one lane and many, a single output, a tap that reaches nothing.
const CORNERS: [&str; 8] = [
    "in_channels = 6\nout_channels = 8\nin_size = [9, 12]\nkernel = [3, 2]\nstride = [2, 3]\ndilation = [1, 2]\n\
     padding = [1, 2, 0, 3]\nbatch = 4\n[engine]\nsimd = 3\npe = 4\n",
    "in_channels = 2\nout_channels = 3\nin_size = [5, 4]\nkernel = 2\nstride = [1, 2]\npadding = [5, 4, 6, 3]\nbatch = 2\n",
    "in_channels = 4\nout_channels = 4\nin_size = [11, 10]\nkernel = [2, 1]\nstride = [5, 4]\nbatch = 2\n[engine]\nsimd = 2\n\
     pe = 2\n",
    "in_channels = 6\nout_channels = 9\ngroups = 3\nin_size = [6, 7]\nkernel = [3, 2]\nstride = 2\npadding = 1\nbatch = 3\n\
     [engine]\nsimd = 2\npe = 2\n",
    "in_channels = 5\nout_channels = 5\ngroups = 5\nin_size = [8, 9]\nkernel = 3\nstride = [2, 1]\npadding = 1\nbatch = 3\n\
     [engine]\npe = 2\n",
    "in_channels = 3\nout_channels = 12\ngroups = 3\nin_size = [7, 6]\nkernel = [2, 3]\ndilation = [2, 1]\npadding = 1\n\
     batch = 2\n[engine]\npe = 3\n",
    "in_channels = 3\nout_channels = 2\nin_size = [4, 5]\nkernel = [4, 5]\nbatch = 1\n",
    "in_channels = 4\nout_channels = 4\nin_size = [1, 1]\nkernel = [1, 2]\ndilation = [1, 9]\npadding = [0, 0, 4, 8]\nbatch = 2\n",
];

#[test]
fn corners_are_exact_and_on_time_in_any_pass() {
    for text in CORNERS {
        for pass in OTHERS {
            let layer = layer_of(&format!("[layer]\npass = \"{pass}\"\n{text}"));
            let ran = run(&layer, 4, 5);
            assert!(ran.is_ok(), "{pass}\n{text}{ran:?}");
        }
    }
}

/// A benchmark layer in another pass, on its lanes, the one kind and the other exchanged where it has too few channels.
fn benchmark(file: &LayerFile, pass: Pass) -> Layer {
    let mut file = file.clone();
    file.layer.pass = Some(pass.to_string());
    file.layer.batch = Some(BATCH);
    file.validate().unwrap_or_else(|_| {
        (file.engine.simd, file.engine.pe) = (file.engine.pe, file.engine.simd);
        file.validate().unwrap()
    })
}

/// At full size on the model, which the tests above hold to the hardware. A forward line buffer has the live span and at
/// most the rows of two steps of the output on top. A weight gradient's frame is alive as a whole until its last outputs, and
/// the next one arrives beside it: two frames.
#[test]
fn benchmark_layers_reach_the_bound_in_any_pass() {
    for file in benchmark_files() {
        for pass in OTHERS {
            let layer = benchmark(&file, pass);
            let plan = Plan::new(&layer);
            let bound = bound_cycles(&layer);
            let steady = plan.cycles(4).per_frame_steady.unwrap();
            let (buffer, span) = (plan.line_buffer_pixels(), plan.live_span_pixels());
            let cols = layer.operation().cols.sources;
            let rows = layer.operation().rows;
            let most = match pass {
                Pass::GradWeight => 2 * rows.sources * cols,
                _ => span + 2 * rows.advance * cols,
            };
            println!(
                "{:26} {pass:11} bound {bound:9}, steady {steady:9}; line buffer {buffer}, live span {span}",
                layer.name()
            );
            assert!(steady as f64 <= 1.005 * bound as f64 + 4.0);
            assert!(plan.cycles(4).first_frame <= first_frame_limit(&layer));
            assert!(buffer <= most, "{} {pass}: at most {most}", layer.name());
        }
    }
}

//! Promise: no layer is slower than it has to be. A frame in steady state is at its bound, a first one as soon as the
//! equations allow, for any layer: thousands on the cost model, which `random` holds to the hardware. And what was slow
//! once, in hardware.

use bpa_engine::bound::bound_cycles;
use bpa_engine::driver::{Driver, Simulated};
use bpa_engine::emit::Target;
use bpa_engine::first_frame::first_frame_limit;
use bpa_engine::layer::{Geometry, Layer, PerItem};
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_hdl::rtl::print_verilog;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use crate::common::{arrays, cache, exact_and_on_time, expected, layer, simulator, GRAD_INPUT};
use crate::layers::{self, config};

const CASES: u32 = 3_000;
/// Unless the environment says otherwise.
const SEED: u64 = 1;
/// Enough for the shortest frames to go round the buffers.
const FRAMES: u64 = 40;

/// A thousandth of the bound is given away for smaller buffers.
fn check(layer: &Layer) -> Result<(), TestCaseError> {
    let plan = Plan::new(layer);
    let bound = bound_cycles(layer);
    let cycles = plan.cycles(FRAMES);
    let later = cycles.total - cycles.first_frame;
    prop_assert!(
        later <= (bound + bound / 1000) * (FRAMES - 1),
        "{later} cycles for {} frames, the bound is {bound}",
        FRAMES - 1
    );
    let limit = first_frame_limit(layer);
    prop_assert!(
        cycles.first_frame <= limit,
        "the first frame takes {}, and {limit} are allowed",
        cycles.first_frame
    );
    Ok(())
}

#[test]
fn any_layer_is_at_its_bound_from_the_first_frame_on() {
    let mut runner = TestRunner::new(config(CASES, SEED));
    let result = runner.run(&layers::layer(20_000), |layer| check(&layer));
    match result {
        Ok(()) => (),
        Err(TestError::Fail(reason, layer)) => {
            panic!("{reason}\nfor the layer\n{}", layer.to_file().to_toml())
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn on_time(layer: &Layer, frames: usize) -> Plan {
    let plan = Plan::new(layer);
    let arrays = arrays(layer, frames, 1);
    let expected = expected(layer, &arrays);
    let measured = exact_and_on_time(&simulator(&plan), &plan, &arrays, &expected, 1);
    measured.unwrap_or_else(|fault| panic!("{fault}\n{}", layer.to_file().to_toml()));
    plan
}

/// Multiplications, beats out and, behind the last pixel with a tap, zeros: the zeros ahead of a row leave while its
/// first result is computed.
#[test]
fn zeros_do_not_wait_for_the_result_behind_them() {
    let layer = layer(
        "[layer]\nin_channels = 16\nout_channels = 64\nin_size = 12\nkernel = 1\nstride = 4\n[engine]\nsimd = 4\npe = 4\n",
    );
    let plan = on_time(&layer, 3);
    // 3 x 3 pixels with a tap of 4 x 16 issues, as many beats out: they take turns from row to row. 16 beats in; 3 rows
    // and 3 pixels of 4 beats follow the last result.
    let (bound, fill, drain) = (9 * 64, 16, (3 * 12 + 3) * 4);
    assert_eq!(bound_cycles(&layer), bound);
    let first = plan.cycles(3).first_frame;
    assert!(first <= bound + fill + drain + 20, "{first}");
}

/// Layers that no tap reaches: a frame of a single pixel, one of several, groups, and more beats in than out.
const WITHOUT_TAPS: [&str; 4] = [
    "in_channels = 16\nout_channels = 16\nin_size = 1\nkernel = [1, 11]\ndilation = [1, 5]\npadding = [0, 0, 4, 46]\n\
     out_size = 1\n",
    "in_channels = 6\nout_channels = 24\nin_size = [2, 3]\nkernel = 1\nstride = 9\npadding = 4\nout_size = 1\n",
    "in_channels = 8\nout_channels = 24\ngroups = 2\nin_size = 1\nkernel = [1, 2]\ndilation = 3\npadding = [0, 0, 1, 2]\n",
    "in_channels = 2\nout_channels = 9\nin_size = 1\nkernel = [1, 2]\ndilation = 9\npadding = [0, 0, 4, 8]\n",
];

fn without_taps(geometry: &str) -> Layer {
    layer(&format!("[layer]\n{geometry}[engine]\nsimd = 2\npe = 2\n"))
}

/// Such a frame has no multiplications: it is as many cycles as beats, in or out.
#[test]
fn frames_that_no_tap_reaches_are_at_their_bound() {
    for geometry in WITHOUT_TAPS {
        let layer = without_taps(geometry);
        let bound = bound_cycles(&layer);
        let (rows, cols) = (layer.rows(), layer.cols());
        let pixels = |height, width| u64::from(height) * u64::from(width);
        let beats_in = pixels(rows.out_size, cols.out_size)
            * u64::from(layer.operation().moving_beats_per_pixel());
        let beats_out = pixels(rows.in_size, cols.in_size)
            * u64::from(layer.operation().result_beats_per_pixel());
        assert_eq!(bound, beats_in.max(beats_out));
        let plan = on_time(&layer, FRAMES as usize);
        let cycles = plan.cycles(FRAMES);
        let later = cycles.total - cycles.first_frame;
        assert_eq!(later, bound * (FRAMES - 1), "{geometry}");
    }
}

#[test]
fn frames_that_no_tap_reaches_are_at_their_bound_on_a_programmable_engine() {
    let text =
        "[engine]\nmode = \"programmable\"\nsimd = 2\npe = 2\n[limits]\nkernel = 11\nsize = 64";
    let engine = EngineFile::parse(text, "here").unwrap().validate().unwrap();
    let hardware = engine.hardware(Target::Generic);
    let text = print_verilog(&hardware.module);
    let model = Simulated::model(&engine, &hardware, &text, &cache()).unwrap();
    for geometry in WITHOUT_TAPS {
        let layer = without_taps(geometry);
        let layer = engine.layer(layer.to_file().layer).unwrap();
        let tiling = engine.tiling(&layer, FRAMES).unwrap();
        let [tile] = tiling.tiles() else {
            panic!("{geometry}: it fits");
        };
        let arrays = arrays(&layer, FRAMES as usize, 1);
        let mut driver = Driver::open(&engine, &hardware, Simulated::new(&model, 1)).unwrap();
        let found = driver.run(&tiling, &arrays).unwrap();
        assert_eq!(found, expected(&layer, &arrays), "{geometry}");
        let sink = driver.device().instance().sink(GRAD_INPUT);
        let ends = sink.last_cycles();
        // What was taken ahead while the weights came is used up by the second half.
        let half = &ends[FRAMES as usize / 2..];
        let frames = half.len() as u64 - 1;
        let bound = bound_cycles(tile.plan.layer());
        assert_eq!(half[half.len() - 1] - half[0], bound * frames, "{geometry}");
    }
}

fn programmable(text: &str) -> ProgrammableEngine {
    let text = format!("[engine]\nmode = \"programmable\"\n{text}");
    let file = EngineFile::parse(&text, "here").unwrap();
    file.validate().unwrap()
}

/// Channels of C and K, pixels a side, kernel and stride.
type Shape = (i64, i64, i64, i64, i64);

/// Layers whose beats out and multiplications balance, on 4 x 4
/// lanes: results of a row wait in the output FIFO while the zeros of the rows before leave.
const BALANCED: [Shape; 8] = [
    (16, 16, 32, 1, 2),
    (64, 16, 56, 1, 2),
    (128, 16, 28, 1, 2),
    (256, 16, 14, 1, 2),
    (16, 64, 56, 1, 4),
    (64, 32, 27, 1, 3),
    (512, 16, 7, 1, 2),
    (32, 16, 112, 1, 2),
];

fn balanced(engine: &ProgrammableEngine, shape: Shape) -> Layer {
    let (c, k, size, kernel, stride) = shape;
    let layer = engine.layer(Geometry {
        in_channels: Some(c),
        out_channels: Some(k),
        in_size: Some(PerItem([size; 2])),
        kernel: Some(PerItem([kernel; 2])),
        stride: PerItem([stride; 2]),
        ..Geometry::default()
    });
    layer.unwrap()
}

/// With the default output FIFO none of them takes a hundredth more than its bound, and none would be helped by more.
#[test]
fn the_default_output_fifo_slows_no_layer() {
    let engine = programmable("simd = 4\npe = 4\n");
    for shape in BALANCED {
        let layer = balanced(&engine, shape);
        let tiling = engine.tiling(&layer, 3).unwrap();
        let [tile] = tiling.tiles() else {
            panic!("{shape:?}: it fits");
        };
        let steady = tile.plan.cycles(FRAMES).per_frame_steady.unwrap();
        let bound = bound_cycles(&layer);
        assert!(100 * steady <= 101 * bound, "{:?}: {steady}", shape);
        assert_eq!(engine.short_fifo(&tiling, 3), None, "{shape:?}");
    }
}

/// A FIFO that is too small is told, with one that does: then there is nothing to tell.
#[test]
fn an_output_fifo_that_is_too_small_is_told_with_one_that_does() {
    let with = |results: u64| {
        programmable(&format!(
            "simd = 4\npe = 4\n[limits]\nfifo_results = {results}"
        ))
    };
    let mut told = 0;
    for shape in BALANCED {
        let engine = with(16);
        let layer = balanced(&engine, shape);
        let tiling = engine.tiling(&layer, 3).unwrap();
        let Some(short) = engine.short_fifo(&tiling, 3) else {
            continue;
        };
        told += 1;
        assert_eq!(short.results, 16);
        assert_eq!(short.cycles[0], tiling.cycles(3));
        let engine = with(short.enough);
        let tiling = engine.tiling(&layer, 3).unwrap();
        assert_eq!(short.cycles[1], tiling.cycles(3));
        assert_eq!(engine.short_fifo(&tiling, 3), None, "{shape:?}");
        let less = with(short.enough / 2);
        let tiling = less.tiling(&layer, 3).unwrap();
        assert!(100 * tiling.cycles(3) > 101 * short.cycles[1]);
    }
    // The others are cut into tiles of fewer channels, which need no more.
    assert!(told >= 3, "{told}");
}

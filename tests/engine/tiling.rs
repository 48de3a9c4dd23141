//! Promise: a programmable engine computes layers that are too large for it in tiles, exactly, and in the cycles that
//! are told beforehand.
//!
//! Layers are drawn by seed; a failure names it.

use bpa_engine::bound::bound_cycles;
use bpa_engine::compare::compare;
use bpa_engine::driver::{Driver, Simulated};
use bpa_engine::emit::Target;
use bpa_engine::layer::{Geometry, Layer, PerItem};
use bpa_engine::programmable::{EngineFile, NoFit, ProgrammableEngine, Tiling, UsedStages};
use bpa_engine::run::Arrays;
use bpa_hdl::rtl::print_verilog;
use ndarray::{Array4, Axis};

use crate::common::{arrays, cache, expected};
use crate::layers::layer;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};

const CASES: u64 = 120;

/// So small that most of the layers have to be cut, and some cannot be.
const ENGINE: &str = "name = \"narrow\"
[engine]
mode = \"programmable\"
simd = 2
pe = 2
[limits]
size = 64
kernel = 5
line_words = 60
weight_words = 30
zero_run = 60
fifo_results = 16
";

fn engine() -> ProgrammableEngine {
    let file = EngineFile::parse(ENGINE, "here").unwrap();
    file.validate().unwrap()
}

fn drawn(engine: &ProgrammableEngine, seed: u64) -> Layer {
    let mut runner = TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    });
    let layer = layer(5_000).new_tree(&mut runner).unwrap().current();
    engine.layer(layer.to_file().layer).unwrap()
}

#[test]
fn layers_in_tiles_are_exact_and_take_the_cycles_of_the_model() {
    let engine = engine();
    let hardware = engine.hardware(Target::Generic);
    let text = print_verilog(&hardware.module);
    let compiled = Simulated::model(&engine, &hardware, &text, &cache()).unwrap();
    let mut driver = Driver::open(&engine, &hardware, Simulated::new(&compiled, 1)).unwrap();
    // Whole, cut in C alone, in K alone, in both, in groups, and too large.
    let mut reached = [0; 6];
    let (mut measured, mut model) = (0, 0);
    for seed in 0..CASES {
        let layer = drawn(&engine, seed);
        let frames = 1 + seed as usize % 2;
        let told = |what: String| format!("seed {seed}: {what}\n{}", layer.to_file().to_toml());
        let tiling = match engine.tiling(&layer, frames as u64) {
            Ok(tiling) => tiling,
            Err(NoFit::Tile { .. }) => {
                reached[5] += 1;
                continue;
            }
            Err(error) => panic!("{}", told(error.to_string())),
        };
        let parts = tiling.parts();
        let class = match (parts.result_channels > 1, parts.moving_channels > 1) {
            (false, false) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (true, true) => 3,
        };
        reached[class] += 1;
        reached[4] += u32::from(parts.groups > 1);
        let arrays = arrays(&layer, frames, seed);
        let before = driver.busy_cycles().unwrap();
        let found: Array4<i64> = driver
            .run(&tiling, &arrays)
            .unwrap_or_else(|error| panic!("{}", told(error.to_string())));
        let comparison = compare(&found, &expected(&layer, &arrays));
        if let Some(first) = comparison.first {
            panic!("{}", told(first.to_string()));
        }
        let cycles = driver.busy_cycles().unwrap() - before;
        let predicted = tiling.cycles(frames as u64);
        assert!(predicted <= tiling.cycles_told(frames as u64));
        assert!(
            (tiling.bound_cycles(frames as u64)..=predicted).contains(&cycles),
            "{}",
            told(format!("{cycles} cycles, {predicted} predicted"))
        );
        measured += cycles;
        model += predicted;
    }
    println!("cycles: {measured}, and {model} predicted");
    assert!(measured * 100 > model * 85 && measured * 100 < model * 115);
    println!("whole, C, K, both, groups, none: {reached:?}");
    assert!(reached.iter().all(|&layers| layers >= 3), "{reached:?}");
}

/// Images of one to three pixels a side, many channels and large kernels: jobs are shorter than it takes to tell one.
fn tiny() -> impl Strategy<Value = Geometry> {
    let sizes = [1..=3_i64, 1..=3].prop_map(PerItem);
    let kernel = [1..=5_i64, 1..=5].prop_map(PerItem);
    let steps = [1..=2_i64, 1..=2];
    let channels = (1..=3_i64, 1..=40_i64, 1..=40_i64);
    (channels, sizes, kernel, steps, 0..=3_i64).prop_map(
        |((groups, c, k), in_size, kernel, [stride, dilation], more)| {
            // Padded until the kernel fits, and a little more at one side.
            let needed = |axis: usize| (dilation * (kernel.0[axis] - 1) - in_size.0[axis] + 2) / 2;
            let [rows, cols] = [0, 1].map(|axis| needed(axis).max(0));
            Geometry {
                in_channels: Some(groups * c),
                out_channels: Some(groups * k),
                groups,
                in_size: Some(in_size),
                kernel: Some(kernel),
                stride: PerItem([stride; 2]),
                dilation: PerItem([dilation; 2]),
                padding: PerItem([rows + more, rows, cols, cols + more]),
                ..Geometry::default()
            }
        },
    )
}

/// Runs a layer, which has to give the values of the reference, in no fewer cycles than its bound and no more than are said:
/// those in which the engine has a job, and all of them with what software takes. Gives the first of these, and the most
/// that they may be; `told` says of what layer a fault is.
pub fn run_exactly(
    driver: &mut Driver<Simulated>,
    tiling: &Tiling,
    arrays: &Arrays,
    told: impl Fn(String) -> String,
) -> (u64, u64) {
    let frames = arrays.moving.len_of(Axis(0)) as u64;
    let before = driver.busy_cycles().unwrap();
    let began = driver.device().instance().cycle();
    let found = driver
        .run(tiling, arrays)
        .unwrap_or_else(|error| panic!("{}", told(error.to_string())));
    let elapsed = driver.device().instance().cycle() - began;
    if let Some(first) = compare(&found, &expected(tiling.layer(), arrays)).first {
        panic!("{}", told(first.to_string()));
    }
    let cycles = driver.busy_cycles().unwrap() - before;
    let (bound, predicted) = (tiling.bound_cycles(frames), tiling.cycles(frames));
    assert!(
        (bound..=predicted).contains(&cycles),
        "{}",
        told(format!(
            "{cycles} cycles of {} tiles, {bound} to {predicted} expected",
            tiling.tiles().len()
        ))
    );
    let most = tiling.cycles_told(frames);
    assert!(
        predicted <= most && elapsed <= most,
        "{}",
        told(format!("{elapsed} cycles in all, {most} expected"))
    );
    (cycles, predicted)
}

/// Runs layers of tiny images in batches of one to eight frames. Tells how many were in tiles, and the cycles that there
/// were and that were predicted.
fn run_tiny(engine: &ProgrammableEngine, seeds: std::ops::Range<u64>) -> [u64; 3] {
    let hardware = engine.hardware(Target::Generic);
    let text = print_verilog(&hardware.module);
    let compiled = Simulated::model(engine, &hardware, &text, &cache()).unwrap();
    let mut driver = Driver::open(engine, &hardware, Simulated::new(&compiled, 1)).unwrap();
    let mut sums = [0; 3];
    for seed in seeds {
        let mut runner = TestRunner::new(Config {
            rng_seed: RngSeed::Fixed(seed),
            ..Config::default()
        });
        let geometry = tiny().new_tree(&mut runner).unwrap().current();
        let stages = UsedStages {
            accumulate: engine.stages().accumulate && seed % 3 == 0,
            ..UsedStages::default()
        };
        let layer = engine.staged_layer(geometry, stages).unwrap();
        let frames = 1 + seed % 8;
        let told = |what: String| format!("seed {seed}: {what}\n{}", layer.to_file().to_toml());
        let tiling = engine
            .tiling(&layer, frames)
            .unwrap_or_else(|error| panic!("{}", told(error.to_string())));
        let mut arrays = arrays(&layer, frames as usize, seed);
        if let Some(values) = &mut arrays.stages.accumulate {
            values.mapv_inplace(|value| value % (tiling.most_accumulate() + 1));
        }
        let (cycles, predicted) = run_exactly(&mut driver, &tiling, &arrays, told);
        if tiling.tiles().len() > 1 {
            sums = [sums[0] + 1, sums[1] + cycles, sums[2] + predicted];
        }
    }
    println!("in tiles, cycles, predicted: {sums:?}");
    sums
}

/// However short its jobs are, a layer never takes more cycles than are said, and not many fewer.
#[test]
fn jobs_that_are_shorter_than_their_telling_take_no_more_than_is_said() {
    let [tiles, cycles, predicted] = run_tiny(&engine(), 0..150);
    assert!(tiles > 50, "{tiles}");
    assert!(cycles * 100 > predicted * 85, "{cycles} of {predicted}");
}

/// The same where partial sums go back in, so that jobs wait for one another's results.
#[test]
fn jobs_that_wait_for_sums_take_no_more_than_is_said() {
    let text = ENGINE
        .replace("pe = 2", "pe = 2\naccumulate = true")
        .replace("narrow", "narrow_sums");
    let engine = EngineFile::parse(&text, "here")
        .unwrap()
        .validate()
        .unwrap();
    let [tiles, ..] = run_tiny(&engine, 1000..1150);
    assert!(tiles > 50, "{tiles}");
}

/// Weight gradients whose grad_output is beyond a memory of a few dozen words, in batches of fewer images than lanes and of
/// more.
fn weight_gradient() -> impl Strategy<Value = Geometry> {
    let axis = (
        1..=14_i64,
        1..=4_i64,
        1..=4_i64,
        1..=3_i64,
        0..=4_i64,
        0..=4_i64,
    );
    let channels = (1..=3_i64, 1..=3_i64, 1..=5_i64, 1..=14_i64);
    (channels, axis.clone(), axis).prop_map(|((groups, c, k, batch), rows, cols)| {
        let axes = [rows, cols];
        // Padded until the kernel fits.
        let pads = axes.map(|(size, kernel, _, dilation, before, after)| {
            let missing = dilation * (kernel - 1) + 1 - size - before - after;
            [before, after + missing.max(0)]
        });
        Geometry {
            pass: Some("grad_weight".to_owned()),
            in_channels: Some(groups * c),
            out_channels: Some(groups * k),
            groups,
            batch: Some(batch),
            in_size: Some(PerItem(axes.map(|axis| axis.0))),
            kernel: Some(PerItem(axes.map(|axis| axis.1))),
            stride: PerItem(axes.map(|axis| axis.2)),
            dilation: PerItem(axes.map(|axis| axis.3)),
            padding: PerItem([pads[0][0], pads[0][1], pads[1][0], pads[1][1]]),
            ..Geometry::default()
        }
    })
}

/// Runs weight gradients. Tells how many were in one tile, cut over rows, with rows side by side, both, with groups merged
/// beside rows, and cut over rows and images.
fn run_weight_gradients(engine: &ProgrammableEngine, seeds: std::ops::Range<u64>) -> [u32; 6] {
    let hardware = engine.hardware(Target::Generic);
    let text = print_verilog(&hardware.module);
    let compiled = Simulated::model(engine, &hardware, &text, &cache()).unwrap();
    let mut driver = Driver::open(engine, &hardware, Simulated::new(&compiled, 1)).unwrap();
    let mut reached = [0; 6];
    for seed in seeds {
        let mut runner = TestRunner::new(Config {
            rng_seed: RngSeed::Fixed(seed),
            ..Config::default()
        });
        let geometry = weight_gradient().new_tree(&mut runner).unwrap().current();
        let layer = engine.layer(geometry).unwrap();
        let frames = u64::from(layer.in_per_group());
        let told = |what: String| format!("seed {seed}: {what}\n{}", layer.to_file().to_toml());
        let tiling = engine
            .tiling(&layer, frames)
            .unwrap_or_else(|error| panic!("{}", told(error.to_string())));
        let (parts, merge) = (tiling.parts(), tiling.merge());
        let (rows, beside) = (parts.rows > 1, merge.rows_beside() > 1);
        let classes = [
            tiling.tiles().len() == 1,
            rows,
            beside,
            rows && beside,
            beside && merge.each() > 1,
            rows && parts.moving_channels > 1,
        ];
        for (count, is_there) in reached.iter_mut().zip(classes) {
            *count += u32::from(is_there);
        }
        let arrays = arrays(&layer, frames as usize, seed);
        run_exactly(&mut driver, &tiling, &arrays, told);
    }
    reached
}

/// Of a few words of memory, so that grad_output has to be cut.
const WEIGHT_GRADIENTS: &str = "name = \"rows\"
[engine]
mode = \"programmable\"
simd = 8
pe = 2
[limits]
size = 64
kernel = 32
line_words = 100
weight_words = 40
fifo_results = 16
";

/// Partial sums over rows are added by the driver, or go back in.
#[test]
fn weight_gradients_over_rows_are_exact_and_take_no_more_cycles_than_is_said() {
    let sums = WEIGHT_GRADIENTS
        .replace("pe = 2", "pe = 2\naccumulate = true")
        .replace("\"rows\"", "\"rows_sums\"");
    for (text, seeds) in [(WEIGHT_GRADIENTS, 0..320), (&sums, 1000..1320)] {
        let engine = EngineFile::parse(text, "here").unwrap();
        let reached = run_weight_gradients(&engine.validate().unwrap(), seeds);
        println!("whole, rows, beside, both, merged beside, rows and images: {reached:?}");
        assert!(reached.iter().all(|&layers| layers >= 3), "{reached:?}");
    }
}

/// 3 x 3, with 4 x 3 blocks of channels in each of 2 groups: 9 words for each pair of blocks.
fn geometry() -> Geometry {
    Geometry {
        in_channels: Some(12),
        out_channels: Some(16),
        groups: 2,
        in_size: Some(PerItem([6; 2])),
        kernel: Some(PerItem([3; 2])),
        padding: PerItem([1; 4]),
        ..Geometry::default()
    }
}

#[test]
fn every_channel_is_in_tiles_once_and_no_tile_is_beyond_a_limit() {
    let engine = engine();
    let layer = engine.layer(geometry()).unwrap();
    let tiling = engine.tiling(&layer, 1).unwrap();
    let mut pairs = Vec::new();
    for tile in tiling.tiles() {
        assert!(tile.plan.layer().operation().stationary_words() <= 30);
        for group in tile.groups.clone() {
            for c in tile.result_channels.clone() {
                pairs.extend(tile.moving_channels.clone().map(|k| (group, c, k)));
            }
        }
    }
    let found = pairs.len();
    pairs.sort_unstable();
    pairs.dedup();
    assert_eq!((found, pairs.len()), (2 * 6 * 8, 2 * 6 * 8));
}

/// Two rows of 2x2 taps alive at once are 15 pixels of 4 words, all of the line buffer; with no pixel to spare each waits
/// for another. Half of K at a time leaves as many pixels again.
#[test]
fn a_layer_that_fits_without_a_pixel_to_spare_is_cut_where_that_is_faster() {
    let engine = engine();
    let tight = |width| {
        let layer = engine.layer(Geometry {
            in_channels: Some(2),
            out_channels: Some(8),
            in_size: Some(PerItem([20, width])),
            kernel: Some(PerItem([2; 2])),
            padding: PerItem([1, 0, 1, 0]),
            ..Geometry::default()
        });
        layer.unwrap()
    };
    let layer = tight(13);
    let whole = engine.plan(&layer).unwrap().cycles(3);
    let steady = whole.per_frame_steady.unwrap();
    assert!(4 * steady > 5 * bound_cycles(&layer), "{steady}");
    let tiling = engine.tiling(&layer, 100).unwrap();
    let parts = tiling.parts();
    assert_eq!((parts.result_channels, parts.moving_channels), (1, 2));
    assert!(tiling.cycles(100) * 100 < tiling.bound_cycles(100) * 102);
    // A column less, and a pixel is spare: each waits a little. Two less, and none does.
    let steady = |width| {
        engine
            .plan(&tight(width))
            .unwrap()
            .cycles(3)
            .per_frame_steady
    };
    for (width, tiles) in [(12, 2), (11, 1)] {
        let bound = bound_cycles(&tight(width));
        assert_eq!(steady(width) == Some(bound), tiles == 1);
        let tiling = engine.tiling(&tight(width), 100).unwrap();
        assert_eq!(tiling.tiles().len(), tiles);
        assert!(tiling.cycles(100) * 1000 < 100 * bound * 1001);
    }
}

#[test]
fn a_layer_that_fits_in_no_tiles_is_refused_with_what_would_do() {
    let engine = engine();
    let refused = |change: fn(&mut Geometry)| {
        let mut geometry = geometry();
        change(&mut geometry);
        let layer = engine.layer(geometry).unwrap();
        engine.tiling(&layer, 1).unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        refused(|layer| {
            layer.in_size = Some(PerItem([6, 60]));
        }),
        @"the layer fits in no tiles: the smallest needs words of line buffer = 123, and the engine has `limits.line_words` = 60; 123 would do"
    );
    insta::assert_snapshot!(
        refused(|layer| layer.kernel = Some(PerItem([7, 1]))),
        @"the layer fits in no tiles: the smallest needs rows of the kernel = 7, and the engine has `limits.kernel` = 5; 7 would do"
    );
}

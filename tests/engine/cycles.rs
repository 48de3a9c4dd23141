//! Promise: the cycle model, which tells loops at once, is to the cycle what it is pixel by pixel.
//!
//! Thousands of layers in engines of any buffers, no simulator; the model itself is compared with the hardware by the
//! others. For other layers: `PROPTEST_RNG_SEED=5 PROPTEST_CASES=100000 cargo test --test engine cycles`.

use bpa_engine::first_frame::in_order_cycles;
use bpa_engine::layer::{Axis, Layer, PerItem};
use bpa_engine::schedule::{cycles, Buffers, FrameWalk, Pipeline};
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use crate::layers::{config, layer};
use crate::pixel_model;
use crate::schedule::taps;

/// Unless the environment says otherwise.
const SEED: u64 = 1;

/// What a layer runs on.
#[derive(Clone, Debug)]
struct Engine {
    /// Words of the line buffer beyond what must be held.
    spare_words: u64,
    fifo_results: u64,
    programmable: bool,
    frames: u64,
}

/// Line buffers from as small as they can be to some frames' size.
fn engine() -> impl Strategy<Value = Engine> {
    let spare_words = prop_oneof![0..=3_u64, 0..=40_u64, 0..=1000_u64, 0..=20_000_u64];
    let frames = prop_oneof![1..=5_u64, 6..=300_u64];
    (spare_words, 1..=12_u32, any::<bool>(), frames).prop_map(
        |(spare_words, fifo_bits, programmable, frames)| Engine {
            spare_words,
            fifo_results: 1 << fifo_bits,
            programmable,
            frames,
        },
    )
}

/// Layers with axes so many times longer.
fn larger(most_cycles: u64, most_times: i64) -> impl Strategy<Value = Layer> {
    (layer(most_cycles), 1..=most_times, 1..=most_times).prop_filter_map(
        "no such layer",
        |(layer, down, right)| {
            let mut file = layer.to_file();
            let PerItem([height, width]) = file.layer.in_size?;
            file.layer.in_size = Some(PerItem([height * down, width * right]));
            file.layer.out_size = None;
            file.validate().ok()
        },
    )
}

fn check(layer: &Layer, engine: &Engine) -> Result<(), TestCaseError> {
    let walk = FrameWalk::new(layer.operation());
    let simd = layer.simd() as usize;
    let buffers = Buffers {
        line_words: walk.held_pixels() * walk.pixel_words + engine.spare_words,
        fifo_results: engine.fifo_results,
    };
    let pipeline = match engine.programmable {
        true => Pipeline::programmable(simd, layer.pixels() as usize),
        false => Pipeline::of(&walk, simd),
    };
    let frames = engine.frames;
    let found = cycles::run(&walk, pipeline, buffers, frames);
    let expected = pixel_model::run(&walk, pipeline, buffers, frames);
    prop_assert_eq!(found, expected, "total, first frame, steady state");
    let found = cycles::pace(&walk, pipeline, buffers);
    prop_assert_eq!(found, pixel_model::pace(&walk, pipeline, buffers));
    if engine.programmable {
        let found = cycles::run_ahead(&walk, pipeline, buffers, frames);
        let expected = pixel_model::run_ahead(&walk, pipeline, buffers, frames);
        prop_assert_eq!(found, expected, "behind another job");
    }
    let met = |axis: &Axis, position| {
        let taps = taps(axis, position);
        let last = taps.iter().map(|tap| tap.1).max()?;
        Some((taps.len() as u64, last))
    };
    let expected = pixel_model::in_order_cycles(layer, met);
    prop_assert_eq!(in_order_cycles(layer), expected, "in order");
    Ok(())
}

/// Checks this many; the first that fails shrinks and is printed.
fn check_layers(cases: u32, layers: impl Strategy<Value = Layer>) {
    let mut runner = TestRunner::new(config(cases, SEED));
    let result = runner.run(&(layers, engine()), |(layer, engine)| {
        check(&layer, &engine)
    });
    match result {
        Ok(()) => (),
        Err(TestError::Fail(reason, (layer, engine))) => {
            let layer = layer.to_file().to_toml();
            panic!("{reason}\nfor {engine:?} and the layer\n{layer}")
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn small_layers_take_the_cycles_of_their_pixels() {
    check_layers(4000, layer(5_000));
}

#[test]
fn larger_layers_take_the_cycles_of_their_pixels() {
    check_layers(300, larger(1_000, 16));
}

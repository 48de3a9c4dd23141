//! Promise: one edge of reset is enough, in any state: from power-up on, with every register unknown, and in the middle
//! of a frame, of a set of weights, of an access to a register, of misplaced `tlast`s. For both shells and each option.
//!
use std::num::NonZeroU32;

use bpa_engine::emit::{self, Target};
use bpa_engine::interface::{self, out_bits, Streams};
use bpa_engine::layer::{Geometry, Layer, PerItem};
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, UsedStages};
use bpa_engine::run::{frame_beats, stationary_set, Arrays};
use bpa_engine::vectors::pack_result;
use bpa_hdl::rtl::print_verilog;
use ndarray::Array4;

use crate::common::{self, finished, layer};
use crate::output_stages::everything;
use crate::programmable_stages;
use crate::reset_bench::{Beats, Registers, Run, Subject};

/// Frames of a job.
pub const FRAMES: usize = 2;
/// Power-ups.
const RUNS: [Run; 3] = [
    Run {
        edges: 1,
        resets: 22,
    },
    Run {
        edges: 2,
        resets: 8,
    },
    Run {
        edges: 5,
        resets: 1,
    },
];
const SEED: u64 = 5;

/// The streams of a job, in and out.
pub fn streams(plan: &Plan, arrays: &Arrays, grad_input: &Array4<i64>) -> (Vec<Beats>, Beats) {
    let streams = Streams::new(plan);
    let sources = streams.inputs().into_iter().map(|(port, format)| {
        let bytes = match port {
            interface::WEIGHT => stationary_set(plan, arrays),
            _ => (0..FRAMES)
                .flat_map(|n| frame_beats(plan, arrays, port, n))
                .collect(),
        };
        Beats {
            port,
            bytes,
            of_frame: format.beats,
        }
    });
    let frames = grad_input.outer_iter();
    let results = frames.flat_map(|frame| pack_result(plan.layer(), frame, out_bits(plan)));
    let results = Beats {
        port: interface::GRAD_INPUT,
        bytes: results.collect(),
        of_frame: streams.result.beats,
    };
    (sources.collect(), results)
}

fn check_fixed(layer: &Layer) {
    let plan = Plan::new(layer);
    let arrays = common::arrays(layer, FRAMES, SEED);
    let expected = finished(layer, &arrays);
    let (sources, results) = streams(&plan, &arrays, &expected.result);
    let subject = Subject {
        name: layer.name(),
        verilog: &emit::verilog(&plan),
        ports: interface::ports(&plan),
        sources,
        results,
        registers: None,
        rounding_seed: arrays.stages.rounding_seed,
    };
    subject.check(&RUNS);
}

/// The geometry of all layers here but [`everything`]'s: pixels without a tap, blocks of both kinds of channels.
fn geometry() -> Geometry {
    Geometry {
        in_channels: Some(3),
        out_channels: Some(3),
        in_size: Some(PerItem([4, 5])),
        kernel: Some(PerItem([2, 2])),
        stride: PerItem([3, 2]),
        padding: PerItem([1, 0, 0, 1]),
        ..Geometry::default()
    }
}

fn fixed(name: &str, keys: &str) -> Layer {
    layer(&format!(
        "name = \"{name}\"
        [layer]
        in_channels = 3
        out_channels = 3
        in_size = [4, 5]
        kernel = 2
        stride = [3, 2]
        padding = [1, 0, 0, 1]
        [engine]
        simd = 2
        pe = 2
        {keys}"
    ))
}

fn check_programmable(keys: &str) {
    let text = format!(
        "name = \"told\"
        [engine]
        mode = \"programmable\"
        simd = 2
        pe = 2
        {keys}
        [limits]
        size = 16
        kernel = 3
        steps = 12
        line_words = 20
        weight_words = 16
        zero_run = 60
        fifo_results = 16"
    );
    let engine = EngineFile::parse(&text, "here")
        .unwrap()
        .validate()
        .unwrap();
    let stages = UsedStages {
        accumulate: engine.stages().accumulate,
        mask: engine.stages().mask,
        shift: engine.requantise().map(|it| it.shift - 1),
        ..UsedStages::default()
    };
    let layer = engine.staged_layer(geometry(), stages).unwrap();
    let arrays = programmable_stages::arrays(&layer, FRAMES, SEED, engine.most_accumulate());
    let plan = engine.plan(&layer).unwrap();
    let plan = plan.with_rounding_seed(arrays.stages.rounding_seed);
    let expected = finished(&layer, &arrays);
    let (mut sources, mut results) = streams(&plan, &arrays, &expected.result);
    for source in sources
        .iter_mut()
        .filter(|it| it.port == interface::GRAD_OUTPUT)
    {
        source.port = interface::DATA;
    }
    results.port = interface::RESULT;
    let hardware = engine.hardware(Target::Generic);
    let frames = NonZeroU32::new(FRAMES as u32).unwrap();
    let subject = Subject {
        name: engine.name(),
        verilog: &print_verilog(&hardware.module),
        ports: interface::module_ports(&hardware.module),
        sources,
        results,
        registers: Some(Registers {
            words: {
                let words = engine.job(&hardware.table, &plan, frames).unwrap();
                let told = hardware.map.table().zip(words);
                told.filter_map(|((register, _), word)| Some((register.offset, word?)))
                    .collect()
            },
            map: &hardware.map,
        }),
        rounding_seed: 0,
    };
    subject.check(&RUNS);
}

#[test]
fn a_fixed_engine_needs_one_edge() {
    check_fixed(&fixed("plain", ""));
    check_fixed(&fixed("two_sets", "weight_sets = 2"));
    check_fixed(&fixed("masked", "mask = true"));
    check_fixed(&fixed("accumulating", "accumulate = true"));
    check_fixed(&fixed("requantised", "out_type = \"int8\"\nshift = 8"));
}

#[test]
fn a_fixed_engine_with_every_option_needs_one_edge() {
    check_fixed(&everything(1, "nearest_even"));
    check_fixed(&everything(2, "stochastic"));
}

#[test]
fn a_programmable_engine_needs_one_edge() {
    check_programmable("");
    check_programmable("mask = true");
    check_programmable("accumulate = true");
}

#[test]
fn a_programmable_engine_that_requantises_needs_one_edge() {
    check_programmable("out_type = \"int8\"\nshift = 8");
    check_programmable(
        "accumulate = true
        mask = true
        out_type = \"int6\"
        scale_per = \"channel\"
        scale_bits = 11
        shift = 13
        rounding = \"stochastic\"",
    );
}

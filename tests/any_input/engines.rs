//! Programmable engines of any limits, and layers on them.

use std::fmt;
use std::num::NonZeroU32;

use bpa_engine::bound::shared_bound_cycles;
use bpa_engine::emit::Target;
use bpa_engine::layer::{Activation, Geometry, PerItem};
use bpa_engine::manifest;
use bpa_engine::programmable::{
    EngineFile, Estimate, Lanes, LimitsFile, ProgrammableEngine, UsedStages,
};
use bpa_hdl::rtl::print_verilog;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::layers::{axis, channels, geometry, stages, StageKeys};
use crate::numbers::{any_number, count, int_type, one_of, perhaps};
use crate::search::no_panic;

/// Engines of the test, unless the environment says otherwise.
const ENGINES: u32 = 500;
/// Layers that are tried on each.
const LAYERS: usize = 12;
/// Files of any content.
const FILES: u32 = 5000;
/// Cycles of a frame: a plan simulates some, and a tiling makes many plans.
const MOST_CYCLES: u64 = 2000;

/// Words of a memory that is made of block RAMs by name.
const MOST_BUILT: i64 = 65_535;

/// Words of a memory.
fn words() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 2..=5_i64,
        4 => one_of(&[7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65]),
        2 => one_of(&[100, 1000, 4096, 65_535]),
        1 => Just(1 << 24),
    ]
}

/// Sizes, kernel and steps of an axis.
fn axis_limits() -> impl Strategy<Value = [i64; 3]> {
    let size =
        prop_oneof![4 => 2..=5_i64, 4 => one_of(&[7, 8, 9, 16, 64, 1000]), 1 => Just(65_535)];
    let kernel = prop_oneof![8 => count(), 1 => Just(4095)];
    let steps = prop_oneof![8 => 8..=40_i64, 1 => Just(1024)];
    (size, kernel, steps).prop_map(|(size, kernel, steps)| [size, kernel, steps])
}

fn limits() -> impl Strategy<Value = LimitsFile> {
    let run = prop_oneof![4 => count(), 2 => one_of(&[20, 60, 8191, 65_535, (1 << 31) - 1])];
    (
        [words().boxed(), words().boxed(), words().boxed()],
        [axis_limits().boxed(), axis_limits().boxed()],
        2..=12_u32,
        run,
    )
        .prop_map(|(words, [rows, cols], fifo_bits, zero_run)| {
            let pair = |index: usize| PerItem([rows[index], cols[index]]);
            LimitsFile {
                weight_words: words[0],
                line_words: words[1],
                size: pair(0),
                kernel: pair(1),
                steps: pair(2),
                fifo_results: 1 << fifo_bits,
                zero_run,
                scale_words: Some(words[2]),
                stretch_beats: None,
            }
        })
}

fn file() -> impl Strategy<Value = EngineFile> {
    let types = [int_type().boxed(), int_type().boxed()];
    (
        limits(),
        [count().boxed(), count().boxed()],
        // As many beats of a stretch as twice the lanes over pixels, or as many as nobody asks for.
        prop_oneof![3 => Just(1_i64), 1 => 2..=9_i64, 1 => Just(32)],
        types,
        stages(),
        any::<[bool; 3]>(),
    )
        .prop_map(
            |(mut limits, [simd, pe], pixels, [grad_type, weight_type], stages, quantised)| {
                let [zero_point, bias, activation] = quantised;
                limits.stretch_beats = (pixels % 3 == 0).then_some(2 * pixels);
                let mut engine = Lanes {
                    simd,
                    pe,
                    pixels,
                    grad_type,
                    weight_type,
                    accumulate: stages.accumulate,
                    mask: stages.mask,
                    zero_point,
                    bias,
                    ..Lanes::default()
                };
                let mut per_channel = bias;
                if let Some((out_type, per, bits, shift, rounding)) = stages.requantise {
                    per_channel |= per == "channel";
                    engine.activation = activation;
                    engine.out_type = out_type;
                    engine.scale_per = Some(per);
                    engine.scale_bits = Some(bits);
                    engine.shift = Some(StageKeys::shift(shift, &rounding));
                    engine.rounding = Some(rounding);
                }
                if !per_channel {
                    limits.scale_words = None;
                }
                EngineFile {
                    name: "drawn".to_owned(),
                    engine,
                    limits,
                }
            },
        )
}

/// An engine, the family that it is made for, and layers, each with what it uses of the stages.
#[derive(Clone)]
struct Case {
    engine: ProgrammableEngine,
    target: Target,
    layers: Vec<(Geometry, [bool; 3], u32, [i32; 3])>,
}

impl fmt::Debug for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = self.engine.to_file().to_toml();
        write!(out, "{engine}# for {}\n{:#?}", self.target, self.layers)
    }
}

fn case() -> impl Strategy<Value = Case> {
    let axes = [axis().boxed(), axis().boxed()];
    let layer = (axes, channels()).prop_map(|(axes, channels)| geometry(axes, channels));
    let levels = [(); 3].map(|()| -300..=300_i32);
    let layer = (layer, any::<[bool; 3]>(), 0..=48_u32, levels);
    let layers = vec(layer, 0..=LAYERS);
    (file(), one_of(&Target::ALL), layers).prop_filter_map(
        "results too wide for what stands behind them",
        |(mut file, target, layers)| {
            if !matches!(target, Target::Generic | Target::Ice40) {
                // Memories that the Verilog makes of block RAMs are as long as they are large.
                let limits = &mut file.limits;
                for words in [&mut limits.weight_words, &mut limits.line_words] {
                    *words = (*words).min(MOST_BUILT);
                }
                limits.scale_words = limits.scale_words.map(|words| words.min(MOST_BUILT));
            }
            Some(Case {
                engine: file.validate().ok()?,
                target,
                layers,
            })
        },
    )
}

/// Everything that the programs make of an engine, and of layers on it, without another program.
fn make_all(case: &Case) {
    let Case {
        engine,
        target,
        layers,
    } = case;
    let hardware = engine.hardware(*target);
    print_verilog(&hardware.module);
    manifest::programmable_json(engine, &hardware);
    hardware.map.c_header();
    hardware.map.markdown();
    hardware.map.systemrdl();
    for (geometry, [accumulate, mask, bias], shift, levels) in layers {
        let [zero_point, out_zero_point, bound] = *levels;
        let stages = UsedStages {
            accumulate: *accumulate && engine.stages().accumulate,
            mask: *mask && engine.stages().mask,
            shift: engine.requantise().map(|_| *shift),
            // Often beyond their types, and not always there.
            bias: *bias,
            zero_point: zero_point / 100,
            out_zero_point: out_zero_point / 100,
            activation: (bound > 0).then_some((Activation::Relu6, [0, bound])),
        };
        let layer = match engine.staged_layer(geometry.clone(), stages) {
            Ok(layer) if shared_bound_cycles(&layer) <= MOST_CYCLES => layer,
            Ok(_) => continue,
            Err(error) => {
                error.to_string();
                continue;
            }
        };
        if let Ok(plan) = engine.plan(&layer) {
            for frames in [NonZeroU32::MIN, NonZeroU32::MAX] {
                if let Err(error) = engine.job(&hardware.table, &plan, frames) {
                    error.to_string();
                }
            }
            plan.cycles_ahead(2);
        }
        for frames in [1, 3] {
            match engine.tiling(&layer, frames) {
                Ok(tiling) => {
                    let short_fifo = engine.short_fifo(&tiling, frames);
                    let estimate = Estimate::new(&tiling, frames, short_fifo);
                    estimate.to_json();
                    estimate.to_text("drawn");
                }
                Err(error) => {
                    error.to_string();
                }
            }
        }
    }
}

#[test]
fn every_engine_takes_layers_or_refuses_them() {
    no_panic(ENGINES, case, make_all);
}

/// A file of any content.
#[derive(Clone)]
struct AnyFile(EngineFile);

impl fmt::Debug for AnyFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.to_toml())
    }
}

fn any_file() -> impl Strategy<Value = AnyFile> {
    let number = || prop_oneof![12 => count().boxed(), 1 => any_number().boxed()];
    let numbers = || [number(), number()];
    let pairs = [numbers(), numbers(), numbers()];
    (
        file(),
        pairs,
        [number(), number(), number()],
        numbers(),
        perhaps(number()),
    )
        .prop_map(
            |(mut file, [size, kernel, steps], [weight, line, fifo], [simd, pe], scale)| {
                (file.engine.simd, file.engine.pe) = (simd, pe);
                file.limits = LimitsFile {
                    weight_words: weight,
                    line_words: line,
                    size: PerItem(size),
                    kernel: PerItem(kernel),
                    steps: PerItem(steps),
                    fifo_results: fifo,
                    scale_words: scale.or(file.limits.scale_words),
                    ..file.limits
                };
                AnyFile(file)
            },
        )
}

#[test]
fn every_engine_file_is_an_engine_or_refused() {
    no_panic(FILES, any_file, |AnyFile(file)| match file.validate() {
        Ok(engine) => assert_eq!(engine.name(), file.name),
        Err(error) => assert!(!error.to_string().is_empty()),
    });
}

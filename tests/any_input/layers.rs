//! Layers, each in an engine of its own.

use std::fmt;

use bpa_engine::bound::bound_cycles;
use bpa_engine::emit;
use bpa_engine::first_frame::first_frame_limit;
use bpa_engine::layer::{Engine, Geometry, IntType, Layer, LayerFile, Pass, PerItem};
use bpa_engine::manifest;
use bpa_engine::plan::Plan;
use bpa_engine::report::Figures;
use bpa_engine::synth::{estimate, Board, Design};
use bpa_engine::zero_insertion::{equivalent_layer, finn_cycles, Borders};
use proptest::prelude::*;

use crate::numbers::{any_number, count, int_type, one_of, perhaps};
use crate::search::no_panic;

/// Layers of the test, unless the environment says otherwise.
const LAYERS: u32 = 5000;
/// Files of any content.
const FILES: u32 = 10_000;
/// Cycles of a frame: a plan simulates some.
const MOST_CYCLES: u64 = 3000;

/// One axis: in_size, kernel, stride, dilation, padding on both sides, out_size.
pub fn axis() -> impl Strategy<Value = [i64; 7]> {
    let few = |of: i64| prop_oneof![1 => Just(1_i64), 4 => 1..=of];
    let ordinary = (
        1..=8_i64,
        few(4),
        few(3),
        prop_oneof![3 => Just(1_i64), 1 => 1..=3_i64],
        [few(4), few(4)].prop_map(|sides| sides.map(|side| side - 1)),
    );
    let step = || prop_oneof![12 => count(), 1 => one_of(&[63, 64, 4095])];
    let side = || prop_oneof![6 => Just(0_i64), 6 => count(), 1 => one_of(&[63, 4095])];
    let extreme = (
        prop_oneof![9 => count(), 1 => one_of(&[64, 1000, 65_535])],
        prop_oneof![20 => count(), 1 => one_of(&[64, 255])],
        step(),
        step(),
        [side(), side()],
    );
    let numbers = prop_oneof![ordinary.boxed(), extreme.boxed()];
    let fewer = prop_oneof![12 => Just(0_i64), 2 => 1..=3_i64, 1 => Just(i64::MAX / 2)];
    (numbers, fewer).prop_map(
        |((in_size, kernel, stride, dilation, [mut before, after]), fewer)| {
            let span = dilation * (kernel - 1) + 1;
            // A rejected layer would neither run nor shrink.
            before += (span - in_size - before - after).max(0);
            let whole = (in_size + before + after - span) / stride + 1;
            let out_size = (whole - fewer).max(1);
            [in_size, kernel, stride, dilation, before, after, out_size]
        },
    )
}

/// The geometry of groups of so many channels of C and K each.
pub fn geometry([rows, cols]: [[i64; 7]; 2], [groups, c, k]: [i64; 3]) -> Geometry {
    let pair = |index: usize| PerItem([rows[index], cols[index]]);
    Geometry {
        in_channels: Some(groups * c),
        out_channels: Some(groups * k),
        in_size: Some(pair(0)),
        kernel: Some(pair(1)),
        stride: pair(2),
        dilation: pair(3),
        padding: PerItem([rows[4], rows[5], cols[4], cols[5]]),
        groups,
        out_size: Some(pair(6)),
        ..Geometry::default()
    }
}

/// Groups, channels of C and of K in each.
pub fn channels() -> impl Strategy<Value = [i64; 3]> {
    prop_oneof![
        3 => [Just(1).boxed(), count().boxed(), count().boxed()],
        1 => [count().boxed(), count().boxed(), count().boxed()],
        1 => [count().boxed(), Just(1).boxed(), count().boxed()],
    ]
}

/// Lanes for so many channels: one, one for each, or any number.
fn lanes(choice: u8, any: i64, channels: i64) -> i64 {
    match choice {
        0 => 1,
        1 => channels,
        _ => 1 + any % channels,
    }
}

/// What stands behind the accumulators: the keys `accumulate`, `mask` and those of requantising.
#[derive(Clone, Debug)]
pub struct StageKeys {
    pub accumulate: bool,
    pub mask: bool,
    /// `out_type`, `scale_per`, `scale_bits`, `shift`, `rounding`.
    pub requantise: Option<(String, String, i64, i64, String)>,
}

pub fn stages() -> impl Strategy<Value = StageKeys> {
    let per = one_of(&["tensor", "channel"]).prop_map(str::to_owned);
    let rounding = one_of(&["nearest_even", "floor", "stochastic"]).prop_map(str::to_owned);
    let shift = prop_oneof![1 => 0..=2_i64, 2 => 1..=32_i64, 1 => 33..=48_i64];
    let requantise = (int_type(), per, 2..=16_i64, shift, rounding);
    let keys = (any::<bool>(), any::<bool>(), perhaps(requantise));
    let some = keys.prop_map(|(accumulate, mask, requantise)| StageKeys {
        accumulate,
        mask,
        requantise,
    });
    let none = Just(StageKeys {
        accumulate: false,
        mask: false,
        requantise: None,
    });
    prop_oneof![none.boxed(), some.boxed()]
}

impl StageKeys {
    /// The shift that this rounding can have.
    pub fn shift(shift: i64, rounding: &str) -> i64 {
        match rounding {
            "stochastic" => shift.clamp(1, 32),
            _ => shift,
        }
    }
}

/// What a quantised layer has beside its scale, as numbers that are cut to the types' ranges.
#[derive(Clone, Debug)]
struct QuantisedKeys {
    bias: bool,
    zero_point: i64,
    out_zero_point: Option<i64>,
    /// `activation`, `out_min` and what `out_max` is more.
    activation: Option<(String, i64, i64)>,
}

fn quantised() -> impl Strategy<Value = QuantisedKeys> {
    let level = || prop_oneof![4 => -9..=9_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let kind = one_of(&["relu", "relu6", "clamp"]).prop_map(str::to_owned);
    let activation = (kind, level(), prop_oneof![0..=9_i64, Just(1 << 20)]);
    let some = (
        any::<bool>(),
        level(),
        perhaps(level()),
        perhaps(activation),
    )
        .prop_map(
            |(bias, zero_point, out_zero_point, activation)| QuantisedKeys {
                bias,
                zero_point,
                out_zero_point,
                activation,
            },
        );
    let none = Just(QuantisedKeys {
        bias: false,
        zero_point: 0,
        out_zero_point: None,
        activation: None,
    });
    prop_oneof![none.boxed(), some.boxed()]
}

impl QuantisedKeys {
    fn put_into(self, engine: &mut Engine) {
        engine.bias = self.bias;
        let range = |text: &str| {
            text.parse::<IntType>()
                .map(|it| (it.min().into(), it.max().into()))
        };
        let cut = |value: i64, (least, greatest)| value.clamp(least, greatest);
        if let (Ok(range), false) = (range(&engine.grad_type), engine.grad_type == "int16") {
            engine.zero_point = cut(self.zero_point, range);
        }
        let Ok(range) = range(&engine.out_type) else {
            return;
        };
        engine.out_zero_point = self.out_zero_point.map(|point| cut(point, range));
        let Some((kind, least, more)) = self.activation else {
            return;
        };
        let mut least = cut(least, range);
        match kind.as_str() {
            "clamp" => engine.out_min = Some(least),
            _ => least = engine.out_zero_point.unwrap_or(0),
        }
        if kind != "relu" {
            engine.out_max = Some(cut(least + more, range));
        }
        engine.activation = Some(kind);
    }
}

/// A layer, and the device that its engine is made for.
#[derive(Clone)]
struct Case {
    layer: Layer,
    board: Board,
    /// Also what only `bpa` makes of it.
    figures: bool,
}

impl fmt::Debug for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (toml, board) = (self.layer.to_file().to_toml(), self.board.name());
        write!(out, "{toml}# gen-verilog FILE --target {board}")
    }
}

/// A pass, and images of a batch.
fn pass() -> impl Strategy<Value = (Pass, i64)> {
    (one_of(&Pass::ALL), count())
}

fn case() -> impl Strategy<Value = Case> {
    let lanes_of = (0..3_u8, 0..60_i64);
    let keys = (
        int_type(),
        int_type(),
        1..=2_i64,
        any::<bool>(),
        (stages(), quantised()),
    );
    (
        [axis().boxed(), axis().boxed()],
        channels(),
        (lanes_of.clone(), lanes_of, pass()),
        keys,
        (one_of(&Board::ALL), prop::bool::weighted(0.25)),
    )
        .prop_filter_map(
            "a long frame",
            |(axes, channels, lanes_of, keys, (board, figures))| {
                let [groups, c, k] = channels;
                let mut file = LayerFile {
                    name: "drawn".to_owned(),
                    layer: geometry(axes, channels),
                    ..LayerFile::default()
                };
                let (grad_type, weight_type, weight_sets, packed_multipliers, stages) = keys;
                let (stages, quantised) = stages;
                let engine = &mut file.engine;
                let (of_moving, of_result, (pass, batch)) = lanes_of;
                file.layer.pass = Some(pass.to_string());
                file.layer.batch = Some(batch);
                let (moving, result) = match pass {
                    Pass::GradInput => (k, c),
                    Pass::Forward => (c, k),
                    Pass::GradWeight => (batch, k),
                };
                engine.simd = lanes(of_moving.0, of_moving.1, moving);
                let of_groups = if result == 1 { groups } else { result };
                engine.pe = lanes(of_result.0, of_result.1, of_groups);
                engine.input_type = Some(grad_type.clone());
                (engine.grad_type, engine.weight_type) = (grad_type, weight_type);
                engine.weight_sets = weight_sets;
                engine.accumulate = stages.accumulate;
                engine.mask = stages.mask;
                if let Some((out_type, per, bits, shift, rounding)) = stages.requantise {
                    engine.out_type = out_type;
                    engine.scale_per = Some(per);
                    engine.scale_bits = Some(bits);
                    engine.shift = Some(StageKeys::shift(shift, &rounding));
                    engine.rounding = Some(rounding);
                }
                quantised.put_into(engine);
                // Not all that can have it.
                engine.packed_multipliers = packed_multipliers;
                let layer = file.validate().or_else(|_| {
                    file.engine.packed_multipliers = false;
                    file.validate()
                });
                let layer = layer.ok()?;
                (bound_cycles(&layer) <= MOST_CYCLES).then_some(Case {
                    layer,
                    board,
                    figures,
                })
            },
        )
}

/// Everything that the programs make of a layer without another program.
fn make_all(case: &Case) {
    let Case {
        layer,
        board,
        figures,
    } = case;
    let plan = Plan::new(layer);
    emit::verilog_for(&plan, board.target());
    manifest::json(&plan);
    if !figures {
        return;
    }
    Design::BareArray.harnessed(&plan, board.target());
    let figures = Figures {
        area: estimate(&plan, *board).ok(),
        ..Figures::new(&plan, 3, plan.cycles(3), None)
    };
    figures.to_json();
    figures.to_text("drawn", layer.multipliers(), false);
    first_frame_limit(layer);
    finn_cycles(layer);
    for borders in [Borders::Padded, Borders::Skipped] {
        if let Err(error) = equivalent_layer(layer, borders) {
            error.to_string();
        }
    }
}

#[test]
fn every_layer_gives_an_engine() {
    no_panic(LAYERS, case, make_all);
}

/// A file of any content.
#[derive(Clone)]
struct AnyFile(LayerFile);

impl fmt::Debug for AnyFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.to_toml())
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let words = [
        "int8",
        "int2",
        "int16",
        "int1",
        "int17",
        "int",
        "int-8",
        "int99999999999",
        "accumulator",
        "tensor",
        "channel",
        "floor",
        "stochastic",
        "",
        "größe",
    ];
    one_of(&words).prop_map(str::to_owned)
}

/// A pass or an op, each in its place or in the other's.
fn any_kind() -> impl Strategy<Value = String> {
    let words = [
        "grad_input",
        "forward",
        "grad_weight",
        "conv",
        "conv_transpose",
        "",
    ];
    one_of(&words).prop_map(str::to_owned)
}

fn any_file() -> impl Strategy<Value = AnyFile> {
    let number = || prop_oneof![6 => count().boxed(), 1 => any_number().boxed()];
    let pair = move || [number(), number()].prop_map(PerItem);
    let sides = [number(), number(), number(), number()].prop_map(PerItem);
    let geometry = (
        perhaps(number()),
        perhaps(number()),
        perhaps(pair()),
        perhaps(pair()),
        (pair(), pair(), sides),
        number(),
        (perhaps(pair()), perhaps(pair())),
        (perhaps(any_kind()), perhaps(any_kind()), perhaps(number())),
    );
    let engine = (
        [number(), number(), number()],
        [any_text().boxed(), any_text().boxed(), any_text().boxed()],
        [any::<bool>(), any::<bool>(), any::<bool>()],
        (perhaps(any_text()), perhaps(any_text())),
        [perhaps(number()), perhaps(number())],
        (
            prop_oneof![3 => Just(0).boxed(), 1 => any_number().boxed()],
            any::<bool>(),
            perhaps(one_of(&["relu", "relu6", "clamp", "tanh"]).prop_map(str::to_owned)),
            [perhaps(number()), perhaps(number()), perhaps(number())],
        ),
    );
    (any_text(), geometry, engine).prop_map(|(name, geometry, engine)| {
        let mut file = LayerFile {
            name,
            ..LayerFile::default()
        };
        let layer = &mut file.layer;
        // What is required is there more often than not.
        layer.in_channels = geometry.0.or(Some(2));
        layer.out_channels = geometry.1.or(Some(2));
        layer.in_size = geometry.2.or(Some(PerItem([3; 2])));
        layer.kernel = geometry.3.or(Some(PerItem([1; 2])));
        (layer.stride, layer.dilation, layer.padding) = geometry.4;
        layer.groups = geometry.5;
        (layer.out_size, layer.output_padding) = geometry.6;
        (layer.op, layer.pass, layer.batch) = geometry.7;
        let keys = &mut file.engine;
        [keys.simd, keys.pe, keys.weight_sets] = engine.0;
        [keys.grad_type, keys.weight_type, keys.out_type] = engine.1;
        [keys.packed_multipliers, keys.accumulate, keys.mask] = engine.2;
        (keys.scale_per, keys.rounding) = engine.3;
        [keys.scale_bits, keys.shift] = engine.4;
        let levels;
        (keys.zero_point, keys.bias, keys.activation, levels) = engine.5;
        [keys.out_zero_point, keys.out_min, keys.out_max] = levels;
        AnyFile(file)
    })
}

#[test]
fn every_layer_file_is_a_layer_or_refused() {
    no_panic(FILES, any_file, |AnyFile(file)| match file.validate() {
        Ok(layer) if bound_cycles(&layer) <= MOST_CYCLES => {
            make_all(&Case {
                layer,
                board: Board::Generic,
                figures: true,
            });
        }
        Ok(_) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    });
}

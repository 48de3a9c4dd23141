//! Random layers, and the classes that they must reach.

use bpa_engine::bound::{axis_taps, bound_cycles};
use bpa_engine::layer::{Axis, IntType, Layer, LayerFile, PerItem};
use bpa_engine::schedule::FrameWalk;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

/// One axis of a layer file: in_size, kernel, stride, dilation, padding before and after, and out_size counted from
/// the greatest down.
#[derive(Clone, Debug)]
struct RawAxis {
    in_size: i64,
    kernel: i64,
    stride: i64,
    dilation: i64,
    padding: [i64; 2],
    fewer: i64,
}

impl RawAxis {
    /// Pads both sides until the kernel fits: a rejected layer would neither run nor shrink.
    fn fitted(mut self) -> Self {
        let missing = self.span() - self.in_size - self.padding[0] - self.padding[1];
        if missing > 0 {
            self.padding[0] += missing / 2;
            self.padding[1] += missing - missing / 2;
        }
        self
    }

    fn span(&self) -> i64 {
        self.dilation * (self.kernel - 1) + 1
    }

    fn out_size(&self) -> i64 {
        let padded = self.in_size + self.padding[0] + self.padding[1];
        ((padded - self.span()) / self.stride + 1 - self.fewer).max(1)
    }
}

fn axis() -> impl Strategy<Value = RawAxis> {
    let in_size = prop_oneof![1 => 1..=4_i64, 4 => 5..=12_i64];
    let stride = prop_oneof![9 => 1..=4_i64, 1 => 5..=7_i64];
    // Beyond any input here, now and then.
    let dilation = prop_oneof![6 => 1..=2_i64, 6 => 3..=4_i64, 1 => 5..=14_i64];
    let padding = || prop_oneof![5 => 0..=2_i64, 2 => 3..=9_i64];
    // 100 leaves one output, whatever the sizes.
    let fewer = prop_oneof![12 => Just(0_i64), 3 => 1..=3_i64, 1 => Just(100_i64)];
    let padding = [padding().boxed(), padding().boxed()];
    let kernel = prop_oneof![3 => 1..=3_i64, 1 => 4..=5_i64];
    (in_size, kernel, stride, dilation, padding, fewer).prop_map(
        |(in_size, kernel, stride, dilation, padding, fewer)| {
            RawAxis {
                in_size,
                kernel,
                stride,
                dilation,
                padding,
                fewer,
            }
            .fitted()
        },
    )
}

/// Groups, C/groups and K/groups: dense, grouped, and depthwise with a multiplier.
fn channels() -> impl Strategy<Value = [i64; 3]> {
    prop_oneof![
        3 => [1..=1_i64, 1..=6, 1..=6],
        1 => [2..=3_i64, 2..=3, 1..=3],
        1 => [2..=5_i64, 1..=1, 1..=3],
    ]
}

fn int_type() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just(8_u32), 1 => 2..=16_u32].prop_map(|bits| format!("int{bits}"))
}

/// Any layer whose frame takes at most this many cycles.
pub fn layer(most_cycles: u64) -> impl Strategy<Value = Layer> {
    let lanes = (0..60_i64, 0..60_i64);
    let weight_sets = prop_oneof![3 => Just(1_i64), 1 => Just(2_i64)];
    let types = (int_type(), int_type());
    (axis(), axis(), channels(), lanes, types, weight_sets)
        .prop_map(|(rows, cols, channels, lanes, types, weight_sets)| {
            let [groups, in_per_group, out_per_group] = channels;
            let mut file = LayerFile {
                name: "random".to_owned(),
                ..LayerFile::default()
            };
            let geometry = &mut file.layer;
            geometry.in_channels = Some(groups * in_per_group);
            geometry.out_channels = Some(groups * out_per_group);
            geometry.in_size = Some(PerItem([rows.in_size, cols.in_size]));
            geometry.kernel = Some(PerItem([rows.kernel, cols.kernel]));
            geometry.stride = PerItem([rows.stride, cols.stride]);
            geometry.dilation = PerItem([rows.dilation, cols.dilation]);
            let ([top, bottom], [left, right]) = (rows.padding, cols.padding);
            geometry.padding = PerItem([top, bottom, left, right]);
            geometry.groups = groups;
            geometry.out_size = Some(PerItem([rows.out_size(), cols.out_size()]));
            let pe_lanes = match in_per_group {
                1 => groups,
                _ => in_per_group,
            };
            file.engine.simd = 1 + lanes.0 % out_per_group;
            file.engine.pe = 1 + lanes.1 % pe_lanes;
            (file.engine.grad_type, file.engine.weight_type) = types;
            file.engine.weight_sets = weight_sets;
            // Every other layer that can have it.
            file.engine.packed_multipliers = lanes.0 % 2 == 0;
            file.validate().unwrap_or_else(|_| {
                file.engine.packed_multipliers = false;
                file.validate().unwrap()
            })
        })
        .prop_filter("a long frame", move |layer| {
            bound_cycles(layer) <= most_cycles
        })
}

/// `layer` with stages behind its accumulators, any mix of them but none.
pub fn staged(layer: impl Strategy<Value = Layer>) -> impl Strategy<Value = Layer> {
    let rounding = prop_oneof![Just("nearest_even"), Just("floor"), Just("stochastic")];
    let scale_per = prop_oneof![Just("tensor"), Just("channel")];
    let requantise = (2..=16_u32, scale_per, 2..=16_i64, 1..=24_i64, rounding);
    let stages = (
        any_bool(),
        any_bool(),
        prop::option::weighted(0.8, requantise),
        quantised(),
    );
    (layer, stages)
        .prop_map(|(layer, (accumulate, mask, requantise, quantised))| {
            let mut file = layer.to_file();
            let engine = &mut file.engine;
            engine.accumulate = accumulate;
            engine.mask = mask;
            if let Some((out_bits, scale_per, scale_bits, shift, rounding)) = requantise {
                engine.out_type = format!("int{out_bits}");
                engine.scale_per = Some(scale_per.to_owned());
                engine.scale_bits = Some(scale_bits);
                engine.shift = Some(shift);
                engine.rounding = Some(rounding.to_owned());
            }
            quantised.put_into(&layer, &mut file);
            file.validate().unwrap()
        })
        .prop_filter("no stage", Layer::has_stages)
}

/// What a quantised layer has beside its scale, as fractions of what there is.
#[derive(Clone, Debug)]
struct Quantised {
    bias: bool,
    /// Of the types' ranges, from -1 to 1.
    zero_point: Option<f64>,
    out_zero_point: Option<f64>,
    /// Of the range that is left, from 0 to 1.
    activation: Option<(&'static str, f64, f64)>,
}

fn quantised() -> impl Strategy<Value = Quantised> {
    let point = || prop::option::of(-1.0..1.0_f64);
    let kind = prop_oneof![Just("relu"), Just("relu6"), Just("clamp")];
    let activation = (kind, 0.0..1.0_f64, 0.0..1.0_f64);
    (any_bool(), point(), point(), prop::option::of(activation)).prop_map(
        |(bias, zero_point, out_zero_point, activation)| Quantised {
            bias,
            zero_point,
            out_zero_point,
            activation,
        },
    )
}

impl Quantised {
    /// Of these options, those that the layer can have.
    fn put_into(&self, layer: &Layer, file: &mut LayerFile) {
        let engine = &mut file.engine;
        engine.bias = self.bias;
        let moving = layer.moving_type();
        // int16 leaves no bit for a zero point, and packed multipliers may not.
        if moving.bits() < 16 && !engine.packed_multipliers {
            let part = self.zero_point.unwrap_or(0.0);
            engine.zero_point = (part * f64::from(moving.max())) as i64;
        }
        let Ok(out_type) = engine.out_type.parse::<IntType>() else {
            return;
        };
        let point = self
            .out_zero_point
            .map(|part| (part * f64::from(out_type.max())) as i64);
        engine.out_zero_point = point;
        let Some((kind, low, high)) = self.activation else {
            return;
        };
        engine.activation = Some(kind.to_owned());
        let (least, greatest) = (f64::from(out_type.min()), f64::from(out_type.max()));
        let mut floor = point.unwrap_or(0) as f64;
        if kind == "clamp" {
            floor = (least + low * (greatest - least)).floor();
            engine.out_min = Some(floor as i64);
        }
        if kind != "relu" {
            engine.out_max = Some((floor + high * (greatest - floor)) as i64);
        }
    }
}

fn any_bool() -> impl Strategy<Value = bool> {
    prop_oneof![Just(false), Just(true)]
}

/// Draws the same layers in every run, unless `PROPTEST_RNG_SEED` or `PROPTEST_CASES` ask for others: a failure is then
/// there again for whoever looks for it.
pub fn config(cases: u32, seed: u64) -> Config {
    let environment = Config::default();
    Config {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => environment.cases,
            None => cases,
        },
        rng_seed: match environment.rng_seed {
            RngSeed::Fixed(other) => RngSeed::Fixed(seed.wrapping_add(other)),
            RngSeed::Random => RngSeed::Fixed(seed),
        },
        failure_persistence: None,
        ..environment
    }
}

/// A kind of layer that the generator must draw.
pub type Class = (&'static str, fn(&Layer) -> bool);

fn axes(layer: &Layer) -> [Axis; 2] {
    [layer.rows(), layer.cols()]
}

fn any(layer: &Layer, test: impl Fn(&Axis) -> bool) -> bool {
    axes(layer).iter().any(test)
}

fn all(layer: &Layer, test: impl Fn(&Axis) -> bool) -> bool {
    axes(layer).iter().all(test)
}

fn reach(axis: &Axis) -> u32 {
    (axis.kernel - 1) * axis.dilation
}

/// P or Q by the formula; what fits, fits here.
fn formula(axis: &Axis) -> u32 {
    (axis.in_size + axis.pad_before + axis.pad_after - reach(axis) - 1) / axis.stride + 1
}

fn divides(a: u32, b: u32) -> bool {
    b % a == 0
}

fn common_divisor(axis: &Axis) -> u32 {
    (1..=axis.stride)
        .filter(|&g| divides(g, axis.stride) && divides(g, axis.dilation))
        .max()
        .unwrap_or(1)
}

pub const CLASSES: &[Class] = &[
    ("stride above the kernel", |l| {
        any(l, |a| a.stride > a.kernel)
    }),
    ("padding above the kernel", |l| {
        any(l, |a| a.pad_before > a.kernel || a.pad_after > a.kernel)
    }),
    ("padding above (R-1)d", |l| {
        any(l, |a| a.pad_before > reach(a) || a.pad_after > reach(a))
    }),
    ("padding that differs on all four sides", |l| {
        let (rows, cols) = (l.rows(), l.cols());
        let mut sides = [
            rows.pad_before,
            rows.pad_after,
            cols.pad_before,
            cols.pad_after,
        ];
        sides.sort_unstable();
        sides.windows(2).all(|pair| pair[0] < pair[1])
    }),
    ("P and Q cut by out_size", |l| {
        all(l, |a| a.out_size < formula(a))
    }),
    ("one of P and Q cut by out_size", |l| {
        l.rows().out_size < formula(&l.rows()) && l.cols().out_size == formula(&l.cols())
    }),
    ("no tap reaches any pixel", |l| {
        any(l, |a| axis_taps(a) == 0)
    }),
    ("a tap reaches a pixel of a single row or column", |l| {
        any(l, |a| a.in_size == 1) && all(l, |a| axis_taps(a) > 0)
    }),
    ("dilation larger than the input", |l| {
        any(l, |a| a.kernel > 1 && a.dilation > a.in_size)
    }),
    ("stride larger than the input", |l| {
        any(l, |a| a.stride > a.in_size)
    }),
    (
        "strides and dilations that differ by axis and exceed 1",
        |l| {
            let (rows, cols) = (l.rows(), l.cols());
            all(l, |a| a.stride > 1 && a.dilation > 1 && a.kernel > 1)
                && rows.stride != cols.stride
                && rows.dilation != cols.dilation
        },
    ),
    ("stride and dilation with a common divisor", |l| {
        any(l, |a| a.kernel > 1 && common_divisor(a) > 1)
    }),
    ("stride and dilation above 1 without one", |l| {
        any(l, |a| {
            a.kernel > 1 && a.stride > 1 && a.dilation > 1 && common_divisor(a) == 1
        })
    }),
    ("runs of pixels without a tap", |l| {
        let walk = FrameWalk::new(l.operation());
        walk.reaches && walk.pixels().any(|pixel| pixel.skipped > 0)
    }),
    ("pixels without a tap at the frame's end", |l| {
        FrameWalk::new(l.operation()).end_pixels() > 0
    }),
    ("pixels of dY that no output needs", |l| {
        let walk = FrameWalk::new(l.operation());
        walk.reaches && walk.kept_pixels() < u64::from(l.rows().out_size * l.cols().out_size)
    }),
    ("a dense layer", |l| l.groups() == 1),
    ("groups", |l| l.groups() > 1 && !l.operation().depthwise),
    ("depthwise", |l| {
        l.operation().depthwise && l.out_per_group() == 1
    }),
    ("depthwise with a multiplier", |l| {
        l.operation().depthwise && l.out_per_group() > 1
    }),
    ("lanes over K left over", |l| {
        !divides(l.simd(), l.out_per_group())
    }),
    ("lanes over C left over", |l| {
        !l.operation().depthwise && !divides(l.pe(), l.in_per_group())
    }),
    ("lanes over groups left over", |l| {
        l.operation().depthwise && !divides(l.pe(), l.groups())
    }),
    ("an adder tree with an odd number of leaves", |l| {
        l.simd() == 3 || l.simd() == 5
    }),
    ("one multiplier", |l| l.multipliers() == 1),
    ("blocks of K, C and groups at once", |l| {
        l.operation().moving_blocks() > 1
            && l.operation().result_blocks() > 1
            && l.operation().group_blocks() > 1
    }),
    ("types that differ", |l| l.grad_type() != l.weight_type()),
    ("a narrow type", |l| {
        l.grad_type().bits() <= 3 || l.weight_type().bits() <= 3
    }),
    ("a wide type", |l| {
        l.grad_type().bits() >= 13 || l.weight_type().bits() >= 13
    }),
    ("two sets of weights", |l| l.two_weight_sets()),
    ("two multiplications in a multiplier", |l| {
        l.packed_multipliers()
    }),
];

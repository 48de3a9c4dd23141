//! From a layer file to a layer, or to the first thing wrong with it.

use super::file::ACCUMULATOR;
use super::keywords::{is_keyword, is_net};
use super::levels::{levels, value_of};
use super::output::Choice;
use super::roles::{Channels, Roles};
use super::{
    Axis, Engine, IntType, LaneUse, Layer, LayerError, LayerFile, Op, Pass, Requantise, Rounding,
    ScalePer,
};
use crate::bound;
use crate::operation::{Gather, Operation};
use bpa_hdl::primitives::packed_multiplier::{packs, PACKED_BITS};

/// H, W, P, Q, C and K.
pub(crate) const MAX_SIZE: i64 = 65_535;
/// Kernel, stride, dilation and padding.
pub(crate) const MAX_STEP: i64 = 4_095;
const MAX_NAME: usize = 64;
/// Bits of the input's values where the file does not say.
const DEFAULT_INPUT_BITS: u32 = 8;
/// The widest vector that the Verilog standard obliges a tool to support.
pub(crate) const MAX_BEAT_BITS: u64 = 1 << 16;
/// Most lanes over pixels.
const MAX_PIXELS: i64 = 256;
/// Words of a frame on a stream, and of the weight memory: an address stays within 31 bits.
const MAX_WORDS: u128 = 1 << 31;
/// Bits shifted out: enough for any accumulator times a scale to become any narrow type.
const MAX_SHIFT: i64 = 48;
/// Bits shifted out where a fraction is drawn: the random generator gives so many.
const MAX_DRAW: i64 = 32;
/// Bits of an accumulator with stages behind it: with a value from outside added, it still fits 64.
pub(crate) const MAX_STAGED_BITS: u128 = 63;
/// Cycles of a frame: more than an hour at 250 MHz.
const MAX_CYCLES: u128 = 1 << 40;

impl LayerFile {
    /// Checks everything and gives the layer.
    ///
    /// # Errors
    /// The first key, in the order of the file, that is missing or has an impossible value, then whatever is wrong
    /// with the keys together.
    pub fn validate(&self) -> Result<Layer, LayerError> {
        self.validate_on(LaneUse::Own)
    }

    /// The same for lanes that are [`LaneUse::Shared`].
    pub(crate) fn validate_on(&self, lane_use: LaneUse) -> Result<Layer, LayerError> {
        check_name(&self.name)?;
        let (op, layer) = self.layer.convolution()?;
        let file = LayerFile {
            layer,
            ..self.clone()
        };
        file.validate_convolution(op, lane_use)
    }

    /// The layer of a convolution, which may be that of another `op`.
    fn validate_convolution(&self, op: Op, lane_use: LaneUse) -> Result<Layer, LayerError> {
        let geometry = &self.layer;
        let pass = match &geometry.pass {
            None => Pass::default(),
            Some(text) => Pass::parse(text).ok_or_else(|| LayerError::Pass {
                text: text.clone(),
                words: Pass::words(),
            })?,
        };
        let in_channels = required("in_channels", geometry.in_channels)?;
        let in_channels = in_range("layer.in_channels", "", in_channels, 1, MAX_SIZE)?;
        let out_channels = required("out_channels", geometry.out_channels)?;
        let out_channels = in_range("layer.out_channels", "", out_channels, 1, MAX_SIZE)?;
        let rows = self.axis(&ROWS)?;
        let cols = self.axis(&COLUMNS)?;
        let groups = in_range("layer.groups", "", geometry.groups, 1, MAX_SIZE)?;
        check_groups(groups, in_channels, out_channels)?;

        let batch = self.batch(pass)?;
        let engine = &self.engine;
        let channels = Channels {
            c: in_channels / groups,
            k: out_channels / groups,
            batch,
        };
        let roles = match op {
            Op::Conv => Roles::new(pass, &channels),
            Op::ConvTranspose => Roles::new(pass, &channels).transposed(),
        };
        let on_lanes = roles.on_lanes(engine, groups, lane_use)?;
        let operation = Operation {
            rows: Gather::of(rows, pass),
            cols: Gather::of(cols, pass),
            groups,
            moving_per_group: roles.moving,
            result_per_group: roles.result,
            simd: on_lanes.simd,
            pe: on_lanes.pe,
            pixels: in_range("engine.pixels", "", engine.pixels, 1, MAX_PIXELS)?,
            depthwise: on_lanes.depthwise,
        };
        let mut layer = Layer {
            name: self.name.clone(),
            op,
            pass,
            rows,
            cols,
            in_channels,
            out_channels,
            groups,
            batch,
            operation,
            input_type: match &engine.input_type {
                None => IntType::of_bits(DEFAULT_INPUT_BITS),
                Some(text) => int_type("input_type", text)?,
            },
            grad_type: match (op, &engine.input_type) {
                // What it reads is grad_output.
                (Op::ConvTranspose, Some(text)) => int_type("input_type", text)?,
                _ => int_type("grad_type", &engine.grad_type)?,
            },
            weight_type: int_type("weight_type", &engine.weight_type)?,
            weight_sets: in_range("engine.weight_sets", "", engine.weight_sets, 1, 2)?,
            zero_point: 0,
            packed_multipliers: engine.packed_multipliers,
            bias: engine.bias,
            bias_place: None,
            accumulate: engine.accumulate,
            mask: engine.mask,
            requantise: requantise(engine)?,
        };
        layer.zero_point = zero_point(&layer, engine.zero_point)?;
        layer.bias_place = layer.bias_bits();
        check_packing(&layer)?;
        check_widths(&layer)?;
        check_products(&layer)?;
        Ok(layer)
    }

    /// The images of a batch, where the file says, as it has to for a weight gradient.
    fn batch(&self, pass: Pass) -> Result<Option<u32>, LayerError> {
        match (self.layer.batch, pass) {
            (Some(batch), _) => in_range("layer.batch", "", batch, 1, MAX_SIZE).map(Some),
            (None, Pass::GradWeight) => Err(LayerError::NoBatch),
            (None, _) => Ok(None),
        }
    }

    fn axis(&self, names: &AxisNames) -> Result<Axis, LayerError> {
        let geometry = &self.layer;
        let index = names.index;
        let in_size = required("in_size", geometry.in_size)?.0[index];
        let kernel = required("kernel", geometry.kernel)?.0[index];
        let stride = geometry.stride.0[index];
        let dilation = geometry.dilation.0[index];
        let pad_before = geometry.padding.0[2 * index];
        let pad_after = geometry.padding.0[2 * index + 1];
        let item = names.axis;
        let mut axis = Axis {
            in_size: in_range("layer.in_size", item, in_size, 1, MAX_SIZE)?,
            out_size: 0,
            kernel: in_range("layer.kernel", item, kernel, 1, MAX_STEP)?,
            stride: in_range("layer.stride", item, stride, 1, MAX_STEP)?,
            dilation: in_range("layer.dilation", item, dilation, 1, MAX_STEP)?,
            pad_before: in_range("layer.padding", names.before, pad_before, 0, MAX_STEP)?,
            pad_after: in_range("layer.padding", names.after, pad_after, 0, MAX_STEP)?,
        };
        let out_size = geometry.out_size.map(|pair| pair.0[index]);
        axis.out_size = check_out_size(item, &axis, out_size)?;
        Ok(axis)
    }
}

/// What messages call an axis and its sides, and its place in a list of the layer file.
pub(super) struct AxisNames {
    pub(super) index: usize,
    pub(super) axis: &'static str,
    pub(super) before: &'static str,
    pub(super) after: &'static str,
}

pub(super) const ROWS: AxisNames = AxisNames {
    index: 0,
    axis: "rows",
    before: "top",
    after: "bottom",
};

pub(super) const COLUMNS: AxisNames = AxisNames {
    index: 1,
    axis: "columns",
    before: "left",
    after: "right",
};

pub(super) fn required<T>(key: &'static str, value: Option<T>) -> Result<T, LayerError> {
    value.ok_or_else(|| LayerError::Missing {
        key,
        flag: key.replace('_', "-"),
    })
}

/// Whether the groups divide both numbers of channels.
pub(super) fn check_groups(
    groups: u32,
    in_channels: u32,
    out_channels: u32,
) -> Result<(), LayerError> {
    for (key, channels) in [("in_channels", in_channels), ("out_channels", out_channels)] {
        if channels % groups != 0 {
            return Err(LayerError::Groups {
                groups,
                key,
                channels,
            });
        }
    }
    Ok(())
}

/// `least` and `greatest` must lie in the range of `u32`, as all limits here do.
pub(crate) fn in_range(
    key: &'static str,
    item: &str,
    value: i64,
    least: i64,
    greatest: i64,
) -> Result<u32, LayerError> {
    u32::try_from(value)
        .ok()
        .filter(|_| (least..=greatest).contains(&value))
        .ok_or_else(|| LayerError::Range {
            key,
            item: match item {
                "" => String::new(),
                _ => format!(" ({item})"),
            },
            value,
            least,
            greatest,
        })
}

/// P or Q: what was asked for, if the formula gives as much, or else what the formula gives.
///
/// The formula is floor((in_size + padding - dilation * (kernel - 1) - 1) / stride) + 1. Its numerator is negative
/// where the kernel does not fit, and a truncating division would then still give an output.
fn check_out_size(item: &'static str, axis: &Axis, wanted: Option<i64>) -> Result<u32, LayerError> {
    let padded = i64::from(axis.in_size) + i64::from(axis.pad_before) + i64::from(axis.pad_after);
    let span = i64::from(axis.dilation) * (i64::from(axis.kernel) - 1) + 1;
    let formula = (padded - span).div_euclid(i64::from(axis.stride)) + 1;
    if formula < 1 {
        return Err(LayerError::NoOutput { item, span, padded });
    }
    match wanted {
        Some(value) => in_range("layer.out_size", item, value, 1, MAX_SIZE).and_then(|size| {
            if value <= formula {
                Ok(size)
            } else {
                Err(LayerError::OutSize {
                    item,
                    value,
                    formula,
                })
            }
        }),
        None => {
            let item = format!("{item}, as it is not given");
            in_range("layer.out_size", &item, formula, 1, MAX_SIZE)
        }
    }
}

pub(crate) fn int_type(key: &'static str, text: &str) -> Result<IntType, LayerError> {
    text.parse().map_err(|_| LayerError::Type {
        key,
        text: text.to_owned(),
    })
}

pub(crate) fn requantise(engine: &Engine) -> Result<Option<Requantise>, LayerError> {
    if engine.out_type == ACCUMULATOR {
        let given = [
            ("scale_per", engine.scale_per.is_some()),
            ("scale_bits", engine.scale_bits.is_some()),
            ("shift", engine.shift.is_some()),
            ("rounding", engine.rounding.is_some()),
            ("out_zero_point", engine.out_zero_point.is_some()),
            ("activation", engine.activation.is_some()),
            ("out_min", engine.out_min.is_some()),
            ("out_max", engine.out_max.is_some()),
        ];
        return match given.iter().find(|(_, is_given)| *is_given) {
            Some((key, _)) => Err(LayerError::NothingScaled { key }),
            None => Ok(None),
        };
    }
    let out_type: IntType = engine.out_type.parse().map_err(|_| LayerError::OutType {
        text: engine.out_type.clone(),
    })?;
    let scale_per = choice("scale_per", &engine.scale_per, ScalePer::Tensor)?;
    let scale_bits = engine.scale_bits.unwrap_or(IntType::MAX_BITS.into());
    let (least, greatest) = (IntType::MIN_BITS, IntType::MAX_BITS);
    let scale_bits = in_range(
        "engine.scale_bits",
        "",
        scale_bits,
        least.into(),
        greatest.into(),
    )?;
    let rounding = choice("rounding", &engine.rounding, Rounding::NearestEven)?;
    let shift = engine.shift.ok_or_else(|| LayerError::NoShift {
        out_type: engine.out_type.clone(),
    })?;
    let shift = match rounding {
        Rounding::Stochastic => {
            let item = "with stochastic rounding";
            in_range("engine.shift", item, shift, 1, MAX_DRAW)?
        }
        _ => in_range("engine.shift", "", shift, 0, MAX_SHIFT)?,
    };
    let levels = levels(engine, out_type)?;
    Ok(Some(Requantise {
        out_type,
        scale_type: IntType::of_bits(scale_bits),
        scale_per,
        shift,
        rounding,
        zero_point: levels.zero_point,
        activation: levels.activation,
        bounds: levels.bounds,
    }))
}

/// A value that some type holds.
pub(crate) fn any_value(key: &'static str, value: i64) -> Result<i32, LayerError> {
    value_of(key, value, IntType::of_bits(IntType::MAX_BITS))
}

/// The zero point of what moves, if its type has it and leaves room for the difference.
fn zero_point(layer: &Layer, value: i64) -> Result<i32, LayerError> {
    let int_type = layer.moving_type();
    let point = value_of("engine.zero_point", value, int_type)?;
    if point != 0 && int_type.wider().is_none() {
        return Err(LayerError::ZeroPointType {
            zero_point: value,
            key: moving_key(layer),
            int_type,
        });
    }
    Ok(point)
}

/// The key of the type of what moves.
fn moving_key(layer: &Layer) -> &'static str {
    match layer.pass() {
        Pass::GradInput => "grad_type",
        Pass::Forward | Pass::GradWeight => "input_type",
    }
}

/// The choice that a key makes, or the default.
fn choice<C: Choice>(
    key: &'static str,
    text: &Option<String>,
    default: C,
) -> Result<C, LayerError> {
    Ok(perhaps_choice(key, text)?.unwrap_or(default))
}

/// The choice that a key makes, where it is there.
pub(super) fn perhaps_choice<C: Choice>(
    key: &'static str,
    text: &Option<String>,
) -> Result<Option<C>, LayerError> {
    let parse = |text: &String| {
        C::parse(text).ok_or_else(|| LayerError::Choice {
            key,
            text: text.clone(),
            words: C::words(),
        })
    };
    text.as_ref().map(parse).transpose()
}

pub(crate) fn check_name(name: &str) -> Result<(), LayerError> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_identifier =
        name.chars().all(is_word) && name.starts_with(|c: char| !c.is_ascii_digit());
    if !is_identifier || name.len() > MAX_NAME {
        return Err(LayerError::Name {
            name: name.to_owned(),
            greatest: MAX_NAME,
        });
    }
    if is_keyword(name) {
        return Err(LayerError::Keyword {
            name: name.to_owned(),
        });
    }
    if is_net(name) {
        return Err(LayerError::Net {
            name: name.to_owned(),
        });
    }
    Ok(())
}

fn check_packing(layer: &Layer) -> Result<(), LayerError> {
    if !layer.packed_multipliers() {
        return Ok(());
    }
    let (moving_type, stationary_type) = (layer.moving_type(), layer.stationary_type());
    let centred_bits = layer.centred_type().bits();
    // Two pixels share a weight; of one, or of three, two lanes over C may share a gradient.
    if layer.pixels() % 2 == 0 && packs(stationary_type.bits() as usize, centred_bits as usize) {
        return Ok(());
    }
    if layer.operation().depthwise {
        return Err(LayerError::PackedDepthwise);
    }
    if layer.pe() % 2 != 0 {
        return Err(LayerError::PackedOdd { pe: layer.pe() });
    }
    if !packs(centred_bits as usize, stationary_type.bits() as usize) {
        return Err(LayerError::PackedTypes {
            moving_key: moving_key(layer),
            moving_type,
            stationary_key: match layer.pass() {
                Pass::GradInput | Pass::Forward => "weight_type",
                Pass::GradWeight => "grad_type",
            },
            stationary_type,
            centred: match layer.zero_point() {
                0 => "",
                _ => ", one more for `engine.zero_point`,",
            },
            bits: centred_bits + 2 * stationary_type.bits(),
            greatest: PACKED_BITS as u32,
        });
    }
    Ok(())
}

fn check_widths(layer: &Layer) -> Result<(), LayerError> {
    let arrays = layer.pass().arrays();
    let pixels = u64::from(layer.pixels());
    let of_pixel = layer.multipliers() / pixels;
    let moving = match layer.operation().depthwise {
        true => layer.multipliers(),
        false => pixels * u64::from(layer.simd()),
    };
    let results = match pixels {
        1 => 0,
        pixels => pixels * u64::from(layer.pe()),
    };
    // Any may be the widest one: in a dense layer what moves is less than what is stationary, but may have more bits. Results
    // are wider where there are lanes over pixels.
    for (stream, values, value_bits) in [
        (arrays.moving.name, moving, layer.moving_type().bits()),
        (
            arrays.stationary.name,
            of_pixel,
            layer.stationary_type().bits(),
        ),
        (
            arrays.result.name,
            results,
            layer.sum_bits().next_multiple_of(8),
        ),
    ] {
        let bits = values * u64::from(value_bits);
        if bits > MAX_BEAT_BITS {
            return Err(LayerError::BeatWidth {
                simd: layer.simd(),
                pe: layer.pe(),
                bits,
                stream,
                greatest: MAX_BEAT_BITS,
            });
        }
    }
    check_stages(layer)
}

/// What the stages behind the accumulators can hold. Exact widths are the plan's; here every tap counts.
fn check_stages(layer: &Layer) -> Result<(), LayerError> {
    if !layer.has_stages() {
        return Ok(());
    }
    let bias_bits = layer.bias_bits().unwrap_or(0);
    let scale_bits = match layer.requantise() {
        Some(requantise) if requantise.scale_per == ScalePer::Channel => {
            requantise.scale_type.bits()
        }
        _ => 0,
    };
    let bits = u64::from(layer.pe()) * u64::from(bias_bits + scale_bits);
    if bits > MAX_BEAT_BITS {
        return Err(LayerError::BeatWidth {
            simd: layer.simd(),
            pe: layer.pe(),
            bits,
            stream: layer.pass().arrays().stationary.name,
            greatest: MAX_BEAT_BITS,
        });
    }
    check_staged(
        // With a bias a bit more.
        u64::from(layer.sum_bits()) + u64::from(layer.bias()),
        layer.pe(),
        layer.simd(),
        layer.pass(),
    )
}

/// The same for an accumulator of so many bits.
pub(crate) fn check_staged(
    acc_bits: u64,
    pe: u32,
    simd: u32,
    pass: Pass,
) -> Result<(), LayerError> {
    check_limit(
        "bits of an accumulator with a stage behind it",
        acc_bits.into(),
        MAX_STAGED_BITS,
    )?;
    // Wider than an accumulator's place on a stream is no beat's value behind it.
    let place = (acc_bits + 1).next_multiple_of(8);
    let bits = u64::from(pe) * place;
    if bits > MAX_BEAT_BITS {
        return Err(LayerError::BeatWidth {
            simd,
            pe,
            bits,
            stream: pass.arrays().result.name,
            greatest: MAX_BEAT_BITS,
        });
    }
    Ok(())
}

fn check_products(layer: &Layer) -> Result<(), LayerError> {
    let (operation, arrays) = (layer.operation(), layer.pass().arrays());
    let frame = |pixels: [usize; 3], beats: u32| {
        let [_, rows, cols] = pixels;
        rows as u128 * cols as u128 * u128::from(beats)
    };
    let consumed = frame(operation.moving_shape(), operation.moving_beats_per_pixel());
    let produced = frame(operation.result_shape(), operation.result_beats_per_pixel());
    let beats = |array: &str| format!("beats of {array} in a frame");
    check_limit(&beats(arrays.moving.name), consumed, MAX_WORDS)?;
    check_limit(&beats(arrays.result.name), produced, MAX_WORDS)?;
    let words = format!("words of {}", arrays.stationary.values);
    check_limit(&words, operation.stationary_words().into(), MAX_WORDS)?;
    // With these limits the other counts of a frame fit 64 bits, but for a weight gradient's zero insertion: that of the
    // others is at most 2^31 pixels' beats times 2^31 words of weights, and multiplications are at most 2^40 cycles times the lanes of a beat.
    let cycles = bound::Counts::new(layer).bound;
    check_limit("cycles of a frame", cycles, MAX_CYCLES)
}

fn check_limit(what: &str, value: u128, greatest: u128) -> Result<(), LayerError> {
    if value <= greatest {
        Ok(())
    } else {
        Err(LayerError::TooLarge {
            what: what.to_owned(),
            value,
            greatest,
        })
    }
}

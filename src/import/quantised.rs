//! A quantised convolution as a layer file: with the zero points, the bias and the scales of the model.
//!
//! Its results are those of the operator, as `docs/quantised.md` has it. Types are signed here: of unsigned data and of
//! their zero point 128 is taken off, and of unsigned results likewise.

use super::convolution::{given, tensor, Known, Placed};
use super::weights::Weights;
use super::Imported;
use crate::layer::{Engine, Geometry, Layer, LayerFile, Op, Pass};
use crate::onnx::proto::Node;
use crate::onnx::{Element, Tensor};

/// Half of what eight bits hold: what unsigned data are moved down by.
const HALF: f64 = 128.0;
/// The largest value of eight bits.
const LARGEST: f64 = 127.0;
/// The largest scale of 16 bits, and bits shifted out behind it.
const LARGEST_SCALE: f64 = 32_767.0;
const MOST_SHIFT: i32 = 48;
/// Lanes of each kind, where the layer has the channels.
const LANES: u32 = 4;

/// A layer of its own engine that does all that the operator does.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantised {
    /// The layer, forward.
    pub file: LayerFile,
    /// Biases, by channel of the output.
    pub bias: Option<Vec<i64>>,
    /// Scales, by channel of the output or one for all.
    pub scale: Option<Vec<i64>>,
    /// What an input and an output are to be multiplied by, where ranges gave that.
    pub real_scales: Option<[f64; 2]>,
    /// Whether 128 is to be taken off the input.
    pub unsigned_input: bool,
    /// Whether 128 is to be added to the output.
    pub unsigned_output: bool,
}

/// That of a quantised operator; `None` of others.
///
/// # Errors
/// What stands beside the weights is no constant, or beyond what an engine can be told.
pub(super) fn layer_file(
    node: &Node,
    name: &str,
    placed: &Placed,
    weights: &Weights,
    known: &Known,
) -> Result<Option<Quantised>, String> {
    let beside = |index: usize| tensor(given(node, Some(index)).unwrap_or(""), known);
    let one = |index: usize, what: &str| -> Result<Tensor, String> {
        let found = beside(index)?.filter(|tensor| tensor.values.len() == 1);
        found.ok_or_else(|| format!("the {what} is no constant of one value"))
    };
    let (input_zero, requantised, bias) = match node.op_type.as_str() {
        "QLinearConv" => {
            let factor = factors(node, known, &one)?;
            let zero = one(7, "zero point of its output")?;
            (
                one(2, "zero point of its input")?,
                Some((factor, zero)),
                beside(8)?,
            )
        }
        "ConvInteger" => {
            let zero = one(2, "zero point of its input")?;
            (zero, None, None)
        }
        _ => return Ok(None),
    };
    let unsigned_input = input_zero.element == Element::Unsigned;
    let mut engine = Engine {
        weight_type: format!("int{}", weight_bits(weights)),
        zero_point: signed(input_zero.values[0], unsigned_input)?,
        bias: bias.is_some(),
        ..lanes(&placed.layer)
    };
    let mut scale = None;
    let mut unsigned_output = false;
    if let Some((factors, zero)) = requantised {
        let (scales, shift) = scales(&factors)?;
        unsigned_output = zero.element == Element::Unsigned;
        engine.out_type = "int8".to_owned();
        engine.out_zero_point = Some(signed(zero.values[0], unsigned_output)?);
        engine.scale_per = (scales.len() > 1).then(|| "channel".to_owned());
        engine.shift = Some(shift.into());
        scale = Some(scales);
    }
    let file = LayerFile {
        name: name.to_owned(),
        layer: forward(&placed.layer, &placed.geometry),
        engine,
    };
    file.validate().map_err(|error| error.to_string())?;
    let bias = bias.map(|bias| biases(bias.values.iter().copied()));
    Ok(Some(Quantised {
        file,
        bias: bias.transpose()?,
        scale,
        real_scales: None,
        unsigned_input,
        unsigned_output,
    }))
}

/// A layer in floating point as a quantised one, whose input and output have these largest magnitudes.
///
/// # Errors
/// A number is beyond what an engine can be told.
pub(super) fn by_ranges(
    node: &Node,
    layer: &Imported,
    ranges: [f64; 2],
    known: &Known,
) -> Result<Quantised, String> {
    let weights = layer.weights.as_ref().and_then(|it| it.scales.as_ref());
    let weights = weights.ok_or("its weights are no constant")?;
    let real_scales = ranges.map(|largest| {
        if largest > 0.0 {
            largest / LARGEST
        } else {
            1.0
        }
    });
    let [input, output] = real_scales;
    let bias = tensor(given(node, Some(2)).unwrap_or(""), known)?;
    let bias = bias.map(|bias| {
        let unit = |index: usize| input * weights[index % weights.len()];
        let values = bias.values.iter().enumerate();
        biases(values.map(|(index, value)| (value / unit(index)).round_ties_even()))
    });
    let (scale, shift) = scales(
        &weights
            .iter()
            .map(|it| input * it / output)
            .collect::<Vec<_>>(),
    )?;
    let mut engine = lanes(&layer.layer);
    engine.bias = bias.is_some();
    engine.out_type = "int8".to_owned();
    engine.scale_per = (scale.len() > 1).then(|| "channel".to_owned());
    engine.shift = Some(shift.into());
    let file = LayerFile {
        name: layer.name.clone(),
        layer: forward(&layer.layer, &layer.geometry),
        engine,
    };
    file.validate().map_err(|error| error.to_string())?;
    Ok(Quantised {
        file,
        bias: bias.transpose()?,
        scale: Some(scale),
        real_scales: Some(real_scales),
        unsigned_input: false,
        unsigned_output: false,
    })
}

/// Types and lanes of a layer of eight bits.
fn lanes(layer: &Layer) -> Engine {
    let over = |channels: u32| match channels {
        1 if layer.groups() > 1 => layer.groups(),
        _ => channels,
    };
    let (from, to) = match layer.op() {
        Op::Conv => (layer.in_per_group(), layer.out_per_group()),
        Op::ConvTranspose => (layer.out_per_group(), layer.in_per_group()),
    };
    Engine {
        simd: from.min(LANES).into(),
        pe: over(to).min(LANES).into(),
        input_type: Some("int8".to_owned()),
        ..Engine::default()
    }
}

/// What the layer does forward.
fn forward(layer: &Layer, geometry: &Geometry) -> Geometry {
    Geometry {
        pass: (layer.op() == Op::Conv).then(|| Pass::Forward.to_string()),
        ..geometry.clone()
    }
}

/// What a sum is multiplied by, as the operator rounds it: in 32 bits of floating point.
fn factors(
    node: &Node,
    known: &Known,
    one: &impl Fn(usize, &str) -> Result<Tensor, String>,
) -> Result<Vec<f64>, String> {
    let input = one(1, "scale of its input")?.values[0] as f32;
    let output = one(6, "scale of its output")?.values[0] as f32;
    let weights = tensor(given(node, Some(4)).unwrap_or(""), known)?;
    let weights = weights.ok_or("the scale of its weights is no constant")?;
    let factors = weights
        .values
        .iter()
        .map(|&weight| f64::from(input * weight as f32 / output));
    Ok(factors.collect())
}

/// Integers over a power of two, as near to the factors as 16 bits are, and which power.
fn scales(factors: &[f64]) -> Result<(Vec<i64>, i32), String> {
    let largest = factors
        .iter()
        .fold(0_f64, |most, factor| most.max(factor.abs()));
    if !(largest > 0.0 && largest <= LARGEST_SCALE) || factors.iter().any(|it| !it.is_finite()) {
        return Err(format!("its scales come to a factor of {largest}"));
    }
    let shift = (LARGEST_SCALE / largest).log2().floor() as i32;
    let mut shift = shift.min(MOST_SHIFT);
    let scaled = |shift: i32| {
        factors
            .iter()
            .map(move |it| (it * 2_f64.powi(shift)).round_ties_even())
    };
    // What divides all by two is not needed, and a smaller shift is exact for more sums.
    while shift > 0 && scaled(shift).all(|it| it % 2.0 == 0.0) {
        shift -= 1;
    }
    Ok((scaled(shift).map(|it| it as i64).collect(), shift))
}

/// Biases are integers of 32 bits.
fn biases(values: impl Iterator<Item = f64>) -> Result<Vec<i64>, String> {
    let integer = |value: f64| -> Result<i64, String> {
        let integer = value as i32;
        match f64::from(integer) == value {
            true => Ok(integer.into()),
            false => Err(format!(
                "one of its biases is {value}, no integer of 32 bits"
            )),
        }
    };
    values.map(integer).collect()
}

/// A zero point of eight bits as a signed one.
fn signed(zero: f64, unsigned: bool) -> Result<i64, String> {
    let zero = if unsigned { zero - HALF } else { zero };
    match (-HALF..HALF).contains(&zero) {
        true => Ok(zero as i64),
        false => Err(format!("a zero point is {zero}, beyond eight bits")),
    }
}

/// Bits of the weights, eight at the least.
fn weight_bits(weights: &Weights) -> u32 {
    let bits = |&value: &i64| 65 - (value ^ (value >> 63)).leading_zeros();
    weights.values.iter().map(bits).max().unwrap_or(0).max(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_as_near_as_their_bits() {
        assert_eq!(scales(&[0.5]), Ok((vec![1], 1)));
        assert_eq!(scales(&[3.0, 0.75]), Ok((vec![12, 3], 2)));
        let (scale, shift) = scales(&[0.3]).unwrap();
        assert!((16_384..=32_767).contains(&scale[0]), "{scale:?}");
        assert!((scale[0] as f64 / 2_f64.powi(shift) - 0.3).abs() < 0.3 / 32_768.0);
        for wrong in [0.0, 40_000.0, f64::INFINITY, f64::NAN] {
            assert!(scales(&[wrong]).is_err(), "{wrong}");
        }
    }
}

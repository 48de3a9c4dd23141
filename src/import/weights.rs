//! Weights as integers: as the model has them, or made so.

use ndarray::Array4;
use serde::Serialize;

use crate::layer::Op;
use crate::onnx::{Element, Tensor};

/// How weights in floating point become integers: symmetrically, the largest being the type's largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantise {
    /// By one scale for a layer.
    Tensor,
    /// By one for each channel of its output.
    Channel,
}

/// Weights of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// (K, C/groups, R, S), of a transposed convolution (C, K/groups, R, S).
    pub values: Array4<i64>,
    /// What a value is to be multiplied by, for all or for each channel of the output; `None` where the model does not
    /// say.
    pub scales: Option<Vec<f64>>,
}

/// Integers with scale and zero point, as far as the model has them.
pub(super) struct Stored {
    pub(super) values: Tensor,
    pub(super) scale: Option<Tensor>,
    pub(super) zero_point: Option<Tensor>,
}

/// Whose weights they are.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) op: Op,
    pub(super) groups: usize,
    /// Shape of the weights.
    pub(super) dims: [usize; 4],
    /// Bits that a weight may have.
    pub(super) bits: u32,
}

impl Whose {
    /// Channels of the output.
    fn channels(&self) -> usize {
        match self.op {
            Op::Conv => self.dims[0],
            Op::ConvTranspose => self.dims[1] * self.groups,
        }
    }

    /// The channel of the output that a weight is of.
    fn channel(&self, index: usize) -> usize {
        let [first, second, rows, columns] = self.dims;
        let taps = rows * columns;
        let (from, to) = (index / (second * taps), index / taps % second);
        match self.op {
            Op::Conv => from,
            Op::ConvTranspose => from / (first / self.groups) * second + to,
        }
    }

    /// One number for all, or one for each channel, as one for each channel.
    fn by_channel(&self, what: &str, tensor: &Tensor) -> Result<Vec<f64>, String> {
        let channels = self.channels();
        match tensor.values.as_slice() {
            &[one] => Ok(vec![one; channels]),
            all if all.len() == channels => Ok(all.to_vec()),
            all => Err(format!(
                "the {what} of its weights has {} values, and there are {channels} channels of the output",
                all.len()
            )),
        }
    }

    fn array(&self, values: Vec<i64>) -> Result<Array4<i64>, String> {
        let [a, b, c, d] = self.dims;
        Array4::from_shape_vec((a, b, c, d), values)
            .map_err(|_| "its weights have another shape than is stated".to_owned())
    }
}

/// Integers less their zero point.
///
/// # Errors
/// They are beyond the type of weights, or what stands beside them does not fit them.
pub(super) fn stored(whose: Whose, stored: &Stored) -> Result<Weights, String> {
    let zeros = match &stored.zero_point {
        None => vec![0.0; whose.channels()],
        Some(zeros) => whose.by_channel("zero point", zeros)?,
    };
    let greatest = i64::MAX >> (64 - whose.bits);
    let mut values = Vec::new();
    for (index, value) in stored.values.values.iter().enumerate() {
        let value = (value - zeros[whose.channel(index)]) as i64;
        if !(!greatest..=greatest).contains(&value) {
            let bits = whose.bits;
            return Err(format!("its weights less their zero point come to {value}, and int{bits} ends at {greatest}"));
        }
        values.push(value);
    }
    let scales = match &stored.scale {
        None => None,
        Some(scale) if scale.values.len() == 1 => Some(scale.values.clone()),
        Some(scale) => Some(whose.by_channel("scale", scale)?),
    };
    Ok(Weights {
        values: whose.array(values)?,
        scales,
    })
}

/// Numbers in floating point, made integers.
///
/// # Errors
/// One of them is none.
pub(super) fn quantised(whose: Whose, tensor: &Tensor, how: Quantise) -> Result<Weights, String> {
    let channels = whose.channels();
    let mut largest = vec![0_f64; channels];
    for (index, value) in tensor.values.iter().enumerate() {
        if !value.is_finite() {
            return Err(format!("one of its weights is {value}"));
        }
        let of_channel = &mut largest[whose.channel(index)];
        *of_channel = of_channel.max(value.abs());
    }
    if how == Quantise::Tensor {
        let all = largest.iter().copied().fold(0.0, f64::max);
        largest = vec![all; channels];
    }
    let greatest = (i64::MAX >> (64 - whose.bits)) as f64;
    // Where all are zero, any scale does.
    let scales: Vec<f64> = largest
        .iter()
        .map(|&largest| {
            if largest > 0.0 {
                largest / greatest
            } else {
                1.0
            }
        })
        .collect();
    let values = tensor.values.iter().enumerate().map(|(index, value)| {
        let scaled = value / scales[whose.channel(index)];
        scaled.round_ties_even().clamp(-greatest, greatest) as i64
    });
    Ok(Weights {
        values: whose.array(values.collect())?,
        scales: Some(match how {
            Quantise::Tensor => scales.into_iter().take(1).collect(),
            Quantise::Channel => scales,
        }),
    })
}

/// Whether these are integers.
pub(super) fn are_integers(tensor: &Tensor) -> bool {
    tensor.element != Element::Float
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(values: &[f64]) -> Tensor {
        Tensor {
            dims: vec![values.len()],
            element: Element::Float,
            values: values.to_vec(),
        }
    }

    fn whose(op: Op) -> Whose {
        Whose {
            op,
            groups: 2,
            dims: [4, 2, 1, 1],
            bits: 8,
        }
    }

    const VALUES: [f64; 8] = [1.0, -2.0, 0.5, 0.25, 0.0, 0.0, 4.0, -8.0];

    #[test]
    fn each_channel_has_its_scale() {
        let found = quantised(whose(Op::Conv), &tensor(&VALUES), Quantise::Channel).unwrap();
        let scales: Vec<f64> = [2.0, 0.5, 127.0, 8.0].iter().map(|it| it / 127.0).collect();
        assert_eq!(found.scales, Some(scales));
        let values: Vec<i64> = found.values.into_iter().collect();
        // 63.5 to the even one of its neighbours.
        assert_eq!(values, [64, -127, 127, 64, 0, 0, 64, -127]);
        // (C, K/groups): 0 and 1 are of group 0, with channels 0 and 1 each.
        let whose = whose(Op::ConvTranspose);
        let channels: Vec<usize> = (0..8).map(|index| whose.channel(index)).collect();
        assert_eq!(channels, [0, 1, 0, 1, 2, 3, 2, 3]);
        let one = quantised(whose, &tensor(&VALUES), Quantise::Tensor).unwrap();
        assert_eq!(one.scales, Some(vec![8.0 / 127.0]));
        let infinite = quantised(whose, &tensor(&[f64::NAN; 8]), Quantise::Tensor);
        assert_eq!(infinite.unwrap_err(), "one of its weights is NaN");
    }

    #[test]
    fn zero_points_are_taken_off() {
        let of = |zero_point: Option<&[f64]>, values: &[f64]| {
            let integers = Stored {
                values: tensor(values),
                scale: None,
                zero_point: zero_point.map(tensor),
            };
            stored(whose(Op::Conv), &integers).map(|it| it.values.into_iter().collect::<Vec<_>>())
        };
        let values = [200.0, 100.0, 128.0, 128.0, 0.0, 1.0, 2.0, 255.0];
        assert_eq!(
            of(Some(&[128.0]), &values),
            Ok(vec![72, -28, 0, 0, -128, -127, -126, 127])
        );
        let by_channel = of(Some(&[128.0, 128.0, 0.0, 255.0]), &values);
        assert_eq!(
            by_channel.unwrap_err(),
            "its weights less their zero point come to -253, and int8 ends at 127"
        );
        assert!(of(None, &values).is_err());
        assert!(of(Some(&[1.0, 2.0]), &values)
            .unwrap_err()
            .contains("has 2 values"));
    }
}

//! A model run in floating point on an input that a user gives, for how large the values of its layers are.
//!
//! Convolutions are those that became layers. Of other operators those are run that stand between them in most models;
//! what another one gives, and all that follows from it, stays unknown.

use std::collections::HashMap;

use ndarray::{concatenate, Array4, ArrayD, ArrayView4, Axis, Ix4, IxDyn, Zip};

use super::attributes::{attribute, int, ints, text};
use super::convolution::{tensor, Known};
use super::Imported;
use crate::layer::{Layer, Op};
use crate::onnx::proto::Node;

/// Values at the most of all that is held at once.
const MOST_VALUES: usize = 1 << 28;

/// The values that are known.
pub(super) struct Values {
    values: HashMap<String, ArrayD<f32>>,
    held: usize,
}

impl Values {
    /// The model's input.
    pub(super) fn new(name: &str, input: ArrayD<f32>) -> Self {
        Self {
            held: input.len(),
            values: HashMap::from([(name.to_owned(), input)]),
        }
    }

    /// The largest magnitude of a value's numbers, where they are known.
    pub(super) fn largest(&self, name: &str) -> Option<f64> {
        let value = self.values.get(name)?;
        let largest = value.iter().fold(0_f32, |most, it| most.max(it.abs()));
        Some(largest.into())
    }

    fn put(&mut self, node: &Node, value: Option<ArrayD<f32>>) {
        if let (Some(output), Some(value)) = (node.outputs.first(), value) {
            self.held += value.len();
            if self.held <= MOST_VALUES {
                self.values.insert(output.clone(), value);
            }
        }
    }

    fn four(&self, name: &str) -> Option<ArrayView4<'_, f32>> {
        self.values
            .get(name)?
            .view()
            .into_dimensionality::<Ix4>()
            .ok()
    }

    /// A node that became a layer, with its weights as the model has them.
    pub(super) fn layer(&mut self, node: &Node, layer: &Imported, known: &Known) {
        let input = |index: usize| node.inputs.get(index).map_or("", String::as_str);
        let value = || {
            let weight = constant(input(1), known)?
                .into_dimensionality::<Ix4>()
                .ok()?;
            let bias = constant(input(2), known);
            let x = self.four(input(0))?;
            convolution(&layer.layer, x, &weight, bias.as_ref())
        };
        let value = match layer.op_type.as_str() {
            "Conv" | "ConvTranspose" => value(),
            _ => None,
        };
        self.put(node, value);
    }

    /// A node that is no convolution.
    pub(super) fn follow(&mut self, node: &Node, known: &Known) {
        let value = self.output(node, known);
        self.put(node, value);
    }

    fn output(&self, node: &Node, known: &Known) -> Option<ArrayD<f32>> {
        let operand = |index: usize| -> Option<ArrayD<f32>> {
            let name = node.inputs.get(index)?;
            self.values
                .get(name)
                .cloned()
                .or_else(|| constant(name, known))
        };
        let float = |name: &str, default: f32| attribute(node, name).map_or(default, |it| it.float);
        let x = self.values.get(node.inputs.first()?);
        Some(match node.op_type.as_str() {
            "Identity" | "Dropout" => x?.clone(),
            "Relu" => x?.mapv(|it| it.max(0.0)),
            "LeakyRelu" => {
                let slope = float("alpha", 0.01);
                x?.mapv(|it| if it < 0.0 { slope * it } else { it })
            }
            "Sigmoid" => x?.mapv(|it| 1.0 / (1.0 + (-it).exp())),
            "Tanh" => x?.mapv(f32::tanh),
            "Clip" => {
                let bound = |index: usize, name: &str, default: f32| {
                    let given = operand(index).and_then(|it| it.first().copied());
                    given.unwrap_or(float(name, default))
                };
                let (least, most) = (bound(1, "min", f32::MIN), bound(2, "max", f32::MAX));
                x?.mapv(|it| it.max(least).min(most))
            }
            "BatchNormalization" => normalised(x?, float("epsilon", 1e-5), &operand)?,
            "Add" | "Sub" | "Mul" | "Div" => {
                let (first, second) = (operand(0)?, operand(1)?);
                let of: fn(f32, f32) -> f32 = match node.op_type.as_str() {
                    "Add" => |a, b| a + b,
                    "Sub" => |a, b| a - b,
                    "Mul" => |a, b| a * b,
                    _ => |a, b| a / b,
                };
                together(&first, &second, of)?
            }
            "Concat" => {
                let all: Option<Vec<&ArrayD<f32>>> = node
                    .inputs
                    .iter()
                    .map(|name| self.values.get(name))
                    .collect();
                let views: Vec<_> = all?.into_iter().map(|it| it.view()).collect();
                let axes = views.first()?.ndim() as i64;
                let axis = int(node, "axis", 0);
                let axis = usize::try_from(if axis < 0 { axis + axes } else { axis }).ok()?;
                if axis as i64 >= axes {
                    return None;
                }
                if views.iter().map(|it| it.len()).sum::<usize>() > MOST_VALUES {
                    return None;
                }
                concatenate(Axis(axis), &views).ok()?
            }
            "MaxPool" | "AveragePool" => pooled(node, self.four(node.inputs.first()?)?)?,
            _ => return None,
        })
    }
}

/// A constant in floating point.
fn constant(name: &str, known: &Known) -> Option<ArrayD<f32>> {
    let tensor = tensor(name, known).ok()??;
    let values = tensor.values.iter().map(|&value| value as f32).collect();
    ArrayD::from_shape_vec(IxDyn(&tensor.dims), values).ok()
}

/// By channel: scale, offset, mean and variance stand behind the input.
fn normalised(
    x: &ArrayD<f32>,
    epsilon: f32,
    operand: &impl Fn(usize) -> Option<ArrayD<f32>>,
) -> Option<ArrayD<f32>> {
    let [scale, offset, mean, variance] = [operand(1)?, operand(2)?, operand(3)?, operand(4)?];
    let mut y = x.clone();
    if x.ndim() < 2
        || [&scale, &offset, &mean, &variance]
            .iter()
            .any(|it| it.len() != x.shape()[1])
    {
        return None;
    }
    let mut by_channel = scale.iter().zip(&offset).zip(mean.iter().zip(&variance));
    for mut channel in y.axis_iter_mut(Axis(1)) {
        let ((scale, offset), (mean, variance)) = by_channel.next()?;
        let factor = scale / (variance + epsilon).sqrt();
        channel.mapv_inplace(|it| (it - mean) * factor + offset);
    }
    Some(y)
}

/// Of two arrays one of which is stretched to the other.
fn together(
    first: &ArrayD<f32>,
    second: &ArrayD<f32>,
    of: fn(f32, f32) -> f32,
) -> Option<ArrayD<f32>> {
    let shape = match second.broadcast(first.raw_dim()) {
        Some(_) => first.raw_dim(),
        None => second.raw_dim(),
    };
    let (first, second) = (first.broadcast(shape.clone())?, second.broadcast(shape)?);
    Some(Zip::from(first).and(second).map_collect(|&a, &b| of(a, b)))
}

/// The pixel of the input that a tap of an output meets, if there is one.
fn met(
    output: usize,
    tap: usize,
    stride: u32,
    dilation: u32,
    before: u32,
    size: usize,
) -> Option<usize> {
    let place = output * stride as usize + tap * dilation as usize;
    place
        .checked_sub(before as usize)
        .filter(|&place| place < size)
}

/// A layer's output.
fn convolution(
    layer: &Layer,
    x: ArrayView4<f32>,
    weight: &Array4<f32>,
    bias: Option<&ArrayD<f32>>,
) -> Option<ArrayD<f32>> {
    let (rows, cols) = (layer.rows(), layer.cols());
    let transposed = layer.op() == Op::ConvTranspose;
    let size = |gradient: bool| match gradient {
        true => [rows.in_size as usize, cols.in_size as usize],
        false => [rows.out_size as usize, cols.out_size as usize],
    };
    let [height, width] = size(transposed);
    let channels = match transposed {
        true => layer.in_channels() as usize,
        false => layer.out_channels() as usize,
    };
    let (c, k) = (
        layer.in_per_group() as usize,
        layer.out_per_group() as usize,
    );
    let frames = x.shape()[0];
    if frames.checked_mul(channels)?.checked_mul(height * width)? > MOST_VALUES {
        return None;
    }
    let mut y = Array4::zeros((frames, channels, height, width));
    if let Some(bias) = bias.filter(|it| it.len() == channels) {
        for (mut channel, &bias) in y.axis_iter_mut(Axis(1)).zip(bias) {
            channel.fill(bias);
        }
    }
    let [out_rows, out_cols] = size(false);
    let [in_rows, in_cols] = size(true);
    for ((out, from, r, s), &w) in weight.indexed_iter() {
        // K, and C within its group.
        let into = out / k * c + from;
        for p in 0..out_rows {
            let Some(h) = met(p, r, rows.stride, rows.dilation, rows.pad_before, in_rows) else {
                continue;
            };
            for q in 0..out_cols {
                let Some(v) = met(q, s, cols.stride, cols.dilation, cols.pad_before, in_cols)
                else {
                    continue;
                };
                for n in 0..frames {
                    match transposed {
                        true => y[[n, into, h, v]] += w * x.get([n, out, p, q])?,
                        false => y[[n, out, p, q]] += w * x.get([n, into, h, v])?,
                    }
                }
            }
        }
    }
    Some(y.into_dyn())
}

/// The largest of each window, or the mean of those that are there.
fn pooled(node: &Node, x: ArrayView4<f32>) -> Option<ArrayD<f32>> {
    let kernel = attribute(node, "kernel_shape")?;
    let kernel = <[i64; 2]>::try_from(kernel.ints.as_slice()).ok()?;
    let strides = ints(node, "strides", [1; 2]).ok()?;
    let pads = ints(node, "pads", [0; 4]).ok()?;
    let plain = int(node, "ceil_mode", 0) == 0
        && int(node, "count_include_pad", 0) == 0
        && attribute(node, "dilations").is_none_or(|it| it.ints.iter().all(|&it| it == 1))
        && ["", "NOTSET"].contains(&text(node, "auto_pad").as_str());
    let small = |numbers: &[i64], least: i64| numbers.iter().all(|it| (least..4096).contains(it));
    if !(plain && small(&kernel, 1) && small(&strides, 1) && small(&pads, 0)) {
        return None;
    }
    let (frames, channels, height, width) = x.dim();
    let size = |axis: usize, length: usize| {
        let padded = length as i64 + pads[axis] + pads[axis + 2] - kernel[axis];
        usize::try_from(padded)
            .ok()
            .map(|it| it / strides[axis] as usize + 1)
    };
    let (out_rows, out_cols) = (size(0, height)?, size(1, width)?);
    // Each is at most as long as the input and its padding.
    let pixels = out_rows.checked_mul(out_cols)?;
    if frames.checked_mul(channels)?.checked_mul(pixels)? > MOST_VALUES {
        return None;
    }
    let is_max = node.op_type == "MaxPool";
    let y = Array4::from_shape_fn((frames, channels, out_rows, out_cols), |(n, c, p, q)| {
        let (mut largest, mut sum, mut count) = (f32::NEG_INFINITY, 0.0, 0.0);
        for r in 0..kernel[0] {
            for s in 0..kernel[1] {
                let h = p as i64 * strides[0] + r - pads[0];
                let v = q as i64 * strides[1] + s - pads[1];
                if (0..height as i64).contains(&h) && (0..width as i64).contains(&v) {
                    let value = x[[n, c, h as usize, v as usize]];
                    largest = largest.max(value);
                    sum += value;
                    count += 1.0;
                }
            }
        }
        match is_max {
            true => largest,
            false => sum / count,
        }
    });
    Some(y.into_dyn())
}

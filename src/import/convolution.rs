//! A node as a layer.

use std::collections::HashMap;
use std::path::Path;

use super::attributes::{attribute, int, ints, text};
use super::shapes::Shapes;
use super::weights::{are_integers, quantised, stored, Quantise, Stored, Weights, Whose};
use crate::layer::{Geometry, Layer, LayerFile, Op, PerItem};
use crate::onnx::proto::{Node, TensorMessage};
use crate::onnx::Tensor;

/// Numbers of axes are small.
const MOST: i64 = 1 << 24;

/// What is known of a graph where a node stands.
pub(super) struct Known<'a> {
    pub(super) folder: &'a Path,
    pub(super) shapes: Shapes,
    pub(super) constants: HashMap<&'a str, &'a TensorMessage>,
    /// Values that are constants times a scale: the constant, the scale and, if there is one, the zero point.
    pub(super) scaled: HashMap<&'a str, [&'a str; 3]>,
}

/// A layer without its weights.
pub(super) struct Placed<'a> {
    inputs: Inputs,
    weight: &'a str,
    whose: Whose,
    pub(super) layer: Layer,
    pub(super) geometry: Geometry,
    /// Images of a batch; `None` where the model leaves that open.
    pub(super) batch: Option<u64>,
}

/// Where a node has its weights, and what stands beside them.
struct Inputs {
    op: Op,
    weight: usize,
    weight_scale: Option<usize>,
    weight_zero: Option<usize>,
    input_zero: Option<usize>,
    bias: Option<usize>,
}

/// Those of an operator, if it is a convolution that can be mapped.
fn inputs(op_type: &str) -> Option<Inputs> {
    let plain = |op| Inputs {
        op,
        weight: 1,
        weight_scale: None,
        weight_zero: None,
        input_zero: None,
        bias: Some(2),
    };
    Some(match op_type {
        "Conv" => plain(Op::Conv),
        "ConvTranspose" => plain(Op::ConvTranspose),
        "QLinearConv" => Inputs {
            weight: 3,
            weight_scale: Some(4),
            weight_zero: Some(5),
            input_zero: Some(2),
            bias: Some(8),
            ..plain(Op::Conv)
        },
        "ConvInteger" => Inputs {
            weight_zero: Some(3),
            input_zero: Some(2),
            bias: None,
            ..plain(Op::Conv)
        },
        _ => return None,
    })
}

/// Whether an operator is a convolution of some kind, by its name.
pub(super) fn is_convolution(op_type: &str) -> bool {
    op_type.contains("Conv")
}

/// The layer of a node that is a convolution.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn placed<'a>(
    node: &'a Node,
    name: &str,
    known: &Known,
    weight_bits: u32,
) -> Result<Placed<'a>, String> {
    if !["", "ai.onnx"].contains(&node.domain.as_str()) {
        return Err(format!(
            "it is an operator of {:?}, not of ONNX",
            node.domain
        ));
    }
    let Some(inputs) = inputs(&node.op_type) else {
        return Err("this kind of convolution is not one that the engine computes".to_owned());
    };
    let input = given(node, Some(0)).ok_or("it has no input")?;
    let weight = given(node, Some(inputs.weight)).ok_or("it has no weights")?;
    let dims = weight_dims(weight, known)?;
    let (batch, size) = input_shape(input, known)?;
    let whose = Whose {
        op: inputs.op,
        groups: usize::try_from(int(node, "group", 1)).unwrap_or(0),
        dims,
        bits: weight_bits,
    };
    let geometry = geometry(node, whose, size)?;
    let file = LayerFile {
        name: name.to_owned(),
        layer: geometry.clone(),
        ..LayerFile::default()
    };
    let layer = file.validate().map_err(|error| error.to_string())?;
    check_output(node, &layer, known)?;
    Ok(Placed {
        inputs,
        weight,
        whose,
        layer,
        geometry,
        batch,
    })
}

/// An input of a node that is there.
pub(super) fn given(node: &Node, index: Option<usize>) -> Option<&str> {
    let name = node.inputs.get(index?).map(String::as_str);
    name.filter(|name| !name.is_empty())
}

impl Placed<'_> {
    /// How many weights it has; valid layers have far fewer than 2^64.
    pub(super) fn weight_count(&self) -> u64 {
        self.whose.dims.iter().map(|&dim| dim as u64).product()
    }

    /// What of the node is left out.
    ///
    /// # Errors
    /// A constant is none that can be read.
    pub(super) fn notes(&self, node: &Node, known: &Known) -> Result<Vec<String>, String> {
        let mut notes = Vec::new();
        let zeros = given(node, self.inputs.input_zero);
        if let Some(zeros) = tensor(zeros.unwrap_or(""), known)? {
            if let Some(&zero) = zeros.values.first().filter(|&&zero| zero != 0.0) {
                notes.push(format!(
                    "its input has zero point {zero}: what goes into the engine is less that"
                ));
            }
        }
        if node.op_type == "QLinearConv" {
            notes.push("scale and zero point of its output are left out of the network".to_owned());
        }
        if given(node, self.inputs.bias).is_some() {
            notes.push("its bias is left out of the network".to_owned());
        }
        Ok(notes)
    }

    /// Its weights as integers; `None` where they are no constant.
    ///
    /// # Errors
    /// They cannot be read, or be integers of the engine's type.
    pub(super) fn weights(
        &self,
        node: &Node,
        known: &Known,
        quantise: Option<Quantise>,
    ) -> Result<Option<Weights>, String> {
        let integers = match known.scaled.get(self.weight) {
            Some(&[values, scale, zero_point]) => Stored {
                values: match tensor(values, known)? {
                    Some(values) => values,
                    None => return Ok(None),
                },
                scale: tensor(scale, known)?,
                zero_point: tensor(zero_point, known)?,
            },
            None => {
                let Some(values) = tensor(self.weight, known)? else {
                    return Ok(None);
                };
                if !are_integers(&values) {
                    let how = quantise.ok_or(FLOATS)?;
                    return quantised(self.whose, &values, how).map(Some);
                }
                let beside = |index| tensor(given(node, index).unwrap_or(""), known);
                Stored {
                    values,
                    scale: beside(self.inputs.weight_scale)?,
                    zero_point: beside(self.inputs.weight_zero)?,
                }
            }
        };
        stored(self.whose, &integers).map(Some)
    }
}

const FLOATS: &str =
    "its weights are in floating point: `--quantise tensor` or `--quantise channel` makes them integers";

/// Shape of the weights.
fn weight_dims(weight: &str, known: &Known) -> Result<[usize; 4], String> {
    let constant = known
        .scaled
        .get(weight)
        .map_or(weight, |[constant, ..]| constant);
    let shape = known
        .shapes
        .of(constant)
        .or_else(|| known.shapes.of(weight));
    let shape = shape.ok_or_else(|| format!("the shape of its weights {weight:?} is not known"))?;
    check_axes(shape.len())?;
    let dims: Option<Vec<usize>> = shape
        .iter()
        .map(|dim| usize::try_from((*dim)?).ok().filter(|&dim| dim > 0))
        .collect();
    let dims = dims.and_then(|dims| <[usize; 4]>::try_from(dims).ok());
    dims.ok_or_else(|| format!("the shape of its weights {weight:?} is not fixed, or has a zero"))
}

fn check_axes(axes: usize) -> Result<(), String> {
    match axes {
        4 => Ok(()),
        3 | 5 => Err(format!(
            "it is {}-D, and the engine's layers are 2-D",
            axes - 2
        )),
        _ => Err(format!("it has values of {axes} axes, and 4 are needed")),
    }
}

/// Images of a batch, and channels, rows and columns.
fn input_shape(input: &str, known: &Known) -> Result<(Option<u64>, [i64; 3]), String> {
    let shape = known.shapes.of(input).ok_or_else(|| {
        format!(
            "the shape of its input {input:?} is not known: the model states none, and none follows from what stands before; \
             `onnx.shape_inference` writes shapes into a model"
        )
    })?;
    check_axes(shape.len())?;
    let lengths: Option<Vec<i64>> = shape[1..]
        .iter()
        .map(|dim| i64::try_from((*dim)?).ok().filter(|&dim| dim < MOST))
        .collect();
    let size = lengths.and_then(|lengths| <[i64; 3]>::try_from(lengths).ok());
    match size {
        Some(size) => Ok((shape[0], size)),
        None => Err(format!(
            "channels, rows and columns of its input {input:?} are not fixed, or beyond all sizes: export the model for a size"
        )),
    }
}

/// The layer's numbers.
fn geometry(
    node: &Node,
    whose: Whose,
    [channels, rows, columns]: [i64; 3],
) -> Result<Geometry, String> {
    let groups = int(node, "group", 1);
    if !(1..MOST).contains(&groups) {
        return Err(format!("its `group` is {groups}"));
    }
    let [first, second, kernel_rows, kernel_columns] = whose.dims.map(|dim| dim as i64);
    let kernel = [kernel_rows, kernel_columns];
    if ints(node, "kernel_shape", kernel)? != kernel {
        return Err(format!(
            "its `kernel_shape` is not that of its weights, {kernel_rows} x {kernel_columns}"
        ));
    }
    let of_groups = |channels: i64| channels.checked_mul(groups).unwrap_or(i64::MAX);
    let (in_channels, out_channels) = match whose.op {
        Op::Conv => (of_groups(second), first),
        Op::ConvTranspose => (first, of_groups(second)),
    };
    if in_channels != channels {
        return Err(format!(
            "its input has {channels} channels, and its weights are for {in_channels}"
        ));
    }
    let below = |it: &i64| it.unsigned_abs() < MOST.unsigned_abs();
    let small = |name: &str, numbers: &[i64]| match numbers.iter().all(below) {
        true => Ok(()),
        false => Err(format!("its `{name}` has numbers beyond all sizes")),
    };
    let (strides, dilations) = (
        ints(node, "strides", [1; 2])?,
        ints(node, "dilations", [1; 2])?,
    );
    small("strides", &strides)?;
    small("dilations", &dilations)?;
    if strides.iter().chain(&dilations).any(|&it| it < 1) {
        return Err("its `strides` or `dilations` are below 1".to_owned());
    }
    let mut axes = Vec::new();
    for axis in 0..2 {
        axes.push(Along {
            size: [rows, columns][axis],
            stride: strides[axis],
            span: dilations[axis] * (kernel[axis] - 1) + 1,
        });
    }
    let padding = match whose.op {
        Op::Conv => padding(node, &axes)?,
        Op::ConvTranspose => transposed_padding(node, &axes)?,
    };
    let [begin, end, more] = padding;
    small("pads", &[begin, end, more].concat())?;
    if begin.iter().chain(&end).any(|&pad| pad < 0) {
        return Err("it crops, by a padding below zero".to_owned());
    }
    Ok(Geometry {
        op: (whose.op == Op::ConvTranspose).then(|| "conv_transpose".to_owned()),
        in_channels: Some(in_channels),
        out_channels: Some(out_channels),
        in_size: Some(PerItem([rows, columns])),
        kernel: Some(PerItem(kernel)),
        stride: PerItem(strides),
        dilation: PerItem(dilations),
        padding: PerItem([begin[0], end[0], begin[1], end[1]]),
        groups,
        output_padding: (more != [0; 2]).then_some(PerItem(more)),
        ..Geometry::default()
    })
}

/// An axis of a layer.
struct Along {
    /// Of its input.
    size: i64,
    stride: i64,
    /// Of its kernel, with its dilation.
    span: i64,
}

/// Of rows and columns what is padded before, after, and added to the output.
type Padding = [[i64; 2]; 3];

/// That of a convolution.
fn padding(node: &Node, axes: &[Along]) -> Result<Padding, String> {
    let auto_pad = text(node, "auto_pad");
    let pads = ints(node, "pads", [0; 4])?;
    match auto_pad.as_str() {
        "" | "NOTSET" => Ok([[pads[0], pads[1]], [pads[2], pads[3]], [0; 2]]),
        "VALID" => Ok([[0; 2]; 3]),
        "SAME_UPPER" | "SAME_LOWER" => {
            let mut padding = [[0; 2]; 3];
            for (axis, along) in axes.iter().enumerate() {
                let outputs = (along.size + along.stride - 1) / along.stride;
                let total = ((outputs - 1) * along.stride + along.span - along.size).max(0);
                let less = total / 2;
                (padding[0][axis], padding[1][axis]) = match auto_pad.as_str() {
                    "SAME_UPPER" => (less, total - less),
                    _ => (total - less, less),
                };
            }
            Ok(padding)
        }
        other => Err(format!(
            "its `auto_pad` is {other:?}, which is none of ONNX"
        )),
    }
}

/// That of a transposed convolution. Where the output's size is given, the paddings are what it leaves of the whole;
/// where it is more than the whole, it is zeros behind.
fn transposed_padding(node: &Node, axes: &[Along]) -> Result<Padding, String> {
    let auto_pad = text(node, "auto_pad");
    let more = ints(node, "output_padding", [0; 2])?;
    if more.iter().any(|more| !(0..MOST).contains(more)) {
        return Err("its `output_padding` is below zero, or beyond all sizes".to_owned());
    }
    let wanted = match (attribute(node, "output_shape"), auto_pad.as_str()) {
        (Some(shape), _) => match *shape.ints.as_slice() {
            [rows, columns] | [_, _, rows, columns] => Some([rows, columns]),
            _ => return Err("its `output_shape` is not that of two axes".to_owned()),
        },
        (None, "SAME_UPPER" | "SAME_LOWER") => {
            Some([0, 1].map(|axis| axes[axis].size * axes[axis].stride))
        }
        (None, _) => None,
    };
    let Some(wanted) = wanted else {
        let [begin, end, _] = padding(node, axes)?;
        return Ok([begin, end, more]);
    };
    let mut padding = [[0; 2], [0; 2], more];
    for (axis, along) in axes.iter().enumerate() {
        if !(1..MOST).contains(&wanted[axis]) {
            return Err(format!("its `output_shape` has {}", wanted[axis]));
        }
        let whole = along.stride * (along.size - 1) + along.span + more[axis];
        let total = whole - wanted[axis];
        if total < 0 {
            padding[2][axis] += -total;
            continue;
        }
        let less = total / 2;
        (padding[0][axis], padding[1][axis]) = match auto_pad.as_str() {
            "SAME_UPPER" => (less, total - less),
            _ => (total - less, less),
        };
    }
    Ok(padding)
}

/// Channels, rows and columns of a layer's output.
pub(super) fn output_size(layer: &Layer) -> [u64; 3] {
    let (rows, cols) = (layer.rows(), layer.cols());
    let size = match layer.op() {
        Op::Conv => [layer.out_channels(), rows.out_size, cols.out_size],
        Op::ConvTranspose => [layer.in_channels(), rows.in_size, cols.in_size],
    };
    size.map(u64::from)
}

/// Whether the model states the shape of the output that the layer has.
fn check_output(node: &Node, layer: &Layer, known: &Known) -> Result<(), String> {
    let stated = node
        .outputs
        .first()
        .and_then(|output| known.shapes.of(output));
    let Some(stated) = stated else {
        return Ok(());
    };
    let [channels, rows, columns] = output_size(layer);
    let same = stated.len() == 4
        && stated[1..]
            .iter()
            .zip([channels, rows, columns])
            .all(|(dim, length)| dim.is_none_or(|dim| dim == length));
    match same {
        true => Ok(()),
        false => Err(format!(
            "the model states another shape of its output than {channels} x {rows} x {columns}, which follows from its numbers"
        )),
    }
}

/// A constant; `None` where it is none.
pub(super) fn tensor(name: &str, known: &Known) -> Result<Option<Tensor>, String> {
    let constant = known.constants.get(name);
    let tensor = constant.map(|message| Tensor::new(message, known.folder));
    tensor.transpose().map_err(|error| error.to_string())
}

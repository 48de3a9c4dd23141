//! Shapes of a model's values: those that it states, and those that follow from them.
//!
//! Models often state those of inputs and outputs alone. What follows here goes through the operators that stand
//! between convolutions; of others the shape stays unknown.

use std::collections::HashMap;

use super::attributes::{attribute, int, ints, text};
use crate::onnx::proto::{Graph, Node, ValueInfo};

/// Lengths of axes; `None` where they are not fixed.
pub(super) type Shape = Vec<Option<u64>>;

/// Operators of one input that leave a shape as it is.
pub(super) const SAME: [&str; 30] = [
    "Abs",
    "BatchNormalization",
    "Cast",
    "Ceil",
    "Celu",
    "Clip",
    "DequantizeLinear",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LeakyRelu",
    "LRN",
    "Mish",
    "Neg",
    "PRelu",
    "QuantizeLinear",
    "Relu",
    "Round",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Sqrt",
    "Tanh",
];
/// Operators whose inputs are stretched to one another.
const TOGETHER: [&str; 9] = [
    "Add", "Div", "Max", "Mean", "Min", "Mul", "Pow", "Sub", "Sum",
];
/// Axes of a value at the most.
const MOST_AXES: usize = 16;

/// The shapes that are known.
#[derive(Default)]
pub(super) struct Shapes(HashMap<String, Shape>);

impl Shapes {
    /// Those that a graph states.
    pub(super) fn new(graph: &Graph) -> Self {
        let mut shapes = Self::default();
        let stated = graph
            .inputs
            .iter()
            .chain(&graph.values)
            .chain(&graph.outputs);
        for info in stated {
            if let Some(shape) = stated_shape(info) {
                shapes.0.insert(info.name.clone(), shape);
            }
        }
        for constant in &graph.initializers {
            let dims = constant.dims.iter();
            let shape = dims.map(|&dim| u64::try_from(dim).ok()).collect();
            shapes.0.insert(constant.name.clone(), shape);
        }
        shapes
    }

    pub(super) fn of(&self, value: &str) -> Option<&Shape> {
        self.0.get(value)
    }

    /// Takes a shape that was found, unless the model states one.
    pub(super) fn found(&mut self, value: &str, shape: Shape) {
        self.0.entry(value.to_owned()).or_insert(shape);
    }

    /// What follows for the outputs of a node that is no convolution.
    pub(super) fn follow(&mut self, node: &Node) {
        let (Some(output), Some(shape)) = (node.outputs.first(), self.output(node)) else {
            return;
        };
        if shape.len() <= MOST_AXES {
            self.found(output, shape);
        }
    }

    fn output(&self, node: &Node) -> Option<Shape> {
        let input = self.of(node.inputs.first()?);
        match node.op_type.as_str() {
            op if SAME.contains(&op) => input.cloned(),
            op if TOGETHER.contains(&op) => {
                let mut shapes = node.inputs.iter().map(|input| self.of(input));
                let first = shapes.next()??.clone();
                shapes.try_fold(first, |sum, shape| together(&sum, shape?))
            }
            "MaxPool" | "AveragePool" | "LpPool" => pooled(node, input?),
            "GlobalAveragePool" | "GlobalMaxPool" => {
                let mut shape = input?.clone();
                shape.iter_mut().skip(2).for_each(|dim| *dim = Some(1));
                Some(shape)
            }
            "Concat" => self.joined(node),
            _ => None,
        }
    }

    fn joined(&self, node: &Node) -> Option<Shape> {
        let mut shapes = node.inputs.iter().map(|input| self.of(input));
        let mut joined = shapes.next()??.clone();
        let axis = int(node, "axis", 0);
        let axis = match axis < 0 {
            true => axis.checked_add(joined.len() as i64)?,
            false => axis,
        };
        let axis = usize::try_from(axis).ok()?;
        for shape in shapes {
            let shape = shape?;
            if shape.len() != joined.len() {
                return None;
            }
            let length = joined.get_mut(axis)?;
            *length = (*length)?.checked_add(shape[axis]?);
        }
        Some(joined)
    }
}

fn stated_shape(info: &ValueInfo) -> Option<Shape> {
    let shape = info.value_type.as_ref()?.tensor.as_ref()?.shape.as_ref()?;
    let dims = shape.dims.iter();
    let lengths = dims.map(|dim| u64::try_from(dim.value?).ok().filter(|&length| length > 0));
    Some(lengths.collect())
}

/// What two shapes are stretched to: from the last axis on, one of length 1 to the other's.
fn together(first: &Shape, second: &Shape) -> Option<Shape> {
    let axes = first.len().max(second.len());
    let at = |shape: &Shape, axis: usize| match (axis + shape.len()).checked_sub(axes) {
        None => Some(1),
        Some(axis) => shape[axis],
    };
    let lengths = (0..axes).map(|axis| match (at(first, axis), at(second, axis)) {
        (Some(1), other) | (other, Some(1)) => Some(other),
        (Some(one), Some(other)) if one != other => None,
        (one, other) => Some(one.and(other)),
    });
    lengths.collect()
}

/// Of two axes in space.
fn pooled(node: &Node, input: &Shape) -> Option<Shape> {
    let &[batch, channels, rows, columns] = input.as_slice() else {
        return None;
    };
    let kernel = attribute(node, "kernel_shape")?;
    let kernel = <[i64; 2]>::try_from(kernel.ints.as_slice()).ok()?;
    let strides = ints(node, "strides", [1; 2]).ok()?;
    let dilations = ints(node, "dilations", [1; 2]).ok()?;
    let pads = ints(node, "pads", [0; 4]).ok()?;
    let (auto_pad, ceil) = (text(node, "auto_pad"), int(node, "ceil_mode", 0) != 0);
    let along = |axis: usize, length: Option<u64>| -> Option<u64> {
        let length = i64::try_from(length?).ok()?;
        let (kernel, stride) = (kernel[axis], strides[axis]);
        if stride < 1 {
            return None;
        }
        if auto_pad.starts_with("SAME") {
            return Some(length as u64).map(|length| length.div_ceil(stride as u64));
        }
        let span = dilations[axis]
            .checked_mul(kernel.checked_sub(1)?)?
            .checked_add(1)?;
        let [before, after] = match auto_pad.as_str() {
            "VALID" => [0; 2],
            _ => [pads[axis], pads[axis + 2]],
        };
        let padded = length.checked_add(before)?.checked_add(after)?;
        let steps = padded.checked_sub(span)?;
        let steps = match ceil {
            // The last one has to begin within the input or the padding before it.
            true => {
                let steps = steps.checked_add(stride - 1)? / stride;
                match steps.checked_mul(stride)? >= length.checked_add(before)? {
                    true => steps - 1,
                    false => steps,
                }
            }
            false => steps.div_euclid(stride),
        };
        u64::try_from(steps.checked_add(1)?)
            .ok()
            .filter(|&size| size > 0)
    };
    Some(vec![batch, channels, along(0, rows), along(1, columns)])
}

//! Which layers' outputs a value is, but for operators that leave shapes as they are.

use std::collections::HashMap;

use super::shapes::{Shapes, SAME};
use crate::onnx::proto::Node;

/// Layers that a value can be the sum of.
const MOST: usize = 16;

/// The layers whose sum each value is; of others nothing is there.
#[derive(Default)]
pub(super) struct Links(HashMap<String, Vec<usize>>);

impl Links {
    /// The layers whose sum a value is; none where it is something else.
    pub(super) fn of(&self, value: &str) -> &[usize] {
        self.0.get(value).map_or(&[], Vec::as_slice)
    }

    /// A value is the output of this layer.
    pub(super) fn made(&mut self, value: &str, layer: usize) {
        self.0.insert(value.to_owned(), vec![layer]);
    }

    /// What a node that is no convolution makes of them.
    pub(super) fn follow(
        &mut self,
        node: &Node,
        shapes: &Shapes,
        is_constant: impl Fn(&str) -> bool,
    ) {
        let Some(output) = node.outputs.first() else {
            return;
        };
        let layers = match node.op_type.as_str() {
            op if SAME.contains(&op) => node
                .inputs
                .first()
                .map_or(Vec::new(), |input| self.of(input).to_vec()),
            "Add" | "Sum" => self.sum(node, shapes, is_constant),
            _ => Vec::new(),
        };
        match layers.is_empty() || layers.len() > MOST {
            true => self.0.remove(output),
            false => self.0.insert(output.clone(), layers),
        };
    }

    /// Those of all terms, if each is known and none is there twice. Constants are left out, as a bias is.
    fn sum(&self, node: &Node, shapes: &Shapes, is_constant: impl Fn(&str) -> bool) -> Vec<usize> {
        let mut layers = Vec::new();
        let whole = node.outputs.first().and_then(|output| shapes.of(output));
        for input in node.inputs.iter().filter(|input| !is_constant(input)) {
            let of_term = self.of(input);
            let stretched = whole.is_none() || shapes.of(input) != whole;
            let twice = of_term.iter().any(|layer| layers.contains(layer));
            if of_term.is_empty() || stretched || twice {
                return Vec::new();
            }
            layers.extend(of_term);
        }
        layers
    }
}

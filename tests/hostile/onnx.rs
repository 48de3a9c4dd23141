//! ONNX models.

use std::path::Path;

use bpa_engine::import::{import, Options, Quantise};
use bpa_engine::onnx;
use bpa_engine::onnx::proto::{Attribute, Entry, Graph, Model, Node, TensorMessage};
use ndarray::{ArrayD, IxDyn};
use prost::Message;

use crate::choices::Choices;
use crate::damage::{self, number, one_of, text};
use crate::hunt::{hunt, Found};
use crate::names::{check_message, check_name};

fn model(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx");
    std::fs::read(folder.join(name)).unwrap()
}

const OPERATORS: [&str; 16] = [
    "Conv",
    "ConvTranspose",
    "ConvInteger",
    "QLinearConv",
    "DequantizeLinear",
    "QuantizeLinear",
    "Relu",
    "Add",
    "Constant",
    "Identity",
    "MaxPool",
    "BatchNormalization",
    "Concat",
    "Reshape",
    "If",
    "HOSTILE",
];

/// Does something to one message of the model.
fn step(graph: &mut Graph, choices: &mut Choices) {
    let names: Vec<String> = graph
        .nodes
        .iter()
        .flat_map(|node| node.outputs.clone())
        .collect();
    match choices.below(9) {
        0 | 1 if !graph.initializers.is_empty() => {
            let at = choices.below(graph.initializers.len() as u64) as usize;
            tensor(&mut graph.initializers[at], choices);
        }
        2 if !graph.nodes.is_empty() => {
            let at = choices.below(graph.nodes.len() as u64) as usize;
            let copy = graph.nodes[at].clone();
            match choices.below(3) {
                0 => drop(graph.nodes.remove(at)),
                1 => graph.nodes.push(copy),
                _ => graph.nodes.insert(0, copy),
            }
        }
        3 => graph.name = text(choices),
        4 => {
            let mut inner = Graph::default();
            for _ in 0..choices.below(120) {
                let attribute = Attribute {
                    graph: Some(Box::new(inner)),
                    ..Attribute::default()
                };
                inner = Graph {
                    nodes: vec![Node {
                        attributes: vec![attribute],
                        ..Node::default()
                    }],
                    ..Graph::default()
                };
            }
            let attribute = Attribute {
                graph: Some(Box::new(inner)),
                ..Attribute::default()
            };
            graph.nodes.push(Node {
                op_type: "If".to_owned(),
                attributes: vec![attribute],
                ..Node::default()
            });
        }
        _ if !graph.nodes.is_empty() => {
            let at = choices.below(graph.nodes.len() as u64) as usize;
            node(&mut graph.nodes[at], &names, choices);
        }
        _ => (),
    }
}

fn node(node: &mut Node, names: &[String], choices: &mut Choices) {
    let any_name = |choices: &mut Choices| match choices.below(3) {
        0 => text(choices),
        1 => String::new(),
        _ => names
            .get(choices.below(names.len().max(1) as u64) as usize)
            .cloned()
            .unwrap_or_default(),
    };
    match choices.below(8) {
        0 => node.name = text(choices),
        1 => node.op_type = one_of(choices, &OPERATORS).to_owned(),
        2 => node.inputs.push(any_name(choices)),
        3 if !node.inputs.is_empty() => {
            let at = choices.below(node.inputs.len() as u64) as usize;
            node.inputs[at] = any_name(choices);
        }
        4 if !node.outputs.is_empty() => node.outputs[0] = any_name(choices),
        5 => node.attributes.push(Attribute {
            name: one_of(
                choices,
                &[
                    "pads",
                    "strides",
                    "dilations",
                    "group",
                    "kernel_shape",
                    "auto_pad",
                    "output_shape",
                ],
            )
            .to_owned(),
            int: number(choices),
            ints: (0..choices.below(6)).map(|_| number(choices)).collect(),
            ..Attribute::default()
        }),
        _ if !node.attributes.is_empty() => {
            let at = choices.below(node.attributes.len() as u64) as usize;
            let attribute = &mut node.attributes[at];
            attribute.int = number(choices);
            match attribute.ints.len() {
                0 => attribute.ints = vec![number(choices); choices.below(7) as usize],
                length => attribute.ints[choices.below(length as u64) as usize] = number(choices),
            }
        }
        _ => node.domain = text(choices),
    }
}

fn tensor(tensor: &mut TensorMessage, choices: &mut Choices) {
    match choices.below(7) {
        0 => tensor.dims = (0..choices.below(7)).map(|_| number(choices)).collect(),
        1 if !tensor.dims.is_empty() => {
            let at = choices.below(tensor.dims.len() as u64) as usize;
            tensor.dims[at] = number(choices);
        }
        2 => tensor.data_type = number(choices) as i32,
        3 => tensor.raw.truncate(choices.below(40) as usize),
        4 => {
            let entry = |key: &str, value: String| Entry {
                key: key.to_owned(),
                value,
            };
            tensor.location = 1;
            tensor.external = vec![
                entry(
                    "location",
                    one_of(
                        choices,
                        &[
                            "../model.onnx",
                            "/etc/passwd",
                            "/dev/zero",
                            "model.onnx",
                            "",
                        ],
                    )
                    .to_owned(),
                ),
                entry("offset", number(choices).to_string()),
            ];
        }
        5 => tensor.name = text(choices),
        _ => tensor.floats = vec![f32::NAN; choices.below(20) as usize],
    }
}

#[test]
fn models() {
    let corpus: Vec<Vec<u8>> = ["chain.onnx", "unet.onnx"].map(model).to_vec();
    let make = |choices: &mut Choices| {
        let mut bytes = corpus[choices.below(corpus.len() as u64) as usize].clone();
        if choices.below(4) > 0 {
            let mut model = Model::decode(&bytes[..]).unwrap();
            if let Some(graph) = &mut model.graph {
                for _ in 0..=choices.below(3) {
                    step(graph, choices);
                }
            }
            bytes = model.encode_to_vec();
        }
        if choices.below(4) == 0 {
            damage::bytes(&mut bytes, choices);
        }
        bytes
    };
    let check = |bytes: &[u8], folder: &Path| {
        let path = folder.join("model.onnx");
        std::fs::write(&path, bytes).unwrap();
        let model = match onnx::read(&path) {
            Ok(model) => model,
            Err(error) => {
                check_message(&error.to_string());
                return Found::Refused;
            }
        };
        let options = Options {
            quantise: (bytes.len() % 2 == 0).then_some(Quantise::Channel),
            weight_bits: 8,
            input: (bytes.len() % 3 == 0).then(|| ArrayD::ones(IxDyn(&[1, 1, 16, 16]))),
        };
        let import = import(&model.graph.unwrap(), folder, options);
        import
            .layers
            .iter()
            .for_each(|layer| check_name(&layer.name));
        match import.layers.is_empty() {
            true => Found::Refused,
            false => Found::Taken,
        }
    };
    hunt("models (.onnx)", make, check);
}

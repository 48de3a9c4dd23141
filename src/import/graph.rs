//! The nodes of a model, one after the other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use ndarray::ArrayD;
use serde::Serialize;

use super::attributes::attribute;
use super::convolution::{is_convolution, output_size, placed, Known, Placed};
use super::float::Values;
use super::links::Links;
use super::names::Names;
use super::quantised::{by_ranges, layer_file, Quantised};
use super::shapes::Shapes;
use super::weights::{Quantise, Weights};
use crate::layer::{Geometry, Layer};
use crate::onnx::proto::{Graph, Node};

/// Layers at the most, and weights of all of them: one constant may be that of many nodes.
const MOST_LAYERS: usize = 10_000;
const MOST_WEIGHTS: u64 = 1 << 27;

/// What a user asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The model's input, to find how large the values of its layers are; `None` where nobody asks.
    pub input: Option<ArrayD<f32>>,
    /// How weights in floating point become integers; `None` refuses them.
    pub quantise: Option<Quantise>,
    /// Bits that a weight may have.
    pub weight_bits: u32,
}

/// A node that became a layer.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What the model calls it.
    pub node: String,
    /// Its operator.
    pub op_type: String,
    /// What the layer is called.
    pub name: String,
    /// The layer.
    pub layer: Layer,
    /// Its numbers, as a file has them.
    pub geometry: Geometry,
    /// Its weights; `None` where the model has none.
    pub weights: Option<Weights>,
    /// With all that a quantised operator has, as a layer of its own engine; `None` of others.
    pub quantised: Option<Quantised>,
    /// Places of the layers whose outputs it takes; none where it takes an input of its own.
    pub from: Vec<usize>,
    /// What is left out of it.
    pub notes: Vec<String>,
}

/// A node that became none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmapped {
    /// What the model calls it.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// Why.
    pub reason: String,
}

/// What a model came to.
#[derive(Clone, Debug)]
pub struct Import {
    /// Images of a batch; 1 where the model leaves that open.
    pub frames: u64,
    /// In the order of the model.
    pub layers: Vec<Imported>,
    /// Convolutions that are no layers.
    pub unmapped: Vec<Unmapped>,
    /// Other operators, and how many of each.
    pub others: BTreeMap<String, u64>,
}

/// Goes through a graph whose model is in this folder.
pub fn import(graph: &Graph, folder: &Path, options: Options) -> Import {
    let constants = graph.initializers.iter().map(|it| (it.name.as_str(), it));
    let mut walk = Walk {
        known: Known {
            folder,
            shapes: Shapes::new(graph),
            constants: constants.collect(),
            scaled: HashMap::new(),
        },
        options,
        defined: HashSet::new(),
        links: Links::default(),
        names: Names::default(),
        batch: None,
        weights: 0,
        values: None,
        import: Import {
            frames: 1,
            layers: Vec::new(),
            unmapped: Vec::new(),
            others: BTreeMap::new(),
        },
    };
    walk.defined
        .extend(graph.inputs.iter().map(|it| it.name.as_str()));
    walk.defined
        .extend(graph.initializers.iter().map(|it| it.name.as_str()));
    if let (Some(input), Some(first)) = (walk.options.input.take(), first_input(graph)) {
        walk.values = Some(Values::new(first, input));
    }
    for node in &graph.nodes {
        match is_convolution(&node.op_type) {
            true => walk.convolution(node),
            false => walk.other(node),
        }
        walk.defined.extend(node.outputs.iter().map(String::as_str));
    }
    walk.import.frames = walk.batch.unwrap_or(1);
    walk.import
}

/// The first input that is no constant.
fn first_input(graph: &Graph) -> Option<&str> {
    let is_constant = |name: &str| graph.initializers.iter().any(|it| it.name == name);
    let mut names = graph.inputs.iter().map(|it| it.name.as_str());
    names.find(|name| !is_constant(name))
}

/// Whether a model can have an input of this shape.
///
/// # Errors
/// What it has.
pub fn check_input(graph: &Graph, shape: &[usize]) -> Result<(), String> {
    let Some(name) = first_input(graph) else {
        return Err("the model has no input".to_owned());
    };
    let shapes = Shapes::new(graph);
    let Some(stated) = shapes.of(name) else {
        return Ok(());
    };
    let same = stated.len() == shape.len()
        && stated
            .iter()
            .zip(shape)
            .all(|(dim, &length)| dim.is_none_or(|dim| dim == length as u64));
    match same {
        true => Ok(()),
        false => {
            let dims = stated
                .iter()
                .map(|dim| dim.map_or("any".to_owned(), |dim| dim.to_string()));
            let dims: Vec<String> = dims.collect();
            Err(format!(
                "its shape is {shape:?}, and the model's input {name:?} has [{}]",
                dims.join(", ")
            ))
        }
    }
}

struct Walk<'a> {
    known: Known<'a>,
    options: Options,
    /// Values up to here.
    defined: HashSet<&'a str>,
    links: Links,
    names: Names,
    batch: Option<u64>,
    /// Of all layers up to here.
    weights: u64,
    /// In floating point, where an input is given.
    values: Option<Values>,
    import: Import,
}

impl<'a> Walk<'a> {
    fn convolution(&mut self, node: &'a Node) {
        let name = self.names.of(&node.name, &node.op_type);
        if let Err(reason) = self.layer(node, &name) {
            self.import.unmapped.push(Unmapped {
                node: called(node),
                op: node.op_type.clone(),
                reason,
            });
        }
    }

    /// Adds the layer of a convolution. Its shape is known even where its weights cannot be had.
    fn layer(&mut self, node: &'a Node, name: &str) -> Result<(), String> {
        let is_there = |input: &&String| input.is_empty() || self.defined.contains(input.as_str());
        if let Some(input) = node.inputs.iter().find(|input| !is_there(input)) {
            return Err(format!("no node before it gives its input {input:?}"));
        }
        let placed = placed(node, name, &self.known, self.options.weight_bits)?;
        let [channels, rows, columns] = output_size(&placed.layer).map(Some);
        if let Some(output) = node.outputs.first() {
            let shape = vec![placed.batch, channels, rows, columns];
            self.known.shapes.found(output, shape);
        }
        match (self.batch, placed.batch) {
            (Some(batch), Some(other)) if batch != other => {
                return Err(format!(
                    "it has a batch of {other}, and layers before it have one of {batch}"
                ))
            }
            _ => (),
        }
        self.check_size(&placed)?;
        let weights = placed.weights(node, &self.known, self.options.quantise)?;
        let mut notes = placed.notes(node, &self.known)?;
        let quantised = match weights.as_ref() {
            None => None,
            Some(weights) => {
                layer_file(node, name, &placed, weights, &self.known).unwrap_or_else(|reason| {
                    notes.push(format!("it has no layer file of its own: {reason}"));
                    None
                })
            }
        };
        if weights.is_none() {
            notes.push("its weights are no constant: here they are random".to_owned());
        }
        self.weights += placed.weight_count();
        self.batch = self.batch.or(placed.batch);
        let from = self.taken(node, &placed);
        if let Some(output) = node.outputs.first() {
            self.links.made(output, self.import.layers.len());
        }
        self.import.layers.push(Imported {
            node: called(node),
            op_type: node.op_type.clone(),
            name: name.to_owned(),
            layer: placed.layer,
            geometry: placed.geometry,
            weights,
            quantised,
            from,
            notes,
        });
        self.run(node);
        Ok(())
    }

    /// Runs the latest layer in floating point, and makes a layer file by the ranges of its input and output.
    fn run(&mut self, node: &Node) {
        let (Some(values), Some(layer)) = (&mut self.values, self.import.layers.last_mut()) else {
            return;
        };
        values.layer(node, layer, &self.known);
        let largest = |name: Option<&String>| values.largest(name?);
        let ranges = [largest(node.inputs.first()), largest(node.outputs.first())];
        if !["Conv", "ConvTranspose"].contains(&layer.op_type.as_str()) {
            return;
        }
        let made = match ranges {
            [Some(input), Some(output)] => by_ranges(node, layer, [input, output], &self.known),
            _ => Err("the range of its input or output is not known".to_owned()),
        };
        match made {
            Ok(quantised) => layer.quantised = Some(quantised),
            Err(reason) => layer
                .notes
                .push(format!("it has no layer file of its own: {reason}")),
        }
    }

    /// Whether memory holds one more.
    fn check_size(&self, placed: &Placed) -> Result<(), String> {
        if self.import.layers.len() >= MOST_LAYERS {
            return Err(format!(
                "there are {MOST_LAYERS} layers before it, the most that are read"
            ));
        }
        let weights = self.weights.saturating_add(placed.weight_count());
        match weights <= MOST_WEIGHTS {
            true => Ok(()),
            false => Err(format!(
                "with those of the layers before it there are {weights} weights, and {MOST_WEIGHTS} are the most that are read"
            )),
        }
    }

    /// The layers whose outputs a convolution takes, if they are what it needs: what a model states of shapes need not
    /// be so.
    fn taken(&self, node: &Node, placed: &Placed) -> Vec<usize> {
        let input = node.inputs.first();
        let from = input.map_or(&[][..], |input| self.links.of(input));
        let size = placed
            .geometry
            .in_size
            .map(|size| size.0.map(|it| it as u64));
        let in_channels = placed.geometry.in_channels.map(|it| it as u64);
        let fits = |&layer: &usize| {
            let [channels, rows, columns] = output_size(&self.import.layers[layer].layer);
            size == Some([rows, columns]) && in_channels == Some(channels)
        };
        match from.iter().all(fits) {
            true => from.to_vec(),
            false => Vec::new(),
        }
    }

    fn other(&mut self, node: &'a Node) {
        *self.import.others.entry(node.op_type.clone()).or_default() += 1;
        for body in bodies(node) {
            self.body(node, body);
        }
        self.known.shapes.follow(node);
        let constants = &self.known.constants;
        let shapes = &self.known.shapes;
        self.links
            .follow(node, shapes, |name| constants.contains_key(name));
        self.constant(node);
        if let Some(values) = &mut self.values {
            values.follow(node, &self.known);
        }
    }

    /// Constants that nodes make.
    fn constant(&mut self, node: &'a Node) {
        let Some(output) = node.outputs.first() else {
            return;
        };
        let input = |index: usize| node.inputs.get(index).map_or("", String::as_str);
        match node.op_type.as_str() {
            "Constant" => {
                let tensor = attribute(node, "value").and_then(|it| it.tensor.as_ref());
                if let Some(tensor) = tensor {
                    let dims = tensor.dims.iter().map(|&dim| u64::try_from(dim).ok());
                    self.known.shapes.found(output, dims.collect());
                    self.known.constants.insert(output, tensor);
                }
            }
            "Identity" => {
                if let Some(&tensor) = self.known.constants.get(input(0)) {
                    self.known.constants.insert(output, tensor);
                }
            }
            "DequantizeLinear" if self.known.constants.contains_key(input(0)) => {
                let parts = [input(0), input(1), input(2)];
                self.known.scaled.insert(output, parts);
            }
            _ => (),
        }
    }

    /// Convolutions in a body are named, whatever they are.
    fn body(&mut self, of: &Node, body: &Graph) {
        for node in &body.nodes {
            if is_convolution(&node.op_type) {
                self.import.unmapped.push(Unmapped {
                    node: called(node),
                    op: node.op_type.clone(),
                    reason: format!("it is in a body of {} ({})", called(of), of.op_type),
                });
            }
            for body in bodies(node) {
                self.body(of, body);
            }
        }
    }
}

/// The graphs that a node has in its attributes.
fn bodies(node: &Node) -> impl Iterator<Item = &Graph> {
    let attributes = node.attributes.iter();
    attributes.flat_map(|it| it.graph.as_deref().into_iter().chain(&it.graphs))
}

/// What people call a node: its name, or the first value that it makes.
fn called(node: &Node) -> String {
    match (node.name.as_str(), node.outputs.first()) {
        ("", Some(output)) => format!("the node of {output:?}"),
        ("", None) => "a node without a name".to_owned(),
        (name, _) => format!("{name:?}"),
    }
}

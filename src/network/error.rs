//! What can be wrong with a network file.

use super::NetworkFile;
use crate::layer::{IntType, Pass};
use crate::npy::NpyError;
use crate::programmable::{EngineError, NoFit};
use crate::table_file::FileError;

/// Why a network file makes no [`Network`](super::Network) for an engine.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The file cannot be read, or is none of a network.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing to run.
    #[error("there is no layer: give at least one [[layer]]")]
    NoLayers,
    /// A number outside its range.
    #[error(
        "`{key}`{} is {value}: it must be from {least} to {greatest}",
        layer.as_ref().map_or(String::new(), |name| format!(" of layer {name:?}"))
    )]
    Range {
        /// The key.
        key: &'static str,
        /// Whose it is, where it is not the network's.
        layer: Option<String>,
        /// What it is.
        value: i64,
        /// The least that it may be.
        least: i64,
        /// The most that it may be.
        greatest: i64,
    },
    /// A pass of a layer, where they are the network's.
    #[error("layer {layer:?}: `conv.pass` is \"{pass}\": the passes of a network are its key `passes`, so leave it out")]
    Pass {
        /// The layer's name.
        layer: String,
        /// The pass.
        pass: Pass,
    },
    /// Not a pass.
    #[error("`passes` names {name:?}: a pass is \"forward\", \"grad_input\" or \"grad_weight\"")]
    UnknownPass {
        /// What was written.
        name: String,
    },
    /// A pass that is named twice.
    #[error("`passes` names \"{pass}\" twice: once is enough")]
    PassTwice {
        /// The pass.
        pass: Pass,
    },
    /// No pass.
    #[error("`passes` is empty: name at least one of \"forward\", \"grad_input\" and \"grad_weight\", or leave it out")]
    NoPass,
    /// A pass that takes what no other gives.
    #[error(
        "`passes` names \"grad_weight\" without \"{missing}\": a gradient of weights is of what the passes forward and \
         grad_input leave, so name all three"
    )]
    MissingPass {
        /// The pass that is missing.
        missing: Pass,
    },
    /// What moves in one pass does not fit as what is stationary in another.
    #[error(
        "`passes` names \"grad_weight\", in which grad_output is stationary: it is {moving} (`engine.grad_type`), and \
         what is stationary {stationary} (`engine.weight_type`), which must be as wide"
    )]
    Narrow {
        /// The type of gradients as they move.
        moving: IntType,
        /// That of what is stationary.
        stationary: IntType,
    },
    /// An array that no pass takes.
    #[error(
        "`{key}`{} is given, but no pass takes it: add \"{pass}\" to `passes`, or leave it out",
        layer.as_ref().map_or(String::new(), |name| format!(" of layer {name:?}"))
    )]
    Unused {
        /// The key.
        key: &'static str,
        /// Whose it is, where it is not the network's.
        layer: Option<String>,
        /// The pass that would take it.
        pass: Pass,
    },
    /// Another batch than the network's.
    #[error("layer {layer:?}: `conv.batch` is {batch}, and `frames` is {frames}: leave `conv.batch` out")]
    Batch {
        /// The layer's name.
        layer: String,
        /// What the layer says.
        batch: u32,
        /// What the network says.
        frames: u32,
    },
    /// Layers that take the network's input, and cannot both.
    #[error(
        "layers {:?} and {:?} both take the network's input, as no layer has them in `from`, but consume {} and {} \
         (channels x rows x columns): a network has one input",
        layers[0],
        layers[1],
        shape(&shapes[0]),
        shape(&shapes[1])
    )]
    Inputs {
        /// The names of both.
        layers: [String; 2],
        /// What each consumes: channels, rows, columns.
        shapes: [[usize; 3]; 2],
    },
    /// A name that is none.
    #[error(
        "`name` is {name:?}: a name in a network has 1 to {most} characters, which are letters, digits, spaces and ASCII \
         punctuation"
    )]
    Name {
        /// The name.
        name: String,
        /// Its place in the list; `None` for the network's own.
        index: Option<usize>,
        /// The most characters.
        most: usize,
    },
    /// Two layers of one name.
    #[error("two layers are called {name:?}: give each a name of its own")]
    Twice {
        /// The name.
        name: String,
    },
    /// The first layer takes from others.
    #[error(
        "layer {name:?} is the first and consumes the gradient of the loss: it can have no `from`, `skip` or `shift`"
    )]
    First {
        /// The name.
        name: String,
    },
    /// The gradient of the loss is given to another than the first layer.
    #[error(
        "layer {name:?} has a `grad_output`, but consumes what other layers give: only the first one can have it"
    )]
    GradOutput {
        /// The name.
        name: String,
    },
    /// Nothing that a layer can take for itself.
    #[error("layer {layer:?}: `own` has {text:?}: it must be \"input\" or \"grad_output\"")]
    Own {
        /// Whose it is.
        layer: String,
        /// What is there.
        text: String,
    },
    /// An input that nobody takes.
    #[error("`input` is given, but every layer takes its own, or another's output: leave it out")]
    NoInput,
    /// A gradient of its own, and others'.
    #[error("layer {name:?} takes its own grad_output, so that it can have no `from`, `skip` or `shift`")]
    OwnGradOutput {
        /// The name.
        name: String,
    },
    /// An input of its own, and another's.
    #[error(
        "layer {layer:?} gives its output to layer {other:?}, which takes its own input: take \"input\" out of the `own` of \
         {other:?}, or give {layer:?} `own = [\"grad_output\"]`"
    )]
    OwnInput {
        /// Whose output it is.
        layer: String,
        /// Who would take it.
        other: String,
    },
    /// An array that is given does not fit its layer, or is none.
    #[error("layer {layer:?}: {reason}")]
    Array {
        /// The layer's name.
        layer: String,
        /// What is wrong with it.
        reason: Box<NpyError>,
    },
    /// A name that no layer before has.
    #[error(
        "`{key}` of layer {layer:?} names {other:?}, and no layer before it is called that; those before are {}",
        match known.is_empty() {
            true => "none".to_owned(),
            false => known.join(", "),
        }
    )]
    Unknown {
        /// The layer's name.
        layer: String,
        /// The key.
        key: &'static str,
        /// The layer that it names.
        other: String,
        /// The layers that it may name.
        known: Vec<String>,
    },
    /// One layer's gradient is not what another consumes.
    #[error(
        "layer {layer:?} consumes {} (channels x rows x columns), and the {array} of layer {other:?} is {}: change \
         the one or the other, or take another layer's",
        shape(wanted),
        shape(found)
    )]
    Shape {
        /// The layer's name.
        layer: String,
        /// The layer that it names.
        other: String,
        /// Which array of the layer.
        array: &'static str,
        /// What the other gives: channels, rows, columns.
        found: [usize; 3],
        /// What the layer consumes.
        wanted: [usize; 3],
    },
    /// The network's input does not fit, or is none.
    #[error("`input`: {reason}")]
    Input {
        /// What is wrong with it.
        reason: Box<NpyError>,
    },
    /// No layer, or none for the engine.
    #[error("layer {layer:?}: {reason}")]
    Layer {
        /// The layer's name.
        layer: String,
        /// Why.
        reason: Box<NoFit>,
    },
    /// An engine that is none, or none for a network.
    #[error(transparent)]
    Engine(EngineError),
    /// Stages of a layer that is run backward as well.
    #[error(
        "layer {layer:?} has `{key}`, and what a layer has beside its convolution is of the pass forward: say `passes = \
         [\"forward\"]`, or leave it out"
    )]
    ForwardAlone {
        /// The layer's name.
        layer: String,
        /// The key.
        key: &'static str,
    },
    /// Scales for an engine that gives sums.
    #[error("layer {layer:?} has a `scale`, and the engine gives sums: take one with an `engine.out_type`, or leave it out")]
    NoScale {
        /// The layer's name.
        layer: String,
    },
    /// Narrow results, and gradients to be made of them.
    #[error(
        "the engine makes its results {out_type} (`engine.out_type`), which is for `passes = [\"forward\"]` alone: gradients \
         are made of sums, \"accumulator\""
    )]
    NarrowPasses {
        /// The type of its results.
        out_type: IntType,
    },
    /// A sum of narrow results.
    #[error(
        "layer {layer:?} has `{key}`, and the engine makes its results narrow (`engine.out_type`): they go to the next \
         layer as they are, so leave it out, or take an engine that gives sums"
    )]
    NarrowSum {
        /// The layer's name.
        layer: String,
        /// The key.
        key: &'static str,
    },
    /// A sum of several outputs that are narrow.
    #[error(
        "layer {layer:?} would take the sum of the outputs of {:?} and {:?}, and the engine makes its results narrow \
         (`engine.out_type`): take the one or the other, or an engine that gives sums",
        others[0],
        others[1]
    )]
    NarrowInputs {
        /// The layer's name.
        layer: String,
        /// Two of those that have it in `from`.
        others: [String; 2],
    },
    /// More than memory holds.
    #[error("the arrays would hold {values} values, and at most {most} are possible: use fewer frames or layers")]
    Memory {
        /// Values that they would hold.
        values: u128,
        /// The most that is possible.
        most: u128,
    },
}

impl NetworkError {
    /// The key of the file that is wrong, as [`KeyLines`](crate::table_file::KeyLines) writes it; `None` where it is the
    /// network as a whole.
    pub fn key(&self, file: &NetworkFile) -> Option<String> {
        let (layer, key) = match self {
            Self::File(_) | Self::NoLayers | Self::Engine(_) | Self::Memory { .. } => return None,
            Self::Name { index: None, .. } => return Some("name".to_owned()),
            Self::Name {
                index: Some(index), ..
            } => return Some(format!("layer[{index}].name")),
            Self::UnknownPass { .. }
            | Self::PassTwice { .. }
            | Self::NoPass
            | Self::MissingPass { .. }
            | Self::Narrow { .. }
            | Self::NarrowPasses { .. } => return Some("passes".to_owned()),
            Self::NoInput | Self::Input { .. } => return Some("input".to_owned()),
            Self::Inputs { layers, .. } => (&layers[1], "conv"),
            Self::Range { key, layer, .. } | Self::Unused { key, layer, .. } => match layer {
                None => return Some((*key).to_owned()),
                Some(layer) => (layer, *key),
            },
            Self::ForwardAlone { layer, key } | Self::NarrowSum { layer, key } => (layer, *key),
            Self::NoScale { layer } => (layer, "scale"),
            Self::NarrowInputs { layer, .. } => (layer, ""),
            Self::Twice { name } => (name, "name"),
            Self::First { name } => (name, ""),
            Self::GradOutput { name } => (name, "grad_output"),
            Self::Own { layer, .. } => (layer, "own"),
            Self::OwnGradOutput { name } => (name, "own"),
            Self::OwnInput { layer, .. } => (layer, "from"),
            Self::Array { layer, .. } => (layer, ""),
            Self::Unknown { layer, key, .. } => (layer, *key),
            Self::Shape { layer, .. } => (layer, "conv"),
            Self::Pass { layer, .. } => (layer, "conv.pass"),
            Self::Batch { layer, .. } => (layer, "conv.batch"),
            Self::Layer { layer, reason } => {
                let key = reason.key().unwrap_or_default();
                let key = match key.strip_prefix("engine") {
                    Some(of_stages) => format!("stages{of_stages}"),
                    None => format!("conv{}", key.strip_prefix("layer").unwrap_or("")),
                };
                return Some(format!("layer[{}].{key}", index(file, layer)));
            }
        };
        Some(format!("layer[{}].{key}", index(file, layer)))
    }
}

/// Where a layer stands; the last of its name, as the first was no mistake.
fn index(file: &NetworkFile, name: &str) -> usize {
    let index = file.layers.iter().rposition(|layer| layer.name == name);
    index.unwrap_or(0)
}

fn shape([channels, rows, columns]: &[usize; 3]) -> String {
    format!("{channels} x {rows} x {columns}")
}

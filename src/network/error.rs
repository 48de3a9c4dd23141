//! What can be wrong with a network file.

use super::NetworkFile;
use crate::layer::Pass;
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
        key: &'static str,
        /// Whose it is, where it is not the network's.
        layer: Option<String>,
        value: i64,
        least: i64,
        greatest: i64,
    },
    /// Another pass than the one that networks are run in.
    #[error("layer {layer:?}: `conv.pass` is \"{pass}\": a network is run backward, so it must be \"grad_input\", which is the default")]
    Pass { layer: String, pass: Pass },
    /// Two layers of one name.
    #[error("two layers are called {name:?}: give each a name of its own")]
    Twice { name: String },
    /// The first layer takes from others.
    #[error(
        "layer {name:?} is the first and consumes the gradient of the loss: it can have no `from`, `skip` or `shift`"
    )]
    First { name: String },
    /// The gradient of the loss is given to another than the first layer.
    #[error(
        "layer {name:?} has a `grad_output`, but consumes what other layers give: only the first one can have it"
    )]
    GradOutput { name: String },
    /// An array that is given does not fit its layer, or is none.
    #[error("layer {layer:?}: {reason}")]
    Array {
        layer: String,
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
        layer: String,
        key: &'static str,
        other: String,
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
        layer: String,
        other: String,
        array: &'static str,
        found: [usize; 3],
        wanted: [usize; 3],
    },
    /// No layer, or none for the engine.
    #[error("layer {layer:?}: {reason}")]
    Layer { layer: String, reason: Box<NoFit> },
    /// An engine that gives no sums.
    #[error(transparent)]
    Engine(EngineError),
    /// More than memory holds.
    #[error("the arrays would hold {values} values, and at most {most} are possible: use fewer frames or layers")]
    Memory { values: u128, most: u128 },
}

impl NetworkError {
    /// The key of the file that is wrong, as [`KeyLines`](crate::table_file::KeyLines) writes it; `None` where it is the
    /// network as a whole.
    pub fn key(&self, file: &NetworkFile) -> Option<String> {
        let (layer, key) = match self {
            Self::File(_) | Self::NoLayers | Self::Engine(_) | Self::Memory { .. } => return None,
            Self::Range { key, layer, .. } => match layer {
                None => return Some((*key).to_owned()),
                Some(layer) => (layer, *key),
            },
            Self::Twice { name } => (name, "name"),
            Self::First { name } => (name, ""),
            Self::GradOutput { name } => (name, "grad_output"),
            Self::Array { layer, .. } => (layer, ""),
            Self::Unknown { layer, key, .. } => (layer, *key),
            Self::Shape { layer, .. } => (layer, "conv"),
            Self::Pass { layer, .. } => (layer, "conv.pass"),
            Self::Layer { layer, reason } => {
                let key = reason.key().unwrap_or_default();
                let key = key.strip_prefix("layer").unwrap_or("");
                return Some(format!("layer[{}].conv{key}", index(file, layer)));
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

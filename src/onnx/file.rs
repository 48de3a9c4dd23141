//! A model's file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use prost::Message;

use super::proto::Model;
use super::size::structure_bytes;

/// Bytes of a file: as many as the format can have.
const MOST_BYTES: u64 = 1 << 31;
/// Bytes of a model that are not values of weights. The largest models have a few million.
const MOST_STRUCTURE: usize = 1 << 23;

/// Why a file gives no model. Every message begins with the file.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// It cannot be opened or read.
    #[error("{file}: cannot read the file: {reason}")]
    Read {
        /// As the user calls it.
        file: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// No model of the format.
    #[error("{file}: not an ONNX model: {reason}")]
    NotOnnx {
        /// As the user calls it.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// More than the format allows, or than can be meant.
    #[error("{file}: {what} is more than {most} bytes, the most that is read")]
    TooLarge {
        /// As the user calls it.
        file: String,
        /// What is.
        what: &'static str,
        /// How many are possible.
        most: u64,
    },
}

/// Reads a model.
///
/// # Errors
/// The file cannot be read, is no model, or is larger than one can be.
pub fn read(path: &Path) -> Result<Model, OnnxError> {
    let file = path.display().to_string();
    let failed = |reason| OnnxError::Read {
        file: file.clone(),
        reason,
    };
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(failed)?;
    // A device may have no end.
    let read = opened.take(MOST_BYTES).read_to_end(&mut bytes);
    if read.map_err(failed)? as u64 == MOST_BYTES {
        let what = "the file";
        let most = MOST_BYTES;
        return Err(OnnxError::TooLarge { file, what, most });
    }
    parse(&bytes, &file)
}

/// Reads a model from its bytes; `file` is what messages call it.
fn parse(bytes: &[u8], file: &str) -> Result<Model, OnnxError> {
    let not = |reason: &str| OnnxError::NotOnnx {
        file: file.to_owned(),
        reason: reason.to_owned(),
    };
    let structure = structure_bytes(bytes)
        .ok_or_else(|| not("its bytes are no fields of a model; is it whole?"))?;
    if structure > MOST_STRUCTURE {
        return Err(OnnxError::TooLarge {
            file: file.to_owned(),
            what: "what is not values of weights",
            most: MOST_STRUCTURE as u64,
        });
    }
    let model = Model::decode(bytes).map_err(|error| not(&error.to_string()))?;
    if model.ir_version < 1 {
        return Err(not("it names no version of the format"));
    }
    match model.graph {
        None => Err(not("it has no graph")),
        Some(_) => Ok(model),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{Attribute, Graph, Node};

    fn model(graph: Graph) -> Model {
        Model {
            ir_version: 8,
            graph: Some(graph),
        }
    }

    fn error(bytes: &[u8]) -> String {
        parse(bytes, "m.onnx").unwrap_err().to_string()
    }

    /// Cut anywhere, or with any byte turned, it is refused or read, and no more.
    #[test]
    fn damaged_models_are_refused_or_read() {
        let node = Node {
            inputs: vec!["x".to_owned(), "w".to_owned()],
            outputs: vec!["y".to_owned()],
            name: "node".to_owned(),
            op_type: "Conv".to_owned(),
            attributes: vec![Attribute {
                name: "pads".to_owned(),
                ints: vec![1, 2, 3, 4],
                ..Attribute::default()
            }],
            domain: String::new(),
        };
        let whole = model(Graph {
            nodes: vec![node],
            name: "g".to_owned(),
            ..Graph::default()
        });
        let bytes = whole.encode_to_vec();
        assert_eq!(parse(&bytes, "m.onnx").unwrap(), whole);
        for length in 0..bytes.len() {
            assert!(
                parse(&bytes[..length], "m").is_err() || length == 0,
                "{length}"
            );
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let _ = parse(&damaged, "m.onnx");
            }
        }
        assert!(error(b"").ends_with("it names no version of the format"));
        assert!(error(b"[layer]\nkernel = 3\n").starts_with("m.onnx: not an ONNX model: "));
        assert!(error(&[8, 8]).ends_with("it has no graph"));
    }

    #[test]
    fn graphs_within_graphs_have_an_end() {
        let mut graph = Graph::default();
        for _ in 0..200 {
            graph = Graph {
                nodes: vec![Node {
                    attributes: vec![Attribute {
                        graph: Some(Box::new(graph)),
                        ..Attribute::default()
                    }],
                    ..Node::default()
                }],
                ..Graph::default()
            };
        }
        let message = error(&model(graph).encode_to_vec());
        assert!(message.contains("recursion"), "{message}");
    }

    #[test]
    fn structure_without_end_is_refused() {
        // A graph of nodes that have nothing.
        let graph = [0x0a, 0].repeat(MOST_STRUCTURE / 2);
        let mut model = vec![0x3a];
        prost::encode_length_delimiter(graph.len(), &mut model).unwrap();
        model.extend(graph);
        let message = error(&model);
        assert_eq!(
            message,
            "m.onnx: what is not values of weights is more than 8388608 bytes, the most that is read"
        );
    }
}

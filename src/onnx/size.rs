//! How much memory the structure of a model takes, told from its bytes before anything is made of them.
//!
//! A message of two bytes becomes a value of a few hundred, so that a small file could fill a large memory. Values of
//! weights do not: they take as much as their bytes. So the bytes that are not values of the graph's constants are
//! counted, and bounded.

/// Fields on the way: of the model its graph, of that its constants, of these the values of float, double and any type.
const GRAPH: u64 = 7;
const INITIALIZER: u64 = 5;
const VALUES: [u64; 3] = [4, 9, 10];

/// Bytes of a model that are not values of its constants; `None` where they are no fields.
pub(super) fn structure_bytes(model: &[u8]) -> Option<usize> {
    let mut values = 0;
    for (_, graph) in fields(model, &[GRAPH])? {
        for (_, initializer) in fields(graph, &[INITIALIZER])? {
            let of_values = fields(initializer, &VALUES)?;
            values += of_values
                .iter()
                .map(|(_, bytes)| bytes.len())
                .sum::<usize>();
        }
    }
    Some(model.len() - values)
}

/// The contents of these fields of a message, as far as they have a length.
fn fields<'a>(mut bytes: &'a [u8], wanted: &[u64]) -> Option<Vec<(u64, &'a [u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => {
                varint(&mut bytes)?;
            }
            1 => bytes = bytes.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let content = bytes.get(..length)?;
                bytes = &bytes[length..];
                if wanted.contains(&(key >> 3)) {
                    found.push((key >> 3, content));
                }
            }
            5 => bytes = bytes.get(4..)?,
            // Groups, which ONNX has not.
            _ => return None,
        }
    }
    Some(found)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::onnx::proto::{Graph, Model, Node, TensorMessage};

    #[test]
    fn values_are_not_structure() {
        let model = |values: usize, nodes: usize| {
            let initializer = TensorMessage {
                floats: vec![1.0; values],
                raw: vec![7; 3 * values],
                ..TensorMessage::default()
            };
            let graph = Graph {
                initializers: vec![initializer],
                nodes: vec![Node::default(); nodes],
                ..Graph::default()
            };
            Model {
                ir_version: 8,
                graph: Some(graph),
            }
            .encode_to_vec()
        };
        let of = |values, nodes| structure_bytes(&model(values, nodes)).unwrap();
        assert!(of(100_000, 0) < 40);
        // Of each node its key and its length, which is zero.
        assert_eq!(of(100_000, 50_000) - of(100_000, 0), 2 * 50_000);
        assert_eq!(structure_bytes(&[]), Some(0));
        for wrong in [&[0x3a, 5, 1][..], &[0x08], &[0x0b], &[0xff; 20], &[0x0d, 0]] {
            assert_eq!(structure_bytes(wrong), None, "{wrong:?}");
        }
    }
}

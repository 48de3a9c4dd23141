//! Attributes of a node.

use crate::onnx::proto::{Attribute, Node};

/// A node's attribute, if it has it.
pub(super) fn attribute<'a>(node: &'a Node, name: &str) -> Option<&'a Attribute> {
    node.attributes.iter().find(|it| it.name == name)
}

/// Its integer, or what it is where it is not given.
pub(super) fn int(node: &Node, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, |it| it.int)
}

/// Its integers, of which there have to be so many; what they are where they are not given.
///
/// # Errors
/// There are others.
pub(super) fn ints<const N: usize>(
    node: &Node,
    name: &str,
    default: [i64; N],
) -> Result<[i64; N], String> {
    let Some(attribute) = attribute(node, name) else {
        return Ok(default);
    };
    let count = attribute.ints.len();
    <[i64; N]>::try_from(attribute.ints.as_slice())
        .map_err(|_| format!("its `{name}` has {count} numbers, and two axes need {N}"))
}

/// Its text, or nothing.
pub(super) fn text(node: &Node, name: &str) -> String {
    let text = attribute(node, name).map_or(&[][..], |it| &it.text);
    String::from_utf8_lossy(text).into_owned()
}

//! The text of a network file.

use std::fmt::Write as _;

use super::{Import, Imported};
use crate::layer::Pass;

/// Bits by which sums of random values are shifted, so that most of them fit eight bits again: the root of the products
/// that are added up, and the width of one.
fn shift(products: u64) -> u64 {
    6 + u64::from(products.max(1).ilog2()).div_ceil(2)
}

/// The layers as a network file, from the loss to the input. `weights` are where each layer's file is, seen from the
/// network's; `model` is what the model's file is called.
pub fn network_file(
    import: &Import,
    name: &str,
    model: &str,
    engine: &str,
    passes: &[Pass],
    weights: &[Option<String>],
) -> String {
    let mut text =
        format!("# The convolutions of {model:?}. What stands between them is left out.\n");
    let _ = writeln!(text, "name = {}", quoted(name));
    let _ = writeln!(text, "engine = {}", quoted(engine));
    let _ = writeln!(text, "frames = {}", import.frames);
    let passes: Vec<String> = passes
        .iter()
        .map(|pass| quoted(&pass.to_string()))
        .collect();
    let _ = writeln!(text, "passes = [{}]", passes.join(", "));
    let layers = import.layers.iter().zip(weights).enumerate().rev();
    for (index, (layer, weights)) in layers {
        text.push('\n');
        // As text in quotes, so that no name ends the comment.
        let _ = writeln!(text, "# {}, {:?}", layer.node, layer.op_type);
        for note in &layer.notes {
            let _ = writeln!(text, "# {}", note.escape_debug());
        }
        text += &entry(import, index, layer, weights.as_deref());
    }
    text
}

fn entry(import: &Import, index: usize, layer: &Imported, weights: Option<&str>) -> String {
    let mut text = format!("[[layer]]\nname = {}\n", quoted(&layer.name));
    let takers = import.layers.iter().filter(|it| it.from.contains(&index));
    let takers: Vec<String> = takers.map(|it| quoted(&it.name)).collect();
    let is_first = index + 1 == import.layers.len();
    let mut own = Vec::new();
    if layer.from.is_empty() {
        own.push(quoted("input"));
    }
    if takers.is_empty() && !is_first {
        own.push(quoted("grad_output"));
    }
    if !own.is_empty() {
        let _ = writeln!(text, "own = [{}]", own.join(", "));
    }
    if !takers.is_empty() {
        let _ = writeln!(text, "from = [{}]", takers.join(", "));
        let takers = import.layers.iter().filter(|it| it.from.contains(&index));
        let most = takers.map(products).max().unwrap_or(1);
        let _ = writeln!(text, "shift = {}", shift(most));
    }
    let _ = writeln!(text, "output_shift = {}", shift(products(layer)));
    if let Some(path) = weights {
        let _ = writeln!(text, "weight = {}", quoted(path));
    }
    let conv = toml::Value::try_from(&layer.geometry);
    let conv = conv.expect("numbers and texts are always valid TOML");
    let _ = writeln!(text, "conv = {conv}");
    text
}

/// Products that a value is the sum of, forward or backward, at the most.
fn products(layer: &Imported) -> u64 {
    let layer = &layer.layer;
    let taps = u64::from(layer.rows().kernel) * u64::from(layer.cols().kernel);
    taps * u64::from(layer.in_per_group().max(layer.out_per_group()))
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

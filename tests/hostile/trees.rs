//! What is done to the tables of a file.

use toml::{Table, Value};

use crate::choices::Choices;
use crate::damage::{number, text};

/// Any value.
fn value(choices: &mut Choices, depth: u32) -> Value {
    match choices.below(if depth > 3 { 5 } else { 8 }) {
        0 => Value::Integer(number(choices)),
        1 => Value::String(text(choices)),
        2 => Value::Boolean(choices.below(2) == 0),
        3 => Value::Float([0.5, f64::NAN, f64::INFINITY, -0.0, 1e308][choices.below(5) as usize]),
        4 => Value::Integer(1),
        5 | 6 => Value::Array(
            (0..choices.below(6))
                .map(|_| value(choices, depth + 1))
                .collect(),
        ),
        _ => {
            let keys = (0..choices.below(4)).map(|_| (key(choices), value(choices, depth + 1)));
            Value::Table(keys.collect())
        }
    }
}

fn key(choices: &mut Choices) -> String {
    const KEYS: [&str; 24] = [
        "name",
        "layer",
        "engine",
        "limits",
        "mode",
        "kernel",
        "stride",
        "padding",
        "in_size",
        "groups",
        "batch",
        "pass",
        "simd",
        "pe",
        "shift",
        "rounding",
        "conv",
        "from",
        "skip",
        "weight",
        "frames",
        "passes",
        "size",
        "HOSTILE key",
    ];
    KEYS[choices.below(KEYS.len() as u64) as usize].to_owned()
}

/// Does something to a few places of the tables.
pub fn damage(table: &mut Table, choices: &mut Choices) {
    for _ in 0..=choices.below(3) {
        step(table, choices);
    }
}

fn step(table: &mut Table, choices: &mut Choices) {
    let keys: Vec<String> = table.keys().cloned().collect();
    if keys.is_empty() || choices.below(12) == 0 {
        table.insert(key(choices), value(choices, 0));
        return;
    }
    let chosen = keys[choices.below(keys.len() as u64) as usize].clone();
    if let Some(inner) = inner(&mut table[&chosen], choices) {
        return step(inner, choices);
    }
    match choices.below(10) {
        0 => drop(table.remove(&chosen)),
        1 => {
            if let Some(taken) = table.remove(&chosen) {
                table.insert(key(choices), taken);
            }
        }
        _ => match &mut table[&chosen] {
            Value::Integer(it) if choices.below(6) > 0 => *it = number(choices),
            Value::String(it) if choices.below(6) > 0 => *it = text(choices),
            Value::Boolean(it) if choices.below(6) > 0 => *it = !*it,
            Value::Array(items) if choices.below(6) > 0 && !items.is_empty() => {
                let at = choices.below(items.len() as u64) as usize;
                match choices.below(4) {
                    0 => drop(items.remove(at)),
                    1 => items.push(items[at].clone()),
                    _ => items[at] = value(choices, 1),
                }
            }
            other => *other = value(choices, 0),
        },
    }
}

/// A table within, which is gone into more often than not.
fn inner<'a>(value: &'a mut Value, choices: &mut Choices) -> Option<&'a mut Table> {
    if choices.below(15) == 0 {
        return None;
    }
    match value {
        Value::Table(table) => Some(table),
        Value::Array(items) if items.first().is_some_and(Value::is_table) => {
            let at = choices.below(items.len() as u64) as usize;
            items[at].as_table_mut()
        }
        _ => None,
    }
}

/// Nesting that has no end for a parser that calls itself.
pub fn nested(choices: &mut Choices) -> String {
    let deep = 1 << (3 + choices.below(13));
    match choices.below(5) {
        0 => format!("name = {}", "[".repeat(deep)),
        1 => format!("name = {}1{}", "[".repeat(deep), "]".repeat(deep)),
        2 => format!("name = {}1{}", "{a=".repeat(deep), "}".repeat(deep)),
        3 => format!("[{}a]\nb = 1", "a.".repeat(deep)),
        _ => format!("{}a = 1", "layer.".repeat(deep)),
    }
}

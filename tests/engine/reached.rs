//! Promise: what the random tests draw reaches every pair of what matters to the hardware: passes, how strides and
//! dilations stand to kernels and to one another, borders, groups, stages. The table is printed.
//!
//! Each axis of a layer counts by itself. What no layer can have is no pair.

use std::collections::BTreeMap;

use bpa_engine::layer::{Axis, Layer, Pass};

use crate::engines;
use crate::programmable_stages;
use crate::random;

/// What an axis of a layer is, by each kind.
type Kinds = [(&'static str, &'static str); 6];

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        _ => greatest_common_divisor(b, a % b),
    }
}

fn stride(axis: &Axis) -> &'static str {
    match axis.stride {
        1 => "1",
        stride if stride < axis.kernel => "below kernel",
        stride if stride == axis.kernel => "kernel",
        _ => "above kernel",
    }
}

fn dilation(axis: &Axis) -> &'static str {
    match (axis.dilation, axis.stride) {
        (1, _) => "1",
        (dilation, stride) if greatest_common_divisor(dilation, stride) == 1 => "coprime to stride",
        (dilation, stride) if dilation % stride == 0 => "multiple of stride",
        _ => "shares a factor",
    }
}

fn border(axis: &Axis) -> &'static str {
    let reach = axis.dilation * (axis.kernel - 1);
    match (axis.pad_before, axis.pad_after) {
        (0, 0) => "none",
        (before, after) if before.max(after) > reach => "beyond the kernel",
        (0, _) | (_, 0) => "one side",
        _ => "both sides",
    }
}

fn groups(layer: &Layer) -> &'static str {
    match (layer.groups(), layer.in_per_group()) {
        (1, _) => "dense",
        (_, 1) => "depthwise",
        _ => "grouped",
    }
}

fn stages(layer: &Layer) -> &'static str {
    match (layer.accumulate(), layer.mask(), layer.requantise()) {
        (false, false, None) => "none",
        (true, false, None) => "accumulate",
        (_, true, None) => "mask",
        (false, false, Some(_)) => "requantise",
        _ => "requantise and others",
    }
}

fn kinds(layer: &Layer, axis: &Axis) -> Kinds {
    let pass = match layer.pass() {
        Pass::GradInput => "grad_input",
        Pass::Forward => "forward",
        Pass::GradWeight => "grad_weight",
    };
    [
        ("pass", pass),
        ("stride", stride(axis)),
        ("dilation", dilation(axis)),
        ("border", border(axis)),
        ("groups", groups(layer)),
        ("stages", stages(layer)),
    ]
}

/// Values of each kind.
const VALUES: [(&str, &[&str]); 6] = [
    ("pass", &["grad_input", "forward", "grad_weight"]),
    ("stride", &["1", "below kernel", "kernel", "above kernel"]),
    (
        "dilation",
        &[
            "1",
            "coprime to stride",
            "multiple of stride",
            "shares a factor",
        ],
    ),
    (
        "border",
        &["none", "one side", "both sides", "beyond the kernel"],
    ),
    ("groups", &["dense", "grouped", "depthwise"]),
    (
        "stages",
        &[
            "none",
            "accumulate",
            "mask",
            "requantise",
            "requantise and others",
        ],
    ),
];

/// With a stride of one every dilation is coprime to it.
fn possible(one: (&str, &str), other: (&str, &str)) -> bool {
    let shared = ["multiple of stride", "shares a factor"].contains(&other.1);
    one != ("stride", "1") || !shared
}

#[test]
fn every_pair_of_what_matters_is_drawn() {
    if std::env::var_os("BPA_ENGINES_SEED").is_some()
        || std::env::var_os("PROPTEST_RNG_SEED").is_some()
    {
        // Somebody wants other layers.
        return;
    }
    let mut layers = engines::drawn_layers();
    layers.extend(random::drawn_layers());
    layers.extend(programmable_stages::drawn_layers());
    let mut counts: BTreeMap<[(&str, &str); 2], usize> = BTreeMap::new();
    for layer in &layers {
        for axis in [layer.rows(), layer.cols()] {
            let kinds = kinds(layer, &axis);
            for (index, &one) in kinds.iter().enumerate() {
                for &other in &kinds[index + 1..] {
                    *counts.entry([one, other]).or_default() += 1;
                }
            }
        }
    }
    let (mut pairs, mut least, mut never) = (0, usize::MAX, Vec::new());
    for (index, (kind, values)) in VALUES.iter().enumerate() {
        for (other_kind, other_values) in &VALUES[index + 1..] {
            println!("{kind} and {other_kind}: {other_values:?}");
            for value in *values {
                let mut line = Vec::new();
                for other in *other_values {
                    let (one, other) = ((*kind, *value), (*other_kind, *other));
                    if !possible(one, other) {
                        line.push("-".to_owned());
                        continue;
                    }
                    let count = counts.get(&[one, other]).copied().unwrap_or_default();
                    pairs += 1;
                    least = least.min(count);
                    if count == 0 {
                        never.push((one, other));
                    }
                    line.push(count.to_string());
                }
                println!("  {value}: {}", line.join(", "));
            }
        }
    }
    println!(
        "{} layers, {pairs} pairs, each at least {least} times",
        layers.len()
    );
    assert!(never.is_empty(), "never drawn: {never:?}");
}

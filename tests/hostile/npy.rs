//! Arrays.

use std::path::Path;

use bpa_engine::layer::{Layer, LayerFile};
use bpa_engine::npy;
use bpa_engine::plan::Plan;

use crate::choices::Choices;
use crate::damage::{self, number, one_of};
use crate::hunt::{hunt, Found};
use crate::names::check_message;

/// grad_output (N, 2, 2, 3) of int4, weight (2, 1, 1, 1) of int16, one scale, values to add and a mask.
fn staged() -> Layer {
    let text = "name = \"arrays\"\n[layer]\nin_channels = 1\nout_channels = 2\nin_size = [2, 3]\nkernel = 1\n[engine]\n\
         grad_type = \"int4\"\nweight_type = \"int16\"\naccumulate = true\nmask = true\nout_type = \"int8\"\nshift = 4\n";
    LayerFile::parse(text, "here").unwrap().validate().unwrap()
}

const TYPES: [&str; 16] = [
    "'<i1'",
    "'|i1'",
    "'<i2'",
    "'>i4'",
    "'<i8'",
    "'|u1'",
    "'<u8'",
    "'|b1'",
    "'<f4'",
    "'>f8'",
    "'<c8'",
    "'|O'",
    "'|V99999999999'",
    "'<U4294967295'",
    "[('a', '<i4'), ('b', '<f4')]",
    "'<i0'",
];

/// A header, most often of the right length, of a shape that may be anything.
fn header(choices: &mut Choices) -> String {
    let dims: Vec<String> = match choices.below(3) {
        0 => ["1", "2", "2", "3"].map(str::to_owned).to_vec(),
        1 => ["2", "1", "1", "1"].map(str::to_owned).to_vec(),
        _ => (0..choices.below(7))
            .map(|_| number(choices).to_string())
            .collect(),
    };
    let mut shape = dims.join(", ");
    match choices.below(60) {
        0 => shape = "1, ".repeat(1 << choices.below(15)),
        1 => shape = "18446744073709551615, 18446744073709551615".to_owned(),
        2 => shape = "9".repeat(1 + choices.below(400) as usize),
        _ => (),
    }
    let order = one_of(choices, &["False", "True", "1", "None"]);
    let kind = one_of(choices, &TYPES);
    match choices.below(30) {
        0 => "(".repeat(1 << choices.below(15)),
        1 => format!("{{'descr': {}", "[".repeat(1 << choices.below(15))),
        2 => format!(
            "{{'descr': {kind}, 'fortran_order': {order}, 'shape': {}",
            "(".repeat(1 << choices.below(15))
        ),
        _ => format!("{{'descr': {kind}, 'fortran_order': {order}, 'shape': ({shape}), }}"),
    }
}

fn file(choices: &mut Choices) -> Vec<u8> {
    let header = header(choices) + "\n";
    let mut bytes = b"\x93NUMPY".to_vec();
    let claimed = match choices.below(20) {
        0 => number(choices) as u64,
        _ => header.len() as u64,
    };
    match choices.below(4) {
        0 => {
            bytes.extend([2 + choices.below(2) as u8, 0]);
            bytes.extend((claimed as u32).to_le_bytes());
        }
        _ => {
            bytes.extend([1, 0]);
            bytes.extend((claimed as u16).to_le_bytes());
        }
    }
    bytes.extend(header.bytes());
    let small = choices.below(2) == 0;
    let data = (0..choices.below(120)).map(|_| {
        if small {
            choices.below(3) as u8
        } else {
            choices.below(256) as u8
        }
    });
    bytes.extend(data.collect::<Vec<u8>>());
    if choices.below(4) == 0 {
        damage::bytes(&mut bytes, choices);
    }
    bytes
}

#[test]
fn arrays() {
    let layer = staged();
    let plan = Plan::new(&layer);
    let check = |bytes: &[u8], folder: &Path| {
        let path = folder.join("a.npy");
        std::fs::write(&path, bytes).unwrap();
        let said = |error: npy::NpyError| check_message(&error.to_string());
        let moving = npy::read_moving(&path, &layer).map_err(said);
        let any = [
            moving.is_ok(),
            npy::read_moving_of(&path, &layer, 2).map_err(said).is_ok(),
            npy::read_stationary(&path, &layer).map_err(said).is_ok(),
            npy::read_scale(&path, &layer).map_err(said).is_ok(),
            npy::read_accumulate(&path, &plan, 1).map_err(said).is_ok(),
            npy::read_mask(&path, &layer, 1).map_err(said).is_ok(),
            npy::read_floats(&path).map_err(said).is_ok(),
        ];
        if let Ok(moving) = moving {
            // No more values than the file has bytes for.
            assert!(moving.len() <= bytes.len() && moving.iter().all(|it| (-8..8).contains(it)));
        }
        match any.contains(&true) {
            true => Found::Taken,
            false => Found::Refused,
        }
    };
    hunt("arrays (.npy)", file, check);
}

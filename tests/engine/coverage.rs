//! Promise: the vectors reach every line, every arm of a branch and every bit of every signal of the engines named here, in
//! every instance of every module; but for bits that a proof finds never to change, and what `coverage/waivers.toml` names
//! with a reason.
//!
//! One engine, `staged`; `BPA_COVERAGE=all`, or `scripts/coverage.sh`, takes all of them, and `BPA_COVERAGE=name` another.

mod constant;
mod points;
mod told;
mod waivers;

use std::collections::BTreeMap;

use bpa_engine::emit;
use bpa_engine::interface::{self, Direction};
use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_sim::{Model, ModelSpec};

use crate::common::{cache, layer};
use crate::handshakes;
use crate::small_engines;
use crate::vectors::Vectors;
use points::{Kind, Point};
use waivers::Waiver;

/// Engines of a test that is to be short.
const FEW: [&str; 1] = ["staged"];

/// Lanes over pixels: one puts the rows of its results in order, the other those of what moves.
const PIXELS: [&str; 2] = [
    "name = \"pixels\"
    [layer]
    in_channels = 4
    out_channels = 3
    in_size = [5, 22]
    kernel = 3
    stride = 2
    padding = 1
    [engine]
    simd = 2
    pe = 2
    pixels = 3
    grad_type = \"int3\"
    weight_type = \"int3\"",
    "name = \"pixels_forward\"
    [layer]
    pass = \"forward\"
    in_channels = 2
    out_channels = 4
    in_size = [4, 27]
    kernel = [2, 3]
    stride = [1, 2]
    padding = [0, 1, 1, 1]
    [engine]
    simd = 2
    pe = 2
    pixels = 4
    input_type = \"int3\"
    weight_type = \"int3\"",
];

/// An engine, and what runs of it have reached.
struct Covered<'a> {
    name: &'a str,
    verilog: &'a str,
    inputs: Vec<(String, usize)>,
    points: BTreeMap<Point, u64>,
}

impl<'a> Covered<'a> {
    /// Builds the model and has `drive` run it.
    fn by(
        name: &'a str,
        verilog: &'a str,
        spec: &ModelSpec,
        inputs: Vec<(String, usize)>,
        drive: impl FnOnce(&Model),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = Model::build_covered(spec, &cache(), folder.path()).unwrap();
        drive(&model);
        Covered {
            name,
            verilog,
            inputs,
            points: points::read(folder.path(), name, &spec.verilog),
        }
    }

    /// Prints a line of the table; what is neither reached nor proved nor waived.
    fn missing(&self, waivers: &[Waiver]) -> Vec<String> {
        let unreached: Vec<&Point> = self
            .points
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(point, _)| point)
            .collect();
        let (waived, left): (Vec<&Point>, Vec<&Point>) = unreached.iter().partition(|point| {
            let waiver = waivers.iter().find(|it| it.covers(self.name, point));
            waiver
                .inspect(|it| it.used.set(it.used.get() + 1))
                .is_some()
        });
        let proved = constant::constant(self.name, self.verilog, &self.inputs, &left);
        let of = |kind: Kind| {
            let count = |of: &[&Point]| of.iter().filter(|point| point.kind == kind).count();
            let all = self
                .points
                .keys()
                .filter(|point| point.kind == kind)
                .count();
            (all, count(&unreached), count(&waived))
        };
        let [lines, branches, bits] = Kind::ALL.map(of);
        println!(
            "| {} | {} of {} | {} of {} | {} of {} | {} | {} |",
            self.name,
            lines.0 - lines.1,
            lines.0,
            branches.0 - branches.1,
            branches.0,
            bits.0 - bits.1,
            bits.0,
            proved.len(),
            waived.len()
        );
        left.into_iter()
            .filter(|point| !proved.contains(point))
            .map(|point| format!("{}: {point}", self.name))
            .inspect(|line| println!("{line}"))
            .collect()
    }
}

/// A fixed engine under the vectors of the mutations.
fn fixed(layer: &Layer, waivers: &[Waiver]) -> Vec<String> {
    let plan = Plan::new(layer);
    let verilog = emit::verilog(&plan);
    let spec = handshakes::spec(&plan, &verilog, None);
    let inputs = interface::ports(&plan)
        .into_iter()
        .filter(|port| port.direction == Direction::Input)
        .map(|port| (port.name, port.width))
        .collect();
    let vectors = Vectors::of(&plan);
    let drive = |model: &Model| drop(vectors.check_engine(model));
    Covered::by(layer.name(), &verilog, &spec, inputs, drive).missing(waivers)
}

#[test]
fn every_line_branch_and_bit_is_reached() {
    let wanted = std::env::var("BPA_COVERAGE").unwrap_or_default();
    let is_wanted = |name: &str| match wanted.as_str() {
        "" => FEW.contains(&name),
        "all" => true,
        one => name == one,
    };
    let waivers = waivers::read();
    let mut missing = Vec::new();
    let mut ran = Vec::new();
    let layers = small_engines::all().map(|engine| engine.layer());
    for layer in layers.into_iter().chain(PIXELS.map(layer)) {
        if is_wanted(layer.name()) {
            missing.extend(fixed(&layer, &waivers));
            ran.push(layer.name().to_owned());
        }
    }
    for engine in told::ENGINES {
        let name = told::name(engine);
        if is_wanted(&name) {
            missing.extend(told::missing(engine, &waivers));
            ran.push(name);
        }
    }
    assert!(
        missing.is_empty(),
        "{} points are not reached",
        missing.len()
    );
    for waiver in waivers {
        let text = &waiver.text;
        let all_ran = wanted == "all" || waiver.is_for_some(&ran);
        assert!(
            !all_ran || waiver.used.get() > 0,
            "nothing needs the waiver of {text}"
        );
    }
}

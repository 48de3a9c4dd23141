//! Promise: quantised layers follow one another on one engine, each with its zero points, biases, scales and bounds,
//! and give what the software reference does, saturations included; what such a network cannot have is said.

use std::collections::BTreeSet;
use std::path::Path;

use bpa_engine::driver::{Driver, Simulated};
use bpa_engine::emit::Target;
use bpa_engine::network::{reference, run, Network, NetworkArrays, NetworkFile};
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_hdl::rtl::print_verilog;
use bpa_sim::Cache;
use insta::assert_snapshot;

/// Small, so that layers are cut into tiles.
const ENGINE: &str = "[engine]
mode = \"programmable\"
simd = 2
pe = 3
grad_type = \"int7\"
zero_point = true
bias = true
out_type = \"int7\"
scale_per = \"channel\"
shift = 22
activation = true
[limits]
weight_words = 100
line_words = 300
size = 16
kernel = 4
scale_words = 4
";

/// As the engine runs them: a stride, a depthwise layer, two that take the same, one transposed.
const LAYERS: &str = "name = \"n\"
frames = 2
passes = [\"forward\"]
[[layer]]
name = \"up\"
stages = { zero_point = -3, shift = 17, out_zero_point = 4 }
conv = { op = \"conv_transpose\", in_channels = 5, out_channels = 2, in_size = 5, kernel = 4, stride = 2, padding = 1 }
[[layer]]
name = \"apart\"
from = []
own = [\"grad_output\"]
stages = { bias = true, activation = \"clamp\", out_min = -30, out_max = 31 }
conv = { in_channels = 9, out_channels = 4, in_size = 5, kernel = 1 }
[[layer]]
name = \"point\"
from = [\"up\"]
stages = { zero_point = -64, bias = true, shift = 16, out_zero_point = -3, activation = \"relu\" }
conv = { in_channels = 9, out_channels = 5, in_size = 5, kernel = 1 }
[[layer]]
name = \"depthwise\"
from = [\"point\", \"apart\"]
stages = { zero_point = 11, bias = true, shift = 14, out_zero_point = -64, activation = \"relu6\", out_max = 40 }
conv = { in_channels = 9, out_channels = 9, in_size = 5, kernel = 3, padding = 1, groups = 9 }
[[layer]]
name = \"down\"
stages = { zero_point = -9, bias = true, out_zero_point = 11 }
conv = { in_channels = 3, out_channels = 9, in_size = 10, kernel = 3, stride = 2, padding = 1 }
";

fn engine(text: &str) -> ProgrammableEngine {
    EngineFile::parse(text, "engine.toml")
        .unwrap()
        .validate()
        .unwrap()
}

fn network(text: &str, engine: &ProgrammableEngine) -> Result<Network, String> {
    let file = NetworkFile::parse(text, "network.toml").map_err(|error| error.to_string())?;
    file.validate(engine).map_err(|error| error.to_string())
}

/// Runs it, and holds the engine's count of saturations against the reference's.
fn check(engine: &ProgrammableEngine, network: &Network) {
    let hardware = engine.hardware(Target::Generic);
    let cache = Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"));
    let text = print_verilog(&hardware.module);
    let model = Simulated::model(engine, &hardware, &text, &cache).unwrap();
    let mut driver = Driver::open(engine, &hardware, Simulated::new(&model, 1)).unwrap();
    let (mut all, mut values) = (0, vec![BTreeSet::new(); network.tasks().len()]);
    for seed in 0..3 {
        let arrays = NetworkArrays::random(network, seed);
        let expected = reference(network, &arrays);
        let report = run(network, &mut driver, &arrays, &expected)
            .unwrap()
            .report;
        assert_eq!(report.mismatches, 0, "seed {seed}: {}", report.to_text());
        driver.device().instance().run(100, None);
        all += report.layers.iter().map(|row| row.saturated).sum::<u64>();
        assert_eq!(u64::from(driver.value("saturations").unwrap()), all);
        // A value that is another's is told.
        let mut wrong = expected.clone();
        wrong[1].result[[0; 4]] ^= 1;
        let report = run(network, &mut driver, &arrays, &wrong).unwrap().report;
        assert_eq!((report.mismatches, report.layers[1].mismatches), (1, 1));
        all += report.layers.iter().map(|row| row.saturated).sum::<u64>();
        for (values, finished) in values.iter_mut().zip(expected) {
            values.extend(finished.result);
        }
    }
    // Few are at an end of their range, or the rest would say nothing.
    let different: Vec<usize> = values.iter().map(BTreeSet::len).collect();
    println!("{all} saturated; values that differ, by layer: {different:?}");
    assert!(all > 0 && different.iter().all(|&values| values > 15));
}

#[test]
fn a_chain_of_quantised_layers_is_exact() {
    let engine = engine(ENGINE);
    let network = network(LAYERS, &engine).unwrap();
    let tiles = network.tasks().into_iter();
    let tiles = tiles.map(|task| network.steps()[task.step].tiling(task.pass).tiles().len());
    assert!(tiles.max() > Some(1));
    check(&engine, &network);
}

#[test]
fn the_example_is_exact() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let file = EngineFile::read(&folder.join("engines/quantised.toml")).unwrap();
    let engine = file.validate().unwrap();
    let file = NetworkFile::read(&folder.join("networks/quantised.toml")).unwrap();
    check(&engine, &file.validate(&engine).unwrap());
}

/// Each value by hand: (x - 3) w + b, by the scale over 2^shift, plus the zero point.
#[test]
fn a_layer_of_one_product_is_what_its_definition_says() {
    let text = "name = \"n\"\npasses = [\"forward\"]\n[[layer]]\nname = \"a\"\n\
                stages = { zero_point = 3, bias = true, shift = 9, out_zero_point = -5 }\n\
                conv = { in_channels = 1, out_channels = 1, in_size = 1, kernel = 1 }";
    let network = network(text, &engine(ENGINE)).unwrap();
    let mut inside = 0;
    for seed in 0..200 {
        let arrays = NetworkArrays::random(&network, seed);
        let [x, w] = [&arrays.inputs[0], &Some(arrays.weights[0].clone())]
            .map(|array| f64::from(array.as_ref().unwrap()[[0; 4]]));
        let bias = arrays.stages[0].bias.as_ref().unwrap()[0] as f64;
        let scale = f64::from(arrays.stages[0].scale.as_ref().unwrap()[0]);
        let exact = ((x - 3.0) * w + bias) * scale / 512.0;
        let value = exact.round_ties_even() - 5.0;
        let found = &reference(&network, &arrays)[0];
        assert_eq!(
            found.result[[0; 4]] as f64,
            value.clamp(-64.0, 63.0),
            "{seed}"
        );
        inside += u32::from((-64.0..=63.0).contains(&value));
    }
    assert!(inside > 20, "{inside}");
}

#[test]
fn what_cannot_be_is_said() {
    let narrow = engine(ENGINE);
    let sums = "out_type = \"int7\"\nscale_per = \"channel\"\nshift = 22\nactivation = true\n";
    assert!(ENGINE.contains(sums));
    let sums = engine(&ENGINE.replace(sums, ""));
    let mistake = |from: &str, to: &str| {
        assert!(LAYERS.contains(from), "{from}");
        network(&LAYERS.replacen(from, to, 1), &narrow).unwrap_err()
    };
    assert_snapshot!(mistake("[\"forward\"]", "[\"forward\", \"grad_input\"]"), @r#"the engine makes its results int7 (`engine.out_type`), which is for `passes = ["forward"]` alone: gradients are made of sums, "accumulator""#);
    assert_snapshot!(mistake("out_zero_point = 4 }", "out_zero_point = 4 }\nskip = []\noutput_shift = 3"), @r#"layer "up" has `output_shift`, and the engine makes its results narrow (`engine.out_type`): they go to the next layer as they are, so leave it out, or take an engine that gives sums"#);
    assert_snapshot!(mistake("from = [\"up\"]", "from = [\"up\"]\nskip = [\"up\"]"), @r#"layer "point" has `skip`, and the engine makes its results narrow (`engine.out_type`): they go to the next layer as they are, so leave it out, or take an engine that gives sums"#);
    let conv = "conv = { in_channels = 1, out_channels = 1, in_size = 1, kernel = 1 }";
    let both =
        ["b", "c"].map(|name| format!("[[layer]]\nname = \"{name}\"\nfrom = [\"a\"]\n{conv}\n"));
    let both = format!(
        "name = \"n\"\npasses = [\"forward\"]\n[[layer]]\nname = \"a\"\n{conv}\n{}",
        both.concat()
    );
    assert_snapshot!(network(&both, &narrow).unwrap_err(), @r#"layer "a" would take the sum of the outputs of "b" and "c", and the engine makes its results narrow (`engine.out_type`): take the one or the other, or an engine that gives sums"#);
    assert_snapshot!(mistake("shift = 17,", "shift = 23,"), @r#"layer "up": the layer is to be shifted by 23 bits, and the engine shifts by 0 to 22 (`engine.shift`)"#);
    assert_snapshot!(mistake("zero_point = -3,", "zero_point = -65,"), @r#"layer "up": `engine.zero_point` (int7) is -65: it must be from -64 to 63"#);
    assert_snapshot!(mistake("activation = \"relu\"", "activation = \"gelu\""), @r#"layer "point": `engine.activation` is "gelu": it must be one of "relu", "relu6", "clamp""#);
    assert_snapshot!(mistake("activation = \"relu\"", "mask = true"), @"network.toml:17: unknown key `mask`: expected one of `zero_point`, `bias`, `shift`, `out_zero_point`, `activation`, `out_min`, `out_max`");
    let other = engine(&ENGINE.replace("out_type = \"int7\"", "out_type = \"int8\""));
    assert_snapshot!(network(LAYERS, &other).unwrap_err(), @"the engine makes its results int8 (`engine.out_type`), and the next layer takes int7 (`engine.grad_type`): they must be the same");
    let layer = |text: &str| {
        let conv = "conv = { in_channels = 1, out_channels = 1, in_size = 1, kernel = 1 }";
        format!("name = \"n\"\n{text}\n{conv}")
    };
    let forward = "passes = [\"forward\"]\n[[layer]]\nname = \"a\"";
    let of_sums = |text: &str| network(&layer(text), &sums);
    assert_snapshot!(of_sums(&format!("{forward}\nscale = \"s.npy\"")).unwrap_err(), @r#"layer "a" has a `scale`, and the engine gives sums: take one with an `engine.out_type`, or leave it out"#);
    assert_snapshot!(of_sums(&format!("{forward}\nstages = {{ activation = \"relu\" }}")).unwrap_err(), @r#"layer "a": `engine.activation` is given, but nothing is scaled: set `engine.out_type` to one of "int2" to "int16", or leave `engine.activation` out"#);
    assert_snapshot!(of_sums("[[layer]]\nname = \"a\"\nbias = \"b.npy\"").unwrap_err(), @r#"layer "a" has `bias`, and what a layer has beside its convolution is of the pass forward: say `passes = ["forward"]`, or leave it out"#);
    assert_snapshot!(of_sums("[[layer]]\nname = \"a\"\nstages = { bias = true }").unwrap_err(), @r#"layer "a" has `stages`, and what a layer has beside its convolution is of the pass forward: say `passes = ["forward"]`, or leave it out"#);
    // Sums have biases and zero points as well.
    check_sums(
        &sums,
        &of_sums(&format!(
            "{forward}\nstages = {{ bias = true, zero_point = 5 }}"
        ))
        .unwrap(),
    );
}

/// By hand.
fn check_sums(engine: &ProgrammableEngine, network: &Network) {
    assert!(engine.requantise().is_none());
    for seed in 0..50 {
        let arrays = NetworkArrays::random(network, seed);
        let [x, w] = [&arrays.inputs[0], &Some(arrays.weights[0].clone())]
            .map(|array| i64::from(array.as_ref().unwrap()[[0; 4]]));
        let bias = arrays.stages[0].bias.as_ref().unwrap()[0];
        let found = &reference(network, &arrays)[0];
        assert_eq!(found.result[[0; 4]], (x - 5) * w + bias, "{seed}");
    }
}

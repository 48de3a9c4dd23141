//! Promise: the backward pass of a network on one engine is that of the software reference, layer by layer, and what is
//! wrong with a network file is said, with the place and what would be right.

use std::path::{Path, PathBuf};

use bpa_engine::driver::{Driver, Simulated};
use bpa_engine::emit::Target;
use bpa_engine::layer::Pass;
use bpa_engine::network::Task;
use bpa_engine::network::{reference, run, Network, NetworkArrays, NetworkFile};
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_hdl::rtl::print_verilog;
use bpa_hdl::shell::programmable::Programmable;
use bpa_sim::{Cache, Model};
use insta::assert_snapshot;
use ndarray::Array4;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/networks")
}

fn engine() -> ProgrammableEngine {
    let path = folder().join("../engines/network.toml");
    EngineFile::read(&path).unwrap().validate().unwrap()
}

/// The engine of the examples of training steps.
fn training_engine() -> ProgrammableEngine {
    let path = folder().join("../engines/training.toml");
    EngineFile::read(&path).unwrap().validate().unwrap()
}

/// An example, on the engine that it names.
fn example(name: &str) -> Network {
    let path = folder().join(name).with_extension("toml");
    let file = NetworkFile::read(&path).unwrap();
    let engine = folder().join(file.engine.as_ref().unwrap());
    let engine = EngineFile::read(&engine).unwrap().validate().unwrap();
    file.validate(&engine).unwrap()
}

fn model(engine: &ProgrammableEngine, hardware: &Programmable) -> Model {
    let text = print_verilog(&hardware.module);
    let cache = Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"));
    Simulated::model(engine, hardware, &text, &cache).unwrap()
}

#[test]
fn every_example_is_valid_and_named_as_its_file() {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(example(name).name(), name);
        names.push(name.to_owned());
    }
    assert_eq!(names.len(), 10, "{names:?}");
}

/// The large one is left out here: it takes half a minute without optimisation.
#[test]
fn networks_are_exact_and_a_wrong_value_is_told() {
    let engine = engine();
    let hardware = engine.hardware(Target::Generic);
    let model = model(&engine, &hardware);
    let mut driver = Driver::open(&engine, &hardware, Simulated::new(&model, 1)).unwrap();
    for (name, layers) in [
        ("mobilenetv2", 9),
        ("segmentation_head", 7),
        ("dcgan_discriminator_quarter", 5),
    ] {
        let network = example(name);
        let arrays = NetworkArrays::random(&network, 3);
        let mut expected = reference(&network, &arrays);
        let spoilt = &mut expected.last_mut().unwrap().result;
        let spoilt = spoilt.first_mut().unwrap();
        *spoilt += 1;
        let ran = run(&network, &mut driver, &arrays, &expected).unwrap();
        let report = ran.report;
        assert_eq!(ran.results.len(), layers);
        assert_eq!(ran.results[0], expected[0].result);
        let (last, before) = report.layers.split_last().unwrap();
        assert_eq!(report.layers.len(), layers);
        assert_eq!((report.mismatches, last.mismatches), (1, 1), "{name}");
        assert!(last.first_mismatch.is_some());
        assert!(before.iter().all(|row| row.mismatches == 0), "{name}");
        assert!(report.ratio < 1.03, "{name}: {}", report.ratio);
        let tiles: u64 = report.layers.iter().map(|row| row.tiles).sum();
        assert_eq!(report.tiles, tiles);
        for (row, step) in report.layers.iter().zip(network.steps()) {
            let most = step.tiling(Pass::GradInput).cycles(1);
            assert!(row.cycles <= most, "{name}, {}: {most}", row.name);
        }
        assert!(report.to_text().contains("1 values WRONG"));
    }
}

/// Dense, strided, transposed and depthwise layers, a tensor that is used twice, and one that is added: an image of 6 x 6 goes
/// down to 3 x 3 and up again.
const STEP: &str = "name = \"step\"
frames = 3
passes = [\"grad_weight\", \"forward\", \"grad_input\"]
[[layer]]
name = \"head\"
output_shift = 9
conv = { in_channels = 8, out_channels = 4, in_size = 6, kernel = 1 }
[[layer]]
name = \"up\"
shift = 7
output_shift = 8
conv = { op = \"conv_transpose\", in_channels = 6, out_channels = 8, in_size = 3, kernel = 2, stride = 2, groups = 2 }
[[layer]]
name = \"down\"
shift = 8
output_shift = 9
conv = { in_channels = 8, out_channels = 6, in_size = 6, kernel = 3, stride = 2, padding = 1, groups = 2 }
[[layer]]
name = \"depthwise\"
from = [\"down\", \"head\"]
skip = [\"up\"]
shift = 9
output_shift = 8
conv = { in_channels = 4, out_channels = 8, in_size = 6, kernel = [3, 2], padding = [1, 1, 1, 0], groups = 4 }
";

/// Every pass is what the reference's chain has, which spoilt in one value of each is told; no pass takes longer than is
/// predicted.
#[test]
fn a_training_step_is_exact_in_every_pass() {
    let engine = training_engine();
    let network = NetworkFile::parse(STEP, "step.toml").unwrap();
    let network = network.validate(&engine).unwrap();
    let hardware = engine.hardware(Target::Generic);
    let model = model(&engine, &hardware);
    let mut driver = Driver::open(&engine, &hardware, Simulated::new(&model, 1)).unwrap();
    let arrays = NetworkArrays::random(&network, 4);
    let mut expected = reference(&network, &arrays);
    let ran = run(&network, &mut driver, &arrays, &expected).unwrap();
    assert_eq!(ran.report.mismatches, 0, "{}", ran.report.to_text());
    let tasks = network.tasks();
    let told: Vec<String> = (ran.report.layers.iter())
        .map(|row| format!("{} {}", row.name, row.pass))
        .collect();
    assert_snapshot!(told.join(", "), @"depthwise forward, down forward, up forward, head forward, head grad_input, head grad_weight, up grad_input, up grad_weight, down grad_input, down grad_weight, depthwise grad_input, depthwise grad_weight");
    for (row, &task) in ran.report.layers.iter().zip(&tasks) {
        let tiling = network.steps()[task.step].tiling(task.pass);
        let most = tiling.cycles(network.frames_of(task) as u64);
        assert!(
            row.cycles <= most,
            "{} {}: {} of {most}",
            row.name,
            row.pass,
            row.cycles
        );
    }
    // 2 of 8 groups' channels meet: of 64 lanes 2 x 4 work; and two rows of each of 3 images are on 8 lanes.
    let idle = |name: &str, pass| {
        let mut rows = ran.report.layers.iter();
        let row = rows.find(|row| row.name == name && row.pass == pass);
        row.unwrap().idle_multipliers
    };
    assert_eq!(idle("depthwise", Pass::Forward), 64.0 - 8.0);
    assert_eq!(idle("head", Pass::GradWeight), 64.0 - 6.0 * 4.0);

    for pass in Pass::ALL {
        let index = tasks.iter().position(|task| task.pass == pass).unwrap();
        *expected[index].result.last_mut().unwrap() += 1;
    }
    let mut driver = Driver::open(&engine, &hardware, Simulated::new(&model, 1)).unwrap();
    let ran = run(&network, &mut driver, &arrays, &expected).unwrap();
    assert_eq!(ran.report.mismatches, 3);
    let first: Vec<&str> = (ran.report.layers.iter())
        .filter_map(|row| row.first_mismatch.as_ref()?.split(" is ").next())
        .collect();
    assert_snapshot!(first.join("\n"), @r#"
    output[2, 7, 5, 5] (n, k, p, q)
    grad_input[2, 7, 5, 5] (n, c, h, w)
    grad_weight[3, 7, 0, 0] (k, c, r, s)
    "#);
}

/// Where nothing is shifted or saturated, gradients of weights and of the input are the differences that a step of 1 makes
/// of the loss: what is joined backward is what was joined forward.
#[test]
fn gradients_are_those_of_the_forward_pass() {
    let text = STEP
        .replace("output_shift = 9", "output_shift = 0")
        .replace("output_shift = 8", "output_shift = 0")
        .replace("shift = 9", "shift = 0")
        .replace("shift = 8", "shift = 0")
        .replace("shift = 7", "shift = 0")
        .replace("frames = 3", "frames = 1");
    let engine = EngineFile::parse(
        "[engine]\nmode = \"programmable\"\ngrad_type = \"int16\"\nweight_type = \"int16\"",
        "here",
    );
    let engine = engine.unwrap().validate().unwrap();
    let network = NetworkFile::parse(&text, "step.toml").unwrap();
    let network = network.validate(&engine).unwrap();
    let mut arrays = NetworkArrays::random(&network, 6);
    // So small that no sum leaves the type.
    for weight in &mut arrays.weights {
        weight.mapv_inplace(|value| value.rem_euclid(3) - 1);
    }
    let small = |array: &mut Option<Array4<i32>>| {
        array
            .as_mut()
            .unwrap()
            .mapv_inplace(|value| value.rem_euclid(3) - 1);
    };
    small(&mut arrays.inputs[3]);
    small(&mut arrays.grad_outputs[0]);
    let tasks = network.tasks();
    let place = |step, pass| {
        tasks
            .iter()
            .position(|&task| task == Task { step, pass })
            .unwrap()
    };
    let result = |arrays: &NetworkArrays, step, pass| {
        reference(&network, arrays)[place(step, pass)]
            .result
            .clone()
    };
    // The last layer's output is all that the loss sees; it is linear in every value of a weight, and of the input.
    let loss = |arrays: &NetworkArrays| -> i64 {
        let output = result(arrays, 0, Pass::Forward);
        let gradient = arrays.grad_outputs[0].as_ref().unwrap();
        output
            .iter()
            .zip(gradient)
            .map(|(&y, &dy)| y * i64::from(dy))
            .sum()
    };
    let at_first = loss(&arrays);
    for step in 0..4 {
        let gradient = result(&arrays, step, Pass::GradWeight);
        let (k, c, r, s) = arrays.weights[step].dim();
        let corner = [k - 1, c - 1, r - 1, 0];
        let mut moved = arrays.clone();
        moved.weights[step][corner] += 1;
        let found = gradient[[corner[1], corner[0], corner[2], corner[3]]];
        assert_eq!(
            found,
            loss(&moved) - at_first,
            "weight of layer {step}, {s} columns"
        );
    }
    let gradient = result(&arrays, 3, Pass::GradInput);
    for pixel in [[0, 0, 0, 0], [0, 3, 5, 5], [0, 2, 1, 4]] {
        let mut moved = arrays.clone();
        moved.inputs[3].as_mut().unwrap()[pixel] += 1;
        assert_eq!(gradient[pixel], loss(&moved) - at_first, "{pixel:?}");
    }
}

/// ResNet-18 by what is predicted, which no run exceeds: it is too large to be simulated here. What is stationary in the
/// first tile of a pass is loaded while the one before runs.
#[test]
fn networks_in_other_passes_are_near_their_bounds() {
    let network = example("resnet18_56_step");
    let (mut cycles, mut bound) = (0, 0);
    for task in network.tasks() {
        let tiling = network.steps()[task.step].tiling(task.pass);
        let frames = network.frames_of(task) as u64;
        cycles += tiling.cycles(frames) - tiling.tiles()[0].weight_beats();
        bound += tiling.bound_cycles_behind(frames);
    }
    assert!(cycles * 1000 <= bound * 1010, "{cycles} of {bound}");

    let engine = training_engine();
    let hardware = engine.hardware(Target::Generic);
    let model = model(&engine, &hardware);
    let mut driver = Driver::open(&engine, &hardware, Simulated::new(&model, 1)).unwrap();
    let mut exact = |network: &Network| {
        let arrays = NetworkArrays::random(network, 0);
        let expected = reference(network, &arrays);
        let ran = run(network, &mut driver, &arrays, &expected).unwrap();
        assert_eq!(ran.report.mismatches, 0, "{}", ran.report.to_text());
        ran.report
    };
    let network = example("mobilenetv2_step");
    let report = exact(&network);
    let (mut dense, mut depthwise) = (0, 0);
    for (row, task) in report.layers.iter().zip(network.tasks()) {
        let layer = network.steps()[task.step].tiling(task.pass).layer();
        // On 8 x 8 lanes the group of a depthwise layer has work for eight: forward one in each of eight groups side by side.
        let (count, idle) = match layer.groups() {
            1 => (&mut dense, 0.0),
            _ => (&mut depthwise, 56.0),
        };
        assert_eq!(row.idle_multipliers, idle, "{} {}", row.name, row.pass);
        if row.pass == Pass::GradWeight {
            *count += 1;
            assert!(layer.groups() > 1 || row.ratio < 1.03, "{}", row.ratio);
        }
    }
    assert_eq!((dense, depthwise), (6, 3));

    // Forward alone, with transposed convolutions and skips.
    let report = exact(&example("unet"));
    assert!(report.ratio < 1.01, "{}", report.ratio);
}

/// By hand: 1 x 1 layers of one pixel, so that every value is a product.
#[test]
fn outputs_go_where_gradients_come_from() {
    let conv = "conv = { in_channels = 1, out_channels = 1, in_size = 1, kernel = 1 }";
    let text = format!(
        "name = \"n\"\npasses = [\"forward\", \"grad_input\", \"grad_weight\"]\n[[layer]]\nname = \"a\"\n{conv}\n\
         [[layer]]\nname = \"b\"\nshift = 8\noutput_shift = 6\n{conv}\n[[layer]]\nname = \"c\"\nfrom = [\"a\", \"b\"]\n\
         skip = [\"b\"]\nshift = 7\noutput_shift = 5\n{conv}\n"
    );
    let network = NetworkFile::parse(&text, "n.toml").unwrap();
    let network = network.validate(&training_engine()).unwrap();
    let clamped = |value: i64| value.clamp(-128, 127);
    for seed in 0..50 {
        let arrays = NetworkArrays::random(&network, seed);
        let [a, b, c] = [0, 1, 2].map(|layer| i64::from(arrays.weights[layer][[0; 4]]));
        let x = i64::from(arrays.inputs[2].as_ref().unwrap()[[0; 4]]);
        let loss = i64::from(arrays.grad_outputs[0].as_ref().unwrap()[[0; 4]]);
        let from_c = clamped((x * c).div_euclid(32));
        let from_b = clamped((from_c * b).div_euclid(64) + from_c);
        let into_a = clamped(from_b + from_c);
        let into_b = clamped((loss * a).div_euclid(256));
        let into_c = clamped((loss * a + into_b * b).div_euclid(128) + into_b);
        let expected = [
            x * c,
            from_c * b,
            into_a * a,
            loss * a,
            into_a * loss,
            into_b * b,
            from_c * into_b,
            into_c * c,
            x * into_c,
        ];
        let found = reference(&network, &arrays);
        let found: Vec<i64> = found.iter().map(|it| it.result[[0; 4]]).collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

/// By hand: the second layer stands apart from the first, and takes an input and a gradient of its own shape.
#[test]
fn layers_apart_take_their_own() {
    let conv = |channels: [u32; 2]| {
        let [from, to] = channels;
        format!("conv = {{ in_channels = {from}, out_channels = {to}, in_size = 1, kernel = 1 }}")
    };
    let text = format!(
        "name = \"n\"\npasses = [\"forward\", \"grad_input\", \"grad_weight\"]\n[[layer]]\nname = \"a\"\n\
         own = [\"input\"]\n{}\n[[layer]]\nname = \"b\"\nown = [\"grad_output\"]\noutput_shift = 4\n{}\n\
         [[layer]]\nname = \"c\"\nshift = 3\n{}\n",
        conv([1, 1]),
        conv([1, 2]),
        conv([1, 1]),
    );
    let parsed = |text: &str| NetworkFile::parse(text, "n.toml").unwrap();
    let network = parsed(&text).validate(&training_engine()).unwrap();
    let arrays = NetworkArrays::random(&network, 3);
    let value = |array: &Array4<i32>| i64::from(array[[0; 4]]);
    let [a, c] = [0, 2].map(|layer| value(&arrays.weights[layer]));
    let b = [0, 1].map(|k| i64::from(arrays.weights[1][[k, 0, 0, 0]]));
    let input = |layer: usize| value(arrays.inputs[layer].as_ref().unwrap());
    let loss = value(arrays.grad_outputs[0].as_ref().unwrap());
    let own = arrays.grad_outputs[1].as_ref().unwrap();
    let own = [0, 1].map(|k| i64::from(own[[0, k, 0, 0]]));
    assert_eq!((&arrays.inputs[1], &arrays.grad_outputs[2]), (&None, &None));
    let into_b = (input(2) * c).clamp(-128, 127);
    let grad_b = own[0] * b[0] + own[1] * b[1];
    let grad_c = (grad_b >> 3).clamp(-128, 127);
    let expected = [
        input(2) * c,
        into_b * b[0],
        input(0) * a,
        loss * a,
        loss * input(0),
        grad_b,
        own[0] * into_b,
        grad_c * c,
        grad_c * input(2),
    ];
    let found = reference(&network, &arrays);
    let found: Vec<i64> = found.iter().map(|it| it.result[[0; 4]]).collect();
    assert_eq!(found, expected);

    let mistake = |from: &str, to: &str| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        let network = parsed(&text.replace(from, to)).validate(&training_engine());
        network.unwrap_err().to_string()
    };
    assert_snapshot!(mistake("own = [\"grad_output\"]", "own = [\"gradient\"]"), @r#"layer "b": `own` has "gradient": it must be "input" or "grad_output""#);
    assert_snapshot!(mistake("own = [\"grad_output\"]", "own = [\"grad_output\"]\nshift = 2"), @r#"layer "b" takes its own grad_output, so that it can have no `from`, `skip` or `shift`"#);
    assert_snapshot!(mistake("own = [\"grad_output\"]", "from = [\"a\"]"), @r#"layer "b" consumes 2 x 1 x 1 (channels x rows x columns), and the grad_input of layer "a" is 1 x 1 x 1: change the one or the other, or take another layer's"#);
    assert_snapshot!(mistake("shift = 3", "from = [\"a\"]"), @r#"layer "c" gives its output to layer "a", which takes its own input: take "input" out of the `own` of "a", or give "c" `own = ["grad_output"]`"#);
    let given = text.replace("name = \"c\"", "name = \"c\"\nown = [\"input\"]");
    let given = parsed(&format!("input = \"x.npy\"\n{given}"));
    let unused = given.validate(&training_engine()).unwrap_err().to_string();
    assert_snapshot!(unused, @"`input` is given, but every layer takes its own, or another's output: leave it out");
}

/// By hand: 1 x 1 layers of one pixel, so that every gradient is a product.
#[test]
fn gradients_are_shifted_down_then_added_where_a_tensor_was_used_twice() {
    let conv = "conv = { in_channels = 1, out_channels = 1, in_size = 1, kernel = 1 }";
    let text = format!(
        "name = \"n\"\n[[layer]]\nname = \"a\"\n{conv}\n[[layer]]\nname = \"b\"\nshift = 8\n{conv}\n\
         [[layer]]\nname = \"c\"\nfrom = [\"a\", \"b\"]\nskip = [\"b\"]\nshift = 7\n{conv}\n"
    );
    let network = NetworkFile::parse(&text, "n.toml")
        .unwrap()
        .validate(&engine())
        .unwrap();
    for seed in 0..50 {
        let layer = network.steps()[0].tiling(Pass::GradInput).layer();
        let weight =
            |index| i64::from(bpa_engine::vectors::random_stationary(layer, seed + index)[[0; 4]]);
        let loss = i64::from(bpa_engine::vectors::random_moving(layer, 1, seed)[[0; 4]]);
        let a = loss * weight(0);
        let into_b = a.div_euclid(256).clamp(-128, 127);
        let b = into_b * weight(1);
        let into_c = ((a + b).div_euclid(128) + into_b).clamp(-128, 127);
        let found: Vec<i64> = reference(&network, &NetworkArrays::random(&network, seed))
            .iter()
            .map(|finished| finished.result[[0; 4]])
            .collect();
        assert_eq!(found, [a, b, into_c * weight(2)], "seed {seed}");
    }
}

/// What is said of a network of two layers, written with these changes.
fn mistake(from: &str, to: &str) -> String {
    let text = "name = \"n\"
frames = 1
[[layer]]
name = \"a\"
conv = { in_channels = 4, out_channels = 8, in_size = 6, kernel = 3, padding = 1 }
[[layer]]
name = \"b\"
shift = 8
conv = { in_channels = 2, out_channels = 4, in_size = 6, kernel = 1 }
";
    assert_eq!(text.matches(from).count(), 1, "{from}");
    let file = NetworkFile::parse(&text.replace(from, to), "n.toml");
    let network = file.and_then(|file| file.validate(&engine()));
    network.unwrap_err().to_string()
}

/// A network whose layers cannot be what they are to be together.
#[test]
fn passes_that_do_not_go_together_are_named() {
    let said = |engine: &str, more: &str| {
        let text = STEP.replace("name = \"step\"", &format!("name = \"step\"\n{more}"));
        let engine = format!("[engine]\nmode = \"programmable\"\n{engine}");
        let engine = EngineFile::parse(&engine, "here").unwrap();
        let file = NetworkFile::parse(&text, "step.toml").unwrap();
        file.validate(&engine.validate().unwrap())
    };
    let narrow = said("weight_type = \"int4\"", "").unwrap_err();
    assert_snapshot!(narrow, @r#"`passes` names "grad_weight", in which grad_output is stationary: it is int8 (`engine.grad_type`), and what is stationary int4 (`engine.weight_type`), which must be as wide"#);
    assert!(said("grad_type = \"int4\"", "").is_ok());
    // Both of the last two layers take the image then.
    let two = STEP.replace("from = [\"down\", \"head\"]", "from = [\"head\"]");
    let file = NetworkFile::parse(&two, "step.toml").unwrap();
    assert_snapshot!(file.validate(&training_engine()).unwrap_err(), @r#"layers "down" and "depthwise" both take the network's input, as no layer has them in `from`, but consume 8 x 6 x 6 and 4 x 6 x 6 (channels x rows x columns): a network has one input"#);
}

/// Found by `tests/hostile`: such names went to terminals as they were.
#[test]
fn names_have_letters_and_an_end() {
    assert_snapshot!(mistake("\"b\"", "\"b\\u001b[2J\""), @r#"`name` is "b\u{1b}[2J": a name in a network has 1 to 100 characters, which are letters, digits, spaces and ASCII punctuation"#);
    let long = format!("\"{}\"", "b".repeat(101));
    assert!(mistake("\"b\"", &long).contains("1 to 100 characters"));
    assert!(mistake("\"b\"", "\"\"").contains("1 to 100 characters"));
}

#[test]
fn mistakes_are_named() {
    assert_snapshot!(mistake("frames = 1", "frames = 0"), @"`frames` is 0: it must be from 1 to 1000");
    assert_snapshot!(mistake("shift = 8", "shift = 49"), @r#"`shift` of layer "b" is 49: it must be from 0 to 48"#);
    assert_snapshot!(mistake("\"b\"", "\"a\""), @r#"two layers are called "a": give each a name of its own"#);
    assert_snapshot!(mistake("\"a\"", "\"a\"\nskip = [\"b\"]"), @r#"layer "a" is the first and consumes the gradient of the loss: it can have no `from`, `skip` or `shift`"#);
    assert_snapshot!(mistake("\"b\"", "\"b\"\ngrad_output = \"dy.npy\""), @r#"layer "b" has a `grad_output`, but consumes what other layers give: only the first one can have it"#);
    assert_snapshot!(mistake("shift = 8", "from = [\"c\"]"), @r#"`from` of layer "b" names "c", and no layer before it is called that; those before are a"#);
    assert_snapshot!(mistake("out_channels = 4", "out_channels = 6"), @r#"layer "b" consumes 6 x 6 x 6 (channels x rows x columns), and the grad_input of layer "a" is 4 x 6 x 6: change the one or the other, or take another layer's"#);
    assert_snapshot!(mistake("shift = 8", "skip = [\"a\"]"), @r#"layer "b" consumes 4 x 6 x 6 (channels x rows x columns), and the grad_output of layer "a" is 8 x 6 x 6: change the one or the other, or take another layer's"#);
    assert_snapshot!(mistake("kernel = 1", "kernel = 9"), @r#"layer "b": `layer.kernel` (rows) does not fit: with its dilation it spans 9 pixels, but in_size plus padding is 6; use a smaller kernel or dilation, or more padding"#);
    assert_snapshot!(mistake("kernel = 3, padding = 1", "kernel = 5, padding = 2"), @r#"layer "a": the layer fits in no tiles: the smallest needs rows of the kernel = 5, and the engine has `limits.kernel` = 4; 5 would do"#);
    assert_snapshot!(mistake("frames = 1", "frames = 1000\n[[layer]]\nname = \"z\"\nconv = { in_channels = 60000, out_channels = 60000, in_size = 1, kernel = 1 }"), @"the arrays would hold 3720648296 values, and at most 1073741824 are possible: use fewer frames or layers");
    let passes = |to: &str| mistake("frames = 1", &format!("passes = {to}"));
    assert_snapshot!(passes("[]"), @r#"`passes` is empty: name at least one of "forward", "grad_input" and "grad_weight", or leave it out"#);
    assert_snapshot!(passes("[\"forwards\"]"), @r#"`passes` names "forwards": a pass is "forward", "grad_input" or "grad_weight""#);
    assert_snapshot!(passes("[\"forward\", \"grad_input\", \"forward\"]"), @r#"`passes` names "forward" twice: once is enough"#);
    assert_snapshot!(passes("[\"grad_input\", \"grad_weight\"]"), @r#"`passes` names "grad_weight" without "forward": a gradient of weights is of what the passes forward and grad_input leave, so name all three"#);
    assert_snapshot!(passes("[\"forward\", \"grad_input\", \"grad_weight\"]"), @r#"layer "a": the layer fits in no tiles: the smallest needs columns of grad_output as a kernel = 6, and the engine has `limits.kernel` = 4; 6 would do"#);
    assert_snapshot!(mistake("frames = 1", "input = \"x.npy\""), @r#"`input` is given, but no pass takes it: add "forward" to `passes`, or leave it out"#);
    let forward = "passes = [\"forward\"]\n[[layer]]\nname = \"a\"\ngrad_output = \"dy.npy\"";
    assert_snapshot!(mistake("frames = 1\n[[layer]]\nname = \"a\"", forward), @r#"`grad_output` of layer "a" is given, but no pass takes it: add "grad_input" to `passes`, or leave it out"#);
    assert_snapshot!(mistake("shift = 8", "output_shift = 49"), @r#"`output_shift` of layer "b" is 49: it must be from 0 to 48"#);
    assert_snapshot!(mistake("kernel = 1", "kernel = 1, batch = 2"), @r#"layer "b": `conv.batch` is 2, and `frames` is 1: leave `conv.batch` out"#);
    assert_snapshot!(mistake("kernel = 1", "kernel = 1, pass = \"forward\""), @r#"layer "b": `conv.pass` is "forward": the passes of a network are its key `passes`, so leave it out"#);
    let none = NetworkFile::parse("name = \"n\"", "n.toml").unwrap();
    assert_snapshot!(none.validate(&engine()).unwrap_err(), @"there is no layer: give at least one [[layer]]");
    let texts = [
        "nmae = 1",
        "frames = 2",
        "name = \"n\"\n[[layer]]\nname = \"a\"\nconv = { kernel = 3, strides = 2 }",
        "name = \"n\"\n[[layer]]\nname = \"a\"\nfrom = [1]\nconv = { kernel = 3 }",
        "name = \"n\"\n[[layer]]\nname = \"a\"\nfrom = \"b\"\nconv = { kernel = 3 }",
        "name = \"n\"\n[[layer]]\nname = \"a\"\nconv = 3",
        "name = \"n\"\n[[layer]]\nname = \"a\"\nweight = 3\nconv = { kernel = 3 }",
        "name = \"n\"\n[[layer]]\nconv = { kernel = 3 }",
        "name = \"n\"\n[[layer]]\nname = \"a\"",
    ];
    let syntax = texts.map(|text| NetworkFile::parse(text, "n.toml").unwrap_err().to_string());
    assert_snapshot!(syntax.join("\n"), @r#"
    n.toml:1: unknown key `nmae`: expected one of `name`, `engine`, `frames`, `passes`, `input`, `layer`
    n.toml:1: `name` is missing
    n.toml:4: unknown key `strides`: expected one of `op`, `pass`, `in_channels`, `out_channels`, `in_size`, `kernel`, `stride`, `dilation`, `padding`, `groups`, `batch`, `out_size`, `output_padding`
    n.toml:4: `from` is 1: it must be a text in quotes
    n.toml:4: `from` is "b": it must be a list
    n.toml:4: `conv` is 3: it must be a table
    n.toml:4: `weight` is 3: it must be a text in quotes
    n.toml:2: `name` is missing
    n.toml:2: `conv` is missing
    "#);
}

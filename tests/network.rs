//! Promise: the backward pass of a network on one engine is that of the software reference, layer by layer, and what is
//! wrong with a network file is said, with the place and what would be right.

use std::path::{Path, PathBuf};

use bpa_engine::driver::{Driver, Simulated};
use bpa_engine::emit::Target;
use bpa_engine::network::{reference, run, Network, NetworkArrays, NetworkFile};
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_hdl::rtl::print_verilog;
use bpa_sim::Cache;
use insta::assert_snapshot;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/networks")
}

fn engine() -> ProgrammableEngine {
    let path = folder().join("../engines/network.toml");
    EngineFile::read(&path).unwrap().validate().unwrap()
}

fn example(name: &str) -> Network {
    let path = folder().join(name).with_extension("toml");
    let file = NetworkFile::read(&path).unwrap();
    file.validate(&engine()).unwrap()
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
    assert_eq!(names.len(), 4, "{names:?}");
}

/// The large one is left out here: it takes half a minute without optimisation.
#[test]
fn networks_are_exact_and_a_wrong_value_is_told() {
    let engine = engine();
    let hardware = engine.hardware(Target::Generic);
    let text = print_verilog(&hardware.module);
    let cache = Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"));
    let model = Simulated::model(&engine, &hardware, &text, &cache).unwrap();
    let mut driver = Driver::open(&engine, &hardware, Simulated::new(&model, 1)).unwrap();
    for (name, layers) in [
        ("mobilenetv2", 9),
        ("segmentation_head", 7),
        ("dcgan_discriminator_quarter", 5),
    ] {
        let network = example(name);
        let arrays = NetworkArrays::random(&network, 3);
        let mut expected = reference(&network, &arrays);
        let spoilt = expected.last_mut().unwrap().first_mut().unwrap();
        *spoilt += 1;
        let ran = run(&network, &mut driver, &arrays, &expected).unwrap();
        let report = ran.report;
        assert_eq!(ran.grad_inputs.len(), layers);
        assert_eq!(ran.grad_inputs[0], expected[0]);
        let (last, before) = report.layers.split_last().unwrap();
        assert_eq!(report.layers.len(), layers);
        assert_eq!((report.mismatches, last.mismatches), (1, 1), "{name}");
        assert!(last.first_mismatch.is_some());
        assert!(before.iter().all(|row| row.mismatches == 0), "{name}");
        assert!(report.ratio < 1.03, "{name}: {}", report.ratio);
        let tiles: u64 = report.layers.iter().map(|row| row.tiles).sum();
        assert_eq!(report.tiles, tiles);
        for (row, step) in report.layers.iter().zip(network.steps()) {
            let most = step.tiling().cycles(1);
            assert!(row.cycles <= most, "{name}, {}: {most}", row.name);
        }
        assert!(report.to_text().contains("1 values WRONG"));
    }
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
        let layer = network.steps()[0].tiling().layer();
        let weight =
            |index| i64::from(bpa_engine::vectors::random_stationary(layer, seed + index)[[0; 4]]);
        let loss = i64::from(bpa_engine::vectors::random_moving(layer, 1, seed)[[0; 4]]);
        let a = loss * weight(0);
        let into_b = a.div_euclid(256).clamp(-128, 127);
        let b = into_b * weight(1);
        let into_c = ((a + b).div_euclid(128) + into_b).clamp(-128, 127);
        let found: Vec<i64> = reference(&network, &NetworkArrays::random(&network, seed))
            .iter()
            .map(|array| array[[0; 4]])
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
    assert_snapshot!(mistake("kernel = 1", "kernel = 1, pass = \"forward\""), @r#"layer "b": `conv.pass` is "forward": a network is run backward, so it must be "grad_input", which is the default"#);
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
    n.toml:1: unknown key `nmae`: expected one of `name`, `engine`, `frames`, `layer`
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

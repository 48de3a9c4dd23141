//! `bpa import`: what it writes, what it says, and a model that is imported, simulated and checked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use npyz::NpyFile;
use serde_json::Value;

use crate::{json_refusal, npy, npy_of_bytes, ran, refusal, Folder};

fn folder() -> Folder {
    let folder = Folder::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/onnx");
    for model in ["unet.onnx", "chain.onnx"] {
        let bytes = fs::read(format!("{data}/{model}")).unwrap();
        folder.write(model, bytes);
    }
    folder
}

/// The page shows what is printed.
#[test]
fn the_page_is_as_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/import.md")).unwrap();
    let folder = Folder::new();
    symlink(root.join("tests"), folder.path().join("tests")).unwrap();
    let command = "import tests/data/onnx/unet.onnx --out build/unet.toml --quantise channel";
    assert!(page.contains(&format!("$ cargo run --release --bin bpa -- {command}\n")));
    let printed = ran(&mut folder.bpa(command)).stdout;
    assert!(page.contains(&printed), "{printed}");
}

/// All layers of a small U-Net, forward and backward, in the engine that was made for them.
#[test]
fn a_u_net_is_imported_simulated_and_checked() {
    let folder = folder();
    let told = ran(&mut folder.bpa("import unet.onnx --out net.toml --quantise channel"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert_eq!(told.stderr, "wrote net.toml\n");
    insta::assert_snapshot!(told.stdout, @r#"
    unet.onnx: 6 of 6 convolutions are layers
    ┌──────────────────┬─────────────────────┬───────────────┬──────────┬─────────┬────────┬───────────────────────────────────┐
    │ layer            ┆ node                ┆ operator      ┆ channels ┆ input   ┆ kernel ┆ takes                             │
    ╞══════════════════╪═════════════════════╪═══════════════╪══════════╪═════════╪════════╪═══════════════════════════════════╡
    │ down_down_0_Conv ┆ "/down/down.0/Conv" ┆ Conv          ┆ 1 to 4   ┆ 16 x 16 ┆ 3 x 3  ┆ its own input                     │
    │ low_low_0_Conv   ┆ "/low/low.0/Conv"   ┆ Conv          ┆ 4 to 8   ┆ 8 x 8   ┆ 3 x 3  ┆ its own input                     │
    │ deep_deep_0_Conv ┆ "/deep/deep.0/Conv" ┆ Conv          ┆ 8 to 8   ┆ 8 x 8   ┆ 3 x 3  ┆ low_low_0_Conv                    │
    │ up_ConvTranspose ┆ "/up/ConvTranspose" ┆ ConvTranspose ┆ 8 to 4   ┆ 8 x 8   ┆ 2 x 2  ┆ deep_deep_0_Conv + low_low_0_Conv │
    │ join_join_0_Conv ┆ "/join/join.0/Conv" ┆ Conv          ┆ 8 to 4   ┆ 16 x 16 ┆ 3 x 3  ┆ its own input                     │
    │ out_Conv         ┆ "/out/Conv"         ┆ Conv          ┆ 4 to 2   ┆ 16 x 16 ┆ 1 x 1  ┆ join_join_0_Conv                  │
    └──────────────────┴─────────────────────┴───────────────┴──────────┴─────────┴────────┴───────────────────────────────────┘
    down_down_0_Conv, low_low_0_Conv, deep_deep_0_Conv, up_ConvTranspose, join_join_0_Conv, out_Conv: its bias is left out of the network
    left out, as they are no convolutions: 1 "Add", 1 "Concat", 1 "MaxPool", 4 "Relu"
    "#);
    let text = fs::read_to_string(folder.path().join("net.toml")).unwrap();
    let join = text.split("\n\n").find(|part| part.contains("join_join"));
    insta::assert_snapshot!(join.unwrap(), @r#"
    # "/join/join.0/Conv", "Conv"
    # its bias is left out of the network
    [[layer]]
    name = "join_join_0_Conv"
    own = ["input"]
    from = ["out_Conv"]
    shift = 7
    output_shift = 9
    weight = "net/join_join_0_Conv_weight.npy"
    conv = { dilation = [1, 1], groups = 1, in_channels = 8, in_size = [16, 16], kernel = [3, 3], out_channels = 4, padding = [1, 1, 1, 1], stride = [1, 1] }
    "#);
    let files = fs::read_dir(folder.path().join("net")).unwrap();
    assert_eq!(files.count(), 2 * 6, "weights and their scales");

    let checked = ran(&mut folder.bpa("run-network net.toml --json"));
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    let figures: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(figures["mismatches"], 0);
    assert_eq!(figures["layers"].as_array().unwrap().len(), 3 * 6);

    // A second time, over its own files; but not over one that somebody changed.
    let again = "import unet.onnx --out net.toml --quantise tensor --passes forward --json";
    let again = ran(&mut folder.bpa(again));
    assert_eq!(again.code, 0, "{}", again.stderr);
    let json: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(json["layers"][3]["takes"].as_array().unwrap().len(), 2);
    assert_eq!(
        json["layers"][0]["weight"],
        "net/down_down_0_Conv_weight.npy"
    );
    assert_eq!(json["others"]["Relu"], 4);
    folder.write("net_engine.toml", "# mine\n");
    let refused = refusal(&mut folder.bpa("import unet.onnx --out net.toml --quantise tensor"));
    assert!(
        refused.contains("net_engine.toml: a file is there"),
        "{refused}"
    );
}

/// A quantised operator as a layer of its own engine: what onnxruntime gives for it comes out of the Verilog.
#[test]
fn a_quantised_operator_is_run_from_its_layer_file() {
    let folder = Folder::new();
    let cases: Value = serde_json::from_str(include_str!("../data/onnx/quantised.json")).unwrap();
    let case = &cases["linear_unsigned"];
    let hex = case["model"].as_str().unwrap();
    let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let model: Vec<u8> = (0..hex.len()).step_by(2).map(pair).collect();
    folder.write("q.onnx", model);
    let told = ran(&mut folder.bpa("import q.onnx --out q.toml --passes forward"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    insta::assert_snapshot!(told.stdout, @r#"
    q.onnx: 1 of 1 convolutions are layers
    ┌──────────┬────────────┬─────────────┬──────────┬───────┬────────┬───────────────┐
    │ layer    ┆ node       ┆ operator    ┆ channels ┆ input ┆ kernel ┆ takes         │
    ╞══════════╪════════════╪═════════════╪══════════╪═══════╪════════╪═══════════════╡
    │ the_node ┆ "the_node" ┆ QLinearConv ┆ 4 to 6   ┆ 7 x 6 ┆ 3 x 3  ┆ its own input │
    └──────────┴────────────┴─────────────┴──────────┴───────┴────────┴───────────────┘
    the_node: its input has zero point 97: what goes into the engine is less that
    the_node: scale and zero point of its output are left out of the network
    the_node: its bias is left out of the network
    the_node: the_node.toml is the whole operator, for `bpa run`; take 128 off its input; add 128 to its output
    "#);
    // Types are signed here.
    let signed = |array: &Value| -> Vec<i8> {
        let values = array["values"].as_array().unwrap().iter();
        values
            .map(|it| (it.as_f64().unwrap() - 128.0) as i8)
            .collect()
    };
    let shape = [1, 4, 7, 6];
    folder.write("x.npy", npy("|i1", false, shape, signed(&case["x"])));
    let run = ran(&mut folder.bpa(
        "run q/the_node.toml --input x.npy --weight q/the_node_weight.npy --bias q/the_node_bias.npy \
         --scale q/the_node_scale.npy --output y.npy --check",
    ));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let y = fs::read(folder.path().join("y.npy")).unwrap();
    let y: Vec<i32> = NpyFile::new(&y[..]).unwrap().into_vec().unwrap();
    let expected: Vec<i32> = signed(&case["y"]).into_iter().map(i32::from).collect();
    assert_eq!(y, expected);
}

/// A layer in floating point, quantised by the ranges that an input leads to, comes out of the Verilog.
#[test]
fn a_layer_quantised_by_ranges_is_run_from_its_layer_file() {
    let folder = folder();
    let image: Vec<u8> = (0..256)
        .flat_map(|it| (it as f32 / 100.0 - 1.0).to_le_bytes())
        .collect();
    folder.write(
        "image.npy",
        npy_of_bytes("<f4", false, &[1, 1, 16, 16], &image),
    );
    let words =
        "import unet.onnx --out u.toml --quantise channel --input image.npy --passes forward";
    let told = ran(&mut folder.bpa(words));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let line = "up_ConvTranspose: up_ConvTranspose.toml is the whole operator, for `bpa run`; a step of its input is ";
    assert!(told.stdout.contains(line), "{}", told.stdout);
    let input = (0..8 * 64).map(|it| (it % 251) as i8).collect();
    folder.write("x.npy", npy("|i1", false, [1, 8, 8, 8], input));
    let run = ran(&mut folder.bpa(
        "run u/up_ConvTranspose.toml --input x.npy --weight u/up_ConvTranspose_weight.npy \
         --bias u/up_ConvTranspose_bias.npy --scale u/up_ConvTranspose_scale.npy --output y.npy --check",
    ));
    assert_eq!(run.code, 0, "{}", run.stderr);
    folder.write(
        "short.npy",
        npy_of_bytes("<f4", false, &[1 << 30, 1 << 30], &[0; 8]),
    );
    let short = words.replace("image.npy", "short.npy");
    assert!(refusal(&mut folder.bpa(&short)).contains("short.npy: not an .npy file: its shape is"));
    folder.write(
        "small.npy",
        npy_of_bytes("<f4", false, &[1, 1, 2, 2], &[0; 16]),
    );
    let small = refusal(&mut folder.bpa(&words.replace("image.npy", "small.npy")));
    insta::assert_snapshot!(small.trim_end(), @r#"error: small.npy: its shape is [1, 1, 2, 2], and the model's input "input.1" has [1, 1, 16, 16]"#);
    let integers = words.replace("image.npy", "dy.npy");
    assert!(refusal(&mut folder.bpa(&integers)).contains("float32 or float64 is needed"));
}

#[test]
fn weights_are_written_with_their_scales() {
    let folder = folder();
    let ran = ran(&mut folder.bpa("import chain.onnx --out c.toml --quantise tensor"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let read = |name: &str| fs::read(folder.path().join("c").join(name)).unwrap();
    let mut names: Vec<String> = fs::read_dir(folder.path().join("c"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 6, "{names:?}");
    let weight = read(&names[0]);
    let weight = NpyFile::new(&weight[..]).unwrap();
    assert_eq!(weight.shape(), [4, 2, 3, 2]);
    let weights: Vec<i8> = weight.into_vec().unwrap();
    assert_eq!(weights[0], 127);
    let scale = read(&names[1]);
    let scale: Vec<f64> = NpyFile::new(&scale[..]).unwrap().into_vec().unwrap();
    assert_eq!(scale, [1.0]);
}

#[test]
fn what_cannot_be_imported_is_said() {
    let folder = folder();
    let said = |words: &str| refusal(&mut folder.bpa(words)).trim_end().to_owned();
    insta::assert_snapshot!(said("import chain.onnx --out c.toml"), @r#"
    not mapped: "/0/Conv" (Conv): its weights are in floating point: `--quantise tensor` or `--quantise channel` makes them integers
    not mapped: "/1/Conv" (Conv): its weights are in floating point: `--quantise tensor` or `--quantise channel` makes them integers
    not mapped: "/2/ConvTranspose" (ConvTranspose): its weights are in floating point: `--quantise tensor` or `--quantise channel` makes them integers
    error: chain.onnx: no convolution of the model became a layer
    "#);
    insta::assert_snapshot!(said("import tiny.toml --out c.toml"), @r#"error: tiny.toml: not an ONNX model: its bytes are no fields of a model; is it whole?"#);
    insta::assert_snapshot!(said("import none.onnx --out c.toml"), @r#"error: none.onnx: cannot read the file: No such file or directory (os error 2)"#);
    insta::assert_snapshot!(said("import chain.onnx --out chain.onnx --quantise tensor"), @r#"error: chain.onnx: the network file's name must end in .toml"#);
    insta::assert_snapshot!(said("import chain.onnx --out a-b.toml --quantise tensor"), @r#"error: a-b.toml: `name` is "a-b", which is no Verilog identifier: use a letter or underscore, then letters, digits and underscores, 64 characters at most"#);
    let engine = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/engines/network.toml");
    let small = said(&format!(
        "import unet.onnx --out c.toml --quantise tensor --engine {engine}"
    ));
    insta::assert_snapshot!(small, @r#"error: layer "out_Conv": the layer fits in no tiles: the smallest needs columns of grad_output as a kernel = 16, and the engine has `limits.kernel` = 4; 16 would do"#);
    let pass = said("import chain.onnx --out c.toml --passes backward");
    assert!(
        pass.contains("forward, grad_input or grad_weight"),
        "{pass}"
    );
    let json = json_refusal(&mut folder.bpa("import tiny.toml --out c.toml --json"));
    assert!(json.contains("not an ONNX model"), "{json}");
    assert!(!folder.has("c.toml") && !folder.has("c"));
}

//! `bpa` in the other passes: PyTorch's arrays in, PyTorch's numbers out, and what is not of a pass refused.

use std::path::Path;

use insta::assert_snapshot;
use npyz::NpyFile;
use serde_json::Value;

use crate::{npy_of_bytes, ran, refusal, Folder};

/// Convolutions by PyTorch, see `tests/data/pytorch.py`.
fn case(name: &str) -> Value {
    let cases: Value = serde_json::from_str(include_str!("../data/pytorch.json")).unwrap();
    let all = cases.as_array().unwrap();
    let found = all.iter().find(|case| case["name"] == name);
    found.unwrap().clone()
}

fn integers(list: &Value) -> Vec<i64> {
    let list = list.as_array().unwrap();
    list.iter().map(|number| number.as_i64().unwrap()).collect()
}

/// The array of that name as `NAME.npy`.
fn write(folder: &Folder, case: &Value, name: &str) {
    let values = integers(&case[name]["values"]);
    let data: Vec<u8> = values.iter().map(|&value| value as u8).collect();
    let shape: Vec<usize> = integers(&case[name]["shape"])
        .iter()
        .map(|&size| size as usize)
        .collect();
    let bytes = npy_of_bytes("|i1", false, &shape, &data);
    folder.write(&format!("{name}.npy"), bytes);
}

fn flags(conv: &Value) -> String {
    let list = |key: &str| {
        let numbers: Vec<String> = integers(&conv[key]).iter().map(i64::to_string).collect();
        numbers.join(",")
    };
    let mut flags = String::new();
    for key in ["in_channels", "out_channels", "groups", "batch"] {
        if let Some(number) = conv.get(key) {
            flags += &format!(" --{} {number}", key.replace('_', "-"));
        }
    }
    let lists = [
        "in_size",
        "kernel",
        "stride",
        "dilation",
        "padding",
        "output_padding",
    ];
    for key in lists.into_iter().filter(|key| conv.get(key).is_some()) {
        flags += &format!(" --{} {}", key.replace('_', "-"), list(key));
    }
    flags
}

fn read(path: &Path) -> (Vec<u64>, Vec<i64>) {
    let bytes = std::fs::read(path).unwrap();
    let file = NpyFile::new(&bytes[..]).unwrap();
    let shape = file.shape().to_vec();
    let values: Vec<i32> = file.into_vec().unwrap();
    (shape, values.into_iter().map(i64::from).collect())
}

/// `bpa run` of a case gives PyTorch's array, with stalls and without, and says what the other passes say.
fn gives_what_pytorch_gives(name: &str, pass: &str, arrays: [&str; 3], lanes: &str) {
    gives(name, "conv", &format!("--pass {pass} {lanes}"), arrays);
}

fn gives(name: &str, op: &str, layer: &str, arrays: [&str; 3]) {
    let folder = Folder::new();
    let case = case(name);
    let [reads, and, writes] = arrays;
    write(&folder, &case, reads);
    write(&folder, &case, and);
    let flag = |array: &str| format!("--{} {array}.npy", array.replace('_', "-"));
    let words = format!(
        "run --op {op} {layer} {} {} {} {} --check --json --force",
        flag(reads),
        flag(and),
        flag(writes),
        flags(&case[op])
    );
    for stalls in ["", " --stall-input 0.3 --stall-output 0.4 --seed 5"] {
        let ran = ran(&mut folder.bpa(&format!("{words}{stalls}")));
        assert_eq!(ran.code, 0, "{name} {layer}: {}", ran.stderr);
        let figures: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(figures["mismatches"], 0);
        let (shape, values) = read(&folder.path().join(format!("{writes}.npy")));
        let wanted = integers(&case[writes]["shape"]);
        assert_eq!(shape, wanted.iter().map(|&n| n as u64).collect::<Vec<_>>());
        assert_eq!(values, integers(&case[writes]["values"]), "{name} {layer}");
    }
}

const FORWARD: [&str; 3] = ["input", "weight", "output"];
const GRAD_INPUT: [&str; 3] = ["grad_output", "weight", "grad_input"];
const GRAD_WEIGHT: [&str; 3] = ["input", "grad_output", "grad_weight"];

#[test]
fn all_passes_of_a_dense_layer_are_pytorch_s() {
    let name = "dense_unequal";
    gives_what_pytorch_gives(name, "forward", FORWARD, "--simd 2 --pe 3");
    gives_what_pytorch_gives(name, "grad_input", GRAD_INPUT, "--simd 3 --pe 2");
    gives_what_pytorch_gives(name, "grad_weight", GRAD_WEIGHT, "--simd 2 --pe 3");
}

#[test]
fn groups_are_pytorch_s_in_the_other_passes() {
    gives_what_pytorch_gives("grouped", "forward", FORWARD, "--simd 2 --pe 2");
    gives_what_pytorch_gives("grouped", "grad_weight", GRAD_WEIGHT, "--simd 2 --pe 2");
    gives_what_pytorch_gives("depthwise", "grad_weight", GRAD_WEIGHT, "--simd 2 --pe 3");
    gives_what_pytorch_gives("depthwise_multiplier", "forward", FORWARD, "--pe 2");
}

#[test]
fn transposed_convolutions_are_pytorch_s() {
    gives("transposed", "conv_transpose", "--simd 2 --pe 3", FORWARD);
    gives(
        "transposed_grouped",
        "conv_transpose",
        "--simd 2 --pe 2",
        FORWARD,
    );
}

#[test]
fn what_is_no_transposed_convolution_is_refused() {
    let folder = Folder::new();
    let transposed = "tiny.toml --op conv_transpose --simd 1 --pe 1";
    let runs = [
        "estimate tiny.toml --op deconv".to_owned(),
        format!("estimate {transposed} --output-padding 2,0"),
        format!("estimate {transposed} --out-size 9"),
        format!("estimate {transposed} --pass grad_weight --batch 2"),
        format!("estimate {transposed} --padding 9"),
        format!("estimate {transposed} --groups 2"),
        "estimate tiny.toml --op conv_transpose --simd 3 --pe 1".to_owned(),
        format!("run {transposed} --grad-output dy.npy --weight w.npy --grad-input da.npy"),
        format!("run {transposed} --input dy.npy --weight w.npy --output y.npy"),
    ];
    let messages = runs.map(|words| refusal(&mut folder.bpa(&words)));
    assert_snapshot!(messages.concat(), @r#"
    error: `layer.op` is "deconv": it must be one of "conv", "conv_transpose"
    error: `layer.output_padding` (rows) is 2: it must be from 0 to 1
    error: `layer.out_size` is given, but that of a transposed convolution follows from the other keys: use `layer.output_padding`, or leave it out
    error: `layer.pass` is "grad_weight": with `layer.op` = "conv_transpose" it must be "forward", which is the default
    error: tiny.toml:5: `layer.in_size` (rows): kernel, stride, dilation, padding and output_padding give an output of -10: it must be from 1 to 65535
    error: `layer.groups` is 2: it must divide `layer.out_channels`, which is 3
    error: `engine.simd` is 3: it must be from 1 to 2 (in_channels / groups)
    error: `--grad-output` is dy.npy, but a transposed convolution has no use for it: it reads --input and --weight and writes --output; another pass is chosen by `layer.pass` or --pass
    error: dy.npy: input (N, in_channels, H, W) must have the shape [N, 2, 4, 5] of the layer, but its shape is [2, 3, 2, 4]
    "#);
}

/// Arrays that `bpa vectors` makes, in each pass.
#[test]
fn vectors_are_those_of_the_pass() {
    for (pass, [reads, and, writes]) in [("forward", FORWARD), ("grad_weight", GRAD_WEIGHT)] {
        let folder = Folder::new();
        let layer = format!("tiny.toml --pass {pass} --batch 2");
        let made = ran(&mut folder.bpa(&format!("vectors {layer} --out made")));
        assert_eq!(made.code, 0, "{}", made.stderr);
        let flag = |array: &str| format!("--{} made/{array}.npy", array.replace('_', "-"));
        let words = format!(
            "run {layer} {} {} {} --check",
            flag(reads),
            flag(and),
            flag(writes)
        );
        let checked = ran(&mut folder.bpa(&words));
        assert_eq!(checked.code, 0, "{}", checked.stderr);
        assert!(
            checked.stdout.contains("values exact"),
            "{}",
            checked.stdout
        );
    }
}

#[test]
fn what_is_not_of_the_pass_is_refused() {
    let folder = Folder::new();
    let runs = [
        "run tiny.toml --grad-output dy.npy --weight w.npy",
        "run tiny.toml --pass forward --weight w.npy --output y.npy",
        "run tiny.toml --pass forward --input x.npy --weight w.npy --grad-input dx.npy",
        "run tiny.toml --input x.npy --weight w.npy --output y.npy",
        "run tiny.toml --pass grad_weight --batch 2 --input x.npy --weight w.npy --grad-weight dw.npy",
        "run tiny.toml --pass forward --input dy.npy --weight w.npy --output y.npy",
        "estimate tiny.toml --pass backward",
        "estimate tiny.toml --pass grad_weight",
        "estimate tiny.toml --pass grad_weight --batch 0",
        "estimate tiny.toml --pass grad_weight --batch 1",
        "estimate tiny.toml --pass forward --pe 4",
        "vectors tiny.toml --pass grad_weight --batch 2 --frames 3 --out made",
        "estimate tiny.toml --pass grad_weight --batch 2 --engine engine.toml",
        "bench --pass grad_weight --batch 2 --engine engine.toml",
        "bench --pass backward --engine engine.toml",
    ];
    folder.write("engine.toml", "[limits]\nkernel = 3\n");
    let before = folder.names();
    let messages = runs.map(|words| refusal(&mut folder.bpa(words)));
    assert_eq!(folder.names(), before);
    assert_snapshot!(messages.concat(), @r#"
    error: `--grad-input` is missing: the pass grad_input writes an .npy file of the shape (N, C, H, W)
    error: `--input` is missing: the pass forward reads an .npy file of the shape (N, C, H, W)
    error: `--grad-input` is dx.npy, but the pass forward has no use for it: it reads --input and --weight and writes --output; another pass is chosen by `layer.pass` or --pass
    error: `--input` is x.npy, but the pass grad_input has no use for it: it reads --grad-output and --weight and writes --grad-input; another pass is chosen by `layer.pass` or --pass
    error: `--weight` is w.npy, but the pass grad_weight has no use for it: it reads --input and --grad-output and writes --grad-weight; another pass is chosen by `layer.pass` or --pass
    error: dy.npy: input (N, C, H, W) must have the shape [N, 2, 4, 5] of the layer, but its shape is [2, 3, 2, 4]
    error: `layer.pass` is "backward": it must be one of "grad_input", "forward", "grad_weight"
    error: tiny.toml:2: `layer.batch` is missing: a weight gradient is summed over the images of a batch; give their number in the layer file, or as --batch
    error: `layer.batch` is 0: it must be from 1 to 65535
    error: tiny.toml:10: `engine.simd` is 2: it must be from 1 to 1 (batch)
    error: `engine.pe` is 4: it must be from 1 to 3 (out_channels / groups)
    error: `--frames` is 3, but a weight gradient has the images of its batch: leave it out, and set `layer.batch` or --batch
    error: the layer fits in no tiles: the smallest needs columns of grad_output as a kernel = 4, and the engine has `limits.kernel` = 3; 4 would do
    error: the built-in list: layer "resnet50_conv1": the layer fits in no tiles: the smallest needs columns of grad_output as a kernel = 112, and the engine has `limits.kernel` = 3; 112 would do
    error: the built-in list: layer "resnet50_conv1": `layer.pass` is "backward": it must be one of "grad_input", "forward", "grad_weight"
    "#);
}

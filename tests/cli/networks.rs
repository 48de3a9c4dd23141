//! What runs on a programmable engine, as a user meets it: `bpa run-network`, and `bpa estimate --engine`.

use npyz::NpyFile;
use serde_json::Value;

use crate::{npy, ran, refusal, Folder};

pub const NETWORK: &str = "name = \"two\"
[[layer]]
name = \"a\"
conv = { in_channels = 4, out_channels = 8, in_size = 6, kernel = 3, padding = 1 }
[[layer]]
name = \"b\"
shift = 8
conv = { in_channels = 2, out_channels = 4, in_size = 6, kernel = 1 }
";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("network.toml", NETWORK);
    folder
}

/// The engine of the example networks.
fn engine() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/engines/network.toml").to_owned()
}

#[test]
fn a_network_is_run_and_its_figures_are_told() {
    let folder = folder();
    let words = format!("run-network network.toml --seed 5 --engine {}", engine());
    let table = ran(&mut folder.bpa(&words));
    assert_eq!(table.code, 0, "{}", table.stderr);
    assert!(table
        .stdout
        .starts_with("two: every value exact; frames: 1\n"));
    let json = ran(&mut folder.bpa(&format!("{words} --json")));
    assert_eq!(json.code, 0, "{}", json.stderr);
    let figures: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(figures["mismatches"], 0);
    assert_eq!(figures["layers"][1]["name"], "b");
    assert_eq!(figures["layers"][1]["tiles"], 1);
    let cycles = |value: &Value| value["cycles"].as_u64().unwrap();
    let sum: u64 = figures["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(cycles)
        .sum();
    assert_eq!(cycles(&figures), sum);
}

#[test]
fn what_is_missing_is_said() {
    let folder = folder();
    let none = refusal(&mut folder.bpa("run-network network.toml"));
    insta::assert_snapshot!(none.trim_end(), @"error: network.toml: there is no engine: name its file by the key `engine`, or by --engine");
    folder.write("other.toml", format!("engine = \"tiny.toml\"\n{NETWORK}"));
    let layer = refusal(&mut folder.bpa("run-network other.toml"));
    insta::assert_snapshot!(layer.trim_end(), @"error: tiny.toml: this is the file of a layer, not of a programmable engine; gen-verilog takes it, and run, verify, estimate and synth of bpa");
    let narrow = "[engine]\nmode = \"programmable\"\nout_type = \"int8\"\nshift = 3";
    folder.write("narrow.toml", narrow);
    let bench = refusal(&mut folder.bpa("bench --engine narrow.toml"));
    let bench = bench.trim_end().rsplit(": the engine").next().unwrap();
    let backward = refusal(&mut folder.bpa("run-network network.toml --engine narrow.toml"));
    insta::assert_snapshot!(backward.trim_end(), @r#"error: network.toml: the engine makes its results int8 (`engine.out_type`), which is for `passes = ["forward"]` alone: gradients are made of sums, "accumulator""#);
    insta::assert_snapshot!(bench, @" makes its results int8 (`engine.out_type`), and here they are wanted as they are: \"accumulator\"");
    let absent = refusal(&mut folder.bpa("run-network none.toml"));
    assert!(
        absent.starts_with("error: none.toml: cannot read the file: "),
        "{absent}"
    );
}

/// A pixel is a product: 5 and -3 times 7 are 35 and -21; halved and rounded down 17 and -11, twice that 34 and -22.
const PRODUCTS: &str = "name = \"products\"
[[layer]]
name = \"a\"
weight = \"arrays/seven.npy\"
grad_output = \"arrays/dy.npy\"
conv = { in_channels = 1, out_channels = 1, in_size = [1, 2], kernel = 1 }
[[layer]]
name = \"b\"
shift = 1
weight = \"arrays/two.npy\"
conv = { in_channels = 1, out_channels = 1, in_size = [1, 2], kernel = 1 }
";

/// In a folder of its own, so that it matters from where paths are seen.
fn products() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path().join("net/arrays")).unwrap();
    folder.write("net/products.toml", PRODUCTS);
    let array = |shape, values: &[i8]| npy("|i1", false, shape, values.to_vec());
    folder.write("net/arrays/dy.npy", array([1, 1, 1, 2], &[5, -3]));
    folder.write("net/arrays/seven.npy", array([1; 4], &[7]));
    folder.write("net/arrays/two.npy", array([1; 4], &[2]));
    folder
}

fn run_products(more: &str) -> String {
    format!("run-network net/products.toml --engine {} {more}", engine())
}

#[test]
fn arrays_of_ones_own_are_read_and_results_written() {
    let folder = products();
    let result = |name: &str| {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        let file = NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(file.shape(), [1, 1, 1, 2]);
        file.into_vec::<i32>().unwrap()
    };
    let all = ran(&mut folder.bpa(&run_products("--out made/here")));
    assert_eq!(all.code, 0, "{}", all.stderr);
    assert_eq!(result("made/here/a.npy"), [35, -21]);
    assert_eq!(result("made/here/b.npy"), [34, -22]);
    let one = ran(&mut folder.bpa(&run_products("--out one --layer b")));
    assert_eq!(one.code, 0, "{}", one.stderr);
    assert_eq!(result("one/b.npy"), [34, -22]);
    assert!(!folder.has("one/a.npy"));
}

/// The same forward and backward, by hand: 3 and -128 times 2 are 6 and -256, which saturates to -128 on its way to the other
/// layer. Gradients of weights are sums over the two pixels: 6 x 5 + -128 x -3, and with 17 and -11 of above 3 x 17 + -128 x -11.
#[test]
fn a_training_step_gives_the_arrays_of_every_pass() {
    let folder = products();
    let text = format!(
        "passes = [\"forward\", \"grad_input\", \"grad_weight\"]\ninput = \"arrays/x.npy\"\n{PRODUCTS}"
    );
    folder.write("net/products.toml", text);
    folder.write(
        "net/arrays/x.npy",
        npy("|i1", false, [1, 1, 1, 2], vec![3, -128]),
    );
    let all = ran(&mut folder.bpa(&run_products("--json --out made")));
    assert_eq!(all.code, 0, "{}", all.stderr);
    let result = |name: &str, values: usize| {
        let bytes = std::fs::read(folder.path().join(format!("made/{name}.npy"))).unwrap();
        let file = NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(file.shape(), [1, 1, 1, values as u64]);
        file.into_vec::<i32>().unwrap()
    };
    assert_eq!(result("b.output", 2), [6, -256]);
    assert_eq!(result("a.output", 2), [42, -896]);
    assert_eq!(result("a", 2), [35, -21]);
    assert_eq!(result("a.grad_weight", 1), [6 * 5 + 128 * 3]);
    assert_eq!(result("b", 2), [34, -22]);
    assert_eq!(result("b.grad_weight", 1), [3 * 17 + 128 * 11]);
    let figures: Value = serde_json::from_str(&all.stdout).unwrap();
    let told = |key: &str, list: &str| -> Vec<Value> {
        let list = figures[list].as_array().unwrap();
        list.iter().map(|row| row[key].clone()).collect()
    };
    assert_eq!(told("name", "layers"), ["b", "a", "a", "a", "b", "b"]);
    assert_eq!(
        told("pass", "passes"),
        ["forward", "grad_input", "grad_weight"]
    );
    assert_eq!(told("saturated", "layers"), [1, 1, 0, 0, 0, 0]);
    assert_eq!(told("idle_multipliers", "layers"), [63.0; 6]);
    let cycles = |list: &str| -> u64 {
        told("cycles", list)
            .iter()
            .map(|cycles| cycles.as_u64().unwrap())
            .sum()
    };
    assert_eq!(cycles("layers"), cycles("passes"));
    let wrong = npy("<i2", false, [1, 1, 1, 2], vec![0, 1, 0, 0]);
    folder.write("net/arrays/x.npy", wrong);
    let said = refusal(&mut folder.bpa(&run_products("")));
    insta::assert_snapshot!(said.trim_end(), @r#"error: net/products.toml:2: `input`: net/arrays/x.npy: input[0, 0, 0, 0] is 256, but int8 holds -128 to 127"#);
}

#[test]
fn arrays_that_do_not_fit_are_named_with_what_would() {
    let folder = products();
    let mistake = |name: &str, bytes: Vec<u8>| {
        let path = format!("net/arrays/{name}");
        let before = std::fs::read(folder.path().join(&path)).unwrap();
        folder.write(&path, bytes);
        let said = refusal(&mut folder.bpa(&run_products("")));
        folder.write(&path, before);
        said.trim_end().to_owned()
    };
    insta::assert_snapshot!(mistake("two.npy", npy("|i1", false, [1, 2, 1, 1], vec![1; 2])), @r#"error: net/products.toml:7: layer "b": net/arrays/two.npy: weight (K, C/groups, R, S) must have the shape [1, 1, 1, 1] of the layer, but its shape is [1, 2, 1, 1]"#);
    insta::assert_snapshot!(mistake("dy.npy", npy("|i1", false, [2, 1, 1, 2], vec![1; 4])), @r#"error: net/products.toml:2: layer "a": net/arrays/dy.npy: grad_output (N, K, P, Q) must have the shape [1, 1, 1, 2] of the layer, but its shape is [2, 1, 1, 2]"#);
    insta::assert_snapshot!(mistake("dy.npy", npy("<i2", false, [1, 1, 1, 2], vec![0, 1, -128, 0])), @r#"error: net/products.toml:2: layer "a": net/arrays/dy.npy: grad_output[0, 0, 0, 0] is 256, but int8 holds -128 to 127"#);
    std::fs::remove_file(folder.path().join("net/arrays/seven.npy")).unwrap();
    let absent = refusal(&mut folder.bpa(&run_products("")));
    assert!(
        absent.starts_with(
            "error: net/products.toml:2: layer \"a\": net/arrays/seven.npy: cannot read: "
        ),
        "{absent}"
    );
}

#[test]
fn results_that_cannot_be_written_are_told_beforehand() {
    let folder = products();
    let unknown = refusal(&mut folder.bpa(&run_products("--out there --layer c")));
    insta::assert_snapshot!(unknown.trim_end(), @r#"error: `--layer` is "c", and no layer is called that; they are a, b"#);
    let alone = refusal(&mut folder.bpa(&run_products("--layer b")));
    assert!(alone.contains("--out"), "{alone}");
    let file = refusal(&mut folder.bpa(&run_products("--out tiny.toml")));
    assert!(
        file.starts_with(
            "error: tiny.toml: cannot write: tiny.toml is a file, where a folder is needed"
        ),
        "{file}"
    );
    for name in ["../b", "b/c", "..", "b/"] {
        let text = PRODUCTS.replace("\"b\"", &format!("{name:?}"));
        folder.write("net/products.toml", text);
        let said = refusal(&mut folder.bpa(&run_products("--out there")));
        assert!(
            said.contains(&format!("layer {name:?} cannot be the name of a file")),
            "{said}"
        );
    }
    folder.write("net/products.toml", PRODUCTS.replace("\"b\"", "\"\""));
    let nameless = refusal(&mut folder.bpa(&run_products("--out there")));
    assert!(nameless.contains("`name` is \"\""), "{nameless}");
}

/// 1x1, stride 2 by 2 on 40x40, four blocks of K: while the zeros of a row leave, ten results of the next one are computed
/// behind those that are in the pipeline.
#[test]
fn an_output_fifo_that_is_too_small_is_warned_of() {
    let folder = Folder::new();
    folder.write(
        "short.toml",
        "name = \"short\"\n[engine]\nmode = \"programmable\"\n[limits]\nsize = 40\nfifo_results = 8\n",
    );
    let layer = "--in-channels 1 --out-channels 4 --in-size 40 --kernel 1 --stride 2";
    let words = format!("estimate {layer} --engine short.toml --frames 10");
    let text = ran(&mut folder.bpa(&words));
    assert_eq!(text.code, 0, "{}", text.stderr);
    insta::assert_snapshot!(text.stderr.trim_end(), @"warning: the output FIFO is too small for this layer: `limits.fifo_results` is 8, and with 16 it would take 16094 cycles in place of 19676");
    let json = ran(&mut folder.bpa(&format!("{words} --json")));
    let figures: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(figures["fifo_results_enough"], 16);
    folder.write(
        "network.toml",
        "name = \"one\"\nengine = \"short.toml\"\n[[layer]]\nname = \"a\"\n\
         conv = { in_channels = 1, out_channels = 4, in_size = 40, kernel = 1, stride = 2 }\n",
    );
    let network = ran(&mut folder.bpa("run-network network.toml --json"));
    insta::assert_snapshot!(network.stderr.lines().next().unwrap_or(""), @r#"warning: layer "a": the output FIFO is too small for this layer: `limits.fifo_results` is 8, and with 16 it would take 1694 cycles in place of 2036"#);
    let figures: Value = serde_json::from_str(&network.stdout).unwrap();
    assert_eq!(figures["layers"][0]["fifo_results_enough"], 16);
}

/// A layer's first weights are given while the one before runs, and are no part of its bound; those of all are part of the
/// bound of all.
#[test]
fn no_layer_of_a_network_is_faster_than_its_bound() {
    let folder = Folder::new();
    // 8 x 8 blocks of one multiplication each, and 9 words of weights.
    let conv =
        "conv = { in_channels = 64, out_channels = 64, in_size = 1, kernel = 3, padding = 1 }";
    let layers: String = (0..3)
        .map(|index| format!("[[layer]]\nname = \"{index}\"\n{conv}\n"))
        .collect();
    folder.write("network.toml", format!("name = \"pixels\"\n{layers}"));
    let words = format!("run-network network.toml --json --engine {}", engine());
    let ran = ran(&mut folder.bpa(&words));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let figures: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rows = figures["layers"].as_array().unwrap();
    for row in rows.iter().chain([&figures]) {
        assert!(row["ratio"].as_f64().unwrap() >= 1.0, "{figures}");
    }
    let bounds: Vec<u64> = rows
        .iter()
        .map(|row| row["bound_cycles"].as_u64().unwrap())
        .collect();
    assert_eq!(bounds, [576, 64, 64]);
    assert_eq!(figures["bound_cycles"], 3 * 576);
}

/// Depthwise, 3x3 on 8x8 with padding 1 and stride 1: (8 x 3 - 2)^2 taps; 16 groups, 8 of them on 8 x 8 lanes at once, each of
/// which uses 8 of the 64 multipliers.
#[test]
fn an_estimate_says_how_many_lanes_stand_idle() {
    let folder = Folder::new();
    let layer = "--in-channels 16 --out-channels 16 --groups 16 --in-size 8 --kernel 3 --padding 1";
    let words = format!("estimate {layer} --engine {} --frames 100", engine());
    let text = ran(&mut folder.bpa(&words));
    assert_eq!(text.code, 0, "{}", text.stderr);
    insta::assert_snapshot!(text.stdout, @r"
    bpa_engine on network: predicted, without stalls
      groups side by side                       8
      tiles                                     1  1 x 1 x 1 runs of groups, C and K
      cycles, all frames                   96,887  100 of them, weights included; at the most
      cycles, telling included             97,253  those too in which it waits to be told its jobs
      cycles a frame, steady                  968
      bound, all frames                    96,800  cycles are 1.001 x the bound
      multiplications, a frame              7,744  12.5 % of 64 multipliers in use
    ");
    let json = ran(&mut folder.bpa(&format!("{words} --json")));
    let figures: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(figures["merged"], 8);
    assert_eq!(figures["bound_cycles"], 100 * 22 * 22 * 2);
    assert_eq!(figures["useful_macs"], 22 * 22 * 16);
    let share = figures["multipliers_in_use"].as_f64().unwrap();
    assert!((0.124..=0.125).contains(&share), "{share}");
    let large = layer.replace("--kernel 3", "--kernel 7");
    let large = format!("estimate {large} --engine {}", engine());
    insta::assert_snapshot!(refusal(&mut folder.bpa(&large)).trim_end(), @"error: the layer fits in no tiles: the smallest needs rows of the kernel = 7, and the engine has `limits.kernel` = 4; 7 would do");
    // 12 rows of grad_output for one image on 8 lanes: 8 at once leave 2, with 3 taps each; columns have 3 x 12 - 2.
    let weights = "estimate --in-channels 4 --out-channels 8 --in-size 12 --kernel 3 --padding 1 --pass grad_weight";
    let training = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/engines/training.toml"
    );
    let words = format!("{weights} --batch 1 --frames 4 --engine {training}");
    insta::assert_snapshot!(ran(&mut folder.bpa(&words)).stdout, @r"
    bpa_engine on training: predicted, without stalls
      groups side by side                       1
      rows side by side                         8
      tiles                                     1  1 x 1 x 1 x 1 runs of groups, K, N and rows
      cycles, all frames                    1,000  4 of them, weights included; at the most
      cycles, telling included              1,334  those too in which it waits to be told its jobs
      cycles a frame, steady                  204
      bound, all frames                       816  cycles are 1.225 x the bound
      multiplications, a frame              9,248  57.8 % of 64 multipliers in use
    ");
    let masked = format!("estimate {layer} --with-mask --engine {}", engine());
    insta::assert_snapshot!(refusal(&mut folder.bpa(&masked)).trim_end(), @"error: the layer asks for `mask`, which the engine was built without: `engine.mask` in its file");
    // An engine that requantises does so in every job.
    let text = std::fs::read_to_string(engine()).unwrap();
    let narrow = text.replace("[limits]", "out_type = \"int8\"\nshift = 3\n[limits]");
    folder.write("narrow.toml", narrow);
    let wide = format!("estimate {layer} --engine narrow.toml");
    insta::assert_snapshot!(refusal(&mut folder.bpa(&wide)).trim_end(), @r#"error: narrow.toml:9: the engine makes its results int8 (`engine.out_type`), and here they are wanted as they are: "accumulator""#);
    let shifted = format!("estimate {layer} --out-type int8 --shift 4 --engine narrow.toml");
    insta::assert_snapshot!(refusal(&mut folder.bpa(&shifted)).trim_end(), @"error: the layer is to be shifted by 4 bits, and the engine shifts by 0 to 3 (`engine.shift`)");
}

#[test]
fn a_network_is_compiled_and_the_same_again() {
    let folder = folder();
    let words = format!(
        "compile network.toml --seed 5 --engine {} --out out",
        engine()
    );
    let files = ["two.bpa", "two_blob.c", "two_blob.h", "two_plan.json"];
    let read = || files.map(|name| std::fs::read(folder.path().join("out").join(name)).unwrap());
    let mut before = None;
    // What is there is the program's own, and may be written again.
    for _ in 0..2 {
        let made = ran(&mut folder.bpa(&words));
        assert_eq!(made.code, 0, "{}", made.stderr);
        let told: Vec<String> = files.map(|name| format!("wrote out/{name}")).into();
        assert_eq!(made.stderr.lines().collect::<Vec<_>>(), told);
        let now = read();
        assert_eq!(before.get_or_insert(now.clone()), &now);
    }
    let plan: Value = serde_json::from_slice(&read()[3]).unwrap();
    assert_eq!(plan["buffers"][0]["name"], "a.grad_output");
    assert_eq!(plan["buffers"][0]["role"], "input");
    assert_eq!(plan["operations"][0]["layer"], "a");
    assert_eq!(plan["operations"][1]["operation"], "combine");
    assert_eq!(plan["blob_bytes"], read()[0].len());
    let other = ran(&mut folder.bpa(&words.replace("--seed 5", "--seed 6")));
    assert_eq!(other.code, 0, "{}", other.stderr);
    assert_ne!(before.unwrap()[0], read()[0]);
}

#[test]
fn what_cannot_be_compiled_is_said() {
    let folder = folder();
    let none = refusal(&mut folder.bpa("compile network.toml"));
    insta::assert_snapshot!(none.trim_end(), @"error: network.toml: there is no engine: name its file by the key `engine`, or by --engine");
    let root = env!("CARGO_MANIFEST_DIR");
    let step = format!("compile {root}/examples/networks/layer1_56_step.toml");
    let step = refusal(&mut folder.bpa(&step));
    insta::assert_snapshot!(step.trim_end(), @r###"error: `passes` names "grad_weight", whose stationary sets are gradients and not weights: a program has those of "forward" and "grad_input"; `bpa run-network` runs all three"###);
    assert!(!folder.has("build"));
}

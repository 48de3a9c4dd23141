//! The layer files that come with the project are valid, and the figures of a few are known.

use std::path::{Path, PathBuf};
use std::process::Command;

use bpa_engine::bound::{bound_cycles, useful_macs, zero_insertion_cycles};
use bpa_engine::layer::{Layer, LayerFile};
use bpa_engine::layer_list;
use bpa_sim::Cache;

#[path = "../examples/library.rs"]
#[allow(dead_code)] // Its `main`, which is for the command line
mod library;
#[path = "../examples/shell_files.rs"]
#[allow(dead_code)] // Likewise
mod shell_files;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn example(name: &str) -> Layer {
    let path = folder().join(name).with_extension("toml");
    LayerFile::read(&path).unwrap().validate().unwrap()
}

fn benchmarks() -> Vec<Layer> {
    let list = layer_list::read(&folder().join("benchmark_layers.toml")).unwrap();
    list.iter().map(|file| file.validate().unwrap()).collect()
}

#[test]
fn every_example_is_valid_and_named_as_its_file() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if !name.ends_with("_layers") && path.extension().is_some_and(|end| end == "toml") {
            assert_eq!(example(name).name(), name);
        }
    }
}

/// By hand: 5 pixels at stride 2 have 1, 1, 2, 1, 1 taps on each axis, and lanes of 2 make 4 x 2 pairs of blocks.
#[test]
fn the_strided_example_costs_what_the_formulas_say() {
    let layer = example("strided");
    assert_eq!(bound_cycles(&layer), 6 * 6 * 8);
    assert_eq!(zero_insertion_cycles(&layer), 25 * 9 * 8);
    assert_eq!(useful_macs(&layer), 6 * 6 * 4 * 8);
}

#[test]
fn the_transposed_example_needs_its_out_size() {
    let layer = example("transposed");
    assert_eq!((layer.rows().out_size, layer.cols().out_size), (4, 4));
    let mut file = layer.to_file();
    file.layer.out_size = None;
    assert_eq!(file.validate().unwrap().rows().out_size, 5);
}

/// What skipping is worth: zero insertion's cycles for one of the bound.
#[test]
fn the_benchmark_layers_gain_what_they_should() {
    let gains: Vec<String> = benchmarks()
        .iter()
        .map(|layer| {
            let gain = zero_insertion_cycles(layer) as f64 / bound_cycles(layer) as f64;
            format!("{} {gain:.2}", layer.name())
        })
        .collect();
    insta::assert_snapshot!(gains.join("\n"), @r"
    resnet50_conv1 4.06
    resnet18_layer1 1.02
    resnet18_layer2_down 4.10
    resnet18_layer2_shortcut 4.00
    dcgan_g3 4.26
    deeplab_aspp_d12 1.74
    mobilenet_dw_s2 4.05
    resnext_g32 1.05
    fsrcnn_up3 9.45
    deepspeech_conv1 4.18
    deepbench_7x7_pad3 5.44
    stride2_dilation3 4.44
    stride3_kernel2 9.00
    ");
}

#[test]
fn the_library_s_example_says_what_it_checked() {
    let cache = Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"));
    let said = library::checked(&cache).unwrap();
    // 8 channels of 13 x 11 pixels, three times.
    assert!(said.contains("all 3432 values exact"), "{said}");
}

/// A page and completions for each program, which the shell takes.
#[test]
fn programs_have_manual_pages_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    shell_files::write(folder.path()).unwrap();
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for page in ["bpa.1", "bpa-verify.1", "bpa-report.1", "gen-verilog.1"] {
        assert!(text(page).contains(".SH OPTIONS"), "{page}");
    }
    assert!(text("bpa-verify.1").contains("trace\\-from"));
    for program in ["bpa", "gen-verilog"] {
        let script = folder.path().join(format!("{program}.bash"));
        let checked = Command::new("bash").arg("-n").arg(&script).status();
        assert!(checked.unwrap().success());
        assert!(text(&format!("{program}.bash")).contains("--in-channels"));
        assert!(text(&format!("_{program}")).starts_with("#compdef"));
    }
}

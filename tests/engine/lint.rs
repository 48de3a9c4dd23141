//! Promise: the emitted text is Verilog-2005 that a person can read and that Verilator, Icarus and Yosys take without a
//! word; no latch, no `initial`, no `$` in a name, each module once, nothing of the machine in the header; the same
//! layer gives the same bytes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use bpa_engine::emit;
use bpa_engine::layer::{Layer, LayerFile};
use bpa_engine::plan::Plan;
use bpa_engine::programmable::EngineFile;
use bpa_hdl::rtl::print_verilog;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use crate::common::{benchmark_files, examples, layer as common_layer};
use crate::layers::{config, layer, staged};

const RANDOM_LAYERS: usize = 30;
/// With stages behind the accumulators.
const STAGED_LAYERS: usize = 20;

/// Every example, every benchmark layer at its full size, and random ones, also with stages behind the accumulators.
fn layers() -> Vec<Layer> {
    let mut runner = TestRunner::new(config(1, 7));
    let strategy = layer(1 << 20);
    let random = (0..RANDOM_LAYERS).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let mut runner = TestRunner::new(config(1, 8));
    let strategy = staged(layer(1 << 20));
    let staged = (0..STAGED_LAYERS).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    let benchmarks = benchmark_files();
    let benchmarks = benchmarks.iter().map(|file| file.validate().unwrap());
    examples()
        .into_iter()
        .chain(benchmarks)
        .chain(random)
        .chain(staged)
        .chain(staged_extremes())
        .chain(passes())
        .chain(lanes_over_pixels())
        .collect()
}

/// Lanes over pixels in all passes: rows that fill them or do not, words in the order of beats or not.
fn lanes_over_pixels() -> impl Iterator<Item = Layer> {
    let cases = [
        ("grad_input", 1, 2, 16),
        ("grad_input", 2, 4, 27),
        ("grad_input", 3, 7, 23),
        ("forward", 2, 4, 27),
        ("forward", 1, 5, 27),
        ("grad_weight", 1, 3, 9),
    ];
    cases.into_iter().map(|(pass, stride, pixels, width)| {
        common_layer(&format!(
            "[layer]\npass = \"{pass}\"\nbatch = 2\nin_channels = 4\nout_channels = 6\nin_size = [9, {width}]\n\
             kernel = 3\nstride = {stride}\npadding = 1\n[engine]\nsimd = 2\npe = 2\npixels = {pixels}\n"
        ))
    })
}

/// The other passes, with all stages and without.
fn passes() -> impl Iterator<Item = Layer> {
    let engines = [
        "",
        "accumulate = true\nmask = true\nout_type = \"int8\"\nshift = 9\nscale_per = \"channel\"\n",
    ];
    engines.into_iter().flat_map(|engine| {
        ["forward", "grad_weight"].map(|pass| {
            common_layer(&format!(
                "[layer]\npass = \"{pass}\"\nbatch = 2\nin_channels = 4\nout_channels = 6\nin_size = [9, 8]\n\
                 kernel = 3\nstride = 2\npadding = 1\n[engine]\nsimd = 2\npe = 3\n{engine}"
            ))
        })
    })
}

/// Stages at the ends of what they can be: nothing to shift, more to shift than there is, an output wider than the
/// product, values of several multipliers, one scale in two sets.
fn staged_extremes() -> impl Iterator<Item = Layer> {
    let engines = [
        "out_type = \"int2\"\nscale_bits = 2\nshift = 0",
        "out_type = \"int16\"\nscale_bits = 2\nshift = 48\nrounding = \"floor\"",
        "out_type = \"int16\"\nscale_bits = 2\nshift = 48\ngrad_type = \"int2\"\nweight_type = \"int2\"",
        "out_type = \"int16\"\nscale_bits = 2\nshift = 1\ngrad_type = \"int2\"\nweight_type = \"int2\"",
        "out_type = \"int8\"\nshift = 32\nrounding = \"stochastic\"\ngrad_type = \"int16\"\n\
         weight_type = \"int16\"\naccumulate = true",
        "out_type = \"int8\"\nshift = 1\nrounding = \"stochastic\"\nweight_sets = 2",
        "out_type = \"int8\"\nshift = 1\nscale_per = \"channel\"",
        "mask = true",
        "accumulate = true",
        "accumulate = true\nmask = true\npe = 3",
    ];
    engines.into_iter().map(|engine| {
        common_layer(&format!(
            "name = \"staged\"
            [layer]
            in_channels = 3
            out_channels = 2
            in_size = 5
            kernel = 2
            [engine]
            {engine}"
        ))
    })
}

/// The emitted text of a layer, in a file too.
struct Emitted {
    layer: Layer,
    verilog: String,
    path: PathBuf,
}

impl Emitted {
    fn name(&self) -> &str {
        self.layer.name()
    }

    /// Runs a tool, which has to succeed and to say nothing.
    fn silent(&self, command: &mut Command) {
        let output = command.arg(&self.path).output().unwrap();
        self.check_silent(&output);
    }

    fn check_silent(&self, output: &std::process::Output) {
        let said = [output.stdout.clone(), output.stderr.clone()].concat();
        assert!(
            output.status.success() && said.is_empty(),
            "{} for\n{}{}",
            output.status,
            self.layer.to_file().to_toml(),
            String::from_utf8_lossy(&said)
        );
    }
}

static EMITTED: LazyLock<(TempDir, Vec<Emitted>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let emitted = layers().into_iter().enumerate().map(|(index, layer)| {
        let verilog = emit::verilog(&Plan::new(&layer));
        let path = folder.path().join(format!("{index}.v"));
        std::fs::write(&path, &verilog).unwrap();
        Emitted {
            layer,
            verilog,
            path,
        }
    });
    let emitted = emitted.collect();
    (folder, emitted)
});

#[test]
fn verilator_finds_nothing() {
    for emitted in &EMITTED.1 {
        let mut verilator = Command::new("verilator");
        verilator.args(["--lint-only", "-Wall", "-Wno-DECLFILENAME", "--top-module"]);
        emitted.silent(verilator.arg(emitted.name()));
    }
}

#[test]
fn icarus_finds_nothing() {
    for emitted in &EMITTED.1 {
        let mut iverilog = Command::new("iverilog");
        iverilog.args(["-g2005", "-Wall", "-t", "null", "-s"]);
        emitted.silent(iverilog.arg(emitted.name()));
    }
}

/// Undeclared or undriven nets, conflicting drivers, loops of logic, latches.
#[test]
fn yosys_finds_nothing() {
    for emitted in &EMITTED.1 {
        let path = emitted.path.display();
        let script = format!(
            "read_verilog {path}; hierarchy -check -top {}; proc; check -assert; \
             select -assert-none t:$dlatch t:$dlatchsr t:$adlatch t:$_DLATCH*",
            emitted.name()
        );
        // -e: a warning of any kind is an error; -q: nothing else is said.
        let output = Command::new("yosys")
            .args(["-q", "-e", ".*", "-p", &script])
            .output()
            .unwrap();
        emitted.check_silent(&output);
    }
}

/// Lines without their comments.
fn code(verilog: &str) -> impl Iterator<Item = &str> {
    verilog
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
}

fn words(verilog: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    code(verilog).flat_map(move |line| line.split(move |c| !is_part(c)))
}

#[test]
fn no_initial_value_no_system_task_no_odd_name() {
    for emitted in &EMITTED.1 {
        for word in words(&emitted.verilog) {
            assert!(!word.contains('$'), "{}: {word}", emitted.name());
            assert_ne!(word, "initial", "{}", emitted.name());
        }
        assert!(emitted.verilog.is_ascii(), "{}", emitted.name());
        for line in code(&emitted.verilog) {
            assert!(!line.contains('\\'), "{}: an escaped name", emitted.name());
            assert!(!line.contains('`'), "{}: a directive", emitted.name());
            assert!(!line.contains("/*"), "{}: a hidden comment", emitted.name());
        }
        assert!(
            !emitted.verilog.contains("lint_off"),
            "{}: a waiver",
            emitted.name()
        );
        for line in emitted.verilog.lines() {
            assert_eq!(
                line,
                line.trim_end(),
                "{}: blanks at a line's end",
                emitted.name()
            );
        }
    }
}

/// Each module once, with a name that begins with the layer's, so that engines of several layers go into one design;
/// and no two modules that differ by their names alone.
#[test]
fn each_module_is_there_once() {
    for emitted in &EMITTED.1 {
        let mut names = BTreeSet::new();
        let mut bodies = BTreeSet::new();
        for text in emitted.verilog.split("\nendmodule") {
            let Some(start) = text.find("\nmodule ") else {
                continue;
            };
            let (name, body) = text[start..]["\nmodule ".len()..].split_once(' ').unwrap();
            assert!(names.insert(name), "{name} twice");
            assert!(
                name == emitted.name() || name.starts_with(&format!("{}_", emitted.name())),
                "{name} in {}",
                emitted.name()
            );
            assert!(
                bodies.insert(body),
                "{}: {name} is there under another name",
                emitted.name()
            );
        }
        assert_eq!(names.len(), emitted.verilog.matches("endmodule").count());
        assert!(names.contains(emitted.name()));
    }
}

/// The header states the layer and the version, and no path, time or host.
#[test]
fn the_header_states_the_layer_alone() {
    let emitted = &EMITTED.1[0];
    let header = emitted
        .verilog
        .lines()
        .take_while(|line| line.starts_with("//"));
    let header: Vec<&str> = header.collect();
    let toml = emitted.layer.to_file().to_toml();
    for line in toml.lines().filter(|line| !line.is_empty()) {
        assert!(header.contains(&format!("//   {line}").as_str()), "{line}");
    }
    let text = header.join("\n");
    assert!(text.contains(concat!("bpa-engine ", env!("CARGO_PKG_VERSION"))));
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    for foreign in [
        env!("CARGO_MANIFEST_DIR"),
        "/tmp",
        ".toml",
        ".v",
        host.trim(),
    ] {
        assert!(
            foreign.is_empty() || !text.contains(foreign),
            "{foreign}\n{text}"
        );
    }
    // A time has colons between digits, or a year.
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let years = text.split(|c: char| !c.is_ascii_alphanumeric());
    assert!(!years
        .into_iter()
        .any(|word| word.len() == 4 && word.starts_with("20") && digits(word)));
}

#[test]
fn the_same_layer_gives_the_same_bytes() {
    for emitted in &EMITTED.1 {
        let again = emit::verilog(&Plan::new(&emitted.layer));
        assert!(again == emitted.verilog, "{}", emitted.name());
    }
}

/// Ports, nets and constants that the module `top` declares.
fn declared(text: &str, top: &str) -> BTreeSet<String> {
    let begin = text.find(&format!("module {top} (")).unwrap();
    let end = begin + text[begin..].find("endmodule").unwrap();
    text[begin..end]
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line
                .split("//")
                .next()?
                .split_whitespace()
                .filter(|word| !word.starts_with('[') && !word.ends_with(']'))
                .collect();
            let kinds = ["input", "output", "wire", "reg", "localparam"];
            let (kind, rest) = words.split_first()?;
            let name = rest.iter().find(|word| !kinds.contains(word))?;
            kinds
                .contains(kind)
                .then(|| name.trim_end_matches([',', ';']).to_owned())
        })
        .collect()
}

/// A module with a net of its own name is refused by tools, so no engine has the name of a net of any.
#[test]
fn no_net_can_name_an_engine() {
    let mut nets = BTreeSet::new();
    for layer in layers() {
        nets.extend(declared(&emit::verilog(&Plan::new(&layer)), layer.name()));
    }
    let stages = [
        "",
        "accumulate = true",
        "mask = true",
        "out_type = \"int8\"\nshift = 3",
        "accumulate = true\nmask = true\nout_type = \"int8\"\nshift = 3\nrounding = \"stochastic\"\nscale_per = \"channel\"",
    ];
    for (stages, steps) in stages.into_iter().flat_map(|it| [(it, 8), (it, 1024)]) {
        let text = format!(
            "name = \"lint\"\n[engine]\nmode = \"programmable\"\n{stages}\n\
             [limits]\nkernel = 64\nsteps = {steps}\n"
        );
        let engine = EngineFile::parse(&text, "here")
            .unwrap()
            .validate()
            .unwrap();
        let hardware = engine.hardware(emit::Target::Generic);
        nets.extend(declared(&print_verilog(&hardware.module), "lint"));
    }
    assert!(nets.len() > 150, "{nets:?}");
    let layer =
        common_layer("layer = { in_channels = 1, out_channels = 1, in_size = 3, kernel = 1 }");
    let layer = layer.to_file();
    for name in nets {
        let file = EngineFile {
            name: name.clone(),
            ..EngineFile::default()
        };
        assert!(file.validate().is_err(), "an engine {name}");
        let file = LayerFile {
            name: name.clone(),
            ..layer.clone()
        };
        assert!(file.validate().is_err(), "a layer {name}");
    }
}

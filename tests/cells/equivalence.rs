//! Promise: the generic netlist of a small engine is proved equal to its Verilog, by the scripts that a user runs; and
//! the proof notices a netlist in which one lookup table is inverted.

use std::path::Path;
use std::process::{Command, Output};

use bpa_engine::emit;
use bpa_engine::layer::LayerFile;
use bpa_engine::plan::Plan;
use serde_json::Value;
use tempfile::TempDir;

/// Stride and dilation, two blocks of everything that can have two and is not too large for a proof.
const PROVED: &str = r#"
name = "proved"
[layer]
in_channels = 2
out_channels = 2
in_size = [3, 4]
kernel = [3, 2]
stride = [2, 1]
dilation = [1, 2]
padding = 1
[engine]
simd = 2
pe = 1
grad_type = "int3"
weight_type = "int2"
"#;

const SMALLEST: &str = r#"
name = "smallest"
[layer]
in_channels = 1
out_channels = 1
in_size = [2, 3]
kernel = 2
stride = 2
[engine]
grad_type = "int2"
weight_type = "int2"
"#;

/// A folder with the Verilog of a layer and its netlist.
fn synthesised(toml: &str) -> TempDir {
    let file: LayerFile = toml::from_str(toml).unwrap();
    let plan = Plan::new(&file.validate().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("design.v"), emit::verilog(&plan)).unwrap();
    let output = script(folder.path(), "generic.sh");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    folder
}

/// Runs a script of `scripts/synth/` on the Verilog of a folder.
fn script(folder: &Path, name: &str) -> Output {
    let path = format!("{}/scripts/synth/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut shell = Command::new("sh");
    let shell = shell.args([&path, "design.v"]).current_dir(folder);
    shell.output().unwrap()
}

#[test]
fn a_netlist_is_equal() {
    let folder = synthesised(PROVED);
    let output = script(folder.path(), "equivalence.sh");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let log = std::fs::read_to_string(folder.path().join("equivalence.log")).unwrap();
    assert!(log.contains("Equivalence successfully proven!"), "{log}");
    // Every register and output was looked at: there are some hundreds.
    let found = log.lines().rev().find_map(|line| {
        let count = line.strip_prefix("Found ")?;
        count
            .strip_suffix(" $equiv cells in equiv:")?
            .parse::<u32>()
            .ok()
    });
    assert!(found.is_some_and(|count| count > 500), "{found:?}");
}

#[test]
fn a_wrong_netlist_is_not() {
    let folder = synthesised(SMALLEST);
    let path = folder.path().join("netlist.json");
    let mut netlist: Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let cells = netlist["modules"]["smallest"]["cells"].as_object_mut();
    let mut tables = cells
        .unwrap()
        .values_mut()
        .filter(|cell| cell["type"] == "$lut");
    let table = &mut tables.nth(39).unwrap()["parameters"]["LUT"];
    let entries = table.as_str().unwrap().chars();
    let inverted = entries.map(|entry| if entry == '0' { '1' } else { '0' });
    *table = Value::String(inverted.collect());
    std::fs::write(&path, netlist.to_string()).unwrap();
    let output = script(folder.path(), "equivalence.sh");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("unproven $equiv cells"), "{said}");
}

//! A netlist, made as `bpa synth` makes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use bpa_engine::layer::Layer;
use bpa_engine::synth::Board;
use serde_json::{Map, Value};

/// The engine of a layer after synthesis. The modules below it are gone, their names are in those of cells and nets.
pub struct Netlist {
    top: String,
    module: Map<String, Value>,
}

impl Netlist {
    /// Synthesises the engine of the layer for the device.
    pub fn new(layer: &Layer, board: Board) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("layer.toml");
        std::fs::write(&file, layer.to_file().to_toml()).unwrap();
        let mut bpa = Command::new(env!("CARGO_BIN_EXE_bpa"));
        bpa.args(["synth", "layer.toml", "--seeds", "0", "--keep", "kept"])
            .args(["--target", board.name()])
            // Here the packaged tools stay until `cargo clean`.
            .env(
                "BPA_CACHE_DIR",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/tools"),
            );
        run(folder.path(), &mut bpa);
        let top = layer.name();
        Self::read(
            top,
            &folder.path().join(format!("kept/{top}/alone/netlist.json")),
        )
    }

    /// Synthesises the Verilog of `top` for the device, by the script of `scripts/synth` and the Yosys that is installed.
    pub fn of_verilog(top: &str, verilog: &str, board: Board) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("top.v"), verilog).unwrap();
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/synth");
        let script = format!("read_verilog top.v; script {scripts}/{}.ys", board.name());
        run(
            folder.path(),
            Command::new("yosys").args(["-q", "-p", &script]),
        );
        Self::read(top, &folder.path().join("netlist.json"))
    }

    fn read(top: &str, path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut file: Value = serde_json::from_str(&text).unwrap();
        // The others are the family's cells.
        let Value::Object(module) = file["modules"][top].take() else {
            panic!("{}: no module {top}", path.display())
        };
        Netlist {
            top: top.to_owned(),
            module,
        }
    }

    fn cells(&self) -> impl Iterator<Item = (&String, &Value)> {
        let cells = self.module["cells"].as_object().unwrap().iter();
        // Names of modules that are gone, no hardware.
        cells.filter(|(_, cell)| cell["type"] != "$scopeinfo")
    }

    /// The memory cells below the instance, by type. (Each keeps the name of what it was made from.)
    pub fn memories(&self, instance: &str) -> BTreeMap<&str, usize> {
        let beginning = format!("{instance}.");
        let mut found = BTreeMap::new();
        for (name, cell) in self.cells() {
            let kind = cell["type"].as_str().unwrap();
            if name.starts_with(&beginning) && is_memory(kind) {
                *found.entry(kind).or_default() += 1;
            }
        }
        found
    }

    /// How many flip-flops drive nets below the instance, other than those that are its ports and bear these names.
    pub fn flip_flops(&self, instance: &str, ports: &[&str]) -> usize {
        let beginning = format!("{instance}.");
        let nets = self.module["netnames"].as_object().unwrap().iter();
        let is_port = |name: &str| {
            name.rsplit('.')
                .next()
                // What a register takes next may be another block's register.
                .is_some_and(|last| ports.contains(&last) || last.ends_with("_d"))
        };
        let below: BTreeSet<u64> = nets
            .filter(|(name, _)| name.starts_with(&beginning) && !is_port(name))
            .flat_map(|(_, net)| net["bits"].as_array().unwrap())
            .filter_map(Value::as_u64)
            .collect();
        let drives_one = |cell: &Value| {
            let output = cell["connections"]["Q"].as_array();
            output.is_some_and(|bits| {
                bits.iter()
                    .any(|bit| bit.as_u64().is_some_and(|bit| below.contains(&bit)))
            })
        };
        self.cells().filter(|(_, cell)| drives_one(cell)).count()
    }

    /// The netlist as Verilog.
    pub fn verilog(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        let mut module = self.module.clone();
        let cells: Map<String, Value> = self
            .cells()
            .map(|(name, cell)| (name.clone(), cell.clone()))
            .collect();
        module.insert("cells".to_owned(), cells.into());
        let file = serde_json::json!({"modules": {self.top.as_str(): module}});
        std::fs::write(folder.path().join("netlist.json"), file.to_string()).unwrap();
        // A lookup table as a shift of its table by unknown inputs would be wholly unknown; as multiplexers it is
        // unknown where it is in hardware.
        let script = "read_json netlist.json; simplemap t:$lut; write_verilog -noattr netlist.v";
        run(
            folder.path(),
            Command::new("yosys").args(["-q", "-p", script]),
        );
        std::fs::read_to_string(folder.path().join("netlist.v")).unwrap()
    }
}

/// Whether cells of that type are memories, of any family.
fn is_memory(kind: &str) -> bool {
    ["$mem_v2", "SB_RAM40_4K", "DP16KD", "SDPB", "SDPX9B"].contains(&kind)
        || ["TRELLIS_DPR", "RAM16S", "RAM32", "RAM64", "RAMB"]
            .iter()
            .any(|beginning| kind.starts_with(beginning))
}

fn run(folder: &Path, command: &mut Command) {
    let output = command.current_dir(folder).output();
    let Output { status, stderr, .. } = output.unwrap_or_else(|error| {
        panic!("{command:?}: {error}; the tests need `apt-get install yosys python3-venv`")
    });
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {said}");
}

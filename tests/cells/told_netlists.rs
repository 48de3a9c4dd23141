//! Promise: what synthesis makes of a programmable engine does what its Verilog says: the same jobs give the same values in
//! the same cycles, with the same stalls. Its tables are in LUT RAMs that are read while they are filled.

use bpa_engine::driver::{Driver, Simulated};
use bpa_engine::emit::Target;
use bpa_engine::layer::LayerFile;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_engine::reference::{scatter, StageArrays};
use bpa_engine::run::Arrays;
use bpa_engine::synth::Board;
use bpa_engine::vectors::{random_moving, random_stationary};
use bpa_hdl::rtl::print_verilog;
use bpa_hdl::shell::programmable::Programmable;
use bpa_sim::Cache;

use crate::cell_models;
use crate::netlist::Netlist;

const ENGINE: &str = r#"
name = "told"
[engine]
mode = "programmable"
simd = 2
pe = 2
[limits]
weight_words = 64
line_words = 64
size = 15
kernel = 3
steps = 12
fifo_results = 8
zero_run = 255
"#;

/// Each takes what the one before leaves: phases, taps, blocks, groups, zeros, dropped pixels.
const LAYERS: [&str; 6] = [
    "in_channels = 4\nout_channels = 6\nin_size = [5, 6]\nkernel = 3\npadding = 1",
    "in_channels = 3\nout_channels = 4\nin_size = [9, 8]\nkernel = 3\nstride = [2, 3]\ndilation = [3, 2]\npadding = [3, 1, 0, 2]",
    "in_channels = 5\nout_channels = 5\nin_size = 7\nkernel = 3\nstride = 2\npadding = 1\ngroups = 5",
    "in_channels = 2\nout_channels = 2\nin_size = [11, 7]\nkernel = 2\nstride = 3",
    "in_channels = 7\nout_channels = 3\nin_size = [4, 5]\nkernel = [1, 2]\npadding = [2, 1, 3, 0]",
    "in_channels = 2\nout_channels = 8\nin_size = [6, 5]\nkernel = [3, 1]\ndilation = [2, 1]\npadding = [2, 2, 0, 0]",
];
/// What a netlist and the models of its cells need not be clean of.
const LINT_OFF: [&str; 12] = [
    "UNUSED",
    "UNDRIVEN",
    "WIDTH",
    "PINMISSING",
    "PINCONNECTEMPTY",
    "CASEINCOMPLETE",
    "CASEX",
    "BLKSEQ",
    "COMBDLY",
    "INITIALDLY",
    "SYNCASYNCNET",
    "UNOPTFLAT",
];
const FRAMES: usize = 2;
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/models");

/// Runs all layers, each told while the ones before run; gives the cycles in which the engine had a job.
fn run(engine: &ProgrammableEngine, hardware: &Programmable, verilog: &str, stall: f64) -> u64 {
    let model = Simulated::model(engine, hardware, verilog, &Cache::new(CACHE)).unwrap();
    let mut driver = Driver::open(engine, hardware, Simulated::new(&model, 1)).unwrap();
    driver.device().stall(stall, stall, 7);
    for (seed, layer) in LAYERS.iter().enumerate() {
        let file: LayerFile = toml::from_str(&format!("[layer]\n{layer}")).unwrap();
        let layer = engine.layer(file.layer).unwrap();
        let arrays = Arrays {
            moving: random_moving(&layer, FRAMES, seed as u64),
            stationary: random_stationary(&layer, seed as u64),
            stages: StageArrays::default(),
        };
        let tiling = engine.tiling(&layer, FRAMES as u64).unwrap();
        let found = driver.run(&tiling, &arrays).unwrap();
        let expected = scatter(&layer, &arrays.moving, &arrays.stationary);
        assert_eq!(found, expected, "{}", layer.to_file().to_toml());
    }
    driver.busy_cycles().unwrap()
}

#[test]
fn ecp5() {
    let engine = EngineFile::parse(ENGINE, "here")
        .unwrap()
        .validate()
        .unwrap();
    let hardware = engine.hardware(Target::Ecp5);
    let written = print_verilog(&engine.hardware(Target::Generic).module);
    let text = print_verilog(&hardware.module);
    let netlist = Netlist::of_verilog(engine.name(), &text, Board::Ecp5_85k);
    let lint_off = LINT_OFF.map(|name| format!("/* verilator lint_off {name} */\n"));
    let made = lint_off.concat() + &netlist.verilog() + &cell_models::ecp5();
    for stall in [0.0, 0.4] {
        let cycles = |verilog: &str| run(&engine, &hardware, verilog, stall);
        assert_eq!(cycles(&made), cycles(&written));
    }
}

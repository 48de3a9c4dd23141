//! Promise: what synthesis makes of an engine does what its Verilog says: the same vectors give the same values in the
//! same cycles, with the same stalls, in Icarus; and for iCE40 and ECP5 many more vectors are exact in Verilator. And on
//! every target the line buffer and the weights are memories.

use std::collections::BTreeMap;

use bpa_engine::emit;
use bpa_engine::layer::{Layer, LayerFile};
use bpa_engine::plan::Plan;
use bpa_engine::reference::scatter;
use bpa_engine::reference::StageArrays;
use bpa_engine::run::{Arrays, Simulator, Traffic};
use bpa_engine::synth::Board;
use bpa_engine::vectors::{random_moving, random_stationary};
use bpa_sim::Cache;

use crate::cell_models::{self, GOWIN_MEMORY, GOWIN_MULTIPLIER, XILINX7_MEMORY};
use crate::netlist::Netlist;
use crate::vector_bench::{VectorBench, FRAMES};

const DENSE: &str = r#"
name = "netlist_dense"
[layer]
in_channels = 4
out_channels = 2
in_size = [3, 4]
kernel = 3
padding = 1
[engine]
simd = 2
pe = 2
"#;

const STRIDED_DILATED: &str = r#"
name = "netlist_strided_dilated"
[layer]
in_channels = 4
out_channels = 4
in_size = [6, 7]
kernel = [3, 2]
stride = [2, 3]
dilation = [3, 2]
padding = [3, 1, 0, 2]
[engine]
simd = 2
pe = 2
"#;

const DEPTHWISE: &str = r#"
name = "netlist_depthwise"
[layer]
in_channels = 3
out_channels = 6
in_size = [4, 5]
kernel = 3
stride = 2
padding = 1
groups = 3
[engine]
simd = 2
pe = 2
grad_type = "int5"
weight_type = "int6"
"#;

/// On 7 series alone.
const PACKED: &str = r#"
name = "netlist_packed"
[layer]
in_channels = 4
out_channels = 3
in_size = [3, 4]
kernel = 3
padding = 1
[engine]
simd = 3
pe = 2
packed_multipliers = true
"#;

const MODELS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/models");

/// Without stalls, and with stalls on every stream.
const RUNS: [[u32; 3]; 2] = [[0, 0, 1], [50, 50, 4]];

const LAYERS: [&str; 3] = [DENSE, STRIDED_DILATED, DEPTHWISE];

/// Of `examples`, those without stages behind the accumulators.
const NAMED: [&str; 6] = [
    "strided",
    "dilated",
    "strided_dilated",
    "grouped",
    "depthwise",
    "transposed",
];

fn layer(toml: &str) -> Layer {
    let file: LayerFile = toml::from_str(toml).unwrap();
    file.validate().unwrap()
}

/// Runs the vectors through the Verilog of the layer and through the netlist of it.
fn runs_as_written(plan: &Plan, netlist: &Netlist, cells: &str) {
    let layer = plan.layer();
    let arrays = Arrays {
        moving: random_moving(layer, FRAMES, 5),
        stationary: random_stationary(layer, 5),
        stages: StageArrays::default(),
    };
    let expected = scatter(layer, &arrays.moving, &arrays.stationary);
    let bench = VectorBench::new(plan, &arrays, &expected, 0);
    let cycles = |verilog: &str, generation: &str| {
        bench.load(verilog, generation);
        RUNS.map(|stalls| bench.run(stalls))
    };
    let written = cycles(&emit::verilog(plan), "-g2005");
    assert_eq!(written[0], plan.cycles(FRAMES as u64).total);
    let made = cycles(&(netlist.verilog() + cells), "-g2012");
    assert_eq!(made, written, "{}", layer.name());
}

/// What a netlist and the models of its cells need not be clean of.
const UNTIDY: [&str; 14] = [
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
    "MULTITOP",
    "TIMESCALEMOD",
];
/// Frames that Verilator runs, and its stalls.
const VERILATED_FRAMES: usize = 12;
const STALLS: [(f64, f64); 4] = [(0.0, 0.0), (0.4, 0.0), (0.0, 0.6), (0.3, 0.3)];

/// Runs many more vectors through the netlist in Verilator, which draws what registers hold at power-up.
fn runs_verilated(plan: &Plan, netlist: &Netlist, cells: &str) {
    let layer = plan.layer();
    let waivers = UNTIDY.map(|what| format!("/* verilator lint_off {what} */\n"));
    let verilog = waivers.concat() + &netlist.verilog() + cells;
    let simulator = Simulator::build(plan, &verilog, &Cache::new(MODELS)).unwrap();
    for (seed, (stall_input, stall_output)) in STALLS.into_iter().enumerate() {
        let seed = seed as u64;
        let arrays = Arrays {
            moving: random_moving(layer, VERILATED_FRAMES, seed),
            stationary: random_stationary(layer, seed),
            stages: StageArrays::default(),
        };
        let expected = scatter(layer, &arrays.moving, &arrays.stationary);
        let traffic = Traffic {
            stall_input,
            stall_output,
            seed,
        };
        let measured = simulator.run(&arrays, &traffic, &mut |_| ()).unwrap();
        assert!(measured.result == expected, "{}: {traffic:?}", layer.name());
        if seed == 0 {
            let predicted = plan.cycles(VERILATED_FRAMES as u64);
            assert_eq!(measured.cycles, predicted, "{}", layer.name());
        }
    }
}

/// A memory cell of the board, and the bits of its word at the depths of these layers.
fn memory_of(board: Board) -> (&'static str, usize) {
    match board {
        Board::Generic => ("$mem_v2", usize::MAX),
        Board::Ice40Up5k | Board::Ice40Hx8k => ("SB_RAM40_4K", 16),
        Board::Ecp5_85k => ("DP16KD", 36),
        Board::GowinGw2a => ("SDPX9B", 36),
        Board::XilinxXc7 => ("RAMB18E1", 36),
        Board::XilinxXcup => ("RAMB18E2", 36),
    }
}

/// The flip-flops that a memory may have beside its cells: registers of what is written, of what is read and of the
/// choice of a bank.
fn registers_of(width: usize, address: usize) -> usize {
    let written = width + address + 1;
    let read = 2 * width;
    written + read
}

const MEMORY_PORTS: [&str; 5] = [
    "write",
    "write_address",
    "write_data",
    "read_address",
    "read_data",
];

/// The line buffer and the weights are in memory cells of the board, as many as their words take, and not in
/// flip-flops.
fn has_memories(plan: &Plan, netlist: &Netlist, board: Board) {
    let (descriptor, lanes) = (plan.descriptor(), plan.lanes());
    let (kind, bits) = memory_of(board);
    for (instance, words, width) in [
        (
            "u_core.u_line_buffer",
            descriptor.line_words,
            lanes.grad_word_bits(),
        ),
        (
            "u_core.u_weights",
            descriptor.weight_memory_words(),
            lanes.weight_word_bits(),
        ),
    ] {
        let name = plan.layer().name();
        assert_eq!(
            netlist.memories(instance),
            BTreeMap::from([(kind, width.div_ceil(bits))]),
            "{name}, {instance}"
        );
        let address = words.next_power_of_two().trailing_zeros() as usize;
        let flip_flops = netlist.flip_flops(instance, &MEMORY_PORTS);
        let most = registers_of(width, address);
        assert!(
            flip_flops <= most,
            "{name}, {instance}: {flip_flops} flip-flops, at most {most}"
        );
    }
}

fn check(board: Board, layers: &[impl AsRef<str>], cells: Option<&str>) {
    let named = std::env::var_os("BPA_NAMED_LAYERS").is_some();
    for toml in layers.iter().map(AsRef::as_ref) {
        let plan = Plan::new(&layer(toml));
        let netlist = Netlist::new(plan.layer(), board);
        has_memories(&plan, &netlist, board);
        if let Some(cells) = cells {
            runs_as_written(&plan, &netlist, cells);
        }
        let verilated = [Board::Ice40Up5k, Board::Ecp5_85k].contains(&board);
        if let (Some(cells), true) = (cells, verilated && (named || toml == DENSE)) {
            runs_verilated(&plan, &netlist, cells);
        }
    }
}

/// The layers; with those of `examples` where `BPA_NAMED_LAYERS` is set, as `scripts/second_simulator.sh` does.
fn layers() -> Vec<String> {
    let mut layers = LAYERS.map(str::to_owned).to_vec();
    if std::env::var_os("BPA_NAMED_LAYERS").is_some() {
        layers.extend(NAMED.map(|name| {
            let path = format!("{}/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(path).unwrap()
        }));
    }
    layers
}

#[test]
fn generic() {
    check(Board::Generic, &layers(), Some(""));
}

#[test]
fn ice40() {
    // Icarus takes no default values of inputs.
    let cells =
        "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n".to_owned() + &cell_models::file_of_yosys("ice40");
    check(Board::Ice40Up5k, &layers(), Some(&cells));
}

#[test]
fn ecp5() {
    let cells = cell_models::ecp5();
    check(Board::Ecp5_85k, &layers(), Some(&cells));
}

/// The families that are placed and routed by fewer or no open tools, on the layer with the most steps.
#[test]
fn gowin() {
    let cells = cell_models::file_of_yosys("gowin") + GOWIN_MULTIPLIER + GOWIN_MEMORY;
    check(Board::GowinGw2a, &[STRIDED_DILATED], Some(&cells));
}

#[test]
fn xilinx7() {
    let file = cell_models::file_of_yosys("xilinx");
    // A black box there.
    let cells = file.replace(cell_models::module(&file, "RAMB18E1"), "\n") + XILINX7_MEMORY;
    check(Board::XilinxXc7, &[STRIDED_DILATED, PACKED], Some(&cells));
}

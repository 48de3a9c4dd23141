//! Promise: the Verilog means the same to another simulator, one that starts every register unknown: what Verilator
//! gives, Icarus gives, in as many cycles, and nothing unknown ever reaches an output, not even what a memory gives of a
//! word that is being written.

use bpa_engine::emit;
use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;

use crate::common::{arrays, exact_and_on_time, example, expected, layer, simulator};
use crate::output_stages::everything;
use crate::vector_bench::{VectorBench, FRAMES};

/// The Verilog with memories that give unknowns for a word that is read while it is written, as block RAMs do.
fn with_unknown_collisions(verilog: &str) -> String {
    let ahead = "  read_q <= words[read_address]";
    let held = "read_data_q <= words[read_address]";
    let fetched = "if (fetch) read_q <= words[read_address]";
    assert!(verilog.contains(ahead));
    assert!(verilog.contains(held) || verilog.contains(fetched));
    verilog
        .replace(
            ahead,
            "  read_q <= write_q && write_address_q == read_address ? 'bx : words[read_address]",
        )
        .replace(
            held,
            "read_data_q <= write && write_address == read_address ? 'bx : words[read_address]",
        )
        .replace(
            fetched,
            "if (fetch) read_q <= write && write_address == read_address ? 'bx : words[read_address]",
        )
}

pub fn check(layer: &Layer) {
    let plan = Plan::new(layer);
    let seed = 11;
    let arrays = arrays(layer, FRAMES, seed);
    let expected = expected(layer, &arrays);
    let verilator = simulator(&plan);
    let measured = exact_and_on_time(&verilator, &plan, &arrays, &expected, seed)
        .unwrap_or_else(|fault| panic!("{}: {fault}", layer.name()));

    let bench = VectorBench::new(&plan, &arrays, &measured.result, measured.saturations);
    let verilog = with_unknown_collisions(&emit::verilog(&plan));
    bench.load(&verilog, "-g2005");
    let cycles = bench.run([0, 0, 1]);
    assert_eq!(cycles, measured.cycles.total, "{}: cycles", layer.name());
    for stalls in [[30, 0, 2], [0, 30, 3], [50, 50, 4], [5, 80, 5]] {
        bench.run(stalls);
    }
}

#[test]
fn dense_layers_give_what_verilator_gives() {
    check(&example("strided"));
    check(&example("strided_dilated"));
}

#[test]
fn grouped_and_depthwise_layers_give_what_verilator_gives() {
    check(&example("grouped"));
    check(&example("depthwise"));
}

/// Pixels without taps at the beginning, inside and at the end of a frame, dropped pixels, two sets of weights, odd
/// widths.
/// The others of `examples`; the larger ones where `BPA_NAMED_LAYERS` is set, as `scripts/second_simulator.sh` does.
#[test]
fn examples_give_what_verilator_gives() {
    let names = ["dilated", "transposed", "requantised", "quantised"];
    let all = std::env::var_os("BPA_NAMED_LAYERS").is_some();
    for name in &names[..if all { names.len() } else { 2 }] {
        check(&example(name));
    }
}

#[test]
fn an_irregular_layer_gives_what_verilator_gives() {
    check(&layer(
        "name = \"irregular_icarus\"
        [layer]
        in_channels = 3
        out_channels = 3
        in_size = [8, 11]
        kernel = [2, 2]
        stride = [4, 3]
        dilation = [2, 1]
        padding = [1, 0, 0, 2]
        [engine]
        simd = 3
        pe = 2
        grad_type = \"int5\"
        weight_type = \"int7\"
        weight_sets = 2",
    ));
}

/// Padded lanes carry what the stages make of zero: that is zero, as long as what comes in for them is.
#[test]
fn output_stages_give_what_verilator_gives() {
    check(&everything(2, "stochastic"));
    check(&everything(1, "nearest_even"));
}

/// No tap reaches any pixel: all results are zero, known zeros, whatever the weights are.
#[test]
fn a_layer_without_taps_gives_what_verilator_gives() {
    check(&layer(
        "name = \"unreached\"
        [layer]
        in_channels = 2
        out_channels = 2
        in_size = [3, 4]
        kernel = 1
        padding = [4, 0, 0, 0]
        out_size = [2, 3]",
    ));
}

//! The library from a layer to a checked result: Verilog is made, simulated on random arrays, and compared.
//!
//!     cargo run --release --example library
//!
//! It needs Verilator and a C++ compiler.

use std::error::Error;

use bpa_engine::arrays::Arrays;
use bpa_engine::bound::bound_cycles;
use bpa_engine::compare::compare;
use bpa_engine::emit;
use bpa_engine::layer::LayerFile;
use bpa_engine::plan::Plan;
use bpa_engine::reference::reference;
use bpa_engine::run::{Simulator, Traffic};
use bpa_engine::vectors::{random_moving, random_stage_arrays, random_stationary};
use bpa_sim::Cache;

/// A layer as in a file, of which keys that have a default may be left out.
const LAYER: &str = r#"
name = "first_layer"
[layer]
in_channels = 8
out_channels = 16
in_size = [13, 11]
kernel = [3, 3]
stride = [2, 1]
dilation = [1, 2]
padding = 1
[engine]
simd = 4
pe = 4
"#;

const FRAMES: usize = 3;
const SEED: u64 = 7;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", checked(&Cache::from_env()?)?);
    Ok(())
}

/// Runs the layer and says what came of it; `cache` keeps the compiled model.
pub fn checked(cache: &Cache) -> Result<String, Box<dyn Error>> {
    // What a user wrote, and what was found valid: nothing below takes the former.
    let layer = LayerFile::parse(LAYER, "layer.toml")?.validate()?;

    // The schedule and the sizes of all buffers, then the hardware as text.
    let plan = Plan::new(&layer);
    let verilog = emit::verilog(&plan);

    // Arrays with the axes of PyTorch: grad_output (N, K, P, Q) moves, weight (K, C/groups, R, S) is stationary.
    let arrays = Arrays {
        moving: random_moving(&layer, FRAMES, SEED),
        stationary: random_stationary(&layer, SEED),
        stages: random_stage_arrays(&plan, FRAMES, SEED),
    };

    // Verilator compiles the text once; a run checks that the engine keeps the rules of its streams.
    let simulator = Simulator::build(&plan, &verilog, cache)?;
    let traffic = Traffic {
        stall_input: 0.1,
        stall_output: 0.1,
        seed: SEED,
    };
    let measured = simulator.run(&arrays, &traffic, &mut |_| ())?;

    // grad_input (N, C, H, W) from the equations alone.
    let expected = reference(&layer, &arrays);
    let found = compare(&measured.result, &expected.result);
    if let Some(first) = found.first {
        return Err(format!("{} values differ: {}", found.mismatches, first.of(&layer)).into());
    }

    // Without stalls the cycles are known beforehand.
    let free = simulator.run(&arrays, &Traffic::default(), &mut |_| ())?;
    assert_eq!(free.cycles, plan.cycles(FRAMES as u64));
    Ok(format!(
        "{} lines of Verilog; all {} values exact; {} cycles, of which no engine with these lanes needs fewer than {} a frame",
        verilog.lines().count(),
        measured.result.len(),
        free.cycles.total,
        bound_cycles(&layer)
    ))
}

//! The testbench that `gen-verilog --testbench` writes, run in Icarus on an engine or on a netlist of it.
//!
//! There every register starts unknown. Between beats the testbench drives unknowns on `tdata` and `tlast`, and nothing
//! unknown may ever reach an output.

use bpa_engine::flows::{testbench, Vectors};
use bpa_engine::plan::Plan;
use bpa_engine::run::Arrays;
use ndarray::Array4;
use tempfile::TempDir;

use crate::icarus_tool;

/// Frames that a testbench sends.
pub const FRAMES: usize = 3;

/// A folder with the testbench of a plan's engine and its vectors.
pub struct VectorBench {
    folder: TempDir,
    name: String,
    testbench: String,
}

impl VectorBench {
    /// The testbench that sends `arrays` and expects `result`, and so many values to be counted as saturated.
    pub fn new(plan: &Plan, arrays: &Arrays, result: &Array4<i64>, saturations: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = plan.layer().name().to_owned();
        let vectors = Vectors::of(plan, arrays, result, saturations).unwrap();
        let testbench = testbench(plan, &vectors);
        for file in vectors.files(&name).iter().chain([&testbench]) {
            std::fs::write(folder.path().join(&file.name), &file.text).unwrap();
        }
        VectorBench {
            folder,
            name,
            testbench: testbench.name,
        }
    }

    /// Takes the Verilog of the engine, which is of this generation of the language, as Icarus names it.
    pub fn load(&self, verilog: &str, generation: &str) {
        std::fs::write(self.folder.path().join("engine.v"), verilog).unwrap();
        icarus_tool::compile(
            self.folder.path(),
            generation,
            &[&self.testbench, "engine.v"],
        );
    }

    /// What the testbench says with these stalls: the percentages of cycles in which it offers no beat and takes none,
    /// and a seed for the choice.
    pub fn said(&self, [stall, back_pressure, seed]: [u32; 3]) -> String {
        let words = [
            format!("+stall={stall}"),
            format!("+back_pressure={back_pressure}"),
            format!("+seed={seed}"),
        ];
        icarus_tool::simulate(self.folder.path(), &words.each_ref().map(String::as_str))
    }

    /// Runs with such stalls. The cycles from the first beat to the last result.
    pub fn run(&self, stalls: [u32; 3]) -> u64 {
        let said = self.said(stalls);
        let passed = said.lines().find_map(|line| line.strip_prefix("PASS: "));
        let cycles = passed.and_then(|it| it.split(", ").nth(1)?.strip_suffix(" cycles"));
        let cycles = cycles.unwrap_or_else(|| panic!("{} with {stalls:?}: {said}", self.name));
        cycles.parse().unwrap()
    }
}

//! The flags of `gen-verilog` for files of other tools' flows, and those files.

use anyhow::bail;
use clap::Args;

use crate::emit::Target;
use crate::flows::{self, Block, FlowFile, Frequency, Vectors};
use crate::number::integer;
use crate::plan::Plan;
use crate::programmable::ProgrammableEngine;
use crate::synth::Board;

/// Frames that a test bench sends.
const FRAMES: u32 = 3;

/// Which files to write beside the Verilog.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Files for other tools (docs/flows.md)")]
pub(super) struct FlowArgs {
    /// NAME_tb.v, a test bench in plain Verilog that checks itself, and NAME_*.hex, the random beats that it sends and the
    /// results of the software reference
    #[arg(long)]
    testbench: bool,
    /// Seed of the random beats
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = integer(0..=u64::MAX))]
    seed: u64,
    /// NAME.core for FuseSoC, and the test bench that it simulates
    #[arg(long)]
    fusesoc: bool,
    /// NAME_cocotb.py, a test in cocotb with cocotbext-axi, and the .hex files that it reads
    #[arg(long)]
    cocotb: bool,
    /// NAME_litex.py, a LiteX module
    #[arg(long)]
    litex: bool,
    /// NAME_vivado.tcl, which packages the engine as IP in Vivado; not run there yet
    #[arg(long)]
    vivado: bool,
    /// NAME_sva.sv, SystemVerilog assertions on the interface, bound to the engine
    #[arg(long)]
    assertions: bool,
    /// Constraints for the tools of --target, with the clock at MHZ: NAME.pcf, NAME.lpf, NAME.xdc or NAME.sdc
    #[arg(long, value_name = "MHZ", value_parser = Frequency::parse)]
    constraints: Option<Frequency>,
}

impl FlowArgs {
    /// The files of a layer's engine.
    ///
    /// # Errors
    /// The layer is too large for a test bench.
    pub(super) fn of_layer(&self, plan: &Plan, board: Board) -> anyhow::Result<Vec<FlowFile>> {
        let mut files = Vec::new();
        let testbench = self.testbench || self.fusesoc;
        if testbench || self.cocotb {
            let vectors = Vectors::random(plan, FRAMES, self.seed)?;
            files.extend(testbench.then(|| flows::testbench(plan, &vectors)));
            files.extend(self.cocotb.then(|| flows::cocotb(plan, &vectors)));
            files.extend(vectors.files(plan.layer().name()));
        }
        files.extend(self.of_block(&Block::of_layer(plan), board, true));
        Ok(files)
    }

    /// The files of a programmable engine.
    ///
    /// # Errors
    /// A bench is asked for, which needs a layer.
    pub(super) fn programmable(
        &self,
        engine: &ProgrammableEngine,
        board: Board,
    ) -> anyhow::Result<Vec<FlowFile>> {
        for (flag, is_given) in [("--testbench", self.testbench), ("--cocotb", self.cocotb)] {
            if is_given {
                bail!(
                    "`{flag}` sends the arrays of a layer, which a programmable engine is told at run time: give a layer \
                     file, or test this engine by `bpa run-network`"
                );
            }
        }
        let hardware = engine.hardware(Target::Generic);
        Ok(self.of_block(&Block::programmable(engine, &hardware), board, false))
    }

    /// Those that are made of ports alone.
    fn of_block(&self, block: &Block, board: Board, has_testbench: bool) -> Vec<FlowFile> {
        let files = [
            (self.fusesoc).then(|| flows::fusesoc(block, has_testbench)),
            self.litex.then(|| flows::litex(block)),
            self.vivado.then(|| flows::vivado(block)),
            self.assertions.then(|| flows::assertions(block)),
            (self.constraints).map(|clock| flows::constraints(&block.name, board, clock)),
        ];
        files.into_iter().flatten().collect()
    }
}

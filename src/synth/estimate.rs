//! Multipliers and block RAMs of an engine, without a tool.

use bpa_hdl::rtl::Resource;
use serde::Serialize;

use super::inference::block_rams;
use super::{Board, TooNarrow};
use crate::emit;
use crate::plan::Plan;

/// What the engine is predicted to take of a device, in the units of [`Area`](super::Area); as JSON, with these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    pub target: &'static str,
    /// Multiplier cells.
    pub dsps: u64,
    /// Block RAMs; on 7 series those of 18 kbit, one of 36 kbit being two.
    pub brams: u64,
}

/// Counts the cells that the engine's Verilog names for `board`, and those that Yosys will make of its memories where
/// they are left to inference.
///
/// # Errors
/// The engine asks for multipliers that the device does not have.
pub fn estimate(plan: &Plan, board: Board) -> Result<Estimate, TooNarrow> {
    board.accepts(plan.layer())?;
    let mut estimate = Estimate {
        target: board.name(),
        dsps: 0,
        brams: 0,
    };
    for resource in emit::engine(plan, board.target()).resources() {
        match resource {
            Resource::Multiplier => estimate.dsps += u64::from(board.has_multipliers()),
            Resource::BlockRam => estimate.brams += 1,
            Resource::Memory { words, bits } => {
                estimate.brams += block_rams(board, words, bits as u64);
            }
        }
    }
    Ok(estimate)
}

//! Multipliers and block RAMs of an engine, without a tool.

use bpa_hdl::rtl::{Module, Resource};
use indicatif::HumanCount;
use serde::Serialize;

use super::inference::block_rams;
use super::{Board, TooNarrow};
use crate::emit;
use crate::layer::Layer;
use crate::plan::Plan;

/// What the engine is predicted to take of a device, in the units of [`Area`](super::Area); as JSON, with these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The device, by its name on the command line.
    pub target: &'static str,
    /// Multiplier cells.
    pub dsps: u64,
    /// Block RAMs; on 7 series those of 18 kbit, one of 36 kbit being two.
    pub brams: u64,
    /// What the device has of them, as have the next; `None` for 7 series, of which no device is meant, and without a device.
    pub dsps_available: Option<u64>,
    /// Block RAMs of the device.
    pub brams_available: Option<u64>,
    /// How many more the engine takes than there are.
    pub dsps_missing: u64,
    /// How many block RAMs more.
    pub brams_missing: u64,
}

impl Estimate {
    /// What the device has too few of and by how much, for people; `None` where multipliers and block RAMs fit. Whether
    /// LUTs and flip-flops do is not predicted.
    pub fn misfit(&self) -> Option<String> {
        let cells = [
            ("multipliers", self.dsps, self.dsps_available),
            ("block RAMs", self.brams, self.brams_available),
        ];
        let misfits: Vec<String> = cells
            .iter()
            .filter_map(|&(what, taken, available)| {
                let missing = missing(taken, available);
                let [taken, available, missing] =
                    [taken, available?, missing].map(|count| HumanCount(count).to_string());
                (missing != "0").then(|| {
                    format!("{taken} {what}, and there are {available}: {missing} too many")
                })
            })
            .collect();
        (!misfits.is_empty()).then(|| format!("it takes {}", misfits.join("; ")))
    }
}

fn missing(taken: u64, available: Option<u64>) -> u64 {
    available.map_or(0, |available| taken.saturating_sub(available))
}

/// Multipliers and block RAMs of a design, in the units of [`Area`](super::Area).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    /// Multiplier cells.
    pub dsps: u64,
    /// Block RAMs.
    pub brams: u64,
}

/// Counts the cells that a design's Verilog names for `board`, and those that Yosys will make of its memories where they
/// are left to inference.
pub(crate) fn cells(design: &Module, board: Board) -> Cells {
    let (mut dsps, mut brams) = (0, 0);
    for resource in design.resources() {
        match resource {
            Resource::Multiplier => dsps += u64::from(board.has_multipliers()),
            Resource::BlockRam => brams += 1,
            Resource::Memory { words, bits } => {
                brams += block_rams(board, words, bits as u64);
            }
        }
    }
    Cells { dsps, brams }
}

/// Counts the cells of the plan's engine, beside those that the device has.
///
/// # Errors
/// The engine asks for multipliers that the device does not have.
pub fn estimate(plan: &Plan, board: Board) -> Result<Estimate, TooNarrow> {
    let layer = plan.layer();
    board.accepts(layer)?;
    let Cells { dsps, brams } = cells(&emit::engine(plan, board.target()), board);
    let capacity = board.capacity(widest(layer));
    let dsps_available = capacity.map(|it| it.dsps);
    let brams_available = capacity.map(|it| it.brams);
    Ok(Estimate {
        target: board.name(),
        dsps,
        brams,
        dsps_available,
        brams_available,
        dsps_missing: missing(dsps, dsps_available),
        brams_missing: missing(brams, brams_available),
    })
}

/// Bits of the wider one of the two operands that are multiplied.
pub(crate) fn widest(layer: &Layer) -> u32 {
    let [moving, stationary] = [layer.moving_type(), layer.stationary_type()];
    moving.bits().max(stationary.bits())
}

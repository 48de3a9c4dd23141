//! Whether an engine's output FIFO holds a layer up.

use std::fmt;

use super::file::FIFO_RESULTS;
use super::{ProgrammableEngine, Tiling};

/// An output FIFO that holds a layer up, and one that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortFifo {
    /// Results that it holds.
    pub results: u64,
    /// Results that would do.
    pub enough: u64,
    /// Cycles of the layer, at the most, with the one and the other.
    pub cycles: [u64; 2],
}

impl fmt::Display for ShortFifo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [with, without] = self.cycles;
        write!(
            out,
            "the output FIFO is too small for this layer: `limits.fifo_results` is {}, and with {} it would take {without} \
             cycles in place of {with}",
            self.results, self.enough
        )
    }
}

/// Whether so many cycles are more than a hundredth above the others.
fn above(cycles: u64, others: u64) -> bool {
    u128::from(cycles) * 100 > u128::from(others) * 101
}

impl ProgrammableEngine {
    /// What the output FIFO costs a layer that is cut as it is told; `None` where that is a hundredth of its cycles or less.
    pub fn short_fifo(&self, tiling: &Tiling, frames: u64) -> Option<ShortFifo> {
        let cycles = tiling.cycles(frames);
        if !above(cycles, tiling.bound_cycles(frames)) {
            return None;
        }
        let with = |results: u64| {
            let mut engine = self.clone();
            engine.limits.fifo_results = results;
            // What fits an engine fits one with a larger FIFO.
            let tiling = engine.tiling(tiling.layer(), frames).ok()?;
            Some(tiling.cycles(frames))
        };
        let results = self.limits.fifo_results;
        let most = FIFO_RESULTS[1] as u64;
        let best = with(most)?;
        if !above(cycles, best) {
            return None;
        }
        let larger = (results.ilog2() + 1..=most.ilog2()).map(|log| 1 << log);
        let mut enough = larger.filter_map(|results| Some((results, with(results)?)));
        let (enough, without) = enough.find(|&(_, cycles)| !above(cycles, best))?;
        Some(ShortFifo {
            results,
            enough,
            cycles: [cycles, without],
        })
    }
}

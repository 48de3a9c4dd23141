//! An engine that is told its layer at run time: its file, its Verilog, its registers.
//!
//! As with layers there are two types: [`EngineFile`] holds what the user wrote, and
//! [`ProgrammableEngine`], which only [`EngineFile::validate`] makes, what was found valid.

mod error;
mod estimate;
mod file;
mod fit;
mod merge;
mod tiling;

pub use error::{EngineError, NoFit};
pub use estimate::Estimate;
pub use file::{EngineFile, Lanes, LimitsFile};
pub use merge::Merge;
pub use tiling::{Parts, Tile, Tiling};

use bpa_hdl::descriptor;
use bpa_hdl::hull::Hull;
use bpa_hdl::limits::Limits;
use bpa_hdl::output_stages::Stages;
use bpa_hdl::programmable::{programmable_engine, Programmable};
use bpa_hdl::target::Target;

use crate::layer::IntType;

/// A valid programmable engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammableEngine {
    name: String,
    simd: u32,
    pe: u32,
    grad_type: IntType,
    weight_type: IntType,
    limits: Limits,
}

impl ProgrammableEngine {
    /// The name of the Verilog module and of the files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the largest layer may be.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Words of the weight memory: of a power of two, the fewest that hold the largest set.
    pub fn weight_memory_words(&self) -> u64 {
        Hull::within(&self.limits).weight_memory_words()
    }

    /// Lanes and number formats. The accumulator holds any sum of as many products as there can be
    /// weights in memory.
    pub fn lanes(&self) -> descriptor::Lanes {
        let (grad_bits, weight_bits) = (self.grad_type.bits(), self.weight_type.bits());
        let terms = u128::from(self.limits.weight_words) * u128::from(self.simd);
        let largest = terms << (grad_bits + weight_bits - 2);
        descriptor::Lanes {
            simd: self.simd as usize,
            pe: self.pe as usize,
            depthwise: false,
            grad_bits: grad_bits as usize,
            weight_bits: weight_bits as usize,
            // The magnitude's bits and the sign.
            acc_bits: (u128::BITS - largest.leading_zeros()) as usize + 1,
            packed_multipliers: false,
            stages: Stages::default(),
        }
    }

    /// Bits of a value of grad_input on its stream.
    pub fn out_bits(&self) -> u32 {
        // Far below 2^32 bits, by the limits of validation.
        self.lanes().out_bits() as u32
    }

    /// The hardware, its registers, and how a layer is written into them.
    pub fn hardware(&self, target: Target) -> Programmable {
        programmable_engine(
            &self.name,
            &self.header(),
            &self.limits,
            &self.lanes(),
            target,
        )
    }

    /// States the engine and the version of this program; nothing that differs from run to run.
    fn header(&self) -> String {
        let mut text = format!(
            "{}: back propagation of activation (data gradient) of convolutions, told its layer at run time.\n\
             Made by bpa-engine {} for these limits:\n",
            self.name,
            env!("CARGO_PKG_VERSION"),
        );
        for line in self.to_file().to_toml().lines() {
            text.push_str("  ");
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// The largest of so many parts as even as they can be, for every number of parts; the whole first, 1 last.
fn even_parts(whole: u32) -> impl Iterator<Item = u32> {
    let mut next = Some(whole);
    std::iter::from_fn(move || {
        let part = next?;
        // The least number of parts that are all smaller.
        next = (part > 1).then(|| whole.div_ceil(whole.div_ceil(part - 1)));
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_even_as_they_can_be() {
        assert_eq!(even_parts(10).collect::<Vec<_>>(), [10, 5, 4, 3, 2, 1]);
        assert_eq!(even_parts(1).collect::<Vec<_>>(), [1]);
    }
}

//! An engine that is told its layer at run time: its file, its Verilog, its registers.
//!
//! As with layers there are two types: [`EngineFile`] holds what the user wrote, and
//! [`ProgrammableEngine`], which only [`EngineFile::validate`] makes, what was found valid.

mod cut;
mod error;
mod estimate;
mod fifo;
mod file;
mod fit;
mod merge;
mod rows;
mod tiling;
mod timeline;
mod used;

pub use error::{EngineError, NoFit};
pub use estimate::Estimate;
pub use fifo::ShortFifo;
pub(crate) use file::MOST_STRETCH_BEATS;
pub use file::{EngineFile, Lanes, LimitsFile};
pub use merge::Merge;
pub use rows::RowRun;
pub use tiling::{Parts, Tile, Tiling};
pub use used::UsedStages;

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor;
use bpa_hdl::config::limits::Limits;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::shell::job_table::TableShape;
use bpa_hdl::shell::programmable::{programmable_engine, Programmable};
use bpa_hdl::stages::{stage_cycles, Stages};

use crate::layer::{IntType, Requantise};

/// A valid programmable engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammableEngine {
    name: String,
    simd: u32,
    pe: u32,
    /// Lanes over pixels.
    pixels: u32,
    grad_type: IntType,
    weight_type: IntType,
    /// Whether data can have a zero point.
    zero_point: bool,
    stages: Stages,
    /// With the greatest shift of any job; the same as in `stages`.
    requantise: Option<Requantise>,
    limits: Limits,
    /// How large its jobs are.
    table: TableShape,
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
        Capacity::within(&self.limits).weight_memory_words()
    }

    /// Lanes and number formats. The accumulator holds any sum of as many products as there can be
    /// weights in memory.
    pub fn lanes(&self) -> descriptor::Lanes {
        let (grad_bits, weight_bits) = (self.grad_type.bits(), self.weight_type.bits());
        let terms = u128::from(self.limits.weight_words) * u128::from(self.simd);
        // Less a zero point, a value may be twice as large.
        let operand_bits = grad_bits + u32::from(self.zero_point);
        let largest = terms << (operand_bits + weight_bits - 2);
        // The magnitude's bits and the sign.
        let acc_bits = (u128::BITS - largest.leading_zeros()) as usize + 1;
        descriptor::Lanes {
            simd: self.simd as usize,
            pe: self.pe as usize,
            pixels: self.pixels as usize,
            depthwise: false,
            grad_bits: grad_bits as usize,
            zero_point: self.zero_point,
            weight_bits: weight_bits as usize,
            acc_bits,
            packed_multipliers: false,
            stages: Stages {
                // As wide as any sum.
                bias: self.stages.bias.map(|_| acc_bits),
                ..self.stages
            },
        }
    }

    /// Type of what moves, whatever the pass.
    pub fn grad_type(&self) -> IntType {
        self.grad_type
    }

    /// Type of what is stationary, whatever the pass.
    pub fn weight_type(&self) -> IntType {
        self.weight_type
    }

    /// What there is behind the accumulators; a bias has the bits that [`lanes`](Self::lanes) tells.
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// Whether data can have a zero point, which is subtracted ahead of the line buffer.
    pub fn has_zero_point(&self) -> bool {
        self.zero_point
    }

    /// Whether results can have a zero point, and bounds.
    pub fn has_activation(&self) -> bool {
        self.stages.requantise.is_some_and(|it| it.clamps)
    }

    /// Bits of a bias's place; `None` where the engine has none.
    pub fn bias_place(&self) -> Option<u32> {
        // Far below 2^32 bits, by the limits of validation.
        self.lanes().stages.bias.map(|bits| bits as u32)
    }

    /// How results become a narrow type, with the greatest shift of any job; `None` where they leave as they are.
    pub fn requantise(&self) -> Option<Requantise> {
        self.requantise
    }

    /// Refuses an engine whose results are not the sums themselves.
    pub(crate) fn check_gives_sums(&self) -> Result<(), EngineError> {
        match self.requantise {
            Some(Requantise { out_type, .. }) => Err(EngineError::Requantised { out_type }),
            None => Ok(()),
        }
    }

    /// Bits of a value's place on the accumulate stream, where the engine has it.
    pub fn accumulate_bits(&self) -> u32 {
        self.lanes().accumulate_bits() as u32
    }

    /// The greatest value that the accumulate stream carries; the least is one further from zero. A bit less than its
    /// place, so that its sum with a result fits the place.
    pub fn most_accumulate(&self) -> i64 {
        // At most 64 bits by validation, where there is the stream.
        i64::MAX >> 65_u32.saturating_sub(self.accumulate_bits())
    }

    /// Cycles that the stages add to each beat, used or not, in Verilog for any device.
    pub fn stage_cycles(&self) -> u64 {
        stage_cycles(
            &Capacity::within(&self.limits),
            &self.lanes(),
            Target::Generic,
        ) as u64
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
            "{}: passes of convolutions (data gradient, forward, weight gradient), told its layer at run time.\n\
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
pub(crate) fn even_parts(whole: u32) -> impl Iterator<Item = u32> {
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

    /// Timing jobs needs no hardware, but the numbers of their words.
    #[test]
    fn the_table_has_the_words_that_are_counted() {
        for text in [
            "[engine]\nmode = \"programmable\"\nsimd = 3\npe = 5",
            "[engine]\nmode = \"programmable\"\npe = 2\n[limits]\nkernel = 1\nline_words = 100",
            include_str!("../examples/engines/stages.toml"),
            include_str!("../examples/engines/network.toml"),
        ] {
            let engine = EngineFile::parse(text, "here").unwrap().validate().unwrap();
            let table = engine.hardware(Target::Generic).table;
            assert_eq!(&engine.table, table.shape(), "{text}");
        }
    }

    #[test]
    fn parts_are_as_even_as_they_can_be() {
        assert_eq!(even_parts(10).collect::<Vec<_>>(), [10, 5, 4, 3, 2, 1]);
        assert_eq!(even_parts(1).collect::<Vec<_>>(), [1]);
    }
}

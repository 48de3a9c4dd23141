//! What can be wrong with an engine file, and with a layer for its engine.

use bpa_hdl::shell::job_table::Beyond;

use crate::layer::{IntType, LayerError};
use crate::table_file::FileError;

/// Why an engine file makes no [`ProgrammableEngine`](super::ProgrammableEngine).
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A mistake that a layer file can have as well.
    #[error(transparent)]
    Common(#[from] LayerError),
    /// The file cannot be read, or is none of an engine.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another mode than the one that such a file is for.
    #[error("`engine.mode` is {text:?}: with limits it must be \"programmable\"")]
    Mode {
        /// What was written.
        text: String,
    },
    /// The FIFO's addresses count without a comparison.
    #[error("`limits.fifo_results` is {value}: it must be a power of two")]
    FifoResults {
        /// What it is.
        value: u32,
    },
    /// Another bus than there is.
    #[error("`engine.bus` is {text:?}: the one that there is is \"axi4\"; without the key, the engine has streams")]
    Bus {
        /// What was written.
        text: String,
    },
    /// Words of a size that no bus has.
    #[error("`engine.bus_bits` is {value}: it must be 32, 64, 128, 256 or 512")]
    BusBits {
        /// What it is.
        value: i64,
    },
    /// A size of words without a bus.
    #[error("`engine.bus_bits` is given, but there is no bus: set `engine.bus` to \"axi4\", or leave it out")]
    NoBus,
    /// Memory, where streams are needed.
    #[error("the engine has memory instead of streams (`engine.bus`), and here streams are needed: leave it out")]
    HasBus,
    /// Results are scaled, and nothing is said of the shift.
    #[error("`engine.shift` is missing: `engine.out_type` = {out_type:?} needs it, the greatest of any job")]
    NoShift {
        /// The type, as it was written.
        out_type: String,
    },
    /// Scales of channels that have none.
    #[error("`limits.scale_words` is given, but no channel has a scale or a bias: set `engine.scale_per` to \"channel\" or \
             `engine.bias` to true, or leave it out")]
    ScaleWords,
    /// No room for the bit that a difference has more than a value.
    #[error(
        "`engine.zero_point` is set, and values less a zero point have a bit more than `engine.grad_type`: {grad_type} \
         leaves none, int15 is the widest that does"
    )]
    ZeroPoint {
        /// The type of what moves.
        grad_type: IntType,
    },
    /// Rows that are put in order, where none are.
    #[error("`limits.stretch_beats` is given, but there is one lane over pixels: set `engine.pixels`, or leave it out")]
    StretchBeats,
    /// Lanes over pixels, which the masters of the bus do not know.
    #[error("`engine.pixels` is {pixels}: with `engine.bus` it must be 1; without a bus, the engine has streams")]
    PixelsOnBus {
        /// Lanes over pixels.
        pixels: u32,
    },
    /// Made narrow, where sums are wanted.
    #[error(
        "the engine makes its results {out_type} (`engine.out_type`), and here they are wanted as they are: \"accumulator\""
    )]
    Requantised {
        /// The type of its results.
        out_type: IntType,
    },
    /// Narrow results that are no data of the next layer of a network.
    #[error(
        "the engine makes its results {out_type} (`engine.out_type`), and the next layer takes {grad_type} \
         (`engine.grad_type`): they must be the same"
    )]
    NarrowTypes {
        /// The type of its results.
        out_type: IntType,
        /// That of its data.
        grad_type: IntType,
    },
    /// Too wide for what stands behind it.
    #[error(
        "`limits.weight_words`, `engine.simd` and the types make an accumulator of {bits} bits: with a stage behind it at \
         most {greatest} are possible"
    )]
    StagedBits {
        /// Bits of the accumulator.
        bits: usize,
        /// The most bits that are possible.
        greatest: u128,
    },
}

impl EngineError {
    /// The key that is wrong, or of several the one that is named first.
    pub fn key(&self) -> Option<String> {
        let key = match self {
            Self::Common(error) => return error.key(),
            Self::File(_) => return None,
            Self::Mode { .. } => "engine.mode",
            Self::FifoResults { .. } => "limits.fifo_results",
            Self::Bus { .. } | Self::HasBus => "engine.bus",
            Self::BusBits { .. } | Self::NoBus => "engine.bus_bits",
            Self::NoShift { .. } => "engine.shift",
            Self::ScaleWords => "limits.scale_words",
            Self::ZeroPoint { .. } => "engine.zero_point",
            Self::StretchBeats => "limits.stretch_beats",
            Self::PixelsOnBus { .. } => "engine.pixels",
            Self::Requantised { .. } | Self::NarrowTypes { .. } => "engine.out_type",
            Self::StagedBits { .. } => "limits.weight_words",
        };
        Some(key.to_owned())
    }
}

/// Why an engine cannot be told a layer.
#[derive(Debug, thiserror::Error)]
pub enum NoFit {
    /// The layer is none.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// A stage behind the accumulators that the engine has not.
    #[error("the layer asks for `{key}`, which the engine was built without: `engine.{of_engine}` in its file")]
    Stage {
        /// The key of the layer.
        key: &'static str,
        /// That of the engine.
        of_engine: &'static str,
    },
    /// More bits to shift out than the engine can, or fewer.
    #[error("the layer is to be shifted by {shift} bits, and the engine shifts by {least} to {most} (`engine.shift`)")]
    Shift {
        /// Bits that the layer is shifted by.
        shift: u32,
        /// The fewest bits that the engine shifts by.
        least: u32,
        /// The most bits.
        most: u32,
    },
    /// More than a limit of the engine.
    #[error("the layer needs {what} = {value}, and the engine has `limits.{key}` = {most}")]
    Limit {
        /// What there is too little of.
        what: String,
        /// The limit.
        key: &'static str,
        /// What the layer needs.
        value: u64,
        /// What the engine has.
        most: u64,
    },
    /// More than a limit of the engine, even in tiles of one block of channels.
    #[error(
        "the layer fits in no tiles: the smallest needs {what} = {value}, and the engine has `limits.{key}` = {most}; \
         {value} would do"
    )]
    Tile {
        /// What there is too little of.
        what: String,
        /// The limit.
        key: &'static str,
        /// What the smallest tile needs.
        value: u64,
        /// What the engine has.
        most: u64,
    },
    /// Limits that are far too small.
    #[error(
        "the layer needs {tiles} tiles, and at most {most} are possible: an engine with more `limits.weight_words` or \
         `limits.line_words` needs fewer"
    )]
    Tiles {
        /// Tiles that it needs.
        tiles: u64,
        /// The most that is possible.
        most: u64,
    },
    /// A bias that is larger than any sum of the engine's.
    #[error(
        "a bias is {value}: this engine takes those from {} to {most}; one with more `limits.weight_words` has wider sums",
        !most
    )]
    Bias {
        /// The bias.
        value: i64,
        /// The greatest that is taken; the least is one below its negative.
        most: i64,
    },
    /// More than a register holds, where no limit tells it beforehand.
    #[error("the engine holds no layer with {} = {}: at most {}", .0.what, .0.value, .0.most)]
    Register(Beyond),
}

impl NoFit {
    /// The key of the layer file that is wrong; `None` where the layer as a whole does not fit.
    pub fn key(&self) -> Option<String> {
        match self {
            Self::Layer(error) => error.key(),
            _ => None,
        }
    }

    /// The same, said of the smallest tile of a layer.
    pub(super) fn of_a_tile(self) -> Self {
        match self {
            Self::Limit {
                what,
                key,
                value,
                most,
            } => Self::Tile {
                what,
                key,
                value,
                most,
            },
            other => other,
        }
    }
}

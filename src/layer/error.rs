//! What can be wrong with a layer: each message says what, at which key, and what would be right. A message holds that
//! of its cause, so no cause is given apart.

use super::{Activation, IntType};
use crate::table_file::FileError;

/// Why a layer file, or the flags in its place, makes no [`Layer`](super::Layer).
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The file cannot be read, or is none of a layer.
    #[error(transparent)]
    File(#[from] FileError),
    /// A required key is given neither in the file nor as a flag.
    #[error("`layer.{key}` is missing: give it in the layer file, or as --{flag}")]
    Missing {
        /// The key.
        key: &'static str,
        /// The flag that gives it.
        flag: String,
    },
    /// A weight gradient of how many images nobody said.
    #[error(
        "`layer.batch` is missing: a weight gradient is summed over the images of a batch; give their number in the layer \
         file, or as --batch"
    )]
    NoBatch,
    /// No kind of layer.
    #[error("`layer.op` is {text:?}: it must be one of {words}")]
    Op {
        /// What was written.
        text: String,
        /// What it may be, for people.
        words: String,
    },
    /// A key of a transposed convolution alone.
    #[error(
        "`layer.output_padding` is given, but `layer.op` is not \"conv_transpose\": it is not needed, as `in_size` is the \
         size of grad_input, whichever of those that give the same grad_output"
    )]
    OutputPadding,
    /// A pass that a transposed convolution has not.
    #[error("`layer.pass` is {text:?}: with `layer.op` = \"conv_transpose\" it must be \"forward\", which is the default")]
    TransposedPass {
        /// What was written.
        text: String,
    },
    /// A key that a transposed convolution has not.
    #[error(
        "`layer.out_size` is given, but that of a transposed convolution follows from the other keys: use \
         `layer.output_padding`, or leave it out"
    )]
    TransposedOutSize,
    /// A transposed convolution with no output, or too large a one.
    #[error(
        "`layer.in_size` ({item}): kernel, stride, dilation, padding and output_padding give an output of {size}: it must be \
         from 1 to {greatest}"
    )]
    TransposedSize {
        /// Which axis or side of it.
        item: &'static str,
        /// Pixels of that output.
        size: i64,
        /// The most that it may be.
        greatest: i64,
    },
    /// Not a pass of a convolution.
    #[error("`layer.pass` is {text:?}: it must be one of {words}")]
    Pass {
        /// What was written.
        text: String,
        /// What it may be, for people.
        words: String,
    },
    /// A number outside its range.
    #[error("`{key}`{item} is {value}: it must be from {least} to {greatest}")]
    Range {
        /// The key.
        key: &'static str,
        /// Which axis or side of it, or nothing.
        item: String,
        /// What it is.
        value: i64,
        /// The least that it may be.
        least: i64,
        /// The most that it may be.
        greatest: i64,
    },
    /// The kernel, spread by the dilation, is longer than the padded input.
    #[error(
        "`layer.kernel` ({item}) does not fit: with its dilation it spans {span} pixels, but in_size plus padding is \
         {padded}; use a smaller kernel or dilation, or more padding"
    )]
    NoOutput {
        /// Which axis or side of it.
        item: &'static str,
        /// Pixels that the kernel spans.
        span: i64,
        /// Pixels of the input with its padding.
        padded: i64,
    },
    /// `out_size` asks for more outputs than the formula gives.
    #[error(
        "`layer.out_size` ({item}) is {value}: in_size, kernel, stride, dilation and padding give {formula}, so it \
         must be from 1 to {formula}"
    )]
    OutSize {
        /// Which axis or side of it.
        item: &'static str,
        /// What it is.
        value: i64,
        /// What the others give.
        formula: i64,
    },
    /// `groups` does not divide a number of channels.
    #[error("`layer.groups` is {groups}: it must divide `layer.{key}`, which is {channels}")]
    Groups {
        /// Groups.
        groups: u32,
        /// The key of the channels.
        key: &'static str,
        /// Channels.
        channels: u32,
    },
    /// More lanes than there are channels, or groups, for them.
    #[error("`engine.{key}` is {value}: it must be from 1 to {greatest} ({what})")]
    Lanes {
        /// The key.
        key: &'static str,
        /// What it is.
        value: i64,
        /// The most that it may be.
        greatest: u32,
        /// What there are so many of.
        what: &'static str,
    },
    /// A stream's beat would be wider than Verilog tools have to support.
    #[error(
        "`engine.simd` = {simd} and `engine.pe` = {pe} make {bits} bits a beat of the {stream} stream: at most \
         {greatest} are possible, so use fewer lanes"
    )]
    BeatWidth {
        /// SIMD lanes.
        simd: u32,
        /// PE lanes.
        pe: u32,
        /// Bits that it takes.
        bits: u64,
        /// The stream, by the start of its pins' names.
        stream: &'static str,
        /// The most bits of a beat.
        greatest: u64,
    },
    /// No two lanes that see the same gradient.
    #[error(
        "`engine.packed_multipliers` pairs lanes over C that share a gradient, and in a depthwise layer no lanes do: \
         make `engine.pixels` even, which pairs pixels, or leave packing out"
    )]
    PackedDepthwise,
    /// A lane without another beside it.
    #[error("`engine.packed_multipliers` pairs lanes, and `engine.pe` is {pe}: make it or `engine.pixels` even, or leave packing out")]
    PackedOdd {
        /// PE lanes.
        pe: u32,
    },
    /// Two products do not fit one multiplier.
    #[error(
        "`engine.packed_multipliers` has room for {greatest} bits, those of `engine.{moving_key}`{centred} and twice those of \
         `engine.{stationary_key}`: {moving_type} and {stationary_type} take {bits}; use narrower types, or leave packing out"
    )]
    PackedTypes {
        /// The key of the type of what moves.
        moving_key: &'static str,
        /// That type.
        moving_type: IntType,
        /// Of a zero point, or nothing.
        centred: &'static str,
        /// The key of the type of what is stationary.
        stationary_key: &'static str,
        /// That type.
        stationary_type: IntType,
        /// Bits that it takes.
        bits: u32,
        /// Bits that there is room for.
        greatest: u32,
    },
    /// Not a Verilog identifier.
    #[error(
        "`name` is {name:?}, which is no Verilog identifier: use a letter or underscore, then letters, digits and \
         underscores, {greatest} characters at most"
    )]
    Name {
        /// The name.
        name: String,
        /// The most characters of a name.
        greatest: usize,
    },
    /// A word that the language keeps for itself.
    #[error("`name` is {name:?}, a keyword of Verilog or SystemVerilog: use another, like \"{name}_engine\"")]
    Keyword {
        /// The name.
        name: String,
    },
    /// The name of a port or another net of an engine's module, which cannot be the module's.
    #[error("`name` is {name:?}, which engines have a port or net for: use another, like \"{name}_engine\"")]
    Net {
        /// The name.
        name: String,
    },
    /// Not a type that the engine computes with.
    #[error("`engine.{key}` is {text:?}: it must be one of \"int2\" to \"int16\"")]
    Type {
        /// The key.
        key: &'static str,
        /// What was written.
        text: String,
    },
    /// Not one of the words that a key may be.
    #[error("`engine.{key}` is {text:?}: it must be one of {words}")]
    Choice {
        /// The key.
        key: &'static str,
        /// What was written.
        text: String,
        /// What it may be, for people.
        words: String,
    },
    /// Not a type of what leaves the engine.
    #[error(
        "`engine.out_type` is {text:?}: it must be \"accumulator\", or one of \"int2\" to \"int16\""
    )]
    OutType {
        /// What was written.
        text: String,
    },
    /// `out_type` needs a key that is not there.
    #[error(
        "`engine.shift` is missing: `engine.out_type` = {out_type:?} needs it; give it in the layer file, or as --shift"
    )]
    NoShift {
        /// The type, as it was written.
        out_type: String,
    },
    /// A key that is for requantised results alone.
    #[error(
        "`engine.{key}` is given, but nothing is scaled: set `engine.out_type` to one of \"int2\" to \"int16\", or \
         leave `engine.{key}` out"
    )]
    NothingScaled {
        /// The key.
        key: &'static str,
    },
    /// No room for the bit that a difference has more than a value.
    #[error(
        "`engine.zero_point` is {zero_point}, and values less a zero point have a bit more than `engine.{key}`: {int_type} \
         leaves none, int15 is the widest that does"
    )]
    ZeroPointType {
        /// The zero point.
        zero_point: i64,
        /// The key.
        key: &'static str,
        /// The type of its values.
        int_type: IntType,
    },
    /// An activation without a bound that it needs.
    #[error(
        "`engine.{key}` is missing: `engine.activation` = \"{activation}\" needs it, the {what}; give it in the layer \
         file, or as --{flag}"
    )]
    NoBound {
        /// The key.
        key: &'static str,
        /// The flag that gives it.
        flag: &'static str,
        /// The activation.
        activation: Activation,
        /// What it is to the activation.
        what: &'static str,
    },
    /// A bound that the activation does not take, or without one.
    #[error("`engine.{key}` is {value}, but {reason}: set `engine.activation` to {instead}, or leave `engine.{key}` out")]
    UselessBound {
        /// The key.
        key: &'static str,
        /// What it is.
        value: i64,
        /// Why it is of no use.
        reason: String,
        /// An activation that takes it.
        instead: &'static str,
    },
    /// Bounds with nothing between them.
    #[error(
        "`engine.out_max` is {greatest}: it must not be less than `engine.{key}`, which is {least}, or no value is left"
    )]
    Bounds {
        /// The key of the other bound.
        key: &'static str,
        /// That bound.
        least: i32,
        /// What `out_max` is.
        greatest: i32,
    },
    /// A product of sizes that no memory or counter of an engine should have to hold.
    #[error(
        "the layer is too large: {what} would be {value}, and at most {greatest} are possible"
    )]
    TooLarge {
        /// What there would be too much of.
        what: String,
        /// How much.
        value: u128,
        /// How much is possible.
        greatest: u128,
    },
}

impl LayerError {
    /// The key that is wrong, or of several the one that is named first; `None` where it is the layer as a whole.
    pub fn key(&self) -> Option<String> {
        let (table, key) = match self {
            Self::File(_) | Self::TooLarge { .. } => return None,
            Self::Range { key, .. } => return Some((*key).to_owned()),
            Self::Name { .. } | Self::Keyword { .. } | Self::Net { .. } => {
                return Some("name".to_owned())
            }
            Self::Missing { key, .. } => ("layer", *key),
            Self::NoBatch => ("layer", "batch"),
            Self::Op { .. } => ("layer", "op"),
            Self::OutputPadding => ("layer", "output_padding"),
            Self::Pass { .. } | Self::TransposedPass { .. } => ("layer", "pass"),
            Self::TransposedOutSize => ("layer", "out_size"),
            Self::TransposedSize { .. } => ("layer", "in_size"),
            Self::NoOutput { .. } => ("layer", "kernel"),
            Self::OutSize { .. } => ("layer", "out_size"),
            Self::Groups { .. } => ("layer", "groups"),
            Self::Lanes { key, .. }
            | Self::Type { key, .. }
            | Self::Choice { key, .. }
            | Self::NothingScaled { key } => ("engine", *key),
            Self::BeatWidth { .. } => ("engine", "simd"),
            Self::PackedDepthwise | Self::PackedOdd { .. } | Self::PackedTypes { .. } => {
                ("engine", "packed_multipliers")
            }
            Self::OutType { .. } => ("engine", "out_type"),
            Self::NoShift { .. } => ("engine", "shift"),
            Self::ZeroPointType { .. } => ("engine", "zero_point"),
            Self::NoBound { key, .. } | Self::UselessBound { key, .. } => ("engine", *key),
            Self::Bounds { .. } => ("engine", "out_max"),
        };
        Some(format!("{table}.{key}"))
    }
}

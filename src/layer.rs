//! A convolution layer and the engine asked for it.
//!
//! Two types, so that nothing downstream meets an invalid layer: [`LayerFile`] holds what the user wrote, in a file
//! or as flags ([`LayerArgs`]); [`Layer`] is made from it by [`LayerFile::validate`] alone and keeps its fields
//! to itself.
//!
//! The letters in the comments are those of the operation: the forward convolution reads N x C x H x W and writes
//! N x K x P x Q with a kernel of R x S; the engine consumes the gradient of the latter and produces the gradient of
//! the former.

mod args;
mod error;
pub(crate) mod file;
mod int_type;
mod keywords;
mod output;
pub(crate) mod validate;

pub use args::LayerArgs;
pub use error::LayerError;
use file::ACCUMULATOR;
pub use file::{Engine, Geometry, LayerFile, PerAxis, PerItem, PerSide};
pub use int_type::{IntType, IntTypeError};
pub use output::{Requantise, Rounding, ScalePer};

/// One axis of a valid layer: rows (H, P, R, top, bottom) or columns (W, Q, S, left, right).
///
/// Output `p` of the forward convolution and tap `r` meet at input `p * stride - pad_before + r * dilation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// H or W: pixels of the forward input, and of the gradient that the engine produces.
    pub in_size: u32,
    /// P or Q: pixels of the forward output, and of the gradient that the engine consumes.
    pub out_size: u32,
    /// R or S: taps of the kernel.
    pub kernel: u32,
    /// Input pixels from one output pixel to the next.
    pub stride: u32,
    /// Input pixels from one tap to the next.
    pub dilation: u32,
    /// Zeros before the first input pixel: top or left.
    pub pad_before: u32,
    /// Zeros after the last input pixel: bottom or right.
    pub pad_after: u32,
}

/// A valid layer and its engine. Only [`LayerFile::validate`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    name: String,
    rows: Axis,
    cols: Axis,
    in_channels: u32,
    out_channels: u32,
    groups: u32,
    simd: u32,
    pe: u32,
    grad_type: IntType,
    weight_type: IntType,
    weight_sets: u32,
    packed_multipliers: bool,
    accumulate: bool,
    mask: bool,
    requantise: Option<Requantise>,
    lane_use: LaneUse,
}

/// Whose the lanes are that a layer is laid out on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneUse {
    /// The layer's own: there are no more of them than it has channels for.
    Own,
    /// An engine's that other layers use as well. Some may stand idle, and a depthwise layer is one
    /// with narrow groups.
    Shared,
}

impl Layer {
    /// The name of the Verilog module and of the files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The row axis: H, P, R.
    pub fn rows(&self) -> Axis {
        self.rows
    }

    /// The column axis: W, Q, S.
    pub fn cols(&self) -> Axis {
        self.cols
    }

    /// C: channels of the gradient that the engine produces.
    pub fn in_channels(&self) -> u32 {
        self.in_channels
    }

    /// K: channels of the gradient that the engine consumes.
    pub fn out_channels(&self) -> u32 {
        self.out_channels
    }

    /// Groups; channels meet only within their own.
    pub fn groups(&self) -> u32 {
        self.groups
    }

    /// C/groups.
    pub fn in_per_group(&self) -> u32 {
        self.in_channels / self.groups
    }

    /// K/groups; for a depthwise layer the channel multiplier.
    pub fn out_per_group(&self) -> u32 {
        self.out_channels / self.groups
    }

    /// More than one group, each with a single channel of C, on lanes of its own. The PE lanes then
    /// run over groups.
    pub fn is_depthwise(&self) -> bool {
        self.lane_use == LaneUse::Own && self.groups > 1 && self.in_per_group() == 1
    }

    /// Lanes over K within a group.
    pub fn simd(&self) -> u32 {
        self.simd
    }

    /// Lanes over C within a group; for a depthwise layer, lanes over groups.
    pub fn pe(&self) -> u32 {
        self.pe
    }

    /// Type of the consumed gradient's values.
    pub fn grad_type(&self) -> IntType {
        self.grad_type
    }

    /// Type of the weights.
    pub fn weight_type(&self) -> IntType {
        self.weight_type
    }

    /// Whether the weight memory holds two sets, one in use and one being loaded.
    pub fn two_weight_sets(&self) -> bool {
        self.weight_sets == 2
    }

    /// Whether each multiplier makes the products of one gradient with the weights of two lanes over C.
    pub fn packed_multipliers(&self) -> bool {
        self.packed_multipliers
    }

    /// Whether a stream of values is added to the results.
    pub fn accumulate(&self) -> bool {
        self.accumulate
    }

    /// Whether a stream of bits says which results are kept; the others become zero.
    pub fn mask(&self) -> bool {
        self.mask
    }

    /// How results become a narrow type; `None` where they leave as they are.
    pub fn requantise(&self) -> Option<Requantise> {
        self.requantise
    }

    /// kb: blocks of `simd` channels that hold the K/groups channels of a group.
    pub fn k_blocks(&self) -> u32 {
        self.out_per_group().div_ceil(self.simd)
    }

    /// cb: blocks of `pe` channels that hold the C/groups channels of a group; 1 for a depthwise layer.
    pub fn c_blocks(&self) -> u32 {
        if self.is_depthwise() {
            1
        } else {
            self.in_per_group().div_ceil(self.pe)
        }
    }

    /// The groups that the engine goes through one by one; for a depthwise layer, blocks of `pe` groups.
    pub fn group_blocks(&self) -> u32 {
        if self.is_depthwise() {
            self.groups.div_ceil(self.pe)
        } else {
            self.groups
        }
    }

    /// Beats of the consumed stream for one pixel, which are also the line buffer's words for one pixel.
    pub fn dy_words_per_pixel(&self) -> u32 {
        self.group_blocks() * self.k_blocks()
    }

    /// Beats of the produced stream for one pixel.
    pub fn out_beats_per_pixel(&self) -> u32 {
        self.group_blocks() * self.c_blocks()
    }

    /// Words of the weight memory for a set, which are also its beats of weights; beats of scales may follow.
    pub fn weight_words(&self) -> u64 {
        let blocks = u64::from(self.group_blocks() * self.c_blocks()) * u64::from(self.k_blocks());
        blocks * u64::from(self.rows.kernel) * u64::from(self.cols.kernel)
    }

    /// Beats of scales at the end of a set of weights.
    pub fn scale_words(&self) -> u64 {
        match self.requantise.map(|requantise| requantise.scale_per) {
            None => 0,
            Some(ScalePer::Tensor) => 1,
            Some(ScalePer::Channel) => self.out_beats_per_pixel().into(),
        }
    }

    /// Multiplications in one cycle, `simd * pe`.
    pub fn multipliers(&self) -> u64 {
        u64::from(self.simd) * u64::from(self.pe)
    }

    /// Bits in two's complement of the largest sum that a value of grad_input can be, were every tap to reach its pixel.
    pub fn sum_bits(&self) -> u32 {
        let terms = u128::from(self.rows.kernel)
            * u128::from(self.cols.kernel)
            * u128::from(self.out_per_group());
        let product_bits = self.grad_type.bits() + self.weight_type.bits() - 2;
        let largest = terms << product_bits;
        // The magnitude's bits and the sign.
        u128::BITS - largest.leading_zeros() + 1
    }

    /// The layer as a file that states every key, `out_size` included; of the switches, those that are on.
    pub fn to_file(&self) -> LayerFile {
        let pair =
            |pick: fn(&Axis) -> u32| PerItem([pick(&self.rows).into(), pick(&self.cols).into()]);
        LayerFile {
            name: self.name.clone(),
            layer: Geometry {
                in_channels: Some(self.in_channels.into()),
                out_channels: Some(self.out_channels.into()),
                in_size: Some(pair(|axis| axis.in_size)),
                kernel: Some(pair(|axis| axis.kernel)),
                stride: pair(|axis| axis.stride),
                dilation: pair(|axis| axis.dilation),
                padding: PerItem([
                    self.rows.pad_before.into(),
                    self.rows.pad_after.into(),
                    self.cols.pad_before.into(),
                    self.cols.pad_after.into(),
                ]),
                groups: self.groups.into(),
                out_size: Some(pair(|axis| axis.out_size)),
            },
            engine: Engine {
                simd: self.simd.into(),
                pe: self.pe.into(),
                grad_type: self.grad_type.to_string(),
                weight_type: self.weight_type.to_string(),
                weight_sets: self.weight_sets.into(),
                packed_multipliers: self.packed_multipliers,
                accumulate: self.accumulate,
                mask: self.mask,
                out_type: match self.requantise {
                    None => ACCUMULATOR.to_owned(),
                    Some(requantise) => requantise.out_type.to_string(),
                },
                scale_per: self.requantise.map(|it| it.scale_per.to_string()),
                scale_bits: self.requantise.map(|it| it.scale_type.bits().into()),
                shift: self.requantise.map(|it| it.shift.into()),
                rounding: self.requantise.map(|it| it.rounding.to_string()),
            },
        }
    }
}

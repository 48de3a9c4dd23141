//! A convolution layer and the engine asked for it.
//!
//! Two types, so that nothing downstream meets an invalid layer: [`LayerFile`] holds what the user wrote, in a file
//! or as flags ([`LayerArgs`]); [`Layer`] is made from it by [`LayerFile::validate`] alone and keeps its fields
//! to itself.
//!
//! The letters in the comments are those of the convolution: forward it reads N x C x H x W and writes N x K x P x Q with
//! a kernel of R x S. Which of its three passes the engine computes is its [`Pass`]; what that means for the hardware is
//! its [`Operation`].

mod args;
mod error;
pub(crate) mod file;
mod int_type;
mod keywords;
mod levels;
mod output;
mod pass;
mod roles;
mod transpose;
pub(crate) mod validate;

pub use args::LayerArgs;
pub use error::LayerError;
use file::ACCUMULATOR;
pub use file::{Engine, Geometry, LayerFile, PerAxis, PerItem, PerSide};
pub use int_type::{IntType, IntTypeError};
pub use output::{Activation, Requantise, Rounding, ScalePer};
pub use pass::Pass;
pub use transpose::Op;

use crate::operation::Operation;

/// One axis of a valid layer: rows (H, P, R, top, bottom) or columns (W, Q, S, left, right).
///
/// Output `p` of the forward convolution and tap `r` meet at input `p * stride - pad_before + r * dilation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    /// H or W: pixels of the input, and of its gradient.
    pub in_size: u32,
    /// P or Q: pixels of the output, and of its gradient.
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
    op: Op,
    pass: Pass,
    rows: Axis,
    cols: Axis,
    in_channels: u32,
    out_channels: u32,
    groups: u32,
    batch: Option<u32>,
    operation: Operation,
    input_type: IntType,
    grad_type: IntType,
    weight_type: IntType,
    weight_sets: u32,
    zero_point: i32,
    packed_multipliers: bool,
    bias: bool,
    /// [`Layer::bias_place`]
    bias_place: Option<u32>,
    accumulate: bool,
    mask: bool,
    requantise: Option<Requantise>,
}

/// Whose the lanes are that a layer is laid out on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneUse {
    /// The layer's own: there are no more of them than it has channels for.
    Own,
    /// An engine's that other layers use as well. Some may stand idle, and depthwise groups are narrow
    /// ones.
    Shared,
}

impl LaneUse {
    /// Whether an operation of such groups runs its PE lanes over them.
    fn is_depthwise(self, groups: u32, result_per_group: u32) -> bool {
        self == LaneUse::Own && groups > 1 && result_per_group == 1
    }
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

    /// What the user's layer is; of a transposed convolution, this is the convolution whose data gradient it is.
    pub fn op(&self) -> Op {
        self.op
    }

    /// Which of the convolution's passes the engine computes.
    pub fn pass(&self) -> Pass {
        self.pass
    }

    /// What the hardware does for it.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// C: channels of the input, and of its gradient.
    pub fn in_channels(&self) -> u32 {
        self.in_channels
    }

    /// K: channels of the output, and of its gradient.
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

    /// N: images of a batch, where the layer says; it does for a weight gradient, which is summed over them.
    pub fn batch(&self) -> Option<u32> {
        self.batch
    }

    /// Lanes over the channels that are added up, within a group.
    pub fn simd(&self) -> u32 {
        self.operation.simd
    }

    /// Lanes over the result's channels within a group; if depthwise, over groups.
    pub fn pe(&self) -> u32 {
        self.operation.pe
    }

    /// Type of the input's values; no array of the data gradient has it.
    pub fn input_type(&self) -> IntType {
        self.input_type
    }

    /// Type of grad_output's values; no array of the forward pass has it.
    pub fn grad_type(&self) -> IntType {
        self.grad_type
    }

    /// Type of the weights; no array of the weight gradient has it.
    pub fn weight_type(&self) -> IntType {
        self.weight_type
    }

    /// Type of what moves through the line buffer.
    pub fn moving_type(&self) -> IntType {
        match self.pass {
            Pass::GradInput => self.grad_type,
            Pass::Forward | Pass::GradWeight => self.input_type,
        }
    }

    /// What is subtracted from each value that moves, as it enters the engine; padding counts as it.
    pub fn zero_point(&self) -> i32 {
        self.zero_point
    }

    /// Type of what moves when its zero point is subtracted.
    pub fn centred_type(&self) -> IntType {
        let own = self.moving_type();
        match self.zero_point {
            0 => own,
            _ => own.wider().unwrap_or(own),
        }
    }

    /// The greatest magnitude of a value that moves, its zero point subtracted.
    pub fn largest_operand(&self) -> u32 {
        let (own, point) = (self.moving_type(), self.zero_point);
        (own.min() - point)
            .unsigned_abs()
            .max((own.max() - point).unsigned_abs())
    }

    /// Type of what stays in the weight memory.
    pub fn stationary_type(&self) -> IntType {
        match self.pass {
            Pass::GradInput | Pass::Forward => self.weight_type,
            Pass::GradWeight => self.grad_type,
        }
    }

    /// Whether the weight memory holds two sets, one in use and one being loaded.
    pub fn two_weight_sets(&self) -> bool {
        self.weight_sets == 2
    }

    /// Whether each multiplier makes the products of one gradient with the weights of two lanes over C.
    pub fn packed_multipliers(&self) -> bool {
        self.packed_multipliers
    }

    /// Whether each channel of the result has a bias.
    pub fn bias(&self) -> bool {
        self.bias
    }

    /// Bits of a bias, signed: those of any sum.
    pub fn bias_bits(&self) -> Option<u32> {
        self.bias.then(|| self.sum_bits())
    }

    /// Bits of a bias's place in the beats behind a stationary set; `None` where there is none. In an engine of its own the
    /// layer's [`bias_bits`](Self::bias_bits). An engine for many layers may have places where this one has no biases.
    pub fn bias_place(&self) -> Option<u32> {
        self.bias_place
    }

    /// The same on an engine whose biases have places of so many bits.
    pub(crate) fn on_bias_place(self, bias_place: Option<u32>) -> Self {
        Layer { bias_place, ..self }
    }

    /// Whether anything stands behind the accumulators.
    pub fn has_stages(&self) -> bool {
        self.bias || self.accumulate || self.mask || self.requantise.is_some()
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

    /// Beats of scales and biases at the end of a set of weights.
    pub fn scale_words(&self) -> u64 {
        let scale_per = self.requantise.map(|requantise| requantise.scale_per);
        match (self.bias_place, scale_per) {
            (Some(_), _) | (_, Some(ScalePer::Channel)) => {
                self.operation.result_beats_per_pixel().into()
            }
            (None, Some(ScalePer::Tensor)) => 1,
            (None, None) => 0,
        }
    }

    /// Lanes over pixels: neighbouring columns of a beat, which share every weight.
    pub fn pixels(&self) -> u32 {
        self.operation.pixels
    }

    /// Multiplications in one cycle, `simd * pe * pixels`.
    pub fn multipliers(&self) -> u64 {
        u64::from(self.simd()) * u64::from(self.pe()) * u64::from(self.pixels())
    }

    /// Bits in two's complement of the largest sum that a value of the result can be, were every tap to reach its pixel.
    pub fn sum_bits(&self) -> u32 {
        let operand = u128::from(self.largest_operand());
        let largest = (self.operation.terms() * operand) << (self.stationary_type().bits() - 1);
        // The magnitude's bits and the sign.
        u128::BITS - largest.leading_zeros() + 1
    }

    /// The layer as a file that states every key, `out_size` included; of the switches, those that are on. A transposed
    /// convolution is told as the convolution whose data gradient it is.
    pub fn to_file(&self) -> LayerFile {
        let pair =
            |pick: fn(&Axis) -> u32| PerItem([pick(&self.rows).into(), pick(&self.cols).into()]);
        let activation = self.requantise.and_then(|it| it.activation);
        let bounds = activation.zip(self.requantise.map(|it| it.bounds));
        let [out_min, out_max] = bounds.map_or([None; 2], |(it, bounds)| it.told(bounds));
        LayerFile {
            name: self.name.clone(),
            layer: Geometry {
                op: None,
                pass: match self.pass {
                    Pass::GradInput => None,
                    Pass::Forward | Pass::GradWeight => Some(self.pass.to_string()),
                },
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
                batch: self.batch.map(i64::from),
                out_size: Some(pair(|axis| axis.out_size)),
                output_padding: None,
            },
            engine: Engine {
                simd: self.simd().into(),
                pe: self.pe().into(),
                pixels: self.pixels().into(),
                input_type: match self.pass {
                    Pass::GradInput => None,
                    Pass::Forward | Pass::GradWeight => Some(self.input_type.to_string()),
                },
                grad_type: self.grad_type.to_string(),
                weight_type: self.weight_type.to_string(),
                weight_sets: self.weight_sets.into(),
                zero_point: self.zero_point.into(),
                packed_multipliers: self.packed_multipliers,
                bias: self.bias,
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
                out_zero_point: self
                    .requantise
                    .map(|it| it.zero_point.into())
                    .filter(|&point| point != 0),
                activation: activation.map(|it| it.to_string()),
                out_min,
                out_max,
            },
        }
    }
}

//! Which stages an engine has behind its accumulators, and what that makes of widths and cycles.

use super::clamp::CLAMP_CYCLES;
use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::primitives::multiplier::MULTIPLY_CYCLES;
use crate::primitives::target::Target;
use crate::rtl::bits_for;

/// The stages of an engine; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// Bits of a bias, signed: one for each channel is added to the results. None is without.
    pub bias: Option<usize>,
    /// A stream of values is added to the results.
    pub accumulate: bool,
    /// A stream of bits says which results are kept.
    pub mask: bool,
    /// Results are scaled to a narrow type.
    pub requantise: Option<Requantise>,
}

/// How results become a narrow type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantise {
    /// Bits of a value that leaves.
    pub out_bits: usize,
    /// Bits of a scale, signed.
    pub scale_bits: usize,
    /// A scale for each channel, or one for all.
    pub per_channel: bool,
    /// Bits shifted out behind the multiplication; the most of any layer, where these differ.
    pub shift: usize,
    /// What becomes of the bits shifted out.
    pub rounding: Rounding,
    /// Whether a zero point is added to the rounded values, which are then kept between bounds.
    pub clamps: bool,
}

/// What becomes of a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest integer, from the middle to the even one.
    NearestEven,
    /// To the next integer below.
    Floor,
    /// Up with the fraction as the probability, else down.
    Stochastic,
}

/// Cycles of the saturation: its comparison and its choice.
pub const SATURATE_CYCLES: usize = 2;
/// From a value written to the queue behind the stages to the stream.
const QUEUE_CYCLES: usize = 3;
/// From a place given back to the start that it allows.
const CREDIT_CYCLES: usize = 3;

impl Stages {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        self.bias.is_some() || self.accumulate || self.mask || self.requantise.is_some()
    }

    /// Streams beside the results.
    pub fn streams(&self) -> usize {
        usize::from(self.accumulate) + usize::from(self.mask)
    }

    /// Whether each channel of the result has a bias or a scale of its own.
    pub fn for_channels(&self) -> bool {
        self.bias.is_some() || self.requantise.is_some_and(|it| it.per_channel)
    }

    /// Beats of scales and biases at the end of a set of weights.
    pub fn scale_words(&self, capacity: &Capacity) -> u64 {
        match self.for_channels() {
            true => capacity.scale_words,
            false => self.requantise.is_some().into(),
        }
    }
}

/// Levels of the shift to the left that a cycle has time for.
pub(super) const ALIGN_LEVELS_A_CYCLE: usize = 2;

/// Levels that shift by up to `most`.
pub(super) fn align_levels(most: usize) -> usize {
    bits_for(most as u64)
}

impl Requantise {
    /// Whether products are shifted left, because layers differ in their shifts.
    pub(super) fn aligns(&self, capacity: &Capacity) -> bool {
        capacity.stages_vary && self.shift > 0
    }

    /// Whether the fraction takes an adder to round.
    pub(super) fn adds(&self) -> bool {
        self.shift > 0 && self.rounding != Rounding::Floor
    }

    /// Bits of the saturated value: where a zero point follows, one more than leave, which hold every value that is not
    /// beyond the type with any zero point.
    pub(super) fn saturated_bits(&self) -> usize {
        self.out_bits + usize::from(self.clamps)
    }

    /// Whether the fraction is rounded by a draw.
    pub fn draws(&self) -> bool {
        self.shift > 0 && self.rounding == Rounding::Stochastic
    }
}

/// Bits of a wide value that one multiplier takes beside the sign.
pub(super) fn chunk_bits(target: Target) -> usize {
    match target {
        // 16 x 16; all others are 18 x 18 at least.
        Target::Ice40 => 15,
        _ => 17,
    }
}

/// Multipliers that a value of so many bits takes.
pub(super) fn chunks(value_bits: usize, target: Target) -> usize {
    (value_bits - 1).div_ceil(chunk_bits(target)).max(1)
}

impl Lanes {
    /// Bits of a value of the accumulate stream's place on it, which is as wide as a result before
    /// it is requantised. The value has a bit less, so that its sum with a result fits the place.
    pub fn accumulate_bits(&self) -> usize {
        (self.biased_bits() + 1).next_multiple_of(8)
    }

    /// Bits of a result with its bias, where it has one.
    pub fn biased_bits(&self) -> usize {
        match self.stages.bias {
            Some(bias_bits) => self.acc_bits.max(bias_bits) + 1,
            None => self.acc_bits,
        }
    }

    /// Bits of a result before it is requantised.
    pub fn sum_bits(&self) -> usize {
        match self.stages.accumulate {
            true => self.accumulate_bits(),
            false => self.biased_bits(),
        }
    }

    /// Bits of a value behind all stages.
    pub fn result_bits(&self) -> usize {
        match self.stages.requantise {
            Some(requantise) => requantise.out_bits,
            None => self.sum_bits(),
        }
    }

    /// Bits of a beat of scales and biases that carry values, the biases in the low ones; zero where there are none.
    pub fn scale_word_bits(&self) -> usize {
        let scales = match self.stages.requantise {
            Some(requantise) if requantise.per_channel => self.pe * requantise.scale_bits,
            Some(requantise) => requantise.scale_bits,
            None => 0,
        };
        self.bias_word_bits() + scales
    }

    /// Bits of the biases in such a beat.
    pub fn bias_word_bits(&self) -> usize {
        self.pe * self.stages.bias.unwrap_or(0)
    }
}

/// Where in the pipeline each stage stands, in cycles behind the start of a beat.
pub struct Positions {
    /// Of the bias's sum.
    pub bias: usize,
    /// Of the mask's register.
    pub mask: usize,
    /// Of the multipliers' operands.
    pub scale: usize,
    /// Of the rounding.
    pub round: usize,
    /// Of the finished value.
    pub end: usize,
}

impl Positions {
    /// The positions for an engine with these lanes.
    pub fn new(capacity: &Capacity, lanes: &Lanes, target: Target) -> Self {
        let stages = &lanes.stages;
        let fetch = usize::from(fetches(capacity, stages));
        let accumulated = usize::from(stages.accumulate);
        // A value from outside is added first: the sum is the same, and meanwhile the bias is fetched.
        let bias = match stages.bias {
            Some(_) => accumulated.max(fetch),
            None => accumulated,
        };
        let mask = bias + usize::from(stages.bias.is_some());
        let mut scale = mask + usize::from(stages.mask);
        let (mut round, mut end) = (scale, scale);
        if let Some(requantise) = &stages.requantise {
            // Where scales are fetched, the value waits a cycle.
            scale = scale.max(fetch);
            round = scale + MULTIPLY_CYCLES + chunks(lanes.sum_bits(), target) - 1;
            if requantise.aligns(capacity) {
                round += align_levels(requantise.shift).div_ceil(ALIGN_LEVELS_A_CYCLE);
            }
            end = round + usize::from(requantise.adds()) + SATURATE_CYCLES;
            if requantise.clamps {
                end += CLAMP_CYCLES;
            }
        }
        Positions {
            bias,
            mask,
            scale,
            round,
            end,
        }
    }

    /// Places in the queue behind the stages, a power of two: with these a beat a cycle passes.
    pub fn queue_places(&self) -> u64 {
        ((self.end + CREDIT_CYCLES) as u64)
            .next_power_of_two()
            .max(16)
    }
}

/// Whether scale and biases of a beat have to be fetched: there are several at once.
pub(super) fn fetches(capacity: &Capacity, stages: &Stages) -> bool {
    stages.scale_words(capacity) * capacity.weight_sets() > 1
}

/// Cycles that the stages add between a result and the stream; zero without stages.
pub fn stage_cycles(capacity: &Capacity, lanes: &Lanes, target: Target) -> usize {
    match lanes.stages.any() {
        true => Positions::new(capacity, lanes, target).end + QUEUE_CYCLES,
        false => 0,
    }
}

/// Beats that the stages hold at the most, and with them frames.
pub fn stage_beats(capacity: &Capacity, lanes: &Lanes, target: Target) -> u64 {
    match lanes.stages.any() {
        // Those in the pipeline have a place in the queue; two more are in its registers.
        true => Positions::new(capacity, lanes, target).queue_places() + 2,
        false => 0,
    }
}

/// Bits that count the frames of which scales may still be needed: each has a beat somewhere.
pub(super) fn frames_bits(capacity: &Capacity, lanes: &Lanes, target: Target) -> usize {
    bits_for(capacity.frames_inside + stage_beats(capacity, lanes, target))
}

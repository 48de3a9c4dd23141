//! What becomes of the results on their way out: the options behind the accumulators.

use std::fmt;

use bpa_hdl::config::descriptor::Levels;
use bpa_hdl::stages;

use super::IntType;

/// How results become a narrow type: multiplied by a scale, shifted right, rounded, saturated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Requantise {
    /// Type of what leaves.
    pub out_type: IntType,
    /// Type of a scale.
    pub scale_type: IntType,
    /// Which results share a scale.
    pub scale_per: ScalePer,
    /// Bits shifted out.
    pub shift: u32,
    /// What becomes of them.
    pub rounding: Rounding,
    /// What is added to the rounded value: the value of `out_type` that stands for zero.
    pub zero_point: i32,
    /// What keeps the results between two values.
    pub activation: Option<Activation>,
    /// The least of `out_type`'s values that leaves, and the greatest: the type's own without an activation.
    pub bounds: [i32; 2],
}

impl Requantise {
    /// Whether there is anything behind the rounding but the range of the type.
    pub(crate) fn clamps(&self) -> bool {
        self.zero_point != 0 || self.activation.is_some()
    }

    /// Zero point and bounds, as the hardware is told them.
    pub(crate) fn levels(&self) -> Levels {
        let [least, greatest] = self.bounds.map(i64::from);
        Levels {
            zero_point: self.zero_point.into(),
            least,
            greatest,
        }
    }

    /// The least shift that there can be: a draw has a bit at least.
    pub(crate) fn least_shift(&self) -> u32 {
        u32::from(self.rounding == Rounding::Stochastic)
    }

    /// The same as the hardware takes it.
    pub(crate) fn hardware(&self) -> stages::Requantise {
        stages::Requantise {
            out_bits: self.out_type.bits() as usize,
            scale_bits: self.scale_type.bits() as usize,
            per_channel: self.scale_per == ScalePer::Channel,
            shift: self.shift as usize,
            rounding: match self.rounding {
                Rounding::NearestEven => stages::Rounding::NearestEven,
                Rounding::Floor => stages::Rounding::Floor,
                Rounding::Stochastic => stages::Rounding::Stochastic,
            },
            clamps: self.clamps(),
        }
    }
}

/// A set of words of the layer file, each with its meaning.
pub(super) trait Choice: Copy + 'static {
    const ALL: &'static [(&'static str, Self)];

    fn parse(text: &str) -> Option<Self> {
        let named = Self::ALL.iter().find(|(name, _)| *name == text);
        named.map(|(_, choice)| *choice)
    }

    /// The words, as a message gives them.
    fn words() -> String {
        let quoted: Vec<String> = Self::ALL
            .iter()
            .map(|(name, _)| format!("{name:?}"))
            .collect();
        quoted.join(", ")
    }
}

/// What becomes of a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// The nearest integer; of two, the even one.
    NearestEven,
    /// The greatest integer that is not above.
    Floor,
    /// One of the two integers around it, each with a probability such that the mean is exact.
    Stochastic,
}

impl Choice for Rounding {
    const ALL: &'static [(&'static str, Self)] = &[
        ("nearest_even", Rounding::NearestEven),
        ("floor", Rounding::Floor),
        ("stochastic", Rounding::Stochastic),
    ];
}

impl fmt::Display for Rounding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(*self, out)
    }
}

/// What keeps the results between two values of their type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing below zero, which is the zero point.
    Relu,
    /// Nothing below zero and nothing above 6; which value stands for that, the scale of the results decides.
    Relu6,
    /// Nothing outside of two values.
    Clamp,
}

impl Activation {
    /// Of the least and the greatest result those that a file has to say: the other ones follow from the zero point and the
    /// type.
    pub(crate) fn told(self, [least, greatest]: [i32; 2]) -> [Option<i64>; 2] {
        match self {
            Activation::Relu => [None, None],
            Activation::Relu6 => [None, Some(greatest.into())],
            Activation::Clamp => [Some(least.into()), Some(greatest.into())],
        }
    }
}

impl Choice for Activation {
    const ALL: &'static [(&'static str, Self)] = &[
        ("relu", Activation::Relu),
        ("relu6", Activation::Relu6),
        ("clamp", Activation::Clamp),
    ];
}

impl fmt::Display for Activation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(*self, out)
    }
}

/// Which results share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalePer {
    /// All of them.
    Tensor,
    /// Those of a channel of C.
    Channel,
}

impl Choice for ScalePer {
    const ALL: &'static [(&'static str, Self)] =
        &[("tensor", ScalePer::Tensor), ("channel", ScalePer::Channel)];
}

impl fmt::Display for ScalePer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(*self, out)
    }
}

pub(super) fn write_word<C: Choice + PartialEq>(
    choice: C,
    out: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let named = C::ALL.iter().find(|(_, each)| *each == choice);
    out.write_str(named.map_or("", |(name, _)| name))
}

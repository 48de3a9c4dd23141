//! The integer types of gradients and weights.

use std::fmt;
use std::str::FromStr;

/// A two's complement integer of 2 to 16 bits, written `int2` to `int16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntType {
    bits: u32,
}

impl IntType {
    pub(super) const MIN_BITS: u32 = 2;
    pub(super) const MAX_BITS: u32 = 16;

    /// The type of so many bits, which the caller has found to be in range.
    pub(super) fn of_bits(bits: u32) -> Self {
        debug_assert!((Self::MIN_BITS..=Self::MAX_BITS).contains(&bits));
        IntType { bits }
    }

    /// The type of one bit more; `None` of the widest.
    pub(crate) fn wider(&self) -> Option<Self> {
        let bits = self.bits + 1;
        (bits <= Self::MAX_BITS).then_some(IntType { bits })
    }

    /// Width in bits, sign included.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The least value, `-2^(bits-1)`.
    pub fn min(&self) -> i32 {
        -(1 << (self.bits - 1))
    }

    /// The greatest value, `2^(bits-1) - 1`.
    pub fn max(&self) -> i32 {
        (1 << (self.bits - 1)) - 1
    }
}

/// A text that names no [`IntType`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of \"int2\" to \"int16\"")]
pub struct IntTypeError;

impl FromStr for IntType {
    type Err = IntTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Searching the few names accepts exactly those: no "int08", no "int+8".
        (Self::MIN_BITS..=Self::MAX_BITS)
            .map(|bits| IntType { bits })
            .find(|candidate| candidate.to_string() == text)
            .ok_or(IntTypeError)
    }
}

impl fmt::Display for IntType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "int{}", self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_twos_complement() {
        let narrow: IntType = "int2".parse().unwrap();
        assert_eq!((narrow.min(), narrow.max()), (-2, 1));
        let wide: IntType = "int16".parse().unwrap();
        assert_eq!((wide.min(), wide.max()), (-32768, 32767));
    }

    #[test]
    fn only_the_exact_names_parse() {
        for text in [
            "", "8", "int", "int1", "int17", "int08", "int+8", "uint8", "Int8", "int8 ",
        ] {
            assert!(text.parse::<IntType>().is_err(), "{text:?}");
        }
    }
}

//! The layer file: what the user wrote, before anything is checked but the types.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::LayerError;
use crate::table_file::{self, read_text, Kind};

/// A layer file. Keys that have no default are `None` until the file or a flag gives them.
///
/// Numbers are `i64`, the integer of TOML, so that one below zero or far too large is met by a message of
/// [`LayerFile::validate`] and not by one about integer widths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerFile {
    /// Name of the Verilog module and of the files.
    pub name: String,
    /// The `[layer]` table.
    pub layer: Geometry,
    /// The `[engine]` table.
    pub engine: Engine,
}

/// The `[layer]` table: the forward convolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Geometry {
    /// What the keys are of: "conv" (the default), or "conv_transpose" with the keys of `torch.nn.ConvTranspose2d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Which operation of the convolution the engine computes: "grad_input" (the default), "forward" or "grad_weight".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<String>,
    /// C, required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_channels: Option<i64>,
    /// K, required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_channels: Option<i64>,
    /// H, W, required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_size: Option<PerAxis>,
    /// R, S, required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<PerAxis>,
    /// Rows, columns.
    pub stride: PerAxis,
    /// Rows, columns.
    pub dilation: PerAxis,
    /// Top, bottom, left, right.
    pub padding: PerSide,
    /// Groups of channels.
    pub groups: i64,
    /// N, required for "grad_weight".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<i64>,
    /// P, Q; `None` for the greatest that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_size: Option<PerAxis>,
    /// Of a transposed convolution: rows and columns of its output beyond those that the others need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_padding: Option<PerAxis>,
}

/// The `[engine]` table: lanes, types, and what happens to the results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// Lanes over the channels that are added up: K; forward C; for grad_weight the batch.
    pub simd: i64,
    /// Lanes over the result's channels: C; forward and for grad_weight K. Over groups if each has a single one of them.
    pub pe: i64,
    /// Lanes over pixels: neighbouring columns of a beat, which share every weight. 1 by default.
    #[serde(skip_serializing_if = "is_one")]
    pub pixels: i64,
    /// Type of the input, "int2" to "int16"; "int8" by default. No array of "grad_input" has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_type: Option<String>,
    /// Type of grad_output, "int2" to "int16".
    pub grad_type: String,
    /// Type of the weights, "int2" to "int16".
    pub weight_type: String,
    /// Sets of weights in memory: 1, or 2 to load one while the other is in use.
    pub weight_sets: i64,
    /// What the values count from that go through the line buffer, of their type: it is subtracted as they enter, and
    /// padding counts as it. 0 by default.
    #[serde(skip_serializing_if = "is_zero")]
    pub zero_point: i64,
    /// Two multiplications, of one gradient with the weights of two lanes, in each multiplier of 25 x 18 bits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub packed_multipliers: bool,
    /// Whether each channel of the result has a bias, loaded with the weights.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bias: bool,
    /// Whether a stream of values is added to the results.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub accumulate: bool,
    /// Whether a stream of bits says which results are kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mask: bool,
    /// "accumulator", or the type that results are requantised to, "int2" to "int16".
    #[serde(skip_serializing_if = "is_accumulator")]
    pub out_type: String,
    /// Which results share a scale: "tensor" (the default) or "channel". This and the keys below only with an
    /// `out_type` that requantises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_per: Option<String>,
    /// Bits of a scale, 2 to 16, signed; 16 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_bits: Option<i64>,
    /// Bits shifted out behind the scale, required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<i64>,
    /// What becomes of them: "nearest_even" (the default), "floor" or "stochastic".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<String>,
    /// The value of `out_type` that stands for zero: it is added to what was rounded. 0 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_zero_point: Option<i64>,
    /// "relu", "relu6" or "clamp": keeps the results between two values of `out_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<String>,
    /// The least of them: of "clamp"; of the others it is `out_zero_point`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_min: Option<i64>,
    /// The greatest: of "clamp", and of "relu6" what stands for 6; of "relu" it is the type's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_max: Option<i64>,
}

fn is_one(number: &i64) -> bool {
    *number == 1
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// The `out_type` of results that are not requantised.
pub(crate) const ACCUMULATOR: &str = "accumulator";

pub(crate) fn is_accumulator(out_type: &str) -> bool {
    out_type == ACCUMULATOR
}

impl Default for LayerFile {
    fn default() -> Self {
        Self {
            name: "bpa_engine".to_owned(),
            layer: Geometry::default(),
            engine: Engine::default(),
        }
    }
}

impl Default for Geometry {
    fn default() -> Self {
        Self {
            op: None,
            pass: None,
            in_channels: None,
            out_channels: None,
            in_size: None,
            kernel: None,
            stride: PerItem([1; 2]),
            dilation: PerItem([1; 2]),
            padding: PerItem([0; 4]),
            groups: 1,
            batch: None,
            out_size: None,
            output_padding: None,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            simd: 1,
            pe: 1,
            pixels: 1,
            input_type: None,
            grad_type: "int8".to_owned(),
            weight_type: "int8".to_owned(),
            weight_sets: 1,
            zero_point: 0,
            packed_multipliers: false,
            bias: false,
            accumulate: false,
            mask: false,
            out_type: ACCUMULATOR.to_owned(),
            scale_per: None,
            scale_bits: None,
            shift: None,
            rounding: None,
            out_zero_point: None,
            activation: None,
            out_min: None,
            out_max: None,
        }
    }
}

impl LayerFile {
    /// Reads a layer file.
    ///
    /// # Errors
    /// The file cannot be read, is one of another kind, is not TOML, has an unknown key or a value of another type.
    pub fn read(path: &Path) -> Result<Self, LayerError> {
        let (text, file) = read_text(path)?;
        Self::parse(&text, &file)
    }

    /// Reads the text of a layer file; `file` is what messages call it.
    ///
    /// # Errors
    /// As [`read`](Self::read), but for the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, LayerError> {
        Ok(table_file::parse(text, file, Kind::Layer)?)
    }

    /// The layer as the text of a layer file, which reads back as the same value.
    pub fn to_toml(&self) -> String {
        toml::to_string(self)
            .expect("tables of strings, switches and 64-bit integers are always valid TOML")
    }
}

/// One number for each axis: rows, columns.
pub type PerAxis = PerItem<2>;

/// One number for each side: top, bottom, left, right.
pub type PerSide = PerItem<4>;

/// `N` numbers, which may be written as one if they are equal: `3` or `[3, 3]` in a file, `3` or `3,3` as a flag. Of four,
/// two may stand for both of a pair, as in PyTorch: `[1, 2]` for `[1, 1, 2, 2]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerItem<const N: usize>(pub [i64; N]);

impl<const N: usize> PerItem<N> {
    /// From as many numbers as divide `N`, each of which serves as many items.
    fn spread(numbers: &[i64]) -> Option<Self> {
        let whole = !numbers.is_empty() && N % numbers.len() == 0;
        let each = |item| numbers[item * numbers.len() / N];
        whole.then(|| Self(std::array::from_fn(each)))
    }

    /// How many numbers there may be, for a message.
    fn counts() -> &'static str {
        match N {
            4 => "2 (top and bottom, left and right) or 4 (top, bottom, left, right)",
            _ => "2 (rows, columns)",
        }
    }
}

impl<const N: usize> FromStr for PerItem<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Result<Vec<i64>, _> = text
            .split(',')
            .map(|number| number.trim().parse())
            .collect();
        let spread = numbers.ok().and_then(|numbers| Self::spread(&numbers));
        spread.ok_or_else(|| {
            format!(
                "expected one integer, or {} separated by commas",
                Self::counts()
            )
        })
    }
}

impl<const N: usize> Serialize for PerItem<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

impl<'de, const N: usize> Deserialize<'de> for PerItem<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PerItemVisitor)
    }
}

/// Takes a number or a list; an untagged enum would do the same with a message that says nothing.
struct PerItemVisitor<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for PerItemVisitor<N> {
    type Value = PerItem<N>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "one integer, or a list of {}", PerItem::<N>::counts())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(PerItem([number; N]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = list.next_element()? {
            numbers.push(number);
        }
        PerItem::spread(&numbers).ok_or_else(|| A::Error::invalid_length(numbers.len(), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_serves_every_item() {
        let file: LayerFile =
            toml::from_str("[layer]\nkernel = 3\npadding = 1\nstride = [2, 1]").unwrap();
        assert_eq!(file.layer.kernel, Some(PerItem([3, 3])));
        assert_eq!(file.layer.padding, PerItem([1; 4]));
        assert_eq!(file.layer.stride, PerItem([2, 1]));
        assert_eq!("5".parse(), Ok(PerItem([5, 5])));
        assert_eq!("5, 6".parse(), Ok(PerItem([5, 6])));
        assert!("1,2,3".parse::<PerAxis>().is_err());
        assert_eq!("1,2".parse(), Ok(PerItem([1, 1, 2, 2])));
        assert!("1,2,3".parse::<PerSide>().is_err());
        assert!("1,2,3,4,5".parse::<PerSide>().is_err());
        assert!("".parse::<PerSide>().is_err());
    }

    #[test]
    fn a_file_survives_writing_and_reading() {
        let mut file = LayerFile::default();
        assert_eq!(
            toml::from_str::<LayerFile>(&file.to_toml()),
            Ok(file.clone())
        );
        file.layer.in_channels = Some(3);
        file.layer.out_size = Some(PerItem([4, 5]));
        file.engine.weight_type = "int4".to_owned();
        file.engine.packed_multipliers = true;
        assert_eq!(toml::from_str::<LayerFile>(&file.to_toml()), Ok(file));
    }
}

//! A constant of a model as numbers.

use std::path::Path;

use super::external;
use super::proto::TensorMessage;

/// Axes of a tensor at the most.
const MOST_AXES: usize = 8;
/// Values of a tensor at the most: far more than the weights of any layer.
const MOST_VALUES: u64 = 1 << 28;

/// Numbers with a shape. They are exact: every type that is read fits a double.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its shape.
    pub dims: Vec<usize>,
    /// What its numbers are.
    pub element: Element,
    /// They, the last axis fastest.
    pub values: Vec<f64>,
}

/// Types of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Of 16, 32 or 64 bits.
    Float,
    /// Of any width, from below zero on.
    Signed,
    /// Of any width, from zero on.
    Unsigned,
}

/// Why a constant gives no numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("constant {name:?}: {reason}")]
pub struct TensorError {
    name: String,
    reason: String,
}

/// `TensorProto.DataType`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Float,
    Uint8,
    Int8,
    Uint16,
    Int16,
    Int32,
    Int64,
    Float16,
    Double,
    BFloat16,
}

impl Type {
    fn of(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Float,
            2 => Self::Uint8,
            3 => Self::Int8,
            4 => Self::Uint16,
            5 => Self::Int16,
            6 => Self::Int32,
            7 => Self::Int64,
            10 => Self::Float16,
            11 => Self::Double,
            16 => Self::BFloat16,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::Uint8 | Self::Int8 => 1,
            Self::Uint16 | Self::Int16 | Self::Float16 | Self::BFloat16 => 2,
            Self::Float | Self::Int32 => 4,
            Self::Int64 | Self::Double => 8,
        }
    }

    fn element(self) -> Element {
        match self {
            Self::Float | Self::Float16 | Self::Double | Self::BFloat16 => Element::Float,
            Self::Uint8 | Self::Uint16 => Element::Unsigned,
            _ => Element::Signed,
        }
    }

    /// A value from its bytes, of which there are as many as it has.
    fn value(self, bytes: &[u8]) -> f64 {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        match self {
            Self::Float => f64::from(f32::from_bits(bits as u32)),
            Self::Double => f64::from_bits(bits),
            Self::Uint8 | Self::Uint16 => bits as f64,
            Self::Int8 => f64::from(bits as u8 as i8),
            Self::Int16 => f64::from(bits as u16 as i16),
            Self::Int32 => f64::from(bits as u32 as i32),
            Self::Int64 => bits as i64 as f64,
            Self::Float16 => half(bits as u16),
            Self::BFloat16 => f64::from(f32::from_bits((bits as u32) << 16)),
        }
    }
}

/// A float of 16 bits: a sign, five bits of exponent, ten of the fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    }
}

impl Tensor {
    /// The constant of a model in this folder.
    ///
    /// # Errors
    /// It has a type or shape that is not read here, or other values than its shape needs.
    pub fn new(message: &TensorMessage, folder: &Path) -> Result<Self, TensorError> {
        Self::of(message, folder).map_err(|reason| TensorError {
            name: message.name.clone(),
            reason,
        })
    }

    fn of(message: &TensorMessage, folder: &Path) -> Result<Self, String> {
        let number = message.data_type;
        let element_type = Type::of(number)
            .ok_or_else(|| format!("its values have type {number} of ONNX, which is not read"))?;
        let dims = dims(&message.dims)?;
        let count: usize = dims.iter().product();
        let length = count * element_type.bytes();
        let values = if message.location == 1 {
            let bytes = external::bytes(message, folder, length)?;
            from_bytes(&bytes, element_type)
        } else if message.raw.is_empty() {
            from_lists(message, element_type)
        } else if message.raw.len() == length {
            from_bytes(&message.raw, element_type)
        } else {
            let there = message.raw.len();
            return Err(format!(
                "it has {there} bytes, and its shape {dims:?} needs {length}"
            ));
        };
        match values.len() == count {
            true => Ok(Self {
                dims,
                element: element_type.element(),
                values,
            }),
            false => {
                let there = values.len();
                Err(format!(
                    "it has {there} values, and its shape {dims:?} needs {count}"
                ))
            }
        }
    }
}

/// The shape, whose values can be counted.
fn dims(dims: &[i64]) -> Result<Vec<usize>, String> {
    let wrong = || {
        format!(
            "its shape is {:?}, which is none that is read",
            &dims[..dims.len().min(MOST_AXES)]
        )
    };
    if dims.len() > MOST_AXES {
        return Err(wrong());
    }
    let mut count: u64 = 1;
    let mut lengths = Vec::new();
    for &dim in dims {
        let length = u64::try_from(dim).map_err(|_| wrong())?;
        count = count.checked_mul(length).ok_or_else(wrong)?;
        if count > MOST_VALUES || length > MOST_VALUES {
            return Err(wrong());
        }
        lengths.push(length as usize);
    }
    Ok(lengths)
}

fn from_bytes(bytes: &[u8], element_type: Type) -> Vec<f64> {
    let values = bytes.chunks_exact(element_type.bytes());
    values.map(|value| element_type.value(value)).collect()
}

/// From the lists of numbers that are there in place of bytes.
fn from_lists(message: &TensorMessage, element_type: Type) -> Vec<f64> {
    let int32s = || message.int32s.iter();
    match element_type {
        Type::Float => message.floats.iter().map(|&value| value.into()).collect(),
        Type::Double => message.doubles.clone(),
        Type::Int64 => message.int64s.iter().map(|&value| value as f64).collect(),
        Type::Float16 | Type::BFloat16 => {
            let bits = int32s().map(|&bits| (bits as u16).to_le_bytes());
            bits.map(|bits| element_type.value(&bits)).collect()
        }
        _ => int32s().map(|&value| value.into()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::Entry;

    fn of(message: TensorMessage) -> Result<Vec<f64>, String> {
        let tensor = Tensor::new(&message, Path::new("")).map_err(|error| error.to_string())?;
        Ok(tensor.values)
    }

    fn raw(data_type: i32, dims: &[i64], raw: &[u8]) -> TensorMessage {
        TensorMessage {
            dims: dims.to_vec(),
            data_type,
            raw: raw.to_vec(),
            name: "w".to_owned(),
            ..TensorMessage::default()
        }
    }

    #[test]
    fn values_of_every_type_are_read() {
        for (number, bytes, value) in [
            (1, &1.5_f32.to_le_bytes()[..], 1.5),
            (2, &[200], 200.0),
            (3, &[200], -56.0),
            (4, &[0xfe, 0xff], 65_534.0),
            (5, &[0xfe, 0xff], -2.0),
            (6, &(-7_i32).to_le_bytes(), -7.0),
            (7, &(-8_i64).to_le_bytes(), -8.0),
            (10, &[0x00, 0xc1], -2.5),
            (10, &[0x01, 0x00], 2_f64.powi(-24)),
            (10, &[0x00, 0x7c], f64::INFINITY),
            (11, &0.1_f64.to_le_bytes(), 0.1),
            (16, &[0x40, 0xc0], -3.0),
        ] {
            assert_eq!(of(raw(number, &[1], bytes)), Ok(vec![value]), "{number}");
        }
        let list = TensorMessage {
            int32s: vec![-3, 4],
            ..raw(3, &[2], &[])
        };
        assert_eq!(of(list), Ok(vec![-3.0, 4.0]));
        // A scalar has no axis.
        assert_eq!(of(raw(3, &[], &[5])), Ok(vec![5.0]));
        assert_eq!(of(raw(3, &[0], &[])), Ok(vec![]));
    }

    #[test]
    fn claims_that_no_bytes_stand_for_are_refused() {
        for message in [
            raw(3, &[1 << 40, 1 << 40], &[0]),
            raw(3, &[i64::MAX], &[0]),
            raw(3, &[-1], &[0]),
            raw(3, &[0, i64::MAX], &[]),
            raw(3, &[1; 9], &[0]),
            raw(3, &[1 << 30], &[]),
            raw(1, &[3], &[0; 11]),
            raw(8, &[1], &[0]),
            raw(-1, &[1], &[0]),
        ] {
            let error = of(message).unwrap_err();
            assert!(error.starts_with("constant \"w\": "), "{error}");
        }
    }

    #[test]
    fn values_in_another_file_stay_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("data"), [1, 2, 3, 4]).unwrap();
        std::fs::write(folder.path().join("secret"), [1, 2, 3, 4]).unwrap();
        std::os::unix::fs::symlink("../secret", inner.join("link")).unwrap();
        let read = |entries: &[(&str, &str)]| {
            let entry = |&(key, value): &(&str, &str)| Entry {
                key: key.to_owned(),
                value: value.to_owned(),
            };
            let message = TensorMessage {
                location: 1,
                external: entries.iter().map(entry).collect(),
                ..raw(3, &[2], &[])
            };
            let tensor = Tensor::new(&message, &inner).map_err(|error| error.to_string())?;
            Ok::<_, String>(tensor.values)
        };
        assert_eq!(read(&[("location", "data")]), Ok(vec![1.0, 2.0]));
        assert_eq!(
            read(&[("location", "data"), ("offset", "2")]),
            Ok(vec![3.0, 4.0])
        );
        for entries in [
            &[][..],
            &[("location", "")],
            &[("location", "../secret")],
            &[("location", "/etc/passwd")],
            &[("location", "link")],
            &[("location", ".")],
            &[("location", "none")],
            &[("location", "data"), ("offset", "3")],
            &[("location", "data"), ("offset", "18446744073709551615")],
            &[("location", "data"), ("offset", "-1")],
            &[("location", "data"), ("length", "3")],
        ] {
            assert!(read(entries).is_err(), "{entries:?}");
        }
    }
}

//! Arrays in NumPy files: any integer type, byte order and memory order in; int32 or int64 out.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::num::TryFromIntError;
use std::path::Path;

use ndarray::{Array, Array1, Array4, ArrayD, Dimension, IxDyn, ShapeBuilder};
use npyz::{DType, NpyFile, NpyHeader, NpyWriter, Order, TypeChar, WriterBuilder};

use crate::atomic_file::write_whole;
use crate::interface::accumulate_value_bits;
use crate::layer::{IntType, Layer, Pass, ScalePer};
use crate::operands::{self, moving_of, result_of, stationary_of};
use crate::plan::Plan;
use crate::vectors::{bias_count, scale_count};

mod header;

/// Why an array cannot be read or written. Every message begins with the file and holds that of its cause.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// It cannot be opened or read.
    #[error("{file}: cannot read: {reason}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        reason: std::io::Error,
    },
    /// It cannot be written.
    #[error("{file}: cannot write: {reason}")]
    Write {
        /// The file.
        file: String,
        /// Why.
        reason: std::io::Error,
    },
    /// It is no .npy file.
    #[error("{file}: not an .npy file: {reason}")]
    NotNpy {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// Its values are of no type that can be taken.
    #[error("{file}: {array} must be an array of {wanted}, but its type is {found}")]
    Type {
        /// The file.
        file: String,
        /// The array, by PyTorch's name.
        array: &'static str,
        /// Types that can be taken.
        wanted: &'static str,
        /// Its type.
        found: String,
    },
    /// It has not so many axes.
    #[error("{file}: {array} must have {rank} {}, but its shape is {found:?}", axes_of(*rank, axes))]
    Rank {
        /// The file.
        file: String,
        /// The array, by PyTorch's name.
        array: &'static str,
        /// Axes that it must have.
        rank: usize,
        /// Its axes.
        axes: &'static str,
        /// Its shape.
        found: Vec<u64>,
    },
    /// It is none of the layer's.
    #[error("{file}: {array} {axes} must have the shape {expected} of the layer, but its shape is {found:?}")]
    Shape {
        /// The file.
        file: String,
        /// The array, by PyTorch's name.
        array: &'static str,
        /// Its axes.
        axes: &'static str,
        /// What it must be.
        expected: String,
        /// Its shape.
        found: Vec<u64>,
    },
    /// There is no frame in it.
    #[error("{file}: {array} holds no frame: its shape is {found:?}, and N must be at least 1")]
    EmptyBatch {
        /// The file.
        file: String,
        /// The array, by PyTorch's name.
        array: &'static str,
        /// Its shape.
        found: Vec<u64>,
    },
    /// It ends before the last value.
    #[error("{file}: truncated: the shape {shape:?} of {array} needs {expected} bytes of data, but there are {found}")]
    Truncated {
        /// The file.
        file: String,
        /// The array, by PyTorch's name.
        array: &'static str,
        /// The shape that its header tells.
        shape: Vec<u64>,
        /// Bytes that this shape needs.
        expected: u128,
        /// Bytes that are there.
        found: usize,
    },
    /// A value is beyond its type.
    #[error("{file}: {array}{index:?} is {value}, but {range}")]
    Value {
        /// The file.
        file: String,
        /// The array, by PyTorch's name.
        array: &'static str,
        /// Where it is.
        index: Vec<usize>,
        /// What it is.
        value: i128,
        /// What it may be.
        range: Box<Range>,
    },
}

fn axes_of(rank: usize, axes: &str) -> String {
    format!("{} {axes}", if rank == 1 { "axis" } else { "axes" })
}

/// The values that an array may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    what: String,
    least: i64,
    greatest: i64,
}

impl Range {
    fn of_bits(what: String, bits: u32) -> Self {
        let greatest = i64::MAX >> (64 - bits);
        Range {
            what,
            least: !greatest,
            greatest,
        }
    }

    fn of_type(int_type: IntType) -> Self {
        Self::of_bits(int_type.to_string(), int_type.bits())
    }
}

impl fmt::Display for Range {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range {
            what,
            least,
            greatest,
        } = self;
        write!(out, "{what} holds {least} to {greatest}")
    }
}

/// Reads what moves, as frames: for the passes over images of any number of them from 1, for a weight gradient of the whole
/// batch.
///
/// # Errors
/// The file is no .npy file of integers, or the array does not fit the layer in shape or in the range of its values.
pub fn read_moving(path: &Path, layer: &Layer) -> Result<Array4<i32>, NpyError> {
    moving(path, layer, None)
}

/// The same where there have to be `frames`.
///
/// # Errors
/// As [`read_moving`].
pub fn read_moving_of(path: &Path, layer: &Layer, frames: usize) -> Result<Array4<i32>, NpyError> {
    moving(path, layer, Some(frames))
}

fn moving(path: &Path, layer: &Layer, frames: Option<usize>) -> Result<Array4<i32>, NpyError> {
    let [array, ..] = operands::of_layer(layer);
    let shape = match layer.pass() {
        Pass::GradInput | Pass::Forward => {
            let [_, channels, height, width] = operands::moving_shape(layer, 1).map(Some);
            vec![frames, channels, height, width]
        }
        Pass::GradWeight => {
            let frames = frames.unwrap_or(layer.in_per_group() as usize);
            operands::moving_shape(layer, frames).map(Some).into()
        }
    };
    let expected = Expected {
        array: array.name,
        axes: array.axes,
        shape,
        range: Range::of_type(layer.moving_type()),
        bools: false,
    };
    Ok(moving_of(layer, narrow(expected.read(path)?)))
}

/// Reads what is stationary, as a set.
///
/// # Errors
/// As [`read_moving`].
pub fn read_stationary(path: &Path, layer: &Layer) -> Result<Array4<i32>, NpyError> {
    let [_, array, _] = operands::of_layer(layer);
    let expected = Expected {
        array: array.name,
        axes: array.axes,
        shape: operands::stationary_shape(layer).map(Some).into(),
        range: Range::of_type(layer.stationary_type()),
        bools: false,
    };
    Ok(stationary_of(layer, narrow(expected.read(path)?)))
}

/// Reads the scales of a layer that has them: one for each channel of the result, (C) or (K), or (1) where all share one.
///
/// # Errors
/// As [`read_moving`].
pub fn read_scale(path: &Path, layer: &Layer) -> Result<Array1<i32>, NpyError> {
    let requantise = layer.requantise();
    let scale_type = requantise.map(|requantise| requantise.scale_type);
    let expected = Expected {
        array: "scale",
        axes: match requantise.map(|requantise| requantise.scale_per) {
            Some(ScalePer::Channel) => channel_axis(layer),
            _ => "(1)",
        },
        shape: vec![Some(scale_count(layer))],
        range: scale_type.map_or(Range::of_bits("a scale".to_owned(), 64), Range::of_type),
        bools: false,
    };
    Ok(narrow(expected.read(path)?))
}

/// Reads the biases of a layer that has them: one for each channel of the result, (C) or (K).
///
/// # Errors
/// As [`read_moving`].
pub fn read_bias(path: &Path, layer: &Layer) -> Result<Array1<i64>, NpyError> {
    let bits = layer.bias_bits().unwrap_or(64);
    let what =
        format!("with sums of {bits} bits, which a wider `engine.weight_type` widens, a bias");
    let expected = Expected {
        array: "bias",
        axes: channel_axis(layer),
        shape: vec![Some(bias_count(layer))],
        range: Range::of_bits(what, bits),
        bools: false,
    };
    Ok(of_rank(expected.read(path)?))
}

/// The axis of an array with a value for each channel of the result.
fn channel_axis(layer: &Layer) -> &'static str {
    match layer.pass() {
        Pass::GradInput => "(C)",
        Pass::Forward | Pass::GradWeight => "(K)",
    }
}

/// Reads the values to add to the results of `frames` frames: an array of the result's shape, as frames.
///
/// # Errors
/// As [`read_moving`].
pub fn read_accumulate(path: &Path, plan: &Plan, frames: usize) -> Result<Array4<i64>, NpyError> {
    let bits = accumulate_value_bits(plan);
    let expected = Expected {
        array: "accumulate",
        axes: operands::of_layer(plan.layer())[2].axes,
        shape: results_of(plan.layer(), frames),
        range: Range::of_bits(format!("the accumulate stream's int{bits}"), bits),
        bools: false,
    };
    Ok(result_of(plan.layer(), of_rank(expected.read(path)?)))
}

/// Reads the mask of the results of `frames` frames, an array of their shape, as frames: booleans, or integers 0 and 1.
///
/// # Errors
/// As [`read_moving`].
pub fn read_mask(path: &Path, layer: &Layer, frames: usize) -> Result<Array4<bool>, NpyError> {
    let expected = Expected {
        array: "mask",
        axes: operands::of_layer(layer)[2].axes,
        shape: results_of(layer, frames),
        range: Range {
            what: "a mask".to_owned(),
            least: 0,
            greatest: 1,
        },
        bools: true,
    };
    let mask: Array4<i64> = of_rank(expected.read(path)?);
    Ok(result_of(layer, mask.mapv(|kept| kept != 0)))
}

fn results_of(layer: &Layer, frames: usize) -> Vec<Option<usize>> {
    operands::result_shape(layer, frames).map(Some).into()
}

/// The array with its number of axes as a type; [`Expected::read`] has compared the shape.
fn of_rank<D: Dimension>(array: ArrayD<i64>) -> Array<i64, D> {
    array
        .into_dimensionality()
        .expect("as many axes as were expected")
}

/// The same, of values that were found to fit a type of 16 bits at the most.
fn narrow<D: Dimension>(array: ArrayD<i64>) -> Array<i32, D> {
    of_rank(array).mapv(|value| value as i32)
}

/// Types of values in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A byte, 0 or 1.
    Bool,
    /// 8 bits.
    Int8,
    /// 16 bits.
    Int16,
    /// 32 bits.
    Int32,
    /// 64 bits.
    Int64,
}

impl Item {
    /// The narrowest integer type that holds values of so many bits.
    pub fn of_bits(bits: u32) -> Self {
        match bits {
            0..=8 => Item::Int8,
            9..=16 => Item::Int16,
            17..=32 => Item::Int32,
            _ => Item::Int64,
        }
    }
}

/// An array on its way into a file, in C order and in parts of any size.
pub struct Writer<W: Write>(Typed<W>);

enum Typed<W: Write> {
    Bool(NpyWriter<bool, W>),
    Int8(NpyWriter<i8, W>),
    Int16(NpyWriter<i16, W>),
    Int32(NpyWriter<i32, W>),
    Int64(NpyWriter<i64, W>),
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(out: W, shape: &[usize], item: Item) -> std::io::Result<Self> {
        Ok(Self(match item {
            Item::Bool => Typed::Bool(begun(out, shape)?),
            Item::Int8 => Typed::Int8(begun(out, shape)?),
            Item::Int16 => Typed::Int16(begun(out, shape)?),
            Item::Int32 => Typed::Int32(begun(out, shape)?),
            Item::Int64 => Typed::Int64(begun(out, shape)?),
        }))
    }

    /// Writes the next values.
    ///
    /// # Errors
    /// They cannot be written, or one does not fit the type.
    pub fn extend(&mut self, values: impl IntoIterator<Item = i64>) -> std::io::Result<()> {
        values.into_iter().try_for_each(|value| match &mut self.0 {
            Typed::Bool(file) => file.push(&(value != 0)),
            Typed::Int8(file) => file.push(&narrowed(value)?),
            Typed::Int16(file) => file.push(&narrowed(value)?),
            Typed::Int32(file) => file.push(&narrowed(value)?),
            Typed::Int64(file) => file.push(&value),
        })
    }

    /// Ends the file.
    ///
    /// # Errors
    /// It cannot be written, or there were not as many values as the shape says.
    pub fn finish(self) -> std::io::Result<()> {
        match self.0 {
            Typed::Bool(file) => file.finish(),
            Typed::Int8(file) => file.finish(),
            Typed::Int16(file) => file.finish(),
            Typed::Int32(file) => file.finish(),
            Typed::Int64(file) => file.finish(),
        }
    }
}

fn begun<T: npyz::AutoSerialize, W: Write>(
    out: W,
    shape: &[usize],
) -> std::io::Result<NpyWriter<T, W>> {
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    let options = npyz::WriteOptions::new().default_dtype();
    options.shape(&shape).writer(out).begin_nd()
}

fn narrowed<T: TryFrom<i64, Error = TryFromIntError>>(value: i64) -> std::io::Result<T> {
    T::try_from(value).map_err(std::io::Error::other)
}

/// Type of the values of a result, which has so many bits.
pub fn result_item(value_bits: u32) -> Item {
    match value_bits {
        ..=32 => Item::Int32,
        _ => Item::Int64,
    }
}

/// Writes an array as int32 where `value_bits` is at most 32, or else as int64; whole or not at all.
///
/// # Errors
/// The file cannot be written, or a value does not fit `value_bits` after all.
pub fn write(path: &Path, array: &Array4<i64>, value_bits: u32) -> Result<(), NpyError> {
    let mut bytes = Vec::new();
    Writer::new(&mut bytes, array.shape(), result_item(value_bits))
        .and_then(|mut writer| {
            writer.extend(array.iter().copied())?;
            writer.finish()
        })
        .and_then(|()| write_whole(path, &bytes))
        .map_err(|reason| NpyError::Write {
            file: path.display().to_string(),
            reason,
        })
}

/// The bytes of a file of numbers along one axis, as float64.
///
/// # Errors
/// None that memory gives no cause for.
pub fn float_bytes(values: &[f64]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = begun::<f64, _>(&mut bytes, &[values.len()])?;
    file.extend(values.iter().copied())?;
    file.finish()?;
    Ok(bytes)
}

/// Reads an array of floating point or integers, of any shape.
///
/// # Errors
/// The file is no .npy file of numbers, or has fewer than its shape says.
pub fn read_floats(path: &Path) -> Result<ArrayD<f32>, NpyError> {
    let file = path.display().to_string();
    let not = |reason: String| NpyError::NotNpy {
        file: file.clone(),
        reason,
    };
    let bytes = bytes_of(path).map_err(|reason| NpyError::Read {
        file: file.clone(),
        reason,
    })?;
    let mut data = &bytes[..];
    let header = header::read(&mut data).map_err(not)?;
    let shape: Vec<usize> = header.shape().iter().map(|&size| size as usize).collect();
    let sizes = header.shape().iter();
    let count = sizes.fold(1_u64, |count, &size| count.saturating_mul(size));
    // A value has a byte at the least; a shape beyond that is met before anything is made of it.
    if count > data.len() as u64 {
        return Err(not(format!(
            "its shape is {shape:?}, and it has {} bytes",
            data.len()
        )));
    }
    let numbers = NpyFile::with_header(header, data);
    let fortran = numbers.header().order() == Order::Fortran;
    let of = |dtype: &DType| match dtype {
        DType::Plain(plain) => plain.to_string(),
        other => format!("{other:?}"),
    };
    let dtype = of(&numbers.dtype());
    let failed = |error: std::io::Error| not(error.to_string());
    let values: Vec<f32> = match dtype.trim_start_matches(['<', '>', '|', '=']) {
        "f4" => numbers.into_vec::<f32>().map_err(failed)?,
        "f8" => numbers
            .into_vec::<f64>()
            .map_err(failed)?
            .into_iter()
            .map(|value| value as f32)
            .collect(),
        other => {
            return Err(not(format!(
                "its type is {other}, and float32 or float64 is needed"
            )))
        }
    };
    let shape = IxDyn(&shape).set_f(fortran);
    ArrayD::from_shape_vec(shape, values).map_err(|error| not(error.to_string()))
}

/// What begins a file of an array.
const MAGIC: &[u8] = b"\x93NUMPY";

/// The bytes of a file, of which no more than the first are read where it is no array: a device may have no end.
fn bytes_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    let mut bytes = Vec::new();
    (&mut file)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut bytes)?;
    if bytes == MAGIC {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// What an array must be.
struct Expected {
    array: &'static str,
    axes: &'static str,
    /// `None` for N: any number from 1.
    shape: Vec<Option<usize>>,
    range: Range,
    /// Whether booleans do as well.
    bools: bool,
}

impl Expected {
    fn read(&self, path: &Path) -> Result<ArrayD<i64>, NpyError> {
        let file = path.display().to_string();
        let bytes = bytes_of(path).map_err(|reason| NpyError::Read {
            file: file.clone(),
            reason,
        })?;
        let mut data = &bytes[..];
        let header = header::read(&mut data).map_err(|reason| NpyError::NotNpy {
            file: file.clone(),
            reason,
        })?;
        let item = self.item_type(&file, &header)?;
        let shape = self.shape(&file, &header)?;
        let expected = shape.iter().map(|&size| size as u128).product::<u128>() * item.size as u128;
        if expected > data.len() as u128 {
            return Err(NpyError::Truncated {
                file,
                array: self.array,
                shape: header.shape().to_vec(),
                expected,
                found: data.len(),
            });
        }
        let array = NpyFile::with_header(header, data);
        match (item.signed, item.size) {
            _ if item.boolean => self.values::<bool>(file, array, shape),
            (true, 1) => self.values::<i8>(file, array, shape),
            (true, 2) => self.values::<i16>(file, array, shape),
            (true, 4) => self.values::<i32>(file, array, shape),
            (true, _) => self.values::<i64>(file, array, shape),
            (false, 1) => self.values::<u8>(file, array, shape),
            (false, 2) => self.values::<u16>(file, array, shape),
            (false, 4) => self.values::<u32>(file, array, shape),
            (false, _) => self.values::<u64>(file, array, shape),
        }
    }

    fn item_type(&self, file: &str, header: &NpyHeader) -> Result<ItemType, NpyError> {
        let dtype = header.dtype();
        match &dtype {
            DType::Plain(item) if self.bools && item.type_char() == TypeChar::Bool => {
                Ok(ItemType {
                    boolean: true,
                    signed: false,
                    size: item.size_field(),
                })
            }
            DType::Plain(item) if item.type_char() == TypeChar::Int => Ok(ItemType {
                boolean: false,
                signed: true,
                size: item.size_field(),
            }),
            DType::Plain(item) if item.type_char() == TypeChar::Uint => Ok(ItemType {
                boolean: false,
                signed: false,
                size: item.size_field(),
            }),
            _ => Err(NpyError::Type {
                file: file.to_owned(),
                array: self.array,
                wanted: match self.bools {
                    true => "booleans or integers",
                    false => "integers",
                },
                found: dtype.descr(),
            }),
        }
    }

    fn shape(&self, file: &str, header: &NpyHeader) -> Result<Vec<usize>, NpyError> {
        let found = header.shape();
        let sizes: Option<Vec<usize>> = found.iter().map(|&size| size.try_into().ok()).collect();
        let shape = match sizes {
            Some(shape) if shape.len() == self.shape.len() => shape,
            _ => {
                return Err(NpyError::Rank {
                    file: file.to_owned(),
                    array: self.array,
                    rank: self.shape.len(),
                    axes: self.axes,
                    found: found.to_vec(),
                })
            }
        };
        let fits = |(&found, expected): (&usize, &Option<usize>)| {
            expected.is_none_or(|size| size == found)
        };
        if !shape.iter().zip(&self.shape).all(fits) {
            let axis = |size: &Option<usize>| size.map_or("N".to_owned(), |size| size.to_string());
            let axes: Vec<String> = self.shape.iter().map(axis).collect();
            return Err(NpyError::Shape {
                file: file.to_owned(),
                array: self.array,
                axes: self.axes,
                expected: format!("[{}]", axes.join(", ")),
                found: found.to_vec(),
            });
        }
        if shape[0] == 0 {
            return Err(NpyError::EmptyBatch {
                file: file.to_owned(),
                array: self.array,
                found: found.to_vec(),
            });
        }
        Ok(shape)
    }

    fn values<T: npyz::Deserialize + Copy + Into<i128>>(
        &self,
        file: String,
        array: NpyFile<&[u8]>,
        shape: Vec<usize>,
    ) -> Result<ArrayD<i64>, NpyError> {
        let fortran = array.order() == Order::Fortran;
        let not_npy = |reason: String| NpyError::NotNpy {
            file: file.clone(),
            reason,
        };
        let values: Vec<T> = array
            .into_vec()
            .map_err(|error| not_npy(error.to_string()))?;
        let values = ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran), values)
            .map_err(|error| not_npy(error.to_string()))?;
        // Both iterators go in C order whatever the memory order, so the first value out of range is the first in
        // the order of the indices, and the result is in C order.
        let checked = |(index, &value): (IxDyn, &T)| {
            let value: i128 = value.into();
            let Range {
                least, greatest, ..
            } = self.range;
            if (i128::from(least)..=i128::from(greatest)).contains(&value) {
                return Ok(value as i64);
            }
            Err(NpyError::Value {
                file: file.clone(),
                array: self.array,
                index: index.slice().to_vec(),
                value,
                range: Box::new(self.range.clone()),
            })
        };
        let values = values
            .indexed_iter()
            .map(checked)
            .collect::<Result<Vec<i64>, _>>()?;
        ArrayD::from_shape_vec(shape, values).map_err(|error| not_npy(error.to_string()))
    }
}

struct ItemType {
    boolean: bool,
    signed: bool,
    /// Bytes.
    size: u64,
}

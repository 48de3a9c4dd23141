//! The same gradient with inserted zeros, which is what most generators compute: grad_output is spread by the stride,
//! zeros go in between, and a convolution of stride 1 does the rest.
//!
//! [`equivalent_layer`] and [`insert_zeros`] turn a layer and its gradient into a layer of stride 1 with the same
//! weights and the same result. This engine can run that layer as well, so what zero insertion costs can be measured
//! on the same hardware, and not only computed.

use ndarray::Array4;

use crate::layer::{Axis, Layer, LayerError, Pass, PerItem};

/// Name of a layer's equivalent.
const NAME: &str = "zero_insertion";

/// What becomes of taps that lie beyond grad_output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Borders {
    /// They are skipped, as this engine does with any layer.
    Skipped,
    /// They meet zeros that are written around grad_output, so that every pixel has every tap. Such a layer costs what
    /// the formula of zero insertion says.
    Padded,
}

/// The layer of stride 1 whose gradient is the same.
///
/// # Errors
/// A size of it is beyond the limits of a layer file.
pub fn equivalent_layer(layer: &Layer, borders: Borders) -> Result<Layer, LayerError> {
    let mut file = layer.to_file();
    let rows = Spread::new(&layer.rows(), borders);
    let cols = Spread::new(&layer.cols(), borders);
    file.name = NAME.to_owned();
    file.layer.stride = PerItem([1, 1]);
    file.layer.padding = PerItem([
        rows.pad_before,
        rows.pad_after,
        cols.pad_before,
        cols.pad_after,
    ]);
    file.layer.out_size = Some(PerItem([rows.out_size, cols.out_size]));
    file.validate()
}

/// grad_output (N, K, P, Q) of the layer as grad_output of its equivalent.
pub fn insert_zeros(layer: &Layer, borders: Borders, grad_output: &Array4<i32>) -> Array4<i32> {
    let rows = Spread::new(&layer.rows(), borders);
    let cols = Spread::new(&layer.cols(), borders);
    let (frames, channels, ..) = grad_output.dim();
    let (height, width) = (rows.out_size as usize, cols.out_size as usize);
    let mut spread = Array4::zeros((frames, channels, height, width));
    for ((n, k, p, q), &value) in grad_output.indexed_iter() {
        if let Some((row, col)) = rows.position(p).zip(cols.position(q)) {
            spread[[n, k, row, col]] = value;
        }
    }
    spread
}

/// Cycles that FINN expects of the multiplying stage after its pixel padding, at equal lanes:
/// (C/PE) * (K*R*S/SIMD) * H * W, where lanes over pixels are lanes over taps. It knows no groups, and is of the data gradient. Where the lanes do not divide, which FINN refuses, this rounds
/// up.
pub fn finn_cycles(layer: &Layer) -> Option<u64> {
    let (rows, cols) = (layer.rows(), layer.cols());
    let product = |factors: [u32; 3]| factors.into_iter().map(u64::from).product::<u64>();
    let folds = u64::from(layer.in_channels()).div_ceil(layer.pe().into())
        * product([layer.out_channels(), rows.kernel, cols.kernel])
            .div_ceil(u64::from(layer.simd()) * u64::from(layer.pixels()));
    let pixels = product([rows.in_size, cols.in_size, 1]);
    let is_known = layer.groups() == 1 && layer.pass() == Pass::GradInput;
    is_known.then(|| folds * pixels)
}

/// One axis of the equivalent layer, and where its outputs come from.
struct Spread {
    out_size: i64,
    pad_before: i64,
    pad_after: i64,
    /// Position of output 0 of the layer; output `p` is at `p * stride` from there.
    first: i64,
    stride: i64,
}

impl Spread {
    /// Pixel h of the layer has taps where `p * stride = h + pad_before - r * dilation`. With [`Borders::Skipped`] the
    /// new output is the left side, so the padding stays. With [`Borders::Padded`] it is
    /// `h + (kernel - 1) * dilation - r * dilation`, which is from 0 to `in_size - 1 + (kernel - 1) * dilation` at any
    /// pixel and tap.
    fn new(axis: &Axis, borders: Borders) -> Self {
        let stride = i64::from(axis.stride);
        let pad_before = i64::from(axis.pad_before);
        let reach = (i64::from(axis.kernel) - 1) * i64::from(axis.dilation);
        match borders {
            Borders::Skipped => Self {
                out_size: (i64::from(axis.out_size) - 1) * stride + 1,
                pad_before,
                pad_after: axis.pad_after.into(),
                first: 0,
                stride,
            },
            Borders::Padded => Self {
                out_size: i64::from(axis.in_size) + reach,
                pad_before: reach,
                pad_after: reach,
                first: reach - pad_before,
                stride,
            },
        }
    }

    /// Where output `p` of the layer goes, if any tap meets it there.
    fn position(&self, p: usize) -> Option<usize> {
        let position = self.first + p as i64 * self.stride;
        (0..self.out_size)
            .contains(&position)
            .then_some(position as usize)
    }
}

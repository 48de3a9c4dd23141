//! The forward convolution:
//!
//! Y[n,k,p,q] = sum over c,r,s of A[n, c, p*u_h - top + r*d_h, q*u_w - left + s*d_w] * Wt[k,c,r,s], where A is zero
//! outside of its H x W pixels.
//!
//! The rows of the output run in parallel; each adds up, weight by weight, the row of the input that it sees through it.

use ndarray::Array4;
use rayon::prelude::*;

use super::{assert_weight, batch, grad_input_shape, grad_output_shape};
use crate::layer::{Axis, Layer};

/// The output (N, K, P, Q) of input (N, C, H, W) and weight (K, C/groups, R, S).
///
/// # Panics
/// If the arrays have not the shapes of the layer.
pub fn forward(layer: &Layer, input: &Array4<i32>, weight: &Array4<i32>) -> Array4<i64> {
    let frames = batch(input, grad_input_shape(layer));
    assert_weight(weight, layer);
    let [channels, height, width] = grad_output_shape(layer);
    let in_per_group = layer.in_per_group() as usize;
    let out_per_group = layer.out_per_group() as usize;
    let [all, in_height, in_width] = grad_input_shape(layer);
    let (rows, cols) = (layer.rows(), meetings(&layer.cols()));
    let input = input.as_standard_layout();
    let input = input.as_slice().expect("in standard layout");
    let mut output = Array4::zeros((frames, channels, height, width));
    let output_rows: Vec<_> = output.rows_mut().into_iter().collect();
    output_rows
        .into_par_iter()
        .enumerate()
        .for_each(|(index, mut output_row)| {
            let (n, k, p) = (
                index / height / channels,
                index / height % channels,
                index % height,
            );
            let first = k / out_per_group * in_per_group;
            for r in 0..rows.kernel {
                let Some(h) = input_pixel(&rows, p, r) else {
                    continue;
                };
                for c in 0..in_per_group {
                    let begin = ((n * all + first + c) * in_height + h) * in_width;
                    let input_row = &input[begin..][..in_width];
                    for (s, met) in cols.iter().enumerate() {
                        let weight = i64::from(weight[[k, c, r as usize, s]]);
                        for &(q, w) in met {
                            output_row[q] += i64::from(input_row[w]) * weight;
                        }
                    }
                }
            }
        });
    output
}

/// For each tap of an axis, the outputs that see a pixel of the input through it, with that pixel.
pub(super) fn meetings(axis: &Axis) -> Vec<Vec<(usize, usize)>> {
    let through = |tap: u32| {
        let met = |out: u32| Some((out as usize, input_pixel(axis, out as usize, tap)?));
        (0..axis.out_size).filter_map(met).collect()
    };
    (0..axis.kernel).map(through).collect()
}

/// The pixel of the input that output `out` sees through `tap`; `None` in the padding.
pub(super) fn input_pixel(axis: &Axis, out: usize, tap: u32) -> Option<usize> {
    let padded = out * axis.stride as usize + tap as usize * axis.dilation as usize;
    let pixel = padded.checked_sub(axis.pad_before as usize)?;
    (pixel < axis.in_size as usize).then_some(pixel)
}

//! The forward convolution:
//!
//! Y[n,k,p,q] = sum over c,r,s of A[n, c, p*u_h - top + r*d_h, q*u_w - left + s*d_w] * Wt[k,c,r,s], where A is zero
//! outside of its H x W pixels.

use ndarray::Array4;

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
    let (rows, cols) = (layer.rows(), layer.cols());
    Array4::from_shape_fn((frames, channels, height, width), |(n, k, p, q)| {
        let first = k / out_per_group * in_per_group;
        let mut sum = 0;
        for r in 0..rows.kernel {
            for s in 0..cols.kernel {
                let (Some(h), Some(w)) = (input_pixel(&rows, p, r), input_pixel(&cols, q, s))
                else {
                    continue;
                };
                for c in 0..in_per_group {
                    sum += i64::from(input[[n, first + c, h, w]])
                        * i64::from(weight[[k, c, r as usize, s as usize]]);
                }
            }
        }
        sum
    })
}

/// The pixel of the input that output `out` sees through `tap`; `None` in the padding.
pub(super) fn input_pixel(axis: &Axis, out: usize, tap: u32) -> Option<usize> {
    let padded = out * axis.stride as usize + tap as usize * axis.dilation as usize;
    let pixel = padded.checked_sub(axis.pad_before as usize)?;
    (pixel < axis.in_size as usize).then_some(pixel)
}

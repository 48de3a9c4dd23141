//! The gradient as a sum over taps, the first form of the article:
//!
//! dA[n,c,h,w] = sum over k,r,s of dY[n, k, (h + top - r*d_h) / u_h, (w + left - s*d_w) / u_w] * Wt[k,c,r,s], where
//! both divisions are exact and both quotients lie in dY.
//!
//! This is the form that checks every simulation, so it is the fast one: channels come last, which makes the inner
//! loop a dot product of two slices, and the output rows run in parallel.

use ndarray::Array4;
use rayon::prelude::*;

use super::{assert_weight, batch, grad_input_shape, grad_output_shape};
use crate::layer::{Axis, Layer};

/// grad_input (N, C, H, W) of grad_output (N, K, P, Q) and weight (K, C/groups, R, S).
///
/// # Panics
/// If the arrays have not the shapes of the layer.
pub fn gather(layer: &Layer, grad_output: &Array4<i32>, weight: &Array4<i32>) -> Array4<i64> {
    let frames = batch(grad_output, grad_output_shape(layer));
    assert_weight(weight, layer);
    let [channels, height, width] = grad_input_shape(layer);
    let in_per_group = layer.in_per_group() as usize;
    let out_per_group = layer.out_per_group() as usize;

    // (N, P, Q, K) and (R, S, C/groups, K): slices over k are contiguous.
    let grads = grad_output.view().permuted_axes([0, 2, 3, 1]);
    let grads = grads.as_standard_layout();
    let weights = weight.view().permuted_axes([2, 3, 1, 0]);
    let weights = weights.as_standard_layout();
    let row_taps = taps_of_each_pixel(&layer.rows());
    let col_taps = taps_of_each_pixel(&layer.cols());

    let mut result = Array4::zeros((frames, channels, height, width));
    let rows: Vec<_> = result.rows_mut().into_iter().collect();
    rows.into_par_iter()
        .enumerate()
        .for_each(|(index, mut row)| {
            let h = index % height;
            let c = index / height % channels;
            let n = index / height / channels;
            let group = c / in_per_group * out_per_group;
            let k = group..group + out_per_group;
            for (sum, col_taps) in row.iter_mut().zip(&col_taps) {
                for row_tap in &row_taps[h] {
                    for col_tap in col_taps {
                        let grads =
                            grads.slice(ndarray::s![n, row_tap.out, col_tap.out, k.clone()]);
                        let weights = weights.slice(ndarray::s![
                            row_tap.tap,
                            col_tap.tap,
                            c % in_per_group,
                            k.clone()
                        ]);
                        *sum += grads
                            .iter()
                            .zip(&weights)
                            .map(|(&grad, &weight)| i64::from(grad) * i64::from(weight))
                            .sum::<i64>();
                    }
                }
            }
        });
    result
}

/// A tap of the kernel and the pixel of grad_output that it multiplies, on one axis.
struct AxisTap {
    tap: usize,
    out: usize,
}

fn taps_of_each_pixel(axis: &Axis) -> Vec<Vec<AxisTap>> {
    let stride = i64::from(axis.stride);
    let taps_of = |pixel: u32| {
        (0..axis.kernel).filter_map(move |tap| {
            let numerator = i64::from(pixel) + i64::from(axis.pad_before)
                - i64::from(tap) * i64::from(axis.dilation);
            // The remainder is zero for an exact division whatever the sign, and the quotient is then exact as well.
            let out = usize::try_from(numerator / stride).ok()?;
            (numerator % stride == 0 && out < axis.out_size as usize).then_some(AxisTap {
                tap: tap as usize,
                out,
            })
        })
    };
    (0..axis.in_size)
        .map(|pixel| taps_of(pixel).collect())
        .collect()
}

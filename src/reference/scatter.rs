//! The gradient as a sum over the pixels of grad_output, the second form of the article:
//!
//! dA[n,c,h,w] = sum over k,p,q of dY[n,k,p,q] * Wt[k, c, (h - p*u_h + top) / d_h, (w - q*u_w + left) / d_w], where
//! both divisions are exact and both quotients lie in the kernel.

use ndarray::Array4;

use super::{assert_weight, batch, grad_input_shape, grad_output_shape};
use crate::layer::{Axis, Layer};

/// grad_input (N, C, H, W) of grad_output (N, K, P, Q) and weight (K, C/groups, R, S): each gradient is added to the
/// pixels that its output was computed from.
///
/// # Panics
/// If the arrays have not the shapes of the layer.
pub fn scatter(layer: &Layer, grad_output: &Array4<i32>, weight: &Array4<i32>) -> Array4<i64> {
    let frames = batch(grad_output, grad_output_shape(layer));
    assert_weight(weight, layer);
    let [channels, height, width] = grad_input_shape(layer);
    let in_per_group = layer.in_per_group() as usize;
    let out_per_group = layer.out_per_group() as usize;
    let (rows, cols) = (layer.rows(), layer.cols());
    let mut result = Array4::zeros((frames, channels, height, width));
    for ((n, k, p, q), &grad) in grad_output.indexed_iter() {
        let group = k / out_per_group;
        for h in 0..height {
            let Some(r) = tap_between(&rows, p, h) else {
                continue;
            };
            for w in 0..width {
                let Some(s) = tap_between(&cols, q, w) else {
                    continue;
                };
                for c in 0..in_per_group {
                    let product = i64::from(grad) * i64::from(weight[[k, c, r, s]]);
                    result[[n, group * in_per_group + c, h, w]] += product;
                }
            }
        }
    }
    result
}

/// The tap through which output `out` sees input `pixel`, if there is one.
fn tap_between(axis: &Axis, out: usize, pixel: usize) -> Option<usize> {
    let distance = (pixel + axis.pad_before as usize).checked_sub(out * axis.stride as usize)?;
    let dilation = axis.dilation as usize;
    let tap = distance / dilation;
    (distance % dilation == 0 && tap < axis.kernel as usize).then_some(tap)
}

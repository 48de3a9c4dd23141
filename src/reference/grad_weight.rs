//! The weight gradient:
//!
//! dW[k,c,r,s] = sum over n,p,q of A[n, c, p*u_h - top + r*d_h, q*u_w - left + s*d_w] * dY[n,k,p,q], where A is zero
//! outside of its H x W pixels: by the chain rule, each time w_kcrs stands in the equation of an output, multiplied by a
//! pixel, it contributes that pixel times the output's gradient.

use ndarray::Array4;
use rayon::prelude::*;

use super::forward::meetings;
use super::{batch, grad_output_shape};
use crate::layer::Layer;

/// grad_weight (K, C/groups, R, S) of input (N, C, H, W) and grad_output (N, K, P, Q), summed over N. C may be of more or
/// fewer channels than the layer's, as many in each group: they do not meet.
///
/// # Panics
/// If the arrays have not the shapes of the layer.
pub fn grad_weight(layer: &Layer, input: &Array4<i32>, grad_output: &Array4<i32>) -> Array4<i64> {
    let images = batch(grad_output, grad_output_shape(layer));
    let (of_input, in_channels, height, width) = input.dim();
    let (rows, cols) = (layer.rows(), layer.cols());
    assert_eq!(
        (of_input, height, width),
        (images, rows.in_size as usize, cols.in_size as usize),
        "an array of another layer"
    );
    let in_per_group = in_channels / layer.groups() as usize;
    let out_per_group = layer.out_per_group() as usize;
    let (row_meetings, col_meetings) = (meetings(&rows), meetings(&cols));
    let shape = (
        layer.out_channels() as usize,
        in_per_group,
        rows.kernel as usize,
        cols.kernel as usize,
    );
    let (input, grad_output) = (input.as_standard_layout(), grad_output.as_standard_layout());
    let pixels = input.as_slice().expect("in standard layout");
    let grads = grad_output.as_slice().expect("in standard layout");
    let [channels, out_height, out_width] = grad_output_shape(layer);
    let mut result = Array4::zeros(shape);
    let lanes: Vec<_> = result.rows_mut().into_iter().collect();
    lanes
        .into_par_iter()
        .enumerate()
        .for_each(|(index, mut row)| {
            let (k, c, r) = (
                index / shape.2 / in_per_group,
                index / shape.2 % in_per_group,
                index % shape.2,
            );
            let channel = k / out_per_group * in_per_group + c;
            for n in 0..images {
                for &(p, h) in &row_meetings[r] {
                    let begin = ((n * in_channels + channel) * height + h) * width;
                    let pixels = &pixels[begin..][..width];
                    let begin = ((n * channels + k) * out_height + p) * out_width;
                    let grads = &grads[begin..][..out_width];
                    for (sum, met) in row.iter_mut().zip(&col_meetings) {
                        for &(q, w) in met {
                            *sum += i64::from(pixels[w]) * i64::from(grads[q]);
                        }
                    }
                }
            }
        });
    result
}

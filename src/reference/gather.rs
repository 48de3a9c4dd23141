//! The gradient as a sum over taps, the first form of the article:
//!
//! dA[n,c,h,w] = sum over k,r,s of dY[n, k, (h + top - r*d_h) / u_h, (w + left - s*d_w) / u_w] * Wt[k,c,r,s], where
//! both divisions are exact and both quotients lie in dY.
//!
//! This is the form that checks every simulation, so it is the fast one: channels come last and are 16 bits wide,
//! which makes the inner loop a dot product of two slices that compilers turn into vector instructions, and the output
//! rows run in parallel.

use ndarray::{Array4, ArrayView4};
use rayon::prelude::*;

use super::{assert_weight, batch, grad_input_shape, grad_output_shape};
use crate::layer::{Axis, IntType, Layer, Pass};

/// grad_input (N, C, H, W) of grad_output (N, K, P, Q) and weight (K, C/groups, R, S).
///
/// # Panics
/// If the arrays have not the shapes of the layer, or hold values beyond its types.
pub fn gather(layer: &Layer, grad_output: &Array4<i32>, weight: &Array4<i32>) -> Array4<i64> {
    let frames = batch(grad_output, grad_output_shape(layer));
    assert_weight(weight, layer);
    let [channels, height, width] = grad_input_shape(layer);
    let [out_channels, out_height, out_width] = grad_output_shape(layer);
    let in_per_group = layer.in_per_group() as usize;
    let out_per_group = layer.out_per_group() as usize;
    let kernel_width = layer.cols().kernel as usize;

    // (N, P, Q, K) and (R, S, C/groups, K): slices over k are contiguous.
    let grads = grad_output.view().permuted_axes([0, 2, 3, 1]);
    let grad_type = match layer.pass() {
        // A zero point was subtracted.
        Pass::GradInput => layer.centred_type(),
        Pass::Forward | Pass::GradWeight => layer.grad_type(),
    };
    let grads = narrowed(grads, grad_type);
    let weights = weight.view().permuted_axes([2, 3, 1, 0]);
    let weights = narrowed(weights, layer.weight_type());
    let run = safe_run(grad_type, layer.weight_type());
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
            let (group, c) = (c / in_per_group, c % in_per_group);
            let of_group = |slices: usize| slices * out_channels + group * out_per_group;
            for row_tap in &row_taps[h] {
                let grad_row = (n * out_height + row_tap.out) * out_width;
                let weight_row = row_tap.tap * kernel_width;
                for (sum, col_taps) in row.iter_mut().zip(&col_taps) {
                    for col_tap in col_taps {
                        let grads = &grads[of_group(grad_row + col_tap.out)..][..out_per_group];
                        let tap = weight_row + col_tap.tap;
                        let weights = &weights[of_group(tap * in_per_group + c)..][..out_per_group];
                        *sum += dot(grads, weights, run);
                    }
                }
            }
        });
    result
}

/// The values in the order of the view's indices.
fn narrowed(values: ArrayView4<i32>, int_type: IntType) -> Vec<i16> {
    let range = int_type.min()..=int_type.max();
    let narrow = |&value: &i32| {
        assert!(range.contains(&value), "{value} is no {int_type}");
        value as i16
    };
    values.iter().map(narrow).collect()
}

/// Products whose sum, with a sign, certainly fits 32 bits: each is at most 2^(bits + bits - 2).
fn safe_run(grad_type: IntType, weight_type: IntType) -> usize {
    i32::MAX as usize >> (grad_type.bits() + weight_type.bits() - 2)
}

/// The exact sum of the products, added up in 32 bits for `run` products at a time.
fn dot(grads: &[i16], weights: &[i16], run: usize) -> i64 {
    let product = |(&grad, &weight)| i32::from(grad) * i32::from(weight);
    grads
        .chunks(run)
        .zip(weights.chunks(run))
        .map(|(grads, weights)| i64::from(grads.iter().zip(weights).map(product).sum::<i32>()))
        .sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_values_are_summed_exactly() {
        let wide: IntType = "int16".parse().unwrap();
        let narrow: IntType = "int8".parse().unwrap();
        assert_eq!(safe_run(wide, wide), 1);
        assert_eq!(safe_run(narrow, narrow), (1 << 17) - 1);
        let lowest = [i16::MIN; 1000];
        assert_eq!(dot(&lowest, &lowest, safe_run(wide, wide)), 1000 << 30);
        let lowest = vec![-128; 1 << 18];
        assert_eq!(dot(&lowest, &lowest, safe_run(narrow, narrow)), 1 << 32);
    }
}

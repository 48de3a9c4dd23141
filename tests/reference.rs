//! The references against each other and against the mathematics, on random layers.

use bpa_engine::bound;
use bpa_engine::layer::{Axis, Layer, LayerFile, PerItem};
use bpa_engine::reference::{forward, gather, grad_input_shape, grad_weight, scatter, terms};
use bpa_engine::vectors::{random_moving, random_stationary};
use ndarray::Array4;
use proptest::prelude::*;

/// One axis of a layer file: in_size, kernel, stride, dilation, padding before and after, and out_size counted from
/// the greatest down.
#[derive(Clone, Debug)]
struct RawAxis {
    in_size: i64,
    kernel: i64,
    stride: i64,
    dilation: i64,
    padding: [i64; 2],
    fewer: i64,
}

impl RawAxis {
    /// P or Q by the formula, at most as much as `fewer` takes off it.
    fn out_size(&self) -> i64 {
        let padded = self.in_size + self.padding[0] + self.padding[1];
        let formula = (padded - self.dilation * (self.kernel - 1) - 1).div_euclid(self.stride) + 1;
        if formula < 1 {
            formula
        } else {
            (formula - self.fewer).max(1)
        }
    }
}

/// Padding up to 7 is often above (kernel - 1) * dilation, and stride up to 4 often above the kernel.
fn axis() -> impl Strategy<Value = RawAxis> {
    (
        1..=9_i64,
        1..=4_i64,
        1..=4_i64,
        1..=3_i64,
        [0..=7_i64, 0..=7],
        0..=2_i64,
    )
        .prop_map(
            |(in_size, kernel, stride, dilation, padding, fewer)| RawAxis {
                in_size,
                kernel,
                stride,
                dilation,
                padding,
                fewer,
            },
        )
        .prop_filter("the kernel fits", |axis| axis.out_size() >= 1)
}

/// Groups, C/groups and K/groups: dense, grouped, and depthwise with a multiplier.
fn channels() -> impl Strategy<Value = [i64; 3]> {
    prop_oneof![
        [1..=1_i64, 1..=4, 1..=4],
        [2..=3_i64, 2..=3, 1..=3],
        [2..=4_i64, 1..=1, 1..=3],
    ]
}

fn layer() -> impl Strategy<Value = Layer> {
    (axis(), axis(), channels()).prop_map(|(rows, cols, [groups, in_per_group, out_per_group])| {
        let mut file = LayerFile::default();
        let geometry = &mut file.layer;
        geometry.in_channels = Some(groups * in_per_group);
        geometry.out_channels = Some(groups * out_per_group);
        geometry.in_size = Some(PerItem([rows.in_size, cols.in_size]));
        geometry.kernel = Some(PerItem([rows.kernel, cols.kernel]));
        geometry.stride = PerItem([rows.stride, cols.stride]);
        geometry.dilation = PerItem([rows.dilation, cols.dilation]);
        let ([top, bottom], [left, right]) = (rows.padding, cols.padding);
        geometry.padding = PerItem([top, bottom, left, right]);
        geometry.groups = groups;
        geometry.out_size = Some(PerItem([rows.out_size(), cols.out_size()]));
        file.validate().unwrap()
    })
}

/// Any numbers of the shape of the forward input.
fn input(layer: &Layer, frames: usize) -> Array4<i32> {
    let [c, h, w] = grad_input_shape(layer);
    Array4::from_shape_fn((frames, c, h, w), |(n, c, h, w)| {
        (n * 37 + c * 101 + h * 13 + w * 29) as i32 % 255 - 127
    })
}

fn inner_product<A, B>(left: &Array4<A>, right: &Array4<B>) -> i64
where
    A: Copy + Into<i64>,
    B: Copy + Into<i64>,
{
    assert_eq!(left.shape(), right.shape());
    left.iter()
        .zip(right)
        .map(|(&a, &b)| a.into() * b.into())
        .sum()
}

/// Taps of an axis, counted pixel by pixel with the divisions of the gather equation.
fn taps_by_pixel(axis: Axis) -> u64 {
    let taps = |pixel: i64| {
        (0..i64::from(axis.kernel))
            .map(|tap| pixel + i64::from(axis.pad_before) - tap * i64::from(axis.dilation))
            .filter(|numerator| numerator % i64::from(axis.stride) == 0)
            .map(|numerator| numerator / i64::from(axis.stride))
            .filter(|out| (0..i64::from(axis.out_size)).contains(out))
            .count() as u64
    };
    (0..i64::from(axis.in_size)).map(taps).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn both_forms_are_equal(layer in layer(), seed: u64) {
        let grads = random_moving(&layer, 2, seed);
        let weight = random_stationary(&layer, seed);
        prop_assert_eq!(gather(&layer, &grads, &weight), scatter(&layer, &grads, &weight));
    }

    /// What makes it the gradient: the forward convolution is linear, and this is its transpose.
    #[test]
    fn the_gradient_is_the_transpose_of_the_forward_convolution(layer in layer(), seed: u64) {
        let grads = random_moving(&layer, 2, seed);
        let weight = random_stationary(&layer, seed);
        let input = input(&layer, 2);
        let output = forward(&layer, &input, &weight);
        let grad_input = gather(&layer, &grads, &weight);
        prop_assert_eq!(inner_product(&output, &grads), inner_product(&input, &grad_input));
    }

    /// One bilinear form, seen from each of its three arrays: <conv(x, w), dy> = <x, grad_input> = <w, grad_weight>.
    #[test]
    fn the_three_passes_are_of_one_bilinear_form(layer in layer(), seed: u64) {
        let grads = random_moving(&layer, 3, seed);
        let weight = random_stationary(&layer, seed);
        let input = input(&layer, 3);
        let loss = inner_product(&forward(&layer, &input, &weight), &grads);
        prop_assert_eq!(inner_product(&input, &gather(&layer, &grads, &weight)), loss);
        prop_assert_eq!(inner_product(&weight, &grad_weight(&layer, &input, &grads)), loss);
    }

    /// Each pass is linear in each of its arrays.
    #[test]
    fn each_pass_is_linear(layer in layer(), seed: u64, a in -9..=9_i32, b in -9..=9_i32) {
        let combined = |x: &Array4<i32>, y: &Array4<i32>| x * a + y * b;
        let expected = |x: Array4<i64>, y: Array4<i64>| x * i64::from(a) + y * i64::from(b);
        let [dy, dy2] = [0, 1].map(|n| random_moving(&layer, 2, seed.wrapping_add(n)));
        let [w, w2] = [0, 1].map(|n| random_stationary(&layer, seed.wrapping_add(n)));
        let x = input(&layer, 2);
        let x2 = x.mapv(|value| 3 - value / 2);
        let both = [
            (forward(&layer, &combined(&x, &x2), &w), forward(&layer, &x, &w), forward(&layer, &x2, &w)),
            (forward(&layer, &x, &combined(&w, &w2)), forward(&layer, &x, &w), forward(&layer, &x, &w2)),
            (
                grad_weight(&layer, &combined(&x, &x2), &dy),
                grad_weight(&layer, &x, &dy),
                grad_weight(&layer, &x2, &dy),
            ),
            (
                grad_weight(&layer, &x, &combined(&dy, &dy2)),
                grad_weight(&layer, &x, &dy),
                grad_weight(&layer, &x, &dy2),
            ),
            (
                scatter(&layer, &combined(&dy, &dy2), &w),
                scatter(&layer, &dy, &w),
                scatter(&layer, &dy2, &w),
            ),
        ];
        for (of_both, one, other) in both {
            prop_assert_eq!(of_both, expected(one, other));
        }
    }

    /// With all values 1, a pixel's gradient counts its terms, and the sum of all counts the multiplications.
    #[test]
    fn terms_and_useful_macs_count_the_same(layer in layer()) {
        let ones = |shape: &[usize]| Array4::ones([shape[0], shape[1], shape[2], shape[3]]);
        let grads = ones(random_moving(&layer, 1, 0).shape());
        let weight = ones(random_stationary(&layer, 0).shape());
        let grad_input = gather(&layer, &grads, &weight);
        for ((_, _, h, w), &count) in grad_input.indexed_iter() {
            let terms = terms(&layer, h as u32, w as u32).len() as i64;
            prop_assert_eq!(count, terms * i64::from(layer.out_per_group()));
        }
        prop_assert_eq!(grad_input.sum(), bound::useful_macs(&layer) as i64);
        for axis in [layer.rows(), layer.cols()] {
            prop_assert_eq!(bound::axis_taps(&axis), taps_by_pixel(axis));
        }
    }

    #[test]
    fn a_layer_survives_its_file(layer in layer()) {
        prop_assert_eq!(layer.to_file().validate().unwrap(), layer);
    }
}

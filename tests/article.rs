//! The article's two worked examples: the gradient of every pixel as the list of terms that the article gives, in its
//! words, and the program's own derivation compared with it.
//!
//! The article has four slips. Three are in the tables and corrected there, each with its derivation from the forward
//! equations that the article prints above its table. The fourth is in no table: figures 3 and 4, in the section on
//! dilation, are captioned "Convolution with Stride=2". The section's text and equations have stride 1 and dilation 2
//! (Y00 reads x00, x02, x20, x22 and Y01 is one pixel to its right), which is what `dilated` below is.

use bpa_engine::layer::{Layer, LayerFile, PerItem};
use bpa_engine::reference::terms;

/// Section 1.1: 5x5 input, 3x3 kernel, stride 2, 2x2 output.
const STRIDED: &str = "
x00 = Y00*w00
x01 = Y00*w01
x02 = Y00*w02 + Y01*w00
x03 = Y01*w01
x04 = Y01*w02

x10 = Y00*w10
x11 = Y00*w11
x12 = Y00*w12 + Y01*w10
x13 = Y01*w11
x14 = Y01*w12

x20 = Y00*w20 + Y10*w00
x21 = Y00*w21 + Y10*w01
x22 = Y00*w22 + Y01*w20 + Y10*w02 + Y11*w00
x23 = Y01*w21 + Y11*w01
x24 = Y01*w22 + Y11*w02

x30 = Y10*w10
x31 = Y10*w11
x32 = Y10*w12 + Y11*w10
x33 = Y11*w11
x34 = Y11*w12

x40 = Y10*w20
x41 = Y10*w21
x42 = Y10*w22 + Y11*w20
x43 = Y11*w21
x44 = Y11*w22
";
// Corrected: x22. The article has Y00*w22 + Y01*w20 + Y11*w00. Its forward equations hold x22 four times, in
//   Y00 = ... + x22*w22,  Y01 = ... + x22*w20 + ...,  Y10 = ... + x22*w02 + ...,  Y11 = x22*w00 + ...,
// so that Y10*w02 is missing.

/// Section 1.2: 5x5 input, 2x2 kernel, dilation 2, 3x3 output.
const DILATED: &str = "
x00 = Y00*w00
x01 = Y01*w00
x02 = Y00*w01 + Y02*w00
x03 = Y01*w01
x04 = Y02*w01

x10 = Y10*w00
x11 = Y11*w00
x12 = Y10*w01 + Y12*w00
x13 = Y11*w01
x14 = Y12*w01

x20 = Y00*w10 + Y20*w00
x21 = Y01*w10 + Y21*w00
x22 = Y00*w11 + Y02*w10 + Y20*w01 + Y22*w00
x23 = Y01*w11 + Y21*w01
x24 = Y02*w11 + Y22*w01

x30 = Y10*w10
x31 = Y11*w10
x32 = Y12*w10 + Y10*w11
x33 = Y11*w11
x34 = Y12*w11

x40 = Y20*w10
x41 = Y21*w10
x42 = Y22*w10 + Y20*w11
x43 = Y21*w11
x44 = Y22*w11
";
// Corrected: x22. The article has Y00*w11 + Y02*w10 + Y22*w00. Its forward equations hold x22 four times, in
//   Y00 = ... + x22*w11,  Y02 = ... + x22*w10 + ...,  Y20 = ... + x22*w01 + ...,  Y22 = x22*w00 + ...,
// so that Y20*w01 is missing.
//
// Corrected: x24. The article has Y02*w11 + Y11*w01. Its forward equations hold x24 twice, in
//   Y02 = ... + x24*w11,  Y22 = ... + x24*w01 + ...,
// while Y11 = x11*w00 + x13*w01 + x31*w10 + x33*w11 does not hold it: Y22*w01 is meant where Y11*w01 stands.

#[test]
fn strided_example() {
    let mut file = example(3);
    file.layer.stride = PerItem([2, 2]);
    compare(&file, [2, 2], STRIDED);
}

#[test]
fn dilated_example() {
    let mut file = example(2);
    file.layer.dilation = PerItem([2, 2]);
    compare(&file, [3, 3], DILATED);
}

fn example(kernel: i64) -> LayerFile {
    let mut file = LayerFile::default();
    file.layer.in_channels = Some(1);
    file.layer.out_channels = Some(1);
    file.layer.in_size = Some(PerItem([5, 5]));
    file.layer.kernel = Some(PerItem([kernel, kernel]));
    file
}

fn compare(file: &LayerFile, out_size: [u32; 2], table: &str) {
    let layer = file.validate().unwrap();
    assert_eq!([layer.rows().out_size, layer.cols().out_size], out_size);
    let equations: Vec<&str> = table.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(equations.len(), 25, "one equation for each pixel");
    for (equation, pixel) in equations.iter().zip(0..) {
        let (h, w) = (pixel / 5, pixel % 5);
        let (left, right) = equation.split_once(" = ").unwrap();
        assert_eq!(left, format!("x{h}{w}"));
        // The article does not keep to one order within a sum.
        let mut expected: Vec<&str> = right.split(" + ").collect();
        expected.sort();
        assert_eq!(derived(&layer, h, w), expected, "dL/d{left}");
    }
}

fn derived(layer: &Layer, h: u32, w: u32) -> Vec<String> {
    let mut derived: Vec<String> = terms(layer, h, w).iter().map(ToString::to_string).collect();
    derived.sort();
    derived
}

//! What becomes of the sums behind the accumulators, value by value:
//!
//! v = sum, plus the channel's bias, plus the value from outside; zero where the mask says so; times the scale, over
//! 2^shift, rounded; plus the zero point; cut to the range of the output's type, and then to the activation's bounds.

use ndarray::{Array1, Array4, Axis};

use crate::arrays::StageArrays;
use crate::layer::{Layer, Requantise, Rounding, ScalePer};

/// What leaves the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// By frames: (frame, channel, row, column).
    pub result: Array4<i64>,
    /// Values that were outside the range of the output's type.
    pub saturations: u64,
}

/// What becomes of the sums, by frames: (frame, channel, row, column).
///
/// # Panics
/// If an array that the layer needs is missing or has another shape.
pub fn finish(layer: &Layer, sums: &Array4<i64>, arrays: &StageArrays) -> Finished {
    Finisher::new(layer, arrays.rounding_seed).next(sums.clone(), arrays)
}

/// [`finish`] for a run of frames in parts: stochastic rounding goes on from one to the next.
pub struct Finisher<'a> {
    layer: &'a Layer,
    draws: Draws<'a>,
}

impl<'a> Finisher<'a> {
    /// Begins with the first frame; `rounding_seed` is where stochastic rounding begins.
    pub fn new(layer: &'a Layer, rounding_seed: u32) -> Self {
        Self {
            layer,
            draws: Draws::new(layer, rounding_seed),
        }
    }

    /// What becomes of the sums of the next frames; `arrays` are theirs.
    ///
    /// # Panics
    /// As [`finish`].
    pub fn next(&mut self, sums: Array4<i64>, arrays: &StageArrays) -> Finished {
        let layer = self.layer;
        assert_eq!(sums.shape()[1..], layer.operation().result_shape());
        let mut values = sums;
        if layer.bias() {
            let bias = arrays.bias.as_ref().expect("biases");
            let channels = values.axis_iter_mut(Axis(1));
            assert_eq!(channels.len(), bias.len(), "biases of another layer");
            for (mut channel, bias) in channels.zip(bias) {
                channel += *bias;
            }
        }
        if layer.accumulate() {
            values += arrays.accumulate.as_ref().expect("values to add");
        }
        if layer.mask() {
            let mask = arrays.mask.as_ref().expect("a mask");
            assert_eq!(mask.shape(), values.shape(), "the mask of another batch");
            values.zip_mut_with(mask, |value, &kept| *value *= i64::from(kept));
        }
        match layer.requantise() {
            None => Finished {
                result: values,
                saturations: 0,
            },
            Some(requantise) => {
                let scale = arrays.scale.as_ref().expect("scales");
                requantised(&mut self.draws, &requantise, &values, scale)
            }
        }
    }
}

fn requantised(
    draws: &mut Draws,
    requantise: &Requantise,
    values: &Array4<i64>,
    scale: &Array1<i32>,
) -> Finished {
    let (least, greatest) = (requantise.out_type.min(), requantise.out_type.max());
    let [lower, upper] = requantise.bounds.map(i64::from);
    let mut saturations = 0;
    let mut result = Array4::zeros(values.raw_dim());
    let (frames, channels, height, width) = values.dim();
    // The engine's lanes draw pixel by pixel.
    for n in 0..frames {
        for h in 0..height {
            for w in 0..width {
                draws.at_column(w);
                for c in 0..channels {
                    let factor = match requantise.scale_per {
                        ScalePer::Tensor => scale[0],
                        ScalePer::Channel => scale[c],
                    };
                    let product = i128::from(values[[n, c, h, w]]) * i128::from(factor);
                    let draw = || draws.of(c);
                    let rounded = rounded(product, requantise.shift, requantise.rounding, draw);
                    let value = rounded + i128::from(requantise.zero_point);
                    let cut = value.clamp(least.into(), greatest.into());
                    saturations += u64::from(cut != value);
                    result[[n, c, h, w]] = (cut as i64).clamp(lower, upper);
                }
            }
        }
    }
    Finished {
        result,
        saturations,
    }
}

/// `product` / 2^`shift`, rounded; `draw` gives 32 random bits.
fn rounded(product: i128, shift: u32, rounding: Rounding, draw: impl FnOnce() -> u32) -> i128 {
    let unit = 1_i128 << shift;
    let below = product.div_euclid(unit);
    let fraction = product.rem_euclid(unit);
    let up = match rounding {
        Rounding::Floor => false,
        Rounding::NearestEven => {
            2 * fraction > unit || (2 * fraction == unit && below.rem_euclid(2) == 1)
        }
        // Up if fraction/unit is above a number drawn from (0, 1].
        Rounding::Stochastic => fraction + i128::from(draw() >> (32 - shift)) >= unit,
    };
    below + i128::from(up)
}

/// The random numbers of all lanes. A lane draws once for each beat of results, in the order of the stream:
/// pixel by pixel, and within a pixel group by group and block of channels by block. Lanes over pixels have their own.
struct Draws<'a> {
    layer: &'a Layer,
    lanes: Vec<u32>,
    /// Of the present pixels, by beat and lane.
    pixel: Vec<Vec<u32>>,
    /// Which of these pixels is the present one.
    column: usize,
}

impl<'a> Draws<'a> {
    fn new(layer: &'a Layer, seed: u32) -> Self {
        Draws {
            layer,
            lanes: (0..layer.pixels() * layer.pe())
                .map(|lane| first_state(seed, lane))
                .collect(),
            pixel: Vec::new(),
            column: 0,
        }
    }

    /// At the next column; a beat has several where there are lanes over pixels, those beyond a row's end included.
    fn at_column(&mut self, column: usize) {
        self.column = column % self.layer.pixels() as usize;
        if self.column > 0 {
            return;
        }
        self.pixel = (0..self.layer.operation().result_beats_per_pixel())
            .map(|_| {
                let drawn = self.lanes.clone();
                self.lanes.iter_mut().for_each(|x| *x = xorshift(*x));
                drawn
            })
            .collect();
    }

    /// The number of channel `c`.
    fn of(&self, c: usize) -> u32 {
        let pe = self.layer.pe() as usize;
        let (beat, lane) = if self.layer.operation().depthwise {
            (c / pe, c % pe)
        } else {
            let in_group = self.layer.operation().result_per_group as usize;
            let blocks = in_group.div_ceil(pe);
            let (group, c) = (c / in_group, c % in_group);
            (group * blocks + c / pe, c % pe)
        };
        self.pixel[beat][self.column * pe + lane]
    }
}

/// The state of a lane's generator in reset: seed and lane combined, bits in reverse, the lowest one.
fn first_state(seed: u32, lane: u32) -> u32 {
    let key = (lane + 1).wrapping_mul(0x9e37_79b9);
    (seed ^ key).reverse_bits() | 1
}

/// Marsaglia's generator of period 2^32 - 1.
fn xorshift(mut x: u32) -> u32 {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(product: i128, shift: u32) -> i128 {
        rounded(product, shift, Rounding::NearestEven, || unreachable!())
    }

    #[test]
    fn halves_go_to_the_even_integer() {
        let halves: Vec<i128> = (-7..=7).step_by(2).map(|x| nearest(x, 1)).collect();
        assert_eq!(halves, [-4, -2, -2, 0, 0, 2, 2, 4]);
        let quarters: Vec<i128> = (-6..=6).map(|x| nearest(x, 2)).collect();
        assert_eq!(quarters, [-2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2]);
        assert_eq!(nearest(-3, 0), -3);
    }

    #[test]
    fn floor_goes_down() {
        let floor = |x| rounded(x, 2, Rounding::Floor, || unreachable!());
        assert_eq!([-5, -4, -1, 0, 3, 4].map(floor), [-2, -1, -1, 0, 0, 1]);
    }

    /// The mean error of 100,000 draws and its standard error.
    fn mean_error(seed: u32, lane: u32, shift: u32) -> (f64, f64) {
        const DRAWS: i128 = 100_000;
        let unit = (1_i128 << shift) as f64;
        let mut state = first_state(seed, lane);
        let (mut sum, mut squares) = (0.0, 0.0);
        for index in 0..DRAWS {
            let product = (index - DRAWS / 2) * 0x9e37_79b9;
            let result = rounded(product, shift, Rounding::Stochastic, || state);
            state = xorshift(state);
            let error = result as f64 - product as f64 / unit;
            assert!(error.abs() < 1.0);
            sum += error;
            squares += error * error;
        }
        let count = DRAWS as f64;
        let mean = sum / count;
        (mean, (squares / count - mean * mean).sqrt() / count.sqrt())
    }

    /// Over many seeds, lanes and shifts the mean error is zero within its standard error: in units of that, its square
    /// is one on average, and none is far out.
    #[test]
    fn the_mean_of_stochastic_rounding_is_exact() {
        let mut squares = Vec::new();
        for shift in [1, 2, 4, 8, 15, 24, 32] {
            for (seed, lane) in [(0, 0), (1, 0), (2, 5), (3, 63), (1 << 30, 1)] {
                let (mean, standard_error) = mean_error(seed, lane, shift);
                let off = mean / standard_error;
                assert!(
                    off.abs() < 3.5,
                    "seed {seed}, lane {lane}, shift {shift}: {off} standard errors"
                );
                squares.push(off * off);
            }
        }
        let mean_square = squares.iter().sum::<f64>() / squares.len() as f64;
        assert!((0.5..1.5).contains(&mean_square), "{mean_square}");
    }
}

//! Real numbers as integers of 8 bits, in a unit that all values of an array share.

use ndarray::{Array, Array4, Dimension};
use rand::Rng;

use super::data::WHITE;

/// The greatest value; the range is symmetric, so that no sign is favoured.
pub const GREATEST: i32 = 127;
/// The finest unit of weights is one over this: the gradient of a skip connection, multiplied by it, is then far within
/// the range of what an engine adds.
const FINEST: f32 = 4096.0;

/// Integers, and the value of one.
#[derive(Clone)]
pub struct Quantised {
    pub values: Array4<i32>,
    pub unit: f64,
}

impl Quantised {
    pub fn to_real(&self) -> Array4<f32> {
        self.values
            .mapv(|value| (f64::from(value) * self.unit) as f32)
    }
}

/// Pixels, which are multiples of a sixteenth, as they are.
pub fn pixels(images: &Array4<f32>) -> Quantised {
    let unit = 1.0 / WHITE;
    Quantised {
        values: images.mapv(|pixel| (pixel * WHITE).round() as i32),
        unit: unit.into(),
    }
}

/// Rounds up or down at random, such that the mean is right.
pub fn stochastic(reals: &Array4<f32>, rng: &mut impl Rng) -> Quantised {
    let unit = match greatest(reals) / GREATEST as f32 {
        unit if unit.is_normal() => unit,
        // All are zeros, or no numbers any more.
        _ => 1.0,
    };
    let values = reals.mapv(|real| {
        let below = (real / unit + rng.random::<f32>()).floor();
        (below as i32).clamp(-GREATEST, GREATEST)
    });
    Quantised {
        values,
        unit: unit.into(),
    }
}

/// Weights to the nearest integer, and how many units make 1. That is an integer as well: a gradient that goes around
/// the weights is then exact in the unit of one that went through them.
pub fn weights(reals: &Array4<f32>) -> (Array4<i32>, i32) {
    let per_one = (GREATEST as f32 / greatest(reals)).floor();
    let per_one = per_one.clamp(1.0, FINEST);
    let values = reals.mapv(|real| {
        let nearest = (real * per_one).round_ties_even() as i32;
        nearest.clamp(-GREATEST, GREATEST)
    });
    (values, per_one as i32)
}

fn greatest<D: Dimension>(reals: &Array<f32, D>) -> f32 {
    reals.fold(0.0, |most, real| most.max(real.abs()))
}

//! Random arrays, the same for a seed on every platform.

use ndarray::{Array1, Array4};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::beats::{accumulate_value_bits, bias_count, scale_count};
use crate::arrays::{Batch, StageArrays};
use crate::layer::{IntType, Layer};
use crate::operands::{stationary_of, stationary_shape};
use crate::plan::Plan;

/// Arrays of one seed are independent of each other: each has a stream of numbers of its own.
const MOVING: u64 = 0;
const STATIONARY: u64 = 1;
const ACCUMULATE: u64 = 2;
const MASK: u64 = 3;
const SCALE: u64 = 4;
const BIAS: u64 = 5;

/// Frames of what moves, uniform over the range of its type.
pub fn random_moving(layer: &Layer, frames: usize, seed: u64) -> Array4<i32> {
    let [channels, height, width] = layer.operation().moving_shape();
    let rng = &mut generator(seed, MOVING);
    uniform([frames, channels, height, width], layer.moving_type(), rng)
}

/// A stationary set, uniform over the range of its type.
pub fn random_stationary(layer: &Layer, seed: u64) -> Array4<i32> {
    let rng = &mut generator(seed, STATIONARY);
    let array = uniform(stationary_shape(layer), layer.stationary_type(), rng);
    stationary_of(layer, array)
}

/// What the layer's stages need for a batch. Scales are such that most results fit the output's type, and some do not;
/// values to add are spread like the gradients' sums, and over their whole range now and then.
pub fn random_stage_arrays(plan: &Plan, frames: usize, seed: u64) -> StageArrays {
    RandomFrames::new(plan, seed).stages(frames)
}

/// Of these what is given once, for all frames: biases, scales, and where rounding begins.
pub fn random_channel_arrays(layer: &Layer, seed: u64) -> StageArrays {
    let mut rng = generator(seed, SCALE);
    let scale = layer.requantise().map(|requantise| {
        let (least, greatest) = (requantise.scale_type.min(), requantise.scale_type.max());
        Array1::from_shape_simple_fn(scale_count(layer), || {
            // Scales of every magnitude.
            let narrow = rng.random_range(0..requantise.scale_type.bits());
            rng.random_range(least >> narrow..=greatest >> narrow)
        })
    });
    StageArrays {
        bias: biases(layer, seed),
        scale,
        accumulate: None,
        mask: None,
        rounding_seed: rng.random_range(0..1 << 31),
    }
}

/// All that is random of a run, frames in parts: those of a seed are the same however they are parted.
pub struct RandomFrames<'a> {
    plan: &'a Plan,
    moving: ChaCha8Rng,
    accumulate: ChaCha8Rng,
    mask: ChaCha8Rng,
    once: StageArrays,
}

impl<'a> RandomFrames<'a> {
    /// Those of the plan's engine, drawn from `seed`.
    pub fn new(plan: &'a Plan, seed: u64) -> Self {
        Self {
            plan,
            moving: generator(seed, MOVING),
            accumulate: generator(seed, ACCUMULATE),
            mask: generator(seed, MASK),
            once: random_channel_arrays(plan.layer(), seed),
        }
    }

    /// The next frames.
    pub fn next(&mut self, frames: usize) -> Batch {
        Batch {
            moving: self.moving(frames),
            stages: self.stages(frames),
        }
    }

    fn stages(&mut self, frames: usize) -> StageArrays {
        StageArrays {
            accumulate: self.accumulate(frames),
            mask: self.mask(frames),
            ..self.once.clone()
        }
    }

    /// What is given once, for all frames.
    pub fn once(&self) -> StageArrays {
        self.once.clone()
    }

    /// Of the next frames, what moves alone: each of these three goes on by itself.
    pub fn moving(&mut self, frames: usize) -> Array4<i32> {
        let layer = self.plan.layer();
        let [channels, height, width] = layer.operation().moving_shape();
        let shape = [frames, channels, height, width];
        uniform(shape, layer.moving_type(), &mut self.moving)
    }

    /// What is added to the results, where the layer has that.
    pub fn accumulate(&mut self, frames: usize) -> Option<Array4<i64>> {
        let layer = self.plan.layer();
        let [c, h, w] = layer.operation().result_shape();
        let all_bits = accumulate_value_bits(self.plan);
        let rng = &mut self.accumulate;
        let value = || spread(all_bits, rng);
        layer
            .accumulate()
            .then(|| Array4::from_shape_simple_fn((frames, c, h, w), value))
    }

    /// What is kept of the results, where the layer has that.
    pub fn mask(&mut self, frames: usize) -> Option<Array4<bool>> {
        let layer = self.plan.layer();
        let [c, h, w] = layer.operation().result_shape();
        let rng = &mut self.mask;
        let kept = || rng.random_range(0..4) != 0;
        layer
            .mask()
            .then(|| Array4::from_shape_simple_fn((frames, c, h, w), kept))
    }
}

/// Spread like the sums, and over their whole range now and then.
fn biases(layer: &Layer, seed: u64) -> Option<Array1<i64>> {
    let rng = &mut generator(seed, BIAS);
    let all_bits = layer.bias_bits()?;
    Some(Array1::from_shape_simple_fn(bias_count(layer), || {
        spread(all_bits, rng)
    }))
}

/// A signed number of half as many bits, and of all of them now and then.
fn spread(all_bits: u32, rng: &mut ChaCha8Rng) -> i64 {
    let bits = match rng.random_range(0..8) {
        0 => all_bits,
        _ => all_bits.div_ceil(2),
    };
    let greatest = i64::MAX >> (64 - bits);
    rng.random_range(!greatest..=greatest)
}

fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

fn uniform(shape: [usize; 4], int_type: IntType, rng: &mut ChaCha8Rng) -> Array4<i32> {
    let range = int_type.min()..=int_type.max();
    Array4::from_shape_simple_fn(shape, || rng.random_range(range.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{LayerFile, PerItem};

    #[test]
    fn arrays_depend_on_the_seed_alone_and_reach_both_ends() {
        let mut file = LayerFile::default();
        file.layer.in_channels = Some(3);
        file.layer.out_channels = Some(3);
        file.layer.in_size = Some(PerItem([8, 8]));
        file.layer.kernel = Some(PerItem([1, 1]));
        file.engine.grad_type = "int3".to_owned();
        let layer = file.validate().unwrap();
        let grads = random_moving(&layer, 2, 1);
        assert_eq!(grads, random_moving(&layer, 2, 1));
        assert_ne!(grads, random_moving(&layer, 2, 2));
        assert_eq!(grads.iter().min(), Some(&-4));
        assert_eq!(grads.iter().max(), Some(&3));
        // In parts they are the same.
        let plan = Plan::new(&layer);
        let mut parts = RandomFrames::new(&plan, 1);
        for part in [0..1, 1..2] {
            let expected = grads.slice(ndarray::s![part, .., .., ..]);
            assert_eq!(parts.next(1).moving, expected);
        }
        // Written out so that a change of the generator, which would change every recorded failure, does not pass
        // unnoticed.
        assert_eq!(
            random_stationary(&layer, 7).as_slice().unwrap(),
            [40, 125, -101, -126, 119, 56, -14, 7, 45]
        );
    }
}

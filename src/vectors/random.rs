//! Random arrays, the same for a seed on every platform.

use ndarray::{Array1, Array4};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::beats::scale_count;
use crate::interface;
use crate::layer::{IntType, Layer};
use crate::plan::Plan;
use crate::reference::{grad_input_shape, grad_output_shape, weight_shape, StageArrays};

/// A batch of grad_output (N, K, P, Q), uniform over the range of its type.
pub fn random_grad_output(layer: &Layer, frames: usize, seed: u64) -> Array4<i32> {
    let [k, p, q] = grad_output_shape(layer);
    random([frames, k, p, q], layer.grad_type(), seed, 0)
}

/// A weight array (K, C/groups, R, S), uniform over the range of its type.
pub fn random_weight(layer: &Layer, seed: u64) -> Array4<i32> {
    random(weight_shape(layer), layer.weight_type(), seed, 1)
}

/// What the layer's stages need for a batch. Scales are such that most results fit the output's type, and some do not;
/// values to add are spread like the gradients' sums, and over their whole range now and then.
pub fn random_stage_arrays(plan: &Plan, frames: usize, seed: u64) -> StageArrays {
    let layer = plan.layer();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(2);
    let [c, h, w] = grad_input_shape(layer);
    let shape = (frames, c, h, w);
    let bits = interface::accumulate_value_bits(plan);
    let accumulate = layer.accumulate().then(|| {
        Array4::from_shape_simple_fn(shape, || {
            let bits = if rng.random_range(0..8) == 0 {
                bits
            } else {
                bits.div_ceil(2)
            };
            let greatest = i64::MAX >> (64 - bits);
            rng.random_range(!greatest..=greatest)
        })
    });
    rng.set_stream(3);
    let mask = layer
        .mask()
        .then(|| Array4::from_shape_simple_fn(shape, || rng.random_range(0..4) != 0));
    rng.set_stream(4);
    let scale = layer.requantise().map(|requantise| {
        let (least, greatest) = (requantise.scale_type.min(), requantise.scale_type.max());
        Array1::from_shape_simple_fn(scale_count(layer), || {
            // Scales of every magnitude.
            let narrow = rng.random_range(0..requantise.scale_type.bits());
            rng.random_range(least >> narrow..=greatest >> narrow)
        })
    });
    StageArrays {
        scale,
        accumulate,
        mask,
        rounding_seed: rng.random_range(0..1 << 31),
    }
}

/// `stream` makes arrays of one seed independent of each other.
fn random(shape: [usize; 4], int_type: IntType, seed: u64, stream: u64) -> Array4<i32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
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
        let grads = random_grad_output(&layer, 2, 1);
        assert_eq!(grads, random_grad_output(&layer, 2, 1));
        assert_ne!(grads, random_grad_output(&layer, 2, 2));
        assert_eq!(grads.iter().min(), Some(&-4));
        assert_eq!(grads.iter().max(), Some(&3));
        // Written out so that a change of the generator, which would change every recorded failure, does not pass
        // unnoticed.
        assert_eq!(
            random_weight(&layer, 7).as_slice().unwrap(),
            [40, 125, -101, -126, 119, 56, -14, 7, 45]
        );
    }
}

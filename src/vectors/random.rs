//! Random arrays, the same for a seed on every platform.

use ndarray::Array4;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::layer::{IntType, Layer};
use crate::reference::{grad_output_shape, weight_shape};

/// A batch of grad_output (N, K, P, Q), uniform over the range of its type.
pub fn random_grad_output(layer: &Layer, frames: usize, seed: u64) -> Array4<i32> {
    let [k, p, q] = grad_output_shape(layer);
    random([frames, k, p, q], layer.grad_type(), seed, 0)
}

/// A weight array (K, C/groups, R, S), uniform over the range of its type.
pub fn random_weight(layer: &Layer, seed: u64) -> Array4<i32> {
    random(weight_shape(layer), layer.weight_type(), seed, 1)
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

//! The operation in software, from the mathematics alone: what the hardware is compared with.
//!
//! Arrays have the axes of PyTorch: grad_output (N, K, P, Q), weight (K, C/groups, R, S), grad_input and the forward
//! input (N, C, H, W). Values are integers and results exact. [`gather`] and [`scatter`] are the two forms of the
//! gradient; they share no index arithmetic, so that one checks the other, and [`forward`] checks both. [`finish`] is
//! what the stages behind the accumulators make of the gradient.

mod forward;
mod gather;
mod output;
mod scatter;
mod terms;

pub use forward::forward;
pub use gather::gather;
pub use output::{finish, Finished, Finisher};
pub use scatter::scatter;
pub use terms::{terms, Term};

pub use crate::arrays::StageArrays;

use ndarray::Array4;

use crate::arrays::Arrays;
use crate::layer::Layer;

/// What the engine makes of `arrays`.
///
/// # Panics
/// If the arrays have not the shapes of the layer, or hold values beyond its types.
pub fn reference(layer: &Layer, arrays: &Arrays) -> Finished {
    let sums = gather(layer, &arrays.grad_output, &arrays.weight);
    finish(layer, &sums, &arrays.stages)
}

/// Shape of a weight array: (K, C/groups, R, S).
pub fn weight_shape(layer: &Layer) -> [usize; 4] {
    [
        layer.out_channels() as usize,
        layer.in_per_group() as usize,
        layer.rows().kernel as usize,
        layer.cols().kernel as usize,
    ]
}

/// Shape of one frame of grad_output: (K, P, Q).
pub fn grad_output_shape(layer: &Layer) -> [usize; 3] {
    [
        layer.out_channels() as usize,
        layer.rows().out_size as usize,
        layer.cols().out_size as usize,
    ]
}

/// Shape of one frame of grad_input: (C, H, W).
pub fn grad_input_shape(layer: &Layer) -> [usize; 3] {
    [
        layer.in_channels() as usize,
        layer.rows().in_size as usize,
        layer.cols().in_size as usize,
    ]
}

/// Frames in a batch.
///
/// # Panics
/// If the frames have another shape: arrays are checked against the layer where they come in.
fn batch<T>(array: &Array4<T>, frame: [usize; 3]) -> usize {
    assert_eq!(array.shape()[1..], frame, "an array of another layer");
    array.shape()[0]
}

/// See [`batch`].
fn assert_weight(weight: &Array4<i32>, layer: &Layer) {
    assert_eq!(
        weight.shape(),
        weight_shape(layer),
        "weights of another layer"
    );
}

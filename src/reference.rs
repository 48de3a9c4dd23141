//! The operation in software, from the mathematics alone: what the hardware is compared with.
//!
//! Arrays have the axes of PyTorch: grad_output and output (N, K, P, Q), weight and grad_weight (K, C/groups, R, S),
//! grad_input and input (N, C, H, W). Values are integers and results exact. [`gather`] and [`scatter`] are the two forms
//! of the data gradient; they share no index arithmetic, so that one checks the other, and [`forward`] checks both.
//! [`grad_weight`] is the third pass. None of them knows of the [`Operation`](crate::operation::Operation) that the
//! hardware does in its place. [`finish`] is what the stages behind the accumulators make of the sums.

mod forward;
mod gather;
mod grad_weight;
mod output;
mod scatter;
mod terms;

pub use forward::forward;
pub use gather::gather;
pub use grad_weight::grad_weight;
pub use output::{finish, Finished, Finisher};
pub use scatter::scatter;
pub use terms::{terms, Term};

pub use crate::arrays::StageArrays;

use ndarray::Array4;

use crate::arrays::Arrays;
use crate::layer::{Layer, Pass};
use crate::operands::{moving_as_array, result_of, stationary_as_array};

/// What the engine makes of `arrays`.
///
/// # Panics
/// If the arrays have not the shapes of the layer, or hold values beyond its types.
pub fn reference(layer: &Layer, arrays: &Arrays) -> Finished {
    let stationary = stationary_as_array(layer, &arrays.stationary);
    let sums = sums(layer, arrays.moving.clone(), &stationary);
    finish(layer, &sums, &arrays.stages)
}

/// The sums of the layer's pass, by frames as they leave the engine, of what moves, by frames as it goes in, and of
/// PyTorch's array of what is stationary.
///
/// # Panics
/// As [`reference()`].
pub fn sums(layer: &Layer, moving: Array4<i32>, stationary: &Array4<i32>) -> Array4<i64> {
    let moving = moving_as_array(layer, centred(layer, moving));
    let sums = match layer.pass() {
        Pass::GradInput => gather(layer, &moving, stationary),
        Pass::Forward => forward(layer, &moving, stationary),
        Pass::GradWeight => grad_weight(layer, &moving, stationary),
    };
    result_of(layer, sums)
}

/// What moves, counted from its zero point: a quantised value x stands for a multiple of x - zero_point, and padding,
/// which the passes leave out of their sums, for zero.
pub fn centred(layer: &Layer, moving: Array4<i32>) -> Array4<i32> {
    moving - layer.zero_point()
}

/// Shape of weight or grad_weight: (K, C/groups, R, S).
pub fn weight_shape(layer: &Layer) -> [usize; 4] {
    [
        layer.out_channels() as usize,
        layer.in_per_group() as usize,
        layer.rows().kernel as usize,
        layer.cols().kernel as usize,
    ]
}

/// Shape of one image of grad_output or output: (K, P, Q).
pub fn grad_output_shape(layer: &Layer) -> [usize; 3] {
    [
        layer.out_channels() as usize,
        layer.rows().out_size as usize,
        layer.cols().out_size as usize,
    ]
}

/// Shape of one image of grad_input or input: (C, H, W).
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

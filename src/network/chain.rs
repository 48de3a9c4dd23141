//! What passes between the layers of a network.
//!
//! A layer consumes, element by element, saturate((sum of grad_input over `from`) >> shift + sum of grad_output over
//! `skip`): the shift is an arithmetic one and so rounds down, and it saturates to the type of gradients. The layer
//! that has neither consumes the gradient of the loss.

use ndarray::{Array4, Zip};

use super::{Network, Step};
use crate::layer::IntType;
use crate::reference::{gather, StageArrays};
use crate::run::Arrays;
use crate::vectors::{random_grad_output, random_weight};

/// What a layer consumes, and how many of its values were saturated.
pub(super) struct Joined {
    pub(super) grad_output: Array4<i32>,
    pub(super) saturated: u64,
}

/// Gradients of the layers up to now.
#[derive(Default)]
pub(super) struct Gradients {
    pub(super) outputs: Vec<Array4<i32>>,
    pub(super) inputs: Vec<Array4<i64>>,
}

impl Gradients {
    /// What the next layer, `step`, consumes.
    pub(super) fn join(&self, network: &Network, step: &Step, seed: u64) -> Joined {
        let layer = step.tiling.layer();
        if step.from.is_empty() && step.skip.is_empty() {
            return Joined {
                grad_output: random_grad_output(layer, network.frames, seed),
                saturated: 0,
            };
        }
        let [channels, height, width] = crate::reference::grad_output_shape(layer);
        let mut sum = Array4::<i64>::zeros((network.frames, channels, height, width));
        for &from in &step.from {
            sum += &self.inputs[from];
        }
        sum.mapv_inplace(|value| value >> step.shift);
        for &skip in &step.skip {
            Zip::from(&mut sum)
                .and(&self.outputs[skip])
                .for_each(|sum, &value| *sum += i64::from(value));
        }
        saturate(&sum, layer.grad_type())
    }
}

fn saturate(sum: &Array4<i64>, to: IntType) -> Joined {
    let (least, greatest) = (i64::from(to.min()), i64::from(to.max()));
    let mut saturated = 0;
    let grad_output = sum.map(|&value| {
        let kept = value.clamp(least, greatest);
        saturated += u64::from(kept != value);
        kept as i32
    });
    Joined {
        grad_output,
        saturated,
    }
}

/// The arrays of a step that consumes this; weights are random, those of step `index` for a seed.
pub(super) fn arrays(step: &Step, index: usize, grad_output: Array4<i32>, seed: u64) -> Arrays {
    Arrays {
        grad_output,
        weight: random_weight(step.tiling.layer(), seed.wrapping_add(index as u64)),
        stages: StageArrays::default(),
    }
}

/// grad_input (N, C, H, W) of every layer by the software reference alone, from the gradient of the loss and weights
/// that a seed gives.
pub fn reference(network: &Network, seed: u64) -> Vec<Array4<i64>> {
    let mut gradients = Gradients::default();
    for (index, step) in network.steps.iter().enumerate() {
        let joined = gradients.join(network, step, seed);
        let arrays = arrays(step, index, joined.grad_output, seed);
        let layer = step.tiling.layer();
        let grad_input = gather(layer, &arrays.grad_output, &arrays.weight);
        gradients.inputs.push(grad_input);
        gradients.outputs.push(arrays.grad_output);
    }
    gradients.inputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_the_type_are_kept_and_counted() {
        let sum = Array4::from_shape_vec((1, 1, 1, 4), vec![-129, -128, 127, 128]).unwrap();
        let joined = saturate(&sum, "int8".parse().unwrap());
        assert_eq!(
            joined.grad_output.as_slice().unwrap(),
            [-128, -128, 127, 127]
        );
        assert_eq!(joined.saturated, 2);
    }
}

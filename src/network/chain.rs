//! What passes between the layers of a network.
//!
//! A layer consumes, element by element, saturate((sum of grad_input over `from`) >> shift + sum of grad_output over
//! `skip`): the shift is an arithmetic one and so rounds down, and it saturates to the type of gradients. The layer
//! that has neither consumes the gradient of the loss.

use ndarray::{Array4, Zip};

use super::{Network, NetworkArrays, Step};
use crate::layer::IntType;
use crate::reference::gather;

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
    pub(super) fn join(&self, network: &Network, step: &Step, arrays: &NetworkArrays) -> Joined {
        let layer = step.tiling.layer();
        if step.from.is_empty() && step.skip.is_empty() {
            return Joined {
                grad_output: arrays.grad_output.clone(),
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

/// grad_input (N, C, H, W) of every layer by the software reference alone.
///
/// # Panics
/// If the arrays are of another network.
pub fn reference(network: &Network, arrays: &NetworkArrays) -> Vec<Array4<i64>> {
    let mut gradients = Gradients::default();
    for (step, weight) in network.steps.iter().zip(&arrays.weights) {
        let joined = gradients.join(network, step, arrays);
        let grad_input = gather(step.tiling.layer(), &joined.grad_output, weight);
        gradients.inputs.push(grad_input);
        gradients.outputs.push(joined.grad_output);
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

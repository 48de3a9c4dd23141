//! What passes between the layers of a network.
//!
//! Forward a layer's input is the output of the layer that has it in `from`, of several their sum, and of none the
//! network's input, or one of its own. Its output is, element by element, saturate((what the convolution gives) >> output_shift + sum of the
//! outputs of those that have it in `skip`). Backward is that turned round: its grad_output is saturate((sum of grad_input
//! over `from`) >> shift + sum of grad_output over `skip`), and of a layer that has neither the gradient of the loss, or one of its own.
//! Shifts are arithmetic ones and so round down, and all saturates to the type of gradients, which is that of what moves
//! through the engine. Where the engine makes its results narrow, they go to the next layer as they are. Gradients of
//! weights are of the input and grad_output that the other passes left, and stay as they are.

use ndarray::{Array4, Zip};

use super::{input_shape, output_shape, Network, NetworkArrays, Task};
use crate::layer::{IntType, Op, Pass};
use crate::operands::result_of;
use crate::reference::{centred, finish, forward, gather, grad_weight, Finished, StageArrays};

/// What the layers have taken and given up to now.
pub(super) struct Chain<'a> {
    network: &'a Network,
    arrays: &'a NetworkArrays,
    steps: Vec<Tensors>,
}

/// Those of a layer; `None` before their pass.
#[derive(Clone, Default)]
struct Tensors {
    input: Option<Array4<i32>>,
    output: Option<Array4<i32>>,
    grad_output: Option<Array4<i32>>,
    grad_input: Option<Array4<i64>>,
}

/// What an engine takes for a task, as PyTorch has it; `None` where it is not known yet.
pub(super) struct Taken<'a> {
    pub(super) moving: Option<&'a Array4<i32>>,
    pub(super) stationary: Option<&'a Array4<i32>>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(network: &'a Network, arrays: &'a NetworkArrays) -> Self {
        Chain {
            network,
            arrays,
            steps: vec![Tensors::default(); network.steps.len()],
        }
    }

    /// Makes what the layer consumes, of what those before it gave. Tells how many of its values were saturated.
    pub(super) fn begin(&mut self, task: Task) -> u64 {
        let (consumed, saturated) = match task.pass {
            Pass::Forward => self.input(task.step),
            Pass::GradInput => self.grad_output(task.step),
            Pass::GradWeight => return 0,
        };
        let tensors = &mut self.steps[task.step];
        match task.pass {
            Pass::Forward => tensors.input = Some(consumed),
            _ => tensors.grad_output = Some(consumed),
        }
        saturated
    }

    /// What the engine takes for a task; all of it is known when the task has begun.
    pub(super) fn taken(&self, task: Task) -> Taken<'_> {
        let tensors = &self.steps[task.step];
        let (input, grad_output) = (tensors.input.as_ref(), tensors.grad_output.as_ref());
        let weight = Some(&self.arrays.weights[task.step]);
        let [moving, stationary] = match (task.pass, self.network.steps[task.step].op) {
            (Pass::Forward, _) => [input, weight],
            (Pass::GradInput, _) => [grad_output, weight],
            (Pass::GradWeight, Op::Conv) => [input, grad_output],
            // Of the convolution whose data gradient it is.
            (Pass::GradWeight, Op::ConvTranspose) => [grad_output, input],
        };
        Taken { moving, stationary }
    }

    /// Biases and scales of a task.
    pub(super) fn stages(&self, task: Task) -> StageArrays {
        match task.pass {
            Pass::Forward => self.arrays.stages[task.step].clone(),
            Pass::GradInput | Pass::GradWeight => StageArrays::default(),
        }
    }

    /// Takes what the engine gave. Tells how many values of the output were saturated.
    pub(super) fn end(&mut self, task: Task, result: &Array4<i64>) -> u64 {
        match task.pass {
            Pass::Forward => {
                let (output, saturated) = self.output(task.step, result);
                self.steps[task.step].output = Some(output);
                saturated
            }
            Pass::GradInput => {
                self.steps[task.step].grad_input = Some(result.clone());
                0
            }
            Pass::GradWeight => 0,
        }
    }

    fn input(&self, step: usize) -> (Array4<i32>, u64) {
        let before = || {
            let steps = self.network.steps.iter().zip(&self.steps);
            steps.filter(move |(other, _)| other.from.contains(&step))
        };
        if before().next().is_none() {
            let input = self.arrays.inputs[step].clone();
            return (
                input.expect("a layer with no other before it has an input"),
                0,
            );
        }
        let of = &self.network.steps[step];
        let mut sum = self.zeros(input_shape(of.op, &of.layer));
        for (_, tensors) in before() {
            add(&mut sum, tensors.output.as_ref());
        }
        saturate(&sum, self.moving_type())
    }

    fn output(&self, step: usize, result: &Array4<i64>) -> (Array4<i32>, u64) {
        let shift = self.network.steps[step].output_shift;
        let mut sum = result.mapv(|value| value >> shift);
        for (other, tensors) in self.network.steps.iter().zip(&self.steps) {
            if other.skip.contains(&step) {
                add(&mut sum, tensors.output.as_ref());
            }
        }
        saturate(&sum, self.moving_type())
    }

    fn grad_output(&self, step: usize) -> (Array4<i32>, u64) {
        let of = &self.network.steps[step];
        if of.from.is_empty() && of.skip.is_empty() {
            let grad_output = self.arrays.grad_outputs[step].clone();
            return (
                grad_output.expect("a layer with no other behind it has one"),
                0,
            );
        }
        let mut sum = self.zeros(output_shape(of.op, &of.layer));
        for &from in &of.from {
            let grad_input = self.steps[from].grad_input.as_ref();
            sum += grad_input.expect(BEFORE);
        }
        sum.mapv_inplace(|value| value >> of.shift);
        for &skip in &of.skip {
            add(&mut sum, self.steps[skip].grad_output.as_ref());
        }
        saturate(&sum, self.moving_type())
    }

    fn zeros(&self, [channels, height, width]: [usize; 3]) -> Array4<i64> {
        Array4::zeros((self.network.frames, channels, height, width))
    }

    fn moving_type(&self) -> IntType {
        // Of all layers, in every pass.
        self.network.steps[0].layer.grad_type()
    }
}

const BEFORE: &str = "the layer went before, as validation has it";

fn add(sum: &mut Array4<i64>, values: Option<&Array4<i32>>) {
    Zip::from(sum)
        .and(values.expect(BEFORE))
        .for_each(|sum, &value| *sum += i64::from(value));
}

/// The values within the type, and how many were not.
fn saturate(sum: &Array4<i64>, to: IntType) -> (Array4<i32>, u64) {
    let (least, greatest) = (i64::from(to.min()), i64::from(to.max()));
    let mut saturated = 0;
    let values = sum.map(|&value| {
        let kept = value.clamp(least, greatest);
        saturated += u64::from(kept != value);
        kept as i32
    });
    (values, saturated)
}

/// What every [task](Network::tasks) gives by the software reference alone: grad_input (N, C, H, W), output (N, K, P, Q), and
/// grad_weight as (C/groups, K, R, S), an engine's order; forward behind the layer's stages.
///
/// # Panics
/// If the arrays are of another network.
pub fn reference(network: &Network, arrays: &NetworkArrays) -> Vec<Finished> {
    let mut chain = Chain::new(network, arrays);
    let mut results = Vec::new();
    for task in network.tasks() {
        chain.begin(task);
        let layer = network.steps[task.step].tiling(task.pass).layer();
        let taken = chain.taken(task);
        let (moving, stationary) = (taken.moving.expect(BEGUN), taken.stationary.expect(BEGUN));
        let moving = &centred(layer, moving.clone());
        let sums = match layer.pass() {
            Pass::Forward => forward(layer, moving, stationary),
            Pass::GradInput => gather(layer, moving, stationary),
            Pass::GradWeight => grad_weight(layer, moving, stationary),
        };
        let finished = finish(layer, &result_of(layer, sums), &chain.stages(task));
        chain.end(task, &finished.result);
        results.push(finished);
    }
    results
}

pub(super) const BEGUN: &str = "all that a task takes is known when it has begun";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_the_type_are_kept_and_counted() {
        let sum = Array4::from_shape_vec((1, 1, 1, 4), vec![-129, -128, 127, 128]).unwrap();
        let (values, saturated) = saturate(&sum, "int8".parse().unwrap());
        assert_eq!(values.as_slice().unwrap(), [-128, -128, 127, 127]);
        assert_eq!(saturated, 2);
    }
}

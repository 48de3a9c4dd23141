//! What a network is run on: its input, the gradient of the loss, and each layer's weights.

use std::path::Path;

use ndarray::Array4;

use super::{Network, NetworkError, Step};
use crate::layer::Pass;
use crate::npy::{read_moving_of, read_stationary, NpyError};
use crate::vectors::{random_moving, random_stationary};

/// The arrays of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkArrays {
    /// (N, C, H, W): what layers consume that no other gives an input; `None` where no layer is run forward.
    pub input: Option<Array4<i32>>,
    /// (N, K, P, Q): what the first layer consumes backward; `None` where none is.
    pub grad_output: Option<Array4<i32>>,
    /// (K, C/groups, R, S) of each layer; of a transposed convolution (C, K/groups, R, S).
    pub weights: Vec<Array4<i32>>,
}

impl NetworkArrays {
    /// The arrays of the files that the network names, which are seen from `folder`. What is not given is random, and the
    /// same for a seed whatever is.
    ///
    /// # Errors
    /// A file is no array of integers, or its shape or values are not those of the layer.
    pub fn read(network: &Network, folder: &Path, seed: u64) -> Result<Self, NetworkError> {
        Self::new(network, Some(folder), seed)
    }

    /// Random arrays, whatever files the network names.
    pub fn random(network: &Network, seed: u64) -> Self {
        Self::new(network, None, seed).expect("no file is read")
    }

    fn new(network: &Network, folder: Option<&Path>, seed: u64) -> Result<Self, NetworkError> {
        let frames = network.frames;
        let given = |path: Option<&Path>| Some(folder?.join(path?));
        let consumed = |step: &Step, pass, path, seed| {
            let layer = step.tiling(pass).layer();
            match given(path) {
                Some(path) => read_moving_of(&path, layer, frames),
                None => Ok(random_moving(layer, frames, seed)),
            }
        };
        let first = network
            .steps
            .first()
            .filter(|_| runs(network, Pass::GradInput));
        let grad_output =
            first.map(|step| consumed(step, Pass::GradInput, network.grad_output(), seed));
        // It is of several layers where they have the same shape.
        let last = network
            .steps
            .last()
            .filter(|_| runs(network, Pass::Forward));
        let of_input = seed.wrapping_add(1);
        let input = last.map(|step| consumed(step, Pass::Forward, network.input(), of_input));
        let weights = network.steps.iter().enumerate().map(|(index, step)| {
            let weights = match given(step.weight()) {
                Some(path) => read_stationary(&path, &step.layer),
                None => Ok(random_stationary(
                    &step.layer,
                    seed.wrapping_add(index as u64),
                )),
            };
            weights.map_err(at(step))
        });
        Ok(Self {
            weights: weights.collect::<Result<_, _>>()?,
            grad_output: grad_output.transpose().map_err(at(&network.steps[0]))?,
            input: input.transpose().map_err(|reason| NetworkError::Input {
                reason: Box::new(reason),
            })?,
        })
    }
}

fn runs(network: &Network, pass: Pass) -> bool {
    network.passes.contains(&pass)
}

fn at(step: &Step) -> impl Fn(NpyError) -> NetworkError + '_ {
    |reason| NetworkError::Array {
        layer: step.name.clone(),
        reason: Box::new(reason),
    }
}

//! What a network is run on: the gradient of the loss, and each layer's weights.

use std::path::Path;

use ndarray::Array4;

use super::{Network, NetworkError};
use crate::npy::{read_moving_of, read_stationary};
use crate::vectors::{random_moving, random_stationary};

/// The arrays of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkArrays {
    /// (N, K, P, Q): what the first layer consumes.
    pub grad_output: Array4<i32>,
    /// (K, C/groups, R, S) of each layer.
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
        let first = &network.steps[0];
        let given = |path: Option<&Path>| Some(folder?.join(path?));
        let at = |layer: &str| {
            let layer = layer.to_owned();
            |reason| NetworkError::Array {
                layer,
                reason: Box::new(reason),
            }
        };
        let layer = first.tiling.layer();
        let frames = network.frames;
        let grad_output = match given(network.grad_output()) {
            Some(path) => read_moving_of(&path, layer, frames).map_err(at(&first.name))?,
            None => random_moving(layer, frames, seed),
        };
        let weights = network.steps.iter().enumerate().map(|(index, step)| {
            let layer = step.tiling.layer();
            match given(step.weight()) {
                Some(path) => read_stationary(&path, layer).map_err(at(&step.name)),
                None => Ok(random_stationary(layer, seed.wrapping_add(index as u64))),
            }
        });
        Ok(Self {
            weights: weights.collect::<Result<_, _>>()?,
            grad_output,
        })
    }
}

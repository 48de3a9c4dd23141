//! What a network is run on: its input, the gradient of the loss, and each layer's weights.

use std::path::{Path, PathBuf};

use ndarray::Array4;

use super::{Network, NetworkError, Step};
use crate::arrays::StageArrays;
use crate::layer::Pass;
use crate::npy::{read_bias, read_moving_of, read_scale, read_stationary, NpyError};
use crate::vectors::{random_channel_arrays, random_moving, random_stationary};

/// The arrays of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkArrays {
    /// (N, C, H, W): what each layer consumes forward that no other gives an input; `None` of others.
    pub inputs: Vec<Option<Array4<i32>>>,
    /// (N, K, P, Q): what each layer consumes backward that no other gives a gradient; `None` of others.
    pub grad_outputs: Vec<Option<Array4<i32>>>,
    /// (K, C/groups, R, S) of each layer; of a transposed convolution (C, K/groups, R, S).
    pub weights: Vec<Array4<i32>>,
    /// Biases and scales of each layer forward, where it has them.
    pub stages: Vec<StageArrays>,
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
        let open = |index: usize| network.steps.iter().all(|it| !it.from.contains(&index));
        let indexed = || network.steps.iter().enumerate();
        let grad_outputs = indexed().map(|(_, step)| {
            let takes =
                runs(network, Pass::GradInput) && step.from.is_empty() && step.skip.is_empty();
            let path = step.grad_output.as_deref();
            let array = takes.then(|| consumed(step, Pass::GradInput, path, seed));
            array.transpose().map_err(at(step))
        });
        // Those of one shape are the same.
        let of_input = seed.wrapping_add(1);
        let inputs = indexed().map(|(index, step)| {
            let takes = runs(network, Pass::Forward) && open(index);
            let path = network.input().filter(|_| !step.own.input);
            let array = takes.then(|| consumed(step, Pass::Forward, path, of_input));
            array.transpose().map_err(|reason| NetworkError::Input {
                reason: Box::new(reason),
            })
        });
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
        let stages = indexed().map(|(index, step)| {
            let seed = seed.wrapping_add(index as u64);
            match runs(network, Pass::Forward) {
                true => stage_arrays(step, given, seed).map_err(at(step)),
                false => Ok(StageArrays::default()),
            }
        });
        Ok(Self {
            stages: stages.collect::<Result<_, _>>()?,
            weights: weights.collect::<Result<_, _>>()?,
            grad_outputs: grad_outputs.collect::<Result<_, _>>()?,
            inputs: inputs.collect::<Result<_, _>>()?,
        })
    }
}

/// Biases and scales of a layer, random where no file is given.
fn stage_arrays(
    step: &Step,
    given: impl Fn(Option<&Path>) -> Option<PathBuf>,
    seed: u64,
) -> Result<StageArrays, NpyError> {
    let layer = step.tiling(Pass::Forward).layer();
    let random = random_channel_arrays(layer, seed);
    Ok(StageArrays {
        bias: match given(step.stages.bias.as_deref()) {
            Some(path) => Some(read_bias(&path, layer)?),
            None => random.bias,
        },
        scale: match given(step.stages.scale.as_deref()) {
            Some(path) => Some(read_scale(&path, layer)?),
            None => random.scale,
        },
        ..random
    })
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

//! The backward pass of a whole network on one programmable engine.
//!
//! As with layers there are two types: [`NetworkFile`] holds what the user wrote, and [`Network`], which only
//! [`NetworkFile::validate`] makes, what was found valid for an engine.

mod arrays;
mod chain;
mod error;
mod file;
mod report;
mod run;

pub use arrays::NetworkArrays;
pub use chain::reference;
pub use error::NetworkError;
pub use file::{LayerEntry, NetworkFile};
pub use report::{Report, Row};
pub use run::{run, Ran};

use std::path::{Path, PathBuf};

use crate::programmable::{ShortFifo, Tiling};

/// A valid network, whose layers fit an engine.
#[derive(Clone, Debug)]
pub struct Network {
    name: String,
    frames: usize,
    /// File of the gradient of the loss, where it is given.
    grad_output: Option<PathBuf>,
    steps: Vec<Step>,
}

/// A layer of a network, and where the gradient that it consumes comes from: see [`reference()`].
#[derive(Clone, Debug)]
pub struct Step {
    name: String,
    tiling: Tiling,
    short_fifo: Option<ShortFifo>,
    /// Steps whose grad_input it takes; with no `skip` either, it takes the gradient of the loss.
    from: Vec<usize>,
    /// Steps whose grad_output it takes.
    skip: Vec<usize>,
    shift: u32,
    /// File of the weights, where they are given.
    weight: Option<PathBuf>,
}

impl Network {
    /// What the network is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames of the batch.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// File of the gradient of the loss, seen from the network file; `None` where it is random.
    pub fn grad_output(&self) -> Option<&Path> {
        self.grad_output.as_deref()
    }

    /// The layers, from the loss to the input.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Step {
    /// What the layer is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// File of its weights, seen from the network file; `None` where they are random.
    pub fn weight(&self) -> Option<&Path> {
        self.weight.as_deref()
    }

    /// The layer, in tiles if it needs them.
    pub fn tiling(&self) -> &Tiling {
        &self.tiling
    }

    /// Whether the engine's output FIFO holds the layer up.
    pub fn short_fifo(&self) -> Option<ShortFifo> {
        self.short_fifo
    }
}

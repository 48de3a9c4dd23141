//! The backward pass of a whole network on one programmable engine.
//!
//! As with layers there are two types: [`NetworkFile`] holds what the user wrote, and [`Network`], which only
//! [`NetworkFile::validate`] makes, what was found valid for an engine.

mod chain;
mod error;
mod file;
mod report;
mod run;

pub use chain::reference;
pub use error::NetworkError;
pub use file::{LayerEntry, NetworkFile};
pub use report::{Report, Row};
pub use run::run;

use crate::programmable::Tiling;

/// A valid network, whose layers fit an engine.
#[derive(Clone, Debug)]
pub struct Network {
    name: String,
    frames: usize,
    steps: Vec<Step>,
}

/// A layer of a network, and where the gradient that it consumes comes from: see [`chain`](reference).
#[derive(Clone, Debug)]
pub struct Step {
    name: String,
    tiling: Tiling,
    /// Steps whose grad_input it takes; with no `skip` either, it takes the gradient of the loss.
    from: Vec<usize>,
    /// Steps whose grad_output it takes.
    skip: Vec<usize>,
    shift: u32,
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

    /// The layer, in tiles if it needs them.
    pub fn tiling(&self) -> &Tiling {
        &self.tiling
    }
}

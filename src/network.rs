//! Passes of a whole network on one programmable engine: its backward pass, or a training step.
//!
//! As with layers there are two types: [`NetworkFile`] holds what the user wrote, and [`Network`], which only
//! [`NetworkFile::validate`] makes, what was found valid for an engine.

mod arrays;
mod chain;
pub mod compile;
mod error;
mod file;
mod passes;
mod report;
mod run;
mod stages;
mod timeline;

pub use arrays::NetworkArrays;
pub use chain::reference;
pub use error::NetworkError;
pub use file::{LayerEntry, NetworkFile};
pub use report::{PassTotal, Report, Row};
pub use run::{run, Ran};
pub use stages::StageKeys;
pub use timeline::{job_spans, JobSpan};

use std::path::{Path, PathBuf};

use crate::layer::{Layer, Op, Pass};
use crate::operands::{self, Operand};
use crate::programmable::{ShortFifo, Tiling};
use crate::reference::{grad_input_shape, grad_output_shape};
use stages::StepStages;

/// A valid network, whose layers fit an engine.
#[derive(Clone, Debug)]
pub struct Network {
    name: String,
    frames: usize,
    passes: Vec<Pass>,
    /// File of the input, where it is given.
    input: Option<PathBuf>,
    steps: Vec<Step>,
}

/// A layer of a network, and where what it consumes comes from: see [`reference()`].
#[derive(Clone, Debug)]
pub struct Step {
    name: String,
    op: Op,
    /// The layer; of a transposed convolution, the convolution whose data gradient it is.
    layer: Layer,
    /// By pass, in the order of [`Network::passes`].
    jobs: Vec<PassJobs>,
    /// Steps whose grad_input it takes; with no `skip` either, it takes the gradient of the loss.
    from: Vec<usize>,
    /// Steps whose grad_output it takes.
    skip: Vec<usize>,
    shift: u32,
    output_shift: u32,
    own: Own,
    /// File of the gradient that no other layer gives it, where that is given.
    grad_output: Option<PathBuf>,
    /// File of the weights, where they are given.
    weight: Option<PathBuf>,
    /// What it has beside its convolution.
    stages: StepStages,
}

/// What a layer takes for itself, and no other layer gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Own {
    /// Forward.
    input: bool,
    /// Backward.
    grad_output: bool,
}

/// A pass of a layer on the engine.
#[derive(Clone, Debug)]
struct PassJobs {
    pass: Pass,
    tiling: Tiling,
    short_fifo: Option<ShortFifo>,
}

/// A pass of a layer, which is a thing that the engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Which of the network's steps.
    pub step: usize,
    /// Which of its passes.
    pub pass: Pass,
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

    /// The passes that are run, in the order of a training step.
    pub fn passes(&self) -> &[Pass] {
        &self.passes
    }

    /// File of what the layers consume that no other gives an input, seen from the network file; `None` where it is random.
    pub fn input(&self) -> Option<&Path> {
        self.input.as_deref()
    }

    /// The layers, from the loss to the input.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What the engine does, in its order: all layers forward, from the input to the loss; then, from the loss to the
    /// input, of each layer the gradient of its input and that of its weights.
    pub fn tasks(&self) -> Vec<Task> {
        let runs = |pass: &Pass| self.passes.contains(pass);
        let task = |step: usize| move |pass: Pass| Task { step, pass };
        let forward = (0..self.steps.len())
            .rev()
            .map(|step| task(step)(Pass::Forward));
        let backward = (0..self.steps.len())
            .flat_map(|step| [Pass::GradInput, Pass::GradWeight].map(task(step)));
        let all = forward.chain(backward);
        all.filter(|task| runs(&task.pass)).collect()
    }

    /// Frames that go through the engine for a task: images, or of a weight gradient the input channels of a group.
    pub fn frames_of(&self, task: Task) -> usize {
        match task.pass {
            Pass::Forward | Pass::GradInput => self.frames,
            Pass::GradWeight => self.steps[task.step].layer.in_per_group() as usize,
        }
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

    /// A pass of the layer, in tiles if it needs them. The pass of its layer is the one that the engine does, which for a
    /// transposed convolution is another than that of the network.
    ///
    /// # Panics
    /// If the network is not run in this pass.
    pub fn tiling(&self, pass: Pass) -> &Tiling {
        &self.jobs(pass).tiling
    }

    /// Whether the engine's output FIFO holds a pass up.
    ///
    /// # Panics
    /// If the network is not run in this pass.
    pub fn short_fifo(&self, pass: Pass) -> Option<ShortFifo> {
        self.jobs(pass).short_fifo
    }

    fn jobs(&self, pass: Pass) -> &PassJobs {
        let mut jobs = self.jobs.iter();
        let jobs = jobs.find(|jobs| jobs.pass == pass);
        jobs.expect("the network is run in this pass")
    }

    /// What a pass makes, as the network calls it.
    pub fn result(&self, pass: Pass) -> Operand {
        let operand = operands::result(pass);
        match (self.op, pass) {
            (Op::ConvTranspose, Pass::GradWeight) => Operand {
                axes: "(C, K/groups, R, S)",
                ..operand
            },
            _ => operand,
        }
    }
}

/// Shape of what a layer consumes forward: channels, rows, columns.
fn input_shape(op: Op, layer: &Layer) -> [usize; 3] {
    match op {
        Op::Conv => grad_input_shape(layer),
        Op::ConvTranspose => grad_output_shape(layer),
    }
}

/// Shape of what it makes forward.
fn output_shape(op: Op, layer: &Layer) -> [usize; 3] {
    match op {
        Op::Conv => grad_output_shape(layer),
        Op::ConvTranspose => grad_input_shape(layer),
    }
}

/// What the engine does for a pass: forward, a transposed convolution is the data gradient of the convolution that its
/// layer is told as, and backward the convolution itself.
fn engine_pass(op: Op, pass: Pass) -> Pass {
    match (op, pass) {
        (Op::Conv, _) | (Op::ConvTranspose, Pass::GradWeight) => pass,
        (Op::ConvTranspose, Pass::Forward) => Pass::GradInput,
        (Op::ConvTranspose, Pass::GradInput) => Pass::Forward,
    }
}

//! A run whose results are compared with the reference while it goes on, batch by batch.

use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use ndarray::Array4;

use crate::compare::{compare, Comparison};
use crate::internal_error::joined;
use crate::layer::Layer;
use crate::operands::stationary_as_array;
use crate::reference::{sums, Finished, Finisher};
use crate::run::{Arrays, Batch, Counted, Frames, RunError, Setup, Simulator};
use crate::vectors::RandomFrames;

/// Where the frames of a run come from.
pub trait Source {
    /// Exactly so many frames: the next ones.
    fn next(&mut self, frames: usize) -> Batch;

    /// What the engine is given for them, where it is that of another layer with the same result.
    fn given(&self, batch: &Arc<Batch>) -> Arc<Batch> {
        Arc::clone(batch)
    }
}

impl Source for RandomFrames<'_> {
    fn next(&mut self, frames: usize) -> Batch {
        RandomFrames::next(self, frames)
    }
}

/// Frames that are all in memory.
pub struct InMemory<'a> {
    arrays: &'a Arrays,
    begun: usize,
}

impl<'a> InMemory<'a> {
    /// All frames of the arrays, from the first one on.
    pub fn new(arrays: &'a Arrays) -> Self {
        Self { arrays, begun: 0 }
    }
}

impl Source for InMemory<'_> {
    fn next(&mut self, frames: usize) -> Batch {
        let batch = self.arrays.batch(self.begun, frames);
        self.begun += frames;
        batch
    }
}

/// What results are compared with: the reference's for this layer and what is stationary.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The layer, whose reference is computed.
    pub layer: &'a Layer,
    /// What is stationary (moving channel, channel of the result in its group, row and column of taps).
    pub stationary: &'a Array4<i32>,
}

/// What the comparison of a whole run found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Of the values.
    pub comparison: Comparison,
    /// Values that the reference saturated.
    pub saturations: u64,
}

/// Runs the frames of `source`, gives each batch of results to `result`, right or wrong, and finds how they compare with
/// what is expected, if anything is.
///
/// # Errors
/// As [`Simulator::run_frames`].
///
/// # Panics
/// As [`Simulator::run_frames`].
pub fn run_checked(
    simulator: &Simulator,
    setup: &Setup,
    expected: Option<Expected>,
    source: &mut dyn Source,
    result: &mut dyn FnMut(&Array4<i64>),
    progress: &mut dyn FnMut(u64),
) -> Result<(Counted, Option<Findings>), RunError> {
    // Beside the simulation: by the time a batch's results come, the reference has long been there.
    let (batches, given) = channel::<Arc<Batch>>();
    let (finished, references) = channel();
    let reference = move |Expected { layer, stationary }: Expected| {
        let stationary = stationary_as_array(layer, stationary);
        let mut finisher = Finisher::new(layer, setup.rounding_seed);
        for batch in given {
            let sums = sums(layer, batch.moving.clone(), &stationary);
            // Nobody wants it any more where the engine broke its contract.
            let _ = finished.send(finisher.next(sums, &batch.stages));
        }
    };
    thread::scope(|scope| {
        let mut through = Through {
            source,
            result,
            batches,
            references,
            frames: 0,
            findings: expected.map(|_| Findings::default()),
            worker: expected.map(|expected| scope.spawn(move || reference(expected))),
        };
        let counted = simulator.run_frames(setup, &mut through, progress)?;
        Ok((counted, through.findings))
    })
}

/// Frames from a source to the engine, and with their results to the comparison.
struct Through<'a, 'scope> {
    source: &'a mut dyn Source,
    result: &'a mut dyn FnMut(&Array4<i64>),
    batches: Sender<Arc<Batch>>,
    references: Receiver<Finished>,
    /// Frames that were compared.
    frames: usize,
    findings: Option<Findings>,
    /// Makes the reference.
    worker: Option<ScopedJoinHandle<'scope, ()>>,
}

impl Through<'_, '_> {
    fn reference(&mut self) -> Finished {
        self.references.recv().unwrap_or_else(|_| {
            // It ends only with the batches, or by a panic, which goes on here.
            self.worker.take().map(joined);
            unreachable!("the reference ended before its batches")
        })
    }
}

impl Frames for Through<'_, '_> {
    fn next(&mut self, frames: usize) -> Arc<Batch> {
        let batch = Arc::new(self.source.next(frames));
        let given = self.source.given(&batch);
        if self.findings.is_some() {
            // Where the reference has ended, it panicked: that goes on where its result is missed.
            let _ = self.batches.send(batch);
        }
        given
    }

    fn result(&mut self, result: Array4<i64>) {
        if let Some(mut findings) = self.findings.take() {
            let reference = self.reference();
            let found = compare(&result, &reference.result);
            findings.comparison.join(found, self.frames);
            findings.saturations += reference.saturations;
            self.findings = Some(findings);
        }
        self.frames += result.shape()[0];
        (self.result)(&result);
    }
}

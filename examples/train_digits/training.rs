//! A network in training, whatever computes its convolutions.

use super::data::Digits;
use super::network::{accuracy, cross_entropy, Network, Passes};

/// How far the first step goes along the gradient; the way gets shorter from batch to batch, down to zero.
const RATE: f32 = 0.03;
/// Images of a batch.
pub const BATCH: usize = 32;

pub struct Training<P> {
    network: Network,
    pub passes: P,
    pub epochs: Vec<Epoch>,
}

/// What an epoch came to.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    /// Mean of the batches, each before its step.
    pub loss: f64,
    /// Of the test images, after the epoch.
    pub accuracy: f64,
}

impl<P: Passes> Training<P> {
    pub fn new(network: Network, passes: P) -> Self {
        Self {
            network,
            passes,
            epochs: Vec::new(),
        }
    }

    /// One epoch of `of`: batch after batch of `train` in the given order, then a test. `done` is called after each
    /// batch.
    pub fn epoch(
        &mut self,
        of: usize,
        train: &Digits,
        order: &[usize],
        test: &Digits,
        done: impl Fn(),
    ) -> anyhow::Result<Epoch> {
        let batches = order.len().div_ceil(BATCH);
        let mut loss = 0.0;
        for (index, batch) in order.chunks(BATCH).enumerate() {
            let before = self.epochs.len() as f32 + index as f32 / batches as f32;
            let rate = RATE * (1.0 - before / of as f32);
            let of_batch = self.step(&train.select(batch), rate)?;
            loss += of_batch * batch.len() as f64 / order.len() as f64;
            done();
        }
        let logits = self.passes.forward(&self.network, &test.images)?;
        let epoch = Epoch {
            loss,
            accuracy: accuracy(&logits, &test.labels),
        };
        self.epochs.push(epoch);
        Ok(epoch)
    }

    /// The loss before the step.
    fn step(&mut self, batch: &Digits, rate: f32) -> anyhow::Result<f64> {
        let logits = self.passes.forward(&self.network, &batch.images)?;
        let (loss, of_logits) = cross_entropy(&logits, &batch.labels);
        let gradients = self.passes.backward(&self.network, of_logits)?;
        self.network.learn(&gradients, rate);
        Ok(loss)
    }
}

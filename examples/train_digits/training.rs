//! A network in training, whatever computes its gradients.

use super::data::Digits;
use super::network::{accuracy, cross_entropy, Backward, Network};

/// How far the first step goes along the gradient; the way gets shorter from batch to batch, down to zero.
const RATE: f32 = 0.03;
/// Images of a batch.
pub const BATCH: usize = 32;

pub struct Training<B> {
    network: Network,
    pub backward: B,
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

impl<B: Backward> Training<B> {
    pub fn new(network: Network, backward: B) -> Self {
        Self {
            network,
            backward,
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
        let logits = self.network.forward(&test.images).logits;
        let epoch = Epoch {
            loss,
            accuracy: accuracy(&logits, &test.labels),
        };
        self.epochs.push(epoch);
        Ok(epoch)
    }

    /// The loss before the step.
    fn step(&mut self, batch: &Digits, rate: f32) -> anyhow::Result<f64> {
        let seen = self.network.forward(&batch.images);
        let (loss, of_logits) = cross_entropy(&seen.logits, &batch.labels);
        let gradients = self.backward.gradients(&self.network, &seen, of_logits)?;
        self.network.learn(&seen, &gradients, rate);
        Ok(loss)
    }
}

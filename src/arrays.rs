//! The arrays that go into an engine.

use ndarray::{s, Array1, Array4};

/// What the engine is given, as it takes it: see [`operands`](crate::operands).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrays {
    /// Frames of what moves: (frame, channel, row, column).
    pub moving: Array4<i32>,
    /// What is stationary: (moving channel, channel of the result in its group, row and column of taps).
    pub stationary: Array4<i32>,
    /// What the layer's stages behind the accumulators need.
    pub stages: StageArrays,
}

/// Some frames of what the engine is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Frames of what moves: (frame, channel, row, column).
    pub moving: Array4<i32>,
    /// What the layer's stages behind the accumulators need for these frames.
    pub stages: StageArrays,
}

/// What the engine is given beside gradients and weights; each only where the layer has the option.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageArrays {
    /// One for each channel of the result: added to its sums.
    pub bias: Option<Array1<i64>>,
    /// One for each channel of the result, or (1) where one scale serves all.
    pub scale: Option<Array1<i32>>,
    /// By frames of the result: added to the sums.
    pub accumulate: Option<Array4<i64>>,
    /// By frames of the result: where a sum is kept.
    pub mask: Option<Array4<bool>>,
    /// Where stochastic rounding begins; 31 bits.
    pub rounding_seed: u32,
}

impl Arrays {
    /// So many frames from this one on.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn batch(&self, first: usize, frames: usize) -> Batch {
        let part = s![first..first + frames, .., .., ..];
        let stages = &self.stages;
        Batch {
            moving: self.moving.slice(part).to_owned(),
            stages: StageArrays {
                bias: stages.bias.clone(),
                scale: stages.scale.clone(),
                accumulate: stages
                    .accumulate
                    .as_ref()
                    .map(|it| it.slice(part).to_owned()),
                mask: stages.mask.as_ref().map(|it| it.slice(part).to_owned()),
                rounding_seed: stages.rounding_seed,
            },
        }
    }
}

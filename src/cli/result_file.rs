//! The file of a run's results.

use std::io;

use ndarray::{Array4, ArrayView4, Axis, Slice};

use crate::interface::out_bits;
use crate::layer::{Layer, Pass};
use crate::npy::{result_item, Writer};
use crate::operands::{result_of, result_shape};
use crate::plan::Plan;

/// Results on their way into a file, batch by batch of frames.
pub(super) struct ResultFile<'a> {
    layer: &'a Layer,
    bits: u32,
    /// PyTorch's array of all frames, and how many of them are there.
    array: Array4<i64>,
    frames: usize,
}

impl<'a> ResultFile<'a> {
    /// Of so many frames.
    pub(super) fn new(plan: &'a Plan, frames: usize) -> Self {
        let layer = plan.layer();
        ResultFile {
            layer,
            bits: out_bits(plan),
            array: Array4::zeros(result_shape(layer, frames)),
            frames: 0,
        }
    }

    /// Takes the next frames.
    pub(super) fn add(&mut self, frames: ArrayView4<i64>) {
        let axis = match self.layer.pass() {
            Pass::GradInput | Pass::Forward => Axis(0),
            Pass::GradWeight => Axis(1),
        };
        let end = self.frames + frames.len_of(Axis(0));
        let part = Slice::from(self.frames..end);
        let frames = result_of(self.layer, frames);
        self.array.slice_axis_mut(axis, part).assign(&frames);
        self.frames = end;
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// A value does not fit its type after all.
    pub(super) fn finish(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, self.array.shape(), result_item(self.bits))?;
        writer.extend(self.array.iter().copied())?;
        writer.finish()?;
        Ok(bytes)
    }
}

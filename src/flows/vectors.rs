//! What test benches send and expect, as files for `$readmemh`.

use std::fmt::Write as _;

use ndarray::Array4;

use super::FlowFile;
use crate::arrays::Arrays;
use crate::interface::{out_bits, Streams};
use crate::plan::Plan;
use crate::reference::reference;
use crate::run::{frame_beats, stationary_set};
use crate::vectors::{pack_result, random_stationary, BeatFormat, RandomFrames};

/// Bytes of beats that all files of a test bench may hold: text of a few times that size.
const MOST_BYTES: u64 = 1 << 28;

/// The beats of a run.
#[derive(Clone, Debug)]
pub struct Vectors {
    /// Frames of what moves and of the result.
    pub frames: u64,
    /// Where stochastic rounding begins.
    pub rounding_seed: u32,
    /// Values that are to be counted as saturated.
    pub saturations: u64,
    /// Cycles from the first beat of what moves to the last of the result where nothing stalls and the stationary set is
    /// there.
    pub cycles: i32,
    streams: Vec<(&'static str, BeatFormat, Vec<u8>)>,
}

/// A layer that is too large for vectors in text files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLong {
    /// Too many beats.
    #[error(
        "the layer is too large for a test bench: the beats of {frames} frames are {bytes} bytes, and its files hold at \
         most {MOST_BYTES}; check it by `bpa verify`"
    )]
    Bytes {
        /// Of the bench.
        frames: u64,
        /// Of all streams.
        bytes: u64,
    },
    /// Too many cycles.
    #[error(
        "the layer is too large for a test bench: {frames} frames take {cycles} cycles, and it counts to {}; check it by \
         `bpa verify`",
        i32::MAX
    )]
    Cycles {
        /// Of the bench.
        frames: u64,
        /// Of a run without stalls.
        cycles: u64,
    },
}

impl Vectors {
    /// Random arrays, and what the software reference makes of them.
    ///
    /// # Errors
    /// There is too much of them for text files.
    pub fn random(plan: &Plan, frames: u32, seed: u64) -> Result<Self, TooLong> {
        let streams = Streams::new(plan);
        let of_frame = streams.inputs().into_iter().map(|(_, format)| format);
        let of_frame = of_frame.chain([streams.result]);
        let bytes: u128 = of_frame
            .map(|format| u128::from(format.beats) * format.beat_bytes() as u128)
            .sum();
        let bytes = bytes * u128::from(frames);
        if bytes > MOST_BYTES.into() {
            return Err(TooLong::Bytes {
                frames: frames.into(),
                bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            });
        }
        let layer = plan.layer();
        let batch = RandomFrames::new(plan, seed).next(frames as usize);
        let arrays = Arrays {
            moving: batch.moving,
            stationary: random_stationary(layer, seed),
            stages: batch.stages,
        };
        let expected = reference(layer, &arrays);
        Self::of(plan, &arrays, &expected.result, expected.saturations)
    }

    /// These arrays, and this result.
    ///
    /// # Errors
    /// The run is too long for a test bench's counters.
    ///
    /// # Panics
    /// If the arrays are of another layer.
    pub fn of(
        plan: &Plan,
        arrays: &Arrays,
        result: &Array4<i64>,
        saturations: u64,
    ) -> Result<Self, TooLong> {
        let layer = plan.layer();
        let formats = Streams::new(plan);
        let frames = result.shape()[0];
        let predicted = plan.cycles(frames as u64).total;
        let cycles = i32::try_from(predicted).map_err(|_| TooLong::Cycles {
            frames: frames as u64,
            cycles: predicted,
        })?;
        let batch = |name: &str| -> Vec<u8> {
            let frames = (0..frames).flat_map(|n| frame_beats(plan, arrays, name, n));
            frames.collect()
        };
        let mut streams = Vec::new();
        for (name, format) in formats.inputs() {
            let beats = match name == formats.names.stationary {
                true => stationary_set(plan, arrays),
                false => batch(name),
            };
            streams.push((name, format, beats));
        }
        let results = result.outer_iter();
        let results = results.flat_map(|frame| pack_result(layer, frame, out_bits(plan)));
        streams.push((formats.names.result, formats.result, results.collect()));
        Ok(Self {
            frames: frames as u64,
            rounding_seed: arrays.stages.rounding_seed,
            saturations,
            cycles,
            streams,
        })
    }

    /// A file for each stream: a beat a line, its most significant digit first.
    pub fn files(&self, engine: &str) -> Vec<FlowFile> {
        let files = self.streams.iter().map(|(stream, format, beats)| {
            let mut text = String::new();
            for beat in beats.chunks(format.beat_bytes()) {
                for byte in beat.iter().rev() {
                    let _ = write!(text, "{byte:02x}");
                }
                text.push('\n');
            }
            FlowFile {
                name: file_name(engine, stream),
                text,
            }
        });
        files.collect()
    }
}

/// What the file of a stream's beats is called.
pub(super) fn file_name(engine: &str, stream: &str) -> String {
    format!("{engine}_{stream}.hex")
}

//! A network compiled for an engine: what the engine is told and given, and where arrays lie in memory, as data that a
//! small driver runs without this program.
//!
//! The jobs are those of [`run`](super::run()): the same tilings, the same words, weights packed by the same code. Arrays
//! lie in one piece of memory, the arena, as (frame, row, column, channel), the channel fastest. An engine with a bus reads
//! and writes them there by itself; the beats of one with streams go through the processor.

mod blob;
mod c_file;
mod dataflow;
mod in_memory;
mod jobs;
mod memory;
mod report;

pub use blob::{blob, BLOB_VERSION};
pub use c_file::{c_header, c_source};
pub use report::report;

use std::ops::Range;

use bpa_hdl::shell::programmable::Programmable;

use super::{Network, NetworkArrays, Task};
use crate::layer::Pass;
use crate::programmable::{NoFit, ProgrammableEngine};

/// A network's program.
#[derive(Clone, Debug)]
pub struct Program {
    /// What the network is called.
    pub name: String,
    /// Arrays in the arena.
    pub buffers: Vec<Buffer>,
    /// What is done, in this order.
    pub operations: Vec<Operation>,
    /// Jobs of the engine, in the order of the operations.
    pub jobs: Vec<Job>,
    /// Bytes of the arena.
    pub arena_bytes: u32,
    /// What every job has in common.
    pub formats: Formats,
}

/// Who writes or reads an array beside the operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nobody.
    Internal,
    /// The caller puts it there.
    Input,
    /// The caller finds it there.
    Output,
}

/// An array in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The layer's name and what it is: `conv1.input`.
    pub name: String,
    /// Of the caller, or of nobody.
    pub role: Role,
    /// Bytes of a value: 1, 2, 4 or 8.
    pub element_bytes: u32,
    /// Frames, rows, columns and channels.
    pub shape: [u32; 4],
    /// Channels from one pixel to the next: more than it has where beats of an engine with a bus are filled up.
    pub pitch: u32,
    /// The operations from the one that writes it, or from the first for an input, behind the last that reads it.
    pub live: Range<usize>,
    /// Its place in the arena.
    pub offset: u32,
}

impl Buffer {
    /// Its size; of a whole program, within 32 bits.
    pub fn bytes(&self) -> u64 {
        let [frames, rows, cols, _] = self.shape;
        let elements = [frames, rows, cols, self.pitch].map(u64::from);
        elements.iter().product::<u64>() * u64::from(self.element_bytes)
    }
}

/// A thing that is done. Buffers are told by their index.
#[derive(Clone, Debug)]
pub enum Operation {
    /// The engine makes `result` of `data`.
    Run {
        /// Whose pass it is.
        task: Task,
        /// Its jobs.
        jobs: Range<usize>,
        /// What moves.
        data: usize,
        /// What is made: sums.
        result: usize,
    },
    /// saturate((sum of `shifted`) >> `shift` + sum of `plain`), element by element, rounding down.
    Combine {
        /// What is made.
        to: usize,
        /// Bits.
        shift: u32,
        /// What is shifted.
        shifted: Vec<usize>,
        /// What is not.
        plain: Vec<usize>,
        /// Bits of the type that it is saturated to.
        bits: u32,
    },
}

/// A job of the engine.
#[derive(Clone, Debug)]
pub struct Job {
    /// Registers that are to be written: those that do not hold the value from the job before.
    pub words: Vec<Word>,
    /// Its frames.
    pub frames: u32,
    /// Beats of its stationary set, packed.
    pub weights: Vec<u8>,
    /// Of the beats of a pixel of what moves, the channel in each lane; empty where the engine finds it in memory.
    pub data_channels: Vec<Option<u16>>,
    /// Of those of the result.
    pub result_channels: Vec<Option<u16>>,
    /// What becomes of its results.
    pub sums: Sums,
    /// Jobs that have to be done before its accumulate stream is fed, or, in memory, before it is started.
    pub needs: usize,
}

/// What a register is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The register.
    pub offset: u32,
    /// Its value, or what is added to an address to make it.
    pub value: u32,
    /// That address.
    pub base: Base,
}

/// Where an address in a word counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// It is no address.
    Nothing,
    /// The arena.
    Arena,
    /// The job's weights.
    Weights,
}

/// What becomes of a job's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// They are put in their place.
    Put,
    /// They are added to what is there.
    Added,
    /// They are put in their place, and what was there goes into the engine.
    FedBack,
}

/// The formats of all jobs' beats, and the engine that they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formats {
    /// Offset and value of each register that tells one engine from another.
    pub constants: Vec<(u32, u32)>,
    /// What moves.
    pub data: Lanes,
    /// Bytes of a beat of what is stationary.
    pub weight_beat: u32,
    /// The result.
    pub result: Lanes,
    /// What is added to it, where the engine has that.
    pub sums: Option<Lanes>,
    /// What there is instead of streams.
    pub memory: Option<MemoryFormats>,
}

/// How an engine with a bus is told where arrays are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryFormats {
    /// Bytes of a word of the bus.
    pub word_bytes: u32,
    /// Offsets of the registers of the first of an array's eight words: of data, weight, accumulate, result and mask.
    pub arrays: [Option<u32>; 5],
    /// From one of an array's words to the next.
    pub step: u32,
}

/// A beat of several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Values.
    pub count: u32,
    /// Bits of each.
    pub bits: u32,
    /// Bytes of the beat.
    pub beat: u32,
}

/// Why a network was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A pass whose stationary set is not known beforehand.
    #[error(
        "`passes` names \"grad_weight\", whose stationary sets are gradients and not weights: a program has those of \
         \"forward\" and \"grad_input\"; `bpa run-network` runs all three"
    )]
    GradWeight,
    /// Too large for addresses of 32 bits.
    #[error("{what} of this network take {bytes} bytes: a program has room for {most}")]
    TooLarge {
        /// Arrays or weights.
        what: &'static str,
        /// Their size.
        bytes: u64,
        /// The greatest size.
        most: u64,
    },
    /// Values that a processor could not find as bytes in memory.
    #[error(
        "in memory the values of `{what}` have {bits} bits each, and {lanes} of them side by side: a program for an engine \
         with a bus has values of 8, 16, 32 or 64 bits, in a power of two of lanes; results are as wide with \
         `engine.accumulate = true` on most engines"
    )]
    Values {
        /// The array.
        what: &'static str,
        /// Of a value, on the stream.
        bits: u32,
        /// In a beat.
        lanes: u32,
    },
    /// Beats of a group that are no beats of the array.
    #[error(
        "layer `{layer}`: the channels of a group of `{what}` do not fill beats of {lanes}, so that they do not lie in \
         memory as the engine takes them; an engine with streams can run it"
    )]
    Beats {
        /// The layer.
        layer: String,
        /// The array.
        what: &'static str,
        /// In a beat.
        lanes: u32,
    },
    /// Sums that the processor would add.
    #[error(
        "layer `{layer}` is cut so that partial sums are added up: an engine with a bus has to do that itself, with \
         `engine.accumulate = true`"
    )]
    PartialSums {
        /// The layer.
        layer: String,
    },
    /// A layer is none for the engine.
    #[error(transparent)]
    NoFit(#[from] NoFit),
}

/// The greatest size of arena and blob.
const MOST_BYTES: u64 = 1 << 31;

impl Program {
    /// The name of the network as an identifier of C and the beginning of files' names.
    pub fn identifier(&self) -> String {
        let letter = |c: char| match c.is_ascii_alphanumeric() {
            true => c,
            false => '_',
        };
        let name: String = self.name.chars().map(letter).collect();
        match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            true => name,
            false => format!("network_{name}"),
        }
    }

    /// Compiles a network for the engine that it is valid for, with these weights.
    ///
    /// # Errors
    /// It has a pass that programs have not, or is too large for addresses of 32 bits.
    ///
    /// # Panics
    /// If the arrays are of another network, or the engine is not the one that the network is valid for.
    pub fn new(
        network: &Network,
        engine: &ProgrammableEngine,
        hardware: &Programmable,
        arrays: &NetworkArrays,
    ) -> Result<Self, CompileError> {
        if network.passes().contains(&Pass::GradWeight) {
            return Err(CompileError::GradWeight);
        }
        let dataflow::Dataflow {
            mut buffers,
            operations,
        } = dataflow::dataflow(network);
        let mut jobs = jobs::jobs(network, engine, hardware, arrays)?;
        let formats = jobs::formats(network, engine, hardware);
        let arena_bytes = match &formats.memory {
            None => memory::place(&mut buffers, memory::ALIGN)?,
            Some(bus) => {
                let slices =
                    in_memory::slices(network, &formats, &jobs, &operations, &mut buffers)?;
                let align = memory::ALIGN.max(bus.word_bytes.into());
                let bytes = memory::place(&mut buffers, align)?;
                in_memory::tell(&formats, bus, &slices, &operations, &buffers, &mut jobs);
                bytes
            }
        };
        jobs::keep_what_changes(&mut jobs);
        Ok(Self {
            name: network.name().to_owned(),
            buffers,
            operations,
            jobs,
            arena_bytes,
            formats,
        })
    }
}

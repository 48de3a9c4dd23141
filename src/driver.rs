//! The driver of a programmable engine: layers in, gradients out.
//!
//! It knows the engine by its registers and streams alone ([`Device`]), so that real hardware can
//! stand where [`Simulated`] stands.

mod memory;
mod simulated;
mod tiled;

pub use memory::{MemoryArray, Stride};
pub use simulated::{Ends, Simulated};
pub(crate) use tiled::{moving_channels, result_channels, weight_part};
pub use tiled::{tile_seed, Begun, Coming};

use std::num::NonZeroU32;

use bpa_hdl::registers::map::Register;
use bpa_hdl::shell::jobs::REFUSED_CAUSES;
use bpa_hdl::shell::memory::Memory;
use bpa_hdl::shell::programmable::Programmable;
use ndarray::{Array4, Axis};

use memory::{Held, Places};

use crate::plan::Plan;
use crate::programmable::{NoFit, ProgrammableEngine};
use crate::reference::StageArrays;
use crate::run::Arrays;
use crate::vectors::{
    pack_channels, pack_moving, pack_result, pack_stationary, result_beats, unpack_result,
};

/// A stream into the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// What moves, in frames.
    Data,
    /// Weights, in sets.
    Weight,
    /// Values to add, in frames, where the engine has that stream.
    Accumulate,
    /// The mask, in frames, where the engine has that stream.
    Mask,
}

/// A programmable engine, wherever it is.
pub trait Device {
    /// Reads a register; `None` if the engine refuses (SLVERR).
    ///
    /// # Errors
    /// The engine cannot be reached.
    fn read(&mut self, offset: u64) -> Result<Option<u32>, DeviceError>;

    /// Writes a register; whether the engine did not refuse.
    ///
    /// # Errors
    /// The engine cannot be reached.
    fn write(&mut self, offset: u64, value: u32) -> Result<bool, DeviceError>;

    /// Puts a packet in line for a stream; its last beat has `tlast`. Does not wait for the engine.
    ///
    /// # Errors
    /// The packet is no whole number of beats, or the engine cannot be reached.
    fn send(&mut self, input: Input, packet: &[u8]) -> Result<(), DeviceError>;

    /// Waits for so many bytes of grad_input and takes them.
    ///
    /// # Errors
    /// The engine cannot be reached, or gives no more.
    fn receive(&mut self, bytes: usize) -> Result<Vec<u8>, DeviceError>;

    /// Bytes of memory, from address 0 on, that the driver may use for an engine with a bus.
    fn memory_bytes(&self) -> u32 {
        0
    }

    /// Writes to the memory that the engine reads.
    ///
    /// # Errors
    /// There is no such memory.
    fn store(&mut self, _address: u32, _bytes: &[u8]) -> Result<(), DeviceError> {
        Err(DeviceError::NoMemory)
    }

    /// Reads from the memory that the engine writes.
    ///
    /// # Errors
    /// There is no such memory.
    fn load(&mut self, _address: u32, _bytes: usize) -> Result<Vec<u8>, DeviceError> {
        Err(DeviceError::NoMemory)
    }

    /// Lets time pass while a driver waits for a job.
    ///
    /// # Errors
    /// The engine cannot be reached.
    fn wait(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// What keeps a device from doing what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The bridge to the simulator.
    #[error(transparent)]
    Simulator(#[from] bpa_sim::SimError),
    /// The engine was built without a stream.
    #[error("the engine has no stream {name}")]
    NoStream {
        /// The stream, by the start of its pins' names.
        name: &'static str,
    },
    /// The engine has no memory to be read or written, or none that can be reached.
    #[error("the engine's memory cannot be reached")]
    NoMemory,
    /// Arrays of the jobs that are held at once are larger than the memory.
    #[error("a job has {wanted} bytes of arrays, which do not fit the memory of {bytes} bytes beside those of the jobs before")]
    MemoryFull {
        /// Bytes of the job's arrays.
        wanted: usize,
        /// Bytes of the memory.
        bytes: u32,
    },
    /// A job does not end.
    #[error("the engine does not come to the end of a job")]
    NotDone,
    /// The engine stopped.
    #[error("the engine gave {found} of {wanted} bytes of grad_input, and then no more in {cycles} cycles")]
    Stuck {
        /// Bytes that came.
        found: usize,
        /// Bytes that were waited for.
        wanted: usize,
        /// Cycles without another one.
        cycles: u64,
    },
}

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The layer is none for this engine.
    #[error(transparent)]
    NoFit(#[from] NoFit),
    /// The registers say that this is another engine than the one that was meant.
    #[error("register `{register}` at {offset:#x} holds {found:#x}, not {expected:#x}: this is another engine")]
    OtherEngine {
        /// The register's name.
        register: String,
        /// Its offset in bytes.
        offset: u64,
        /// What it holds.
        found: u32,
        /// What it holds in the engine that was meant.
        expected: u32,
    },
    /// The engine answered an access by SLVERR.
    #[error("the engine refused an access to register `{register}` at {offset:#x}")]
    Access {
        /// The register's name.
        register: String,
        /// Its offset in bytes.
        offset: u64,
    },
    /// The engine refused a job.
    #[error("the engine refused the job: {cause} (word {word} of the table)")]
    Refused {
        /// Why, as the engine tells it.
        cause: &'static str,
        /// Which word of the table was at fault.
        word: u32,
    },
    /// Memory answered by an error.
    #[error("the array of {stream} could not be read or written at {address:#x}")]
    Bus {
        /// The stream.
        stream: &'static str,
        /// Where the burst began.
        address: u32,
    },
    /// A value to add that is too large for its stream, or for the partial sums that go through it.
    #[error("a value to add is {value}: this layer on this engine takes those from {} to {most}", !most)]
    Accumulate {
        /// The value.
        value: i64,
        /// The greatest that is taken; the least is one below its negative.
        most: i64,
    },
}

/// A job that the engine was given.
#[derive(Debug)]
pub struct Submitted {
    plan: Plan,
    frames: u64,
    /// Where its arrays are, in an engine with a bus.
    places: Option<Places>,
}

/// An engine that was found to be the one that was meant.
///
/// It holds up to three jobs: one that runs, one that comes next, whose weights it takes meanwhile, and one that waits
/// in the table.
pub struct Driver<'a, D> {
    engine: &'a ProgrammableEngine,
    hardware: &'a Programmable,
    device: D,
    /// What each word of the table holds, where that is known.
    table: Vec<Option<u32>>,
    /// The arrays of its jobs, in an engine with a bus.
    memory: Option<Held>,
}

/// Jobs that an engine holds at once.
pub const JOBS_HELD: usize = 3;

impl<'a, D: Device> Driver<'a, D> {
    /// Compares the engine's constants with those of the engine that is meant.
    ///
    /// # Errors
    /// It is another, or cannot be reached.
    pub fn open(
        engine: &'a ProgrammableEngine,
        hardware: &'a Programmable,
        device: D,
    ) -> Result<Self, DriverError> {
        let mut driver = Driver {
            engine,
            hardware,
            device,
            table: vec![None; hardware.map.table().count()],
            memory: None,
        };
        let constants = hardware.map.registers().iter();
        for register in constants.filter(|register| register.is_constant()) {
            let (found, expected) = (driver.read(register)?, register.value());
            if found != expected {
                return Err(DriverError::OtherEngine {
                    register: register.name.clone(),
                    offset: register.offset,
                    found,
                    expected,
                });
            }
        }
        if let Some(memory) = Memory::of(engine.limits(), &engine.lanes()) {
            let done = driver.value("jobs_done")?;
            let bytes = driver.device.memory_bytes();
            driver.memory = Some(Held::new(memory.streams().to_vec(), bytes, done));
        }
        Ok(driver)
    }

    /// The device. What the table holds is not relied on afterwards.
    pub fn device(&mut self) -> &mut D {
        self.table.fill(None);
        &mut self.device
    }

    /// The value of the register of that name.
    ///
    /// # Errors
    /// The engine refuses, or cannot be reached.
    ///
    /// # Panics
    /// If there is no such register.
    pub fn value(&mut self, name: &str) -> Result<u32, DriverError> {
        self.read(self.hardware.map.named(name))
    }

    fn read(&mut self, register: &Register) -> Result<u32, DriverError> {
        let value = self.device.read(register.offset)?;
        value.ok_or_else(|| refused_access(register))
    }

    /// Writes the register of that name.
    ///
    /// # Errors
    /// The engine refuses, or cannot be reached.
    ///
    /// # Panics
    /// If there is no such register.
    pub fn set(&mut self, name: &str, value: u32) -> Result<(), DriverError> {
        self.write(self.hardware.map.named(name), value)
    }

    fn write(&mut self, register: &Register, value: u32) -> Result<(), DriverError> {
        let mut table = self.hardware.map.table();
        let word = table.position(|(word, _)| word.offset == register.offset);
        if let Some(word) = word {
            self.table[word] = None;
        }
        match self.device.write(register.offset, value)? {
            true => {
                if let Some(word) = word {
                    self.table[word] = Some(value);
                }
                Ok(())
            }
            false => Err(refused_access(register)),
        }
    }

    /// Gives the engine a job: the layer's words as soon as the table is free, then the data. The
    /// jobs before it may still run; of these not more than `JOBS_HELD` - 1 may be yet to collect, or
    /// the table may never be free.
    ///
    /// # Errors
    /// The layer is too large for the engine, or a value to add is, or the engine cannot be reached.
    ///
    /// # Panics
    /// If the arrays are of another layer, or one is missing, or there are no frames.
    pub fn submit(&mut self, plan: Plan, arrays: &Arrays) -> Result<Submitted, DriverError> {
        let values = match plan.layer().accumulate() {
            true => Some(arrays.stages.accumulate.as_ref().expect("values to add")),
            false => None,
        };
        if let Some(values) = values {
            check_values(values, self.engine.most_accumulate())?;
        }
        let job = self.submit_all_but_values(plan, arrays)?;
        if let Some(values) = values {
            self.submit_values(&job, values)?;
        }
        Ok(job)
    }

    /// As [`submit`](Self::submit), but for what is added to the results: [`submit_values`](Self::submit_values) has to
    /// follow, job by job, where the layer says so.
    fn submit_all_but_values(
        &mut self,
        plan: Plan,
        arrays: &Arrays,
    ) -> Result<Submitted, DriverError> {
        let frames = arrays.moving.len_of(Axis(0));
        let job = self.tell(plan, frames, &arrays.stationary, &arrays.stages)?;
        self.feed(&job, arrays)?;
        Ok(job)
    }

    /// Gives the engine a job and its weights, with their scales. Its frames are to follow by [`feed`](Self::feed).
    fn tell(
        &mut self,
        plan: Plan,
        frames: usize,
        weight: &Array4<i32>,
        stages: &StageArrays,
    ) -> Result<Submitted, DriverError> {
        let count = u32::try_from(frames).ok().and_then(NonZeroU32::new);
        let count = count.expect("a batch has frames, and fewer than 2^32");
        check_biases(&plan, stages)?;
        let plan = plan.with_rounding_seed(stages.rounding_seed);
        let words = self.engine.job(&self.hardware.table, &plan, count)?;
        if self.memory.is_none() {
            self.start(&words)?;
        }
        let weight = stationary_packet(&plan, weight, stages);
        if self.memory.is_some() {
            return self.tell_in_memory(words, plan, count.get(), &weight);
        }
        self.device.send(Input::Weight, &weight)?;
        Ok(Submitted {
            plan,
            frames: frames as u64,
            places: None,
        })
    }

    /// Sends the frames of a job, and its mask.
    fn feed(&mut self, job: &Submitted, arrays: &Arrays) -> Result<(), DriverError> {
        if let Some(places) = &job.places {
            return self.feed_memory(job, places, arrays);
        }
        let layer = job.plan.layer();
        for frame in arrays.moving.outer_iter() {
            self.device.send(Input::Data, &pack_moving(layer, frame))?;
        }
        if layer.mask() {
            let mask = arrays.stages.mask.as_ref().expect("a mask");
            for frame in mask.outer_iter() {
                let bits = frame.mapv(i64::from);
                self.device
                    .send(Input::Mask, &pack_result(layer, bits.view(), 1))?;
            }
        }
        Ok(())
    }

    /// Sends the values (N, C, H, W) that are added to the results of a job.
    fn submit_values(&mut self, job: &Submitted, values: &Array4<i64>) -> Result<(), DriverError> {
        if let Some(places) = &job.places {
            return self.values_to_memory(job, places, values);
        }
        let bits = self.engine.accumulate_bits();
        for frame in values.outer_iter() {
            let packet = pack_result(job.plan.layer(), frame, bits);
            self.device.send(Input::Accumulate, &packet)?;
        }
        Ok(())
    }

    /// Writes the words of a job that the table does not hold already, and starts it; a word that is `None` is of no use to
    /// it.
    ///
    /// # Errors
    /// The engine refuses it, or cannot be reached.
    ///
    /// # Panics
    /// If these are not as many words as the table has.
    pub fn start(&mut self, words: &[Option<u32>]) -> Result<(), DriverError> {
        while self.value("state")? & TABLE_LOCKED != 0 {}
        let hardware = self.hardware;
        let registers: Vec<&Register> =
            hardware.map.table().map(|(register, _)| register).collect();
        assert_eq!(registers.len(), words.len(), "words of a job");
        for (index, (register, &word)) in registers.into_iter().zip(words).enumerate() {
            if let Some(word) = word.filter(|&word| self.table[index] != Some(word)) {
                self.write(register, word)?;
            }
        }
        self.set("event", REFUSED)?;
        self.set("command", START)?;
        while self.value("state")? & CHECKING != 0 {}
        if self.value("event")? & REFUSED == 0 {
            return Ok(());
        }
        let refused = self.value("refused")?;
        let cause = (refused & 3) as usize;
        Err(DriverError::Refused {
            cause: cause
                .checked_sub(1)
                .and_then(|index| REFUSED_CAUSES.get(index))
                .unwrap_or(&"for no cause"),
            word: refused >> 8,
        })
    }

    /// Waits for the results of the oldest job that was not collected.
    ///
    /// # Errors
    /// The engine stopped, or cannot be reached.
    pub fn collect(&mut self, job: &Submitted) -> Result<Array4<i64>, DriverError> {
        if let Some(places) = &job.places {
            return self.collect_from_memory(job, places);
        }
        let out_bits = self.engine.out_bits();
        let layer = job.plan.layer();
        let frame = result_beats(layer, out_bits).bytes();
        let bytes = self.device.receive(frame * job.frames as usize)?;
        Ok(unpack_result(layer, &bytes, out_bits).expect("whole frames were received"))
    }
}

/// The stationary set of a job in beats, with its scales.
pub(crate) fn stationary_packet(
    plan: &Plan,
    weight: &Array4<i32>,
    stages: &StageArrays,
) -> Vec<u8> {
    let layer = plan.layer();
    // Where no tap reaches any pixel, the gradient is zero whatever the weights are; the engine
    // then takes zeros in their place.
    let mut packet = match plan.descriptor().reaches {
        true => pack_stationary(layer, weight),
        false => pack_stationary(layer, &Array4::zeros(weight.raw_dim())),
    };
    packet.extend(pack_channels(layer, stages));
    packet
}

/// Refuses values above `most` or further below zero.
fn check_values(values: &Array4<i64>, most: i64) -> Result<(), DriverError> {
    match values.iter().find(|value| !(!most..=most).contains(*value)) {
        Some(&value) => Err(DriverError::Accumulate { value, most }),
        None => Ok(()),
    }
}

/// Refuses biases that their places in the beats behind the weights do not hold.
pub(crate) fn check_biases(plan: &Plan, stages: &StageArrays) -> Result<(), NoFit> {
    let layer = plan.layer();
    let Some((biases, bits)) = stages.bias.as_ref().zip(layer.bias_place()) else {
        return Ok(());
    };
    // At most 64 bits by validation, and one at the least.
    let most = i64::MAX >> (64 - bits);
    match biases.iter().find(|bias| !(!most..=most).contains(*bias)) {
        Some(&value) if layer.bias() => Err(NoFit::Bias { value, most }),
        _ => Ok(()),
    }
}

/// Bits of registers, by the map.
const START: u32 = 1;
const REFUSED: u32 = 1 << 1;
const CHECKING: u32 = 1 << 2;
const TABLE_LOCKED: u32 = 1 << 1 | CHECKING;

fn refused_access(register: &Register) -> DriverError {
    DriverError::Access {
        register: register.name.clone(),
        offset: register.offset,
    }
}

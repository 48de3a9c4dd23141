//! A programmable engine in Verilator.

use bpa_hdl::bus::pins::id_bits;
use bpa_hdl::shell::memory::Memory;
use bpa_hdl::shell::programmable::Programmable;
use bpa_sim::{
    AxiLite, Cache, Instance, MemoryPort, Model, ModelSpec, Pin, Response, SimError, Source,
    StreamPort,
};

use super::{Device, DeviceError, Input};
use crate::interface::{ACCUMULATE, BUSY, DATA, ERROR, FRAME_DONE, MASK, RESULT, WEIGHT};
use crate::programmable::ProgrammableEngine;

/// The common start of the names of the register bus's pins.
const BUS: &str = "s_axi";
/// Index of the stream of results.
const RESULT_SINK: usize = 0;
/// Cycles of reset.
const RESET_CYCLES: u64 = 4;
/// Cycles without a beat of grad_input after which the engine is given up.
const PATIENCE: u64 = 2_000_000;
/// Cycles of one look at the output.
const PART: u64 = 20_000;
/// Bytes of the memory of an engine with a bus.
const MEMORY_BYTES: u32 = 1 << 26;
/// Cycles of one look at an engine with a bus, beside those of the look itself.
const WAIT: u64 = 50;

/// An instance of the engine's model.
pub struct Simulated {
    instance: Instance,
    /// Names of the streams in.
    sources: Vec<String>,
    beat_bytes: usize,
    /// Bytes of grad_input taken by the caller, of those that the sink holds.
    taken: usize,
    has_memory: bool,
}

/// The cycles in which sets and frames ended on an engine's streams, since its reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// When the first beat of all was taken.
    pub first: u64,
    /// Of sets of what is stationary.
    pub stationary: Vec<u64>,
    /// Of frames of what moves.
    pub moving: Vec<u64>,
    /// Of frames of the result.
    pub results: Vec<u64>,
}

impl Simulated {
    /// Compiles the engine's Verilog, or finds it compiled in the cache.
    ///
    /// # Errors
    /// A tool is missing or fails, or the ports are not those of the engine.
    pub fn model(
        engine: &ProgrammableEngine,
        hardware: &Programmable,
        verilog: &str,
        cache: &Cache,
    ) -> Result<Model, SimError> {
        Model::build(&Self::spec(engine, hardware, verilog), cache)
    }

    /// The same for an instance that writes waveforms.
    ///
    /// # Errors
    /// As [`model`](Self::model), or zlib is missing.
    pub fn traced_model(
        engine: &ProgrammableEngine,
        hardware: &Programmable,
        verilog: &str,
        cache: &Cache,
    ) -> Result<Model, SimError> {
        Model::build_traced(&Self::spec(engine, hardware, verilog), cache)
    }

    /// What a model of the engine is made of, for one with more pins than the engine's.
    pub fn spec(engine: &ProgrammableEngine, hardware: &Programmable, verilog: &str) -> ModelSpec {
        let lanes = engine.lanes();
        let port = |name, bits: usize| StreamPort::new(name, bits.div_ceil(8));
        let (pins_in, mut pins_out) = AxiLite::pins(BUS, hardware.map.address_bits());
        pins_out.extend(
            [BUSY, FRAME_DONE, ERROR].map(|status| Pin::new(status.name, status.width).watched()),
        );
        pins_out.push(Pin::new("irq", 1).watched());
        let memory = Memory::of(engine.limits(), &lanes).map(|memory| MemoryPort {
            word_bytes: memory.streams()[0].place.word_bits / 8,
            id_bits: id_bits(memory.streams().len() - 1),
        });
        if memory.is_some() {
            pins_out.extend(MemoryPort::constants());
            return ModelSpec {
                top: engine.name().to_owned(),
                verilog: verilog.to_owned(),
                sources: vec![],
                sinks: vec![],
                pins_in,
                pins_out,
                memory,
            };
        }
        let mut sources = vec![
            port(DATA, lanes.grad_beat_bits()),
            port(WEIGHT, lanes.weight_beat_bits()),
        ];
        if lanes.stages.accumulate {
            sources.push(port(ACCUMULATE, lanes.results() * lanes.accumulate_bits()));
        }
        if lanes.stages.mask {
            sources.push(port(MASK, lanes.results()));
        }
        ModelSpec {
            top: engine.name().to_owned(),
            verilog: verilog.to_owned(),
            sources,
            sinks: vec![port(RESULT, lanes.results() * lanes.out_bits())],
            pins_in,
            pins_out,
            memory: None,
        }
    }

    /// A fresh engine, after a reset.
    pub fn new(model: &Model, seed: u64) -> Self {
        let mut instance = model.instance(seed);
        let has_memory = model.spec().memory.is_some();
        if has_memory {
            instance.memory().resize(MEMORY_BYTES as usize);
        }
        instance.reset(RESET_CYCLES);
        let sources = model.spec().sources.iter();
        Simulated {
            sources: sources.map(|port| port.name.clone()).collect(),
            beat_bytes: (model.spec().sinks.get(RESULT_SINK)).map_or(1, |port| port.bytes),
            instance,
            taken: 0,
            has_memory,
        }
    }

    /// The instance, for what is no matter of a driver: pins, cycles, violations of rules.
    pub fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// Beats of a stream that the engine has taken.
    ///
    /// # Errors
    /// The engine has no such stream.
    pub fn accepted(&mut self, input: Input) -> Result<u64, DeviceError> {
        Ok(self.source(input)?.accepted())
    }

    /// When what went through the engine ended.
    ///
    /// # Errors
    /// Never: every engine has these streams.
    pub fn ends(&mut self) -> Result<Ends, DeviceError> {
        let stationary = self.source(Input::Weight)?;
        let (first, sets) = (stationary.first_cycle(), stationary.last_cycles().to_vec());
        Ok(Ends {
            first: first.unwrap_or(0),
            stationary: sets,
            moving: self.source(Input::Data)?.last_cycles().to_vec(),
            results: self.instance.sink(RESULT_SINK).last_cycles().to_vec(),
        })
    }

    fn source(&mut self, input: Input) -> Result<Source<'_>, DeviceError> {
        let name = match input {
            Input::Data => DATA,
            Input::Weight => WEIGHT,
            Input::Accumulate => ACCUMULATE,
            Input::Mask => MASK,
        };
        let index = self.sources.iter().position(|source| source == name);
        let index = index.ok_or(DeviceError::NoStream { name })?;
        Ok(self.instance.source(index))
    }

    /// Bytes of the engine's memory.
    fn in_memory(&mut self, address: u32, bytes: usize) -> Result<&mut [u8], DeviceError> {
        if !self.has_memory {
            return Err(DeviceError::NoMemory);
        }
        let memory = self.instance.memory().into_bytes();
        let from = address as usize;
        memory
            .get_mut(from..from + bytes)
            .ok_or(DeviceError::NoMemory)
    }

    /// Stalls inputs and output with these probabilities, drawn from this seed.
    pub fn stall(&mut self, input: f64, output: f64, seed: u64) {
        let seed = seed.wrapping_mul(8);
        let instance = &mut self.instance;
        for index in 0..self.sources.len() {
            let seed = seed + 1 + index as u64;
            instance.source(index).set_stall(input, seed);
        }
        instance.sink(RESULT_SINK).set_stall(output, seed);
    }
}

impl Device for Simulated {
    fn read(&mut self, offset: u64) -> Result<Option<u32>, DeviceError> {
        match AxiLite::new(&mut self.instance, BUS).read(offset)? {
            Response::Okay(value) => Ok(Some(value)),
            Response::Refused => Ok(None),
        }
    }

    fn write(&mut self, offset: u64, value: u32) -> Result<bool, DeviceError> {
        let response = AxiLite::new(&mut self.instance, BUS).write(offset, value, 15)?;
        Ok(response != Response::Refused)
    }

    fn send(&mut self, input: Input, packet: &[u8]) -> Result<(), DeviceError> {
        let mut source = self.source(input)?;
        let beats = packet.len() / source.port().bytes;
        let flags: Vec<u8> = (1..=beats).map(|beat| u8::from(beat == beats)).collect();
        Ok(source.load(packet, &flags)?)
    }

    fn receive(&mut self, bytes: usize) -> Result<Vec<u8>, DeviceError> {
        let wanted = self.taken + bytes;
        let mut idle = 0;
        loop {
            let mut sink = self.instance.sink(RESULT_SINK);
            let held = sink.data().len();
            if held >= wanted {
                let found = sink.data()[self.taken..wanted].to_vec();
                self.taken = wanted;
                if held == wanted {
                    sink.forget();
                    self.taken = 0;
                }
                return Ok(found);
            }
            if idle >= PATIENCE {
                return Err(DeviceError::Stuck {
                    found: held - self.taken,
                    wanted: bytes,
                    cycles: idle,
                });
            }
            let missing = ((wanted - held) / self.beat_bytes) as u64;
            let beats = sink.accepted() + missing;
            let ran = self.instance.run(PART, Some(beats));
            let now = self.instance.sink(RESULT_SINK).data().len();
            idle = if now == held { idle + ran.cycles } else { 0 };
        }
    }

    fn memory_bytes(&self) -> u32 {
        match self.has_memory {
            true => MEMORY_BYTES,
            false => 0,
        }
    }

    fn store(&mut self, address: u32, bytes: &[u8]) -> Result<(), DeviceError> {
        self.in_memory(address, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    fn load(&mut self, address: u32, bytes: usize) -> Result<Vec<u8>, DeviceError> {
        Ok(self.in_memory(address, bytes)?.to_vec())
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        self.instance.run(WAIT, None);
        Ok(())
    }
}

//! A run of the engine's Verilog: arrays in, arrays and cycle counts out, and a check that it kept its contract.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpa_sim::{Cache, Instance, Model, ModelSpec, Pin, Profile, SimError, StreamPort};
use ndarray::{Array4, Axis};

pub use crate::arrays::{Arrays, Batch};
use crate::interface::{
    accumulate_bits, error_cause, out_bits, settings, status, Cause, Status, Streams, ACCUMULATE,
    BUSY, ERROR, FRAME_DONE, MASK, ROUNDING_SEED, SATURATIONS,
};
use crate::layer::Layer;
use crate::plan::Plan;
use crate::reference::StageArrays;
use crate::schedule::Cycles;
use crate::trace::Trace;
use crate::vectors::{
    pack_channels, pack_moving, pack_result, pack_stationary, unpack_result, BeatFormat,
};

/// Indices of the streams in [`model_spec`].
pub const MOVING_SOURCE: usize = 0;
/// That of what is stationary.
pub const STATIONARY_SOURCE: usize = 1;
/// That of the result.
pub const RESULT_SINK: usize = 0;

/// Cycles of reset.
const RESET_CYCLES: u64 = 4;
/// Cycles between the weights and the first frame: the weights are then certainly in place, and the frame's count
/// holds nothing of them.
const SETTLE_CYCLES: u64 = 16;
/// Cycles in which nothing more may come after the last beat.
const QUIET_CYCLES: u64 = 512;
/// A part of a run between two reports of progress takes about this long.
const PART: Duration = Duration::from_millis(100);
/// Values of a batch in which frames go through a run, where a frame has not more.
const BATCH_VALUES: usize = 1 << 18;

/// The frames of a run, which go through the engine batch by batch, so that memory holds a few of them and not all.
pub trait Frames {
    /// Exactly so many frames: the next ones.
    fn next(&mut self, frames: usize) -> Arc<Batch>;

    /// What the engine gave (frame, channel, row, column) for a batch, in the order of the batches.
    fn result(&mut self, result: Array4<i64>);
}

/// How the world outside treats the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Probability, below 1, that a beat of an input stream is held back in a cycle.
    pub stall_input: f64,
    /// Probability, below 1, that the output stream is not taken from in a cycle.
    pub stall_output: f64,
    /// Where all randomness of the run comes from, that of the registers' initial values included.
    pub seed: u64,
}

impl Traffic {
    /// How much longer than without stalls a run takes at most, on average: in a cycle in which the engine waits
    /// for both sides, both have to be there.
    pub fn slowdown(&self) -> f64 {
        1.0 / ((1.0 - self.stall_input) * (1.0 - self.stall_output))
    }
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// (frame, channel, row, column)
    pub result: Array4<i64>,
    /// Values that did not fit the output's type, as the engine counts them; zero where it does not.
    pub saturations: u64,
    /// Counted from the first beat of what moves that was taken; that cycle and the last beat's are both counted.
    pub cycles: Cycles,
}

/// A run but for its frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The beats of the stationary set, with the scales that belong to them.
    pub set: Vec<u8>,
    /// Where stochastic rounding begins; 31 bits.
    pub rounding_seed: u32,
    /// How many frames come.
    pub frames: u64,
    /// What is outside.
    pub traffic: Traffic,
}

/// What a run gave beside its results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counted {
    /// As in [`Measured`].
    pub saturations: u64,
    /// As in [`Measured`].
    pub cycles: Cycles,
    /// Cycles from the reset to the first beat of what moves, from which `cycles` are counted.
    pub first_beat: u64,
    /// Cycles from the reset to the last beat.
    pub end: u64,
    /// How much of the time was the model's own.
    pub profile: Profile,
}

/// Why a run gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The bridge or a tool behind it failed.
    #[error(transparent)]
    Simulator(#[from] SimError),
    /// The Verilog did not keep its contract.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Everything about a run that was against the contract; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the engine broke its contract:{}", list(.0))]
pub struct Broken(pub Vec<Fault>);

fn list(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| format!("\n  - {fault}"))
        .collect()
}

/// One breach of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The engine stopped taking or giving beats.
    Stuck {
        /// The stream, by the start of its pins' names.
        stream: &'static str,
        /// Beats that moved.
        beats: u64,
        /// Beats that were expected.
        of: u64,
        /// Cycles after which the run was given up.
        after: u64,
    },
    /// Beats came after the last frame.
    Extra {
        /// The stream, by the start of its pins' names.
        stream: &'static str,
        /// How many.
        beats: u64,
    },
    /// `tlast` is wrong on a beat of the result.
    Last {
        /// The stream, by the start of its pins' names.
        stream: &'static str,
        /// The frame, from 0.
        frame: u64,
        /// The beat of it, from 0.
        beat: u64,
        /// Whether it is high.
        found: bool,
    },
    /// A rule of AXI4-Stream was broken on the result.
    Axi {
        /// The stream, by the start of its pins' names.
        stream: &'static str,
        /// In how many cycles.
        cycles: u64,
        /// The first of them, from the reset.
        first: u64,
    },
    /// The error output went high although every `tlast` was in its place.
    Error {
        /// What the engine says was wrong.
        causes: Vec<Cause>,
    },
    /// `frame_done` was not high for one cycle a frame.
    FrameDone {
        /// Cycles in which it was high.
        cycles: u64,
        /// Frames that were run.
        frames: u64,
    },
    /// `busy` was high after the end.
    Busy,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stuck {
                stream,
                beats,
                of,
                after,
            } => write!(
                out,
                "{stream} is stuck: {beats} of {of} beats after {after} cycles"
            ),
            Self::Extra { stream, beats } => write!(
                out,
                "{stream} went on after the last frame: in {QUIET_CYCLES} cycles, {beats} more"
            ),
            Self::Last {
                stream,
                frame,
                beat,
                found,
            } => {
                let what = if *found { "high" } else { "low" };
                write!(
                    out,
                    "{stream}_tlast is {what} on beat {beat} of frame {frame}"
                )
            }
            Self::Axi {
                stream,
                cycles,
                first,
            } => write!(
                out,
                "{stream} broke a rule of AXI4-Stream in {cycles} cycles, cycle {first} the first"
            ),
            Self::Error { causes } => {
                write!(out, "error went high though no tlast was misplaced")?;
                causes.iter().try_for_each(|cause| write!(out, "; {cause}"))
            }
            Self::FrameDone { cycles, frames } => {
                write!(
                    out,
                    "frame_done was high in {cycles} cycles for {frames} frames"
                )
            }
            Self::Busy => write!(out, "busy stayed high after the last frame"),
        }
    }
}

/// An engine's Verilog, compiled and ready to run.
pub struct Simulator<'a> {
    plan: &'a Plan,
    model: Model,
    trace: Option<Trace>,
}

impl<'a> Simulator<'a> {
    /// Compiles the Verilog of the plan's engine, or finds it compiled in the cache.
    ///
    /// # Errors
    /// A tool is missing or fails, or the ports are not those of the plan's engine.
    pub fn build(plan: &'a Plan, verilog: &str, cache: &Cache) -> Result<Self, SimError> {
        let spec = model_spec(plan, verilog);
        Ok(Self {
            plan,
            model: Model::build(&spec, cache)?,
            trace: None,
        })
    }

    /// The same with waveforms: each run writes them to the file of `trace`, in place of what is there. The file is whole
    /// where the run breaks the contract, too.
    ///
    /// # Errors
    /// As [`build`](Self::build), or zlib is missing.
    pub fn traced(
        plan: &'a Plan,
        verilog: &str,
        cache: &Cache,
        trace: Trace,
    ) -> Result<Self, SimError> {
        let spec = model_spec(plan, verilog);
        Ok(Self {
            plan,
            model: Model::build_traced(&spec, cache)?,
            trace: Some(trace),
        })
    }

    /// Runs all frames back to back, after the stationary set, in an instance of its own. `progress` is called now and
    /// then with the cycles that were run.
    ///
    /// # Errors
    /// The engine did not keep its contract; what it gave in spite of that is not told.
    ///
    /// # Panics
    /// If the arrays are of another layer.
    pub fn run(
        &self,
        arrays: &Arrays,
        traffic: &Traffic,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Measured, RunError> {
        let setup = Setup {
            set: stationary_set(self.plan, arrays),
            rounding_seed: arrays.stages.rounding_seed,
            frames: arrays.moving.shape()[0] as u64,
            traffic: *traffic,
        };
        let mut kept = Kept {
            arrays,
            begun: 0,
            results: Vec::new(),
        };
        let counted = self.run_frames(&setup, &mut kept, progress)?;
        let views: Vec<_> = kept.results.iter().map(|result| result.view()).collect();
        Ok(Measured {
            result: ndarray::concatenate(Axis(0), &views).expect("frames of one layer"),
            saturations: counted.saturations,
            cycles: counted.cycles,
        })
    }

    /// As [`run`](Self::run), for frames from wherever they come, in memory for a few of them.
    ///
    /// # Errors
    /// The engine did not keep its contract; what it gave until then was given on.
    ///
    /// # Panics
    /// If anything is of another layer, or there are no frames.
    pub fn run_frames(
        &self,
        setup: &Setup,
        frames: &mut dyn Frames,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Counted, RunError> {
        let mut bench = Bench::new(self, setup, progress)?;
        bench.load_set(setup)?;
        let mut flow = Flow::new(&bench, frames);
        bench.run_frames(&mut flow)?;
        bench.finish(&flow)?;
        bench.counted()
    }

    /// Whether the model was in the cache.
    pub fn was_cached(&self) -> bool {
        self.model.was_cached()
    }
}

/// Frames that are all in memory, and their results.
struct Kept<'a> {
    arrays: &'a Arrays,
    /// Frames that were given.
    begun: usize,
    results: Vec<Array4<i64>>,
}

impl Frames for Kept<'_> {
    fn next(&mut self, frames: usize) -> Arc<Batch> {
        let batch = self.arrays.batch(self.begun, frames);
        self.begun += frames;
        Arc::new(batch)
    }

    fn result(&mut self, result: Array4<i64>) {
        self.results.push(result);
    }
}

/// The engine as the bridge sees it: sources what moves, what is stationary and those that the layer has beside them, sink
/// the result, and all other outputs watched.
pub fn model_spec(plan: &Plan, verilog: &str) -> ModelSpec {
    let streams = Streams::new(plan);
    let port = |name, format: BeatFormat| StreamPort::new(name, format.beat_bytes());
    let pin = |status: Status| Pin::new(status.name, status.width).watched();
    let setting = |setting: Status| Pin::new(setting.name, setting.width);
    let inputs = streams.inputs().into_iter();
    ModelSpec {
        top: plan.layer().name().to_owned(),
        verilog: verilog.to_owned(),
        sources: inputs.map(|(name, format)| port(name, format)).collect(),
        sinks: vec![port(streams.names.result, streams.result)],
        pins_in: settings(plan).into_iter().map(setting).collect(),
        pins_out: status(plan).into_iter().map(pin).collect(),
        memory: None,
    }
}

/// The instance of one run, and what is expected of it.
struct Bench<'a> {
    plan: &'a Plan,
    streams: Streams,
    frames: u64,
    traffic: &'a Traffic,
    instance: Instance,
    progress: &'a mut dyn FnMut(u64),
    /// Cycles of a part, fitted to [`PART`].
    part: u64,
}

impl<'a> Bench<'a> {
    fn new(
        simulator: &'a Simulator,
        setup: &'a Setup,
        progress: &'a mut dyn FnMut(u64),
    ) -> Result<Self, SimError> {
        let traffic = &setup.traffic;
        // The bridge takes any two numbers for unlike seeds.
        let seed = |use_of_it: u64| traffic.seed.wrapping_mul(4).wrapping_add(use_of_it);
        let mut instance = simulator.model.instance(seed(0));
        instance
            .source(MOVING_SOURCE)
            .set_stall(traffic.stall_input, seed(1));
        instance
            .source(STATIONARY_SOURCE)
            .set_stall(traffic.stall_input, seed(2));
        instance
            .sink(RESULT_SINK)
            .set_stall(traffic.stall_output, seed(3));
        let streams = Streams::new(simulator.plan);
        for (index, _) in streams.inputs().iter().enumerate().skip(2) {
            // Far from those of other seeds.
            let seed = seed((index as u64) << 32);
            instance.source(index).set_stall(traffic.stall_input, seed);
        }
        if settings(simulator.plan).contains(&ROUNDING_SEED) {
            instance.poke(ROUNDING_SEED.name, setup.rounding_seed.into())?;
        }
        // It reads a clock in one cycle of 61.
        instance.set_profiling(true);
        instance.reset(RESET_CYCLES);
        if let Some(trace) = &simulator.trace {
            instance.trace(&trace.path, trace.from, trace.cycles)?;
        }
        Ok(Self {
            plan: simulator.plan,
            streams,
            frames: setup.frames,
            traffic,
            instance,
            progress,
            part: 1 << 12,
        })
    }

    fn load_set(&mut self, setup: &Setup) -> Result<(), RunError> {
        let format = self.streams.stationary;
        let mut source = self.instance.source(STATIONARY_SOURCE);
        source.load(&setup.set, &last_flags(format))?;
        let stream = self.streams.names.stationary;
        self.run_until(self.budget(format.beats), stream, None, |instance| {
            instance.source(STATIONARY_SOURCE).accepted()
        })?;
        self.instance.run(SETTLE_CYCLES, None);
        Ok(())
    }

    /// Runs until all beats of the results came and all beats of the frames were taken: of these, some may be needed
    /// by no result.
    fn run_frames(&mut self, flow: &mut Flow) -> Result<(), RunError> {
        let budget = self.budget(self.plan.cycles(self.frames).total);
        let names = self.streams.names;
        self.run_until(budget, names.result, Some(flow), |instance| {
            instance.sink(RESULT_SINK).accepted()
        })?;
        self.run_until(budget, names.moving, Some(flow), |instance| {
            instance.source(MOVING_SOURCE).accepted()
        })
    }

    /// Runs part after part until the stream has moved all beats that are expected of it.
    fn run_until(
        &mut self,
        budget: u64,
        stream: &'static str,
        mut flow: Option<&mut Flow>,
        moved: impl Fn(&mut Instance) -> u64,
    ) -> Result<(), RunError> {
        let begin = self.instance.cycle();
        let expected = self.expected(stream);
        loop {
            let beats = moved(&mut self.instance);
            let after = self.instance.cycle() - begin;
            if beats >= expected {
                return Ok(());
            }
            if after >= budget {
                let stuck = Fault::Stuck {
                    stream,
                    beats,
                    of: expected,
                    after,
                };
                return Err(self.broken(vec![stuck])?.into());
            }
            // The bridge watches the results and stops by itself. The other streams move at most one beat a cycle.
            let (most, stop) = match stream == self.streams.names.result {
                true => (u64::MAX, Some(expected)),
                false => (expected - beats, None),
            };
            let ahead = match &mut flow {
                Some(flow) => flow.load(&mut self.instance)?,
                None => u64::MAX,
            };
            self.run_part(most.min(budget - after).min(ahead), stop);
            if let Some(flow) = &mut flow {
                flow.take(&mut self.instance);
            }
        }
    }

    fn run_part(&mut self, most: u64, stop: Option<u64>) {
        let started = Instant::now();
        let ran = self.instance.run(self.part.min(most), stop).cycles;
        if ran == self.part {
            match started.elapsed() {
                short if short < PART / 2 => self.part *= 2,
                long if long > PART * 2 => self.part = (self.part / 2).max(1),
                _ => (),
            }
        }
        (self.progress)(self.instance.cycle());
    }

    fn expected(&self, stream: &str) -> u64 {
        let streams = &self.streams;
        match () {
            () if stream == streams.names.stationary => streams.stationary.beats,
            () if stream == streams.names.moving => self.frames * streams.moving.beats,
            () => self.frames * streams.result.beats,
        }
    }

    /// Cycles after which a run that should take so many is given up: far more than stalls can cost.
    fn budget(&self, cycles: u64) -> u64 {
        let generous = (cycles as f64 * 4.0 + 20_000.0) * self.traffic.slowdown();
        generous as u64
    }

    /// Runs on, ready to take anything, and checks that nothing comes and nothing was wrong.
    fn finish(&mut self, flow: &Flow) -> Result<(), RunError> {
        self.instance.sink(RESULT_SINK).set_stall(0.0, 0);
        self.instance.run(QUIET_CYCLES, None);
        let mut faults = Vec::new();
        let stream = self.streams.names.result;
        let expected = self.expected(stream);
        let sink = self.instance.sink(RESULT_SINK);
        if sink.accepted() > expected {
            faults.push(Fault::Extra {
                stream,
                beats: sink.accepted() - expected,
            });
        }
        faults.extend(flow.wrong_last.clone());
        let done = self.instance.watched(FRAME_DONE.name)?.cycles;
        if done != self.frames {
            faults.push(Fault::FrameDone {
                cycles: done,
                frames: self.frames,
            });
        }
        if self.instance.peek(BUSY.name)? != 0 {
            faults.push(Fault::Busy);
        }
        let broken = self.broken(faults)?;
        match broken.0.is_empty() {
            true => Ok(()),
            false => Err(broken.into()),
        }
    }

    /// The faults, and those that explain them and can be seen at any time.
    fn broken(&mut self, mut faults: Vec<Fault>) -> Result<Broken, SimError> {
        let sink = self.instance.sink(RESULT_SINK);
        if let Some(first) = sink.first_violation() {
            faults.push(Fault::Axi {
                stream: self.streams.names.result,
                cycles: sink.violations(),
                first,
            });
        }
        let cause = error_cause(self.plan).name;
        if self.instance.watched(ERROR.name)?.cycles > 0 || self.instance.watched(cause)?.cycles > 0
        {
            faults.push(Fault::Error {
                causes: Cause::of(self.plan, self.instance.peek(cause)?),
            });
        }
        Ok(Broken(faults))
    }

    /// The figures of a run in which [`finish`](Self::finish) found no fault.
    fn counted(&mut self) -> Result<Counted, RunError> {
        let saturations = match self.plan.layer().requantise() {
            Some(_) => self.instance.peek(SATURATIONS.name)?,
            None => 0,
        };
        let source = self.instance.source(MOVING_SOURCE);
        let first = source.first_cycle().expect("every beat was taken");
        let sink = self.instance.sink(RESULT_SINK);
        let lasts = sink.last_cycles();
        let since_first = |frame: usize| lasts[frame] - first + 1;
        let end = lasts.len() - 1;
        let cycles = Cycles {
            total: since_first(end),
            first_frame: since_first(0),
            per_frame_steady: (lasts.len() >= 3).then(|| lasts[end] - lasts[end - 1]),
        };
        Ok(Counted {
            saturations,
            cycles,
            first_beat: first,
            end: lasts[end] + 1,
            profile: self.instance.profile(),
        })
    }
}

/// Frames on their way in, and results on their way out. Between one and two batches are there for the streams to send, so
/// that none ever runs dry before the end: the cycles are those of a run that has all frames in memory.
struct Flow<'a> {
    plan: &'a Plan,
    frames: &'a mut dyn Frames,
    streams: Streams,
    /// Frames of a batch.
    batch: u64,
    /// Frames of the run, and of them those that were loaded.
    count: u64,
    loaded: u64,
    /// Frames of the batches that were loaded and have no result yet.
    under_way: VecDeque<u64>,
    /// Bytes of the results that make no batch yet.
    bytes: Vec<u8>,
    /// Beats of the results that were looked at, and the first of them with a wrong `tlast`.
    beats: u64,
    wrong_last: Option<Fault>,
}

impl<'a> Flow<'a> {
    fn new(bench: &Bench<'a>, frames: &'a mut dyn Frames) -> Self {
        Self {
            plan: bench.plan,
            frames,
            streams: Streams::new(bench.plan),
            batch: batch_frames(bench.plan.layer()) as u64,
            count: bench.frames,
            loaded: 0,
            under_way: VecDeque::new(),
            bytes: Vec::new(),
            beats: 0,
            wrong_last: None,
        }
    }

    /// Sees to it that a batch of frames is there for each stream; for how many cycles none can run dry.
    fn load(&mut self, instance: &mut Instance) -> Result<u64, SimError> {
        loop {
            let mut ahead = u64::MAX;
            let mut frames_ahead = u64::MAX;
            for (index, (_, format)) in self.inputs() {
                let sent = instance.source(index).accepted();
                let left = self.loaded * format.beats - sent;
                ahead = ahead.min(left);
                frames_ahead = frames_ahead.min(left / format.beats);
            }
            if self.loaded == self.count {
                return Ok(u64::MAX);
            }
            if frames_ahead >= self.batch {
                return Ok(ahead);
            }
            let frames = self.batch.min(self.count - self.loaded);
            let batch = self.frames.next(frames as usize);
            for (index, (name, format)) in self.inputs() {
                let flags = last_flags(format);
                for n in 0..frames as usize {
                    let beats = beats_of(self.plan, &batch.moving, &batch.stages, name, n);
                    instance.source(index).load(&beats, &flags)?;
                }
            }
            self.loaded += frames;
            self.under_way.push_back(frames);
        }
    }

    /// The streams of frames, with their indices.
    fn inputs(&self) -> impl Iterator<Item = (usize, (&'static str, BeatFormat))> {
        let inputs = self.streams.inputs().into_iter().enumerate();
        let stationary = self.streams.names.stationary;
        inputs.filter(move |(_, (name, _))| *name != stationary)
    }

    /// Takes what came, and gives on each batch that is complete.
    fn take(&mut self, instance: &mut Instance) {
        let mut sink = instance.sink(RESULT_SINK);
        let format = self.streams.result;
        let beats = format.beats;
        // Beats after the last frame are told by another fault.
        let expected = self.count * beats;
        for (beat, &last) in (self.beats..expected).zip(sink.last()) {
            if self.wrong_last.is_none() && (last != 0) != ((beat + 1) % beats == 0) {
                self.wrong_last = Some(Fault::Last {
                    stream: self.streams.names.result,
                    frame: beat / beats,
                    beat: beat % beats,
                    found: last != 0,
                });
            }
        }
        self.beats += sink.last().len() as u64;
        self.bytes.extend_from_slice(sink.data());
        sink.forget();
        while let Some(&frames) = self.under_way.front() {
            let whole = frames as usize * format.bytes();
            if self.bytes.len() < whole {
                break;
            }
            self.under_way.pop_front();
            let bytes: Vec<u8> = self.bytes.drain(..whole).collect();
            let result = unpack_result(self.plan.layer(), &bytes, out_bits(self.plan));
            self.frames
                .result(result.expect("whole frames were counted"));
        }
    }
}

/// Frames of a layer that are handled at once: a few where each is large, many where they are small.
pub fn batch_frames(layer: &Layer) -> usize {
    let values = |[channels, height, width]: [usize; 3]| channels * height * width;
    let op = layer.operation();
    let frame = values(op.moving_shape()) + values(op.result_shape());
    (BATCH_VALUES / frame).max(1)
}

/// The beats of a stationary set, with the scales that belong to it.
///
/// # Panics
/// If the arrays are of another layer.
pub fn stationary_set(plan: &Plan, arrays: &Arrays) -> Vec<u8> {
    set_of(plan, &arrays.stationary, &arrays.stages)
}

/// As [`stationary_set`], of what is stationary and stages.
///
/// # Panics
/// If the arrays are of another layer.
pub fn set_of(plan: &Plan, stationary: &Array4<i32>, stages: &StageArrays) -> Vec<u8> {
    let layer = plan.layer();
    let mut beats = pack_stationary(layer, stationary);
    beats.extend(pack_channels(layer, stages));
    beats
}

/// The beats of frame `n` on the input stream called `name`, which is not the stationary one.
///
/// # Panics
/// If the arrays are of another layer.
pub fn frame_beats(plan: &Plan, arrays: &Arrays, name: &str, n: usize) -> Vec<u8> {
    beats_of(plan, &arrays.moving, &arrays.stages, name, n)
}

fn beats_of(
    plan: &Plan,
    moving: &Array4<i32>,
    stages: &StageArrays,
    name: &str,
    n: usize,
) -> Vec<u8> {
    let layer = plan.layer();
    match name {
        ACCUMULATE => {
            let values = stages.accumulate.as_ref().expect("values to add");
            let frame = values.index_axis(Axis(0), n);
            pack_result(layer, frame, accumulate_bits(plan))
        }
        MASK => {
            let mask = stages.mask.as_ref().expect("a mask");
            let frame = mask.index_axis(Axis(0), n).mapv(i64::from);
            pack_result(layer, frame.view(), 1)
        }
        _ => pack_moving(layer, moving.index_axis(Axis(0), n)),
    }
}

/// `tlast` of the beats of a frame or set.
pub(crate) fn last_flags(format: BeatFormat) -> Vec<u8> {
    (1..=format.beats)
        .map(|beat| u8::from(beat == format.beats))
        .collect()
}

//! A running model.

use std::ffi::CString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::library::{Handle, Shim};
use crate::{Memory, Model, ModelSpec, Pin, SimError, Sink, Source};

/// How the shim says that something has not happened.
const NEVER: u64 = u64::MAX;

pub(crate) fn happened(cycle: u64) -> Option<u64> {
    (cycle != NEVER).then_some(cycle)
}

/// What a call of [`Instance::run`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunStatus {
    /// Cycles that this call ran.
    pub cycles: u64,
    /// Whether the first sink has the beats that were waited for.
    pub done: bool,
}

/// In which cycles a watched pin was not zero, and what it was, since the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// How many cycles.
    pub cycles: u64,
    /// The first one.
    pub first: Option<u64>,
    /// The latest one.
    pub latest: Option<u64>,
    /// A digest of the pin's values in all cycles: where those of two runs differ in one cycle, so do their digests, but
    /// for one in 2^64 or so.
    pub digest: u64,
}

/// Where the time of [`Instance::run`] went, see [`Instance::set_profiling`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Cycles that were run.
    pub cycles: u64,
    /// Time spent in the model's `eval`, estimated from one cycle in 61; not the time in which the
    /// process had to wait for a processor.
    pub eval: Duration,
    /// Time spent in `run`.
    pub run: Duration,
}

impl Profile {
    /// The part of the time that the model itself takes; the rest is the bridge.
    pub fn eval_share(&self) -> f64 {
        self.eval.as_secs_f64() / self.run.as_secs_f64()
    }
}

/// A running model with its stream drivers.
///
/// Cycles are numbered by rising clock edges: the first edge after a reset, or after the instance
/// was made, is cycle 0. A beat of a stream moves in the cycle at whose edge `tvalid` and `tready`
/// are both high.
///
/// An instance can be sent to another thread, and is used by one at a time.
pub struct Instance {
    pub(crate) handle: Handle,
    pub(crate) shim: Arc<Shim>,
    pub(crate) spec: Arc<ModelSpec>,
    /// Where what was covered goes.
    counts: Option<PathBuf>,
}

// SAFETY: the instance on the other side is owned by this value alone, and every function of the
// shim that evaluates the model first makes the instance's Verilator context that of the calling
// thread, so nothing depends on the thread that made it. What several instances share (the
// library's globals) is used under a lock. The pointer also keeps `Instance` from being `Sync`.
unsafe impl Send for Instance {}

impl Instance {
    pub(crate) fn new(model: &Model, rand_seed: u64) -> Self {
        // SAFETY: any number is a seed.
        let handle = unsafe { (model.shim.create)(verilator_seed(rand_seed)) };
        Instance {
            handle,
            shim: Arc::clone(&model.shim),
            spec: Arc::clone(&model.spec),
            counts: model.counts_file(),
        }
    }

    /// Holds `aresetn` low for the given number of rising edges (at least one), with all streams
    /// quiet. Everything that counts or collects starts again from nothing, beats that were loaded
    /// and not sent are dropped, stall generators start again from their seeds. What was set (stall
    /// probabilities, limits, start cycles, pins) stays.
    pub fn reset(&mut self, cycles: u64) {
        // SAFETY: the handle is live, and borrowed mutably.
        unsafe { (self.shim.reset)(self.handle, cycles.max(1)) }
    }

    /// Writes the waveforms of `cycles` cycles, from cycle `from` on, to a file in the format FST. A nanosecond in the file
    /// is a cycle: cycle n begins, where the clock rises, at n ns, and a beat moves where the next one begins. The file is
    /// whole when the window has passed, at [`end_trace`](Self::end_trace), at a reset and with the instance's end.
    ///
    /// # Errors
    /// The file cannot be opened, or the model was built without waveforms.
    pub fn trace(&mut self, path: &Path, from: u64, cycles: u64) -> Result<(), SimError> {
        let fault = || SimError::Trace {
            path: path.to_owned(),
        };
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| fault())?;
        // SAFETY: the handle is live, and borrowed mutably; the name ends with a zero, and is not kept.
        match unsafe {
            (self.shim.trace)(
                self.handle,
                name.as_ptr(),
                from,
                from.saturating_add(cycles),
            )
        } {
            true => Ok(()),
            false => Err(fault()),
        }
    }

    /// Ends the waveforms, if any are being written.
    pub fn end_trace(&mut self) {
        // SAFETY: the handle is live, and borrowed mutably.
        unsafe { (self.shim.trace_end)(self.handle) }
    }

    /// The number of the next cycle, which is the count of cycles since the last reset.
    pub fn cycle(&self) -> u64 {
        // SAFETY: the handle is live, and the call reads one number.
        unsafe { (self.shim.cycle)(self.handle) }
    }

    /// Runs until the first sink has taken `sink0_beats` beats since the last reset, if that is
    /// given, and for at most `max_cycles` cycles. The next call goes on where this one ended,
    /// with nothing between them: a long run can be done in parts.
    pub fn run(&mut self, max_cycles: u64, sink0_beats: Option<u64>) -> RunStatus {
        // SAFETY: the handle is live, and borrowed mutably: no slice of its buffers is alive.
        let cycles =
            unsafe { (self.shim.run)(self.handle, max_cycles, sink0_beats.unwrap_or(NEVER)) };
        let done = sink0_beats.is_some_and(|beats| self.sink(0).accepted() >= beats);
        RunStatus { cycles, done }
    }

    /// The source with the given index in [`ModelSpec::sources`].
    ///
    /// # Panics
    /// If there is no such source.
    pub fn source(&mut self, index: usize) -> Source<'_> {
        Source::new(self, index)
    }

    /// The sink with the given index in [`ModelSpec::sinks`].
    ///
    /// # Panics
    /// If there is no such sink.
    pub fn sink(&mut self, index: usize) -> Sink<'_> {
        Sink::new(self, index)
    }

    /// The memory behind the model's AXI4 master.
    ///
    /// # Panics
    /// If it has none.
    pub fn memory(&mut self) -> Memory<'_> {
        Memory::new(self)
    }

    /// The value of a pin after the latest edge.
    pub fn peek(&self, pin: &str) -> Result<u64, SimError> {
        let pins = self.spec.pins_in.iter().chain(&self.spec.pins_out);
        let index = position(pins, pin, "pin")?;
        // SAFETY: the handle is live, and the index is that of a pin.
        Ok(unsafe { (self.shim.peek)(self.handle, index) })
    }

    /// Sets an input pin, from the next cycle on; bits above its width are dropped.
    pub fn poke(&mut self, pin: &str, value: u64) -> Result<(), SimError> {
        let index = position(&self.spec.pins_in, pin, "input pin")?;
        // SAFETY: the handle is live, and the index is that of an input pin.
        unsafe { (self.shim.poke)(self.handle, index, value) };
        Ok(())
    }

    /// When a watched pin (see [`Pin::watched`]) was not zero, as seen just before each edge.
    pub fn watched(&self, pin: &str) -> Result<Watched, SimError> {
        let index = position(self.spec.watched(), pin, "watched pin")?;
        let (mut first, mut latest, mut digest) = (NEVER, NEVER, 0);
        // SAFETY: the handle is live, the index is that of a watched pin, and the shim writes to
        // the three numbers only.
        let cycles =
            unsafe { (self.shim.watch)(self.handle, index, &mut first, &mut latest, &mut digest) };
        Ok(Watched {
            cycles,
            first: happened(first),
            latest: happened(latest),
            digest,
        })
    }

    /// Switches time measurement in [`run`](Instance::run) on, from zero, or off. It is off at
    /// first.
    pub fn set_profiling(&mut self, on: bool) {
        // SAFETY: the handle is live, and borrowed mutably.
        unsafe { (self.shim.profile)(self.handle, on) }
    }

    /// Where the time went since profiling was switched on.
    pub fn profile(&self) -> Profile {
        let (mut cycles, mut eval_ns, mut run_ns) = (0, 0.0, 0.0);
        // SAFETY: the handle is live, and the shim writes to the three numbers only.
        unsafe { (self.shim.profile_read)(self.handle, &mut cycles, &mut eval_ns, &mut run_ns) };
        Profile {
            cycles,
            eval: Duration::from_nanos(eval_ns as u64),
            run: Duration::from_nanos(run_ns as u64),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let path = self.counts.take().map(PathBuf::into_os_string);
        if let Some(Ok(name)) = path.map(|path| CString::new(path.into_vec())) {
            // SAFETY: the handle is live; the name ends with a zero, and is not kept.
            unsafe { (self.shim.coverage)(self.handle, name.as_ptr()) }
        }
        // SAFETY: the handle came from `create` and is destroyed once, here; the library is
        // still loaded, since `shim` is dropped afterwards.
        unsafe { (self.shim.destroy)(self.handle) }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("top", &self.spec.top)
            .field("cycle", &self.cycle())
            .finish_non_exhaustive()
    }
}

fn position<'a>(
    pins: impl IntoIterator<Item = &'a Pin>,
    name: &str,
    kind: &'static str,
) -> Result<usize, SimError> {
    let found = pins.into_iter().position(|pin| pin.name == name);
    found.ok_or_else(|| SimError::UnknownPin {
        kind,
        pin: name.to_string(),
    })
}

/// Verilator takes seeds of 31 bits, and takes 0 for "whatever the time is".
fn verilator_seed(seed: u64) -> i32 {
    let folded = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as i32;
    folded.max(1)
}

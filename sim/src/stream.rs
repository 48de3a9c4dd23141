//! The two ends of a stream.

use crate::instance::happened;
use crate::{Instance, SimError, StreamPort};

/// A stream into the model.
///
/// A beat that is offered stays, unchanged, until it is taken; the stall probability only delays
/// the offer. Without stalls `tvalid` stays high from the first beat to the last.
pub struct Source<'a> {
    instance: &'a mut Instance,
    index: usize,
}

impl<'a> Source<'a> {
    pub(crate) fn new(instance: &'a mut Instance, index: usize) -> Self {
        let count = instance.spec.sources.len();
        assert!(index < count, "source {index} of {count}");
        Source { instance, index }
    }

    /// The port as it was specified.
    pub fn port(&self) -> &StreamPort {
        &self.instance.spec.sources[self.index]
    }

    /// Adds beats to those that are still to be sent: the bytes of all beats one after the other,
    /// and one `tlast` for each beat, 0 for low and anything else for high.
    pub fn load(&mut self, data: &[u8], last: &[u8]) -> Result<(), SimError> {
        let port = self.port();
        if Some(data.len()) != last.len().checked_mul(port.bytes) {
            return Err(SimError::Beats {
                stream: port.name.clone(),
                data: data.len(),
                flags: last.len(),
                bytes: port.bytes,
            });
        }
        let Instance { shim, handle, .. } = &*self.instance;
        // SAFETY: the handle is live and borrowed mutably, the index was checked, and the shim
        // copies `last.len()` beats of `port.bytes` bytes, which is what the slices hold.
        unsafe {
            (shim.source_load)(
                *handle,
                self.index,
                data.as_ptr(),
                last.as_ptr(),
                last.len(),
            );
        }
        Ok(())
    }

    /// Holds back the next beat, in every cycle in which none is offered, with this probability,
    /// drawn from a generator with this seed.
    ///
    /// # Panics
    /// If the probability is not from 0 to 1.
    pub fn set_stall(&mut self, probability: f64, seed: u64) {
        let Instance { shim, handle, .. } = &*self.instance;
        // SAFETY: the handle is live and borrowed mutably, and the index was checked.
        unsafe { (shim.source_stall)(*handle, self.index, threshold(probability), seed) }
    }

    /// The first cycle in which a beat may be offered. It is 1 unless set, as AXI4-Stream wants:
    /// `tvalid` rises at the first edge after reset at the earliest. With 0 it is high at that
    /// edge, which a robust receiver survives.
    pub fn set_start_cycle(&mut self, cycle: u64) {
        let Instance { shim, handle, .. } = &*self.instance;
        // SAFETY: the handle is live and borrowed mutably, and the index was checked.
        unsafe { (shim.source_start)(*handle, self.index, cycle) }
    }

    /// Beats that the model has taken since the last reset.
    pub fn accepted(&self) -> u64 {
        // SAFETY: the handle is live, and the index was checked.
        unsafe { (self.instance.shim.source_accepted)(self.instance.handle, self.index) }
    }

    /// The cycle in which the model took the first beat.
    pub fn first_cycle(&self) -> Option<u64> {
        // SAFETY: the handle is live, and the index was checked.
        happened(unsafe { (self.instance.shim.source_first)(self.instance.handle, self.index) })
    }

    /// The cycles in which the model took beats with `tlast`.
    pub fn last_cycles(&self) -> &[u64] {
        // SAFETY: the handle is live, the index was checked, and the instance stays borrowed for
        // as long as the slice lives.
        unsafe { (self.instance.shim.source_lasts)(self.instance.handle, self.index).as_slice() }
    }
}

/// A stream out of the model, with a monitor.
///
/// The monitor counts violations of AXI4-Stream: `tvalid` high in the first cycle after a reset;
/// and, in the cycle after a beat that was offered and not taken, `tvalid` low or another beat.
pub struct Sink<'a> {
    instance: &'a mut Instance,
    index: usize,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(instance: &'a mut Instance, index: usize) -> Self {
        let count = instance.spec.sinks.len();
        assert!(index < count, "sink {index} of {count}");
        Sink { instance, index }
    }

    /// The port as it was specified.
    pub fn port(&self) -> &StreamPort {
        &self.instance.spec.sinks[self.index]
    }

    /// Makes `tready` low, in every cycle, with this probability, drawn from a generator with this
    /// seed and regardless of `tvalid`.
    ///
    /// # Panics
    /// If the probability is not from 0 to 1.
    pub fn set_stall(&mut self, probability: f64, seed: u64) {
        let Instance { shim, handle, .. } = &*self.instance;
        // SAFETY: the handle is live and borrowed mutably, and the index was checked.
        unsafe { (shim.sink_stall)(*handle, self.index, threshold(probability), seed) }
    }

    /// Keeps `tready` low once this many beats were taken since the last reset. There is no limit
    /// at first.
    pub fn set_limit(&mut self, beats: Option<u64>) {
        let limit = beats.unwrap_or(u64::MAX);
        let Instance { shim, handle, .. } = &*self.instance;
        // SAFETY: the handle is live and borrowed mutably, and the index was checked.
        unsafe { (shim.sink_limit)(*handle, self.index, limit) }
    }

    /// Beats that were taken since the last reset.
    pub fn accepted(&self) -> u64 {
        // SAFETY: the handle is live, and the index was checked.
        unsafe { (self.instance.shim.sink_accepted)(self.instance.handle, self.index) }
    }

    /// The cycle in which the first beat was taken.
    pub fn first_cycle(&self) -> Option<u64> {
        // SAFETY: the handle is live, and the index was checked.
        happened(unsafe { (self.instance.shim.sink_first)(self.instance.handle, self.index) })
    }

    /// The cycles in which beats with `tlast` were taken.
    pub fn last_cycles(&self) -> &[u64] {
        // SAFETY: the handle is live, the index was checked, and the instance stays borrowed for
        // as long as the slice lives.
        unsafe { (self.instance.shim.sink_lasts)(self.instance.handle, self.index).as_slice() }
    }

    /// The bytes of the beats that were taken since the last reset or [`forget`](Sink::forget).
    pub fn data(&self) -> &[u8] {
        // SAFETY: as in `last_cycles`.
        unsafe { (self.instance.shim.sink_data)(self.instance.handle, self.index).as_slice() }
    }

    /// The `tlast` of each of these beats, 0 or 1.
    pub fn last(&self) -> &[u8] {
        // SAFETY: as in `last_cycles`.
        unsafe { (self.instance.shim.sink_flags)(self.instance.handle, self.index).as_slice() }
    }

    /// Drops the bytes and flags collected so far; counts and cycles stay. For runs in parts, so
    /// that memory does not grow.
    pub fn forget(&mut self) {
        // SAFETY: the handle is live and borrowed mutably, and the index was checked.
        unsafe { (self.instance.shim.sink_forget)(self.instance.handle, self.index) }
    }

    /// Cycles since the last reset in which the model broke a rule of AXI4-Stream.
    pub fn violations(&self) -> u64 {
        self.violation_record().0
    }

    /// The first of these cycles.
    pub fn first_violation(&self) -> Option<u64> {
        happened(self.violation_record().1)
    }

    fn violation_record(&self) -> (u64, u64) {
        let mut first = 0;
        let Instance { shim, handle, .. } = &*self.instance;
        // SAFETY: the handle is live, the index was checked, and the shim writes to one number.
        let count = unsafe { (shim.sink_violations)(*handle, self.index, &mut first) };
        (count, first)
    }
}

/// A probability as a share of all numbers of 64 bits.
pub(crate) fn threshold(probability: f64) -> u64 {
    assert!(
        (0.0..=1.0).contains(&probability),
        "a stall probability of {probability}"
    );
    (probability * 2f64.powi(64)) as u64 // Saturates at 1
}

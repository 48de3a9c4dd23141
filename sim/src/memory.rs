//! A memory behind an AXI4 master of the model.

use crate::instance::happened;
use crate::stream::threshold;
use crate::{Instance, Pin};

/// An AXI4 master of the model, with the pins `m_axi_*`. Addresses have 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPort {
    /// Bytes of a word: a power of two from 4 to 64.
    pub word_bytes: usize,
    /// Bits of an ID, at most 4.
    pub id_bits: usize,
}

impl MemoryPort {
    /// The pins: into the model, and out of it.
    pub(crate) fn pins(&self) -> [Vec<(String, usize)>; 2] {
        let (word, id) = (8 * self.word_bytes, self.id_bits);
        let inward = [
            ("arready", 1),
            ("rvalid", 1),
            ("rid", id),
            ("rdata", word),
            ("rresp", 2),
            ("rlast", 1),
            ("awready", 1),
            ("wready", 1),
            ("bvalid", 1),
            ("bid", id),
            ("bresp", 2),
        ];
        let mut outward = vec![
            ("rready".to_owned(), 1),
            ("wvalid".to_owned(), 1),
            ("wdata".to_owned(), word),
            ("wstrb".to_owned(), word / 8),
            ("wlast".to_owned(), 1),
            ("bready".to_owned(), 1),
        ];
        for channel in ["ar", "aw"] {
            let pins = [
                ("valid", 1),
                ("id", id),
                ("addr", 32),
                ("len", 8),
                ("size", 3),
                ("burst", 2),
            ];
            outward.extend(pins.map(|(name, bits)| (format!("{channel}{name}"), bits)));
        }
        let named = |(name, bits): (String, usize)| (format!("m_axi_{name}"), bits);
        [
            inward
                .map(|(name, bits)| named((name.to_owned(), bits)))
                .into(),
            outward.into_iter().map(named).collect(),
        ]
    }

    /// What else such a master has, for [`ModelSpec::pins_out`](crate::ModelSpec::pins_out).
    pub fn constants() -> Vec<Pin> {
        let pins = [("arcache", 4), ("arprot", 3), ("awcache", 4), ("awprot", 3)];
        pins.map(|(name, bits)| Pin::new(format!("m_axi_{name}"), bits))
            .into()
    }
}

/// How a memory answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryManners {
    /// Cycles from a read address to its first word, and from the last word of a write to its response.
    pub latency: u64,
    /// The probability with which it does not take or give, on each channel in each cycle.
    pub stall: f64,
    /// Where its stalls and its order begin.
    pub seed: u64,
    /// Whether words of different IDs come in any order.
    pub reorder: bool,
}

/// The memory: bytes from address 0 on. What lies beyond them is answered by an error. It keeps what it holds through a reset.
pub struct Memory<'a> {
    instance: &'a mut Instance,
}

impl<'a> Memory<'a> {
    pub(crate) fn new(instance: &'a mut Instance) -> Self {
        assert!(instance.spec.memory.is_some(), "the model has no memory");
        Memory { instance }
    }

    /// Makes it so many bytes large; those that are new are zero.
    pub fn resize(&mut self, bytes: usize) {
        // SAFETY: the handle is live and borrowed mutably, and the model has a memory.
        unsafe { (self.instance.shim.memory_resize)(self.instance.handle, bytes) }
    }

    /// Its bytes.
    pub fn into_bytes(self) -> &'a mut [u8] {
        let mut len = 0;
        // SAFETY: the handle is live and borrowed mutably, and the model has a memory; the shim gives data and length of a
        // vector, which stays as it is while the instance is borrowed.
        unsafe {
            let data = (self.instance.shim.memory_bytes)(self.instance.handle, &mut len);
            match len {
                0 => &mut [],
                _ => std::slice::from_raw_parts_mut(data, len),
            }
        }
    }

    /// How it answers from now on.
    ///
    /// # Panics
    /// If the probability is not from 0 to 1.
    pub fn set_manners(&mut self, manners: MemoryManners) {
        let MemoryManners {
            latency,
            stall,
            seed,
            reorder,
        } = manners;
        let Instance { shim, handle, .. } = &*self.instance;
        // SAFETY: as in `resize`.
        unsafe { (shim.memory_manners)(*handle, latency, threshold(stall), seed, reorder) }
    }

    /// Answers by an error from address `from` up to, but not including, `until`.
    pub fn set_bad(&mut self, from: u64, until: u64) {
        // SAFETY: as in `resize`.
        unsafe { (self.instance.shim.memory_bad)(self.instance.handle, from, until) }
    }

    /// Words that were read and written.
    pub fn moved(&self) -> [u64; 2] {
        let mut words = [0; 2];
        let [read, written] = &mut words;
        // SAFETY: as in `resize`; the shim writes to the two numbers only.
        unsafe { (self.instance.shim.memory_moved)(self.instance.handle, read, written) };
        words
    }

    /// How often the master broke a rule of AXI4 (a burst across 4 KiB or that is not aligned, of another size or kind; a beat
    /// that was taken back or changed; a last word at the wrong place; a valid in the first cycle after a reset), and the first
    /// cycle in which it did.
    pub fn violations(&self) -> (u64, Option<u64>) {
        let mut first = 0;
        // SAFETY: as in `moved`.
        let count =
            unsafe { (self.instance.shim.memory_violations)(self.instance.handle, &mut first) };
        (count, happened(first))
    }
}

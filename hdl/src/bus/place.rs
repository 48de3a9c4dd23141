//! How the beats of a stream lie in memory.

/// Bits of an address on the bus.
pub const ADDRESS_BITS: usize = 32;
/// Words of the longest burst. A burst lies in one block of as many words, aligned to its size: with words of 512 bits at the
/// most, none crosses a boundary of 4 KiB.
pub const BURST_WORDS: u64 = 64;
/// Bits of the number of a word in its block.
pub(super) const BLOCK_BITS: usize = BURST_WORDS.ilog2() as usize;

/// The place of a stream's beats: each takes so many bytes of memory that they are a power of two, the least that holds it. A
/// word of the bus holds one beat or several, its *lanes*, or a beat takes several words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bits of a beat on the stream, a whole number of bytes.
    pub beat_bits: usize,
    /// Bits of a word of the bus, a power of two.
    pub word_bits: usize,
}

impl Place {
    /// Bytes that a beat takes in memory.
    pub fn beat_bytes(&self) -> usize {
        (self.beat_bits / 8).next_power_of_two()
    }

    /// Beats of a word; 1 where a beat takes one word or more.
    pub fn lanes(&self) -> usize {
        (self.word_bits / 8 / self.beat_bytes()).max(1)
    }

    /// Words of a beat; 1 where a word holds one beat or more.
    pub fn words(&self) -> usize {
        (self.beat_bytes() / (self.word_bits / 8)).max(1)
    }

    /// Bits of the number of a lane; 0 where there is one.
    pub(super) fn lane_bits(&self) -> usize {
        self.lanes().ilog2() as usize
    }

    /// Bits of the address of a word.
    pub(super) fn word_address_bits(&self) -> usize {
        ADDRESS_BITS - (self.word_bits / 8).ilog2() as usize
    }

    /// Bits of the address of a lane.
    pub(super) fn unit_address_bits(&self) -> usize {
        self.word_address_bits() + self.lane_bits()
    }

    /// Lowest bit of an address that counts.
    pub(super) fn unit_bits(&self) -> usize {
        ADDRESS_BITS - self.unit_address_bits()
    }

    /// Bits of a beat in one word.
    pub(super) fn unit_data_bits(&self) -> usize {
        self.word_bits / self.lanes()
    }
}

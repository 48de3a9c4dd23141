//! Where a run is: what the next step depends on, but for cycles long past.

use super::{FIRST_BEAT, NEVER};

/// Cycles of the latest events, and counts of what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    // Input: pixels stored, needed, freed, and how many had to be freed for the latest beat; when that was taken.
    pub stored: i64,
    pub needed: i64,
    pub freed: i64,
    pub space_wanted: i64,
    pub last_beat_in: i64,

    // Walk.
    pub emitted: i64,
    pub queued: i64,
    /// In the second entry of the queue, at its head, in the issue loops.
    pub second: i64,
    pub head: i64,
    pub loaded: i64,
    /// The latest issue: when it left the loops, one ahead, and when it went.
    pub left: i64,
    pub issued: i64,

    // Output: results, and which of them had to be read for the latest accumulation to start.
    pub results: i64,
    pub place_wanted: i64,
    /// When the latest result was read from the FIFO's memory, and moved to the output of that.
    pub read: i64,
    pub word: i64,
    /// When the latest result moved to the stream's registers.
    pub result_moved: i64,
    /// When the latest beat did, zeros included.
    pub moved: i64,
    pub last_beat: i64,
}

impl State {
    pub fn new() -> Self {
        State {
            stored: 0,
            needed: 0,
            freed: 0,
            space_wanted: 0,
            last_beat_in: FIRST_BEAT - 1,
            emitted: NEVER,
            queued: NEVER,
            second: NEVER,
            head: NEVER,
            loaded: NEVER,
            left: NEVER,
            issued: NEVER,
            results: 0,
            place_wanted: 0,
            read: NEVER,
            word: NEVER,
            result_moved: NEVER,
            moved: NEVER,
            last_beat: NEVER,
        }
    }

    fn numbers(&mut self) -> [&mut i64; 19] {
        let State {
            stored,
            needed,
            freed,
            space_wanted,
            last_beat_in,
            emitted,
            queued,
            second,
            head,
            loaded,
            left,
            issued,
            results,
            place_wanted,
            read,
            word,
            result_moved,
            moved,
            last_beat,
        } = self;
        [
            stored,
            needed,
            freed,
            space_wanted,
            last_beat_in,
            emitted,
            queued,
            second,
            head,
            loaded,
            left,
            issued,
            results,
            place_wanted,
            read,
            word,
            result_moved,
            moved,
            last_beat,
        ]
    }

    /// Each number, less the other's.
    pub fn minus(&self, other: &State) -> State {
        self.plus(other, -1)
    }

    /// Each number, plus so many times the other's.
    pub fn plus(mut self, other: &State, times: i64) -> State {
        let mut other = *other;
        for (number, other) in self.numbers().into_iter().zip(other.numbers()) {
            *number += *other * times;
        }
        self
    }
}

//! Where a run is: what the next step depends on, but for cycles long past.

use super::{FIRST_BEAT, NEVER};

/// Pasts that later steps ask for: pixels of what moves that a pixel of the result freed, and the cycle of its last issue;
/// results that were read, and gave back their places; and where rows are put in order, words taken from there, and pages
/// read of what moves and of the result.
pub const PASTS: usize = 5;
pub const FREES: usize = 0;
pub const READS: usize = 1;
pub const TAKES: usize = 2;
pub const MOVING_PAGES: usize = 3;
pub const RESULT_PAGES: usize = 4;

/// Of one of them: up to which count it was asked for, and how many there were.
#[derive(Clone, Copy)]
pub struct Asked {
    pub wanted: i64,
    pub done: i64,
}

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

    // With lanes over pixels, where rows of what moves are put in order: the last beat taken; words read, when the last one
    // was, and how many had to be taken behind for it; pages, and which of them had to be read for the latest beat.
    pub beat_in: i64,
    pub fetched: i64,
    pub fetch: i64,
    pub take_wanted: i64,
    pub moving_pages: i64,
    pub moving_page_wanted: i64,
    // The same of the result: words taken, and when the last one was; the last read; pages.
    pub ordered: i64,
    pub accepted: i64,
    pub given: i64,
    pub result_pages: i64,
    pub result_page_wanted: i64,

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
    /// `ordered`: rows of what moves are put in order.
    pub fn new(ordered: bool) -> Self {
        State {
            stored: 0,
            needed: 0,
            freed: 0,
            space_wanted: 0,
            last_beat_in: if ordered { NEVER } else { FIRST_BEAT - 1 },
            beat_in: FIRST_BEAT - 1,
            fetched: 0,
            fetch: NEVER,
            take_wanted: 0,
            moving_pages: 0,
            moving_page_wanted: 0,
            ordered: 0,
            accepted: NEVER,
            given: NEVER,
            result_pages: 0,
            result_page_wanted: 0,
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

    fn numbers(&mut self) -> [&mut i64; 30] {
        let State {
            stored,
            needed,
            freed,
            space_wanted,
            last_beat_in,
            beat_in,
            fetched,
            fetch,
            take_wanted,
            moving_pages,
            moving_page_wanted,
            ordered,
            accepted,
            given,
            result_pages,
            result_page_wanted,
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
            beat_in,
            fetched,
            fetch,
            take_wanted,
            moving_pages,
            moving_page_wanted,
            ordered,
            accepted,
            given,
            result_pages,
            result_page_wanted,
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

    /// By number of the past.
    pub fn past(&self) -> [Asked; PASTS] {
        [
            (self.space_wanted, self.freed),
            (self.place_wanted, self.results),
            (self.take_wanted, self.fetched),
            (self.moving_page_wanted, self.moving_pages),
            (self.result_page_wanted, self.result_pages),
        ]
        .map(|(wanted, done)| Asked { wanted, done })
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

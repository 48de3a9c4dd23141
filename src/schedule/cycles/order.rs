//! Rows put in the order of lanes over pixels, and back: pages of stretches between a stream and what it goes to.

use super::history::{History, Point};
use super::repeat::Log;
use super::state::{MOVING_PAGES, RESULT_PAGES, TAKES};
use super::{Model, NEVER};
use bpa_hdl::config::pixels::RowOrder;
use bpa_hdl::pixels::{order_cycles, pages, MOST_PAGES, PAGE_CYCLES, PLACES, PLACE_CYCLES};

/// What goes through one such place.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Words of a row, and of a whole stretch of it; each with its blocks of channels.
    words: Stretches,
    /// Beats likewise.
    beats: Stretches,
    /// From the last of a stretch that comes to the first read of what leaves.
    to_read: i64,
    /// From a read to the stream behind.
    to_stream: i64,
    /// Pages that it has.
    pages: i64,
}

#[derive(Clone, Copy, Debug)]
struct Stretches {
    whole: i64,
    rest: i64,
    row: i64,
}

impl Order {
    /// In an engine for this layer alone; `None` where beats are words.
    pub fn built_in(order: &RowOrder, blocks: u64) -> Option<Self> {
        let all = || pages(order, blocks);
        order.differs().then(|| Self::new(order, blocks, all()))
    }

    /// In an engine that is told its rows, whatever they are.
    pub fn told(order: &RowOrder, blocks: u64) -> Self {
        Self::new(order, blocks, MOST_PAGES)
    }

    fn new(order: &RowOrder, blocks: u64, pages: u64) -> Self {
        let cycles = order_cycles(order.lanes as usize);
        let of = |whole: u64, rest: u64, row: u64| Stretches {
            whole: (whole * blocks) as i64,
            rest: (rest * blocks) as i64,
            row: (row * blocks) as i64,
        };
        Order {
            words: of(order.phases.len() as u64, order.rest_words(), order.words()),
            beats: of(order.stride, order.rest_beats(), order.beats()),
            to_read: cycles.to_read as i64,
            to_stream: cycles.to_stream as i64,
            pages: pages as i64,
        }
    }

    /// The rest of a row has beats and no word.
    fn restless(&self) -> bool {
        self.beats.rest > 0 && self.words.rest == 0
    }
}

impl Stretches {
    /// How many of the stretch are behind the one of this number of its row, and whether the stretch is the row's rest.
    fn left(&self, in_row: i64) -> (i64, bool) {
        let wholes = self.row - self.rest;
        match in_row < wholes {
            true => (self.whole - 1 - in_row % self.whole, false),
            false => (self.row - 1 - in_row, true),
        }
    }

    /// How many from number `since` on, behind `before` others, are in the same places of stretches as those so many before
    /// them.
    fn alike(&self, before: i64, since: usize, period: usize) -> usize {
        let (at, period) = (before + since as i64, period as i64);
        if period % self.row == 0 {
            return usize::MAX;
        }
        let (here, there) = (at % self.row, (at - period).rem_euclid(self.row));
        let wholes = self.row - self.rest;
        if period % self.whole == 0 && there < here && here < wholes {
            return (wholes - here) as usize;
        }
        let within = |in_row: i64| {
            let (left, is_rest) = self.left(in_row);
            (!self.begins(in_row)).then_some((left, is_rest))
        };
        match (within(here), within(there)) {
            (Some((a, one)), Some((b, other))) if one == other => a.min(b) as usize,
            _ => 0,
        }
    }

    /// Where in its row the one of this number of all is: whether it begins a stretch, how many of that are behind it,
    /// whether the stretch is the row's rest, and whether it ends the row. Periods that are alike have the same ones.
    fn place(&self, number: i64, log: &mut Log) -> InRow {
        let in_row = number % self.row;
        let begins = self.begins(in_row);
        let (left, is_rest) = self.left(in_row);
        log.note(u64::from(begins) | u64::from(left == 0) << 1 | u64::from(is_rest) << 2);
        InRow {
            begins,
            left,
            is_rest,
            ends: in_row + 1 == self.row,
        }
    }

    /// Whether it is the first of a stretch.
    fn begins(&self, in_row: i64) -> bool {
        let wholes = self.row - self.rest;
        in_row == wholes || in_row < wholes && in_row % self.whole == 0
    }
}

/// Where in its row a word is.
struct InRow {
    begins: bool,
    left: i64,
    is_rest: bool,
    ends: bool,
}

impl Order {
    /// Beats of the stretch that a word is in.
    fn beats_of(&self, word: &InRow) -> i64 {
        match word.is_rest {
            true => self.beats.rest,
            false => self.beats.whole,
        }
    }
}

/// When the page may be written that was read as that of number `wanted`, from one on.
fn page_free(log: &mut Log, pages: &History, wanted: i64) -> i64 {
    match log.is_some(wanted) {
        true => pages.cycle(wanted).unwrap_or(NEVER) + PAGE_CYCLES as i64,
        false => NEVER,
    }
}

impl Model<'_> {
    /// A word leaves the output FIFO, at the earliest in this cycle.
    pub(super) fn leaves(&mut self, ready: i64) {
        let (now, log) = (&mut self.state, &mut self.log);
        let moved = log.later(now.moved + 1, ready);
        let Some(order) = self.result_order else {
            now.moved = moved;
            return;
        };
        now.moved = log.later(moved, now.accepted);
        let word = order.words.place(now.ordered, log);
        now.accepted = log.later(now.moved + 1, now.accepted + 1);
        if word.begins {
            now.result_page_wanted = now.result_pages + 1 - order.pages;
            let free = page_free(log, &self.past[RESULT_PAGES], now.result_page_wanted);
            now.accepted = log.later(now.accepted, free);
        }
        now.ordered += 1;
        if word.left > 0 {
            return;
        }
        let first = log.later(now.given + 1, now.accepted + order.to_read);
        now.given = first + order.beats_of(&word) - 1;
        now.result_pages += 1;
        self.past[RESULT_PAGES].push(Point {
            count: now.result_pages,
            cycle: now.given,
        });
        if order.restless() && word.ends {
            now.given += order.beats.rest;
        }
    }

    /// So many words leave that no result is waited for.
    pub(super) fn leave(&mut self, words: i64) {
        let Some(order) = self.result_order else {
            return;
        };
        let (words, before) = (words as usize, self.state.ordered);
        self.repeat(
            words,
            &[],
            move |since, period| order.words.alike(before, since, period).min(words - since),
            |model, _| model.leaves(NEVER),
        );
    }

    /// When the last beat that left moved to the stream's registers.
    pub(super) fn last_given(&self) -> i64 {
        match &self.result_order {
            None => self.state.moved,
            Some(order) => self.state.given + order.to_stream - 1,
        }
    }

    /// So many beats are taken into the line buffer, or dropped, the first of them at the earliest in this cycle.
    pub(super) fn take(&mut self, beats: i64, space: i64) {
        let Some(order) = self.moving_order else {
            let begun = self.log.later(self.state.last_beat_in + 1, space);
            self.state.last_beat_in = begun + beats - 1;
            return;
        };
        let (beats, before) = (beats as usize, self.state.fetched);
        self.repeat(
            beats,
            &[],
            move |since, period| order.words.alike(before, since, period).min(beats - since),
            |model, _| model.take_word(space),
        );
    }

    /// So many beats of a stretch come, into the next page.
    fn beats_come(&mut self, order: &Order, beats: i64) {
        let (now, log) = (&mut self.state, &mut self.log);
        now.moving_page_wanted = now.moving_pages + 1 - order.pages;
        let free = page_free(log, &self.past[MOVING_PAGES], now.moving_page_wanted);
        now.beat_in = log.later(now.beat_in + 1, free) + beats - 1;
    }

    /// A word is taken that comes from where rows are put in order.
    fn take_word(&mut self, space: i64) {
        let Some(order) = self.moving_order else {
            return;
        };
        let word = order.words.place(self.state.fetched, &mut self.log);
        let mut read = self.state.fetch + 1;
        if word.begins {
            self.beats_come(&order, order.beats_of(&word));
            let written = self.state.beat_in + order.to_read;
            read = self.log.later(read, written);
        }
        let (now, log) = (&mut self.state, &mut self.log);
        let wanted = now.fetched - PLACES as i64;
        if log.is_some(wanted) {
            now.take_wanted = wanted;
            let taken = self.past[TAKES].cycle(wanted).unwrap_or(NEVER);
            read = log.later(read, taken + PLACE_CYCLES as i64);
        }
        now.fetch = read;
        now.fetched += 1;
        if word.left == 0 {
            now.moving_pages += 1;
            self.past[MOVING_PAGES].push(Point {
                count: now.moving_pages,
                cycle: read,
            });
            if order.restless() && word.ends {
                // Beats of which no word comes still need the page that they are written to.
                self.beats_come(&order, order.beats.rest);
            }
        }
        let (now, log) = (&mut self.state, &mut self.log);
        let there = log.later(read + order.to_stream, now.last_beat_in + 1);
        now.last_beat_in = log.later(there, space);
        self.past[TAKES].push(Point {
            count: now.fetched,
            cycle: now.last_beat_in,
        });
    }
}

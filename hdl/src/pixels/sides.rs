//! The two sides of the banks that rows are put in order by: what is taken or given when, and where it lies.

use crate::config::pixels::RowOrder;

/// What is taken or given in one cycle, of a stretch.
pub(super) struct Entry {
    /// Lanes that it is turned down by.
    pub(super) turn: u64,
    /// Where its columns lie in each bank.
    pub(super) places: Vec<u64>,
    /// Lanes with a column of the row that some tap reaches; in a whole stretch, and in the rest of a row.
    pub(super) kept: [Vec<bool>; 2],
}

/// One side of the banks.
pub(super) struct Side {
    pub(super) name: &'static str,
    pub(super) entries: Vec<Entry>,
    /// The slot that each lane is in ahead of the turn, or behind it.
    pub(super) slots: Vec<usize>,
    pub(super) counts: Counts,
}

/// How many entries and stretches a side goes through.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    /// Entries of a whole stretch.
    pub(super) whole: u64,
    /// Entries of the rest of a row.
    pub(super) rest: u64,
    /// Stretches: whole ones, and the rest where the side has a part in that.
    pub(super) stretches: u64,
}

impl Counts {
    pub(super) fn of(order: &RowOrder, by_words: bool) -> Self {
        let [whole, rest] = match by_words {
            true => [order.phases.len() as u64, order.rest_words()],
            false => [order.stride, order.rest_beats()],
        };
        Counts {
            whole,
            rest,
            stretches: order.whole_stretches() + u64::from(rest > 0),
        }
    }
}

impl Side {
    /// By words.
    pub(super) fn words(name: &'static str, order: &RowOrder, written: bool) -> Self {
        let entries = (0..order.phases.len()).map(|word| Entry::word(order, word, written));
        Side {
            name,
            entries: entries.collect(),
            slots: slots(order),
            counts: Counts::of(order, true),
        }
    }

    /// By beats.
    pub(super) fn beats(name: &'static str, order: &RowOrder, written: bool) -> Self {
        let entries = (0..order.stride).map(|beat| Entry::beat(order, beat, written));
        Side {
            name,
            entries: entries.collect(),
            slots: (0..order.lanes as usize).collect(),
            counts: Counts::of(order, false),
        }
    }
}

/// The slot that each lane of a word is in.
pub(super) fn slots(order: &RowOrder) -> Vec<usize> {
    let (lanes, stride) = (order.lanes, order.stride);
    let shared = gcd(stride, lanes);
    let slot = |lane: u64| ((lane * stride + lane * shared / lanes) % lanes) as usize;
    (0..lanes).map(slot).collect()
}

impl Entry {
    /// A word of a stretch, by its place among them.
    pub(super) fn word(order: &RowOrder, word: usize, written: bool) -> Self {
        let (lanes, stride) = (order.lanes, order.stride);
        let phase = order.phases[word];
        let mut places = vec![0; lanes as usize];
        for (lane, slot) in (0..lanes).zip(slots(order)) {
            let bank = (slot as u64 + phase) % lanes;
            places[bank as usize] = (phase + lane * stride) / lanes;
        }
        let rest = (0..lanes).map(|lane| phase + lane * stride < order.rest());
        Entry {
            turn: turned_by(phase % lanes, lanes, written),
            places,
            kept: [vec![true; lanes as usize], rest.collect()],
        }
    }

    /// A beat of a stretch.
    pub(super) fn beat(order: &RowOrder, beat: u64, written: bool) -> Self {
        let (lanes, stride) = (order.lanes, order.stride);
        let shared = gcd(stride, lanes);
        let column = |lane: u64| beat * lanes + lane;
        let has = |lane: u64| order.phases.contains(&(column(lane) % stride));
        let inside = |lane: u64| has(lane) && column(lane) < order.rest();
        Entry {
            turn: turned_by(beat * shared / stride % lanes, lanes, written),
            places: vec![beat; lanes as usize],
            kept: [
                (0..lanes).map(has).collect(),
                (0..lanes).map(inside).collect(),
            ],
        }
    }
}

/// A column goes to a bank by a turn, and back by the other one.
fn turned_by(by: u64, lanes: u64, written: bool) -> u64 {
    match written {
        true => (lanes - by) % lanes,
        false => by,
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        _ => gcd(b, a % b),
    }
}

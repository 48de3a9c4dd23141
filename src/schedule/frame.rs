//! A frame as the engine walks it: the same for every size of its buffers.

use std::collections::HashMap;
use std::hash::Hash;

use super::axis::{AxisWalk, Visit};
use super::lanes::LaneColumns;
use crate::operation::Operation;

/// An operation, unfolded along both axes.
#[derive(Clone, Debug)]
pub struct FrameWalk {
    /// Rows.
    pub rows: AxisWalk,
    /// Columns; with lanes over pixels, words of a row.
    pub cols: AxisWalk,
    /// Where there are lanes over pixels: how they stand to columns. A pixel is then a word of a row everywhere else.
    pub lanes: Option<LaneColumns>,
    /// Issues of one tap: blocks of moving channels, or one where no tap reaches any pixel.
    pub tap_issues: u64,
    /// Beats of one pixel of what moves.
    pub pixel_words: u64,
    /// Accumulations, and beats of the result, of one pixel.
    pub pixel_beats: u64,
    /// Whether any tap reaches any pixel. Where none does, the walk is a stand-in with one tap at
    /// the first pixel, whose weights the hardware replaces by zero.
    pub reaches: bool,
    /// Rows of the same number are alike in all that a frame is walked by; but for where they are.
    pub row_kinds: Vec<u32>,
    /// Columns likewise, in any row.
    pub col_kinds: Vec<u32>,
}

/// One pixel of the result with taps, in order of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixel {
    /// Issues of each of its accumulations.
    pub issues: u64,
    /// Pixels of what moves that must be there beyond those needed before.
    pub opens: u64,
    /// Pixels of what moves that are dead afterwards.
    pub frees: u64,
    /// First pixel with taps of its row.
    pub row_first: bool,
    /// Pixels of the result without a tap between the one before in this frame and this one.
    pub skipped: u64,
}

/// What a row needs and lets go, in pixels of what moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowNeeds {
    /// For its first pixel.
    pub first: u64,
    /// Whether its other pixels need what their columns open.
    pub opens: bool,
    /// Behind its last pixel.
    pub last: u64,
    /// Whether what their columns close is dead behind the others.
    pub closes: bool,
}

impl FrameWalk {
    /// Unfolds the operation.
    pub fn new(operation: &Operation) -> Self {
        let (rows, cols) = (operation.rows, operation.cols);
        let pixels = u64::from(operation.pixels);
        let col_walk = match pixels {
            1 => AxisWalk::new(cols).map(|cols| (None, cols)),
            _ => LaneColumns::walk(cols, pixels).map(|(lanes, cols)| (Some(lanes), cols)),
        };
        let walks = AxisWalk::new(rows).zip(col_walk);
        let reaches = walks.is_some();
        let (rows, (lanes, cols)) = walks.unwrap_or_else(|| {
            let cols = match pixels {
                1 => (None, AxisWalk::one_tap(cols)),
                _ => {
                    let (lanes, cols) = LaneColumns::none(cols, pixels);
                    (Some(lanes), cols)
                }
            };
            (AxisWalk::one_tap(rows), cols)
        });
        let mut walk = FrameWalk {
            rows,
            cols,
            lanes,
            row_kinds: Vec::new(),
            col_kinds: Vec::new(),
            tap_issues: match reaches {
                true => operation.moving_blocks().into(),
                false => 1,
            },
            pixel_words: operation.moving_beats_per_pixel().into(),
            pixel_beats: operation.result_beats_per_pixel().into(),
            reaches,
        };
        walk.row_kinds = kinds(walk.rows.visits.iter().enumerate().map(|(i, row)| {
            let skipped = walk.skipped_before_row(i);
            (row.taps.count, walk.row_needs(row), skipped)
        }));
        let last = walk.cols.visits.len() - 1;
        walk.col_kinds = kinds(walk.cols.visits.iter().enumerate().map(|(j, col)| {
            // The first and the last have what the row tells.
            let skipped = (0 < j && j < last).then(|| walk.skipped_before_col(j));
            // Where words are put in order, it matters where a stretch ends.
            let in_stretch = walk.lanes.as_ref().map(|lanes| {
                let order = &lanes.result;
                let (whole, words) = (order.phases.len() as u64, order.words());
                let wholes = words - order.rest_words();
                match col.position < wholes {
                    true => col.position % whole,
                    false => whole + col.position - wholes,
                }
            });
            let needs = (col.taps.count, col.opens, col.closes);
            (j == last, skipped, needs, in_stretch)
        }));
        walk
    }

    /// Lanes over pixels.
    pub fn pixel_lanes(&self) -> u64 {
        self.lanes.as_ref().map_or(1, |lanes| lanes.result.lanes)
    }

    /// Pixels of what moves that are stored of a frame.
    pub fn kept_pixels(&self) -> u64 {
        self.rows.kept_size() * self.cols.kept_size()
    }

    /// Pixels that are taken and dropped between stored pixel `index - 1` and stored pixel `index`, over all frames.
    pub fn dropped_before(&self, index: u64) -> u64 {
        let (rows, cols) = (&self.rows.kept, &self.cols.kept);
        let in_frame = index % self.kept_pixels();
        let width = self.cols.kept_size();
        // The number of a stored pixel among all of its frame.
        let arrival =
            |stored: u64| (rows.first + stored / width) * cols.size + cols.first + stored % width;
        match (index, in_frame) {
            (0, _) => arrival(0),
            // The rest of the frame before, and the beginning of this one.
            (_, 0) => rows.size * cols.size - 1 - arrival(self.kept_pixels() - 1) + arrival(0),
            _ => arrival(in_frame) - arrival(in_frame - 1) - 1,
        }
    }

    /// Pixels of the result behind the last with a tap.
    pub fn end_pixels(&self) -> u64 {
        self.rows.behind() * self.cols.size() + self.cols.behind()
    }

    /// Pixels of the result without a tap before visit `index` of the rows: its first pixel's, in this frame.
    pub fn skipped_before_row(&self, index: usize) -> u64 {
        let (rows, width) = (&self.rows.visits, self.cols.size());
        match index.checked_sub(1) {
            None => rows[0].position * width + self.cols.first(),
            Some(before) => {
                let between = rows[index].position - rows[before].position - 1;
                between * width + self.cols.behind() + self.cols.first()
            }
        }
    }

    /// The same before visit `index` of the columns, but for a row's first.
    pub fn skipped_before_col(&self, index: usize) -> u64 {
        let cols = &self.cols.visits;
        cols[index].position - cols[index - 1].position - 1
    }

    /// What a row means for the pixels of what moves. The newest row that it opens arrives pixel by pixel, and the oldest
    /// that it closes goes like that; others are there before its first pixel, or go with its last.
    pub fn row_needs(&self, row: &Visit) -> RowNeeds {
        let cols = &self.cols.visits;
        let whole = |rows: u64, pixels: u64| match rows.checked_sub(1) {
            None => 0,
            Some(others) => others * self.cols.kept_size() + pixels,
        };
        RowNeeds {
            first: whole(row.opens, cols[0].opens),
            opens: row.opens > 0,
            last: whole(row.closes, cols[cols.len() - 1].closes),
            closes: row.closes > 0,
        }
    }

    /// The pixels with taps of visit `index` of the rows, by their visits of the columns.
    pub fn row(&self, index: usize) -> impl Fn(usize) -> Pixel + '_ {
        let row = &self.rows.visits[index];
        let needs = self.row_needs(row);
        let taps = row.taps.count * self.tap_issues;
        let last = self.cols.visits.len() - 1;
        move |j| {
            let col = &self.cols.visits[j];
            Pixel {
                issues: taps * col.taps.count,
                opens: match j {
                    0 => needs.first,
                    _ if needs.opens => col.opens,
                    _ => 0,
                },
                frees: match needs.closes {
                    _ if j == last => needs.last,
                    true => col.closes,
                    false => 0,
                },
                row_first: j == 0,
                skipped: match j {
                    0 => self.skipped_before_row(index),
                    _ => self.skipped_before_col(j),
                },
            }
        }
    }

    /// Every pixel with taps, in order.
    pub fn pixels(&self) -> impl Iterator<Item = Pixel> + '_ {
        let width = self.cols.visits.len();
        (0..self.rows.visits.len()).flat_map(move |index| (0..width).map(self.row(index)))
    }

    /// Issues of the pixel that has fewest, of those with taps.
    pub fn least_issues(&self) -> u64 {
        self.rows.least_taps() * self.cols.least_taps() * self.tap_issues * self.pixel_beats
    }

    /// The most pixels of the result without a tap between two with one, or before the first.
    pub fn max_skipped(&self) -> u64 {
        let rows = (0..self.rows.visits.len()).map(|index| self.skipped_before_row(index));
        let cols = (1..self.cols.visits.len()).map(|index| self.skipped_before_col(index));
        rows.chain(cols).max().unwrap_or(0)
    }

    /// Pixels that the line buffer must hold for the walk to go on: the most that are needed and
    /// not yet freed while a pixel is computed.
    pub fn held_pixels(&self) -> u64 {
        let cols = &self.cols.visits;
        // What a row's first pixel opens and its last one closes is the row's; the others may open, and may close.
        let within = |opens: bool, closes: bool| {
            let (mut held, mut most) = (0, 0);
            for (j, col) in cols.iter().enumerate() {
                held += if opens && j > 0 { col.opens as i64 } else { 0 };
                most = most.max(held);
                let is_last = j + 1 == cols.len();
                held -= if closes && !is_last {
                    col.closes as i64
                } else {
                    0
                };
            }
            (held, most)
        };
        let within = [false, true].map(|opens| [false, true].map(|closes| within(opens, closes)));
        let (mut held, mut most) = (0, 0);
        for row in &self.rows.visits {
            let needs = self.row_needs(row);
            let (change, highest) = within[usize::from(needs.opens)][usize::from(needs.closes)];
            held += needs.first as i64;
            most = most.max(held + highest);
            held += change - needs.last as i64;
        }
        most as u64
    }
}

/// Numbers of things, the same for equal ones.
fn kinds<T: Eq + Hash>(all: impl Iterator<Item = T>) -> Vec<u32> {
    let mut numbers = HashMap::new();
    all.map(|one| {
        let next = numbers.len() as u32;
        *numbers.entry(one).or_insert(next)
    })
    .collect()
}

/// How many from `since` on are of the same kind as those `period` before them.
pub fn alike(kinds: &[u32], since: usize, period: usize) -> usize {
    let Some(before) = since.checked_sub(period) else {
        return 0;
    };
    let pairs = kinds[since..].iter().zip(&kinds[before..]);
    pairs.take_while(|(one, before)| one == before).count()
}

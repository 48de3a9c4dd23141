//! A frame as the engine walks it: the same for every size of its buffers.

use super::axis::{AxisWalk, Visit};
use crate::layer::Layer;

/// A layer, unfolded along both axes.
#[derive(Clone, Debug)]
pub struct FrameWalk {
    /// Rows.
    pub rows: AxisWalk,
    /// Columns.
    pub cols: AxisWalk,
    /// Rows with taps.
    pub row_visits: Vec<Visit>,
    /// Columns with taps.
    pub col_visits: Vec<Visit>,
    /// Issues of one tap: blocks of K, or one where no tap reaches any pixel.
    pub tap_issues: u64,
    /// Beats of grad_output of one pixel.
    pub pixel_words: u64,
    /// Accumulations, and beats of grad_input, of one pixel.
    pub pixel_beats: u64,
    /// Whether any tap reaches any pixel. Where none does, the walk is a stand-in with one tap at
    /// the first pixel, whose weights the hardware replaces by zero.
    pub reaches: bool,
}

/// One pixel of grad_input with taps, in order of the walk.
#[derive(Clone, Copy, Debug)]
pub struct Pixel {
    /// Issues of each of its accumulations.
    pub issues: u64,
    /// Pixels of grad_output that must be there beyond those needed before.
    pub opens: u64,
    /// Pixels of grad_output that are dead afterwards.
    pub frees: u64,
    /// First pixel with taps of its frame.
    pub frame_first: bool,
    /// First pixel with taps of its row.
    pub row_first: bool,
    /// Visited positions without a tap just before: columns, or rows where it is its row's first.
    pub empty_before: u64,
    /// Pixels of grad_input without a tap between the one before in this frame and this one.
    pub skipped: u64,
}

impl FrameWalk {
    /// Unfolds the layer.
    pub fn new(layer: &Layer) -> Self {
        let (rows, cols) = (layer.rows(), layer.cols());
        let walks = AxisWalk::new(rows).zip(AxisWalk::new(cols));
        let reaches = walks.is_some();
        let (rows, cols) =
            walks.unwrap_or_else(|| (AxisWalk::one_tap(rows), AxisWalk::one_tap(cols)));
        FrameWalk {
            row_visits: rows.visits_with_taps(),
            col_visits: cols.visits_with_taps(),
            rows,
            cols,
            tap_issues: match reaches {
                true => layer.k_blocks().into(),
                false => 1,
            },
            pixel_words: u64::from(layer.dy_words_per_pixel()),
            pixel_beats: u64::from(layer.out_beats_per_pixel()),
            reaches,
        }
    }

    /// Pixels of grad_output stored of a frame.
    pub fn kept_pixels(&self) -> u64 {
        self.rows.kept_size() * self.cols.kept_size()
    }

    /// Pixels of a row of grad_input.
    fn width(&self) -> u64 {
        u64::from(self.cols.taps.axis().in_size)
    }

    /// Pixels of grad_input behind the last with a tap.
    pub fn end_pixels(&self) -> u64 {
        let below = u64::from(self.rows.taps.axis().in_size) - 1 - self.rows.last;
        below * self.width() + self.width() - 1 - self.cols.last
    }

    /// Every pixel with taps, in order.
    pub fn pixels(&self) -> impl Iterator<Item = Pixel> + '_ {
        let row_words = self.cols.kept_size();
        let rest_cols = self.cols.rest(&self.col_visits);
        let rest_rows = self.rows.rest(&self.row_visits) * row_words;
        let (last_row, last_col) = (self.row_visits.len() - 1, self.col_visits.len() - 1);
        let mut next = 0;
        self.row_visits
            .iter()
            .enumerate()
            .flat_map(move |(i, row)| {
                self.col_visits.iter().enumerate().map(move |(j, col)| {
                    let opens = if row.opens > 0 { col.opens } else { 0 };
                    let row_opens = if j == 0 {
                        row.opens.saturating_sub(1) * row_words
                    } else {
                        0
                    };
                    let col_frees =
                        u64::from(col.closes) + if j == last_col { rest_cols } else { 0 };
                    let frees = if row.closes { col_frees } else { 0 };
                    let frame_frees = if i == last_row && j == last_col {
                        rest_rows
                    } else {
                        0
                    };
                    Pixel {
                        issues: row.taps.count * col.taps.count * self.tap_issues,
                        opens: opens + row_opens,
                        frees: frees + frame_frees,
                        frame_first: i == 0 && j == 0,
                        row_first: j == 0,
                        empty_before: if j == 0 {
                            row.empty_before
                        } else {
                            col.empty_before
                        },
                        skipped: row.position * self.width() + col.position,
                    }
                })
            })
            .map(move |mut pixel| {
                let position = pixel.skipped;
                pixel.skipped = position - next;
                next = position + 1;
                pixel
            })
    }

    /// Pixels that the line buffer must hold for the walk to go on: the most that are needed and
    /// not yet freed while a pixel is computed.
    pub fn held_pixels(&self) -> u64 {
        let mut held = 0;
        let mut most = 0;
        for pixel in self.pixels() {
            held += pixel.opens;
            most = most.max(held);
            held -= pixel.frees;
        }
        most
    }
}

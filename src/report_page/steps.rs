//! The issues of a recording as what they are in the layer, each held against the equation of a tap.

use std::collections::HashSet;
use std::fmt;

use crate::events::{Issue, Recording};
use crate::operation::{Gather, Operation};
use crate::plan::Plan;
use crate::schedule::FrameWalk;

/// What an issue multiplies, and for which result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The cycle of its addresses, from that of the first beat of what moves.
    pub cycle: u64,
    /// Frame, from 0, as are all.
    pub frame: u64,
    /// Row and column of the result.
    pub result: [u64; 2],
    /// Which of the result's blocks of channels.
    pub block: u64,
    /// Row and column of what moves.
    pub moving: [u64; 2],
    /// Which of the blocks of channels of what moves, those of all groups counted.
    pub moving_block: u64,
    /// Row and column of taps, as the hardware counts them.
    pub tap: [u64; 2],
    /// Whether it is the last of its accumulation.
    pub last: bool,
}

/// All issues of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// In order.
    pub steps: Vec<Step>,
}

/// An issue of the hardware that the layer has no use for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Which one, from 0.
    pub issue: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Parting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "issue {}: {}", self.issue, self.what)
    }
}

impl Steps {
    /// What each issue of the recording is.
    ///
    /// # Errors
    /// An issue meets no tap of its result, or meets one again, or an accumulation has other taps than its result.
    pub fn new(plan: &Plan, recording: &Recording) -> Result<Self, Parting> {
        let op = plan.layer().operation();
        let walk = FrameWalk::new(op);
        let mut steps = Vec::new();
        if !walk.reaches {
            // A stand-in, whose products are zero.
            return Ok(Steps { steps });
        }
        let mut places = Places::new(&walk);
        let mut met = HashSet::new();
        for (index, issue) in recording.issues.iter().enumerate() {
            let parting = |what: String| Parting { issue: index, what };
            let step = places.step(op, issue).map_err(parting)?;
            if !met.insert((step.moving, step.moving_block, step.tap)) {
                return Err(parting(
                    "it multiplies what was multiplied for this result".to_owned(),
                ));
            }
            let taps = places.taps();
            if step.last != (met.len() as u64 == taps) {
                let met = met.len();
                return Err(parting(format!(
                    "the accumulation has {met} issues here, and its result {taps}"
                )));
            }
            if step.last {
                met.clear();
                places.next();
            }
            steps.push(step);
        }
        Ok(Steps { steps })
    }
}

/// Goes through the results in the order of the walk.
struct Places<'a> {
    walk: &'a FrameWalk,
    frame: u64,
    /// Visits of rows and columns.
    row: usize,
    col: usize,
    block: u64,
}

impl<'a> Places<'a> {
    fn new(walk: &'a FrameWalk) -> Self {
        Places {
            walk,
            frame: 0,
            row: 0,
            col: 0,
            block: 0,
        }
    }

    /// Issues of the present accumulation.
    fn taps(&self) -> u64 {
        let (row, col) = (
            &self.walk.rows.visits[self.row],
            &self.walk.cols.visits[self.col],
        );
        row.taps.count * col.taps.count * self.walk.tap_issues
    }

    fn next(&mut self) {
        self.block += 1;
        if self.block < self.walk.pixel_beats {
            return;
        }
        self.block = 0;
        self.col += 1;
        if self.col < self.walk.cols.visits.len() {
            return;
        }
        self.col = 0;
        self.row += 1;
        if self.row < self.walk.rows.visits.len() {
            return;
        }
        self.row = 0;
        self.frame += 1;
    }

    /// What the issue is for the present result.
    fn step(&self, op: &Operation, issue: &Issue) -> Result<Step, String> {
        let (rows, cols) = (&self.walk.rows, &self.walk.cols);
        let result = [
            rows.visits[self.row].position,
            cols.visits[self.col].position,
        ];
        let (word, pixel) = (
            issue.moving_word % self.walk.pixel_words,
            issue.moving_word / self.walk.pixel_words,
        );
        let (frame, pixel) = (
            pixel / self.walk.kept_pixels(),
            pixel % self.walk.kept_pixels(),
        );
        let width = cols.kept_size();
        let moving = [
            rows.kept.first + pixel / width,
            cols.kept.first + pixel % width,
        ];
        // Of a set: group block, block of the result's channels, row and column of taps, block of moving channels.
        let blocks = u64::from(op.moving_blocks());
        let set = issue.stationary_word;
        let (moving_block, tap) = (set % blocks, set / blocks);
        let tap_of_block = tap % (op.rows.kernel * op.cols.kernel);
        let tap_at = [tap_of_block / op.cols.kernel, tap_of_block % op.cols.kernel];
        let block = tap / (op.rows.kernel * op.cols.kernel);
        let group = block / u64::from(op.result_blocks());
        let step = Step {
            cycle: issue.cycle,
            frame,
            result,
            block,
            moving,
            moving_block: word,
            tap: tap_at,
            last: issue.last,
        };
        let [h, w] = result;
        let [p, q] = moving;
        let [r, s] = tap_at;
        if frame != self.frame || block != self.block {
            return Err(format!(
                "it reads frame {frame} and weights of block {block}, where frame {} and block {} are due",
                self.frame, self.block
            ));
        }
        if word != group * blocks + moving_block {
            return Err(format!(
                "word {word} of a pixel meets the weights of block {moving_block} in group {group}"
            ));
        }
        if !(meets(&op.rows, h, p, r) && meets(&op.cols, w, q, s)) {
            return Err(format!(
                "row {p}, column {q} of what moves and tap {r}, {s} do not meet for row {h}, column {w} of the result"
            ));
        }
        Ok(step)
    }
}

/// The equation of a tap, as [`Gather`] states it.
fn meets(axis: &Gather, made: u64, read: u64, tap: u64) -> bool {
    let [made, read, tap] = [made, read, tap].map(|it| it as i64);
    let [stride, advance, dilation] =
        [axis.stride, axis.advance, axis.dilation].map(|it| it as i64);
    read * stride == made * advance + axis.pad - tap * dilation
}

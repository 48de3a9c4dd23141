//! What an event is of.

use std::fmt;

use serde::Serialize;

use super::Kind;
use crate::schedule::FrameWalk;

/// A pixel of the result, and one of its accumulations or beats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Frame, from 0, as are all.
    pub frame: u64,
    /// Row of the result.
    pub row: u64,
    /// Column.
    pub column: u64,
    /// Block of channels; `None` of a token, which is of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
}

impl Place {
    /// The place of event `index` of a kind.
    pub(super) fn of(walk: &FrameWalk, kind: Kind, index: u64) -> Self {
        let beats = walk.pixel_beats;
        let (pixel, block) = match kind {
            Kind::Token => (index, None),
            Kind::Issue | Kind::Result => (index / beats, Some(index % beats)),
        };
        let (rows, cols) = (&walk.rows, &walk.cols);
        if kind == Kind::Result {
            let width = cols.size();
            let frame = rows.size() * width;
            return Place {
                frame: pixel / frame,
                row: pixel % frame / width,
                column: pixel % width,
                block,
            };
        }
        // Only pixels with taps have these events.
        let width = cols.visits.len() as u64;
        let frame = rows.visits.len() as u64 * width;
        Place {
            frame: pixel / frame,
            row: rows.visits[(pixel % frame / width) as usize].position,
            column: cols.visits[(pixel % width) as usize].position,
            block,
        }
    }

    /// Events of a kind in a frame.
    pub(super) fn in_frame(walk: &FrameWalk, kind: Kind) -> u64 {
        let with_taps = walk.rows.visits.len() as u64 * walk.cols.visits.len() as u64;
        match kind {
            Kind::Token => with_taps,
            Kind::Issue => with_taps * walk.pixel_beats,
            Kind::Result => walk.rows.size() * walk.cols.size() * walk.pixel_beats,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            frame,
            row,
            column,
            block,
        } = self;
        write!(out, "frame {frame}, row {row}, column {column}")?;
        match block {
            Some(block) => write!(out, ", block {block}"),
            None => Ok(()),
        }
    }
}

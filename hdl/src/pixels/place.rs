//! Where in a frame one side of the banks is.

use super::sides::Side;
use crate::primitives::counter::Counter;
use crate::rtl::{bits_for, lit, Body, Expr, Module};

/// Where in a frame a side is.
pub(super) struct Place {
    pub(super) block: Option<Counter>,
    pub(super) entry: Option<(Expr, Expr, Expr)>,
    pub(super) stretch: Option<Counter>,
    pub(super) row: Option<Counter>,
    /// The stretch is the rest of a row.
    pub(super) in_rest: Option<Expr>,
    pub(super) ends: Expr,
    pub(super) frame_ends: Expr,
}

impl Place {
    pub(super) fn new(
        m: &mut Module,
        side: &Side,
        (rows, blocks): (u64, u64),
        counts_rows: bool,
    ) -> Self {
        let name = side.name;
        let counter = |m: &mut Module, what: &str, count: u64, comment: &str| {
            (count > 1).then(|| {
                let constant = format!("{name}_{what}_last");
                let last = m.constant(&constant, count - 1, bits_for(count - 1), comment);
                Counter::new(m, &format!("{name}_{what}"), &last, "")
            })
        };
        let block = counter(m, "block", blocks, "blocks of channels, less one");
        let stretch = counter(m, "stretch", side.stretches, "stretches of a row, less one");
        let rows = if counts_rows { rows } else { 1 };
        let row = counter(m, "row", rows, "rows of a frame, less one");
        let whole = side.entries.len() as u64;
        let has_rest = side.rest > 0;
        let in_rest = has_rest.then(|| {
            let last = stretch.as_ref().map(Counter::at_last);
            last.unwrap_or_else(|| lit(1, 1))
        });
        let entry = (whole > 1).then(|| {
            let width = bits_for(whole - 1);
            let entry = m.reg(&format!("{name}_entry"), width, 0, "of the stretch");
            let last = m.net(&format!("{name}_entry_last"), 1, "");
            m.observe(|b| {
                let at = |count: u64| entry.q.eq(&lit(count - 1, width));
                b.set(&last, &at(whole));
                if let Some(in_rest) = &in_rest {
                    b.when(in_rest, |b| b.set(&last, &at(side.rest)));
                }
            });
            (entry.q, entry.d, last)
        });
        let all = |parts: [Option<Expr>; 2]| {
            let parts = parts.into_iter().flatten();
            parts.reduce(|a, b| a & b).unwrap_or_else(|| lit(1, 1))
        };
        let ends = m.net(&format!("{name}_ends"), 1, "the stretch does");
        let blocks_end = block.as_ref().map(Counter::at_last);
        m.assign(
            &ends,
            &all([blocks_end, entry.as_ref().map(|(_, _, last)| last.clone())]),
        );
        let frame_ends = m.net(&format!("{name}_frame_ends"), 1, "so does the frame");
        let row_ends = [
            stretch.as_ref().map(Counter::at_last),
            row.as_ref().map(Counter::at_last),
        ];
        m.assign(&frame_ends, &(&ends & all(row_ends)));
        if !counts_rows {
            m.unused(&format!("{name}_frame_ends"), &frame_ends);
        }
        Place {
            block,
            entry,
            stretch,
            row,
            in_rest,
            ends,
            frame_ends,
        }
    }

    /// One on where `moves`.
    pub(super) fn step(&self, b: &mut Body, side: &Side, moves: &Expr) {
        let mut ends = moves.clone();
        if let Some(block) = &self.block {
            block.step(b, &ends);
            ends = ends & block.at_last();
        }
        if let Some((now, next, last)) = &self.entry {
            let width = bits_for(side.entries.len() as u64 - 1);
            b.when(&ends, |b| b.set(next, &now.plus(1)));
            ends = ends & last;
            b.when(&ends, |b| b.set(next, &lit(0, width)));
        }
        if let Some(stretch) = &self.stretch {
            stretch.step(b, &ends);
            ends = ends & stretch.at_last();
        }
        if let Some(row) = &self.row {
            row.step(b, &ends);
        }
    }

    /// What is said of each entry.
    pub(super) fn by_entry(
        &self,
        b: &mut Body,
        side: &Side,
        mut build: impl FnMut(&mut Body, usize),
    ) {
        match &self.entry {
            Some((now, ..)) => b.case(now, side.entries.len(), build),
            None => build(b, 0),
        }
    }
}

//! Where in a frame one side of the banks is.

use super::sides::Side;
use super::told_side::{side_name, EntryNets, ToldRows};
use crate::config::inputs::{Config, Of};
use crate::primitives::counter::Counter;
use crate::primitives::paged_memory::LoadBus;
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};

/// Where in a frame a side is.
pub(super) struct Place {
    pub(super) block: Option<Counter>,
    pub(super) entry: Option<(Expr, Expr, Expr)>,
    pub(super) stretch: Option<Counter>,
    pub(super) row: Option<Counter>,
    /// The stretch is the rest of a row.
    pub(super) in_rest: Option<Expr>,
    /// Where it is told, a beat's place in its page.
    pub(super) offset: Option<Reg>,
    pub(super) ends: Expr,
    pub(super) frame_ends: Expr,
}

impl Place {
    /// Of rows that are told at run time; gives what their table says of the entry as well. `written` tells which side it is;
    /// then come the last block of a column and the last row of a frame.
    pub(super) fn told(
        m: &mut Module,
        rows: &ToldRows,
        written: bool,
        [blocks, frame_rows]: &[Expr; 2],
        (config, bus): (&mut Config, &mut LoadBus),
    ) -> (Self, EntryNets) {
        let name = side_name(written);
        let block = Counter::told(m, &format!("{name}_block"), blocks, "");
        // Results are counted as they leave.
        let counts_rows = rows.of == Of::Moving || !written;
        let row = counts_rows.then(|| Counter::told(m, &format!("{name}_row"), frame_rows, ""));
        let (stretch, told) = rows.stretches(m, config, written);
        let width = bits_for(rows.entries(rows.by_words(written)) - 1);
        let entry = m.reg(&format!("{name}_entry"), width, 0, "of the stretch");
        let in_rest = m.net(&format!("{name}_in_rest"), 1, "");
        m.assign(&in_rest, &told.in_rest(&stretch));
        let last = told.at_last(m, name, &entry, &in_rest);
        let now = entry.q.clone();
        let mut place = Place::of(
            m,
            (name, counts_rows),
            [Some(block), Some(stretch), row],
            Some((entry.q, entry.d, last)),
            Some(in_rest),
        );
        place.offset = (!rows.by_words(written)).then(|| {
            let bits = bits_for(rows.hull.stretch_beats - 1);
            m.reg(&format!("{name}_place"), bits, 0, "of the beat in its page")
        });
        let nets = rows.table(m, config, bus, written, &now);
        (place, nets)
    }

    /// At the beginning of a frame where `test`, by what is told then.
    pub(super) fn restart(&self, b: &mut Body, test: &Expr) {
        for counter in [&self.block, &self.stretch, &self.row]
            .into_iter()
            .flatten()
        {
            counter.restart(b, test);
        }
        let entry = self.entry.as_ref().map(|(_, next, _)| next);
        let offset = self.offset.as_ref().map(|reg| &reg.d);
        for next in [entry, offset].into_iter().flatten() {
            b.when(test, |b| b.set(next, &lit(0, next.width())));
        }
    }

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
        let stretch = counter(
            m,
            "stretch",
            side.counts.stretches,
            "stretches of a row, less one",
        );
        let rows = if counts_rows { rows } else { 1 };
        let row = counter(m, "row", rows, "rows of a frame, less one");
        let whole = side.counts.whole;
        let has_rest = side.counts.rest > 0;
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
                    b.when(in_rest, |b| b.set(&last, &at(side.counts.rest)));
                }
            });
            (entry.q, entry.d, last)
        });
        Place::of(
            m,
            (name, counts_rows),
            [block, stretch, row],
            entry,
            in_rest,
        )
    }

    /// From its counters, of blocks, stretches and rows, and what says of the entry which is the last of the stretch.
    fn of(
        m: &mut Module,
        (name, counts_rows): (&str, bool),
        [block, stretch, row]: [Option<Counter>; 3],
        entry: Option<(Expr, Expr, Expr)>,
        in_rest: Option<Expr>,
    ) -> Self {
        let last = |counter: &Option<Counter>| counter.as_ref().map(Counter::at_last);
        let all = |parts: [Option<Expr>; 2]| {
            let parts = parts.into_iter().flatten();
            parts.reduce(|a, b| a & b).unwrap_or_else(|| lit(1, 1))
        };
        let ends = m.net(&format!("{name}_ends"), 1, "the stretch does");
        let entry_ends = entry.as_ref().map(|(_, _, last)| last.clone());
        m.assign(&ends, &all([last(&block), entry_ends]));
        let frame_ends = m.net(&format!("{name}_frame_ends"), 1, "so does the frame");
        m.assign(&frame_ends, &(&ends & all([last(&stretch), last(&row)])));
        if !counts_rows {
            m.unused(&format!("{name}_frame_ends"), &frame_ends);
        }
        Place {
            block,
            entry,
            stretch,
            row,
            in_rest,
            offset: None,
            ends,
            frame_ends,
        }
    }

    /// One on where `moves`.
    pub(super) fn step(&self, b: &mut Body, moves: &Expr) {
        let mut ends = moves.clone();
        if let Some(block) = &self.block {
            block.step(b, &ends);
            ends = ends & block.at_last();
        }
        if let Some((now, next, last)) = &self.entry {
            b.when(&ends, |b| b.set(next, &now.plus(1)));
            ends = ends & last;
            b.when(&ends, |b| b.set(next, &lit(0, now.width())));
        }
        if let Some(offset) = &self.offset {
            b.when(moves, |b| b.set(&offset.d, &offset.q.plus(1)));
            b.when(&ends, |b| b.set(&offset.d, &lit(0, offset.q.width())));
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

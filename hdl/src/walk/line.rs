//! A line of a program in bits: the step, and where the program goes on.

use crate::config::capacity::{AxisHull, Capacity};
use crate::config::descriptor::{Axis, Descriptor, Jump, Line, Program};
use crate::config::inputs::Used;
use crate::primitives::ring::Ring;
use crate::rtl::{bits_for, Expr};
use crate::walk::TokenWidths;
use std::rc::Rc;

/// An axis: its name and where a layer keeps it.
#[derive(Clone, Copy)]
pub struct AxisName {
    /// What its nets are called after.
    pub name: &'static str,
    /// The axis of a descriptor.
    pub of: fn(&Descriptor) -> &Axis,
    /// Its program's lines, where that is in a memory.
    pub used: Used,
}

/// Rows.
pub const ROW: AxisName = AxisName {
    name: "row",
    of: |d| &d.rows,
    used: Used::Rows,
};
/// Columns.
pub const COL: AxisName = AxisName {
    name: "col",
    of: |d| &d.cols,
    used: Used::Cols,
};

/// What a field holds of a line.
pub type OfLine = Rc<dyn Fn(&Line) -> u64>;

/// One field of a line.
#[derive(Clone)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Bits.
    pub width: usize,
    /// What stands beside it in the Verilog.
    pub comment: &'static str,
    /// What it is in a line.
    pub value: OfLine,
}

/// The fields of an axis' lines, from the highest bit to the lowest.
#[derive(Clone)]
pub struct LineFormat {
    /// All of them.
    pub fields: Vec<Field>,
    /// Bits of a line's number.
    pub place: usize,
    /// How many lines ahead a jump is told.
    pub ahead: usize,
    /// Bits of the turns that a loop has left, the sign included; `None` where no program has a loop.
    pub turns: Option<usize>,
}

impl LineFormat {
    /// The lines of one axis; `rows` tells which.
    pub fn of(capacity: &Capacity, axis: &AxisHull, t: &TokenWidths, rows: bool) -> Self {
        let ring = Ring::of_walk(capacity);
        let place = bits_for(axis.lines - 1);
        // Where a program's lines are known, so is what they never use.
        let lines = axis
            .program
            .as_ref()
            .map(|program: &Program| &program.lines);
        let turns = (axis.turns > 1).then(|| 1 + bits_for(axis.turns.saturating_sub(3)));
        let modulo = |value: i64, bits: usize| value.rem_euclid(1 << bits) as u64;
        let taps = if rows { t.tap_rows } else { t.tap_cols };
        let [address, weight, free] = [ring.width, t.weight, t.free];
        let (unit, size) = (capacity.walk_unit_bits, capacity.line_words as i64);
        let weight_unit = capacity.tap_unit_bits;
        let mut fields = Vec::new();
        let mut field = |name, width, comment, value: OfLine| {
            // A constant line has no bits that are all zero anyway.
            let used = lines.is_none_or(|lines| lines.iter().any(|line| value(line) != 0));
            if used || ["last", "wrap"].contains(&name) {
                fields.push(Field {
                    name,
                    width,
                    comment,
                    value,
                });
            }
        };
        field(
            "taps",
            taps,
            "taps more than before",
            Rc::new(move |line| modulo(line.step.taps, taps)),
        );
        field(
            "address",
            address,
            "units of the line buffer from the step before",
            Rc::new(move |line| (line.step.address.rem_euclid(size) as u64) >> unit),
        );
        field(
            "weight",
            weight,
            "units of weights from the step before",
            Rc::new(move |line| modulo(line.step.weight >> weight_unit, weight)),
        );
        if let Some([tap, stretch]) = t.lanes.filter(|_| !rows) {
            let comment = "its first tap in the table of taps";
            field("tap", tap, comment, Rc::new(|line| line.step.tap));
            let comment = "stretches of the row since the step before";
            let of_line: OfLine = Rc::new(|line| line.step.stretches);
            field("stretches", stretch, comment, of_line);
        }
        if rows {
            field(
                "opens",
                1,
                "its pixels need what columns open",
                Rc::new(|line| line.step.opens.into()),
            );
        }
        let paced = capacity.paced;
        let need = bits_for(capacity.need) + usize::from(paced);
        let comment = match paced {
            true => "pixels of grad_output that this one is the first to need, negative",
            false => "pixels of grad_output that this one is the first to need",
        };
        let of_line = move |line: &Line| match paced {
            true => modulo(-(line.step.need as i64), need),
            false => line.step.need,
        };
        field("need", need, comment, Rc::new(of_line));
        if rows {
            field(
                "closes",
                1,
                "what columns close is dead behind them",
                Rc::new(|line| line.step.closes.into()),
            );
        }
        field(
            "free",
            free,
            "what is dead behind the pixel, less one",
            Rc::new(move |line| modulo(line.step.free as i64 - 1, free)),
        );
        if let Some(skip) = t.skip {
            field(
                "skip",
                skip,
                "beats without a tap just before",
                Rc::new(|line| line.step.skip),
            );
        }
        field(
            "last",
            1,
            "last step of its round",
            Rc::new(|line| line.step.last.into()),
        );
        field(
            "wrap",
            1,
            "behind the line told ahead comes line 1",
            Rc::new(|line| (line.ahead == Jump::Wrap).into()),
        );
        if let Some(turns) = turns {
            let less_3 = move |all: u64| modulo(all as i64 - 3, turns);
            // Where no loop ends it does not matter: the same everywhere costs nothing.
            let elsewhere = lines.and_then(|lines| {
                lines.iter().find_map(|line| match line.ahead {
                    Jump::Loop { turns, .. } => Some(less_3(turns)),
                    _ => None,
                })
            });
            field(
                "loop",
                1,
                "that line ends a loop",
                Rc::new(|line| matches!(line.ahead, Jump::Loop { .. }).into()),
            );
            field(
                "start",
                place,
                "where the loop or the round begins",
                Rc::new(|line| match line.ahead {
                    Jump::Loop { start, .. } => start,
                    // Where a round ends, and where it does not matter: the same everywhere costs nothing.
                    Jump::Wrap | Jump::Next => 1,
                }),
            );
            field(
                "turns",
                turns,
                "turns of the loop, less three",
                Rc::new(move |line| match line.ahead {
                    Jump::Loop { turns, .. } => less_3(turns),
                    _ => elsewhere.unwrap_or(0),
                }),
            );
        }
        LineFormat {
            fields,
            place,
            ahead: axis
                .program
                .as_ref()
                .map_or(super::AHEAD_IN_MEMORY, |p| p.ahead),
            turns,
        }
    }

    /// Bits of a line.
    pub fn bits(&self) -> usize {
        self.fields.iter().map(|field| field.width).sum()
    }

    /// The fields of the step, from the highest bit of a line on; those behind them tell where the program goes on.
    pub fn step_fields(&self) -> &[Field] {
        let is_step = |field: &Field| !["wrap", "loop", "start", "turns"].contains(&field.name);
        let steps = self
            .fields
            .iter()
            .take_while(|field| is_step(field))
            .count();
        &self.fields[..steps]
    }

    /// Bits of these.
    pub fn step_bits(&self) -> usize {
        self.step_fields().iter().map(|field| field.width).sum()
    }

    /// The fields of a packed step or of a packed line, from its highest bit on.
    pub fn unpacked<'a>(&'a self, packed: &'a Expr) -> impl Iterator<Item = (&'a Field, Expr)> {
        let mut high = packed.width();
        self.fields.iter().map_while(move |field| {
            high = high.checked_sub(field.width)?;
            Some((field, packed.slice(high, field.width)))
        })
    }

    /// The field `name` of a packed line; `None` where it always is zero.
    pub fn field(&self, line: &Expr, name: &str) -> Option<Expr> {
        let mut fields = self.unpacked(line);
        fields
            .find(|(field, _)| field.name == name)
            .map(|(_, value)| value)
    }
}

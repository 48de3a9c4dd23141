//! What the pixels of a large layer have in common: an equation for each phase of the rows and of the columns.

use super::affine::affine;
use super::equations::{sizes, span, Writer, MOST_PIXELS, MOST_PRODUCTS};
use super::page::{Block, Equation};
use super::phases::{phases, Phase};
use super::side::{Names, Side, COLUMNS, ROWS};
use crate::layer::Axis;

/// Phases of an axis that are printed.
const MOST_PHASES: usize = 6;

impl Writer<'_> {
    /// What all pixels of a large layer have in common.
    pub(super) fn pattern(&self) -> Vec<Block> {
        let (pixels, products) = sizes(self.layer);
        let (rows, cols) = (self.layer.rows(), self.layer.cols());
        let why = format!(
            "There are {pixels} pixels with {products} products in all. Of more than {MOST_PIXELS} pixels or {MOST_PRODUCTS} \
             products the pattern is printed here, and not every pixel; --pixel H,W prints one of them. Pixels a stride \
             apart have the same taps:"
        );
        let mut blocks = vec![Block::Words(why)];
        let (of_rows, of_cols) = (phases(&rows), phases(&cols));
        if of_rows.is_empty() || of_cols.is_empty() {
            let none = "No tap reaches any pixel, so that the gradient is 0 everywhere.";
            blocks.push(Block::Words(none.to_owned()));
            return blocks;
        }
        let mut lines = phase_lines(&rows, &of_rows, ROWS);
        lines.extend(phase_lines(&cols, &of_cols, COLUMNS));
        blocks.push(Block::List(lines));
        blocks.push(Block::Words(format!(
            "Near a border some of these taps do not exist: where a row of `Y` is not {}, or a column not {}, its terms fall \
             away. All others are there:",
            span(rows.out_size),
            span(cols.out_size)
        )));
        let shown = |phases| -> Vec<&Phase> { Iterator::take(phases, MOST_PHASES).collect() };
        let of_cols = shown(of_cols.iter());
        let groups = shown(of_rows.iter()).into_iter().map(|row| {
            let equation = |col: &&Phase| self.phase_equation(row, col);
            of_cols.iter().map(equation).collect()
        });
        blocks.push(Block::Equations(groups.collect()));
        blocks
    }

    fn phase_equation(&self, row: &Phase, col: &Phase) -> Equation {
        let left = self
            .notation
            .dx(&phase_position(row, ROWS), &phase_position(col, COLUMNS));
        Equation {
            left,
            right: self.products(&Side::of_phase(row, ROWS), &Side::of_phase(col, COLUMNS)),
        }
    }
}

/// `2i + 1`, or a number where there is only one.
fn phase_position(phase: &Phase, names: Names) -> String {
    let every = if phase.last > 0 { phase.every } else { 0 };
    affine(&[(every.into(), names.index)], phase.first.into())
}

/// A line for each phase of an axis that is shown, and what becomes of the others.
fn phase_lines(axis: &Axis, phases: &[Phase], names: Names) -> Vec<String> {
    let line = |phase: &Phase| {
        let Names {
            position, index, ..
        } = names;
        let at = phase_position(phase, names);
        let words = Side::of_phase(phase, names).words(names);
        if phase.last == 0 {
            return format!("`{position} = {at}`: {words}");
        }
        let full = match phase.full {
            None => "never all of them at once".to_owned(),
            Some((0, last)) if last == phase.last => "all of them everywhere".to_owned(),
            Some((first, last)) if first == last => format!("all of them for `{index} = {first}`"),
            Some((first, last)) => format!("all of them for `{index}` = {first} to {last}"),
        };
        let last = phase.last;
        format!("`{position} = {at}`, `{index}` = 0 to {last}: {words}; {full}")
    };
    let mut lines: Vec<String> = phases.iter().take(MOST_PHASES).map(line).collect();
    let hidden = phases.len().saturating_sub(MOST_PHASES);
    if hidden > 0 {
        let plural = if hidden == 1 { "" } else { "s" };
        lines.push(format!(
            "{hidden} more kind{plural} of {}, which the formula above gives likewise",
            names.many
        ));
    }
    // Of an axis shorter than the stride, each position is a kind of its own.
    let without = axis.stride.min(axis.in_size) as usize - phases.len();
    if without > 0 {
        let plural = if without == 1 { "" } else { "s" };
        lines.push(format!(
            "{without} kind{plural} of {} that no tap reaches, where the gradient is 0",
            names.many
        ));
    }
    lines
}

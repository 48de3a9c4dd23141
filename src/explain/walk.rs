//! The programs of both axes, a line a step, as the hardware goes through them.

use std::fmt::Write as _;

use bpa_hdl::config::descriptor::{Axis, Jump, Line, Program, Step};

use crate::layer::Layer;
use crate::schedule::{Buffers, FrameWalk, Shell};

const INTRODUCTION: &str = "\
Each position of an axis that a tap reaches is a step, which tells what changes from the one before. Steps that
repeat are folded into loops, and a small sequencer goes through the lines without end. A step of the rows leads
from the last pixel of a row to the first of the next one, a step of the columns from pixel to pixel.

  taps     taps more than before; the first line tells its taps less one
  dY       words of the line buffer from the first tap of the step before to this one's
  weights  words of the weight memory likewise
  needs    pixels of grad_output that must have come, beyond those before; * and as its columns say
  frees    pixels of grad_output that are dead afterwards; * and as its columns say
  zeros    beats of grad_input without a tap just before
";

/// The programs of rows and columns of an engine for this layer alone.
pub fn walk(layer: &Layer) -> String {
    let walk = FrameWalk::new(layer.operation());
    // No line of a program depends on the sizes of the buffers.
    let buffers = Buffers {
        line_words: 0,
        fifo_results: 0,
    };
    let descriptor = walk.describe(layer, buffers, Shell::Fixed);
    let mut text = format!("{}: the walk\n\n{INTRODUCTION}", layer.name());
    if !descriptor.reaches {
        text.push_str(
            "\nNo tap reaches any pixel of this layer. The engine walks to one pixel all the same, with weights of zero.\n",
        );
    }
    for (name, turns, axis) in [
        ("rows", "frame", &descriptor.rows),
        ("columns", "row", &descriptor.cols),
    ] {
        let Program { lines, ahead } = &axis.program;
        let _ = write!(
            text,
            "\nProgram of the {name}: {} for {} of each {turns}, at most {} each; jumps are told {} ahead.\n\n{}",
            count(lines.len() as u64, "line"),
            count(axis.visits, "step"),
            count(axis.max_taps, "tap"),
            count(*ahead as u64, "line"),
            table(axis)
        );
    }
    text
}

fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A line of the table for each line of the program.
fn table(axis: &Axis) -> String {
    let Program { lines, ahead } = &axis.program;
    let heads = ["line", "taps", "dY", "weights", "needs", "frees", "zeros"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(lines.iter().enumerate().map(|(index, line)| {
        let Step {
            taps,
            address,
            weight,
            need,
            free,
            skip,
            opens,
            closes,
            ..
        } = line.step;
        let with_columns =
            |pixels: u64, open: bool| format!("{pixels}{}", if open { "*" } else { "" });
        [
            index.to_string(),
            signed(taps),
            signed(address),
            signed(weight),
            with_columns(need, opens),
            with_columns(free, closes),
            skip.to_string(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths);
        let cells: String = cells
            .map(|(cell, width)| format!("  {cell:>width$}"))
            .collect();
        let words = match index.checked_sub(1) {
            None => "stands for".to_owned(),
            Some(line) => format!("{}{}", lines[line].comment, goes_on(lines, line, *ahead)),
        };
        let _ = writeln!(text, "{cells}  {words}");
    }
    text
}

fn signed(number: i64) -> String {
    match number {
        0 => "0".to_owned(),
        _ => format!("{number:+}"),
    }
}

/// Where the program goes on behind the line, unless with the next one.
fn goes_on(lines: &[Line], line: usize, ahead: usize) -> String {
    let told = line.checked_sub(ahead).map(|at| lines[at].ahead);
    match told {
        Some(Jump::Loop { start, turns }) => format!("; lines {start} to {line} {turns} times"),
        Some(Jump::Wrap) => "; then line 1".to_owned(),
        Some(Jump::Next) | None => String::new(),
    }
}

//! The memory of a program.

use super::line::LineFormat;
use crate::config::descriptor::Line;
use crate::rtl::Module;
use std::fmt::Write as _;

/// How many lines ahead a program in logic tells its jumps.
pub const AHEAD_IN_LOGIC: usize = 1;
/// How many lines ahead a program in a memory does: it is a fetch later.
pub const AHEAD_IN_MEMORY: usize = 2;
/// The most lines of a program in logic.
pub const LINES_IN_LOGIC: usize = 64;

const DOC: &str = "\
Program of an axis, a line a step.

Promise: `line` is the line `place` as of ";

/// Builds the constant memory of these lines.
pub fn constant_program(name: &str, lines: &[Line], format: &LineFormat) -> Module {
    let since = match format.ahead {
        AHEAD_IN_LOGIC => "the last `fetch`.",
        _ => "the last `fetch` but one.",
    };
    let mut m = Module::new(name, format!("{DOC}{since}"));
    m.input("aclk", 1, "");
    m.input("fetch", 1, "");
    m.input("place", format.place, "");
    m.output("line", format.bits(), "");
    m.primitive_body(body(lines, format));
    m
}

fn body(lines: &[Line], format: &LineFormat) -> String {
    let (bits, place) = (format.bits(), format.place);
    let range = match bits {
        1 => String::new(),
        _ => format!("[{}:0] ", bits - 1),
    };
    let first = if format.ahead == AHEAD_IN_LOGIC {
        "line_q"
    } else {
        "read_q"
    };
    let mut text = format!("reg {range}{first};\n");
    if format.ahead != AHEAD_IN_LOGIC {
        let _ = writeln!(text, "reg {range}line_q;");
    }
    text.push_str("\nassign line = line_q;\n\n");
    for field in &format.fields {
        let _ = writeln!(text, "// {:8}{}", field.name, field.comment);
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let literal = |field: &super::line::Field| {
                let value = (field.value)(line);
                format!("{}'d{value}", field.width)
            };
            format.fields.iter().map(literal).collect()
        })
        .collect();
    let widths: Vec<usize> = (0..format.fields.len())
        .map(|column| {
            let values = rows.iter().map(|row| row[column].len());
            values
                .chain([format.fields[column].name.len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let columns = |row: &[&str]| -> String {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(i, (cell, &width))| match i + 1 == row.len() {
            true => format!("{cell:>width$}"),
            false => format!("{cell:>width$}, "),
        });
        cells.collect()
    };
    let names: Vec<&str> = format.fields.iter().map(|field| field.name).collect();
    let label = |index: usize| match index + 1 == lines.len() {
        true => "default".to_owned(),
        false => format!("{place}'d{index}"),
    };
    let label_width = (0..lines.len()).map(|i| label(i).len()).max().unwrap_or(0);
    let indent = " ".repeat(label_width + 5 + first.len() + 5);
    text.push_str("always @(posedge aclk) begin\n  if (fetch) begin\n    case (place)\n");
    let _ = writeln!(
        text,
        "      // {}{}",
        &indent[3..],
        columns(&names).replace(',', " ").trim_end()
    );
    for (index, (row, line)) in rows.iter().zip(lines).enumerate() {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        let _ = writeln!(
            text,
            "      {:>label_width$}: {first} <= {{{}}};  // {}",
            label(index),
            columns(&row),
            line.comment
        );
    }
    text.push_str("    endcase\n");
    if format.ahead != AHEAD_IN_LOGIC {
        text.push_str("    line_q <= read_q;\n");
    }
    text.push_str("  end\nend");
    text
}

//! Rows as tables for people.

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_FULL_CONDENSED};
use comfy_table::{Cell, CellAlignment, Table};
use indicatif::HumanCount;

use super::{Counted, EngineRow, Row};

/// Where the tables will be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// In a terminal, with lines around the cells.
    Terminal,
    /// In a page.
    Markdown,
}

/// A table, column by column: its heading, and what a row says there.
struct Column<R> {
    heading: &'static str,
    cell: fn(&R) -> String,
}

const fn column<R>(heading: &'static str, cell: fn(&R) -> String) -> Column<R> {
    Column { heading, cell }
}

const CYCLES: &[Column<Row>] = &[
    column("layer", |row| row.name.clone()),
    column("lanes", |row| match row.pixels {
        1 => format!("{} x {}", row.simd, row.pe),
        pixels => format!("{} x {} x {pixels}", row.simd, row.pe),
    }),
    column("cycles a frame", |row| count(row.steady())),
    column("bound", |row| count(row.figures.bound_cycles)),
    column("ratio", |row| format!("{:.4}", row.ratio)),
    column("first frame", |row| count(row.figures.cycles_first_frame)),
    column("allowed", |row| count(row.first_frame_limit)),
    column("in time", |row| {
        let first = row.figures.cycles_first_frame <= row.first_frame_limit;
        verdict(first && row.steady() <= row.steady_limit())
    }),
    column("model agrees", |row| verdict(row.model_agrees)),
    column("bit-exact", |row| {
        verdict(row.figures.mismatches == Some(0))
    }),
];

const ZERO_INSERTION: &[Column<Row>] = &[
    column("layer", |row| row.name.clone()),
    column("this engine", |row| count(row.steady())),
    column("zero insertion", |row| {
        count(row.figures.zero_insertion_cycles)
    }),
    column("measured", |row| {
        or_dash(row.zero_insertion_measured.map(|run| run.cycles))
    }),
    column("measured, borders skipped", |row| {
        let run = row.zero_insertion_measured;
        or_dash(run.map(|run| run.cycles_borders_skipped))
    }),
    column("FINN's formula", |row| or_dash(row.finn_cycles)),
    column("speed-up", |row| format!("{:.2}", row.speed_up)),
];

const MEMORY: &[Column<Row>] = &[
    column("layer", |row| row.name.clone()),
    column("line buffer, pixels", |row| {
        count(row.figures.line_buffer_pixels)
    }),
    column("live span, pixels", |row| {
        count(row.figures.live_span_pixels)
    }),
    column("line buffer, words", |row| count(row.line_buffer_words)),
    column("output FIFO, results", |row| count(row.output_fifo_results)),
];

const ON_ENGINE: &[Column<EngineRow>] = &[
    column("layer", |row| row.name.clone()),
    column("merged", |row| count(row.merged.into())),
    column("tiles", |row| count(row.tiles)),
    column("groups x C x K", |row| {
        row.cuts.map(|runs| runs.to_string()).join(" x ")
    }),
    column("counted", |row| {
        match row.counted {
            Counted::SteadyFrame => "steady frame",
            Counted::AllFrames => "all frames",
        }
        .to_owned()
    }),
    column("cycles a frame", |row| count(row.cycles_per_frame)),
    column("bound", |row| count(row.bound_cycles)),
    column("ratio", |row| format!("{:.4}", row.ratio)),
    column("in use", |row| {
        format!("{:.1} %", 100.0 * row.multipliers_in_use)
    }),
    column("in time", |row| verdict(row.in_time())),
    column("model agrees", |row| verdict(row.model_agrees)),
    column("bit-exact", |row| verdict(row.mismatches == 0)),
];

/// The figures of layers on one engine.
pub fn engine_table(rows: &[EngineRow], style: Style) -> String {
    format!("{}\n", table(rows, ON_ENGINE, style))
}

/// All figures in three tables, each with a title.
pub fn tables(rows: &[Row], style: Style) -> String {
    let tables = [
        ("Cycles", CYCLES),
        (
            "Zero insertion at equal lanes, cycles a frame",
            ZERO_INSERTION,
        ),
        ("Memory", MEMORY),
    ];
    let texts = tables.map(|(title, columns)| {
        let title = match style {
            Style::Terminal => title.to_owned(),
            Style::Markdown => format!("**{title}**\n"),
        };
        format!("{title}\n{}\n", table(rows, columns, style))
    });
    texts.join("\n")
}

fn table<R>(rows: &[R], columns: &[Column<R>], style: Style) -> String {
    let mut table = Table::new();
    table.load_preset(match style {
        Style::Terminal => UTF8_FULL_CONDENSED,
        Style::Markdown => ASCII_MARKDOWN,
    });
    table.set_header(columns.iter().map(|column| column.heading));
    for row in rows {
        table.add_row(columns.iter().map(|column| Cell::new((column.cell)(row))));
    }
    // All but the names are numbers.
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    match style {
        Style::Terminal => table.to_string(),
        Style::Markdown => aligned(&table.to_string()),
    }
}

/// Says in Markdown that all columns but the first are flush right, which the table's own preset leaves out.
fn aligned(table: &str) -> String {
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    if let Some(rule) = lines.get_mut(1) {
        let (first, rest) = rule.split_at(rule[1..].find('|').map_or(0, |end| end + 2));
        *rule = format!("{first}{}", rest.replace("-|", ":|"));
    }
    lines.join("\n")
}

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

fn or_dash(number: Option<u64>) -> String {
    number.map_or("-".to_owned(), count)
}

fn verdict(holds: bool) -> String {
    match holds {
        true => "yes",
        false => "NO",
    }
    .to_owned()
}

//! Rows as a chart: cycles measured, the bound, and zero insertion.

use std::error::Error;

use indicatif::HumanCount;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Row;

// All sizes are in pixels.
const WIDTH: u32 = 960;
const MARGIN: u32 = 16;
/// Title and legend.
const HEADER: u32 = 84;
/// Names of the layers, left of the bars.
const NAMES: u32 = 190;
/// Numbers and title of the axis.
const AXIS: u32 = 46;
/// A layer's two bars and the space around them.
const LAYER: u32 = 46;
const BAR: u32 = 15;
/// From a layer's edge to its first bar, and from its last bar to the other edge.
const EDGE: u32 = (LAYER - 2 * BAR) / 2;

/// Part of the width that the longest bar takes: its figures are beside it.
const LONGEST: f64 = 0.8;

const FONT: &str = "sans-serif";
const BACKGROUND: RGBColor = WHITE;
const TEXT: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const ENGINE: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const ZEROS: RGBColor = RGBColor(0xe9, 0xb4, 0x4c);
const BOUND: RGBColor = RGBColor(0xb0, 0x1e, 0x3c);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// Draws the cycles of a frame in units of each layer's bound, as an SVG: this engine's, which were measured, and those
/// of zero insertion, by its formula.
///
/// # Panics
/// Without rows there is nothing to draw.
pub fn chart(rows: &[Row]) -> String {
    let height = HEADER + LAYER * rows.len() as u32 + AXIS + MARGIN / 2;
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    draw(&area, rows).expect("a string takes whatever is drawn");
    drop(area);
    svg
}

fn draw(area: &Area, rows: &[Row]) -> Drawn {
    area.fill(&BACKGROUND)?;
    let (header, plot) = area.split_vertically(HEADER);
    draw_header(&header)?;
    draw_bars(&plot, rows)?;
    area.present()?;
    Ok(())
}

fn draw_header(area: &Area) -> Drawn {
    let line = |top: i32| (MARGIN as i32, top);
    area.draw(&Text::new(
        "Cycles of a frame in steady state, in units of the layer's bound",
        line(14),
        font(20).color(&TEXT),
    ))?;
    let keys = [
        ("this engine, measured in Verilator", ENGINE, 0),
        ("zero insertion at equal lanes, by its formula", ZEROS, 290),
        ("the bound", BOUND, 640),
    ];
    for (text, color, from) in keys {
        let (left, top) = (MARGIN as i32 + from, 52);
        let width = if color == BOUND { 3 } else { 14 };
        let key = Rectangle::new([(left, top), (left + width, top + 14)], color.filled());
        area.draw(&key)?;
        let text = Text::new(text, (left + width + 8, top), font(15).color(&TEXT));
        area.draw(&text)?;
    }
    Ok(())
}

fn draw_bars(area: &Area, rows: &[Row]) -> Drawn {
    let in_bounds = |row: &Row, cycles: u64| cycles as f64 / row.figures.bound_cycles as f64;
    let bars = |row: &Row| {
        [
            (row.steady(), ENGINE, EDGE),
            (row.figures.zero_insertion_cycles, ZEROS, EDGE + BAR),
        ]
    };
    let all = rows
        .iter()
        .flat_map(|row| bars(row).map(|bar| in_bounds(row, bar.0)));
    let longest = all.fold(1.0, f64::max);
    let layers = rows.len();

    // The axis of the layers points up, and the first is to be on top.
    let from_top = |index: usize| &rows[layers - 1 - index];
    let name = |segment: &SegmentValue<usize>| match segment {
        SegmentValue::CenterOf(index) if *index < layers => from_top(*index).name.clone(),
        _ => String::new(),
    };
    let mut chart = ChartBuilder::on(area)
        .margin_right(MARGIN)
        .margin_bottom(MARGIN / 2)
        .y_label_area_size(NAMES)
        .x_label_area_size(AXIS)
        .build_cartesian_2d(0.0..longest / LONGEST, (0..layers - 1).into_segmented())?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(font(14).color(&TEXT))
        .x_label_formatter(&|bounds| format!("{bounds:.0}"))
        .y_labels(layers)
        .y_label_formatter(&name)
        .x_desc("cycles / bound")
        .axis_desc_style(font(14).color(&TEXT))
        .draw()?;

    for index in 0..layers {
        let row = from_top(index);
        for (cycles, color, top) in bars(row) {
            let length = in_bounds(row, cycles);
            let corners = [
                (0.0, SegmentValue::Exact(index)),
                (length, SegmentValue::Exact(index + 1)),
            ];
            let mut bar = Rectangle::new(corners, color.filled());
            bar.set_margin(top, LAYER - top - BAR, 0, 0);
            let figures = format!("{} ({length:.2})", HumanCount(cycles));
            let middle = (top + BAR / 2) as i32 - (LAYER / 2) as i32;
            let style = font(13)
                .color(&TEXT)
                .pos(Pos::new(HPos::Left, VPos::Center));
            let figures = EmptyElement::at((length, SegmentValue::CenterOf(index)))
                + Text::new(figures, (6, middle), style);
            chart.draw_series([bar])?;
            chart.draw_series([figures])?;
        }
    }
    let ends = [SegmentValue::Exact(0), SegmentValue::Exact(layers)];
    let bound = PathElement::new(ends.map(|end| (1.0, end)), BOUND.stroke_width(2));
    chart.draw_series([bound])?;
    Ok(())
}

fn font(size: i32) -> FontDesc<'static> {
    (FONT, size).into_font()
}

//! The two trainings as curves: loss, and accuracy on the test images.

use std::error::Error;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::training::Epoch;

// All sizes are in pixels.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 430;
const MARGIN: u32 = 16;
/// Title and legend.
const HEADER: u32 = 76;
/// Numbers and title of an axis.
const AXIS: u32 = 48;

/// What the logarithm of a loss begins at: a loss may be zero.
const LEAST_LOSS: f64 = 1e-6;

const FONT: &str = "sans-serif";
const TEXT: RGBColor = RGBColor(0x22, 0x22, 0x22);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
const ENGINE: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const FLOAT: RGBColor = RGBColor(0xe9, 0xb4, 0x4c);

/// A training, and how it is drawn.
#[derive(Clone, Copy)]
struct Curve<'a> {
    epochs: &'a [Epoch],
    color: RGBColor,
    width: u32,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Curves<'a> = [Curve<'a>; 2];
type Drawn = Result<(), Box<dyn Error>>;

/// Draws both trainings, of equally many epochs, as an SVG.
pub fn chart(float: &[Epoch], engine: &[Epoch]) -> String {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
    draw(&area, float, engine).expect("a string takes whatever is drawn");
    drop(area);
    svg
}

fn draw(area: &Area, float: &[Epoch], engine: &[Epoch]) -> Drawn {
    area.fill(&WHITE)?;
    let (header, plot) = area.split_vertically(HEADER);
    draw_header(&header)?;
    let (left, right) = plot.split_horizontally(WIDTH / 2);
    // The curves may lie on each other: the lower one shows on both sides.
    let (below, above) = (6, 2);
    let curves = [
        Curve {
            epochs: float,
            color: FLOAT,
            width: below,
        },
        Curve {
            epochs: engine,
            color: ENGINE,
            width: above,
        },
    ];
    let loss = |epoch: &Epoch| epoch.loss.max(LEAST_LOSS);
    let (least, most) = range(&curves, loss);
    let axis = (least / 1.2..most * 1.2).log_scale();
    draw_curves(&left, "training loss", axis, curves, loss)?;
    let accuracy = |epoch: &Epoch| 100.0 * epoch.accuracy;
    let (least, most) = range(&curves, accuracy);
    let axis = least - 1.0..most + 1.0;
    draw_curves(&right, "test accuracy, %", axis, curves, accuracy)?;
    area.present()?;
    Ok(())
}

fn draw_header(area: &Area) -> Drawn {
    let title = "A network learns digits, its convolutions in float and from an engine";
    area.draw(&Text::new(title, (MARGIN as i32, 14), font(20)))?;
    let keys = [
        ("engine, int8 with stochastic rounding", ENGINE, 0),
        ("float", FLOAT, 310),
    ];
    for (text, color, from) in keys {
        let (left, top) = (MARGIN as i32 + from, 50);
        area.draw(&Rectangle::new(
            [(left, top), (left + 14, top + 14)],
            color.filled(),
        ))?;
        area.draw(&Text::new(text, (left + 22, top), font(15)))?;
    }
    Ok(())
}

/// The least and the greatest value of any epoch.
fn range(curves: &Curves, value: impl Fn(&Epoch) -> f64) -> (f64, f64) {
    let values = || {
        curves
            .iter()
            .flat_map(|curve| curve.epochs.iter().map(&value))
    };
    let least = values().fold(f64::INFINITY, f64::min);
    (least, values().fold(f64::NEG_INFINITY, f64::max))
}

fn draw_curves<Axis>(
    area: &Area,
    title: &str,
    axis: Axis,
    curves: Curves,
    value: impl Fn(&Epoch) -> f64,
) -> Drawn
where
    Axis: AsRangedCoord<Value = f64>,
    Axis::CoordDescType: ValueFormatter<f64>,
{
    let epochs = curves[0].epochs.len();
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .margin_top(0)
        .x_label_area_size(AXIS)
        .y_label_area_size(AXIS + 16)
        .build_cartesian_2d(0.5..epochs as f64 + 0.5, axis)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(font(14))
        .x_labels(10)
        .x_label_formatter(&|epoch| format!("{epoch:.0}"))
        .y_labels(8)
        .x_desc("epoch")
        .y_desc(title)
        .axis_desc_style(font(14))
        .draw()?;
    for curve in curves {
        let (color, width) = (curve.color, curve.width);
        let point = |(index, epoch)| (index as f64 + 1.0, value(epoch));
        let points: Vec<_> = curve.epochs.iter().enumerate().map(point).collect();
        let dots = points
            .iter()
            .map(|&at| Circle::new(at, width / 2 + 2, color.filled()));
        chart.draw_series(dots)?;
        chart.draw_series([PathElement::new(points.clone(), color.stroke_width(width))])?;
    }
    Ok(())
}

fn font(size: i32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&TEXT)
}

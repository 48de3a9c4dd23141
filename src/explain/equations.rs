//! The equations of a layer, as the article prints them: the sum over the taps that exist, and the same as a convolution.

use super::affine::affine;
use super::notation::Notation;
use super::page::{Block, Equation, Format, Page};
use super::phases::{phases, Phase};
use super::terms::{Along, AxisTerms, Met, PixelTerms};
use crate::layer::{Axis, Layer};

/// Every pixel is printed of a layer with so many at most, ...
pub const MOST_PIXELS: u64 = 100;
/// ... and so many products of the convolution.
pub const MOST_PRODUCTS: u64 = 1024;
/// Terms of an equation that are written one by one; more are a sum with letters.
const MOST_TERMS: u64 = 64;
/// Weights of a convolution's zeros that are written one by one.
const MOST_ZEROS: u64 = 25;
/// Phases of an axis that are printed.
const MOST_PHASES: usize = 6;
/// Numbers in a row that are written out.
const MOST_NUMBERS: u64 = 8;

/// Whether [`page`] prints the equation of every pixel; of a larger layer it prints their pattern.
pub fn lists_every_pixel(layer: &Layer) -> bool {
    let (pixels, products) = sizes(layer);
    pixels <= MOST_PIXELS.into() && products <= MOST_PRODUCTS.into()
}

/// Pixels of grad_input, and products of the convolution with zeros.
fn sizes(layer: &Layer) -> (u128, u128) {
    let product =
        |of: fn(&Axis) -> u32| u128::from(of(&layer.rows())) * u128::from(of(&layer.cols()));
    let pixels = product(|axis| axis.in_size);
    (pixels, pixels * product(|axis| axis.kernel))
}

/// The equations of a layer: of one pixel, which must lie in grad_input, of every pixel of a small layer, or the pattern
/// of a large one.
pub fn page(layer: &Layer, pixel: Option<(u32, u32)>, format: Format) -> Page {
    let writer = Writer {
        layer,
        notation: Notation::new(layer, format),
    };
    let mut blocks = writer.introduction();
    let pixel = pixel.map(|(h, w)| PixelTerms::new(layer, h, w));
    blocks.extend(writer.sums(pixel.as_ref()));
    blocks.extend(writer.convolution(pixel.as_ref()));
    Page { format, blocks }
}

struct Writer<'a> {
    layer: &'a Layer,
    notation: Notation,
}

/// What the rows of an axis are called.
#[derive(Clone, Copy)]
struct Names {
    one: &'static str,
    many: &'static str,
    position: &'static str,
    index: &'static str,
}

const ROWS: Names = Names {
    one: "row",
    many: "rows",
    position: "h",
    index: "i",
};
const COLUMNS: Names = Names {
    one: "column",
    many: "columns",
    position: "w",
    index: "j",
};

/// The terms of an axis, of one position or, with a letter, of all those of a phase: term `a` meets output
/// `letter + first_out + a * out_step` with tap `first_tap - a * tap_step`.
struct Side {
    letter: Option<&'static str>,
    first_out: i64,
    out_step: i64,
    first_tap: i64,
    tap_step: i64,
    count: u64,
}

impl Side {
    fn of_position(along: &Along) -> Self {
        let (out_step, tap_step) = along.steps();
        let (out, tap) = along.pairs().next().unwrap_or_default();
        Self {
            letter: None,
            first_out: out.into(),
            // Below the strides and dilations of a layer, which have 32 bits.
            out_step: out_step as i64,
            first_tap: tap.into(),
            tap_step: tap_step as i64,
            count: along.count(),
        }
    }

    fn of_phase(phase: &Phase, names: Names) -> Self {
        let (out, tap) = phase.taps[0];
        let (next_out, next_tap) = phase.taps.get(1).copied().unwrap_or((out, tap));
        Self {
            letter: (phase.last > 0).then_some(names.index),
            first_out: out,
            out_step: next_out - out,
            first_tap: tap.into(),
            tap_step: i64::from(tap) - i64::from(next_tap),
            count: phase.taps.len() as u64,
        }
    }

    fn letter(&self) -> (i64, &str) {
        self.letter.map_or((0, ""), |letter| (1, letter))
    }

    /// Output and tap of a term.
    fn term(&self, index: u64) -> [String; 2] {
        let index = index as i64;
        [
            affine(&[self.letter()], self.first_out + index * self.out_step),
            (self.first_tap - index * self.tap_step).to_string(),
        ]
    }

    /// The same of the term with this letter for its number.
    fn any_term(&self, index: &str) -> [String; 2] {
        let some = i64::from(self.count > 1);
        [
            affine(
                &[self.letter(), (some * self.out_step, index)],
                self.first_out,
            ),
            affine(&[(-some * self.tap_step, index)], self.first_tap),
        ]
    }

    /// `weights of rows 2, 0 meet rows i, i + 1`
    fn words(&self, names: Names) -> String {
        let all = |which: usize| {
            let term = |index| format!("`{}`", self.term(index)[which]);
            let shown: Vec<String> = match self.count {
                count if count <= MOST_NUMBERS => (0..count).map(term).collect(),
                count => vec![term(0), term(1), "...".to_owned(), term(count - 1)],
            };
            shown.join(", ")
        };
        let many = if self.count == 1 {
            names.one
        } else {
            names.many
        };
        let verb = if self.count == 1 { "meets" } else { "meet" };
        format!(
            "{many} {} of the weights {verb} {many} {} of `Y`",
            all(1),
            all(0)
        )
    }
}

impl Writer<'_> {
    fn introduction(&self) -> Vec<Block> {
        let layer = self.layer;
        let (rows, cols) = (layer.rows(), layer.cols());
        let by = |of: fn(&Axis) -> u32| format!("{} x {}", of(&rows), of(&cols));
        let padding = [
            rows.pad_before,
            rows.pad_after,
            cols.pad_before,
            cols.pad_after,
        ];
        let groups = match layer.groups() {
            1 => String::new(),
            groups => format!(", {groups} groups"),
        };
        let facts = vec![
            format!(
                "`x` is the input: {}, {}; {} is grad_input",
                count(layer.in_channels(), "channel"),
                by(|axis| axis.in_size),
                self.formula(&self.notation.whole("x")),
            ),
            format!(
                "`Y` is the output: {}, {}; {} is grad_output",
                count(layer.out_channels(), "channel"),
                by(|axis| axis.out_size),
                self.formula(&self.notation.whole("Y")),
            ),
            format!("`w` are the weights: {}", by(|axis| axis.kernel)),
            format!(
                "stride {}, dilation {}, padding {} (top, bottom, left, right){groups}",
                by(|axis| axis.stride),
                by(|axis| axis.dilation),
                padding.map(|side| side.to_string()).join(", "),
            ),
        ];
        vec![
            Block::Title(format!(
                "{}: the gradient of a convolution with respect to its input",
                layer.name()
            )),
            Block::List(facts),
            Block::Words(format!(
                "Rows and columns count from 0, and all of this is as PyTorch defines it. {}",
                self.channels()
            )),
            Block::Words("The forward convolution, in which `x` is 0 in the padding:".to_owned()),
            Block::Equations(vec![vec![self.forward()]]),
        ]
    }

    fn formula(&self, formula: &str) -> String {
        format!("`{formula}`")
    }

    /// What the equations leave out.
    fn channels(&self) -> String {
        let layer = self.layer;
        let (inputs, outputs) = (layer.in_per_group(), layer.out_per_group());
        let each =
            "Each equation is of one channel c of `x` and one channel k of `Y`, with the weights";
        let sum = |of: &str| match outputs {
            1 => format!("grad_input[c] has one such k{of}."),
            _ => format!("grad_input[c] is the sum over the {outputs} channels k{of}."),
        };
        if layer.groups() == 1 {
            return format!("{each} weight[k, c]; {}", sum(""));
        }
        let (group, within) = match inputs {
            1 => ("c".to_owned(), "0".to_owned()),
            _ => ("g".to_owned(), format!("c mod {inputs}")),
        };
        let first = affine(&[(outputs.into(), &group)], 0);
        let last = affine(&[(outputs.into(), &group)], i64::from(outputs) - 1);
        let meaning = match inputs {
            1 => String::new(),
            _ => format!(" with g = floor(c / {inputs})"),
        };
        let channels = match outputs {
            1 => format!(", of its group: k = {first}{meaning}"),
            _ => format!(" of its group: k = {first} to {last}{meaning}"),
        };
        format!("{each} weight[k, {within}]; {}", sum(&channels))
    }

    fn forward(&self) -> Equation {
        let layer = self.layer;
        let index = |axis: Axis, out: &str, tap: &str| {
            let parts = [(axis.stride.into(), out), tap_part(axis, tap)];
            affine(&parts, -i64::from(axis.pad_before))
        };
        let row = index(layer.rows(), "p", "r");
        let col = index(layer.cols(), "q", "s");
        let it = &self.notation;
        let product = it.product(&it.x(&row, &col), &self.general_weight());
        Equation::of(it.y("p", "q"), it.sum(&self.tap_letters(), &product))
    }

    /// A weight by the letters of its taps; an axis with a single one has none.
    fn general_weight(&self) -> String {
        let letter = |axis: Axis, letter| if axis.kernel > 1 { letter } else { "0" };
        self.notation.w(
            letter(self.layer.rows(), "r"),
            letter(self.layer.cols(), "s"),
        )
    }

    fn tap_letters(&self) -> [(&'static str, u64); 2] {
        let last = |axis: Axis| u64::from(axis.kernel) - 1;
        [
            ("r", last(self.layer.rows())),
            ("s", last(self.layer.cols())),
        ]
    }

    /// The sum over the taps that exist.
    fn sums(&self, pixel: Option<&PixelTerms>) -> Vec<Block> {
        let (rows, cols) = (self.layer.rows(), self.layer.cols());
        let index = |axis: Axis, position: &str, tap: &str| {
            let parts = [(1, position), negative(tap_part(axis, tap))];
            let above = affine(&parts, axis.pad_before.into());
            self.notation.quotient(&above, axis.stride)
        };
        let it = &self.notation;
        let dy = it.dy(&index(rows, "h", "r"), &index(cols, "w", "s"));
        let product = it.product(&dy, &self.general_weight());
        let sum = it.sum(&self.tap_letters(), &product);
        let exact = match (rows.stride, cols.stride) {
            (1, 1) => "over the taps for which these are",
            _ => "over the taps for which the divisions have no remainder and give",
        };
        let mut blocks = vec![
            Block::Section("The sum over the taps that exist".to_owned()),
            Block::Equations(vec![vec![Equation::of(it.dx("h", "w"), sum)]]),
            Block::Words(format!(
                "{exact} {} and {} of `Y`.",
                range(rows.out_size, "row"),
                range(cols.out_size, "column")
            )),
        ];
        match pixel {
            Some(pixel) => {
                blocks.push(Block::List(vec![
                    axis_words(&pixel.row, ROWS),
                    axis_words(&pixel.col, COLUMNS),
                ]));
                blocks.push(Block::Equations(vec![vec![self.sum_of(pixel)]]));
            }
            None if lists_every_pixel(self.layer) => {
                blocks.push(Block::Equations(self.every_pixel(|it| self.sum_of(it))));
            }
            None => blocks.extend(self.pattern()),
        }
        blocks
    }

    /// An equation for each pixel, row by row.
    fn every_pixel(&self, equation: impl Fn(&PixelTerms) -> Equation) -> Vec<Vec<Equation>> {
        let rows = AxisTerms::new(self.layer.rows());
        let cols = AxisTerms::new(self.layer.cols());
        let row = |h| {
            let pixel = |w| PixelTerms {
                row: rows.at(h),
                col: cols.at(w),
            };
            (0..self.layer.cols().in_size)
                .map(|w| equation(&pixel(w)))
                .collect()
        };
        (0..self.layer.rows().in_size).map(row).collect()
    }

    fn left_of(&self, pixel: &PixelTerms) -> String {
        let (h, w) = pixel.pixel();
        self.notation.dx(&h.to_string(), &w.to_string())
    }

    fn sum_of(&self, pixel: &PixelTerms) -> Equation {
        let (row, col) = (Side::of_position(&pixel.row), Side::of_position(&pixel.col));
        Equation {
            left: self.left_of(pixel),
            right: self.products(&row, &col),
        }
    }

    /// The products of all pairs of terms; as one sum with letters, if they are many.
    fn products(&self, row: &Side, col: &Side) -> Vec<String> {
        let it = &self.notation;
        let product =
            |[p, r]: [String; 2], [q, s]: [String; 2]| it.product(&it.dy(&p, &q), &it.w(&r, &s));
        if row.count * col.count <= MOST_TERMS {
            return (0..row.count)
                .flat_map(|a| (0..col.count).map(move |b| (a, b)))
                .map(|(a, b)| product(row.term(a), col.term(b)))
                .collect();
        }
        let letters = [("a", row.count - 1), ("b", col.count - 1)];
        let any = product(row.any_term("a"), col.any_term("b"));
        vec![it.sum(&letters, &any)]
    }

    /// What all pixels of a large layer have in common.
    fn pattern(&self) -> Vec<Block> {
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

    /// The convolution of the dilated gradient with the rotated kernel.
    fn convolution(&self, pixel: Option<&PixelTerms>) -> Vec<Block> {
        let it = &self.notation;
        let (rows, cols) = (self.layer.rows(), self.layer.cols());
        let product = it.product(&it.entry("D", "h + a", "w + b"), &it.entry("K", "a", "b"));
        let last = |axis: Axis| u64::from(axis.kernel - 1) * u64::from(axis.dilation);
        let sum = it.sum(&[("a", last(rows)), ("b", last(cols))], &product);
        let mut blocks = vec![
            Block::Section("The same as a convolution with zeros".to_owned()),
            Block::Equations(vec![vec![Equation::of(it.dx("h", "w"), sum)]]),
            Block::List(vec![self.dilated_gradient(), self.rotated_kernel()]),
        ];
        match pixel {
            Some(pixel) => {
                blocks.push(Block::Equations(vec![vec![self.convolution_of(pixel)]]));
                let (inserted, border) = pixel.zero_counts();
                let counts = [pixel.count().into(), inserted.into(), border.into()];
                blocks.push(Block::Words(shares(counts)));
            }
            None => {
                if lists_every_pixel(self.layer) {
                    let all = self.every_pixel(|it| self.convolution_of(it));
                    blocks.push(Block::Equations(all));
                }
                blocks.push(Block::Words(shares(self.totals())));
            }
        }
        blocks
    }

    /// Products of all pixels: with values, with inserted zeros, and with zeros of the border.
    fn totals(&self) -> [u128; 3] {
        let (row_values, row_inside) = AxisTerms::new(self.layer.rows()).totals();
        let (col_values, col_inside) = AxisTerms::new(self.layer.cols()).totals();
        let (values, inside) = (row_values * col_values, row_inside * col_inside);
        [values, inside - values, sizes(self.layer).1 - inside]
    }

    fn dilated_gradient(&self) -> String {
        let (rows, cols) = (self.layer.rows(), self.layer.cols());
        let inserted = |axis: Axis, name: &str| match axis.stride {
            1 => format!("none between {name}s"),
            stride => format!(
                "{} between {name}s",
                count(stride - 1, &format!("{name} of zeros"))
            ),
        };
        let [top, bottom] = borders(rows);
        let [left, right] = borders(cols);
        let border = |size: i64, side: &str| match size {
            0.. => format!("{size} {side}"),
            _ => format!("{} cut off {side}", -size),
        };
        let sides = [
            border(top, "above"),
            border(bottom, "below"),
            border(left, "on the left"),
            border(right, "on the right"),
        ];
        let dilated = match (rows.stride, cols.stride) {
            (1, 1) => String::new(),
            _ => format!(
                " dilated by the stride ({}, {})",
                inserted(rows, "row"),
                inserted(cols, "column")
            ),
        };
        let size = |axis: Axis| {
            u64::from(axis.in_size) + u64::from(axis.kernel - 1) * u64::from(axis.dilation)
        };
        format!(
            "`D` is {}{dilated}, with a border of zeros: {}; {} x {} in all",
            self.formula(&self.notation.whole("Y")),
            sides.join(", "),
            size(rows),
            size(cols)
        )
    }

    fn rotated_kernel(&self) -> String {
        let (rows, cols) = (self.layer.rows(), self.layer.cols());
        let span = |axis: Axis| u64::from(axis.kernel - 1) * u64::from(axis.dilation) + 1;
        let all = span(rows) * span(cols);
        let weights = u64::from(rows.kernel) * u64::from(cols.kernel);
        let turned = "`K` is `w` rotated by 180 degrees";
        match all - weights {
            0 => format!("{turned}: {} x {}", span(rows), span(cols)),
            zeros => format!(
                "{turned} and dilated: {} x {}; the {zeros} between its weights {} a zero for every pixel, and no product here",
                span(rows),
                span(cols),
                if zeros == 1 { "is" } else { "are each" }
            ),
        }
    }

    fn convolution_of(&self, pixel: &PixelTerms) -> Equation {
        let it = &self.notation;
        let mut equation = self.sum_of(pixel);
        let (inserted, border) = pixel.zero_counts();
        for (kind, met, zeros) in [
            ("inserted", Met::Inserted, inserted),
            ("border", Met::Border, border),
        ] {
            if zeros == 0 {
                continue;
            }
            let weights = match zeros <= MOST_ZEROS {
                true => {
                    let weight = |(r, s): (u32, u32)| it.w(&r.to_string(), &s.to_string());
                    let weights: Vec<String> = pixel.zeros(met).map(weight).collect();
                    weights.join(" + ")
                }
                false => it.words(&format!("{zeros} weights")),
            };
            equation.right.push(it.zero(kind, &weights));
        }
        equation
    }
}

/// What the tap adds to a position; nothing where there is only one.
fn tap_part(axis: Axis, letter: &str) -> (i64, &str) {
    match axis.kernel {
        1 => (0, letter),
        _ => (axis.dilation.into(), letter),
    }
}

fn negative((size, letter): (i64, &str)) -> (i64, &str) {
    (-size, letter)
}

/// Zeros before and behind the dilated gradient; where one is below zero, so much of it is cut off.
pub(super) fn borders(axis: Axis) -> [i64; 2] {
    let span = i64::from(axis.kernel - 1) * i64::from(axis.dilation);
    let before = span - i64::from(axis.pad_before);
    let dilated = i64::from(axis.out_size - 1) * i64::from(axis.stride) + 1;
    [before, i64::from(axis.in_size) + span - before - dilated]
}

/// `1 row`, `2 rows`; of `row of zeros` it is the first word that has a plural.
fn count(number: u32, what: &str) -> String {
    let (noun, rest) = what
        .split_once(' ')
        .map_or((what, String::new()), |(noun, rest)| {
            (noun, format!(" {rest}"))
        });
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}{rest}")
}

/// `rows 0 to 27`, `row 0`
fn range(size: u32, name: &str) -> String {
    let plural = if size == 1 { "" } else { "s" };
    format!("{name}{plural} {}", span(size))
}

/// `0 to 27`, `0`
fn span(size: u32) -> String {
    match size {
        1 => "0".to_owned(),
        _ => format!("0 to {}", size - 1),
    }
}

/// `Row 2: rows 2, 0 of the weights meet rows 0, 1 of Y`
fn axis_words(along: &Along, names: Names) -> String {
    let name = match names.one {
        "row" => "Row",
        _ => "Column",
    };
    let position = along.position;
    match along.count() {
        0 => format!(
            "{name} {position}: no {} of the weights meets one of `Y`",
            names.one
        ),
        _ => {
            let side = Side::of_position(along);
            format!("{name} {position}: {}", side.words(names))
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

/// How many products there are of each kind: with values, with inserted zeros, with zeros of the border.
fn shares([values, inserted, border]: [u128; 3]) -> String {
    let all = values + inserted + border;
    // A layer has a pixel and a tap at least.
    let zeros = 100.0 * (all - values) as f64 / all as f64;
    format!(
        "Of {all} products with a weight {values} are with values of `Y`'s gradient, {inserted} with inserted zeros and {border} \
         with zeros of the border: {zeros:.1} % are spared by the sum over the taps that exist."
    )
}

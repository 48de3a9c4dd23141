//! The equations of a layer, as the article prints them: a page's frame, and the sum over the taps that exist.

use super::affine::affine;
use super::notation::Notation;
use super::page::{Block, Equation, Format, Page};
use super::side::{Names, Side, COLUMNS, ROWS};
use super::terms::{Along, AxisTerms, PixelTerms};
use crate::layer::{Axis, Layer};

/// Every pixel is printed of a layer with so many at most, ...
pub const MOST_PIXELS: u64 = 100;
/// ... and so many products of the convolution.
pub const MOST_PRODUCTS: u64 = 1024;
/// Terms of an equation that are written one by one; more are a sum with letters.
const MOST_TERMS: u64 = 64;

/// Whether [`page`] prints the equation of every pixel; of a larger layer it prints their pattern.
pub fn lists_every_pixel(layer: &Layer) -> bool {
    let (pixels, products) = sizes(layer);
    pixels <= MOST_PIXELS.into() && products <= MOST_PRODUCTS.into()
}

/// Pixels of grad_input, and products of the convolution with zeros.
pub(super) fn sizes(layer: &Layer) -> (u128, u128) {
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

/// Says everything of a layer in its notation.
pub(super) struct Writer<'a> {
    pub(super) layer: &'a Layer,
    pub(super) notation: Notation,
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

    pub(super) fn formula(&self, formula: &str) -> String {
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
    pub(super) fn every_pixel(
        &self,
        equation: impl Fn(&PixelTerms) -> Equation,
    ) -> Vec<Vec<Equation>> {
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

    pub(super) fn sum_of(&self, pixel: &PixelTerms) -> Equation {
        let (row, col) = (Side::of_position(&pixel.row), Side::of_position(&pixel.col));
        Equation {
            left: self.left_of(pixel),
            right: self.products(&row, &col),
        }
    }

    /// The products of all pairs of terms; as one sum with letters, if they are many.
    pub(super) fn products(&self, row: &Side, col: &Side) -> Vec<String> {
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

/// `1 row`, `2 rows`; of `row of zeros` it is the first word that has a plural.
pub(super) fn count(number: u32, what: &str) -> String {
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
pub(super) fn span(size: u32) -> String {
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

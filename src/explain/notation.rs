//! How the symbols of an equation are written: as text, or in LaTeX.

use super::page::Format;
use crate::layer::{Axis, Layer};

/// The notation of one layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notation {
    latex: bool,
    /// No index has two digits, so that two of them can stand side by side as in the article: `x22`.
    short: bool,
}

impl Notation {
    pub(super) fn new(layer: &Layer, format: Format) -> Self {
        let sizes = |axis: Axis| [axis.in_size, axis.out_size, axis.kernel];
        let mut all = sizes(layer.rows()).into_iter().chain(sizes(layer.cols()));
        Self {
            latex: format != Format::Text,
            short: all.all(|size| size <= 10),
        }
    }

    fn indexed(&self, name: &str, row: &str, col: &str) -> String {
        let is_digit = |index: &str| index.len() == 1 && index.as_bytes()[0].is_ascii_digit();
        let side_by_side = self.short && is_digit(row) && is_digit(col);
        match (self.latex, side_by_side) {
            (false, true) => format!("{name}{row}{col}"),
            (false, false) => format!("{name}[{row}, {col}]"),
            (true, true) => format!("{name}_{{{row}{col}}}"),
            (true, false) => format!("{name}_{{{row}, {col}}}"),
        }
    }

    fn gradient(&self, name: &str, row: &str, col: &str) -> String {
        let symbol = self.indexed(name, row, col);
        match self.latex {
            true => format!(r"\frac{{\partial L}}{{\partial {symbol}}}"),
            false => format!("dL/d{symbol}"),
        }
    }

    /// An input value of the forward convolution.
    pub(super) fn x(&self, row: &str, col: &str) -> String {
        self.indexed("x", row, col)
    }

    /// An output value of it.
    pub(super) fn y(&self, row: &str, col: &str) -> String {
        self.indexed("Y", row, col)
    }

    /// A weight.
    pub(super) fn w(&self, row: &str, col: &str) -> String {
        self.indexed("w", row, col)
    }

    /// The gradient of an input value.
    pub(super) fn dx(&self, row: &str, col: &str) -> String {
        self.gradient("x", row, col)
    }

    /// The gradient of an output value.
    pub(super) fn dy(&self, row: &str, col: &str) -> String {
        self.gradient("Y", row, col)
    }

    /// An entry of another array.
    pub(super) fn entry(&self, name: &str, row: &str, col: &str) -> String {
        self.indexed(name, row, col)
    }

    /// What a figure's cell says of its value, in one line or two.
    pub(super) fn label(&self, name: &str, row: u32, col: u32) -> Vec<String> {
        let [row, col] = [row.to_string(), col.to_string()];
        match row.len() + col.len() {
            _ if self.short => vec![self.indexed(name, &row, &col)],
            0..=4 => vec![format!("{row},{col}")],
            _ => vec![format!("{row},"), col],
        }
    }

    /// The whole of a gradient.
    pub(super) fn whole(&self, name: &str) -> String {
        match self.latex {
            true => format!(r"\frac{{\partial L}}{{\partial {name}}}"),
            false => format!("dL/d{name}"),
        }
    }

    pub(super) fn product(&self, left: &str, right: &str) -> String {
        format!("{left} * {right}")
    }

    /// A sum over letters from 0 to their last values; those that are 0 only are left out.
    pub(super) fn sum(&self, letters: &[(&str, u64)], of: &str) -> String {
        let letters = letters.iter().filter(|(_, last)| *last > 0);
        if self.latex {
            let signs: String = letters
                .map(|(letter, last)| format!(r"\sum_{{{letter}=0}}^{{{last}}} "))
                .collect();
            return signs + of;
        }
        let ranges: Vec<String> = letters
            .map(|(letter, last)| format!("{letter} = 0 to {last}"))
            .collect();
        match ranges.is_empty() {
            true => of.to_owned(),
            false => format!("sum over {} of {of}", ranges.join(", ")),
        }
    }

    pub(super) fn quotient(&self, above: &str, below: u32) -> String {
        match (below, self.latex) {
            (1, _) => above.to_owned(),
            (_, true) => format!(r"\frac{{{above}}}{{{below}}}"),
            (_, false) => format!("({above})/{below}"),
        }
    }

    /// A zero and what it is multiplied with.
    pub(super) fn zero(&self, kind: &str, weights: &str) -> String {
        match self.latex {
            true => format!(r"0_{{\text{{{kind}}}}} * ({weights})"),
            false => format!("0({kind}) * ({weights})"),
        }
    }

    /// Words within an equation.
    pub(super) fn words(&self, words: &str) -> String {
        match self.latex {
            true => format!(r"\text{{{words}}}"),
            false => words.to_owned(),
        }
    }
}

//! The gradient as a convolution: of grad_output dilated by the stride, with the rotated and dilated kernel.

use super::equations::{count, lists_every_pixel, sizes, Writer};
use super::page::{Block, Equation};
use super::terms::{AxisTerms, Met, PixelTerms};
use crate::layer::Axis;

/// Weights of a convolution's zeros that are written one by one.
const MOST_ZEROS: u64 = 25;

impl Writer<'_> {
    /// The convolution of the dilated gradient with the rotated kernel.
    pub(super) fn convolution(&self, pixel: Option<&PixelTerms>) -> Vec<Block> {
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

/// Zeros before and behind the dilated gradient; where one is below zero, so much of it is cut off.
pub(super) fn borders(axis: Axis) -> [i64; 2] {
    let span = i64::from(axis.kernel - 1) * i64::from(axis.dilation);
    let before = span - i64::from(axis.pad_before);
    let dilated = i64::from(axis.out_size - 1) * i64::from(axis.stride) + 1;
    [before, i64::from(axis.in_size) + span - before - dilated]
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

//! Rows of grad_output, of a weight gradient: some of them as a layer of their own, or several side by side on the lanes.
//!
//! A weight gradient is a sum over the rows of grad_output. Those from one row to another see the rows of the input that lie
//! under them, and nothing else: with the padding that they meet they are a layer ([`RowRun`]), whose results are partial sums.
//!
//! Where a batch has fewer images than there are lanes, rows of one image can stand beside each other like images. With J of
//! them, and u the stride, lane j has the rows j, J + j, 2J + j, ... of grad_output, and the input moved up by j u rows:
//!
//! dW\[r\] = sum over j, p of A\[(pJ + j) u + r d - top\] dY\[pJ + j\] = sum over j, p of A_j\[p Ju + r d - top\] dY_j\[p\]
//!
//! which is a layer with J times the images, a stride of J u and ceil(P / J) rows ([`Beside`]). The input of all lanes begins
//! and ends where that of the first and last one does; what a lane has not is padding.

use std::ops::Range;

use ndarray::{s, Array4};

use crate::layer::{Axis, Geometry, LaneUse, Layer, Pass, PerAxis, PerItem};

/// Some rows of grad_output, and what they see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowRun {
    /// Of the rows of grad_output.
    pub grad_output: Range<u32>,
    /// Of the rows of the input.
    pub input: Range<u32>,
    padding: [u32; 2],
}

impl RowRun {
    /// All rows that see anything of the input, in runs of at most `each`; none where no row does.
    pub(super) fn all(axis: &Axis, each: u32) -> Vec<Self> {
        let (height, stride, top) = (
            i64::from(axis.in_size),
            i64::from(axis.stride),
            i64::from(axis.pad_before),
        );
        let reach = i64::from(axis.kernel - 1) * i64::from(axis.dilation);
        // The window of row p is from p u - top to there and the reach.
        let sees = |p: &i64| p * stride - top + reach >= 0 && p * stride - top < height;
        let rows = 0..i64::from(axis.out_size);
        let (Some(first), Some(last)) = (rows.clone().find(sees), rows.rev().find(sees)) else {
            return Vec::new();
        };
        let run = |begin: i64| {
            let end = (begin + i64::from(each)).min(last + 1);
            let (from, to) = (begin * stride - top, (end - 1) * stride - top + reach + 1);
            let input = from.max(0)..to.min(height);
            // All within what the axis has, which is of 32 bits.
            let size = |rows: i64| rows as u32;
            RowRun {
                grad_output: size(begin)..size(end),
                padding: [size(input.start - from), size(to - input.end)],
                input: size(input.start)..size(input.end),
            }
        };
        (first..=last).step_by(each as usize).map(run).collect()
    }

    /// Rows of grad_output.
    pub(super) fn length(&self) -> u64 {
        (self.grad_output.end - self.grad_output.start).into()
    }

    /// What makes it the same layer as another.
    pub(super) fn shape(&self) -> [u32; 4] {
        let [before, after] = self.padding;
        let [rows, input] = [&self.grad_output, &self.input].map(|rows| rows.end - rows.start);
        [rows, input, before, after]
    }

    /// The layer's geometry with these rows alone.
    pub(super) fn of(&self, geometry: Geometry) -> Geometry {
        let pair = |rows: &Range<u32>, pair: Option<PerAxis>| {
            let cols = pair.map_or(0, |PerItem([_, cols])| cols);
            Some(PerItem([i64::from(rows.end - rows.start), cols]))
        };
        let PerItem([_, _, left, right]) = geometry.padding;
        let [top, bottom] = self.padding.map(i64::from);
        Geometry {
            in_size: pair(&self.input, geometry.in_size),
            out_size: pair(&self.grad_output, geometry.out_size),
            padding: PerItem([top, bottom, left, right]),
            ..geometry
        }
    }

    /// Its rows of what moves.
    pub(crate) fn moving(&self, moving: &Array4<i32>) -> Array4<i32> {
        let rows = self.input.start as usize..self.input.end as usize;
        moving.slice(s![.., .., rows, ..]).to_owned()
    }

    /// Its rows of what is stationary, which is turned.
    pub(crate) fn stationary(&self, stationary: &Array4<i32>) -> Array4<i32> {
        let all = stationary.dim().2;
        let [begin, end] = [self.grad_output.start, self.grad_output.end].map(|row| row as usize);
        stationary
            .slice(s![.., .., all - end..all - begin, ..])
            .to_owned()
    }
}

/// Rows of a weight gradient's images side by side.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    /// J
    each: u32,
    stride: u32,
    /// Row of the input, or of the padding above it, that lane 0 begins with.
    begin: i64,
    /// What padding counts as.
    zero_point: i32,
    /// Rows of what moves in the layer that this makes, and of what is stationary.
    height: u32,
    rows: u32,
}

impl Beside {
    /// The layer that `each` rows side by side make of this one; `None` where it would be none.
    pub(super) fn new(layer: &Layer, each: u32) -> Option<(Self, Layer)> {
        let (axis, batch) = (layer.rows(), layer.batch()?);
        if layer.pass() != Pass::GradWeight {
            return None;
        }
        let stride = u64::from(axis.stride) * u64::from(each);
        let rows = axis.out_size.div_ceil(each);
        let reach = i64::from(axis.kernel - 1) * i64::from(axis.dilation);
        let top = i64::from(axis.pad_before);
        let moved = i64::from(each - 1) * i64::from(axis.stride);
        let begin = (-moved).max(-top);
        let last = i64::try_from(u64::from(rows - 1) * stride).ok()? - top + reach;
        let end = (last + 1).min(i64::from(axis.in_size));
        let height = u32::try_from(end - begin)
            .ok()
            .filter(|&height| height > 0)?;
        let geometry = layer.to_file().layer;
        let PerItem([_, _, left, right]) = geometry.padding;
        let pair = |rows: u32, pair: Option<PerAxis>| {
            Some(PerItem([
                rows.into(),
                pair.map_or(0, |PerItem([_, cols])| cols),
            ]))
        };
        let mut file = layer.to_file();
        file.layer = Geometry {
            in_size: pair(height, geometry.in_size),
            out_size: pair(rows, geometry.out_size),
            stride: PerItem([i64::try_from(stride).ok()?, geometry.stride.0[1]]),
            padding: PerItem([top + begin, last + 1 - end, left, right]),
            batch: Some(i64::from(batch) * i64::from(each)),
            ..geometry
        };
        let beside = Beside {
            each,
            stride: axis.stride,
            begin,
            zero_point: layer.zero_point(),
            height,
            rows,
        };
        let laid = file.validate_on(LaneUse::Shared).ok()?;
        Some((beside, laid.on_bias_place(layer.bias_place())))
    }

    pub(super) fn each(&self) -> u32 {
        self.each
    }

    /// What moves in the layer: of each group image by image, and of each its rows side by side.
    pub(super) fn moving(&self, moving: &Array4<i32>) -> Array4<i32> {
        let (frames, channels, height, width) = moving.dim();
        let each = self.each as usize;
        let shape = (frames, channels * each, self.height as usize, width);
        let mut beside = Array4::from_elem(shape, self.zero_point);
        for lane in 0..each {
            let first = self.begin + (lane * self.stride as usize) as i64;
            for row in 0..self.height as usize {
                let Some(from) = usize::try_from(first + row as i64)
                    .ok()
                    .filter(|&h| h < height)
                else {
                    continue;
                };
                let to = s![.., lane..;each, row, ..];
                beside
                    .slice_mut(to)
                    .assign(&moving.slice(s![.., .., from, ..]));
            }
        }
        beside
    }

    /// What is stationary in it, turned as before.
    pub(super) fn stationary(&self, stationary: &Array4<i32>) -> Array4<i32> {
        let (channels, results, all, width) = stationary.dim();
        let (each, rows) = (self.each as usize, self.rows as usize);
        let mut beside = Array4::zeros((channels * each, results, rows, width));
        for row in 0..all {
            let to = s![row % each..;each, .., rows - 1 - row / each, ..];
            let from = stationary.slice(s![.., .., all - 1 - row, ..]);
            beside.slice_mut(to).assign(&from);
        }
        beside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 9 rows of grad_output of which each sees rows 2 p - 5 to 2 p - 1 of 8: the first two see padding alone.
    #[test]
    fn runs_are_of_the_rows_that_see_the_input_with_what_they_see() {
        let axis = Axis {
            in_size: 8,
            out_size: 9,
            kernel: 3,
            stride: 2,
            dilation: 2,
            pad_before: 5,
            pad_after: 9,
        };
        let runs = RowRun::all(&axis, 3);
        let rows: Vec<_> = runs.iter().map(|run| run.grad_output.clone()).collect();
        assert_eq!(rows, [1..4, 4..7]);
        let input: Vec<_> = runs.iter().map(|run| run.input.clone()).collect();
        assert_eq!(input, [0..6, 3..8]);
        assert_eq!(runs[0].padding, [3, 0]);
        assert_eq!(runs[1].padding, [0, 4]);
        // Above and below all of it.
        let outside = Axis {
            in_size: 1,
            out_size: 2,
            stride: 9,
            ..axis
        };
        assert_eq!(RowRun::all(&outside, 1), []);
    }
}

//! The terms of one pixel of grad_input, and the zeros that a convolution would multiply in their place.
//!
//! Along an axis, tap `r` meets at position `h` the place `m = h + pad - r * dilation` of the gradient dilated by the
//! stride: a value of grad_output, a zero that the dilation inserted, or a zero beyond its border. The terms of a pixel
//! are all pairs of a term of its row and one of its column.

use crate::layer::{Axis, Layer};
use crate::reference::Term;
use crate::schedule::{AxisTaps, Taps};

/// What a tap meets in the gradient dilated by the stride.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Met {
    /// The position `p` of grad_output.
    Value(u32),
    /// A zero between two positions of grad_output.
    Inserted,
    /// A zero before the first position or behind the last.
    Border,
}

/// An axis, ready to be asked for its positions.
#[derive(Clone, Debug)]
pub(super) struct AxisTerms {
    axis: Axis,
    taps: AxisTaps,
}

/// One position of grad_input along an axis.
#[derive(Clone, Debug)]
pub(super) struct Along {
    pub(super) axis: Axis,
    pub(super) position: u32,
    taps: Option<Taps>,
    tap_step: u64,
    out_step: u64,
}

impl AxisTerms {
    pub(super) fn new(axis: Axis) -> Self {
        let taps = AxisTaps::new(axis);
        Self { axis, taps }
    }

    pub(super) fn at(&self, position: u32) -> Along {
        Along {
            axis: self.axis,
            position,
            taps: self.taps.at(position.into()),
            tap_step: self.taps.tap_step,
            out_step: self.taps.out_step,
        }
    }

    /// The position with the most terms, of several the nearest to the middle.
    fn inner(&self) -> u32 {
        let middle = (self.axis.in_size - 1) / 2;
        let better = |&position: &u32| {
            let count = self.at(position).count();
            (count, std::cmp::Reverse(position.abs_diff(middle)))
        };
        // Of two that are equally near, the later one stands.
        (0..self.axis.in_size).max_by_key(better).unwrap_or(middle)
    }

    /// Over all positions: taps that meet a value, and those that meet a value or an inserted zero.
    pub(super) fn totals(&self) -> (u128, u128) {
        let mut totals = (0, 0);
        for position in 0..self.axis.in_size {
            let along = self.at(position);
            totals.0 += u128::from(along.count());
            totals.1 += u128::from(along.inside());
        }
        totals
    }
}

impl Along {
    /// Terms.
    pub(super) fn count(&self) -> u64 {
        self.taps.map_or(0, |taps| taps.count)
    }

    /// Each `p` with the tap that it meets, `p` rising.
    pub(super) fn pairs(&self) -> impl DoubleEndedIterator<Item = (u32, u32)> + '_ {
        let (tap_step, out_step) = (self.tap_step, self.out_step);
        self.taps.into_iter().flat_map(move |taps| {
            let pair = move |i: u64| {
                let out = taps.first_out - i * out_step;
                let tap = taps.first_tap + i * tap_step;
                // Both lie within sizes of the layer, which have 32 bits.
                (out as u32, tap as u32)
            };
            (0..taps.count).rev().map(pair)
        })
    }

    /// From one pair to the next `p` rises and the tap falls by so much.
    pub(super) fn steps(&self) -> (u64, u64) {
        (self.out_step, self.tap_step)
    }

    /// The place of the dilated gradient that the tap meets: negative before its first position.
    pub(super) fn place(&self, tap: u32) -> i64 {
        let axis = &self.axis;
        i64::from(self.position) + i64::from(axis.pad_before)
            - i64::from(tap) * i64::from(axis.dilation)
    }

    /// What the tap meets.
    pub(super) fn met(&self, tap: u32) -> Met {
        met(&self.axis, self.place(tap))
    }

    /// Taps that meet a value or an inserted zero.
    fn inside(&self) -> u64 {
        let dilation = i64::from(self.axis.dilation);
        let first = self.place(0);
        // The taps fall from `first`; those in range are 0 <= first - r * dilation <= last_place.
        let most = first
            .div_euclid(dilation)
            .min(i64::from(self.axis.kernel) - 1);
        let above = (first - last_place(&self.axis)).max(0);
        let least = (above + dilation - 1).div_euclid(dilation);
        (most - least + 1).max(0) as u64
    }
}

/// What is at this place of the gradient dilated by the stride.
pub(super) fn met(axis: &Axis, place: i64) -> Met {
    let stride = i64::from(axis.stride);
    match place {
        place if place < 0 || place > last_place(axis) => Met::Border,
        // Within grad_output, whose sizes have 32 bits.
        place if place % stride == 0 => Met::Value((place / stride) as u32),
        _ => Met::Inserted,
    }
}

/// The last place of the gradient dilated by the stride.
pub(super) fn last_place(axis: &Axis) -> i64 {
    (i64::from(axis.out_size) - 1) * i64::from(axis.stride)
}

/// The gradient of one pixel, for one pair of channels.
#[derive(Clone, Debug)]
pub struct PixelTerms {
    pub(super) row: Along,
    pub(super) col: Along,
}

impl PixelTerms {
    /// Of row `h` and column `w`, which must lie in grad_input.
    pub fn new(layer: &Layer, h: u32, w: u32) -> Self {
        Self {
            row: AxisTerms::new(layer.rows()).at(h),
            col: AxisTerms::new(layer.cols()).at(w),
        }
    }

    /// Of the pixel with the most terms, and of several the one nearest to the middle.
    pub fn inner(layer: &Layer) -> Self {
        let (rows, cols) = (AxisTerms::new(layer.rows()), AxisTerms::new(layer.cols()));
        Self {
            row: rows.at(rows.inner()),
            col: cols.at(cols.inner()),
        }
    }

    /// Its row and column.
    pub fn pixel(&self) -> (u32, u32) {
        (self.row.position, self.col.position)
    }

    /// How many terms there are.
    pub fn count(&self) -> u64 {
        self.row.count() * self.col.count()
    }

    /// The terms of the sum over the taps that exist, `p` rising, then `q`.
    pub fn terms(&self) -> impl Iterator<Item = Term> + '_ {
        self.row.pairs().flat_map(|(p, r)| {
            let cols = self.col.pairs();
            cols.map(move |(q, s)| Term { p, q, r, s })
        })
    }

    /// The taps of the rotated kernel that meet a zero of this kind, in its order.
    pub fn zeros(&self, kind: Met) -> impl Iterator<Item = (u32, u32)> + '_ {
        let (rows, cols) = (self.row.axis.kernel, self.col.axis.kernel);
        let taps = (0..rows)
            .rev()
            .flat_map(move |r| (0..cols).rev().map(move |s| (r, s)));
        taps.filter(move |&(r, s)| both(self.row.met(r), self.col.met(s)) == kind)
    }

    /// How many products of the convolution meet an inserted zero, and how many one of the border.
    pub fn zero_counts(&self) -> (u64, u64) {
        let all = u64::from(self.row.axis.kernel) * u64::from(self.col.axis.kernel);
        let inside = self.row.inside() * self.col.inside();
        (inside - self.count(), all - inside)
    }
}

/// What a pixel meets whose row and column meet these; a value is told by its `p`, which no zero asks for.
pub(super) fn both(row: Met, col: Met) -> Met {
    match (row, col) {
        (Met::Border, _) | (_, Met::Border) => Met::Border,
        (Met::Inserted, _) | (_, Met::Inserted) => Met::Inserted,
        (Met::Value(p), Met::Value(_)) => Met::Value(p),
    }
}

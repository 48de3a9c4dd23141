//! The gradient of one pixel as a formula.

use std::fmt;

use super::forward::input_pixel;
use crate::layer::{Axis, Layer};

/// One term of dL/dx_hw: dL/dY_pq * w_rs, printed as `Ypq*wrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// Row of the output.
    pub p: u32,
    /// Column of the output.
    pub q: u32,
    /// Row of the kernel.
    pub r: u32,
    /// Column of the kernel.
    pub s: u32,
}

impl fmt::Display for Term {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p, q, r, s } = self;
        write!(out, "Y{p}{q}*w{r}{s}")
    }
}

/// The terms of dL/dx_hw for one pair of channels, ordered by p, then q.
///
/// They are read off the forward equations by the chain rule: each time x_hw stands in the equation of Y_pq,
/// multiplied by w_rs, it contributes dL/dY_pq * w_rs. The forms of the gradient are not used.
pub fn terms(layer: &Layer, h: u32, w: u32) -> Vec<Term> {
    let cols = uses(&layer.cols(), w);
    uses(&layer.rows(), h)
        .into_iter()
        .flat_map(|(p, r)| cols.iter().map(move |&(q, s)| Term { p, q, r, s }))
        .collect()
}

/// On one axis, the outputs whose equations hold the pixel, each with the tap that multiplies it there.
fn uses(axis: &Axis, pixel: u32) -> Vec<(u32, u32)> {
    (0..axis.out_size)
        .flat_map(|out| (0..axis.kernel).map(move |tap| (out, tap)))
        .filter(|&(out, tap)| input_pixel(axis, out as usize, tap) == Some(pixel as usize))
        .collect()
}

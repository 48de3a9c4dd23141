//! Shifts a product right and rounds it.

use super::settings::{Requantise, Rounding};
use crate::rtl::Module;

const DOC: &str = "\
One lane: a product divided by a power of two and rounded.

Promise: `rounded` follows by one cycle; it is the integer that the rounding says, with a bit to
spare, so that rounding up never overflows.";

/// Bits of the rounded value of a product of `product_bits` bits.
pub(super) fn rounded_bits(product_bits: usize, requantise: &Requantise) -> usize {
    wide(product_bits, requantise) - requantise.shift
}

/// Bits of the product with what was added to it, the sign beyond the fraction.
fn wide(product_bits: usize, requantise: &Requantise) -> usize {
    product_bits.max(requantise.shift + 1) + usize::from(requantise.adds())
}

/// Builds the lane; only where rounding takes an adder.
pub(super) fn round(name: &str, product_bits: usize, requantise: &Requantise) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let shift = requantise.shift;
    let wide = wide(product_bits, requantise);
    let bits = wide - shift;
    let product = m.input("product", product_bits, "signed");
    let draw = requantise
        .draws()
        .then(|| m.input("draw", shift, "uniform, as wide as the fraction"));
    let rounded = m.output("rounded", bits, "signed");
    let addend = m.net("addend", shift, "below one, in units of the fraction");
    let sum = m.net("sum", wide, "");
    let quotient = m.data_reg("quotient", bits, "");
    m.comb(|b| {
        match (&requantise.rounding, &draw) {
            (Rounding::Stochastic, Some(draw)) => b.set(&addend, draw),
            _ => {
                b.comment("Half, or a little less where the integer below is even.");
                let odd = product.bit(shift.min(product_bits - 1));
                if shift > 1 {
                    let even = !&odd;
                    b.set_slice(&addend, 0, &even.sext(shift - 1));
                }
                b.set_slice(&addend, shift - 1, &odd);
            }
        }
        b.set(&sum, &(product.sext(wide) + addend.zext(wide)));
        b.set(&quotient.d, &sum.slice(shift, bits));
    });
    m.unused("fraction", &sum.slice(0, shift));
    m.assign(&rounded, &quotient.q);
    m
}

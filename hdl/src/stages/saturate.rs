//! Cuts a value to the width of the output.

use crate::rtl::{Expr, Module};

const DOC: &str = "\
One lane: a value cut to a narrower type, the type's nearest value where it does not fit.

Promise: `out` and `saturated` follow by two cycles; `saturated` is high where the value did not
fit.";

/// Builds the lane.
pub(super) fn saturate(name: &str, value_bits: usize, out_bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let value = m.input("value", value_bits, "signed");
    let out = m.output("out", out_bits, "signed");
    let saturated = m.output("saturated", 1, "");
    // A value fits where all bits from the narrow type's sign on are alike.
    let wide = value_bits.max(out_bits);
    let (sign_bit, signs) = (out_bits - 1, wide - out_bits + 1);
    let some_set = m.data_reg("some_set", 1, "of the bits from the output's sign on");
    let some_clear = m.data_reg("some_clear", 1, "");
    let negative = m.data_reg("negative", 1, "");
    let low = m.data_reg("low", out_bits, "");
    let misfit = m.data_reg("misfit", 1, "");
    let narrow = m.data_reg("narrow", out_bits, "");
    let extended = m.net("extended", wide, "");
    let inverse = m.net("inverse", signs, "");
    m.comb(|b| {
        b.set(&extended, &value.sext(wide));
        let high = extended.slice(sign_bit, signs);
        b.set(&inverse, &!&high);
        b.set(&some_set.d, &any(&high));
        b.set(&some_clear.d, &any(&inverse));
        b.set(&negative.d, &value.msb());
        b.set(&low.d, &extended.slice(0, out_bits));
        b.set(&misfit.d, &(&some_set.q & &some_clear.q));
        b.set(&narrow.d, &low.q);
        b.when(&(&some_set.q & &some_clear.q), |b| {
            b.set_slice(&narrow.d, 0, &(!&negative.q).sext(sign_bit));
            b.set_slice(&narrow.d, sign_bit, &negative.q);
        });
    });
    m.assign(&out, &narrow.q);
    m.assign(&saturated, &misfit.q);
    m
}

fn any(bits: &Expr) -> Expr {
    match bits.width() {
        1 => bits.clone(),
        _ => bits.any(),
    }
}

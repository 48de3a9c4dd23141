//! Adds the result's zero point and keeps values between the bounds of the layer.

use crate::rtl::{lit, Expr, Module};

/// Cycles of the lane: the sum, its comparisons, the choice.
pub(super) const CLAMP_CYCLES: usize = 3;

const DOC: &str = "\
One lane: a rounded value plus the zero point; `least` where that is below it, `greatest` where it
is above. A value that comes in cut was beyond all of these on its side.

Promise: `clamped` and `saturated` follow by three cycles; `saturated` is high where the value came in
cut, or where its sum with the zero point does not fit the type of what leaves.";

/// Builds the lane, for values of one bit more than the `out_bits` that leave.
pub(super) fn clamp(name: &str, out_bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let value = m.input("value", out_bits + 1, "signed");
    let cut = m.input("cut", 1, "the value was saturated on its way here");
    let zero_point = m.input("zero_point", out_bits, "signed");
    let least = m.input("least", out_bits, "signed");
    let greatest = m.input("greatest", out_bits, "signed");
    let clamped = m.output("clamped", out_bits, "signed");
    let saturated = m.output("saturated", 1, "");
    let wide = out_bits + 2;
    let sum = m.data_reg("sum", wide, "");
    let was_cut = m.data_reg("was_cut", 1, "");
    let below = m.data_reg("below", 1, "");
    let above = m.data_reg("above", 1, "");
    let misfit = m.data_reg("misfit", 1, "");
    let late = m.data_reg("late", out_bits, "the sum, where it fits");
    let chosen = m.data_reg("chosen", out_bits, "");
    let counted = m.data_reg("counted", 1, "");
    let signs = m.net("signs", 3, "all alike where the sum fits");
    // With the sign inverted, signed numbers are in the order of unsigned ones.
    let ordered = |value: &Expr| value.sext(wide) ^ lit(1 << (wide - 1), wide);
    let [sum_order, least_order, greatest_order] =
        ["sum_order", "least_order", "greatest_order"].map(|name| m.net(name, wide, ""));
    m.comb(|b| {
        b.set(&sum.d, &(value.sext(wide) + zero_point.sext(wide)));
        b.set(&was_cut.d, &cut);
        b.comment("Signed numbers whose sign is inverted compare as unsigned ones.");
        b.set(&sum_order, &ordered(&sum.q));
        b.set(&least_order, &ordered(&least));
        b.set(&greatest_order, &ordered(&greatest));
        b.set(&below.d, &!sum_order.ge(&least_order));
        b.set(&above.d, &!greatest_order.ge(&sum_order));
        b.set(&signs, &sum.q.slice(out_bits - 1, 3));
        let unlike = signs.any() & !signs.eq(&lit(7, 3));
        b.set(&misfit.d, &(&was_cut.q | unlike));
        b.set(&late.d, &sum.q.slice(0, out_bits));
        b.set(&chosen.d, &late.q);
        b.when(&below.q, |b| b.set(&chosen.d, &least));
        b.when(&above.q, |b| b.set(&chosen.d, &greatest));
        b.set(&counted.d, &misfit.q);
    });
    m.assign(&clamped, &chosen.q);
    m.assign(&saturated, &counted.q);
    m
}

//! Adds a value from outside to a result.

use crate::primitives::gated_add::gated_add;
use crate::primitives::target::Target;
use crate::rtl::Module;

const DOC: &str = "\
One lane: the sum of a result and a value from outside, both signed.

Promise: `sum` follows by one cycle and is exact: it is wider than either operand.";

/// Builds the lane. Where the value may be left out, its input `none` says so: it counts as zero.
pub(super) fn accumulate_in(
    name: &str,
    result_bits: usize,
    value_bits: usize,
    varies: bool,
    target: Target,
) -> Module {
    let mut m = Module::new(name, DOC);
    let wide = result_bits.max(value_bits) + 1;
    m.input("aclk", 1, "");
    let result = m.input("result", result_bits, "signed");
    let value = m.input("value", value_bits, "signed");
    let none = varies.then(|| m.input("none", 1, "the value counts as zero"));
    let sum = m.output("sum", wide, "signed");
    let total = m.data_reg("total", wide, "");
    let (result, value) = (result.sext(wide), value.sext(wide));
    match none {
        None => m.comb(|b| b.set(&total.d, &(result + value))),
        Some(none) => {
            let adder = format!("{name}_adder");
            let names = (adder.as_str(), "chosen");
            let chosen = gated_add(&mut m, names, &none, &value, &result, target);
            m.comb(|b| b.set(&total.d, &chosen));
        }
    }
    m.assign(&sum, &total.q);
    m
}

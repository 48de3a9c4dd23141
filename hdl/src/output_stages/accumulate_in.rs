//! Adds a value from outside to a result.

use crate::rtl::Module;

const DOC: &str = "\
One lane: the sum of a result and a value from outside, both signed.

Promise: `sum` follows by one cycle and is exact: it is wider than either operand.";

/// Builds the lane.
pub(super) fn accumulate_in(name: &str, result_bits: usize, value_bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    let wide = result_bits.max(value_bits) + 1;
    m.input("aclk", 1, "");
    let result = m.input("result", result_bits, "signed");
    let value = m.input("value", value_bits, "signed");
    let sum = m.output("sum", wide, "signed");
    let total = m.data_reg("total", wide, "");
    m.comb(|b| b.set(&total.d, &(result.sext(wide) + value.sext(wide))));
    m.assign(&sum, &total.q);
    m
}

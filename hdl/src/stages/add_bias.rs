//! Adds a channel's bias to a result.

use crate::rtl::Module;

const DOC: &str = "\
One lane: the sum of a value and the bias of its channel, both signed.

Promise: `biased` follows by one cycle; it is exact where it fits, for which the engine's widths see.";

/// Builds the lane, for a sum of `sum_bits` bits.
pub(super) fn add_bias(name: &str, value_bits: usize, bias_bits: usize, sum_bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let value = m.input("value", value_bits, "signed");
    let bias = m.input("bias", bias_bits, "signed");
    let biased = m.output("biased", sum_bits, "signed");
    let total = m.data_reg("total", sum_bits, "");
    m.comb(|b| b.set(&total.d, &(value.sext(sum_bits) + bias.sext(sum_bits))));
    m.assign(&biased, &total.q);
    m
}

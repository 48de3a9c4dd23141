//! The accumulator, for each family.

use crate::primitives::gated_add::gated_add;
use crate::primitives::target::Target;
use crate::rtl::Module;

const DOC: &str = "\
Accumulator: `acc` becomes `term` where `first` is high, else `acc + term`, one cycle later.";

/// Builds the accumulator.
pub fn accumulator(name: &str, bits: usize, target: Target) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let first = m.input("first", 1, "");
    let term = m.input("term", bits, "");
    let acc = m.output("acc", bits, "");
    let total = m.data_reg("acc", bits, "");
    let adder = format!("{name}_adder");
    let sum = gated_add(&mut m, (&adder, "sum"), &first, &total.q, &term, target);
    m.comb(|b| b.set(&total.d, &sum));
    m.assign(&acc, &total.q);
    m
}

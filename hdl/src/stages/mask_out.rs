//! Keeps a value or makes it zero.

use crate::rtl::{lit, Module};

const DOC: &str = "\
One lane: a value is kept or becomes zero.

Promise: `masked` follows by one cycle: the value where `keep` was high, else zero.";

/// Builds the lane.
pub(super) fn mask_out(name: &str, bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let value = m.input("value", bits, "signed");
    let keep = m.input("keep", 1, "");
    let masked = m.output("masked", bits, "signed");
    let kept = m.data_reg("kept", bits, "");
    m.comb(|b| {
        b.set(&kept.d, &value);
        b.when(&!&keep, |b| b.set(&kept.d, &lit(0, bits)));
    });
    m.assign(&masked, &kept.q);
    m
}

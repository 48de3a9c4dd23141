//! Shifts a product left, by as much as the layer's shift is less than the engine's.

use super::settings::{align_levels, ALIGN_LEVELS_A_CYCLE};
use crate::rtl::{lit, Module};

const DOC: &str = "\
One lane: a product shifted left, so that the fraction of every layer begins at the same bit.

Promise: `aligned` is the product times two to the power of `amount`, exact, and follows by a fixed
number of cycles; `amount` is steady and at most as large as the greatest shift.";

/// Builds the lane, for amounts up to `most`.
pub(super) fn align(name: &str, product_bits: usize, most: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let levels = align_levels(most);
    let product = m.input("product", product_bits, "signed");
    let amount = m.input("amount", levels, "");
    let aligned = m.output("aligned", product_bits + most, "signed");
    let mut value = product;
    for level in 0..levels {
        let step = 1 << level;
        let bits = (value.width() + step).min(product_bits + most);
        let shifted = m.net(&format!("shifted{level}"), bits, "");
        m.comb(|b| {
            b.set(&shifted, &value.sext(bits));
            b.when(&amount.bit(level), |b| {
                b.set_slice(&shifted, 0, &lit(0, step));
                b.set_slice(
                    &shifted,
                    step,
                    &value.slice(0, value.width().min(bits - step)),
                );
            });
        });
        value = shifted;
        let is_last = level + 1 == levels;
        if (level + 1) % ALIGN_LEVELS_A_CYCLE == 0 || is_last {
            let late = m.data_reg(&format!("late{level}"), bits, "");
            m.comb(|b| b.set(&late.d, &value));
            value = late.q;
        }
    }
    m.assign(&aligned, &value.sext(product_bits + most));
    m
}

//! Multiplies a wide value by its scale.

use super::settings::{chunk_bits, chunks};
use crate::primitives::multiplier::multiplier;
use crate::primitives::target::Target;
use crate::rtl::{Expr, Module};

const DOC: &str = "\
One lane: a value times its scale, both signed. The value is cut to the width of the multipliers,
the lowest piece first: its product's low bits are the result's, the rest of it is added to the
next product.

Promise: `product` is exact and follows its operands by three cycles, and by one more for each
piece beyond the first.";

/// Builds the lane. `multiplier_name` names the multiplier of a piece and a scale of so many bits.
pub(super) fn multiply(
    name: &str,
    multiplier_name: &dyn Fn(usize, usize) -> String,
    value_bits: usize,
    scale_bits: usize,
    target: Target,
) -> Module {
    let mut m = Module::new(name, DOC);
    m.input("aclk", 1, "");
    let value = m.input("value", value_bits, "signed");
    let scale = m.input("scale", scale_bits, "signed");
    let product = m.output("product", value_bits + scale_bits, "signed");
    let chunk = chunk_bits(target);
    let pieces = chunks(value_bits, target);
    let products: Vec<Expr> = (0..pieces)
        .map(|index| {
            let low = index * chunk;
            // All pieces but the highest are unsigned: a zero goes above them.
            let operand = if index + 1 < pieces {
                value.slice(low, chunk).zext(chunk + 1)
            } else {
                value.slice(low, value_bits - low)
            };
            let bits = operand.width();
            let part = m.net(&format!("part{index}"), bits + scale_bits, "");
            m.instance(
                &format!("u_multiplier{index}"),
                multiplier(&multiplier_name(bits, scale_bits), bits, scale_bits, target),
                vec![
                    ("grad", operand),
                    ("weight", scale.clone()),
                    ("product", part.clone()),
                ],
            );
            part
        })
        .collect();
    let mut high = products[0].clone();
    let mut low: Vec<Expr> = Vec::new();
    for (index, part) in products.iter().enumerate().skip(1) {
        // The part waits for the sums of those below it.
        let mut waiting = part.clone();
        for cycle in 1..index {
            let late = m.data_reg(&format!("part{index}_late{cycle}"), part.width(), "");
            m.comb(|b| b.set(&late.d, &waiting));
            waiting = late.q;
        }
        low.push(high.slice(0, chunk));
        low = low
            .iter()
            .enumerate()
            .map(|(piece, bits)| {
                let kept = m.data_reg(&format!("low{piece}_at{index}"), chunk, "");
                m.comb(|b| b.set(&kept.d, bits));
                kept.q
            })
            .collect();
        let wide = part.width();
        let sum = m.data_reg(&format!("sum{index}"), wide, "");
        let carried = high.slice(chunk, high.width() - chunk).sext(wide);
        m.comb(|b| b.set(&sum.d, &(waiting + carried)));
        high = sum.q;
    }
    let whole = m.net("whole", value_bits + scale_bits, "");
    m.comb(|b| {
        for (piece, bits) in low.iter().enumerate() {
            b.set_slice(&whole, piece * chunk, bits);
        }
        b.set_slice(&whole, low.len() * chunk, &high);
    });
    m.assign(&product, &whole);
    m
}

//! Words turned by some lanes, in registers.

use crate::primitives::delay::delayed;
use crate::rtl::{bits_for, lit, Expr, Module};

/// Choices between two words that one register stands behind.
const CHOICES: usize = 2;

/// Cycles that a word of so many lanes is turned in.
pub(super) fn turn_cycles(lanes: usize) -> usize {
    bits_for(lanes as u64 - 1).div_ceil(CHOICES)
}

/// `values` turned down by `by` lanes: lane i has what lane (i + by) mod lanes had. `name` begins the names of its nets.
/// `by` comes with the values; where it is `None`, they are not turned, and are in the registers all the same. Lanes that
/// `kept` has not, a bit a lane in the last cycle, become zero.
pub(super) fn turned(
    m: &mut Module,
    name: &str,
    values: &Expr,
    by: Option<&Expr>,
    kept: Option<&Expr>,
    lanes: usize,
) -> Expr {
    let bits = values.width() / lanes;
    let steps = bits_for(lanes as u64 - 1);
    let (mut values, mut by) = (values.clone(), by.cloned());
    for first in (0..steps).step_by(CHOICES) {
        for step in first..steps.min(first + CHOICES) {
            let Some(by) = &by else {
                continue;
            };
            let turned = m.net(&format!("{name}_by{}", 1 << step), values.width(), "");
            m.comb(|b| {
                b.set(&turned, &values);
                b.when(&by.bit(step - first), |b| {
                    for lane in 0..lanes {
                        let from = (lane + (1 << step)) % lanes;
                        b.set_slice(&turned, lane * bits, &values.slice(from * bits, bits));
                    }
                });
            });
            values = turned;
        }
        let stage = first / CHOICES;
        let held = m.data_reg(&format!("{name}{stage}"), values.width(), "");
        let kept = kept.filter(|_| first + CHOICES >= steps);
        m.comb(|b| {
            b.set(&held.d, &values);
            let Some(kept) = kept else {
                return;
            };
            for lane in 0..lanes {
                let nothing = lit(0, bits);
                b.when(&!&kept.bit(lane), |b| {
                    b.set_slice(&held.d, lane * bits, &nothing)
                });
            }
        });
        values = held.q;
        if first + CHOICES < steps {
            let (done, all) = (CHOICES, steps - first);
            by = by.map(|by| {
                late(
                    m,
                    &format!("{name}{stage}_by"),
                    &by.slice(done, all - done),
                    1,
                )
            });
        }
    }
    values
}

/// `value` so many cycles later.
pub fn late(m: &mut Module, name: &str, value: &Expr, cycles: usize) -> Expr {
    if value.width() == 1 && cycles > 0 {
        return delayed(m, name, value, cycles, false);
    }
    (0..cycles).fold(value.clone(), |value, cycle| {
        let held = m.data_reg(&format!("{name}_late{cycle}"), value.width(), "");
        m.comb(|b| b.set(&held.d, &value));
        held.q
    })
}

//! Counters that software reads.

use crate::rtl::{lit, Expr, Module};

const DOC: &str = "\
Counters: each counts the cycles in which its event is high. They wrap; `clear` sets all to zero.";

/// A counter and what it counts.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Its name.
    pub name: String,
    /// Bits.
    pub bits: usize,
    /// What it counts.
    pub what: String,
}

/// Builds the counters: for each an input `NAME_event` and an output `NAME`.
pub fn counters(name: &str, counted: &[Counted]) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let clear = m.input("clear", 1, "");
    for Counted { name, bits, what } in counted {
        let event = m.input(&format!("{name}_event"), 1, what);
        let count = m.output(name, *bits, "");
        // The event is registered: it may come from far away.
        let seen = m.reg(&format!("{name}_seen"), 1, 0, "");
        let reg = m.reg(name, *bits, 0, "");
        m.comb(|b| {
            b.set(&seen.d, &event);
            b.set(&reg.d, &(&reg.q + seen.q.zext(*bits)));
            b.when(&clear, |b| b.set(&reg.d, &lit(0, *bits)));
        });
        m.assign(&count, &reg.q);
    }
    m
}

/// The pins of a stream whose beat waits.
pub fn waits(valid: &Expr, ready: &Expr) -> Expr {
    valid & !ready
}

//! A counter that knows one step ahead when it is at its last value.

use crate::rtl::{lit, Body, Expr, Module, Reg};

/// Counts from zero to `last` and begins again. `at_last` is a register, so that what hangs on it
/// does not wait for a comparison.
pub struct Counter {
    /// Present count.
    pub now: Reg,
    at_last: Reg,
    last: Expr,
    /// The next count, where `last` is no constant: taking one off that would cost an adder.
    next: Option<Expr>,
}

impl Counter {
    /// A counter up to and including the value of `last`, a configuration input.
    pub fn new(m: &mut Module, name: &str, last: &Expr, comment: &str) -> Self {
        Counter {
            now: m.reg(name, last.width(), 0, comment),
            at_last: m.reg_from(&format!("{name}_at_last"), last.is_zero(), ""),
            last: last.clone(),
            next: None,
        }
    }

    /// The same where `last` is told at run time.
    pub fn told(m: &mut Module, name: &str, last: &Expr, comment: &str) -> Self {
        let counter = Self::new(m, name, last, comment);
        let next = m.net(&format!("{name}_next"), last.width(), "");
        m.assign(&next, &counter.now.q.plus(1));
        Counter {
            next: Some(next),
            ..counter
        }
    }

    /// High while the count is `last`.
    pub fn at_last(&self) -> Expr {
        self.at_last.q.clone()
    }

    /// One on where `step`.
    pub fn step(&self, b: &mut Body, step: &Expr) {
        self.count(b, step);
        self.restart(b, &(step & &self.at_last.q));
    }

    /// One on where `step`; the last value is left by [`Counter::restart`] alone.
    pub fn count(&self, b: &mut Body, step: &Expr) {
        b.when(step, |b| {
            let (next, at_last) = match &self.next {
                Some(next) => (next.clone(), next.eq(&self.last)),
                None => (self.now.q.plus(1), self.now.q.eq(&self.last.minus(1))),
            };
            b.set(&self.now.d, &next);
            b.set(&self.at_last.d, &at_last);
        });
    }

    /// Back to zero where `test`. It stands last, by itself: it is a register's synchronous reset
    /// then and costs no multiplexer.
    pub fn restart(&self, b: &mut Body, test: &Expr) {
        b.when(test, |b| {
            b.set(&self.now.d, &lit(0, self.now.q.width()));
            b.set(&self.at_last.d, &self.last.is_zero());
        });
    }
}

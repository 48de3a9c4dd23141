//! Counters that know one step ahead when they are at their last value.

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
    /// `last` is all ones.
    wraps: bool,
    /// At the last value but one.
    nearly: Option<Reg>,
}

impl Counter {
    /// A counter up to and including the value of `last`, a configuration input.
    pub fn new(m: &mut Module, name: &str, last: &Expr, comment: &str) -> Self {
        Counter {
            now: m.reg(name, last.width(), 0, comment),
            at_last: m.reg_from(&format!("{name}_at_last"), last.is_zero(), ""),
            last: last.clone(),
            next: None,
            wraps: false,
            nearly: None,
        }
    }

    /// A counter of two values or more that is stepped a cycle late, and knows with [`Counter::at_last_behind`] what it will
    /// be. `wraps`: `last` is all ones, so that it begins again by itself.
    pub fn late(m: &mut Module, name: &str, last: &Expr, comment: &str, wraps: bool) -> Self {
        let one = last.eq(&lit(1, last.width()));
        Counter {
            wraps,
            nearly: Some(m.reg_from(&format!("{name}_nearly"), one, "at the last but one")),
            ..Self::new(m, name, last, comment)
        }
    }

    /// Whether the count is `last` behind the step that is due, if one is.
    pub fn at_last_behind(&self, b: &mut Body, target: &Expr, step: &Expr) {
        match &self.nearly {
            Some(nearly) => b.select(target, step, &nearly.q, &self.at_last.q),
            None => b.set(target, &self.at_last.q),
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
        if !self.wraps {
            // The sum tells of the first value, too, whether it is the last: the flag waits for no reset.
            b.when(&(step & &self.at_last.q), |b| self.back(b));
        }
    }

    /// One on where `step`; the last value is left by [`Counter::restart`] alone.
    pub fn count(&self, b: &mut Body, step: &Expr) {
        b.when(step, |b| {
            let (next, at_last) = match &self.next {
                Some(next) => (next.clone(), next.eq(&self.last)),
                None => (self.now.q.plus(1), self.now.q.eq(&self.last.minus(1))),
            };
            b.set(&self.now.d, &next);
            b.set(&self.at_last.d, &(at_last | self.last.is_zero()));
            if let Some(nearly) = &self.nearly {
                // Of two values, the last is ahead of the last but one.
                let behind = match self.last.width() {
                    1 => self.last.clone(),
                    _ => self.last.minus(2),
                };
                b.set(&nearly.d, &self.now.q.eq(&behind));
            }
        });
    }

    /// Back to zero where `test`. It stands last, by itself: it is a register's synchronous reset
    /// then and costs no multiplexer.
    pub fn restart(&self, b: &mut Body, test: &Expr) {
        b.when(test, |b| {
            self.back(b);
            b.set(&self.at_last.d, &self.last.is_zero());
        });
    }

    fn back(&self, b: &mut Body) {
        b.set(&self.now.d, &lit(0, self.now.q.width()));
    }
}

/// Counts from `last` to zero and begins again. It has no value of its own to go back to, but adds either one less or all of
/// them, so that the step waits for nothing but the sum.
pub struct Countdown {
    left: Reg,
    at_last: Reg,
    last: Expr,
}

impl Countdown {
    /// As many steps after the first as `last`, a configuration input.
    pub fn new(m: &mut Module, name: &str, last: &Expr, comment: &str) -> Self {
        Countdown {
            left: m.reg_from(name, last.clone(), comment),
            at_last: m.reg_from(&format!("{name}_at_last"), last.is_zero(), "there are none"),
            last: last.clone(),
        }
    }

    /// High while there are none left.
    pub fn at_last(&self) -> Expr {
        self.at_last.q.clone()
    }

    /// One on where `step`.
    pub fn step(&self, b: &mut Body, step: &Expr) {
        let (left, width) = (&self.left.q, self.left.q.width());
        b.when(step, |b| {
            let change = &self.last | (!&self.at_last.q).sext(width);
            b.set(&self.left.d, &(left + &change));
            let last_is_next = left.eq(&lit(1, width)) | self.last.is_zero();
            b.set(&self.at_last.d, &last_is_next);
        });
    }

    /// All of them again where `test`.
    pub fn restart(&self, b: &mut Body, test: &Expr) {
        b.when(test, |b| {
            b.set(&self.left.d, &self.last);
            b.set(&self.at_last.d, &self.last.is_zero());
        });
    }
}

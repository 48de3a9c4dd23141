//! A count that goes up and down by one and knows one step ahead whether it is zero.

use crate::rtl::{lit, ones, Body, Expr, Module, Reg};

/// How many of something there are.
pub struct CreditCounter {
    count: Reg,
    some: Reg,
    two: Expr,
    step: Expr,
}

impl CreditCounter {
    /// None from reset on. The names are those of the registers.
    pub fn none(m: &mut Module, names: [&str; 2], width: usize, comment: &str) -> Self {
        Self::new(m, names, &lit(0, width), 0, comment)
    }

    /// From reset on `all`, a configuration input that is not zero.
    pub fn full(m: &mut Module, names: [&str; 2], all: &Expr, comment: &str) -> Self {
        Self::new(m, names, all, 1, comment)
    }

    fn new(
        m: &mut Module,
        [count, some]: [&str; 2],
        first: &Expr,
        some_first: u64,
        comment: &str,
    ) -> Self {
        CreditCounter {
            count: m.reg_from(count, first.clone(), comment),
            some: m.reg(some, 1, some_first, "the count is not zero"),
            two: m.net(&format!("{count}_two"), 1, "there are two at least"),
            step: m.net(&format!("{count}_step"), first.width(), "one up or down"),
        }
    }

    /// High while there are some: a register.
    pub fn some(&self) -> Expr {
        self.some.q.clone()
    }

    /// Whether there are some from the next cycle on; to be read after [`CreditCounter::step`].
    pub fn some_next(&self) -> Expr {
        self.some.d.clone()
    }

    /// One more where `up`, one less where `down`; the latter only while there are some.
    pub fn step(&self, b: &mut Body, up: &Expr, down: &Expr) {
        let (count, width) = (&self.count.q, self.count.q.width());
        b.set(&self.two, &count.at_least(2));
        b.set(&self.step, &lit(1, width));
        b.when(down, |b| b.set(&self.step, &ones(width)));
        b.when(&up.ne(down), |b| {
            b.set(&self.count.d, &(count + &self.step));
            b.set(&self.some.d, &(up | &self.two));
        });
    }
}

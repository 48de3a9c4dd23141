//! The free places in the output FIFO.

use crate::rtl::{lit, Body, Expr, Module, Reg};

/// Counts the places and knows one step ahead whether there is one.
pub(super) struct Places {
    count: Reg,
    /// At least one and at least two: registers, so that a start in this cycle decides between
    /// them and nothing waits for the count.
    one: Reg,
    two: Reg,
    three: Expr,
}

impl Places {
    /// `all` is the configuration input that tells how many there are: at least two.
    pub fn new(m: &mut Module, all: &Expr) -> Self {
        Places {
            count: m.reg_from("places", all.clone(), "free places in the output FIFO"),
            one: m.reg("place_free", 1, 1, "one at least"),
            two: m.reg("two_free", 1, 1, "two at least"),
            three: m.net("three_free", 1, "three at least"),
        }
    }

    /// High while a place is free.
    pub fn some(&self) -> Expr {
        self.one.q.clone()
    }

    /// `start` takes a place, `taken` (of a result by the stream) gives one back.
    pub fn step(&self, b: &mut Body, start: &Expr, taken: &Expr) {
        let (count, width) = (&self.count.q, self.count.q.width());
        b.set(&self.count.d, &(count + taken.zext(width) - start.zext(width)));
        b.set(&self.three, &count.ge(&lit(3, width)));
        b.when_else(
            start,
            |b| {
                b.set(&self.one.d, &(taken | &self.two.q));
                b.select(&self.two.d, taken, &self.two.q, &self.three);
            },
            |b| {
                b.set(&self.one.d, &(taken | &self.one.q));
                b.select(&self.two.d, taken, &self.one.q, &self.two.q);
            },
        );
    }
}

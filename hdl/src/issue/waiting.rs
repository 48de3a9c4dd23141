//! The issue that waits, between the loops and the addresses.

use super::addresses::Form;
use super::flow::Flow;
use super::loops::Level;
use super::pixel::{Held, Pixel};
use super::turned::Turned;
use crate::config::capacity::Capacity;
use crate::rtl::{lit, Body, Expr, Module, Reg};
use crate::walk::TokenWidths;

/// The issue that waits, and how its addresses come from those of the one before.
pub(super) struct Waiting {
    pub pixel: Pixel,
    pub last: Reg,
    pub done: Reg,
    pub fresh: Reg,
    pub grad: Reg,
    /// Where sums less the line buffer are needed.
    pub wrapped: Option<Reg>,
    /// `None` where a block of K is a weight's whole address.
    pub weight: Option<Reg>,
    /// With lanes over pixels: places further in the table of taps.
    pub tap: Option<Reg>,
    pub starts: Starts,
    /// The block of K that the loops are at, and that of the issue, where it is low bits of its own.
    k_block: Option<(Expr, Reg)>,
}

impl Waiting {
    /// `k` is the loop over blocks of K.
    pub fn new(m: &mut Module, form: &Form, t: &TokenWidths, k: Option<&Level>) -> Self {
        let pixel = Pixel::new(m, "next", t);
        let last = m.reg("next_last", 1, 0, "it is an accumulation's last");
        let done = m.reg("next_done", 1, 0, "and its pixel's");
        let fresh = m.data_reg("next_fresh", 1, "its address is a start, not a step");
        let grad = m.data_reg("next_grad", form.grad_bits(), "words to it");
        let comment = "less a whole line buffer";
        let wrapped = (form.ring.is_odd() && form.told)
            .then(|| m.data_reg("next_wrapped", form.ring.width + 1, comment));
        let weight = form
            .upper()
            .map(|upper| m.data_reg("next_weight", upper, ""));
        let tap = form.tap.map(|bits| m.data_reg("next_tap", bits, ""));
        let starts = Starts::new(m, form, wrapped.as_ref().map(|_| &fresh.q));
        // From the last block to the first: their order does not matter.
        let k_block = k
            .filter(|_| form.low > 0)
            .map(|k| (k.left(), m.data_reg("next_k_block", form.low, "")));
        Waiting {
            pixel,
            last,
            done,
            fresh,
            grad,
            wrapped,
            weight,
            tap,
            starts,
            k_block,
        }
    }

    /// Its block of K, where it is low bits of its own.
    pub fn k_block(&self) -> Option<&Expr> {
        self.k_block.as_ref().map(|(_, next)| &next.q)
    }

    /// The loops' issue takes its place.
    pub fn take(
        &self,
        m: &mut Module,
        (capacity, form): (&Capacity, &Form),
        flow: &Flow,
        held: &Held,
        turned: &Turned,
    ) {
        let active = &flow.active.q;
        m.comb(|b| {
            b.comment(
                "The issue that goes next and how its addresses come from those of the one before.",
            );
            b.when(&flow.advance, |b| {
                b.set(&flow.next_valid.d, active);
                b.set(&flow.next_first.d, &(active & &held.acc_start.q));
                b.set(&self.last.d, &(active & &flow.ends.acc));
                b.set(&self.done.d, &(active & &flow.ends.pixel));
                b.set(&self.fresh.d, &held.at_first.q);
                self.pixel.copy(b, &held.pixel);
                if let Some((index, next)) = &self.k_block {
                    b.set(&next.d, index);
                }
                self.take_step(b, turned);
                self.starts.take(b, (capacity, form), held);
                b.comment("A step is zero where the sum begins anew, a start elsewhere.");
                b.when_else(
                    &held.at_first.q,
                    |b| self.no_step(b),
                    |b| self.starts.none(b),
                );
            });
        });
    }

    /// The step of the loop that turned.
    fn take_step(&self, b: &mut Body, turned: &Turned) {
        match turned {
            Turned::Table(table) => {
                b.set(&self.grad.d, &table.grad);
                if let Some(next) = &self.weight {
                    b.set(&next.d, &table.weight);
                }
                if let (Some(next), Some(step)) = (&self.tap, &table.tap) {
                    b.set(&next.d, step);
                }
                if let (Some(next), Some(step)) = (&self.wrapped, &table.wrapped) {
                    b.set(&next.d, step);
                }
            }
            Turned::Ports { .. } => turned.take(b, &|b, step| {
                b.set(&self.grad.d, &step.grad);
                if let (Some(next), Some(step)) = (&self.weight, &step.weight) {
                    b.set(&next.d, step);
                }
                if let (Some(next), Some(step)) = (&self.tap, &step.tap) {
                    b.set(&next.d, step);
                }
            }),
        }
    }

    fn no_step(&self, b: &mut Body) {
        let steps = [
            Some(&self.grad),
            self.weight.as_ref(),
            self.wrapped.as_ref(),
            self.tap.as_ref(),
        ];
        for next in steps.into_iter().flatten() {
            b.set(&next.d, &lit(0, next.q.width()));
        }
    }
}

/// The first addresses of a pixel, for the sums that begin with them; zero in all other issues.
pub(super) struct Starts {
    pub grad: Reg,
    /// `None` where a block of K is a weight's whole address.
    pub weight: Option<Reg>,
    /// Only with lanes over pixels.
    pub tap: Option<Reg>,
    /// What a sum less the line buffer begins with, where there are such.
    pub wrapped: Option<Expr>,
}

impl Starts {
    /// `fresh`: the issue that waits is such a one; only where there are sums less the line buffer.
    fn new(m: &mut Module, form: &Form, fresh: Option<&Expr>) -> Self {
        let width = form.ring.width;
        let wrapped = fresh.map(|fresh| {
            let comment = "negative where a sum begins: no wrap is due";
            let wrapped = m.net("next_unwrapped", width + 1, comment);
            m.assign(&wrapped.slice(0, width), &lit(0, width));
            m.assign(&wrapped.msb(), fresh);
            wrapped
        });
        Starts {
            grad: m.data_reg("next_start_grad", form.grad_bits(), ""),
            weight: form
                .upper()
                .map(|bits| m.data_reg("next_start_weight", bits, "")),
            tap: form.tap.map(|bits| m.data_reg("next_start_tap", bits, "")),
            wrapped,
        }
    }

    /// The sums step on.
    fn none(&self, b: &mut Body) {
        let starts = [Some(&self.grad), self.weight.as_ref(), self.tap.as_ref()];
        for reg in starts.into_iter().flatten() {
            b.set(&reg.d, &lit(0, reg.q.width()));
        }
    }

    /// A pixel's sums begin.
    fn take(&self, b: &mut Body, (capacity, form): (&Capacity, &Form), held: &Held) {
        // The walk counts in larger units.
        let zeros = capacity.walk_unit_bits - form.low;
        place(b, &self.grad.d, zeros, &held.start_grad.q);
        if let (Some(start), Some(held)) = (&self.weight, &held.start_weight) {
            place(b, &start.d, capacity.tap_unit_bits - form.low, &held.q);
        }
        if let (Some(start), Some(held)) = (&self.tap, &held.start_tap) {
            b.set(&start.d, &held.q);
        }
    }
}

/// Assigns `value` to `target` with `zeros` below it, and zeros above.
fn place(b: &mut Body, target: &Expr, zeros: usize, value: &Expr) {
    if value.width() < target.width() {
        b.set(target, &lit(0, target.width()));
    }
    b.set_slice(target, zeros, value);
}

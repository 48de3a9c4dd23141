//! The addresses of the line buffer and of the weights.

use super::waiting::Waiting;
use crate::config::capacity::Capacity;
use crate::primitives::carry_adders::{started_sum, Started};
use crate::primitives::ring::Ring;
use crate::primitives::target::Target;
use crate::rtl::{Body, Expr, Module, Reg};

/// What an address is made of: a block of K in the low bits, where that can be, and what the steps add to.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// Bits of the block of K.
    pub low: usize,
    pub ring: Ring,
    /// Where the line buffer is a constant and no power of two, addresses are signed within a pixel, from its first tap
    /// down, and wrapped once, on their way out.
    signed: bool,
    /// Steps and sizes are told at run time.
    pub told: bool,
    /// Bits of a weight address within a set.
    pub weight_width: usize,
    /// Bits of a place in the table of taps, with lanes over pixels.
    pub tap: Option<usize>,
}

impl Form {
    pub fn new(capacity: &Capacity, weight_width: usize) -> Self {
        let ring = Ring::of_issue(capacity);
        Form {
            low: capacity.k_block_bits,
            ring,
            signed: ring.is_odd() && !capacity.told,
            told: capacity.told,
            weight_width,
            tap: capacity.lane_bits().map(|[tap, _]| tap),
        }
    }

    /// Bits of a sum of steps in the line buffer.
    pub fn grad_bits(&self) -> usize {
        self.ring.width + usize::from(self.signed)
    }

    /// The same of a weight; `None` where a block of K is its whole address.
    pub fn upper(&self) -> Option<usize> {
        (self.weight_width > self.low).then(|| self.weight_width - self.low)
    }
}

/// The addresses in use, and the next ones.
pub(super) struct Addresses {
    now_grad: Reg,
    /// The weight's and the sum with its step; `None` where a block of K is its whole address.
    weight: Option<(Reg, Expr)>,
    /// The block of K that waits and the one in use, where it is low bits of its own.
    k_block: Option<(Expr, Reg)>,
    /// With lanes over pixels.
    pub lanes: Option<LaneAddress>,
    pub out_grad: Reg,
    pub out_weight: Reg,
    grad_sum: Expr,
    /// The sum less the line buffer, where one is needed.
    grad_wrapped: Option<Expr>,
    /// The sum as it goes out.
    grad_out: Expr,
}

impl Addresses {
    /// `size` is that of the line buffer, where that is no power of two.
    pub fn new(
        m: &mut Module,
        form: &Form,
        waiting: &Waiting,
        size: Option<&Expr>,
        target: Target,
    ) -> Self {
        let Form { low, ring, .. } = *form;
        let now_grad = m.data_reg("now_grad", form.grad_bits(), "");
        let now_weight = form
            .upper()
            .map(|upper| m.data_reg("now_weight", upper, ""));
        let out_grad = m.data_reg("out_grad", low + ring.width, "");
        let out_weight = m.data_reg("out_weight", form.weight_width, "");
        let starts = &waiting.starts;
        let mut add = |name: &str, start: &Expr, from: &Expr, step: &Expr| {
            let operands = Started {
                fresh: &waiting.fresh.q,
                start,
                from,
                step,
            };
            started_sum(m, name, operands, target)
        };
        let grad_sum = add("grad_sum", &starts.grad.q, &now_grad.q, &waiting.grad.q);
        let wide = now_grad.q.zext(ring.width + 1);
        let wrapped = waiting.wrapped.as_ref().zip(starts.wrapped.as_ref());
        let grad_wrapped =
            wrapped.map(|(next, begins)| add("grad_wrapped", begins, &wide, &next.q));
        let weight = now_weight
            .zip(waiting.weight.as_ref())
            .zip(starts.weight.as_ref())
            .map(|((now, next), start)| {
                let sum = add("weight_sum", &start.q, &now.q, &next.q);
                (now, sum)
            });
        let lanes = waiting
            .tap
            .as_ref()
            .zip(starts.tap.as_ref())
            .zip(waiting.pixel.stretch.as_ref())
            .map(|((next, start), stretch)| {
                let tap = ["now_tap", "out_tap"].map(|name| m.data_reg(name, next.q.width(), ""));
                let bits = stretch.q.width();
                let stretches =
                    ["now_stretch", "out_stretch"].map(|name| m.data_reg(name, bits, ""));
                let operands = Started {
                    fresh: &waiting.fresh.q,
                    start: &start.q,
                    from: &tap[0].q,
                    step: &next.q,
                };
                LaneAddress {
                    sum: started_sum(m, "tap_sum", operands, target),
                    next_stretch: stretch.q.clone(),
                    tap,
                    stretches,
                }
            });
        let grad_out = wrapped_out(m, form, &now_grad.q, size);
        let k_block = waiting
            .k_block()
            .map(|next| (next.clone(), m.data_reg("now_k_block", low, "")));
        Addresses {
            now_grad,
            weight,
            k_block,
            lanes,
            out_grad,
            out_weight,
            grad_sum,
            grad_wrapped,
            grad_out,
        }
    }

    /// The issue that waits goes, where `go`.
    pub fn step(&self, b: &mut Body, form: &Form, go: &Expr) {
        b.comment("The addresses take the step; the ones in use go on to the memories.");
        b.when(go, |b| self.take(b, form.ring.width));
        b.set_slice(&self.out_grad.d, form.low, &self.grad_out);
        if let Some((now, _)) = &self.weight {
            b.set_slice(&self.out_weight.d, form.low, &now.q);
        }
        if let Some(lanes) = &self.lanes {
            lanes.out(b);
        }
        if let Some((_, now)) = &self.k_block {
            b.set_slice(&self.out_grad.d, 0, &now.q);
            b.set_slice(&self.out_weight.d, 0, &now.q);
        }
    }

    fn take(&self, b: &mut Body, ring_width: usize) {
        b.set(&self.now_grad.d, &self.grad_sum);
        if let Some(wrapped) = &self.grad_wrapped {
            b.when(&!wrapped.msb(), |b| {
                b.set(&self.now_grad.d, &wrapped.slice(0, ring_width));
            });
        }
        if let Some((now, sum)) = &self.weight {
            b.set(&now.d, sum);
        }
        if let Some((next, now)) = &self.k_block {
            b.set(&now.d, next);
        }
        if let Some(lanes) = &self.lanes {
            lanes.take(b);
        }
    }
}

/// Where lanes over pixels read, beside the address: the place of the tap in their table, and the stretch of the row.
pub(super) struct LaneAddress {
    /// In use, and on its way out.
    tap: [Reg; 2],
    sum: Expr,
    stretches: [Reg; 2],
    next_stretch: Expr,
}

impl LaneAddress {
    fn take(&self, b: &mut Body) {
        b.set(&self.tap[0].d, &self.sum);
        b.set(&self.stretches[0].d, &self.next_stretch);
    }

    fn out(&self, b: &mut Body) {
        b.set(&self.tap[1].d, &self.tap[0].q);
        b.set(&self.stretches[1].d, &self.stretches[0].q);
    }

    /// The tap and the stretch.
    pub fn outputs(&self) -> [&Expr; 2] {
        [&self.tap[1].q, &self.stretches[1].q]
    }
}

/// A line-buffer address as it goes out: wrapped where it is signed.
fn wrapped_out(m: &mut Module, form: &Form, now: &Expr, size: Option<&Expr>) -> Expr {
    let Some(size) = size.filter(|_| form.signed) else {
        return now.clone();
    };
    let out = m.net("grad_out", form.grad_bits(), "wrapped");
    m.assign(&out, &(now + size.gated(&now.msb())));
    m.unused("grad_out_sign", &out.msb());
    out.slice(0, form.ring.width)
}

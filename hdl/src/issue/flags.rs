//! What is told beside the addresses.

use super::flow::Flow;
use super::pixel::{Held, Token};
use super::ports::Ports;
use super::waiting::Waiting;
use super::ISSUE_CYCLES;
use crate::config::capacity::Capacity;
use crate::primitives::delay::delayed;
use crate::rtl::{ones, Expr, Module, Reg};
use crate::walk::TokenWidths;

/// Whether a frame is under way, and what is dead behind it.
pub(super) struct Behind {
    /// Whether one is, and whether a pixel entered in the cycle before; only where weights have one set.
    in_frame: Option<[Reg; 2]>,
    none_free: Expr,
    out_free: Reg,
    done: Expr,
}

impl Behind {
    pub fn new(m: &mut Module, capacity: &Capacity, t: &TokenWidths) -> Self {
        let in_frame = (!capacity.two_weight_sets).then(|| {
            let entered = m.reg("entered", 1, 0, "a pixel did, in the cycle before");
            [m.reg("in_frame", 1, 0, ""), entered]
        });
        let none_free = ones(t.free);
        let comment = "less one: the last read of these is on its way";
        Behind {
            in_frame,
            out_free: m.reg_from("out_free", none_free.clone(), comment),
            none_free,
            done: m.net("done", 1, "a pixel's last issue goes"),
        }
    }

    pub fn step(&self, m: &mut Module, flow: &Flow, next: &Waiting) {
        let (out_free, done) = (&self.out_free.d, &self.done);
        m.comb(|b| {
            b.set(done, &(&flow.advance & &next.done.q));
            b.comment("Pixels of grad_output that nothing reads any more.");
            b.set(out_free, &self.none_free);
            b.when(done, |b| b.set(out_free, &next.pixel.free.q));
            if let Some([in_frame, entered]) = &self.in_frame {
                b.comment(
                    "A frame is under way until its last issue goes, unless the next is there.",
                );
                let over = done & &next.pixel.frame_last.q & !&flow.active.q;
                b.set(&entered.d, &flow.load);
                b.set(&in_frame.d, &(&entered.q | (&in_frame.q & !over)));
            }
        });
    }

    /// Tells of frames and of what is dead.
    pub fn tell(&self, m: &mut Module, ports: &Ports, flow: &Flow, held: &Held) {
        match (&self.in_frame, &held.frame_first) {
            (Some([in_frame, _]), _) => m.assign(&ports.frame_state, &in_frame.q),
            (None, Some(first)) => {
                let starts = &flow.advance & &flow.active.q & &held.at_first.q & &first.q;
                m.assign(&ports.frame_state, &starts);
            }
            (None, None) => unreachable!("two sets hold a frame's first pixel"),
        }
        m.assign(&ports.free_less_1, &self.out_free.q);
    }
}

/// Beats without a tap, told with the accumulation ahead of whose result they go.
pub(super) fn skips(
    m: &mut Module,
    [skip_write, skip_beats]: &[Expr; 2],
    flow: &Flow,
    held: &Held,
    token: &Token,
) {
    let width = skip_beats.width();
    let write = m.reg("skip_write", 1, 0, "");
    let beats = m.data_reg("skip", width, "");
    let held_skip = m.data_reg("held_skip", width, "");
    let next_skip = m.data_reg("next_skip", width, "");
    m.comb(|b| {
        b.comment("Beats without a tap ahead of the pixel go with its first accumulation.");
        b.when(&flow.vacant, |b| b.set(&held_skip.d, &token.field("skip")));
        b.when(&flow.advance, |b| {
            b.set(&next_skip.d, &held_skip.q.gated(&held.at_first.q));
        });
        b.set(&write.d, &flow.start);
        b.set(&beats.d, &next_skip.q);
    });
    m.assign(skip_write, &write.q);
    m.assign(skip_beats, &beats.q);
}

/// Flags that keep step with the addresses; `weight` is that within a set.
pub(super) fn flags(m: &mut Module, ports: &Ports, flow: &Flow, next: &Waiting, weight: &Expr) {
    let first_flag = delayed(m, "first", &flow.next_first.q, ISSUE_CYCLES, false);
    let acc_ends = m.net("acc_ends", 1, "an accumulation's last issue goes");
    m.comb(|b| b.set(&acc_ends, &(&flow.advance & &next.last.q)));
    let last_flag = delayed(m, "last", &acc_ends, ISSUE_CYCLES, true);
    let frame_ends = m.net("frame_ends", 1, "");
    m.comb(|b| b.set(&frame_ends, &(&next.done.q & &next.pixel.frame_last.q)));
    let frame_flag = delayed(m, "frame_last", &frame_ends, ISSUE_CYCLES, false);
    m.assign(&ports.acc_first, &first_flag);
    m.assign(&ports.acc_last, &last_flag);
    m.assign(&ports.frame_last, &frame_flag);
    let address = &ports.weight_address;
    match &ports.weight_set {
        Some(set) => {
            let set_flag = delayed(m, "set", set, ISSUE_CYCLES, false);
            m.assign(&address.slice(0, 1), &set_flag);
            m.assign(&address.slice(1, weight.width()), weight);
        }
        None => m.assign(address, weight),
    }
}

//! The pins of the issue loop, but for clock, reset and configuration.

use super::addresses::Form;
use crate::config::capacity::Capacity;
use crate::rtl::{Expr, Module};
use crate::walk::TokenWidths;

/// Its pins.
pub(super) struct Ports {
    pub token_valid: Expr,
    pub token_ready: Expr,
    pub token: Expr,
    /// Where there are two sets.
    pub weight_set: Option<Expr>,
    /// What is told of frames: where one starts if that may swap the weights, else whether one is under way.
    pub frame_state: Expr,
    pub free_less_1: Expr,
    pub taken: Expr,
    pub grad_address: Expr,
    pub weight_address: Expr,
    /// With lanes over pixels: the tap, and the stretch of the row.
    pub lanes: Option<[Expr; 2]>,
    pub acc_first: Expr,
    pub acc_last: Expr,
    pub frame_last: Expr,
    /// Where pixels may have no tap: a pulse, and how many there were.
    pub skip: Option<[Expr; 2]>,
}

impl Ports {
    pub fn declare(m: &mut Module, capacity: &Capacity, t: &TokenWidths, form: &Form) -> Self {
        let two_sets = capacity.two_weight_sets;
        let arrived = "its data and a whole set of weights are there";
        let enters = "a pixel entered two cycles ago, and its frame is not done";
        let skipped = "beats without a tap ahead of its result";
        let grad_width = form.low + form.ring.width;
        let weight_width = form.weight_width + usize::from(two_sets);
        Ports {
            token_valid: m.input("token_valid", 1, arrived),
            token_ready: m.output("token_ready", 1, ""),
            token: m.input("token", t.bits(), ""),
            weight_set: two_sets.then(|| m.input("weight_set", 1, "set of weights in use")),
            frame_state: match two_sets {
                true => m.output("frame_start", 1, "a frame's first issue is the next"),
                false => m.output("frame_busy", 1, enters),
            },
            free_less_1: m.output("free_less_1", t.free, "dead as of now, less one"),
            taken: m.input("taken", 1, "one more place in the output FIFO is free"),
            grad_address: m.output("grad_address", grad_width, "line-buffer read"),
            weight_address: m.output("weight_address", weight_width, "weight read"),
            lanes: t.lanes.map(|[tap, stretch]| {
                [
                    m.output("tap", tap, "place in the table of taps"),
                    m.output("stretch", stretch, "of the row"),
                ]
            }),
            acc_first: m.output("acc_first", 1, ""),
            acc_last: m.output("acc_last", 1, "low while nothing is issued"),
            frame_last: m.output("frame_last", 1, "with acc_last: last result of a frame"),
            skip: t.skip.map(|width| {
                [
                    m.output("skip_write", 1, "an accumulation starts"),
                    m.output("skip_beats", width, skipped),
                ]
            }),
        }
    }
}

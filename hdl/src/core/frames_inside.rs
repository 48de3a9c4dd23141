//! How many frames are in the engine.

use crate::primitives::credit_counter::CreditCounter;
use crate::rtl::{Body, Expr, Module, Reg};

/// The frames in the engine.
pub(super) enum FramesInside {
    /// Each is done after it was begun.
    OfLayer(CreditCounter),
    /// A job of words that no layer has may give a frame before its first beat is taken, or more than
    /// it was told. So the count may pass zero, and what comes behind the job's last frame does not count.
    OfJobs {
        count: Reg,
        closed: Reg,
        closes: Expr,
    },
}

impl FramesInside {
    pub(super) fn of_layer(m: &mut Module, bits: usize) -> Self {
        let names = ["frames", "frames_inside"];
        FramesInside::OfLayer(CreditCounter::none(m, names, bits, "frames in the engine"))
    }

    pub(super) fn of_jobs(m: &mut Module, bits: usize, closes: &Expr) -> Self {
        FramesInside::OfJobs {
            count: m.reg("frames", bits, 0, "frames in the engine"),
            closed: m.reg("closed", 1, 0, "the job's last frame was done before"),
            closes: closes.clone(),
        }
    }

    pub(super) fn some(&self) -> Expr {
        match self {
            FramesInside::OfLayer(frames) => frames.some(),
            FramesInside::OfJobs { count, .. } => count.q.non_zero(),
        }
    }

    pub(super) fn step(&self, b: &mut Body, begun: &Expr, done: &Expr) {
        match self {
            FramesInside::OfLayer(frames) => frames.step(b, begun, done),
            FramesInside::OfJobs {
                count,
                closed,
                closes,
            } => {
                b.set(&closed.d, closes);
                let counts = done & !&closed.q;
                b.when(&(begun & !&counts), |b| b.set(&count.d, &count.q.plus(1)));
                b.when(&(counts & !begun), |b| {
                    b.set(&count.d, &count.q.minus(1));
                });
            }
        }
    }
}

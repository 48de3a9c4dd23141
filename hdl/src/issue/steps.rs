//! The constant that each loop's turn adds to the two addresses.

use super::loops::LoopShape;
use crate::config::Config;
use crate::descriptor::Descriptor;
use crate::ring::Ring;
use crate::rtl::{Expr, Module};

/// The step of one loop in one direction.
pub(super) struct Step {
    /// In the line buffer, modulo its size.
    pub grad: Expr,
    /// In the weight memory.
    pub weight: Expr,
}

/// What one turn forth adds to both addresses.
pub(super) type ByTurn = fn(&Descriptor) -> (u64, u64);

/// The steps of a loop: forth, and back where it runs that way too.
pub(super) struct Steps {
    pub forth: Step,
    pub back: Option<Step>,
}

impl Steps {
    /// Declares the steps of a loop over blocks of K or taps; `by` tells what one turn forth adds to
    /// the line-buffer address and to the weight address, in words.
    pub fn of_taps(
        m: &mut Module,
        config: &mut Config,
        shape: &LoopShape,
        ring: Ring,
        weight_width: usize,
        by: ByTurn,
    ) -> Self {
        let LoopShape { name, what, .. } = shape;
        let unit_bits = ring.unit_bits;
        // Both addresses wrap, so that a step back is one forth by what is left.
        let way = |by: u64, size: u64, back: bool| (if back { size - by } else { by }) % size;
        let mut step = |suffix: &str, sense: &str, back: bool| {
            let grad =
                move |d: &Descriptor| way(by(d).0 >> unit_bits, d.line_words >> unit_bits, back);
            let weight = move |d: &Descriptor| way(by(d).1 >> unit_bits, 1 << weight_width, back);
            Step {
                grad: config.port(
                    m,
                    &format!("grad_{name}{suffix}"),
                    ring.width,
                    grad,
                    &format!("words {sense} of the {what}"),
                ),
                weight: config.port(
                    m,
                    &format!("weight_{name}{suffix}"),
                    weight_width,
                    weight,
                    &format!("weights {sense} of the {what}"),
                ),
            }
        };
        Steps {
            forth: step("", "to the next", false),
            back: shape
                .repeats
                .then(|| step("_back", "back to the last", true)),
        }
    }

    /// The steps of a loop around whole accumulations, whose taps end where they began.
    pub fn of_blocks(grad: Expr, weight: Expr) -> Self {
        Steps {
            forth: Step { grad, weight },
            back: None,
        }
    }
}

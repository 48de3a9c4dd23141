//! The constant that each loop's turn adds to the two addresses.

use super::loops::LoopShape;
use crate::config::Config;
use crate::ring::Ring;
use crate::rtl::{Expr, Module};

/// The step of one loop in one direction.
pub(super) struct Step {
    /// In the line buffer, modulo its size.
    pub grad: Expr,
    /// In the weight memory.
    pub weight: Expr,
}

/// The steps of a loop: forth, and back where it runs that way too.
pub(super) struct Steps {
    pub forth: Step,
    pub back: Option<Step>,
}

impl Steps {
    /// Declares the steps of a loop over blocks of K or taps; `grad` and `weight` are what one turn
    /// forth adds.
    pub fn of_taps(
        m: &mut Module,
        config: &mut Config,
        shape: &LoopShape,
        ring: Ring,
        weight_width: usize,
        (grad, weight): (u64, u64),
    ) -> Self {
        let LoopShape { name, what, .. } = shape;
        let weights = 1 << weight_width;
        let mut step = |way: &str, sense: &str, grad: u64, weight: u64| {
            let mut port = |address: &str, unit: &str, width: usize, by: u64| {
                let name = format!("{address}_{name}{way}");
                config.port(
                    m,
                    &name,
                    width,
                    by,
                    &format!("{unit} {sense} of the {what}"),
                )
            };
            Step {
                grad: port("grad", "words", ring.width, grad % ring.size),
                weight: port("weight", "weights", weight_width, weight % weights),
            }
        };
        Steps {
            forth: step("", "to the next", grad, weight),
            back: shape.repeats.then(|| {
                step(
                    "_back",
                    "back to the last",
                    ring.size - grad,
                    weights - weight,
                )
            }),
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

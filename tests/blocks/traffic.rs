//! When a bench lets something move: the two sides of each block, paused in their own ways.

use crate::choices::Choices;

/// How one side of a block pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pauses {
    /// Never.
    None,
    /// For long, then goes on for a while.
    Long,
    /// At random, now often and now seldom.
    Random,
}

/// How both sides pause: the one that gives, and the one that takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    pub idle: Pauses,
    pub back: Pauses,
}

impl Traffic {
    /// {no idle, idle} x {no backpressure, long, random}.
    pub const ALL: [Traffic; 6] = {
        use Pauses::{Long, None, Random};
        const fn of(idle: Pauses, back: Pauses) -> Traffic {
            Traffic { idle, back }
        }
        [
            of(None, None),
            of(None, Long),
            of(None, Random),
            of(Random, None),
            of(Random, Long),
            of(Random, Random),
        ]
    };
}

/// Says cycle by cycle whether one side moves.
pub struct Gate {
    pauses: Pauses,
    choices: Choices,
    /// Cycles until the next stretch.
    left: u64,
    /// Of 16 cycles of this stretch, those in which it is open.
    open: u64,
}

impl Gate {
    pub fn new(pauses: Pauses, seed: u64) -> Self {
        Gate {
            pauses,
            choices: Choices::new(seed),
            left: 0,
            open: 0,
        }
    }

    /// Whether it is open in the next cycle.
    pub fn opens(&mut self) -> bool {
        if self.pauses == Pauses::None {
            return true;
        }
        if self.left == 0 {
            let shut = self.open == 0;
            (self.open, self.left) = match (self.pauses, shut) {
                (Pauses::Long, true) => (16, 1 + self.choices.below(30)),
                (Pauses::Long, false) => (0, 20 + self.choices.below(100)),
                _ => (
                    [2, 8, 14][self.choices.below(3) as usize],
                    1 + self.choices.below(60),
                ),
            };
        }
        self.left -= 1;
        self.choices.below(16) < self.open
    }
}

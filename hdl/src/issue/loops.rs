//! The loops around an issue: how often each turns, and which turns next.

use crate::config::capacity::Capacity;
use crate::config::descriptor::Descriptor;
use crate::config::inputs::Config;
use crate::primitives::carry_adders::{chosen_sum, Chosen};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, ones, Body, Expr, Module, Reg};

/// The loops within an accumulation come first.
pub(super) const ACCUMULATION: usize = 3;
/// Which of the loops is that over tap columns.
pub(super) const TAP_COLUMNS: usize = 1;

/// What is known of a loop when the hardware is built.
pub(super) struct LoopShape {
    pub name: &'static str,
    pub what: &'static str,
    /// Most turns of a run.
    pub turns: u64,
    /// The layer's turns of a run.
    pub turns_of: fn(&Descriptor) -> u64,
    /// The token tells the turns; else they are the layer's.
    pub by_token: bool,
    /// Runs more than once a pixel: some loop around it turns.
    pub repeats: bool,
    /// Steps forth and back through an address.
    pub moves: bool,
}

/// The loops from the innermost to the outermost, those that never turn included. The first three
/// make an accumulation.
pub(super) fn shapes(capacity: &Capacity) -> [LoopShape; 5] {
    let turns = [
        capacity.tap_issues,
        capacity.cols.taps,
        capacity.rows.taps,
        capacity.c_blocks,
        capacity.group_blocks,
    ];
    let shape = |index: usize, name, what, turns_of| LoopShape {
        name,
        what,
        turns: turns[index],
        turns_of,
        by_token: index == 1 || index == 2,
        repeats: turns[index + 1..].iter().any(|&turns| turns > 1),
        // Blocks of K that are low address bits of their own need no steps.
        moves: index < ACCUMULATION && !(index == 0 && capacity.k_block_bits > 0),
    };
    [
        shape(0, "k_blocks", "blocks of K", Descriptor::tap_issues),
        shape(1, "cols", "tap columns", |d| d.cols.max_taps),
        shape(2, "rows", "tap rows", |d| d.rows.max_taps),
        shape(3, "c_blocks", "blocks of C", |d| d.c_blocks),
        shape(4, "groups", "groups", |d| d.group_blocks),
    ]
}

/// A loop that turns.
pub(super) struct Level {
    /// Turns after this one.
    left: Reg,
    /// `left` is zero; a register, because everything hangs on it.
    last: Reg,
    /// Turns of a run, less one, where the layer tells them.
    told: Option<Expr>,
    /// The same at run time: what follows `left`, and whether a run is of one turn.
    reloaded: Option<[Expr; 2]>,
    /// Keeps what a pixel's token told of them for its next run, where it has more than one.
    held: Option<Reg>,
    /// Which way it runs, where it runs both ways.
    forth: Option<Reg>,
}

impl Level {
    /// `None` where the loop never turns.
    pub fn new(
        m: &mut Module,
        config: &mut Config,
        shape: &LoopShape,
        (capacity, target): (&Capacity, Target),
    ) -> Option<Self> {
        if shape.turns == 1 {
            return None;
        }
        let LoopShape { name, what, .. } = shape;
        let width = bits_for(shape.turns - 1);
        let (left, last) = (format!("{name}_left"), format!("{name}_last"));
        let comment = format!("{what} after this one");
        let less_1 = format!("{what} of a run, less one");
        let forth = (shape.moves && shape.repeats)
            .then(|| m.data_reg(&format!("{name}_forth"), 1, "which way it runs"));
        if shape.by_token {
            let held = shape
                .repeats
                .then(|| m.data_reg(&format!("{name}_held"), width, &less_1));
            return Some(Level {
                left: m.data_reg(&left, width, &comment),
                last: m.data_reg(&last, 1, ""),
                told: None,
                reloaded: None,
                held,
                forth,
            });
        }
        let turns = shape.turns_of;
        let told = config.port(
            m,
            &format!("{name}_less_1"),
            width,
            move |d| turns(d) - 1,
            &less_1,
        );
        if capacity.told {
            let single = config.port(
                m,
                &format!("{name}_single"),
                1,
                move |d| u64::from(turns(d) == 1),
                &format!("{what} of a run are one"),
            );
            let left = m.reg_from(&left, told.clone(), &comment);
            let last = m.reg_from(&last, single.clone(), "");
            let operands = Chosen {
                from: &left.q,
                choose: &last.q,
                // At the last turn none are left.
                one: &told,
                other: &ones(width),
            };
            let next = chosen_sum(m, &format!("{name}_next"), operands, target);
            return Some(Level {
                left,
                last,
                told: None,
                reloaded: Some([next, single]),
                held: None,
                forth,
            });
        }
        Some(Level {
            left: m.reg_from(&left, told.clone(), &comment),
            last: m.reg_from(&last, told.is_zero(), ""),
            told: Some(told),
            reloaded: None,
            held: None,
            forth,
        })
    }

    /// High at the last turn of a run.
    pub fn last(&self) -> Expr {
        self.last.q.clone()
    }

    /// High while it runs back; `None` where it never does.
    pub fn back(&self) -> Option<Expr> {
        self.forth.as_ref().map(|forth| !&forth.q)
    }

    /// One turn on; from the last, the other way round.
    pub fn turn(&self, b: &mut Body) {
        let (left, width) = (&self.left.q, self.left.q.width());
        let last_is_next = left.eq(&lit(1, width));
        match (&self.reloaded, &self.told) {
            (Some([next, single]), _) => {
                b.set(&self.left.d, next);
                b.set(&self.last.d, &last_is_next);
                b.when(&self.last.q, |b| b.set(&self.last.d, single));
            }
            // At the last turn none are left, so that the next run is a sum too: no register waits for a choice.
            (None, Some(told)) => {
                let change = told | (!&self.last.q).sext(width);
                b.set(&self.left.d, &(left + &change));
                b.set(&self.last.d, &(last_is_next | told.is_zero()));
            }
            (None, None) => {
                b.set(&self.left.d, &left.minus(1));
                b.set(&self.last.d, &last_is_next);
            }
        }
        if self.forth.is_some() || self.held.is_some() {
            b.when(&self.last.q, |b| {
                if let Some(held) = &self.held {
                    self.load(b, &held.q);
                }
                if let Some(forth) = &self.forth {
                    b.set(&forth.d, &!&forth.q);
                }
            });
        }
    }

    /// Turns after this one.
    pub fn left(&self) -> Expr {
        self.left.q.clone()
    }

    /// Whether its runs for this pixel have one turn; `None` where they never have. Of a loop that no other is around, it is not
    /// known, nor asked for.
    pub fn single(&self) -> Option<Expr> {
        match (&self.held, &self.reloaded) {
            (Some(held), _) => Some(held.q.is_zero()),
            (None, Some([_, single])) => Some(single.clone()),
            (None, None) => None,
        }
    }

    /// High in the last turn but one.
    pub fn last_is_next(&self) -> Expr {
        self.left.q.eq(&lit(1, self.left.q.width()))
    }

    fn load(&self, b: &mut Body, turns_less_1: &Expr) {
        b.set(&self.left.d, turns_less_1);
        b.set(&self.last.d, &turns_less_1.is_zero());
    }

    /// A pixel enters; `turns_less_1` is what its token tells of this loop.
    pub fn enter(&self, b: &mut Body, turns_less_1: Option<&Expr>) {
        if let Some(turns_less_1) = turns_less_1 {
            self.load(b, turns_less_1);
            if let Some(held) = &self.held {
                b.set(&held.d, turns_less_1);
            }
        }
        if let Some(forth) = &self.forth {
            b.set(&forth.d, &lit(1, 1));
        }
    }
}

/// High where all of these loops are at their last turn.
pub(super) fn all_last<'a>(levels: impl IntoIterator<Item = &'a Level>) -> Expr {
    levels
        .into_iter()
        .map(Level::last)
        .reduce(|all, one| all & one)
        .unwrap_or_else(|| lit(1, 1))
}

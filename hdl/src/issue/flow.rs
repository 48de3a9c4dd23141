//! What moves from step to step.

use super::ends::Ends;
use super::loops::Level;
use super::pixel::{Held, Token};
use super::turned::Turned;
use crate::config::capacity::Capacity;
use crate::config::inputs::Config;
use crate::primitives::credit_counter::CreditCounter;
use crate::rtl::{bits_for, Expr, Module, Reg};

/// What moves in a cycle.
pub(super) struct Flow {
    pub active: Reg,
    pub next_valid: Reg,
    pub next_first: Reg,
    places: CreditCounter,
    blocked: Reg,
    pub go: Expr,
    pub advance: Expr,
    turn: Expr,
    pub start: Expr,
    pub ends: Ends,
    pub vacant: Expr,
    pub load: Expr,
}

impl Flow {
    pub fn new(
        m: &mut Module,
        config: &mut Config,
        capacity: &Capacity,
        levels: &[Option<Level>],
    ) -> Self {
        let active = m.reg("active", 1, 0, "a pixel is in the loops");
        let next_valid = m.reg("next_valid", 1, 0, "an issue waits to go");
        let next_first = m.reg("next_first", 1, 0, "it is an accumulation's first");
        let all = config.hardware(
            m,
            "fifo_results",
            bits_for(capacity.fifo_results),
            capacity.fifo_results,
            "results that the output FIFO holds",
        );
        let names = ["places", "place_free"];
        Flow {
            active,
            next_valid,
            next_first,
            places: CreditCounter::full(m, names, &all, "free places in the output FIFO"),
            // All else hangs on it, so it is known a cycle ahead.
            blocked: m.reg("blocked", 1, 0, "that issue is a start without a place"),
            go: m.net("go", 1, "the issue that waits goes"),
            advance: m.net("advance", 1, "the loops' issue takes its place"),
            turn: m.net("turn", 1, "and the loops go to the next"),
            start: m.net("start", 1, "an accumulation starts"),
            ends: Ends::new(m, levels, capacity),
            vacant: m.net("vacant", 1, "the loops have no pixel after this cycle"),
            load: m.net("load", 1, "the next pixel enters them"),
        }
    }

    /// What moves in this cycle.
    pub fn decide(&self, m: &mut Module, token_valid: &Expr) {
        let (active, blocked) = (&self.active.q, &self.blocked.q);
        let (advance, vacant) = (&self.advance, &self.vacant);
        m.comb(|b| {
            b.comment("What moves in this cycle.");
            b.set(&self.go, &(&self.next_valid.q & !blocked));
            b.set(advance, &!blocked);
            b.set(&self.start, &(advance & &self.next_first.q));
            b.set(&self.turn, &(advance & active));
            b.set(vacant, &(!active | (advance & &self.ends.pixel)));
            b.set(&self.load, &(vacant & token_valid));
        });
    }

    /// Turns the loops, and lets the next pixel in.
    pub fn turn_loops(
        &self,
        m: &mut Module,
        levels: &[Option<Level>],
        turned: &Turned,
        held: &Held,
        (token_valid, token): (&Expr, &Token),
    ) {
        let turning: Vec<&Level> = levels.iter().flatten().collect();
        m.comb(|b| {
            b.comment("The loops: one turns where all inside it end.");
            b.when(&self.turn, |b| {
                held.turn(b, &self.ends.acc);
                turned.turn(b, &turning, &self.ends);
            });
            self.ends.step(b, levels, &self.turn);
            b.comment(
                "A pixel enters; what it brings may be taken before it is known to be there.",
            );
            b.when(&self.vacant, |b| {
                b.set(&self.active.d, token_valid);
                held.enter(b, token);
                let told = token.turns();
                for (level, told) in levels.iter().zip(&told) {
                    if let Some(level) = level {
                        level.enter(b, told.as_ref());
                    }
                }
                self.ends.enter(b, levels, &told);
            });
        });
    }

    /// Counts the places in the output FIFO; `taken` is one more that is free, `acc_start` tells whether the loops are at an
    /// accumulation's first issue.
    pub fn count_places(&self, m: &mut Module, taken: &Expr, acc_start: &Expr) {
        m.comb(|b| {
            b.comment("Places in the output FIFO, taken at the start of an accumulation.");
            self.places.step(b, taken, &self.start);
            let starts_next = &self.blocked.q | (&self.active.q & acc_start);
            b.set(&self.blocked.d, &(starts_next & !self.places.some_next()));
        });
    }
}

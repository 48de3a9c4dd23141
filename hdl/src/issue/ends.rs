//! Where an accumulation and a pixel end.

use super::loops::{all_last, Level, ACCUMULATION};
use crate::config::capacity::Capacity;
use crate::rtl::{lit, Body, Expr, Module, Reg};

/// Whether the loops stand at the last issue of an accumulation and of a pixel.
pub(super) struct Ends {
    pub acc: Expr,
    pub pixel: Expr,
    /// The two as registers, one step ahead.
    ahead: Option<[Reg; 2]>,
    /// A pixel may be one issue alone.
    one_issue: bool,
    /// Loops that turn within an accumulation.
    pub inner_loops: usize,
}

impl Ends {
    pub fn new(m: &mut Module, levels: &[Option<Level>], capacity: &Capacity) -> Self {
        let names = ["acc_end", "pixel_end"];
        let comments = [
            "the loops stand at an accumulation's last issue",
            "and at a pixel's",
        ];
        let inner_loops = levels[..ACCUMULATION].iter().flatten().count();
        // What follows a turn tells whether it leads to an end. Where a pixel may have one issue alone, that is known as it
        // enters: dear, and worth it only where all loops may turn.
        if capacity.k_turns || capacity.paced || capacity.told {
            let ahead = [0, 1].map(|i| m.reg(names[i], 1, 0, comments[i]));
            return Ends {
                acc: ahead[0].q.clone(),
                pixel: ahead[1].q.clone(),
                ahead: Some(ahead),
                one_issue: capacity.told,
                inner_loops,
            };
        }
        let [acc, pixel] = [0, 1].map(|i| m.net(names[i], 1, comments[i]));
        m.comb(|b| {
            b.set(&acc, &all_last(levels[..ACCUMULATION].iter().flatten()));
            b.set(&pixel, &all_last(levels.iter().flatten()));
        });
        Ends {
            acc,
            pixel,
            ahead: None,
            one_issue: false,
            inner_loops,
        }
    }

    /// The loops turn.
    pub fn step(&self, b: &mut Body, levels: &[Option<Level>], turn: &Expr) {
        let Some([acc, pixel]) = &self.ahead else {
            return;
        };
        b.when(turn, |b| {
            let inner: Vec<&Level> = levels[..ACCUMULATION].iter().flatten().collect();
            let all: Vec<&Level> = levels.iter().flatten().collect();
            let single = inner.iter().map(|level| level.single());
            let single = single.reduce(|all, one| Some(all? & one?));
            b.set(
                &acc.d,
                &match single.unwrap_or_else(|| Some(lit(1, 1))) {
                    Some(single) => leads_to_last(&inner) | single,
                    None => leads_to_last(&inner),
                },
            );
            b.set(&pixel.d, &leads_to_last(&all));
        });
    }

    /// A pixel enters; `told` is what its token tells of the loops, turns less one.
    pub fn enter(&self, b: &mut Body, levels: &[Option<Level>], told: &[Option<Expr>]) {
        let Some([acc, pixel]) = &self.ahead else {
            return;
        };
        // `None` of a loop that has always more than one turn.
        let single = |loops: std::ops::Range<usize>| -> Option<Expr> {
            let loops = loops.filter_map(|i| Some((levels[i].as_ref()?, told[i].as_ref())));
            let singles = loops.map(|(level, told)| match told {
                Some(turns_less_1) => Some(turns_less_1.is_zero()),
                None => level.single(),
            });
            let all = singles.reduce(|all, one| Some(all? & one?));
            all.unwrap_or_else(|| Some(lit(1, 1)))
        };
        let none = || lit(0, 1);
        b.set(&acc.d, &single(0..ACCUMULATION).unwrap_or_else(none));
        let one_issue = self.one_issue.then(|| single(0..levels.len())).flatten();
        b.set(&pixel.d, &one_issue.unwrap_or_else(none));
    }
}

/// Whether the turn of these loops, from the innermost to the outermost, is the one that leads to the last turn of all: one
/// of them is at its last but one, those inside it have a single turn, and those around it are at their last.
fn leads_to_last(levels: &[&Level]) -> Expr {
    let mut leads: Option<Expr> = None;
    let mut inside: Option<Expr> = None;
    for (index, level) in levels.iter().enumerate() {
        let mut this = level.last_is_next() & all_last(levels[index + 1..].iter().copied());
        if let Some(inside) = &inside {
            this = this & inside;
        }
        leads = Some(match leads {
            Some(leads) => leads | this,
            None => this,
        });
        let Some(single) = level.single() else {
            break;
        };
        inside = Some(match inside {
            Some(inside) => inside & single,
            None => single,
        });
    }
    leads.unwrap_or_else(|| lit(0, 1))
}

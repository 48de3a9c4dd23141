//! Which loop turned last.

use super::addresses::Form;
use super::ends::Ends;
use super::loops::{Level, TAP_COLUMNS};
use super::steps::{ByTurn, Step, Steps, TurnTable, BY_TURN};
use crate::config::capacity::Capacity;
use crate::config::inputs::Config;
use crate::primitives::paged_memory::LoadBus;
use crate::rtl::{bits_for, lit, Body, Module, Reg};

/// Which loop turned last, and which way; the steps that this comes to.
pub(super) enum Turned {
    /// Each step is a configuration input.
    Ports {
        /// The loop's place among those that turn; `None` where there are not two.
        level: Option<Reg>,
        back: Option<Reg>,
        steps: Vec<Steps>,
    },
    /// They are in a memory.
    Table(TurnTable),
}

impl Turned {
    /// Each step is one of `steps`.
    pub fn by_ports(m: &mut Module, turning: &[&Level], steps: Vec<Steps>) -> Self {
        let bits = bits_for((turning.len() as u64).saturating_sub(1));
        let backs = turning.iter().any(|level| level.back().is_some());
        Turned::Ports {
            level: (turning.len() > 1).then(|| m.reg("turned", bits, 0, "loop that turned last")),
            back: backs.then(|| m.data_reg("turned_back", 1, "and it ran back")),
            steps,
        }
    }

    /// The steps are in a memory that a bus fills; it is left open for the module's other such memories.
    pub fn by_table(
        m: &mut Module,
        config: &mut Config,
        capacity: &Capacity,
        (levels, turning): (&[Option<Level>], &[&Level]),
        form: &Form,
    ) -> (Self, LoadBus) {
        let by = levels.iter().zip(BY_TURN);
        let by: Vec<ByTurn> = by
            .filter_map(|(level, by)| level.as_ref().map(|_| by))
            .collect();
        let columns = levels[TAP_COLUMNS].is_some();
        let columns = columns.then(|| levels[..TAP_COLUMNS].iter().flatten().count());
        let mut bus = LoadBus::declare(m, config, capacity.entry_bits());
        let table = TurnTable::new(m, config, &mut bus, (turning, &by), columns, form);
        (Turned::Table(table), bus)
    }

    /// Turns the loops: each one where all inside it are at their last turn.
    pub fn turn(&self, b: &mut Body, turning: &[&Level], ends: &Ends) {
        let inner = ends.inner_loops;
        self.turn_from(b, &turning[..inner], 0);
        if inner < turning.len() {
            b.when(&ends.acc, |b| self.turn_from(b, turning, inner));
        }
    }

    fn turn_from(&self, b: &mut Body, turning: &[&Level], index: usize) {
        let Some(level) = turning.get(index) else {
            return;
        };
        level.turn(b);
        match self {
            Turned::Table(table) => table.turn(b, index, level),
            Turned::Ports {
                level: turned,
                back,
                ..
            } => {
                if let Some(turned) = turned {
                    b.set(&turned.d, &lit(index as u64, turned.q.width()));
                }
                if let Some(back) = back {
                    b.set(&back.d, &level.back().unwrap_or_else(|| lit(0, 1)));
                }
            }
        }
        if index + 1 < turning.len() {
            b.when(&level.last(), |b| self.turn_from(b, turning, index + 1));
        }
    }

    /// Chooses the step of the loop that turned, where steps are inputs.
    pub fn take(&self, b: &mut Body, take: &dyn Fn(&mut Body, &Step)) {
        let Turned::Ports { level, back, steps } = self else {
            return;
        };
        let of = |b: &mut Body, index: usize| {
            let steps = &steps[index];
            take(b, &steps.forth);
            if let (Some(step), Some(ran_back)) = (&steps.back, back) {
                b.when(&ran_back.q, |b| take(b, step));
            }
        };
        match level {
            Some(turned) => b.case(&turned.q, steps.len(), of),
            None if steps.is_empty() => {}
            None => of(b, 0),
        }
    }
}

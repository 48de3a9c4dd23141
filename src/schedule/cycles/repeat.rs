//! Loops whose turns are told in advance, as long as each is as the one before.
//!
//! Every cycle of the model is the later of two others, or one plus a constant. Let three states be a period of turns
//! apart, the third differing from the second as the second from the first: by a step that may be another one for every
//! number. If in both periods the same of two cycles was the later one, each time, then a period does nothing but move
//! numbers to other places and add constants to them; so the step comes out as it went in, and the next period takes it
//! again. How far apart two compared cycles are changes by a step of its own with every period, so that one knows when
//! another of the two will be the later one. Up to there all periods are told at once, exactly.
//!
//! Cycles of events long past, which space waits for, have to grow by the same step as well: see [`History`].
//!
//! Loops may stand in loops. What is compared in periods that are told is recorded for the first and the last of them: it
//! changes evenly between, so that a period of the loop around is as if it had gone through all of them.

use super::history::{History, Point, Steady};
use super::state::{State, PASTS};
use super::Model;

/// Periods of up to so many turns are looked for; longer ones, where the caller names them.
const LONGEST_PERIOD: usize = 64;
/// Shorter loops are gone through.
const FEWEST_TURNS: usize = 8;
/// Comparisons that are kept.
const MOST_KEPT: usize = 1 << 21;
/// Steps beyond this are no cycles of a run, but come from what never was.
const LONGEST_STEP: i64 = 1 << 48;

/// What was compared, and what has to be the same each time.
#[derive(Default)]
pub struct Log {
    /// By how much the first of two was later.
    apart: Vec<i64>,
    /// Periods that were told, and their turns; and whatever the model notes.
    same: Vec<u64>,
    /// How often the log was begun anew.
    begun: usize,
}

impl Log {
    /// The later of two cycles.
    pub fn later(&mut self, a: i64, b: i64) -> i64 {
        self.apart.push(a - b);
        a.max(b)
    }

    /// Whether a count is there: above zero.
    pub fn is_some(&mut self, count: i64) -> bool {
        // Never zero, which could go either way.
        self.apart.push(2 * count - 1);
        count > 0
    }

    /// A number that has to be the same in periods that are alike.
    pub fn note(&mut self, number: u64) {
        self.same.push(number);
    }

    /// Comparisons that are kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.apart.len()
    }
}

/// A place between two turns.
struct Mark {
    turn: usize,
    state: State,
    apart: usize,
    same: usize,
    past: [usize; PASTS],
    begun: usize,
}

impl Model<'_> {
    /// Goes through so many turns. `alike` says how many turns from one on are those that are so many before them;
    /// `periods` are worth trying beyond the short ones.
    pub fn repeat(
        &mut self,
        turns: usize,
        periods: &[usize],
        alike: impl Fn(usize, usize) -> usize,
        mut turn: impl FnMut(&mut Self, usize),
    ) {
        if turns < FEWEST_TURNS {
            (0..turns).for_each(|index| turn(self, index));
            return;
        }
        let longest = periods.iter().fold(LONGEST_PERIOD, |a, &b| a.max(b));
        let mut marks = vec![self.mark(0)];
        let mut at = 0;
        while at < turns {
            turn(self, at);
            at += 1;
            marks.push(self.mark(at));
            // With fewer turns to go there is nothing to tell.
            let longest = longest.min(turns - at);
            let is_period = |period| period <= LONGEST_PERIOD || periods.contains(&period);
            let told = self.tell(&marks, longest, is_period, |period| {
                alike(at - period, period).saturating_sub(period)
            });
            if told > 0 {
                at += told;
                marks.push(self.mark(at));
            }
        }
    }

    fn mark(&mut self, turn: usize) -> Mark {
        if self.log.apart.len() > MOST_KEPT {
            // No mark from before is looked at again.
            self.log = Log {
                begun: self.log.begun + 1,
                ..Log::default()
            };
            for (past, counts) in self.past.iter_mut().zip(self.state.past()) {
                past.forget(counts.wanted);
            }
        }
        Mark {
            turn,
            state: self.state,
            apart: self.log.apart.len(),
            same: self.log.same.len(),
            past: self.past.each_ref().map(History::mark),
            begun: self.log.begun,
        }
    }

    /// Tells as many turns as it can behind the last mark, and returns how many. It tries all periods between marks for
    /// which `is_period` holds, up to the `longest`. `alike` says for a period how many turns
    /// from there on are those that are so many before them, if the last ones were.
    fn tell(
        &mut self,
        marks: &[Mark],
        longest: usize,
        is_period: impl Fn(usize) -> bool,
        alike: impl Fn(usize) -> usize,
    ) -> usize {
        let Some((last, earlier)) = marks.split_last() else {
            return 0;
        };
        let mut first = earlier.len();
        for middle in earlier.iter().rev() {
            let period = last.turn - middle.turn;
            while first > 0 && last.turn - earlier[first - 1].turn < 2 * period {
                first -= 1;
            }
            let Some(before) = first.checked_sub(1).map(|first| &earlier[first]) else {
                break;
            };
            if period > longest || before.begun != self.log.begun {
                break;
            }
            if last.turn - before.turn > 2 * period || !is_period(period) {
                continue;
            }
            // Most often these differ, if any do.
            let apart = |a: &State, b: &State| [a.moved - b.moved, a.issued - b.issued];
            if apart(&self.state, &middle.state) != apart(&middle.state, &before.state) {
                continue;
            }
            let step = self.state.minus(&middle.state);
            if step != middle.state.minus(&before.state) {
                continue;
            }
            let turns = alike(period) / period;
            let turns = self.even_turns(before, middle, &step, turns as i64);
            if turns > 0 && self.skip(before, middle, &step, turns, period) {
                return turns as usize * period;
            }
        }
        0
    }

    /// Periods to come, of so many at the most, in which the same of two are the later ones and the past goes on as it did.
    fn even_turns(&self, before: &Mark, middle: &Mark, step: &State, most: i64) -> i64 {
        let same = &self.log.same;
        if same[before.same..middle.same] != same[middle.same..] {
            return 0;
        }
        let apart = &self.log.apart;
        let (first, second) = (&apart[before.apart..middle.apart], &apart[middle.apart..]);
        if first.len() != second.len() {
            return 0;
        }
        let mut turns = most;
        for (&a, &b) in first.iter().zip(second) {
            turns = turns.min(same_side(a, b));
            if turns == 0 {
                return 0;
            }
        }
        let counts = [&before.state, &self.state, step].map(State::past);
        for (index, history) in self.past.iter().enumerate() {
            let [before, now, step] = counts.map(|counts| counts[index]);
            let wanted = [before.wanted, now.wanted];
            turns = even_past(history, wanted, [step.wanted, step.done], turns);
        }
        turns
    }

    /// Goes on by so many periods, if what they add to the past is the same each time.
    fn skip(
        &mut self,
        before: &Mark,
        middle: &Mark,
        step: &State,
        turns: i64,
        period: usize,
    ) -> bool {
        let mut each = [Point::ZERO; PASTS];
        for (index, past) in self.past.iter().enumerate() {
            match past.repeats(before.past[index], middle.past[index]) {
                Some(point) => each[index] = point,
                None => return false,
            }
        }
        for (index, past) in self.past.iter_mut().enumerate() {
            past.repeat(middle.past[index], turns, each[index]);
        }
        self.state = self.state.plus(step, turns);
        let apart = &mut self.log.apart;
        let length = middle.apart - before.apart;
        for index in middle.apart..middle.apart + length {
            let (a, b) = (apart[index - length], apart[index]);
            apart.push(b + turns * (b - a));
        }
        self.log.same.extend([turns as u64, period as u64]);
        true
    }
}

/// Two that were `a` apart in a period and `b` in the next: in how many more the same one is the later.
fn same_side(a: i64, b: i64) -> i64 {
    let step = b - a;
    if step.abs() > LONGEST_STEP || (a > 0 && b < 0) || (a < 0 && b > 0) {
        return 0;
    }
    let above = a >= 0 && b >= 0;
    let below = a <= 0 && b <= 0;
    match step {
        0 => i64::MAX,
        _ if step < 0 && above => b / -step,
        _ if step > 0 && below => -b / step,
        _ => i64::MAX,
    }
}

/// In how many more periods, of so many at the most, the past that is asked for differs from that of the period before as it does now. `wanted`: up
/// to which count it was asked for before the last two periods, and is now. `steps`: how much further it is asked for in
/// each period, and how much is added to it.
fn even_past(history: &History, wanted: [i64; 2], steps: [i64; 2], most: i64) -> i64 {
    let [step, added] = steps;
    if step == 0 || most == 0 {
        return most;
    }
    let enough = wanted[1] + (most - 2) * step;
    let up_to = match history.is_steady_up_to(wanted[0].max(1), step, enough) {
        // What will be added goes on as well.
        Steady::Throughout { .. } if step == added => return most,
        Steady::Throughout { end } => end,
        Steady::UpTo(end) => end,
    };
    // From there on, what is two periods further is something else.
    ((up_to + 2 * step - 1 - wanted[1]) / step).clamp(0, most)
}

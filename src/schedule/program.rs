//! A list of steps that is almost periodic, as a program with loops.

use std::collections::HashMap;
use std::hash::Hash;

use bpa_hdl::config::descriptor::Jump;

/// Loops of any body of up to so many lines are looked for; longer ones, where the caller names them.
const SHORT_BODY: usize = 64;

/// A line of a folded list, standing for one item or, in a loop, for the items a body's length apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// First item that it stands for.
    pub first: usize,
    /// How many items.
    pub times: usize,
    /// From one of them to the next.
    pub every: usize,
    /// Where the program goes on behind this line.
    pub jump: Jump,
}

/// Folds `items` into few lines: straight ones, and loops that are not nested, each of a body of more than `ahead` lines.
/// The first line and the last `ahead + 1` are in no loop. `periods` are bodies worth trying beyond the short ones.
///
/// A dynamic programme from the back: the fewest lines from each item on.
pub fn fold<T: Eq + Hash>(items: &[T], ahead: usize, periods: &[usize]) -> Vec<Folded> {
    let mut ids: HashMap<&T, usize> = HashMap::new();
    let ids: Vec<usize> = items
        .iter()
        .map(|item| {
            let next = ids.len();
            *ids.entry(item).or_insert(next)
        })
        .collect();
    // No loop covers an item from here on.
    let end = ids.len().saturating_sub(ahead + 1);
    let mut bodies: Vec<usize> = (ahead + 1..=SHORT_BODY)
        .chain(periods.iter().copied())
        .filter(|&body| body > ahead && 2 * body <= end)
        .collect();
    bodies.sort_unstable();
    bodies.dedup();
    // For each body, how many items from here on are the same as those a body later.
    let mut same = vec![0; bodies.len()];
    // From each item on: lines, and the body and turns of the loop that begins with it.
    let mut best: Vec<(usize, Option<(usize, usize)>)> = vec![(0, None); ids.len() + 1];
    for at in (0..ids.len()).rev() {
        best[at] = (best[at + 1].0 + 1, None);
        for (&body, same) in bodies.iter().zip(&mut same) {
            let alike = at + body < end && ids[at] == ids[at + body];
            *same = if alike { *same + 1 } else { 0 };
            if at == 0 {
                continue;
            }
            let most = *same / body + 1;
            // Fewer turns can leave more to a loop behind this one.
            for turns in (2.max(most.saturating_sub(2))..=most).rev() {
                let lines = body + best[at + turns * body].0;
                if lines < best[at].0 {
                    best[at] = (lines, Some((body, turns)));
                }
            }
        }
    }
    let mut lines = Vec::with_capacity(best[0].0);
    let mut at = 0;
    while at < ids.len() {
        let (body, turns) = best[at].1.unwrap_or((1, 1));
        let start = lines.len() as u64;
        lines.extend((0..body).map(|i| Folded {
            first: at + i,
            times: turns,
            every: body,
            jump: Jump::Next,
        }));
        if let (Some(line), true) = (lines.last_mut(), turns > 1) {
            let turns = turns as u64;
            line.jump = Jump::Loop { start, turns };
        }
        at += body * turns;
    }
    lines
}

/// How often a walk's steps are repeated for their program to tell each jump `ahead` lines early: the last line, which goes
/// back to line 1, is told by a line of the same round.
pub fn rounds(steps: usize, ahead: usize) -> usize {
    (ahead + 1).div_ceil(steps)
}

/// For each line, where the program goes on from the line that follows `ahead` places later.
pub fn told_ahead(lines: &[Folded], ahead: usize) -> Vec<Jump> {
    let mut told = vec![Jump::Next; lines.len()];
    for (index, line) in lines.iter().enumerate() {
        let jump = match index + 1 == lines.len() {
            true => Jump::Wrap,
            false => line.jump,
        };
        if jump != Jump::Next {
            told[index - ahead] = jump;
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The items that the lines stand for, by going through them.
    fn unrolled(lines: &[Folded], items: &[u8]) -> Vec<u8> {
        let mut found = Vec::new();
        let mut at = 0;
        let mut turns_left = None;
        while let Some(line) = lines.get(at) {
            found.push(items[line.first]);
            at = match line.jump {
                Jump::Loop { start, turns } => {
                    let left = turns_left.unwrap_or(turns - 1);
                    turns_left = (left > 0).then(|| left - 1);
                    if left > 0 {
                        start as usize
                    } else {
                        at + 1
                    }
                }
                _ => at + 1,
            };
        }
        found
    }

    /// Another fold: from the front, at each item the loop that saves most, else a straight line.
    fn folded_greedily(items: &[u8], ahead: usize) -> usize {
        let end = items.len().saturating_sub(ahead + 1);
        let (mut at, mut lines) = (0, 0);
        while at < items.len() {
            let mut saved = (0, 1, 1);
            for body in ahead + 1..=end.saturating_sub(at) / 2 {
                let alike = |turn: usize| {
                    let to = at + (turn + 1) * body;
                    to <= end && items[at..at + body] == items[at + turn * body..to]
                };
                let turns = (1..).take_while(|&turn| alike(turn)).count() + 1;
                if at > 0 && turns > 1 {
                    saved = saved.max(((turns - 1) * body, body, turns));
                }
            }
            let (_, body, turns) = saved;
            lines += body;
            at += body * turns;
        }
        lines
    }

    /// Lists that repeat themselves, as those of an axis do.
    fn items() -> impl Strategy<Value = Vec<u8>> {
        let part = (prop::collection::vec(0..4_u8, 1..6), 1..9_usize);
        prop::collection::vec(part, 1..5).prop_map(|parts| {
            parts
                .into_iter()
                .flat_map(|(part, times)| part.repeat(times))
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_folded_list_unrolls_to_itself_and_is_short(items in items(), ahead in 1..3_usize) {
            let lines = fold(&items, ahead, &[]);
            prop_assert_eq!(unrolled(&lines, &items), items.clone());
            prop_assert!(lines.len() <= folded_greedily(&items, ahead));
            let straight = |lines: &[Folded]| lines.iter().all(|line| line.times == 1);
            let last = lines.len().saturating_sub(ahead + 1);
            prop_assert!(straight(&lines[..1]) && straight(&lines[last..]));
            for (index, line) in lines.iter().enumerate() {
                if let Jump::Loop { start, turns } = line.jump {
                    prop_assert!(start >= 1 && turns >= 2 && index - start as usize >= ahead);
                }
            }
        }
    }
}

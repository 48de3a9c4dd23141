//! A program as a sequencer goes through it.

use bpa_hdl::config::descriptor::{Jump, Program, Step};

/// The first steps of a program as the sequencer goes through it: each line tells where to go on from the one that comes
/// `ahead` places later.
pub fn steps(program: &Program, count: usize) -> Vec<&Step> {
    let mut places = vec![0];
    let mut turns_left = None;
    while places.len() < count {
        let at = places.len() - 1;
        let told = at.checked_sub(program.ahead);
        let jump = told.map_or(Jump::Next, |told| program.lines[places[told]].ahead);
        places.push(match jump {
            Jump::Next => places[at] + 1,
            Jump::Wrap => 1,
            Jump::Loop { start, turns } => {
                let left = turns_left.unwrap_or(turns - 1);
                turns_left = (left > 0).then(|| left - 1);
                if left > 0 {
                    start as usize
                } else {
                    places[at] + 1
                }
            }
        });
    }
    places
        .iter()
        .map(|&place| &program.lines[place].step)
        .collect()
}

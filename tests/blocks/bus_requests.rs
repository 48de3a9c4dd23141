//! Promise: each burst that a reader asks for is granted once and offered with its number, in the order of the grants, until
//! it is taken; one a cycle; a reader that asks waits for one burst of each other reader at the most.

use std::collections::VecDeque;

use bpa_hdl::bus::requests::requests;
use bpa_hdl::config::inputs::Config;

use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};

const READERS: usize = 3;
const ADDRESS_BITS: usize = 28;
const BURSTS: u64 = 400;

const MUTANTS: &[Mutant] = &[
    mutant(
        "a reader that is always the first",
        "turn_q <= turn_d;",
        "turn_d",
        "2'd0",
    ),
    mutant(
        "a burst that is not waited for",
        "open = ~valid_q | request_ready;",
        "~valid_q | request_ready",
        "1'd1",
    ),
    mutant(
        "a burst in every other cycle",
        "open = ~valid_q | request_ready;",
        "~valid_q | request_ready",
        "~valid_q",
    ),
    mutant(
        "the number of another reader",
        "assign request_id = id_q;",
        "id_q",
        "turn_q",
    ),
    mutant(
        "a grant without a place",
        "assign granted_1 = grants_1 & open;",
        "grants_1 & open",
        "grants_1",
    ),
];

#[test]
fn requests_of_readers() {
    let module = requests("bus_requests", READERS, ADDRESS_BITS);
    Block::new(&module, Config::default(), MUTANTS).check(vector);
}

fn vector(run: &mut Run) -> Verdict {
    let mut asks: [_; READERS] = std::array::from_fn(|_| run.idle());
    let mut takes = run.back();
    let mut asked: [Option<(u64, u64)>; READERS] = [None; READERS];
    // Grants of others since a reader asks.
    let mut passed = [0; READERS];
    let mut granted: VecDeque<(u64, u64, u64)> = VecDeque::new();
    let (mut done, mut before) = (0, None);
    run.reset();
    while done < BURSTS {
        for reader in 0..READERS {
            if asked[reader].is_none() && asks[reader].opens() {
                let address = run.choices.below(1 << ADDRESS_BITS);
                asked[reader] = Some((address, run.choices.below(64)));
                passed[reader] = 0;
            }
            let (address, last) = asked[reader].unwrap_or_default();
            run.set(&format!("asks_{reader}"), asked[reader].is_some().into());
            run.set(&format!("address_{reader}"), address);
            run.set(&format!("last_word_{reader}"), last);
        }
        let ready = takes.opens();
        run.set("request_ready", ready.into());
        run.step()?;
        let now = run.high("request_valid").then(|| {
            (
                run.was("request_id"),
                run.was("request_address"),
                run.was("request_last_word"),
            )
        });
        must!(
            run,
            now == granted.front().copied(),
            "{now:x?} for {granted:x?}"
        );
        must!(
            run,
            before.is_none() || before == now,
            "a burst is taken back"
        );
        before = now.filter(|_| !ready);
        let open = now.is_none() || ready;
        if now.is_some() && ready {
            granted.pop_front();
            done += 1;
        }
        let grants: Vec<usize> = (0..READERS)
            .filter(|reader| run.high(&format!("granted_{reader}")))
            .collect();
        let waits = asked.iter().any(Option::is_some);
        must!(
            run,
            grants.len() == usize::from(open && waits),
            "grants of {grants:?}"
        );
        for reader in grants {
            let Some((address, last)) = asked[reader].take() else {
                return Err(format!("cycle {}: {reader} did not ask", run.cycle));
            };
            granted.push_back((reader as u64, address, last));
            for other in (0..READERS).filter(|other| asked[*other].is_some()) {
                passed[other] += 1;
                must!(run, passed[other] < READERS, "{other} is passed over");
            }
        }
    }
    Ok(())
}

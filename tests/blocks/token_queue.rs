//! Promise: tokens leave in order, none before its grad_output has arrived and a frame's first not without weights; each in
//! the first cycle in which it may; `in_ready` is low only while the queue is full.
//!
//! What the block leans on: `out_ready` comes only while `out_valid`.

use std::collections::VecDeque;

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::walk::{token_queue, TokenWidths, DATA_CYCLES, TOKEN_CYCLES};

use crate::must;
use crate::named_layers::example;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::walk::{bits, engine, fixed, token};

const TOKENS: u64 = 300;
/// Pixels that a token needs beyond the one before.
const MOST_NEED: u64 = 12;

/// Those of both queues of three entries.
const THREE: &[Mutant] = &[
    mutant(
        "a token that leaves before its data",
        "may_go_q <= may_go_d;",
        "may_go_d",
        "head_valid_d",
    ),
    mutant(
        "a token lost where the queue is full",
        "third_valid_q <= third_valid_d;",
        "third_valid_d",
        "1'd0",
    ),
    mutant(
        "a token that leaves twice",
        "head_valid_q <= head_valid_d;",
        "head_valid_d",
        "head_valid_d | (out_ready & out_token[0])",
    ),
    mutant(
        "a token overtaken",
        "third_q <= third_d;",
        "third_d",
        "in_token",
    ),
];

const PACED: &[Mutant] = &[
    mutant(
        "a token that leaves before its data",
        "may_go_q <= may_go_d;",
        "may_go_d",
        "head_valid_d & head_valid_q",
    ),
    mutant(
        "what a token needed kept as credit",
        "credit_q <= credit_d;",
        "credit_d",
        "(takes ? credit_q + arrived : credit_d)",
    ),
    mutant(
        "an arrival lost while a token comes in",
        "credit_q <= credit_d;",
        "credit_d",
        "credit_d - (takes & arrived)",
    ),
];

#[test]
fn of_a_fixed_engine() {
    let capacity = Capacity {
        paced: false,
        ..Capacity::exactly(&fixed(&example("strided_dilated")))
    };
    queue("queue", &capacity, THREE);
}

#[test]
fn paced() {
    let capacity = Capacity::exactly(&fixed(&example("strided_dilated")));
    assert!(capacity.paced);
    queue("paced_queue", &capacity, PACED);
}

#[test]
fn of_a_programmable_engine() {
    let capacity = Capacity::within(engine().limits());
    queue("told_queue", &capacity, THREE);
}

fn queue(name: &str, capacity: &Capacity, mutants: &'static [Mutant]) {
    let t = TokenWidths::of(capacity);
    let module = token_queue(name, capacity, &t);
    let block = Block::new(&module, Config::default(), mutants);
    block.check(|run| vector(run, capacity, &t));
}

/// A token inside.
struct Inside {
    packed: u64,
    /// Pixels that must have arrived.
    needs: u64,
    frame_first: bool,
    /// First cycle in which it may leave, were all there.
    from: i64,
}

fn vector(run: &mut Run, capacity: &Capacity, t: &TokenWidths) -> Verdict {
    let places = if capacity.paced { 1 } else { 3 };
    let jobs = capacity.frames.is_some();
    let [mut offers, mut takes, mut arrives] = [run.idle(), run.back(), run.idle()];
    let mut weights_come = run.idle();
    let mut inside: VecDeque<Inside> = VecDeque::new();
    let (mut entered, mut left) = (0, 0);
    let mut offered: Option<Inside> = None;
    // Pixels that all tokens so far need, and the last one that left.
    let (mut needed, mut left_needs) = (0, 0);
    // Pixels that had arrived before a cycle; those before the first are none.
    let mut arrived = vec![0_u64];
    let mut weights_before = false;
    run.reset();
    while left < TOKENS {
        if offered.is_none() && entered < TOKENS && offers.opens() {
            let most = capacity.need.min(capacity.line_pixels).min(MOST_NEED);
            let need = run.choices.below(1 + most);
            needed += need;
            let noise = run.choices.below(1 << 40) as i64;
            let frame_first = run.choices.below(4) == 0;
            let packed = token(t, |field| match field {
                "need" if capacity.paced => -(need as i64),
                "need" => needed as i64,
                "frame_first" => frame_first.into(),
                _ => noise,
            });
            offered = Some(Inside {
                packed,
                needs: needed,
                frame_first,
                from: 0,
            });
        }
        run.set("in_valid", offered.is_some().into());
        let noise = run.choices.below(1 << t.bits());
        run.set("in_token", offered.as_ref().map_or(noise, |it| it.packed));
        // No more than a line buffer beyond what the last one needed that left.
        let all = *arrived.last().unwrap_or(&0);
        let arrival = all < left_needs + capacity.line_pixels && arrives.opens();
        match jobs {
            true => run.set("stored", bits(all as i64, t.need)),
            false => run.set("arrived", arrival.into()),
        }
        arrived.push(all + u64::from(arrival));
        let weights = weights_come.opens();
        run.set("weights_ready", weights.into());
        let take = run.next("out_valid") != 0 && takes.opens();
        run.set("out_ready", take.into());
        run.step()?;

        let ready = run.high("in_ready");
        let full = inside.len() >= places;
        must!(
            run,
            ready != full,
            "in_ready is {ready} at {} tokens",
            inside.len()
        );
        let there = |cycle: i64| arrived[(cycle + 1).max(0) as usize];
        let due = inside.front().is_some_and(|it| {
            let data = there(run.cycle - DATA_CYCLES as i64) >= it.needs;
            run.cycle >= it.from && data && (weights_before || !it.frame_first)
        });
        let valid = run.high("out_valid");
        must!(run, valid == due, "token {left}: out_valid is {valid}");
        if let (true, Some(it)) = (due, inside.front()) {
            let found = run.was("out_token");
            must!(
                run,
                found == it.packed,
                "token {left}: {found:#x} for {:#x}",
                it.packed
            );
        }
        if take {
            left_needs = inside.pop_front().map_or(left_needs, |it| it.needs);
            left += 1;
            if let Some(next) = inside.front_mut() {
                next.from = next.from.max(run.cycle + 1);
            }
        }
        if let Some(it) = offered.take_if(|_| ready) {
            entered += 1;
            inside.push_back(Inside {
                from: run.cycle + TOKEN_CYCLES as i64,
                ..it
            });
        }
        weights_before = weights;
    }
    Ok(())
}

//! The walk along one axis of grad_input, where the layer is told into memories.

use crate::axis_walk::{AxisName, AxisWidths};
use crate::carry_adders::{chosen_sum, Chosen};
use crate::config::Config;
use crate::descriptor::{Axis, Descriptor, Slot};
use crate::hull::{AxisHull, Hull};
use crate::memory::prompt_memory;
use crate::ring::{ring_step, Ring};
use crate::rtl::{bits_for, lit, Expr, Module};
use crate::target::Target;
use crate::told_memory::{number, LoadBus, Number};

const DOC: &str = "\
Walks one axis of grad_input as the walk of a fixed engine does, position by position, slot by slot.
What the layer tells of its slots stands in memories, and so does what changes from a slot's visit to
its next: a slot costs no logic. A round is one visit of each slot. Taps enter and leave in rounds
that have a constant distance, so that the rounds are counted once for all slots, by themselves and
modulo that distance.

Promise: the outputs describe the present visit and are valid in every cycle after reset;
`advance` moves to the next visit in one cycle, and from the last straight to the first.";

/// Builds the walk. `opened` tells what the first pixel of a row, or of a column, opens where a slot
/// opens so many positions more than one.
///
/// Ports beside clock, reset and configuration: `advance`; outputs `taps`, `address`, `weight`,
/// `opens`, `opened`, `closes`, `last`, `skip`.
pub fn told_walk(
    name: &str,
    axis: AxisName,
    (hull, axis_hull): (&Hull, &AxisHull),
    w: &AxisWidths,
    opened: fn(&Descriptor, extra: u64) -> u64,
    target: Target,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let ring = Ring::of_walk(hull);
    let slots = axis_hull.slots as u64;
    let slot_bits = bits_for(slots - 1);
    let round_bits = bits_for(axis_hull.visits - 1);
    let advance = m.input("advance", 1, "go to the next visit");
    let out_taps = m.output("taps", w.taps, "taps here");
    let out_address = m.output("address", ring.width, "line-buffer offset of the first tap");
    let out_weight = m.output("weight", w.weight, "weight offset of the first tap");
    let out_opens = m.output("opens", 1, "needs grad_output that no visit before needed");
    let out_opened = m.output("opened", w.extra, "pixels that its first pixel opens then");
    let out_closes = m.output("closes", 1, "one position of grad_output is dead after it");
    let out_last = m.output("last", 1, "last visit of the walk");
    let out_skip = m.output("skip", w.skip, "beats without a tap since the visit before");

    let mut port = |m: &mut Module, name: &str, width, value: fn(&Axis) -> u64, comment: &str| {
        let name = format!("{}_{name}", axis.name);
        config.port(m, &name, width, move |d| value((axis.of)(d)), comment)
    };
    let comment = "live phases, less one";
    let slots_less_1 = port(
        &mut m,
        "slots_less_1",
        slot_bits,
        |axis| axis.slots.len() as u64 - 1,
        comment,
    );
    let comment = "rounds of a walk, less one";
    let last_round = port(
        &mut m,
        "last_round",
        round_bits,
        |axis| (axis.visits - 1) / axis.slots.len() as u64,
        comment,
    );
    let comment = "slot of its last visit";
    let last_slot = port(
        &mut m,
        "last_slot",
        slot_bits,
        |axis| (axis.visits - 1) % axis.slots.len() as u64,
        comment,
    );
    let address_step = port(
        &mut m,
        "address_step",
        ring.width,
        |axis| axis.address_step,
        "words from a visit of a slot to its next",
    );
    let address_clip = port(
        &mut m,
        "address_clip",
        ring.width,
        |axis| axis.address_clip,
        "words from a visit of a slot to its next where its first tap leaves",
    );
    let weight_tap = port(
        &mut m,
        "weight_tap",
        w.weight,
        |axis| axis.weight_tap,
        "weight words from tap to tap",
    );
    // A distance that no walk reaches is as good as any such.
    let rounds = 1 << round_bits;
    let period = {
        let name = format!("{}_period_less_1", axis.name);
        let comment = "rounds between taps that enter, or leave, less one";
        let value = move |d: &Descriptor| ((axis.of)(d).period - 1).min(rounds - 1);
        config.port(&mut m, &name, round_bits, value, comment)
    };
    config.at_most(&format!("{}_slots_less_1", axis.name), slots - 1);
    config.at_most(&format!("{}_last_slot", axis.name), slots - 1);

    let fresh = m.reg("fresh", 1, 1, "first round");
    let slot = m.reg("slot", slot_bits, 0, "slot of this visit");
    let round = m.reg("round", round_bits, 0, "rounds before this one");
    let phase = m.reg(
        "phase",
        round_bits,
        0,
        "the same modulo the distance of taps that enter",
    );

    // What the layer tells.
    let of_slot = move |value: fn(&Slot, &Axis) -> u64| {
        move |d: &Descriptor, index: u64| {
            let axis = (axis.of)(d);
            axis.slots
                .get(index as usize)
                .map_or(0, |slot| value(slot, axis))
        }
    };
    // One round more than there are never comes.
    let never = move |round: u64| round.min(rounds);
    let round_of = move |value: fn(&Slot, &Axis) -> u64| {
        let of_slot = of_slot(value);
        move |d: &Descriptor, index: u64| never(of_slot(d, index))
    };
    let slot_numbers = vec![
        number(
            "taps",
            w.taps,
            "taps at the first visit",
            of_slot(|s, _| s.taps),
        ),
        number(
            "grows_left",
            w.grows_left,
            "taps that have yet to enter then",
            of_slot(|s, _| s.grows_left),
        ),
        number(
            "clipped",
            1,
            "taps that open have left before",
            of_slot(|s, _| s.clipped.into()),
        ),
        number(
            "clips",
            1,
            "taps leave from the first distance on",
            of_slot(|s, axis| (s.clip_in < axis.period).into()),
        ),
        number(
            "address",
            ring.width,
            "line-buffer offset of its first tap, words",
            of_slot(|s, _| s.address),
        ),
        number(
            "weight",
            w.weight,
            "weight offset of its first tap, words",
            of_slot(|s, _| s.weight),
        ),
        number(
            "clip_round",
            round_bits + 1,
            "round in which its first tap leaves",
            round_of(|s, _| s.clip_in),
        ),
        number(
            "clip_phase",
            round_bits + 1,
            "the same modulo the distance",
            round_of(|s, axis| s.clip_in % axis.period),
        ),
        number(
            "grow_phase",
            round_bits + 1,
            "likewise where a tap enters",
            round_of(|s, _| s.grow_in),
        ),
        number(
            "closes",
            1,
            "holds the kernel's last tap",
            of_slot(|s, _| s.closes.into()),
        ),
    ];
    // Apart from these what differs in the first round, by slot: later rounds first.
    let first_round = 1 << slot_bits;
    let of_visit = move |value: fn(&Axis, &Slot, Option<bool>) -> u64| {
        move |d: &Descriptor, entry: u64| {
            let axis = (axis.of)(d);
            let index = entry % first_round;
            let first = (entry >= first_round).then_some(index == 0);
            axis.slots
                .get(index as usize)
                .map_or(0, |slot| value(axis, slot, first))
        }
    };
    let visit_opens = of_visit(opens);
    let visit_opened = move |d: &Descriptor, entry: u64| {
        let extra = of_visit(|_, slot, first| first.map_or(0, |_| slot.extra))(d, entry);
        match visit_opens(d, entry) {
            0 => 0,
            _ => opened(d, extra),
        }
    };
    let visit_numbers = vec![
        number("opens", 1, "needs new input", of_visit(opens)),
        number(
            "opened",
            w.extra,
            "pixels that its first pixel opens then",
            visit_opened,
        ),
        number(
            "skip",
            w.skip,
            "beats without a tap since the visit before",
            of_visit(|axis, slot, first| match first {
                Some(true) => axis.first_skip,
                _ => slot.skip,
            }),
        ),
    ];
    let visit_place = m.net("visit_place", slot_bits + 1, "");
    m.assign(&visit_place.slice(0, slot_bits), &slot.q);
    m.assign(&visit_place.bit(slot_bits), &fresh.q);
    let mut bus = LoadBus::declare(&mut m, config, hull.entry_bits());
    let all: Vec<u64> = (0..slots).collect();
    let twice: Vec<u64> = all
        .iter()
        .copied()
        .chain(all.iter().map(|slot| first_round + slot))
        .collect();
    let names = ["slots", "visits"].map(|what| format!("{}_{what}", axis.name));
    let state: Vec<(&str, usize)> = slot_numbers[..6]
        .iter()
        .map(|n: &Number| (n.name, n.width))
        .collect();
    let told = bus.memory(&mut m, config, &names[0], slot_numbers, (&all, &slot.q));
    let visit = bus.memory(
        &mut m,
        config,
        &names[1],
        visit_numbers,
        (&twice, &visit_place),
    );
    bus.close(&mut m);

    // The state of this slot: told in the first round, then what its last visit left.
    let state_bits = state.iter().map(|&(_, width)| width).sum();
    let kept = m.net("kept", state_bits, "");
    let kept_next = m.net("kept_next", state_bits, "");
    let now: Vec<Expr> = state
        .iter()
        .map(|&(name, width)| m.net(&format!("now_{name}"), width, ""))
        .collect();
    let [taps, grows_left, clipped, clips, address, weight] =
        [0, 1, 2, 3, 4, 5].map(|i: usize| &now[i]);
    m.instance(
        "u_kept",
        prompt_memory(&format!("{name}_kept"), 1 << slot_bits, state_bits),
        vec![
            ("write", advance.clone()),
            ("write_address", slot.q.clone()),
            ("write_data", kept_next.clone()),
            ("read_address", slot.q.clone()),
            ("read_data", kept.clone()),
        ],
    );
    let clip = m.net("clip", 1, "the first tap leaves at the far border");
    let grow = m.net("grow", 1, "a tap enters at the near border");
    let last = m.net("last_visit", 1, "");
    m.observe(|b| {
        b.comment("This slot now.");
        let mut low = 0;
        for (&(name, width), net) in state.iter().zip(&now) {
            b.select(net, &fresh.q, &told[name], &kept.slice(low, width));
            low += width;
        }
        let wide = |count: &Expr| count.zext(round_bits + 1);
        b.set(&last, &(round.q.eq(&last_round) & slot.q.eq(&last_slot)));
        b.set(
            &grow,
            &(wide(&phase.q).eq(&told["grow_phase"]) & grows_left.non_zero()),
        );
        b.set(
            &clip,
            &(wide(&phase.q).eq(&told["clip_phase"])
                & (clips | wide(&round.q).eq(&told["clip_round"]))
                & taps.non_zero()),
        );
    });
    let moved = match ring.size(&mut m, config) {
        None => {
            let operands = Chosen {
                from: address,
                choose: &clip,
                one: &address_clip,
                other: &address_step,
            };
            chosen_sum(&mut m, "moved", operands, target)
        }
        Some(size) => {
            let step = m.net("step", ring.width, "");
            let wrapping = m.net("wrapping", ring.width + 1, "the step less the line buffer");
            m.observe(|b| {
                b.select(&step, &clip, &address_clip, &address_step);
                b.set(&wrapping, &ring.wrapping(&step, &size));
            });
            ring_step(&mut m, "moved", address, &step, Some(&wrapping))
        }
    };
    let operands = Chosen {
        from: weight,
        choose: &clip,
        one: &weight_tap,
        other: &lit(0, w.weight),
    };
    let weight_moved = chosen_sum(&mut m, "weight_moved", operands, target);
    let next: Vec<Expr> = state
        .iter()
        .map(|&(name, width)| m.net(&format!("next_{name}"), width, ""))
        .collect();
    m.comb(|b| {
        b.comment("This slot at its next visit.");
        b.set(&next[0], taps);
        b.when_else(
            &(&grow & !&clip),
            |b| b.set(&next[0], &taps.plus(1)),
            |b| b.when(&(&clip & !&grow), |b| b.set(&next[0], &taps.minus(1))),
        );
        b.set(&next[1], &(grows_left - grow.zext(w.grows_left)));
        b.set(&next[2], &(clipped | &clip));
        b.set(&next[3], &(clips | &clip));
        b.set(&next[4], &moved);
        b.set(&next[5], &weight_moved);
        let mut low = 0;
        for (&(_, width), net) in state.iter().zip(&next) {
            b.set_slice(&kept_next, low, net);
            low += width;
        }
        b.comment("The next visit.");
        b.when(&advance, |b| {
            b.set(&slot.d, &slot.q.plus(1));
            b.when(&slot.q.eq(&slots_less_1), |b| {
                b.set(&slot.d, &lit(0, slot_bits));
                b.set(&fresh.d, &lit(0, 1));
                b.set(&round.d, &round.q.plus(1));
                b.set(&phase.d, &phase.q.plus(1));
                b.when(&phase.q.eq(&period), |b| {
                    b.set(&phase.d, &lit(0, round_bits))
                });
            });
        });
        b.comment("A new walk; by itself, because it is then no more than a synchronous reset.");
        b.when(&(&advance & &last), |b| {
            b.set(&fresh.d, &lit(1, 1));
            b.set(&slot.d, &lit(0, slot_bits));
            b.set(&round.d, &lit(0, round_bits));
            b.set(&phase.d, &lit(0, round_bits));
        });
    });
    m.assign(&out_taps, taps);
    m.assign(&out_address, address);
    m.assign(&out_weight, weight);
    m.assign(&out_opens, &(&visit["opens"] & (&fresh.q | !clipped)));
    m.assign(&out_opened, &visit["opened"]);
    m.assign(
        &out_closes,
        &(&told["closes"] & grows_left.is_zero() & taps.non_zero()),
    );
    m.assign(&out_last, &last);
    m.assign(&out_skip, &visit["skip"]);
    m
}

/// Whether a slot's visit opens anything, in the first round or later.
fn opens(_: &Axis, slot: &Slot, first: Option<bool>) -> u64 {
    match first {
        Some(_) => slot.opens_first.into(),
        None => slot.opens.into(),
    }
}

//! The walk along one axis of grad_input.

use crate::config::Config;
use crate::descriptor::{Axis, Slot};
use crate::ring::{ring_add, Ring};
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};

const DOC: &str = "\
Walks one axis of grad_input, position by position, and tells for each which taps of the kernel
reach it. Taps of one position follow one another at constant steps, so their number and the
first one's offsets say all.

Only positions of a live phase (one that some tap can reach) are visited, from the first to the
last with a tap. Each live phase has a slot; slots take turns. A slot's state holds for its next
visit: taps enter at the near border and leave at the far border, at most one each a visit.

Promise: the outputs describe the present visit and are valid in every cycle after reset;
`advance` moves to the next visit in one cycle, and from the last straight to the first.";

/// Widths of one axis walk.
#[derive(Clone, Debug)]
pub struct AxisWidths {
    pub slot: usize,
    pub visits: usize,
    pub clip_in: usize,
    pub grow_in: usize,
    pub grows_left: usize,
    pub taps: usize,
    pub address: usize,
    pub weight: usize,
    pub extra: usize,
    pub skip: usize,
}

impl AxisWidths {
    /// The widths that just hold one axis.
    pub fn exactly(axis: &Axis, address: usize, weight: usize, extra: usize, skip: usize) -> Self {
        let most = |field: fn(&Slot) -> u64| axis.slots.iter().map(field).max().unwrap_or(0);
        AxisWidths {
            slot: bits_for(axis.slots.len() as u64 - 1),
            visits: bits_for(axis.visits - 1),
            clip_in: bits_for(most(|s| s.clip_in).max(axis.period)),
            grow_in: bits_for(most(|s| s.grow_in).max(axis.period - 1)),
            grows_left: bits_for(most(|s| s.grows_left)),
            taps: bits_for(axis.max_taps),
            address,
            weight,
            extra,
            skip,
        }
    }
}

/// One field of a slot's state: its name, its width, its value at the slot's first visit.
struct Field {
    name: &'static str,
    width: usize,
    first: fn(&Slot) -> u64,
}

fn fields(axis: &Axis, w: &AxisWidths) -> Vec<Field> {
    let field = |name, width, first| Field { name, width, first };
    let mut fields = vec![
        field("taps", w.taps, |s| s.taps),
        field("address", w.address, |s| s.address),
        field("weight", w.weight, |s| s.weight),
        field("clip_in", w.clip_in, |s| s.clip_in),
        field("clipped", 1, |s| u64::from(s.clipped)),
        field("grows_left", w.grows_left, |s| s.grows_left),
    ];
    if axis.period > 1 {
        fields.push(field("grow_in", w.grow_in, |s| s.grow_in));
    }
    fields
}

/// What the configuration says of one slot.
struct SlotConfig {
    first: Vec<Expr>,
    opens_first: Expr,
    extra: Expr,
    opens: Expr,
    closes: Expr,
    skip: Option<Expr>,
}

/// What all slots of an axis share.
struct SlotShape<'a> {
    axis_name: &'a str,
    fields: &'a [Field],
    widths: &'a AxisWidths,
    skips: bool,
}

fn slot_config(
    m: &mut Module,
    config: &mut Config,
    shape: &SlotShape,
    index: usize,
    slot: &Slot,
) -> SlotConfig {
    let &SlotShape {
        axis_name,
        fields,
        widths: w,
        skips,
    } = shape;
    let mut port = |name: &str, width: usize, value: u64, comment: &str| {
        let name = format!("{axis_name}_slot{index}_{name}");
        config.port(m, &name, width, value, comment)
    };
    let comment = |name: &str| match name {
        "taps" => "taps at the first visit",
        "address" => "line-buffer offset of its first tap, words",
        "weight" => "weight offset of its first tap, words",
        "clip_in" => "visits until its first tap leaves",
        "clipped" => "taps have left before the first visit",
        "grows_left" => "taps that have yet to enter",
        _ => "visits until a tap enters",
    };
    SlotConfig {
        first: fields
            .iter()
            .map(|f| port(f.name, f.width, (f.first)(slot), comment(f.name)))
            .collect(),
        opens_first: port(
            "opens_first",
            1,
            u64::from(slot.opens_first),
            "first visit needs new input",
        ),
        extra: port(
            "extra",
            w.extra,
            slot.extra,
            "pixels that the first visit opens beyond one position",
        ),
        opens: port(
            "opens",
            1,
            u64::from(slot.opens),
            "later visits need new input",
        ),
        closes: port(
            "closes",
            1,
            u64::from(slot.closes),
            "holds the kernel's last tap",
        ),
        skip: skips.then(|| {
            port(
                "skip",
                w.skip,
                slot.skip,
                "beats without a tap since the visit before",
            )
        }),
    }
}

/// Builds the walk of the axis named `axis_name` (`row` or `col`).
///
/// Ports beside clock, reset and configuration: `advance`; outputs `taps`, `address`, `weight`,
/// `opens`, `extra`, `closes`, `last` and, with `skips`, `skip`.
pub fn axis_walk(
    name: &str,
    axis_name: &str,
    axis: &Axis,
    w: &AxisWidths,
    ring: Ring,
    skips: bool,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let slots = axis.slots.len();
    let advance = m.input("advance", 1, "go to the next visit");
    let taps = m.output("taps", w.taps, "taps at this position");
    let address = m.output("address", w.address, "line-buffer offset of the first tap");
    let weight = m.output("weight", w.weight, "weight offset of the first tap");
    let opens = m.output("opens", 1, "needs grad_output that no visit before needed");
    let extra = m.output("extra", w.extra, "pixels it opens beyond one position");
    let closes = m.output("closes", 1, "one position of grad_output is dead after it");
    let last = m.output("last", 1, "last visit of the walk");
    let skip =
        skips.then(|| m.output("skip", w.skip, "beats without a tap since the visit before"));

    let mut port = |m: &mut Module, name: &str, width: usize, value: u64, comment: &str| {
        config.port(m, &format!("{axis_name}_{name}"), width, value, comment)
    };
    let cfg_visits = port(
        &mut m,
        "visits_less_1",
        w.visits,
        axis.visits - 1,
        "visits of a walk, less one",
    );
    let cfg_step = port(
        &mut m,
        "address_step",
        w.address,
        axis.address_step,
        "words from a visit of a slot to its next",
    );
    let cfg_clip = port(
        &mut m,
        "address_clip",
        w.address,
        axis.address_clip,
        "the same where its first tap leaves",
    );
    let cfg_weight = port(
        &mut m,
        "weight_tap",
        w.weight,
        axis.weight_tap,
        "weight words from tap to tap",
    );
    let cfg_first_skip = skips.then(|| {
        port(
            &mut m,
            "first_skip",
            w.skip,
            axis.first_skip,
            "beats without a tap before the first visit",
        )
    });
    let cfg_period_clip = port(
        &mut m,
        "clip_period_less_1",
        w.clip_in,
        axis.period - 1,
        "visits of a slot between taps that leave, less one",
    );
    let cfg_period_grow = (axis.period > 1).then(|| {
        port(
            &mut m,
            "grow_period_less_1",
            w.grow_in,
            axis.period - 1,
            "visits of a slot between taps that enter, less one",
        )
    });
    let ring_size = ring.port(&mut m, config);
    let fields = fields(axis, w);
    let shape = SlotShape {
        axis_name,
        fields: &fields,
        widths: w,
        skips,
    };
    let slot_cfg: Vec<SlotConfig> = axis
        .slots
        .iter()
        .enumerate()
        .map(|(i, s)| slot_config(&mut m, config, &shape, i, s))
        .collect();

    let state: Vec<Reg> = fields
        .iter()
        .zip(&slot_cfg[0].first)
        .map(|(f, first)| m.reg_from(f.name, first.clone(), ""))
        .collect();
    let field = |name: &str| -> usize {
        fields
            .iter()
            .position(|f| f.name == name)
            .unwrap_or_else(|| unreachable!("no field {name}"))
    };
    let q = |name: &str| -> &Expr { &state[field(name)].q };
    let fresh = m.reg("fresh", 1, 1, "first round of the slots");
    let slot = (slots > 1).then(|| m.reg("slot", w.slot, 0, "slot of this visit"));
    let visits_left = m.reg_from("visits_left", cfg_visits.clone(), "visits after this one");
    let at_last = m.net("at_last", 1, "");

    // The slot's state at its next visit.
    let again: Vec<Expr> = fields
        .iter()
        .map(|f| m.net(&format!("again_{}", f.name), f.width, ""))
        .collect();
    let a = |name: &str| -> &Expr { &again[field(name)] };
    let clip = m.net("clip", 1, "the first tap leaves at the far border");
    let grow = m.net("grow", 1, "a tap enters at the near border");
    let step = m.net("step", w.address, "");
    m.comb(|b| {
        b.comment("This slot's state at its next visit.");
        b.set(&clip, &(q("clip_in").is_zero() & q("taps").non_zero()));
        b.set(&grow, &q("grows_left").non_zero());
        if let Some(period) = &cfg_period_grow {
            b.set(a("grow_in"), &q("grow_in").minus(1));
            b.when_else(
                &q("grow_in").is_zero(),
                |b| b.set(a("grow_in"), period),
                |b| b.set(&grow, &lit(0, 1)),
            );
        }
        b.set(a("taps"), q("taps"));
        b.when_else(
            &(&grow & !&clip),
            |b| b.set(a("taps"), &q("taps").plus(1)),
            |b| b.when(&(&clip & !&grow), |b| b.set(a("taps"), &q("taps").minus(1))),
        );
        b.set(a("grows_left"), q("grows_left"));
        b.when(&grow, |b| b.set(a("grows_left"), &q("grows_left").minus(1)));
        b.set(a("clip_in"), &q("clip_in").minus(1));
        b.set(a("clipped"), q("clipped"));
        b.set(a("weight"), q("weight"));
        b.set(&step, &cfg_step);
        b.when(&clip, |b| {
            b.set(a("clip_in"), &cfg_period_clip);
            b.set(a("clipped"), &lit(1, 1));
            b.set(a("weight"), &(q("weight") + &cfg_weight));
            b.set(&step, &cfg_clip);
        });
    });
    let moved = ring_add(&mut m, "moved", q("address"), &step, &ring_size);
    m.comb(|b| b.set(a("address"), &moved));

    let packed_bits: usize = fields.iter().map(|f| f.width).sum();
    let waiting: Vec<Reg> = (1..slots)
        .map(|i| {
            m.data_reg(
                &format!("waiting{i}"),
                packed_bits,
                "state of a slot whose turn is later",
            )
        })
        .collect();
    m.comb(|b| {
        b.when(&advance, |b| {
            b.set(&visits_left.d, &visits_left.q.minus(1));
            for (index, reg) in waiting.iter().enumerate() {
                match waiting.get(index + 1) {
                    Some(next) => b.set(&reg.d, &next.q),
                    None => pack(b, &reg.d, &again),
                }
            }
            match &slot {
                None => {
                    b.set(&fresh.d, &lit(0, 1));
                    for (reg, value) in state.iter().zip(&again) {
                        b.set(&reg.d, value);
                    }
                }
                Some(slot) => next_slot(b, &fields, &slot_cfg, &state, &waiting[0], slot, &fresh),
            }
            b.when(&at_last, |b| {
                b.set(&visits_left.d, &cfg_visits);
                b.set(&fresh.d, &lit(1, 1));
                if let Some(slot) = &slot {
                    b.set(&slot.d, &lit(0, w.slot));
                }
                begin(b, &slot_cfg[0], &state);
            });
        });
    });

    let opening = m.net("opening", 1, "");
    let opened = m.net("opened", w.extra, "");
    let closing = m.net("closing", 1, "");
    let skipped = skip.as_ref().map(|_| m.net("skipped", w.skip, ""));
    let by_slot = |b: &mut Body, build: &dyn Fn(&mut Body, &SlotConfig)| match &slot {
        Some(slot) => b.case(&slot.q, slots, |b, i| build(b, &slot_cfg[i])),
        None => build(b, &slot_cfg[0]),
    };
    m.observe(|b| {
        b.comment("What this visit opens and closes.");
        b.set(&at_last, &visits_left.q.is_zero());
        by_slot(b, &|b, s| {
            b.set(&opening, &(&s.opens & !q("clipped")));
            b.set(&opened, &lit(0, w.extra));
            b.set(
                &closing,
                &(&s.closes & q("grows_left").is_zero() & q("taps").non_zero()),
            );
            if let (Some(skipped), Some(value)) = (&skipped, &s.skip) {
                b.set(skipped, value);
            }
            b.when(&fresh.q, |b| {
                b.set(&opening, &s.opens_first);
                b.set(&opened, &s.extra);
            });
        });
        if let (Some(skipped), Some(value)) = (&skipped, &cfg_first_skip) {
            let first = match &slot {
                Some(slot) => &fresh.q & slot.q.is_zero(),
                None => fresh.q.clone(),
            };
            b.when(&first, |b| b.set(skipped, value));
        }
    });

    m.assign(&taps, q("taps"));
    m.assign(&address, q("address"));
    m.assign(&weight, q("weight"));
    m.assign(&last, &at_last);
    m.assign(&opens, &opening);
    m.assign(&extra, &opened);
    m.assign(&closes, &closing);
    if let (Some(skip), Some(skipped)) = (&skip, &skipped) {
        m.assign(skip, skipped);
    }
    m
}

fn pack(b: &mut Body, target: &Expr, values: &[Expr]) {
    let mut low = 0;
    for value in values {
        b.set_slice(target, low, value);
        low += value.width();
    }
}

/// Loads a slot's state for its first visit.
fn begin(b: &mut Body, slot: &SlotConfig, state: &[Reg]) {
    for (first, reg) in slot.first.iter().zip(state) {
        b.set(&reg.d, first);
    }
}

/// Loads the next slot: from the configuration in the first round, else the one that waits.
fn next_slot(
    b: &mut Body,
    fields: &[Field],
    slots: &[SlotConfig],
    state: &[Reg],
    waiting: &Reg,
    slot: &Reg,
    fresh: &Reg,
) {
    let mut low = 0;
    for (field, reg) in fields.iter().zip(state) {
        b.set(&reg.d, &waiting.q.slice(low, field.width));
        low += field.width;
    }
    b.set(&slot.d, &slot.q.plus(1));
    b.when_else(
        &slot.q.eq(&lit(slots.len() as u64 - 1, slot.q.width())),
        |b| {
            b.set(&slot.d, &lit(0, slot.q.width()));
            b.set(&fresh.d, &lit(0, 1));
        },
        |b| {
            b.when(&fresh.q, |b| match slots.len() {
                2 => begin(b, &slots[1], state),
                _ => b.case(&slot.q, slots.len() - 1, |b, i| {
                    begin(b, &slots[i + 1], state)
                }),
            });
        },
    );
}

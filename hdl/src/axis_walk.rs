//! The walk along one axis of grad_input.

use crate::config::Config;
use crate::descriptor::{Axis, Descriptor, Slot};
use crate::hull::AxisHull;
use crate::ring::{ring_step, Ring};
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use std::rc::Rc;

const DOC: &str = "\
Walks one axis of grad_input, position by position, and tells for each which taps of the kernel
reach it. Taps of one position follow one another at constant steps, so their number and the
first one's offsets say all.

Only positions of a live phase (one that some tap can reach) are visited, from the first to the
last with a tap. Each live phase has a slot; slots take turns. A slot's state holds for its next
visit: taps enter at the near border and leave at the far border, at most one each a visit.

Promise: the outputs describe the present visit and are valid in every cycle after reset;
`advance` moves to the next visit in one cycle, and from the last straight to the first.";

/// What an axis walk counts its addresses in.
#[derive(Clone, Copy, Debug)]
pub struct WalkUnits {
    /// The line buffer in these units.
    pub ring: Ring,
    /// A unit of the line buffer is two to this many words.
    pub address_bits: usize,
    /// A unit of a weight offset is two to this many words.
    pub weight_bits: usize,
}

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
    /// The widths that just hold what the hull does.
    pub fn of(hull: &AxisHull, address: usize, weight: usize, extra: usize, skip: usize) -> Self {
        AxisWidths {
            slot: bits_for(hull.slots as u64 - 1),
            visits: bits_for(hull.visits - 1),
            clip_in: bits_for(hull.clip_in.max(hull.period)),
            grow_in: bits_for(hull.grow_in.max(hull.period - 1)),
            grows_left: bits_for(hull.grows_left),
            taps: bits_for(hull.taps - hull.always_taps()),
            address,
            weight,
            extra,
            skip,
        }
    }
}

/// A number of an axis.
type OfAxis = Box<dyn Fn(&Axis) -> u64>;

/// A number of a slot.
type OfSlot = Rc<dyn Fn(&Slot) -> u64>;

/// One field of a slot's state: its name, its width, its value at the slot's first visit.
struct Field {
    name: &'static str,
    width: usize,
    first: OfSlot,
}

fn fields(hull: &AxisHull, w: &AxisWidths, units: &WalkUnits) -> Vec<Field> {
    fn field(name: &'static str, width: usize, first: impl Fn(&Slot) -> u64 + 'static) -> Field {
        let first = Rc::new(first);
        Field { name, width, first }
    }
    let always = hull.always_taps();
    let WalkUnits {
        address_bits,
        weight_bits,
        ..
    } = *units;
    let mut fields = vec![
        field("taps", w.taps, move |s| s.taps - always),
        field("address", w.address, move |s| s.address >> address_bits),
        field("weight", w.weight, move |s| s.weight >> weight_bits),
        field("clips", 1, |s| u64::from(s.clip_in == 0)),
        field("clipped", 1, |s| u64::from(s.clipped)),
        field("grows_left", w.grows_left, |s| s.grows_left),
    ];
    if hull.period > 1 {
        fields.push(field("clip_in", w.clip_in, |s| s.clip_in));
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
    /// Visits left at its last visit before its first tap leaves, where one tap leaves at every
    /// visit from then on.
    clip_after: Option<Expr>,
}

/// What all slots of an axis share.
struct SlotShape<'a> {
    axis: AxisName,
    fields: &'a [Field],
    widths: &'a AxisWidths,
    skips: bool,
    /// From the first on, a tap leaves at every visit.
    clips_on: bool,
}

fn slot_config(m: &mut Module, config: &mut Config, shape: &SlotShape, index: usize) -> SlotConfig {
    let &SlotShape {
        axis,
        fields,
        widths: w,
        skips,
        clips_on,
    } = shape;
    let mut port = |name: &str, width: usize, value: OfSlot, comment: &str| {
        let name = format!("{}_slot{index}_{name}", axis.name);
        let of_layer =
            move |d: &Descriptor| (axis.of)(d).slots.get(index).map_or(0, |slot| value(slot));
        config.port(m, &name, width, of_layer, comment)
    };
    let comment = |name: &str| match name {
        "taps" => "taps at the first visit beyond those that every visit has",
        "address" => "line-buffer offset of its first tap, units",
        "weight" => "weight offset of its first tap, units",
        "clip_in" => "visits until its first tap leaves",
        "clips" => "it leaves after the first visit",
        "clipped" => "taps have left before the first visit",
        "grows_left" => "taps that have yet to enter",
        _ => "visits until a tap enters",
    };
    SlotConfig {
        first: fields
            .iter()
            .map(|f| port(f.name, f.width, f.first.clone(), comment(f.name)))
            .collect(),
        opens_first: port(
            "opens_first",
            1,
            Rc::new(|slot| u64::from(slot.opens_first)),
            "first visit needs new input",
        ),
        extra: port(
            "extra",
            w.extra,
            Rc::new(|slot| slot.extra),
            "pixels that the first visit opens beyond one position",
        ),
        opens: port(
            "opens",
            1,
            Rc::new(|slot| u64::from(slot.opens)),
            "later visits need new input",
        ),
        closes: port(
            "closes",
            1,
            Rc::new(|slot| u64::from(slot.closes)),
            "holds the kernel's last tap",
        ),
        skip: skips.then(|| {
            port(
                "skip",
                w.skip,
                Rc::new(|slot| slot.skip),
                "beats without a tap since the visit before",
            )
        }),
        clip_after: clips_on.then(|| {
            let name = format!("{}_slot{index}_clip_after", axis.name);
            let never = 1 << w.visits;
            let after = move |d: &Descriptor| (axis.of)(d).clip_after(index).unwrap_or(never);
            let comment = "visits left at its last visit before its first tap leaves";
            config.port(m, &name, w.visits + 1, after, comment)
        }),
    }
}

/// An axis: its name and where a layer keeps it.
#[derive(Clone, Copy)]
pub struct AxisName {
    pub name: &'static str,
    pub of: fn(&Descriptor) -> &Axis,
}

/// Rows.
pub const ROW: AxisName = AxisName {
    name: "row",
    of: |d| &d.rows,
};
/// Columns.
pub const COL: AxisName = AxisName {
    name: "col",
    of: |d| &d.cols,
};

/// Builds the walk of an axis.
///
/// Ports beside clock, reset and configuration: `advance`; outputs `taps`, `address`, `weight`,
/// `opens`, `extra`, `closes`, `last` and, with `skips`, `skip`.
pub fn axis_walk(
    name: &str,
    axis: AxisName,
    hull: &AxisHull,
    w: &AxisWidths,
    units: &WalkUnits,
    skips: bool,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let slots = hull.slots;
    let advance = m.input("advance", 1, "go to the next visit");
    let taps = m.output(
        "taps",
        w.taps,
        "taps here beyond those that every visit has",
    );
    let address = m.output("address", w.address, "line-buffer offset of the first tap");
    let weight = m.output("weight", w.weight, "weight offset of the first tap");
    let opens = m.output("opens", 1, "needs grad_output that no visit before needed");
    let extra = m.output("extra", w.extra, "pixels it opens beyond one position");
    let closes = m.output("closes", 1, "one position of grad_output is dead after it");
    let last = m.output("last", 1, "last visit of the walk");
    let skip =
        skips.then(|| m.output("skip", w.skip, "beats without a tap since the visit before"));

    let WalkUnits {
        address_bits,
        weight_bits,
        ..
    } = *units;
    let mut port = |m: &mut Module, name: &str, width, value: OfAxis, comment: &str| {
        let name = format!("{}_{name}", axis.name);
        config.port(m, &name, width, move |d| value((axis.of)(d)), comment)
    };
    let cfg_visits = port(
        &mut m,
        "visits_less_1",
        w.visits,
        Box::new(|axis| axis.visits - 1),
        "visits of a walk, less one",
    );
    let cfg_step = port(
        &mut m,
        "address_step",
        w.address,
        Box::new(move |axis| axis.address_step >> address_bits),
        "units from a visit of a slot to its next",
    );
    let cfg_clip = port(
        &mut m,
        "address_clip",
        w.address,
        Box::new(move |axis| axis.address_clip >> address_bits),
        "units from a visit of a slot to its next where its first tap leaves",
    );
    let cfg_weight = port(
        &mut m,
        "weight_tap",
        w.weight,
        Box::new(move |axis| axis.weight_tap >> weight_bits),
        "weight units from tap to tap",
    );
    let cfg_first_skip = skips.then(|| {
        port(
            &mut m,
            "first_skip",
            w.skip,
            Box::new(|axis| axis.first_skip),
            "beats without a tap before the first visit",
        )
    });
    let cfg_period_clip = (hull.period > 1).then(|| {
        port(
            &mut m,
            "clip_period_less_1",
            w.clip_in,
            Box::new(|axis| axis.period - 1),
            "visits of a slot between taps that leave, less one",
        )
    });
    let cfg_period_grow = (hull.period > 1).then(|| {
        port(
            &mut m,
            "grow_period_less_1",
            w.grow_in,
            Box::new(|axis| axis.period - 1),
            "visits of a slot between taps that enter, less one",
        )
    });
    let ring_size = units.ring.size(&mut m, config);
    let fields = fields(hull, w, units);
    let shape = SlotShape {
        axis,
        fields: &fields,
        widths: w,
        skips,
        clips_on: hull.period == 1,
    };
    let slot_cfg: Vec<SlotConfig> = (0..slots)
        .map(|index| slot_config(&mut m, config, &shape, index))
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
    let at_last = m.reg_from("at_last", cfg_visits.is_zero(), "");

    // The slot's state at its next visit.
    let again: Vec<Expr> = fields
        .iter()
        .map(|f| m.net(&format!("again_{}", f.name), f.width, ""))
        .collect();
    let a = |name: &str| -> &Expr { &again[field(name)] };
    let clip = m.net("clip", 1, "the first tap leaves at the far border");
    let grow = m.net("grow", 1, "a tap enters at the near border");
    let step = m.net("step", w.address, "");
    let wrapping = ring_size.map(|size| {
        let comment = "the step less the line buffer";
        (m.net("wrapping", w.address + 1, comment), size)
    });
    let choose_step = |b: &mut Body, chosen: &Expr| {
        b.set(&step, chosen);
        if let Some((wrapping, size)) = &wrapping {
            b.set(wrapping, &units.ring.wrapping(chosen, size));
        }
    };
    let by_slot = |b: &mut Body, build: &dyn Fn(&mut Body, &SlotConfig)| match &slot {
        Some(slot) => b.case(&slot.q, slots, |b, i| build(b, &slot_cfg[i])),
        None => build(b, &slot_cfg[0]),
    };
    // Some axes have a tap at every visit.
    let reached = |flag: &Expr| match hull.gaps {
        true => flag & q("taps").non_zero(),
        false => flag.clone(),
    };
    m.comb(|b| {
        b.comment("This slot's state at its next visit.");
        b.set(&clip, &reached(q("clips")));
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
        match &cfg_period_clip {
            Some(_) => {
                b.set(a("clip_in"), &q("clip_in").minus(1));
                b.set(a("clips"), &q("clip_in").eq(&lit(1, w.clip_in)));
            }
            None => {
                // From the first on, one leaves at every visit.
                b.set(a("clips"), q("clips"));
                by_slot(b, &|b, s| {
                    if let Some(after) = &s.clip_after {
                        let now = visits_left.q.zext(w.visits + 1).eq(after);
                        b.when(&now, |b| b.set(a("clips"), &lit(1, 1)));
                    }
                });
            }
        }
        b.set(a("clipped"), q("clipped"));
        b.set(a("weight"), q("weight"));
        choose_step(b, &cfg_step);
        b.when(&clip, |b| {
            if let Some(period) = &cfg_period_clip {
                b.set(a("clip_in"), period);
                b.set(a("clips"), &period.is_zero());
            }
            b.set(a("clipped"), &lit(1, 1));
            b.set(a("weight"), &(q("weight") + &cfg_weight));
            choose_step(b, &cfg_clip);
        });
    });
    let wrapping = wrapping.as_ref().map(|(wrapping, _)| wrapping);
    let moved = ring_step(&mut m, "moved", q("address"), &step, wrapping);
    m.comb(|b| b.set(a("address"), &moved));

    let waiting: Vec<Vec<Reg>> = slot_cfg[1..]
        .iter()
        .enumerate()
        .map(|(index, slot)| {
            fields
                .iter()
                .zip(&slot.first)
                .map(|(f, first)| {
                    let name = format!("later{}_{}", index + 1, f.name);
                    m.reg_from(&name, first.clone(), "of a slot whose turn is later")
                })
                .collect()
        })
        .collect();
    let wrap = m.net("wrap", 1, "from the last visit to the first");
    m.comb(|b| {
        b.comment("The slots take turns.");
        b.when(&advance, |b| {
            b.set(&visits_left.d, &visits_left.q.minus(1));
            b.set(&at_last.d, &visits_left.q.eq(&lit(1, w.visits)));
            let next = waiting
                .iter()
                .map(|regs| regs.iter().map(|r| &r.q).collect());
            let next: Vec<Vec<&Expr>> = next.chain([again.iter().collect()]).collect();
            for (regs, next) in [&state].into_iter().chain(&waiting).zip(next) {
                for (reg, value) in regs.iter().zip(next) {
                    b.set(&reg.d, value);
                }
            }
            match &slot {
                None => b.set(&fresh.d, &lit(0, 1)),
                Some(slot) => {
                    b.set(&slot.d, &slot.q.plus(1));
                    let last = lit(slots as u64 - 1, w.slot);
                    b.when(&slot.q.eq(&last), |b| {
                        b.set(&slot.d, &lit(0, w.slot));
                        b.set(&fresh.d, &lit(0, 1));
                    });
                }
            }
        });
        b.set(&wrap, &(&advance & &at_last.q));
        b.comment("A new walk; by itself, because it is then no more than a synchronous reset.");
        b.when(&wrap, |b| {
            b.set(&visits_left.d, &cfg_visits);
            b.set(&at_last.d, &cfg_visits.is_zero());
            b.set(&fresh.d, &lit(1, 1));
            if let Some(slot) = &slot {
                b.set(&slot.d, &lit(0, w.slot));
            }
            for (regs, slot) in [&state].into_iter().chain(&waiting).zip(&slot_cfg) {
                for (reg, first) in regs.iter().zip(&slot.first) {
                    b.set(&reg.d, first);
                }
            }
        });
    });

    let opening = m.net("opening", 1, "");
    let opened = m.net("opened", w.extra, "");
    let closing = m.net("closing", 1, "");
    let skipped = skip.as_ref().map(|_| m.net("skipped", w.skip, ""));
    m.observe(|b| {
        b.comment("What this visit opens and closes.");
        by_slot(b, &|b, s| {
            b.set(&opening, &(&s.opens & !q("clipped")));
            b.set(&opened, &lit(0, w.extra));
            b.set(&closing, &reached(&(&s.closes & q("grows_left").is_zero())));
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
    m.assign(&last, &at_last.q);
    m.assign(&opens, &opening);
    m.assign(&extra, &opened);
    m.assign(&closes, &closing);
    if let (Some(skip), Some(skipped)) = (&skip, &skipped) {
        m.assign(skip, skipped);
    }
    m
}

//! The sequencer of one axis: goes through a program line by line.

use super::line::{AxisName, LineFormat};
use super::program::{constant_program, AHEAD_IN_MEMORY};
use crate::config::capacity::AxisHull;
use crate::config::descriptor::Descriptor;
use crate::config::inputs::Config;
use crate::primitives::paged_memory::{number, LoadBus, Number, ReadBy};
use crate::primitives::target::Target;
use crate::rtl::{lit, Module};

const DOC: &str = "\
Goes through the program of an axis: line 0, then line 1 to the last, again and again, with loops
in between. Where to go on is told a few lines ahead, so that no fetch waits for another.

A loop's first jump back finds none under way and takes its turns from the line; with the last one
the count is below zero, and the next time its end is passed.

Promise: `step` is the present step while `there`, which is high for good a few cycles after reset;
`advance` goes to the next one in one cycle, and comes only while `there`";

const PACED_DOC: &str = ", for a cycle at least before\nit and between two: whether the program jumps is worked out in it.";

/// Builds the sequencer. `paced`: it need not advance in every cycle.
pub fn sequencer(
    name: &str,
    axis: AxisName,
    (capacity, paced): (&AxisHull, bool),
    format: &LineFormat,
    target: Target,
    config: &mut Config,
    entry_bits: usize,
) -> Module {
    let doc = if paced { PACED_DOC } else { "." };
    let mut m = Module::new(name, format!("{DOC}{doc}"));
    m.clocked();
    let advance = m.input("advance", 1, "go to the next step");
    let there = m.output("there", 1, "");
    let step_bits = format.step_bits();
    let step = m.output("step", step_bits, "");
    let now = m.net("line", format.bits(), "the present line");
    m.assign(&step, &now.slice(format.bits() - step_bits, step_bits));

    let place = m.reg("place", format.place, 0, "line that is fetched next");
    let filled = m.reg("filled", 1, 0, "");
    // In a memory there is a line more on the way.
    let filling =
        (format.ahead == AHEAD_IN_MEMORY).then(|| m.reg("filling", 1, 0, "a line is on its way"));
    let fetch = m.net("fetch", 1, "");
    let taken = m.net(
        if paced { "will_jump" } else { "jumps" },
        1,
        "the line that was fetched last does not lead to the next",
    );
    let worked_out = paced.then(|| m.reg("jumps", 1, 0, "the same, since the cycle before"));
    let jumps = worked_out.as_ref().map_or(&taken, |reg| &reg.q).clone();
    let told = |m: &mut Module, name: &str| {
        let value = format.field(&now, name)?;
        let net = m.net(&format!("told_{name}"), value.width(), "of the line ahead");
        m.assign(&net, &value);
        Some(net)
    };
    let wrap = told(&mut m, "wrap").unwrap_or_else(|| unreachable!("every program goes round"));
    let loops = told(&mut m, "loop")
        .zip(told(&mut m, "start"))
        .zip(format.turns)
        .map(|((ends, start), bits)| {
            let turns = told(&mut m, "turns").unwrap_or_else(|| lit(0, bits));
            let idle = m.reg("idle", 1, 1, "no loop is under way");
            let more = m.data_reg("more", bits, "jumps back that it has left, less one");
            (ends, start, turns, idle, more)
        });
    m.comb(|b| {
        b.set(&fetch, &(&advance | !&filled.q));
        match &filling {
            Some(filling) => {
                b.set(&filling.d, &lit(1, 1));
                b.set(&filled.d, &filling.q);
            }
            None => b.set(&filled.d, &lit(1, 1)),
        }
        match &loops {
            Some((ends, start, turns, idle, more)) => {
                let goes_back = ends & (&idle.q | !more.q.msb());
                b.set(&taken, &(&filled.q & (&wrap | &goes_back)));
                b.when(&fetch, |b| {
                    b.set(&place.d, &place.q.plus(1));
                    b.when(&jumps, |b| b.set(&place.d, start));
                    b.when(&(&filled.q & ends), |b| {
                        b.set(&idle.d, &(!&idle.q & more.q.msb()));
                        b.set(&more.d, &more.q.minus(1));
                        b.when(&idle.q, |b| b.set(&more.d, turns));
                    });
                });
            }
            None => {
                b.set(&taken, &(&filled.q & &wrap));
                b.when(&fetch, |b| {
                    b.set(&place.d, &place.q.plus(1));
                    b.when(&jumps, |b| b.set(&place.d, &lit(1, format.place)));
                });
            }
        }
    });
    if let Some(reg) = &worked_out {
        m.comb(|b| b.set(&reg.d, &taken));
    }
    m.assign(&there, &filled.q);
    match &capacity.program {
        Some(program) => {
            let memory = constant_program(&format!("{name}_program"), &program.lines, format);
            m.instance(
                "u_program",
                memory,
                vec![
                    ("fetch", fetch),
                    ("place", place.q.clone()),
                    ("line", now.clone()),
                ],
            );
        }
        None => {
            let mut bus = LoadBus::declare(&mut m, config, entry_bits);
            let lines: Vec<u64> = (0..capacity.lines).collect();
            let fields = format.fields.iter().map(|field| {
                let value = field.value.clone();
                number(
                    field.name,
                    field.width,
                    field.comment,
                    move |d: &Descriptor, line| {
                        let lines = &(axis.of)(d).program.lines;
                        lines.get(line as usize).map_or(0, |line| value(line))
                    },
                )
            });
            let fields: Vec<Number> = fields.collect();
            let name = format!("{}_program", axis.name);
            let read_by = ReadBy::Fetch(&fetch, target);
            let found = bus.memory(
                &mut m,
                config,
                &name,
                fields,
                (&lines, axis.used, &place.q),
                read_by,
            );
            bus.close(&mut m);
            for (field, place) in format.unpacked(&now) {
                m.assign(&place, &found[field.name]);
            }
        }
    }
    m
}

//! Promise: `step` is the present step while `there`, which is high for good so many cycles after reset as a program tells
//! its jumps ahead; `advance` goes to the next one in one cycle.
//!
//! What the block leans on: `advance` comes only while `there`; in a paced walk it does not in the first cycle of that, nor
//! in two cycles in a row.

use bpa_engine::schedule::{Buffers, FrameWalk, Shell};
use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor::Descriptor;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::walk::{sequencer, AxisName, LineFormat, TokenWidths, COL, ROW};

use crate::must;
use crate::named_layers::example;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::walk::{engine, fixed, lines, told_layers};

const STEPS: usize = 300;

const LOOPS: &[Mutant] = &[
    mutant(
        "a loop left a turn early",
        "more_q <= more_d;",
        "more_d",
        "more_d - (idle_q & ~idle_d)",
    ),
    mutant(
        "a loop that is never under way",
        "idle_q <= idle_d;",
        "idle_d",
        "1'd1",
    ),
    mutant(
        "a program that begins again with its first line",
        "place_q <= place_d;",
        "place_d",
        "(jumps & place_d == 1 ? place_d - 1'd1 : place_d)",
    ),
];

const PACED: &[Mutant] = &[
    mutant(
        "a loop left a turn early",
        "more_q <= more_d;",
        "more_d",
        "more_d - (idle_q & ~idle_d)",
    ),
    mutant(
        "a program that begins again with its first line",
        "place_q <= place_d;",
        "place_d",
        "(fetch & jumps_q & place_d == 1 ? place_d - 1'd1 : place_d)",
    ),
    mutant(
        "a loop that is gone through once",
        "jumps_q <= jumps_d;",
        "jumps_d",
        "jumps_d & told_wrap",
    ),
];

const NO_LOOPS: &[Mutant] = &[
    mutant(
        "a program that begins again with its first line",
        "place_q <= place_d;",
        "place_d",
        "(fetch & jumps_q & place_d == 1 ? place_d - 1'd1 : place_d)",
    ),
    mutant(
        "a step passed over",
        "place_q <= place_d;",
        "place_d",
        "(fetch & place_q == 2 ? place_d + 1'd1 : place_d)",
    ),
];

#[test]
fn in_logic() {
    let d = fixed(&example("strided_dilated"));
    let capacity = Capacity {
        paced: false,
        ..Capacity::exactly(&d)
    };
    axis("rows", ROW, &capacity, vec![d], LOOPS);
}

#[test]
fn paced() {
    let d = fixed(&example("strided_dilated"));
    let capacity = Capacity::exactly(&d);
    assert!(capacity.paced);
    axis("paced_rows", ROW, &capacity, vec![d], PACED);
}

/// As an engine has it whose programs are long.
#[test]
fn in_a_constant_memory() {
    let layer = example("strided_dilated");
    let buffers = Buffers {
        line_words: 64,
        fifo_results: 16,
    };
    let d = FrameWalk::new(layer.operation()).describe(&layer, buffers, Shell::Programmable);
    let capacity = Capacity::exactly(&d);
    axis("cols", COL, &capacity, vec![d], NO_LOOPS);
}

#[test]
fn told() {
    let capacity = Capacity::within(engine().limits());
    axis("told_rows", ROW, &capacity, told_layers(), LOOPS);
}

fn axis(
    name: &str,
    axis: AxisName,
    capacity: &Capacity,
    layers: Vec<Descriptor>,
    mutants: &'static [Mutant],
) {
    let rows = axis.name == ROW.name;
    let hull = if rows { &capacity.rows } else { &capacity.cols };
    let format = LineFormat::of(capacity, hull, &TokenWidths::of(capacity), rows);
    let mut config = Config::default();
    let entry = capacity.entry_bits();
    let module = sequencer(
        name,
        axis,
        (hull, capacity.paced),
        &format,
        Target::Generic,
        &mut config,
        entry,
    );
    let block = Block::new(&module, config, mutants);
    block.check(|run| {
        let index = run.choices.below(layers.len() as u64) as usize;
        vector(run, axis, &format, &layers[index], capacity)
    });
}

fn vector(
    run: &mut Run,
    axis: AxisName,
    format: &LineFormat,
    d: &Descriptor,
    capacity: &Capacity,
) -> Verdict {
    let program = &(axis.of)(d).program;
    let mut advances = run.back();
    if capacity.told {
        // The other page holds anything.
        let page = run.choices.below(2);
        run.fill(d, page);
    }
    run.set("advance", 0);
    run.reset();
    // Whether there was a step in the cycle before, and it stayed.
    let mut stayed = false;
    for (index, line) in lines(program).take(STEPS).enumerate() {
        let step = format.step_fields().iter().fold(0, |packed, field| {
            packed << field.width | (field.value)(&program.lines[line])
        });
        loop {
            // As soon as there may be a step, one may be left.
            let there = run.cycle + 1 >= format.ahead as i64;
            let may = there && (stayed || !capacity.paced);
            let advance = may && advances.opens();
            stayed = there && !advance;
            run.set("advance", advance.into());
            run.step()?;
            must!(run, run.high("there") == there, "there is {}", !there);
            if there {
                let found = run.was("step");
                must!(
                    run,
                    found == step,
                    "step {index}, line {line}: {found:#x} for {step:#x}"
                );
            }
            if advance {
                break;
            }
        }
    }
    Ok(())
}

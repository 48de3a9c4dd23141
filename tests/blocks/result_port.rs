//! Promise: results leave in order, the run of zeros ahead of each before it, the run at a frame's end behind its last
//! result, `tlast` on a frame's last beat; each beat in the first cycle in which it may, one a cycle, and it stays while
//! `tready` is low; a place is given back for each result.

use std::collections::VecDeque;

use bpa_engine::plan::Plan;
use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor::{Descriptor, Lanes};
use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::beat_fifo::extra_cycles;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::streams::result_port::{result_port, RESULT_CYCLES, RUN_CYCLES};
use bpa_hdl::walk::TokenWidths;

use crate::must;
use crate::named_layers::{example, layer};
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::walk::{engine, told_layers};

const RESULTS: u64 = 150;
/// Results of a frame, at most.
const MOST_RESULTS: u64 = 12;

const ZEROS: &[Mutant] = &[
    mutant(
        "a zero too few",
        "left_q <= left_d;",
        "left_d",
        "(load ? left_d - 1'd1 : left_d)",
    ),
    mutant(
        "a result that passes its zeros",
        "armed_q <= armed_d;",
        "armed_d",
        "1'd1",
    ),
    mutant(
        "a frame's end without zeros",
        "tail_q <= tail_d;",
        "tail_d",
        "~1'd0",
    ),
    mutant(
        "a beat that does not wait",
        "out_data_q <= out_data_d;",
        "out_data_d",
        "word",
    ),
];

const PLAIN: &[Mutant] = &[
    mutant(
        "a beat lost where it is not taken",
        "out_valid_q <= out_valid_d;",
        "out_valid_d",
        "held_q",
    ),
    mutant(
        "a word that passes the one ahead of it",
        "full_q <= full_d;",
        "full_d",
        "1'd0",
    ),
    mutant(
        "a word that is sent twice",
        "full_q <= full_d;",
        "full_d",
        "held_d",
    ),
    mutant(
        "tlast on every beat",
        "assign tlast = out_last_q;",
        "out_last_q",
        "tvalid",
    ),
    mutant(
        "frame_done with every beat",
        "assign frame_done = done_q;",
        "done_q",
        "tvalid & tready",
    ),
];

const TOLD: &[Mutant] = &[mutant(
    "a frame's end without zeros",
    "tail_q <= tail_d;",
    "tail_d",
    "~17'd0",
)];

/// Zeros ahead of results and at a frame's end, by a short FIFO.
#[test]
fn with_zeros() {
    let plan = Plan::new(&example("strided_dilated"));
    let d = plan.descriptor();
    let capacity = Capacity::exactly(d);
    port("zeros", &capacity, &plan.lanes(), vec![d.clone()], ZEROS);
}

/// The same by a long one.
#[test]
fn with_zeros_and_a_long_fifo() {
    let plan = Plan::new(&example("strided_dilated"));
    let d = Descriptor {
        fifo_results: 64,
        ..plan.descriptor().clone()
    };
    port(
        "long",
        &Capacity::exactly(&d),
        &plan.lanes(),
        vec![d],
        &ZEROS[..3],
    );
}

#[test]
fn without_zeros() {
    let layer = layer(
        "name = \"plain\"\n[layer]\nin_channels = 2\nout_channels = 3\nin_size = [5, 6]\nkernel = 2\n[engine]\npe = 2",
    );
    let plan = Plan::new(&layer);
    let d = plan.descriptor();
    let capacity = Capacity::exactly(d);
    assert!(capacity.skip.is_none());
    port("plain", &capacity, &plan.lanes(), vec![d.clone()], PLAIN);
}

#[test]
fn of_a_programmable_engine() {
    let engine = engine();
    let capacity = Capacity::within(engine.limits());
    let lanes = Lanes {
        acc_bits: 20,
        ..engine.lanes()
    };
    port("told", &capacity, &lanes, told_layers(), TOLD);
}

fn port(
    name: &str,
    capacity: &Capacity,
    lanes: &Lanes,
    layers: Vec<Descriptor>,
    mutants: &'static [Mutant],
) {
    let mut config = Config::default();
    let skip = TokenWidths::of(capacity).skip;
    let module = result_port(name, capacity, lanes, skip, Target::Generic, &mut config);
    let block = Block::new(&module, config, mutants);
    let bits = lanes.pe * lanes.acc_bits;
    block.check(|run| {
        let index = run.choices.below(layers.len() as u64) as usize;
        vector(run, capacity, &layers[index], bits)
    });
}

/// A beat that is to leave.
struct Beat {
    value: u64,
    last: bool,
    /// First cycle in which it may be on the stream.
    from: i64,
}

/// An accumulation that is under way.
struct Begun {
    run_in: i64,
    ends: i64,
}

fn vector(run: &mut Run, capacity: &Capacity, d: &Descriptor, bits: usize) -> Verdict {
    let extra = extra_cycles(capacity.fifo_results) as i64;
    let [mut starts, mut takes] = [run.idle(), run.back()];
    let (mut started, mut written, mut given) = (0, 0, 0);
    let mut begun: VecDeque<Begun> = VecDeque::new();
    let mut beats: VecDeque<Beat> = VecDeque::new();
    let mut frame_left = 0;
    // Cycle of the beat that was taken last; whether it was a frame's last.
    let (mut taken_in, mut done) = (-1, false);
    let mut idle = 0;
    run.tell(d);
    for port in ["write", "tready"] {
        run.set(port, 0);
    }
    if capacity.skip.is_some() {
        run.set("skip_write", 0);
    }
    run.reset();
    while written < RESULTS || !beats.is_empty() || idle < 10 {
        // An accumulation starts where there is a place, and takes a few cycles.
        let start = started < RESULTS && started - given < d.fifo_results && starts.opens();
        let now = run.cycle + 1;
        if start {
            started += 1;
            let long = 1 + run.choices.below(6) as i64;
            let before = begun.back().map_or(now, |it: &Begun| it.ends);
            begun.push_back(Begun {
                run_in: now,
                ends: (before + 1).max(now + long),
            });
        }
        if capacity.skip.is_some() {
            let most = d.max_skip.min(6);
            let zeros = match run.choices.below(3) {
                0 => 1 + run.choices.below(most.max(1)),
                _ => 0,
            };
            run.set("skip_write", start.into());
            run.set("skip_beats", zeros);
            for _ in 0..if start { zeros } else { 0 } {
                beats.push_back(Beat {
                    value: 0,
                    last: false,
                    from: now + RUN_CYCLES as i64 + extra,
                });
            }
        }
        if start {
            // The result, whenever it comes.
            beats.push_back(Beat {
                value: u64::MAX,
                last: false,
                from: i64::MAX,
            });
        }
        let write = begun.front().is_some_and(|it| it.ends <= now);
        let value = run.choices.below(1 << bits);
        if write && frame_left == 0 {
            frame_left = 1 + run.choices.below(MOST_RESULTS);
        }
        let frame_last = write && (frame_left == 1 || written + 1 == RESULTS);
        run.set("write", write.into());
        run.set("acc", value);
        run.set("frame_last", frame_last.into());
        let ready = takes.opens();
        run.set("tready", ready.into());
        run.step()?;

        if let Some(it) = if write { begun.pop_front() } else { None } {
            written += 1;
            frame_left -= 1;
            let at = beats
                .iter()
                .position(|beat| beat.from == i64::MAX)
                .expect("it was started");
            let from = run.cycle + RESULT_CYCLES as i64 + extra;
            // The run ahead of it has to be known, of no beats too.
            let known = capacity
                .skip
                .map_or(from, |_| it.run_in + RUN_CYCLES as i64 + extra);
            let end_beats = if frame_last { d.end_beats } else { 0 };
            let last = frame_last && end_beats == 0;
            beats[at] = Beat {
                value,
                last,
                from: from.max(known),
            };
            for left in (0..end_beats).rev() {
                let zero = Beat {
                    value: 0,
                    last: left == 0,
                    from: from.max(known),
                };
                beats.insert(at + (end_beats - left) as usize, zero);
            }
            if frame_last {
                frame_left = 0;
            }
        }
        given += run.was("taken");
        must!(run, given <= written, "a place of no result is given back");
        must!(
            run,
            run.high("frame_done") == done,
            "frame_done is {}",
            !done
        );
        let due = beats
            .front()
            .filter(|beat| run.cycle >= beat.from.max(taken_in + 1));
        let valid = run.high("tvalid");
        must!(
            run,
            valid == due.is_some(),
            "result {written}: tvalid is {valid}"
        );
        done = false;
        if let Some(beat) = due {
            let found = (run.was("tdata"), run.high("tlast"));
            let wanted = (beat.value, beat.last);
            must!(
                run,
                found == wanted,
                "{found:x?} on the stream, not {wanted:x?}"
            );
            if ready {
                done = beat.last;
                taken_in = run.cycle;
                beats.pop_front();
            }
        }
        idle = if beats.is_empty() && written == RESULTS {
            idle + 1
        } else {
            0
        };
    }
    must!(
        run,
        given == RESULTS,
        "{given} places given back of {RESULTS}"
    );
    Ok(())
}

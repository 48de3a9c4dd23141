//! The output FIFO and the grad_input stream.

use crate::config::Config;
use crate::descriptor::Lanes;
use crate::hull::Hull;
use crate::memory::held_memory;
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use crate::stock::Stock;

const DOC: &str = "\
Output FIFO and grad_input stream. Results arrive without a question: the issue loop starts no
accumulation without a free place, and `taken` gives a place back.

Pixels without a tap never were in the pipeline: they are counted as runs. The run ahead of a
result is written, when its accumulation starts, to the place that the result will take; the run
is expanded to zeros ahead of the result, the run at a frame's end behind the last one. The zeros do
not wait for the result: they leave while it is computed.

Promise: `tvalid`, `tdata` and `tlast` are registers and stay while `tready` is low; one beat a
cycle, zeros and results alike; a result can leave three cycles after it was written, the first zero
ahead of it three cycles after its run was.";

/// Cycles from an accumulation's start to the first of the zeros ahead of its result: the run is written, read, and
/// counted.
pub const RUN_CYCLES: usize = 3;

/// Input where the stream ends with a job: the job's last frame is done.
pub(crate) const CLOSES: &str = "closes";

/// What is promised besides where the stream ends with a job.
pub(crate) const CLOSES_DOC: &str = "\n\n\
While `closes` is high, no beat follows the one on the stream.";

/// Builds the port. `skip_width` is the width of a run where the layer has any.
pub fn result_port(
    name: &str,
    hull: &Hull,
    lanes: &Lanes,
    skip_width: Option<usize>,
    config: &mut Config,
) -> Module {
    // Behind stages, the stream is not this one.
    let ends_jobs = hull.frames.is_some() && !lanes.stages.any();
    let closes_doc = if ends_jobs { CLOSES_DOC } else { "" };
    let mut m = Module::new(name, format!("{DOC}{closes_doc}"));
    m.clocked();
    let bits = lanes.pe * lanes.acc_bits;
    let slot_bits = bits_for(hull.fifo_results - 1);
    let count_bits = bits_for(hull.fifo_results);
    let write = m.input("write", 1, "a result");
    let acc = m.input("acc", bits, "");
    let frame_last = m.input("frame_last", 1, "last result of a frame");
    let skip_in = skip_width.map(|width| {
        (
            m.input("skip_write", 1, "an accumulation starts"),
            m.input("skip_slot", slot_bits, ""),
            m.input("skip_beats", width, "beats without a tap ahead of it"),
        )
    });
    let taken = m.output("taken", 1, "a place is free again");
    let tvalid = m.output("tvalid", 1, "");
    let tready = m.input("tready", 1, "");
    let tdata = m.output("tdata", bits, "");
    let tlast = m.output("tlast", 1, "");
    let frame_done = m.output("frame_done", 1, "the last beat of a frame was taken");
    let closes = ends_jobs.then(|| m.input(CLOSES, 1, "no beat follows"));

    let write_slot = m.reg("write_slot", slot_bits, 0, "");
    let read_slot = m.reg("read_slot", slot_bits, 0, "");
    let names = ["waiting", "some_wait"];
    let waiting = Stock::none(&mut m, names, count_bits, "results in the memory");
    let held = m.reg(
        "held",
        1,
        0,
        "the memory's output is a result that has yet to leave",
    );
    let gave = m.reg("gave", 1, 0, "");
    let out_valid = m.reg("out_valid", 1, 0, "");
    let out_last = m.data_reg("out_last", 1, "");
    let out_data = m.data_reg("out_data", bits, "");
    let done = m.reg("done", 1, 0, "");

    let read = m.net("read", 1, "a result moves from the memory to its output");
    let move_out = m.net("move_out", 1, "a result moves to the stream's registers");
    let open = m.net("open", 1, "the stream's registers are or become free");
    let word = m.net("word", bits + 1, "");
    let stored = m.net("stored", bits + 1, "");
    m.comb(|b| {
        b.set_slice(&stored, 0, &acc);
        b.set_slice(&stored, bits, &frame_last);
        b.set(&open, &(&tready | !&out_valid.q));
    });

    let zeros = skip_width.map(|width| {
        let out = m.net("zero_out", 1, "a zero moves there instead");
        let run = m.net("run", width, "beats without a tap ahead of the next result");
        let passed = m.reg("passed", width, 0, "beats of it that have left");
        let names = ["runs_waiting", "some_runs_wait"];
        let next = Runs {
            waiting: Stock::none(&mut m, names, count_bits, "runs in their memory"),
            slot: m.reg("run_slot", slot_bits, 0, ""),
            read: m.net("run_read", 1, "a run moves from the memory to its output"),
            held: m.reg(
                "run_held",
                1,
                0,
                "that output is the run ahead of the next result",
            ),
        };
        let tail = (hull.end_beats > 0).then(|| {
            let tail_width = bits_for(hull.end_beats);
            let beats = config.port(
                &mut m,
                "end_beats",
                tail_width,
                |d| d.end_beats,
                "beats without a tap at a frame's end",
            );
            Tail {
                left: m.reg(
                    "tail",
                    tail_width,
                    0,
                    "beats of the frame's end that have yet to leave",
                ),
                last: m.net("zero_last", 1, ""),
                none: hull
                    .frames
                    .map(|_| m.data_reg("no_tail", 1, "no beats at a frame's end")),
                beats,
            }
        });
        Zeros {
            out,
            run,
            passed,
            next,
            tail,
        }
    });
    m.comb(|b| {
        b.set(&move_out, &(&held.q & &open));
        if let Some((zeros, (run_written, ..))) = zeros.as_ref().zip(skip_in.as_ref()) {
            zeros.hold_back(b, &open, &move_out, &word.bit(bits));
            zeros.next.step(b, run_written, &move_out);
        }
        b.set(&read, &(waiting.some() & (&move_out | !&held.q)));
        b.when_else(
            &read,
            |b| b.set(&held.d, &lit(1, 1)),
            |b| b.when(&move_out, |b| b.set(&held.d, &lit(0, 1))),
        );
        waiting.step(b, &write, &read);
        b.when(&write, |b| b.set(&write_slot.d, &write_slot.q.plus(1)));
        b.when(&read, |b| b.set(&read_slot.d, &read_slot.q.plus(1)));
        b.set(&gave.d, &read);
        b.when(&open, |b| {
            match &zeros {
                Some(zeros) => b.set(&out_valid.d, &(&move_out | &zeros.out)),
                None => b.set(&out_valid.d, &move_out),
            }
            b.set(&out_data.d, &word.slice(0, bits));
            if let Some(zeros) = &zeros {
                b.when(&zeros.out, |b| b.set(&out_data.d, &lit(0, bits)));
            }
            match zeros.as_ref().and_then(|zeros| zeros.tail.as_ref()) {
                Some(tail) => {
                    b.set(&out_last.d, &tail.last);
                    if let Some(none) = &tail.none {
                        b.when(&(&move_out & word.bit(bits) & &none.q), |b| {
                            b.set(&out_last.d, &lit(1, 1));
                        });
                    }
                }
                None => b.set(&out_last.d, &(&move_out & word.bit(bits))),
            }
            if let Some(closes) = &closes {
                b.when(closes, |b| b.set(&out_valid.d, &lit(0, 1)));
            }
        });
        b.set(&done.d, &(&out_valid.q & &tready & &out_last.q));
    });
    m.assign(&taken, &gave.q);
    m.assign(&tvalid, &out_valid.q);
    m.assign(&tdata, &out_data.q);
    m.assign(&tlast, &out_last.q);
    m.assign(&frame_done, &done.q);
    m.instance(
        "u_results",
        held_memory(&format!("{name}_memory"), hull.fifo_results, bits + 1),
        vec![
            ("write", write),
            ("write_address", write_slot.q.clone()),
            ("write_data", stored),
            ("read", read),
            ("read_address", read_slot.q),
            ("read_data", word),
        ],
    );
    if let (Some((skip_write, slot, beats)), Some(zeros)) = (skip_in, &zeros) {
        let width = zeros.run.width();
        m.instance(
            "u_runs",
            held_memory(&format!("{name}_runs"), hull.fifo_results, width),
            vec![
                ("write", skip_write),
                ("write_address", slot),
                ("write_data", beats),
                ("read", zeros.next.read.clone()),
                ("read_address", zeros.next.slot.q.clone()),
                ("read_data", zeros.run.clone()),
            ],
        );
    }
    m
}

/// The runs of beats without a tap.
struct Zeros {
    out: Expr,
    run: Expr,
    passed: Reg,
    next: Runs,
    tail: Option<Tail>,
}

/// The memory of the runs, read on its own: each run is there long before its result.
struct Runs {
    waiting: Stock,
    slot: Reg,
    read: Expr,
    held: Reg,
}

impl Runs {
    /// A run is read when the result before it has left.
    fn step(&self, b: &mut Body, written: &Expr, move_out: &Expr) {
        let Runs {
            waiting,
            slot,
            read,
            held,
        } = self;
        b.set(read, &(waiting.some() & (move_out | !&held.q)));
        b.when_else(
            read,
            |b| b.set(&held.d, &lit(1, 1)),
            |b| b.when(move_out, |b| b.set(&held.d, &lit(0, 1))),
        );
        waiting.step(b, written, read);
        b.when(read, |b| b.set(&slot.d, &slot.q.plus(1)));
    }
}

/// The run at a frame's end.
struct Tail {
    left: Reg,
    last: Expr,
    /// High while the layer has no such run; `None` where it always has one.
    none: Option<Reg>,
    beats: Expr,
}

impl Zeros {
    /// Puts zeros on the stream ahead of the next result, and behind a frame's last.
    fn hold_back(&self, b: &mut Body, open: &Expr, move_out: &Expr, frame_last: &Expr) {
        let passed = &self.passed;
        b.set(&self.out, &lit(0, 1));
        b.comment("A result is never there before its run.");
        b.when(&(&self.next.held.q & passed.q.ne(&self.run)), |b| {
            b.set(move_out, &lit(0, 1));
            b.set(&self.out, open);
        });
        let Some(tail) = &self.tail else {
            self.count(b, move_out);
            return;
        };
        let width = tail.left.q.width();
        b.comment("The run at a frame's end goes before the next frame's.");
        b.set(&tail.last, &lit(0, 1));
        b.when_else(
            &tail.left.q.non_zero(),
            |b| {
                b.set(move_out, &lit(0, 1));
                b.set(&self.out, open);
                b.set(&tail.last, &tail.left.q.eq(&lit(1, width)));
                b.when(open, |b| b.set(&tail.left.d, &tail.left.q.minus(1)));
            },
            |b| self.count(b, move_out),
        );
        b.when(&(move_out & frame_last), |b| {
            b.set(&tail.left.d, &tail.beats)
        });
        if let Some(none) = &tail.none {
            b.set(&none.d, &tail.beats.is_zero());
        }
    }

    fn count(&self, b: &mut Body, move_out: &Expr) {
        let passed = &self.passed;
        b.when(&self.out, |b| b.set(&passed.d, &passed.q.plus(1)));
        b.when(move_out, |b| b.set(&passed.d, &lit(0, passed.q.width())));
    }
}

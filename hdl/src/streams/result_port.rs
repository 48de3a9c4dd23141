//! The output FIFO and the grad_input stream.

use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::config::inputs::Config;
use crate::primitives::beat_fifo::{beat_fifo, stream_fifo};
use crate::primitives::carry_adders::{chosen_sum, Chosen};
use crate::primitives::counter::Countdown;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, ones, Body, Expr, Module, Reg};

const DOC: &str = "\
Output FIFO and grad_input stream. Results arrive without a question: the issue loop starts no
accumulation without a free place, and `taken` gives a place back.

Pixels without a tap never were in the pipeline: they are counted as runs. The run ahead of a
result comes when its accumulation starts, by a FIFO of its own, and is expanded to zeros ahead of
the result; the run at a frame's end follows the last one. The zeros do not wait for the result:
they leave while it is computed.

Promise: `tvalid`, `tdata` and `tlast` are registers and stay while `tready` is low; one beat a
cycle, zeros and results alike; a result can leave three cycles after it was written, the first zero
ahead of it four cycles after its run was; a cycle later where the FIFO is a block RAM.";

/// Cycles from a result's write to the first in which it is on the stream, by a short FIFO.
pub const RESULT_CYCLES: usize = 3;
/// Cycles from a run's write to the first in which a zero of it is on the stream, by a short FIFO.
pub const RUN_CYCLES: usize = 4;

/// Input where the stream ends with a job: the job's last frame is done.
pub(crate) const CLOSES: &str = "closes";

/// What is promised besides where the stream ends with a job.
pub(crate) const CLOSES_DOC: &str = "\n\n\
While `closes` is high, no beat follows the one on the stream.";

/// Builds the port. `skip_width` is the width of a run where the layer has any.
pub fn result_port(
    name: &str,
    capacity: &Capacity,
    lanes: &Lanes,
    skip_width: Option<usize>,
    target: Target,
    config: &mut Config,
) -> Module {
    // Behind stages, the stream is not this one.
    let ends_jobs = capacity.frames.is_some() && !lanes.stages.any();
    let closes_doc = if ends_jobs { CLOSES_DOC } else { "" };
    let mut m = Module::new(name, format!("{DOC}{closes_doc}"));
    m.clocked();
    let bits = lanes.results() * lanes.acc_bits;
    let write = m.input("write", 1, "a result");
    let acc = m.input("acc", bits, "");
    let frame_last = m.input("frame_last", 1, "last result of a frame");
    let skip_in = skip_width.map(|width| {
        (
            m.input("skip_write", 1, "an accumulation starts"),
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

    let out_last = m.data_reg("out_last", 1, "");
    let out_data = m.data_reg("out_data", bits, "");
    let done = m.reg("done", 1, 0, "");
    let stored = m.net("stored", bits + 1, "");
    let comment = "the next result, below the flag of a frame's last";
    let word = m.net("word", bits + 1, comment);
    let open = m.net("open", 1, "the stream's registers are or become free");
    m.comb(|b| {
        b.set_slice(&stored, 0, &acc);
        b.set_slice(&stored, bits, &frame_last);
        b.set(&done.d, &(&tvalid & &tready & &out_last.q));
    });
    let result = (&word.slice(0, bits), &word.bit(bits));
    let stream = (&tready, &tvalid, &open, &out_last, &out_data);
    let mut bindings = vec![
        ("write", write),
        ("beat", stored),
        ("gave", taken),
        ("word", word.clone()),
    ];
    let (memory, places) = (format!("{name}_memory"), capacity.fifo_results);
    let fifo = match skip_in {
        None => {
            assert!(closes.is_none(), "an engine of jobs counts runs");
            m.comb(|b| {
                b.when(&open, |b| {
                    b.set(&out_data.d, result.0);
                    b.set(&out_last.d, result.1);
                });
            });
            bindings.extend([
                ("tready", tready.clone()),
                ("tvalid", tvalid.clone()),
                ("open", open.clone()),
            ]);
            stream_fifo(&format!("{name}_fifo"), &memory, bits + 1, places, target)
        }
        Some((written, beats)) => {
            let runs = (name, &written, &beats);
            let zeros = Zeros::new(&mut m, runs, capacity, target, config);
            bindings.extend(zeros.join(&mut m, stream, result, closes.as_ref()));
            let name = format!("{name}_results");
            beat_fifo(&name, &memory, bits + 1, places, target)
        }
    };
    m.assign(&tdata, &out_data.q);
    m.assign(&tlast, &out_last.q);
    m.assign(&frame_done, &done.q);
    m.instance("u_results", fifo, bindings);
    m
}

/// The runs of beats without a tap.
struct Zeros {
    /// It has no beats.
    run_empty: Expr,
    run_there: Expr,
    load: Expr,
    /// The run ahead of the next result is known.
    armed: Reg,
    left: Reg,
    left_next: Expr,
    /// No zero is due ahead of the next result.
    turn: Reg,
    /// What the next `turn` is chosen from: the run is known and has no beats left; likewise behind a beat that moves.
    done: Expr,
    turn_moved: Expr,
    tail: Option<Tail>,
}

/// The run at a frame's end.
struct Tail {
    /// Its beats leave.
    due: Reg,
    /// The layer has such.
    any: Expr,
    beats: Countdown,
}

impl Tail {
    fn new(m: &mut Module, capacity: &Capacity, config: &mut Config) -> Self {
        let any = config.port(
            m,
            "has_end_beats",
            1,
            |d| u64::from(d.end_beats > 0),
            "there are beats without a tap at a frame's end",
        );
        let less_1 = config.port(
            m,
            "end_beats_less_1",
            bits_for(capacity.end_beats - 1),
            |d| d.end_beats.saturating_sub(1),
            "beats without a tap at a frame's end, less one",
        );
        Tail {
            due: m.reg("tail_due", 1, 0, "the next beat is one of the frame's end"),
            any,
            beats: Countdown::new(m, "tail", &less_1, "beats of a frame's end after this one"),
        }
    }
}

impl Zeros {
    fn new(
        m: &mut Module,
        (name, written, beats): (&str, &Expr, &Expr),
        capacity: &Capacity,
        target: Target,
        config: &mut Config,
    ) -> Self {
        let width = beats.width();
        // Below the flag of a run without beats.
        let [written_run, run] = ["written_run", "run"].map(|name| m.net(name, width + 1, ""));
        m.assign(&written_run.slice(0, width), beats);
        m.assign(&written_run.msb(), &beats.is_zero());
        let run_there = m.net("run_there", 1, "");
        let load = m.net("load", 1, "that run is the next");
        let take = m.net("run_taken", 1, "");
        m.assign(&take, &(&load & &run_there));
        let gave = m.net("run_gave", 1, "");
        m.unused("run_gave", &gave);
        let fifo = beat_fifo(
            &format!("{name}_run_fifo"),
            &format!("{name}_runs"),
            width + 1,
            capacity.fifo_results,
            target,
        );
        m.instance(
            "u_runs",
            fifo,
            vec![
                ("write", written.clone()),
                ("beat", written_run),
                ("gave", gave),
                ("valid", run_there.clone()),
                ("word", run.clone()),
                ("take", take),
            ],
        );
        let tail = (capacity.end_beats > 0).then(|| Tail::new(m, capacity, config));
        let bits = width + 1;
        let left = m.reg_from(
            "left",
            ones(bits),
            "beats of it that have yet to leave, less one",
        );
        // When a run is loaded none are left, so that the sum begins at minus one.
        let operands = Chosen {
            from: &left.q,
            choose: &load,
            one: &run.slice(0, width).zext(bits),
            other: &ones(bits),
        };
        let left_next = chosen_sum(m, "left_next", operands, target);
        Zeros {
            run_empty: run.msb(),
            run_there,
            load,
            armed: m.reg("armed", 1, 0, "the run ahead of the next result is known"),
            left,
            left_next,
            turn: m.reg("turn", 1, 0, "no zero is due ahead of the next result"),
            done: m.net(
                "run_done",
                1,
                "the run ahead of the next result is known, and done with",
            ),
            turn_moved: m.net("turn_moved", 1, "the same behind a beat that moves"),
            tail,
        }
    }

    /// Sends zeros and results; `result` is its data and whether it is its frame's last. What is left of the bindings of the
    /// results' FIFO is returned.
    fn join(
        &self,
        m: &mut Module,
        (tready, tvalid, open, out_last, out_data): (&Expr, &Expr, &Expr, &Reg, &Reg),
        (data, last): (&Expr, &Expr),
        closes: Option<&Expr>,
    ) -> [(&'static str, Expr); 2] {
        let out_valid = m.reg("out_valid", 1, 0, "");
        let there = m.net("there", 1, "the next result is there");
        let take = m.net("take", 1, "it moves to the stream's registers");
        let turn = &self.turn.q;
        m.assign(open, &(tready | !&out_valid.q));
        m.assign(&take, &(open & turn & &there));
        m.assign(&self.load, &(&take | !&self.armed.q));
        m.assign(tvalid, &out_valid.q);
        m.comb(|b| {
            b.when(open, |b| {
                b.set(&out_valid.d, &((turn & &there) | self.sends_zero()));
                b.set(&out_data.d, data);
                // Where no zero is sent, either, the beat does not count.
                b.when(&!turn, |b| b.set(&out_data.d, &lit(0, data.width())));
                b.set(&out_last.d, &self.sends_last(last));
                if let Some(closes) = closes {
                    b.when(closes, |b| b.set(&out_valid.d, &lit(0, 1)));
                }
            });
            self.step(b, open, &take, last);
            self.decide(b, open, &there, last);
        });
        [("valid", there), ("take", take)]
    }

    /// Whether a zero moves where a beat may.
    fn sends_zero(&self) -> Expr {
        let ahead = &self.armed.q & !&self.turn.q;
        match &self.tail {
            None => ahead,
            Some(tail) => ahead | &tail.due.q,
        }
    }

    /// Whether the beat that moves is its frame's last; `last`: the result is.
    fn sends_last(&self, last: &Expr) -> Expr {
        let result = last & &self.turn.q;
        match &self.tail {
            None => result,
            Some(Tail { due, any, beats }) => (result & !any) | (&due.q & beats.at_last()),
        }
    }

    fn step(&self, b: &mut Body, open: &Expr, take: &Expr, last: &Expr) {
        b.comment("The run ahead of the result behind this one.");
        let counts = open & self.counts();
        b.when(&self.load, |b| b.set(&self.armed.d, &self.run_there));
        let loads = &self.load & &self.run_there;
        b.when(&(loads | counts), |b| b.set(&self.left.d, &self.left_next));
        if let Some(Tail { due, any, beats }) = &self.tail {
            b.comment("The run at a frame's end goes before the next frame's.");
            let counts = open & &due.q;
            beats.step(b, &counts);
            let stays = &due.q & !(open & beats.at_last());
            b.set(&due.d, &(stays | (take & last & any)));
        }
    }

    /// While a beat may move, one of the run does.
    fn counts(&self) -> Expr {
        let counts = &self.armed.q & !&self.turn.q;
        match &self.tail {
            None => counts,
            Some(tail) => counts & !&tail.due.q,
        }
    }

    /// What the beat behind this one is: worked out both for a beat that moves and for one that stays, so that nothing but
    /// the choice of the two waits for the stream.
    fn decide(&self, b: &mut Body, open: &Expr, there: &Expr, last: &Expr) {
        let (done, turn_moved) = (&self.done, &self.turn_moved);
        let fresh = &self.run_there & &self.run_empty;
        b.comment("Whether the result comes next, and no zero.");
        b.select(done, &self.armed.q, &self.left.q.msb(), &fresh);
        match &self.tail {
            None => b.set(turn_moved, done),
            Some(Tail { due, beats, .. }) => {
                b.set(turn_moved, &(done & !(&due.q & !beats.at_last())));
            }
        }
        b.when(&self.counts(), |b| {
            b.set(turn_moved, &self.left.q.is_zero());
        });
        b.when(&(&self.turn.q & there), |b| match &self.tail {
            None => b.set(turn_moved, &fresh),
            Some(Tail { any, .. }) => b.set(turn_moved, &(&fresh & !(last & any))),
        });
        let stays = match &self.tail {
            None => done.clone(),
            Some(Tail { due, .. }) => done & !&due.q,
        };
        b.select(&self.turn.d, open, turn_moved, &stays);
    }
}

//! The output FIFO and the grad_input stream.

use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::config::inputs::Config;
use crate::primitives::beat_fifo::beat_fifo;
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

    let out_valid = m.reg("out_valid", 1, 0, "");
    let out_last = m.data_reg("out_last", 1, "");
    let out_data = m.data_reg("out_data", bits, "");
    let done = m.reg("done", 1, 0, "");
    let stored = m.net("stored", bits + 1, "");
    let word = m.net(
        "word",
        bits + 1,
        "the next result, below the flag of a frame's last",
    );
    let there = m.net("there", 1, "it is there");
    let may_go = m.net("may_go", 1, "it is its turn");
    let take = m.net("take", 1, "it moves to the stream's registers");
    let open = m.net("open", 1, "the stream's registers are or become free");
    let zeros = skip_in.map(|(written, beats)| {
        Zeros::new(&mut m, (name, &written, &beats), capacity, target, config)
    });
    m.assign(&open, &(&tready | !&out_valid.q));
    match &zeros {
        None => m.assign(&may_go, &there),
        Some(zeros) => {
            zeros.turn(&mut m, &may_go, &there);
            m.assign(&zeros.load, &(&take | !&zeros.armed.q));
        }
    }
    m.assign(&take, &(&open & &may_go));
    m.comb(|b| {
        b.set_slice(&stored, 0, &acc);
        b.set_slice(&stored, bits, &frame_last);
        b.when(&open, |b| {
            b.set(&out_valid.d, &may_go);
            b.set(&out_data.d, &word.slice(0, bits));
            match &zeros {
                None => b.set(&out_last.d, &word.bit(bits)),
                Some(zeros) => zeros.send(b, &word.bit(bits), [&out_valid, &out_last, &out_data]),
            }
            if let Some(closes) = &closes {
                b.when(closes, |b| b.set(&out_valid.d, &lit(0, 1)));
            }
        });
        if let Some(zeros) = &zeros {
            zeros.step(b, &open, &take, &word.bit(bits));
        }
        b.set(&done.d, &(&out_valid.q & &tready & &out_last.q));
    });
    m.assign(&tvalid, &out_valid.q);
    m.assign(&tdata, &out_data.q);
    m.assign(&tlast, &out_last.q);
    m.assign(&frame_done, &done.q);
    let fifo = beat_fifo(
        &format!("{name}_results"),
        &format!("{name}_memory"),
        bits + 1,
        capacity.fifo_results,
        target,
    );
    m.instance(
        "u_results",
        fifo,
        vec![
            ("write", write),
            ("beat", stored),
            ("gave", taken),
            ("valid", there),
            ("word", word),
            ("take", take),
        ],
    );
    m
}

/// The runs of beats without a tap.
struct Zeros {
    /// A zero is due.
    out: Expr,
    run: Expr,
    run_there: Expr,
    load: Expr,
    /// The run ahead of the next result is known.
    armed: Reg,
    left: Reg,
    left_next: Expr,
    /// None will be left of it.
    none_left: Expr,
    /// No zero is due ahead of the next result.
    turn: Reg,
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
        let run = m.net(
            "run",
            width,
            "beats without a tap ahead of the result behind the next",
        );
        let run_there = m.net("run_there", 1, "");
        let load = m.net("load", 1, "that run is the next");
        let take = m.net("run_taken", 1, "");
        m.assign(&take, &(&load & &run_there));
        let gave = m.net("run_gave", 1, "");
        m.unused("run_gave", &gave);
        let fifo = beat_fifo(
            &format!("{name}_run_fifo"),
            &format!("{name}_runs"),
            width,
            capacity.fifo_results,
            target,
        );
        m.instance(
            "u_runs",
            fifo,
            vec![
                ("write", written.clone()),
                ("beat", beats.clone()),
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
            one: &run.zext(bits),
            other: &ones(bits),
        };
        let left_next = chosen_sum(m, "left_next", operands, target);
        Zeros {
            out: m.net("zero", 1, "a zero is due"),
            run,
            run_there,
            load,
            armed: m.reg("armed", 1, 0, "the run ahead of the next result is known"),
            left,
            left_next,
            none_left: m.net("none_left", 1, "none of the run will be left"),
            turn: m.reg("turn", 1, 0, "no zero is due ahead of the next result"),
            tail,
        }
    }

    /// Whether a zero is due, or else the result.
    fn turn(&self, m: &mut Module, may_go: &Expr, there: &Expr) {
        m.assign(may_go, &(&self.turn.q & there));
        let ahead = &self.armed.q & !&self.turn.q;
        match &self.tail {
            None => m.assign(&self.out, &ahead),
            Some(tail) => m.assign(&self.out, &(ahead | &tail.due.q)),
        }
    }

    /// A zero in place of the result, where one is due; `last`: the result is its frame's last.
    fn send(&self, b: &mut Body, last: &Expr, [out_valid, out_last, out_data]: [&Reg; 3]) {
        b.when(&self.out, |b| {
            b.set(&out_valid.d, &lit(1, 1));
            b.set(&out_data.d, &lit(0, out_data.q.width()));
        });
        let result = last & !&self.out;
        match &self.tail {
            None => b.set(&out_last.d, &result),
            Some(tail) => {
                let tail_last = &tail.due.q & tail.beats.at_last();
                b.set(&out_last.d, &((result & !&tail.any) | tail_last));
            }
        }
    }

    fn step(&self, b: &mut Body, open: &Expr, take: &Expr, frame_last: &Expr) {
        let Zeros {
            out,
            run,
            run_there,
            load,
            armed,
            left,
            left_next,
            none_left,
            turn,
            tail,
        } = self;
        b.comment("The run ahead of the result behind this one.");
        let counts = match tail {
            None => open & out,
            Some(tail) => open & out & !&tail.due.q,
        };
        let loads = load & run_there;
        b.when(load, |b| b.set(&armed.d, run_there));
        b.when(&(&loads | &counts), |b| b.set(&left.d, left_next));
        b.set(none_left, &left.q.msb());
        b.when(&counts, |b| b.set(none_left, &left.q.is_zero()));
        b.when(&loads, |b| b.set(none_left, &run.is_zero()));
        b.set(&turn.d, &(&armed.d & none_left));
        if let Some(Tail { due, any, beats }) = tail {
            b.comment("The run at a frame's end goes before the next frame's.");
            let counts = open & &due.q;
            beats.step(b, &counts);
            b.when(&(counts & beats.at_last()), |b| b.set(&due.d, &lit(0, 1)));
            b.when(&(take & frame_last), |b| b.set(&due.d, any));
            b.when(&due.d, |b| b.set(&turn.d, &lit(0, 1)));
        }
    }
}

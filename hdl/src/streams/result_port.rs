//! The output FIFO and the grad_input stream.

use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::config::inputs::Config;
use crate::primitives::beat_fifo::beat_fifo;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};

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
/// Cycles from an accumulation's start to the first of the zeros ahead of its result, by a short FIFO: the run is written,
/// read, and counted.
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
    let bits = lanes.pe * lanes.acc_bits;
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
    m.comb(|b| {
        b.set_slice(&stored, 0, &acc);
        b.set_slice(&stored, bits, &frame_last);
        b.set(&open, &(&tready | !&out_valid.q));
        match &zeros {
            None => b.set(&may_go, &there),
            Some(zeros) => zeros.turn(b, &may_go, &there),
        }
        b.set(&take, &(&open & &may_go));
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
    tail: Option<Tail>,
}

/// The run at a frame's end.
struct Tail {
    left: Reg,
    /// The next beat is its last.
    last: Reg,
    /// Its beats, less one: negative where there are none.
    less_1: Expr,
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
        let tail = (capacity.end_beats > 0).then(|| {
            let bits = bits_for(capacity.end_beats - 1) + 1;
            let less_1 = config.port(
                m,
                "end_beats_less_1",
                bits,
                move |d| (d.end_beats.wrapping_sub(1)) & (u64::MAX >> (64 - bits)),
                "beats without a tap at a frame's end, less one, signed",
            );
            Tail {
                left: m.reg_from(
                    "tail",
                    lit(1, 1).sext(bits),
                    "beats of the frame's end that have yet to leave, less one",
                ),
                last: m.reg("tail_last", 1, 0, "the next beat is the last of them"),
                less_1,
            }
        });
        Zeros {
            out: m.net("zero", 1, "a zero is due"),
            run,
            run_there,
            load,
            armed: m.reg("armed", 1, 0, "the run ahead of the next result is known"),
            left: m.data_reg(
                "left",
                width + 1,
                "beats of it that have yet to leave, less one",
            ),
            tail,
        }
    }

    /// Whether a zero is due, or else the result.
    fn turn(&self, b: &mut Body, may_go: &Expr, there: &Expr) {
        let none_left = self.left.q.msb();
        let ahead = &self.armed.q & !&none_left;
        let result = &self.armed.q & &none_left & there;
        match &self.tail {
            None => {
                b.set(&self.out, &ahead);
                b.set(may_go, &result);
            }
            Some(tail) => {
                let over = tail.left.q.msb();
                b.set(&self.out, &(ahead | !&over));
                b.set(may_go, &(result & over));
            }
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
            Some(tail) => b.set(&out_last.d, &((result & tail.less_1.msb()) | &tail.last.q)),
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
            tail,
        } = self;
        let width = left.q.width();
        b.comment("The run ahead of the result behind this one.");
        b.set(load, &(take | !&armed.q));
        let counts = match tail {
            None => open & out,
            Some(tail) => open & out & tail.left.q.msb(),
        };
        b.when(&counts, |b| b.set(&left.d, &left.q.minus(1)));
        b.when(load, |b| {
            b.set(&armed.d, run_there);
            b.set(&left.d, &run.zext(width).minus(1));
        });
        if let Some(Tail { left, last, less_1 }) = tail {
            b.comment("The run at a frame's end goes before the next frame's.");
            b.when(&(open & !left.q.msb()), |b| {
                b.set(&left.d, &left.q.minus(1));
                b.set(&last.d, &left.q.eq(&lit(1, left.q.width())));
            });
            b.when(&(take & frame_last), |b| {
                b.set(&left.d, less_1);
                b.set(&last.d, &less_1.is_zero());
            });
        }
    }
}

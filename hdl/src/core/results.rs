//! The core behind the issue loop: lanes, results, stages, and what the engine says of itself.

use super::frames_inside::FramesInside;
use super::{Bindings, Core, IssueNets, LaneNets, LineNets, WeightNets, MISPLACED};
use crate::config::inputs::Config;
use crate::config::pixels::Pixels;
use crate::lanes::mac::{lane_cycles, place_lanes};
use crate::pixels::{frames_in_order, late, read_cycles, FRAMES_IN_TOLD_ORDER};
use crate::primitives::delay::delayed;
use crate::primitives::memory::MEMORY_CYCLES;
use crate::rtl::{bits_for, lit, Expr};
use crate::stages::nets::{side_bindings, ResultNets, ScaleNets};
use crate::stages::{
    output_stages, stage_beats, CLEAR_SATURATIONS, CLEAR_SATURATIONS_DOC, STREAMS_ARESETN,
};
use crate::streams::result_port::{result_port, CLOSES};

impl Core<'_> {
    /// Multipliers; the flags of an issue travel beside it.
    pub(super) fn lanes(
        &mut self,
        line: &LineNets,
        weights: &WeightNets,
        issue: &IssueNets,
    ) -> LaneNets {
        let frame_done = self.port("frame_done");
        let (lanes, m) = (self.lanes, &mut self.m);
        let acc = m.net("acc", lanes.results() * lanes.acc_bits, "");
        let to_acc = read_cycles(lanes.pixels) + lane_cycles(lanes.simd) - 1;
        let first = delayed(m, "first", &issue.acc_first, to_acc, false);
        let last = delayed(m, "last", &issue.acc_last, to_acc + 1, true);
        let frame_last = delayed(m, "frame_last", &issue.frame_last, to_acc + 1, false);
        // The banks give a word later than a memory alone.
        let later = read_cycles(lanes.pixels) - MEMORY_CYCLES;
        let weight = late(m, "weight_word", &weights.word, later);
        place_lanes(
            m,
            self.name,
            lanes,
            (&line.word, &weight, &first, &acc),
            self.target,
        );
        let comment = "the job's last frame is done";
        LaneNets {
            acc,
            last,
            frame_last,
            frame_done,
            closes: self.capacity.frames.map(|_| m.input(CLOSES, 1, comment)),
        }
    }

    /// Output FIFO, and the stages behind it where there are any; gives the data of the stream. `scale`: the nets of scales,
    /// and when a frame enters that is scaled by them.
    pub(super) fn results(
        &mut self,
        weights: &WeightNets,
        issue: &IssueNets,
        lane: &LaneNets,
        scale: Option<(&ScaleNets, &Expr)>,
        config: &mut Config,
    ) -> Expr {
        let lanes = self.lanes;
        let data = self
            .m
            .net("out_data", lanes.results() * lanes.result_bits(), "");
        let stream = self.capacity.arrays.result_stream();
        let mut out_stream = vec![
            ("tvalid", self.pin(&stream, "tvalid")),
            ("tready", self.pin(&stream, "tready")),
            ("tdata", data.clone()),
            ("tlast", self.pin(&stream, "tlast")),
            ("frame_done", lane.frame_done.clone()),
        ];
        out_stream.extend(lane.closes.clone().map(|closes| (CLOSES, closes)));
        let mut bindings = self.of_job(vec![
            ("write", lane.last.clone()),
            ("acc", lane.acc.clone()),
            ("frame_last", lane.frame_last.clone()),
            ("taken", issue.taken.clone()),
        ]);
        bindings.extend(issue.skip.clone());
        if lanes.stages.any() {
            let result = ResultNets::new(&mut self.m, lane.acc.width());
            out_stream.extend(result.at_stages());
            self.stages(out_stream, weights, scale, config);
            out_stream = result.at_result_port().to_vec();
        }
        let closes = lane.closes.as_ref();
        let words = self.result_in_order(out_stream, closes, lane.acc.width(), config);
        bindings.extend(words);
        let name = format!("{}_result", self.name);
        let (skip, target) = (self.t.skip, self.target);
        let port = result_port(&name, self.capacity, lanes, skip, target, config);
        self.m.instance("u_result", port, bindings);
        data
    }

    /// The stages behind the output FIFO; `bindings`: their streams in and out.
    fn stages(
        &mut self,
        mut bindings: Bindings,
        weights: &WeightNets,
        scale: Option<(&ScaleNets, &Expr)>,
        config: &mut Config,
    ) {
        let (lanes, capacity) = (self.lanes, self.capacity);
        let (streams, ports) = (&self.streams, &self.ports);
        let port = |wanted: &str| streams.port(ports, wanted);
        bindings.extend(side_bindings(&mut self.m, lanes, &port));
        if lanes.stages.streams() > 0 {
            let bits = 3 * lanes.stages.streams();
            bindings.push(("misplaced", self.misplaced.slice(6, bits)));
            if capacity.stages_vary {
                bindings.push((STREAMS_ARESETN, self.aresetn.clone()));
            }
        }
        if let Some((scale, frame_enters)) = scale {
            let data = self.weight_data().slice(0, lanes.scale_word_bits());
            bindings.extend(scale.at_stages(&mut self.m, data, frame_enters));
            bindings.extend(weights.set.clone());
        }
        if lanes.stages.requantise.is_some() {
            bindings.push(("saturations", self.port("saturations")));
            if capacity.stages_vary {
                let clear = self.m.input(CLEAR_SATURATIONS, 1, CLEAR_SATURATIONS_DOC);
                bindings.push((CLEAR_SATURATIONS, clear));
            }
        }
        if lanes.stages.requantise.is_some_and(|it| it.draws()) && !capacity.stages_vary {
            bindings.push(("rounding_seed", self.port("rounding_seed")));
        }
        let bindings = self.of_job(bindings);
        let stages = output_stages(self.name, capacity, lanes, self.target, config);
        self.m.instance("u_stages", stages, bindings);
    }

    /// The values on the stream, each in whole bytes.
    pub(super) fn beats_of_bytes(&mut self, data: &Expr) {
        let lanes = self.lanes;
        let tdata = self.pin(&self.capacity.arrays.result_stream(), "tdata");
        let (value_bits, out_bits) = (lanes.result_bits(), lanes.out_bits());
        let comment = match lanes.stages.requantise {
            Some(_) => "the values, then zeros",
            None => "each value sign-extended to bytes",
        };
        let wide = self.m.net("out_wide", tdata.width(), comment);
        self.m.comb(|b| {
            for j in 0..lanes.results() {
                let value = data.slice(j * value_bits, value_bits);
                b.set_slice(&wide, j * out_bits, &value.sext(out_bits));
            }
            let used = lanes.results() * out_bits;
            if used < wide.width() {
                b.set_slice(&wide, used, &lit(0, wide.width() - used));
            }
        });
        self.m.assign(&tdata, &wide);
    }

    /// Status, a few cycles behind the streams.
    pub(super) fn status(&mut self, frame_begin: &Expr, lane: &LaneNets) {
        let (lanes, capacity) = (self.lanes, self.capacity);
        let cause_bits = self.misplaced.width();
        let outputs = ["busy", "error", "error_cause"].map(|name| self.port(name));
        let (m, misplaced) = (&mut self.m, &self.misplaced);
        // In the stages, each frame has a beat at least; so it has where rows are put in order.
        let in_order = match &capacity.pixels {
            Some(Pixels::BuiltIn(pixels)) => frames_in_order(pixels),
            Some(Pixels::Told(_)) => FRAMES_IN_TOLD_ORDER,
            None => 0,
        };
        let frames_bits =
            bits_for(capacity.frames_inside + stage_beats(capacity, lanes, self.target) + in_order);
        let frames = match &lane.closes {
            Some(closes) => FramesInside::of_jobs(m, frames_bits, closes),
            None => FramesInside::of_layer(m, frames_bits),
        };
        let is_busy = m.reg("is_busy", 1, 0, "");
        let seen = m.reg("seen", cause_bits, 0, "");
        let cause = m.reg("cause", cause_bits, 0, "");
        let failed = m.reg("failed", 1, 0, "");
        m.comb(|b| {
            frames.step(b, frame_begin, &lane.frame_done);
            b.set(&is_busy.d, &(frame_begin | frames.some()));
            b.set(&seen.d, misplaced);
            b.set(&cause.d, &(&cause.q | &seen.q));
            b.set(&failed.d, &cause.q.any());
        });
        for (output, value) in outputs.iter().zip([&is_busy.q, &failed.q, &cause.q]) {
            m.assign(output, value);
        }
        if capacity.frames.is_some() {
            let arrays = &capacity.arrays;
            let (moving, stationary) = (arrays.moving.name, arrays.stationary.name);
            let mut comment = format!("pulses: {moving} early, missing, late; {stationary}");
            for (stream, is_there) in [
                ("accumulate", lanes.stages.accumulate),
                ("mask", lanes.stages.mask),
            ] {
                if is_there {
                    comment += &format!("; {stream}");
                }
            }
            let pulses = m.output(MISPLACED, cause_bits, &comment);
            m.assign(&pulses, &seen.q);
        }
    }
}

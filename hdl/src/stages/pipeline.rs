//! The stages in their order, and what starts a beat through them.

use super::accumulate_in::accumulate_in;
use super::add_bias::add_bias;
use super::align::align;
use super::clamp::clamp;
use super::draws::{draws, lane_key, SEED_BITS};
use super::mask_out::mask_out;
use super::multiply::multiply;
use super::queue::queue;
use super::round::{round, rounded_bits};
use super::saturate::saturate;
use super::saturation_count::{saturation_count, COUNT_BITS};
use super::scale_bank::scale_bank;
use super::scale_store::scale_store;
use super::settings::{align_levels, fetches, frames_bits, Positions, Requantise};
use super::side_stream::side_stream;
use crate::config::capacity::Capacity;
use crate::config::descriptor::{Descriptor, Lanes};
use crate::config::inputs::Config;
use crate::config::pixels::Pixels;
use crate::pixels::{inside_row, inside_told_row, order_fifo, PLACES};
use crate::primitives::credit_counter::CreditCounter;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Expr, Module, Reg};
use crate::streams::result_port::CLOSES;

const DOC: &str = "\
Output stages, in this order: a value from outside is added, values are masked, scaled, shifted,
rounded and saturated. A beat starts when its result, a beat of each stream beside it and a place
in the queue at the end are all there; from then on nothing holds it.

Promise: one beat a cycle; a beat is on the stream a fixed number of cycles after it started,
unless the stream holds it; every ready is a register, so that no stream's pins lead to another's.";

/// Input of an engine that is told one layer after the other: the reset of the streams beside the
/// results, which hold beats of the next layer already when the stages are reset between two.
pub(crate) const STREAMS_ARESETN: &str = "streams_aresetn";

/// Input of an engine that is told one layer after the other: sets the count of saturations to zero.
pub(crate) const CLEAR_SATURATIONS: &str = "clear_saturations";
/// What it means.
pub(crate) const CLEAR_SATURATIONS_DOC: &str = "their count begins at zero: not between two layers";

/// Builds the stages of the engine `engine`.
pub fn output_stages(
    engine: &str,
    capacity: &Capacity,
    lanes: &Lanes,
    target: Target,
    config: &mut Config,
) -> Module {
    let name = format!("{engine}_stages");
    let mut m = Module::new(&name, DOC);
    m.clocked();
    let stages = &lanes.stages;
    let positions = Positions::new(capacity, lanes, target);
    let result_valid = m.input("result_valid", 1, "");
    let result_ready = m.output("result_ready", 1, "");
    let result = m.input("result", lanes.results() * lanes.acc_bits, "");
    let result_last = m.input("result_last", 1, "last of a frame");
    let start = m.net("start", 1, "a beat starts through the stages");

    // The streams beside the results.
    let mut sides = Vec::new();
    if stages.accumulate {
        let bits = lanes.accumulate_bits() - 1;
        sides.push(("accumulate", lanes.results() * bits));
    }
    if stages.mask {
        sides.push(("mask", lanes.results()));
    }
    let misplaced = (!sides.is_empty())
        .then(|| m.output("misplaced", 3 * sides.len(), "a tlast, by stream and kind"));
    let has_place = m.net("has_place", 1, "in the queue, in the next cycle");
    let mut may_start = has_place.clone();
    let mut side_data = Vec::new();
    let varies = capacity.stages_vary;
    let streams_aresetn = (varies && !sides.is_empty())
        .then(|| m.input(STREAMS_ARESETN, 1, "not between two layers"));
    let mut used = |m: &mut Module, side: &str| -> Option<Expr> {
        let (value, comment): (fn(&Descriptor) -> u64, _) = match side {
            "accumulate" => (|d| d.accumulate.into(), "whether values are added"),
            _ => (|d| d.mask.into(), "whether results are masked"),
        };
        varies.then(|| config.port(m, side, 1, value, comment))
    };
    for (index, (side, bits)) in sides.iter().enumerate() {
        let tvalid = m.input(&format!("{side}_tvalid"), 1, "");
        let tready = m.output(&format!("{side}_tready"), 1, "");
        let tdata = m.input(&format!("{side}_tdata"), *bits, "");
        let tlast = m.input(&format!("{side}_tlast"), 1, "");
        let next_valid = m.net(&format!("{side}_next"), 1, "");
        let data = m.net(side, *bits, "");
        let mut bindings = vec![
            ("tvalid", tvalid),
            ("tready", tready),
            ("tdata", tdata),
            ("tlast", tlast),
            ("next_valid", next_valid.clone()),
            ("data", data.clone()),
            ("take", start.clone()),
            ("frame_last", result_last.clone()),
        ];
        let used = used(&mut m, side);
        if let (Some(used), Some(aresetn)) = (&used, &streams_aresetn) {
            bindings.extend([("used", used.clone()), ("aresetn", aresetn.clone())]);
        }
        if let Some(misplaced) = &misplaced {
            bindings.push(("tlast_early", misplaced.bit(3 * index)));
            bindings.push(("tlast_missing", misplaced.bit(3 * index + 1)));
            bindings.push(("tlast_late", misplaced.bit(3 * index + 2)));
        }
        let port = side_stream(&format!("{name}_{side}_in"), *bits, varies);
        m.instance(&format!("u_{side}"), port, bindings);
        may_start = may_start & next_valid;
        side_data.push((*side, Side { data, used }));
    }
    let side = |wanted: &str| -> Option<&Side> {
        let found = side_data.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, side)| side)
    };

    // Starts, and places in the queue.
    let all_places = positions.queue_places();
    let taken = m.net("taken", 1, "");
    let names = ["places", "place_free"];
    let all = lit(all_places, bits_for(all_places));
    let places = CreditCounter::full(&mut m, names, &all, "free places in the queue");
    let ready = m.reg("ready", 1, 0, "a result would start");
    m.assign(&start, &(&ready.q & &result_valid));
    m.comb(|b| {
        places.step(b, &taken, &start);
        b.set(&has_place, &places.some_next());
        b.set(&ready.d, &may_start);
    });
    m.assign(&result_ready, &ready.q);

    let mut stage = Stage {
        flags: Flags::new(&mut m, &start, &result_last, positions.end),
        positions,
        name: name.clone(),
        lanes: lanes.results(),
        channels: lanes.pe,
        values: result,
        bits: lanes.acc_bits,
    };
    if let Some(side) = side("accumulate") {
        stage.accumulate(&mut m, side, lanes, target);
    }
    let mut word = None;
    if let Some(bias_bits) = stages.bias {
        let whole = stage.scales(&mut m, capacity, lanes, target, config);
        stage.bias(&mut m, &whole, bias_bits, lanes);
        word = Some(whole);
    }
    if let Some(side) = side("mask") {
        stage.mask(&mut m, side);
    }
    if let Some(requantise) = &stages.requantise {
        let scale = match word {
            Some(whole) => stage.late_scales(&mut m, &whole, capacity, lanes),
            None => stage.scales(&mut m, capacity, lanes, target, config),
        };
        let multiplier_name = |value_bits: usize, scale_bits: usize| {
            // One like those of the lanes is the same module.
            match (value_bits, scale_bits) == (lanes.operand_bits(), lanes.weight_bits) {
                true => format!("{engine}_multiplier"),
                false => format!("{name}_multiplier_{value_bits}x{scale_bits}"),
            }
        };
        stage.scale(&mut m, &scale, requantise, target, &multiplier_name);
        if requantise.aligns(capacity) {
            stage.align(&mut m, requantise, config);
        }
        stage.round(&mut m, capacity, requantise, config);
        stage.saturate(&mut m, capacity, requantise, config);
    }

    let tvalid = m.output("tvalid", 1, "");
    let tready = m.input("tready", 1, "");
    let tdata = m.output("tdata", stage.values.width(), "");
    let tlast = m.output("tlast", 1, "");
    let frame_done = m.output("frame_done", 1, "the last beat of a frame was taken");
    // A memory like that of the results is the same module.
    let as_results = stage.values.width() == lanes.results() * lanes.acc_bits;
    let ordered = capacity.pixels.as_ref().is_some_and(Pixels::orders_result);
    let memory = match () {
        () if as_results && all_places == capacity.fifo_results => {
            format!("{engine}_result_memory")
        }
        () if as_results && ordered && all_places == PLACES => {
            let [_, memory] = order_fifo(engine, capacity);
            memory
        }
        () => format!("{name}_queue_memory"),
    };
    let ends_jobs = capacity.frames.is_some();
    let mut bindings = vec![
        ("write", stage.flags.valid_at(stage.positions.end)),
        ("taken", taken),
        ("tvalid", tvalid),
        ("tready", tready),
        ("tdata", tdata),
        ("tlast", tlast),
        ("frame_done", frame_done),
        ("last", stage.flags.last_at(stage.positions.end)),
    ];
    if ends_jobs {
        let closes = m.input(CLOSES, 1, "the job's last frame is done");
        bindings.push((CLOSES, closes));
    }
    let bits = stage.values.width();
    bindings.push(("data", stage.values));
    m.instance(
        "u_queue",
        queue(
            &format!("{name}_queue"),
            &memory,
            bits,
            all_places,
            ends_jobs,
        ),
        bindings,
    );
    m
}

/// A stream beside the results.
struct Side {
    data: Expr,
    /// Whether the layer uses it; `None` where every layer does.
    used: Option<Expr>,
}

/// The flags of the beats in the pipeline, by cycles behind the start.
struct Flags {
    start: Expr,
    start_last: Expr,
    valid: Reg,
    last: Reg,
}

impl Flags {
    fn new(m: &mut Module, start: &Expr, start_last: &Expr, cycles: usize) -> Self {
        let valid = m.reg("valid_line", cycles, 0, "beats in the pipeline");
        let last = m.data_reg("last_line", cycles, "those that are a frame's last");
        m.comb(|b| {
            for (line, flag) in [(&valid, start), (&last, start_last)] {
                b.set_slice(&line.d, 0, flag);
                if cycles > 1 {
                    b.set_slice(&line.d, 1, &line.q.slice(0, cycles - 1));
                }
            }
        });
        Flags {
            start: start.clone(),
            start_last: start_last.clone(),
            valid,
            last,
        }
    }

    fn valid_at(&self, cycles: usize) -> Expr {
        match cycles {
            0 => self.start.clone(),
            _ => self.valid.q.bit(cycles - 1),
        }
    }

    fn last_at(&self, cycles: usize) -> Expr {
        match cycles {
            0 => self.start_last.clone(),
            _ => self.last.q.bit(cycles - 1),
        }
    }
}

/// The pipeline as far as it is built.
struct Stage {
    flags: Flags,
    positions: Positions,
    name: String,
    /// Lanes over the result's channels and over pixels, and of the channels alone.
    lanes: usize,
    channels: usize,
    /// All lanes' values, lane 0 in the low bits.
    values: Expr,
    /// Bits of one.
    bits: usize,
}

impl Stage {
    fn value(&self, lane: usize) -> Expr {
        self.values.slice(lane * self.bits, self.bits)
    }

    /// Places a module for each lane; the values are then those on its port `output`, `bits` wide.
    fn each_lane(
        &mut self,
        m: &mut Module,
        stage: &str,
        (output, bits): (&str, usize),
        module: impl Fn(&str) -> Module,
        bind: impl Fn(&Self, usize) -> Vec<(&'static str, Expr)>,
    ) {
        let values = m.net(output, self.lanes * bits, "");
        let name = format!("{}_{stage}", self.name);
        for lane in 0..self.lanes {
            let mut bindings: Vec<(&str, Expr)> = bind(self, lane);
            bindings.push((output, values.slice(lane * bits, bits)));
            m.instance(&format!("u_{stage}{lane}"), module(&name), bindings);
        }
        self.values = values;
        self.bits = bits;
    }

    fn accumulate(&mut self, m: &mut Module, side: &Side, lanes: &Lanes, target: Target) {
        let (result_bits, value_bits) = (self.bits, lanes.accumulate_bits() - 1);
        let none = side.used.as_ref().map(|used| !used);
        self.each_lane(
            m,
            "accumulate",
            ("sum", lanes.accumulate_bits()),
            |name| accumulate_in(name, result_bits, value_bits, none.is_some(), target),
            |stage, lane| {
                let value = side.data.slice(lane * value_bits, value_bits);
                let mut bindings = vec![("result", stage.value(lane)), ("value", value)];
                bindings.extend(none.clone().map(|none| ("none", none)));
                bindings
            },
        );
    }

    fn mask(&mut self, m: &mut Module, side: &Side) {
        let mut keep = match &side.used {
            Some(used) => {
                let all = m.net("kept", self.lanes, "all where the layer has no mask");
                m.comb(|b| b.set(&all, &(&side.data | (!used).sext(self.lanes))));
                all
            }
            None => side.data.clone(),
        };
        for cycle in 0..self.positions.mask {
            let name = match cycle {
                0 => "keep".to_owned(),
                _ => format!("keep_late{cycle}"),
            };
            let late = m.data_reg(&name, self.lanes, "waits as the values do");
            m.comb(|b| b.set(&late.d, &keep));
            keep = late.q;
        }
        let bits = self.bits;
        self.each_lane(
            m,
            "mask",
            ("masked", bits),
            |name| mask_out(name, bits),
            |stage, lane| vec![("value", stage.value(lane)), ("keep", keep.bit(lane))],
        );
    }

    fn bias(&mut self, m: &mut Module, word: &Expr, bias_bits: usize, lanes: &Lanes) {
        let (bits, sum_bits) = (self.bits, lanes.sum_bits());
        self.each_lane(
            m,
            "bias",
            ("biased", sum_bits),
            |name| add_bias(name, bits, bias_bits, sum_bits),
            |stage, lane| {
                let channel = lane % stage.channels;
                let bias = word.slice(channel * bias_bits, bias_bits);
                vec![("value", stage.value(lane)), ("bias", bias)]
            },
        );
    }

    /// The scales of a word that came for its biases, as late as their beat is at the multipliers.
    fn late_scales(&self, m: &mut Module, word: &Expr, capacity: &Capacity, lanes: &Lanes) -> Expr {
        let first = lanes.bias_word_bits();
        let mut scale = m.net("scale", word.width() - first, "");
        m.comb(|b| b.set(&scale, &word.slice(first, word.width() - first)));
        if !fetches(capacity, &lanes.stages) {
            return scale;
        }
        for cycle in self.positions.bias..self.positions.scale {
            let late = m.data_reg(&format!("scale_late{cycle}"), scale.width(), "");
            m.comb(|b| b.set(&late.d, &scale));
            scale = late.q;
        }
        scale
    }

    /// The scales of the beat at the multipliers, or with its biases where it meets these; its values may have to wait.
    fn scales(
        &mut self,
        m: &mut Module,
        capacity: &Capacity,
        lanes: &Lanes,
        target: Target,
        config: &mut Config,
    ) -> Expr {
        let fetches = fetches(capacity, &lanes.stages);
        let stages = &lanes.stages;
        let at = match (stages.bias, fetches, stages.requantise) {
            (Some(_), true, _) => self.positions.bias - 1,
            (None, true, _) => self.positions.scale - 1,
            // What is held is in use up to the multipliers.
            (_, false, Some(_)) => self.positions.scale,
            (_, false, None) => self.positions.bias,
        };
        let masks_first = stages.mask && stages.bias.is_none();
        if fetches && !stages.accumulate && !masks_first {
            let waiting = m.data_reg("waiting", self.values.width(), "for the scales");
            m.comb(|b| b.set(&waiting.d, &self.values));
            self.values = waiting.q;
        }
        let words = lanes.stages.scale_words(capacity);
        let bits = lanes.scale_word_bits();
        let scale = match stages.bias {
            Some(_) => m.net("channel_word", bits, "biases, and scales above them"),
            None => m.net("scale", bits, ""),
        };
        let mut bindings = vec![
            ("write", m.input("scale_write", 1, "")),
            ("write_data", m.input("scale_data", bits, "")),
            ("scale", scale.clone()),
        ];
        match capacity.weight_ring {
            true => bindings.extend([
                ("write_set", m.input("scale_set", 1, "set that is written")),
                ("in_use", m.input("scale_set_in_use", 1, "set in use")),
            ]),
            false => bindings.extend([
                ("frame_enters", m.input("frame_enters", 1, "a frame begins")),
                ("free", m.output("scales_free", 1, "scales may be written")),
            ]),
        }
        if words > 1 {
            let index = m.input("scale_index", bits_for(words - 1), "beat of scales");
            bindings.push(("write_index", index));
        }
        if capacity.two_weight_sets {
            let set = m.input("weight_set", 1, "set of weights in use");
            bindings.push(("weight_set", set));
        }
        if fetches {
            bindings.push(("passes", self.flags.valid_at(at)));
        }
        if capacity.weight_ring {
            let name = format!("{}_scales", self.name);
            let bank = scale_bank(&name, capacity, lanes, fetches, config);
            m.instance("u_scales", bank, bindings);
            return scale;
        }
        let frame_passes = m.net("frame_passes", 1, "");
        let passing = self.flags.valid_at(at) & self.flags.last_at(at);
        m.comb(|b| b.set(&frame_passes, &passing));
        bindings.push(("frame_passes", frame_passes));
        let store = scale_store(
            &format!("{}_scales", self.name),
            capacity,
            lanes,
            frames_bits(capacity, lanes, target),
            fetches,
            config,
        );
        m.instance("u_scales", store, bindings);
        scale
    }

    fn scale(
        &mut self,
        m: &mut Module,
        scale: &Expr,
        requantise: &Requantise,
        target: Target,
        multiplier_name: &dyn Fn(usize, usize) -> String,
    ) {
        let (value_bits, scale_bits) = (self.bits, requantise.scale_bits);
        self.each_lane(
            m,
            "multiply",
            ("product", value_bits + scale_bits),
            |name| multiply(name, multiplier_name, value_bits, scale_bits, target),
            |stage, lane| {
                let low = match requantise.per_channel {
                    true => lane % stage.channels * scale_bits,
                    false => 0,
                };
                let scale = scale.slice(low, scale_bits);
                vec![("value", stage.value(lane)), ("scale", scale)]
            },
        );
    }

    /// Shifts products so that all layers have fractions of as many bits as the greatest shift.
    fn align(&mut self, m: &mut Module, requantise: &Requantise, config: &mut Config) {
        let (product_bits, most) = (self.bits, requantise.shift);
        let amount = config.port(
            m,
            "align",
            align_levels(most),
            move |d| most as u64 - d.shift,
            "the greatest shift less the layer's, bits",
        );
        config.at_most("align", most as u64);
        self.each_lane(
            m,
            "align",
            ("aligned", product_bits + most),
            |name| align(name, product_bits, most),
            |stage, lane| vec![("product", stage.value(lane)), ("amount", amount.clone())],
        );
    }

    fn round(
        &mut self,
        m: &mut Module,
        capacity: &Capacity,
        requantise: &Requantise,
        config: &mut Config,
    ) {
        let (product_bits, shift) = (self.bits, requantise.shift);
        let bits = rounded_bits(product_bits, requantise);
        if !requantise.adds() {
            if shift > 0 {
                self.cut(m, shift, bits);
            }
            return;
        }
        let draw = requantise.draws().then(|| {
            let seed = match capacity.stages_vary {
                true => config.port(
                    m,
                    "rounding_seed",
                    SEED_BITS,
                    |d| d.rounding_seed,
                    "where stochastic rounding begins",
                ),
                false => m.input("rounding_seed", SEED_BITS, "taken in reset"),
            };
            let draw = m.net("draw", self.lanes * shift, "");
            for lane in 0..self.lanes {
                m.instance(
                    &format!("u_draws{lane}"),
                    draws(&format!("{}_draws", self.name), shift),
                    vec![
                        ("seed", seed.clone()),
                        ("key", lit(lane_key(lane), SEED_BITS)),
                        ("step", self.flags.valid_at(self.positions.round)),
                        ("draw", draw.slice(lane * shift, shift)),
                    ],
                );
            }
            draw
        });
        self.each_lane(
            m,
            "round",
            ("rounded", bits),
            |name| round(name, product_bits, requantise),
            |stage, lane| {
                let mut bindings = vec![("product", stage.value(lane))];
                if let Some(draw) = &draw {
                    bindings.push(("draw", draw.slice(lane * shift, shift)));
                }
                bindings
            },
        );
    }

    /// Drops the fraction: wiring alone.
    fn cut(&mut self, m: &mut Module, shift: usize, bits: usize) {
        let cut = m.net("cut", self.lanes * bits, "products without their fractions");
        m.comb(|b| {
            for lane in 0..self.lanes {
                let low = lane * self.bits + shift.min(self.bits - 1);
                let whole = self.values.slice(low, (lane + 1) * self.bits - low);
                b.set_slice(&cut, lane * bits, &whole.sext(bits));
            }
        });
        for lane in 0..self.lanes {
            let fraction = self
                .values
                .slice(lane * self.bits, shift.min(self.bits - 1));
            m.unused(&format!("fraction{lane}"), &fraction);
        }
        self.values = cut;
        self.bits = bits;
    }

    /// Adds the zero point and keeps values between the bounds; gives which of them did not fit the type.
    fn clamp(
        &mut self,
        m: &mut Module,
        requantise: &Requantise,
        cut: &Expr,
        config: &mut Config,
    ) -> Expr {
        let out_bits = requantise.out_bits;
        let mut level = |name: &str, value: fn(&Descriptor) -> i64, comment: &str| {
            let bits_of = move |d: &Descriptor| value(d) as u64 & (u64::MAX >> (64 - out_bits));
            config.port(m, name, out_bits, bits_of, comment)
        };
        let levels = [
            (
                "zero_point",
                level(
                    "out_zero_point",
                    |d| d.out_levels.zero_point,
                    "the result that stands for zero, signed",
                ),
            ),
            (
                "least",
                level(
                    "out_least",
                    |d| d.out_levels.least,
                    "the least result, signed",
                ),
            ),
            (
                "greatest",
                level(
                    "out_greatest",
                    |d| d.out_levels.greatest,
                    "the greatest result, signed",
                ),
            ),
        ];
        let misfits = m.net("misfits", self.lanes, "");
        self.each_lane(
            m,
            "clamp",
            ("clamped", out_bits),
            |name| clamp(name, out_bits),
            |stage, lane| {
                let mut bindings = vec![
                    ("value", stage.value(lane)),
                    ("cut", cut.bit(lane)),
                    ("saturated", misfits.bit(lane)),
                ];
                bindings.extend(levels.clone());
                bindings
            },
        );
        misfits
    }

    fn saturate(
        &mut self,
        m: &mut Module,
        capacity: &Capacity,
        requantise: &Requantise,
        config: &mut Config,
    ) {
        let (bits, saturated_bits) = (self.bits, requantise.saturated_bits());
        let mut saturated = m.net("saturated", self.lanes, "");
        self.each_lane(
            m,
            "saturate",
            ("out", saturated_bits),
            |name| saturate(name, bits, saturated_bits),
            |stage, lane| {
                vec![
                    ("value", stage.value(lane)),
                    ("saturated", saturated.bit(lane)),
                ]
            },
        );
        if requantise.clamps {
            saturated = self.clamp(m, requantise, &saturated, config);
        }
        let count = m.output(
            "saturations",
            COUNT_BITS,
            "values that were saturated, since reset",
        );
        let valid = self.flags.valid_at(self.positions.end);
        // Lanes beyond a row's end are no values.
        let (names, beat) = ((self.name.as_str(), "saturated"), (&saturated, &valid));
        match &capacity.pixels {
            Some(Pixels::BuiltIn(pixels)) => {
                let blocks = capacity.c_blocks * capacity.group_blocks;
                saturated = inside_row(m, names, beat, &pixels.result, blocks);
            }
            Some(Pixels::Told(hull)) => {
                saturated = inside_told_row(m, names, beat, hull, config);
            }
            None => {}
        }
        let mut bindings = vec![("valid", valid), ("saturated", saturated), ("count", count)];
        if capacity.stages_vary {
            let clear = m.input(CLEAR_SATURATIONS, 1, CLEAR_SATURATIONS_DOC);
            bindings.push(("clear", clear));
        }
        m.instance(
            "u_count",
            saturation_count(
                &format!("{}_count", self.name),
                self.lanes,
                capacity.stages_vary,
            ),
            bindings,
        );
    }
}

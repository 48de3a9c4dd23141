//! What is done to each mutant, and all that is seen of it.

use bpa_engine::interface::{
    error_cause, out_bits, settings, status, Streams, ROUNDING_SEED, SATURATIONS,
};
use bpa_engine::layer::{IntType, Layer};
use bpa_engine::plan::Plan;
use bpa_engine::reference::reference;
use bpa_engine::run::{
    frame_beats, stationary_set, Arrays, MOVING_SOURCE, RESULT_SINK, STATIONARY_SOURCE,
};
use bpa_engine::vectors::{
    accumulate_value_bits, random_moving, random_stage_arrays, random_stationary, unpack_result,
};
use bpa_sim::{Instance, Model, Watched};
use ndarray::{Array4, Axis};

use crate::choices::Choices;
use crate::vector::Flip::{Early, Late, Missing};
use crate::vector::{vectors, Values, Vector, PLAIN};

const RESET_CYCLES: u64 = 4;
/// Cycles after the last beat in which nothing more may come.
const QUIET_CYCLES: u64 = 120;
/// Cycles after which the engine itself is given up, and more of them for each frame.
const PATIENCE: u64 = 60_000;
const FRAME_PATIENCE: u64 = 1_000;

/// All that is seen of a run, the plainest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    values: Vec<u8>,
    last: Vec<u8>,
    /// Beats that moved, by stream, and breaches of the rules.
    moved: Vec<u64>,
    /// Of each status output: its value at the end, and in which cycles it was what.
    status: Vec<(u64, Watched)>,
    /// Of each `tready` and `tvalid` of the engine: in which cycles it was high.
    handshakes: Vec<Watched>,
    /// When first and last beats moved.
    cycles: Vec<u64>,
}

impl Observed {
    /// What differs first.
    fn difference(&self, right: &Self) -> Option<&'static str> {
        match () {
            () if self.moved != right.moved => Some("beats that moved, or rules of the streams"),
            () if self.values != right.values => Some("values"),
            () if self.last != right.last => Some("tlast"),
            () if self.status != right.status => Some("status outputs"),
            () if self.cycles != right.cycles || self.handshakes != right.handshakes => {
                Some("cycles alone")
            }
            () => None,
        }
    }
}

/// The vectors of an engine.
pub struct Vectors<'a> {
    plan: &'a Plan,
    streams: Streams,
    vectors: Vec<Prepared>,
}

/// A vector with its beats.
struct Prepared {
    vector: Vector,
    rounding_seed: u32,
    /// Sets, and frames by source.
    sets: Vec<Vec<u8>>,
    frames: Vec<Vec<Vec<u8>>>,
    /// Results of all frames with each of the sets.
    expected: Vec<Array4<i64>>,
}

fn arrays(plan: &Plan, vector: &Vector, seed: u64) -> Arrays {
    let frames = vector.frames;
    let layer = plan.layer();
    let end = |array: Array4<i32>, of: IntType, least: bool| match least {
        true => array.mapv(|_| of.min()),
        false => array.mapv(|_| of.max()),
    };
    let (moving, stationary) = (
        random_moving(layer, frames, seed),
        random_stationary(layer, seed),
    );
    let mut stages = random_stage_arrays(plan, frames, seed);
    let (moving, stationary) = match vector.values {
        Values::Random => (moving, stationary),
        Values::Ends(one, other) => (
            end(moving, layer.moving_type(), one),
            end(stationary, layer.stationary_type(), other),
        ),
        Values::Bits => {
            let mut choices = Choices::new(seed);
            // A power of two of a type of so many bits, or its opposite less one.
            let mut bit = |bits: u32| {
                let power = 1_i64 << choices.below(u64::from(bits) - 1);
                match choices.below(2) {
                    0 => power,
                    _ => !power,
                }
            };
            let moving = moving.mapv(|value| (value == 1).into());
            let stationary = stationary.mapv(|_| bit(layer.stationary_type().bits()) as i32);
            if let (Some(scales), Some(requantise)) = (&mut stages.scale, layer.requantise()) {
                scales.mapv_inplace(|_| bit(requantise.scale_type.bits()) as i32);
            }
            if let (Some(biases), Some(bits)) = (&mut stages.bias, layer.bias_bits()) {
                biases.mapv_inplace(|_| bit(bits));
            }
            if let Some(values) = &mut stages.accumulate {
                values.mapv_inplace(|_| bit(accumulate_value_bits(plan)));
            }
            (moving, stationary)
        }
    };
    Arrays {
        moving,
        stationary,
        stages,
    }
}

impl Prepared {
    fn new(plan: &Plan, streams: &Streams, vector: Vector) -> Self {
        let first = arrays(plan, &vector, vector.seed);
        let of_set = |set: usize| {
            let other = arrays(plan, &vector, vector.seed + 100 * set as u64);
            let mut stages = first.stages.clone();
            (stages.scale, stages.bias) = (other.stages.scale, other.stages.bias);
            Arrays {
                moving: first.moving.clone(),
                stationary: other.stationary,
                stages,
            }
        };
        let sets: Vec<Arrays> = (0..vector.sets).map(of_set).collect();
        let frames = |(name, _): (&'static str, _)| {
            (0..vector.frames)
                .map(|n| frame_beats(plan, &first, name, n))
                .collect()
        };
        let inputs = streams.inputs();
        Self {
            vector,
            rounding_seed: first.stages.rounding_seed,
            sets: sets.iter().map(|set| stationary_set(plan, set)).collect(),
            frames: inputs
                .into_iter()
                .enumerate()
                .map(|(index, input)| match index {
                    STATIONARY_SOURCE => vec![],
                    _ => frames(input),
                })
                .collect(),
            expected: sets
                .iter()
                .map(|set| reference(plan.layer(), set).result)
                .collect(),
        }
    }

    /// Loads packets into a source, `tlast` at the end of each, but where it is flipped.
    fn load(&self, instance: &mut Instance, source: usize, packets: &[Vec<u8>]) {
        let bytes = instance.source(source).port().bytes;
        for (index, packet) in packets.iter().enumerate() {
            let beats = packet.len() / bytes;
            let mut flags = vec![0; beats];
            flags[beats - 1] = 1;
            for (_, flip) in self.vector.flips.iter().filter(|(of, _)| *of == source) {
                match (*flip, index) {
                    (Early(beat), 0) | (Late(beat), 1) => flags[beat] ^= 1,
                    (Missing, 0) => flags[beats - 1] ^= 1,
                    _ => (),
                }
            }
            instance.source(source).load(packet, &flags).unwrap();
        }
    }

    fn offer(&self, instance: &mut Instance) {
        if self.vector.late_set == 0 {
            self.load(instance, STATIONARY_SOURCE, &self.sets);
        }
        for (source, packets) in self.frames.iter().enumerate() {
            if source != STATIONARY_SOURCE {
                self.load(instance, source, packets);
            }
        }
        if self.vector.late_set > 0 {
            instance.run(self.vector.late_set, None);
            self.load(instance, STATIONARY_SOURCE, &self.sets);
        }
    }
}

impl<'a> Vectors<'a> {
    pub fn of(plan: &'a Plan) -> Self {
        let streams = Streams::new(plan);
        let sources = streams.inputs().len();
        let apply = |vector: &Vector| {
            vector.flips.is_empty() || vector.flips.iter().any(|(source, _)| *source < sources)
        };
        let vectors = vectors()
            .into_iter()
            .filter(apply)
            .map(|vector| Prepared::new(plan, &streams, vector))
            .collect();
        Self {
            plan,
            streams,
            vectors,
        }
    }

    /// Runs a vector in a fresh instance, until so many cycles after the reset, or until all results came and a while after;
    /// all that was seen.
    fn observe(
        &self,
        model: &Model,
        mutant: u64,
        prepared: &Prepared,
        until: Option<u64>,
    ) -> Observed {
        let vector = &prepared.vector;
        let mut instance = model.instance(vector.seed);
        if mutant > 0 {
            instance.poke(crate::netlist::MUTANT, mutant).unwrap();
        }
        let seeded = settings(self.plan).contains(&ROUNDING_SEED);
        let set_seed = |instance: &mut Instance, seed: u32| {
            if seeded {
                instance.poke(ROUNDING_SEED.name, seed.into()).unwrap();
            }
        };
        let inputs = self.streams.inputs().len();
        for source in 0..inputs {
            let seed = vector.seed * 8 + source as u64;
            instance.source(source).set_stall(vector.stalls.0, seed);
        }
        instance
            .sink(RESULT_SINK)
            .set_stall(vector.stalls.1, vector.seed * 8 + 7);
        // A setting may change with a reset.
        let seed = prepared.rounding_seed;
        let first = if vector.cut.is_some() { !seed } else { seed };
        set_seed(&mut instance, first);
        instance.reset(RESET_CYCLES);
        if let Some(cycles) = vector.cut {
            prepared.offer(&mut instance);
            instance.run(cycles, None);
            set_seed(&mut instance, seed);
            instance.reset(1);
        }
        prepared.offer(&mut instance);
        if let Some((beats, cycles)) = vector.blocked {
            instance.sink(RESULT_SINK).set_limit(Some(beats));
            instance.run(cycles, None);
            instance.sink(RESULT_SINK).set_limit(None);
        }
        match until {
            Some(until) => {
                instance.run(until.saturating_sub(instance.cycle()), None);
            }
            None => {
                let frames = vector.frames as u64;
                let run = instance.run(
                    PATIENCE + frames * FRAME_PATIENCE,
                    Some(frames * self.streams.result.beats),
                );
                assert!(run.done, "stuck");
                instance.run(QUIET_CYCLES, None);
            }
        }
        self.seen(&mut instance)
    }

    fn seen(&self, instance: &mut Instance) -> Observed {
        let inputs = self.streams.inputs().len();
        let mut moved = Vec::new();
        let mut cycles = vec![instance.cycle()];
        for source in 0..inputs {
            let source = instance.source(source);
            moved.push(source.accepted());
            cycles.extend(source.first_cycle());
            cycles.extend(source.last_cycles());
        }
        let sink = instance.sink(RESULT_SINK);
        moved.extend([sink.accepted(), sink.violations()]);
        cycles.extend(sink.first_cycle());
        cycles.extend(sink.last_cycles());
        let (values, last) = (sink.data().to_vec(), sink.last().to_vec());
        let outputs = status(self.plan).into_iter();
        let status = outputs.map(|status| {
            let value = instance.peek(status.name).unwrap();
            (value, instance.watched(status.name).unwrap())
        });
        let handshakes = crate::handshakes::watched(self.plan).into_iter();
        let handshakes = handshakes.map(|name| instance.watched(&name).unwrap());
        Observed {
            values,
            last,
            moved,
            status: status.collect(),
            handshakes: handshakes.collect(),
            cycles,
        }
    }

    /// Holds the engine itself against the reference, the cycle model and its contract; what is seen of it.
    pub fn check_engine(&self, model: &Model) -> Vec<Observed> {
        let check = |prepared: &Prepared| {
            let observed = self.observe(model, 0, prepared, None);
            self.check(prepared, &observed);
            observed
        };
        self.vectors.iter().map(check).collect()
    }

    fn check(&self, prepared: &Prepared, observed: &Observed) {
        let (plan, streams) = (self.plan, &self.streams);
        let layer: &Layer = plan.layer();
        let found = unpack_result(layer, &observed.values, out_bits(plan)).unwrap();
        let frames = prepared.vector.frames as u64;
        assert_eq!(found.len_of(Axis(0)) as u64, frames);
        // Sets change at the edges of frames, and never back.
        let mut set = 0;
        for (frame, result) in found.outer_iter().enumerate() {
            let of = |set: &usize| prepared.expected[*set].index_axis(Axis(0), frame) == result;
            set = (set..prepared.expected.len())
                .find(of)
                .expect("values of one of the sets");
        }
        let beats = streams.result.beats;
        let last = (0..frames * beats).map(|beat| u8::from((beat + 1) % beats == 0));
        assert_eq!(observed.last, last.collect::<Vec<u8>>());
        assert_eq!(observed.moved.last(), Some(&0), "rules of the streams");
        for (index, (_, format)) in streams.inputs().into_iter().enumerate() {
            let packets = match index {
                STATIONARY_SOURCE => continue,
                _ => frames,
            };
            assert_eq!(observed.moved[index], packets * format.beats);
        }
        let at = |name: &str| {
            status(plan)
                .iter()
                .position(|status| status.name == name)
                .unwrap()
        };
        assert_eq!(observed.status[at("busy")].0, 0);
        assert_eq!(observed.status[at("frame_done")].1.cycles, frames);
        let wrong = prepared
            .vector
            .flips
            .iter()
            .any(|(source, _)| *source < streams.inputs().len());
        assert_eq!(observed.status[at("error")].0, u64::from(wrong));
        assert_eq!(observed.status[at(error_cause(plan).name)].0 != 0, wrong);
        if layer.requantise().is_some() && prepared.sets.len() == 1 {
            let arrays = arrays(plan, &prepared.vector, prepared.vector.seed);
            let count = reference(layer, &arrays).saturations;
            assert_eq!(observed.status[at(SATURATIONS.name)].0, count);
        }
        if prepared.vector.stalls == (0.0, 0.0) && prepared.vector.seed == PLAIN.seed {
            let ends = observed.cycles.len() - 1;
            let first = observed.cycles[1];
            let model = plan.cycles(frames).total;
            let late = observed.cycles[ends] - first + 1 - model;
            // Weights and frames begin at once here.
            assert!(
                late <= streams.stationary.beats + 16,
                "{late} cycles more than the model"
            );
        }
    }

    /// What tells the mutant from the engine, of which `right` was seen.
    pub fn difference(
        &self,
        model: &Model,
        mutant: u64,
        right: &[Observed],
    ) -> Option<&'static str> {
        let runs = self.vectors.iter().zip(right);
        runs.map(|(prepared, right)| {
            let until = right.cycles[0];
            self.observe(model, mutant, prepared, Some(until))
                .difference(right)
        })
        .find(Option::is_some)
        .flatten()
    }
}

// The first source is what moves.
const _: () = assert!(MOVING_SOURCE == 0 && STATIONARY_SOURCE == 1);

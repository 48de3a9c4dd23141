//! What a user can do to a running engine: misplace a `tlast`, reset it in the middle of a frame, give it weights late or
//! anew. Whatever was done, every value that comes out is compared with the reference.

use std::path::Path;

use bpa_engine::emit;
use bpa_engine::interface::{ERROR, FRAME_DONE};
use bpa_engine::layer::LayerFile;
use bpa_engine::plan::Plan;
use bpa_engine::reference::gather;
use bpa_engine::run::{model_spec, MOVING_SOURCE, RESULT_SINK, STATIONARY_SOURCE};
use bpa_engine::vectors::{
    moving_beats, pack_moving, pack_result, pack_stationary, random_moving, random_stationary,
};
use bpa_sim::{Cache, Instance, Model};
use ndarray::{Array4, Axis};

/// Far more cycles than anything here takes.
const LONG: u64 = 20_000;

struct Engine {
    plan: Plan,
    model: Model,
}

impl Engine {
    fn new(example: &str, weight_sets: i64) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut file = LayerFile::read(&path.join(example)).unwrap();
        file.engine.weight_sets = weight_sets;
        let plan = Plan::new(&file.validate().unwrap());
        let cache = Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"));
        let model = Model::build(&model_spec(&plan, &emit::verilog(&plan)), &cache).unwrap();
        Self { plan, model }
    }

    /// Fresh from reset.
    fn begin(&self) -> Session<'_> {
        let mut instance = self.model.instance(1);
        instance.reset(4);
        Session {
            engine: self,
            instance,
            expected: Vec::new(),
        }
    }
}

/// A running engine and the bytes that are expected of it.
struct Session<'a> {
    engine: &'a Engine,
    instance: Instance,
    expected: Vec<u8>,
}

impl Session<'_> {
    fn weights(&self, seed: u64) -> Array4<i32> {
        random_stationary(self.engine.plan.layer(), seed)
    }

    /// Loads a set of weights whose `tlast` is high on this beat.
    fn load_weights_with_last(&mut self, seed: u64, last: Option<usize>) {
        let bytes = pack_stationary(self.engine.plan.layer(), &self.weights(seed));
        load(&mut self.instance, STATIONARY_SOURCE, &bytes, last);
    }

    fn load_weights(&mut self, seed: u64) {
        let last = self.stationary_beats() - 1;
        self.load_weights_with_last(seed, Some(last));
    }

    /// Runs until the engine has taken so many beats of weights since reset, and no cycle more.
    fn run_until_weights(&mut self, beats: usize) {
        while self.instance.source(STATIONARY_SOURCE).accepted() < beats as u64 {
            assert_eq!(self.instance.run(1, None).cycles, 1);
            assert!(self.instance.cycle() < LONG, "weights are stuck");
        }
    }

    /// Loads a frame whose `tlast` is high on this beat, and expects what it gives with these weights.
    fn load_frame_with_last(&mut self, seed: u64, weights: u64, last: Option<usize>) {
        let plan = &self.engine.plan;
        let layer = plan.layer();
        let frame = random_moving(layer, 1, seed);
        let bytes = pack_moving(layer, frame.index_axis(Axis(0), 0));
        load(&mut self.instance, MOVING_SOURCE, &bytes, last);
        let result = gather(layer, &frame, &self.weights(weights));
        let bits = plan.lanes().out_bits() as u32;
        let result = pack_result(layer, result.index_axis(Axis(0), 0), bits);
        self.expected.extend(result);
    }

    fn load_frame(&mut self, seed: u64, weights: u64) {
        let last = self.frame_beats() - 1;
        self.load_frame_with_last(seed, weights, Some(last));
    }

    fn frame_beats(&self) -> usize {
        moving_beats(self.engine.plan.layer()).beats as usize
    }

    fn stationary_beats(&self) -> usize {
        self.engine.plan.layer().operation().stationary_words() as usize
    }

    /// Runs until nothing moves any more, and compares. Padded lanes have no meaning, and there are none here.
    fn finish(&mut self) {
        self.instance.run(LONG, None);
        let sink = self.instance.sink(RESULT_SINK);
        assert_eq!(sink.violations(), 0);
        assert!(sink.data() == self.expected, "wrong values");
        let frames = sink.last_cycles().len() as u64;
        let done = self.instance.watched(FRAME_DONE.name).unwrap().cycles;
        assert_eq!(done, frames);
    }

    fn error(&self) -> (u64, u64) {
        let peek = |pin| self.instance.peek(pin).unwrap();
        (peek(ERROR.name), peek("error_cause"))
    }

    /// Resets for one cycle; all that was expected is void.
    fn reset(&mut self) {
        self.instance.reset(1);
        self.expected.clear();
    }
}

fn load(instance: &mut Instance, source: usize, bytes: &[u8], last: Option<usize>) {
    let mut source = instance.source(source);
    let mut flags = vec![0; bytes.len() / source.port().bytes];
    if let Some(last) = last {
        flags[last] = 1;
    }
    source.load(bytes, &flags).unwrap();
}

/// A misplaced `tlast` in the first of three frames or sets: where it is instead, and the causes that this has.
fn misplacements(beats: usize) -> Vec<(Option<usize>, u64)> {
    vec![
        (Some(0), 0b011),
        (Some(beats - 2), 0b011),
        // The next frame's tlast, in its place, comes after a missing one: it is late for the first frame.
        (None, 0b010),
    ]
}

#[test]
fn a_misplaced_tlast_of_grad_output_is_an_error_and_nothing_else() {
    let engine = Engine::new("strided.toml", 1);
    for (last, cause) in misplacements(engine.begin().frame_beats()) {
        let mut session = engine.begin();
        session.load_weights(1);
        session.load_frame(2, 1);
        session.finish();
        assert_eq!(session.error(), (0, 0));
        session.load_frame_with_last(3, 1, last);
        session.load_frame(4, 1);
        session.load_frame(5, 1);
        session.finish();
        assert_eq!(session.error(), (1, cause), "tlast on {last:?}");
        session.reset();
        assert_eq!(session.error(), (0, 0));
        session.load_weights(6);
        session.load_frame(7, 6);
        session.finish();
        assert_eq!(session.error(), (0, 0));
    }
}

#[test]
fn a_misplaced_tlast_of_weights_is_an_error_and_nothing_else() {
    for weight_sets in [1, 2] {
        let engine = Engine::new("strided.toml", weight_sets);
        for (last, cause) in misplacements(engine.begin().stationary_beats()) {
            let mut session = engine.begin();
            session.load_weights_with_last(1, last);
            session.load_frame(2, 1);
            session.finish();
            session.load_weights(3);
            session.instance.run(LONG, None);
            session.load_frame(4, 3);
            session.finish();
            assert_eq!(session.error(), (1, cause << 3), "tlast on {last:?}");
        }
    }
}

/// Early and missing both come from one beat that is not where it should be; late is told apart from early by what was
/// missing before.
#[test]
fn a_late_tlast_is_one_that_was_missing_before() {
    let engine = Engine::new("strided.toml", 1);
    let mut session = engine.begin();
    session.load_weights(1);
    session.load_frame_with_last(2, 1, None);
    session.load_frame_with_last(3, 1, Some(0));
    session.finish();
    // Missing in both frames, and late in the second.
    assert_eq!(session.error(), (1, 0b110));
}

#[test]
fn error_rises_soon_after_the_beat_and_stays() {
    let engine = Engine::new("strided.toml", 1);
    let mut session = engine.begin();
    session.load_weights(1);
    session.instance.run(LONG, None);
    session.load_frame_with_last(2, 1, Some(0));
    session.finish();
    let source = session.instance.source(MOVING_SOURCE);
    let beat = source.first_cycle().unwrap();
    let error = session.instance.watched(ERROR.name).unwrap();
    assert!(error
        .first
        .is_some_and(|cycle| (beat + 1..beat + 5).contains(&cycle)));
    assert_eq!(error.latest, Some(session.instance.cycle() - 1));
}

#[test]
fn reset_in_any_cycle_recovers_fully() {
    for (example, weight_sets) in [("strided.toml", 1), ("strided_dilated.toml", 2)] {
        let engine = Engine::new(example, weight_sets);
        let mut session = engine.begin();
        let cycles = session.stationary_beats() as u64 + engine.plan.cycles(2).total;
        for cycle in (0..cycles).step_by(5) {
            session.load_weights(1);
            for frame in 0..2 {
                session.load_frame(frame, 1);
            }
            let mut sink = session.instance.sink(RESULT_SINK);
            sink.set_stall(if cycle % 2 == 0 { 0.0 } else { 0.3 }, cycle);
            session.instance.run(cycle, None);
            session.reset();
            session.load_weights(cycle + 1);
            session.load_frame(cycle, cycle + 1);
            session.instance.run(2 * cycles, None);
            assert!(
                session.instance.sink(RESULT_SINK).data() == session.expected,
                "{example}: wrong values after reset in cycle {cycle}"
            );
            session.reset();
        }
    }
}

#[test]
fn weights_may_come_after_grad_output() {
    for weight_sets in [1, 2] {
        let engine = Engine::new("strided.toml", weight_sets);
        let mut session = engine.begin();
        for frame in 0..3 {
            session.load_frame(frame, 9);
        }
        session.instance.run(200, None);
        let accepted = session.instance.source(MOVING_SOURCE).accepted();
        assert!(accepted > 0 && session.instance.sink(RESULT_SINK).accepted() == 0);
        session.load_weights(9);
        session.finish();
    }
}

/// With one set, frames wait for a set that has begun; with two, those whose first beat comes when the set is whole
/// have it.
#[test]
fn a_new_set_serves_the_frames_after_it() {
    for weight_sets in [1, 2] {
        let engine = Engine::new("strided.toml", weight_sets);
        let mut session = engine.begin();
        for set in 1..4 {
            session.load_weights(set);
            if weight_sets == 2 {
                session.run_until_weights(session.stationary_beats() * set as usize);
            }
            session.load_frame(10 * set, set);
            session.load_frame(10 * set + 1, set);
            session.instance.run(1500, None);
        }
        session.finish();
        assert_eq!(session.error(), (0, 0));
    }
}

/// The set arrives while the first frame is being computed, and the second frame is there already.
#[test]
fn a_set_that_comes_during_a_frame_serves_the_next() {
    for weight_sets in [1, 2] {
        let engine = Engine::new("strided.toml", weight_sets);
        let mut session = engine.begin();
        session.load_weights(1);
        session.instance.run(LONG, None);
        session.load_frame(2, 1);
        session.load_frame(3, 4);
        session.load_frame(5, 4);
        session.instance.run(100, None);
        session.load_weights(4);
        session.finish();
        let sink = session.instance.sink(RESULT_SINK);
        let frames: Vec<u64> = sink.last_cycles().windows(2).map(|w| w[1] - w[0]).collect();
        let bound = bpa_engine::bound::bound_cycles(engine.plan.layer());
        match weight_sets {
            1 => assert!(frames[0] > bound + 72, "the set is loaded in between"),
            _ => assert_eq!(frames[0], bound, "there is no gap"),
        }
        assert_eq!(frames[1], bound);
    }
}

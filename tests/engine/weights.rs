//! Promise: a set of weights stays while frames pass. With one set in memory, a new one is taken at the next edge of a
//! frame, and the frames behind that edge use it. With two, a new set loads while a frame computes and comes into use
//! at a frame's edge without a gap. Each frame is computed with one set, the one that is due, whenever one is offered.

use std::sync::LazyLock;

use bpa_engine::layer::Layer;
use bpa_engine::reference::StageArrays;
use bpa_engine::run::Arrays;
use bpa_engine::vectors::{random_moving, random_stationary};
use ndarray::{concatenate, Array4, Axis, Slice};

use crate::common::{expected, layer, Choices, Drive, Rig, GRAD_INPUT, WEIGHT};

const FRAMES: usize = 4;
const SETS: usize = 6;

/// Runs of pixels without a tap, two groups, two blocks of C: the weight address takes every kind of step. A set of
/// weights has fewer beats than a frame has cycles.
fn layer_with(weight_sets: u32) -> Layer {
    layer(&format!(
        "name = \"weights_{weight_sets}\"
        [layer]
        in_channels = 6
        out_channels = 4
        in_size = [7, 8]
        kernel = [2, 3]
        stride = [3, 2]
        padding = [1, 0, 1, 1]
        groups = 2
        [engine]
        pe = 2
        weight_sets = {weight_sets}"
    ))
}

/// A rig, a batch of frames and several sets of weights.
struct Bench {
    rig: Rig,
    frames: Array4<i32>,
    sets: Vec<Array4<i32>>,
    /// The results of all frames, set by set.
    results: Vec<Array4<i64>>,
}

impl Bench {
    fn new(weight_sets: u32) -> Self {
        let layer = layer_with(weight_sets);
        let frames = random_moving(&layer, FRAMES, 1);
        let sets: Vec<_> = (0..SETS as u64)
            .map(|seed| random_stationary(&layer, seed))
            .collect();
        let result = |weight: &Array4<i32>| {
            let arrays = Arrays {
                moving: frames.clone(),
                stationary: weight.clone(),
                stages: StageArrays::default(),
            };
            expected(&layer, &arrays)
        };
        Self {
            rig: Rig::new(&layer),
            results: sets.iter().map(result).collect(),
            frames,
            sets,
        }
    }

    /// The set that each frame of `found` was computed with; a batch's frames repeat.
    fn sets_used(&self, found: &Array4<i64>) -> Vec<usize> {
        let used = found.outer_iter().enumerate().map(|(n, frame)| {
            let right = |result: &Array4<i64>| result.index_axis(Axis(0), n % FRAMES) == frame;
            let set = self.results.iter().position(right);
            set.unwrap_or_else(|| panic!("frame {n} was computed with no set or with several"))
        });
        used.collect()
    }

    /// Drives the weights in and waits for them to be in place.
    fn load(&self, drive: &mut Drive, set: usize) {
        drive.offer_weight(&self.sets[set]);
        drive.run(self.rig.streams.stationary.beats * 2 + 20);
    }
}

static ONE_SET: LazyLock<Bench> = LazyLock::new(|| Bench::new(1));
static TWO_SETS: LazyLock<Bench> = LazyLock::new(|| Bench::new(2));

#[test]
fn a_set_loaded_between_frames_is_used_by_those_that_follow() {
    for bench in [&*ONE_SET, &*TWO_SETS] {
        let mut drive = bench.rig.start(1);
        let frames = FRAMES as u64;
        for set in 0..3 {
            bench.load(&mut drive, set);
            drive.offer_frames(&bench.frames);
            drive.frames((set as u64 + 1) * frames);
            drive.run(100);
        }
        // A set stays, however long ago it came.
        drive.run(5000);
        drive.offer_frames(&bench.frames);
        let used = bench.sets_used(&drive.frames(4 * frames));
        assert_eq!(used, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
        drive.finish_without_error(4 * frames);
    }
}

/// Offers set 1 in this cycle of a run with set 0: the frames that have begun by then keep set 0, those behind them
/// have set 1, and no frame has something of both.
fn check_offer_at(bench: &Bench, cycle: u64, stalls: (f64, f64)) {
    let mut drive = bench.rig.start(cycle);
    bench.load(&mut drive, 0);
    drive.stall(stalls.0, stalls.1, cycle);
    drive.offer_frames(&bench.frames);
    drive.run(cycle);
    let frame_beats = bench.rig.streams.result.beats;
    let begun = drive.given().div_ceil(frame_beats) as usize;
    drive.offer_weight(&bench.sets[1]);
    let used = bench.sets_used(&drive.frames(FRAMES as u64));
    let kept = used.iter().filter(|set| **set == 0).count();
    let place = format!("offered in cycle {cycle}, when {begun} frames gave results: {used:?}");
    assert!(
        used.is_sorted() && used.iter().all(|set| *set <= 1),
        "{place}"
    );
    // One more frame may be computing while the results of the one before still leave; and with two sets, one more may
    // begin before the new one is whole.
    let most = begun + 1 + usize::from(bench.rig.layer().two_weight_sets());
    assert!((begun..=most).contains(&kept), "{place}");
    drive.finish_without_error(FRAMES as u64);
    // All of it was taken, and it is the one from now on.
    assert_eq!(
        drive.taken(WEIGHT),
        2 * bench.rig.streams.stationary.beats,
        "{place}"
    );
    drive.stall(0.0, 0.0, 0);
    drive.offer_frames(&bench.frames);
    let used = bench.sets_used(&drive.frames(2 * FRAMES as u64));
    assert_eq!(used[FRAMES..], [1; FRAMES], "{place}");
    drive.finish_without_error(2 * FRAMES as u64);
}

#[test]
fn a_set_may_be_offered_in_any_cycle() {
    for bench in [&*ONE_SET, &*TWO_SETS] {
        let total = bench.rig.plan.cycles(FRAMES as u64).total;
        // Every cycle of the second frame, and samples of the rest.
        let steady = bench.rig.plan.cycles(3).per_frame_steady.unwrap();
        let second = total - 3 * steady..total - 2 * steady;
        let samples = (0..total + 40).step_by(7);
        for cycle in second.chain(samples) {
            check_offer_at(bench, cycle, (0.0, 0.0));
        }
        let mut choices = Choices::new(5);
        for _ in 0..200 {
            check_offer_at(bench, choices.below(2 * total), (0.3, 0.4));
        }
    }
}

/// With one set, the set that waits is not touched before the frame's edge.
#[test]
fn one_set_waits_for_the_frame_in_flight() {
    let bench = &*ONE_SET;
    let set = bench.rig.streams.stationary.beats;
    let mut drive = bench.rig.start(3);
    bench.load(&mut drive, 0);
    // The output is blocked in mid frame: the engine fills up and stands still.
    drive.instance.sink(GRAD_INPUT).set_limit(Some(3));
    drive.offer_frames(&bench.frames);
    drive.run(3000);
    drive.offer_weight(&bench.sets[1]);
    drive.run(3000);
    assert_eq!(drive.taken(WEIGHT), set, "a beat was taken in mid frame");
    drive.instance.sink(GRAD_INPUT).set_limit(None);
    assert_eq!(bench.sets_used(&drive.frames(FRAMES as u64)), [0, 1, 1, 1]);
    drive.finish_without_error(FRAMES as u64);
}

/// With one set, sets that come one after the other are all taken, and the last one counts.
#[test]
fn the_last_of_several_sets_counts() {
    let bench = &*ONE_SET;
    let mut drive = bench.rig.start(4);
    for set in 0..3 {
        drive.offer_weight(&bench.sets[set]);
    }
    drive.offer_frames(&bench.frames);
    assert_eq!(bench.sets_used(&drive.frames(FRAMES as u64)), [2; FRAMES]);
    drive.finish_without_error(FRAMES as u64);
}

/// As many frames as sets, the batch's over again.
fn as_many_frames_as_sets(bench: &Bench) -> Array4<i32> {
    let twice = concatenate![Axis(0), bench.frames, bench.frames];
    twice.slice_axis(Axis(0), Slice::from(..SETS)).to_owned()
}

/// With two sets, a set for each frame, all offered at once: each frame has its own, in as many cycles as if the
/// weights had stayed.
#[test]
fn two_sets_swap_at_each_frame_without_a_gap() {
    let bench = &*TWO_SETS;
    let frames = as_many_frames_as_sets(bench);
    let mut drive = bench.rig.start(5);
    bench.load(&mut drive, 0);
    for set in 1..SETS {
        drive.offer_weight(&bench.sets[set]);
    }
    // The second set waits in memory; the third is held back until the first frame begins.
    drive.run(1000);
    assert_eq!(
        drive.taken(WEIGHT),
        bench.rig.streams.stationary.beats,
        "one set waits for a frame"
    );
    drive.offer_frames(&frames);
    let used = bench.sets_used(&drive.frames(SETS as u64));
    assert_eq!(used, (0..SETS).collect::<Vec<_>>());
    drive.finish_without_error(SETS as u64);

    let first = drive
        .instance
        .source(crate::common::GRAD_OUTPUT)
        .first_cycle()
        .unwrap();
    let lasts = drive.instance.sink(GRAD_INPUT).last_cycles().to_vec();
    let predicted = bench.rig.plan.cycles(SETS as u64);
    assert_eq!(lasts[0] - first + 1, predicted.first_frame);
    let steady = predicted.per_frame_steady.unwrap();
    for pair in lasts.windows(2) {
        assert_eq!(
            pair[1] - pair[0],
            steady,
            "a gap between two frames: {lasts:?}"
        );
    }
}

/// With two sets and stalls on all streams a set may come too late for a frame, which then uses the one before; but
/// none is skipped, torn or used out of order.
#[test]
fn two_sets_under_stalls_come_in_order() {
    let bench = &*TWO_SETS;
    let frames = as_many_frames_as_sets(bench);
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let mut choices = Choices::new(seed);
        let mut drive = bench.rig.start(seed);
        for set in &bench.sets {
            drive.offer_weight(set);
        }
        drive.offer_frames(&frames);
        // Weights slow or fast against the frames.
        let rates: [f64; 5] = [0.0, 0.3, 0.6, 0.9, 0.97];
        let mut rate = || rates[choices.below(5) as usize];
        let (weights, input, output) = (rate(), rate().min(0.9), rate().min(0.9));
        drive.stall(input, output, seed);
        drive.instance.source(WEIGHT).set_stall(weights, seed);
        let used = bench.sets_used(&drive.frames(SETS as u64));
        assert_eq!(used[0], 0);
        assert!(
            used.windows(2).all(|pair| pair[1] - pair[0] <= 1),
            "seed {seed}: {used:?}"
        );
        drive.finish_without_error(SETS as u64);
        orders.insert(used);
    }
    assert!(
        orders.len() > 3,
        "the stalls made no difference: {orders:?}"
    );
}

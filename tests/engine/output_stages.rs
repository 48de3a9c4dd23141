//! Promise: whatever stages stand behind the accumulators, each value that leaves is what the mathematics say, pixels
//! without a tap among them; the stages cost no cycle but those of their registers; a stall on any stream loses
//! nothing; the random numbers depend on the seed and on nothing else.

use std::cell::RefCell;
use std::fmt;
use std::sync::LazyLock;

use bpa_engine::compare::compare;
use bpa_engine::first_frame::stage_limit;
use bpa_engine::interface::{self, accumulate_value_bits};
use bpa_engine::layer::{Activation, Layer, Requantise, Rounding, ScalePer};
use bpa_engine::plan::Plan;
use bpa_engine::reference::{Finished, StageArrays};
use bpa_engine::run::{frame_beats, Arrays, RunError, Simulator, Traffic};
use ndarray::{Array1, Array4, Axis, Dimension};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use crate::common::{
    arrays, finished, last_flags, layer, simulator, stalled, Choices, Drive, Rig, GRAD_INPUT,
    GRAD_OUTPUT, WEIGHT,
};
use crate::layers;

/// Runs `arrays`; values, saturations, the contract or, without stalls, cycles that are not as expected are the error.
fn exact(
    simulator: &Simulator,
    plan: &Plan,
    arrays: &Arrays,
    expected: &Finished,
    traffic: &Traffic,
) -> Result<(), String> {
    let measured = match simulator.run(arrays, traffic, &mut |_| ()) {
        Ok(measured) => measured,
        Err(RunError::Broken(broken)) => return Err(broken.to_string()),
        Err(RunError::Simulator(error)) => panic!("{error}"),
    };
    if let Some(first) = compare(&measured.result, &expected.result).first {
        return Err(first.to_string());
    }
    if measured.saturations != expected.saturations {
        return Err(format!(
            "{} saturations counted, {} expected",
            measured.saturations, expected.saturations
        ));
    }
    let predicted = plan.cycles(expected.result.len_of(Axis(0)) as u64);
    if *traffic == quiet(traffic.seed) && measured.cycles != predicted {
        return Err(format!(
            "measured {:?}, predicted {predicted:?}",
            measured.cycles
        ));
    }
    Ok(())
}

fn quiet(seed: u64) -> Traffic {
    stalled(0.0, 0.0, seed)
}

const CASES: u32 = 9;
/// With this one the layers below have every option between them; another may not.
const SEED: u64 = 21;
/// Each step compiles a model.
const SHRINKING_STEPS: u32 = 60;
const FRAMES: usize = 3;
const STALLS: [(f64, f64); 4] = [(0.0, 0.0), (0.4, 0.3), (0.8, 0.0), (0.0, 0.8)];

#[derive(Clone)]
struct Case {
    layer: Layer,
    seed: u64,
}

/// As what someone can replay.
impl fmt::Debug for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { layer, seed } = self;
        writeln!(out, "\n{}", layer.to_file().to_toml())?;
        STALLS.iter().try_for_each(|(input, output)| {
            writeln!(
                out,
                "# bpa verify FILE --frames {FRAMES} --seed {seed} --stall-input {input} --stall-output {output}"
            )
        })
    }
}

fn case() -> impl Strategy<Value = Case> {
    (layers::staged(layers::layer(3_000)), 0..1000_u64)
        .prop_map(|(layer, seed)| Case { layer, seed })
}

fn check(case: &Case) -> Result<(), String> {
    let plan = Plan::new(&case.layer);
    if plan.stage_cycles() > stage_limit(&case.layer) {
        return Err(format!("{} cycles of latency", plan.stage_cycles()));
    }
    let arrays = arrays(&case.layer, FRAMES, case.seed);
    let expected = finished(&case.layer, &arrays);
    let simulator = simulator(&plan);
    STALLS.iter().try_for_each(|&(input, output)| {
        let traffic = stalled(input, output, case.seed);
        exact(&simulator, &plan, &arrays, &expected, &traffic)
    })
}

fn runner() -> TestRunner {
    TestRunner::new(Config {
        max_shrink_iters: SHRINKING_STEPS,
        ..layers::config(CASES, SEED)
    })
}

/// For others: `PROPTEST_RNG_SEED=5 PROPTEST_CASES=100 cargo test --test engine random_stages`.
#[test]
fn random_stages_are_exact_and_on_time() {
    let result = runner().run(&case(), |case| check(&case).map_err(TestCaseError::fail));
    match result {
        Ok(()) => (),
        Err(TestError::Fail(reason, case)) => panic!("{reason}\nfor the layer{case:?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// A kind of layer that must be drawn.
type Kind<'a> = (&'a str, &'a dyn Fn(&Layer) -> bool);

/// What the cases above must have among them, or they say less than they seem to.
#[test]
fn random_stages_are_of_every_kind() {
    let environment = Config::default();
    if environment.rng_seed != RngSeed::Random || std::env::var_os("PROPTEST_CASES").is_some() {
        // Somebody wants other layers.
        return;
    }
    let drawn = RefCell::new(Vec::new());
    let collect = |case: Case| {
        drawn.borrow_mut().push(case.layer);
        Ok(())
    };
    assert!(runner().run(&case(), collect).is_ok());
    let requantised =
        |layer: &Layer, test: &dyn Fn(Requantise) -> bool| layer.requantise().is_some_and(test);
    let kinds: [Kind; 20] = [
        ("accumulate", &|l| l.accumulate()),
        ("no accumulate", &|l| !l.accumulate()),
        ("mask", &|l| l.mask()),
        ("no mask", &|l| !l.mask()),
        ("not requantised", &|l| l.requantise().is_none()),
        ("one scale", &|l| {
            requantised(l, &|it| it.scale_per == ScalePer::Tensor)
        }),
        ("a scale a channel", &|l| {
            requantised(l, &|it| it.scale_per == ScalePer::Channel)
        }),
        ("two sets of scales", &|l| {
            l.two_weight_sets() && l.requantise().is_some()
        }),
        ("nearest", &|l| {
            requantised(l, &|it| it.rounding == Rounding::NearestEven)
        }),
        ("floor", &|l| {
            requantised(l, &|it| it.rounding == Rounding::Floor)
        }),
        ("stochastic", &|l| {
            requantised(l, &|it| it.rounding == Rounding::Stochastic)
        }),
        ("a zero point", &|l| l.zero_point() != 0),
        ("a bias", &|l| l.bias()),
        ("a bias and sets of scales", &|l| {
            l.bias() && l.two_weight_sets() && l.requantise().is_some()
        }),
        ("a bias and one scale", &|l| {
            l.bias() && requantised(l, &|it| it.scale_per == ScalePer::Tensor)
        }),
        ("a bias and a scale a channel", &|l| {
            l.bias() && requantised(l, &|it| it.scale_per == ScalePer::Channel)
        }),
        ("a zero point of the result", &|l| {
            requantised(l, &|it| it.zero_point != 0)
        }),
        ("relu", &|l| {
            requantised(l, &|it| it.activation == Some(Activation::Relu))
        }),
        ("relu6", &|l| {
            requantised(l, &|it| it.activation == Some(Activation::Relu6))
        }),
        ("clamp", &|l| {
            requantised(l, &|it| it.activation == Some(Activation::Clamp))
        }),
    ];
    let drawn = drawn.into_inner();
    for (kind, belongs) in kinds {
        assert!(drawn.iter().any(belongs), "never drawn: {kind}");
    }
}

/// Zero-tap pixels before, between and behind the others, a lane to spare, a narrow output that is no whole byte.
pub fn everything(weight_sets: u32, rounding: &str) -> Layer {
    // Halves to round are to be frequent where it matters what becomes of them.
    let (out_type, scale_bits, shift) = match rounding {
        "nearest_even" => ("int15", 3, 3),
        _ => ("int6", 11, 12),
    };
    layer(&format!(
        "name = \"everything_{weight_sets}_{rounding}\"
        [layer]
        in_channels = 5
        out_channels = 3
        in_size = [7, 8]
        kernel = [2, 3]
        stride = [3, 2]
        padding = [1, 0, 1, 1]
        [engine]
        simd = 2
        pe = 2
        weight_sets = {weight_sets}
        accumulate = true
        mask = true
        out_type = \"{out_type}\"
        scale_per = \"channel\"
        scale_bits = {scale_bits}
        shift = {shift}
        rounding = \"{rounding}\""
    ))
}

/// The same, of values that count from others than zero and are kept between two, with a bias for each channel.
pub fn everything_quantised(weight_sets: u32) -> Layer {
    let mut file = everything(weight_sets, "stochastic").to_file();
    file.name = format!("everything_quantised_{weight_sets}");
    let engine = &mut file.engine;
    engine.zero_point = 77;
    engine.bias = true;
    // With the least of them a value that was cut before may fit again.
    engine.out_zero_point = Some(-32);
    engine.activation = Some("clamp".to_owned());
    (engine.out_min, engine.out_max) = (Some(-26), Some(21));
    file.validate().unwrap()
}

/// The rig of a layer, arrays for it, and what they give.
pub struct Bench {
    rig: Rig,
    arrays: Arrays,
    expected: Finished,
    /// Which mutant it is, where the rig has any.
    pub mutant: Option<u64>,
}

impl Bench {
    fn new(layer: &Layer) -> Self {
        Self::of(Rig::new(layer))
    }

    pub fn of(rig: Rig) -> Self {
        let arrays = arrays(rig.layer(), FRAMES, 3);
        Bench {
            expected: finished(rig.layer(), &arrays),
            arrays,
            rig,
            mutant: None,
        }
    }

    /// All that the tests below ask of a rig with every stage and two sets, in short; panics where it is not so.
    pub fn check_all(&self) {
        self.check_on_time();
        self.check_stalls(12);
        self.check_blocked(60);
        self.check_seeds();
        self.check_reset();
        self.check_sets(25);
        self.check_misplaced();
    }

    fn start(&self, seed: u64) -> Drive<'_> {
        let mut drive = self.rig.start(seed);
        if let Some(mutant) = self.mutant {
            drive.instance.poke("mutant", mutant).unwrap();
        }
        if !interface::settings(&self.rig.plan).is_empty() {
            let seed = self.arrays.stages.rounding_seed;
            drive.instance.poke("rounding_seed", seed.into()).unwrap();
            drive.instance.reset(2);
        }
        drive
    }

    /// What the rest of a run with these arrays has to give.
    fn check(&self, drive: &mut Drive) {
        let frames = FRAMES as u64;
        assert_eq!(drive.frames(frames), self.expected.result);
        drive.finish_without_error(frames);
        assert_eq!(drive.peek("saturations"), self.expected.saturations);
    }
}

static RANDOM: LazyLock<Bench> = LazyLock::new(|| Bench::new(&everything(2, "stochastic")));
static QUANTISED: LazyLock<Bench> = LazyLock::new(|| Bench::new(&everything_quantised(1)));
static NEAREST: LazyLock<Bench> = LazyLock::new(|| Bench::new(&everything(1, "nearest_even")));

const ACCUMULATE: usize = 2;
const MASK: usize = 3;

/// Every stream in turn is slow, and all of them at rates of their own: what leaves is the same, draws included.
#[test]
fn stalls_on_every_stream_lose_nothing() {
    RANDOM.check_stalls(60);
    QUANTISED.check_stalls(60);
    NEAREST.check_stalls(60);
}

impl Bench {
    pub fn check_stalls(&self, rounds: u64) {
        assert!(self.expected.saturations > 0);
        let mut choices = Choices::new(1);
        for round in 0..rounds {
            let mut drive = self.start(round);
            drive.stall(0.0, 0.0, round);
            let slow = choices.below(5);
            for stream in 0..4_usize {
                let mixed = [0.0, 0.2, 0.5, 0.9][choices.below(4) as usize];
                let rate = match slow {
                    4 => mixed,
                    one if one as usize == stream => 0.85,
                    _ => 0.0,
                };
                drive.instance.source(stream).set_stall(rate, round + 7);
            }
            if round % 3 == 0 {
                drive.instance.sink(GRAD_INPUT).set_stall(0.6, round);
            }
            drive.offer_all(&self.arrays);
            self.check(&mut drive);
        }
    }
}

/// A stream beside the results stops before each of its beats in turn, for long: the engine fills up and waits.
#[test]
fn each_stream_may_pause_at_any_beat() {
    let bench = &*RANDOM;
    let beats = bench.rig.streams.result.beats;
    for stream in [ACCUMULATE, MASK] {
        for pause in (0..beats * FRAMES as u64).step_by(5) {
            let mut drive = bench.start(pause);
            let now = drive.instance.cycle();
            drive.offer_all(&bench.arrays);
            // Nothing is offered at first, then as much as is wanted, then nothing for long.
            drive.instance.source(stream).set_stall(1.0, 0);
            drive.run(40);
            drive.instance.source(stream).set_stall(0.0, 0);
            while drive.taken(stream) < pause && drive.instance.cycle() < now + 20_000 {
                drive.run(1);
            }
            drive.instance.source(stream).set_stall(1.0, 0);
            drive.run(1500);
            let given = drive.given();
            drive.run(500);
            assert_eq!(
                drive.given(),
                given,
                "a result without its beat of {stream}"
            );
            drive.instance.source(stream).set_stall(0.0, 0);
            bench.check(&mut drive);
        }
    }
}

#[test]
fn the_output_may_be_blocked_at_any_beat() {
    RANDOM.check_blocked(9);
}

/// A seed gives its numbers whatever happens on the streams; another seed gives others; reset begins anew.
#[test]
fn a_seed_repeats_its_run() {
    RANDOM.check_seeds();
}

/// Reset in mid run, whatever is in the stages then.
#[test]
fn reset_recovers_from_anything() {
    RANDOM.check_reset();
    QUANTISED.check_reset();
    NEAREST.check_reset();
}

#[test]
fn the_cycles_are_those_of_the_model() {
    RANDOM.check_on_time();
    QUANTISED.check_on_time();
    NEAREST.check_on_time();
}

impl Bench {
    /// The first frame and the steady state, with streams that are always there.
    fn check_on_time(&self) {
        let mut drive = self.start(1);
        drive.offer_set(&self.arrays);
        drive.run(2 * self.rig.streams.stationary.beats + 30);
        drive.offer_batch(&self.arrays);
        self.check(&mut drive);
        let first = drive.instance.source(GRAD_OUTPUT).first_cycle().unwrap();
        let lasts = drive.instance.sink(GRAD_INPUT).last_cycles().to_vec();
        let predicted = self.rig.plan.cycles(FRAMES as u64);
        assert_eq!(lasts[0] - first + 1, predicted.first_frame);
        assert_eq!(lasts[FRAMES - 1] - first + 1, predicted.total);
    }

    fn check_blocked(&self, step: usize) {
        let all = FRAMES as u64 * self.rig.streams.result.beats;
        for limit in (0..all).step_by(step).chain([all - 1]) {
            let mut drive = self.start(limit);
            drive.offer_all(&self.arrays);
            drive.instance.sink(GRAD_INPUT).set_limit(Some(limit));
            drive.run(4000);
            assert_eq!(drive.given(), limit);
            let taken = [GRAD_OUTPUT, ACCUMULATE, MASK].map(|stream| drive.taken(stream));
            drive.run(1000);
            let later = [GRAD_OUTPUT, ACCUMULATE, MASK].map(|stream| drive.taken(stream));
            assert_eq!(taken, later, "there is no more room");
            drive.instance.sink(GRAD_INPUT).set_limit(None);
            self.check(&mut drive);
        }
    }

    fn check_reset(&self) {
        let total = self.rig.plan.cycles(FRAMES as u64).total;
        let mut drive = self.start(4);
        for cycles in (1..total + 60).step_by(97) {
            drive.offer_all(&self.arrays);
            drive.instance.sink(GRAD_INPUT).set_stall(0.5, cycles);
            drive.run(cycles);
            drive.instance.reset(1 + cycles % 2);
            assert_eq!(drive.peek("saturations"), 0, "in reset");
            drive.offer_all(&self.arrays);
            self.check(&mut drive);
            drive.instance.reset(1);
        }
    }

    fn check_seeds(&self) {
        let mut drive = self.start(1);
        let run = |drive: &mut Drive, seed: u64| {
            drive.instance.poke("rounding_seed", seed).unwrap();
            drive.instance.reset(1);
            // Only reset looks at it.
            drive.instance.poke("rounding_seed", !seed).unwrap();
            drive.offer_all(&self.arrays);
            drive.frames(FRAMES as u64)
        };
        let seed = u64::from(self.arrays.stages.rounding_seed);
        assert_eq!(run(&mut drive, seed), self.expected.result);
        drive.stall(0.5, 0.5, 1);
        assert_eq!(run(&mut drive, seed), self.expected.result);
        for bit in [0, 1, 15, 30] {
            assert_ne!(run(&mut drive, seed ^ 1 << bit), self.expected.result);
        }
    }
}

/// The mean error of more than 100,000 draws of the engine is zero within its standard error.
#[test]
fn the_mean_error_of_stochastic_rounding_is_zero() {
    let layer = layer(
        "name = \"mean\"
        [layer]
        in_channels = 2
        out_channels = 1
        in_size = [160, 320]
        kernel = 1
        [engine]
        pe = 2
        out_type = \"int16\"
        shift = 7
        rounding = \"stochastic\"",
    );
    let plan = Plan::new(&layer);
    let simulator = simulator(&plan);
    let mut arrays = arrays(&layer, 1, 5);
    arrays.stages = StageArrays {
        scale: Some(Array1::from_elem(1, 37)),
        rounding_seed: 2,
        ..StageArrays::default()
    };
    let expected = finished(&layer, &arrays);
    assert_eq!(expected.saturations, 0);
    exact(&simulator, &plan, &arrays, &expected, &quiet(0)).unwrap();
    let sums = bpa_engine::reference::gather(&layer, &arrays.moving, &arrays.stationary);
    let errors: Vec<f64> = sums
        .iter()
        .zip(&expected.result)
        .map(|(&sum, &given)| given as f64 - (sum * 37) as f64 / 128.0)
        .collect();
    let count = errors.len() as f64;
    assert!(count >= 1e5);
    let mean = errors.iter().sum::<f64>() / count;
    let variance = errors.iter().map(|error| error * error).sum::<f64>() / count - mean * mean;
    let standard_error = (variance / count).sqrt();
    assert!(
        mean.abs() <= standard_error,
        "{mean}, standard error {standard_error}"
    );
    // The fractions are spread, so that there was something to round.
    assert!(variance > 0.1);
}

/// Everything at an end of its range: the sum with the value from outside still fits, and all that is saturated is
/// counted; what the mask clears is not.
#[test]
fn the_worst_case_fits() {
    let layer = everything(1, "nearest_even");
    let plan = Plan::new(&layer);
    let simulator = simulator(&plan);
    let greatest = i64::MAX >> (64 - accumulate_value_bits(&plan));
    let mut arrays = arrays(&layer, 1, 0);
    let shape = arrays.stages.mask.as_ref().unwrap().raw_dim();
    let values = shape.size() as u64;
    let grad = layer.grad_type();
    let scale = layer.requantise().unwrap().scale_type;
    for (grad, value, scale) in [
        (grad.min(), greatest, scale.max()),
        (grad.max(), !greatest, scale.max()),
        (grad.min(), greatest, scale.min()),
        (grad.max(), !greatest, scale.min()),
    ] {
        arrays.moving.fill(grad);
        arrays.stationary.fill(layer.weight_type().min());
        arrays.stages.accumulate = Some(Array4::from_elem(shape, value));
        arrays.stages.scale = Some(Array1::from_elem(5, scale));
        for keep in [true, false] {
            arrays.stages.mask = Some(Array4::from_elem(shape, keep));
            let expected = finished(&layer, &arrays);
            let saturated = if keep { values } else { 0 };
            assert_eq!(expected.saturations, saturated);
            exact(&simulator, &plan, &arrays, &expected, &stalled(0.2, 0.2, 1)).unwrap();
        }
    }
}

/// The same with a zero point as far from the data as can be, a bias and a zero point of the result at their ends.
#[test]
fn the_worst_case_fits_with_zero_points_and_biases() {
    for (point, extreme) in [(-128, 127), (127, -128)] {
        let mut file = everything_quantised(1).to_file();
        file.name = format!("worst_{}", if point < 0 { "up" } else { "down" });
        let engine = &mut file.engine;
        engine.zero_point = point;
        engine.out_zero_point = Some(if point < 0 { -32 } else { 31 });
        (engine.out_min, engine.out_max) = (Some(-31), Some(30));
        let layer = file.validate().unwrap();
        let plan = Plan::new(&layer);
        let simulator = simulator(&plan);
        let mut arrays = arrays(&layer, 1, 0);
        arrays.moving.fill(extreme);
        let shape = arrays.stages.mask.as_ref().unwrap().raw_dim();
        arrays.stages.mask = Some(Array4::from_elem(shape, true));
        let most = i64::MAX >> (64 - accumulate_value_bits(&plan));
        let most_bias = i64::MAX >> (64 - layer.bias_bits().unwrap());
        let scale = layer.requantise().unwrap().scale_type;
        for (weight, up) in [(127, extreme > 0), (-128, extreme < 0)] {
            let ends = |most: i64| if up { most } else { !most };
            arrays.stationary.fill(weight);
            arrays.stages.accumulate = Some(Array4::from_elem(shape, ends(most)));
            arrays.stages.bias = Some(Array1::from_elem(5, ends(most_bias)));
            for scale in [scale.max(), scale.min(), 1] {
                arrays.stages.scale = Some(Array1::from_elem(5, scale));
                let expected = finished(&layer, &arrays);
                assert_eq!(expected.saturations, shape.size() as u64);
                exact(&simulator, &plan, &arrays, &expected, &stalled(0.2, 0.2, 1)).unwrap();
            }
        }
    }
}

/// Arrays that differ in weights, scales and biases alone.
fn sets(bench: &Bench, count: u64) -> Vec<(Arrays, Finished)> {
    let layer = bench.rig.layer();
    let set = |seed| {
        let other = arrays(layer, FRAMES, 100 + seed);
        let mut arrays = bench.arrays.clone();
        arrays.stationary = other.stationary;
        arrays.stages.scale = other.stages.scale;
        arrays.stages.bias = other.stages.bias;
        let expected = finished(layer, &arrays);
        (arrays, expected)
    };
    (0..count).map(set).collect()
}

/// The set that each frame of `found` was computed and scaled with.
fn sets_used(sets: &[(Arrays, Finished)], found: &Array4<i64>) -> Vec<usize> {
    let used = found.outer_iter().enumerate().map(|(n, frame)| {
        let right = |(_, result): &(Arrays, Finished)| {
            result.result.index_axis(Axis(0), n % FRAMES) == frame
        };
        let set = sets.iter().position(right);
        set.unwrap_or_else(|| panic!("frame {n} was computed with no set or with several"))
    });
    used.collect()
}

/// Weights and scales change together, while frames of the set before are still on their way through the stages.
#[test]
fn scales_belong_to_the_weights_they_came_with() {
    NEAREST.check_sets(80);
    RANDOM.check_sets(80);
    QUANTISED.check_sets(80);
}

impl Bench {
    /// Sets of weights at many rates: each frame has the scales of its weights. Where rounding is random, a frame is
    /// known by its place in the run.
    pub fn check_sets(&self, rounds: u64) {
        let sets = sets(self, 4);
        let mut orders = std::collections::BTreeSet::new();
        for seed in 0..rounds {
            let mut choices = Choices::new(seed);
            let mut drive = self.start(seed);
            for (arrays, _) in &sets {
                drive.offer_set(arrays);
            }
            drive.offer_batch(&self.arrays);
            let mut rate = |rates: [f64; 4]| rates[choices.below(4) as usize];
            let rates = [0.0, 0.3, 0.6, 0.9];
            for stream in [GRAD_OUTPUT, ACCUMULATE, MASK] {
                drive.instance.source(stream).set_stall(rate(rates), seed);
            }
            let weights = rate([0.0, 0.6, 0.85, 0.93]);
            drive.instance.source(WEIGHT).set_stall(weights, seed);
            drive.instance.sink(GRAD_INPUT).set_stall(rate(rates), seed);
            let used = sets_used(&sets, &drive.frames(FRAMES as u64));
            assert!(used.is_sorted(), "seed {seed}: {used:?}");
            drive.finish_without_error(FRAMES as u64);
            orders.insert(used);
        }
        assert!(
            orders.len() > 1,
            "the stalls made no difference: {orders:?}"
        );
    }
}

/// The last scales of a set wait for the frames of the set before; then they are taken, and the frames go on.
#[test]
fn scales_wait_for_the_frames_before_them() {
    let bench = &*NEAREST;
    let sets = sets(bench, 2);
    let set = bench.rig.streams.stationary.beats;
    let scales = bench.rig.layer().scale_words();
    let mut drive = bench.start(3);
    drive.offer_set(&sets[0].0);
    drive.run(2 * set + 20);
    // A frame is issued, but its last beats cannot leave.
    let frame = bench.rig.streams.result.beats;
    drive.instance.sink(GRAD_INPUT).set_limit(Some(frame - 30));
    drive.offer_batch(&bench.arrays);
    drive.run(3000);
    drive.offer_set(&sets[1].0);
    drive.run(3000);
    assert!(drive.taken(WEIGHT) <= 2 * set - scales, "scales were taken");
    drive.instance.sink(GRAD_INPUT).set_limit(None);
    let used = sets_used(&sets, &drive.frames(FRAMES as u64));
    assert!(used[0] == 0 && used[FRAMES - 1] == 1, "{used:?}");
    assert_eq!(drive.taken(WEIGHT), 2 * set);
    drive.finish_without_error(FRAMES as u64);
}

/// A misplaced tlast on a stream beside the results is reported with its cause and changes nothing.
#[test]
fn a_misplaced_tlast_is_reported_and_harms_nothing() {
    RANDOM.check_misplaced();
}

impl Bench {
    fn check_misplaced(&self) {
        let frame = self.rig.streams.result.beats;
        let end = frame - 1;
        let (early, missing, late) = (1, 2, 4);
        for (index, stream) in [ACCUMULATE, MASK].into_iter().enumerate() {
            for (flips, causes) in [
                (vec![0], early),
                (vec![frame / 2], early),
                (vec![end], missing),
                (vec![end, frame + 2], missing | late),
            ] {
                let mut drive = self.start(3);
                self.offer_with_flips(&mut drive, stream, &flips);
                assert_eq!(drive.frames(FRAMES as u64), self.expected.result);
                drive.run(4);
                let (name, _) = self.rig.streams.inputs()[stream];
                let found = drive.peek("error_cause");
                let place = format!("{name}, flipped on {flips:?}");
                assert_eq!(found, causes << (6 + 3 * index), "{place}");
                assert_eq!(drive.peek("error"), 1, "{place}");
                let causes = interface::Cause::of(&self.rig.plan, found);
                assert!(causes.iter().all(|cause| cause.0 == name), "{causes:?}");
                drive.instance.reset(1);
                drive.offer_all(&self.arrays);
                self.check(&mut drive);
            }
        }
    }

    /// Offers everything, with the tlast of these beats of one stream flipped.
    fn offer_with_flips(&self, drive: &mut Drive, stream: usize, flips: &[u64]) {
        drive.offer_set(&self.arrays);
        let inputs = self.rig.streams.inputs();
        for (index, (name, format)) in inputs.into_iter().enumerate() {
            if index == WEIGHT {
                continue;
            }
            for n in 0..FRAMES {
                let mut flags = last_flags(format.beats);
                for flip in flips {
                    if index == stream && flip / format.beats == n as u64 {
                        flags[(flip % format.beats) as usize] ^= 1;
                    }
                }
                let beats = frame_beats(&self.rig.plan, &self.arrays, name, n);
                drive.instance.source(index).load(&beats, &flags).unwrap();
            }
        }
    }
}

/// Pixels that no tap reaches are zero before the stages, not behind them.
#[test]
fn pixels_without_a_tap_go_through_the_stages() {
    let layer = layer(
        "name = \"untapped\"
        [layer]
        in_channels = 2
        out_channels = 2
        in_size = [3, 4]
        kernel = 1
        padding = [4, 0, 0, 0]
        out_size = [2, 3]
        [engine]
        accumulate = true
        out_type = \"int16\"
        shift = 3
        rounding = \"floor\"",
    );
    let plan = Plan::new(&layer);
    let arrays = arrays(&layer, FRAMES, 1);
    let expected = finished(&layer, &arrays);
    assert!(expected.result.iter().any(|&value| value != 0));
    let simulator = simulator(&plan);
    for (input, output) in STALLS {
        let traffic = stalled(input, output, 1);
        exact(&simulator, &plan, &arrays, &expected, &traffic).unwrap();
    }
}

//! Promise: whatever its limits, lanes, types and stages, a programmable engine computes every layer that fits them, in any
//! pass, exactly, one after the other, each told in time or late, with stalls on every stream, and after an abort as well;
//! without stalls as fast as the cost model says; and larger layers in tiles.
//!
//! Engines are drawn by seed, the corners of what can be asked for among them; each takes some seconds to compile. A
//! failure names the seed, and `BPA_ENGINES_SEED=17 BPA_ENGINES=1 cargo test --test engine engines` runs that one.
//! `BPA_ENGINES_CASES=1000` runs more jobs on each.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use bpa_engine::bound::bound_cycles;
use bpa_engine::compare::compare;
use bpa_engine::driver::{Device, Driver, Input, Simulated, Submitted, JOBS_HELD};
use bpa_engine::emit::Target;
use bpa_engine::interface::{ACCUMULATE, DATA, MASK, WEIGHT};
use bpa_engine::layer::{Geometry, Layer, Pass, PerItem, Rounding, ScalePer};
use bpa_engine::programmable::{EngineFile, Lanes, LimitsFile, ProgrammableEngine, UsedStages};
use bpa_engine::vectors::{pack_moving, pack_stationary};
use bpa_hdl::rtl::print_verilog;
use ndarray::Axis;

use crate::common::{expected, in_pass, result_beats_of_a_frame, Choices, GRAD_INPUT, GRAD_OUTPUT};
use crate::programmable_stages::{arrays, check_at_rest, stages_of, Case, Rig};
use crate::three_tools::clean_for_three_tools;

/// Engines of the test, unless the environment says otherwise.
const ENGINES: u64 = 3;
/// The first one: it is the smallest that there can be, the next one has all the greatest limits, the others have any.
const SEED: u64 = 0;
/// One more, which has no stage but that values are added: none of the others adds in every pass (`reached` finds that).
const ADDING: u64 = 43;
/// From this one on they have lanes over pixels.
const WITH_PIXELS: u64 = 1000;
/// Engines whose text is looked at.
const LINTED: u64 = 4;
/// Jobs on each.
const CASES: usize = 40;
/// Aborts of each.
const ABORTS: u64 = 8;
/// Jobs on each of which the pace is measured.
const PACED: usize = 4;
/// Layers in tiles on each.
const TILED: usize = 8;
/// Layers that are tried for all of these.
const TRIES: u64 = 4000;
/// Cycles of a frame.
const MOST_CYCLES: u64 = 3000;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// One of these.
fn one<T: Copy>(choices: &mut Choices, of: &[T]) -> T {
    of[choices.below(of.len() as u64) as usize]
}

/// A number from `least` to `most`.
fn within(choices: &mut Choices, least: i64, most: i64) -> i64 {
    least + choices.below((most - least + 1) as u64) as i64
}

/// The limits of a seed: all the least, all the greatest, or any mix.
fn limits(seed: u64, choices: &mut Choices) -> LimitsFile {
    let mut any = |least: i64, greatest: i64, some: &[i64]| match seed {
        0 => least,
        1 => greatest,
        _ => one(choices, some),
    };
    let words = [2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 1000];
    let mut pair = |least, greatest, some: &[i64]| [(); 2].map(|()| any(least, greatest, some));
    let size = pair(2, 65_535, &[2, 3, 4, 5, 7, 8, 9, 16, 17, 64, 1000]);
    let kernel = pair(1, 4095, &[1, 2, 3, 4, 5, 8, 100]);
    let steps = pair(8, 1024, &[8, 9, 12, 16, 32]);
    LimitsFile {
        weight_words: any(2, 1 << 24, &words),
        line_words: any(2, 1 << 24, &words),
        size: PerItem(size),
        kernel: PerItem(kernel),
        steps: PerItem(steps),
        fifo_results: any(4, 4096, &[4, 4, 8, 16, 64]),
        zero_run: any(1, (1 << 31) - 1, &[1, 2, 3, 4, 7, 20, 60, 8191, 65_535]),
        scale_words: None,
        stretch_beats: None,
    }
}

/// The engine of a seed.
fn engine(seed: u64) -> ProgrammableEngine {
    let mut choices = Choices::new(seed);
    loop {
        let choices = &mut choices;
        let mut limits = limits(seed, choices);
        let int = |choices: &mut Choices| format!("int{}", one(choices, &[8, 8, 2, 3, 5, 13, 16]));
        let mut lanes = Lanes {
            simd: one(choices, &[1, 1, 2, 3, 4, 5, 7]),
            pe: one(choices, &[1, 1, 2, 3, 4, 5, 7]),
            grad_type: int(choices),
            weight_type: int(choices),
            accumulate: choices.below(3) == 0,
            mask: choices.below(3) == 0,
            ..Lanes::default()
        };
        if choices.below(3) == 0 {
            lanes.out_type = int(choices);
            let per = one(choices, &["tensor", "channel"]);
            lanes.scale_per = Some(per.to_owned());
            lanes.scale_bits = Some(within(choices, 2, 16));
            lanes.shift = Some(within(choices, 1, 32));
            let rounding = one(choices, &["nearest_even", "floor", "stochastic"]);
            lanes.rounding = Some(rounding.to_owned());
            if per == "channel" {
                limits.scale_words = Some(one(choices, &[2, 3, 6, 17]));
            }
        }
        // By themselves, so that the others stay what they were.
        let mut quantised = Choices::new(seed ^ 0x5155_414e);
        let mut third = || quantised.below(3) == 0;
        [lanes.zero_point, lanes.bias, lanes.activation] = [(); 3].map(|()| third());
        lanes.activation &= lanes.shift.is_some();
        if lanes.bias && limits.scale_words.is_none() {
            limits.scale_words = Some(one(&mut quantised, &[2, 3, 6, 17]));
        }
        if seed < 2 {
            (lanes.simd, lanes.pe) = (1, 1);
        }
        if seed >= WITH_PIXELS {
            lanes.pixels = within(choices, 2, 8);
            limits.stretch_beats = Some(one(choices, &[4, 9, 16, 33, 64]));
        }
        let file = EngineFile {
            name: "drawn".to_owned(),
            engine: lanes,
            limits,
        };
        // Some results are too wide for what stands behind them.
        if let Ok(engine) = file.validate() {
            return engine;
        }
    }
}

/// One axis: in_size, kernel, stride, dilation, padding on both sides, out_size.
fn axis(choices: &mut Choices, size: u64, kernel: u64) -> [i64; 7] {
    let least_of = |a: u64, b: i64| (a as i64).min(b);
    let most = one(choices, &[2, 5, 13]);
    let in_size = within(choices, 1, least_of(size, most));
    let most = one(choices, &[1, 3, 5, 9]);
    let kernel = within(choices, 1, least_of(kernel, most));
    let most = one(choices, &[1, 2, 4, 9]);
    let stride = within(choices, 1, most);
    let most = one(choices, &[1, 1, 3, 14]);
    let dilation = within(choices, 1, most);
    let most = one(choices, &[0, 2, 9]);
    let mut padding = [(); 2].map(|()| within(choices, 0, most));
    let span = dilation * (kernel - 1) + 1;
    let missing = (span - in_size - padding[0] - padding[1]).max(0);
    padding[choices.below(2) as usize] += missing;
    let whole = (in_size + padding[0] + padding[1] - span) / stride + 1;
    let fewer = one(choices, &[0, 0, 1, 100]);
    // What the engine cannot hold may still be cut short.
    let out_size = (whole - fewer).clamp(1, size as i64);
    [
        in_size, kernel, stride, dilation, padding[0], padding[1], out_size,
    ]
}

/// A layer in any pass, which may be too large for the engine.
fn drawn(engine: &ProgrammableEngine, seed: u64) -> Option<Layer> {
    let mut choices = Choices::new(seed);
    let choices = &mut choices;
    let [rows, cols] = [0, 1].map(|axis| engine.limits().axes[axis]);
    let rows = axis(choices, rows.size, rows.kernel);
    let cols = axis(choices, cols.size, cols.kernel);
    let most = one(choices, &[1, 1, 2, 5]);
    let groups = within(choices, 1, most);
    let lanes = engine.lanes();
    let mut channels = |lanes: usize| {
        let most = one(choices, &[1, 1, 2, 3, 8]) * lanes as i64;
        groups * within(choices, 1, most)
    };
    let (in_channels, out_channels) = (channels(lanes.pe), channels(lanes.simd));
    let pass = one(choices, &Pass::ALL);
    let most = one(choices, &[1, 1, 2, 3]) * lanes.simd as i64;
    let batch = within(choices, 1, most);
    let pair = |index: usize| PerItem([rows[index], cols[index]]);
    let geometry = Geometry {
        pass: Some(pass.to_string()),
        batch: Some(batch),
        in_channels: Some(in_channels),
        out_channels: Some(out_channels),
        in_size: Some(pair(0)),
        kernel: Some(pair(1)),
        stride: pair(2),
        dilation: pair(3),
        padding: PerItem([rows[4], rows[5], cols[4], cols[5]]),
        groups,
        out_size: Some(pair(6)),
        ..Geometry::default()
    };
    let layer = engine
        .staged_layer(geometry, stages_of(engine, seed))
        .ok()?;
    (bound_cycles(&layer) <= MOST_CYCLES).then_some(layer)
}

/// Layers that fit the engine, at most so many.
pub fn cases(rig: &Rig, seed: u64, most: usize) -> Vec<Case> {
    (0..TRIES.max(50 * most as u64))
        .map(|index| seed * 1_000_003 + index)
        .filter_map(|seed| Case::of(rig, drawn(&rig.engine, seed)?, seed))
        .take(most)
        .collect()
}

/// The seeds of the engines of this test.
fn seeds() -> Vec<u64> {
    let first = from_environment("BPA_ENGINES_SEED");
    let engines = from_environment("BPA_ENGINES").unwrap_or(ENGINES);
    match first {
        Some(first) => (first..first + engines).collect(),
        None => (SEED..SEED + engines)
            .chain([ADDING, WITH_PIXELS])
            .collect(),
    }
}

/// The layers that the engines of this test compute, without a model.
pub fn drawn_layers() -> Vec<Layer> {
    let of_engine = |seed: u64| {
        let engine = engine(seed);
        let layers = (0..TRIES).filter_map(move |index| {
            let layer = drawn(&engine, seed * 1_000_003 + index)?;
            engine.plan(&layer).is_ok().then_some(layer)
        });
        layers.take(CASES)
    };
    seeds().into_iter().flat_map(of_engine).collect()
}

/// Runs the cases one after the other. What is told late and early, and which streams are slow, is drawn.
pub fn run(rig: &Rig, driver: &mut Driver<Simulated>, cases: &[Case], seed: u64) {
    let mut choices = Choices::new(seed);
    let mut under_way: VecDeque<(&Case, Submitted)> = VecDeque::new();
    for case in cases {
        stall(rig, driver, &mut choices);
        // Results that are held back: short jobs are told in time only so.
        let held = choices.below(3) == 0;
        let limit = |driver: &mut Driver<Simulated>, most: Option<u64>| {
            let mut sink = driver.device().instance().sink(GRAD_INPUT);
            let given = sink.accepted();
            sink.set_limit(most.map(|most| given + most));
        };
        if held {
            limit(driver, Some(choices.below(9)));
        }
        let job = case.submit(driver);
        under_way.push_back((case, job));
        let wait = one(&mut choices, &[0, 1, 2, 3, 5, 40, 150, 400]);
        driver.device().instance().run(wait, None);
        if held {
            limit(driver, None);
        }
        let most = one(&mut choices, &[JOBS_HELD - 1, JOBS_HELD - 1, 1, 0]);
        while under_way.len() > most {
            let (first, job) = under_way.pop_front().unwrap();
            first.collect(driver, &job);
        }
    }
    for (case, job) in under_way {
        case.collect(driver, &job);
    }
    // Beats that no pixel needs may come behind the results.
    driver.device().stall(0.0, 0.0, 0);
    driver.device().instance().run(MOST_CYCLES, None);
}

/// Each stream by itself.
fn stall(rig: &Rig, driver: &mut Driver<Simulated>, choices: &mut Choices) {
    let calm = choices.below(4) == 0;
    let mut rate = || match calm {
        true => (0.0, 0),
        false => (
            one(choices, &[0.0, 0.0, 0.3, 0.5, 0.9]),
            choices.below(1 << 20),
        ),
    };
    let instance = driver.device().instance();
    for index in 0..rig.model.spec().sources.len() {
        let (rate, seed) = rate();
        instance.source(index).set_stall(rate, seed);
    }
    let (rate, seed) = rate();
    instance.sink(GRAD_INPUT).set_stall(rate, seed);
}

/// Some jobs, an abort in any state, jobs that take what is still on offer, and all the others.
pub fn abort_and_run(rig: &Rig, cases: &[Case], seed: u64) {
    let mut choices = Choices::new(seed);
    let mut driver = rig.driver();
    stall(rig, &mut driver, &mut choices);
    let jobs = (1 + choices.below(JOBS_HELD as u64) as usize).min(cases.len());
    let sources = rig.model.spec().sources.len();
    let mut left = vec![0; sources];
    for case in &cases[..jobs] {
        for (left, beats) in left.iter_mut().zip(beats_in(rig, case.layer())) {
            *left += beats(case.frames());
        }
        case.submit(&mut driver);
        driver.device().instance().run(choices.below(60), None);
    }
    let most = one(&mut choices, &[20, 200, 1500]);
    driver.device().instance().run(choices.below(most), None);
    // Alone, with a start, with the counters cleared.
    driver
        .set("command", one(&mut choices, &[2, 3, 7]))
        .unwrap();
    if sources > 2 {
        // Streams beside the results are taken ahead without a job: who can say what was taken before the abort?
        driver.device().stall(1.0, 0.0, 0);
        driver.device().instance().run(10, None);
        driver.set("command", 2).unwrap();
    }
    driver.device().instance().run(4, None);
    assert_eq!(driver.value("state").unwrap(), 0, "state");
    for (index, left) in left.iter_mut().enumerate() {
        *left -= driver.device().instance().source(index).accepted();
    }
    driver.device().stall(0.0, 0.0, 0);
    drain(rig, &mut driver, left);
    run(rig, &mut driver, cases, seed);
    assert_eq!(driver.value("state").unwrap(), 0, "state");
}

/// Beats that a layer takes on each stream, for so many frames.
fn beats_in(rig: &Rig, layer: &Layer) -> Vec<impl Fn(u64) -> u64> {
    let op = layer.operation();
    let out = result_beats_of_a_frame(layer);
    let beats = |name: &str| match name {
        DATA => (
            op.rows.sources * op.moving_columns() * u64::from(op.moving_beats_per_pixel()),
            0,
        ),
        WEIGHT => (0, op.stationary_words() + layer.scale_words()),
        ACCUMULATE => (u64::from(layer.accumulate()) * out, 0),
        _ => (u64::from(layer.mask()) * out, 0),
    };
    let sources = rig.model.spec().sources.iter();
    sources
        .map(|port| beats(&port.name))
        .map(|(of_frame, of_job)| move |frames| of_frame * frames + of_job)
        .collect()
}

/// Runs jobs that take so many beats of each stream, which are on offer, and a few more.
fn drain(rig: &Rig, driver: &mut Driver<Simulated>, mut left: Vec<u64>) {
    let sources = &rig.model.spec().sources;
    let limits = rig.engine.limits();
    let side = |left: &[u64], name: &str| {
        let index = sources.iter().position(|port| port.name == name);
        index.map_or(0, |index| left[index])
    };
    while left.iter().any(|&left| left > 0) {
        let most = match rig.engine.requantise().map(|it| it.scale_per) {
            Some(ScalePer::Channel) => limits.weight_words.min(limits.scale_words),
            _ => limits.weight_words,
        };
        let most = limits.pixels.map_or(most, |it| most.min(it.stretch_beats));
        let blocks = left[1].clamp(1, most);
        let geometry = Geometry {
            in_channels: Some(blocks as i64 * rig.engine.lanes().pe as i64),
            out_channels: Some(1),
            in_size: Some(PerItem([1; 2])),
            kernel: Some(PerItem([1; 2])),
            ..Geometry::default()
        };
        let stages = UsedStages {
            accumulate: side(&left, ACCUMULATE) > 0,
            mask: side(&left, MASK) > 0,
            ..UsedStages::default()
        };
        let layer = rig.engine.staged_layer(geometry, stages).unwrap();
        let plan = rig.engine.plan(&layer).unwrap();
        let beside = side(&left, ACCUMULATE).max(side(&left, MASK));
        let frames = left[0].max(beside.div_ceil(blocks)).max(1);
        for (index, beats) in beats_in(rig, &layer).into_iter().enumerate() {
            let (taken, bytes) = (beats(frames), sources[index].bytes);
            let more = taken.saturating_sub(left[index]) as usize;
            let mut source = driver.device().instance().source(index);
            source.load(&vec![0; more * bytes], &vec![0; more]).unwrap();
            left[index] = left[index].saturating_sub(taken);
        }
        let frames = NonZeroU32::new(frames as u32).unwrap();
        let words = rig.engine.job(&rig.hardware.table, &plan, frames).unwrap();
        driver.start(&words).unwrap();
        let mut waits = 0;
        while driver.value("state").unwrap() != 0 {
            driver.device().instance().run(200, None);
            waits += 1;
            assert!(waits < 1000, "an engine stuck after an abort");
        }
    }
    let bytes = driver.device().instance().sink(GRAD_INPUT).data().len();
    driver.device().receive(bytes).unwrap();
}

/// Layers that do not fit in one job, where they fit in tiles.
pub fn run_tiles(rig: &Rig, seed: u64) -> usize {
    let mut driver = rig.driver();
    let mut choices = Choices::new(seed);
    let layers = (0..TRIES / 8)
        .map(|index| seed * 1_000_003 + index)
        .filter_map(|seed| Some((seed, drawn(&rig.engine, seed)?)))
        .filter(|(_, layer)| rig.engine.plan(layer).is_err());
    let mut tiled = 0;
    for (seed, layer) in layers {
        let frames = 1 + seed as usize % 2;
        let Ok(tiling) = rig.engine.tiling(&layer, frames as u64) else {
            continue;
        };
        stall(rig, &mut driver, &mut choices);
        let told = |what: String| format!("seed {seed}: {what}\n{}", layer.to_file().to_toml());
        let arrays = arrays(&layer, frames, seed, tiling.most_accumulate());
        let found = driver
            .run(&tiling, &arrays)
            .unwrap_or_else(|error| panic!("{}", told(error.to_string())));
        let expected = match layer.requantise() {
            // Each tile draws as a layer of its own.
            Some(requantise) if requantise.rounding == Rounding::Stochastic => continue,
            _ => expected(&layer, &arrays),
        };
        if let Some(first) = compare(&found, &expected).first {
            panic!("{}", told(first.to_string()));
        }
        tiled += 1;
        if tiled == TILED {
            break;
        }
    }
    tiled
}

/// More cycles than it takes to tell a job and to load its weights.
const TOLD_AND_LOADED: u64 = 20_000;

/// Frames in steady state come as fast as the cost model says.
fn check_pace(rig: &Rig, cases: &[Case], seed: u64) {
    for case in &cases[..cases.len().min(PACED)] {
        let case = Case::with_frames(rig, case.layer().clone(), seed, 12).unwrap();
        let mut driver = rig.driver();
        // The model has the weights from the start. Where data and output FIFO bound a frame by the same cycles, data that
        // are ahead for want of weights stay so, and frames of other cycles take turns.
        let data = driver.device().instance();
        let begin = data.cycle() + TOLD_AND_LOADED;
        data.source(GRAD_OUTPUT).set_start_cycle(begin);
        case.run(&mut driver);
        let sink = driver.device().instance().sink(GRAD_INPUT);
        let ends = sink.last_cycles().to_vec();
        let steady = ends[11] - ends[10];
        let predicted = case.plan().cycles(12).per_frame_steady.unwrap();
        assert_eq!(steady, predicted, "{}", case.told("steady state"));
    }
}

#[test]
fn engines_of_any_limits_are_exact() {
    let most = from_environment("BPA_ENGINES_CASES").map_or(CASES, |most| most as usize);
    for seed in seeds() {
        let engine = engine(seed);
        let file = engine.to_file().to_toml();
        println!("engine {seed}:\n{file}");
        let rig = Rig::of_engine(engine, |text| text);
        let cases = cases(&rig, seed, most);
        let of = |pass| {
            let in_pass = cases.iter().filter(|case| case.layer().pass() == pass);
            in_pass.count()
        };
        let reached = Pass::ALL.map(of);
        println!("{} jobs, by pass {reached:?}", cases.len());
        // The smallest engine has few layers. One that somebody asks for may have none of a pass.
        let asked_for = from_environment("BPA_ENGINES_SEED").is_some();
        assert!(asked_for || reached.iter().all(|&jobs| jobs > 0));
        let mut driver = rig.driver();
        run(&rig, &mut driver, &cases, seed);
        check_at_rest(&rig, &mut driver, &cases);
        let frames: u64 = cases.iter().map(Case::frames).sum();
        let cycles = driver.device().instance().cycle();
        let layers = cases.len();
        println!("exact: {layers} layers, {frames} frames, {cycles} cycles");
        for trial in 0..ABORTS.min(layers as u64) {
            let from = trial as usize % cases.len();
            let some = &cases[from..cases.len().min(from + 6)];
            abort_and_run(&rig, some, seed * ABORTS + trial);
        }
        check_pace(&rig, &cases, seed);
        println!("{} in tiles", run_tiles(&rig, seed));
    }
}

/// The job that runs ends with a beat that no pixel needs and that comes late, while the memory is full with the next
/// one's weights but for one word, which comes just then. The weights of the job behind it must wait.
#[test]
fn a_set_that_fills_the_memory_as_a_job_ends_is_not_written_over() {
    let rig = Rig::of_engine(engine(0), |text| text);
    let all = rig.engine.limits().weight_words;
    assert_eq!(all, rig.engine.weight_memory_words());
    let case = |seed, size, padding, words: u64| {
        let geometry = Geometry {
            in_channels: Some(1),
            out_channels: Some(words as i64),
            in_size: Some(PerItem([size; 2])),
            kernel: Some(PerItem([1; 2])),
            padding: PerItem([0, 0, 0, padding]),
            ..Geometry::default()
        };
        let layer = rig.engine.staged_layer(geometry, UsedStages::default());
        let case = Case::of(&rig, layer.unwrap(), seed).unwrap();
        assert_eq!(case.layer().operation().stationary_words(), words);
        case
    };
    let [first, second, third] = [case(3, 1, 1, 1), case(5, 2, 0, all), case(8, 2, 0, all)];
    let mut driver = rig.driver();
    let words = rig
        .engine
        .job(&rig.hardware.table, first.plan(), NonZeroU32::MIN);
    driver.start(&words.unwrap()).unwrap();
    let arrays = first.arrays();
    let weight = pack_stationary(first.layer(), &arrays.stationary);
    driver.device().send(Input::Weight, &weight).unwrap();
    let frame = arrays.moving.index_axis(Axis(0), 0);
    let frame = pack_moving(first.layer(), frame);
    let grad = |driver: &mut Driver<Simulated>, beat: usize| {
        let mut source = driver.device().instance().source(0);
        let bytes = source.port().bytes;
        let beat = &frame[beat * bytes..][..bytes];
        source.load(beat, &[0]).unwrap();
    };
    grad(&mut driver, 0);
    driver.device().instance().run(200, None);
    assert_eq!(driver.device().instance().sink(GRAD_INPUT).accepted(), 1);
    // The last beat, and all that follows, is held back until all else is where it can be.
    driver.device().instance().source(0).set_stall(1.0, 0);
    grad(&mut driver, 1);
    let second_job = second.submit(&mut driver);
    let third_job = third.submit(&mut driver);
    driver.device().instance().run(200, None);
    driver
        .device()
        .instance()
        .sink(GRAD_INPUT)
        .set_limit(Some(3));
    driver.device().instance().source(0).set_stall(0.0, 0);
    driver.device().instance().run(400, None);
    driver.device().instance().sink(GRAD_INPUT).set_limit(None);
    let bytes = rig.model.spec().sinks[0].bytes;
    driver.device().receive(bytes).unwrap();
    second.collect(&mut driver, &second_job);
    third.collect(&mut driver, &third_job);
}

/// Their text is clean for Verilator, Icarus and Yosys.
#[test]
fn engines_of_any_limits_are_clean() {
    let first = from_environment("BPA_ENGINES_SEED").unwrap_or(SEED);
    for seed in first..first + from_environment("BPA_ENGINES").unwrap_or(LINTED) {
        println!("engine {seed}");
        let hardware = engine(seed).hardware(Target::Generic);
        clean_for_three_tools("drawn", &print_verilog(&hardware.module));
    }
}

/// Layers at the ends of what any can be, on the engine that has all the greatest limits.
#[test]
fn the_largest_engine_computes_the_largest_layers() {
    let rig = Rig::of_engine(engine(1), |text| text);
    let pair = |a, b| PerItem([a, b]);
    let of = |in_size, kernel, stride, dilation, padding| Geometry {
        in_channels: Some(1),
        out_channels: Some(1),
        in_size: Some(in_size),
        kernel: Some(kernel),
        stride,
        dilation,
        padding: PerItem(padding),
        ..Geometry::default()
    };
    let (one, far) = (pair(1, 1), 65_535);
    let passed = |pass, geometry: Geometry| in_pass(&geometry, pass, 1);
    let channels = |c, k| Geometry {
        in_channels: Some(c),
        out_channels: Some(k),
        ..of(one, one, one, one, [0; 4])
    };
    let geometries = [
        // Runs of beats without a tap, along a row and over empty rows.
        of(pair(1, far), one, pair(1, 4095), one, [0; 4]),
        of(pair(far, 1), one, pair(4095, 1), one, [0; 4]),
        of(
            pair(far, 1),
            pair(2, 1),
            pair(4095, 1),
            pair(4095, 1),
            [4095, 0, 0, 0],
        ),
        // All phases, a tap each; each tap of a kernel at one pixel.
        of(pair(1, far), pair(1, 64), pair(1, 64), one, [0; 4]),
        of(one, pair(4095, 1), one, one, [4094, 4094, 0, 0]),
        of(one, pair(1, 4095), one, one, [0, 0, 4094, 4094]),
        of(pair(far, 1), pair(64, 1), pair(64, 1), one, [0; 4]),
        // Most of what comes is dropped.
        of(one, one, one, one, [4095, 4095, 3, 3]),
        channels(far, 1),
        channels(1, far),
        // Steps over most of what comes, forward; a weight gradient whose kernel is an image; channels and a batch.
        passed(
            Pass::Forward,
            of(pair(1, far), one, pair(1, 4095), one, [0; 4]),
        ),
        passed(
            Pass::Forward,
            of(pair(far, 1), one, pair(4095, 1), one, [0; 4]),
        ),
        passed(
            Pass::Forward,
            of(one, pair(1, 4095), one, one, [0, 0, 4094, 4094]),
        ),
        passed(Pass::GradWeight, of(pair(1, 4095), one, one, one, [0; 4])),
        passed(
            Pass::GradWeight,
            of(pair(far, 1), one, pair(4095, 1), one, [0; 4]),
        ),
        passed(Pass::Forward, channels(1, far)),
        Geometry {
            batch: Some(far),
            ..passed(Pass::GradWeight, channels(1, 1))
        },
    ];
    let cases: Vec<Case> = geometries
        .into_iter()
        .zip(0..)
        .map(|(geometry, seed)| {
            let layer = rig
                .engine
                .staged_layer(geometry, stages_of(&rig.engine, seed));
            Case::with_frames(&rig, layer.unwrap(), seed, 1).unwrap()
        })
        .collect();
    let mut driver = rig.driver();
    for case in &cases {
        case.run(&mut driver);
    }
    driver.device().instance().run(100_000, None);
    check_at_rest(&rig, &mut driver, &cases);
}

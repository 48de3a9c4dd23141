//! Promise: one programmable engine computes every layer within its limits, exactly, one after the other without a
//! reset in between, each told while the one before it runs; and refuses what it cannot do, and goes on.
//!
//! Geometries are drawn by seed. A failure names the seed, and `BPA_PROGRAMMABLE_SEED=17 BPA_PROGRAMMABLE_CASES=2 cargo
//! test --test engine programmable` runs that one and the next. More of them: `BPA_PROGRAMMABLE_CASES=1000`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Instant;

use bpa_engine::bound::bound_cycles;
use bpa_engine::compare::compare;
use bpa_engine::driver::{
    Device, DeviceError, Driver, DriverError, Input, Simulated, Submitted, JOBS_HELD,
};
use bpa_engine::emit::Target;
use bpa_engine::layer::{Geometry, Layer, Pass, PerItem};
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_engine::run::Arrays;
use bpa_engine::vectors::{pack_moving, pack_stationary, result_beats, unpack_result};
use bpa_hdl::config::descriptor::{Jump, Line};
use bpa_hdl::rtl::print_verilog;
use bpa_hdl::shell::programmable::Programmable;
use bpa_sim::{Instance, Model, Pin};
use ndarray::{Array4, Axis};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::common::{
    arrays, cache, expected, in_pass, last_flags, result_beats_of_a_frame, GRAD_INPUT, GRAD_OUTPUT,
    WEIGHT,
};
use crate::layers::layer;
use crate::three_tools::clean_for_three_tools;

const CASES: u64 = 100;
/// Geometries that are run in each pass, where they fit.
const PASSES_CASES: u64 = 60;
/// Cycles of a frame of these, in the data gradient.
const PASSES_MOST_CYCLES: u64 = 1_500;
/// Cycles that a change of jobs costs: 22 and the levels of an adder tree of three.
const HAND_OVER_CYCLES: u64 = 24;
/// Words of the weight memory: the limit of a set, rounded up to a power of two.
const WEIGHT_MEMORY: u64 = 1024;
/// Words of the line buffer.
const LINE_WORDS: u64 = 4000;
/// Cycles of a frame.
const MOST_CYCLES: u64 = 20_000;

/// Holds every geometry that is drawn here; three lanes over K, so that most of them leave some idle.
const ENGINE: &str = "name = \"told\"
[engine]
mode = \"programmable\"
simd = 3
pe = 2
[limits]
size = 64
kernel = 5
steps = 16
line_words = 4000
weight_words = 1000
zero_run = 8191
fifo_results = 16
";

/// The same for images as kernels.
const PASSES_ENGINE: &str = "name = \"told\"
[engine]
mode = \"programmable\"
simd = 3
pe = 2
grad_type = \"int7\"
weight_type = \"int5\"
[limits]
size = 64
kernel = 40
steps = 48
line_words = 3000
weight_words = 5000
zero_run = 8191
fifo_results = 16
";

fn engine() -> ProgrammableEngine {
    parsed(ENGINE)
}

pub fn parsed(text: &str) -> ProgrammableEngine {
    EngineFile::parse(text, "here").unwrap().validate().unwrap()
}

/// The engine and its model, which is compiled once.
pub struct Rig {
    pub engine: ProgrammableEngine,
    pub hardware: Programmable,
    pub model: Model,
}

impl Rig {
    pub fn of(engine: ProgrammableEngine) -> Self {
        let hardware = engine.hardware(Target::Generic);
        let text = print_verilog(&hardware.module);
        let model = Simulated::model(&engine, &hardware, &text, &cache()).unwrap();
        Rig {
            engine,
            hardware,
            model,
        }
    }

    fn as_emitted() -> Self {
        Self::of(engine())
    }

    /// One model of all mutants; the pin `mutant` tells which it is, counted from 1, or 0 for none.
    pub fn with_mutants(engine: ProgrammableEngine, mutants: &[Mutant]) -> Self {
        assert_eq!(engine.name(), "told");
        let hardware = engine.hardware(Target::Generic);
        let mut text = print_verilog(&hardware.module);
        let port = "module told (\n";
        let mutant = "  input  wire [7:0]  mutant,\n";
        assert_eq!(text.matches(port).count(), 1);
        text = text.replace(port, &format!("{port}{mutant}"));
        for (index, (what, line, right, wrong)) in mutants.iter().enumerate() {
            assert_eq!(text.matches(line).count(), 1, "{what}: `{line}`");
            assert_eq!(line.matches(right).count(), 1, "{what}: `{right}`");
            let chosen = format!("(told.mutant == 8'd{} ? {wrong} : {right})", index + 1);
            text = text.replace(line, &line.replace(right, &chosen));
        }
        let mut spec = Simulated::spec(&engine, &hardware, &text);
        spec.pins_in.push(Pin::new("mutant", 8));
        Rig {
            model: Model::build(&spec, &cache()).unwrap(),
            engine,
            hardware,
        }
    }

    pub fn driver(&self) -> Driver<'_, Simulated> {
        Driver::open(&self.engine, &self.hardware, Simulated::new(&self.model, 1)).unwrap()
    }
}

pub fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// The geometry of a seed.
pub fn geometry(seed: u64) -> Geometry {
    geometry_within(seed, MOST_CYCLES)
}

/// The same of fewer cycles a frame.
pub fn geometry_within(seed: u64, most_cycles: u64) -> Geometry {
    let mut runner = TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    });
    let layer = layer(most_cycles).new_tree(&mut runner).unwrap().current();
    layer.to_file().layer
}

/// The layer of a seed, laid out on the engine's lanes.
fn drawn(engine: &ProgrammableEngine, seed: u64) -> Layer {
    engine.layer(geometry(seed)).unwrap()
}

/// A job, and what has to come of it.
pub struct Case {
    pub seed: u64,
    pub plan: Plan,
    pub arrays: Arrays,
    expected: Array4<i64>,
}

impl Case {
    fn new(engine: &ProgrammableEngine, seed: u64) -> Self {
        Self::with_frames(engine, seed, 1 + seed as usize % 3)
    }

    fn with_frames(engine: &ProgrammableEngine, seed: u64, frames: usize) -> Self {
        Self::of_layer(engine, drawn(engine, seed), seed, frames)
    }

    /// The layer of a seed in this pass; `None` where it does not fit.
    pub fn in_pass(engine: &ProgrammableEngine, seed: u64, pass: Pass) -> Option<Self> {
        let geometry = in_pass(
            &geometry_within(seed, PASSES_MOST_CYCLES),
            pass,
            1 + seed as i64 % 7,
        );
        let layer = engine.layer(geometry).unwrap();
        let frames = 1 + seed as usize % 3;
        let fits = engine.plan(&layer).is_ok();
        fits.then(|| Self::of_layer(engine, layer, seed, frames))
    }

    /// 1 x 1, 2 x 2 pixels, and this many words of weights.
    fn with_weights(engine: &ProgrammableEngine, words: u64, seed: u64) -> Self {
        // As many blocks of K as of C, or fewer.
        let k_blocks = (1..=words)
            .take_while(|k| k * k <= words)
            .filter(|k| words % k == 0)
            .last()
            .unwrap();
        let channels = |blocks: u64, lanes: u64| Some((blocks * lanes) as i64);
        let geometry = Geometry {
            in_channels: channels(words / k_blocks, 2),
            out_channels: channels(k_blocks, 3),
            in_size: Some(PerItem([2; 2])),
            kernel: Some(PerItem([1; 2])),
            ..Geometry::default()
        };
        let layer = engine.layer(geometry).unwrap();
        assert_eq!(layer.operation().stationary_words(), words);
        Self::of_layer(engine, layer, seed, 1 + seed as usize % 2)
    }

    pub fn of_layer(engine: &ProgrammableEngine, layer: Layer, seed: u64, frames: usize) -> Self {
        let plan = engine
            .plan(&layer)
            .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", layer.to_file().to_toml()));
        let arrays = arrays(&layer, frames, seed);
        let expected = expected(&layer, &arrays);
        Case {
            seed,
            plan,
            arrays,
            expected,
        }
    }

    pub fn frames(&self) -> u64 {
        self.expected.len_of(Axis(0)) as u64
    }

    fn beats(&self) -> u64 {
        result_beats_of_a_frame(self.plan.layer())
    }

    fn submit(&self, driver: &mut Driver<Simulated>) -> Submitted {
        driver.submit(self.plan.clone(), &self.arrays).unwrap()
    }

    pub fn check(&self, found: &Array4<i64>) -> Result<(), String> {
        match compare(found, &self.expected).first {
            None => Ok(()),
            Some(mismatch) => Err(self.told(&mismatch.to_string())),
        }
    }

    pub fn told(&self, what: &str) -> String {
        format!(
            "seed {}: {what}\n{}",
            self.seed,
            self.plan.layer().to_file().to_toml()
        )
    }

    /// Alone, from the table to the results.
    pub fn run(&self, driver: &mut Driver<Simulated>) {
        let job = self.submit(driver);
        let found = driver.collect(&job).unwrap();
        self.check(&found).unwrap();
    }
}

/// Runs the cases one after the other, each told and its data offered while those before it run; then compares what
/// software can read with what was done.
pub fn run_all(mut driver: Driver<Simulated>, cases: &[Case]) -> Result<u64, String> {
    let mut flags = Vec::new();
    let mut under_way: VecDeque<(&Case, Submitted)> = VecDeque::new();
    let collect =
        |driver: &mut Driver<Simulated>, flags: &mut Vec<u8>, (case, job): (&Case, Submitted)| {
            let found = driver
                .collect(&job)
                .map_err(|error| case.told(&error.to_string()))?;
            flags.extend((0..case.frames()).flat_map(|_| last_flags(case.beats())));
            case.check(&found)
        };
    for case in cases {
        // Calm, a nervous input, a nervous output, both.
        let (input, output) =
            [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.3)][case.seed as usize % 4];
        driver.device().stall(input, output, case.seed);
        // Short jobs are told in time only if those before them do not get on meanwhile.
        let sink = |driver: &mut Driver<Simulated>, most: Option<u64>| {
            let mut sink = driver.device().instance().sink(GRAD_INPUT);
            let given = sink.accepted();
            sink.set_limit(most.map(|more| given + more));
        };
        if case.seed % 3 > 0 {
            sink(&mut driver, Some(case.seed % 5));
        }
        let job = driver
            .submit(case.plan.clone(), &case.arrays)
            .map_err(|error| case.told(&error.to_string()))?;
        driver.device().instance().run(case.seed % 3 * 50, None);
        sink(&mut driver, None);
        under_way.push_back((case, job));
        // As many as the engine holds, or fewer now and then, so that it comes to rest.
        let held = [JOBS_HELD - 1, JOBS_HELD - 1, 1, 0][case.seed as usize / 4 % 4];
        while under_way.len() > held {
            let first = under_way.pop_front().unwrap();
            collect(&mut driver, &mut flags, first)?;
        }
    }
    while let Some(first) = under_way.pop_front() {
        collect(&mut driver, &mut flags, first)?;
    }
    let instance = driver.device().instance();
    instance.sink(GRAD_INPUT).set_stall(0.0, 0);
    instance.run(500, None);
    let beats: u64 = cases.iter().map(|case| case.frames() * case.beats()).sum();
    let frames: u64 = cases.iter().map(Case::frames).sum();
    let same = |what: &str, found: u64, expected: u64| match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: {found}, not {expected}")),
    };
    same("beats", instance.sink(GRAD_INPUT).accepted(), beats)?;
    same(
        "tlasts",
        instance.sink(GRAD_INPUT).last_cycles().len() as u64,
        frames,
    )?;
    same(
        "rules of AXI4-Stream",
        instance.sink(GRAD_INPUT).violations(),
        0,
    )?;
    same(
        "frame_done",
        instance.watched("frame_done").unwrap().cycles,
        frames,
    )?;
    same("error", instance.watched("error").unwrap().cycles, 0)?;
    let cycles = instance.cycle();
    same(
        "jobs",
        driver.value("jobs_done").unwrap().into(),
        cases.len() as u64,
    )?;
    same(
        "frames",
        driver.value("frames_done").unwrap().into(),
        frames,
    )?;
    same("state", driver.value("state").unwrap().into(), 0)?;
    same("events", driver.value("event").unwrap().into(), 1)?;
    Ok(cycles)
}

#[test]
fn one_engine_computes_any_layers_one_after_the_other() {
    let rig = Rig::as_emitted();
    let first = from_environment("BPA_PROGRAMMABLE_SEED").unwrap_or(0);
    let cases = from_environment("BPA_PROGRAMMABLE_CASES").unwrap_or(CASES);
    println!("seeds {first} to {}", first + cases - 1);
    let cases: Vec<Case> = (first..first + cases)
        .map(|seed| Case::new(&rig.engine, seed))
        .collect();
    let started = Instant::now();
    let cycles = run_all(rig.driver(), &cases).unwrap_or_else(|error| panic!("{error}"));
    println!(
        "{} layers in {cycles} cycles, {:.1} s",
        cases.len(),
        started.elapsed().as_secs_f64()
    );
}

/// Each geometry in each pass; kernels of weight gradients are as large as images. What needs more than the engine has is
/// left out.
#[test]
fn one_engine_computes_all_three_passes_one_after_the_other() {
    let rig = Rig::of(parsed(PASSES_ENGINE));
    let first = from_environment("BPA_PROGRAMMABLE_SEED").unwrap_or(0);
    let cases = from_environment("BPA_PROGRAMMABLE_CASES").unwrap_or(PASSES_CASES);
    println!("seeds {first} to {}", first + cases - 1);
    let cases: Vec<Case> = (first..first + cases)
        .flat_map(|seed| Pass::ALL.map(|pass| (seed, pass)))
        .filter_map(|(seed, pass)| Case::in_pass(&rig.engine, seed, pass))
        .collect();
    let of = |pass| {
        let layers = cases.iter().map(|case| case.plan.layer());
        layers.filter(|layer| layer.pass() == pass).count() as u64
    };
    let reached = Pass::ALL.map(of);
    println!("grad_input, forward, grad_weight: {reached:?}");
    let started = Instant::now();
    let cycles = run_all(rig.driver(), &cases).unwrap_or_else(|error| panic!("{error}"));
    println!(
        "{} layers in {cycles} cycles, {:.1} s",
        cases.len(),
        started.elapsed().as_secs_f64()
    );
    if from_environment("BPA_PROGRAMMABLE_CASES").is_none() {
        assert!(cases.len() >= 150 && reached.iter().all(|&pass| pass >= 30));
    }
}

/// Sets of weights of all sizes that matter to a memory in which one is used and the next is loaded.
fn sets_of_all_sizes(engine: &ProgrammableEngine) -> Vec<Case> {
    let half = WEIGHT_MEMORY / 2;
    let sizes = [1, 2, 3, half - 1, half, half + 1, 999, 1000, 24, 25, 500];
    let pairs = sizes.iter().flat_map(|&a| sizes.map(|b| [a, b])).flatten();
    pairs
        .zip(0..)
        .map(|(words, seed)| Case::with_weights(engine, words, seed))
        .collect()
}

/// Each after each: they fit beside one another, just so, or not.
#[test]
fn sets_of_weights_follow_one_another_in_a_ring_whatever_their_sizes() {
    let rig = Rig::as_emitted();
    let cases = sets_of_all_sizes(&rig.engine);
    run_all(rig.driver(), &cases).unwrap_or_else(|error| panic!("{error}"));
}

/// What it is, a line of the emitted text, and in it what is right, and what would be wrong.
pub type Mutant = (&'static str, &'static str, &'static str, &'static str);

/// What the cases must be able to notice.
const MUTANTS: [Mutant; 17] = [
    (
        "a job whose frames begin before the last input of the one before",
        "takes_frames = next_q & ~ahead_q & all_taken;",
        "all_taken",
        "1'd1",
    ),
    (
        "a beat too many after the last frame",
        "if (all_taken_d) begin",
        "all_taken_d",
        "all_taken_q",
    ),
    (
        "a row that begins without its step",
        "row_first_d = row_end;",
        "row_end",
        "1'd0",
    ),
    (
        "columns that let go what their row keeps",
        "if (row_closes) begin",
        "row_closes",
        "1'd1",
    ),
    (
        "zeros of a row forgotten",
        "skip_d = row_skip;",
        "row_skip",
        "col_skip",
    ),
    (
        "a job that goes into a shadow that is taken",
        "(checking_q | waiting_q) & ~(loading_q | next_q | pass_ends_q);",
        "next_q",
        "1'd0",
    ),
    (
        "a next job that is told into the page in use",
        "load_page_d = ~page_q;",
        "~page_q",
        "page_q",
    ),
    (
        "a page that never turns",
        "      page_d = ~page_q;",
        "~page_q",
        "page_q",
    ),
    (
        "a last beat where a run of zeros follows",
        "& turn_q & ~cfg_has_end_beats)",
        "~cfg_has_end_beats",
        "1'd1",
    ),
    (
        "weights over those that a job still reads",
        "ready_d = loading_d & ~full_d;",
        "full_d",
        "1'd0",
    ),
    (
        "weights of another job",
        "weight_q <= weight_base;",
        "weight_base",
        "10'd0",
    ),
    (
        "a job that does not wait for its own weights",
        "if (job_ends & ~ended) begin",
        "job_ends",
        "1'd0",
    ),
    (
        "a job that sees the next one's pixels",
        "if (~frames_ahead) begin",
        "~frames_ahead",
        "1'd1",
    ),
    (
        "a job that looks for its pixels elsewhere",
        "address_q <= job_begin;",
        "job_begin",
        "12'd0",
    ),
    (
        "pixels counted on from the job before",
        "pixels_d = 14'd0;",
        "14'd0",
        "pixels_q",
    ),
    (
        "a job whose frames begin as the one before ended",
        "all_taken_d = 1'd0;",
        "1'd0",
        "all_taken_q",
    ),
    (
        "words of weights that are not given back",
        "base_d = begin_q;",
        "begin_q",
        "base_q",
    ),
];

#[test]
fn a_shell_that_is_a_little_wrong_is_noticed() {
    let rig = Rig::with_mutants(engine(), &MUTANTS);
    let mut cases = sets_of_all_sizes(&rig.engine);
    cases.extend((0..CASES).map(|seed| Case::new(&rig.engine, seed)));
    // The job behind the first of these is told long before all frames of the first were taken.
    cases.extend([0, 0].map(|seed| {
        let geometry = Geometry {
            in_channels: Some(1),
            out_channels: Some(1),
            in_size: Some(PerItem([64; 2])),
            kernel: Some(PerItem([1; 2])),
            ..Geometry::default()
        };
        let layer = rig.engine.layer(geometry).unwrap();
        Case::of_layer(&rig.engine, layer, seed, 3)
    }));
    every_mutant_is_noticed(&rig, &MUTANTS, &cases);
}

/// The cases pass without a mutant and fail with each of them.
pub fn every_mutant_is_noticed(rig: &Rig, mutants: &[Mutant], cases: &[Case]) {
    let run = |mutant: usize| {
        let mut device = Simulated::new(&rig.model, 1);
        device.instance().poke("mutant", mutant as u64).unwrap();
        let driver = Driver::open(&rig.engine, &rig.hardware, device).unwrap();
        run_all(driver, cases)
    };
    assert_eq!(run(0).err(), None);
    let all = mutants.iter().zip(1..);
    let alive = all.filter(|(_, mutant)| run(*mutant).is_ok());
    let alive: Vec<&str> = alive.map(|((what, ..), _)| *what).collect();
    assert!(alive.is_empty(), "not noticed: {alive:#?}");
}

/// What is wrong, if anything, where the engine is told these words in place of the case's own.
fn fault_of_words(rig: &Rig, case: &Case, words: &[Option<u32>]) -> Option<String> {
    let layer = case.plan.layer();
    let mut device = Simulated::new(&rig.model, 1);
    let map = &rig.hardware.map;
    for ((register, _), word) in map.table().zip(words) {
        if let Some(word) = word {
            assert!(device.write(register.offset, *word).unwrap());
        }
    }
    device.write(map.named("command").offset, 1).unwrap();
    let weight = pack_stationary(layer, &case.arrays.stationary);
    device.send(Input::Weight, &weight).unwrap();
    for frame in case.arrays.moving.outer_iter() {
        let beats = pack_moving(layer, frame);
        device.send(Input::Data, &beats).unwrap();
    }
    let out_bits = rig.engine.out_bits();
    let frame = result_beats(layer, out_bits).bytes();
    let received = device.receive(frame * case.frames() as usize);
    // All is done then: no beat too many, no job that goes on.
    device.instance().run(500, None);
    let state = device.read(map.named("state").offset).unwrap();
    let given = device.instance().sink(GRAD_INPUT).accepted();
    match received {
        Err(error) => Some(error.to_string()),
        Ok(_) if state != Some(0) || given != case.frames() * case.beats() => {
            Some("no end".to_owned())
        }
        Ok(bytes) => case
            .check(&unpack_result(layer, &bytes, out_bits).unwrap())
            .err(),
    }
}

/// Each bit of the lines of a program counts, but for those that tell of no loop.
#[test]
fn a_wrong_step_is_noticed() {
    // Enough frames for a leak to fill a small line buffer.
    const FRAMES: usize = 12;
    let rig = Rig::of(parsed(
        &ENGINE.replace("line_words = 4000", "line_words = 35"),
    ));
    let lines = |case: &Case| {
        let d = case.plan.descriptor();
        [&d.rows, &d.cols].map(|axis| axis.program.lines.clone())
    };
    let loops = |lines: &[Line]| {
        lines
            .iter()
            .any(|line| matches!(line.ahead, Jump::Loop { .. }))
    };
    let fits = |seed: &u64| rig.engine.plan(&drawn(&rig.engine, *seed)).is_ok();
    let cases = (0..)
        .filter(fits)
        .map(|seed| Case::with_frames(&rig.engine, seed, FRAMES));
    let cases = cases.filter(|case| lines(case).iter().all(|lines| loops(lines)));
    let (mut all, mut alive) = (0, Vec::new());
    let mut noticed: BTreeMap<String, u32> = BTreeMap::new();
    for case in cases.take(2) {
        let words = rig
            .engine
            .job(
                &rig.hardware.table,
                &case.plan,
                (FRAMES as u32).try_into().unwrap(),
            )
            .unwrap();
        assert_eq!(fault_of_words(&rig, &case, &words), None);
        for (index, (register, _)) in rig.hardware.map.table().enumerate() {
            for field in &register.fields {
                let Some(series) = &register.series else {
                    continue;
                };
                // "row_program0"
                let Some((axis, _)) = series.name.split_once("_program") else {
                    continue;
                };
                let (line, name) = (series.entry as usize, field.name.as_str());
                let axis_lines = &lines(&case)[usize::from(axis == "col")];
                let in_loop = matches!(
                    axis_lines.get(line).map(|line| line.ahead),
                    Some(Jump::Loop { .. })
                );
                if line >= axis_lines.len() || ["start", "turns"].contains(&name) && !in_loop {
                    continue;
                }
                let mut wrong = words.clone();
                // Of two turns none is left over, whatever is below the sign.
                let bit = if name == "turns" { field.width - 1 } else { 0 };
                wrong[index] = wrong[index].map(|word| word ^ 1 << (field.low + bit));
                all += 1;
                match fault_of_words(&rig, &case, &wrong) {
                    Some(_) => *noticed.entry(format!("{axis} {name}")).or_default() += 1,
                    None => alive.push(format!("seed {}: {axis} {line} {name}", case.seed)),
                }
            }
        }
    }
    println!(
        "{} of {all} not noticed: {alive:#?}; noticed: {noticed:?}",
        alive.len()
    );
    for name in [
        "taps", "address", "weight", "need", "free", "skip", "last", "wrap", "loop", "start",
        "turns",
    ] {
        for axis in ["row", "col"] {
            assert!(
                noticed.contains_key(&format!("{axis} {name}")),
                "never noticed: {axis} {name}"
            );
        }
    }
    // A row's step tells for its first pixel and its last; a pixel that comes too early, or lets go too late, may do no harm.
    assert!(
        3 * alive.len() < all,
        "{} of {all} not noticed",
        alive.len()
    );
}

/// Frames in steady state come as fast as the cost model says.
#[test]
fn frames_take_the_cycles_of_the_model() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    for seed in 0..20 {
        let case = Case::with_frames(&rig.engine, seed, 4);
        case.run(&mut driver);
        let ends = driver
            .device()
            .instance()
            .sink(GRAD_INPUT)
            .last_cycles()
            .to_vec();
        let steady = ends[ends.len() - 1] - ends[ends.len() - 2];
        let predicted = case.plan.cycles(4).per_frame_steady.unwrap();
        assert_eq!(steady, predicted, "{}", case.told("steady state"));
    }
}

/// The line buffer is one ring for all layers, of a power of two words or not. Pixels lie across its end, and beats wait
/// until one word is free: exact, and as fast as the cost model says.
#[test]
fn pixels_lie_across_the_end_of_a_ring_of_any_size() {
    // What came while the weights were loaded is used up by then.
    const FRAMES: usize = 12;
    for line_words in [32, 35] {
        let text = ENGINE.replace("line_words = 4000", &format!("line_words = {line_words}"));
        let rig = Rig::of(parsed(&text));
        let mut driver = rig.driver();
        let (mut across, mut slower) = (0, 0);
        let mut cases = Vec::new();
        for seed in 0..300 {
            let layer = drawn(&rig.engine, seed);
            if rig.engine.plan(&layer).is_err() {
                continue;
            }
            let case = Case::with_frames(&rig.engine, seed, FRAMES);
            case.run(&mut driver);
            let sink = driver.device().instance().sink(GRAD_INPUT);
            let ends = sink.last_cycles().to_vec();
            let steady = ends[ends.len() - 1] - ends[ends.len() - 2];
            let predicted = case.plan.cycles(FRAMES as u64).per_frame_steady.unwrap();
            assert_eq!(
                steady,
                predicted,
                "{line_words}: {}",
                case.told("steady state")
            );
            across += u64::from(line_words % case.plan.descriptor().pixel_words() != 0);
            let roomy = Case::with_frames(&engine(), seed, 1).plan;
            slower += u64::from(predicted > roomy.cycles(FRAMES as u64).per_frame_steady.unwrap());
            cases.push(Case::new(&rig.engine, seed));
        }
        assert!(across > 5 && slower > 3, "{across}, {slower}");
        // Told ahead, jobs lie in the ring behind one another.
        run_all(rig.driver(), &cases).unwrap_or_else(|error| panic!("{line_words}: {error}"));
    }
}

/// From the last beat of one job to the last of the next there are the cycles that the model tells: a few for the
/// pipeline, and the multiplications. Weights and frames were taken meanwhile, as far as there was space.
#[test]
fn a_job_follows_the_one_before_it_in_the_cycles_of_the_model() {
    let rig = Rig::as_emitted();
    let drawn = (0..40).map(|seed| Case::with_frames(&rig.engine, seed, 1 + seed as usize % 2));
    let sizes = [1, 511, 512, 513, 1000];
    let sized = sizes.map(|words| Case::with_weights(&rig.engine, words, 0));
    let (mut at_once, mut least) = (0, u64::MAX);
    for case in drawn.chain(sized) {
        let mut driver = rig.driver();
        // The first job's last beat is not taken before the others are told.
        let sink = |driver: &mut Driver<Simulated>, limit| {
            driver.device().instance().sink(GRAD_INPUT).set_limit(limit)
        };
        let frames = case.frames();
        sink(&mut driver, Some(frames * case.beats() - 1));
        let jobs = [(); 3].map(|()| case.submit(&mut driver));
        driver.device().instance().run(MOST_CYCLES, None);
        sink(&mut driver, None);
        for job in &jobs {
            let found = driver.collect(job).unwrap();
            case.check(&found).unwrap();
        }
        let instance = driver.device().instance();
        let ends = instance.sink(GRAD_INPUT).last_cycles().to_vec();
        let between = ends[2 * frames as usize - 1] - ends[frames as usize - 1];
        let words = case.plan.layer().operation().stationary_words();
        let late_weights = (2 * words).saturating_sub(WEIGHT_MEMORY);
        let ahead = case.plan.cycles_ahead(frames);
        let told = || case.told(&format!("{between} cycles, {ahead} where all was there"));
        // Its first beats have found place beside what the job before still held: at most a line buffer.
        if late_weights == 0 && 2 * frames * case.plan.frame_words() <= LINE_WORDS {
            assert_eq!(between, ahead, "{}", told());
            at_once += 1;
            // Where the beats of grad_output are the bound, they were taken before; zeros ahead of the first result leave
            // while it is computed.
            let bound = bound_cycles(case.plan.layer());
            let d = case.plan.descriptor();
            if d.input_pixels() * d.pixel_words() < bound && d.rows.program.lines[0].step.skip == 0
            {
                least = least.min(between - frames * bound);
            }
        } else {
            let most = case.plan.cycles(frames).total + 4 + late_weights;
            assert!((ahead..=most).contains(&between), "{}, {most}", told());
        }
    }
    assert!(at_once > 20, "{at_once}");
    // Some layers wait for walks or beats on top, of which the bound knows nothing.
    assert_eq!(least, HAND_OVER_CYCLES);
}

/// Limits as tight as those of the layers: what fits them can be told, in one job or in tiles.
#[test]
fn a_layer_that_fits_can_be_told() {
    let mut told = 0;
    for (zero_run, size, kernel) in [(1, 64, 5), (60, 64, 5), (8191, 20, 5), (8191, 64, 5)] {
        let text = ENGINE
            .replace("zero_run = 8191", &format!("zero_run = {zero_run}"))
            .replace("size = 64", &format!("size = {size}"))
            .replace("kernel = 5", &format!("kernel = {kernel}"));
        let engine = parsed(&text);
        let table = engine.hardware(Target::Generic).table;
        for seed in 0..1500 {
            let layer = drawn(&engine, seed);
            let tiling = engine.tiling(&layer, 1);
            let tiles = tiling.iter().flat_map(|tiling| tiling.tiles());
            for plan in tiles.map(|tile| &*tile.plan).chain(&engine.plan(&layer)) {
                if let Err(error) = engine.job(&table, plan, NonZeroU32::MIN) {
                    panic!(
                        "seed {seed}, {text}: {error}\n{}",
                        layer.to_file().to_toml()
                    );
                }
                told += 1;
            }
        }
    }
    assert!(told > 5000, "{told}");
}

/// Each word beyond its limit is refused, by its number, and the next job runs.
#[test]
fn words_beyond_their_limits_are_refused_and_the_engine_goes_on() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let case = Case::new(&rig.engine, 3);
    let table = &rig.hardware.table;
    let words = rig.engine.job(table, &case.plan, NonZeroU32::MIN).unwrap();
    let mut refused = 0;
    for (place, (word, most)) in table.most().into_iter().enumerate() {
        let Ok(above) = u32::try_from(most + 1) else {
            continue;
        };
        let mut bad = words.clone();
        // What the job has no use for is not looked at.
        if bad[place].replace(above).is_none() {
            continue;
        }
        match driver.start(&bad) {
            Err(DriverError::Refused { word: found, .. }) => assert_eq!(found as usize, word),
            other => panic!("word {word} of {above}: {other:?}"),
        }
        refused += 1;
    }
    assert!(refused > 10, "{refused}");
    assert_eq!(driver.value("state").unwrap(), 0);
    case.run(&mut driver);
    // The same while one job runs and the next one's weights are loaded.
    driver.device().stall(0.5, 0.0, 1);
    let jobs = [(); 2].map(|()| case.submit(&mut driver));
    let mut bad = words.clone();
    bad[0] = Some(u32::try_from(table.most()[0].1 + 1).unwrap());
    assert_eq!(driver.value("state").unwrap() & 1, 1, "a job runs");
    assert!(driver.start(&bad).is_err());
    let last = case.submit(&mut driver);
    for job in jobs.iter().chain([&last]) {
        case.check(&driver.collect(job).unwrap()).unwrap();
    }
}

#[test]
fn a_job_that_waits_locks_the_table() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let case = Case::new(&rig.engine, 5);
    let words = rig
        .engine
        .job(&rig.hardware.table, &case.plan, NonZeroU32::MIN)
        .unwrap();
    // Runs without data; the next one leaves the table free, the one after it waits there.
    for state in [0b0_0001, 0b1_0001, 0b1_0011] {
        driver.start(&words).unwrap();
        driver.device().instance().run(200, None);
        assert_eq!(driver.value("state").unwrap(), state);
    }
    let first = rig.hardware.map.table().next().unwrap().0.offset;
    assert!(
        !driver.device().write(first, 0).unwrap(),
        "a write to the table"
    );
    driver.set("command", 1).unwrap();
    driver.device().instance().run(5, None);
    assert_eq!(driver.value("event").unwrap(), 2, "the start is refused");
    assert_eq!(driver.value("refused").unwrap() & 3, 1);
    driver.set("event", 2).unwrap();
    // All are dropped, and the engine is as new.
    driver.set("command", 2).unwrap();
    driver.device().instance().run(5, None);
    assert_eq!(driver.value("state").unwrap(), 0);
    case.run(&mut driver);
    driver.device().instance().run(20, None);
    assert_eq!(driver.value("jobs_done").unwrap(), 1);
}

/// An abort in any state leaves an engine that takes nothing, does nothing, and is as new for the next job.
#[test]
fn an_abort_in_any_state_leaves_an_engine_as_new() {
    let rig = Rig::as_emitted();
    let start = rig.hardware.map.named("command").offset;
    let mut seen = BTreeSet::new();
    for trial in 0..60 {
        let cases: Vec<Case> = (trial..trial + 4)
            .map(|seed| match seed % 3 {
                0 => Case::with_weights(&rig.engine, 300 + 100 * (seed % 8), seed),
                _ => Case::new(&rig.engine, seed),
            })
            .collect();
        let (last, before) = cases.split_last().unwrap();
        let mut driver = rig.driver();
        driver.device().stall(0.2, 0.5, trial);
        let jobs = 1 + trial as usize % 3;
        for case in &before[..jobs] {
            case.submit(&mut driver);
        }
        // In the middle of a check, of a load, or of the jobs.
        let device = driver.device();
        if trial % 2 == 0 {
            // Time to free the table, or not.
            device.instance().run(trial % 4 * 75, None);
            device.write(start, 1).unwrap();
        }
        let wait = [trial % 7, 40 + trial, 30 * trial][trial as usize / 2 % 3];
        device.instance().run(wait, None);
        seen.insert(driver.value("state").unwrap());
        driver.device().write(start, 2).unwrap();
        let told = |what: &str| format!("trial {trial}: {what}");
        assert_eq!(driver.value("state").unwrap() & !8, 0, "{}", told("state"));
        let instance = driver.device().instance();
        let taken = |instance: &mut Instance| {
            [GRAD_OUTPUT, WEIGHT].map(|stream| instance.source(stream).accepted())
        };
        let (was, beats) = (taken(instance), instance.sink(GRAD_INPUT).accepted());
        instance.run(300, None);
        assert_eq!(taken(instance), was, "{}", told("beats taken"));
        let given = instance.sink(GRAD_INPUT).accepted();
        assert_eq!(given, beats, "{}", told("beats given"));
        assert_eq!(driver.value("state").unwrap(), 0, "{}", told("later"));
        // Other jobs take what is still on offer.
        let mut left = [0; 2];
        let layers = before[..jobs].iter();
        for (case, layer) in layers.map(|case| (case, case.plan.layer())) {
            let pixels = u64::from(layer.rows().out_size) * u64::from(layer.cols().out_size);
            left[0] +=
                case.frames() * pixels * u64::from(layer.operation().moving_beats_per_pixel());
            left[1] += layer.operation().stationary_words();
        }
        let left = [left[0] - was[0], left[1] - was[1]];
        driver.device().stall(0.0, 0.0, 0);
        drain(&rig, &mut driver, left);
        last.run(&mut driver);
    }
    println!("states: {seen:?}");
    // Running, waiting, checking, with a frame inside, with a job that comes next.
    for bit in 0..5 {
        assert!(
            seen.iter().any(|state| state >> bit & 1 > 0),
            "{bit}: {seen:?}"
        );
    }
}

/// Runs jobs that take so many beats of grad_output and of weights, which are on offer, and a few more.
fn drain(rig: &Rig, driver: &mut Driver<Simulated>, [grad_output, mut weights]: [u64; 2]) {
    let offer = |driver: &mut Driver<Simulated>, stream| {
        let mut source = driver.device().instance().source(stream);
        let beat = vec![0; source.port().bytes];
        source.load(&beat, &[1]).unwrap();
    };
    // A pixel with so many blocks of C.
    let run = |driver: &mut Driver<Simulated>, blocks: u64, frames: u64| {
        offer(driver, GRAD_OUTPUT);
        let geometry = Geometry {
            in_channels: Some(2 * blocks as i64),
            out_channels: Some(1),
            in_size: Some(PerItem([1; 2])),
            kernel: Some(PerItem([1; 2])),
            ..Geometry::default()
        };
        let plan = rig.engine.plan(&rig.engine.layer(geometry).unwrap());
        let frames = NonZeroU32::new(frames as u32).unwrap();
        let words = rig.engine.job(&rig.hardware.table, &plan.unwrap(), frames);
        driver.start(&words.unwrap()).unwrap();
        while driver.value("state").unwrap() != 0 {
            driver.device().instance().run(100, None);
        }
    };
    offer(driver, WEIGHT);
    run(driver, 1, grad_output + 1);
    while weights > 0 {
        let blocks = weights.min(1000);
        run(driver, blocks, 1);
        weights -= blocks;
    }
    let bytes = driver.device().instance().sink(GRAD_INPUT).data().len();
    driver.device().receive(bytes).unwrap();
}

#[test]
fn a_job_that_is_done_interrupts() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    driver.set("event_enable", 1).unwrap();
    Case::new(&rig.engine, 7).run(&mut driver);
    driver.device().instance().run(20, None);
    assert_eq!(driver.device().instance().peek("irq").unwrap(), 1);
    driver.set("event", 1).unwrap();
    assert_eq!(driver.device().instance().peek("irq").unwrap(), 0);
}

#[test]
fn misplaced_tlasts_are_told_and_counted() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let case = Case::with_frames(&rig.engine, 8, 1);
    let words = rig
        .engine
        .job(&rig.hardware.table, &case.plan, NonZeroU32::MIN)
        .unwrap();
    driver.start(&words).unwrap();
    // A beat with tlast too early, and none at the end.
    let layer = case.plan.layer();
    let weight = bpa_engine::vectors::pack_stationary(layer, &case.arrays.stationary);
    let instance = driver.device().instance();
    let bytes = instance.source(WEIGHT).port().bytes;
    let mut flags = vec![0; weight.len() / bytes];
    flags[0] = 1;
    instance.source(WEIGHT).load(&weight, &flags).unwrap();
    let frame = bpa_engine::vectors::pack_moving(layer, case.arrays.moving.index_axis(Axis(0), 0));
    let beats = frame.len() / instance.source(GRAD_OUTPUT).port().bytes;
    instance
        .source(GRAD_OUTPUT)
        .load(&frame, &last_flags(beats as u64))
        .unwrap();
    instance.run(20_000, Some(case.beats()));
    instance.run(20, None);
    assert_eq!(driver.value("event").unwrap(), 1 | 0b01_1000 << 8);
    for (name, count) in [
        ("weight_early", 1),
        ("weight_missing", 1),
        ("weight_late", 0),
        ("data_early", 0),
    ] {
        assert_eq!(
            driver.value(&format!("tlast_{name}")).unwrap(),
            count,
            "{name}"
        );
    }
}

#[test]
fn waits_are_counted_by_stream_and_counters_are_cleared() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let case = Case::with_frames(&rig.engine, 8, 2);
    let job = case.submit(&mut driver);
    driver.device().stall(0.0, 0.9, 1);
    driver.collect(&job).unwrap();
    driver.device().instance().run(50, None);
    for name in ["cycles_low", "result_waits", "frames_done"] {
        assert!(driver.value(name).unwrap() > 0, "{name}");
    }
    driver.set("command", 4).unwrap();
    driver.device().instance().run(5, None);
    for name in [
        "cycles_low",
        "cycles_high",
        "result_waits",
        "data_waits",
        "weight_waits",
        "frames_done",
        "jobs_done",
    ] {
        assert_eq!(driver.value(name).unwrap(), 0, "{name}");
    }
}

/// What a job waits for is shown: its weights, its frames, whoever takes the results.
#[test]
fn what_a_job_waits_for_is_shown_by_stream() {
    let [data, weights, results] = [1, 2, 4];
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let case = Case::with_frames(&rig.engine, 5, 1);
    let layer = case.plan.layer();
    let words = rig
        .engine
        .job(&rig.hardware.table, &case.plan, NonZeroU32::MIN)
        .unwrap();
    let streams = |driver: &mut Driver<Simulated>| {
        driver.device().instance().run(MOST_CYCLES, None);
        driver.value("streams").unwrap()
    };
    assert_eq!(streams(&mut driver) & results, 0);
    driver.start(&words).unwrap();
    assert_eq!(streams(&mut driver), data | weights, "nothing is there");
    let frame = pack_moving(layer, case.arrays.moving.index_axis(Axis(0), 0));
    driver.device().send(Input::Data, &frame).unwrap();
    assert_eq!(
        streams(&mut driver) & weights,
        weights,
        "weights are missing"
    );
    driver
        .device()
        .instance()
        .sink(GRAD_INPUT)
        .set_limit(Some(1));
    let weight = pack_stationary(layer, &case.arrays.stationary);
    driver.device().send(Input::Weight, &weight).unwrap();
    assert_eq!(streams(&mut driver) & results, results, "nobody takes them");
    driver.device().instance().sink(GRAD_INPUT).set_limit(None);
    assert_eq!(streams(&mut driver) & results, 0);
    assert_eq!(driver.value("event").unwrap(), 1, "the job is done");
}

/// The last beat of this layer's frames is needed by no pixel and comes behind the results.
#[test]
fn a_tlast_that_is_missing_at_the_very_end_is_told() {
    let rig = Rig::as_emitted();
    let mut driver = rig.driver();
    let case = Case::with_frames(&rig.engine, 28, 1);
    let d = case.plan.descriptor();
    assert!(d.kept_rows.last + 1 < d.kept_rows.size, "no row is dropped");
    let words = rig
        .engine
        .job(&rig.hardware.table, &case.plan, NonZeroU32::MIN)
        .unwrap();
    driver.start(&words).unwrap();
    let layer = case.plan.layer();
    let weight = bpa_engine::vectors::pack_stationary(layer, &case.arrays.stationary);
    driver.device().send(Input::Weight, &weight).unwrap();
    let frame = bpa_engine::vectors::pack_moving(layer, case.arrays.moving.index_axis(Axis(0), 0));
    driver.device().stall(0.5, 0.0, 1);
    let instance = driver.device().instance();
    let bytes = instance.source(GRAD_OUTPUT).port().bytes;
    let (most, last) = frame.split_at(frame.len() - bytes);
    for part in [most, last] {
        assert_eq!(driver.value("event").unwrap(), 0, "the job is not done");
        assert_ne!(driver.value("state").unwrap(), 0);
        let instance = driver.device().instance();
        let flags = vec![0; part.len() / bytes];
        instance.source(GRAD_OUTPUT).load(part, &flags).unwrap();
        instance.run(MOST_CYCLES, None);
        assert_eq!(instance.sink(GRAD_INPUT).accepted(), case.beats());
    }
    assert_eq!(driver.value("event").unwrap(), 1 | 0b10 << 8);
}

/// A device that reads as another engine: these bits of the register at this offset are others.
struct Other(Simulated, u64, u32);

impl Device for Other {
    fn read(&mut self, offset: u64) -> Result<Option<u32>, DeviceError> {
        let value = self.0.read(offset)?;
        Ok(value.map(|value| value ^ if offset == self.1 { self.2 } else { 0 }))
    }
    fn write(&mut self, offset: u64, value: u32) -> Result<bool, DeviceError> {
        self.0.write(offset, value)
    }
    fn send(&mut self, input: Input, packet: &[u8]) -> Result<(), DeviceError> {
        self.0.send(input, packet)
    }
    fn receive(&mut self, bytes: usize) -> Result<Vec<u8>, DeviceError> {
        self.0.receive(bytes)
    }
}

/// A device that counts writes to the table.
struct Counting(Simulated, Rc<Cell<u64>>);

impl Device for Counting {
    fn read(&mut self, offset: u64) -> Result<Option<u32>, DeviceError> {
        self.0.read(offset)
    }
    fn write(&mut self, offset: u64, value: u32) -> Result<bool, DeviceError> {
        self.1.set(self.1.get() + u64::from(offset >= 0x400));
        self.0.write(offset, value)
    }
    fn send(&mut self, input: Input, packet: &[u8]) -> Result<(), DeviceError> {
        self.0.send(input, packet)
    }
    fn receive(&mut self, bytes: usize) -> Result<Vec<u8>, DeviceError> {
        self.0.receive(bytes)
    }
}

#[test]
fn only_words_that_the_table_does_not_hold_are_written() {
    let rig = Rig::as_emitted();
    let writes = Rc::new(Cell::new(0));
    let device = Counting(Simulated::new(&rig.model, 1), writes.clone());
    let mut driver = Driver::open(&rig.engine, &rig.hardware, device).unwrap();
    let [one, other] = [1, 2].map(|seed| Case::with_frames(&rig.engine, seed, 1));
    let table = &rig.hardware.table;
    let job = |case: &Case| rig.engine.job(table, &case.plan, NonZeroU32::MIN).unwrap();
    // What the table holds, and how many words of a job it does not.
    let mut held = vec![None; table.most().len()];
    let missing = |held: &mut [Option<u32>], job: &[Option<u32>]| {
        let words = held.iter_mut().zip(job).filter(|(_, word)| word.is_some());
        words
            .filter_map(|(held, word)| (std::mem::replace(held, *word) != *word).then_some(()))
            .count() as u64
    };
    let run = |driver: &mut Driver<Counting>, case: &Case| {
        let before = writes.get();
        let job = driver.submit(case.plan.clone(), &case.arrays).unwrap();
        case.check(&driver.collect(&job).unwrap()).unwrap();
        writes.get() - before
    };
    let words = missing(&mut held, &job(&one));
    assert!(words < table.most().len() as u64, "{words}");
    assert_eq!(run(&mut driver, &one), words);
    assert_eq!(run(&mut driver, &one), 0);
    assert_eq!(run(&mut driver, &other), missing(&mut held, &job(&other)));
    // A job that is refused leaves its words in the table; an abort changes none.
    let mut bad = job(&one);
    bad[0] = Some(u32::MAX);
    missing(&mut held, &bad);
    assert!(driver.start(&bad).is_err());
    driver.set("command", 2).unwrap();
    assert_eq!(run(&mut driver, &other), missing(&mut held, &job(&other)));
    // A write by hand is one of the driver's; what others did to the device is not known.
    let first = rig.hardware.map.table().next().unwrap().0.name.clone();
    driver.set(&first, u32::MAX).unwrap();
    assert_eq!(run(&mut driver, &other), 1);
    driver.device();
    held.fill(None);
    assert_eq!(run(&mut driver, &other), missing(&mut held, &job(&other)));
}

#[test]
fn another_engine_is_not_driven() {
    let rig = Rig::as_emitted();
    let opened = |offset, bits| {
        let device = Other(Simulated::new(&rig.model, 1), offset, bits);
        let opened = Driver::open(&rig.engine, &rig.hardware, device);
        opened.err().unwrap().to_string()
    };
    assert_eq!(
        opened(0x8, 7),
        "register `lanes` at 0x8 holds 0x20004, not 0x20003: this is another engine"
    );
    // One without weight gradients.
    assert_eq!(
        opened(0x38, 4),
        "register `passes` at 0x38 holds 0x3, not 0x7: this is another engine"
    );
}

static TEXT: LazyLock<String> =
    LazyLock::new(|| print_verilog(&engine().hardware(Target::Generic).module));

#[test]
fn the_text_is_clean() {
    clean_for_three_tools("told", &TEXT);
}

#[test]
fn the_same_engine_gives_the_same_bytes() {
    assert!(print_verilog(&engine().hardware(Target::Generic).module) == *TEXT);
}

/// The registers of the example, as `docs/registers.md` shows them. After a change that was meant: `UPDATE_GOLDEN=1`.
#[test]
fn the_page_of_registers_is_that_of_the_example() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let engine = EngineFile::read(&root.join("examples/engines/programmable.toml"))
        .unwrap()
        .validate()
        .unwrap();
    let page = engine.hardware(Target::Generic).map.markdown();
    let path = root.join("docs/registers.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == page,
        "UPDATE_GOLDEN=1 writes it anew"
    );
}

//! Promise: one programmable engine computes every layer within its limits, exactly, one after the other without a
//! reset in between, each told while the one before it runs; and refuses what it cannot do, and goes on.
//!
//! Geometries are drawn by seed. A failure names the seed, and `BPA_PROGRAMMABLE_SEED=17 BPA_PROGRAMMABLE_CASES=2 cargo
//! test --test engine programmable` runs that one and the next. More of them: `BPA_PROGRAMMABLE_CASES=1000`.

use std::num::NonZeroU32;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Instant;

use bpa_engine::compare::compare;
use bpa_engine::driver::{Device, DeviceError, Driver, DriverError, Input, Simulated, Submitted};
use bpa_engine::emit::Target;
use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use bpa_engine::run::Arrays;
use bpa_hdl::programmable::Programmable;
use bpa_hdl::rtl::print_verilog;
use bpa_sim::Model;
use ndarray::{Array4, Axis};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::common::{arrays, cache, expected, last_flags, GRAD_INPUT, GRAD_OUTPUT, WEIGHT};
use crate::layers::layer;

const CASES: u64 = 100;
/// Cycles of a hand-over beside the load of each word.
const HAND_OVER_CYCLES: u64 = 10;
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
phases = 5
line_words = 4000
weight_words = 1000
zero_run = 8191
fifo_results = 16
";

fn engine() -> ProgrammableEngine {
    parsed(ENGINE)
}

fn parsed(text: &str) -> ProgrammableEngine {
    EngineFile::parse(text, "here").unwrap().validate().unwrap()
}

/// The engine and its model, which is compiled once.
struct Rig {
    engine: ProgrammableEngine,
    hardware: Programmable,
    model: Model,
}

impl Rig {
    fn new(edit: impl Fn(String) -> String) -> Self {
        Self::of(engine(), edit)
    }

    fn of(engine: ProgrammableEngine, edit: impl Fn(String) -> String) -> Self {
        let hardware = engine.hardware(Target::Generic);
        let text = edit(print_verilog(&hardware.module));
        let model = Simulated::model(&engine, &hardware, &text, &cache()).unwrap();
        Rig {
            engine,
            hardware,
            model,
        }
    }

    fn as_emitted() -> Self {
        Self::new(|text| text)
    }

    fn driver(&self) -> Driver<'_, Simulated> {
        Driver::open(&self.engine, &self.hardware, Simulated::new(&self.model, 1)).unwrap()
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// The layer of a seed, laid out on the engine's lanes.
fn drawn(engine: &ProgrammableEngine, seed: u64) -> Layer {
    let mut runner = TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    });
    let layer = layer(MOST_CYCLES).new_tree(&mut runner).unwrap().current();
    engine.layer(layer.to_file().layer).unwrap()
}

/// A job, and what has to come of it.
struct Case {
    seed: u64,
    plan: Plan,
    arrays: Arrays,
    expected: Array4<i64>,
}

impl Case {
    fn new(engine: &ProgrammableEngine, seed: u64) -> Self {
        Self::with_frames(engine, seed, 1 + seed as usize % 3)
    }

    fn with_frames(engine: &ProgrammableEngine, seed: u64, frames: usize) -> Self {
        let layer = drawn(engine, seed);
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

    fn frames(&self) -> u64 {
        self.expected.len_of(Axis(0)) as u64
    }

    fn beats(&self) -> u64 {
        let layer = self.plan.layer();
        u64::from(layer.rows().in_size)
            * u64::from(layer.cols().in_size)
            * u64::from(layer.out_beats_per_pixel())
    }

    fn submit(&self, driver: &mut Driver<Simulated>) -> Submitted {
        driver.submit(self.plan.clone(), &self.arrays).unwrap()
    }

    fn check(&self, found: &Array4<i64>) -> Result<(), String> {
        match compare(found, &self.expected).first {
            None => Ok(()),
            Some(mismatch) => Err(self.told(&mismatch.to_string())),
        }
    }

    fn told(&self, what: &str) -> String {
        format!(
            "seed {}: {what}\n{}",
            self.seed,
            self.plan.layer().to_file().to_toml()
        )
    }

    /// Alone, from the table to the results.
    fn run(&self, driver: &mut Driver<Simulated>) {
        let job = self.submit(driver);
        let found = driver.collect(&job).unwrap();
        self.check(&found).unwrap();
    }
}

/// Runs the cases one after the other, each told and its data offered while the one before it runs; then compares what
/// software can read with what was done.
fn run_all(rig: &Rig, cases: &[Case]) -> Result<u64, String> {
    let mut driver = rig.driver();
    let mut flags = Vec::new();
    let mut under_way: Option<(&Case, Submitted)> = None;
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
        let job = driver
            .submit(case.plan.clone(), &case.arrays)
            .map_err(|error| case.told(&error.to_string()))?;
        if let Some(before) = under_way.replace((case, job)) {
            collect(&mut driver, &mut flags, before)?;
        }
    }
    if let Some(last) = under_way {
        collect(&mut driver, &mut flags, last)?;
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
    let cycles = run_all(&rig, &cases).unwrap_or_else(|error| panic!("{error}"));
    println!(
        "{} layers in {cycles} cycles, {:.1} s",
        cases.len(),
        started.elapsed().as_secs_f64()
    );
}

/// What the random cases must be able to notice, each an edit of the emitted text.
#[test]
fn a_shell_that_is_a_little_wrong_is_noticed() {
    let edits = [
        (
            "a job that ends before its last input",
            "if (given_q & all_taken) begin",
            "if (given_q & (given_q | all_taken)) begin",
        ),
        (
            "a beat too many after the last frame",
            "if (all_taken_d) begin",
            "if (all_taken_q) begin",
        ),
        (
            "a phase that comes back too late",
            "if (cfg_col_slots_less_1 == 3'd1) begin",
            "if (cfg_col_slots_less_1 == 3'd2 | cfg_col_slots_less_1 == 3'd4) begin",
        ),
        (
            "a last beat where a run of zeros follows",
            "& no_tail_q) begin",
            "& (no_tail_q | ~no_tail_q)) begin",
        ),
    ];
    let cases: Vec<Case> = (0..CASES).map(|seed| Case::new(&engine(), seed)).collect();
    for (what, from, to) in edits {
        let rig = Rig::new(|text| {
            assert_eq!(text.matches(from).count(), 1, "{what}: `{from}`");
            text.replace(from, to)
        });
        assert!(run_all(&rig, &cases).is_err(), "{what} passes");
    }
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
        let rig = Rig::of(parsed(&text), |text| text);
        let mut driver = rig.driver();
        let (mut across, mut slower) = (0, 0);
        for seed in 0..200 {
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
        }
        assert!(across > 5 && slower > 3, "{across}, {slower}");
    }
}

/// From the last beat of one job to the last of the next there are the load of the table, the weights, and the first
/// frame, which fills the line buffer; nothing else.
#[test]
fn a_job_follows_the_one_before_it_after_the_load_the_weights_and_the_fill() {
    let rig = Rig::as_emitted();
    let words = rig.hardware.table.word_count() as u64;
    for seed in 0..20 {
        let case = Case::with_frames(&rig.engine, seed, 1);
        let mut driver = rig.driver();
        // The first job's last beat is not taken before the second is told.
        let sink = |driver: &mut Driver<Simulated>, limit| {
            driver.device().instance().sink(GRAD_INPUT).set_limit(limit)
        };
        sink(&mut driver, Some(case.beats() - 1));
        let jobs = [(); 2].map(|()| case.submit(&mut driver));
        driver.device().instance().run(MOST_CYCLES, None);
        sink(&mut driver, None);
        for job in &jobs {
            driver.collect(job).unwrap();
        }
        let ends = driver
            .device()
            .instance()
            .sink(GRAD_INPUT)
            .last_cycles()
            .to_vec();
        let between = ends[1] - ends[0];
        let known = words + case.plan.layer().weight_words() + case.plan.cycles(1).first_frame;
        assert!(
            between <= known + HAND_OVER_CYCLES,
            "{between} for {known}: {}",
            case.told("hand-over")
        );
    }
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
    for (word, most) in table.most().enumerate() {
        let Ok(above) = u32::try_from(most + 1) else {
            continue;
        };
        let mut bad = words.clone();
        bad[word] = above;
        match driver.start(&bad) {
            Err(DriverError::Refused { word: found, .. }) => assert_eq!(found as usize, word),
            other => panic!("word {word} of {above}: {other:?}"),
        }
        refused += 1;
    }
    assert!(refused > 10, "{refused}");
    assert_eq!(driver.value("state").unwrap(), 0);
    case.run(&mut driver);
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
    // Runs without data; the next one waits.
    driver.start(&words).unwrap();
    driver.device().instance().run(200, None);
    driver.start(&words).unwrap();
    assert_eq!(driver.value("state").unwrap() & 3, 3, "one runs, one waits");
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
    // Both are dropped, and the engine is as new.
    driver.set("command", 2).unwrap();
    driver.device().instance().run(5, None);
    assert_eq!(driver.value("state").unwrap(), 0);
    case.run(&mut driver);
    driver.device().instance().run(20, None);
    assert_eq!(driver.value("jobs_done").unwrap(), 1);
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
    let weight = bpa_engine::vectors::pack_weight(layer, &case.arrays.weight);
    let instance = driver.device().instance();
    let bytes = instance.source(WEIGHT).port().bytes;
    let mut flags = vec![0; weight.len() / bytes];
    flags[0] = 1;
    instance.source(WEIGHT).load(&weight, &flags).unwrap();
    let frame = bpa_engine::vectors::pack_grad_output(
        layer,
        case.arrays.grad_output.index_axis(Axis(0), 0),
    );
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
        ("grad_output_early", 0),
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
    for name in ["cycles_low", "grad_input_waits", "frames_done"] {
        assert!(driver.value(name).unwrap() > 0, "{name}");
    }
    driver.set("command", 4).unwrap();
    driver.device().instance().run(5, None);
    for name in [
        "cycles_low",
        "cycles_high",
        "grad_input_waits",
        "grad_output_waits",
        "weight_waits",
        "frames_done",
        "jobs_done",
    ] {
        assert_eq!(driver.value(name).unwrap(), 0, "{name}");
    }
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
    let weight = bpa_engine::vectors::pack_weight(layer, &case.arrays.weight);
    driver.device().send(Input::Weight, &weight).unwrap();
    let frame = bpa_engine::vectors::pack_grad_output(
        layer,
        case.arrays.grad_output.index_axis(Axis(0), 0),
    );
    driver.device().stall(0.5, 0.0, 1);
    let instance = driver.device().instance();
    let beats = frame.len() / instance.source(GRAD_OUTPUT).port().bytes;
    instance
        .source(GRAD_OUTPUT)
        .load(&frame, &vec![0; beats])
        .unwrap();
    instance.run(MOST_CYCLES, None);
    assert_eq!(driver.value("event").unwrap(), 1 | 0b10 << 8);
}

/// A device that reads as another engine.
struct Other(Simulated);

impl Device for Other {
    fn read(&mut self, offset: u64) -> Result<Option<u32>, DeviceError> {
        let value = self.0.read(offset)?;
        Ok(value.map(|value| if offset == 8 { value + 1 } else { value }))
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

#[test]
fn another_engine_is_not_driven() {
    let rig = Rig::as_emitted();
    let opened = Driver::open(
        &rig.engine,
        &rig.hardware,
        Other(Simulated::new(&rig.model, 1)),
    );
    let error = opened.err().unwrap().to_string();
    assert_eq!(
        error,
        "register `lanes` at 0x8 holds 0x20004, not 0x20003: this is another engine"
    );
}

static TEXT: LazyLock<String> =
    LazyLock::new(|| print_verilog(&engine().hardware(Target::Generic).module));

#[test]
fn the_text_is_clean_for_three_tools() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told.v");
    std::fs::write(&path, &*TEXT).unwrap();
    let script = format!(
        "read_verilog {}; hierarchy -check -top told; proc; check -assert; \
         select -assert-none t:$dlatch t:$dlatchsr t:$adlatch t:$_DLATCH*",
        path.display()
    );
    for command in [
        vec![
            "verilator",
            "--lint-only",
            "-Wall",
            "-Wno-DECLFILENAME",
            "--top-module",
            "told",
        ],
        vec!["iverilog", "-g2005", "-Wall", "-t", "null", "-s", "told"],
        vec!["yosys", "-q", "-e", ".*", "-p", &script],
    ] {
        let output = Command::new(command[0])
            .args(&command[1..])
            .arg(&path)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(
            output.status.success() && said.is_empty(),
            "{}: {said}",
            command[0]
        );
    }
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

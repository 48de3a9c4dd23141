//! Promise: an engine with a bus computes from memory to memory what one with streams does, whatever the latency, the order
//! and the stalls of the memory; at the bound where that gives a word a cycle, however late; an error of the memory is told
//! with its address, and neither it nor an abort harms a later job.
//!
//! `scripts/axi-ram.sh` runs one of the jobs here over cocotbext-axi's AxiRam as well.
//!
//! A failure names its seed; `BPA_MEMORY_SEED=17 cargo test --test engine memory` runs that one alone.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::Path;

use bpa_engine::bound::bound_cycles;
use bpa_engine::compare::compare;
use bpa_engine::driver::{
    Device, Driver, DriverError, MemoryArray, Simulated, Stride, Submitted, JOBS_HELD,
};
use bpa_engine::emit::Target;
use bpa_engine::layer::{Geometry, Layer, Pass, PerItem};
use bpa_engine::network::{reference, run, NetworkArrays, NetworkFile};
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine, UsedStages};
use bpa_engine::run::{set_of, Arrays};
use bpa_hdl::rtl::print_verilog;
use bpa_hdl::shell::programmable::Programmable;
use bpa_sim::{MemoryManners, Model};
use ndarray::Array4;

use crate::choices::Choices;
use crate::common::{arrays, cache, expected, in_pass};
use crate::programmable::geometry_within;
use crate::programmable_stages::stages_of;
use crate::three_tools::clean_for_three_tools;

const CASES: u64 = 32;
/// Cycles of a frame, in the data gradient.
const MOST_CYCLES: u64 = 2_000;

/// Words of several beats of data and masks, beats of weights and of values to add in several words.
const STAGES: &str = "name = \"told\"
[engine]
mode = \"programmable\"
simd = 4
pe = 4
out_type = \"int8\"
shift = 12
accumulate = true
mask = true
bus = \"axi4\"
[limits]
size = 64
kernel = 5
steps = 16
line_words = 4000
weight_words = 1000
zero_run = 8191
fifo_results = 64
";

/// Beats of a number of bytes that is no power of two, in the narrowest words; biases and zero points.
const ODD: &str = "name = \"told\"
[engine]
mode = \"programmable\"
simd = 3
pe = 2
zero_point = true
bias = true
bus = \"axi4\"
bus_bits = 32
[limits]
size = 64
kernel = 9
steps = 24
line_words = 4000
weight_words = 2000
zero_run = 8191
fifo_results = 64
scale_words = 64
";

struct Rig {
    engine: ProgrammableEngine,
    hardware: Programmable,
    model: Model,
}

impl Rig {
    fn new(text: &str) -> Self {
        let engine = EngineFile::parse(text, "here").unwrap().validate().unwrap();
        let hardware = engine.hardware(Target::Generic);
        let verilog = print_verilog(&hardware.module);
        clean_for_three_tools("told", &verilog);
        let model = Simulated::model(&engine, &hardware, &verilog, &cache()).unwrap();
        Rig {
            engine,
            hardware,
            model,
        }
    }

    fn driver(&self, manners: MemoryManners) -> Driver<'_, Simulated> {
        let mut device = Simulated::new(&self.model, 1);
        device.instance().memory().set_manners(manners);
        Driver::open(&self.engine, &self.hardware, device).unwrap()
    }
}

/// Prompt, and a word in every cycle.
const PROMPT: MemoryManners = MemoryManners {
    latency: 1,
    stall: 0.0,
    seed: 1,
    reorder: false,
};

fn manners(seed: u64) -> MemoryManners {
    let mut choices = Choices::new(seed);
    MemoryManners {
        latency: [1, 5, 30, 150][choices.below(4) as usize],
        stall: [0.0, 0.0, 0.2, 0.6][choices.below(4) as usize],
        seed,
        reorder: choices.below(2) == 0,
    }
}

/// A job, and what has to come of it.
struct Case {
    seed: u64,
    plan: Plan,
    arrays: Arrays,
    expected: Array4<i64>,
}

impl Case {
    fn of(layer: Layer, plan: Plan, seed: u64, frames: usize) -> Self {
        let arrays = arrays(&layer, frames, seed);
        Case {
            seed,
            plan,
            expected: expected(&layer, &arrays),
            arrays,
        }
    }

    /// The one of a seed, if it fits: passes and uses of the stages in turn.
    fn drawn(engine: &ProgrammableEngine, seed: u64) -> Option<Self> {
        let mut choices = Choices::new(seed);
        let pass = [Pass::GradInput, Pass::Forward, Pass::GradWeight][choices.below(3) as usize];
        let geometry = in_pass(
            &geometry_within(seed, MOST_CYCLES),
            pass,
            1 + choices.below(6) as i64,
        );
        let stages = engine.stages();
        let used = UsedStages {
            accumulate: stages.accumulate && choices.below(2) == 0,
            mask: stages.mask && choices.below(2) == 0,
            shift: None,
            ..stages_of(engine, seed)
        };
        let layer = engine.staged_layer(geometry, used).ok()?;
        let plan = engine.plan(&layer).ok()?;
        Some(Self::of(layer, plan, seed, 1 + seed as usize % 3))
    }

    fn check(&self, found: &Array4<i64>) {
        if let Some(mismatch) = compare(found, &self.expected).first {
            let file = self.plan.layer().to_file().to_toml();
            panic!("seed {}: {mismatch}\n{file}", self.seed);
        }
    }

    fn run(&self, driver: &mut Driver<Simulated>) {
        let job = driver.submit(self.plan.clone(), &self.arrays).unwrap();
        self.check(&driver.collect(&job).unwrap());
    }
}

fn check_rules(driver: &mut Driver<Simulated>) {
    let instance = driver.device().instance();
    assert_eq!(instance.memory().violations(), (0, None), "rules of AXI4");
    for pin in ["m_axi_arcache", "m_axi_awcache"] {
        assert_eq!(instance.peek(pin).unwrap(), 3, "{pin}");
    }
    for pin in ["m_axi_arprot", "m_axi_awprot", "error"] {
        assert_eq!(instance.peek(pin).unwrap(), 0, "{pin}");
    }
}

/// Jobs of many layers one after the other, each told while the ones before it run, under manners that change.
fn jobs_are_exact(text: &str) {
    let rig = Rig::new(text);
    let mut driver = rig.driver(PROMPT);
    let seeds = match std::env::var("BPA_MEMORY_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..CASES).collect(),
    };
    let mut held: VecDeque<(Case, Submitted)> = VecDeque::new();
    let mut ran = 0;
    let mut collect = |driver: &mut Driver<Simulated>, held: &mut VecDeque<(Case, Submitted)>| {
        let (case, job) = held.pop_front().unwrap();
        case.check(&driver.collect(&job).unwrap());
        ran += 1;
    };
    for seed in seeds {
        let Some(case) = Case::drawn(&rig.engine, seed) else {
            continue;
        };
        if seed % 4 == 0 {
            let manners = manners(seed);
            driver.device().instance().memory().set_manners(manners);
        }
        if held.len() == JOBS_HELD {
            collect(&mut driver, &mut held);
        }
        let job = driver.submit(case.plan.clone(), &case.arrays).unwrap();
        held.push_back((case, job));
    }
    while !held.is_empty() {
        collect(&mut driver, &mut held);
    }
    assert!(ran >= CASES / 2, "{ran} jobs fit");
    check_rules(&mut driver);
}

#[test]
fn jobs_with_stages_are_exact() {
    jobs_are_exact(STAGES);
}

#[test]
fn jobs_of_odd_beats_are_exact() {
    jobs_are_exact(ODD);
}

/// Forward, gradients of weights and of activations of two layers, each on what the engine gave for the one before.
#[test]
fn a_training_step_is_exact_from_memory_to_memory() {
    const STEP: &str = "name = \"step\"
frames = 2
passes = [\"grad_weight\", \"forward\", \"grad_input\"]
[[layer]]
name = \"head\"
output_shift = 9
conv = { in_channels = 8, out_channels = 4, in_size = 6, kernel = 1 }
[[layer]]
name = \"down\"
shift = 8
output_shift = 9
conv = { in_channels = 6, out_channels = 8, in_size = 12, kernel = 3, stride = 2, padding = 1, groups = 2 }
";
    let rig = Rig::new(ODD);
    let network = NetworkFile::parse(STEP, "step.toml").unwrap();
    let network = network.validate(&rig.engine).unwrap();
    let arrays = NetworkArrays::random(&network, 3);
    let expected = reference(&network, &arrays);
    let mut driver = rig.driver(manners(4));
    let ran = run(&network, &mut driver, &arrays, &expected).unwrap();
    assert_eq!(ran.report.mismatches, 0);
    let expected: Vec<_> = expected.into_iter().map(|it| it.result).collect();
    assert_eq!(ran.results, expected);
    check_rules(&mut driver);
}

/// The layer of a geometry with `c` channels of the result and `k` of what moves.
fn square(engine: &ProgrammableEngine, c: i64, k: i64, size: i64, kernel: i64) -> Layer {
    let geometry = Geometry {
        in_channels: Some(c),
        out_channels: Some(k),
        in_size: Some(PerItem([size; 2])),
        kernel: Some(PerItem([kernel; 2])),
        ..Geometry::default()
    };
    engine.layer(geometry).unwrap()
}

/// Layers that are bound by multiplications, and by beats in and out, one a cycle of each.
#[test]
fn frames_are_at_their_bound_with_a_late_memory() {
    let rig = Rig::new(STAGES);
    let late = MemoryManners {
        latency: 100,
        ..PROMPT
    };
    for (c, k, size, kernel) in [
        (8, 16, 14, 3),
        (4, 4, 20, 1),
        (16, 4, 12, 1),
        (4, 16, 12, 1),
    ] {
        let layer = square(&rig.engine, c, k, size, kernel);
        let cycles = [3, 9].map(|frames| {
            let plan = rig.engine.plan(&layer).unwrap();
            let case = Case::of(layer.clone(), plan, 1, frames);
            let mut driver = rig.driver(late);
            case.run(&mut driver);
            driver.busy_cycles().unwrap()
        });
        let bound = bound_cycles(&layer);
        assert_eq!(
            cycles[1] - cycles[0],
            6 * bound,
            "{c}, {k}, {size}, {kernel}"
        );
    }
}

/// Reads and writes that fail: each is told with the address of its burst, and the next job is exact.
#[test]
fn errors_of_memory_are_told_and_harm_nothing() {
    let rig = Rig::new(STAGES);
    let layer = square(&rig.engine, 8, 8, 10, 3);
    let plan = rig.engine.plan(&layer).unwrap();
    let case = Case::of(layer, plan, 3, 2);
    // A job's arrays lie one behind the other in this order, from 0 on: beats of 16 and of 4 bytes.
    let set = set_of(&case.plan, &case.arrays.stationary, &case.arrays.stages).len() as u32;
    let data = set.next_multiple_of(64);
    let data_bytes = 2 * 8 * 8 * 8;
    let result = data + data_bytes;
    for (stream, first, bad) in [
        ("weight", 0, 8),
        ("data", data, data),
        (
            "data",
            data.next_multiple_of(512),
            data.next_multiple_of(512) + 16,
        ),
        ("result", result, result + 4),
    ] {
        let mut driver = rig.driver(manners(1));
        let mut memory = driver.device().instance().memory();
        memory.set_bad(bad.into(), u64::from(bad) + 1);
        let job = driver.submit(case.plan.clone(), &case.arrays).unwrap();
        match driver.collect(&job) {
            Err(DriverError::Bus {
                stream: found,
                address,
            }) => assert_eq!((found, address), (stream, first)),
            other => panic!("{stream}: {other:?}"),
        }
        driver.device().instance().memory().set_bad(0, 0);
        case.run(&mut driver);
        assert_eq!(driver.value("bus_error").unwrap(), 0);
        check_rules(&mut driver);
    }
}

/// An abort in any state ends what is under way by the rules of the bus, and the next job is exact.
#[test]
fn an_abort_harms_nothing() {
    let rig = Rig::new(STAGES);
    let case = (0..)
        .filter_map(|seed| Case::drawn(&rig.engine, seed))
        .find(|case| case.plan.layer().accumulate() && case.plan.layer().mask())
        .unwrap();
    let mut driver = rig.driver(PROMPT);
    for seed in 0..40 {
        driver
            .device()
            .instance()
            .memory()
            .set_manners(manners(seed));
        let jobs = 1 + seed % 3;
        for _ in 0..jobs {
            driver.submit(case.plan.clone(), &case.arrays).unwrap();
        }
        let cycles = Choices::new(seed).below(1_500);
        driver.device().instance().run(cycles, None);
        driver.abort().unwrap();
        case.run(&mut driver);
        check_rules(&mut driver);
    }
}

/// Writes the engine, the words of a job and all of the memory before and after it to a folder, for `scripts/axi-ram.sh`.
fn keep(folder: &Path, rig: &Rig, words: &[Option<u32>], memory: [&[u8]; 2]) {
    let words = rig.hardware.map.table().zip(words);
    let words: Vec<(u64, u32)> = words
        .filter_map(|((register, _), word)| Some((register.offset, (*word)?)))
        .collect();
    let [before, after] = memory;
    let text = print_verilog(&rig.hardware.module);
    for (name, bytes) in [
        ("told.v", text.as_bytes()),
        (
            "words.json",
            serde_json::to_string(&words).unwrap().as_bytes(),
        ),
        ("before.bin", before),
        ("after.bin", after),
    ] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Channels of tensors that have more, in rows with room behind them: beats are taken from their places, and the results
/// put into theirs, and into no other byte.
#[test]
fn arrays_are_slices_of_tensors() {
    const PIXEL: u32 = 16;
    const FILL: u8 = 0xee;
    let rig = Rig::new(STAGES);
    let layer = square(&rig.engine, 4, 8, 7, 3);
    let plan = rig.engine.plan(&layer).unwrap();
    let frames = 3;
    let case = Case::of(layer, plan, 5, frames);
    let slice = |address: u32, bytes: u32, (height, width): (usize, usize)| {
        let row = width as u32 * PIXEL + 24;
        MemoryArray {
            address,
            run_bytes: bytes,
            runs: Stride::ONE,
            pixels: Stride {
                count: width as u32,
                bytes: PIXEL,
            },
            rows: Stride {
                count: height as u32,
                bytes: row,
            },
            frames: Stride {
                count: frames as u32,
                bytes: height as u32 * row + 8,
            },
        }
    };
    // Eight channels from the fourth on, of sixteen; and four from the eighth on.
    let data = slice(4, 8, (5, 5));
    let results = slice(0x10008, 4, (7, 7));
    let place = |array: &MemoryArray, [n, h, w, c]: [usize; 4]| {
        let offset = [array.frames, array.rows, array.pixels]
            .into_iter()
            .zip([n, h, w])
            .map(|(stride, index)| stride.bytes as usize * index);
        array.address as usize + offset.sum::<usize>() + c
    };
    let set = set_of(&case.plan, &case.arrays.stationary, &case.arrays.stages);
    let mut driver = rig.driver(manners(2));
    let mut before = vec![FILL; 0x20000];
    for ((n, c, h, w), &value) in case.arrays.moving.indexed_iter() {
        before[place(&data, [n, h, w, c])] = value as u8;
    }
    before[0x18000..][..set.len()].copy_from_slice(&set);
    driver.device().store(0, &before).unwrap();
    let count = NonZeroU32::new(frames as u32).unwrap();
    let mut words = rig
        .engine
        .job(&rig.hardware.table, &case.plan, count)
        .unwrap();
    let weight = MemoryArray::of_frames(0x18000, set.len() as u32, 1);
    for (stream, array) in [
        ("data", Some(data)),
        ("weight", Some(weight)),
        ("result", Some(results)),
        ("accumulate", None),
        ("mask", None),
    ] {
        driver.put_array(&mut words, stream, array);
    }
    let mut after = before.clone();
    for ((n, c, h, w), &value) in case.expected.indexed_iter() {
        after[place(&results, [n, h, w, c])] = value as u8;
    }
    if let Ok(folder) = std::env::var("BPA_MEMORY_VECTORS") {
        keep(Path::new(&folder), &rig, &words, [&before, &after]);
    }
    driver.start(&words).unwrap();
    driver.wait_for_job().unwrap();
    let found = driver.device().load(0, before.len()).unwrap();
    let wrong = found
        .iter()
        .zip(&after)
        .position(|(found, after)| found != after);
    assert_eq!(wrong, None, "the byte that is another");
    check_rules(&mut driver);
}

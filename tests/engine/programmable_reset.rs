//! Promise: one edge of reset, or an abort, leaves a programmable engine as new, whatever it was in: what is offered
//! right behind it is not lost, and the table holds what it held.

use std::num::NonZeroU32;

use bpa_engine::driver::{Driver, Simulated};
use bpa_engine::layer::{Geometry, PerItem};
use bpa_engine::programmable::{EngineFile, UsedStages};
use bpa_sim::Instance;

use crate::common::{finished, last_flags, GRAD_INPUT, GRAD_OUTPUT, WEIGHT};
use crate::power_up::{streams, FRAMES};
use crate::programmable_stages::{arrays, Rig};
use crate::reset_bench::Beats;

const SEED: u64 = 3;
/// Cycles from a start to the end of the job here, and more.
pub const JOB_CYCLES: u64 = 500;
/// Commands.
const START: u32 = 1;
const ABORT: u32 = 2;
/// Of `event`.
const JOB_DONE: u32 = 1;

pub fn rig() -> Rig {
    let text = "name = \"told_reset\"
        [engine]
        mode = \"programmable\"
        simd = 2
        pe = 2
        accumulate = true
        mask = true
        [limits]
        size = 16
        kernel = 3
        steps = 12
        line_words = 20
        weight_words = 32
        zero_run = 60
        fifo_results = 16";
    let engine = EngineFile::parse(text, "here").unwrap();
    Rig::of_engine(engine.validate().unwrap(), |text| text)
}

/// A job that uses every stream.
pub struct Job {
    words: Vec<Option<u32>>,
    sources: Vec<Beats>,
    results: Beats,
}

impl Job {
    pub fn new(rig: &Rig) -> Self {
        let geometry = Geometry {
            in_channels: Some(4),
            out_channels: Some(4),
            in_size: Some(PerItem([4, 5])),
            kernel: Some(PerItem([2, 3])),
            stride: PerItem([1, 2]),
            ..Geometry::default()
        };
        let stages = UsedStages {
            accumulate: true,
            mask: true,
            ..UsedStages::default()
        };
        let layer = rig.engine.staged_layer(geometry, stages).unwrap();
        let plan = rig.engine.plan(&layer).unwrap();
        let arrays = arrays(&layer, FRAMES, SEED, rig.engine.most_accumulate());
        let expected = finished(&layer, &arrays);
        let (sources, results) = streams(&plan, &arrays, &expected.result);
        let frames = NonZeroU32::new(FRAMES as u32).unwrap();
        Job {
            words: rig.engine.job(&rig.hardware.table, &plan, frames).unwrap(),
            sources,
            results,
        }
    }

    /// Loads all beats of the job into the sources.
    fn offer(&self, instance: &mut Instance) {
        for (index, beats) in self.sources.iter().enumerate() {
            let mut source = instance.source(index);
            let sets = beats.bytes.len() / source.port().bytes / beats.of_frame as usize;
            let flags: Vec<u8> = (0..sets).flat_map(|_| last_flags(beats.of_frame)).collect();
            source.load(&beats.bytes, &flags).unwrap();
        }
    }

    /// Beats of its results.
    fn beats(&self, instance: &mut Instance) -> u64 {
        (self.results.bytes.len() / instance.sink(GRAD_INPUT).port().bytes) as u64
    }

    /// Runs what the table holds, which is this job, on beats that are offered already.
    fn run(&self, driver: &mut Driver<Simulated>) {
        driver.set("command", START).unwrap();
        let instance = driver.device().instance();
        let beats = self.beats(instance);
        instance.run(4 * JOB_CYCLES, Some(beats));
        instance.run(100, None);
        let sink = instance.sink(GRAD_INPUT);
        assert!(sink.data() == self.results.bytes, "wrong results");
        assert_eq!(sink.violations(), 0, "rules of AXI4-Stream");
        assert_eq!(instance.watched("error").unwrap().cycles, 0);
        assert_eq!(driver.value("state").unwrap(), 0);
        assert_eq!(driver.value("event").unwrap(), JOB_DONE);
        assert_eq!(driver.value("jobs_done").unwrap(), 1);
    }
}

impl Job {
    /// Runs the job from this power-up on, by a reset of one cycle, does something to the engine after the job's start, and
    /// has its results be exact, and those of the same job behind it.
    pub fn check_with(&self, rig: &Rig, power_up: u64, act: impl FnOnce(&mut Simulated)) {
        let mut device = Simulated::new(&rig.model, power_up);
        device.instance().reset(1);
        let mut driver = Driver::open(&rig.engine, &rig.hardware, device);
        let driver = driver.as_mut().unwrap();
        self.offer(driver.device().instance());
        driver.start(&self.words).unwrap();
        act(driver.device());
        let instance = driver.device().instance();
        let beats = self.beats(instance);
        assert!(instance.run(4 * JOB_CYCLES, Some(beats)).done, "it hangs");
        instance.run(100, None);
        let results = &self.results.bytes;
        assert!(instance.sink(GRAD_INPUT).data() == results, "wrong results");
        // All words again: any of them may have been written.
        for ((register, _), word) in rig.hardware.map.table().zip(&self.words) {
            if let Some(word) = word {
                driver.set(&register.name, *word).unwrap();
            }
        }
        self.offer(driver.device().instance());
        driver.set("command", START).unwrap();
        let instance = driver.device().instance();
        instance.sink(GRAD_INPUT).forget();
        assert!(
            instance.run(4 * JOB_CYCLES, Some(2 * beats)).done,
            "the next hangs"
        );
        assert!(
            instance.sink(GRAD_INPUT).data() == results,
            "the next is wrong"
        );
        assert_eq!(
            instance.sink(GRAD_INPUT).violations(),
            0,
            "rules of AXI4-Stream"
        );
    }
}

/// Beats taken so far.
fn taken(driver: &mut Driver<Simulated>) -> Vec<u64> {
    let instance = driver.device().instance();
    (0..4)
        .map(|index| instance.source(index).accepted())
        .collect()
}

/// Verilator draws the value of every register, word and unknown anew, by the seed.
#[test]
fn any_power_up_is_as_any_other() {
    let rig = rig();
    let job = Job::new(&rig);
    for power_up in 0..40 {
        job.check_with(&rig, power_up, |_| ());
    }
}

#[test]
fn one_edge_in_mid_frame_loses_no_beat_behind_it() {
    let rig = rig();
    let job = Job::new(&rig);
    let mut in_mid_frame = 0;
    for cycles in (0..JOB_CYCLES).step_by(9) {
        let mut driver = Driver::open(&rig.engine, &rig.hardware, Simulated::new(&rig.model, 1));
        let driver = driver.as_mut().unwrap();
        driver.device().stall(0.2, 0.4, cycles);
        job.offer(driver.device().instance());
        driver.start(&job.words).unwrap();
        let instance = driver.device().instance();
        instance.run(cycles, None);
        in_mid_frame +=
            u64::from((1..job.beats(instance)).contains(&instance.sink(GRAD_INPUT).accepted()));
        instance.reset(1);
        driver.device().stall(0.0, 0.0, 0);
        let instance = driver.device().instance();
        job.offer(instance);
        instance.run(1, None);
        assert_eq!(taken(driver), [0; 4], "in the first cycle after {cycles}");
        // The table holds the job still.
        job.run(driver);
    }
    assert!(in_mid_frame > 10, "{in_mid_frame}");
}

/// Complete with its write response: nothing runs, and no beat is taken behind it but two ahead of each stream beside
/// the results.
#[test]
fn an_abort_is_complete_with_its_response() {
    let rig = rig();
    let job = Job::new(&rig);
    for cycles in (0..JOB_CYCLES).step_by(9) {
        let mut driver = Driver::open(&rig.engine, &rig.hardware, Simulated::new(&rig.model, 1));
        let driver = driver.as_mut().unwrap();
        driver.device().stall(0.2, 0.4, cycles);
        job.offer(driver.device().instance());
        driver.start(&job.words).unwrap();
        driver.device().instance().run(cycles, None);
        driver.set("command", ABORT).unwrap();
        let was = taken(driver);
        assert_eq!(driver.value("state").unwrap(), 0, "after {cycles}");
        driver.device().stall(0.0, 0.0, 0);
        let given = driver.device().instance().sink(GRAD_INPUT).accepted();
        driver.device().instance().run(100, None);
        let now = taken(driver);
        for stream in [GRAD_OUTPUT, WEIGHT] {
            assert_eq!(now[stream], was[stream], "stream {stream} after {cycles}");
        }
        for stream in 2..4 {
            assert!(
                now[stream] <= was[stream] + 2,
                "stream {stream} after {cycles}"
            );
        }
        let sink = driver.device().instance().sink(GRAD_INPUT);
        assert_eq!(sink.accepted(), given, "after {cycles}");
        assert_eq!(driver.value("state").unwrap(), 0, "after {cycles}");
    }
}

#[test]
fn the_table_holds_its_words_behind_an_abort() {
    let rig = rig();
    let job = Job::new(&rig);
    for cycles in (0..JOB_CYCLES).step_by(50) {
        let mut driver = Driver::open(&rig.engine, &rig.hardware, Simulated::new(&rig.model, 1));
        let driver = driver.as_mut().unwrap();
        driver.start(&job.words).unwrap();
        driver.device().instance().run(cycles, None);
        driver.set("command", ABORT).unwrap();
        job.offer(driver.device().instance());
        job.run(driver);
    }
}

#[test]
fn an_abort_drops_the_start_in_its_write() {
    let rig = rig();
    let job = Job::new(&rig);
    // In an idle engine; and where the start alone would be refused, since a job waits in the table.
    for jobs in [0, 3] {
        let mut driver = Driver::open(&rig.engine, &rig.hardware, Simulated::new(&rig.model, 1));
        let driver = driver.as_mut().unwrap();
        for (word, (register, _)) in job.words.iter().zip(rig.hardware.map.table()) {
            if let Some(word) = word {
                driver.set(&register.name, *word).unwrap();
            }
        }
        for _ in 0..jobs {
            driver.start(&job.words).unwrap();
            driver.device().instance().run(200, None);
        }
        driver.set("command", START | ABORT).unwrap();
        driver.device().instance().run(200, None);
        for name in ["state", "event", "refused"] {
            assert_eq!(driver.value(name).unwrap(), 0, "{name}");
        }
        job.offer(driver.device().instance());
        job.run(driver);
    }
}

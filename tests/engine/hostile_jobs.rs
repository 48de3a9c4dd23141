//! Promise: whatever words a job is made of, it is refused with the word that is too large, or it runs and leaves nothing
//! behind an abort or a reset: the next good job is exact. And what is written to registers at any moment changes no
//! result of the job that runs.
//!
//! `BPA_HOSTILE_JOBS=100000 cargo test --release --test engine hostile` draws as many jobs; the seed of the first is
//! `BPA_HOSTILE_SEED`.

use std::num::NonZeroU32;

use bpa_engine::driver::{Device, Simulated};
use bpa_engine::layer::{Geometry, PerItem};
use bpa_engine::programmable::UsedStages;
use bpa_engine::vectors::pack_result;
use bpa_hdl::shell::jobs::REFUSED_CAUSES;

use crate::any_words::{rig, words};
use crate::common::{expected, Choices, GRAD_INPUT};
use crate::programmable_reset;
use crate::programmable_stages::{arrays, Rig};

/// Jobs, unless the environment says how many.
const TRIALS: u64 = 150;
/// Every beat of every stream: then a job means the same wherever the ones before stopped.
const BYTE: u8 = 0x5a;
/// Beats on offer beyond those taken.
const BEATS: u64 = 4_000;
/// More than any good job here takes.
const GOOD_CYCLES: u64 = 2_000;
const FRAMES: u32 = 2;
const SEED: u64 = 1;
/// Commands, and bits of `event` and `state`.
const START: u32 = 1;
const ABORT: u32 = 2;
const REFUSED: u32 = 2;

fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(number) => number.parse().expect("a number"),
        Err(_) => otherwise,
    }
}

/// An engine that takes one job after the other.
struct Bench<'a> {
    rig: &'a Rig,
    device: Simulated,
    good: Vec<Option<u32>>,
    results: Vec<u8>,
    offered: u64,
}

impl<'a> Bench<'a> {
    fn new(rig: &'a Rig) -> Self {
        let geometry = Geometry {
            in_channels: Some(2),
            out_channels: Some(4),
            in_size: Some(PerItem([4, 5])),
            kernel: Some(PerItem([2, 3])),
            stride: PerItem([1, 2]),
            ..Geometry::default()
        };
        let layer = rig.engine.staged_layer(geometry, UsedStages::default());
        let layer = layer.unwrap();
        let plan = rig.engine.plan(&layer).unwrap();
        let mut arrays = arrays(&layer, FRAMES as usize, SEED, 0);
        arrays.moving.fill(BYTE as i8 as i32);
        arrays.stationary.fill(BYTE as i8 as i32);
        let result = expected(&layer, &arrays);
        let bits = rig.engine.out_bits();
        let results = result.outer_iter();
        let frames = NonZeroU32::new(FRAMES).unwrap();
        Bench {
            rig,
            device: Simulated::new(&rig.model, SEED),
            good: rig.engine.job(&rig.hardware.table, &plan, frames).unwrap(),
            results: results
                .flat_map(|it| pack_result(&layer, it, bits))
                .collect(),
            offered: 0,
        }
    }

    fn read(&mut self, name: &str) -> u32 {
        let offset = self.rig.hardware.map.named(name).offset;
        self.device.read(offset).unwrap().unwrap()
    }

    fn command(&mut self, bits: u32) {
        let offset = self.rig.hardware.map.named("command").offset;
        assert!(self.device.write(offset, bits).unwrap());
    }

    fn tell(&mut self, words: &[Option<u32>]) {
        for ((register, _), word) in self.rig.hardware.map.table().zip(words) {
            if let Some(word) = word {
                assert!(self.device.write(register.offset, *word).unwrap());
            }
        }
    }

    /// Offers more beats on each stream.
    fn offer(&mut self) {
        for index in 0..self.rig.model.spec().sources.len() {
            let mut source = self.device.instance().source(index);
            let bytes = source.port().bytes;
            source
                .load(&vec![BYTE; BEATS as usize * bytes], &[0; BEATS as usize])
                .unwrap();
        }
        self.offered += BEATS;
    }

    /// One edge of reset; all that was offered is gone.
    fn reset(&mut self) {
        self.device.instance().reset(1);
        self.offered = 0;
        self.offer();
    }

    fn hostile(&mut self, seed: u64) -> Result<bool, String> {
        let mut choices = Choices::new(seed);
        let sources = self.rig.model.spec().sources.len();
        let taken = (0..sources).map(|index| self.device.instance().source(index).accepted());
        if taken.max().unwrap_or(0) + BEATS > self.offered {
            self.offer();
        }
        let drawn = words(self.rig, seed, &mut choices);
        let mut told: Vec<Option<u32>> = drawn.into_iter().map(Some).collect();
        match choices.below(4) {
            0 => told
                .iter_mut()
                .for_each(|word| *word = Some(choices.below(1 << 32) as u32)),
            1 => {
                told.clone_from(&self.good);
                for _ in 0..1 + choices.below(4) {
                    let index = choices.below(told.len() as u64) as usize;
                    told[index] = Some(1_u32 << choices.below(32) ^ told[index].unwrap_or(0));
                }
            }
            _ => (),
        }
        self.device
            .stall(0.0, [0.0, 0.5][choices.below(2) as usize], seed);
        self.tell(&told);
        let before = self.device.instance().sink(GRAD_INPUT).accepted();
        self.command(START);
        self.device.instance().run(400 + choices.below(600), None);
        let refused = self.read("event") & REFUSED != 0;
        if refused {
            let why = self.read("refused");
            let (cause, word) = (why as usize & 3, why as usize >> 8);
            if cause == 0 || cause > REFUSED_CAUSES.len() {
                return Err(format!("refused for cause {cause}"));
            }
            let most = self.rig.hardware.table.most();
            let limit = most.iter().find(|(index, _)| *index == word);
            if limit.is_none() {
                return Err(format!("refused for word {word}, which has no limit"));
            }
            let given = self.device.instance().sink(GRAD_INPUT).accepted() - before;
            if self.read("state") != 0 || given != 0 {
                return Err("a refused job runs".to_owned());
            }
        }
        match choices.below(8) {
            // A refused job needs nothing.
            0..=3 if refused => (),
            0 => self.reset(),
            _ => self.command(ABORT),
        }
        Ok(refused)
    }

    /// A good job is exact.
    fn good(&mut self) -> Result<(), String> {
        self.device.stall(0.0, 0.0, 0);
        let good = self.good.clone();
        self.tell(&good);
        let events = self.rig.hardware.map.named("event").offset;
        self.device.write(events, u32::MAX).unwrap();
        let instance = self.device.instance();
        instance.sink(GRAD_INPUT).forget();
        let given = instance.sink(GRAD_INPUT).accepted();
        let beats = (self.results.len() / instance.sink(GRAD_INPUT).port().bytes) as u64;
        self.command(START);
        let instance = self.device.instance();
        if !instance.run(GOOD_CYCLES, Some(given + beats)).done {
            return Err("the next good job hangs".to_owned());
        }
        instance.run(60, None);
        let sink = instance.sink(GRAD_INPUT);
        match sink.data() == self.results {
            true => Ok(()),
            false => Err("the next good job is wrong".to_owned()),
        }
    }
}

#[test]
fn whatever_a_job_is_made_of_the_next_good_one_is_exact() {
    for keys in ["", "pixels = 3"] {
        hostile_jobs(keys);
    }
}

/// On an engine with these keys.
fn hostile_jobs(keys: &str) {
    let rig = rig(keys);
    let mut bench = Bench::new(&rig);
    bench.reset();
    bench.good().expect("a good job alone");
    let (trials, first) = (
        number("BPA_HOSTILE_JOBS", TRIALS),
        number("BPA_HOSTILE_SEED", 0),
    );
    let mut refused = 0;
    for seed in first..first + trials {
        let verdict = bench.hostile(seed).and_then(|was_refused| {
            refused += u64::from(was_refused);
            bench.good()
        });
        if let Err(fault) = verdict {
            panic!("{fault}; again with BPA_HOSTILE_SEED={seed} BPA_HOSTILE_JOBS=1");
        }
    }
    println!(
        "{trials} jobs of any words: {refused} refused, each followed by a job that was exact"
    );
    assert!(
        refused > trials / 8 && refused < trials,
        "{refused} refused"
    );
}

/// Any register, at any moment of a job, but for a command that aborts or starts.
#[test]
fn registers_written_at_any_moment_change_no_result() {
    let rig = programmable_reset::rig();
    let job = programmable_reset::Job::new(&rig);
    let command = rig.hardware.map.named("command").offset;
    let registers: Vec<u64> = rig
        .hardware
        .map
        .registers()
        .iter()
        .map(|it| it.offset)
        .collect();
    let mut choices = Choices::new(SEED);
    for cycles in (0..programmable_reset::JOB_CYCLES).step_by(5) {
        job.check_with(&rig, SEED, |device| {
            device.instance().run(cycles, None);
            for _ in 0..1 + choices.below(4) {
                let offset = registers[choices.below(registers.len() as u64) as usize];
                if offset != command {
                    let _ = device.write(offset, choices.below(1 << 32) as u32).unwrap();
                }
            }
        });
    }
}

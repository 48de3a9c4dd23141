//! Layers measured on one programmable engine, one model for all of them.

use std::thread;

use bpa_hdl::rtl::print_verilog;
use bpa_sim::{Cache, Model, SimError};
use ndarray::{Array4, Axis};
use serde::Serialize;

use crate::bound::{bound_cycles, shared_bound_cycles};
use crate::compare::compare;
use crate::driver::{Begun, Coming, Driver, DriverError, Input, Simulated};
use crate::emit::Target;
use crate::internal_error::joined;
use crate::programmable::{ProgrammableEngine, Tiling};
use crate::reference::{reference, StageArrays};
use crate::run::{Arrays, RESULT_SINK};
use crate::vectors::{random_moving, random_stationary};

/// Seed of everything random.
const SEED: u64 = 0;

/// Cycles beyond a set's beats that are waited for it.
const PATIENCE: u64 = 10_000;

/// An engine whose Verilog is compiled.
pub struct EngineBench<'a> {
    engine: &'a ProgrammableEngine,
    model: Model,
}

/// Why a layer gave no figures.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine, or the bridge to the simulator.
    #[error("layer {layer:?}: {reason}")]
    Driver {
        /// The layer's name.
        layer: String,
        /// Why.
        reason: DriverError,
    },
}

/// Which cycles of a layer count, and what they are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// In one job: a frame in steady state, from the last beat of the last frame but one to that of the last, against
    /// the bound of a frame. Weights are no part of either.
    SteadyFrame,
    /// In tiles: all cycles in which the engine had one of them, against the bound of all frames and the beats of all
    /// weights; both for one of the frames.
    AllFrames,
}

/// What was measured on one layer; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngineRow {
    /// The layer's name.
    pub name: String,
    /// Frames of its batch.
    pub frames: u64,
    /// Groups that are merged into one.
    pub merged: u32,
    /// Jobs.
    pub tiles: u64,
    /// Runs of groups, of the result's channels and of those that are added up, that the tiles are made of.
    pub cuts: [u32; 3],
    /// Runs of rows of grad_output, of a weight gradient; 1 where it is not cut over them.
    pub row_cuts: u32,
    /// Rows of each image that stand side by side on the lanes, likewise.
    pub rows_beside: u32,
    /// Cycles in which the engine had a job, all frames and loads of weights included.
    pub cycles_total: u64,
    /// What the next three are of.
    pub counted: Counted,
    /// Cycles of one, or of a batch: what `counted` says.
    pub cycles_per_frame: u64,
    /// The least that they can be on an engine with these lanes.
    pub bound_cycles: u64,
    /// Those cycles for one of the bound, never below 1.
    pub ratio: f64,
    /// What a frame of a layer in one job may take: the bound of the layer as the engine is told it, and a hundredth.
    /// `None` in tiles.
    pub limit_cycles: Option<u64>,
    /// Of the multiplications that these cycles have room for, the share that the layer needs.
    pub multipliers_in_use: f64,
    /// Whether the cost model predicted the cycles of a frame, or in tiles at least as many as there were.
    pub model_agrees: bool,
    /// Values of the result that are not the reference's.
    pub mismatches: u64,
}

impl EngineRow {
    /// Whether a frame takes no longer than it may.
    pub fn in_time(&self) -> bool {
        self.limit_cycles
            .is_none_or(|limit| self.cycles_per_frame <= limit)
    }

    /// Everything that is not as it should be, for people.
    pub fn faults(&self) -> Vec<String> {
        let wrong = format!("{} values are wrong", self.mismatches);
        let late = format!(
            "a frame takes {} cycles, and {} are allowed",
            self.cycles_per_frame,
            self.limit_cycles.unwrap_or(u64::MAX)
        );
        let model = "the cost model predicts other cycles".to_owned();
        [
            (self.mismatches == 0, wrong),
            (self.in_time(), late),
            (self.model_agrees, model),
        ]
        .into_iter()
        .filter_map(|(holds, fault)| (!holds).then_some(fault))
        .collect()
    }
}

impl<'a> EngineBench<'a> {
    /// Compiles the engine, or finds it compiled.
    ///
    /// # Errors
    /// A tool is missing or fails.
    pub fn new(engine: &'a ProgrammableEngine, cache: &Cache) -> Result<Self, SimError> {
        let hardware = engine.hardware(Target::Generic);
        let text = print_verilog(&hardware.module);
        let model = Simulated::model(engine, &hardware, &text, cache)?;
        Ok(Self { engine, model })
    }

    /// Measures a layer on random arrays of so many frames, at least three, from a reset on.
    ///
    /// # Errors
    /// The engine refuses a job, or stops.
    ///
    /// # Panics
    /// If the tiling is for another engine.
    pub fn measure(
        &self,
        name: &str,
        tiling: &Tiling,
        frames: usize,
    ) -> Result<EngineRow, EngineError> {
        self.run(name, tiling, frames)
            .map_err(|reason| EngineError::Driver {
                layer: name.to_owned(),
                reason,
            })
    }

    fn run(&self, name: &str, tiling: &Tiling, frames: usize) -> Result<EngineRow, DriverError> {
        let layer = tiling.layer();
        let arrays = Arrays {
            moving: random_moving(layer, frames, SEED),
            stationary: random_stationary(layer, SEED),
            stages: StageArrays::default(),
        };
        let reference = || reference(layer, &arrays).result;
        let (ran, expected) = thread::scope(|scope| {
            let expected = scope.spawn(reference);
            let ran = self.once(tiling, &arrays, Given::AtOnce)?;
            Ok::<_, DriverError>((ran, joined(expected)))
        })?;

        let cycles_total = ran.cycles;
        let frames = frames as u64;
        let bound = tiling.bound_cycles(frames);
        let parts = tiling.parts();
        let mut row = EngineRow {
            name: name.to_owned(),
            frames,
            merged: tiling.merge().each(),
            tiles: tiling.tiles().len() as u64,
            cuts: [parts.groups, parts.result_channels, parts.moving_channels],
            row_cuts: parts.rows,
            rows_beside: tiling.merge().rows_beside(),
            cycles_total,
            counted: Counted::AllFrames,
            cycles_per_frame: cycles_total.div_ceil(frames),
            bound_cycles: bound.div_ceil(frames),
            ratio: cycles_total as f64 / bound as f64,
            limit_cycles: None,
            multipliers_in_use: tiling.multipliers_in_use(frames, cycles_total),
            model_agrees: (bound..=tiling.cycles(frames)).contains(&cycles_total),
            mismatches: compare(&ran.found, &expected).mismatches,
        };
        if let [tile] = tiling.tiles() {
            // Frames that were taken while the weights came follow one another faster than they can be taken.
            let ran = match tile.plan.frame_words() <= self.engine.limits().line_words {
                true => self.once(tiling, &arrays, Given::BehindWeights)?,
                false => ran,
            };
            row.mismatches += compare(&ran.found, &expected).mismatches;
            let steady = match ran.ends.as_slice() {
                [.., before, last] => last - before,
                _ => unreachable!("there are three frames at least"),
            };
            let bound = shared_bound_cycles(layer);
            let limit = bound_cycles(tiling.merge().merged());
            row.counted = Counted::SteadyFrame;
            row.cycles_per_frame = steady;
            row.bound_cycles = bound;
            row.ratio = steady as f64 / bound as f64;
            row.limit_cycles = Some(limit + limit / 100);
            row.multipliers_in_use = tiling.multipliers_in_use(1, steady);
            row.model_agrees &= tile.plan.cycles(frames).per_frame_steady == Some(steady);
        }
        Ok(row)
    }

    /// Runs the layer from a reset on.
    fn once(&self, tiling: &Tiling, arrays: &Arrays, given: Given) -> Result<Once, DriverError> {
        // Each thread has its own, for it cannot be shared.
        let hardware = self.engine.hardware(Target::Generic);
        let device = Simulated::new(&self.model, SEED);
        let mut driver = Driver::open(self.engine, &hardware, device)?;
        let begun = match given {
            Given::AtOnce => None,
            Given::BehindWeights => Some(begin(&mut driver, tiling, arrays)?),
        };
        let (found, _) = driver.run_between(begun, tiling, arrays, None)?;
        let cycles = driver.busy_cycles()?;
        let ends = driver.device().instance().sink(RESULT_SINK);
        let ends = ends.last_cycles().to_vec();
        Ok(Once {
            found,
            cycles,
            ends,
        })
    }
}

/// When frames are given to the engine.
enum Given {
    AtOnce,
    /// When it has the weights of the first job.
    BehindWeights,
}

/// What came of it.
struct Once {
    found: Array4<i64>,
    /// In which the engine had a job.
    cycles: u64,
    /// When the last beats of frames were given.
    ends: Vec<u64>,
}

/// Tells the first job and waits until the engine has its weights.
fn begin(
    driver: &mut Driver<Simulated>,
    tiling: &Tiling,
    arrays: &Arrays,
) -> Result<Begun, DriverError> {
    let begun = driver.begin(Coming {
        tiling,
        frames: arrays.moving.len_of(Axis(0)),
        weight: &arrays.stationary,
        moving: None,
        stages: &arrays.stages,
    })?;
    let beats = tiling.tiles()[0].weight_beats();
    let device = driver.device();
    // They are taken a beat a cycle; an engine that does not is found out when results are waited for.
    for _ in 0..beats + PATIENCE {
        if device.accepted(Input::Weight)? == beats {
            break;
        }
        device.instance().run(1, None);
    }
    Ok(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_it_should_be_is_told() {
        let row = EngineRow {
            name: "layer".to_owned(),
            frames: 3,
            merged: 1,
            tiles: 1,
            cuts: [1; 3],
            row_cuts: 1,
            rows_beside: 1,
            cycles_total: 3100,
            counted: Counted::SteadyFrame,
            cycles_per_frame: 1010,
            bound_cycles: 1000,
            ratio: 1.01,
            limit_cycles: Some(1010),
            multipliers_in_use: 0.9,
            model_agrees: true,
            mismatches: 0,
        };
        assert_eq!(row.faults(), [""; 0]);
        let spoilt = EngineRow {
            cycles_per_frame: 1011,
            model_agrees: false,
            mismatches: 2,
            ..row
        };
        assert_eq!(
            spoilt.faults(),
            [
                "2 values are wrong",
                "a frame takes 1011 cycles, and 1010 are allowed",
                "the cost model predicts other cycles",
            ]
        );
    }
}

//! Layers measured on one programmable engine, one model for all of them.

use std::thread;

use bpa_hdl::rtl::print_verilog;
use bpa_sim::{Cache, Model, SimError};
use serde::Serialize;

use crate::bound::bound_cycles;
use crate::compare::compare;
use crate::driver::{Driver, DriverError, Simulated};
use crate::emit::Target;
use crate::internal_error::joined;
use crate::programmable::{ProgrammableEngine, Tiling};
use crate::reference::{gather, StageArrays};
use crate::run::{Arrays, GRAD_INPUT_SINK};
use crate::vectors::{random_grad_output, random_weight};

/// Seed of everything random.
const SEED: u64 = 0;

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
    Driver { layer: String, reason: DriverError },
}

/// What was measured on one layer; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngineRow {
    pub name: String,
    pub frames: u64,
    /// Groups that are merged into one.
    pub merged: u32,
    /// Jobs.
    pub tiles: u64,
    /// Runs of groups, of C and of K that the tiles are made of.
    pub cuts: [u32; 3],
    /// Cycles in which the engine had a job, all frames and loads of weights included.
    pub cycles_total: u64,
    /// In one job: from the last beat of the last frame but one to that of the last. In tiles: of all cycles, those for
    /// one frame.
    pub cycles_per_frame: u64,
    /// [`Tiling::bound_cycles`] of a frame, those of the weights' beats spread over all frames.
    pub bound_cycles: u64,
    /// Cycles of a frame for one of the bound.
    pub ratio: f64,
    /// What a frame of a layer in one job may take: the bound of the layer as the engine is told it, and a hundredth.
    /// `None` in tiles.
    pub limit_cycles: Option<u64>,
    /// Of the multiplications that these cycles have room for, the share that the layer needs.
    pub multipliers_in_use: f64,
    /// Whether the cost model predicted the cycles of a frame, or in tiles at least as many as there were.
    pub model_agrees: bool,
    /// Values of grad_input that are not the reference's.
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
            grad_output: random_grad_output(layer, frames, SEED),
            weight: random_weight(layer, SEED),
            stages: StageArrays::default(),
        };
        // Each thread has its own, for it cannot be shared.
        let hardware = self.engine.hardware(Target::Generic);
        let device = Simulated::new(&self.model, SEED);
        let mut driver = Driver::open(self.engine, &hardware, device)?;
        let reference = || gather(layer, &arrays.grad_output, &arrays.weight);
        let (found, expected) = thread::scope(|scope| {
            let expected = scope.spawn(reference);
            let found = driver.run(tiling, &arrays)?;
            Ok::<_, DriverError>((found, joined(expected)))
        })?;
        let cycles_total = driver.busy_cycles()?;
        let ends = driver.device().instance().sink(GRAD_INPUT_SINK);
        let ends = ends.last_cycles().to_vec();

        let frames = frames as u64;
        let bound = tiling.bound_cycles(frames);
        let parts = tiling.parts();
        let mut row = EngineRow {
            name: name.to_owned(),
            frames,
            merged: tiling.merge().each(),
            tiles: tiling.tiles().len() as u64,
            cuts: [parts.groups, parts.in_channels, parts.out_channels],
            cycles_total,
            cycles_per_frame: cycles_total.div_ceil(frames),
            bound_cycles: bound.div_ceil(frames),
            ratio: cycles_total as f64 / bound as f64,
            limit_cycles: None,
            multipliers_in_use: tiling.multipliers_in_use(frames, cycles_total),
            model_agrees: (bound..=tiling.cycles(frames)).contains(&cycles_total),
            mismatches: compare(&found, &expected).mismatches,
        };
        if let ([tile], [.., before, last]) = (tiling.tiles(), &ends[..]) {
            let steady = last - before;
            let limit = bound_cycles(tiling.merge().merged());
            row.cycles_per_frame = steady;
            row.ratio = steady as f64 / row.bound_cycles as f64;
            row.limit_cycles = Some(limit + limit / 100);
            row.multipliers_in_use = tiling.multipliers_in_use(1, steady);
            row.model_agrees &= tile.plan.cycles(frames).per_frame_steady == Some(steady);
        }
        Ok(row)
    }
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
            cycles_total: 3100,
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

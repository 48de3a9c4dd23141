//! A layer on a programmable engine.

use std::num::NonZeroU32;

use bpa_hdl::shell::job_table::JobTable;

use super::{NoFit, ProgrammableEngine, UsedStages};
use crate::layer::{Axis, Engine, Geometry, LaneUse, Layer, LayerFile, Pass, ScalePer};
use crate::plan::Plan;
use crate::schedule::{Buffers, FrameWalk};

impl ProgrammableEngine {
    /// The layer of this geometry on the engine's lanes, some of which may stand idle; it uses none of the stages behind
    /// the accumulators.
    ///
    /// # Errors
    /// The geometry is that of no layer.
    pub fn layer(&self, geometry: Geometry) -> Result<Layer, NoFit> {
        self.staged_layer(geometry, UsedStages::default())
    }

    /// The same with stages behind the accumulators.
    ///
    /// # Errors
    /// The geometry is that of no layer, or the engine has not these stages or not this shift.
    pub fn staged_layer(&self, geometry: Geometry, stages: UsedStages) -> Result<Layer, NoFit> {
        for (used, is_there, key) in [
            (stages.accumulate, self.stages.accumulate, "accumulate"),
            (stages.mask, self.stages.mask, "mask"),
            (
                stages.shift.is_some(),
                self.requantise.is_some(),
                "out_type",
            ),
        ] {
            if used && !is_there {
                return Err(NoFit::Stage { key });
            }
        }
        let of_engine = self.to_file().engine;
        let mut engine = Engine {
            simd: of_engine.simd,
            pe: of_engine.pe,
            grad_type: of_engine.grad_type,
            weight_type: of_engine.weight_type,
            accumulate: stages.accumulate,
            mask: stages.mask,
            out_type: of_engine.out_type,
            scale_per: of_engine.scale_per,
            scale_bits: of_engine.scale_bits,
            shift: of_engine.shift,
            rounding: of_engine.rounding,
            ..Engine::default()
        };
        if let (Some(shift), Some(requantise)) = (stages.shift, self.requantise) {
            let (least, most) = (requantise.least_shift(), requantise.shift);
            if !(least..=most).contains(&shift) {
                return Err(NoFit::Shift { shift, least, most });
            }
            engine.shift = Some(shift.into());
        }
        let file = LayerFile {
            name: self.name.clone(),
            layer: geometry,
            engine,
        };
        let layer = file.validate_on(LaneUse::Shared)?;
        match layer.pass() {
            Pass::GradInput => Ok(layer),
            pass => Err(NoFit::Pass { pass }),
        }
    }

    /// The plan of a [`layer`](Self::layer) in the memories that the engine has.
    ///
    /// # Errors
    /// The layer is beyond a limit.
    pub fn plan(&self, layer: &Layer) -> Result<Plan, NoFit> {
        let limits = &self.limits;
        let limit = |what: &str, key, value: u64, most: u64| match value <= most {
            true => Ok(()),
            false => Err(NoFit::Limit {
                what: what.to_owned(),
                key,
                value,
                most,
            }),
        };
        for (axis, most, name) in [
            (layer.rows(), limits.axes[0], "rows"),
            (layer.cols(), limits.axes[1], "columns"),
        ] {
            let Axis {
                in_size,
                out_size,
                kernel,
                ..
            } = axis;
            limit(
                &format!("{name} of grad_input"),
                "size",
                in_size.into(),
                most.size,
            )?;
            limit(
                &format!("{name} of grad_output"),
                "size",
                out_size.into(),
                most.size,
            )?;
            limit(
                &format!("{name} of the kernel"),
                "kernel",
                kernel.into(),
                most.kernel,
            )?;
        }
        limit(
            "words of weights",
            "weight_words",
            layer.operation().stationary_words(),
            limits.weight_words,
        )?;
        if layer
            .requantise()
            .is_some_and(|it| it.scale_per == ScalePer::Channel)
        {
            limit(
                "beats of scales",
                "scale_words",
                layer.scale_words(),
                limits.scale_words,
            )?;
        }
        let pixel_words = u64::from(layer.operation().moving_beats_per_pixel());
        let needed = FrameWalk::new(layer.operation()).held_pixels() * pixel_words;
        limit(
            "words of line buffer",
            "line_words",
            needed,
            limits.line_words,
        )?;
        let plan = Plan::with_buffers(
            layer,
            Buffers {
                line_words: limits.line_words,
                fifo_results: limits.fifo_results,
            },
        )
        .behind(self.stage_cycles());
        let d = plan.descriptor();
        for (axis, most, name) in [
            (&d.rows, limits.axes[0], "rows"),
            (&d.cols, limits.axes[1], "columns"),
        ] {
            limit(
                &format!("steps of the {name}"),
                "steps",
                axis.program.lines.len() as u64,
                most.steps,
            )?;
        }
        limit(
            "beats without a tap",
            "zero_run",
            d.max_skip.max(d.end_beats),
            limits.zero_run,
        )?;
        Ok(plan)
    }

    /// The words of a job of so many frames.
    ///
    /// # Errors
    /// A number of the layer is too large for its register.
    pub fn job(
        &self,
        table: &JobTable,
        plan: &Plan,
        frames: NonZeroU32,
    ) -> Result<Vec<u32>, NoFit> {
        table
            .encode(plan.descriptor(), frames)
            .map_err(NoFit::Register)
    }
}

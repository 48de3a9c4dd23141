//! A layer on a programmable engine.

use std::num::NonZeroU32;

use bpa_hdl::shell::job_table::JobTable;

use super::{NoFit, ProgrammableEngine, UsedStages};
use crate::layer::{Engine, Geometry, LaneUse, Layer, LayerFile, Pass};
use crate::plan::Plan;
use crate::schedule::{Buffers, FrameWalk};

impl ProgrammableEngine {
    /// The layer of this geometry on the engine's lanes, some of which may stand idle; it uses none of the stages behind
    /// the accumulators. Whatever its pass, what moves has the engine's `grad_type`, and what is stationary its
    /// `weight_type`.
    ///
    /// # Errors
    /// The geometry is that of no layer.
    pub fn layer(&self, geometry: Geometry) -> Result<Layer, NoFit> {
        self.staged_layer(geometry, UsedStages::default())
    }

    /// The same with stages.
    ///
    /// # Errors
    /// The geometry is that of no layer, a zero point or a bound is none of its type's, or the engine has not these stages or
    /// not this shift.
    pub fn staged_layer(&self, geometry: Geometry, stages: UsedStages) -> Result<Layer, NoFit> {
        stages.check(self)?;
        let of_engine = self.to_file().engine;
        // An array that the pass has not may be of any type.
        let (moving, stationary) = (of_engine.grad_type, of_engine.weight_type);
        let (input_type, grad_type, weight_type) = match geometry.named_pass() {
            Some(Pass::GradWeight) => (Some(moving), stationary.clone(), stationary),
            Some(Pass::Forward) => (Some(moving.clone()), moving, stationary),
            Some(Pass::GradInput) | None => (None, moving, stationary),
        };
        let mut engine = Engine {
            simd: of_engine.simd,
            pe: of_engine.pe,
            pixels: of_engine.pixels,
            input_type,
            grad_type,
            weight_type,
            out_type: of_engine.out_type,
            scale_per: of_engine.scale_per,
            scale_bits: of_engine.scale_bits,
            shift: of_engine.shift,
            rounding: of_engine.rounding,
            ..Engine::default()
        };
        stages.tell(&mut engine);
        let file = LayerFile {
            name: self.name.clone(),
            layer: geometry,
            engine,
        };
        let layer = file.validate_on(LaneUse::Shared)?;
        Ok(layer.on_bias_place(self.bias_place()))
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
        let (op, pass) = (layer.operation(), layer.pass());
        let arrays = pass.arrays();
        let (kernel, stationary) = match pass {
            Pass::GradInput | Pass::Forward => ("the kernel", "weights"),
            Pass::GradWeight => ("grad_output as a kernel", arrays.stationary.name),
        };
        for (axis, most, name) in [
            (op.rows, limits.axes[0], "rows"),
            (op.cols, limits.axes[1], "columns"),
        ] {
            for (what, key, value, most) in [
                (arrays.result.name, "size", axis.positions, most.size),
                (arrays.moving.name, "size", axis.sources, most.size),
                (kernel, "kernel", axis.kernel, most.kernel),
            ] {
                limit(&format!("{name} of {what}"), key, value, most)?;
            }
        }
        limit(
            &format!("words of {stationary}"),
            "weight_words",
            op.stationary_words(),
            limits.weight_words,
        )?;
        let what = match self.stages.bias {
            None => "beats of scales",
            Some(_) => "beats of scales and biases",
        };
        limit(what, "scale_words", layer.scale_words(), limits.scale_words)?;
        let pixel_words = u64::from(op.moving_beats_per_pixel());
        let needed = FrameWalk::new(op).held_pixels() * pixel_words;
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
        if let (Some(most), Some(pixels)) = (limits.pixels, &d.pixels) {
            let pixel_beats = d.c_blocks * d.group_blocks;
            for (name, order, blocks) in [
                (arrays.moving.name, &pixels.moving, d.pixel_words()),
                (arrays.result.name, &pixels.result, pixel_beats),
            ] {
                limit(
                    &format!("beats of a stretch of a row of {name}"),
                    "stretch_beats",
                    order.stride * blocks,
                    most.stretch_beats,
                )?;
            }
        }
        limit(
            "beats without a tap",
            "zero_run",
            d.max_skip.max(d.end_beats),
            limits.zero_run,
        )?;
        Ok(plan)
    }

    /// The words of a job of so many frames, in the order of the table; `None` behind its last line.
    ///
    /// # Errors
    /// A number of the layer is too large for its register.
    pub fn job(
        &self,
        table: &JobTable,
        plan: &Plan,
        frames: NonZeroU32,
    ) -> Result<Vec<Option<u32>>, NoFit> {
        table
            .encode(plan.descriptor(), frames)
            .map_err(NoFit::Register)
    }
}

//! A layer on a programmable engine.

use std::num::NonZeroU32;

use bpa_hdl::job_table::JobTable;

use super::{NoFit, ProgrammableEngine};
use crate::layer::{Axis, Engine, Geometry, LaneUse, Layer, LayerFile};
use crate::plan::Plan;
use crate::schedule::{AxisTaps, Buffers, FrameWalk};

impl ProgrammableEngine {
    /// The layer of this geometry on the engine's lanes, some of which may stand idle.
    ///
    /// # Errors
    /// The geometry is that of no layer.
    pub fn layer(&self, geometry: Geometry) -> Result<Layer, NoFit> {
        let file = LayerFile {
            name: self.name.clone(),
            layer: geometry,
            engine: Engine {
                simd: self.simd.into(),
                pe: self.pe.into(),
                grad_type: self.grad_type.to_string(),
                weight_type: self.weight_type.to_string(),
                ..Engine::default()
            },
        };
        Ok(file.validate_on(LaneUse::Shared)?)
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
            let phases = AxisTaps::new(axis).live_phases();
            limit(
                &format!("phases of the {name}"),
                "phases",
                phases,
                most.phases,
            )?;
        }
        limit(
            "words of weights",
            "weight_words",
            layer.weight_words(),
            limits.weight_words,
        )?;
        let pixel_words = u64::from(layer.dy_words_per_pixel());
        let needed = FrameWalk::new(layer).held_pixels() * pixel_words;
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
        );
        let d = plan.descriptor();
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

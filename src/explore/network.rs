//! A network on one programmable engine, whose lanes are explored.
//!
//! Its memories keep their size: with half the lanes, a word has half the values, and there are twice the words.

use super::subject::Design;
use super::{Candidate, Point};
use crate::layer::Layer;
use crate::network::Network;
use crate::programmable::{even_parts, EngineFile, ProgrammableEngine, MOST_STRETCH_BEATS};
use crate::synth::{cells, Board};

/// What is done for a network, and the engine that does it.
#[derive(Clone, Debug)]
pub struct NetworkSubject {
    name: String,
    frames: u64,
    passes: Vec<Work>,
    engine: EngineFile,
    widest: u32,
}

/// A pass of a layer, and how many others are alike.
#[derive(Clone, Debug)]
struct Work {
    layer: Layer,
    /// That go through the engine for it.
    frames: u64,
    count: u64,
}

impl NetworkSubject {
    /// A network that is valid for this engine.
    pub fn new(network: &Network, engine: &ProgrammableEngine) -> Self {
        let mut passes: Vec<Work> = Vec::new();
        for task in network.tasks() {
            let work = Work {
                layer: network.steps()[task.step].tiling(task.pass).layer().clone(),
                frames: network.frames_of(task) as u64,
                count: 1,
            };
            let alike =
                |known: &&mut Work| (&known.layer, known.frames) == (&work.layer, work.frames);
            match passes.iter_mut().find(alike) {
                Some(known) => known.count += 1,
                None => passes.push(work),
            }
        }
        let lanes = engine.lanes();
        Self {
            name: network.name().to_owned(),
            frames: network.frames() as u64,
            passes,
            engine: engine.to_file(),
            // At most 16 bits each.
            widest: lanes.grad_bits.max(lanes.weight_bits) as u32,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    pub(super) fn widest(&self) -> u32 {
        self.widest
    }

    /// The engine's file, and what is run on it.
    pub(super) fn text(&self) -> String {
        let mut text = format!("frames = {}\n{}", self.frames, self.engine.to_toml());
        for work in &self.passes {
            let Work {
                layer,
                frames,
                count,
            } = work;
            text += &format!("{count} of {frames} frames\n{}", layer.to_file().to_toml());
        }
        text
    }

    /// Lanes of each kind that are even parts of the channels of some pass of a layer, its groups laid side by side.
    pub(super) fn lanes(&self) -> [Vec<u32>; 2] {
        let mut lanes = [Vec::new(), Vec::new()];
        for work in &self.passes {
            let op = work.layer.operation();
            for (lanes, each) in lanes
                .iter_mut()
                .zip([op.moving_per_group, op.result_per_group])
            {
                lanes.extend(even_parts(each * op.groups));
            }
        }
        lanes
    }

    /// Lanes over pixels, which are those of the engine's file.
    pub(super) fn pixels(&self) -> u32 {
        // Of a valid engine.
        u32::try_from(self.engine.engine.pixels).unwrap_or(1)
    }

    /// The engine with other lanes and memories of the same size; `None` where there is no such engine.
    fn engine(&self, lanes: Candidate) -> Option<ProgrammableEngine> {
        let mut file = self.engine.clone();
        let [simd, pe] = [i64::from(lanes.simd), i64::from(lanes.pe)];
        let (old_simd, old_pe) = (file.engine.simd, file.engine.pe);
        let limits = &mut file.limits;
        let weights = limits.weight_words * old_simd * old_pe / (simd * pe);
        // The memory is of a power of two anyway.
        limits.weight_words = 1 << weights.checked_ilog2()?;
        limits.line_words = limits.line_words * old_simd / simd;
        limits.scale_words = limits
            .scale_words
            .map(|words| (words * old_pe + pe - 1) / pe);
        // Of what moves and of the result alike: enough for the side that is cut the finer, and no less than there was, since
        // blocks of channels are rounded up before the stride multiplies them.
        limits.stretch_beats = limits.stretch_beats.map(|beats| {
            let finer = |old: i64, new: i64| (beats * old + new - 1) / new;
            let of_lanes = finer(old_simd, simd).max(finer(old_pe, pe));
            of_lanes.clamp(beats, MOST_STRETCH_BEATS.max(beats))
        });
        (file.engine.simd, file.engine.pe) = (simd, pe);
        file.validate().ok()
    }

    pub(super) fn point(&self, lanes: Candidate, board: Board) -> Option<Point> {
        let engine = self.engine(lanes)?;
        let (mut cycles, mut bound_cycles) = (0, 0);
        for work in &self.passes {
            let layer = engine.layer(work.layer.to_file().layer).ok()?;
            let tiling = engine.tiling(&layer, work.frames).ok()?;
            cycles += tiling.cycles(work.frames) * work.count;
            bound_cycles += tiling.bound_cycles(work.frames) * work.count;
        }
        let module = engine.hardware(board.target()).module;
        Some(Point {
            cycles,
            bound_cycles,
            ..Point::new(lanes, cells(&module, board))
        })
    }

    pub(super) fn design(&self, lanes: Candidate, board: Board) -> Option<Design> {
        let engine = self.engine(lanes)?;
        Some(Design {
            top: engine.name().to_owned(),
            module: engine.hardware(board.target()).module,
            macs: lanes.multiplications(),
        })
    }
}

//! `bpa vectors`: random arrays of a layer, for `bpa run` and for test benches of one's own.

use std::io::{self, BufWriter};
use std::path::PathBuf;

use clap::Args;

use super::folder::make_folder;
use super::frames::{frame_fits, Frames};
use super::layer_source::LayerSource;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::{say, Outcome};
use crate::atomic_file::Staged;
use crate::interface::accumulate_value_bits;
use crate::npy::{Item, Writer};
use crate::number::integer;
use crate::plan::Plan;
use crate::reference::{grad_input_shape, grad_output_shape, weight_shape};
use crate::run::batch_frames;
use crate::vectors::{random_weight, RandomFrames};

#[derive(Args, Debug)]
pub(super) struct Vectors {
    /// Folder for grad_output.npy and weight.npy, and for scale.npy, accumulate.npy and mask.npy where the layer has them;
    /// it is made where it does not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
    #[command(flatten)]
    frames: Frames,
    /// Seed of the values; `verify` has the same ones for the same seed
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = integer(0..=u64::MAX))]
    seed: u64,
    // Last: the flags are under a heading of their own, as would be all that follow.
    #[command(flatten)]
    source: LayerSource,
}

pub(super) fn vectors(args: Vectors) -> anyhow::Result<Outcome> {
    let outputs = Outputs::new(args.overwrite, args.source.path());
    let layer = args.source.required()?;
    frame_fits(&layer)?;
    let plan = Plan::new(&layer);
    let mut random = RandomFrames::new(&plan, args.seed);
    make_folder(&args.out)?;
    let mut files = Files {
        out: args.out,
        outputs,
        ready: Vec::new(),
    };

    let frames = args.frames.frames as usize;
    let batch = batch_frames(&layer);
    let batches = || {
        (0..frames)
            .step_by(batch)
            .map(|first| batch.min(frames - first))
    };
    let [k, p, q] = grad_output_shape(&layer);
    let item = Item::of_bits(layer.grad_type().bits());
    files.add("grad_output", &[frames, k, p, q], item, |writer| {
        let mut next = |frames| {
            let part = random.grad_output(frames);
            writer.extend(part.iter().copied().map(i64::from))
        };
        batches().try_for_each(&mut next)
    })?;
    let item = Item::of_bits(layer.weight_type().bits());
    files.add("weight", &weight_shape(&layer), item, |writer| {
        let weight = random_weight(&layer, args.seed);
        writer.extend(weight.iter().copied().map(i64::from))
    })?;
    if let (Some(scale), Some(requantise)) = (random.once().scale, layer.requantise()) {
        let item = Item::of_bits(requantise.scale_type.bits());
        files.add("scale", &[scale.len()], item, |writer| {
            writer.extend(scale.iter().copied().map(i64::from))
        })?;
    }
    let [c, h, w] = grad_input_shape(&layer);
    let results = [frames, c, h, w];
    if layer.accumulate() {
        let item = Item::of_bits(accumulate_value_bits(&plan));
        files.add("accumulate", &results, item, |writer| {
            let mut next = |frames| {
                let part = random.accumulate(frames);
                writer.extend(part.into_iter().flatten())
            };
            batches().try_for_each(&mut next)
        })?;
    }
    if layer.mask() {
        files.add("mask", &results, Item::Bool, |writer| {
            let mut next = |frames| {
                let part = random.mask(frames);
                writer.extend(part.into_iter().flatten().map(i64::from))
            };
            batches().try_for_each(&mut next)
        })?;
    }
    files.publish()
}

/// Files that appear together.
struct Files {
    out: PathBuf,
    outputs: Outputs,
    ready: Vec<(PathBuf, Staged)>,
}

impl Files {
    /// Makes the file of an array ready; `fill` writes its values.
    fn add(
        &mut self,
        name: &str,
        shape: &[usize],
        item: Item,
        fill: impl FnOnce(&mut Writer<&mut BufWriter<Staged>>) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let path = self.out.join(name).with_extension("npy");
        let staged = self.outputs.stage(&path, None)?;
        let filled = || {
            let mut file = BufWriter::new(staged);
            let mut writer = Writer::new(&mut file, shape, item)?;
            fill(&mut writer)?;
            writer.finish()?;
            Ok(file.into_inner()?)
        };
        let filled = filled().map_err(cannot_write(&path))?;
        self.ready.push((path, filled));
        Ok(())
    }

    fn publish(self) -> anyhow::Result<Outcome> {
        for (path, staged) in self.ready {
            staged.publish().map_err(cannot_write(&path))?;
            self.outputs.remember(&path);
            say(&format!("wrote {}", path.display()));
        }
        Ok(Outcome::Success)
    }
}

//! `bpa vectors`: random arrays of a layer, for `bpa run` and for test benches of one's own.

use std::io::{self, BufWriter};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use super::folder::make_folder;
use super::frames::{frame_fits, frames_fit};
use super::layer_source::LayerSource;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::{say, Outcome};
use crate::atomic_file::Staged;
use crate::interface::accumulate_value_bits;
use crate::layer::{Layer, Pass};
use crate::npy::{Item, Writer};
use crate::number::integer;
use crate::operands::{self, moving_as_array, result_of, stationary_as_array};
use crate::plan::Plan;
use crate::run::batch_frames;
use crate::vectors::{random_stationary, RandomFrames};

#[derive(Args, Debug)]
pub(super) struct Vectors {
    /// Folder for the arrays that the pass reads, as grad_output.npy and weight.npy, and for bias.npy, scale.npy,
    /// accumulate.npy and mask.npy where the layer has them; it is made where it does not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Images, 3 by default; not for grad_weight, whose images are the layer's batch
    #[arg(long, value_name = "N", value_parser = integer(1..=1_000_000_u64))]
    frames: Option<u64>,
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
    let frames = frames(&layer, args.frames)?;
    let plan = Plan::new(&layer);
    let mut random = RandomFrames::new(&plan, args.seed);
    make_folder(&args.out)?;
    let mut files = Files {
        out: args.out,
        outputs,
        ready: Vec::new(),
    };

    let batch = match layer.pass() {
        Pass::GradInput | Pass::Forward => batch_frames(&layer),
        // A frame is no run of such an array's values.
        Pass::GradWeight => frames,
    };
    let batches = || {
        (0..frames)
            .step_by(batch)
            .map(|first| batch.min(frames - first))
    };
    let item = Item::of_bits(layer.moving_type().bits());
    let [moving, stationary, _] = operands::of_layer(&layer).map(|array| array.name);
    let shape = operands::moving_shape(&layer, frames);
    files.add(moving, &shape, item, |writer| {
        let mut next = |frames| {
            let part = moving_as_array(&layer, random.moving(frames));
            writer.extend(part.iter().copied().map(i64::from))
        };
        batches().try_for_each(&mut next)
    })?;
    let item = Item::of_bits(layer.stationary_type().bits());
    let shape = operands::stationary_shape(&layer);
    files.add(stationary, &shape, item, |writer| {
        let set = stationary_as_array(&layer, &random_stationary(&layer, args.seed));
        writer.extend(set.iter().copied().map(i64::from))
    })?;
    if let (Some(bias), Some(bits)) = (random.once().bias, layer.bias_bits()) {
        files.add("bias", &[bias.len()], Item::of_bits(bits), |writer| {
            writer.extend(bias.iter().copied())
        })?;
    }
    if let (Some(scale), Some(requantise)) = (random.once().scale, layer.requantise()) {
        let item = Item::of_bits(requantise.scale_type.bits());
        files.add("scale", &[scale.len()], item, |writer| {
            writer.extend(scale.iter().copied().map(i64::from))
        })?;
    }
    let results = operands::result_shape(&layer, frames);
    if layer.accumulate() {
        let item = Item::of_bits(accumulate_value_bits(&plan));
        files.add("accumulate", &results, item, |writer| {
            let mut next = |frames| {
                let part = random
                    .accumulate(frames)
                    .map(|part| result_of(&layer, part));
                writer.extend(part.iter().flatten().copied())
            };
            batches().try_for_each(&mut next)
        })?;
    }
    if layer.mask() {
        files.add("mask", &results, Item::Bool, |writer| {
            let mut next = |frames| {
                let part = random.mask(frames).map(|part| result_of(&layer, part));
                writer.extend(part.iter().flatten().copied().map(i64::from))
            };
            batches().try_for_each(&mut next)
        })?;
    }
    files.publish()
}

/// Frames of the arrays: as many images as were asked for, or for a weight gradient the channels of a group.
fn frames(layer: &Layer, images: Option<u64>) -> anyhow::Result<usize> {
    match (layer.pass(), images) {
        (Pass::GradInput | Pass::Forward, images) => Ok(images.unwrap_or(3) as usize),
        (Pass::GradWeight, None) => {
            let frames = layer.in_per_group();
            frames_fit(layer, frames.into(), "the layer is too large")?;
            Ok(frames as usize)
        }
        (Pass::GradWeight, Some(images)) => bail!(
            "`--frames` is {images}, but a weight gradient has the images of its batch: leave it out, and set \
             `layer.batch` or --batch"
        ),
    }
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

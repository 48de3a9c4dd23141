//! `bpa report`: a page about an engine and what it does in a frame.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, ensure};
use clap::Args;

use super::folder::make_folder;
use super::frames::frames_at_once;
use super::layer_source::LayerSource;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::progress::{CycleProgress, Wait};
use super::{cache, say, Outcome};
use crate::arrays::Arrays;
use crate::compare::compare;
use crate::emit;
use crate::events::{one_pixel, record, recorded};
use crate::layer::Layer;
use crate::number::integer;
use crate::plan::Plan;
use crate::reference::reference;
use crate::report::Figures;
use crate::report_page::{page, page_data, Steps, Synthesised, MOST_CYCLES};
use crate::seal::sealed;
use crate::vectors::{random_moving, random_stage_arrays, random_stationary};

/// What `bpa report --help` shows below the flags.
pub(super) const EXAMPLES: &str = "\
Examples:
  bpa report examples/strided_dilated.toml --out report
  bpa synth examples/strided_dilated.toml --target ecp5-85k --json > synth.json
  bpa report examples/strided_dilated.toml --out report --synth synth.json
Then open report/index.html. More: docs/report.md";

/// The page's name in its folder.
pub(super) const NAME: &str = "index.html";
/// Frames of the run: with three there is a steady one.
const FRAMES: u64 = 3;

#[derive(Args, Debug)]
pub(super) struct Report {
    /// Folder for the page, index.html; it is made where it does not exist
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Area and speed for the page: what `bpa synth --json` printed of this layer
    #[arg(long, value_name = "JSON")]
    synth: Option<PathBuf>,
    /// Seed of the random arrays that the engine runs on
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = integer(0..=u64::MAX))]
    seed: u64,
    #[command(flatten)]
    overwrite: Overwrite,
    // Last: the flags are under a heading of their own, as would be all that follow.
    #[command(flatten)]
    source: LayerSource,
}

pub(super) fn report(args: Report) -> anyhow::Result<Outcome> {
    let inputs = args.source.path().into_iter().chain(args.synth.as_deref());
    let outputs = Outputs::new(args.overwrite, inputs);
    let layer = args.source.required()?;
    one_pixel(&layer)?;
    let synthesised = args.synth.as_deref().map(|path| read_synth(path, &layer));
    let synthesised = synthesised.transpose()?;
    let frames = frames_at_once(&layer, FRAMES)?;
    make_folder(&args.out)?;
    let path = args.out.join(NAME);
    outputs.check(&path)?;
    let plan = Plan::new(&layer);
    let arrays = Arrays {
        moving: random_moving(&layer, frames, args.seed),
        stationary: random_stationary(&layer, args.seed),
        stages: random_stage_arrays(&plan, frames, args.seed),
    };

    let hardware = {
        let _wait = Wait::new("compiling the Verilog with its watcher");
        recorded(&plan, &emit::verilog(&plan), &cache()?)?
    };
    let predicted = plan.cycles(FRAMES);
    let cycles = layer.operation().stationary_words() + predicted.total;
    let mut progress = CycleProgress::new(cycles);
    // The whole of the first frame, where that is not too much.
    let shown = predicted.first_frame.min(MOST_CYCLES);
    let recording = record(&plan, &hardware, &arrays, shown, &mut |cycles| {
        progress.at(cycles);
    })?;
    drop(progress);

    let compared = compare(&recording.result, &reference(&layer, &arrays).result);
    if let Some(first) = compared.first {
        say(&format!(
            "mismatch: {}; {} of {} elements differ",
            first.of(&layer),
            compared.mismatches,
            recording.result.len()
        ));
        return Ok(Outcome::Mismatch);
    }
    let steps = match Steps::new(&plan, &recording) {
        Ok(steps) => steps,
        Err(parting) => {
            say(&format!("mismatch: {parting}"));
            return Ok(Outcome::Mismatch);
        }
    };
    let figures = Figures::new(&plan, FRAMES, recording.measured, Some(0));
    let data = page_data(&plan, &recording, &steps, figures, synthesised);
    let staged = outputs.stage_text(&path, &sealed(&page(&data), "html"))?;
    staged.publish().map_err(cannot_write(&path))?;
    say(&format!("wrote {}", path.display()));
    Ok(Outcome::Success)
}

/// What a synthesis of the layer's engine found.
///
/// # Errors
/// The file cannot be read, or is none of such a synthesis.
fn read_synth(path: &Path, layer: &Layer) -> anyhow::Result<Synthesised> {
    let text = fs::read_to_string(path)
        .map_err(|reason| anyhow!("{}: cannot read: {reason}", path.display()))?;
    let found: Synthesised = serde_json::from_str(&text).map_err(|reason| {
        anyhow!(
            "{}: this is not what `bpa synth --json` prints: {reason}",
            path.display()
        )
    })?;
    ensure!(
        found.macs == layer.multipliers(),
        "{}: this is of an engine with {} multipliers, and `{}` has {}",
        path.display(),
        found.macs,
        layer.name(),
        layer.multipliers()
    );
    Ok(found)
}

//! `bpa synth`: area and speed on an FPGA.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;

use super::folder::make_folder;
use super::layer_source::LayerSource;
use super::outputs::{Outputs, Overwrite};
use super::progress::Wait;
use super::{cache, print, Outcome};
use crate::number::integer;
use crate::plan::Plan;
use crate::synth::{kept_folders, synthesise, Board};

#[derive(Args, Debug)]
pub(super) struct Synth {
    /// Device to synthesise for
    #[arg(long, value_name = "DEVICE")]
    target: Board,
    /// Place and route with this many seeds, from 1 on; 0 synthesises only
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = integer(0..=1000_u64))]
    seeds: u64,
    /// Keep the Verilog, netlists, reports and logs in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
    // Last: the flags are under a heading of their own, as would be all that follow.
    #[command(flatten)]
    source: LayerSource,
}

pub(super) fn synth(args: Synth) -> anyhow::Result<Outcome> {
    let outputs = Outputs::new(args.overwrite, args.source.path());
    let layer = args.source.required()?;
    let plan = Plan::new(&layer);
    if let Some(folder) = &args.keep {
        make_folder(folder)?;
    }
    let temporary = tempfile::tempdir()?;
    let folder = args.keep.as_deref().unwrap_or(temporary.path());
    let kept = kept_folders(&plan, folder);
    for path in files_in(&kept)? {
        outputs.check(&path)?;
    }
    let synthesis = {
        let _wait = Wait::new("synthesising (the first time, tools may have to be installed)");
        synthesise(&plan, args.target, args.seeds, folder, &cache()?)
    };
    if args.keep.is_some() {
        // Those of a synthesis that failed, too.
        files_in(&kept)?
            .iter()
            .for_each(|path| outputs.remember(path));
    }
    let synthesis = synthesis?;
    if args.json {
        print(&synthesis.to_json())?;
    } else {
        print(&synthesis.to_text(layer.name()))?;
    }
    Ok(Outcome::Success)
}

/// The files in the folders, which need not be there, in order.
fn files_in(folders: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in folders {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries.collect::<Result<Vec<_>, _>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err(error),
        };
        let entries =
            entries.map_err(|reason| anyhow!("{}: cannot read: {reason}", folder.display()))?;
        files.extend(
            entries
                .iter()
                .map(|entry| entry.path())
                .filter(|path| path.is_file()),
        );
    }
    files.sort();
    Ok(files)
}

//! `bpa synth`: area and speed on an FPGA.

use std::path::PathBuf;

use bpa_sim::Cache;
use clap::Args;

use super::bpa::layer;
use super::folder::make_folder;
use super::layer_source::LayerSource;
use super::progress::Wait;
use super::{print, Outcome};
use crate::number::integer;
use crate::plan::Plan;
use crate::synth::{synthesise, Board};

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
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
    // Last: the flags are under a heading of their own, as would be all that follow.
    #[command(flatten)]
    source: LayerSource,
}

pub(super) fn synth(args: Synth) -> anyhow::Result<Outcome> {
    let layer = layer(args.source)?;
    let plan = Plan::new(&layer);
    if let Some(folder) = &args.keep {
        make_folder(folder)?;
    }
    let temporary = tempfile::tempdir()?;
    let folder = args.keep.as_deref().unwrap_or(temporary.path());
    let synthesis = {
        let _wait = Wait::new("synthesising (the first time, tools may have to be installed)");
        synthesise(&plan, args.target, args.seeds, folder, &Cache::from_env()?)?
    };
    if args.json {
        print(&synthesis.to_json())?;
    } else {
        print(&synthesis.to_text(layer.name()))?;
    }
    Ok(Outcome::Success)
}

//! `bpa explore`: which lanes a layer or a network should have on a device.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use sha2::{Digest, Sha256};

use super::layer_source::{no_layer, LayerSource};
use super::network_source::NetworkSource;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::parallel::{in_parallel, processors, Task};
use super::progress::{Unit, Wait};
use super::{cache, code_of, print, say, Outcome};
use crate::explore::{
    point, synthesised, Budget, Candidate, Exploration, Failed, Found, NetworkSubject, Room, Shard,
    Subject,
};
use crate::number::integer;
use crate::seal::{hex, sealed};
use crate::synth::{tool_versions, Board};
use crate::table_file::{read_text, Kind};

/// What `bpa explore --help` shows below the flags.
pub(super) const EXAMPLES: &str = "\
Examples:
  bpa explore examples/strided.toml --target ecp5-85k
  bpa explore LAYER.toml --target ecp5-85k --budget dsps=64,brams=40 --synth --svg build/lanes.svg
  bpa explore examples/networks/resnet18_56.toml --target ecp5-85k --budget dsps=64
  bpa explore LAYER.toml --target ecp5-85k --synth --shard 1/4 --out part1.json     on each of four machines
  bpa explore merge part1.json part2.json part3.json part4.json --svg build/lanes.svg
More: docs/explore.md";

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Explore {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    args: ExploreArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Puts the parts of an exploration together that --shard has made
    Merge(Merge),
}

#[derive(Args, Debug)]
struct Merge {
    /// All parts
    #[arg(required = true)]
    parts: Vec<PathBuf>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Args, Debug)]
struct ExploreArgs {
    /// Device to choose lanes for
    #[arg(long, value_name = "DEVICE", required = true)]
    target: Option<Board>,
    /// What the engine may take of it: dsps=N multipliers, brams=N block RAMs, either or both [default: what there is]
    #[arg(long, value_name = "dsps=N,brams=N")]
    budget: Option<Budget>,
    /// Lanes over pixels to try beside those over channels, at most so many
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = integer(1..=256_u32))]
    most_pixels: u32,
    /// For a network: file of the programmable engine, in place of the one that the network file names; its lanes are
    /// explored, its memories keep their size
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// Synthesise the points of the front, for LUTs, Fmax and frames a second; what was found is kept and not made
    /// again
    #[arg(long)]
    synth: bool,
    /// Place and route with this many seeds, from 1 on; 0 synthesises only [default: 1]
    #[arg(long, value_name = "N", requires = "synth", value_parser = integer(0..=1000_u64))]
    seeds: Option<u64>,
    /// Points that are worked on at the same time [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = integer(1_usize..))]
    jobs: Option<usize>,
    /// Do part I of N alone, from 1/N to N/N, and write it by --out; `bpa explore merge` puts the parts together
    #[arg(long, value_name = "I/N", requires = "out", conflicts_with_all = ["json", "svg"])]
    shard: Option<Shard>,
    /// Where the part goes, as JSON
    #[arg(long, value_name = "FILE", requires = "shard")]
    out: Option<PathBuf>,
    #[command(flatten)]
    shown: Shown,
    // Last: the flags are under a heading of their own, as would be all that follow.
    #[command(flatten)]
    source: LayerSource,
}

/// How a whole exploration is shown.
#[derive(Args, Debug)]
struct Shown {
    /// Draw cycles, multipliers and block RAMs, and frames a second with --synth, as an SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Print everything as a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn explore(args: Explore) -> anyhow::Result<Outcome> {
    match args.command {
        Some(Command::Merge(args)) => merge(&args),
        None => explore_subject(args.args),
    }
}

fn merge(args: &Merge) -> anyhow::Result<Outcome> {
    let outputs = Outputs::new(
        args.shown.overwrite,
        args.parts.iter().map(PathBuf::as_path),
    );
    if let Some(path) = &args.shown.svg {
        outputs.check(path)?;
    }
    let part = |path: &PathBuf| {
        let name = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|reason| anyhow!("{name}: cannot read the file: {reason}"))?;
        let part: Exploration = serde_json::from_str(&text)
            .map_err(|reason| anyhow!("{name}: this is no part of an exploration: {reason}"))?;
        Ok((name, part))
    };
    let parts: anyhow::Result<Vec<_>> = args.parts.iter().map(part).collect();
    let whole = Exploration::merged(parts?)?;
    shown(&whole, &args.shown, &outputs)?;
    Ok(match whole.failed.is_empty() {
        true => outcome(&whole),
        false => Outcome::Failed(2),
    })
}

fn explore_subject(args: ExploreArgs) -> anyhow::Result<Outcome> {
    let Some(board) = args.target else {
        bail!("--target is missing: it is the device to choose lanes for");
    };
    let mut inputs: Vec<PathBuf> = args.source.path().map(Path::to_owned).into_iter().collect();
    inputs.extend(args.engine.clone());
    let outputs = Outputs::new(args.shown.overwrite, inputs.iter().map(PathBuf::as_path));
    for path in args.shown.svg.iter().chain(&args.out) {
        outputs.check(path)?;
    }
    let subject = subject(args.source, args.engine.as_deref(), args.most_pixels)?;
    let widest = subject.widest().unwrap_or(0);
    let room = Room::new(args.budget.unwrap_or_default(), board, widest)?;
    let jobs = args.jobs.unwrap_or_else(processors);
    let seeds = args.synth.then(|| args.seeds.unwrap_or(1));
    let mut found = Exploration {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: subject.name().to_owned(),
        of: digest(&subject, board, &room, seeds),
        target: board.name().to_owned(),
        room,
        frames: subject.frames(),
        seeds,
        tools: BTreeMap::new(),
        shard: args.shard,
        candidates: 0,
        unfit: 0,
        beyond: 0,
        points: Vec::new(),
        failed: Vec::new(),
    };
    let candidates = subject.candidates(&room);
    // What is to be synthesised is known when all points are.
    let candidates = match (args.shard, seeds) {
        (Some(shard), None) => shard.share(candidates),
        _ => candidates,
    };
    add_points(&mut found, &subject, board, candidates, jobs)?;
    found.settle();
    let mut code = 0;
    if let Some(seeds) = seeds {
        code = add_syntheses(&mut found, &subject, board, seeds, jobs)?;
        found.settle();
    }
    if let Some(path) = &args.out {
        let staged = outputs.stage_text(path, &sealed(&found.to_json(), "json"))?;
        staged.publish().map_err(cannot_write(path))?;
        say(&format!("wrote {}", path.display()));
    } else {
        shown(&found, &args.shown, &outputs)?;
    }
    Ok(match code {
        0 if args.shard.is_some() => Outcome::Success,
        0 => outcome(&found),
        code => Outcome::Failed(code),
    })
}

/// The layer or network of the file, or the layer of the flags.
fn subject(
    source: LayerSource,
    engine: Option<&Path>,
    most_pixels: u32,
) -> anyhow::Result<Subject> {
    let network = match source.path() {
        Some(path) => {
            let (text, name) = read_text(path)?;
            (Kind::of(&text) == Some(Kind::Network)).then(|| (path.to_owned(), text, name))
        }
        None => None,
    };
    if let Some((path, text, name)) = network {
        if source.has_flags() {
            bail!("{name}: the flags are those of a layer, and this is a network: change the file instead");
        }
        if most_pixels > 1 {
            bail!("--most-pixels is for a layer; a network's engine has the lanes over pixels that its file says");
        }
        return network_subject(&path, &text, &name, engine);
    }
    if engine.is_some() {
        bail!("--engine is for a network; a layer has an engine of its own here");
    }
    if source.has_lanes() {
        bail!("--simd, --pe and --pixels are what is explored: leave them out");
    }
    let mut written = source.written()?.ok_or_else(no_layer)?;
    let file = &mut written.file;
    (file.engine.simd, file.engine.pe) = match file.engine.packed_multipliers {
        true => (1, 2),
        false => (1, 1),
    };
    written.validate()?;
    Ok(Subject::Layer(Box::new(written.file), most_pixels))
}

fn network_subject(
    path: &Path,
    text: &str,
    name: &str,
    engine: Option<&Path>,
) -> anyhow::Result<Subject> {
    let source = NetworkSource::parse(path, text, name, engine)?;
    let network = source.validate()?;
    let subject = NetworkSubject::new(&network, &source.engine.engine);
    Ok(Subject::Network(Box::new(subject)))
}

/// What two explorations have in common that can be merged.
fn digest(subject: &Subject, board: Board, room: &Room, seeds: Option<u64>) -> String {
    let mut hasher = Sha256::new();
    for text in [
        env!("CARGO_PKG_VERSION"),
        &subject.text(),
        board.name(),
        &format!("{room:?} {seeds:?}"),
    ] {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    }
    hex(hasher)
}

/// What the cost model has for all of the lanes.
fn add_points(
    found: &mut Exploration,
    subject: &Subject,
    board: Board,
    candidates: Vec<Candidate>,
    jobs: usize,
) -> anyhow::Result<()> {
    let cache = cache()?;
    let tasks = tasks(subject, candidates.iter().copied());
    let points = in_parallel(
        &tasks,
        Unit::Points,
        jobs,
        |index, progress| {
            let point = point(subject, candidates[index], board, &cache);
            progress(1);
            point.map_err(|reason| anyhow!("{}: cannot write: {reason}", cache.dir().display()))
        },
        |_| None,
    )?;
    found.candidates = candidates.len() as u64;
    for point in points {
        match point? {
            None => found.unfit += 1,
            Some(point) if found.room.holds(point.dsps, point.brams) => found.points.push(point),
            Some(_) => found.beyond += 1,
        }
    }
    Ok(())
}

/// What synthesis has for the front, or for this part's share of it. The exit code of the gravest error.
fn add_syntheses(
    found: &mut Exploration,
    subject: &Subject,
    board: Board,
    seeds: u64,
    jobs: usize,
) -> anyhow::Result<u8> {
    let cache = cache()?;
    found.tools = {
        let _wait =
            Wait::new("looking for the tools (the first time, they may have to be installed)");
        tool_versions(board, seeds, &cache)?
    };
    let lanes: Vec<Candidate> = found.front().map(|point| point.lanes()).collect();
    let lanes = found
        .shard
        .map_or_else(|| lanes.clone(), |it| it.share(lanes.clone()));
    let tasks = tasks(subject, lanes.iter().copied());
    // A point takes minutes; on a terminal the bar shows that something goes on.
    let _wait = (!io::stderr().is_terminal()).then(|| Wait::new("synthesising"));
    let results = in_parallel(
        &tasks,
        Unit::Points,
        jobs,
        |index, progress| {
            let lanes = lanes[index];
            let found = synthesised(subject, lanes, board, seeds, &found.tools, &cache);
            progress(1);
            let (found, kept) = found?;
            Ok((lanes, found, kept))
        },
        |(lanes, found, kept)| Some(line(*lanes, found, *kept)),
    )?;
    let mut code = 0;
    for (lanes, result) in lanes.into_iter().zip(results) {
        let place = found.points.iter_mut().find(|it| it.lanes() == lanes);
        match (result, place) {
            (Ok((_, synthesis, _)), Some(point)) => point.synthesis = Some(synthesis),
            (Ok(_), None) => unreachable!("the lanes are those of a point"),
            (Err(error), _) => {
                code = code.max(code_of(&error));
                found.failed.push(Failed {
                    simd: lanes.simd,
                    pe: lanes.pe,
                    pixels: lanes.pixels,
                    error: error.to_string(),
                });
            }
        }
    }
    Ok(code)
}

fn tasks(subject: &Subject, lanes: impl Iterator<Item = Candidate>) -> Vec<Task> {
    let task = |lanes: Candidate| Task {
        name: lanes.to_string(),
        about: format!("{lanes} lanes\n{}", subject.text()),
        cycles: 1,
        cost: lanes.multiplications(),
    };
    lanes.map(task).collect()
}

/// A point that is synthesised, for people.
fn line(lanes: Candidate, found: &Found, kept: bool) -> String {
    let found = match found {
        Found::TooSmall(reason) => format!("does not fit: {reason}"),
        Found::Speed(speed) => match speed.fmax_mhz {
            Some(mhz) => format!("{} LUTs, {mhz:.1} MHz", speed.luts),
            None => format!("{} LUTs", speed.luts),
        },
    };
    let kept = if kept { ", found before" } else { "" };
    format!("{lanes}: {found}{kept}")
}

fn shown(found: &Exploration, args: &Shown, outputs: &Outputs) -> anyhow::Result<()> {
    match args.json {
        true => print(&found.to_json())?,
        false if found.points.is_empty() => (),
        false => print(&found.to_text())?,
    }
    if let (Some(path), Some(svg)) = (&args.svg, found.to_svg()) {
        let staged = outputs.stage_text(path, &sealed(&svg, "svg"))?;
        staged.publish().map_err(cannot_write(path))?;
    }
    Ok(())
}

/// Whether there is a point at all.
fn outcome(found: &Exploration) -> Outcome {
    if !found.points.is_empty() {
        return Outcome::Success;
    }
    say(&format!(
        "{}: no lanes do on {}: of {} pairs {} need more multipliers or block RAMs than there are, and {} make no \
         engine for it",
        found.name, found.target, found.candidates, found.beyond, found.unfit
    ));
    Outcome::TooLarge
}

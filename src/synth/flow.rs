//! The order of things: Verilog, synthesis, place and route, figures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bpa_hdl::rtl::{print_verilog, Module};
use bpa_sim::Cache;
use rayon::prelude::*;

use super::designs::harnessed;
use super::timing::Timing;
use super::tools::Tools;
use super::{estimate, Area, Board, Design, Figures, SynthError, Synthesis};
use crate::atomic_file::write_whole;
use crate::plan::Plan;

/// Synthesises the plan's engine and its limit for `board`. Where there is a nextpnr, each is placed and routed with
/// the seeds 1 to `seeds`; 0 leaves it at synthesis. Runs go in parallel, one for each core.
///
/// All files are made in `folder`: below it one folder for each design with its netlists, reports and logs.
pub fn synthesise(
    plan: &Plan,
    board: Board,
    seeds: u64,
    folder: &Path,
    cache: &Cache,
) -> Result<Synthesis, SynthError> {
    board.accepts(plan.layer())?;
    let routed = is_routed(board, seeds);
    if routed {
        check_size(plan, board)?;
    }
    let tools = Tools::of(board, routed, cache)?;
    let designs = Design::ALL.map(|design| {
        let top = design.top(plan);
        let module = design.module(plan, board.target());
        Run::new(&tools, board, plan.layer().name(), folder, &top, module)
    });
    let macs = plan.layer().multipliers();
    let mut figures = figures(&designs, macs, seeds)?.into_iter();
    let (Some(engine), Some(bare_array)) = (figures.next(), figures.next()) else {
        unreachable!("each design has its figures")
    };
    Ok(Synthesis { engine, bare_array })
}

/// The same for an engine of any kind, without its limit. It is `top` that is synthesised, with `macs` multiplications in a
/// cycle.
///
/// # Errors
/// As of [`synthesise`]; of an engine that the device is too small for only what place and route say.
pub(crate) fn synthesise_alone(
    (top, design): (&str, Module),
    macs: u64,
    board: Board,
    seeds: u64,
    folder: &Path,
    cache: &Cache,
) -> Result<Figures, SynthError> {
    let tools = Tools::of(board, is_routed(board, seeds), cache)?;
    let run = Run::new(&tools, board, top, folder, top, design);
    let figures = figures(&[run], macs, seeds)?.pop();
    Ok(figures.unwrap_or_else(|| unreachable!("each design has its figures")))
}

/// The versions of the tools that would be used, which are installed where they are not yet.
///
/// # Errors
/// One is missing or too old, or cannot be installed.
pub(crate) fn tool_versions(
    board: Board,
    seeds: u64,
    cache: &Cache,
) -> Result<BTreeMap<String, String>, SynthError> {
    Ok(Tools::of(board, is_routed(board, seeds), cache)?.versions)
}

/// Whether anything is placed and routed.
fn is_routed(board: Board, seeds: u64) -> bool {
    seeds > 0 && board.place_and_route().is_some()
}

/// Takes the designs, which are for one board, through the tools.
fn figures(designs: &[Run], macs: u64, seeds: u64) -> Result<Vec<Figures>, SynthError> {
    let seeds = match designs.first() {
        Some(run) if is_routed(run.board, seeds) => seeds,
        _ => 0,
    };
    let mut syntheses: Vec<(&Run, bool)> = designs.iter().map(|run| (run, false)).collect();
    if seeds > 0 {
        syntheses.extend(designs.iter().map(|run| (run, true)));
    }
    syntheses
        .into_par_iter()
        .try_for_each(|(run, harness)| run.synthesise(harness))?;

    let places: Vec<(&Run, u64)> = designs
        .iter()
        .flat_map(|run| (1..=seeds).map(move |seed| (run, seed)))
        .collect();
    let timings: Vec<Timing> = places
        .into_par_iter()
        .map(|(run, seed)| run.place(seed))
        .collect::<Result<_, _>>()?;
    let of_design = |(index, run): (usize, &Run)| {
        let first = index * seeds as usize;
        let timings = &timings[first..first + seeds as usize];
        let area = Area::read(run.board, &run.alone.join(STAT))?;
        let versions = run.tools.versions.clone();
        Ok(Figures::new(macs, run.board, versions, area, timings))
    };
    designs.iter().enumerate().map(of_design).collect()
}

/// Refuses what place and route would refuse after a long time.
fn check_size(plan: &Plan, board: Board) -> Result<(), SynthError> {
    match estimate(plan, board)?.misfit() {
        None => Ok(()),
        Some(reason) => Err(SynthError::TooSmall {
            board: board.name(),
            layer: plan.layer().name().to_owned(),
            reason,
        }),
    }
}

/// The folders below `folder` in which [`synthesise`] makes its files.
pub fn kept_folders(plan: &Plan, folder: &Path) -> Vec<PathBuf> {
    let of_design = |design: Design| {
        let folder = folder.join(design.top(plan));
        [ALONE, HARNESS].map(|name| folder.join(name))
    };
    Design::ALL.into_iter().flat_map(of_design).collect()
}

/// Where a design is synthesised by itself, and in the harness.
const ALONE: &str = "alone";
const HARNESS: &str = "harness";
const DESIGN: &str = "design.v";
const STAT: &str = "stat.json";

/// One design on its way through the tools.
struct Run<'a> {
    tools: &'a Tools,
    board: Board,
    layer: String,
    alone: PathBuf,
    harness: PathBuf,
    /// Alone and in the harness.
    verilog: [String; 2],
}

impl<'a> Run<'a> {
    /// A design whose top module is `top`, in a folder of that name; `layer` is what people call it.
    fn new(
        tools: &'a Tools,
        board: Board,
        layer: &str,
        folder: &Path,
        top: &str,
        design: Module,
    ) -> Self {
        let folder = folder.join(top);
        Run {
            tools,
            board,
            layer: layer.to_owned(),
            alone: folder.join(ALONE),
            harness: folder.join(HARNESS),
            verilog: [print_verilog(&design), harnessed(top, design)],
        }
    }

    fn synthesise(&self, harness: bool) -> Result<(), SynthError> {
        let folder = if harness { &self.harness } else { &self.alone };
        let script = format!("{}.ys", self.board.name());
        fs::create_dir_all(folder).map_err(SynthError::file(folder))?;
        write(folder, DESIGN, &self.verilog[usize::from(harness)])?;
        write(folder, &script, self.board.yosys_script())?;
        let commands = format!("read_verilog {DESIGN}; script {script}");
        let args = ["-q", "-l", "yosys.log", "-p", &commands];
        self.tools.yosys.run(folder, args).map(drop)
    }

    /// Tells a device that is too small from other failures of place and route. The bare array is a part of the engine, so
    /// that whichever of them does not fit, the engine does not.
    fn too_small(&self, error: SynthError) -> SynthError {
        let SynthError::Tool { tail, .. } = &error else {
            return error;
        };
        let says_so = |line: &&str| TOO_SMALL.iter().any(|text| line.contains(text));
        match tail.lines().find(says_so) {
            Some(line) => SynthError::TooSmall {
                board: self.board.name(),
                layer: self.layer.clone(),
                reason: reason(line),
            },
            None => error,
        }
    }

    fn place(&self, seed: u64) -> Result<Timing, SynthError> {
        let (Some(nextpnr), Some(pnr)) = (&self.tools.nextpnr, self.board.place_and_route()) else {
            unreachable!("without a nextpnr nothing is placed")
        };
        if let Some((name, text)) = pnr.pins {
            write(&self.harness, name, text)?;
        }
        let (report, log) = (format!("report-{seed}.json"), format!("nextpnr-{seed}.log"));
        let seed_text = seed.to_string();
        let mut args = vec!["--json", "netlist.json"];
        args.extend(pnr.args);
        args.extend(["--timing-allow-fail", "--seed", &seed_text]);
        args.extend(["--report", &report, "-q", "-l", &log]);
        nextpnr
            .run(&self.harness, args)
            .map_err(|error| self.too_small(error))?;
        let in_harness = Area::read(self.board, &self.harness.join(STAT))?;
        let cell_types = in_harness.cells.keys().map(String::as_str);
        Timing::read(&self.harness.join(report), seed, cell_types)
    }
}

/// What the nextpnrs say where the device has too few cells of a kind.
const TOO_SMALL: [&str; 2] = ["no BELs remaining", "nable to find a placement"];

/// The same for a user, to whom the names of cells within the design say nothing.
fn reason(line: &str) -> String {
    match line.split_once("cell type ") {
        Some((_, kind)) => {
            let kind = kind.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            format!("it takes more cells of the type {kind} than there are; with fewer lanes it takes fewer")
        }
        None => "its cells find no place together; with fewer lanes there are fewer".to_owned(),
    }
}

/// Parallel runs that write one file write the same, and it appears whole.
fn write(folder: &Path, name: &str, text: &str) -> Result<(), SynthError> {
    let path = folder.join(name);
    write_whole(&path, text.as_bytes()).map_err(SynthError::file(&path))
}

//! The order of things: Verilog, synthesis, place and route, figures.

use std::fs;
use std::path::{Path, PathBuf};

use bpa_sim::Cache;
use rayon::prelude::*;

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
    let routed = seeds > 0 && board.place_and_route().is_some();
    if routed {
        check_size(plan, board)?;
    }
    let tools = Tools::of(board, routed, cache)?;
    let designs = Design::ALL.map(|design| Run {
        tools: &tools,
        board,
        layer: plan.layer().name(),
        alone: folder.join(design.top(plan)).join(ALONE),
        harness: folder.join(design.top(plan)).join(HARNESS),
        verilog: [
            design.verilog(plan, board.target()),
            design.harnessed(plan, board.target()),
        ],
    });
    let mut syntheses: Vec<(&Run, bool)> = designs.iter().map(|run| (run, false)).collect();
    if routed {
        syntheses.extend(designs.iter().map(|run| (run, true)));
    }
    syntheses
        .into_par_iter()
        .try_for_each(|(run, harness)| run.synthesise(harness))?;

    let seeds = if routed { seeds } else { 0 };
    let places: Vec<(&Run, u64)> = designs
        .iter()
        .flat_map(|run| (1..=seeds).map(move |seed| (run, seed)))
        .collect();
    let timings: Vec<Timing> = places
        .into_par_iter()
        .map(|(run, seed)| run.place(seed))
        .collect::<Result<_, _>>()?;
    let (engine, bare_array) = timings.split_at(seeds as usize);

    let figures = |run: &Run, timings: &[Timing]| -> Result<Figures, SynthError> {
        let area = Area::read(board, &run.alone.join(STAT))?;
        let versions = tools.versions.clone();
        Ok(Figures::new(plan, board, versions, area, timings))
    };
    Ok(Synthesis {
        engine: figures(&designs[0], engine)?,
        bare_array: figures(&designs[1], bare_array)?,
    })
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
    layer: &'a str,
    alone: PathBuf,
    harness: PathBuf,
    /// Alone and in the harness.
    verilog: [String; 2],
}

impl Run<'_> {
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
                layer: self.layer.to_owned(),
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

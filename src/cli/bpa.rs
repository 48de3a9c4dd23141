//! `bpa`: an engine's Verilog simulated on arrays, checked, and its cycles counted or predicted.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use bpa_sim::Profile;
use clap::{Args, CommandFactory, Parser, Subcommand};
use ndarray::Array4;

use super::array_files::ArrayFiles;
use super::bench::{bench, Bench};
use super::command_line::CommandLine;
use super::compile::{compile, Compile};
use super::engine_source::EngineSource;
use super::explain::{explain, Explain, EXAMPLES};
use super::explore::{explore, Explore, EXAMPLES as EXPLORE_EXAMPLES};
use super::frames::{frame_fits, frames_at_once, Frames};
use super::import::{import, Import, EXAMPLES as IMPORT_EXAMPLES};
use super::layer_source::{no_layer, LayerSource};
use super::long_run::say_if_long;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::progress::{CycleProgress, Wait};
use super::report::{report as report_page, Report, EXAMPLES as REPORT_EXAMPLES};
use super::result_file::ResultFile;
use super::run_network::{run_network, RunNetwork};
use super::synth::{synth as synthesise, Synth};
use super::trace::{TraceArgs, Tracing};
use super::vectors::{vectors, Vectors};
use super::{cache, guarded, print, say, Outcome};
use crate::atomic_file::write_whole;
use crate::check::{run_checked, Expected, Findings, InMemory, Source};
use crate::emit;
use crate::events::{self, Findings as EventFindings, Replay};
use crate::internal_error::works_on;
use crate::layer::{Layer, Rounding};
use crate::npy;
use crate::number::integer;
use crate::plan::Plan;
use crate::programmable::{self, UsedStages};
use crate::reference::StageArrays;
use crate::report::Figures;
use crate::run::{set_of, stationary_set, Arrays, Counted, RunError, Setup, Simulator, Traffic};
use crate::synth::{self, Board};
use crate::vectors::{random_moving, random_stage_arrays, random_stationary, RandomFrames};

/// What somebody looks for who has a transposed convolution.
const TRANSPOSED: &str = "\
A transposed convolution forward (ConvTranspose2d) is this same operation: its input is grad_output, its in_channels are
--out-channels, and the size of its output is --in-size. More: docs/conv-transpose.md";

/// Simulates the engine for a pass of a convolution, its data gradient by default, and checks it, or predicts its cycles.
///
/// Exit codes: 0 all is well; 1 the engine gave a wrong value, broke its contract or does not fit its device; 2 bad input,
/// or a tool failed; 70 a fault of this program.
#[derive(Parser, Debug)]
#[command(name = "bpa", version, after_help = TRANSPOSED)]
struct Bpa {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs the engine's Verilog on arrays from .npy files
    #[command(after_help = TRANSPOSED)]
    Run(Box<Run>),
    /// Makes random arrays for `run`, in .npy files
    Vectors(Vectors),
    /// Runs the engine's Verilog on random arrays and checks the result
    Verify(Verify),
    /// Predicts the figures of a run, and multipliers and block RAMs of a device; needs no tools
    Estimate(Estimate),
    /// Explains the gradient: its equations pixel by pixel, figures, or the walk that the hardware goes through
    #[command(after_help = EXAMPLES)]
    Explain(Explain),
    /// Makes a page about an engine: its blocks, its cycles, and each issue of a simulated frame
    #[command(after_help = REPORT_EXAMPLES)]
    Report(Report),
    /// Chooses lanes for a device: the cycles, multipliers and block RAMs of those that no others beat, and their speed
    #[command(after_help = EXPLORE_EXAMPLES)]
    Explore(Box<Explore>),
    /// Measures a list of layers against the bound and zero insertion
    Bench(Bench),
    /// Runs a network's passes on one programmable engine, the backward one by default, and checks every value
    RunNetwork(RunNetwork),
    /// Compiles a network for a programmable engine: a blob for the C driver, and its plan of tiles and addresses
    Compile(Compile),
    /// Makes a network file of an ONNX model's convolutions, with their weights and an engine that holds them
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Box<Import>),
    /// Finds area and speed on an FPGA with Yosys and nextpnr; for some devices downloads them once, about 600 MB
    ///
    /// For ECP5, Gowin and 7 series the tools are Python packages, about 600 MB for a device, which are installed in the
    /// cache folder the first time. For iCE40 and `generic` they are the system's.
    Synth(Synth),
}

// In each of these the layer comes last: its flags are under a heading of their own, as would be all that follow.

#[derive(Args, Debug)]
struct Run {
    #[command(flatten)]
    arrays: ArrayFiles,
    #[command(flatten)]
    stages: StageFiles,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Compare the result with the software reference; where they differ, nothing is written
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    traffic: TrafficArgs,
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    source: LayerSource,
}

/// The arrays of a layer's stages behind the accumulators.
#[derive(Args, Debug)]
struct StageFiles {
    /// Array (C), forward and for grad_weight (K), of integers to read: the biases of a layer that has them
    #[arg(long, value_name = "NPY")]
    bias: Option<PathBuf>,
    /// Array (C), forward and for grad_weight (K), or (1), of integers to read: the scales of a layer that is requantised
    #[arg(long, value_name = "NPY")]
    scale: Option<PathBuf>,
    /// Array of integers of the result's shape to read: what a layer with `accumulate` adds
    #[arg(long, value_name = "NPY")]
    accumulate: Option<PathBuf>,
    /// Array of booleans or of 0 and 1 of the result's shape to read: what a layer with `mask` keeps
    #[arg(long, value_name = "NPY")]
    mask: Option<PathBuf>,
    /// Where stochastic rounding begins: 0, the default, to 2147483647
    #[arg(long, value_name = "SEED", value_parser = integer(0..=0x7fff_ffff_u32))]
    rounding_seed: Option<u32>,
}

#[derive(Args, Debug)]
struct Verify {
    /// Also watch tokens, issues and results in the hardware, and name the first that comes in another cycle than the cycle
    /// model has it; then the exit code is 1
    #[arg(long, conflicts_with_all = ["stall_input", "stall_output"])]
    events: bool,
    #[command(flatten)]
    frames: Frames,
    #[command(flatten)]
    traffic: TrafficArgs,
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    overwrite: Overwrite,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    source: LayerSource,
}

#[derive(Args, Debug)]
struct Estimate {
    /// Predict multipliers and block RAMs of this device too; where it has fewer, that is told and the exit code is 1
    #[arg(long, value_name = "DEVICE")]
    target: Option<Board>,
    /// Predict for the programmable engine of this file (TOML), in tiles where the layer needs them; lanes and types are the
    /// engine's, whatever the layer says
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    engine: Option<PathBuf>,
    #[command(flatten)]
    frames: Frames,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    source: LayerSource,
}

#[derive(Args, Debug)]
struct TrafficArgs {
    /// Probability that a beat of an input stream is held back in a cycle
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    stall_input: f64,
    /// Probability that no beat of the output stream is taken in a cycle
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    stall_output: f64,
    /// Seed of everything random
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = integer(0..=u64::MAX))]
    seed: u64,
    /// Say on standard error how long everything took, and the model's share of that
    #[arg(long)]
    timing: bool,
}

#[derive(Args, Debug)]
struct Output {
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

impl TrafficArgs {
    /// Whether any stream is stalled from outside.
    fn stalls(&self) -> bool {
        self.stall_input > 0.0 || self.stall_output > 0.0
    }

    /// The same for a run.
    fn traffic(&self) -> Traffic {
        Traffic {
            stall_input: self.stall_input,
            stall_output: self.stall_output,
            seed: self.seed,
        }
    }

    /// Seconds of everything since `started`, and of the model's own evaluation.
    fn say_timing(&self, started: Instant, profile: &Profile) {
        if self.timing {
            let (all, eval) = (started.elapsed().as_secs_f64(), profile.eval.as_secs_f64());
            let share = 100.0 * eval / all;
            say(&format!(
                "time: {all:.3} s, {eval:.3} s of it ({share:.1} %) in the model's eval"
            ));
        }
    }
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        // At 1 nothing would ever move.
        Ok(number) if (0.0..1.0).contains(&number) => Ok(number),
        _ => Err("expected a probability from 0 up to, but not including, 1".to_owned()),
    }
}

/// Its command line.
pub fn command() -> clap::Command {
    Bpa::command()
}

/// The program, with the arguments of the process.
pub fn main() -> ExitCode {
    let started = Instant::now();
    let words = CommandLine::of_process();
    let args = match words.parse::<Bpa>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    guarded(words.asks_for_json(), || match args.command {
        Command::Run(args) => run(*args, started),
        Command::Vectors(args) => vectors(args),
        Command::Verify(args) => verify(args, started),
        Command::Estimate(args) => estimate(args),
        Command::Explain(args) => explain(args),
        Command::Report(args) => report_page(args),
        Command::Explore(args) => explore(*args),
        Command::Bench(args) => bench(args),
        Command::RunNetwork(args) => run_network(args),
        Command::Compile(args) => compile(args),
        Command::Import(args) => import(*args),
        Command::Synth(args) => synthesise(args),
    })
}

fn run(args: Run, started: Instant) -> anyhow::Result<Outcome> {
    let stages = &args.stages;
    let files = [
        &stages.bias,
        &stages.scale,
        &stages.accumulate,
        &stages.mask,
    ];
    let files = files.into_iter().flatten().map(PathBuf::as_path);
    let inputs = args.source.path().into_iter().chain(files);
    let outputs = Outputs::new(args.overwrite, inputs.chain(args.arrays.read()));
    let layer = args.source.required()?;
    let files = args.arrays.of(&layer)?;
    let plan = Plan::new(&layer);
    let moving = npy::read_moving(files.moving, &layer)?;
    let frames = moving.shape()[0];
    let arrays = Arrays {
        stationary: npy::read_stationary(files.stationary, &layer)?,
        stages: stage_arrays(&args.stages, &plan, frames)?,
        moving,
    };
    outputs.check(files.result)?;
    let tracing = args.trace.begin(&outputs)?;
    let setup = Setup {
        set: stationary_set(&plan, &arrays),
        rounding_seed: arrays.stages.rounding_seed,
        frames: frames as u64,
        traffic: args.traffic.traffic(),
    };
    let expected = args.check.then_some(Expected {
        layer: &layer,
        stationary: &arrays.stationary,
    });
    let mut results = ResultFile::new(&plan, frames);
    let ran = simulate(
        &plan,
        &setup,
        expected,
        &mut InMemory::new(&arrays),
        &mut |result| results.add(result.view()),
        tracing.as_ref().map(|tracing| (tracing, &outputs)),
    )?;
    let outcome = ran.outcome();
    if outcome == Outcome::Success {
        let whole = results.finish();
        whole
            .and_then(|bytes| write_whole(files.result, &bytes))
            .map_err(cannot_write(files.result))?;
        outputs.remember(files.result);
    }
    report(&plan, &ran, None, &args.traffic, &args.output)?;
    args.traffic.say_timing(started, &ran.counted.profile);
    Ok(outcome)
}

fn verify(args: Verify, started: Instant) -> anyhow::Result<Outcome> {
    let outputs = Outputs::new(args.overwrite, args.source.path());
    let layer = args.source.required()?;
    frame_fits(&layer)?;
    if args.events {
        events::one_pixel(&layer)?;
    }
    let seed = args.traffic.seed;
    let plan = Plan::new(&layer);
    let stationary = random_stationary(&layer, seed);
    let mut random = RandomFrames::new(&plan, seed);
    let once = random.once();
    let setup = Setup {
        set: set_of(&plan, &stationary, &once),
        rounding_seed: once.rounding_seed,
        frames: args.frames.frames,
        traffic: args.traffic.traffic(),
    };
    let expected = Expected {
        layer: &layer,
        stationary: &stationary,
    };
    let tracing = args.trace.begin(&outputs)?;
    let tracing = tracing.as_ref().map(|tracing| (tracing, &outputs));
    let ignored = &mut |_: &Array4<i64>| ();
    let ran = simulate(&plan, &setup, Some(expected), &mut random, ignored, tracing)?;
    let events = match args.events {
        true => Some(compared_events(&plan, args.frames.frames, seed)?),
        false => None,
    };
    report(&plan, &ran, events, &args.traffic, &args.output)?;
    args.traffic.say_timing(started, &ran.counted.profile);
    Ok(match events {
        Some(EventFindings {
            parting: Some(_), ..
        }) => Outcome::Mismatch,
        _ => ran.outcome(),
    })
}

/// Where hardware and cycle model part, on random arrays.
fn compared_events(plan: &Plan, frames: u64, seed: u64) -> anyhow::Result<EventFindings> {
    let layer = plan.layer();
    let count = frames_at_once(layer, frames)?;
    let arrays = Arrays {
        moving: random_moving(layer, count, seed),
        stationary: random_stationary(layer, seed),
        stages: random_stage_arrays(plan, count, seed),
    };
    let verilog = emit::verilog(plan);
    let hardware = {
        let _wait = Wait::new("compiling the Verilog with its watcher");
        events::watched(plan, &verilog, &cache()?)?
    };
    let cycles = layer.operation().stationary_words() + plan.cycles(frames).total;
    let mut progress = CycleProgress::new(cycles);
    let model = Replay::new(plan);
    let found = events::compare(plan, &hardware, model, &arrays, &mut |cycles| {
        progress.at(cycles);
    });
    Ok(found?)
}

fn estimate(args: Estimate) -> anyhow::Result<Outcome> {
    if let Some(path) = &args.engine {
        return estimate_on_engine(path, args.source, args.frames.frames, &args.output);
    }
    let layer = args.source.required()?;
    let plan = Plan::new(&layer);
    let frames = args.frames.frames;
    let area = args.target.map(|board| synth::estimate(&plan, board));
    let area = area.transpose()?;
    let figures = Figures {
        area,
        ..Figures::new(&plan, frames, plan.cycles(frames), None)
    };
    let heading = format!("{}: predicted, without stalls", layer.name());
    print_figures(&figures, &heading, &layer, false, &args.output)?;
    let misfit = area.and_then(|area| Some((area.target, area.misfit()?)));
    Ok(match misfit {
        None => Outcome::Success,
        Some((target, misfit)) => {
            say(&format!(
                "{target} is too small for `{}`: {misfit}",
                layer.name()
            ));
            Outcome::TooLarge
        }
    })
}

fn estimate_on_engine(
    path: &Path,
    source: LayerSource,
    frames: u64,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let engine_source = EngineSource::read(path)?;
    let engine = &engine_source.engine;
    let written = source.written()?.ok_or_else(no_layer)?;
    let file = &written.file;
    works_on(format!(
        "{}\n{}",
        engine.to_file().to_toml(),
        file.to_toml()
    ));
    let stages = UsedStages::of_file(&file.engine);
    let stages = stages.map_err(|error| written.at(error.key(), error))?;
    if stages.shift.is_none() {
        engine_source.check_gives_sums()?;
    }
    let tiling = engine
        .staged_layer(file.layer.clone(), stages)
        .and_then(|layer| engine.tiling(&layer, frames))
        .map_err(|error| written.at(error.key(), error))?;
    let short_fifo = engine.short_fifo(&tiling, frames);
    if let Some(short) = &short_fifo {
        say(&format!("warning: {short}"));
    }
    let figures = programmable::Estimate::new(&tiling, frames, short_fifo);
    let heading = format!(
        "{} on {}: predicted, without stalls",
        file.name,
        engine.name()
    );
    match output.json {
        true => print(&figures.to_json())?,
        false => print(&figures.to_text(&heading))?,
    }
    Ok(Outcome::Success)
}

/// The arrays of the layer's stages: one for each stage that is there, none for one that is not.
fn stage_arrays(args: &StageFiles, plan: &Plan, frames: usize) -> anyhow::Result<StageArrays> {
    let layer = plan.layer();
    let requantise = layer.requantise();
    let bias = for_stage("bias", &args.bias, layer.bias(), "`engine.bias`")?;
    let scale = for_stage(
        "scale",
        &args.scale,
        requantise.is_some(),
        "`engine.out_type`",
    )?;
    let accumulate = for_stage(
        "accumulate",
        &args.accumulate,
        layer.accumulate(),
        "`engine.accumulate`",
    )?;
    let mask = for_stage("mask", &args.mask, layer.mask(), "`engine.mask`")?;
    let stochastic = requantise.is_some_and(|it| it.rounding == Rounding::Stochastic);
    if args.rounding_seed.is_some() && !stochastic {
        bail!(
            "`--rounding-seed` is given, but the layer does not round at random: `engine.rounding` is not \
             \"stochastic\""
        );
    }
    Ok(StageArrays {
        bias: bias.map(|path| npy::read_bias(path, layer)).transpose()?,
        scale: scale.map(|path| npy::read_scale(path, layer)).transpose()?,
        accumulate: accumulate
            .map(|path| npy::read_accumulate(path, plan, frames))
            .transpose()?,
        mask: mask
            .map(|path| npy::read_mask(path, layer, frames))
            .transpose()?,
        rounding_seed: args.rounding_seed.unwrap_or(0),
    })
}

/// The file of a stage, if the layer has that stage; `key` is what makes it so.
fn for_stage<'a>(
    flag: &str,
    path: &'a Option<PathBuf>,
    is_there: bool,
    key: &str,
) -> anyhow::Result<Option<&'a Path>> {
    match (path, is_there) {
        (None, true) => {
            bail!("`--{flag}` is missing: the layer sets {key}, so give it an .npy file")
        }
        (Some(path), false) => bail!(
            "`--{flag}` is {}, but the layer has no use for it: {key} is not set",
            path.display()
        ),
        (path, _) => Ok(path.as_deref()),
    }
}

/// A simulation that kept its contract, and perhaps a check of its result.
struct Ran {
    frames: u64,
    counted: Counted,
    /// Values of the result.
    values: u64,
    /// Elements that are wrong, a wrong count of saturations as one more; `None` where there was no check.
    mismatches: Option<u64>,
}

impl Ran {
    fn outcome(&self) -> Outcome {
        match self.mismatches {
            None | Some(0) => Outcome::Success,
            Some(_) => Outcome::Mismatch,
        }
    }
}

fn simulate(
    plan: &Plan,
    setup: &Setup,
    expected: Option<Expected>,
    source: &mut dyn Source,
    result: &mut dyn FnMut(&Array4<i64>),
    tracing: Option<(&Tracing, &Outputs)>,
) -> anyhow::Result<Ran> {
    say_if_long(plan, setup.frames, setup.traffic.slowdown());
    let verilog = emit::verilog(plan);
    let simulator = {
        let _wait = Wait::new("compiling the Verilog with Verilator");
        match tracing {
            None => Simulator::build(plan, &verilog, &cache()?)?,
            Some((tracing, _)) => Simulator::traced(plan, &verilog, &cache()?, tracing.trace())?,
        }
    };
    let cycles = plan.layer().operation().stationary_words() + plan.cycles(setup.frames).total;
    let mut progress = CycleProgress::new((cycles as f64 * setup.traffic.slowdown()) as u64);
    let mut values = 0;
    let mut counting = |part: &Array4<i64>| {
        values += part.len() as u64;
        result(part);
    };
    let ran = run_checked(
        &simulator,
        setup,
        expected,
        source,
        &mut counting,
        &mut |cycles| progress.at(cycles),
    );
    if let Some((tracing, outputs)) = tracing {
        // What broke the contract is what somebody wants to see.
        let counted = ran.as_ref().ok().map(|(counted, _)| counted);
        let engine = emit::engine(plan, emit::Target::Generic);
        tracing.publish(&engine, outputs, counted.map(|counted| counted.end))?;
        if let Some(counted) = counted {
            say(&format!(
                "cycle {} of the waveforms is that of the first beat, from which the figures count",
                counted.first_beat
            ));
        }
    }
    let (counted, findings) = ran.map_err(|error| match error {
        RunError::Simulator(error) => anyhow::Error::from(error),
        RunError::Broken(broken) => broken.into(),
    })?;
    drop(progress);
    Ok(Ran {
        frames: setup.frames,
        counted,
        values,
        mismatches: findings.map(|findings| mismatches(plan.layer(), &counted, &findings, values)),
    })
}

/// Elements that are wrong; says which is the first.
fn mismatches(layer: &Layer, counted: &Counted, findings: &Findings, values: u64) -> u64 {
    let comparison = findings.comparison;
    if let Some(first) = comparison.first {
        say(&format!(
            "mismatch: {}; {} of {values} elements differ",
            first.of(layer),
            comparison.mismatches
        ));
    }
    // The engine counts in 32 bits.
    let saturations_agree = counted.saturations == findings.saturations & u64::from(u32::MAX);
    if !saturations_agree {
        say(&format!(
            "mismatch: the engine counted {} saturated values, the reference {}",
            counted.saturations, findings.saturations
        ));
    }
    comparison.mismatches + u64::from(!saturations_agree)
}

fn report(
    plan: &Plan,
    ran: &Ran,
    events: Option<EventFindings>,
    traffic: &TrafficArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let mut figures = Figures::new(plan, ran.frames, ran.counted.cycles, ran.mismatches);
    let layer = plan.layer();
    figures.events = events;
    figures.saturations = layer.requantise().map(|_| ran.counted.saturations);
    let values = ran.values;
    let heading = match ran.mismatches {
        None => format!("{}: {values} values, not compared", layer.name()),
        Some(0) => format!("{}: all {values} values exact", layer.name()),
        Some(wrong) => format!("{}: {wrong} of {values} values WRONG", layer.name()),
    };
    print_figures(&figures, &heading, layer, traffic.stalls(), output)
}

fn print_figures(
    figures: &Figures,
    heading: &str,
    layer: &Layer,
    stalled: bool,
    output: &Output,
) -> anyhow::Result<()> {
    if output.json {
        print(&figures.to_json())
    } else {
        print(&figures.to_text(heading, layer.multipliers(), stalled))
    }
}

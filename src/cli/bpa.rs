//! `bpa`: an engine's Verilog simulated on arrays, checked, and its cycles counted or predicted.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use bpa_sim::Cache;
use clap::{Args, Parser, Subcommand};

use super::layer_source::LayerSource;
use super::progress::{CycleProgress, Wait};
use super::{exit_code, print, say, Outcome};
use crate::atomic_file::Staged;
use crate::compare::compare;
use crate::emit;
use crate::layer::Layer;
use crate::npy;
use crate::plan::Plan;
use crate::reference::gather;
use crate::report::Figures;
use crate::run::{Arrays, Measured, RunError, Simulator, Traffic};
use crate::vectors::{random_grad_output, random_weight};

/// Values of a batch that random arrays and their results may have: what memory holds.
const MOST_VALUES: u64 = 1 << 31;

/// Simulates the engine for a convolution's data gradient and checks it, or predicts its cycles.
///
/// Exit codes: 0 all is well; 1 the engine gave a wrong value or broke its contract; 2 bad input, or a tool failed.
#[derive(Parser, Debug)]
#[command(name = "bpa", version)]
struct Bpa {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs the engine's Verilog on arrays from .npy files
    Run(Run),
    /// Runs the engine's Verilog on random arrays and checks the result
    Verify(Verify),
    /// Predicts the figures of a run; needs no Verilator
    Estimate(Estimate),
}

#[derive(Args, Debug)]
struct Run {
    #[command(flatten)]
    source: LayerSource,
    /// Array (N, K, P, Q) of integers to read
    #[arg(long, value_name = "NPY")]
    grad_output: PathBuf,
    /// Array (K, C/groups, R, S) of integers to read
    #[arg(long, value_name = "NPY")]
    weight: PathBuf,
    /// Array (N, C, H, W) to write
    #[arg(long, value_name = "NPY")]
    grad_input: PathBuf,
    /// Compare the result with the software reference; where they differ, nothing is written
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    traffic: TrafficArgs,
    #[command(flatten)]
    output: Output,
}

#[derive(Args, Debug)]
struct Verify {
    #[command(flatten)]
    source: LayerSource,
    #[command(flatten)]
    frames: Frames,
    #[command(flatten)]
    traffic: TrafficArgs,
    #[command(flatten)]
    output: Output,
}

#[derive(Args, Debug)]
struct Estimate {
    #[command(flatten)]
    source: LayerSource,
    #[command(flatten)]
    frames: Frames,
    #[command(flatten)]
    output: Output,
}

#[derive(Args, Debug)]
struct Frames {
    /// Frames, back to back
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    frames: u64,
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
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
}

#[derive(Args, Debug)]
struct Output {
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        // At 1 nothing would ever move.
        Ok(number) if (0.0..1.0).contains(&number) => Ok(number),
        _ => Err("expected a probability from 0 up to, but not including, 1".to_owned()),
    }
}

/// The program, with the arguments of the process.
pub fn main() -> ExitCode {
    exit_code(match Bpa::parse().command {
        Command::Run(args) => run(args),
        Command::Verify(args) => verify(args),
        Command::Estimate(args) => estimate(args),
    })
}

fn run(args: Run) -> anyhow::Result<Outcome> {
    let layer = layer(args.source)?;
    let arrays = Arrays {
        grad_output: npy::read_grad_output(&args.grad_output, &layer)?,
        weight: npy::read_weight(&args.weight, &layer)?,
    };
    can_write(&args.grad_input)?;
    let plan = Plan::new(&layer);
    let measured = simulate(&plan, &arrays, &args.traffic)?;
    let mismatches = args.check.then(|| check(&layer, &arrays, &measured));
    let outcome = outcome(mismatches);
    if outcome == Outcome::Success {
        let bits = plan.lanes().acc_bits as u32;
        npy::write(&args.grad_input, &measured.grad_input, bits)?;
    }
    report(&plan, &arrays, &measured, mismatches, &args.output)?;
    Ok(outcome)
}

fn verify(args: Verify) -> anyhow::Result<Outcome> {
    let layer = layer(args.source)?;
    let frames = frames(&layer, args.frames.frames)?;
    let seed = args.traffic.seed;
    let arrays = Arrays {
        grad_output: random_grad_output(&layer, frames, seed),
        weight: random_weight(&layer, seed),
    };
    let plan = Plan::new(&layer);
    let measured = simulate(&plan, &arrays, &args.traffic)?;
    let mismatches = Some(check(&layer, &arrays, &measured));
    report(&plan, &arrays, &measured, mismatches, &args.output)?;
    Ok(outcome(mismatches))
}

fn estimate(args: Estimate) -> anyhow::Result<Outcome> {
    let layer = layer(args.source)?;
    let plan = Plan::new(&layer);
    let frames = args.frames.frames;
    let figures = Figures::new(&plan, frames, plan.cycles(frames), None);
    let heading = format!("{}: predicted, without stalls", layer.name());
    print_figures(&figures, &heading, &layer, &args.output)?;
    Ok(Outcome::Success)
}

fn layer(source: LayerSource) -> anyhow::Result<Layer> {
    match source.layer()? {
        Some(layer) => Ok(layer),
        None => {
            bail!("there is no layer: give a layer file, or flags like --in-channels (see --help)")
        }
    }
}

/// The frames, as far as memory can hold their arrays.
fn frames(layer: &Layer, frames: u64) -> anyhow::Result<usize> {
    let (rows, cols) = (layer.rows(), layer.cols());
    let values = |channels: u32, height: u32, width: u32| {
        u128::from(channels) * u128::from(height) * u128::from(width)
    };
    let frame = values(layer.out_channels(), rows.out_size, cols.out_size)
        + values(layer.in_channels(), rows.in_size, cols.in_size);
    if frame * u128::from(frames) > MOST_VALUES.into() {
        bail!(
            "`--frames` is {frames}: the arrays would hold {} values, and at most {MOST_VALUES} are possible",
            frame * u128::from(frames)
        );
    }
    Ok(frames as usize)
}

/// Asked before the simulation, which may be long.
fn can_write(path: &Path) -> anyhow::Result<()> {
    let test = Staged::new(path, &[]);
    test.map_err(|reason| anyhow!("{}: cannot write: {reason}", path.display()))?;
    Ok(())
}

fn simulate(plan: &Plan, arrays: &Arrays, args: &TrafficArgs) -> anyhow::Result<Measured> {
    let verilog = emit::verilog(plan);
    let simulator = {
        let _wait = Wait::new("compiling the Verilog with Verilator");
        Simulator::build(plan, &verilog, &Cache::from_env()?)?
    };
    let traffic = Traffic {
        stall_input: args.stall_input,
        stall_output: args.stall_output,
        seed: args.seed,
    };
    let frames = arrays.grad_output.shape()[0] as u64;
    let cycles = plan.layer().weight_words() + plan.cycles(frames).total;
    let mut progress = CycleProgress::new((cycles as f64 * traffic.slowdown()) as u64);
    simulator
        .run(arrays, &traffic, &mut |cycles| progress.at(cycles))
        .map_err(|error| match error {
            RunError::Simulator(error) => error.into(),
            RunError::Broken(broken) => broken.into(),
        })
}

/// Elements that are wrong; says which is the first.
fn check(layer: &Layer, arrays: &Arrays, measured: &Measured) -> u64 {
    let expected = gather(layer, &arrays.grad_output, &arrays.weight);
    let comparison = compare(&measured.grad_input, &expected);
    if let Some(first) = comparison.first {
        say(&format!(
            "mismatch: {first}; {} of {} elements differ",
            comparison.mismatches,
            expected.len()
        ));
    }
    comparison.mismatches
}

fn outcome(mismatches: Option<u64>) -> Outcome {
    match mismatches {
        None | Some(0) => Outcome::Success,
        Some(_) => Outcome::Mismatch,
    }
}

fn report(
    plan: &Plan,
    arrays: &Arrays,
    measured: &Measured,
    mismatches: Option<u64>,
    output: &Output,
) -> anyhow::Result<()> {
    let frames = arrays.grad_output.shape()[0] as u64;
    let figures = Figures::new(plan, frames, measured.cycles, mismatches);
    let layer = plan.layer();
    let values = measured.grad_input.len();
    let heading = match mismatches {
        None => format!("{}: {values} values, not compared", layer.name()),
        Some(0) => format!("{}: all {values} values exact", layer.name()),
        Some(wrong) => format!("{}: {wrong} of {values} values WRONG", layer.name()),
    };
    print_figures(&figures, &heading, layer, output)
}

fn print_figures(
    figures: &Figures,
    heading: &str,
    layer: &Layer,
    output: &Output,
) -> anyhow::Result<()> {
    if output.json {
        print(&figures.to_json())
    } else {
        print(&figures.to_text(heading, layer.multipliers()))
    }
}

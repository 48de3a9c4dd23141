//! Trains a small convolutional network on images of digits twice, from the same weights with the same batches: in
//! floating point, and with every convolution from the Verilog of one programmable engine, in int8 with stochastic
//! rounding: forward, the gradients of activations, and those of weights. Only the loss and the steps are in floating point
//! both times.

mod chart;
pub mod conv;
pub mod data;
pub mod engine;
pub mod float;
pub mod network;
mod quantise;
mod range;
mod report;
mod training;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use bpa_engine::atomic_file::{write_whole, Staged};
use bpa_sim::Cache;
use clap::Parser;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use chart::chart;
use data::{shuffled, Digits};
use engine::{Compiled, OnEngine};
use float::Float;
use network::Network;
use report::{Report, Wait};
use training::{Training, BATCH};

/// Images that no training sees.
const TEST: usize = 500;
/// All others of the file.
const MOST_SAMPLES: i64 = 1297;

/// Trains a network on digits, in floating point and with all its convolutions from an engine in int8.
#[derive(Parser, Debug)]
pub struct Args {
    /// Times that all images are seen
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1000))]
    epochs: u32,
    /// Images to train with
    #[arg(long, value_name = "N", default_value_t = MOST_SAMPLES as u32,
        value_parser = clap::value_parser!(u32).range(1..=MOST_SAMPLES))]
    samples: u32,
    /// Seed of everything random
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Compare each value from the engine with the software reference
    #[arg(long)]
    check: bool,
    /// SVG to write
    #[arg(long, value_name = "SVG", default_value = "build/train_digits.svg")]
    chart: PathBuf,
}

fn main() -> ExitCode {
    let ran = Cache::from_env()
        .map_err(anyhow::Error::from)
        .and_then(|cache| run(&Args::parse(), &cache, &mut io::stdout()));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The example, with what it prints going to `out`.
pub fn run(args: &Args, cache: &Cache, out: &mut impl Write) -> anyhow::Result<()> {
    can_write(&args.chart)?;
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    let (train, test) = Digits::read()?.split(args.samples as usize, TEST, &mut rng);
    let network = Network::new(&mut rng)?;
    let compiled = {
        let _wait = Wait::new("compiling the Verilog with Verilator");
        Compiled::new(cache)?
    };
    let passes = OnEngine::new(&compiled, args.seed, args.check)?;
    let mut float = Training::new(network.clone(), Float::default());
    let mut engine = Training::new(network, passes);

    let epochs = args.epochs as usize;
    let batches = 2 * epochs * train.count().div_ceil(BATCH);
    let mut report = Report::begin(out, batches as u64, args.seed)?;
    for _ in 0..epochs {
        let order = shuffled(train.count(), &mut rng);
        let by_float = float.epoch(epochs, &train, &order, &test, || report.batch())?;
        let by_engine = engine.epoch(epochs, &train, &order, &test, || report.batch())?;
        report.epoch(by_float, by_engine)?;
    }
    let svg = chart(&float.epochs, &engine.epochs);
    let written = write_whole(&args.chart, svg.as_bytes());
    written.map_err(|reason| cannot_write(&args.chart, &reason))?;
    report.end(&engine.passes.totals, &args.chart)
}

/// Makes the folder if it is not there; asked before the training, which is long.
fn can_write(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let made = match folder == Path::new("") {
        true => Ok(()),
        false => fs::create_dir_all(folder),
    };
    made.and_then(|()| Staged::new(path, &[]))
        .map_err(|reason| cannot_write(path, &reason))?;
    Ok(())
}

fn cannot_write(path: &Path, reason: &io::Error) -> anyhow::Error {
    anyhow!("{}: cannot write: {reason}", path.display())
}

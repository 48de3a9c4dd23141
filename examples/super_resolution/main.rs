//! Enlarges a photograph three times by a small network whose layers all run on one simulated engine, and compares the
//! picture with the bicubic enlargement. Luminance only.
//!
//! The network is FSRCNN with its small layers made alike, so that an engine for one of them is the engine of all: each
//! comes with its weights, biases and scales. Its transposed convolution, 9x9 of stride 3, is the equal convolution 3x3
//! with nine results a pixel, one for each of the 3x3 places there. What the network gives is added to the bicubic
//! enlargement. `scripts/super_resolution/train.py` trained it, on other photographs than this one.

pub mod image;
pub mod network;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{ensure, Context};
use bpa_engine::atomic_file::write_whole;
use bpa_engine::emit;
use bpa_engine::plan::Plan;
use bpa_engine::run::Simulator;
use bpa_sim::Cache;
use clap::Parser;
use flate2::read::GzDecoder;
use indicatif::HumanCount;

use image::{png, psnr, read_pgm, resized, rounded, side_by_side, Image};
use network::Network;

/// Enlarges a photograph by a network on a simulated engine, and by bicubic interpolation.
#[derive(Parser, Debug)]
pub struct Args {
    /// Binary PGM of 8 bits to reduce and enlarge again, with one header line; by default the photograph of the example
    #[arg(long, value_name = "PGM")]
    photograph: Option<PathBuf>,
    /// Compare the results of each layer with the software reference
    #[arg(long)]
    check: bool,
    /// Folder for the pictures; it is made where it does not exist
    #[arg(long, value_name = "DIR", default_value = "build/super_resolution")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let ran = Cache::from_env()
        .map_err(anyhow::Error::from)
        .and_then(|cache| run(&Args::parse(), &cache, &mut io::stdout()));
    match ran {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// PSNR of both enlargements, in dB.
pub struct Found {
    pub bicubic: f64,
    pub engine: f64,
}

/// The example, with what it prints going to `out`.
pub fn run(args: &Args, cache: &Cache, out: &mut impl Write) -> anyhow::Result<Found> {
    let cannot_write = |path: &Path| format!("{}: cannot write", path.display());
    fs::create_dir_all(&args.out).with_context(|| cannot_write(&args.out))?;
    let network = Network::read()?;
    let photograph = cut(read(args)?, network.factor)?;
    let large = photograph.dim();
    let size = (large.0 / network.factor, large.1 / network.factor);
    let small = rounded(&resized(&photograph, size));
    let bicubic = resized(&small, large);

    let plan = Plan::new(&network.layer(size)?);
    let simulator = Simulator::build(&plan, &emit::verilog(&plan), cache)?;
    let (missing, totals) = network.missing(&small, (&plan, &simulator), args.check)?;
    let engine = &bicubic + &missing;

    let found = Found {
        bicubic: psnr(&bicubic, &photograph, network.factor),
        engine: psnr(&engine, &photograph, network.factor),
    };
    writeln!(
        out,
        "{} x {} pixels to {} x {}",
        size.1, size.0, large.1, large.0
    )?;
    writeln!(out, "bicubic  {:.2} dB", found.bicubic)?;
    let more = found.engine - found.bicubic;
    writeln!(out, "engine   {:.2} dB, {more:+.2} dB", found.engine)?;
    let [cycles, values] = [totals.cycles, totals.values].map(HumanCount);
    let checked = if args.check { ", all exact" } else { "" };
    writeln!(
        out,
        "{} layers on one engine of {} multipliers: {cycles} cycles, {values} values{checked}",
        totals.layers,
        plan.layer().multipliers()
    )?;
    let compared = side_by_side(&[&bicubic, &engine, &photograph])?;
    for (name, picture) in [
        ("small", &small),
        ("bicubic", &bicubic),
        ("engine", &engine),
        ("compared", &compared),
    ] {
        let path = args.out.join(name).with_extension("png");
        write_whole(&path, &png(picture)?).with_context(|| cannot_write(&path))?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(found)
}

fn read(args: &Args) -> anyhow::Result<Image> {
    match &args.photograph {
        None => read_pgm(GzDecoder::new(&include_bytes!("photograph.pgm.gz")[..])),
        Some(path) => {
            let file = fs::File::open(path);
            file.map_err(anyhow::Error::from)
                .and_then(read_pgm)
                .with_context(|| format!("{}: cannot read", path.display()))
        }
    }
}

/// The image in sizes that the factor divides.
fn cut(image: Image, factor: usize) -> anyhow::Result<Image> {
    let (height, width) = image.dim();
    // Smaller ones have nothing within the border that the comparison leaves out.
    let fits = height.min(width) >= 3 * factor;
    ensure!(fits, "an image of {width} x {height} pixels is too small");
    let inner = ndarray::s![..height / factor * factor, ..width / factor * factor];
    Ok(image.slice(inner).to_owned())
}

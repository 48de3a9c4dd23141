//! `bpa run-network`: the backward pass of a network on one programmable engine.

use std::path::PathBuf;
use std::thread;

use anyhow::{anyhow, bail};
use bpa_hdl::rtl::print_verilog;
use bpa_sim::Cache;
use clap::Args;

use super::progress::Wait;
use super::{print, say, Outcome};
use crate::driver::{Driver, Simulated};
use crate::emit::Target;
use crate::network::{reference, run, NetworkFile};
use crate::programmable::EngineFile;

#[derive(Args, Debug)]
pub(super) struct RunNetwork {
    /// Network file (TOML): layers from the loss to the input
    network: PathBuf,
    /// File of the programmable engine, in place of the one that the network file names
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// Seed of the loss's gradient and of the weights
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run_network(args: RunNetwork) -> anyhow::Result<Outcome> {
    let file = NetworkFile::read(&args.network)?;
    let named = file.engine.as_ref().map(|engine| {
        let folder = args.network.parent();
        folder.map_or(engine.clone(), |folder| folder.join(engine))
    });
    let Some(engine_path) = args.engine.or(named) else {
        bail!(
            "{}: there is no engine: name its file by the key `engine`, or by --engine",
            args.network.display()
        );
    };
    let at = |path: &PathBuf, error: &dyn std::fmt::Display| anyhow!("{}: {error}", path.display());
    let engine = EngineFile::read(&engine_path)?
        .validate()
        .map_err(|error| at(&engine_path, &error))?;
    let network = file
        .validate(&engine)
        .map_err(|error| at(&args.network, &error))?;

    let report = thread::scope(|scope| {
        // It needs nothing of the engine's results, so it runs while the model is compiled.
        let expected = scope.spawn(|| reference(&network, args.seed));
        let hardware = engine.hardware(Target::Generic);
        let model = {
            let _wait = Wait::new("compiling the Verilog with Verilator");
            let text = print_verilog(&hardware.module);
            Simulated::model(&engine, &hardware, &text, &Cache::from_env()?)?
        };
        let expected = expected.join().expect("the arrays fit the layers");
        let mut driver = Driver::open(&engine, &hardware, Simulated::new(&model, args.seed))?;
        let _wait = Wait::new("running the layers");
        let report = run(&network, &mut driver, args.seed, &expected)?;
        anyhow::Ok(report)
    })?;

    for row in &report.layers {
        if let Some(first) = &row.first_mismatch {
            say(&format!("mismatch in layer {:?}: {first}", row.name));
        }
    }
    match args.json {
        true => print(&report.to_json())?,
        false => print(&report.to_text())?,
    }
    Ok(match report.mismatches {
        0 => Outcome::Success,
        _ => Outcome::Mismatch,
    })
}

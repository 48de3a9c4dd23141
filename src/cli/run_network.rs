//! `bpa run-network`: passes of a network on one programmable engine.

use std::path::{Component, Path, PathBuf};
use std::thread;

use anyhow::{anyhow, bail};
use bpa_hdl::rtl::print_verilog;
use clap::Args;

use super::folder::make_folder;
use super::network_source::NetworkSource;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::progress::Wait;
use super::report::NAME as PAGE;
use super::trace::TraceArgs;
use super::{cache, print, say, Outcome};
use crate::driver::{Driver, Simulated};
use crate::emit::Target;
use crate::internal_error::joined;
use crate::layer::Pass;
use crate::network::{job_spans, reference, run, Network, NetworkArrays};
use crate::npy;
use crate::number::integer;
use crate::operands::result_of;
use crate::report_page::network_page;
use crate::seal::sealed;
use crate::trace::Trace;

#[derive(Args, Debug)]
pub(super) struct RunNetwork {
    /// Network file (TOML): layers from the loss to the input
    network: PathBuf,
    /// File of the programmable engine, in place of the one that the network file names
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// Seed of the input, the loss's gradient and the weights, where the network file names no arrays
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = integer(0..=u64::MAX))]
    seed: u64,
    /// Folder for what the engine gives of the layers: grad_input (N, C, H, W) in LAYER.npy, forward output (N, K, P, Q) in
    /// LAYER.output.npy, grad_weight (K, C/groups, R, S) in LAYER.grad_weight.npy; it is made where it does not exist.
    /// Where a value is wrong, nothing is written
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write what is of this layer alone; can be given several times
    #[arg(long = "layer", value_name = "LAYER", requires = "out")]
    layers: Vec<String>,
    /// Make a page, index.html, in this folder: when each job ran on the engine, layer by layer. Where a value is wrong,
    /// nothing is written
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run_network(args: RunNetwork) -> anyhow::Result<Outcome> {
    let source = NetworkSource::read(&args.network, args.engine.as_deref())?;
    let network = source.validate()?;
    let engine = &source.engine.engine;

    for task in network.tasks() {
        let step = &network.steps()[task.step];
        if let Some(short) = step.short_fifo(task.pass) {
            let of_pass = match network.passes() {
                [_] => String::new(),
                _ => format!(", {}", task.pass),
            };
            say(&format!(
                "warning: layer {:?}{of_pass}: {short}",
                step.name()
            ));
        }
    }

    let folder = args.network.parent().unwrap_or(Path::new(""));
    let arrays =
        NetworkArrays::read(&network, folder, args.seed).map_err(|error| source.at(error))?;
    let named = source.file.arrays().map(|array| folder.join(array));
    let named: Vec<PathBuf> = named.collect();
    let files = [&source.engine_path, &args.network]
        .into_iter()
        .chain(&named);
    let outputs = Outputs::new(args.overwrite, files.map(PathBuf::as_path));
    let results = match &args.out {
        Some(out) => results(&network, out, &args.layers, &outputs)?,
        None => Vec::new(),
    };
    let tracing = args.trace.begin(&outputs)?;
    let page = args.report.map(|folder| {
        make_folder(&folder)?;
        let path = folder.join(PAGE);
        outputs.check(&path).map(|()| path)
    });
    let page = page.transpose()?;

    let (ran, ends) = thread::scope(|scope| {
        // It needs nothing of the engine's results, so it runs while the model is compiled.
        let expected = scope.spawn(|| reference(&network, &arrays));
        let hardware = engine.hardware(Target::Generic);
        let model = {
            let _wait = Wait::new("compiling the Verilog with Verilator");
            let text = print_verilog(&hardware.module);
            match tracing {
                None => Simulated::model(engine, &hardware, &text, &cache()?)?,
                Some(_) => Simulated::traced_model(engine, &hardware, &text, &cache()?)?,
            }
        };
        let expected = joined(expected);
        let mut simulated = Simulated::new(&model, args.seed);
        if let Some(tracing) = &tracing {
            let Trace { path, from, cycles } = tracing.trace();
            simulated.instance().trace(&path, from, cycles)?;
        }
        let mut driver = Driver::open(engine, &hardware, simulated)?;
        let _wait = Wait::new("running the layers");
        let ran = run(&network, &mut driver, &arrays, &expected);
        if let Some(tracing) = &tracing {
            let instance = driver.device().instance();
            instance.end_trace();
            tracing.publish(&hardware.module, &outputs, Some(instance.cycle()))?;
        }
        let ran = ran?;
        // Only a page needs them, and an engine with a bus has none.
        let ends = page.as_ref().map(|_| driver.device().ends());
        anyhow::Ok((ran, ends.transpose()?))
    })?;

    let report = &ran.report;
    for row in &report.layers {
        if let Some(first) = &row.first_mismatch {
            say(&format!("mismatch in layer {:?}: {first}", row.name));
        }
    }
    if report.mismatches == 0 {
        let tasks = network.tasks();
        for (index, path) in results {
            let task = tasks[index];
            let layer = network.steps()[task.step].tiling(task.pass).layer();
            let array = result_of(layer, ran.results[index].view()).to_owned();
            npy::write(&path, &array, layer.sum_bits())?;
            outputs.remember(&path);
            say(&format!("wrote {}", path.display()));
        }
    }
    if let Some(path) = page.filter(|_| report.mismatches == 0) {
        let spans = ends
            .and_then(|ends| job_spans(&network, &ends))
            .ok_or_else(|| anyhow!("the engine's streams have not the frames of the jobs"))?;
        let text = sealed(&network_page(report, engine.name(), &spans), "html");
        let staged = outputs.stage_text(&path, &text)?;
        staged.publish().map_err(cannot_write(&path))?;
        say(&format!("wrote {}", path.display()));
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

/// Where the results of which tasks go, of all layers if no name is given. Asked before the simulation, which may be long.
fn results(
    network: &Network,
    out: &Path,
    names: &[String],
    outputs: &Outputs,
) -> anyhow::Result<Vec<(usize, PathBuf)>> {
    let known: Vec<&str> = network.steps().iter().map(|step| step.name()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!(
            "`--layer` is {name:?}, and no layer is called that; they are {}",
            known.join(", ")
        );
    }
    make_folder(out)?;
    let mut results: Vec<(usize, PathBuf)> = Vec::new();
    for (index, task) in network.tasks().into_iter().enumerate() {
        let name = known[task.step];
        if !(names.is_empty() || names.iter().any(|wanted| wanted == name)) {
            continue;
        }
        let mut parts = Path::new(name).components();
        let only = (parts.next(), parts.next());
        if !matches!(only, (Some(Component::Normal(part)), None) if part == name) {
            bail!("layer {name:?} cannot be the name of a file: call it otherwise, or choose others by `--layer`");
        }
        let path = out.join(match task.pass {
            Pass::GradInput => format!("{name}.npy"),
            Pass::Forward => format!("{name}.output.npy"),
            Pass::GradWeight => format!("{name}.grad_weight.npy"),
        });
        if results.iter().any(|(_, other)| *other == path) {
            bail!(
                "{} would be the file of two arrays: call layer {name:?} otherwise",
                path.display()
            );
        }
        outputs.check(&path)?;
        results.push((index, path));
    }
    Ok(results)
}

//! `bpa bench`: a list of layers measured.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use serde::Serialize;

use super::engine_source::EngineSource;
use super::frames::{frame_fits, frames_at_once};
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::parallel::{in_parallel, processors, Task};
use super::progress::{Unit, Wait};
use super::{cache, code_of, print, say, Outcome};
use crate::bench::{
    chart, engine_table, expected_cycles, measure, tables, EngineBench, EngineError, EngineRow,
    Options, Row, Style, LAYERS,
};
use crate::internal_error::caught;
use crate::layer::{Layer, LayerError, LayerFile};
use crate::layer_list::{self, Lanes};
use crate::number::integer;
use crate::programmable::Tiling;
use crate::run::RunError;
use crate::seal::sealed;
use crate::table_file::{read_text, KeyLines};

#[derive(Args, Debug)]
pub(super) struct Bench {
    /// List of layers (TOML), each a `[[layer]]` with `name`, `lanes = [simd, pe]` and the keys of a layer file's `[layer]`;
    /// without it, the layers of the project's own figures
    #[arg(long, value_name = "FILE")]
    layers: Option<PathBuf>,
    /// Measure them all on the programmable engine of this file (TOML), in tiles where they need it; the list's lanes do
    /// not count then
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_zero_insertion", "chart"])]
    engine: Option<PathBuf>,
    /// Measure another pass of all of them; where one has too few channels for its lanes, the two kinds change places
    #[arg(long, value_name = "grad_input|forward|grad_weight")]
    pass: Option<String>,
    /// Images of a batch, for grad_weight
    #[arg(long, value_name = "N", value_parser = integer::<i64, _>(..), requires = "pass")]
    batch: Option<i64>,
    /// Frames, back to back, on which each layer is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = integer(3..=1000_u64))]
    frames: u64,
    /// Do not run layers with a stride once more with inserted zeros, which takes most of the time
    #[arg(long)]
    no_zero_insertion: bool,
    /// Layers measured at the same time; with one, times are the most exact [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = integer(1_usize..))]
    jobs: Option<usize>,
    /// Draw the cycles as an SVG
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Print the tables as Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    version: &'static str,
    layers: &'a [Row],
    failed: &'a [Failed],
}

/// What `--json` prints of one engine.
#[derive(Serialize)]
struct EngineJson<'a> {
    version: &'static str,
    engine: &'a str,
    layers: &'a [EngineRow],
    failed: &'a [Failed],
}

/// A layer that gave no figures; as JSON, with these names.
#[derive(Serialize)]
struct Failed {
    name: String,
    error: String,
    #[serde(skip)]
    code: u8,
}

impl Failed {
    fn new(name: &str, error: &anyhow::Error) -> Self {
        Failed {
            name: name.to_owned(),
            error: error.to_string(),
            code: code_of(error),
        }
    }
}

impl Bench {
    fn style(&self) -> Style {
        match self.markdown {
            true => Style::Markdown,
            false => Style::Terminal,
        }
    }

    /// The layer in the pass that is asked for, if one is.
    fn of_pass(&self, file: &LayerFile) -> LayerFile {
        let mut file = file.clone();
        file.layer.pass = self.pass.clone().or(file.layer.pass);
        file.layer.batch = self.batch.or(file.layer.batch);
        file
    }

    fn jobs(&self) -> usize {
        self.jobs.unwrap_or_else(processors)
    }
}

pub(super) fn bench(args: Bench) -> anyhow::Result<Outcome> {
    if let Some(path) = &args.engine {
        return bench_engine(&args, path);
    }
    let layers = layers(&args)?;
    for layer in &layers {
        frame_fits(layer).map_err(|error| anyhow!("layer {:?}: {error}", layer.name()))?;
    }
    let outputs = Outputs::new(args.overwrite, args.layers.as_deref());
    if let Some(path) = &args.chart {
        outputs.check(path)?;
    }
    let cache = cache()?;
    let options = Options {
        frames: args.frames as usize,
        zero_insertion: !args.no_zero_insertion,
        cache: &cache,
    };
    let measured = measure_all(&layers, &options, args.jobs())?;
    let mut failed = Vec::new();
    let rows = rows(layers.iter().map(Layer::name), measured, &mut failed);

    if args.json {
        let version = env!("CARGO_PKG_VERSION");
        let json = serde_json::to_string(&Json {
            version,
            layers: &rows,
            failed: &failed,
        })?;
        print(&format!("{json}\n"))?;
    } else if !rows.is_empty() {
        print(&tables(&rows, args.style()))?;
    }
    if let Some(path) = args.chart.as_ref().filter(|_| !rows.is_empty()) {
        let staged = outputs.stage_text(path, &sealed(&chart(&rows), "svg"))?;
        staged.publish().map_err(cannot_write(path))?;
    }
    let faults = rows.iter().map(|row| (row.name.as_str(), row.faults()));
    Ok(outcome(faults, &failed))
}

/// The layers on one programmable engine.
fn bench_engine(args: &Bench, path: &Path) -> anyhow::Result<Outcome> {
    let engine = EngineSource::read(path)?;
    engine.check_gives_sums()?;
    engine.check_has_streams()?;
    let engine = engine.engine;
    let engine_text = engine.to_file().to_toml();
    let about = |file: &LayerFile| format!("{engine_text}\n{}", file.to_toml());
    let mut layers = Vec::new();
    let mut failed = Vec::new();
    let list = List::read(args.layers.as_deref(), Lanes::OfAnEngine)?;
    for (index, file) in list.files.iter().enumerate() {
        let tiling = || {
            let layer = engine.layer(args.of_pass(file).layer);
            layer.and_then(|layer| engine.tiling(&layer, args.frames))
        };
        match caught(|| about(file), tiling) {
            Ok(Ok(tiling)) => {
                frames_at_once(tiling.layer(), args.frames)?;
                layers.push((file, tiling));
            }
            Ok(Err(error)) => return Err(list.at(index, error.key(), &error)),
            Err(error) => {
                say(&format!("{}: error: {error}", file.name));
                failed.push(Failed::new(&file.name, &error.into()));
            }
        }
    }
    let cache = cache()?;
    let bench = {
        let _wait = Wait::new("compiling the Verilog with Verilator");
        EngineBench::new(&engine, &cache)?
    };
    let task = |(file, tiling): &(&LayerFile, Tiling)| {
        let cycles = tiling.cycles(args.frames);
        Task {
            name: file.name.clone(),
            about: about(file),
            cycles,
            cost: cycles,
        }
    };
    let tasks: Vec<Task> = layers.iter().map(task).collect();
    let measured = in_parallel(
        &tasks,
        Unit::Cycles,
        args.jobs(),
        |index, progress| {
            let (file, tiling) = &layers[index];
            let row = bench.measure(&file.name, tiling, args.frames as usize);
            progress(tasks[index].cycles);
            row.map_err(|EngineError::Driver { reason, .. }| reason.into())
        },
        |row| Some(format!("{}: {:.4} x the bound", row.name, row.ratio)),
    )?;
    let names = layers.iter().map(|(file, _)| file.name.as_str());
    let rows = rows(names, measured, &mut failed);
    if args.json {
        let json = serde_json::to_string(&EngineJson {
            version: env!("CARGO_PKG_VERSION"),
            engine: engine.name(),
            layers: &rows,
            failed: &failed,
        })?;
        print(&format!("{json}\n"))?;
    } else if !rows.is_empty() {
        print(&engine_table(&rows, args.style()))?;
    }
    let faults = rows.iter().map(|row| (row.name.as_str(), row.faults()));
    Ok(outcome(faults, &failed))
}

/// Those that were measured; the others join `failed`.
fn rows<'a, R>(
    names: impl Iterator<Item = &'a str>,
    measured: Vec<anyhow::Result<R>>,
    failed: &mut Vec<Failed>,
) -> Vec<R> {
    let mut rows = Vec::new();
    for (name, measured) in names.zip(measured) {
        match measured {
            Ok(row) => rows.push(row),
            Err(error) => failed.push(Failed::new(name, &error)),
        }
    }
    rows
}

/// A list of layers, and where its keys stand.
struct List {
    files: Vec<LayerFile>,
    key_lines: KeyLines,
}

impl List {
    /// That of a file, or the project's own.
    fn read(path: Option<&Path>, lanes: Lanes) -> anyhow::Result<Self> {
        let (text, name) = match path {
            Some(path) => read_text(path)?,
            None => (LAYERS.to_owned(), "the built-in list".to_owned()),
        };
        let files = layer_list::parse_for(lanes, &text, &name)?;
        if files.is_empty() {
            bail!("{name}: the list holds no layer");
        }
        // Nobody has the built-in one open to look a line up.
        let key_lines = KeyLines::of(path.map_or("", |_| text.as_str()), &name);
        Ok(Self { files, key_lines })
    }

    /// An error of a layer, with its place and its layer's name.
    fn at(&self, index: usize, key: Option<String>, error: &dyn Display) -> anyhow::Error {
        let error = format!("layer {:?}: {error}", self.files[index].name);
        layer_list::at(&self.key_lines, index, key.as_deref(), error).into()
    }
}

fn layers(args: &Bench) -> anyhow::Result<Vec<Layer>> {
    let list = List::read(args.layers.as_deref(), Lanes::Own)?;
    let valid = |(index, file): (usize, &LayerFile)| {
        let layer = match &args.pass {
            None => file.validate(),
            Some(_) => on_its_lanes(args.of_pass(file)),
        };
        layer.map_err(|error| list.at(index, error.key(), &error))
    };
    list.files.iter().enumerate().map(valid).collect()
}

/// The layer in another pass, whose lanes it may have as they are or exchanged: what is added up in one pass is what is made
/// in another.
fn on_its_lanes(mut file: LayerFile) -> Result<Layer, LayerError> {
    let layer = file.validate();
    let Err(LayerError::Lanes { .. }) = layer else {
        return layer;
    };
    (file.engine.simd, file.engine.pe) = (file.engine.pe, file.engine.simd);
    file.validate().or(layer)
}

/// Measures the layers on so many threads; what failed with one, in its place.
fn measure_all(
    layers: &[Layer],
    options: &Options,
    jobs: usize,
) -> anyhow::Result<Vec<anyhow::Result<Row>>> {
    let task = |layer: &Layer| {
        let cycles = expected_cycles(layer, options);
        Task {
            name: layer.name().to_owned(),
            about: layer.to_file().to_toml(),
            cycles,
            cost: cycles * layer.multipliers(),
        }
    };
    let tasks: Vec<Task> = layers.iter().map(task).collect();
    let one = |index: usize, progress: &mut dyn FnMut(u64)| {
        let row = measure(&layers[index], options, progress);
        row.map_err(|error| match error {
            RunError::Simulator(error) => error.into(),
            RunError::Broken(broken) => broken.into(),
        })
    };
    in_parallel(&tasks, Unit::Cycles, jobs, one, |row| Some(line(row)))
}

/// A layer that is done, for people.
fn line(row: &Row) -> String {
    let compiled = match row.compile_seconds {
        Some(seconds) => format!("compiled in {seconds:.1} s"),
        None => "compiled before".to_owned(),
    };
    format!(
        "{}: {compiled}, checked in {:.2} s, {:.4} x the bound",
        row.name, row.check_seconds, row.ratio
    )
}

/// Says what is not as it should be: each with the layer's name. Of those that failed it has been said.
fn outcome<'a>(faults: impl Iterator<Item = (&'a str, Vec<String>)>, failed: &[Failed]) -> Outcome {
    let mut outcome = Outcome::Success;
    for (name, faults) in faults {
        for fault in faults {
            say(&format!("{name}: {fault}"));
            outcome = Outcome::Mismatch;
        }
    }
    // The graver the error, the greater its code.
    if let Some(code) = failed.iter().map(|failed| failed.code).max() {
        let names: Vec<&str> = failed.iter().map(|failed| failed.name.as_str()).collect();
        say(&format!("no figures of {}: see above", names.join(", ")));
        outcome = Outcome::Failed(code);
    }
    outcome
}

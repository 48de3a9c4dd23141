//! `bpa bench`: a list of layers measured.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{anyhow, bail};
use bpa_sim::Cache;
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use super::bpa::{can_write, frames};
use super::progress::cycle_bar;
use super::{print, say, Outcome};
use crate::atomic_file::write_whole;
use crate::bench::{chart, expected_cycles, measure, tables, Options, Row, Style, LAYERS};
use crate::layer::{Layer, LayerFile};
use crate::layer_list;
use crate::run::RunError;

#[derive(Args, Debug)]
pub(super) struct Bench {
    /// List of layers (TOML); without it, the layers of the project's own figures
    #[arg(long, value_name = "FILE")]
    layers: Option<PathBuf>,
    /// Frames, back to back, on which each layer is measured
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(3..=1000))]
    frames: u64,
    /// Do not run layers with a stride once more with inserted zeros, which takes most of the time
    #[arg(long)]
    no_zero_insertion: bool,
    /// Layers measured at the same time; with one, times are the most exact [default: one for each processor]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Draw the cycles as an SVG
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
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
}

pub(super) fn bench(args: Bench) -> anyhow::Result<Outcome> {
    let layers = layers(args.layers.as_deref())?;
    for layer in &layers {
        frames(layer, args.frames)?;
    }
    if let Some(path) = &args.chart {
        can_write(path)?;
    }
    let cache = Cache::from_env()?;
    let options = Options {
        frames: args.frames as usize,
        zero_insertion: !args.no_zero_insertion,
        cache: &cache,
    };
    let jobs = args.jobs.or(thread::available_parallelism().ok());
    let rows = measure_all(&layers, &options, jobs.map_or(1, NonZeroUsize::get))?;

    if args.json {
        let version = env!("CARGO_PKG_VERSION");
        let json = serde_json::to_string(&Json {
            version,
            layers: &rows,
        })?;
        print(&format!("{json}\n"))?;
    } else if args.markdown {
        print(&tables(&rows, Style::Markdown))?;
    } else {
        print(&tables(&rows, Style::Terminal))?;
    }
    if let Some(path) = &args.chart {
        write_whole(path, chart(&rows).as_bytes())
            .map_err(|reason| anyhow!("{}: cannot write: {reason}", path.display()))?;
    }
    Ok(outcome(&rows))
}

fn layers(path: Option<&Path>) -> anyhow::Result<Vec<Layer>> {
    let files = match path {
        Some(path) => layer_list::read(path)?,
        None => layer_list::parse(LAYERS, "the built-in list")?,
    };
    let valid = |file: &LayerFile| {
        let layer = file.validate();
        layer.map_err(|error| anyhow!("layer {:?}: {error}", file.name))
    };
    let layers: Vec<Layer> = files.iter().map(valid).collect::<Result<_, _>>()?;
    if layers.is_empty() {
        bail!("the list holds no layer");
    }
    Ok(layers)
}

/// Measures the layers on so many threads; the rows are in the order of the layers. Where one fails, no further one is
/// begun.
fn measure_all(layers: &[Layer], options: &Options, jobs: usize) -> anyhow::Result<Vec<Row>> {
    let expected = |layer: &Layer| expected_cycles(layer, options);
    // The longest first, so that no thread is left alone with one at the end.
    let mut order: Vec<usize> = (0..layers.len()).collect();
    order.sort_by_key(|&index| {
        std::cmp::Reverse(expected(&layers[index]) * layers[index].multipliers())
    });
    let bar = cycle_bar(layers.iter().map(expected).sum());
    bar.enable_steady_tick(Duration::from_millis(200));

    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results = Mutex::new(Vec::new());
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let row = measure(&layers[index], options, &mut |cycles| bar.inc(cycles));
            match &row {
                Ok(row) => {
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    tell(&bar, &format!("[{done}/{}] {}", layers.len(), line(row)));
                }
                Err(_) => failed.store(true, Ordering::Relaxed),
            }
            let mut results = results.lock().expect("no thread panics");
            results.push((index, row));
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(layers.len()) {
            scope.spawn(work);
        }
    });
    bar.finish_and_clear();

    let mut results = results.into_inner().expect("no thread panics");
    results.sort_by_key(|(index, _)| *index);
    let rows: Result<Vec<Row>, RunError> = results.into_iter().map(|(_, row)| row).collect();
    rows.map_err(|error| match error {
        RunError::Simulator(error) => error.into(),
        RunError::Broken(broken) => broken.into(),
    })
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

/// Above the bar, or where there is none, as a line of its own.
fn tell(bar: &ProgressBar, line: &str) {
    match bar.is_hidden() {
        true => say(line),
        false => bar.println(line),
    }
}

fn outcome(rows: &[Row]) -> Outcome {
    let mut outcome = Outcome::Success;
    for row in rows {
        for fault in row.faults() {
            say(&format!("{}: {fault}", row.name));
            outcome = Outcome::Mismatch;
        }
    }
    outcome
}

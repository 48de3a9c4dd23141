//! What is told on the way: a line an epoch on the output, and a bar on a terminal.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::engine::Totals;
use super::training::Epoch;

/// Shows a message on a terminal until it is dropped.
pub struct Wait(ProgressBar);

impl Wait {
    pub fn new(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_style(ProgressStyle::default_spinner())
            .with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

pub struct Report<W> {
    out: W,
    bar: ProgressBar,
    epochs: Vec<[Epoch; 2]>,
}

impl<W: Write> Report<W> {
    /// `batches` are those of both trainings.
    pub fn begin(mut out: W, batches: u64, seed: u64) -> anyhow::Result<Self> {
        let style = "{bar:30} {pos} of {len} batches, {eta} left";
        let style = ProgressStyle::with_template(style).expect("the template is well-formed");
        // Hidden where standard error is no terminal.
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(Some(batches), target).with_style(style);
        writeln!(out, "seed {seed}")?;
        writeln!(out, "{:5}  {:^19}  {:^19}", "", "float", "engine, int8")?;
        let columns = format!("{:>8} {:>10}", "loss", "accuracy");
        writeln!(out, "epoch  {columns}  {columns}")?;
        Ok(Self {
            out,
            bar,
            epochs: Vec::new(),
        })
    }

    pub fn batch(&self) {
        self.bar.inc(1);
    }

    pub fn epoch(&mut self, float: Epoch, engine: Epoch) -> anyhow::Result<()> {
        self.epochs.push([float, engine]);
        let [float, engine] = [float, engine]
            .map(|epoch| format!("{:8.4} {:8.1} %", epoch.loss, 100.0 * epoch.accuracy));
        let (number, out) = (self.epochs.len(), &mut self.out);
        let written = || {
            writeln!(out, "{number:5}  {float}  {engine}")?;
            out.flush()
        };
        self.bar.suspend(written)?;
        Ok(())
    }

    pub fn end(mut self, totals: &Totals, chart: &Path) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        if let Some([float, engine]) = self.epochs.last() {
            let points = 100.0 * (engine.accuracy - float.accuracy);
            writeln!(self.out, "engine - float: {points:+.1} points of accuracy")?;
        }
        let percent = 100.0 * totals.saturations as f64 / totals.values.max(1) as f64;
        writeln!(
            self.out,
            "from the engine: {} values in {} cycles, {percent:.4} % saturated",
            HumanCount(totals.values),
            HumanCount(totals.cycles)
        )?;
        writeln!(self.out, "{}", chart.display())?;
        Ok(())
    }
}

//! `--trace`: waveforms of a run, with the files that show them in order.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use bpa_hdl::rtl::Module;
use clap::Args;
use tempfile::TempDir;

use super::outputs::{cannot_write, Outputs};
use super::say;
use crate::number::integer;
use crate::trace::{groups, gtkwave, surfer, Trace};

/// How the file must end: viewers tell formats by that.
const ENDING: &str = "fst";

#[derive(Args, Debug)]
pub(super) struct TraceArgs {
    /// Write waveforms to this file, which ends in .fst; beside it come a save file for GTKWave (.gtkw) and a command file for
    /// Surfer (.sucl), with the signals in groups
    #[arg(long, value_name = "FILE.fst")]
    trace: Option<PathBuf>,
    /// The first cycle in it, counted from the end of the reset
    #[arg(long, value_name = "CYCLE", default_value_t = 0, requires = "trace", value_parser = integer(0..=u64::MAX))]
    trace_from: u64,
    /// How many cycles it holds, in place of all that come
    #[arg(long, value_name = "N", requires = "trace", value_parser = integer(1_u64..))]
    trace_cycles: Option<u64>,
}

impl TraceArgs {
    /// What is to be written, if anything.
    ///
    /// # Errors
    /// A file cannot be written, or must not be.
    pub(super) fn begin(&self, outputs: &Outputs) -> anyhow::Result<Option<Tracing>> {
        let Some(path) = &self.trace else {
            return Ok(None);
        };
        ensure!(
            path.extension().is_some_and(|ending| ending == ENDING),
            "`--trace` is {}: the name of a file of waveforms ends in .{ENDING}",
            path.display()
        );
        let tracing = Tracing {
            path: path.clone(),
            folder: tempfile::tempdir().map_err(cannot_write(&std::env::temp_dir()))?,
            from: self.trace_from,
            cycles: self.trace_cycles.unwrap_or(u64::MAX),
        };
        for file in [path, &tracing.gtkwave(), &tracing.surfer()] {
            outputs.check(file)?;
        }
        Ok(Some(tracing))
    }
}

/// Waveforms that are on their way: they come to their place when the run is over.
pub(super) struct Tracing {
    path: PathBuf,
    folder: TempDir,
    from: u64,
    cycles: u64,
}

impl Tracing {
    /// What the simulation writes.
    pub(super) fn trace(&self) -> Trace {
        Trace {
            path: self.folder.path().join("run.fst"),
            from: self.from,
            cycles: self.cycles,
        }
    }

    fn gtkwave(&self) -> PathBuf {
        self.path.with_extension("gtkw")
    }

    fn surfer(&self) -> PathBuf {
        self.path.with_extension("sucl")
    }

    /// Puts the file and those beside it in their places. `cycles` is how many the run took; `None` where it did not get
    /// so far as to tell.
    ///
    /// # Errors
    /// The run was over before the first cycle that was asked for, or a file cannot be written.
    pub(super) fn publish(
        &self,
        engine: &Module,
        outputs: &Outputs,
        cycles: Option<u64>,
    ) -> anyhow::Result<()> {
        if let Some(cycles) = cycles.filter(|cycles| *cycles <= self.from) {
            bail!(
                "`--trace-from` is {}, but the run was over after {cycles} cycles: no waveforms were written",
                self.from
            );
        }
        let mut staged = outputs.stage(&self.path, None)?;
        let copied =
            File::open(self.trace().path).and_then(|mut file| io::copy(&mut file, &mut staged));
        copied.map_err(cannot_write(&self.path))?;
        staged.publish().map_err(cannot_write(&self.path))?;
        let groups = groups(engine);
        self.beside(&self.gtkwave(), &gtkwave(&groups), outputs)?;
        self.beside(&self.surfer(), &surfer(&groups), outputs)?;
        outputs.remember(&self.path);
        say(&format!("wrote {}", self.path.display()));
        Ok(())
    }

    fn beside(&self, path: &Path, text: &str, outputs: &Outputs) -> anyhow::Result<()> {
        let staged = outputs.stage_text(path, text)?;
        staged.publish().map_err(cannot_write(path))?;
        outputs.remember(path);
        Ok(())
    }
}

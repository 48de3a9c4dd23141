//! Signs of life on a terminal, for what takes longer than a moment.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is over sooner shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// The progress of a simulation in cycles.
pub(super) struct CycleProgress {
    started: Instant,
    expected: u64,
    bar: Option<ProgressBar>,
}

impl CycleProgress {
    /// `expected` cycles stand for the whole.
    pub(super) fn new(expected: u64) -> Self {
        Self {
            started: Instant::now(),
            expected,
            bar: None,
        }
    }

    /// Shows that so many cycles were run.
    pub(super) fn at(&mut self, cycles: u64) {
        if self.bar.is_none() && self.started.elapsed() > PATIENCE && io::stderr().is_terminal() {
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(self.expected), target)
                .with_style(cycle_style())
                .with_elapsed(self.started.elapsed());
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            // Stalls are random: a run may be longer than was expected.
            if cycles > self.expected {
                bar.set_length(cycles);
            }
            bar.set_position(cycles);
        }
    }
}

impl Drop for CycleProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn cycle_style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{bar:30} {human_pos} of {human_len} cycles, {per_sec}, {eta} left",
    )
    .expect("the template is well-formed")
    .with_key(
        "per_sec",
        |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let rate = indicatif::HumanCount(state.per_sec() as u64);
            let _ = write!(out, "{rate} cycles/s");
        },
    )
}

/// Shows `what` on a terminal, if it takes long, until the value is dropped.
pub(super) struct Wait(Option<ProgressBar>);

impl Wait {
    pub(super) fn new(what: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_message(what)
            .with_style(ProgressStyle::default_spinner());
        // The first tick, which draws it, comes after that time.
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

//! Signs of life on a terminal, for what takes longer than a moment.

use std::fmt;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{
    HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

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

/// The progress of several simulations together, in cycles; hidden where standard error is no terminal.
pub(super) fn cycle_bar(expected: u64) -> ProgressBar {
    ProgressBar::with_draw_target(Some(expected), ProgressDrawTarget::stderr())
        .with_style(cycle_style())
}

fn cycle_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} cycles, {rate}, {left} left")
        .expect("the template is well-formed")
        .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
            let _ = write!(out, "{} cycles/s", HumanCount(rate(state) as u64));
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn fmt::Write| {
            let cycles = state.len().unwrap_or(0).saturating_sub(state.pos());
            let left = Duration::from_secs_f64(cycles as f64 / rate(state));
            let _ = write!(out, "{}", HumanDuration(left));
        })
}

/// Cycles a second since the beginning; the library's own rate takes the bar's first position for a leap.
fn rate(state: &ProgressState) -> f64 {
    // At least one, so that it can be divided by.
    (state.pos() as f64 / state.elapsed().as_secs_f64()).max(1.0)
}

/// Shows `what` on a terminal until the value is dropped.
pub(super) struct Wait(Option<ProgressBar>);

impl Wait {
    pub(super) fn new(what: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_message(what)
            .with_style(ProgressStyle::default_spinner());
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

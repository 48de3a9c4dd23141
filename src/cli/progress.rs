//! Signs of life for what takes longer than a moment: a bar on a terminal, elsewhere a line now and then.

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{
    HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

use super::say;

/// What is over sooner shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Where standard error is no terminal, the first line comes after this time, and others as long after the one before.
const PAUSE: Duration = Duration::from_secs(15);

/// The progress of a simulation in cycles.
pub(super) struct CycleProgress {
    started: Instant,
    expected: u64,
    bar: Option<ProgressBar>,
    lines: Lines,
}

impl CycleProgress {
    /// `expected` cycles stand for the whole.
    pub(super) fn new(expected: u64) -> Self {
        Self {
            started: Instant::now(),
            expected,
            bar: None,
            lines: Lines::default(),
        }
    }

    /// Shows that so many cycles were run.
    pub(super) fn at(&mut self, cycles: u64) {
        let elapsed = self.started.elapsed();
        if !io::stderr().is_terminal() {
            if self.lines.are_due(elapsed) {
                say(&cycle_line(cycles, self.expected, elapsed));
            }
            return;
        }
        if self.bar.is_none() && elapsed > PATIENCE {
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(self.expected), target)
                .with_style(cycle_style())
                .with_elapsed(elapsed);
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

/// What a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Simulated cycles, with how many there are in a second.
    Cycles,
    /// Points of an exploration.
    Points,
}

/// The progress of several tasks together.
pub(super) struct SharedProgress {
    /// Hidden where standard error is no terminal.
    bar: ProgressBar,
    unit: Unit,
    lines: Mutex<Lines>,
}

impl SharedProgress {
    /// So many units stand for the whole.
    pub(super) fn new(expected: u64, unit: Unit) -> Self {
        let bar = ProgressBar::with_draw_target(Some(expected), ProgressDrawTarget::stderr())
            .with_style(match unit {
                Unit::Cycles => cycle_style(),
                Unit::Points => point_style(),
            });
        bar.enable_steady_tick(Duration::from_millis(200));
        let lines = Mutex::default();
        Self { bar, unit, lines }
    }

    /// Shows that so many units more are done.
    pub(super) fn inc(&self, units: u64) {
        self.bar.inc(units);
        let elapsed = self.bar.elapsed();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bar.is_hidden() && lines.are_due(elapsed) {
            let (position, expected) = (self.bar.position(), self.bar.length().unwrap_or(0));
            say(&match self.unit {
                Unit::Cycles => cycle_line(position, expected, elapsed),
                Unit::Points => point_line(position, expected, elapsed),
            });
        }
    }

    /// Says a line above the bar or, where there is none, on its own.
    pub(super) fn tell(&self, line: &str) {
        match self.bar.is_hidden() {
            true => say(line),
            false => self.bar.println(line),
        }
    }

    /// Nothing more is shown.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// When the last line was said.
#[derive(Debug, Default)]
struct Lines {
    last: Duration,
}

impl Lines {
    /// Whether it is time for another, which is then said.
    fn are_due(&mut self, elapsed: Duration) -> bool {
        let are_due = elapsed >= self.last + PAUSE;
        if are_due {
            self.last = elapsed;
        }
        are_due
    }
}

/// What the bar shows, as a line.
fn cycle_line(cycles: u64, expected: u64, elapsed: Duration) -> String {
    // Stalls are random: a run may be longer than was expected.
    let expected = expected.max(cycles);
    let rate = rate(cycles, elapsed);
    let left = Duration::from_secs_f64((expected - cycles) as f64 / rate);
    format!(
        "{} of {} cycles, {} cycles/s, {} left",
        HumanCount(cycles),
        HumanCount(expected),
        HumanCount(rate as u64),
        HumanDuration(left)
    )
}

fn cycle_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} cycles, {rate}, {left} left")
        .expect("the template is well-formed")
        .with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
            let _ = write!(
                out,
                "{} cycles/s",
                HumanCount(rate(state.pos(), state.elapsed()) as u64)
            );
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn fmt::Write| {
            let cycles = state.len().unwrap_or(0).saturating_sub(state.pos());
            let left = Duration::from_secs_f64(cycles as f64 / rate(state.pos(), state.elapsed()));
            let _ = write!(out, "{}", HumanDuration(left));
        })
}

/// What a bar of points shows, as a line.
fn point_line(points: u64, expected: u64, elapsed: Duration) -> String {
    format!(
        "{} of {} points, {} left",
        HumanCount(points),
        HumanCount(expected),
        HumanDuration(time_left(points, expected, elapsed))
    )
}

fn point_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} points, {left} left")
        .expect("the template is well-formed")
        .with_key("left", |state: &ProgressState, out: &mut dyn fmt::Write| {
            let left = time_left(state.pos(), state.len().unwrap_or(0), state.elapsed());
            let _ = write!(out, "{}", HumanDuration(left));
        })
}

/// As long for each as for those before; of the first, what it took up to now.
fn time_left(points: u64, expected: u64, elapsed: Duration) -> Duration {
    let left = expected.saturating_sub(points) as f64;
    elapsed.mul_f64(left / points.max(1) as f64)
}

/// Cycles a second since the beginning; the library's own rate takes the bar's first position for a leap.
fn rate(cycles: u64, elapsed: Duration) -> f64 {
    // At least one, so that it can be divided by.
    (cycles as f64 / elapsed.as_secs_f64()).max(1.0)
}

/// Shows `what` until the value is dropped: on a terminal at once, elsewhere as a line now and then.
pub(super) struct Wait {
    bar: Option<ProgressBar>,
    lines: Option<WaitLines>,
}

/// A thread that says lines until its channel is closed.
struct WaitLines {
    open: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Wait {
    pub(super) fn new(what: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            let lines = Some(WaitLines::new(what, PAUSE, say));
            return Self { bar: None, lines };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_message(what)
            .with_style(ProgressStyle::default_spinner());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar: Some(bar),
            lines: None,
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.lines = None;
    }
}

impl WaitLines {
    fn new(what: &'static str, pause: Duration, say: impl Fn(&str) + Send + 'static) -> Self {
        let (open, closed) = mpsc::channel::<()>();
        let started = Instant::now();
        let thread = thread::spawn(move || {
            while closed.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                say(&format!("{what}: {} s so far", started.elapsed().as_secs()));
            }
        });
        Self {
            open: Some(open),
            thread: Some(thread),
        }
    }
}

impl Drop for WaitLines {
    fn drop(&mut self) {
        // Closed first, so that there is an end to wait for; then nothing is said any more.
        self.open = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_now_and_then() {
        let mut lines = Lines::default();
        let times = [1, 14, 15, 16, 29, 31, 45, 46, 47];
        let said = times.map(|seconds| lines.are_due(Duration::from_secs(seconds)));
        let [y, n] = [true, false];
        assert_eq!(said, [n, n, y, n, n, y, n, y, n]);
    }

    #[test]
    fn what_is_waited_for_is_said_now_and_then_until_the_end() {
        let (said, lines) = mpsc::channel();
        let say = move |line: &str| said.send(line.to_owned()).unwrap();
        let wait = WaitLines::new("waiting", Duration::from_millis(1), say);
        for _ in 0..3 {
            assert_eq!(lines.recv().unwrap(), "waiting: 0 s so far");
        }
        drop(wait);
        // With the thread its end of the channel has gone.
        assert!(lines.into_iter().all(|line| line == "waiting: 0 s so far"));
    }

    #[test]
    fn a_line_of_points_says_how_far_and_how_long() {
        let line = |points| point_line(points, 8, Duration::from_secs(30));
        assert_eq!(line(2), "2 of 8 points, 2 minutes left");
        assert_eq!(line(0), "0 of 8 points, 4 minutes left");
        assert_eq!(line(8), "8 of 8 points, 0 seconds left");
    }

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let line = cycle_line(3_000_000, 9_000_000, Duration::from_secs(20));
        assert_eq!(
            line,
            "3,000,000 of 9,000,000 cycles, 150,000 cycles/s, 40 seconds left"
        );
        let longer = cycle_line(12, 10, Duration::from_secs(2));
        assert_eq!(longer, "12 of 12 cycles, 6 cycles/s, 0 seconds left");
    }
}

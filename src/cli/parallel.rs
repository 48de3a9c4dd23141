//! Long tasks side by side, with one bar for all of them.

use std::cmp::Reverse;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

use bpa_sim::SimError;

use super::progress::{SharedProgress, Unit};
use crate::internal_error::caught;
use crate::synth::SynthError;

/// As many tasks at a time as there are processors.
pub(super) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// What is known of a task beforehand.
pub(super) struct Task {
    /// What people call it.
    pub(super) name: String,
    /// The text of what it works on, for whoever has to mend a panic.
    pub(super) about: String,
    /// What it adds to the bar: cycles that it simulates, roughly, or one.
    pub(super) cycles: u64,
    /// What it takes, in any unit.
    pub(super) cost: u64,
}

/// Does the tasks on so many threads, and tells each that is done by a line, where there is one; the results are in the
/// order of the tasks. Where one fails, or panics, the others go on. `work` is given a task's number and what to call
/// with the cycles that it has run since it did so before.
///
/// # Errors
/// One failed by what none could do without; no further one is begun then.
pub(super) fn in_parallel<R: Send>(
    tasks: &[Task],
    unit: Unit,
    threads: usize,
    work: impl Fn(usize, &mut dyn FnMut(u64)) -> anyhow::Result<R> + Sync,
    line: impl Fn(&R) -> Option<String> + Sync,
) -> anyhow::Result<Vec<anyhow::Result<R>>> {
    // The longest first, so that no thread is left alone with one at the end.
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|&index| Reverse(tasks[index].cost));
    let bar = SharedProgress::new(tasks.iter().map(|task| task.cycles).sum(), unit);

    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results = Mutex::new(Vec::new());
    let thread = || {
        while !failed.load(Ordering::Relaxed) {
            let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let about = || tasks[index].about.clone();
            let result = caught(about, || work(index, &mut |cycles| bar.inc(cycles)));
            let result = result.unwrap_or_else(|error| Err(error.into()));
            if result.as_ref().is_err_and(fails_all) {
                failed.store(true, Ordering::Relaxed);
            } else {
                let told = match &result {
                    Ok(result) => line(result),
                    Err(error) => Some(format!("{}: error: {error}", tasks[index].name)),
                };
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if let Some(told) = told {
                    bar.tell(&format!("[{done}/{}] {told}", tasks.len()));
                }
            }
            let mut results = results.lock().expect("what may panic is caught before");
            results.push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(tasks.len()) {
            scope.spawn(thread);
        }
    });
    bar.finish();

    let mut results = results
        .into_inner()
        .expect("what may panic is caught before");
    results.sort_by_key(|(index, _)| *index);
    let results = results.into_iter().map(|(_, result)| match result {
        Err(error) if fails_all(&error) => Err(error),
        other => Ok(other),
    });
    results.collect()
}

/// Whether every other task would fail by the same: a tool is missing.
fn fails_all(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<SimError>()
        .is_some_and(SimError::is_of_the_machine)
        || error
            .downcast_ref::<SynthError>()
            .is_some_and(SynthError::is_of_the_machine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal_error::InternalError;

    fn tasks(count: usize) -> Vec<Task> {
        let task = |index| Task {
            name: format!("task {index}"),
            about: format!("text of {index}"),
            cycles: 1,
            cost: index as u64,
        };
        (0..count).map(task).collect()
    }

    #[test]
    fn a_task_that_fails_or_panics_leaves_the_others_alone() {
        let results = in_parallel(
            &tasks(5),
            Unit::Points,
            2,
            |index, _| match index {
                1 => anyhow::bail!("no result"),
                3 => panic!("a fault"),
                _ => Ok(index),
            },
            |index| Some(index.to_string()),
        );
        let results = results.unwrap();
        for (index, result) in results.iter().enumerate() {
            match (index, result) {
                (1, Err(error)) => assert_eq!(error.to_string(), "no result"),
                (3, Err(error)) => {
                    let text = error.downcast_ref::<InternalError>().unwrap().to_string();
                    assert!(
                        text.contains("a fault") && text.ends_with("text of 3"),
                        "{text}"
                    );
                }
                (_, result) => assert_eq!(*result.as_ref().unwrap(), index),
            }
        }
    }

    #[test]
    fn a_missing_tool_ends_them_all() {
        let done = AtomicUsize::new(0);
        let missing = || SimError::VerilatorMissing {
            program: "verilator".to_owned(),
        };
        let results = in_parallel(
            &tasks(5),
            Unit::Points,
            1,
            |_, _| {
                done.fetch_add(1, Ordering::Relaxed);
                Err::<(), _>(missing().into())
            },
            |()| None,
        );
        assert!(results.unwrap_err().to_string().contains("Verilator"));
        assert_eq!(done.into_inner(), 1);
    }
}

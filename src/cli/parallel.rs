//! Long tasks side by side, with one bar for all of them.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

use super::progress::SharedProgress;

/// What is known of a task beforehand.
pub(super) struct Task {
    /// Cycles that it simulates, roughly.
    pub(super) cycles: u64,
    /// What it takes, in any unit.
    pub(super) cost: u64,
}

/// Does the tasks on so many threads, and tells each that is done by a line; the results are in the order of the tasks.
/// Where one fails, no further one is begun. `work` is given a task's number and what to call with the cycles that it
/// has run since it did so before.
pub(super) fn in_parallel<R: Send, E: Send>(
    tasks: &[Task],
    threads: usize,
    work: impl Fn(usize, &mut dyn FnMut(u64)) -> Result<R, E> + Sync,
    line: impl Fn(&R) -> String + Sync,
) -> Result<Vec<R>, E> {
    // The longest first, so that no thread is left alone with one at the end.
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|&index| Reverse(tasks[index].cost));
    let bar = SharedProgress::new(tasks.iter().map(|task| task.cycles).sum());

    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results = Mutex::new(Vec::new());
    let thread = || {
        while !failed.load(Ordering::Relaxed) {
            let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let result = work(index, &mut |cycles| bar.inc(cycles));
            match &result {
                Ok(result) => {
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    bar.tell(&format!("[{done}/{}] {}", tasks.len(), line(result)));
                }
                Err(_) => failed.store(true, Ordering::Relaxed),
            }
            let mut results = results.lock().expect("no thread panics");
            results.push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.min(tasks.len()) {
            scope.spawn(thread);
        }
    });
    bar.finish();

    let mut results = results.into_inner().expect("no thread panics");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

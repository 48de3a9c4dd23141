//! When a network's jobs ran on its engine, from the ends of frames and sets on the engine's streams.

use serde::Serialize;

use super::Network;
use crate::driver::Ends;

/// A job, in cycles of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct JobSpan {
    /// Behind the last result of the job before; of the first job, with the first beat that the engine takes.
    pub begin: u64,
    /// When the last beat of what is stationary was taken: before `begin`, where that was given meanwhile.
    pub stationary: u64,
    /// When the last beat of what moves was taken.
    pub moving: u64,
    /// When the last result left.
    pub end: u64,
}

/// The jobs of each [task](Network::tasks), in order.
///
/// `None` where the streams have not the frames and sets of these jobs.
pub fn job_spans(network: &Network, ends: &Ends) -> Option<Vec<Vec<JobSpan>>> {
    let mut stationary = ends.stationary.iter().copied();
    let mut moving = ends.moving.iter().copied();
    let mut results = ends.results.iter().copied();
    let mut begin = ends.first;
    let mut tasks = Vec::new();
    for task in network.tasks() {
        let jobs = network.steps[task.step].tiling(task.pass).tiles().len();
        // The last of so many.
        let frames = network.frames_of(task).checked_sub(1)?;
        let mut spans = Vec::new();
        for _ in 0..jobs {
            let span = JobSpan {
                begin,
                stationary: stationary.next()?,
                moving: moving.nth(frames)?,
                end: results.nth(frames)? + 1,
            };
            begin = span.end;
            spans.push(span);
        }
        tasks.push(spans);
    }
    let over = stationary.next().is_none() && moving.next().is_none() && results.next().is_none();
    over.then_some(tasks)
}

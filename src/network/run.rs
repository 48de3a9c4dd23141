//! A network on an engine.

use super::chain::{Chain, BEGUN};
use super::{Network, NetworkArrays, Report, Row, Task};
use crate::compare::compare;
use crate::driver::{Begun, Coming, Device, Driver, DriverError};
use crate::operands::{moving_of, stationary_of};
use crate::reference::{Finished, StageArrays};
use crate::run::Arrays;
use ndarray::Array4;

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its figures.
    pub report: Report,
    /// What each [task](Network::tasks) made, from the engine: sums, by frames as they leave it.
    pub results: Vec<Array4<i64>>,
}

/// Runs the tasks one after the other, each on what the engine gave for those before it, and compares each with
/// `expected`, the [`reference`](super::reference) on the same arrays. What is stationary at first in a task is given while
/// the one before runs, and where it is known so is what moves.
///
/// # Errors
/// The engine refuses a job, stops, or cannot be reached.
///
/// # Panics
/// If the arrays are of another network, or the driver's engine is not the one that the network is valid for.
pub fn run<D: Device>(
    network: &Network,
    driver: &mut Driver<D>,
    arrays: &NetworkArrays,
    expected: &[Finished],
) -> Result<Ran, DriverError> {
    let tasks = network.tasks();
    let mut chain = Chain::new(network, arrays);
    let (mut rows, mut results) = (Vec::new(), Vec::new());
    let mut begun: Option<Begun> = None;
    let mut before = driver.busy_cycles()?;
    for (index, (&task, expected)) in tasks.iter().zip(expected).enumerate() {
        let mut saturated = chain.begin(task);
        let arrays = given(network, &chain, task);
        let next = tasks
            .get(index + 1)
            .map(|&next| ahead(network, &chain, next));
        let coming = next.as_ref().map(|next| Coming {
            tiling: network.steps[next.task.step].tiling(next.task.pass),
            frames: network.frames_of(next.task),
            weight: &next.stationary,
            moving: next.moving.as_ref(),
            stages: &next.stages,
        });
        let was_begun = begun.is_some();
        let tiling = network.steps[task.step].tiling(task.pass);
        let (result, begins) = driver.run_between(begun, tiling, &arrays, coming)?;
        begun = begins;
        let after = driver.cycles()?;
        saturated += chain.end(task, &result);
        let frames = network.frames_of(task) as u64;
        let comparison = compare(&result, &expected.result);
        saturated += expected.saturations;
        rows.push(Row::new(
            (&network.steps[task.step], task.pass),
            was_begun,
            frames,
            after - before,
            saturated,
            &comparison,
        ));
        before = after;
        results.push(result);
    }
    Ok(Ran {
        report: Report::new(network, rows),
        results,
    })
}

/// What the engine is given for a task that has begun.
fn given(network: &Network, chain: &Chain, task: Task) -> Arrays {
    let layer = network.steps[task.step].tiling(task.pass).layer();
    let taken = chain.taken(task);
    Arrays {
        moving: moving_of(layer, taken.moving.expect(BEGUN).clone()),
        stationary: stationary_of(layer, taken.stationary.expect(BEGUN).clone()),
        stages: chain.stages(task),
    }
}

/// What is known of a task before the one before it is done.
struct Ahead {
    task: Task,
    stationary: Array4<i32>,
    moving: Option<Array4<i32>>,
    stages: StageArrays,
}

fn ahead(network: &Network, chain: &Chain, task: Task) -> Ahead {
    let layer = network.steps[task.step].tiling(task.pass).layer();
    let taken = chain.taken(task);
    let stationary = taken
        .stationary
        .expect("weights are known, and gradients of the layer's pass before");
    Ahead {
        task,
        stationary: stationary_of(layer, stationary.clone()),
        moving: taken.moving.map(|moving| moving_of(layer, moving.clone())),
        stages: chain.stages(task),
    }
}

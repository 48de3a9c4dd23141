//! A network on an engine.

use super::chain::Gradients;
use super::{Network, NetworkArrays, Report, Row};
use crate::compare::compare;
use crate::driver::{Begun, Coming, Device, Driver, DriverError};
use crate::reference::StageArrays;
use crate::run::Arrays;
use ndarray::Array4;

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its figures.
    pub report: Report,
    /// grad_input (N, C, H, W) of every layer, from the engine.
    pub grad_inputs: Vec<Array4<i64>>,
}

/// Runs the layers one after the other, each on what the engine gave for those before it, and compares each with
/// `expected`, the [`reference`](super::reference) on the same arrays. The weights that a layer begins with are given
/// while the layer before runs.
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
    expected: &[Array4<i64>],
) -> Result<Ran, DriverError> {
    let mut gradients = Gradients::default();
    let mut rows = Vec::new();
    let stages = StageArrays::default();
    let steps = || network.steps().iter().zip(&arrays.weights);
    let mut coming = steps().skip(1).map(|(step, weight)| Coming {
        tiling: step.tiling(),
        frames: network.frames(),
        weight,
        stages: &stages,
    });
    let mut begun: Option<Begun> = None;
    let mut before = driver.busy_cycles()?;
    for ((step, weight), expected) in steps().zip(expected) {
        let joined = gradients.join(network, step, arrays);
        let arrays = Arrays {
            moving: joined.grad_output,
            stationary: weight.clone(),
            stages: StageArrays::default(),
        };
        let was_begun = begun.is_some();
        let (grad_input, begins) =
            driver.run_between(begun, step.tiling(), &arrays, coming.next())?;
        begun = begins;
        let after = driver.cycles()?;
        let cycles = after - before;
        before = after;
        let comparison = compare(&grad_input, expected);
        rows.push(Row::new(
            step,
            was_begun,
            network.frames() as u64,
            cycles,
            joined.saturated,
            &comparison,
        ));
        gradients.inputs.push(grad_input);
        gradients.outputs.push(arrays.moving);
    }
    Ok(Ran {
        report: Report::new(network, rows),
        grad_inputs: gradients.inputs,
    })
}

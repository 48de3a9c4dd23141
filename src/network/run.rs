//! A network on an engine.

use super::chain::{arrays, Gradients};
use super::{Network, Report, Row};
use crate::compare::compare;
use crate::driver::{Device, Driver, DriverError};
use ndarray::Array4;

/// Runs the layers one after the other, each on what the engine gave for those before it, and compares each with
/// `expected`, the [`reference`](super::reference) for the same seed.
///
/// # Errors
/// The engine refuses a job, stops, or cannot be reached.
///
/// # Panics
/// If `expected` is of another network, or the driver's engine is not the one that the network is valid for.
pub fn run<D: Device>(
    network: &Network,
    driver: &mut Driver<D>,
    seed: u64,
    expected: &[Array4<i64>],
) -> Result<Report, DriverError> {
    let mut gradients = Gradients::default();
    let mut rows = Vec::new();
    for (index, (step, expected)) in network.steps().iter().zip(expected).enumerate() {
        let joined = gradients.join(network, step, seed);
        let arrays = arrays(step, index, joined.grad_output, seed);
        let before = driver.busy_cycles()?;
        let grad_input = driver.run(step.tiling(), &arrays)?;
        let cycles = driver.busy_cycles()? - before;
        let comparison = compare(&grad_input, expected);
        rows.push(Row::new(
            step,
            network.frames() as u64,
            cycles,
            joined.saturated,
            &comparison,
        ));
        gradients.inputs.push(grad_input);
        gradients.outputs.push(arrays.grad_output);
    }
    Ok(Report::new(network, rows))
}

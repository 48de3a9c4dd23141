//! A programmable engine that holds the layers of a network.

use crate::network::{NetworkError, NetworkFile};
use crate::programmable::{EngineFile, NoFit};

/// Limits that are raised one after the other, at the most.
const MOST_STEPS: usize = 64;

/// The engine with its limits raised as far as the network needs; what it holds already stays as it is.
///
/// # Errors
/// The network is none, or no engine with these lanes holds it.
pub fn engine_for(network: &NetworkFile, engine: EngineFile) -> Result<EngineFile, NetworkError> {
    let mut file = engine;
    for _ in 0..MOST_STEPS {
        let engine = file.validate().map_err(NetworkError::Engine)?;
        let error = match network.validate(&engine) {
            Ok(_) => return Ok(file),
            Err(error) => error,
        };
        let NetworkError::Layer { reason, .. } = &error else {
            return Err(error);
        };
        let raised = match reason.as_ref() {
            NoFit::Limit {
                key, value, what, ..
            }
            | NoFit::Tile {
                key, value, what, ..
            } => raise(&mut file, key, *value, what),
            _ => false,
        };
        if !raised {
            return Err(error);
        }
    }
    let engine = file.validate().map_err(NetworkError::Engine)?;
    network.validate(&engine).map(|_| file)
}

/// Sets a limit of rows or columns, or of both, to the value. Whether there is such a limit.
fn raise(file: &mut EngineFile, key: &str, value: u64, what: &str) -> bool {
    let Ok(value) = i64::try_from(value) else {
        return false;
    };
    let axis = usize::from(what.contains("columns"));
    let limits = &mut file.limits;
    let limit = match key {
        "size" => &mut limits.size.0[axis],
        "kernel" => &mut limits.kernel.0[axis],
        "steps" => &mut limits.steps.0[axis],
        "weight_words" => &mut limits.weight_words,
        "line_words" => &mut limits.line_words,
        "zero_run" => &mut limits.zero_run,
        _ => return false,
    };
    let raised = *limit < value;
    *limit = value;
    raised
}

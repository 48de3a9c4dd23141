//! Which passes a network is run in, and what of its file they use.

use super::{NetworkError, NetworkFile};
use crate::layer::Pass;
use crate::programmable::ProgrammableEngine;

/// The passes that a file names, in the order of a training step; grad_input where it names none.
///
/// # Errors
/// One is none, or there twice, or takes what another gives that is not run; or the engine cannot take it.
pub(super) fn passes(
    names: Option<&[String]>,
    engine: &ProgrammableEngine,
) -> Result<Vec<Pass>, NetworkError> {
    let Some(names) = names else {
        return Ok(vec![Pass::GradInput]);
    };
    let mut found = Vec::new();
    for name in names {
        let pass = Pass::ALL.into_iter().find(|pass| pass.to_string() == *name);
        let pass = pass.ok_or_else(|| NetworkError::UnknownPass { name: name.clone() })?;
        if found.contains(&pass) {
            return Err(NetworkError::PassTwice { pass });
        }
        found.push(pass);
    }
    if found.is_empty() {
        return Err(NetworkError::NoPass);
    }
    let order = [Pass::Forward, Pass::GradInput, Pass::GradWeight];
    let runs = |pass: &Pass| found.contains(pass);
    if runs(&Pass::GradWeight) {
        if let Some(missing) = order.into_iter().find(|pass| !runs(pass)) {
            return Err(NetworkError::MissingPass { missing });
        }
        let (moving, stationary) = (engine.grad_type(), engine.weight_type());
        if stationary.bits() < moving.bits() {
            return Err(NetworkError::Narrow { moving, stationary });
        }
    }
    Ok(order.into_iter().filter(runs).collect())
}

/// Whether the arrays that the file names are taken by the passes.
///
/// # Errors
/// One is not.
pub(super) fn check_used(file: &NetworkFile, passes: &[Pass]) -> Result<(), NetworkError> {
    let unused = |key, layer: Option<&String>, pass| NetworkError::Unused {
        key,
        layer: layer.cloned(),
        pass,
    };
    if file.input.is_some() && !passes.contains(&Pass::Forward) {
        return Err(unused("input", None, Pass::Forward));
    }
    let given = |layer: &&super::LayerEntry| layer.grad_output.is_some();
    match file.layers.iter().find(given) {
        Some(layer) if !passes.contains(&Pass::GradInput) => {
            Err(unused("grad_output", Some(&layer.name), Pass::GradInput))
        }
        _ => Ok(()),
    }
}

//! What the layers of a network have beside their convolutions, and what an engine whose results are narrow asks of
//! them.

use std::path::PathBuf;

use serde::Deserialize;

use super::{LayerEntry, NetworkError, NetworkFile};
use crate::layer::{Engine, Pass};
use crate::programmable::{EngineError, NoFit, ProgrammableEngine, UsedStages};

/// The keys of a layer file's `[engine]` that a layer of a network can have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageKeys {
    /// What the values that it consumes count from.
    pub zero_point: i64,
    /// Whether each channel of its output has a bias, random where no file is given.
    pub bias: bool,
    /// Bits shifted out behind the scale; the engine's own by default.
    pub shift: Option<i64>,
    /// The value of the output that stands for zero.
    pub out_zero_point: Option<i64>,
    /// "relu", "relu6" or "clamp".
    pub activation: Option<String>,
    /// The least value of the output, of "clamp".
    pub out_min: Option<i64>,
    /// The greatest, of "clamp" and "relu6".
    pub out_max: Option<i64>,
}

/// What a layer uses of its engine's stages forward, and the files of its arrays.
#[derive(Clone, Debug, Default)]
pub(super) struct StepStages {
    pub used: UsedStages,
    pub bias: Option<PathBuf>,
    pub scale: Option<PathBuf>,
}

impl LayerEntry {
    /// What it asks of the engine, which is run in these passes.
    ///
    /// # Errors
    /// A value is none, it asks for what its passes or the engine cannot have, or a file is given that nothing takes.
    pub(super) fn stages(
        &self,
        engine: &ProgrammableEngine,
        passes: &[Pass],
    ) -> Result<StepStages, NetworkError> {
        let of_layer = |key| NetworkError::ForwardAlone {
            layer: self.name.clone(),
            key,
        };
        if passes != [Pass::Forward] {
            return match (&self.stages, &self.bias, &self.scale) {
                (Some(_), ..) => Err(of_layer("stages")),
                (_, Some(_), _) => Err(of_layer("bias")),
                (_, _, Some(_)) => Err(of_layer("scale")),
                _ => Ok(StepStages::default()),
            };
        }
        if self.scale.is_some() && engine.requantise().is_none() {
            return Err(NetworkError::NoScale {
                layer: self.name.clone(),
            });
        }
        let keys = self.stages.clone().unwrap_or_default();
        let of_engine = engine.to_file().engine;
        let engine = Engine {
            zero_point: keys.zero_point,
            bias: keys.bias || self.bias.is_some(),
            out_type: of_engine.out_type,
            scale_per: of_engine.scale_per,
            scale_bits: of_engine.scale_bits,
            shift: keys.shift.or(of_engine.shift),
            rounding: of_engine.rounding,
            out_zero_point: keys.out_zero_point,
            activation: keys.activation,
            out_min: keys.out_min,
            out_max: keys.out_max,
            ..Engine::default()
        };
        let used = UsedStages::of_file(&engine).map_err(|error| NetworkError::Layer {
            layer: self.name.clone(),
            reason: Box::new(NoFit::Layer(error)),
        })?;
        Ok(StepStages {
            used,
            bias: self.bias.clone(),
            scale: self.scale.clone(),
        })
    }
}

/// Whether what an engine makes narrow goes from layer to layer as it is: software between them would add and shift
/// values that count from zero points in units of their own.
///
/// # Errors
/// Another pass than forward is run, the type of results is not that of data, or a layer adds or shifts.
pub(super) fn check_narrow(
    file: &NetworkFile,
    engine: &ProgrammableEngine,
    passes: &[Pass],
) -> Result<(), NetworkError> {
    let Some(requantise) = engine.requantise() else {
        return Ok(());
    };
    let (out_type, grad_type) = (requantise.out_type, engine.grad_type());
    if passes != [Pass::Forward] {
        return Err(NetworkError::NarrowPasses { out_type });
    }
    if out_type != grad_type {
        return Err(NetworkError::Engine(EngineError::NarrowTypes {
            out_type,
            grad_type,
        }));
    }
    for layer in &file.layers {
        let adds = [
            ("skip", !layer.skip.is_empty()),
            ("shift", layer.shift != 0),
            ("output_shift", layer.output_shift != 0),
        ];
        if let Some((key, _)) = adds.into_iter().find(|(_, is_there)| *is_there) {
            return Err(NetworkError::NarrowSum {
                layer: layer.name.clone(),
                key,
            });
        }
    }
    Ok(())
}

/// Whether each layer takes the output of one other at most, where these are narrow.
///
/// # Errors
/// One takes the sum of several.
pub(super) fn check_single(
    steps: &[super::Step],
    engine: &ProgrammableEngine,
) -> Result<(), NetworkError> {
    if engine.requantise().is_none() {
        return Ok(());
    }
    for (index, step) in steps.iter().enumerate() {
        let mut gives = steps.iter().filter(|other| other.from.contains(&index));
        if let (Some(one), Some(other)) = (gives.next(), gives.next()) {
            return Err(NetworkError::NarrowInputs {
                layer: step.name.clone(),
                others: [one, other].map(|it| it.name.clone()),
            });
        }
    }
    Ok(())
}

//! What a layer uses of its engine's stages.

use super::{NoFit, ProgrammableEngine};
use crate::layer::{validate, Activation, Engine, Layer, LayerError};

/// How a layer uses what its engine has behind the accumulators, and ahead of the line buffer: none of it, and the
/// engine's own shift, by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UsedStages {
    /// What is subtracted from each value that moves; 0 is nothing.
    pub zero_point: i32,
    /// Each channel of the result has a bias.
    pub bias: bool,
    /// A stream of values is added to the results.
    pub accumulate: bool,
    /// A stream of bits says which results are kept.
    pub mask: bool,
    /// Bits shifted out behind the scale, in an engine that requantises; by default as many as its file says, which is
    /// the most.
    pub shift: Option<u32>,
    /// The result that stands for zero.
    pub out_zero_point: i32,
    /// What keeps results between two values, the least and the greatest.
    pub activation: Option<(Activation, [i32; 2])>,
}

impl UsedStages {
    /// As a layer file asks for them.
    ///
    /// # Errors
    /// What the file says of requantising is not valid, or a zero point has no type that holds it.
    pub fn of_file(engine: &Engine) -> Result<Self, LayerError> {
        let requantise = validate::requantise(engine)?;
        Ok(UsedStages {
            // Whether its type has it is told by the layer on the engine.
            zero_point: validate::any_value("engine.zero_point", engine.zero_point)?,
            bias: engine.bias,
            accumulate: engine.accumulate,
            mask: engine.mask,
            shift: requantise.map(|requantise| requantise.shift),
            out_zero_point: requantise.map_or(0, |it| it.zero_point),
            activation: requantise.and_then(|it| Some((it.activation?, it.bounds))),
        })
    }

    /// As a layer uses them.
    pub fn of(layer: &Layer) -> Self {
        let requantise = layer.requantise();
        UsedStages {
            zero_point: layer.zero_point(),
            bias: layer.bias(),
            accumulate: layer.accumulate(),
            mask: layer.mask(),
            shift: requantise.map(|requantise| requantise.shift),
            out_zero_point: requantise.map_or(0, |it| it.zero_point),
            activation: requantise.and_then(|it| Some((it.activation?, it.bounds))),
        }
    }

    /// Whether the engine has all of them, and this shift.
    ///
    /// # Errors
    /// The first that it has not.
    pub(super) fn check(&self, on: &ProgrammableEngine) -> Result<(), NoFit> {
        let scales = on.requantise.is_some();
        for (used, is_there, key, of_engine) in [
            (
                self.zero_point != 0,
                on.zero_point,
                "zero_point",
                "zero_point",
            ),
            (self.bias, on.stages.bias.is_some(), "bias", "bias"),
            (
                self.accumulate,
                on.stages.accumulate,
                "accumulate",
                "accumulate",
            ),
            (self.mask, on.stages.mask, "mask", "mask"),
            (self.shift.is_some(), scales, "out_type", "out_type"),
            (
                self.out_zero_point != 0,
                on.has_activation(),
                "out_zero_point",
                "activation",
            ),
            (
                self.activation.is_some(),
                on.has_activation(),
                "activation",
                "activation",
            ),
        ] {
            if used && !is_there {
                return Err(NoFit::Stage { key, of_engine });
            }
        }
        let Some((shift, requantise)) = self.shift.zip(on.requantise) else {
            return Ok(());
        };
        let (least, most) = (requantise.least_shift(), requantise.shift);
        match (least..=most).contains(&shift) {
            true => Ok(()),
            false => Err(NoFit::Shift { shift, least, most }),
        }
    }

    /// The same as a layer file for an engine says it.
    pub(super) fn tell(&self, engine: &mut Engine) {
        engine.zero_point = self.zero_point.into();
        engine.bias = self.bias;
        engine.accumulate = self.accumulate;
        engine.mask = self.mask;
        if let Some(shift) = self.shift {
            engine.shift = Some(shift.into());
        }
        engine.out_zero_point = Some(self.out_zero_point.into()).filter(|&point| point != 0);
        if let Some((activation, bounds)) = self.activation {
            engine.activation = Some(activation.to_string());
            [engine.out_min, engine.out_max] = activation.told(bounds);
        }
    }
}

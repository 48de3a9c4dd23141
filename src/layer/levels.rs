//! What values of the result's type mean in a quantised layer: the zero point, and the bounds of an activation.

use super::validate::perhaps_choice;
use super::{Activation, Engine, IntType, LayerError};

/// Zero point and bounds of the results.
pub(super) struct Levels {
    pub(super) zero_point: i32,
    pub(super) activation: Option<Activation>,
    /// The least result and the greatest.
    pub(super) bounds: [i32; 2],
}

/// Those that the file asks for.
///
/// # Errors
/// A value is none of the type's, a bound is missing or has no use, or none is left between the bounds.
pub(super) fn levels(engine: &Engine, out_type: IntType) -> Result<Levels, LayerError> {
    let value = |key, value: Option<i64>| value.map(|it| value_of(key, it, out_type)).transpose();
    let zero_point = value("engine.out_zero_point", engine.out_zero_point)?.unwrap_or(0);
    let activation: Option<Activation> = perhaps_choice("activation", &engine.activation)?;
    let least = value("engine.out_min", engine.out_min)?;
    let greatest = value("engine.out_max", engine.out_max)?;
    let bounds = match activation {
        None => {
            let reason = || "no activation has bounds".to_owned();
            refuse("out_min", engine.out_min, reason, "\"clamp\"")?;
            refuse("out_max", engine.out_max, reason, "\"relu6\" or \"clamp\"")?;
            [out_type.min(), out_type.max()]
        }
        Some(Activation::Relu) => {
            let reason = || "\"relu\" keeps what is not below `engine.out_zero_point`".to_owned();
            refuse("out_min", engine.out_min, reason, "\"clamp\"")?;
            refuse("out_max", engine.out_max, reason, "\"relu6\" or \"clamp\"")?;
            [zero_point, out_type.max()]
        }
        Some(activation @ Activation::Relu6) => {
            let reason = || "\"relu6\" begins at `engine.out_zero_point`".to_owned();
            refuse("out_min", engine.out_min, reason, "\"clamp\"")?;
            let six = "value of `engine.out_type` that stands for 6";
            [zero_point, needed("out_max", greatest, activation, six)?]
        }
        Some(activation @ Activation::Clamp) => [
            needed("out_min", least, activation, "least value that leaves")?,
            needed(
                "out_max",
                greatest,
                activation,
                "greatest value that leaves",
            )?,
        ],
    };
    let [least, greatest] = bounds;
    if least > greatest {
        return Err(LayerError::Bounds {
            key: match activation {
                Some(Activation::Clamp) => "out_min",
                _ => "out_zero_point",
            },
            least,
            greatest,
        });
    }
    Ok(Levels {
        zero_point,
        activation,
        bounds,
    })
}

/// The value, if it is one of the type's.
///
/// # Errors
/// It is not.
pub(super) fn value_of(
    key: &'static str,
    value: i64,
    int_type: IntType,
) -> Result<i32, LayerError> {
    let (least, greatest) = (int_type.min(), int_type.max());
    i32::try_from(value)
        .ok()
        .filter(|value| (least..=greatest).contains(value))
        .ok_or_else(|| LayerError::Range {
            key,
            item: format!(" ({int_type})"),
            value,
            least: least.into(),
            greatest: greatest.into(),
        })
}

fn needed(
    key: &'static str,
    bound: Option<i32>,
    activation: Activation,
    what: &'static str,
) -> Result<i32, LayerError> {
    bound.ok_or(LayerError::NoBound {
        key,
        flag: match key {
            "out_min" => "out-min",
            _ => "out-max",
        },
        activation,
        what,
    })
}

fn refuse(
    key: &'static str,
    bound: Option<i64>,
    reason: impl FnOnce() -> String,
    instead: &'static str,
) -> Result<(), LayerError> {
    match bound {
        None => Ok(()),
        Some(value) => Err(LayerError::UselessBound {
            key,
            value,
            reason: reason(),
            instead,
        }),
    }
}

//! The network file: what the user wrote, and its validation.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Network, NetworkError, Step};
use crate::layer::{Geometry, Layer, Pass};
use crate::programmable::ProgrammableEngine;
use crate::reference::{grad_input_shape, grad_output_shape, weight_shape};
use crate::table_file::{self, read_text, Kind};

/// Frames of a batch.
const MOST_FRAMES: i64 = 1000;
/// Bits that a sum may be shifted by: a sum has no more.
const MOST_SHIFT: i64 = 48;
/// Values of all arrays together: what memory holds.
const MOST_VALUES: u128 = 1 << 30;

/// A network file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkFile {
    /// What the network is called.
    pub name: String,
    /// File of the programmable engine, seen from the folder of this file.
    #[serde(default)]
    pub engine: Option<PathBuf>,
    /// Frames of the batch.
    #[serde(default = "one")]
    pub frames: i64,
    /// The layers, from the loss to the input.
    #[serde(default, rename = "layer")]
    pub layers: Vec<LayerEntry>,
}

fn one() -> i64 {
    1
}

/// A `[[layer]]` of a network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerEntry {
    /// What `from` and `skip` of later layers call it.
    pub name: String,
    /// Layers whose grad_input is added up to what this one consumes. With neither this nor `skip`, it is the layer
    /// before, and for the first one the gradient of the loss.
    #[serde(default)]
    pub from: Vec<String>,
    /// Layers whose grad_output is added as well: the way past them of a skip connection.
    #[serde(default)]
    pub skip: Vec<String>,
    /// Bits by which the sum over `from` is shifted to the right.
    #[serde(default)]
    pub shift: i64,
    /// File of its weights (.npy), seen from the folder of this file; without it they are random.
    #[serde(default)]
    pub weight: Option<PathBuf>,
    /// Of the first layer: file of the gradient of the loss (.npy), likewise.
    #[serde(default)]
    pub grad_output: Option<PathBuf>,
    /// The forward convolution, with the keys of a layer file's `[layer]`.
    pub conv: Geometry,
}

impl NetworkFile {
    /// The files of arrays that it names, seen from its folder.
    pub fn arrays(&self) -> impl Iterator<Item = &Path> {
        self.layers.iter().flat_map(|layer| {
            let files = [&layer.weight, &layer.grad_output];
            files.into_iter().flatten().map(PathBuf::as_path)
        })
    }

    /// Reads a network file.
    ///
    /// # Errors
    /// The file cannot be read, is one of another kind, is not TOML, has an unknown key or a value of another type.
    pub fn read(path: &Path) -> Result<Self, NetworkError> {
        let (text, file) = read_text(path)?;
        Self::parse(&text, &file)
    }

    /// Reads the text of a network file; `file` is what messages call it.
    ///
    /// # Errors
    /// As [`read`](Self::read), but for the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, NetworkError> {
        Ok(table_file::parse(text, file, Kind::Network)?)
    }

    /// Checks everything, and cuts the layers into tiles for the engine.
    ///
    /// # Errors
    /// The first mistake, in the order of the file.
    pub fn validate(&self, engine: &ProgrammableEngine) -> Result<Network, NetworkError> {
        let frames = in_range("frames", None, self.frames, 1, MOST_FRAMES)?;
        if self.layers.is_empty() {
            return Err(NetworkError::NoLayers);
        }
        let layers = self.valid_layers(engine, frames)?;
        let mut steps: Vec<Step> = Vec::new();
        let mut indices = HashMap::new();
        for (index, (entry, layer)) in self.layers.iter().zip(&layers).enumerate() {
            let name = &entry.name;
            if indices.contains_key(name.as_str()) {
                return Err(NetworkError::Twice { name: name.clone() });
            }
            if index == 0 && !(entry.from.is_empty() && entry.skip.is_empty() && entry.shift == 0) {
                return Err(NetworkError::First { name: name.clone() });
            }
            if index > 0 && entry.grad_output.is_some() {
                return Err(NetworkError::GradOutput { name: name.clone() });
            }
            let shift = in_range("shift", Some(name), entry.shift, 0, MOST_SHIFT)?;
            let find = |key: &'static str, others: &[String], shape: fn(&Layer) -> [usize; 3]| {
                let find = |other: &String| {
                    let found = indices.get(other.as_str()).copied();
                    let found = found.ok_or_else(|| NetworkError::Unknown {
                        layer: name.clone(),
                        key,
                        other: other.clone(),
                        known: steps.iter().map(|step| step.name.clone()).collect(),
                    })?;
                    fits(name, layer, key, other, shape(&layers[found]))?;
                    Ok::<_, NetworkError>(found)
                };
                others
                    .iter()
                    .map(find)
                    .collect::<Result<Vec<usize>, NetworkError>>()
            };
            let mut from = find("from", &entry.from, grad_input_shape)?;
            let skip = find("skip", &entry.skip, grad_output_shape)?;
            if index > 0 && from.is_empty() && skip.is_empty() {
                let before = [self.layers[index - 1].name.clone()];
                from = find("from", &before, grad_input_shape)?;
            }
            let tiling = engine.tiling(layer, u64::from(frames));
            let tiling = tiling.map_err(|reason| NetworkError::Layer {
                layer: name.clone(),
                reason: Box::new(reason),
            })?;
            steps.push(Step {
                name: name.clone(),
                short_fifo: engine.short_fifo(&tiling, u64::from(frames)),
                tiling,
                from,
                skip,
                shift,
                weight: entry.weight.clone(),
            });
            indices.insert(name.as_str(), index);
        }
        Ok(Network {
            name: self.name.clone(),
            frames: frames as usize,
            grad_output: self.layers[0].grad_output.clone(),
            steps,
        })
    }

    /// The layers by themselves, as far as memory can hold all their arrays.
    fn valid_layers(
        &self,
        engine: &ProgrammableEngine,
        frames: u32,
    ) -> Result<Vec<Layer>, NetworkError> {
        engine.check_gives_sums().map_err(NetworkError::Engine)?;
        let mut layers = Vec::new();
        let mut values = 0;
        for entry in &self.layers {
            let layer = engine.layer(entry.conv.clone());
            let layer = layer.map_err(|reason| NetworkError::Layer {
                layer: entry.name.clone(),
                reason: Box::new(reason),
            })?;
            if layer.pass() != Pass::GradInput {
                return Err(NetworkError::Pass {
                    layer: entry.name.clone(),
                    pass: layer.pass(),
                });
            }
            values += product(&weight_shape(&layer))
                + u128::from(frames)
                    * (product(&grad_output_shape(&layer)) + product(&grad_input_shape(&layer)));
            layers.push(layer);
        }
        match values > MOST_VALUES {
            true => Err(NetworkError::Memory {
                values,
                most: MOST_VALUES,
            }),
            false => Ok(layers),
        }
    }
}

fn product(shape: &[usize]) -> u128 {
    shape.iter().map(|&length| length as u128).product()
}

/// Whether a layer can consume what another gives, which has this shape.
fn fits(
    name: &str,
    layer: &Layer,
    key: &'static str,
    other: &str,
    found: [usize; 3],
) -> Result<(), NetworkError> {
    let wanted = grad_output_shape(layer);
    match found == wanted {
        true => Ok(()),
        false => Err(NetworkError::Shape {
            layer: name.to_owned(),
            other: other.to_owned(),
            array: match key {
                "from" => "grad_input",
                _ => "grad_output",
            },
            found,
            wanted,
        }),
    }
}

/// `least` and `greatest` must lie in the range of `u32`.
fn in_range(
    key: &'static str,
    layer: Option<&str>,
    value: i64,
    least: i64,
    greatest: i64,
) -> Result<u32, NetworkError> {
    u32::try_from(value)
        .ok()
        .filter(|_| (least..=greatest).contains(&value))
        .ok_or_else(|| NetworkError::Range {
            key,
            layer: layer.map(str::to_owned),
            value,
            least,
            greatest,
        })
}

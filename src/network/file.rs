//! The network file: what the user wrote, and its validation.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::passes::{check_used, passes};
use super::stages::{check_narrow, check_single, StageKeys, StepStages};
use super::{engine_pass, input_shape, output_shape, Network, NetworkError, Own, PassJobs, Step};
use crate::layer::{Geometry, Layer, Op, Pass};
use crate::programmable::{NoFit, ProgrammableEngine};
use crate::reference::weight_shape;
use crate::table_file::{self, read_text, Kind};

/// Frames of a batch.
const MOST_FRAMES: i64 = 1000;
/// Characters of a name.
const MOST_NAME: usize = 100;
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
    /// Passes that are run: "forward", "grad_input", "grad_weight"; the second alone by default.
    #[serde(default)]
    pub passes: Option<Vec<String>>,
    /// Where layers are run forward: file of the network's input (.npy), seen from the folder of this file; without it
    /// that is random.
    #[serde(default)]
    pub input: Option<PathBuf>,
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
    /// Bits by which what the layer gives forward is shifted to the right.
    #[serde(default)]
    pub output_shift: i64,
    /// What it takes for itself, and no other layer gives: "input" forward, "grad_output" backward. For layers between which
    /// stands what is no convolution.
    #[serde(default)]
    pub own: Vec<String>,
    /// File of its weights (.npy), seen from the folder of this file; without it they are random.
    #[serde(default)]
    pub weight: Option<PathBuf>,
    /// What it has beside its convolution, with the keys of a layer file's `[engine]`; forward alone.
    #[serde(default)]
    pub stages: Option<StageKeys>,
    /// File of its biases (.npy), likewise, which it then has.
    #[serde(default)]
    pub bias: Option<PathBuf>,
    /// File of its scales (.npy), likewise; without it they are random. On engines with an `out_type` only.
    #[serde(default)]
    pub scale: Option<PathBuf>,
    /// Of the first layer: file of the gradient of the loss (.npy), likewise; and of one that takes its own.
    #[serde(default)]
    pub grad_output: Option<PathBuf>,
    /// The forward convolution, with the keys of a layer file's `[layer]`.
    pub conv: Geometry,
}

impl NetworkFile {
    /// The files of arrays that it names, seen from its folder.
    pub fn arrays(&self) -> impl Iterator<Item = &Path> {
        let layers = self.layers.iter().flat_map(|layer| {
            let files = [&layer.weight, &layer.bias, &layer.scale, &layer.grad_output];
            files.into_iter().flatten()
        });
        self.input.iter().chain(layers).map(PathBuf::as_path)
    }

    /// Where the engine's file is: the one that is `given`, else the one that this file names, which is at `path`.
    pub fn engine_path(&self, path: &Path, given: Option<&Path>) -> Option<PathBuf> {
        let named = || {
            let engine = self.engine.as_ref()?;
            let folder = path.parent().unwrap_or(Path::new(""));
            Some(folder.join(engine))
        };
        given.map(Path::to_owned).or_else(named)
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
        let passes = passes(self.passes.as_deref(), engine)?;
        if self.layers.is_empty() {
            return Err(NetworkError::NoLayers);
        }
        self.check_names()?;
        check_narrow(self, engine, &passes)?;
        let layers = self.valid_layers(engine, frames, &passes)?;
        let mut steps: Vec<Step> = Vec::new();
        let mut indices = HashMap::new();
        for (index, (entry, (op, layer))) in self.layers.iter().zip(layers).enumerate() {
            self.check_place(index, &indices)?;
            let stages = entry.stages(engine, &passes)?;
            let step = self.step(index, op, layer, &steps, &indices)?;
            steps.push(Step { stages, ..step });
            indices.insert(entry.name.as_str(), index);
        }
        check_single(&steps, engine)?;
        check_used(self, &passes)?;
        if passes.contains(&Pass::Forward) {
            check_inputs(&steps, self.input.is_some())?;
        }
        for step in &mut steps {
            let jobs = passes.iter().map(|&pass| step.plan(engine, pass, frames));
            step.jobs = jobs
                .collect::<Result<_, _>>()
                .map_err(|reason| no_fit(&step.name, reason))?;
        }
        Ok(Network {
            name: self.name.clone(),
            frames: frames as usize,
            passes,
            input: self.input.clone(),
            steps,
        })
    }

    /// Names go to terminals, pages and, where they can, to files.
    fn check_names(&self) -> Result<(), NetworkError> {
        let plain = |letter: char| {
            letter.is_alphanumeric() || letter.is_ascii_punctuation() || letter == ' '
        };
        let is_name =
            |name: &str| (1..=MOST_NAME).contains(&name.chars().count()) && name.chars().all(plain);
        let of_layers = self.layers.iter().map(|layer| &layer.name).enumerate();
        let named = of_layers.map(|(index, name)| (Some(index), name));
        let mut all = std::iter::once((None, &self.name)).chain(named);
        match all.find(|(_, name)| !is_name(name)) {
            Some((index, name)) => Err(NetworkError::Name {
                name: name.chars().take(MOST_NAME).collect(),
                index,
                most: MOST_NAME,
            }),
            None => Ok(()),
        }
    }

    /// Whether a layer may have its name, and what it has as the first one or another.
    fn check_place(&self, index: usize, before: &HashMap<&str, usize>) -> Result<(), NetworkError> {
        let entry = &self.layers[index];
        let name = entry.name.clone();
        if before.contains_key(name.as_str()) {
            return Err(NetworkError::Twice { name });
        }
        if index == 0 && !(entry.from.is_empty() && entry.skip.is_empty() && entry.shift == 0) {
            return Err(NetworkError::First { name });
        }
        let own = entry.own()?;
        if own.grad_output && !(entry.from.is_empty() && entry.skip.is_empty() && entry.shift == 0)
        {
            return Err(NetworkError::OwnGradOutput { name });
        }
        if index > 0 && entry.grad_output.is_some() && !own.grad_output {
            return Err(NetworkError::GradOutput { name });
        }
        Ok(())
    }

    /// A layer with what it is joined to, not in tiles yet.
    fn step(
        &self,
        index: usize,
        op: Op,
        layer: Layer,
        before: &[Step],
        indices: &HashMap<&str, usize>,
    ) -> Result<Step, NetworkError> {
        let entry = &self.layers[index];
        let name = &entry.name;
        let shift = in_range("shift", Some(name), entry.shift, 0, MOST_SHIFT)?;
        let output_shift = in_range(
            "output_shift",
            Some(name),
            entry.output_shift,
            0,
            MOST_SHIFT,
        )?;
        let wanted = output_shape(op, &layer);
        let find = |key: &'static str, others: &[String], shape: Shape| {
            let find = |other: &String| {
                let found = indices.get(other.as_str()).copied();
                let found = found.ok_or_else(|| NetworkError::Unknown {
                    layer: name.clone(),
                    key,
                    other: other.clone(),
                    known: before.iter().map(|step| step.name.clone()).collect(),
                })?;
                let of = &before[found];
                fits(name, wanted, key, other, shape(of.op, &of.layer))?;
                Ok::<_, NetworkError>(found)
            };
            others
                .iter()
                .map(find)
                .collect::<Result<Vec<usize>, NetworkError>>()
        };
        let mut from = find("from", &entry.from, input_shape)?;
        let skip = find("skip", &entry.skip, output_shape)?;
        let own = entry.own()?;
        if index > 0 && from.is_empty() && skip.is_empty() && !own.grad_output {
            let before = [self.layers[index - 1].name.clone()];
            from = find("from", &before, input_shape)?;
        }
        if let Some(&found) = from.iter().find(|&&found| before[found].own.input) {
            return Err(NetworkError::OwnInput {
                layer: name.clone(),
                other: before[found].name.clone(),
            });
        }
        Ok(Step {
            name: name.clone(),
            op,
            layer,
            jobs: Vec::new(),
            from,
            skip,
            shift,
            output_shift,
            own,
            grad_output: entry.grad_output.clone(),
            weight: entry.weight.clone(),
            stages: StepStages::default(),
        })
    }

    /// The layers by themselves, as far as memory can hold all their arrays.
    fn valid_layers(
        &self,
        engine: &ProgrammableEngine,
        frames: u32,
        passes: &[Pass],
    ) -> Result<Vec<(Op, Layer)>, NetworkError> {
        let mut layers = Vec::new();
        let mut values = 0;
        for entry in &self.layers {
            let name = &entry.name;
            let layer = engine.layer(entry.conv.clone());
            let layer = layer.map_err(|reason| no_fit(name, reason))?;
            let op = layer.op();
            if layer.pass() != Pass::GradInput {
                return Err(NetworkError::Pass {
                    layer: name.clone(),
                    pass: layer.pass(),
                });
            }
            if let Some(batch) = layer.batch().filter(|&batch| batch != frames) {
                return Err(NetworkError::Batch {
                    layer: name.clone(),
                    batch,
                    frames,
                });
            }
            let tensors = u128::from(frames)
                * (product(&output_shape(op, &layer)) + product(&input_shape(op, &layer)));
            let weights = product(&weight_shape(&layer));
            values += weights
                + passes
                    .iter()
                    .map(|pass| match pass {
                        Pass::Forward | Pass::GradInput => tensors,
                        Pass::GradWeight => weights,
                    })
                    .sum::<u128>();
            layers.push((op, layer));
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

impl Step {
    /// A pass of the layer on the engine.
    fn plan(
        &self,
        engine: &ProgrammableEngine,
        pass: Pass,
        frames: u32,
    ) -> Result<PassJobs, NoFit> {
        let of_engine = engine_pass(self.op, pass);
        // Told as a convolution, whatever it is.
        let geometry = Geometry {
            pass: Some(of_engine.to_string()),
            batch: Some(frames.into()),
            ..self.layer.to_file().layer
        };
        let layer = engine.staged_layer(geometry, self.stages.used)?;
        let frames = match of_engine {
            Pass::Forward | Pass::GradInput => frames,
            Pass::GradWeight => layer.in_per_group(),
        };
        let tiling = engine.tiling(&layer, frames.into())?;
        Ok(PassJobs {
            pass,
            short_fifo: engine.short_fifo(&tiling, frames.into()),
            tiling,
        })
    }
}

impl LayerEntry {
    fn own(&self) -> Result<Own, NetworkError> {
        let mut own = Own::default();
        for text in &self.own {
            match text.as_str() {
                "input" => own.input = true,
                "grad_output" => own.grad_output = true,
                _ => {
                    return Err(NetworkError::Own {
                        layer: self.name.clone(),
                        text: text.clone(),
                    })
                }
            }
        }
        Ok(own)
    }
}

type Shape = fn(Op, &Layer) -> [usize; 3];

fn no_fit(layer: &str, reason: NoFit) -> NetworkError {
    NetworkError::Layer {
        layer: layer.to_owned(),
        reason: Box::new(reason),
    }
}

/// Whether all layers that no other gives an input can have the same one, and one that is given is taken.
fn check_inputs(steps: &[Step], is_given: bool) -> Result<(), NetworkError> {
    let mut open = steps.iter().enumerate().filter(|(index, _)| {
        let given = steps.iter().any(|other| other.from.contains(index));
        !(given || steps[*index].own.input)
    });
    let shape = |step: &Step| input_shape(step.op, &step.layer);
    let Some((_, first)) = open.next() else {
        return match is_given {
            true => Err(NetworkError::NoInput),
            false => Ok(()),
        };
    };
    match open.find(|(_, other)| shape(other) != shape(first)) {
        None => Ok(()),
        Some((_, other)) => Err(NetworkError::Inputs {
            layers: [first, other].map(|step| step.name.clone()),
            shapes: [first, other].map(shape),
        }),
    }
}

fn product(shape: &[usize]) -> u128 {
    shape.iter().map(|&length| length as u128).product()
}

/// Whether a layer can consume what another gives, which has this shape.
fn fits(
    name: &str,
    wanted: [usize; 3],
    key: &'static str,
    other: &str,
    found: [usize; 3],
) -> Result<(), NetworkError> {
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

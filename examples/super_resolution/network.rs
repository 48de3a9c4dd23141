//! The trained network: its integers, and its layers computed one after the other on one engine.

use anyhow::{ensure, Context};
use bpa_engine::compare::compare;
use bpa_engine::layer::{Layer, LayerFile, PerItem};
use bpa_engine::operands::stationary_of;
use bpa_engine::plan::Plan;
use bpa_engine::reference::{reference, StageArrays};
use bpa_engine::run::{Arrays, Simulator, Traffic};
use ndarray::{s, Array1, Array2, Array4};
use serde::Deserialize;

use super::image::Image;

/// What the least value of int8 stands for is zero.
const ZERO: i32 = -128;

/// The network as `scripts/super_resolution/train.py` wrote it.
#[derive(Deserialize)]
pub struct Network {
    /// How many times larger images become, in each direction.
    pub factor: usize,
    /// Channels of the engine; layers with fewer leave some unused.
    channels: usize,
    /// Bits that the engine shifts out behind the scale.
    shift: u32,
    /// Grey levels of a step of the last layer's results, of which the 128th is zero.
    step: f64,
    layers: Vec<Integers>,
}

/// A layer of it.
#[derive(Deserialize)]
struct Integers {
    /// By channels out, channels in, rows and columns.
    weight: Vec<Vec<Vec<Vec<i32>>>>,
    /// By channels out.
    bias: Vec<i64>,
    /// By channels out.
    scale: Vec<i32>,
}

/// What the engine did.
#[derive(Default)]
pub struct Totals {
    pub layers: usize,
    pub cycles: u64,
    pub values: u64,
}

impl Network {
    pub fn read() -> anyhow::Result<Self> {
        serde_json::from_str(include_str!("network.json")).context("network.json")
    }

    /// The layer that the engine is built for, for small images of this size.
    pub fn layer(&self, (rows, cols): (usize, usize)) -> anyhow::Result<Layer> {
        let mut file = LayerFile::parse(include_str!("layer.toml"), "layer.toml")?;
        file.layer.in_size = Some(PerItem([rows as i64, cols as i64]));
        let layer = file.validate()?;
        let channels = [layer.in_channels(), layer.out_channels()].map(|it| it as usize);
        ensure!(
            channels == [self.channels; 2],
            "layer.toml has other channels"
        );
        let shift = layer.requantise().map(|it| it.shift);
        ensure!(shift == Some(self.shift), "layer.toml has another shift");
        Ok(layer)
    }

    /// What a small image lacks when it is enlarged: for each of its pixels, one after the other, factor x factor grey
    /// levels. With `check`, each layer's results are compared with the software reference.
    pub fn missing(
        &self,
        small: &Image,
        (plan, simulator): (&Plan, &Simulator),
        check: bool,
    ) -> anyhow::Result<(Image, Totals)> {
        let (rows, cols) = small.dim();
        let layer = plan.layer();
        let mut moving = Array4::from_elem((1, self.channels, rows, cols), ZERO);
        let levels = small.mapv(|level| level as i32 + ZERO);
        moving.slice_mut(s![0, 0, .., ..]).assign(&levels);
        let mut totals = Totals::default();
        for integers in &self.layers {
            let arrays = integers.arrays(layer, moving)?;
            let measured = simulator.run(&arrays, &Traffic::default(), &mut |_| ())?;
            if check {
                let expected = reference(layer, &arrays).result;
                let first = compare(&measured.result, &expected).first;
                ensure!(first.is_none(), "layer {}: {first:?}", totals.layers);
            }
            totals.layers += 1;
            totals.cycles += measured.cycles.total;
            totals.values += measured.result.len() as u64;
            moving = measured.result.mapv(|value| value as i32);
        }
        Ok((self.phases_in_place(&moving), totals))
    }

    /// The last layer's channels, each at its place around the pixel that it is of.
    fn phases_in_place(&self, result: &Array4<i32>) -> Image {
        let (_, _, rows, cols) = result.dim();
        let factor = self.factor;
        Array2::from_shape_fn((rows * factor, cols * factor), |(row, col)| {
            let channel = row % factor * factor + col % factor;
            let steps = result[[0, channel, row / factor, col / factor]];
            // The zero point and the 128 steps below zero cancel.
            f64::from(steps) * self.step
        })
    }
}

impl Integers {
    /// A set of weights with biases and scales for the engine, beside what moves; channels that the layer has not are
    /// zero.
    fn arrays(&self, layer: &Layer, moving: Array4<i32>) -> anyhow::Result<Arrays> {
        let channels = layer.out_channels() as usize;
        ensure!(self.weight.len() <= channels, "too many channels");
        let mut weight = Array4::zeros((channels, channels, 3, 3));
        for (k, of_out) in self.weight.iter().enumerate() {
            for (c, of_in) in of_out.iter().enumerate() {
                for (r, row) in of_in.iter().enumerate() {
                    for (s, &value) in row.iter().enumerate() {
                        let place = weight.get_mut([k, c, r, s]);
                        *place.context("a weight beyond the kernel")? = value;
                    }
                }
            }
        }
        let most = layer.bias_bits().map_or(0, |bits| i64::MAX >> (64 - bits));
        ensure!(
            self.bias.iter().all(|&bias| (!most..=most).contains(&bias)),
            "a bias beyond {most}"
        );
        let mut bias = Array1::zeros(channels);
        bias.slice_mut(s![..self.bias.len()])
            .assign(&Array1::from(self.bias.clone()));
        let mut scale = Array1::zeros(channels);
        scale
            .slice_mut(s![..self.scale.len()])
            .assign(&Array1::from(self.scale.clone()));
        Ok(Arrays {
            moving,
            stationary: stationary_of(layer, weight),
            stages: StageArrays {
                bias: Some(bias),
                scale: Some(scale),
                ..StageArrays::default()
            },
        })
    }
}

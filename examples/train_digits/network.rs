//! The network: four convolutions, a ReLU after each but the last, and a skip connection around one.

use bpa_engine::layer::LayerFile;
use ndarray::{Array4, Axis, Zip};
use rand::Rng;

use super::conv::{Conv, Gradient};

/// Each layer, and whether its input is added to its output.
const LAYERS: [(&str, bool); 4] = [
    (include_str!("stem.toml"), false),
    (include_str!("strided.toml"), false),
    (include_str!("dilated.toml"), true),
    (include_str!("dense.toml"), false),
];

#[derive(Clone)]
pub struct Network {
    layers: Vec<Conv>,
}

/// What computes the convolutions of a training.
pub trait Passes {
    /// The logits (N, digits, 1, 1) of images. What the backward pass needs is kept.
    fn forward(&mut self, network: &Network, images: &Array4<f32>) -> anyhow::Result<Array4<f32>>;

    /// The gradients of all layers' parameters, from that of the logits that were the last.
    fn backward(
        &mut self,
        network: &Network,
        of_logits: Array4<f32>,
    ) -> anyhow::Result<Vec<Gradient>>;
}

impl Network {
    /// With random weights.
    pub fn new(rng: &mut impl Rng) -> anyhow::Result<Self> {
        let conv = |(text, skip): &(&str, bool)| -> anyhow::Result<Conv> {
            let file: LayerFile = toml::from_str(text)?;
            Ok(Conv::new(file.validate()?, *skip, rng))
        };
        let layers = LAYERS.iter().map(conv).collect::<Result<_, _>>()?;
        Ok(Self { layers })
    }

    pub fn layers(&self) -> &[Conv] {
        &self.layers
    }

    /// One step of every layer against its gradient.
    pub fn learn(&mut self, gradients: &[Gradient], rate: f32) {
        for (conv, gradient) in self.layers.iter_mut().zip(gradients) {
            conv.learn(gradient, rate);
        }
    }
}

/// The part of the labels that have the greatest logit.
pub fn accuracy(logits: &Array4<f32>, labels: &[usize]) -> f64 {
    let right = logits
        .axis_iter(Axis(0))
        .zip(labels)
        .filter(|(logits, label)| {
            let of_label = logits[[**label, 0, 0]];
            logits.iter().filter(|&&logit| logit >= of_label).count() == 1
        });
    right.count() as f64 / labels.len() as f64
}

/// The mean cross entropy of the logits' softmax, and its gradient.
pub fn cross_entropy(logits: &Array4<f32>, labels: &[usize]) -> (f64, Array4<f32>) {
    let frames = labels.len() as f32;
    let mut gradient = logits.clone();
    let mut loss = 0.0;
    Zip::from(gradient.axis_iter_mut(Axis(0)))
        .and(labels)
        .for_each(|mut values, &label| {
            let greatest = values.fold(f32::NEG_INFINITY, |most, &value| most.max(value));
            values.mapv_inplace(|value| (value - greatest).exp());
            let sum = values.sum();
            values /= sum;
            let of_label = &mut values[[label, 0, 0]];
            // A probability may be too small for its type.
            loss -= f64::from(of_label.max(f32::MIN_POSITIVE).ln());
            *of_label -= 1.0;
            values /= frames;
        });
    (loss / labels.len() as f64, gradient)
}

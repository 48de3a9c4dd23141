//! The network: four convolutions, a ReLU after each but the last.

use bpa_engine::layer::LayerFile;
use ndarray::{Array2, Array4, Axis, Zip};
use rand::Rng;

use super::conv::Conv;

const LAYERS: [&str; 4] = [
    include_str!("stem.toml"),
    include_str!("strided.toml"),
    include_str!("dilated.toml"),
    include_str!("dense.toml"),
];

#[derive(Clone)]
pub struct Network {
    layers: Vec<Conv>,
}

/// What a forward pass leaves for the backward pass.
pub struct Seen {
    /// Of each layer (N, C, H, W).
    pub inputs: Vec<Array4<f32>>,
    /// Of each layer, see [`Conv::patches`].
    pub patches: Vec<Array2<f32>>,
    /// (N, digits, 1, 1)
    pub logits: Array4<f32>,
}

/// A way to the gradients of all layers' outputs from that of the last one's.
pub trait Backward {
    /// Of each layer (N, K, P, Q), before its ReLU.
    fn gradients(
        &mut self,
        network: &Network,
        seen: &Seen,
        of_logits: Array4<f32>,
    ) -> anyhow::Result<Vec<Array4<f32>>>;
}

impl Network {
    /// With random weights.
    pub fn new(rng: &mut impl Rng) -> anyhow::Result<Self> {
        let conv = |text: &&str| -> anyhow::Result<Conv> {
            let file: LayerFile = toml::from_str(text)?;
            Ok(Conv::new(file.validate()?, rng))
        };
        let layers = LAYERS.iter().map(conv).collect::<Result<_, _>>()?;
        Ok(Self { layers })
    }

    pub fn layers(&self) -> &[Conv] {
        &self.layers
    }

    /// A layer that adds a stream to the gradient of its input has a skip connection around it.
    pub fn forward(&self, images: &Array4<f32>) -> Seen {
        let (mut inputs, mut patches) = (Vec::new(), Vec::new());
        let mut values = images.clone();
        for conv in &self.layers {
            if !inputs.is_empty() {
                values.mapv_inplace(|value| value.max(0.0));
            }
            let of_values = conv.patches(&values);
            let mut output = conv.forward(&of_values);
            if conv.layer().accumulate() {
                output += &values;
            }
            inputs.push(values);
            patches.push(of_values);
            values = output;
        }
        Seen {
            inputs,
            patches,
            logits: values,
        }
    }

    /// One step of every layer against the gradients of their outputs.
    pub fn learn(&mut self, seen: &Seen, gradients: &[Array4<f32>], rate: f32) {
        for ((conv, patches), gradient) in self.layers.iter_mut().zip(&seen.patches).zip(gradients)
        {
            conv.learn(patches, gradient, rate);
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

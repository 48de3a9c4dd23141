//! All passes in floating point.

use ndarray::{Array2, Array4, Zip};

use super::conv::Gradient;
use super::network::{Network, Passes};

/// What the last forward pass left.
#[derive(Default)]
pub struct Float {
    /// Of each layer (N, C, H, W).
    inputs: Vec<Array4<f32>>,
    /// Of each layer, see [`Conv::patches`](super::conv::Conv::patches).
    patches: Vec<Array2<f32>>,
}

impl Passes for Float {
    fn forward(&mut self, network: &Network, images: &Array4<f32>) -> anyhow::Result<Array4<f32>> {
        *self = Self::default();
        let mut values = images.clone();
        for conv in network.layers() {
            if !self.inputs.is_empty() {
                values.mapv_inplace(|value| value.max(0.0));
            }
            let patches = conv.patches(&values);
            let mut output = conv.forward(&patches);
            if conv.skip() {
                output += &values;
            }
            self.inputs.push(values);
            self.patches.push(patches);
            values = output;
        }
        Ok(values)
    }

    fn backward(
        &mut self,
        network: &Network,
        of_logits: Array4<f32>,
    ) -> anyhow::Result<Vec<Gradient>> {
        let mut gradients = Vec::new();
        let mut of_output = of_logits;
        let seen = self.inputs.iter().zip(&self.patches).enumerate();
        for (conv, (index, (input, patches))) in network.layers().iter().zip(seen).rev() {
            gradients.push(conv.gradient(patches, &of_output));
            // Nothing needs the gradient of the images.
            if index > 0 {
                let mut of_input = conv.grad_input(&of_output);
                if conv.skip() {
                    of_input += &of_output;
                }
                Zip::from(&mut of_input)
                    .and(input)
                    .for_each(|gradient, &input| {
                        if input <= 0.0 {
                            *gradient = 0.0;
                        }
                    });
                of_output = of_input;
            }
        }
        gradients.reverse();
        Ok(gradients)
    }
}

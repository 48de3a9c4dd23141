//! The backward pass in floating point.

use ndarray::{Array4, Zip};

use super::network::{Backward, Network, Seen};

pub struct Float;

impl Backward for Float {
    fn gradients(
        &mut self,
        network: &Network,
        seen: &Seen,
        of_logits: Array4<f32>,
    ) -> anyhow::Result<Vec<Array4<f32>>> {
        let mut gradients = vec![of_logits];
        // Nothing needs the gradient of the images.
        for (conv, input) in network.layers().iter().zip(&seen.inputs).skip(1).rev() {
            let of_output = &gradients[gradients.len() - 1];
            let mut gradient = conv.grad_input(of_output);
            if conv.layer().accumulate() {
                gradient += of_output;
            }
            Zip::from(&mut gradient)
                .and(input)
                .for_each(|gradient, &input| {
                    if input <= 0.0 {
                        *gradient = 0.0;
                    }
                });
            gradients.push(gradient);
        }
        gradients.reverse();
        Ok(gradients)
    }
}

//! A convolution in floating point, as matrix products: forward, and the gradients of its weights and its input.

use bpa_engine::layer::{Axis, Layer};
use bpa_engine::reference::{grad_input_shape, grad_output_shape, weight_shape};
use ndarray::{Array1, Array2, Array4, Axis as Dimension};
use rand::Rng;

/// How much of the last step is in the next.
const MOMENTUM: f32 = 0.9;

/// The gradient of a layer's parameters.
pub struct Gradient {
    /// (K, C, R, S)
    pub weight: Array4<f32>,
    /// (K)
    pub bias: Array1<f32>,
}

/// A layer without groups, its parameters, and their last steps.
#[derive(Clone)]
pub struct Conv {
    layer: Layer,
    /// Whether its input is added to its output.
    skip: bool,
    /// (K, C x R x S)
    weight: Array2<f32>,
    bias: Array1<f32>,
    weight_step: Array2<f32>,
    bias_step: Array1<f32>,
}

impl Conv {
    /// With weights that are drawn such that values keep their magnitude through a ReLU.
    pub fn new(layer: Layer, skip: bool, rng: &mut impl Rng) -> Self {
        let [k, c, r, s] = weight_shape(&layer);
        let inputs = c * r * s;
        // Uniform up to `most`, the variance is most^2 / 3; it is to be 2 / inputs.
        let most = (6.0 / inputs as f32).sqrt();
        Self {
            layer,
            skip,
            weight: Array2::from_shape_simple_fn((k, inputs), || rng.random_range(-most..most)),
            bias: Array1::zeros(k),
            weight_step: Array2::zeros((k, inputs)),
            bias_step: Array1::zeros(k),
        }
    }

    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    pub fn skip(&self) -> bool {
        self.skip
    }

    pub fn bias(&self) -> &Array1<f32> {
        &self.bias
    }

    /// (K, C, R, S)
    pub fn weight(&self) -> Array4<f32> {
        let shape = weight_shape(&self.layer);
        let weight = self.weight.to_shape(shape);
        weight.expect("it was made of this shape").into_owned()
    }

    /// Of each output pixel the inputs that it sees (N x P x Q, C x R x S), zeros where they lie in the padding.
    pub fn patches(&self, input: &Array4<f32>) -> Array2<f32> {
        let mut patches = Array2::zeros(self.patches_shape(input.dim().0));
        self.each_tap(input.dim().0, |row, column, from| {
            patches[[row, column]] = input[from];
        });
        patches
    }

    /// The output (N, K, P, Q).
    pub fn forward(&self, patches: &Array2<f32>) -> Array4<f32> {
        let pixels = patches.dot(&self.weight.t()) + &self.bias;
        let [k, p, q] = grad_output_shape(&self.layer);
        let frames = pixels.nrows() / (p * q);
        let output = pixels.into_shape_with_order((frames, p, q, k));
        let output = output.expect("a row for each pixel of whole frames");
        output.permuted_axes([0, 3, 1, 2])
    }

    /// The gradient of the input (N, C, H, W).
    pub fn grad_input(&self, grad_output: &Array4<f32>) -> Array4<f32> {
        let frames = grad_output.dim().0;
        let patches = by_pixel(grad_output).dot(&self.weight);
        let [c, h, w] = grad_input_shape(&self.layer);
        let mut grad = Array4::zeros((frames, c, h, w));
        self.each_tap(frames, |row, column, to| {
            grad[to] += patches[[row, column]];
        });
        grad
    }

    /// The gradient of its parameters, from that of the output (N, K, P, Q).
    pub fn gradient(&self, patches: &Array2<f32>, grad_output: &Array4<f32>) -> Gradient {
        let grad = by_pixel(grad_output);
        let weight = grad.t().dot(patches);
        let weight = weight.into_shape_with_order(weight_shape(&self.layer));
        Gradient {
            weight: weight.expect("as many weights"),
            bias: grad.sum_axis(Dimension(0)),
        }
    }

    /// One step against the gradient.
    pub fn learn(&mut self, gradient: &Gradient, rate: f32) {
        let weight = gradient.weight.to_shape(self.weight.dim());
        self.weight_step *= MOMENTUM;
        self.weight_step
            .scaled_add(-rate, &weight.expect("of this layer"));
        self.weight += &self.weight_step;
        self.bias_step *= MOMENTUM;
        self.bias_step.scaled_add(-rate, &gradient.bias);
        self.bias += &self.bias_step;
    }

    fn patches_shape(&self, frames: usize) -> (usize, usize) {
        let [_, p, q] = grad_output_shape(&self.layer);
        (frames * p * q, self.weight.ncols())
    }

    /// Calls `visit` with each element of the patches, by row and column, that is an input, and with which it is.
    fn each_tap(&self, frames: usize, mut visit: impl FnMut(usize, usize, [usize; 4])) {
        let [_, p, q] = grad_output_shape(&self.layer);
        let [_, c, r, s] = weight_shape(&self.layer);
        let (rows, cols) = (taps(&self.layer.rows()), taps(&self.layer.cols()));
        for n in 0..frames {
            for row in &rows {
                for col in &cols {
                    let pixel = (n * p + row.output) * q + col.output;
                    for channel in 0..c {
                        let tap = (channel * r + row.tap) * s + col.tap;
                        visit(pixel, tap, [n, channel, row.input, col.input]);
                    }
                }
            }
        }
    }
}

/// A tap of the kernel and the two pixels that meet through it, on one axis.
struct Tap {
    output: usize,
    tap: usize,
    input: usize,
}

fn taps(axis: &Axis) -> Vec<Tap> {
    let [stride, dilation, before] =
        [axis.stride, axis.dilation, axis.pad_before].map(|pixels| pixels as usize);
    let pairs = (0..axis.out_size as usize)
        .flat_map(|output| (0..axis.kernel as usize).map(move |tap| (output, tap)));
    pairs
        .filter_map(|(output, tap)| {
            let input = (output * stride + tap * dilation).checked_sub(before)?;
            (input < axis.in_size as usize).then_some(Tap { output, tap, input })
        })
        .collect()
}

/// (N, K, P, Q) as (N x P x Q, K).
fn by_pixel(array: &Array4<f32>) -> Array2<f32> {
    let (n, k, p, q) = array.dim();
    let pixels = array.view().permuted_axes([0, 2, 3, 1]);
    let pixels = pixels.to_shape((n * p * q, k));
    pixels.expect("as many values").into_owned()
}

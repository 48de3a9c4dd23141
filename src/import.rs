//! Convolutions of an ONNX model as the layers of a network file.
//!
//! Every node that is a convolution becomes a layer, or is told with the reason why it does not; what of a layer is left out,
//! and which other operators there are, is told as well. A layer takes the output of another where between the two stands
//! nothing but operators that leave a shape as it is, and sums; else it takes arrays of its own.

mod attributes;
mod convolution;
mod engine;
mod float;
mod graph;
mod links;
mod names;
mod network;
mod quantised;
mod shapes;
mod weights;

pub use engine::engine_for;
pub use graph::{check_input, import, Import, Imported, Options, Unmapped};
pub use network::network_file;
pub use quantised::Quantised;
pub use weights::{Quantise, Weights};

//! ONNX models: the part of the format that is read here, and its tensors as arrays.
//!
//! A model comes from anywhere. What it claims of itself is held against the bytes that there are before anything is made of
//! it, and nothing in it is a path that leaves its folder.

mod external;
mod file;
pub mod proto;
mod size;
mod tensor;

pub use file::{read, OnnxError};
pub use tensor::{Element, Tensor, TensorError};

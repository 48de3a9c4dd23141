//! What an engine is made for: [`descriptor`] one layer, [`capacity`] the most that any of its layers needs, [`limits`] what a
//! programmable engine is asked to hold, [`inputs`] how the core is told of its layer, and [`arrays`] what flows through it.

pub mod arrays;
pub mod capacity;
pub mod descriptor;
pub mod inputs;
pub mod limits;
pub mod pixels;

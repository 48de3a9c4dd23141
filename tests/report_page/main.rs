//! Pages about engines: what is recorded of the hardware, what is made of it, and what a browser shows.

mod browser;
#[path = "../shared/named_layers.rs"]
mod named_layers;
mod network;
mod recording;
mod shown;

//! `bpa explain`: what it says of a layer is what the definition of the convolution says.

mod commands;
mod equations;
mod figures;
mod layers;
mod pages;
mod walk;

//! The gradient in words: the equations of a layer's pixels, figures of them, and the walk that computes them.
//!
//! What is said is worked out once, in `terms` (one pixel) and `phases` (all pixels, by their remainders modulo the
//! stride), and put together as a [`page`](Page) of blocks. How it is written, as text, LaTeX or Markdown, is a matter of
//! the [`Format`]. [`figures`] draws the same terms; [`walk()`] lists the programs that the hardware runs.

mod affine;
mod convolution;
mod equations;
mod figure;
mod latex;
mod markdown;
mod notation;
mod page;
mod pattern;
mod phases;
mod side;
mod svg;
mod terms;
mod text;
mod walk;
mod window;

pub use equations::{lists_every_pixel, page, MOST_PIXELS, MOST_PRODUCTS};
pub use figure::{figures, Figure};
pub use page::{Format, Page};
pub use terms::{Met, PixelTerms};
pub use walk::walk;

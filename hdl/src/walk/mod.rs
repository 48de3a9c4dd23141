//! The walk over the pixels of grad_input that have taps: two programs, a sequencer for each, and the tokens that they come
//! to.
//!
//! ```text
//! row program -> sequencer -+
//!                           +-> pixel walk -> tokens -> token queue -> issue loop
//! column program -> sequencer
//! ```

mod line;
mod pixel_walk;
mod program;
mod sequencer;
mod token;
mod token_queue;

pub use line::{AxisName, Field, LineFormat, OfLine, COL, ROW};
pub use pixel_walk::pixel_walk;
pub use program::{AHEAD_IN_LOGIC, AHEAD_IN_MEMORY, LINES_IN_LOGIC};
pub use sequencer::sequencer;
pub use token::TokenWidths;
pub use token_queue::{token_queue, DATA_CYCLES, TOKEN_CYCLES};

//! What an engine costs on an FPGA and how fast it runs there, found with open tools, beside its limit.
//!
//! [`synthesise`] gives two designs to Yosys and, where there is one for the device, to nextpnr: the engine, and the
//! [bare array](bpa_hdl::measure::bare_array) of the same multipliers and memories. Area is that of the design alone. For speed
//! the design stands in a [harness](bpa_hdl::measure::harness), so that every path runs from register to register and a few pins
//! are enough.
//!
//! The commands are those of the files in `scripts/synth/`: the Yosys scripts are compiled in from there, and a test
//! holds the shell scripts equal to [`Board::shell_script`].

mod area;
mod board;
mod designs;
mod error;
mod estimate;
mod figures;
mod flow;
mod inference;
mod timing;
mod tools;

pub use area::Area;
pub use board::{Board, TooNarrow};
pub use designs::Design;
pub use error::SynthError;
pub(crate) use estimate::{cells, widest};
pub use estimate::{estimate, Cells, Estimate};
pub use figures::{Figures, Synthesis};
pub use flow::{kept_folders, synthesise};
pub(crate) use flow::{synthesise_alone, tool_versions};
pub use timing::{CriticalPath, PathStep};

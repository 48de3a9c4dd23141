//! Files that put an engine into the flows that people have: simulators, build tools, vendors' tools.
//!
//! Each is text made from the same ports and streams as the manifest. What the test benches send and expect comes from
//! random arrays and the software reference, not from the hardware.

mod assertions;
mod block;
mod cocotb;
mod constraints;
mod fusesoc;
mod litex;
mod template;
mod testbench;
mod vectors;
mod vivado;

pub use assertions::assertions;
pub use block::{Block, BlockStream};
pub use cocotb::cocotb;
pub use constraints::{constraints, Frequency};
pub use fusesoc::fusesoc;
pub use litex::litex;
pub use testbench::testbench;
pub use vectors::{TooLong, Vectors};
pub use vivado::vivado;

/// A file of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowFile {
    /// Its name, which begins with the engine's.
    pub name: String,
    /// What is in it.
    pub text: String,
}

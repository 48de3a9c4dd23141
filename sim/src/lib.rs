//! A bridge from Rust to [Verilator](https://verilator.org): Verilog in, a running model out.
//!
//! 1. [`ModelSpec`] holds the Verilog text and names its streams and pins.
//! 2. [`Model::build`] lets Verilator turn the Verilog into C++, compiles it together with a shim
//!    (`sim/shim/`) and with Verilator's runtime into a shared library, and loads it.
//! 3. The library is kept in a [`Cache`] under a hash of all that went into it, so that the same
//!    Verilog is compiled once. Builds happen aside and appear by a rename, at any number at once.
//! 4. [`Model::instance`] makes an independent instance with random initial register values.
//! 5. Beats are loaded into each [`Source`]; [`Instance::run`] then runs *many* clock cycles in one
//!    call, with all handshakes, stalls and checks done in C++ beside the model.
//! 6. Each [`Sink`] holds what came out, when, and how often the rules of AXI4-Stream were broken.
//! 7. [`Instance::trace`] writes waveforms, of a model that was built with them ([`Model::build_traced`]); one that was built
//!    by [`Model::build_covered`] counts what its runs reach.
//! 8. [`AxiLite`] reads and writes the registers of an AXI4-Lite slave among the pins.
//! 9. A [`Memory`] stands behind an AXI4 master of the model, with latency, stalls, any order and errors, and counts how often
//!    the master broke a rule.
//!
//! ```no_run
//! use bpa_sim::{Cache, Model, ModelSpec, StreamPort};
//!
//! # fn main() -> Result<(), bpa_sim::SimError> {
//! let spec = ModelSpec {
//!     top: "slice".into(),
//!     verilog: "module slice ( /* ... */ ); endmodule".into(),
//!     sources: vec![StreamPort::new("s_axis_in", 4)],
//!     sinks: vec![StreamPort::new("m_axis_out", 4)],
//!     pins_in: vec![],
//!     pins_out: vec![],
//!     memory: None,
//! };
//! let mut instance = Model::build(&spec, &Cache::from_env()?)?.instance(1);
//! instance.reset(4);
//! instance.source(0).load(&[1, 2, 3, 4, 5, 6, 7, 8], &[0, 1])?; // Two beats, `tlast` on the second
//! let status = instance.run(1_000, Some(2));
//! assert!(status.done);
//! let sink = instance.sink(0);
//! println!("{:?}, ended in cycle {:?}", sink.data(), sink.last_cycles());
//! # Ok(())
//! # }
//! ```
//!
//! # What it costs
//!
//! Measured with `cargo bench -p bpa-sim` (Verilator 5.006, g++ 12.2) on a register slice, which is
//! about the cheapest model there is: a cycle takes 24 to 32 ns, of which the model's two `eval`s
//! take 16 to 22 ns. The bridge's own part, with one source and one sink of 1 to 32 bytes that move
//! a beat in every cycle, is 5 to 10 ns, and 12 to 14 ns with random stalls of 30 % on both. So a
//! model whose evals take 60 ns or more a cycle gets at least 85 % of the time when nothing stalls;
//! [`Instance::set_profiling`] measures that share in any run. Such a small model is compiled in
//! 0.8 s, after 3 s, once per cache, for Verilator's runtime; from the cache it is there at once.
//!
//! # Limits
//!
//! Unix only. A model that calls `$finish` goes on; one that fails inside Verilator's runtime (a
//! loop of logic that never settles) ends the process, as Verilator does.

#![deny(missing_docs)]

mod axi_lite;
mod build;
mod cache;
mod error;
mod instance;
mod library;
mod memory;
mod model;
mod spec;
mod stream;
mod tools;

pub use axi_lite::{AxiLite, Delays, Response};
pub use cache::Cache;
pub use error::SimError;
pub use instance::{Instance, Profile, RunStatus, Watched};
pub use memory::{Memory, MemoryManners, MemoryPort};
pub use model::Model;
pub use spec::{ModelSpec, Pin, StreamPort};
pub use stream::{Sink, Source};
pub use tools::Toolchain;

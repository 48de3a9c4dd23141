//! The emitted Verilog against what the project promises of it, in real tools: Verilator, Icarus, Yosys.
//!
//! One binary, so that it is linked once. Each module says which promise it protects:
//!
//! | module | promise |
//! |---|---|
//! | [`random`] | any layer is exact, with and without stalls, in as many cycles as the cost model says |
//! | [`reached`] | what is drawn reaches every pair of what matters |
//! | [`schedule`] | the walk visits each tap once, holds each pixel of dY as long as it is needed and no longer |
//! | [`cycles`] | the cycle model, which tells loops at once, is what it is pixel by pixel |
//! | [`stalls`] | a stall on any stream, of any length, in any cycle, loses nothing |
//! | [`benchmarks`] | the benchmark layers reach the bound, with the buffers that the design allows |
//! | [`pace`] | any layer is at its bound in steady state, and its first frame as soon as the equations allow |
//! | [`passes`] | all of that holds for the forward convolution and the weight gradient as well |
//! | [`lint`] | the text is clean Verilog-2005 for three tools, and the same for the same layer |
//! | [`icarus`] | a simulator that knows unknown values sees the same results and the same cycles |
//! | [`programmable`] | one programmable engine computes every layer within its limits |
//! | [`programmable_stages`] | one with stages behind its accumulators uses those that each job says |
//! | [`quantised_jobs`] | one with biases, zero points and activations has those that each job says |
//! | [`engines`] | so do programmable engines of any limits, lanes, types and stages |
//! | [`programmable_reset`] | one edge of reset, or an abort, leaves a programmable engine as new |
//! | [`any_words`] | a job of words that are no layer keeps the rules of the streams |
//! | [`protocol`] | misplaced `tlast`s are reported and harm nothing; reset recovers from anything |
//! | [`power_up`] | one edge of reset is enough, with every register unknown and in the middle of anything |
//! | [`weights`] | sets of weights change at the edge of a frame, with two sets without a gap |
//! | [`mutants`] | the vectors notice an engine that is a little wrong |
//! | [`stage_mutants`] | the vectors notice stages behind the accumulators that are a little wrong |
//! | [`corners`] | an engine in which some count is one is as any other |
//! | [`extremes`] | the accumulator holds the worst case |
//! | [`output_stages`] | what stands behind the accumulators is exact, keeps the rate and loses nothing |
//! | [`quantised`] | quantised layers are those of onnxruntime, bit for bit |
//! | [`memory`] | a programmable engine with a bus computes from memory to memory, however the memory answers |
//! | [`tiling`] | layers too large for a programmable engine are exact in tiles, in the cycles of the model |
//! | [`merging`] | groups narrower than a programmable engine's lanes are exact side by side, at the bound where it can be |
//! | [`faults`] | what a master does wrong is told, hangs nothing for good, and a reset undoes it |
//! | [`hostile_jobs`] | jobs of any words are refused or harmless; registers written at any moment change no result |
//! | [`coverage`] | vectors reach every line, branch and bit of the engines named there |
//! | [`golden`] | the emitted text changes only on purpose |
//!
//! Verilator, Icarus and Yosys have to be installed. Compiled models go to the user's cache (`BPA_CACHE_DIR`).

mod any_words;
mod benchmarks;
mod common;
mod corners;
mod coverage;
mod cycles;
mod engines;
mod extremes;
mod faults;
mod golden;
mod hostile_jobs;
mod icarus;
mod icarus_tool;
mod layers;
mod lint;
mod memory;
mod merging;
mod mutants;
mod output_stages;
mod pace;
mod passes;
mod pixel_model;
mod pixels;
mod power_up;
mod programmable;
mod programmable_pixels;
mod programmable_reset;
mod programmable_stages;
mod protocol;
mod quantised;
mod quantised_jobs;
mod random;
mod reached;
mod reset_bench;
mod schedule;
mod stage_mutants;
mod stalls;
mod three_tools;
mod tiling;
mod vector_bench;
mod weights;

#[path = "../shared/choices.rs"]
mod choices;
#[path = "../mutations/handshakes.rs"]
mod handshakes;
#[path = "../shared/named_layers.rs"]
mod named_layers;
#[path = "../mutations/netlist.rs"]
#[expect(dead_code, reason = "no engine is mutated here")]
mod netlist;
#[path = "../shared/program_steps.rs"]
mod program_steps;
#[path = "../mutations/engines.rs"]
mod small_engines;
#[path = "../mutations/vector.rs"]
mod vector;
#[path = "../mutations/vectors.rs"]
#[expect(dead_code, reason = "nothing is compared with a mutant here")]
mod vectors;

//! Promise: no panic is reachable from input. Every file of a layer or of an engine is refused with a message, or gives
//! all that the programs make of it: Verilog for each family, a manifest, figures, areas, words of jobs.
//!
//! Thousands of random ones, small numbers above all: a count of one is where a net may come to have no bits. No tool
//! is needed. More of them, or others: `PROPTEST_CASES=100000 PROPTEST_RNG_SEED=7 cargo test --test any_input`. What
//! fails is shrunk, and printed with its seed as a file that shows it.

mod engines;
mod layers;
mod numbers;
mod search;

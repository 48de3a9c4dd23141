//! Each control block of the engine alone, against the promise that heads its Verilog.
//!
//! One binary, so that it is linked once. A bench drives the ports of one block and knows, from what went in, what has to
//! come out and in which cycle; latencies are the constants of the block. It goes through {no idle, idle} x {no
//! backpressure, long backpressure, random backpressure}, and has to fail for each mutant of its block: the same text with
//! one thing wrong. A fault is so found in the block that has it, and told with the cycle.
//!
//! | module | block |
//! |---|---|
//! | [`beat_fifo`] | FIFO of beats, short and long |
//! | [`sequencer`] | the program of an axis, in logic, in a constant memory, told at run time |
//! | [`token_queue`] | queue of pixel tokens, of three entries and paced |
//! | [`issue_loop`] | issue loop, of a fixed and of a programmable engine |
//! | [`grad_port`] | grad_output into the line buffer, with and without dropped pixels, of a programmable engine |
//! | [`result_port`] | results and runs of zeros, by a short and by a long FIFO |
//! | [`weight_port`] | one set of weights, two that swap |
//! | [`weight_load`] | sets of weights in a ring |
//! | [`jobs`] | jobs of a programmable engine |
//! | [`counters`] | counters in one memory |
//! | [`bus_walk`] | the walk through an array in memory |
//! | [`bus_reader`] | a stream read from memory, several beats a word and several words a beat |
//! | [`bus_writer`] | a stream written to memory, likewise |
//! | [`bus_requests`] | the bursts of several readers on one channel |
//! | [`row_order`] | rows put in the order of lanes over pixels, and back |
//! | [`banked_line_buffer`] | the line buffer of lanes over pixels |
//! | [`row_end`] | lanes over pixels beyond the end of a row |
//!
//! A failure names its seed; `BPA_BLOCKS_SEED=17 cargo test --test blocks token_queue` runs that one alone.

mod banked_line_buffer;
mod beat_fifo;
mod bus_reader;
mod bus_requests;
mod bus_walk;
mod bus_writer;
mod counters;
mod grad_port;
mod issue_loop;
mod jobs;
mod memory_array;
mod result_port;
mod rig;
mod row_end;
mod row_order;
mod sequencer;
mod tlast;
mod token_queue;
mod traffic;
mod walk;
mod weight_load;
mod weight_port;

#[path = "../shared/choices.rs"]
mod choices;
#[path = "../shared/named_layers.rs"]
mod named_layers;

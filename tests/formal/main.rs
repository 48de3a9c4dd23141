//! What is proved of the control blocks, for all time and for whatever comes on their ports, with rules of
//! `scripts/formal` and tools that are open.
//!
//! One binary, so that it is linked once. A proof is one of the block's emitted text at small widths. Each shows that what
//! it says is met by something, and fails for copies of the block with one thing wrong. `scripts/formal.sh` runs all of
//! them and prints the table.
//!
//! | module | what is proved |
//! |---|---|
//! | [`beat_fifo`] | no FIFO of beats over- or underflows, loses or turns round what it holds |
//! | [`bus`] | no burst of a master crosses 4 KiB, none is changed or lost |
//! | [`engines`] | whole engines keep the rules of AXI4-Stream, and give nothing but registers |
//! | [`grad_port`] | the line buffer is never written over what is alive |
//! | [`issue_loop`] | the output FIFO never overflows; pixels are let go with their last read
//! | [`jobs`] | jobs of a programmable engine never mix
//! | [`result_port`] | results leave in their order, each behind its zeros |
//! | [`sequencer`] | a sequencer gives its program unrolled, whatever the program is |
//! | [`stages`] | the queue behind the stages, and the streams beside the results, lose nothing |
//! | [`token_queue`] | nothing is read of the line buffer before it was written |
//! | [`weights`] | no word of weights in use is written |
//!
//! `BPA_FORMAL_TEXT=folder` keeps what the prover is given there.

mod beat_fifo;
mod bus;
mod engines;
mod grad_port;
mod issue_loop;
mod jobs;
mod prover;
mod result_port;
mod sequencer;
mod stages;
mod token_queue;
mod weights;

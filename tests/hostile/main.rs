//! Promise: no file, whoever made it, makes a program panic, hang or take memory that the file does not stand for; and no
//! text of a file reaches Verilog, a shell or a Tcl script but as a name of letters, digits and underscores.
//!
//! Files are valid ones with something done to them: values at the ends of what is possible, keys gone, doubled or in the
//! wrong place, nesting without end, headers that claim more than is there, bytes turned, cut out, doubled.
//!
//! A few thousand of each kind here; a million of each: `scripts/hostile.sh`. A failure names the file's seed, and
//! `BPA_HOSTILE_SEED=17 BPA_HOSTILE_CASES=1` makes it again.

mod damage;
mod hunt;
mod names;
mod npy;
mod onnx;
mod tables;
mod trees;

#[path = "../shared/choices.rs"]
mod choices;

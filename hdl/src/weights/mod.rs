//! The ways a set of weights reaches its memory: [`port`] one set, taken between frames; [`swap`] two, one taken while the
//! other is in use; [`load`] a ring of words, the next job's taken while this one's are in use.

pub mod load;
pub mod port;
pub mod swap;

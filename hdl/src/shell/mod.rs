//! The shells around the core: constants in a [`fixed`] engine, registers and jobs in a [`programmable`] one.

pub mod fixed;
pub mod job_table;
pub mod jobs;
pub mod memory;
pub mod programmable;

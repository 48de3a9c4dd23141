//! The two programs: what they take, do and say.
//!
//! Results go to standard output, everything else to standard error. A program ends with 0 if all went well, with 1
//! if the engine gave a wrong value or broke its contract, and with 2 if it could not do what it was asked: bad input,
//! a file that cannot be written, a tool that is missing or fails.

mod bench;
pub mod bpa;
pub mod gen_verilog;
mod layer_source;
mod parallel;
mod progress;
mod run_network;
mod synth;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::run::Broken;

/// The end of a program that did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    /// The engine's result is not the reference's.
    Mismatch,
}

/// Turns the end of a program into its exit code, and says what went wrong.
fn exit_code(result: anyhow::Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Success) => ExitCode::SUCCESS,
        Ok(Outcome::Mismatch) => ExitCode::from(1),
        Err(error) => {
            // The errors' own messages hold those of their causes.
            say(&format!("error: {error}"));
            ExitCode::from(if error.is::<Broken>() { 1 } else { 2 })
        }
    }
}

/// Writes a line to standard error. Where nobody listens any more there is nobody to tell.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Writes a result to standard output.
fn print(result: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(result.as_bytes()).and_then(|()| out.flush());
    written.map_err(|reason| anyhow::anyhow!("cannot write to standard output: {reason}"))
}

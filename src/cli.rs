//! The two programs: what they take, do and say.
//!
//! Results go to standard output, everything else to standard error; with `--json` there is one object on standard output
//! in any case, the result or the error. A program ends with 0 if all went well, with 1 if the engine gave a wrong value,
//! broke its contract or does not fit its device, and with 2 if it could not do what it was asked: bad input, a file that
//! cannot be written, a tool that is missing or fails. It ends with 70 by a fault of its own.

mod array_files;
mod bench;
pub mod bpa;
mod command_line;
mod compile;
mod engine_source;
mod explain;
mod explore;
mod flows;
mod folder;
mod frames;
pub mod gen_verilog;
mod import;
mod layer_source;
mod long_run;
mod network_source;
mod outputs;
mod parallel;
mod progress;
mod report;
mod result_file;
mod run_network;
mod synth;
mod trace;
mod vectors;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use bpa_sim::{Cache, SimError};
use serde::Serialize;

use crate::internal_error::{caught, keep_panics, work, InternalError};
use crate::run::Broken;

/// The command lines of the programs, for what is made of them: manual pages, completions.
pub fn commands() -> [clap::Command; 2] {
    [gen_verilog::command(), bpa::command()]
}

/// The end of a program that did what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    /// The engine's result is not the reference's.
    Mismatch,
    /// The device has not what the engine takes.
    TooLarge,
    /// Some layers of a list gave no result; the exit code is that of the gravest error.
    Failed(u8),
}

/// The exit code of a fault of the program itself: that of BSD's `sysexits.h` for an internal software error.
const INTERNAL: u8 = 70;

/// Runs a program, whose errors are JSON where that was asked for. No panic leaves it.
fn guarded(json: bool, program: impl FnOnce() -> anyhow::Result<Outcome>) -> ExitCode {
    keep_panics();
    ended(json, program)
}

/// The end of a program, which may panic.
fn ended(json: bool, program: impl FnOnce() -> anyhow::Result<Outcome>) -> ExitCode {
    let result = caught(work, program);
    exit_code(result.unwrap_or_else(|error| Err(error.into())), json)
}

/// Turns the end of a program into its exit code, and says what went wrong; as JSON, where that was asked for.
fn exit_code(result: anyhow::Result<Outcome>, json: bool) -> ExitCode {
    match result {
        Ok(Outcome::Success) => ExitCode::SUCCESS,
        Ok(Outcome::Mismatch | Outcome::TooLarge) => ExitCode::from(1),
        Ok(Outcome::Failed(code)) => ExitCode::from(code),
        Err(error) => {
            // The errors' own messages hold those of their causes.
            print_error(&error.to_string(), json);
            ExitCode::from(code_of(&error))
        }
    }
}

fn code_of(error: &anyhow::Error) -> u8 {
    if error.is::<InternalError>() {
        INTERNAL
    } else if error.is::<Broken>() {
        1
    } else {
        2
    }
}

/// The user's cache. What is made for it takes long and is told, unless a terminal shows that something goes on.
fn cache() -> Result<Cache, SimError> {
    let tell = |what: &str| {
        if !io::stderr().is_terminal() {
            say(what);
        }
    };
    Ok(Cache::from_env()?.telling(tell))
}

/// Writes a line to standard error. Where nobody listens any more there is nobody to tell.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// What `--json` prints in the place of a result.
#[derive(Serialize)]
struct JsonError<'a> {
    error: &'a str,
}

/// Says what went wrong: to people on standard error, or as JSON on standard output.
fn print_error(message: &str, json: bool) {
    if json {
        let error = JsonError { error: message };
        let object = serde_json::to_string(&error).expect("text is always valid JSON");
        if print(&format!("{object}\n")).is_ok() {
            return;
        }
    }
    say(&format!("error: {message}"));
}

/// Writes a result to standard output. A reader that has gone away has read all that it wanted.
fn print(result: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(result.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(reason) if reason.kind() != ErrorKind::BrokenPipe => {
            anyhow::bail!("cannot write to standard output: {reason}")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::GRAD_INPUT;
    use crate::run::Fault;

    #[test]
    fn each_end_has_its_exit_code() {
        let broken = || {
            Broken(vec![Fault::Extra {
                stream: GRAD_INPUT,
                beats: 1,
            }])
        };
        let ends: [(u8, &dyn Fn() -> anyhow::Result<Outcome>); 7] = [
            (0, &|| Ok(Outcome::Success)),
            (1, &|| Ok(Outcome::Mismatch)),
            (1, &|| Ok(Outcome::TooLarge)),
            (1, &|| Err(broken().into())),
            (2, &|| anyhow::bail!("bad input")),
            (70, &|| Ok(Outcome::Failed(INTERNAL))),
            (70, &|| panic!("a fault")),
        ];
        for (code, end) in ends {
            assert_eq!(ended(false, end), ExitCode::from(code));
        }
    }
}

//! What can go wrong between a specification and a running model.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// Verilator could not be started.
    #[error(
        "`{program}` was not found: simulation needs Verilator 5.006 or later; \
         install it with `apt-get install verilator` (other systems: https://verilator.org)"
    )]
    VerilatorMissing {
        /// The program that was looked for.
        program: String,
    },

    /// Verilator is too old.
    #[error(
        "`{program}` is Verilator {found}: simulation needs 5.006 or later; \
         install it with `apt-get install verilator` (other systems: https://verilator.org)"
    )]
    VerilatorOld {
        /// The program.
        program: String,
        /// Its version.
        found: String,
    },

    /// The C++ compiler could not be started.
    #[error(
        "`{program}` was not found: simulation needs a C++ compiler; \
         install one with `apt-get install g++`, or name one in the variable CXX"
    )]
    CompilerMissing {
        /// The program that was looked for.
        program: String,
    },

    /// The header of zlib is not there, which Verilator's writer of waveforms needs.
    #[error(
        "the header `zlib.h` was not found: waveforms need zlib; \
         install it with `apt-get install zlib1g-dev`"
    )]
    ZlibMissing,

    /// A tool ran and failed.
    #[error("`{command}` failed ({status}); its last lines:\n{tail}")]
    Tool {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// The last lines that it printed.
        tail: String,
    },

    /// The specification contradicts itself or cannot be bridged.
    #[error("faulty model specification: {message}")]
    Spec {
        /// What is wrong.
        message: String,
    },

    /// The specification and the Verilog do not have the same ports.
    #[error("port `{port}` of the model: expected {expected}, found {actual}")]
    Port {
        /// The port's name.
        port: String,
        /// What the specification says.
        expected: String,
        /// What the Verilog says.
        actual: String,
    },

    /// A file or folder of the cache could not be read or written.
    #[error("cannot use the model cache at {}: {source}", path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },

    /// No place for the cache is known.
    #[error("no folder for the model cache: set BPA_CACHE_DIR, XDG_CACHE_HOME or HOME")]
    NoCacheDir,

    /// The shared library could not be loaded.
    #[error("cannot load the compiled model {}: {source}", path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// The cause.
        source: libloading::Error,
    },

    /// A file of waveforms could not be opened.
    #[error("cannot write waveforms to {}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
    },

    /// Data and flags given to a source do not make whole beats.
    #[error("stream `{stream}`: {data} bytes of data do not fit {flags} beats of {bytes} bytes")]
    Beats {
        /// The stream's name.
        stream: String,
        /// Bytes of data.
        data: usize,
        /// Number of `tlast` flags.
        flags: usize,
        /// Bytes per beat.
        bytes: usize,
    },

    /// A slave on a bus of registers does not keep its protocol.
    #[error("the slave `{bus}` {what}")]
    Bus {
        /// The common start of its pins' names.
        bus: String,
        /// What it does.
        what: &'static str,
    },

    /// There is no such pin, or it cannot be used in this way.
    #[error("the model has no {kind} `{pin}`")]
    UnknownPin {
        /// What was looked for.
        kind: &'static str,
        /// The name that was given.
        pin: String,
    },
}

impl SimError {
    /// Whether it lies with the machine alone, so that every other model would meet it too.
    pub fn is_of_the_machine(&self) -> bool {
        matches!(
            self,
            SimError::VerilatorMissing { .. }
                | SimError::VerilatorOld { .. }
                | SimError::CompilerMissing { .. }
                | SimError::ZlibMissing
                | SimError::Cache { .. }
                | SimError::NoCacheDir
        )
    }

    pub(crate) fn cache(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> SimError {
        let path = path.into();
        move |source| SimError::Cache { path, source }
    }
}

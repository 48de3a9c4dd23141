//! What can go wrong in a synthesis.

use std::io;
use std::path::{Path, PathBuf};

use bpa_sim::SimError;

use super::TooNarrow;

/// An error of a synthesis.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// The device has no multipliers for the engine.
    #[error(transparent)]
    TooNarrow(#[from] TooNarrow),

    /// A tool could not be started.
    #[error("`{program}` was not found: {board} needs {what}; install it with `{install}`")]
    Missing {
        /// The program that was looked for.
        program: String,
        /// The device.
        board: &'static str,
        /// What is needed, for people.
        what: &'static str,
        /// How it is installed.
        install: &'static str,
    },

    /// A tool of the system is too old.
    #[error("`{program}` is version {found}: {board} needs {what}; install it with `{install}`")]
    Old {
        /// The program.
        program: String,
        /// Its version.
        found: String,
        /// The device.
        board: &'static str,
        /// What is needed, for people.
        what: &'static str,
        /// How it is installed.
        install: &'static str,
    },

    /// The Python environment of a tool could not be made.
    #[error(
        "cannot install {package}, which {board} needs: `{command}` failed ({status}); its last lines:\n{tail}\n\
         It takes Python 3 with venv (`apt-get install python3-venv`) and, the first time, a network"
    )]
    Environment {
        /// The package.
        package: &'static str,
        /// The device.
        board: &'static str,
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// The last lines that it printed.
        tail: String,
    },

    /// The device has too few cells of some kind.
    #[error("{board} is too small for `{layer}`: {reason}")]
    TooSmall {
        /// The device.
        board: &'static str,
        /// The layer's name.
        layer: String,
        /// Of what there is too little.
        reason: String,
    },

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

    /// A tool's report is not what was expected of it.
    #[error("{}: not a report of {tool}: {reason}", path.display())]
    Report {
        /// The file or folder.
        path: PathBuf,
        /// The tool.
        tool: &'static str,
        /// What is wrong with it.
        reason: String,
    },

    /// A file or folder of the synthesis could not be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },

    /// The cache, where the tools are kept, could not be used.
    #[error(transparent)]
    Cache(#[from] SimError),
}

impl SynthError {
    /// Whether every other synthesis would fail by the same: a tool is missing, or too old.
    pub(crate) fn is_of_the_machine(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Old { .. } | Self::Environment { .. } => true,
            Self::Cache(error) => error.is_of_the_machine(),
            _ => false,
        }
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |reason| SynthError::File {
            path: path.to_owned(),
            reason,
        }
    }
}

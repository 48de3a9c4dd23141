//! The programs that turn Verilog into a library.

use std::collections::HashMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use crate::cache::digest;
use crate::{Cache, SimError};

/// Variables that turn Verilator's wrapper to another binary.
const VERILATOR_VARIABLES: [&str; 2] = ["VERILATOR_ROOT", "VERILATOR_BIN"];

/// The oldest Verilator that will do.
const LEAST_VERILATOR: [u32; 2] = [5, 6];

/// The text of an entry that holds a version.
const VERSION: &str = "version";

/// Lines of a failed tool's output that an error shows.
const TAIL_LINES: usize = 20;

/// Names or paths of the tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// Verilator, 5.006 or later.
    pub verilator: String,
    /// A C++17 compiler that takes GCC's options; words after the first are options.
    pub cxx: String,
}

impl Default for Toolchain {
    /// The programs named in the variables `VERILATOR` and `CXX`, otherwise `verilator` and `g++`.
    fn default() -> Self {
        let from = |variable, default: &str| match env::var(variable) {
            Ok(program) if !program.trim().is_empty() => program,
            _ => default.to_string(),
        };
        Toolchain {
            verilator: from("VERILATOR", "verilator"),
            cxx: from("CXX", "g++"),
        }
    }
}

impl Toolchain {
    pub(crate) fn verilator(&self) -> Tool {
        Tool::new(command(&self.verilator), |program| {
            SimError::VerilatorMissing { program }
        })
    }

    pub(crate) fn cxx(&self) -> Tool {
        let mut words = self.cxx.split_whitespace();
        let mut command = command(words.next().unwrap_or("g++"));
        command.args(words);
        Tool::new(command, |program| SimError::CompilerMissing { program })
    }

    /// The text that `verilator --version` prints, if it is not too old; what states no version is taken for new.
    /// Verilator is a Perl script around a binary, which takes long to start for a run that has its model already: the
    /// text is kept in the cache for as long as the file stays the same.
    pub(crate) fn verilator_version(&self, cache: &Cache) -> Result<String, SimError> {
        let text = self.verilator_version_text(cache)?;
        match version_in(&text) {
            Some((found, numbers)) if numbers < LEAST_VERILATOR => Err(SimError::VerilatorOld {
                program: self.verilator.clone(),
                found: found.to_owned(),
            }),
            _ => Ok(text),
        }
    }

    fn verilator_version_text(&self, cache: &Cache) -> Result<String, SimError> {
        let ask = || version_of(&self.verilator, self.verilator());
        let Some(identity) = identity(&self.verilator) else {
            return ask();
        };
        let mut texts = vec![identity];
        texts.extend(VERILATOR_VARIABLES.map(|name| env::var(name).unwrap_or_default()));
        let key = digest(texts.iter().map(String::as_str));
        let (entry, _) = cache.entry(&format!("verilator-{key}"), None, |dir| {
            let path = dir.join(VERSION);
            fs::write(&path, ask()?).map_err(SimError::cache(&path))
        })?;
        // An entry without the text is as good as none
        fs::read_to_string(entry.join(VERSION)).or_else(|_| ask())
    }

    /// The text that the compiler's `--version` prints.
    pub(crate) fn cxx_version(&self) -> Result<String, SimError> {
        version_of(&self.cxx, self.cxx())
    }

    /// The folder with Verilator's runtime.
    pub(crate) fn verilator_include(&self) -> Result<PathBuf, SimError> {
        let root = self
            .verilator()
            .args(["--getenv", "VERILATOR_ROOT"])
            .run()?;
        Ok(Path::new(root.trim()).join("include"))
    }
}

/// The version in a text like `Verilator 5.006 2023-01-22 rev (Debian 5.006-3)`, and its numbers.
fn version_in(text: &str) -> Option<(&str, [u32; 2])> {
    let version = text.split_whitespace().nth(1)?;
    let (major, minor) = version.split_once('.')?;
    Some((version, [major.parse().ok()?, minor.parse().ok()?]))
}

/// A path with folders is made absolute, since the tools are started in other folders; a bare name
/// is looked up in PATH.
fn command(program: &str) -> Command {
    let path = Path::new(program);
    match path::absolute(path) {
        Ok(absolute) if path.components().count() > 1 => Command::new(absolute),
        _ => Command::new(path),
    }
}

/// The file of a program, and when it was written; `None` if it is not found.
fn identity(program: &str) -> Option<String> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let file = match Path::new(program).components().count() {
        1 => env::split_paths(&folders)
            .map(|folder| folder.join(program))
            .find(|path| path.is_file())?,
        _ => path::absolute(program).ok()?,
    };
    let metadata = fs::metadata(&file).ok()?;
    let written = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {written:?}", file.display(), metadata.len()))
}

/// Asks a tool for its version, once per process.
fn version_of(program: &str, tool: Tool) -> Result<String, SimError> {
    static KNOWN: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(version) = known().get(program) {
        return Ok(version.clone());
    }
    let version = tool.args(["--version"]).run()?;
    known().insert(program.to_string(), version.clone());
    Ok(version)
}

/// One command, whose output is kept for the error.
pub(crate) struct Tool {
    command: Command,
    missing: fn(String) -> SimError,
}

impl Tool {
    fn new(mut command: Command, missing: fn(String) -> SimError) -> Self {
        command.stdin(Stdio::null()).env("LC_ALL", "C");
        Tool { command, missing }
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs to the end and returns the standard output.
    pub(crate) fn run(mut self) -> Result<String, SimError> {
        let output = match self.command.output() {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let program = self.command.get_program().to_string_lossy();
                return Err((self.missing)(program.into_owned()));
            }
            Err(error) => {
                return Err(SimError::Tool {
                    command: self.line(),
                    status: "could not be started".into(),
                    tail: error.to_string(),
                })
            }
        };
        let stdout = String::from_utf8_lossy(&output.stdout);
        if output.status.success() {
            return Ok(stdout.into_owned());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = stdout.lines().chain(stderr.lines()).collect();
        Err(SimError::Tool {
            command: self.line(),
            status: output.status.to_string(),
            tail: lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"),
        })
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let numbers = |text| version_in(text).map(|(_, numbers)| numbers);
        let debian = "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)\n";
        assert_eq!(version_in(debian), Some(("5.006", LEAST_VERILATOR)));
        assert_eq!(
            numbers("Verilator 4.228 2022-10-01 rev v4.228"),
            Some([4, 228])
        );
        assert_eq!(numbers("Verilator 5.034 devel rev v5.034-5"), Some([5, 34]));
        assert_eq!(numbers("something else"), None);
        assert_eq!(numbers(""), None);
    }
}

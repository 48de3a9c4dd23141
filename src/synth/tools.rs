//! The tools: found on the system, or installed into the cache.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bpa_sim::Cache;

use super::board::{Chain, Package, RUNTIME};
use super::{Board, SynthError};

/// Lines of a failed tool's output that an error shows.
const TAIL_LINES: usize = 20;
/// The environment's interpreter and what it compiled, in a package's folder.
const VENV_PYTHON: &str = "venv/bin/python";
const COMPILED: &str = "compiled";

/// The tools of a board, with their versions by name.
#[derive(Debug)]
pub(super) struct Tools {
    pub yosys: Program,
    pub nextpnr: Option<Program>,
    pub versions: BTreeMap<String, String>,
}

impl Tools {
    /// Finds them or, where they are Python packages, installs what is not in the cache yet; nextpnr only where it is
    /// wanted and there is one.
    pub(super) fn of(board: Board, place: bool, cache: &Cache) -> Result<Self, SynthError> {
        match board.chain() {
            Chain::Native => Self::native(board, place),
            Chain::Yowasp => Self::yowasp(board, place, cache),
        }
    }

    fn native(board: Board, place: bool) -> Result<Self, SynthError> {
        let yosys = Program::native(board, "YOSYS", "yosys", "Yosys 0.23 or later");
        let mut versions = BTreeMap::from([("yosys".to_owned(), yosys.version([0, 23])?)]);
        let mut nextpnr = None;
        if let Some(pnr) = board.place_and_route().filter(|_| place) {
            let what = "nextpnr 0.4 or later for iCE40";
            let program = Program::native(board, "NEXTPNR_ICE40", pnr.program, what);
            versions.insert(pnr.program.to_owned(), program.version([0, 4])?);
            nextpnr = Some(program);
        }
        Ok(Tools {
            yosys,
            nextpnr,
            versions,
        })
    }

    fn yowasp(board: Board, place: bool, cache: &Cache) -> Result<Self, SynthError> {
        let mut versions = BTreeMap::new();
        let mut programs = Vec::new();
        let wanted = if place { usize::MAX } else { 1 };
        for package in board.yowasp_packages().into_iter().take(wanted) {
            let name = package.pinned.replace("==", "-");
            let what = format!(
                "installing {} in {}: the tools of a device are a download of about 600 MB, once",
                package.pinned,
                cache.dir().display()
            );
            let install = |folder: &Path| install(board, &package, folder);
            let (folder, _) = cache.entry(&name, Some(&what), install)?;
            programs.push(Program::packaged(board, &package, &folder));
            if let Some((name, version)) = package.pinned.split_once("==") {
                versions.insert(name.to_owned(), version.to_owned());
            }
        }
        let mut programs = programs.into_iter();
        let Some(yosys) = programs.next() else {
            unreachable!("every chain begins with Yosys")
        };
        Ok(Tools {
            yosys,
            nextpnr: programs.next(),
            versions,
        })
    }
}

/// The interpreter that makes environments.
fn system_python(board: Board) -> Program {
    let words = [named_in("PYTHON", "python3")];
    Program::new(board, words, "Python 3", "apt-get install python3-venv")
}

/// Makes an environment in `folder`, which may be renamed afterwards: nothing in it that is used later names its place.
fn install(board: Board, package: &Package, folder: &Path) -> Result<(), SynthError> {
    let failed = |error| match error {
        SynthError::Tool {
            command,
            status,
            tail,
        } => SynthError::Environment {
            package: package.pinned,
            board: board.name(),
            command,
            status,
            tail,
        },
        other => other,
    };
    let venv = ["-m", "venv", "venv"];
    system_python(board).run(folder, venv).map_err(failed)?;
    let words = [folder.join(VENV_PYTHON)];
    let python = Program::new(board, words, "Python 3", "apt-get install python3-venv");
    let pip = "-m pip install --quiet --no-input --disable-pip-version-check";
    let words = pip.split(' ').chain([package.pinned]).chain(RUNTIME);
    python.run(folder, words).map_err(failed)?;
    // Compiles the tool for this machine; later calls find it done.
    let tool = Program::packaged(board, package, folder);
    tool.run(folder, ["--version"]).map_err(failed)?;
    Ok(())
}

/// A program with its first arguments.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// As errors show it.
    name: String,
    words: Vec<OsString>,
    compiled: Option<PathBuf>,
    board: &'static str,
    what: &'static str,
    install: &'static str,
}

impl Program {
    fn new<S: Into<OsString>>(
        board: Board,
        words: impl IntoIterator<Item = S>,
        what: &'static str,
        install: &'static str,
    ) -> Self {
        let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
        Program {
            name: words[0].to_string_lossy().into_owned(),
            words,
            compiled: None,
            board: board.name(),
            what,
            install,
        }
    }

    /// A program of the system: the one that the environment variable names, if it is set.
    fn native(board: Board, variable: &str, default: &str, what: &'static str) -> Self {
        let words = [named_in(variable, default)];
        Program::new(board, words, what, board.native_packages())
    }

    /// The tool of a package, in the environment that [`install`] made.
    fn packaged(board: Board, package: &Package, folder: &Path) -> Self {
        let (module, function) = (package.module, package.function);
        let call = format!("import sys, {module} as tool; sys.exit(tool.{function}(sys.argv[1:]))");
        let words: [OsString; 3] = [folder.join(VENV_PYTHON).into(), "-c".into(), call.into()];
        Program {
            name: module.replace('_', "-"),
            compiled: Some(folder.join(COMPILED)),
            ..Program::new(board, words, "Python 3", "apt-get install python3-venv")
        }
    }

    /// Runs to the end, in the folder. The packaged tools see no absolute path in the folder for temporary files, so
    /// arguments that are paths are relative.
    pub(super) fn run<S: AsRef<OsStr>>(
        &self,
        folder: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, SynthError> {
        let mut command = Command::new(&self.words[0]);
        let args: Vec<S> = args.into_iter().collect();
        command
            .args(&self.words[1..])
            .args(&args)
            .current_dir(folder)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        if let Some(compiled) = &self.compiled {
            command.env("YOWASP_CACHE_DIR", compiled);
        }
        let failed = |status, tail| {
            let words = args.iter().map(|word| word.as_ref().to_string_lossy());
            let words: Vec<_> = std::iter::once(self.name.as_str().into())
                .chain(words)
                .collect();
            SynthError::Tool {
                command: words.join(" "),
                status,
                tail,
            }
        };
        let output = command.output().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SynthError::Missing {
                program: self.name.clone(),
                board: self.board,
                what: self.what,
                install: self.install,
            },
            _ => failed("could not be started".to_owned(), error.to_string()),
        })?;
        let [stdout, stderr] = [&output.stdout, &output.stderr];
        let text = [
            String::from_utf8_lossy(stdout),
            String::from_utf8_lossy(stderr),
        ]
        .concat();
        if output.status.success() {
            return Ok(text);
        }
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        Err(failed(output.status.to_string(), tail))
    }

    /// The version that the program states of itself: what follows the word, or all where there is none. It has to be
    /// `least` or later, where it can be compared.
    fn version(&self, least: [u32; 2]) -> Result<String, SynthError> {
        let here = Path::new(".");
        let text = match self.run(here, ["--version"]) {
            // Yosys before 0.28 knows the short form only.
            Err(SynthError::Tool { .. }) => self.run(here, ["-V"])?,
            other => other?,
        };
        let found = version_in(&text);
        match numbers_of(&found).is_some_and(|numbers| numbers < least) {
            true => Err(SynthError::Old {
                program: self.name.clone(),
                found,
                board: self.board,
                what: self.what,
                install: self.install,
            }),
            false => Ok(found),
        }
    }
}

/// `Yosys 0.23 (git sha1 ...)` and `... (Version 0.4-1+b1)` give `0.23` and `0.4-1+b1`.
fn version_in(text: &str) -> String {
    let begins_with_digit = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    let mut words = text
        .split_whitespace()
        .map(|word| word.trim_matches(['(', ')', ',']));
    let version = words.find(begins_with_digit);
    version.unwrap_or(text.trim()).to_owned()
}

/// The first two numbers of a version: 0.23 is later than 0.9.
fn numbers_of(version: &str) -> Option<[u32; 2]> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some([next()?, next()?])
}

fn named_in(variable: &str, default: &str) -> OsString {
    match env::var_os(variable) {
        Some(program) if !program.is_empty() => program,
        _ => default.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_say() {
        for (text, version) in [
            ("Yosys 0.23 (git sha1 7ce5011c24b)\n", "0.23"),
            (
                "nextpnr-ice40 -- Next Generation Place and Route (Version 0.4-1+b1)\n",
                "0.4-1+b1",
            ),
            ("unknown\n", "unknown"),
        ] {
            assert_eq!(version_in(text), version);
        }
        assert_eq!(numbers_of("0.4-1+b1"), Some([0, 4]));
        assert_eq!(numbers_of("5"), None);
        assert_eq!(numbers_of("unknown"), None);
    }
}

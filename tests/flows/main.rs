//! The files that `gen-verilog` writes for other tools' flows: what they check they notice. `scripts/flows.sh` runs the
//! flows themselves.

mod assertions;
mod testbench;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder with what `gen-verilog` wrote there.
struct Emitted(TempDir);

impl Emitted {
    /// From a file of the examples, with these flags.
    fn new(example: &str, flags: &[&str]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let (code, said) = folder.emit(&root().join("examples").join(example), flags);
        assert_eq!(code, 0, "{said}");
        folder
    }

    /// Exit code, and what was said.
    fn emit(&self, file: &Path, flags: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gen-verilog"));
        let command = command.arg(file).arg("--out").arg(self.path());
        said(command.args(flags))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// What a tool says in the folder; it has to succeed.
    fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new(words[0]);
        let (code, said) = said(command.args(&words[1..]).current_dir(self.path()));
        assert_eq!(code, 0, "{words:?}: {said}");
        said
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn said(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let code = output.status.code().unwrap_or(-1);
    (code, String::from_utf8(said).unwrap())
}

//! The two programs as a user meets them: command lines, files, output and exit codes.

mod bad_input;
mod emission;
mod explore;
#[path = "../shared/fst.rs"]
mod fst;
mod import;
mod networks;
mod overwriting;
mod passes;
mod readme;
mod simulation;
mod tools;
mod trace;

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder to work in, with a tiny layer and its arrays in it.
struct Folder(TempDir);

/// What a program did.
#[derive(Debug)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Stride and padding differ on every axis and side; C = 2, K = 3, H, W = 4, 5, P, Q = 2, 3.
const LAYER: &str = "name = \"tiny\"
[layer]
in_channels = 2
out_channels = 3
in_size = [4, 5]
kernel = [2, 3]
stride = [2, 1]
padding = [0, 1, 1, 0]
[engine]
simd = 2
pe = 2
";
const GRAD_OUTPUT_SHAPE: [usize; 4] = [2, 3, 2, 4];
const WEIGHT_SHAPE: [usize; 4] = [3, 2, 2, 3];

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("tiny.toml", LAYER);
        let grad_output = numbers(GRAD_OUTPUT_SHAPE)
            .map(|value| value as i8)
            .collect();
        folder.write("dy.npy", npy("|i1", false, GRAD_OUTPUT_SHAPE, grad_output));
        let weight = numbers(WEIGHT_SHAPE).map(|value| value as i8).collect();
        folder.write("w.npy", npy("|i1", false, WEIGHT_SHAPE, weight));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), bytes).unwrap();
    }

    fn has(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// The names of all files and folders in it, sorted.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// `gen-verilog`, ready to run in this folder with these words.
    fn gen_verilog(&self, words: &str) -> Command {
        self.command(env!("CARGO_BIN_EXE_gen-verilog"), words)
    }

    /// `bpa`, ready to run in this folder with these words.
    fn bpa(&self, words: &str) -> Command {
        self.command(env!("CARGO_BIN_EXE_bpa"), words)
    }

    fn command(&self, program: &str, words: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(words.split_whitespace())
            .current_dir(self.path())
            .env(
                "BPA_CACHE_DIR",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/models"),
            );
        command
    }
}

fn ran(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        code: status.code().expect("no program is killed"),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

impl Ran {
    /// What it said, but for a model that had to be compiled first.
    fn said(&self) -> String {
        let lines = self.stderr.split_inclusive('\n');
        lines
            .filter(|line| !line.starts_with("compiling the Verilog "))
            .collect()
    }
}

/// The message of a program that refuses, which says nothing on standard output.
fn refusal(command: &mut Command) -> String {
    let ran = ran(command);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    ran.stderr
}

/// The same of one that was asked for JSON: an object with the message, on standard output alone; here it is told as to
/// people.
fn json_refusal(command: &mut Command) -> String {
    let ran = ran(command);
    assert_eq!((ran.code, ran.stderr.as_str()), (2, ""), "{}", ran.stdout);
    json_error(&ran.stdout)
}

/// The one key of the one object.
fn json_error(stdout: &str) -> String {
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    let object: serde_json::Value = serde_json::from_str(stdout).unwrap();
    assert_eq!(object.as_object().unwrap().len(), 1, "{stdout}");
    format!("error: {}\n", object["error"].as_str().unwrap())
}

/// Numbers from -20 up, in no simple order.
fn numbers(shape: [usize; 4]) -> impl Iterator<Item = i64> {
    (0..shape.iter().product::<usize>() as i64).map(|index| index * 7 % 41 - 20)
}

/// An .npy file, version 1, as NumPy writes it; `data` are the values' bytes in the file's order.
fn npy(descr: &str, fortran: bool, shape: [usize; 4], data: Vec<i8>) -> Vec<u8> {
    let data: Vec<u8> = data.into_iter().map(|value| value as u8).collect();
    npy_of_bytes(descr, fortran, &shape, &data)
}

fn npy_of_bytes(descr: &str, fortran: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let axes = axes.join(", ");
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({axes},), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

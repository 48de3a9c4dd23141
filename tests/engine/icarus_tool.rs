//! Icarus Verilog, run in a folder.

use std::io;
use std::path::Path;
use std::process::Command;

/// Compiles sources of the folder into `run.vvp` there. Icarus has to be silent about them.
pub fn compile(folder: &Path, generation: &str, args: &[&str]) {
    let mut command = Command::new("iverilog");
    command.args([generation, "-o", "run.vvp"]).args(args);
    let said = run(folder, &mut command);
    assert!(said.is_empty(), "{args:?}: {said}");
}

/// Runs `run.vvp` of the folder to its end; what it said.
pub fn simulate(folder: &Path, args: &[&str]) -> String {
    run(
        folder,
        Command::new("vvp").args(["-n", "run.vvp"]).args(args),
    )
}

fn run(folder: &Path, command: &mut Command) -> String {
    let output = command.current_dir(folder).output();
    let output = output.unwrap_or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => panic!(
            "`{}` was not found: install it with `apt-get install iverilog`",
            command.get_program().to_string_lossy()
        ),
        _ => panic!("{command:?}: {error}"),
    });
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

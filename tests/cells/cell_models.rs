//! Simulation models of a family's cells: those that Yosys ships, and where it ships none, those in `models/`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Text of a model in `models/`.
macro_rules! ours {
    ($file:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/cells/models/",
            $file
        ))
    };
}

pub const ECP5_MULTIPLIER: &str = ours!("ecp5_mult18x18d.v");
pub const ECP5_MEMORY: &str = ours!("ecp5_dp16kd.v");
pub const GOWIN_MULTIPLIER: &str = ours!("gowin_mult.v");
pub const GOWIN_MEMORY: &str = ours!("gowin_sdpb.v");
pub const XILINX7_MEMORY: &str = ours!("xilinx7_ramb18e1.v");

/// The cells of which engines for ECP5 are made.
pub fn ecp5() -> String {
    let names = [
        "LUT4",
        "LUT2",
        "L6MUX21",
        "PFUMX",
        "CCU2C",
        "TRELLIS_FF",
        "TRELLIS_DPR16X4",
    ];
    modules_of_yosys("ecp5", &names) + ECP5_MULTIPLIER + ECP5_MEMORY
}

/// The folder where Yosys keeps the cells of all families.
pub fn of_yosys() -> PathBuf {
    // Some packages of Yosys leave this program out; then Yosys itself looks beside its own program.
    if let Ok(output) = Command::new("yosys-config").arg("--datdir").output() {
        return PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let share = env::split_paths(&path)
        .filter_map(|folder| folder.join("yosys").canonicalize().ok())
        .filter_map(|program| Some(program.parent()?.join("../share/yosys")))
        .find(|share| share.is_dir());
    share.expect("Yosys' cell models were not found: install Yosys with `apt-get install yosys`")
}

/// The file of a family's cells.
pub fn file_of_yosys(family: &str) -> String {
    let path = of_yosys().join(family).join("cells_sim.v");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text of the modules of that file that are named.
pub fn modules_of_yosys(family: &str, names: &[&str]) -> String {
    let file = file_of_yosys(family);
    names.iter().map(|name| module(&file, name)).collect()
}

/// One module of a file.
pub fn module<'a>(file: &'a str, name: &str) -> &'a str {
    let begins = [' ', '('].map(|next| file.find(&format!("\nmodule {name}{next}")));
    let start = begins.into_iter().flatten().next();
    let start = start.unwrap_or_else(|| panic!("Yosys has no model of {name}"));
    let end = "\nendmodule\n";
    let length = file[start..].find(end).expect("a module ends") + end.len();
    &file[start..start + length]
}

//! What every text has to be for the tools that read it.

use std::process::Command;

/// Verilator, Icarus and Yosys take the text of the engine `name` without a word.
pub fn clean_for_three_tools(name: &str, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.v");
    std::fs::write(&path, text).unwrap();
    let script = format!(
        "read_verilog {}; hierarchy -check -top {name}; proc; check -assert; \
         select -assert-none t:$dlatch t:$dlatchsr t:$adlatch t:$_DLATCH*",
        path.display()
    );
    for command in [
        vec![
            "verilator",
            "--lint-only",
            "-Wall",
            "-Wno-DECLFILENAME",
            "--top-module",
            name,
        ],
        vec!["iverilog", "-g2005", "-Wall", "-t", "null", "-s", name],
        vec!["yosys", "-q", "-e", ".*", "-p", &script],
    ] {
        let output = Command::new(command[0])
            .args(&command[1..])
            .arg(&path)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(
            output.status.success() && said.is_empty(),
            "{}: {said}",
            command[0]
        );
    }
}

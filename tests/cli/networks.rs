//! `bpa run-network` as a user meets it.

use serde_json::Value;

use crate::{ran, refusal, Folder};

const NETWORK: &str = "name = \"two\"
[[layer]]
name = \"a\"
conv = { in_channels = 4, out_channels = 8, in_size = 6, kernel = 3, padding = 1 }
[[layer]]
name = \"b\"
shift = 8
conv = { in_channels = 2, out_channels = 4, in_size = 6, kernel = 1 }
";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("network.toml", NETWORK);
    folder
}

/// The engine of the example networks.
fn engine() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/engines/network.toml").to_owned()
}

#[test]
fn a_network_is_run_and_its_figures_are_told() {
    let folder = folder();
    let words = format!("run-network network.toml --seed 5 --engine {}", engine());
    let table = ran(&mut folder.bpa(&words));
    assert_eq!(table.code, 0, "{}", table.stderr);
    assert!(table
        .stdout
        .starts_with("two: every gradient exact; frames: 1\n"));
    let json = ran(&mut folder.bpa(&format!("{words} --json")));
    assert_eq!(json.code, 0, "{}", json.stderr);
    let figures: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(figures["mismatches"], 0);
    assert_eq!(figures["layers"][1]["name"], "b");
    assert_eq!(figures["layers"][1]["tiles"], 1);
    let cycles = |value: &Value| value["cycles"].as_u64().unwrap();
    let sum: u64 = figures["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(cycles)
        .sum();
    assert_eq!(cycles(&figures), sum);
}

#[test]
fn what_is_missing_is_said() {
    let folder = folder();
    let none = refusal(&mut folder.bpa("run-network network.toml"));
    insta::assert_snapshot!(none.trim_end(), @"error: network.toml: there is no engine: name its file by the key `engine`, or by --engine");
    folder.write("other.toml", format!("engine = \"tiny.toml\"\n{NETWORK}"));
    let layer = refusal(&mut folder.bpa("run-network other.toml"));
    assert!(
        layer.contains("tiny.toml: ") && layer.contains("unknown field `layer`"),
        "{layer}"
    );
    let absent = refusal(&mut folder.bpa("run-network none.toml"));
    assert!(
        absent.starts_with("error: none.toml: cannot read the network file: "),
        "{absent}"
    );
}

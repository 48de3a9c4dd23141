//! The commands of the README, as printed.

use std::os::unix::fs::symlink;

use crate::{ran, Folder};

/// The commands of indented lines that begin like this, their continuations joined.
fn commands(begin: &str) -> Vec<String> {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let joined = readme.replace("\\\n", " ");
    let commands = joined.lines().filter_map(|line| line.strip_prefix(begin));
    commands
        .map(|command| command.split('#').next().unwrap().to_owned())
        .collect()
}

/// From a fresh clone, twice: nothing stands in the way of a second time.
#[test]
fn arrays_are_made_and_run_on() {
    let folder = Folder::new();
    let root = env!("CARGO_MANIFEST_DIR");
    symlink(format!("{root}/examples"), folder.path().join("examples")).unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        for command in commands("    cargo run --release --bin bpa -- ") {
            let name = command.split_whitespace().next().unwrap();
            if ["vectors", "run"].contains(&name) {
                let ran = ran(&mut folder.bpa(&command));
                assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
                assert_eq!(
                    name == "run",
                    ran.stdout.contains(" values exact"),
                    "{command}"
                );
                seen.push(name.to_owned());
            }
        }
    }
    assert_eq!(seen, ["vectors", "run"].repeat(4));
    assert!(folder.has("build/requantised/grad_input.npy"));
}

//! The commands of the README, and of pages that make arrays and run engines on them, as printed.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::{ran, Folder};

/// A page's commands of `bpa` in indented lines, their continuations joined.
fn commands(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let joined = std::fs::read_to_string(path).unwrap().replace("\\\n", " ");
    let begin = "    cargo run --release --bin bpa -- ";
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
        for command in commands("README.md") {
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

#[test]
fn transposed_convolutions_are_run() {
    let folder = Folder::new();
    let mut exact = 0;
    for command in commands("docs/conv-transpose.md") {
        let ran = ran(&mut folder.bpa(&command));
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
        exact += usize::from(ran.stdout.contains(" values exact"));
    }
    assert_eq!(exact, 3, "one for each framework");
}

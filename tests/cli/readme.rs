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
        let pages = ["README.md", "docs/layer-file.md"].map(commands);
        for command in pages.concat() {
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

/// Runs all commands of a page; how many of them compared values, and found all exact.
fn exact_of(page: &str) -> usize {
    let folder = Folder::new();
    let run = |command: String| {
        let ran = ran(&mut folder.bpa(&command));
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
        usize::from(ran.stdout.contains(" values exact"))
    };
    commands(page).into_iter().map(run).sum()
}

#[test]
fn transposed_convolutions_are_run() {
    assert_eq!(
        exact_of("docs/conv-transpose.md"),
        3,
        "one for each framework"
    );
}

#[test]
fn layers_of_pytorch_are_run() {
    assert_eq!(exact_of("docs/coming-from.md"), 2);
}

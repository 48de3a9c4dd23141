//! The pages of docs/ that show this command: what they print is what it prints, and their figures are what it draws.
//!
//! After a change that was meant: `UPDATE_GOLDEN=1`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// What `bpa` prints for these words, in the project's folder.
fn printed(words: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bpa"))
        .args(words.split_whitespace())
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{words}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Blocks of a command and what it prints, all of it or up to a line of three dots.
#[test]
fn what_the_page_shows_is_what_is_printed() {
    let path = root().join("docs/explain.md");
    let page = fs::read_to_string(&path).unwrap();
    let begin = "```console\n$ cargo run --release --bin bpa -- ";
    let mut made = String::new();
    let mut blocks = page.split(begin);
    made.push_str(blocks.next().unwrap());
    let mut count = 0;
    for block in blocks {
        let (block, rest) = block.split_once("```\n").unwrap();
        let (words, shown) = block.split_once('\n').unwrap();
        let all = printed(words);
        let printed = match shown.strip_suffix("...\n") {
            // As many lines as are shown.
            Some(shown) => {
                let lines = all.split_inclusive('\n').take(shown.lines().count());
                lines.collect::<String>() + "...\n"
            }
            None => all,
        };
        if !is_update() {
            assert_eq!(shown, printed, "bpa {words}");
        }
        made.push_str(&format!("{begin}{words}\n{printed}```\n{rest}"));
        count += 1;
    }
    assert!(count >= 4, "{count} blocks");
    if is_update() {
        fs::write(&path, made).unwrap();
    }
}

/// The commands of indented lines that draw figures, into a folder of their own.
#[test]
fn the_figures_are_what_is_drawn() {
    let page = fs::read_to_string(root().join("docs/explain.md")).unwrap();
    let made = tempfile::tempdir().unwrap();
    let to = match is_update() {
        true => root().join("docs/figures"),
        false => made.path().to_owned(),
    };
    let commands = page
        .lines()
        .filter_map(|line| line.strip_prefix("    cargo run --release --bin bpa -- explain "));
    for command in commands.filter(|command| command.contains("--figures docs/figures")) {
        let words = command.replace("docs/figures", to.to_str().unwrap());
        printed(&format!("explain {words}"));
    }
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<PathBuf> = entries
            .map(|entry| entry.unwrap().file_name().into())
            .collect();
        names.sort();
        names
    };
    let kept = root().join("docs/figures");
    assert_eq!(names(&to), names(&kept));
    for name in names(&kept) {
        let linked = format!("figures/{}", name.display());
        assert!(page.contains(&linked), "{linked} is not on the page");
        assert!(
            fs::read(to.join(&name)).unwrap() == fs::read(kept.join(&name)).unwrap(),
            "{linked} is another"
        );
    }
}

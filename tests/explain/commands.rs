//! The command line: what it prints and writes, and what it refuses.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

const LAYER: &str =
    "name = \"tiny\"\n[layer]\nin_channels = 1\nout_channels = 1\nin_size = [4, 5]\nkernel = 2\n";

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn bpa(folder: &Path, words: &str) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_bpa"))
        .args(words.split_whitespace())
        .current_dir(folder)
        .env("BPA_CACHE_DIR", folder.join("cache"))
        .output()
        .unwrap();
    Ran {
        code: output.status.code().expect("no program is killed"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), LAYER).unwrap();
    folder
}

#[test]
fn what_cannot_be_explained_is_told() {
    let folder = folder();
    let refusals: Vec<String> = [
        "explain tiny.toml --pixel 4,0",
        "explain tiny.toml --pixel 0,5",
        "explain tiny.toml --pixel -1,0",
        "explain tiny.toml --in-size 1,5 --kernel 1 --pixel 1,0",
        "explain tiny.toml --pixel 1,2,3",
        "explain tiny.toml --pixel x",
        "explain tiny.toml --walk --latex",
        "explain tiny.toml --walk --pixel 1,1",
        "explain tiny.toml --markdown --figures out",
        "explain tiny.toml --kernel 9",
        "explain none.toml",
        "explain",
        "explain tiny.toml --figures tiny.toml",
        "explain tiny.toml --pass forward",
        "explain tiny.toml --pass grad_weight --batch 2 --walk",
    ]
    .iter()
    .map(|words| {
        let ran = bpa(folder.path(), words);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{words}");
        ran.stderr.lines().next().unwrap().to_owned()
    })
    .collect();
    assert_snapshot!(refusals.join("\n"), @r"
    error: `--pixel` (row) is 4: grad_input has 4 rows, so it must be from 0 to 3
    error: `--pixel` (column) is 5: grad_input has 5 columns, so it must be from 0 to 4
    error: `--pixel` (row) is -1: grad_input has 4 rows, so it must be from 0 to 3
    error: `--pixel` (row) is 1: grad_input has 1 row, so it must be 0
    error: invalid value '1,2,3' for '--pixel <H,W>': expected one integer, or 2 (rows, columns) separated by commas
    error: invalid value 'x' for '--pixel <H,W>': expected one integer, or 2 (rows, columns) separated by commas
    error: the argument '--walk' cannot be used with '--latex'
    error: the argument '--walk' cannot be used with '--pixel <H,W>'
    error: the argument '--markdown' cannot be used with '--figures <DIR>'
    error: `layer.kernel` (rows) does not fit: with its dilation it spans 9 pixels, but in_size plus padding is 4; use a smaller kernel or dilation, or more padding
    error: none.toml: cannot read the file: No such file or directory (os error 2)
    error: there is no layer: give a layer file, or flags like --in-channels (see --help)
    error: tiny.toml: cannot write: tiny.toml is a file, where a folder is needed
    error: tiny: pass is forward, and what can be explained is the data gradient: leave `pass` out
    error: tiny: pass is grad_weight, and what can be explained is the data gradient: leave `pass` out
    ");
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_layer_of_flags_is_explained() {
    let folder = folder();
    let ran = bpa(
        folder.path(),
        "explain --in-channels 1 --out-channels 1 --in-size 4,5 --kernel 2 --name tiny",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout, bpa(folder.path(), "explain tiny.toml").stdout);
}

/// Figures are sealed: what nobody changed is drawn anew, anything else only by force.
#[test]
fn figures_that_were_changed_are_kept() {
    let folder = folder();
    let draw = |more: &str| {
        bpa(
            folder.path(),
            &format!("explain tiny.toml --figures made/here {more}"),
        )
    };
    let first = draw("");
    assert_eq!((first.code, first.stdout.as_str()), (0, ""));
    assert_snapshot!(first.stderr, @r"
    wrote made/here/tiny_forward.svg
    wrote made/here/tiny_gradient.svg
    ");
    assert_eq!(draw("--pixel 0,0").code, 0, "nobody changed anything");
    let path = folder.path().join("made/here/tiny_gradient.svg");
    let drawn = fs::read_to_string(&path).unwrap();
    fs::write(&path, drawn.replace("Gradient", "gradient")).unwrap();
    let other = fs::read_to_string(folder.path().join("made/here/tiny_forward.svg")).unwrap();
    let refused = draw("");
    assert_eq!(refused.code, 2);
    assert_snapshot!(refused.stderr, @"error: made/here/tiny_gradient.svg: a file is there that this program did not write, or that was changed since: choose another name, or replace it by --force");
    let kept = fs::read_to_string(folder.path().join("made/here/tiny_forward.svg")).unwrap();
    assert_eq!(kept, other, "all or nothing");
    assert_eq!(draw("--pixel 0,0 --force").code, 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), drawn);
}

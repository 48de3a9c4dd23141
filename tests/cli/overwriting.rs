//! Files that were there before: what the program wrote it replaces, what it reads it never does, and the rest by `--force`.

use std::os::unix::fs::symlink;

use crate::{ran, refusal, Folder};
use insta::assert_snapshot;

const RUN: &str = "run tiny.toml --grad-output dy.npy --weight w.npy --grad-input da.npy";

impl Folder {
    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).unwrap()
    }

    /// The program refuses in these words, and the file stays as it is.
    fn kept(&self, name: &str, command: &mut std::process::Command) -> String {
        let before = self.read(name);
        let names = self.names();
        let message = refusal(command);
        assert_eq!(self.read(name), before, "{message}");
        assert_eq!(self.names(), names, "{message}");
        message
    }
}

#[test]
fn an_example_that_was_changed_is_kept() {
    let folder = Folder::new();
    let emit = |words: &str| ran(&mut folder.gen_verilog(words)).code;
    assert_eq!(emit(""), 0);
    assert_eq!(emit(""), 0, "nobody changed anything");
    let example = folder.read("build/strided.toml");
    let edited = String::from_utf8(example.clone()).unwrap();
    folder.write("build/strided.toml", edited.replace("simd = 2", "simd = 4"));
    let verilog = folder.read("build/strided.v");
    let message = folder.kept("build/strided.toml", &mut folder.gen_verilog(""));
    assert_snapshot!(message, @"error: build/strided.toml: is there already, and is not the example that is emitted where no layer is given: `gen-verilog build/strided.toml` emits it, and --force replaces it by the example");
    assert_eq!(folder.read("build/strided.v"), verilog, "all or nothing");
    // What it says works; and the Verilog, which nobody changed, is replaced.
    assert_eq!(emit("build/strided.toml"), 0);
    assert_ne!(folder.read("build/strided.v"), verilog);
    assert_eq!(emit("--force"), 0);
    assert_eq!(folder.read("build/strided.toml"), example);
}

/// On any machine, for the files say it of themselves.
#[test]
fn emitted_files_are_replaced_until_somebody_changes_them() {
    let folder = Folder::new();
    let told = "name = \"told\"\n[engine]\nmode = \"programmable\"\n[limits]\nsize = 32\n";
    folder.write("told.toml", told);
    let emit = |words: &str| {
        let mut command = folder.gen_verilog(words);
        command.env_clear();
        command
    };
    let changed = told.replace("32", "16");
    for (layer, flags, name, extensions) in [
        ("tiny.toml", "--pe 1", "tiny", &["v", "json"][..]),
        ("told.toml", "", "told", &["v", "json", "h", "md", "rdl"]),
    ] {
        assert_eq!(ran(&mut emit(layer)).code, 0);
        folder.write("told.toml", &changed);
        for extension in extensions {
            let file = format!("build/{name}.{extension}");
            let other = ran(&mut emit(&format!("{layer} {flags}")));
            assert_eq!(other.code, 0, "{}", other.stderr);
            let mut bytes = folder.read(&file);
            assert!(bytes.is_ascii());
            let at = bytes.iter().position(|&byte| byte == b'e').unwrap();
            bytes[at] = b'E';
            folder.write(&file, bytes);
            let message = folder.kept(&file, &mut emit(layer));
            assert_eq!(message, format!("error: {file}: a file is there that this program did not write, or that was changed since: choose another name, or replace it by --force\n"));
            assert_eq!(ran(&mut emit(&format!("{layer} --force"))).code, 0);
        }
    }
    // Somebody else's, and one that holds nothing to lose.
    folder.write("build/tiny.json", "{}\n");
    folder.kept("build/tiny.json", &mut emit("tiny.toml"));
    folder.write("build/tiny.json", "");
    assert_eq!(ran(&mut emit("tiny.toml")).code, 0);
}

/// By whatever name, and not even by force.
#[test]
fn no_result_is_written_over_what_it_was_made_of() {
    let folder = Folder::new();
    symlink("w.npy", folder.path().join("link.npy")).unwrap();
    std::fs::hard_link(folder.path().join("w.npy"), folder.path().join("hard.npy")).unwrap();
    let messages = [
        "w.npy",
        "./w.npy",
        "link.npy",
        "hard.npy",
        "dy.npy",
        "tiny.toml",
    ]
    .map(|name| {
        let words = RUN.replace("da.npy", name) + " --force";
        let mut command = folder.bpa(&words);
        folder.kept(name, command.env("VERILATOR", "/no/verilator"))
    });
    assert_snapshot!(messages.concat(), @r"
    error: w.npy: is read by this command, so its result cannot be written there
    error: ./w.npy: is the file w.npy, which is read by this command, so its result cannot be written there
    error: link.npy: is the file w.npy, which is read by this command, so its result cannot be written there
    error: hard.npy: is the file w.npy, which is read by this command, so its result cannot be written there
    error: dy.npy: is read by this command, so its result cannot be written there
    error: tiny.toml: is read by this command, so its result cannot be written there
    ");
    // The arrays of stages as well.
    let shape = [2, 2, 4, 5];
    folder.write("skip.npy", crate::npy("|i1", false, shape, vec![1; 80]));
    let words = RUN.replace("da.npy", "skip.npy") + " --with-accumulate --accumulate skip.npy";
    folder.kept("skip.npy", &mut folder.bpa(&words));
    // A layer in a file of that name.
    folder.write("tiny.json", crate::LAYER);
    let words = "tiny.json --out . --force";
    folder.kept("tiny.json", &mut folder.gen_verilog(words));
    // The list of a benchmark.
    folder.write("list.toml", "[[layer]]\nname = \"a\"\nin_channels = 1\nout_channels = 1\nin_size = 3\nkernel = 1\nlanes = [1, 1]\n");
    let words = "bench --layers list.toml --chart list.toml --force";
    folder.kept("list.toml", &mut folder.bpa(words));
}

#[test]
fn results_are_replaced_until_somebody_changes_them() {
    let folder = Folder::new();
    let run = |words: &str| ran(folder.bpa(RUN).args(words.split_whitespace()));
    let ok = |words: &str| {
        let ran = run(words);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    };
    ok("");
    let first = folder.read("da.npy");
    ok("");
    folder.write(
        "w.npy",
        crate::npy("|i1", false, crate::WEIGHT_SHAPE, vec![1; 36]),
    );
    ok("");
    assert_ne!(folder.read("da.npy"), first);
    let mut bytes = folder.read("da.npy");
    *bytes.last_mut().unwrap() ^= 1;
    folder.write("da.npy", &bytes);
    // Before anything is compiled or run.
    let mut command = folder.bpa(RUN);
    let message = folder.kept("da.npy", command.env("VERILATOR", "/no/verilator"));
    assert_snapshot!(message, @"error: da.npy: a file is there that this program did not write, or that was changed since: choose another name, or replace it by --force");
    ok("--force");
    assert_ne!(folder.read("da.npy"), bytes);
    ok("");
}

#[test]
fn charts_and_results_of_networks_are_files_like_others() {
    let folder = Folder::new();
    folder.write("list.toml", "[[layer]]\nname = \"a\"\nin_channels = 1\nout_channels = 1\nin_size = 3\nkernel = 1\nlanes = [1, 1]\n");
    let bench = || folder.bpa("bench --layers list.toml --chart chart.svg");
    for _ in 0..2 {
        let ran = ran(&mut bench());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    folder.write("chart.svg", "<svg></svg>");
    folder.kept("chart.svg", &mut bench());

    let engine = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/engines/network.toml");
    folder.write(
        "net.toml",
        "name = \"net\"\n[[layer]]\nname = \"w\"\nweight = \"w.npy\"\n\
         conv = { in_channels = 2, out_channels = 3, in_size = [4, 5], kernel = [2, 3] }\n",
    );
    let network =
        |words: &str| folder.bpa(&format!("run-network net.toml --engine {engine} {words}"));
    let message = folder.kept("w.npy", &mut network("--out . --force"));
    assert_snapshot!(message, @"error: ./w.npy: is the file w.npy, which is read by this command, so its result cannot be written there");
    for _ in 0..2 {
        let ran = ran(&mut network("--out results"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    folder.write("results/w.npy", "mine");
    folder.kept("results/w.npy", &mut network("--out results"));
}

//! Tools that are missing, that fail, and that let a faulty engine through to the check.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::{json_error, ran, refusal, Folder};

const RUN: &str = "run tiny.toml --grad-output dy.npy --weight w.npy --grad-input da.npy --check";

/// What is said before a model is compiled.
const COMPILING: &str = "compiling the Verilog of tiny with Verilator\n";

impl Folder {
    /// A script in the place of Verilator.
    fn script(&self, text: &str) -> PathBuf {
        let path = self.path().join("verilator.sh");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn fresh_cache(&self) -> PathBuf {
        self.path().join("cache")
    }
}

#[test]
fn missing_tools_are_named_with_how_to_get_them() {
    let folder = Folder::new();
    for words in [RUN, "verify tiny.toml"] {
        let message = refusal(folder.bpa(words).env("VERILATOR", "/no/verilator"));
        assert!(
            message.starts_with("error: `/no/verilator` was not found")
                && message.contains("apt-get install verilator"),
            "{message}"
        );
        let mut command = folder.bpa(words);
        command.env("CXX", "/no/g++");
        let message = refusal(command.env("BPA_CACHE_DIR", folder.fresh_cache()));
        assert!(
            message.starts_with(COMPILING)
                && message.contains("\nerror: `/no/g++` was not found")
                && message.contains("apt-get install g++"),
            "{message}"
        );
    }
    assert!(!folder.has("da.npy"));
}

#[test]
fn a_verilator_that_is_too_old_is_told_with_the_version_that_is_needed() {
    let folder = Folder::new();
    let old = folder.script("echo 'Verilator 4.038 2020-07-11 rev v4.036-114-g0cd4a57ad'");
    // Once asked and once from the cache.
    for _ in 0..2 {
        let mut command = folder.bpa("verify tiny.toml");
        command.env("VERILATOR", &old);
        let message = refusal(command.env("BPA_CACHE_DIR", folder.fresh_cache()));
        assert!(
            message.ends_with(
                "verilator.sh` is Verilator 4.038: simulation needs 5.006 or later; install it with \
                 `apt-get install verilator` (other systems: https://verilator.org)\n"
            ),
            "{message}"
        );
    }
}

#[test]
fn emission_and_estimate_need_no_tools() {
    let folder = Folder::new();
    let mut commands = [
        folder.gen_verilog("tiny.toml"),
        folder.bpa("estimate tiny.toml"),
    ];
    for command in &mut commands {
        command.env_clear();
        assert_eq!(ran(command).code, 0);
    }
}

#[test]
fn a_failing_tool_s_last_lines_are_shown() {
    let folder = Folder::new();
    let script = folder.script("echo first; seq 100 >&2; echo the reason >&2; exit 3");
    let mut command = folder.bpa(RUN);
    command.env("VERILATOR", script);
    let message = refusal(command.env("BPA_CACHE_DIR", folder.fresh_cache()));
    assert!(message.contains("exit status: 3"), "{message}");
    assert!(message.ends_with("100\nthe reason\n"), "{message}");
    assert!(!message.contains("first"), "{message}");
    assert!(!folder.has("da.npy"));
}

/// Verilator behind a script that edits the Verilog on its way in.
fn edited(folder: &Folder, sed: &str, words: &str) -> crate::Ran {
    let verilator = std::env::var("VERILATOR").unwrap_or("verilator".to_owned());
    let script = folder.script(&format!(
        "test -f tiny.v && ! grep -q edited tiny.v && sed -i '{sed}' tiny.v && echo '// edited' >> tiny.v\n\
         exec {verilator} \"$@\""
    ));
    let mut command = folder.bpa(words);
    command.env("VERILATOR", script);
    // A cache of its own: this model is not what its key says.
    ran(command.env("BPA_CACHE_DIR", folder.fresh_cache()))
}

#[test]
fn a_mismatch_names_the_first_wrong_element() {
    let folder = Folder::new();
    let negated = "s/multiplied_q <= grad_q \\* weight_q/multiplied_q <= -(grad_q * weight_q)/";
    let ran = edited(&folder, negated, &format!("{RUN} --json"));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.starts_with(COMPILING), "{}", ran.stderr);
    insta::assert_snapshot!(ran.said(), @"mismatch: grad_input[0, 0, 0, 0] (n, c, h, w) is -177, the reference says 177; 80 of 80 elements differ");
    let figures: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(figures["mismatches"], 80);
    assert!(!folder.has("da.npy"));
}

#[test]
fn a_broken_contract_is_no_result() {
    let folder = Folder::new();
    let early = "s/assign tlast = out_last_q;/assign tlast = ~out_last_q;/";
    let ran = edited(&folder, early, "verify tiny.toml --json");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(ran.said(), "");
    assert!(ran.stderr.starts_with(COMPILING), "{}", ran.stderr);
    insta::assert_snapshot!(json_error(&ran.stdout), @r"
    error: the engine broke its contract:
      - m_axis_grad_input_tlast is high on beat 0 of frame 0
    ");
}

#[test]
fn a_layer_that_fails_in_a_list_leaves_the_others_alone() {
    let folder = Folder::new();
    let layer = |name: &str| {
        format!("[[layer]]\nname = \"{name}\"\nin_channels = 1\nout_channels = 1\nin_size = 2\nkernel = 1\nlanes = [1, 1]\n")
    };
    let names = ["first", "faulty", "last"];
    folder.write("list.toml", names.map(layer).concat());
    let verilator = std::env::var("VERILATOR").unwrap_or("verilator".to_owned());
    let script = folder.script(&format!(
        "test -f faulty.v && echo the reason >&2 && exit 3\nexec {verilator} \"$@\""
    ));
    let measured = |words: &str| {
        let mut command = folder.bpa(&format!("bench --layers list.toml {words}"));
        command.env("VERILATOR", &script);
        ran(command.env("BPA_CACHE_DIR", folder.fresh_cache()))
    };
    let run = measured("--json");
    assert_eq!(run.code, 2, "{}", run.stderr);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let of = |key: &str| -> Vec<&str> {
        let layers = json[key].as_array().unwrap().iter();
        layers
            .map(|layer| layer["name"].as_str().unwrap())
            .collect()
    };
    assert_eq!(
        (of("layers"), of("failed")),
        (vec!["first", "last"], vec!["faulty"])
    );
    let error = json["failed"][0]["error"].as_str().unwrap();
    assert!(error.ends_with("the reason"), "{error}");

    let run = measured("--jobs 1");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stdout.contains("first") && !run.stdout.contains("faulty"));
    assert!(run.stderr.contains("] faulty: error: "), "{}", run.stderr);
    assert!(run.stderr.ends_with("no figures of faulty: see above\n"));
    // A tool that is missing is missing for all: it is told once, and there are no tables.
    let mut command = folder.bpa("bench --layers list.toml");
    let message = refusal(command.env("VERILATOR", "/no/verilator"));
    assert_eq!(message.matches("was not found").count(), 1, "{message}");
    // So is one that is too old.
    let old = folder.script("echo 'Verilator 4.038 2020-07-11 rev v4.036-114-g0cd4a57ad'");
    let mut command = folder.bpa("bench --layers list.toml");
    command.env("VERILATOR", old);
    let message = refusal(command.env("BPA_CACHE_DIR", folder.fresh_cache()));
    assert_eq!(message.matches("5.006 or later").count(), 1, "{message}");
}

/// A compile that is killed leaves a folder, which the next run removes, even one that compiles nothing; and a run beside a
/// compile does not.
#[test]
fn the_next_run_tidies_up_after_a_killed_one() {
    let folder = Folder::new();
    let verify = |words: &str| {
        let mut command = folder.bpa(&format!("verify tiny.toml --json {words}"));
        command.env("BPA_CACHE_DIR", folder.fresh_cache());
        command
    };
    let half_built = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder.fresh_cache()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let is_half = |path: &PathBuf| path.to_string_lossy().contains("building");
        paths.filter(is_half).collect()
    };
    let tidied = ran(&mut verify(""));
    assert_eq!(tidied.code, 0, "{}", tidied.stderr);
    let script =
        folder.script("test \"$1\" = --version && exec verilator --version; exec sleep 60");
    let mut compiling = verify("--name slow")
        .env("VERILATOR", &script)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let half = loop {
        if let [half] = &half_built()[..] {
            if half.join("slow.v").is_file() {
                break half.clone();
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(ran(&mut verify("")).code, 0);
    assert!(half.is_dir());
    compiling.kill().unwrap();
    compiling.wait().unwrap();
    assert!(half.is_dir());
    let tidied = ran(&mut verify(""));
    assert_eq!((tidied.code, tidied.stderr.as_str()), (0, ""));
    assert!(half_built().is_empty());
}

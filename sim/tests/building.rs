//! Building models: once, by many at the same time, and with tools that are missing or fail.

mod support;

use std::fs;
use std::path::Path;

use bpa_sim::{Cache, Model, SimError, Toolchain};
use support::slice;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn entries(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn has_no_model(dir: &Path) -> bool {
    let entries = entries(dir);
    entries.iter().all(|name| name.starts_with("verilator-"))
}

#[test]
fn the_same_verilog_is_compiled_once_however_many_ask_for_it() {
    let dir = folder();
    let cache = Cache::new(dir.path().join("not there yet"));
    let spec = slice(2);
    let built: Vec<bool> = std::thread::scope(|scope| {
        let build = || scope.spawn(|| Model::build(&spec, &cache).unwrap().was_cached());
        let threads: Vec<_> = (0..4).map(|_| build()).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(built.iter().filter(|cached| !**cached).count(), 1);
    assert!(Model::build(&spec, &cache).unwrap().was_cached());

    // The model, the runtime and Verilator's version, and nothing else; and in them no work files
    let names = entries(cache.dir());
    assert_eq!(names.len(), 3, "{names:?}");
    let starts = ["model-", "runtime-", "verilator-"];
    assert!(names
        .iter()
        .zip(starts)
        .all(|(name, start)| name.starts_with(start)));
    let model = cache.dir().join(&names[0]);
    assert_eq!(entries(&model), ["model.so", "slice.v"]);

    // Damage is repaired. The file is replaced, not overwritten: the old one may be loaded
    fs::remove_file(model.join("model.so")).unwrap();
    fs::write(model.join("model.so"), "no library").unwrap();
    assert!(!Model::build(&spec, &cache).unwrap().was_cached());
    assert!(Model::build(&spec, &cache).unwrap().was_cached());
    assert_eq!(entries(cache.dir()), names);
}

#[test]
fn a_missing_tool_is_named_with_its_cure() {
    let dir = folder();
    let cache = Cache::new(dir.path());
    let missing = |verilator: &str, cxx: &str| {
        let verilator = verilator.to_string();
        let cxx = cxx.to_string();
        let tools = Toolchain { verilator, cxx };
        Model::build_with(&slice(1), &cache, &tools).unwrap_err()
    };
    let error = missing("no-such-verilator", "g++");
    assert!(
        matches!(error, SimError::VerilatorMissing { .. }),
        "{error}"
    );
    let message = error.to_string();
    assert!(message.contains("no-such-verilator") && message.contains("apt-get install verilator"));

    let error = missing("verilator", "no-such-compiler");
    assert!(matches!(error, SimError::CompilerMissing { .. }), "{error}");
    assert!(error.to_string().contains("apt-get install g++"));
    assert!(has_no_model(dir.path()));
}

#[test]
fn a_failing_tool_shows_its_last_lines() {
    let dir = folder();
    let cache = Cache::new(dir.path());
    let build = |edit: fn(String) -> String| {
        let mut spec = slice(1);
        spec.verilog = edit(spec.verilog);
        Model::build(&spec, &cache).unwrap_err()
    };
    let syntax = build(|verilog| verilog.replace("endmodule", "endmodul"));
    let SimError::Tool { command, tail, .. } = &syntax else {
        panic!("{syntax}");
    };
    assert!(command.contains("verilator --cc"), "{command}");
    assert!(
        tail.contains("syntax error") && tail.contains("slice.v:"),
        "{tail}"
    );
    assert!(tail.lines().count() <= 20);

    // A warning is an error
    let unused = build(|verilog| verilog.replace("reg full;", "reg full; wire extra = full;"));
    assert!(unused.to_string().contains("UNUSED"), "{unused}");

    // A port of another width is found before the compiler sees it
    let port = build(|verilog| {
        verilog
            .replace("[39:0] mark_seen", "[40:0] mark_seen")
            .replace("mark_seen <= mark", "mark_seen <= {1'b0, mark}")
    });
    assert!(matches!(port, SimError::Port { .. }), "{port}");
    assert!(has_no_model(dir.path()));
}

//! `gen-verilog` at work.

use crate::{ran, Folder};
use insta::assert_snapshot;
use serde_json::Value;

#[test]
fn a_layer_file_gives_verilog_and_manifest() {
    let folder = Folder::new();
    let ran = ran(&mut folder.gen_verilog("tiny.toml --out made/here"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_snapshot!(ran.stderr, @r"
    wrote made/here/tiny.v
    wrote made/here/tiny.json
    ");
    let verilog = std::fs::read_to_string(folder.path().join("made/here/tiny.v")).unwrap();
    assert!(verilog.contains("\nmodule tiny (\n"));
    let place = folder.path().to_str().unwrap();
    assert!(!verilog.contains(place));
    assert_eq!(manifest(&folder, "made/here/tiny")["name"], "tiny");
}

fn manifest(folder: &Folder, name: &str) -> Value {
    let path = folder.path().join(name).with_extension("json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn emission_twice_is_byte_identical() {
    let folder = Folder::new();
    for out in ["one", "two"] {
        assert_eq!(ran(folder.gen_verilog("tiny.toml --out").arg(out)).code, 0);
    }
    for name in ["tiny.v", "tiny.json"] {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
        assert_eq!(read("one"), read("two"), "{name}");
    }
}

#[test]
fn flags_override_the_file() {
    let folder = Folder::new();
    let flags = "tiny.toml --name other --stride 1,2 --pe 1 --weight-type int4 --out .";
    let ran = ran(&mut folder.gen_verilog(flags));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let manifest = manifest(&folder, "other");
    assert_eq!(manifest["layer"]["stride"], serde_json::json!([1, 2]));
    assert_eq!(
        manifest["layer"]["padding"],
        serde_json::json!([0, 1, 1, 0])
    );
    let engine = &manifest["engine"];
    assert_eq!((&engine["simd"], &engine["pe"]), (&2.into(), &1.into()));
    assert_eq!(engine["weight_type"], "int4");
}

#[test]
fn flags_alone_are_enough() {
    let folder = Folder::new();
    let flags = "--in-channels 2 --out-channels 3 --in-size 4,5 --kernel 2,3 --stride 2,1 --padding 0,1,1,0 \
        --simd 2 --pe 2 --name tiny --out flags";
    assert_eq!(ran(&mut folder.gen_verilog(flags)).code, 0);
    assert_eq!(ran(&mut folder.gen_verilog("tiny.toml --out file")).code, 0);
    for name in ["tiny.v", "tiny.json"] {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
        assert_eq!(read("flags"), read("file"), "{name}");
    }
}

#[test]
fn without_arguments_the_example_is_emitted() {
    let folder = Folder::new();
    let ran = ran(&mut folder.gen_verilog(""));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_snapshot!(ran.stderr, @r"
    wrote build/strided.v
    wrote build/strided.json
    wrote build/strided.toml
    No layer was given, so this is an example: a convolution of stride 2. Next:
      bpa verify build/strided.toml             simulates it on random arrays (needs Verilator)
      gen-verilog build/strided.toml --simd 4   emits it with more lanes; every key is also a flag
    ");
    let text = std::fs::read_to_string(folder.path().join("build/strided.toml")).unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/strided.toml");
    assert_eq!(text, std::fs::read_to_string(example).unwrap());
    // What it says to do next works.
    assert_eq!(
        crate::ran(&mut folder.gen_verilog("build/strided.toml --simd 4")).code,
        0
    );
    assert_eq!(
        crate::ran(&mut folder.bpa("estimate build/strided.toml")).code,
        0
    );
}

const PROGRAMMABLE: &str =
    "name = \"told\"\n[engine]\nmode = \"programmable\"\nsimd = 2\n[limits]\nsize = 32\n";

#[test]
fn a_programmable_engine_comes_with_its_registers() {
    let folder = Folder::new();
    folder.write("told.toml", PROGRAMMABLE);
    let ran = ran(&mut folder.gen_verilog("told.toml --out out"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_snapshot!(ran.stderr, @r"
    wrote out/told.v
    wrote out/told.json
    wrote out/told.h
    wrote out/told.md
    wrote out/told.rdl
    ");
    let read = |name: &str| std::fs::read_to_string(folder.path().join("out").join(name)).unwrap();
    assert!(read("told.v").contains("\nmodule told (\n"));
    assert!(read("told.h").contains("#define TOLD_COMMAND 0x040u"));
    assert!(read("told.md").contains("| 0x040 | `command` |"));
    assert!(read("told.rdl").contains("} \\command @ 0x40;"));
    let manifest = manifest(&folder, "out/told");
    assert_eq!(manifest["limits"]["size"], serde_json::json!([32, 32]));
    assert_eq!(manifest["engine"]["simd"], 2);
    let registers = manifest["registers"].as_array().unwrap();
    assert!(registers.contains(&serde_json::json!({"name": "command", "offset": 64})));
    let ports = manifest["ports"].as_array().unwrap();
    // Which passes it runs is in every form.
    for (name, text) in [
        ("told.h", "#define TOLD_PASSES 0x038u"),
        ("told.h", "#define TOLD_PASSES_GRAD_WEIGHT_VALUE 0x1u"),
        ("told.md", "| 0x038 | `passes` | read | 0x7 |"),
        ("told.rdl", "} \\passes @ 0x38;"),
    ] {
        assert!(read(name).contains(text), "{text} in {name}");
    }
    let irq = serde_json::json!({"name": "irq", "direction": "output", "width": 1});
    assert!(ports.contains(&irq));
}

/// What stands behind the accumulators is in every file; without it, in none.
#[test]
fn a_programmable_engine_tells_its_stages() {
    let folder = Folder::new();
    let keys = "accumulate = true\nmask = true\nout_type = \"int8\"\nscale_per = \"channel\"\nshift = 20\n[limits]";
    folder.write("told.toml", PROGRAMMABLE.replace("[limits]", keys));
    folder.write("plain.toml", PROGRAMMABLE);
    for (file, is_there) in [("told", true), ("plain", false)] {
        assert_eq!(
            ran(&mut folder.gen_verilog(&format!("{file}.toml --out {file}"))).code,
            0
        );
        let read =
            |name: &str| std::fs::read_to_string(folder.path().join(file).join(name)).unwrap();
        for (name, text) in [
            ("told.v", "s_axis_mask_tvalid"),
            ("told.h", "#define TOLD_STAGES 0x030u"),
            ("told.h", "#define TOLD_SATURATIONS "),
            ("told.md", "| 0x034 | `scale_words` |"),
            ("told.md", "`tlast_accumulate_late`"),
            ("told.rdl", "mask_waits"),
        ] {
            assert_eq!(
                read(name).contains(text),
                is_there,
                "{file}: {text} in {name}"
            );
        }
        let manifest = manifest(&folder, &format!("{file}/told"));
        assert_eq!(manifest["engine"]["shift"].as_i64().is_some(), is_there);
        assert_eq!(
            manifest["limits"]["scale_words"].as_i64().is_some(),
            is_there
        );
        let bits = manifest["accumulate_bits"].as_i64();
        assert_eq!(bits, is_there.then_some(32));
        let narrow = manifest["grad_input_bits"] == 8;
        assert_eq!(narrow, is_there);
    }
}

#[test]
fn a_programmable_engine_is_not_taken_for_a_layer() {
    let folder = Folder::new();
    folder.write("told.toml", PROGRAMMABLE);
    let with_flag = ran(&mut folder.gen_verilog("told.toml --stride 2"));
    assert_eq!(with_flag.code, 2);
    assert_snapshot!(with_flag.stderr, @"error: told.toml: the flags are those of a layer, which a programmable engine is told at run time; change the file instead");
    let estimated = ran(&mut folder.bpa("estimate told.toml"));
    assert_eq!(estimated.code, 2);
    assert_snapshot!(estimated.stderr, @"error: told.toml: this is the file of a programmable engine, not of a layer; gen-verilog takes it, and `--engine` of estimate, bench and run-network");
}

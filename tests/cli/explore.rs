//! `bpa explore`: the front, its synthesis, parts of it, and what goes on after an interruption.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{json_refusal, ran, refusal, Folder, Ran};

/// A layer of two channels, so small that each of its engines is placed and routed in a moment.
const SMALL: &str = "name = \"little\"
[layer]
in_channels = 1
out_channels = 2
in_size = 3
kernel = 2
";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("small.toml", SMALL);
    folder
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Points without what they are worth beside one another, which a part cannot know.
fn lanes(whole: &Value) -> Vec<(u64, u64, bool)> {
    let points = whole["points"].as_array().unwrap().iter();
    let number = |value: &Value| value.as_u64().unwrap();
    points
        .map(|it| (number(&it["simd"]), number(&it["pe"]), it["front"] == true))
        .collect()
}

#[test]
fn the_front_is_told_and_drawn() {
    let folder = folder();
    let words = "explore tiny.toml --target ecp5-85k --budget dsps=4 --svg chart.svg";
    let table = ran(&mut folder.bpa(words));
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(table.stdout, @r"
    tiny on ecp5-85k with 4 multipliers and 208 block RAMs; cycles of a frame.
    Of 5 pairs of lanes 5 fit; none beats these 3:
    ┌───────────┬────────┬─────────┬─────────────┬────────────┐
    │ SIMD x PE ┆ cycles ┆   bound ┆ multipliers ┆ block RAMs │
    ╞═══════════╪════════╪═════════╪═════════════╪════════════╡
    │     1 x 1 ┆    264 ┆ 1.000 x ┆           1 ┆          2 │
    │     1 x 2 ┆    132 ┆ 1.000 x ┆           2 ┆          2 │
    │     3 x 1 ┆     88 ┆ 1.000 x ┆           3 ┆          2 │
    └───────────┴────────┴─────────┴─────────────┴────────────┘
    ");
    let found = json(&ran(&mut folder.bpa(&format!("{words} --json"))));
    assert_eq!(found["target"], "ecp5-85k");
    assert_eq!(found["room"]["dsps"], 4);
    assert_eq!(lanes(&found).len(), 5);
    let svg = std::fs::read_to_string(folder.path().join("chart.svg")).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let points = document
        .descendants()
        .filter(|it| it.has_tag_name("circle") && it.has_children());
    assert_eq!(points.count(), 2 * 5, "in cycles, and in block RAMs");
}

#[test]
fn a_network_s_front_is_told() {
    let folder = folder();
    folder.write(
        "network.toml",
        "name = \"n\"\n[[layer]]\nname = \"a\"\n\
         conv = { in_channels = 4, out_channels = 8, in_size = 4, kernel = 3, padding = 1 }\n",
    );
    let engine = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/engines/network.toml");
    let words = format!("explore network.toml --engine {engine} --target ecp5 --budget dsps=8");
    let explored = || {
        json(&ran(folder
            .bpa(&format!("{words} --json"))
            .env("BPA_CACHE_DIR", folder.path().join("cache"))))
    };
    let found = explored();
    assert!(found["points"]
        .as_array()
        .unwrap()
        .iter()
        .all(|it| it["dsps"].as_u64() <= Some(8)));
    // From what was kept.
    assert!(
        std::fs::read_dir(folder.path().join("cache/explored"))
            .unwrap()
            .count()
            > 5
    );
    assert_eq!(explored(), found);
}

/// On two machines, and each goes on where it was interrupted.
#[test]
fn two_parts_make_the_whole_and_nothing_is_synthesised_twice() {
    let folder = folder();
    let explore = |words: &str| {
        let words = format!("explore small.toml --target ice40-up5k {words}");
        let mut command = folder.bpa(&words);
        command.env("BPA_CACHE_DIR", folder.path().join("cache"));
        command
    };
    interrupted(explore("--synth --jobs 1"));
    for part in [1, 2] {
        let part = ran(&mut explore(&format!(
            "--synth --shard {part}/2 --out part{part}.json"
        )));
        assert_eq!(
            (part.code, part.stdout.as_str()),
            (0, ""),
            "{}",
            part.stderr
        );
        assert!(part.stderr.contains("wrote part"), "{}", part.stderr);
        assert!(part.stderr.starts_with("[1/1]"), "{}", part.stderr);
    }
    let merged = json(&ran(
        &mut folder.bpa("explore merge part2.json part1.json --json --svg chart.svg")
    ));
    let whole = ran(&mut explore("--synth --json"));
    let points = merged["points"].as_array().unwrap();
    assert_eq!(
        whole.stderr.matches(", found before\n").count(),
        points.len()
    );
    assert_eq!(json(&whole), merged);
    for point in points {
        assert!(
            point["synthesis"]["speed"]["luts"].as_u64() > Some(50),
            "{point}"
        );
        assert!(point["frames_per_second"].as_f64() > Some(1e4), "{point}");
    }
    let table = ran(&mut folder.bpa("explore merge part1.json part2.json"));
    assert!(table.stdout.contains("frames/s"), "{}", table.stdout);
    let svg = std::fs::read_to_string(folder.path().join("chart.svg")).unwrap();
    assert!(svg.contains(">frames a second<"), "{svg}");
    // What was changed since is made again.
    let kept = folder.path().join("cache/explored");
    let file = std::fs::read_dir(kept).unwrap().next().unwrap().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    std::fs::write(file.path(), text.replacen("luts\": ", "luts\": 9", 1)).unwrap();
    let again = ran(&mut explore("--synth --json"));
    assert_eq!(
        again.stderr.matches(", found before\n").count(),
        points.len() - 1
    );
    assert_eq!(json(&again), merged);
}

/// Kills it when its first point is done; the next run has that from before.
fn interrupted(mut command: Command) {
    let mut running = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let first = lines
        .map(Result::unwrap)
        .find(|line| line.starts_with("[1/"));
    running.kill().unwrap();
    running.wait().unwrap();
    let first = first.expect("a point is done");
    assert!(!first.contains("found before"), "{first}");
    let again = ran(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    assert_eq!(again.code, 0, "{}", again.stderr);
    let lanes = first
        .split(' ')
        .skip(1)
        .take(3)
        .collect::<Vec<_>>()
        .join(" ");
    let line = again.stderr.lines().find(|line| line.contains(&lanes));
    assert!(line.unwrap().ends_with("found before"), "{}", again.stderr);
}

#[test]
fn parts_of_the_cost_model_make_the_whole() {
    let folder = folder();
    let explore = "explore tiny.toml --target ecp5-85k";
    for part in ["1/2", "2/2"] {
        let out = part.replace('/', "of");
        let part = ran(&mut folder.bpa(&format!("{explore} --shard {part} --out {out}.json")));
        assert_eq!(part.code, 0, "{}", part.stderr);
    }
    let whole = json(&ran(&mut folder.bpa(&format!("{explore} --json"))));
    let merged = json(&ran(
        &mut folder.bpa("explore merge 1of2.json 2of2.json --json")
    ));
    assert_eq!(merged, whole);
    assert_eq!(lanes(&whole).len(), 6);
    let missing = refusal(&mut folder.bpa("explore merge 1of2.json"));
    insta::assert_snapshot!(missing.trim_end(), @r"error: of 2 parts one is missing: 2");
    let out = "--shard 2/2 --out other.json";
    assert_eq!(
        ran(&mut folder.bpa(&format!("{explore} --budget dsps=3 {out}"))).code,
        0
    );
    let other = refusal(&mut folder.bpa("explore merge 1of2.json other.json"));
    insta::assert_snapshot!(other.trim_end(), @r"error: other.json: this is a part of another exploration than 1of2.json: layer or network, device, budget, seeds, version of the program and number of parts must be the same");
    let none = json_refusal(&mut folder.bpa("explore merge tiny.toml --json"));
    assert!(
        none.starts_with("error: tiny.toml: this is no part of an exploration: "),
        "{none}"
    );
}

#[test]
fn what_cannot_be_explored_is_said() {
    let folder = folder();
    let said = |words: &str| refusal(&mut folder.bpa(words)).trim_end().to_owned();
    insta::assert_snapshot!(said("explore tiny.toml --target xilinx-xc7"), @r"error: xilinx-xc7 stands for no one device: say how many multipliers there are, like `--budget dsps=220,brams=280`");
    insta::assert_snapshot!(said("explore tiny.toml --target ice40-hx8k --budget dsps=3"), @r"error: `--budget` allows 3 multipliers, and ice40-hx8k has none: it multiplies in LUTs; leave `dsps` out");
    insta::assert_snapshot!(said("explore tiny.toml --target ecp5 --simd 2"), @r"error: --simd, --pe and --pixels are what is explored: leave them out");
    insta::assert_snapshot!(said("explore tiny.toml --target ecp5 --engine tiny.toml"), @r"error: --engine is for a network; a layer has an engine of its own here");
    insta::assert_snapshot!(said("explore tiny.toml --target ecp5 --kernel 0"), @r"error: `layer.kernel` (rows) is 0: it must be from 1 to 4095");
    let part = "explore tiny.toml --target ecp5 --shard 1/2 --out tiny.toml";
    insta::assert_snapshot!(said(part), @r"error: tiny.toml: is read by this command, so its result cannot be written there");
    for words in [
        "explore tiny.toml",
        "explore tiny.toml --target ecp5 --budget luts=3",
        "explore tiny.toml --target ecp5 --shard 3/2 --out part.json",
        "explore tiny.toml --target ecp5 --shard 1/2",
        "explore tiny.toml --target ecp5 --seeds 2",
        "explore merge",
    ] {
        let message = refusal(&mut folder.bpa(words));
        assert!(message.contains("--help"), "{words}: {message}");
    }
    let none = ran(&mut folder.bpa("explore tiny.toml --target ecp5 --budget brams=0"));
    assert_eq!((none.code, none.stdout.as_str()), (1, ""));
    insta::assert_snapshot!(none.stderr.trim_end(), @r"tiny: no lanes do on ecp5-85k: of 6 pairs 6 need more multipliers or block RAMs than there are, and 0 make no engine for it");
}

/// The page's tables are what the program prints.
#[test]
fn the_page_shows_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/explore.md")).unwrap();
    let folder = Folder::new();
    let command = "explore examples/strided.toml --target ecp5-85k --budget dsps=16";
    assert!(page.contains(&format!("$ cargo run --release --bin bpa -- {command}\n")));
    let ran = ran(folder.bpa(command).current_dir(root));
    assert!(page.contains(&ran.stdout), "{}", ran.stdout);
}

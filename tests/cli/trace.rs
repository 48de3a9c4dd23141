//! `--trace`: waveforms, and the files beside them.

use std::collections::BTreeMap;
use std::fs;

use crate::fst::Waves;
use crate::{ran, refusal, Folder};

/// Units of time in a cycle.
const CYCLE: u64 = 10;

/// Streams beside the results, two sets of weights and requantisation: blocks that the tiny layer has not.
const STAGES: &str =
    "accumulate = true\nmask = true\nout_type = \"int7\"\nshift = 5\nweight_sets = 2\n";

/// The signals that a save file of GTKWave names, with their bits.
fn of_gtkwave(text: &str) -> BTreeMap<String, u32> {
    let signals = text.lines().filter(|line| line.starts_with("TOP."));
    let signal = |line: &str| match line.strip_suffix(":0]") {
        None => (line.to_owned(), 1),
        Some(word) => {
            let (path, high) = word.split_once('[').unwrap();
            (path.to_owned(), high.parse::<u32>().unwrap() + 1)
        }
    };
    signals.map(signal).collect()
}

/// Checks that the files beside `NAME.fst` name signals that it holds, in these groups and some more.
fn held(folder: &Folder, name: &str, groups: &[&str]) -> Waves {
    let path = |ending: &str| folder.path().join(format!("{name}.{ending}"));
    let waves = Waves::read(&path("fst"));
    let gtkwave = fs::read_to_string(path("gtkw")).unwrap();
    let named = of_gtkwave(&gtkwave);
    for (signal, bits) in &named {
        assert_eq!(waves.bits(signal), Some(*bits), "{signal}");
    }
    let titles: Vec<&str> = gtkwave
        .lines()
        .filter_map(|line| line.strip_prefix('-'))
        .collect();
    let opened: Vec<&str> = titles.iter().step_by(2).copied().collect();
    let closed: Vec<&str> = titles.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(opened, closed);
    let surfer = fs::read_to_string(path("sucl")).unwrap();
    let added = surfer
        .lines()
        .filter_map(|line| line.strip_prefix("variable_add "));
    let mut added: Vec<&str> = added.collect();
    added.sort_unstable();
    assert_eq!(added, named.keys().collect::<Vec<_>>());
    for group in groups {
        assert!(opened.contains(group), "{group}: {opened:?}");
        let divider = format!("divider_add {}\n", group.replace(' ', "_"));
        assert!(surfer.contains(&divider), "{group}");
    }
    waves
}

#[test]
fn a_run_leaves_waveforms_and_what_shows_them() {
    let folder = Folder::new();
    folder.write("staged.toml", crate::LAYER.to_owned() + STAGES);
    let words = "verify staged.toml --frames 3 --seed 5 --stall-input 0.2";
    let plain = ran(&mut folder.bpa(words));
    let traced = ran(&mut folder.bpa(&format!("{words} --trace all.fst")));
    assert_eq!(traced.code, 0, "{}", traced.stderr);
    // Looked at, it does the same.
    assert_eq!(traced.stdout, plain.stdout);
    let groups = [
        "clock and status",
        "stream s_axis_grad_output",
        "stream s_axis_weight",
        "stream s_axis_accumulate",
        "stream s_axis_mask",
        "stream m_axis_grad_input",
        "walk",
        "issue loop",
        "datapath",
    ];
    let waves = held(&folder, "all", &groups);
    // The cycle that is told is the first beat's.
    let told = traced.said();
    let (wrote, told) = told.split_once('\n').unwrap();
    assert_eq!(wrote, "wrote all.fst");
    let first: u64 = told.split(' ').nth(1).unwrap().parse().unwrap();
    let moves = |cycle: &u64| {
        ["tvalid", "tready"].iter().all(|pin| {
            let pin = format!("TOP.tiny.s_axis_grad_output_{pin}");
            waves.high(&pin, CYCLE * cycle + CYCLE - 1)
        })
    };
    assert_eq!((0..1000).find(moves), Some(first));

    // A window, in the place of the file before
    let again = format!("{words} --trace all.fst --trace-from 30 --trace-cycles 12");
    let again = ran(&mut folder.bpa(&again));
    assert_eq!(again.code, 0, "{}", again.stderr);
    let part = held(&folder, "all", &groups);
    let header = &part.header;
    assert_eq!(
        (header.start_time, header.end_time),
        (30 * CYCLE, 42 * CYCLE)
    );
    assert_eq!(header.timescale_exponent, -10);
    for time in 30 * CYCLE..42 * CYCLE {
        for signal in ["busy", "u_core.token_valid", "m_axis_grad_input_tdata"] {
            let signal = format!("TOP.tiny.{signal}");
            assert_eq!(part.at(&signal, time), waves.at(&signal, time), "{signal}");
        }
    }
}

#[test]
fn a_network_leaves_waveforms_too() {
    let folder = Folder::new();
    folder.write("network.toml", crate::networks::NETWORK);
    folder.write(
        "engine.toml",
        "[engine]\nmode = \"programmable\"\nsimd = 2\npe = 2\n",
    );
    let words = "run-network network.toml --engine engine.toml --trace net.fst --trace-cycles 300";
    let traced = ran(&mut folder.bpa(words));
    assert_eq!(traced.code, 0, "{}", traced.stderr);
    assert_eq!(traced.said(), "wrote net.fst\n");
    let groups = ["registers' bus", "walk", "issue loop", "datapath", "jobs"];
    let waves = held(&folder, "net", &groups);
    assert_eq!(waves.header.end_time, 300 * CYCLE);
}

#[test]
fn what_cannot_be_traced_is_said() {
    let folder = Folder::new();
    let refuse = |words: &str| {
        let said = refusal(&mut folder.bpa(&format!("verify tiny.toml {words}")));
        let said = said.lines().find(|line| line.starts_with("error: "));
        said.unwrap().to_owned()
    };
    insta::assert_snapshot!(refuse("--trace tiny.vcd"), @"error: `--trace` is tiny.vcd: the name of a file of waveforms ends in .fst");
    insta::assert_snapshot!(refuse("--trace none/tiny.fst"), @"error: none/tiny.fst: cannot write: No such file or directory (os error 2)");
    insta::assert_snapshot!(refuse("--trace-from 3"), @"error: the following required arguments were not provided:");
    insta::assert_snapshot!(refuse("--trace tiny.fst --trace-cycles 0"), @"error: invalid value '0' for '--trace-cycles <N>': expected an integer from 1 up");
    folder.write("tiny.gtkw", "somebody's");
    let taken = refuse("--trace tiny.fst");
    assert!(taken.starts_with("error: tiny.gtkw: a file is there that this program did not write"));
    assert!(!folder.has("tiny.fst"));
    fs::remove_file(folder.path().join("tiny.gtkw")).unwrap();
    let late = refuse("--frames 1 --trace tiny.fst --trace-from 100000");
    let told = "error: `--trace-from` is 100000, but the run was over after ";
    assert!(late.starts_with(told), "{late}");
    assert!(!folder.has("tiny.fst") && !folder.has("tiny.gtkw"));
}

//! Waveforms: they show what the streams did, cycle by cycle, in the window that was asked for and in no other.

#[path = "../../tests/shared/fst.rs"]
mod fst;
mod support;

use std::path::Path;

use bpa_sim::{Cache, Model, SimError};
use fst::Waves;
use support::{beats, slice};

/// Units of time in a cycle.
const CYCLE: u64 = 10;
/// More than the 256 bits up to which Verilator writes words by itself.
const BYTES: usize = 40;

fn cache() -> Cache {
    Cache::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"))
}

/// The beats that a stream moves in these cycles, as the file shows them just before the edge that ends each: the first
/// byte of each and its `tlast`.
fn moved(waves: &Waves, stream: &str, cycles: std::ops::Range<u64>) -> Vec<(u8, u8)> {
    let pin = |name: &str| format!("TOP.slice.{stream}_{name}");
    let settled = cycles.map(|cycle| CYCLE * cycle + CYCLE - 1);
    let moves = |&time: &u64| waves.high(&pin("tvalid"), time) && waves.high(&pin("tready"), time);
    let byte = |time| {
        let digits = waves.at(&pin("tdata"), time);
        u8::from_str_radix(&digits[digits.len() - 8..], 2).unwrap()
    };
    let beat = |time| (byte(time), u8::from(waves.high(&pin("tlast"), time)));
    settled.filter(moves).map(beat).collect()
}

#[test]
fn a_window_shows_what_the_streams_did_in_it() {
    let spec = slice(BYTES);
    let model = Model::build_traced(&spec, &cache()).unwrap();
    assert!(model.is_traced());
    let folder = tempfile::tempdir().unwrap();
    let (data, last) = beats(100, BYTES, 7);
    let sent: Vec<(u8, u8)> = data
        .iter()
        .step_by(BYTES)
        .copied()
        .zip(last.clone())
        .collect();
    let run = |window: Option<(u64, u64)>, name: &str| {
        let path = folder.path().join(name);
        let mut instance = model.instance(3);
        instance.source(0).set_stall(0.4, 11);
        instance.sink(0).set_stall(0.4, 12);
        instance.reset(3);
        instance.source(0).load(&data, &last).unwrap();
        if let Some((from, cycles)) = window {
            instance.trace(&path, from, cycles).unwrap();
        }
        assert!(instance.run(10_000, Some(100)).done);
        let out = instance.sink(0).data().to_vec();
        (path, instance.cycle(), out)
    };

    let (_, cycles, out) = run(None, "none");
    assert!(out == data);
    // All of it, to the instance's end; that it is looked at changes nothing.
    let (path, traced_cycles, traced_out) = run(Some((0, u64::MAX)), "all.fst");
    assert_eq!((traced_cycles, traced_out), (cycles, out));
    let waves = Waves::read(&path);
    // A unit is 100 ps, a cycle a nanosecond.
    assert_eq!(waves.header.timescale_exponent, -10);
    assert_eq!(
        (waves.header.start_time, waves.header.end_time),
        (0, CYCLE * cycles)
    );
    assert_eq!(
        waves.bits("TOP.slice.s_axis_in_tdata"),
        Some(8 * BYTES as u32)
    );
    for stream in ["s_axis_in", "m_axis_out"] {
        assert_eq!(moved(&waves, stream, 0..cycles), sent, "{stream}");
    }
    // The clock rises where a cycle begins, and falls in its middle.
    for cycle in 1..cycles {
        let clock = [0, 4, 5, 9].map(|unit| waves.high("TOP.slice.aclk", CYCLE * cycle + unit));
        assert_eq!(clock, [true, true, false, false], "cycle {cycle}");
        // What comes from outside changes where it rises, and what depends on it with it.
        for signal in ["s_axis_in_tdata", "m_axis_out_tready", "give", "take"] {
            let signal = format!("TOP.slice.{signal}");
            let [begin, end] = [0, 9].map(|unit| waves.at(&signal, CYCLE * cycle + unit));
            assert_eq!(begin, end, "{signal} in cycle {cycle}");
        }
    }

    // A part of it
    let (path, ..) = run(Some((40, 25)), "part.fst");
    let part = Waves::read(&path);
    assert_eq!((part.header.start_time, part.header.end_time), (400, 650));
    for stream in ["s_axis_in", "m_axis_out"] {
        let moves = moved(&part, stream, 40..65);
        assert!(!moves.is_empty());
        assert_eq!(moves, moved(&waves, stream, 40..65), "{stream}");
    }
}

#[test]
fn what_cannot_be_written_is_told() {
    let spec = slice(BYTES);
    let folder = tempfile::tempdir().unwrap();
    let model = Model::build_traced(&spec, &cache()).unwrap();
    let nowhere = folder.path().join("none/file.fst");
    let refused = model.instance(1).trace(&nowhere, 0, 10);
    assert!(matches!(refused, Err(SimError::Trace { path }) if path == nowhere));
    // A model without them
    let plain = Model::build(&spec, &cache()).unwrap();
    assert!(!plain.is_traced());
    let file = folder.path().join("file.fst");
    assert!(plain.instance(1).trace(&file, 0, 10).is_err());
    assert!(!file.exists());
}

//! Promise: the beats are those of the jobs that were told, in order, `tlast` behind each frame; no more is asked for than
//! there is room for; an error is told with the address of its burst; `drop` forgets what was told and takes what comes.

use std::collections::VecDeque;

use bpa_hdl::bus::place::Place;
use bpa_hdl::bus::reader::reader;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::target::Target;

use crate::memory_array::MemoryArray;
use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};

/// Two beats a word, a byte of each of no use.
const LANES: Place = Place {
    beat_bits: 24,
    word_bits: 64,
};
/// Four words a beat, the last one of no use, of the third one half.
const PARTS: Place = Place {
    beat_bits: 40,
    word_bits: 16,
};
const JOBS: u64 = 10;
/// Beats of a run at the most, of lanes and of parts: all in all, more than there is room for.
const UNITS: [u64; 2] = [400, 80];
/// What one of so many blocks of memory says.
const BAD_BLOCKS: u64 = 16;

const OF_LANES: &[Mutant] = &[
    mutant(
        "a lane that stays",
        "next_lane_d = lane + 1'd1;",
        "lane + 1'd1",
        "lane",
    ),
    mutant(
        "a burst that begins in lane 0",
        "lane = known[30];",
        "known[30]",
        "1'd0",
    ),
    mutant(
        "a word that is not given up with the burst",
        "whole = last_beat | (lane == 1'd1);",
        "last_beat | (lane == 1'd1)",
        "lane == 1'd1",
    ),
    mutant(
        "a frame that ends with the burst",
        "out_last_d = last_beat & known[29];",
        "last_beat & known[29]",
        "last_beat",
    ),
    mutant(
        "more bursts than are kept in mind",
        "assign asks = burst_valid & |free_q[9:6] & ~bursts_q[4];",
        "~bursts_q[4]",
        "1'd1",
    ),
    mutant(
        "more words than there is room for",
        "free_q <= free_d;",
        "free_d",
        "10'd512",
    ),
    mutant(
        "an error that is not told",
        "assign failed = word_take & word[65];",
        "word_take & word[65]",
        "1'd0",
    ),
    mutant(
        "a beat that is not waited for",
        "moves = there & (~out_valid_q | m_tready | dropping_q);",
        "(~out_valid_q | m_tready | dropping_q)",
        "1'd1",
    ),
    mutant(
        "an end of dropping that comes too early",
        "dropping_q <= dropping_d;",
        "dropping_d",
        "drop",
    ),
];

const OF_PARTS: &[Mutant] = &[
    mutant(
        "a beat without its last word",
        "out_valid_d = part_q == 2'd3;",
        "part_q == 2'd3",
        "part_q == 2'd2",
    ),
    mutant(
        "a beat that begins where a dropped one ended",
        "part_q <= part_d;",
        "part_d",
        "drop | dropping_q ? part_q : part_d",
    ),
];

#[test]
fn reader_of_lanes() {
    check("bus_reader_lanes", LANES, OF_LANES);
}

#[test]
fn reader_of_parts() {
    check("bus_reader_parts", PARTS, OF_PARTS);
}

fn check(name: &str, place: Place, mutants: &'static [Mutant]) {
    let module = reader(name, &place, Target::Generic);
    Block::new(&module, Config::default(), mutants).check(|run| vector(run, &place));
}

/// What stands in memory in a word.
fn stored(place: &Place, address: u64) -> u64 {
    let mixed = (address + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 31) & (u64::MAX >> (64 - place.word_bits))
}

fn is_bad(address: u64) -> bool {
    (address >> 3) % BAD_BLOCKS == 3
}

/// The beats of an array, with their `tlast`.
fn beats(place: &Place, array: &MemoryArray) -> Vec<(u64, bool)> {
    let (word, beat) = (place.word_bits as u64 / 8, place.beat_bytes() as u64);
    let unit = word.min(beat);
    let mut beats = Vec::new();
    for run in array.runs(unit) {
        let per_beat = (beat / unit) as usize;
        let count = run.units.len() / per_beat;
        for (index, units) in run.units.chunks(per_beat).enumerate() {
            let mut value = 0_u128;
            for (part, at) in units.iter().enumerate() {
                let byte = at * unit;
                let bits = stored(place, byte / word) >> (8 * (byte % word));
                let bits = u128::from(bits) & (u128::MAX >> (128 - 8 * unit));
                value |= bits << (8 * unit as usize * part);
            }
            let value = value as u64 & (u64::MAX >> (64 - place.beat_bits));
            beats.push((value, run.ends_frame && index + 1 == count));
        }
    }
    beats
}

fn vector(run: &mut Run, place: &Place) -> Verdict {
    let (mut grants, mut comes, mut takes) = (run.idle(), run.idle(), run.back());
    let mut wanted: VecDeque<(u64, bool)> = VecDeque::new();
    let mut held: VecDeque<usize> = VecDeque::new();
    // Words that are to come: address of the burst, of the word, the last one, not before a cycle.
    let mut to_come: VecDeque<(u64, u64, bool, i64)> = VecDeque::new();
    let mut filling: VecDeque<(u64, u64)> = VecDeque::new();
    let mut next: Option<MemoryArray> = None;
    let (mut told, mut quiet) = (0, 0);
    let mut failing: VecDeque<u64> = VecDeque::new();
    let mut ask: Option<(u64, u64)> = None;
    let mut out = None;
    // Jobs that were told since all was dropped: none of them is walked before what was asked for has come.
    let mut unwalked = 0;
    let latency = [0, 20, 100][run.choices.below(3) as usize];
    run.reset();
    while quiet < 300 {
        for pin in ["fill", "told", "drop", "r_valid", "granted"] {
            run.set(pin, 0);
        }
        let ready = takes.opens();
        run.set("m_tready", ready.into());
        let granting = run.next("asks") != 0 && grants.opens();
        run.set("granted", granting.into());
        let mut drop = false;
        if let Some((word, value)) = filling.pop_front() {
            run.set("fill", 1);
            run.set("fill_word", word);
            run.set("fill_data", value);
        } else if let Some(array) = next.take() {
            run.set("told", 1);
            let beats = beats(place, &array);
            held.push_back(beats.len());
            wanted.extend(beats);
            told += 1;
            unwalked += 1;
        } else if held.len() < 2 && unwalked < 2 && told < JOBS {
            drop = told > 2 && run.choices.below(8) == 0;
            if !drop {
                let beat = place.beat_bytes() as u64;
                let mut array =
                    MemoryArray::random(&mut run.choices, beat, UNITS[(beat > 4) as usize]);
                let word = place.word_bits as u32 / 8;
                if word < beat as u32 {
                    array.address = array
                        .address
                        .wrapping_add(word * run.choices.below(4) as u32);
                }
                let words = array.words().into_iter().enumerate();
                filling.extend(words.map(|(index, word)| (index as u64, u64::from(word))));
                next = Some(array);
            }
        }
        run.set("drop", drop.into());
        let coming = to_come
            .front()
            .copied()
            .filter(|word| word.3 <= run.cycle && comes.opens());
        if let Some((burst, address, last, _)) = coming {
            run.set("r_valid", 1);
            run.set("r_data", stored(place, address));
            run.set("r_last", last.into());
            run.set("r_error", is_bad(address).into());
            if is_bad(address) {
                failing.push_back(burst);
            }
            to_come.pop_front();
        }
        run.step()?;
        if granting {
            let (address, last) = (run.was("ask_address"), run.was("ask_last_word"));
            must!(run, (address & 63) + last < 64, "a burst across a block");
            for word in 0..=last {
                to_come.push_back((address, address + word, word == last, run.cycle + latency));
            }
        }
        let asks = run
            .high("asks")
            .then(|| (run.was("ask_address"), run.was("ask_last_word")));
        if let (Some(before), true) = (ask, !drop) {
            must!(
                run,
                asks == Some(before),
                "a burst that was asked for is gone"
            );
        }
        ask = asks.filter(|_| !granting && !drop);
        if run.high("failed") {
            let address = run.was("failed_address");
            let due = failing.pop_front();
            must!(
                run,
                due == Some(address),
                "an error of {address:#x} for {due:x?}"
            );
        }
        let beat = run
            .high("m_tvalid")
            .then(|| (run.was("m_tdata"), run.high("m_tlast")));
        if let Some(beat) = beat {
            let due = wanted.front().copied();
            must!(run, due == Some(beat), "beat {beat:x?} for {due:x?}");
        }
        if let (Some(_), None, false) = (out, beat, drop) {
            return Err(format!("cycle {}: a beat is taken back", run.cycle));
        }
        out = beat.filter(|_| !ready && !drop);
        if beat.is_some() && ready {
            wanted.pop_front();
            if let Some(left) = held.front_mut() {
                *left -= 1;
            }
        }
        while held.front() == Some(&0) {
            held.pop_front();
        }
        if drop {
            wanted.clear();
            held.clear();
        }
        if !run.high("drops") {
            unwalked = 0;
        }
        if run.high("rests") {
            must!(run, to_come.is_empty(), "it rests while words are to come");
        }
        quiet = match wanted.is_empty() && told == JOBS && to_come.is_empty() {
            true => quiet + 1,
            false => 0,
        };
    }
    must!(run, run.high("rests"), "it does not rest");
    must!(run, failing.is_empty(), "an error is not told");
    Ok(())
}

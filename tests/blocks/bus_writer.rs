//! Promise: the beats are written to the places of the jobs that were told, and nothing else is; bursts, words and responses
//! keep to the bus; `written` follows the last response of a job; `drop` ends what is under way.

use std::collections::{BTreeMap, VecDeque};

use bpa_hdl::bus::place::Place;
use bpa_hdl::bus::writer::writer;
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
const JOBS: u64 = 7;
/// Beats of a run at the most, of lanes and of parts: all in all, more than there is room for.
const UNITS: [u64; 2] = [400, 80];

const OF_LANES: &[Mutant] = &[
    mutant(
        "a word that is written whole",
        "strobe1_q <= strobe1_d;",
        "strobe1_d",
        "1'd1",
    ),
    mutant(
        "a burst that ends with its last word whole",
        "made = packs_q & ((s_tvalid & ((next_lane_q == 1'd1) | (is_last & (next_lane_q == last_lane_q)))) | dropping_q);",
        "next_lane_q == last_lane_q",
        "1'd0",
    ),
    mutant(
        "a burst that is offered before its words are there",
        "assign aw_valid = asked_valid & aw_some_q;",
        "asked_valid & aw_some_q",
        "asked_valid",
    ),
    mutant(
        "words that come before their burst is whole",
        "assign w_valid = word_valid & w_some_q;",
        "word_valid & w_some_q",
        "word_valid",
    ),
    mutant(
        "a job that is written with its last word",
        "assign written = b_valid & known_out[29] & ~dropping_q;",
        "b_valid & known_out[29] & ~dropping_q",
        "w_valid & w_ready & w_last & known_out[29]",
    ),
    mutant(
        "an end of dropping that comes too early",
        "dropping_q <= dropping_d;",
        "dropping_d",
        "drop",
    ),
    mutant(
        "a beat that is taken while all is dropped",
        "takes = packs_q & ~dropping_q;",
        "packs_q & ~dropping_q",
        "packs_q",
    ),
    mutant(
        "bytes that are written while all is dropped",
        "strobe0_q <= strobe0_d;",
        "strobe0_d",
        "strobe0_d | dropping_q",
    ),
    mutant(
        "more bursts than are kept in mind",
        "room = |free_q[9:6] & ~bursts_q[4] & ~(drop | dropping_q);",
        "~bursts_q[4]",
        "1'd1",
    ),
];

const OF_PARTS: &[Mutant] = &[
    mutant(
        "a beat that is taken over another",
        "takes = packs_q & ~dropping_q & (~some_q | (uses_up & (~is_last | begins)));",
        "~some_q | (uses_up & (~is_last | begins))",
        "1'd1",
    ),
    mutant(
        "a beat without its last word",
        "left_d = 2'd3;",
        "2'd3",
        "2'd2",
    ),
    mutant(
        "a dropped beat that is kept",
        "some_q <= some_d;",
        "some_d",
        "dropping_q ? some_q : some_d",
    ),
    mutant(
        "more words than there is room for",
        "free_q <= free_d;",
        "free_d",
        "10'd512",
    ),
];

#[test]
fn writer_of_lanes() {
    check("bus_writer_lanes", LANES, OF_LANES);
}

#[test]
fn writer_of_parts() {
    check("bus_writer_parts", PARTS, OF_PARTS);
}

fn check(name: &str, place: Place, mutants: &'static [Mutant]) {
    let module = writer(name, &place, Target::Generic);
    Block::new(&module, Config::default(), mutants).check(|run| vector(run, &place));
}

/// A burst on its way, from its address to its response.
struct Burst {
    address: u64,
    words: u64,
}

/// What has to be in memory, by byte, and what is.
#[derive(Default)]
struct Memory {
    wanted: BTreeMap<u32, u8>,
    found: BTreeMap<u32, u8>,
}

/// A job that was told.
struct Job {
    /// Where each of its beats goes.
    beats: VecDeque<u32>,
    /// Beats that were taken and whose bursts are not answered.
    bytes: usize,
}

fn vector(run: &mut Run, place: &Place) -> Verdict {
    let (mut gives, mut takes_aw, mut takes_w, mut answers) =
        (run.idle(), run.back(), run.back(), run.back());
    let (beat_bytes, word_bytes) = (place.beat_bytes() as u32, place.word_bits as u64 / 8);
    let mut jobs: VecDeque<Job> = VecDeque::new();
    let mut filling: VecDeque<(u64, u64)> = VecDeque::new();
    let mut next: Option<MemoryArray> = None;
    let mut memory = Memory::default();
    let mut asked: VecDeque<Burst> = VecDeque::new();
    let mut words: VecDeque<(u64, u64, bool)> = VecDeque::new();
    let mut to_answer: VecDeque<(u64, i64)> = VecDeque::new();
    let (mut told, mut quiet, mut dropped) = (0, 0, false);
    let (mut aw, mut w) = (None, None);
    let mut beat: Option<u64> = None;
    let latency = [0, 20, 100][run.choices.below(3) as usize];
    let value_mask = u64::MAX >> (64 - place.beat_bits);
    run.reset();
    while quiet < 300 {
        for pin in ["fill", "told", "drop", "b_valid", "b_error", "s_tvalid"] {
            run.set(pin, 0);
        }
        let mut drop = false;
        let waiting = jobs.iter().filter(|job| !job.beats.is_empty()).count();
        if let Some((word, value)) = filling.pop_front() {
            run.set("fill", 1);
            run.set("fill_word", word);
            run.set("fill_data", value);
        } else if let Some(array) = next.take() {
            run.set("told", 1);
            let runs = array.runs(beat_bytes.into()).into_iter();
            let beats = runs
                .flat_map(|run| run.units)
                .map(|unit| unit as u32 * beat_bytes);
            jobs.push_back(Job {
                beats: beats.collect(),
                bytes: 0,
            });
            told += 1;
        } else if waiting < 2 && told < JOBS {
            drop = told > 2 && run.choices.below(8) == 0;
            if !drop && !dropped {
                let mut array = MemoryArray::random(
                    &mut run.choices,
                    beat_bytes.into(),
                    UNITS[(beat_bytes > 4) as usize],
                );
                // Jobs of other addresses, so that what is written says which job it is of.
                array.off = false;
                array.address = ((told as u32) << 26) | (array.address >> 8);
                array.address -= array.address % beat_bytes;
                // No byte is written twice.
                array.steps = array
                    .steps
                    .map(|step| array.run_bytes + step % 40 * beat_bytes);
                let words = array.words().into_iter().enumerate();
                filling.extend(words.map(|(index, word)| (index as u64, u64::from(word))));
                next = Some(array);
            }
        }
        run.set("drop", drop.into());
        if beat.is_none() && gives.opens() {
            beat = Some(run.choices.below(1 << 62) & value_mask);
        }
        if let Some(beat) = beat {
            run.set("s_tvalid", 1);
            run.set("s_tdata", beat);
        }
        let (aw_ready, w_ready) = (takes_aw.opens(), takes_w.opens());
        run.set("aw_ready", aw_ready.into());
        run.set("w_ready", w_ready.into());
        let answer = to_answer
            .front()
            .copied()
            .filter(|(_, from)| *from <= run.cycle && answers.opens());
        let is_bad = run.choices.below(16) == 0;
        if answer.is_some() {
            run.set("b_valid", 1);
            run.set("b_error", is_bad.into());
        }
        run.step()?;

        if beat.is_some() && run.high("s_tready") {
            let value = beat.take().unwrap_or(0);
            let Some(job) = jobs.iter_mut().find(|job| !job.beats.is_empty()) else {
                return Err(format!("cycle {}: a beat of no job is taken", run.cycle));
            };
            let address = job.beats.pop_front().unwrap_or(0);
            job.bytes += 1;
            for byte in 0..beat_bytes {
                memory.wanted.insert(
                    address.wrapping_add(byte),
                    (u128::from(value) >> (8 * byte)) as u8,
                );
            }
        }
        let now = run
            .high("aw_valid")
            .then(|| (run.was("aw_address"), run.was("aw_last_word")));
        must!(run, aw.is_none() || now == aw, "a burst is taken back");
        aw = now.filter(|_| !aw_ready);
        if let (Some((address, last)), true) = (now, aw_ready) {
            must!(run, (address & 63) + last < 64, "a burst across a block");
            asked.push_back(Burst {
                address,
                words: last + 1,
            });
        }
        let now = run
            .high("w_valid")
            .then(|| (run.was("w_data"), run.was("w_strobe"), run.high("w_last")));
        must!(run, w.is_none() || now == w, "a word is taken back");
        w = now.filter(|_| !w_ready);
        if let (Some(word), true) = (now, w_ready) {
            words.push_back(word);
        }
        // A burst is done when all of its words are there.
        while let Some(burst) = asked
            .front()
            .filter(|burst| burst.words <= words.len() as u64)
        {
            for index in 0..burst.words {
                let (data, strobe, last) = words.pop_front().unwrap_or_default();
                must!(
                    run,
                    last == (index + 1 == burst.words),
                    "the last word is not its burst's"
                );
                for byte in (0..word_bytes).filter(|byte| strobe >> byte & 1 == 1) {
                    let at = ((burst.address + index) * word_bytes + byte) as u32;
                    let twice = memory.found.insert(at, (data >> (8 * byte)) as u8);
                    let wanted = memory.wanted.get(&at).copied();
                    must!(run, wanted.is_some(), "byte {at:#x} is no beat's");
                    let right = wanted == memory.found.get(&at).copied();
                    must!(
                        run,
                        right || twice.is_some() || dropped,
                        "byte {at:#x} is another"
                    );
                }
            }
            to_answer.push_back((burst.address, run.cycle + latency));
            asked.pop_front();
        }
        must!(
            run,
            words.len() < 64 || asked.is_empty(),
            "words of no burst"
        );
        if let Some((address, _)) = answer {
            to_answer.pop_front();
            let failed = run.high("failed");
            must!(run, failed == is_bad, "an error is told: {failed}");
            let found = run.was("failed_address");
            must!(
                run,
                !failed || found == address,
                "{found:#x} failed, not {address:#x}"
            );
        }
        if run.high("written") {
            let job = jobs.pop_front();
            let whole = job.is_some_and(|job| job.beats.is_empty());
            must!(run, whole && !dropped, "a job that is not whole is written");
            let under_way = !asked.is_empty() || !to_answer.is_empty();
            let next_has = jobs.front().is_some_and(|job| job.bytes > 0);
            must!(
                run,
                !under_way || next_has,
                "a job is written before all is answered"
            );
            if jobs.is_empty() {
                must!(
                    run,
                    memory.found == memory.wanted,
                    "what is written is not all"
                );
            }
        }
        if drop {
            jobs.clear();
            dropped = true;
        }
        if dropped && run.high("rests") && !drop {
            must!(
                run,
                asked.is_empty() && to_answer.is_empty(),
                "it rests too early"
            );
            // What was taken of dropped jobs may be written or not.
            memory = Memory::default();
            dropped = false;
        }
        quiet = match jobs.is_empty() && told == JOBS && !dropped {
            true => quiet + 1,
            false => 0,
        };
    }
    must!(run, run.high("rests"), "it does not rest");
    must!(
        run,
        memory.found == memory.wanted,
        "what is written is not all"
    );
    Ok(())
}

//! Promise: the bursts cover the runs of the jobs that were told, in their order; each lies in one block; one stays until it
//! is taken; `drop` forgets all.

use std::collections::VecDeque;

use bpa_hdl::bus::place::{Place, BURST_WORDS};
use bpa_hdl::bus::walk::walk;
use bpa_hdl::config::inputs::Config;

use crate::memory_array::MemoryArray;
use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::traffic::{Gate, Pauses};

/// Four beats a word.
const PLACE: Place = Place {
    beat_bits: 16,
    word_bits: 64,
};
const JOBS: u64 = 24;
/// From a job that may begin to its first burst.
const FIRST_CYCLES: u64 = 6;
/// From a burst to the first one of the next run.
const RUN_CYCLES: u64 = 5;

const MUTANTS: &[Mutant] = &[
    mutant(
        "a burst across a block",
        "last_word_d = 6'd63 - at_q[7:2];",
        "6'd63 - at_q[7:2]",
        "6'd63",
    ),
    mutant(
        "a run that ends in the next block",
        "same_block = at_q[30:8] == last_q[30:8];",
        "at_q[30:8] == last_q[30:8]",
        "at_q[30:9] == last_q[30:9]",
    ),
    mutant(
        "rows that are not counted anew",
        "rows_q <= rows_d;",
        "rows_d",
        "frames_q && !all_counts_q ? 16'd0 : rows_d",
    ),
    mutant(
        "a burst that is given up while it waits",
        "waits = valid_q & ~burst_take;",
        "valid_q & ~burst_take",
        "1'd0",
    ),
    mutant(
        "a job that drop forgets to forget",
        "jobs_walked_d = jobs_told_d;",
        "jobs_told_d",
        "jobs_told_d - 2'd1",
    ),
    mutant(
        "a first lane that is not told",
        "first_lane_d = at_q[1:0];",
        "at_q[1:0]",
        "2'd0",
    ),
    mutant(
        "a frame that ends with each row",
        "ends_frame_q <= ends_frame_d;",
        "ends_frame_d",
        "same_block & !more_slices & !more_pixels",
    ),
    mutant(
        "a job that is not held",
        "goes = (jobs_told_q != jobs_walked_q) & ~hold;",
        "~hold",
        "1'd1",
    ),
    mutant(
        "an array that is walked though there is none",
        "over = 1'd1;",
        "1'd1",
        "1'd0",
    ),
];

/// What the walk tells of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Burst {
    address: u64,
    last_word: u64,
    first_lane: u64,
    last_lane: u64,
    ends_frame: bool,
    ends_job: bool,
}

#[test]
fn walk_of_an_array() {
    let block = Block::new(&walk("bus_walk", &PLACE), Config::default(), MUTANTS);
    block.check(vector);
}

/// The bursts of an array, beat by beat: another one where a run begins, or a block.
fn bursts(array: &MemoryArray) -> Vec<Burst> {
    let lanes = PLACE.lanes() as u64;
    let mut bursts: Vec<Burst> = Vec::new();
    for run in array.runs(PLACE.beat_bytes() as u64) {
        for (index, unit) in run.units.iter().enumerate() {
            let (word, lane) = (unit / lanes, unit % lanes);
            let begins = index == 0 || (word % BURST_WORDS == 0 && lane == 0);
            if begins {
                bursts.push(Burst {
                    address: word,
                    last_word: 0,
                    first_lane: lane,
                    last_lane: lane,
                    ends_frame: false,
                    ends_job: false,
                });
            }
            let last = bursts.last_mut().unwrap();
            last.last_word = word - last.address;
            last.last_lane = lane;
            if index + 1 == run.units.len() {
                (last.ends_frame, last.ends_job) = (run.ends_frame, run.ends_job);
            }
        }
    }
    bursts
}

fn vector(run: &mut Run) -> Verdict {
    let (mut tells, mut takes) = (run.idle(), run.back());
    let (mut holds, mut hold_cycles) = (Gate::new(Pauses::Random, run.choices.below(1 << 32)), 0);
    let mut wanted: VecDeque<Burst> = VecDeque::new();
    // Jobs that were told, by their bursts that are left.
    let mut held: VecDeque<usize> = VecDeque::new();
    let (mut told, mut quiet) = (0, 0);
    let mut filling: VecDeque<(u64, u64)> = VecDeque::new();
    let mut next = MemoryArray::default();
    let mut unsure = None;
    // Cycles without a burst in the midst of a job.
    let (mut dry, mut walked, mut gap) = (0, None, true);
    run.reset();
    while quiet < 60 {
        for pin in ["fill", "told", "drop"] {
            run.set(pin, 0);
        }
        let holding = told < JOBS && holds.opens() && hold_cycles < 40;
        run.set("hold", holding.into());
        hold_cycles = match holding {
            true => hold_cycles + 1,
            false => 0,
        };
        let taking = run.next("burst_valid") != 0 && takes.opens();
        run.set("burst_take", taking.into());
        let mut drop = false;
        // Two pages: one is walked, one is told. A job whose last burst is only offered is walked.
        if let Some((word, value)) = filling.pop_front() {
            run.set("fill", 1);
            run.set("fill_word", word);
            run.set("fill_data", value);
            if filling.is_empty() {
                unsure = Some(next.clone());
            }
        } else if let Some(array) = unsure.take() {
            run.set("told", 1);
            let bursts = bursts(&array);
            held.push_back(bursts.len());
            wanted.extend(bursts);
            told += 1;
        } else if told < JOBS && held.iter().filter(|left| **left > 0).count() < 2 && tells.opens()
        {
            while held.front() == Some(&0) {
                held.pop_front();
            }
            drop = told > 2 && run.choices.below(6) == 0;
            if !drop && held.len() < 2 {
                next = MemoryArray::random(&mut run.choices, PLACE.beat_bytes() as u64, 300);
                filling.extend(
                    next.words()
                        .into_iter()
                        .enumerate()
                        .map(|(i, w)| (i as u64, u64::from(w))),
                );
            }
        }
        if drop {
            run.set("drop", 1);
        }
        run.step()?;
        if run.high("burst_valid") {
            let Some(&burst) = wanted.front() else {
                return Err(format!("cycle {}: a burst of no job", run.cycle));
            };
            let found = Burst {
                address: run.was("burst_address"),
                last_word: run.was("burst_last_word"),
                first_lane: run.was("burst_first_lane"),
                last_lane: run.was("burst_last_lane"),
                ends_frame: run.high("burst_ends_frame"),
                ends_job: run.high("burst_ends_job"),
            };
            must!(run, found == burst, "{found:?} for {burst:?}");
            must!(run, !run.high("rests"), "it rests with a burst");
            // Behind another burst, one of a job that began before may have waited.
            let held = gap && hold_cycles > FIRST_CYCLES;
            let begun = walked.is_some();
            must!(run, begun || !held, "a job begins while it is held");
        }
        gap = !run.high("burst_valid");
        let midst = walked.is_some_and(|left| held.front() == Some(&left));
        dry = match midst && !run.high("burst_valid") {
            true => dry + 1,
            false => 0,
        };
        must!(run, dry < RUN_CYCLES, "{dry} cycles between two runs");
        if taking {
            wanted.pop_front();
            while held.front() == Some(&0) {
                held.pop_front();
            }
            if let Some(left) = held.front_mut() {
                *left -= 1;
                walked = Some(*left).filter(|left| *left > 0);
            }
        }
        if drop {
            wanted.clear();
            held.clear();
            walked = None;
        }
        quiet = match wanted.is_empty() && told == JOBS {
            true => quiet + 1,
            false => 0,
        };
        if quiet > 20 {
            must!(run, run.high("rests"), "it does not rest");
        }
    }
    Ok(())
}

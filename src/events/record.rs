//! What the hardware did in each cycle of a run, seen in the simulated Verilog: issues with their addresses, pixels that
//! come into the line buffer and die in it, beats of the streams.

use std::collections::HashMap;

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::issue::{FREE_CYCLES, ISSUE_CYCLES};
use bpa_hdl::walk::TokenWidths;
use bpa_sim::{Cache, Instance, Model, Pin, SimError};
use ndarray::{Array4, Axis};

use super::watch::{inside, offer};
use crate::arrays::Arrays;
use crate::interface::{out_bits, Streams};
use crate::plan::Plan;
use crate::run::{MOVING_SOURCE, RESULT_SINK};
use crate::schedule::Cycles;
use crate::vectors::unpack_result;

/// Pins of the watcher.
const FLAGS: &str = "seen_flags";
const VALIDS: &str = "seen_valids";
const READIES: &str = "seen_readies";
const FREED: &str = "seen_freed";
const STORES_AT: &str = "seen_stores_at";
const LOADS_AT: &str = "seen_loads_at";
const READS: &str = "seen_reads";
const WEIGHS: &str = "seen_weighs";
/// Bits of an address' pin: more than any address has.
const ADDRESS_BITS: usize = 40;

/// Bits of [`FLAGS`].
const ISSUES: u64 = 1;
const ENDS: u64 = 1 << 1;
const STORES: u64 = 1 << 2;
const LOADS: u64 = 1 << 3;

/// Cycles from what tells that pixels are dead to the one behind the issue that was the last to read them.
const DEAD_CYCLES: u64 = (ISSUE_CYCLES - FREE_CYCLES + 1) as u64;
/// Cycles without a beat of the result after which a run is given up.
const PATIENCE: u64 = 1_000_000;

/// An issue, in the cycle of its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The cycle, from that of the first beat of what moves.
    pub cycle: u64,
    /// Which word of what moves it reads, of all that were stored, in order.
    pub moving_word: u64,
    /// Which word of the stationary set.
    pub stationary_word: u64,
    /// Whether it is the last of its accumulation.
    pub last: bool,
}

/// What a stream does in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// A beat is offered.
    pub valid: bool,
    /// And would be taken.
    pub ready: bool,
}

/// The first cycles of a run, one by one, and what came of all of it.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Cycles that were looked at, from that of the first beat of what moves.
    pub cycles: u64,
    /// All issues in them.
    pub issues: Vec<Issue>,
    /// When each word of what moves was written to the line buffer.
    pub stored: Vec<u64>,
    /// From when on so many more pixels of the line buffer are dead.
    pub freed: Vec<(u64, u64)>,
    /// For each stream, those in and then the one out, what it does in each cycle.
    pub streams: Vec<(&'static str, Vec<Stream>)>,
    /// The result (frame, channel, row, column) of the whole run.
    pub result: Array4<i64>,
    /// Of the whole run.
    pub measured: Cycles,
}

/// What keeps a recording from being made.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The bridge or a tool.
    #[error(transparent)]
    Simulator(#[from] SimError),
    /// The engine stopped.
    #[error("the engine is stuck: {found} of {wanted} beats of the result")]
    Stuck {
        /// Beats of the result that came.
        found: u64,
        /// Beats of all frames.
        wanted: u64,
    },
    /// It read a word that was never written.
    #[error("the engine reads word {address} of {memory} in cycle {cycle}, and nothing was written there")]
    Unwritten {
        /// The memory.
        memory: &'static str,
        /// The address that was read.
        address: u64,
        /// When, from the first beat of what moves.
        cycle: u64,
    },
}

/// Compiles this Verilog of the plan's engine in a module that sees what is recorded.
///
/// # Errors
/// A tool is missing or fails.
pub fn recorded(plan: &Plan, verilog: &str, cache: &Cache) -> Result<Model, SimError> {
    let streams = names(plan);
    let pins = [
        (FLAGS, 4 + ISSUE_CYCLES),
        (VALIDS, streams.len()),
        (READIES, streams.len()),
        (FREED, ADDRESS_BITS),
        (STORES_AT, ADDRESS_BITS),
        (LOADS_AT, ADDRESS_BITS),
        (READS, ADDRESS_BITS),
        (WEIGHS, ADDRESS_BITS),
    ];
    let all = |pin: &str| {
        let bits: Vec<String> = streams
            .iter()
            .rev()
            .map(|name| format!("{name}_{pin}"))
            .collect();
        format!("{{{}}}", bits.join(", "))
    };
    let core = "engine.u_core";
    // `go` is so many cycles ahead of the addresses: the upper flags are those that were in the cycles before.
    let (low, high) = (4, 3 + ISSUE_CYCLES);
    let mut text = format!(
        "    {FLAGS}[0] <= {FLAGS}[{high}];
    {FLAGS}[1] <= {core}.u_issue.acc_last;
    {FLAGS}[2] <= {core}.u_line_buffer.write;
    {FLAGS}[3] <= {core}.u_weights.write;
    {FLAGS}[{low}] <= {core}.u_issue.go;
    {VALIDS} <= {};
    {READIES} <= {};
",
        all("tvalid"),
        all("tready")
    );
    for stage in low + 1..=high {
        text += &format!("    {FLAGS}[{stage}] <= {FLAGS}[{}];\n", stage - 1);
    }
    let capacity = Capacity::exactly(plan.descriptor());
    let widths = TokenWidths::of(&capacity);
    let memory = |words: u64| bpa_hdl::rtl::bits_for(words - 1);
    let weights = memory(capacity.weight_words) + usize::from(capacity.two_weight_sets);
    let line = memory(capacity.line_words);
    for (pin, net, bits) in [
        (FREED, "u_issue.free_less_1", widths.free),
        (STORES_AT, "u_line_buffer.write_address", line),
        (LOADS_AT, "u_weights.write_address", weights),
        (READS, "u_issue.grad_address", line),
        (WEIGHS, "u_issue.weight_address", weights),
    ] {
        let zeros = ADDRESS_BITS - bits;
        text += &format!("    {pin} <= {{{zeros}'d0, {core}.{net}}};\n");
    }
    let pins = pins.map(|(name, bits)| Pin::new(name, bits)).to_vec();
    Model::build(&inside(plan, verilog, "recorded", pins, &text), cache)
}

/// The streams in, and then the one out.
fn names(plan: &Plan) -> Vec<&'static str> {
    let streams = Streams::new(plan);
    let inputs = streams.inputs().into_iter().map(|(name, _)| name);
    inputs.chain([streams.names.result]).collect()
}

/// Runs the arrays through a [`recorded`] engine without stalls, and looks at so many cycles from the first beat of what
/// moves on. `progress` is called now and then with the cycles that were run.
///
/// # Errors
/// The bridge fails, or the engine stops or reads what was never written.
///
/// # Panics
/// If the arrays are of another layer.
pub fn record(
    plan: &Plan,
    hardware: &Model,
    arrays: &Arrays,
    cycles: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<Recording, RecordError> {
    let mut instance = hardware.instance(0);
    // Where each word of the stationary set lies.
    let mut places: HashMap<u64, u64> = HashMap::new();
    offer(&mut instance, plan, arrays, &mut |instance| {
        if instance.peek(FLAGS)? & LOADS != 0 {
            let word = places.len() as u64;
            places.insert(instance.peek(LOADS_AT)?, word);
        }
        Ok(())
    })?;
    let mut watch = Watch::new(plan, places);
    let frames = arrays.moving.len_of(Axis(0)) as u64;
    let wanted = frames * Streams::new(plan).result.beats;
    while watch.recording.cycles < cycles && instance.sink(RESULT_SINK).accepted() < wanted {
        instance.run(1, None);
        if instance.source(MOVING_SOURCE).first_cycle().is_some() {
            watch.cycle(&instance)?;
        }
        if instance.cycle() % (1 << 14) == 0 {
            progress(instance.cycle());
        }
    }
    let mut idle = 0;
    while instance.sink(RESULT_SINK).accepted() < wanted {
        let before = instance.sink(RESULT_SINK).accepted();
        let ran = instance.run(1 << 16, Some(wanted)).cycles;
        let found = instance.sink(RESULT_SINK).accepted();
        idle = if found == before { idle + ran } else { 0 };
        if idle > PATIENCE {
            return Err(RecordError::Stuck { found, wanted });
        }
        progress(instance.cycle());
    }
    let first = instance.source(MOVING_SOURCE).first_cycle();
    let first = first.expect("a result needs data");
    let sink = instance.sink(RESULT_SINK);
    let lasts = sink.last_cycles();
    let end = lasts.len() - 1;
    let result = unpack_result(plan.layer(), sink.data(), out_bits(plan));
    Ok(Recording {
        result: result.expect("whole frames were waited for"),
        measured: Cycles {
            total: lasts[end] - first + 1,
            first_frame: lasts[0] - first + 1,
            per_frame_steady: (end >= 2).then(|| lasts[end] - lasts[end - 1]),
        },
        ..watch.recording
    })
}

/// What was seen up to now.
struct Watch {
    recording: Recording,
    /// Which word of the set lies where.
    places: HashMap<u64, u64>,
    /// Which word of what moves lies where.
    line: HashMap<u64, u64>,
    /// Counts of dead pixels wrap here.
    wrap: u64,
}

impl Watch {
    fn new(plan: &Plan, places: HashMap<u64, u64>) -> Self {
        let capacity = Capacity::exactly(plan.descriptor());
        let streams = names(plan).into_iter().map(|name| (name, Vec::new()));
        Watch {
            recording: Recording {
                cycles: 0,
                issues: Vec::new(),
                stored: Vec::new(),
                freed: Vec::new(),
                streams: streams.collect(),
                result: Array4::zeros((0, 0, 0, 0)),
                measured: Cycles {
                    total: 0,
                    first_frame: 0,
                    per_frame_steady: None,
                },
            },
            places,
            line: HashMap::new(),
            wrap: 1 << TokenWidths::of(&capacity).free,
        }
    }

    /// The cycle that was run last.
    fn cycle(&mut self, instance: &Instance) -> Result<(), RecordError> {
        let seen = |pin: &str| instance.peek(pin);
        let recording = &mut self.recording;
        let cycle = recording.cycles;
        let flags = seen(FLAGS)?;
        if flags & ISSUES != 0 {
            let find = |memory, words: &HashMap<u64, u64>, address| {
                let word = words.get(&address).copied();
                word.ok_or(RecordError::Unwritten {
                    memory,
                    address,
                    cycle,
                })
            };
            recording.issues.push(Issue {
                cycle,
                moving_word: find("the line buffer", &self.line, seen(READS)?)?,
                stationary_word: find("the weight memory", &self.places, seen(WEIGHS)?)?,
                last: flags & ENDS != 0,
            });
        }
        if flags & STORES != 0 {
            let word = recording.stored.len() as u64;
            self.line.insert(seen(STORES_AT)?, word);
            recording.stored.push(cycle);
        }
        // Less one: none is minus one.
        let freed = (seen(FREED)? + 1) % self.wrap;
        if freed > 0 {
            recording.freed.push((cycle + DEAD_CYCLES, freed));
        }
        let (valids, readies) = (seen(VALIDS)?, seen(READIES)?);
        for (index, (_, stream)) in recording.streams.iter_mut().enumerate() {
            stream.push(Stream {
                valid: valids >> index & 1 != 0,
                ready: readies >> index & 1 != 0,
            });
        }
        recording.cycles += 1;
        Ok(())
    }
}

//! Memory instead of streams, in a programmable shell: which arrays there are, their master, and what software sees of it.

use crate::bus::array::told;
use crate::bus::masters::{masters, BusStream, STREAM_BITS};
use crate::bus::pins::MasterPins;
use crate::bus::place::{Place, BURST_WORDS};
use crate::config::descriptor::Lanes;
use crate::config::inputs::Config;
use crate::config::limits::Limits;
use crate::primitives::target::Target;
use crate::registers::map::{Field, Kind, Register, REGISTER_BITS};
use crate::rtl::{Expr, Module};

/// What the map has of the bus: the constants, and the first error.
const BUS: u64 = 0x3c;
const BUS_ERROR: u64 = 0x58;
const BUS_ERROR_ADDRESS: u64 = 0x5c;
const BEAT_BYTES: u64 = 0x60;

/// The arrays of an engine that has a bus.
pub struct Memory {
    streams: Vec<BusStream>,
    word_bits: usize,
}

/// Nets of the shell that the master drives.
pub(super) struct MemoryNets {
    pub job_written: Expr,
    pub under_way: Expr,
    pub read_failed: Expr,
    pub write_failed: Expr,
    pub clear_error: Expr,
    pub error_stream: Expr,
    pub error_address: Expr,
}

impl Memory {
    /// Those of an engine within these limits; `None` where it has streams.
    pub fn of(limits: &Limits, lanes: &Lanes) -> Option<Self> {
        let word_bits = limits.bus_bits?;
        let place = |bits: usize| Place {
            beat_bits: bits.next_multiple_of(8),
            word_bits,
        };
        let stream = |name, prefix: &str, bits| BusStream {
            name,
            pins: format!("{prefix}_{name}"),
            place: place(bits),
        };
        let input = |name, bits| stream(name, "s_axis", bits);
        let mut streams = vec![
            input("data", lanes.grad_beat_bits()),
            input("weight", lanes.weight_beat_bits()),
        ];
        if lanes.stages.accumulate {
            streams.push(input("accumulate", lanes.pe * lanes.accumulate_bits()));
        }
        if lanes.stages.mask {
            streams.push(input("mask", lanes.pe));
        }
        streams.push(stream("result", "m_axis", lanes.pe * lanes.out_bits()));
        Some(Memory { streams, word_bits })
    }

    /// The arrays, in the order of their numbers in an error, from 1 on.
    pub fn streams(&self) -> &[BusStream] {
        &self.streams
    }

    /// A job is told of each array.
    pub(super) fn tell(&self, config: &mut Config) {
        config.parts.extend(self.streams.iter().map(told));
    }

    /// Places the master, between the bus and the streams of the core, which are nets of `m`.
    pub(super) fn place(
        &self,
        m: &mut Module,
        name: &str,
        entry_bits: usize,
        target: Target,
        streams: Vec<(&str, Expr)>,
        (next, abort): (&Expr, &Expr),
    ) -> MemoryNets {
        let pins = MasterPins::declare(m, self.word_bits, self.streams.len() - 1);
        let mut net = |name: &str, width| m.net(name, width, "");
        let nets = MemoryNets {
            job_written: net("job_written", 1),
            under_way: net("under_way", 1),
            read_failed: net("read_failed", 1),
            write_failed: net("write_failed", 1),
            clear_error: net("clear_error", 1),
            error_stream: net("error_stream", STREAM_BITS),
            error_address: net("error_address", REGISTER_BITS),
        };
        let of_stream = |(name, _): &(&str, Expr)| {
            let mut all = self.streams.iter();
            all.any(|stream| {
                name.strip_prefix(stream.pins.as_str())
                    .is_some_and(|end| end.starts_with("_t"))
            })
        };
        let mut bindings: Vec<(&str, Expr)> = streams.into_iter().filter(of_stream).collect();
        bindings.extend(pins.bindings());
        bindings.extend([
            ("next", next.clone()),
            ("abort", abort.clone()),
            ("clear_error", nets.clear_error.clone()),
            ("job_written", nets.job_written.clone()),
            ("under_way", nets.under_way.clone()),
            ("read_failed", nets.read_failed.clone()),
            ("write_failed", nets.write_failed.clone()),
            ("error_stream", nets.error_stream.clone()),
            ("error_address", nets.error_address.clone()),
        ]);
        let block = masters(&format!("{name}_memory"), &self.streams, entry_bits, target);
        m.instance("u_memory", block, bindings);
        nets
    }

    /// Its own registers, each where it belongs among the others.
    pub(super) fn registers(&self) -> Vec<Register> {
        let field = |name: &str, low, width, value: usize, doc: String| Field {
            name: name.to_owned(),
            low,
            width,
            value: value as u32,
            doc,
        };
        let register = |name: &str, offset, kind, doc: &str, fields| Register {
            name: name.to_owned(),
            offset,
            kind,
            doc: doc.to_owned(),
            fields,
            series: None,
        };
        let streams = self.streams.iter().enumerate();
        let beats = streams.clone().map(|(index, stream)| {
            let doc = format!("of {}, as a power of two", stream.name);
            let log = stream.place.beat_bytes().ilog2() as usize;
            field(stream.name, 4 * index, 4, log, doc)
        });
        let numbers: Vec<String> = streams
            .map(|(index, stream)| format!("{}: {}", index + 1, stream.name))
            .collect();
        let numbers = format!(
            "the first one with an error since it was cleared; 0: none; {}",
            numbers.join("; ")
        );
        vec![
            register(
                "bus",
                BUS,
                Kind::Constant,
                "memory",
                vec![
                    field(
                        "word_bytes",
                        0,
                        8,
                        self.word_bits / 8,
                        "of a word of the bus".to_owned(),
                    ),
                    field(
                        "burst_words",
                        8,
                        8,
                        BURST_WORDS as usize,
                        "of a burst, at the most".to_owned(),
                    ),
                ],
            ),
            register(
                "bus_error",
                BUS_ERROR,
                Kind::Status,
                "which array could not be read or written",
                vec![field("stream", 0, STREAM_BITS, 0, numbers)],
            ),
            register(
                "bus_error_address",
                BUS_ERROR_ADDRESS,
                Kind::Status,
                "where, with `bus_error`",
                vec![field(
                    "byte",
                    0,
                    REGISTER_BITS,
                    0,
                    "address of the burst".to_owned(),
                )],
            ),
            register(
                "beat_bytes",
                BEAT_BYTES,
                Kind::Constant,
                "bytes of memory that a beat takes",
                beats.collect(),
            ),
        ]
    }

    /// What its events say.
    pub(super) const EVENTS: [(&str, &str); 2] = [
        ("read_error", "memory could not be read; see `bus_error`"),
        (
            "write_error",
            "memory could not be written; see `bus_error`",
        ),
    ];
}

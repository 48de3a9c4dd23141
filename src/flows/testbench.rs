//! A testbench in plain Verilog that checks itself.

use std::fmt::Write as _;

use super::template::fill;
use super::vectors::file_name;
use super::{Block, BlockStream, FlowFile, Vectors};
use crate::interface::{Direction, StreamNames, ROUNDING_SEED, SATURATIONS};
use crate::plan::Plan;

/// Cycles between the stationary set and what moves where nothing stalls, so that cycles are counted as elsewhere.
const SETTLE_CYCLES: u32 = 40;

/// The testbench of a plan's engine, which reads the files of `vectors`.
pub fn testbench(plan: &Plan, vectors: &Vectors) -> FlowFile {
    let bench = Bench {
        block: Block::of_layer(plan),
        names: StreamNames::of(plan.layer().pass()),
        vectors,
    };
    let (top, result) = (&bench.block.name, bench.stream(bench.names.result));
    let streams = || bench.block.streams.iter();
    let readies: String = bench
        .inputs()
        .map(|stream| format!("{}_tready, ", stream.name))
        .collect();
    let flags = format!("{readies}{}_tvalid, busy, frame_done, error", result.name);
    let moves: Vec<String> = streams()
        .map(|stream| format!("({0}_tvalid && {0}_tready)", stream.name))
        .collect();
    let not_taken: Vec<String> = bench
        .inputs()
        .map(|stream| format!("{}_next != {}", stream.name, bench.beats(stream)))
        .collect();
    let saturations = match bench.block.has(SATURATIONS.name) {
        true => format!(
            "      if ({} !== {}) fail(\"another count of saturations\");\n",
            SATURATIONS.name, vectors.saturations
        ),
        false => String::new(),
    };
    let text = fill(
        include_str!("templates/testbench.v"),
        &[
            ("TOP", top.as_str()),
            ("PINS", &pins(&bench.block)),
            ("SOURCES", &bench.sources()),
            ("MOVING", bench.names.moving),
            ("RESULT", bench.names.result),
            ("RESULT_HIGH", &(result.tdata_bits - 1).to_string()),
            ("RESULT_BEATS", &packet(result).to_string()),
            ("RESULT_LAST", &(bench.beats(result) - 1).to_string()),
            ("RESULT_ALL", &bench.beats(result).to_string()),
            ("RESULT_FILE", &file_name(top, bench.names.result)),
            ("FRAMES", &vectors.frames.to_string()),
            ("QUIET", &flags),
            ("QUIET_BITS", &(bench.inputs().count() + 4).to_string()),
            ("FLAGS", &flags),
            ("MOVES", &moves.join(" || ")),
            ("CYCLES", &vectors.cycles.to_string()),
            ("ALL_TAKEN", &not_taken.join(" || ")),
            ("SATURATIONS", &saturations),
            ("BINDINGS", &bindings(&bench.block, vectors)),
        ],
    );
    FlowFile {
        name: format!("{top}_tb.v"),
        text,
    }
}

/// What a testbench is of.
struct Bench<'a> {
    block: Block,
    names: StreamNames,
    vectors: &'a Vectors,
}

impl Bench<'_> {
    fn stream(&self, name: &str) -> &BlockStream {
        let mut streams = self.block.streams.iter();
        let stream = streams.find(|stream| stream.name == name);
        stream.expect("a stream of the layer's engine")
    }

    fn inputs(&self) -> impl Iterator<Item = &BlockStream> {
        let streams = self.block.streams.iter();
        streams.filter(|stream| stream.direction == Direction::Input)
    }

    /// Beats of a whole run.
    fn beats(&self, stream: &BlockStream) -> u64 {
        match stream.name == self.names.stationary {
            true => packet(stream),
            false => self.vectors.frames * packet(stream),
        }
    }

    /// What sends the beats of the inputs.
    fn sources(&self) -> String {
        let sources = self.inputs().enumerate();
        let mut text: String = sources
            .map(|(index, stream)| self.source(index, stream))
            .collect();
        let set = self.names.stationary;
        let beats = packet(self.stream(set));
        let _ = write!(
            text,
            "
  // Cycles since the whole set was taken.
  integer settled;
  initial settled = 0;
  always @(posedge aclk) if ({set}_next == {beats}) settled <= settled + 1;
"
        );
        text
    }

    fn source(&self, index: usize, stream: &BlockStream) -> String {
        let set = self.names.stationary;
        let when = match stream.name == self.names.moving {
            true => format!(
                "\n          && (stall != 0 || {set}_next == {} && settled > {SETTLE_CYCLES})",
                packet(self.stream(set)),
            ),
            false => String::new(),
        };
        let packets = match stream.name == set {
            true => "one set".to_owned(),
            false => format!("{} frames", self.vectors.frames),
        };
        let beats = self.beats(stream);
        fill(
            include_str!("templates/testbench_source.v"),
            &[
                ("STREAM", stream.name.as_str()),
                ("PACKETS", &packets),
                ("BEATS", &packet(stream).to_string()),
                ("HIGH", &(stream.tdata_bits - 1).to_string()),
                ("WIDTH", &stream.tdata_bits.to_string()),
                ("LAST", &(beats - 1).to_string()),
                ("ALL", &beats.to_string()),
                ("FILE", &file_name(&self.block.name, &stream.name)),
                ("INDEX", &(index + 1).to_string()),
                ("WHEN", &when),
            ],
        )
    }
}

/// Beats of a packet.
fn packet(stream: &BlockStream) -> u64 {
    stream.packet.expect("a layer's packets are known")
}

/// Nets of the outputs beside the streams.
fn pins(block: &Block) -> String {
    let outputs = block.pins().into_iter();
    let outputs = outputs.filter(|port| port.direction == Direction::Output);
    let nets = outputs.map(|port| match port.width {
        1 => format!("  wire {};\n", port.name),
        width => format!("  wire [{}:0] {};\n", width - 1, port.name),
    });
    nets.collect()
}

/// Every port of the engine.
fn bindings(block: &Block, vectors: &Vectors) -> String {
    let binding = |name: &str| {
        let to = match name == ROUNDING_SEED.name {
            // Looked at in reset alone.
            true => format!("aresetn ? 31'bx : 31'd{}", vectors.rounding_seed),
            false => name.to_owned(),
        };
        format!("    .{name}({to})")
    };
    let bindings: Vec<String> = (block.ports.iter())
        .map(|port| binding(&port.name))
        .collect();
    bindings.join(",\n")
}

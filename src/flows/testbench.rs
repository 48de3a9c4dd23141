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
    let block = Block::of_layer(plan);
    let names = StreamNames::of(plan.layer().pass());
    let top = &block.name;
    let (inputs, outputs): (Vec<&BlockStream>, Vec<&BlockStream>) =
        (block.streams.iter()).partition(|stream| stream.direction == Direction::Input);
    let result = outputs[0];
    let beats = |stream: &BlockStream| stream.packet.expect("a layer's packets are known");
    let all = |stream: &BlockStream| match stream.name == names.stationary {
        true => beats(stream),
        false => vectors.frames * beats(stream),
    };
    let sources = inputs.iter().enumerate().map(|(index, stream)| {
        let when = match stream.name == names.moving {
            true => format!(
                "\n          && (stall != 0 || {set}_next == {beats} && settled > {SETTLE_CYCLES})",
                set = names.stationary,
                beats = block_packet(&block, names.stationary),
            ),
            false => String::new(),
        };
        let packets = match stream.name == names.stationary {
            true => "one set".to_owned(),
            false => format!("{} frames", vectors.frames),
        };
        fill(
            include_str!("templates/testbench_source.v"),
            &[
                ("STREAM", stream.name.as_str()),
                ("PACKETS", &packets),
                ("BEATS", &beats(stream).to_string()),
                ("HIGH", &(stream.tdata_bits - 1).to_string()),
                ("WIDTH", &stream.tdata_bits.to_string()),
                ("LAST", &(all(stream) - 1).to_string()),
                ("ALL", &all(stream).to_string()),
                ("FILE", &file_name(top, &stream.name)),
                ("INDEX", &(index + 1).to_string()),
                ("WHEN", &when),
            ],
        )
    });
    let mut sources: String = sources.collect();
    let set = names.stationary;
    let _ = write!(
        sources,
        "
  // Cycles since the whole set was taken.
  integer settled;
  initial settled = 0;
  always @(posedge aclk) if ({set}_next == {}) settled <= settled + 1;
",
        block_packet(&block, set)
    );

    let of_all = |join: &str, part: &dyn Fn(&BlockStream) -> String| -> String {
        let parts: Vec<String> = block.streams.iter().map(part).collect();
        parts.join(join)
    };
    let readies: Vec<String> = (inputs.iter())
        .map(|stream| format!("{}_tready", stream.name))
        .collect();
    let flags = format!(
        "{}, {}_tvalid, busy, frame_done, error",
        readies.join(", "),
        result.name
    );
    let saturations = match block.has(SATURATIONS.name) {
        true => format!(
            "      if ({} !== {}) fail(\"another count of saturations\");\n",
            SATURATIONS.name, vectors.saturations
        ),
        false => String::new(),
    };
    let not_taken: Vec<String> = (inputs.iter())
        .map(|stream| format!("{}_next != {}", stream.name, all(stream)))
        .collect();
    let text = fill(
        include_str!("templates/testbench.v"),
        &[
            ("TOP", top.as_str()),
            ("PINS", &pins(&block)),
            ("SOURCES", &sources),
            ("MOVING", names.moving),
            ("RESULT", names.result),
            ("RESULT_HIGH", &(result.tdata_bits - 1).to_string()),
            ("RESULT_BEATS", &beats(result).to_string()),
            ("RESULT_LAST", &(all(result) - 1).to_string()),
            ("RESULT_ALL", &all(result).to_string()),
            ("RESULT_FILE", &file_name(top, names.result)),
            ("FRAMES", &vectors.frames.to_string()),
            ("QUIET", &flags),
            ("QUIET_BITS", &(inputs.len() + 4).to_string()),
            ("FLAGS", &flags),
            (
                "MOVES",
                &of_all(" || ", &|stream| {
                    format!("({0}_tvalid && {0}_tready)", stream.name)
                }),
            ),
            ("CYCLES", &vectors.cycles.to_string()),
            ("ALL_TAKEN", &not_taken.join(" || ")),
            ("SATURATIONS", &saturations),
            ("BINDINGS", &bindings(&block, vectors)),
        ],
    );
    FlowFile {
        name: format!("{top}_tb.v"),
        text,
    }
}

fn block_packet(block: &Block, name: &str) -> u64 {
    let stream = block.streams.iter().find(|stream| stream.name == name);
    let packet = stream.and_then(|stream| stream.packet);
    packet.expect("a stream of the layer's engine")
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

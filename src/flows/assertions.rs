//! Assertions on an engine's interface in SystemVerilog, bound to it from outside.

use super::block::{MEMORY_BUS, REGISTER_BUS};
use super::template::fill;
use super::{Block, BlockStream, FlowFile};
use crate::interface::Direction;

/// The bind file of an engine: a checker module, and the `bind` that puts it beside the engine's insides.
pub fn assertions(block: &Block) -> FlowFile {
    let top = &block.name;
    let ports: Vec<String> = (block.ports.iter())
        .map(|port| match port.width {
            1 => format!("  input wire {}", port.name),
            width => format!("  input wire [{}:0] {}", width - 1, port.name),
        })
        .collect();
    let streams: String = block.streams.iter().map(stream_rules).collect();
    let bus = match block.register_bus().is_empty() {
        true => String::new(),
        false => fill(
            include_str!("templates/assertions_bus.sv"),
            &[("BUS", REGISTER_BUS)],
        ),
    };
    let memory = match block.memory_bus().is_empty() {
        true => String::new(),
        false => fill(
            include_str!("templates/assertions_memory.sv"),
            &[("BUS", MEMORY_BUS)],
        ),
    };
    let status = match block.has("error_cause") {
        true => include_str!("templates/assertions_status.sv"),
        false => "",
    };
    let text = fill(
        include_str!("templates/assertions.sv"),
        &[
            ("TOP", top.as_str()),
            ("PORTS", &ports.join(",\n")),
            ("STREAMS", &streams),
            ("BUS", &(bus + &memory)),
            ("STATUS", status),
        ],
    );
    FlowFile {
        name: format!("{top}_sva.sv"),
        text,
    }
}

/// The rules of a stream: those of AXI4-Stream, reset, and where its packets are known, the place of `tlast`.
fn stream_rules(stream: &BlockStream) -> String {
    let name = &stream.name;
    let (giver, quiet) = match stream.direction {
        Direction::Input => ("the surroundings", format!("{name}_tready")),
        Direction::Output => ("the engine", format!("{name}_tvalid")),
    };
    let mut text = fill(
        include_str!("templates/assertions_stream.sv"),
        &[
            ("STREAM", name.as_str()),
            ("GIVER", giver),
            ("QUIET", &quiet),
        ],
    );
    if let Some(beats) = stream.packet {
        text += &fill(
            include_str!("templates/assertions_packet.sv"),
            &[
                ("STREAM", name.as_str()),
                ("GIVER", giver),
                ("BEATS", &beats.to_string()),
            ],
        );
    }
    text
}

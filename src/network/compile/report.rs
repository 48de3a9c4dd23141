//! The plan of a program: its tiles, arrays and addresses, for people and programs to read.

use serde::Serialize;

use super::{Operation, Program, Role};
use crate::network::Network;

#[derive(Serialize)]
struct Report<'a> {
    network: &'a str,
    blob_bytes: usize,
    arena_bytes: u32,
    /// What the arrays would take if none shared its place with another.
    arrays_bytes: u64,
    weights_bytes: usize,
    buffers: Vec<ReportBuffer<'a>>,
    operations: Vec<ReportOperation<'a>>,
}

#[derive(Serialize)]
struct ReportBuffer<'a> {
    name: &'a str,
    role: &'static str,
    offset: u32,
    bytes: u64,
    value_bytes: u32,
    /// Frames, rows, columns, channels.
    shape: [u32; 4],
    /// First and last operation that uses it.
    live: [usize; 2],
    /// Buffers at whose bytes it lies at another time.
    shares_with: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
enum ReportOperation<'a> {
    Run {
        layer: &'a str,
        pass: String,
        data: &'a str,
        result: &'a str,
        jobs: Vec<ReportJob>,
    },
    Combine {
        to: &'a str,
        shift: u32,
        shifted: Vec<&'a str>,
        plain: Vec<&'a str>,
        saturated_to_bits: u32,
    },
}

#[derive(Serialize)]
struct ReportJob {
    /// First and last of each.
    groups: [u32; 2],
    result_channels: [u32; 2],
    moving_channels: [u32; 2],
    part: u32,
    words: usize,
    weights_bytes: usize,
}

/// The plan as JSON.
///
/// # Panics
/// If the program is of another network.
pub fn report(program: &Program, network: &Network, blob_bytes: usize) -> String {
    let name = |buffer: usize| program.buffers[buffer].name.as_str();
    let names = |buffers: &[usize]| buffers.iter().map(|&it| name(it)).collect();
    let operations = program.operations.iter().map(|operation| match operation {
        Operation::Run {
            task,
            jobs,
            data,
            result,
        } => {
            let step = &network.steps()[task.step];
            let tiles = step.tiling(task.pass).tiles().iter();
            let ends = |range: &std::ops::Range<u32>| [range.start, range.end - 1];
            let of_tiles = tiles.zip(&program.jobs[jobs.clone()]);
            ReportOperation::Run {
                layer: step.name(),
                pass: task.pass.to_string(),
                data: name(*data),
                result: name(*result),
                jobs: of_tiles
                    .map(|(tile, job)| ReportJob {
                        groups: ends(&tile.groups),
                        result_channels: ends(&tile.result_channels),
                        moving_channels: ends(&tile.moving_channels),
                        part: tile.part,
                        words: job.words.len(),
                        weights_bytes: job.weights.len(),
                    })
                    .collect(),
            }
        }
        Operation::Combine {
            to,
            shift,
            shifted,
            plain,
            bits,
        } => ReportOperation::Combine {
            to: name(*to),
            shift: *shift,
            shifted: names(shifted),
            plain: names(plain),
            saturated_to_bits: *bits,
        },
    });
    let bytes = |buffer: usize| {
        let buffer = &program.buffers[buffer];
        let offset = u64::from(buffer.offset);
        offset..offset + buffer.bytes()
    };
    let buffers = program.buffers.iter().enumerate().map(|(index, buffer)| {
        let own = bytes(index);
        let others = (0..program.buffers.len()).filter(|&other| {
            let its = bytes(other);
            other != index && own.start < its.end && its.start < own.end
        });
        ReportBuffer {
            name: &buffer.name,
            role: match buffer.role {
                Role::Internal => "internal",
                Role::Input => "input",
                Role::Output => "output",
            },
            offset: buffer.offset,
            bytes: buffer.bytes(),
            value_bytes: buffer.element_bytes,
            shape: buffer.shape,
            live: [buffer.live.start, buffer.live.end.saturating_sub(1)],
            shares_with: others.map(name).collect(),
        }
    });
    let report = Report {
        network: &program.name,
        blob_bytes,
        arena_bytes: program.arena_bytes,
        arrays_bytes: program.buffers.iter().map(super::Buffer::bytes).sum(),
        weights_bytes: program.jobs.iter().map(|job| job.weights.len()).sum(),
        buffers: buffers.collect(),
        operations: operations.collect(),
    };
    let json = serde_json::to_string_pretty(&report);
    json.expect("text and numbers are always valid JSON") + "\n"
}

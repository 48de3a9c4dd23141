//! Where an engine with a bus finds the arrays of its jobs: slices of the buffers' channels, as words of its table.

use bpa_hdl::bus::array::WORD_NAMES;
use bpa_hdl::bus::walk::OFF_BIT;
use bpa_hdl::shell::memory::Memory;
use bpa_hdl::shell::programmable::Programmable;

use super::{Base, Buffer, CompileError, Formats, Job, MemoryFormats, Operation, Sums, Word};
use crate::driver::{moving_channels, result_channels, MemoryArray, Stride};
use crate::network::Network;
use crate::programmable::{ProgrammableEngine, Tile, Tiling};
use crate::vectors::{moving_pixel, result_pixel};

/// The streams that arrays stand for, in the order of [`MemoryFormats::arrays`].
const ARRAYS: [&str; 5] = ["data", "weight", "accumulate", "result", "mask"];

/// What an engine with a bus is told by; `None` for one with streams.
pub(super) fn formats(
    engine: &ProgrammableEngine,
    hardware: &Programmable,
) -> Option<MemoryFormats> {
    let bits = engine.limits().bus_bits?;
    let offset = |name: String| {
        let mut table = hardware.map.table();
        let found = table.find(|(register, _)| register.name == name);
        found.map(|(register, _)| register.offset as u32)
    };
    let arrays = ARRAYS.map(|stream| offset(format!("{stream}_{}", WORD_NAMES[0])));
    let second = offset(format!("data_{}", WORD_NAMES[1]));
    let [Some(first), Some(second)] = [arrays[0], second] else {
        unreachable!("an engine with a bus is told where its data are");
    };
    Some(MemoryFormats {
        word_bytes: bits as u32 / 8,
        arrays,
        step: second - first,
    })
}

/// A set of weights as it stands in memory: each beat takes a power of two of bytes.
pub(super) fn spread_weights(engine: &ProgrammableEngine, packet: Vec<u8>) -> Vec<u8> {
    let Some(memory) = Memory::of(engine.limits(), &engine.lanes()) else {
        return packet;
    };
    let mut streams = memory.streams().iter();
    let weight = streams.find(|stream| stream.name == "weight");
    let place = &weight.expect("an engine has weights").place;
    let mut bytes = Vec::new();
    for beat in packet.chunks_exact(place.beat_bits / 8) {
        bytes.extend_from_slice(beat);
        bytes.resize(bytes.len().next_multiple_of(place.beat_bytes()), 0);
    }
    bytes
}

/// The beats of a pixel that a job takes or gives, in channels of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    first: u32,
    /// Side by side.
    run: u32,
    runs: u32,
    /// From one run to the next.
    step: u32,
}

impl Slice {
    fn end(self) -> u32 {
        self.first + (self.runs - 1) * self.step + self.run
    }
}

/// Of each job the slices of data and results. Makes the buffers as wide as these need.
pub(super) fn slices(
    network: &Network,
    formats: &Formats,
    jobs: &[Job],
    operations: &[Operation],
    buffers: &mut [Buffer],
) -> Result<Vec<[Slice; 2]>, CompileError> {
    // Sums go back in from where they are.
    let sums = formats.sums.unwrap_or(formats.result);
    for (what, lanes) in [
        ("data", formats.data),
        ("result", formats.result),
        ("accumulate", sums),
    ] {
        let whole = [8, 16, 32, 64].contains(&lanes.bits)
            && lanes.count.is_power_of_two()
            && (what == "data" || lanes == formats.result);
        if !whole {
            return Err(CompileError::Values {
                what,
                bits: lanes.bits,
                lanes: lanes.count,
            });
        }
    }
    let lanes = [formats.data.count, formats.result.count];
    for buffer in &mut *buffers {
        buffer.pitch = buffer.shape[3].next_multiple_of(lanes[0].max(lanes[1]));
    }
    let mut all = Vec::with_capacity(jobs.len());
    for operation in operations {
        let Operation::Run {
            task,
            jobs: range,
            data,
            result,
        } = operation
        else {
            continue;
        };
        let step = &network.steps[task.step];
        let tiling = step.tiling(task.pass);
        buffers[*result].element_bytes = formats.result.bits / 8;
        for (tile, job) in tiling.tiles().iter().zip(&jobs[range.clone()]) {
            if job.sums == Sums::Added {
                return Err(CompileError::PartialSums {
                    layer: step.name.clone(),
                });
            }
            let slices = of_tile(tiling, tile, lanes).map_err(|(what, lanes)| {
                let layer = step.name.clone();
                CompileError::Beats { layer, what, lanes }
            })?;
            for (buffer, slice) in [*data, *result].into_iter().zip(slices) {
                buffers[buffer].pitch = buffers[buffer].pitch.max(slice.end());
            }
            all.push(slices);
        }
    }
    Ok(all)
}

/// The slices of a tile, or which of the two is none.
fn of_tile(
    tiling: &Tiling,
    tile: &Tile,
    [data_lanes, result_lanes]: [u32; 2],
) -> Result<[Slice; 2], (&'static str, u32)> {
    let op = tile.plan.layer().operation();
    let moving: Vec<usize> = moving_channels(tiling, tile).collect();
    let result: Vec<usize> = result_channels(tiling, tile).collect();
    let [results, ..] = tiling.layer().operation().result_shape();
    // A lane without a channel is multiplied by zeros; but what comes out of one is written.
    let data = first_channels(&moving_pixel(op), &moving, 0)
        .and_then(|beats| slice(&beats, data_lanes))
        .ok_or(("data", data_lanes))?;
    let result = first_channels(&result_pixel(op), &result, results)
        .and_then(|beats| slice(&beats, result_lanes))
        .ok_or(("result", result_lanes))?;
    Ok([data, result])
}

/// The channel of the first lane of each beat, if the others follow it. Lanes without a channel have to be of channels
/// from `free` on.
fn first_channels(
    pixel: &[Vec<Option<usize>>],
    of_tile: &[usize],
    free: usize,
) -> Option<Vec<u32>> {
    let beats = pixel.iter().map(|beat| {
        let first = of_tile[(*beat.first()?)?];
        let fits = beat
            .iter()
            .enumerate()
            .all(|(lane, channel)| match channel {
                Some(channel) => of_tile[*channel] == first + lane,
                None => first + lane >= free,
            });
        // Channels of a layer are below 2^16.
        (fits && first % beat.len() == 0).then_some(first as u32)
    });
    beats.collect()
}

/// Beats as runs of as many channels each, as far from one another.
fn slice(beats: &[u32], lanes: u32) -> Option<Slice> {
    let mut follow = 1;
    while follow < beats.len() && beats[follow] == beats[follow - 1] + lanes {
        follow += 1;
    }
    let first = *beats.first()?;
    let step = beats.get(follow).map_or(0, |next| next.wrapping_sub(first));
    let is_regular = beats.iter().enumerate().all(|(index, &beat)| {
        let [run, within] = [index / follow, index % follow].map(|it| it as u32);
        beat == first.wrapping_add(run.wrapping_mul(step)) + within * lanes
    });
    let runs = beats.len() / follow;
    let slice = Slice {
        first,
        run: follow as u32 * lanes,
        runs: runs as u32,
        step,
    };
    (is_regular && runs * follow == beats.len()).then_some(slice)
}

/// Puts where their arrays are among the words of the jobs.
pub(super) fn tell(
    formats: &Formats,
    bus: &MemoryFormats,
    slices: &[[Slice; 2]],
    operations: &[Operation],
    buffers: &[Buffer],
    jobs: &mut [Job],
) {
    for operation in operations {
        let Operation::Run {
            jobs: range,
            data,
            result,
            ..
        } = operation
        else {
            continue;
        };
        for index in range.clone() {
            let [moving, made] = slices[index];
            let job = &mut jobs[index];
            let data = array(&buffers[*data], moving);
            let result = array(&buffers[*result], made);
            let sums = (job.sums == Sums::FedBack).then_some((result, Base::Arena));
            debug_assert_eq!(job.weights.len() % formats.weight_beat as usize, 0);
            let weight = MemoryArray::of_frames(0, job.weights.len() as u32, 1);
            let arrays = [
                Some((data, Base::Arena)),
                Some((weight, Base::Weights)),
                sums,
                Some((result, Base::Arena)),
                None,
            ];
            for (first, array) in bus.arrays.iter().zip(arrays) {
                if let Some(first) = *first {
                    job.words.extend(words(first, bus.step, array));
                }
            }
        }
    }
}

/// The words of an array, or that which says that there is none.
fn words(first: u32, step: u32, array: Option<(MemoryArray, Base)>) -> Vec<Word> {
    let word = |(index, value): (usize, u32), base| Word {
        offset: first + index as u32 * step,
        value,
        base,
    };
    match array {
        None => vec![word((1, 1 << OFF_BIT), Base::Nothing)],
        Some((array, base)) => {
            let words = array.words().into_iter().enumerate();
            let words = words.map(|(index, value)| match index {
                0 => word((index, value), base),
                _ => word((index, value), Base::Nothing),
            });
            words.collect()
        }
    }
}

/// A slice of a buffer; all of it is a run a frame.
fn array(buffer: &Buffer, slice: Slice) -> MemoryArray {
    let [frames, rows, cols, _] = buffer.shape;
    let bytes = |channels: u32| channels * buffer.element_bytes;
    let pixel = bytes(buffer.pitch);
    if slice.runs == 1 && slice.run == buffer.pitch {
        return MemoryArray::of_frames(buffer.offset, rows * cols * pixel, frames);
    }
    let stride = |count, bytes| Stride { count, bytes };
    MemoryArray {
        address: buffer.offset + bytes(slice.first),
        run_bytes: bytes(slice.run),
        runs: stride(slice.runs, bytes(slice.step)),
        pixels: stride(cols, pixel),
        rows: stride(rows, cols * pixel),
        frames: stride(frames, rows * cols * pixel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_runs_as_far_from_one_another() {
        let found = |beats: &[u32]| slice(beats, 4).map(|it| [it.first, it.run, it.runs, it.step]);
        assert_eq!(found(&[8]), Some([8, 4, 1, 0]));
        assert_eq!(found(&[8, 12, 16]), Some([8, 12, 1, 0]));
        assert_eq!(found(&[0, 4, 16, 20, 32, 36]), Some([0, 8, 3, 16]));
        assert_eq!(found(&[0, 8, 16]), Some([0, 4, 3, 8]));
        assert_eq!(found(&[0, 4, 16]), None);
        assert_eq!(found(&[0, 8, 12]), None);
    }

    #[test]
    fn lanes_without_a_channel_stand_behind_all_channels() {
        let beat = |channels: &[usize]| {
            let lanes = (0..4).map(|lane| channels.get(lane).copied());
            vec![lanes.collect::<Vec<_>>()]
        };
        assert_eq!(
            first_channels(&beat(&[0, 1, 2, 3]), &[4, 5, 6, 7], 8),
            Some(vec![4])
        );
        assert_eq!(first_channels(&beat(&[0, 1]), &[4, 5], 6), Some(vec![4]));
        assert_eq!(first_channels(&beat(&[0, 1]), &[4, 5], 8), None);
        assert_eq!(first_channels(&beat(&[0, 1]), &[2, 3], 4), None);
        assert_eq!(first_channels(&beat(&[0, 1]), &[4, 6], 4), None);
    }
}

//! The jobs of the engine: words, stationary sets, and where values of beats come from.

use std::collections::HashMap;
use std::num::NonZeroU32;

use bpa_hdl::registers::map::Register;
use bpa_hdl::shell::programmable::Programmable;
use ndarray::Array4;

use super::{in_memory, Base, CompileError, Formats, Job, Lanes, Sums, Word};
use crate::driver::{
    check_biases, moving_channels, result_channels, stationary_packet, weight_part,
};
use crate::network::chain::Chain;
use crate::network::{Network, NetworkArrays, Task};
use crate::operands::stationary_of;
use crate::programmable::{ProgrammableEngine, Tile};
use crate::reference::StageArrays;
use crate::vectors::{moving_beats, moving_pixel, result_beats, result_pixel, stationary_beats};

/// The jobs of all tasks, in their order.
pub(super) fn jobs(
    network: &Network,
    engine: &ProgrammableEngine,
    hardware: &Programmable,
    arrays: &NetworkArrays,
) -> Result<Vec<Job>, CompileError> {
    let chain = Chain::new(network, arrays);
    let has_bus = engine.limits().bus_bits.is_some();
    let mut jobs = Vec::new();
    for task in network.tasks() {
        let tiling = network.steps[task.step].tiling(task.pass);
        let stationary = chain.taken(task).stationary.expect("weights are known");
        let stationary = stationary_of(tiling.layer(), stationary.clone());
        let stages = chain.stages(task);
        let given = (&stationary, &stages);
        let first = jobs.len();
        for index in 0..tiling.tiles().len() {
            let words = words(engine, hardware, network, task, &tiling.tiles()[index])?;
            let mut job = job(network, task, index, first, words, given)?;
            if has_bus {
                job.weights = in_memory::spread_weights(engine, job.weights);
                job.data_channels.clear();
                job.result_channels.clear();
            }
            jobs.push(job);
        }
    }
    Ok(jobs)
}

/// What is common to them.
pub(super) fn formats(
    network: &Network,
    engine: &ProgrammableEngine,
    hardware: &Programmable,
) -> Formats {
    let task = network.tasks()[0];
    let layer = network.steps[task.step].tiling(task.pass).tiles()[0]
        .plan
        .layer();
    let lanes = |format: crate::vectors::BeatFormat| Lanes {
        count: format.values,
        bits: format.value_bits,
        beat: format.beat_bytes() as u32,
    };
    let constants = hardware.map.registers().iter();
    // What has no place below those that change follows from the rest.
    let end = hardware.map.named("command").offset;
    let constants = constants.filter(|register| register.is_constant() && register.offset < end);
    let accumulates = engine.stages().accumulate;
    let memory = in_memory::formats(engine, hardware);
    let weight_beat = stationary_beats(layer).beat_bytes();
    let weight_beat = match &memory {
        None => weight_beat,
        Some(_) => weight_beat.next_power_of_two(),
    };
    Formats {
        constants: constants
            .map(|register| (register.offset as u32, register.value()))
            .collect(),
        data: lanes(moving_beats(layer)),
        weight_beat: weight_beat as u32,
        result: lanes(result_beats(layer, engine.out_bits())),
        sums: accumulates.then(|| lanes(result_beats(layer, engine.accumulate_bits()))),
        memory,
    }
}

/// All words of a tile's job, but for those of arrays in memory.
fn words(
    engine: &ProgrammableEngine,
    hardware: &Programmable,
    network: &Network,
    task: Task,
    tile: &Tile,
) -> Result<Vec<Word>, CompileError> {
    let frames = u32::try_from(network.frames_of(task)).ok();
    let frames = frames
        .and_then(NonZeroU32::new)
        .expect("frames of a valid network");
    let values = engine.job(&hardware.table, &tile.plan, frames)?;
    let told = hardware.map.table().zip(values);
    let word = |((register, _), value): ((&Register, _), Option<u32>)| {
        value.map(|value| Word {
            offset: register.offset as u32,
            value,
            base: Base::Nothing,
        })
    };
    Ok(told.filter_map(word).collect())
}

/// Leaves of each job the words that the engine's table does not hold already, behind the jobs before.
pub(super) fn keep_what_changes(jobs: &mut [Job]) {
    let mut held: HashMap<u32, Word> = HashMap::new();
    for job in jobs {
        job.words.retain(|&word| {
            // Each job has weights of its own.
            let changes = word.base == Base::Weights || held.get(&word.offset) != Some(&word);
            held.insert(word.offset, word);
            changes
        });
    }
}

/// A tile's job; `first` is the number of the tiling's first one.
fn job(
    network: &Network,
    task: Task,
    index: usize,
    first: usize,
    words: Vec<Word>,
    (stationary, stages): (&Array4<i32>, &StageArrays),
) -> Result<Job, CompileError> {
    let tiling = network.steps[task.step].tiling(task.pass);
    let tile = &tiling.tiles()[index];
    let (weight, stages) = weight_part(tiling, index, tile, stationary, stages);
    check_biases(&tile.plan, &stages)?;
    let op = tile.plan.layer().operation();
    assert_eq!(
        op.pixels, 1,
        "a beat of a programmable engine is of one pixel"
    );
    let [moving, ..] = tiling.layer().operation().moving_shape();
    let [result, ..] = tiling.layer().operation().result_shape();
    let moving_of_tile: Vec<usize> = moving_channels(tiling, tile).collect();
    let result_of_tile: Vec<usize> = result_channels(tiling, tile).collect();
    let takes_sums = tile.plan.layer().accumulate();
    let mut before = tiling.tiles()[..index].iter();
    let needs = before.rposition(|before| takes_sums && before.gives_sums_to(tile));
    Ok(Job {
        words,
        frames: network.frames as u32,
        weights: stationary_packet(&tile.plan, &weight, &stages),
        data_channels: channels(moving_pixel(op), &moving_of_tile, moving),
        result_channels: channels(result_pixel(op), &result_of_tile, result),
        sums: match (takes_sums, tile.part) {
            (true, _) => Sums::FedBack,
            (false, 0) => Sums::Put,
            (false, _) => Sums::Added,
        },
        needs: needs.map_or(0, |before| first + before + 1),
    })
}

/// For each lane of a pixel's beats the channel of the whole array, of which a tile has these: `None` for lanes that are
/// padded, and for channels of zeros that fill up a merged group.
fn channels(
    pixel: Vec<Vec<Option<usize>>>,
    of_tile: &[usize],
    of_array: usize,
) -> Vec<Option<u16>> {
    let lanes = pixel.into_iter().flatten();
    let channel = |lane: Option<usize>| lane.map(|lane| of_tile[lane]).filter(|&it| it < of_array);
    // Channels of a layer are below 2^16.
    lanes
        .map(|lane| channel(lane).map(|it| it as u16))
        .collect()
}

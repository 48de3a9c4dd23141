//! Promise: a job that was accepted keeps the rules of the streams until its end, whatever its words are. The check of
//! the table knows the greatest number of each word, not which of them make a layer.
//!
//! Words are drawn by seed. A failure names it.

use std::num::NonZeroU32;

use bpa_engine::driver::{Device, Simulated};
use bpa_engine::layer::{Geometry, PerItem};
use bpa_engine::programmable::EngineFile;

use crate::common::{Choices, GRAD_INPUT};
use crate::programmable_stages::{stages_of, Rig};

/// Jobs of each engine.
const TRIALS: u64 = 400;
/// Cycles of a job: many more than its frames take where it comes to an end at all.
const CYCLES: u64 = 2_000;
/// Cycles between two looks at the registers.
const LOOK: u64 = 100;
/// Beats on offer on each stream.
const BEATS: usize = 2_000;
/// Bits of `event`.
const JOB_DONE: u32 = 1;
const REFUSED: u32 = 2;

pub fn rig(keys: &str) -> Rig {
    let text = format!(
        "name = \"any_words\"
        [engine]
        mode = \"programmable\"
        simd = 2
        pe = 2
        {keys}
        [limits]
        size = 64
        kernel = 5
        steps = 16
        line_words = 60
        weight_words = 32
        zero_run = 60
        fifo_results = 16"
    );
    let file = EngineFile::parse(&text, "here").unwrap();
    Rig::of_engine(file.validate().unwrap(), |text| text)
}

/// Words within their limits: any, or those of a small layer but for a few.
pub fn words(rig: &Rig, seed: u64, choices: &mut Choices) -> Vec<u32> {
    let table = &rig.hardware.table;
    let most: Vec<u64> = table.most().into_iter().map(|(_, most)| most).collect();
    let frames = choices.below(3) as u32;
    // Small numbers come to an end sooner.
    let drawn = |most: u64, choices: &mut Choices| -> u32 {
        let mut word = choices.below(most + 1);
        for _ in 0..choices.below(3) {
            word &= choices.below(most + 1);
        }
        word.min(most) as u32
    };
    let mut words: Vec<u32> = most.iter().map(|most| drawn(*most, choices)).collect();
    if seed % 4 > 0 {
        let mut item = |most: u64| PerItem([(); 2].map(|()| 1 + choices.below(most) as i64));
        let geometry = Geometry {
            in_channels: Some(2),
            out_channels: Some(2),
            in_size: Some(item(4)),
            kernel: Some(item(2)),
            stride: item(2),
            ..Geometry::default()
        };
        let stages = stages_of(&rig.engine, seed);
        // A kernel larger than the image is no layer.
        if let Ok(layer) = rig.engine.staged_layer(geometry, stages) {
            let plan = rig.engine.plan(&layer).unwrap();
            let layer = rig.engine.job(table, &plan, NonZeroU32::MIN).unwrap();
            let few = 1 + choices.below(4);
            let others: Vec<usize> = (0..few)
                .map(|_| choices.below(layer.len() as u64) as usize)
                .collect();
            for (index, word) in layer.into_iter().enumerate() {
                // What the layer does not use stays as it was drawn.
                if let Some(word) = word.filter(|_| !others.contains(&index)) {
                    words[index] = word;
                }
            }
        }
    }
    let mut table = rig.hardware.map.table();
    let of_frames = table.position(|(register, _)| register.name == "frames");
    words[of_frames.unwrap()] = frames;
    words
}

/// What became of a job.
struct Trial {
    ended: bool,
    beats: u64,
}

fn trial(rig: &Rig, seed: u64) -> Result<Trial, String> {
    let mut choices = Choices::new(seed);
    let words = words(rig, seed, &mut choices);
    let mut device = Simulated::new(&rig.model, 1);
    let (input, output) =
        [(0.0, 0.0), (0.0, 0.6), (0.5, 0.2), (0.9, 0.0)][choices.below(4) as usize];
    device.stall(input, output, seed);
    for index in 0..rig.model.spec().sources.len() {
        let mut source = device.instance().source(index);
        let beats = vec![0x5a; BEATS * source.port().bytes];
        source.load(&beats, &[0; BEATS]).unwrap();
    }
    let map = &rig.hardware.map;
    for ((register, _), word) in map.table().zip(&words) {
        assert!(device.write(register.offset, *word).unwrap());
    }
    let read =
        |device: &mut Simulated, name: &str| device.read(map.named(name).offset).unwrap().unwrap();
    device.write(map.named("command").offset, 1).unwrap();
    let mut at_end = None;
    for _ in 0..CYCLES / LOOK {
        device.instance().run(LOOK, None);
        let event = read(&mut device, "event");
        assert_eq!(event & REFUSED, 0, "seed {seed}");
        let beats = device.instance().sink(GRAD_INPUT).accepted();
        if event & JOB_DONE > 0 {
            let state = read(&mut device, "state");
            if state != 0 {
                return Err(format!("state {state} behind the job's end"));
            }
            if *at_end.get_or_insert(beats) != beats {
                return Err("a beat behind the job's end".to_owned());
            }
        }
    }
    let sink = device.instance().sink(GRAD_INPUT);
    match sink.first_violation() {
        Some(cycle) => Err(format!("a broken rule of grad_input in cycle {cycle}")),
        None => Ok(Trial {
            ended: at_end.is_some(),
            beats: sink.accepted(),
        }),
    }
}

#[test]
fn words_of_no_layer_keep_the_rules_of_the_streams() {
    let all = "accumulate = true\nmask = true\nout_type = \"int8\"\nshift = 8";
    for keys in ["", all] {
        let rig = rig(keys);
        let (mut ended, mut gave) = (0, 0);
        let mut broken = Vec::new();
        for seed in 0..TRIALS {
            match trial(&rig, seed) {
                Ok(trial) => {
                    ended += u64::from(trial.ended);
                    gave += u64::from(trial.beats > 0);
                }
                Err(what) => broken.push(format!("seed {seed}: {what}")),
            }
        }
        println!("{ended} of {TRIALS} jobs came to their end, {gave} gave results");
        assert!(broken.is_empty(), "{keys}: {broken:#?}");
        assert!(ended > TRIALS / 4 && gave > TRIALS / 2, "{ended}, {gave}");
    }
}

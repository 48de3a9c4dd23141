//! The scales of an engine that takes a set of them for each job, the next one's while one runs.

use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::config::inputs::Config;
use crate::primitives::counter::Counter;
use crate::primitives::memory::held_memory;
use crate::rtl::{bits_for, Module};

const DOC: &str = "\
Scales of the job that runs and of the next one, whose set is written meanwhile.

Promise: `scale` is that of the beat at the multipliers, by its place in the pixel, of the set
`in_use`.";

/// Builds the store. `fetches` tells whether scales are chosen beat by beat, which takes a cycle.
pub(super) fn scale_bank(
    name: &str,
    capacity: &Capacity,
    lanes: &Lanes,
    fetches: bool,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(name, DOC);
    let bits = lanes.scale_word_bits();
    let words = lanes.stages.scale_words(capacity);
    match fetches {
        true => m.clocked(),
        false => drop(m.input("aclk", 1, "")),
    }
    let write = m.input("write", 1, "");
    let write_set = m.input("write_set", 1, "");
    let write_data = m.input("write_data", bits, "");
    let in_use = m.input("in_use", 1, "set of the job that runs");
    if !fetches {
        let scale = m.output("scale", bits, "");
        let held = [0, 1].map(|set| m.data_reg(&format!("held{set}"), bits, ""));
        let chosen = m.net("chosen", bits, "");
        m.comb(|b| {
            b.when(&(&write & !&write_set), |b| b.set(&held[0].d, &write_data));
            b.when(&(&write & &write_set), |b| b.set(&held[1].d, &write_data));
            b.select(&chosen, &in_use, &held[1].q, &held[0].q);
        });
        m.assign(&scale, &chosen);
        return m;
    }
    let index_bits = bits_for(words - 1);
    let write_index = m.input("write_index", index_bits, "beat of scales");
    let passes = m.input("passes", 1, "a beat is about to be scaled");
    let scale = m.output("scale", bits, "");
    let last = config.port(
        &mut m,
        "pixel_beats_less_1",
        index_bits,
        |d| d.group_blocks * d.c_blocks - 1,
        "beats of a pixel of grad_input, less one",
    );
    let index = Counter::new(&mut m, "index", &last, "beat of the pixel");
    let [write_address, read_address] =
        ["write_address", "read_address"].map(|name| m.net(name, index_bits + 1, ""));
    m.comb(|b| {
        index.step(b, &passes);
        b.set_slice(&write_address, 0, &write_set);
        b.set_slice(&write_address, 1, &write_index);
        b.set_slice(&read_address, 0, &in_use);
        b.set_slice(&read_address, 1, &index.now.q);
    });
    m.instance(
        "u_scales",
        held_memory(&format!("{name}_memory"), 2 * words, bits),
        vec![
            ("write", write),
            ("write_address", write_address),
            ("write_data", write_data),
            ("read", passes),
            ("read_address", read_address),
            ("read_data", scale),
        ],
    );
    m
}

//! The scales, and the biases, loaded with the weights and kept for as long as a frame needs them.

use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::config::inputs::Config;
use crate::primitives::counter::Counter;
use crate::primitives::memory::held_memory;
use crate::rtl::{bits_for, lit, Expr, Module, Reg};

const DOC: &str = "\
Scales of the sets of weights: as many sets as there are of weights. A frame's results come here
long after its multiplications; so the frames that began with a set and have yet to pass are
counted, and a set's place is free for another when there are none.

Promise: `free` is high only while no frame has yet to pass that began with the set whose place the
next scales take; a frame is given the scales of the set that it began with.";

/// Builds the store. `frames_bits` hold the number of frames between their first multiplication
/// and here; `fetches` tells whether scales are chosen beat by beat, which takes a cycle.
pub(super) fn scale_store(
    name: &str,
    capacity: &Capacity,
    lanes: &Lanes,
    frames_bits: usize,
    fetches: bool,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let bits = lanes.scale_word_bits();
    let words = lanes.stages.scale_words(capacity);
    let index_bits = bits_for(words - 1);
    let write = m.input("write", 1, "");
    let write_index = (words > 1).then(|| m.input("write_index", index_bits, "beat of scales"));
    let write_data = m.input("write_data", bits, "");
    let frame_enters = m.input("frame_enters", 1, "a frame begins");
    let weight_set = capacity
        .two_weight_sets
        .then(|| m.input("weight_set", 1, "the set it begins with, a cycle later"));
    let passes = fetches.then(|| m.input("passes", 1, "a beat is about to be scaled"));
    let frame_passes = m.input("frame_passes", 1, "the last beat of a frame is");
    let free = m.output("free", 1, "scales may be written");
    let scale = m.output("scale", bits, "");

    let entered = m.reg("entered", 1, 0, "");
    let is_free = m.reg("is_free", 1, 0, "");
    m.comb(|b| b.set(&entered.d, &frame_enters));
    let count =
        |m: &mut Module, name: &str| m.reg(name, frames_bits, 0, "frames begun and not passed");
    let step = |b: &mut crate::rtl::Body, frames: &Reg, up: &Expr, down: &Expr| {
        let sum = &frames.q + up.zext(frames_bits) - down.zext(frames_bits);
        b.set(&frames.d, &sum);
    };
    // The set in use here lags behind the one in use at the multipliers.
    let reading = match &weight_set {
        None => {
            let frames = count(&mut m, "frames");
            m.comb(|b| {
                step(b, &frames, &entered.q, &frame_passes);
                b.set(&is_free.d, &frames.d.is_zero());
            });
            None
        }
        Some(weight_set) => {
            let frames = [count(&mut m, "frames0"), count(&mut m, "frames1")];
            let reading = m.reg("reading", 1, 0, "set of the frame that passes");
            let up = m.net("up", 2, "");
            let down = m.net("down", 2, "");
            m.comb(|b| {
                b.set_slice(&up, 0, &(&entered.q & !weight_set));
                b.set_slice(&up, 1, &(&entered.q & weight_set));
                b.set_slice(&down, 0, &(&frame_passes & !&reading.q));
                b.set_slice(&down, 1, &(&frame_passes & &reading.q));
                for (set, frames) in frames.iter().enumerate() {
                    step(b, frames, &up.bit(set), &down.bit(set));
                }
                let [first, second] = &frames;
                b.when_else(
                    &reading.q,
                    |b| {
                        b.when(&(second.d.is_zero() & first.q.non_zero()), |b| {
                            b.set(&reading.d, &lit(0, 1));
                        });
                    },
                    |b| {
                        b.when(&(first.d.is_zero() & second.q.non_zero()), |b| {
                            b.set(&reading.d, &lit(1, 1));
                        });
                    },
                );
                // The next scales go to the set that is not in use.
                b.select(
                    &is_free.d,
                    weight_set,
                    &first.d.is_zero(),
                    &second.d.is_zero(),
                );
            });
            Some(reading.q)
        }
    };
    m.assign(&free, &is_free.q);

    let Some(passes) = passes else {
        let held = m.data_reg("held", bits, "");
        m.comb(|b| b.when(&write, |b| b.set(&held.d, &write_data)));
        m.assign(&scale, &held.q);
        return m;
    };
    let index = (words > 1).then(|| {
        let last = config.port(
            &mut m,
            "scale_words_less_1",
            index_bits,
            |d| d.group_blocks * d.c_blocks - 1,
            "beats of scales, less one",
        );
        let index = Counter::new(&mut m, "index", &last, "beat of the pixel");
        m.comb(|b| index.step(b, &passes));
        index.now.q
    });
    let sets = usize::from(capacity.two_weight_sets);
    let address_bits = bits_for(words * capacity.weight_sets() - 1);
    let write_address = m.net("write_address", address_bits, "");
    let read_address = m.net("read_address", address_bits, "");
    m.comb(|b| {
        if let (Some(weight_set), Some(reading)) = (&weight_set, &reading) {
            b.set_slice(&write_address, 0, &!weight_set);
            b.set_slice(&read_address, 0, reading);
        }
        if let (Some(write_index), Some(index)) = (&write_index, &index) {
            b.set_slice(&write_address, sets, write_index);
            b.set_slice(&read_address, sets, index);
        }
    });
    m.instance(
        "u_scales",
        held_memory(
            &format!("{name}_memory"),
            words * capacity.weight_sets(),
            bits,
        ),
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

//! The weight stream with two sets in memory: one in use, one being loaded.

use crate::config::inputs::Config;
use crate::primitives::counter::Counter;
use crate::rtl::{lit, Module};
use crate::stages::ScaleBeats;
use crate::streams::grad_port::{tlast_check, Misplaced};
use crate::weights::port::set_last;

const DOC: &str = "\
Accepts the weight stream into the one of two sets that no frame uses. The sets share a memory,
word by word in turn: the lowest address bit tells the set.

A whole set waits for the next frame to begin; from that frame's first issue on it is the one in
use, without a gap, and the other one is free to be loaded.

Promise: `tready` is a register and low in reset; `weights_ready` is high while a whole set is in
use or waits; a set is never written while a frame reads it.";

/// Builds the port. `width` is the width of an address within a set; a set ends with `scale_words`
/// beats of scales.
pub fn weight_swap(name: &str, width: usize, scale_words: u64, config: &mut Config) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let tvalid = m.input("tvalid", 1, "");
    let tready = m.output("tready", 1, "");
    let tlast = m.input("tlast", 1, "");
    let write = m.output("write", 1, "to the weight memory");
    let write_address = m.output("write_address", width + 1, "");
    let weights_ready = m.output("weights_ready", 1, "");
    let frame_start = m.input(
        "frame_start",
        1,
        "a frame begins: a set that waits is now in use",
    );
    let in_use = m.output("in_use", 1, "set that frames read");
    let misplaced = Misplaced::declare(&mut m);

    let set = m.reg("set", 1, 0, "set in use");
    let waits = m.reg("waits", 1, 0, "the other set is whole");
    let waited = m.reg("waited", 1, 0, "the set just left may still be read");
    let usable = m.reg("usable", 1, 0, "a whole set is in use or waits");
    let ready = m.reg("ready", 1, 0, "");
    let accept = m.net("accept", 1, "");
    m.comb(|b| b.set(&accept, &(&tvalid & &ready.q)));
    let last = set_last(&mut m, width, config);
    let address = Counter::new(&mut m, "address", &last, "where the next word goes");
    let scales = ScaleBeats::new(&mut m, scale_words, config);
    let due = m.net("due", 1, "last beat of a set");
    let whole = m.net("whole", 1, "last beat of a set");
    let target = m.net("target", width + 1, "");
    m.comb(|b| {
        b.set(&due, &scales.due(&address));
        b.set(&whole, &(&accept & &due));
        b.when(&(&frame_start & &waits.q), |b| {
            b.set(&set.d, &!&set.q);
            b.set(&waits.d, &lit(0, 1));
        });
        b.when(&whole, |b| b.set(&waits.d, &lit(1, 1)));
        b.set(&usable.d, &(&usable.q | &waits.d));
        b.set(&waited.d, &waits.q);
        b.set(&ready.d, &!(&waits.d | &waits.q | &waited.q));
        // Between two sets there are cycles in which no beat is taken.
        scales.step(b, &accept, &address, &waits.q);
        scales.hold_back(b, &ready);
        b.set_slice(&target, 0, &!&set.q);
        b.set_slice(&target, 1, &address.now.q);
    });
    tlast_check(&mut m, &due, &accept, &tlast, &misplaced);
    scales.write(&mut m, &accept, &write);
    m.assign(&write_address, &target);
    m.assign(&weights_ready, &usable.q);
    m.assign(&in_use, &set.q);
    m.assign(&tready, &ready.q);
    m
}

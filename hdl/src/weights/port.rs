//! The weight stream: loads sets of weights between frames.

use crate::config::inputs::Config;
use crate::primitives::counter::Counter;
use crate::rtl::{Expr, Module};
use crate::stages::ScaleBeats;
use crate::streams::grad_port::{tlast_check, Misplaced};

const DOC: &str = "\
Accepts the weight stream and writes the set to the weight memory in order of arrival.

A set stays while frames pass. A beat that waits while no frame is being issued begins a new set;
frames whose issue has not begun then wait for the whole of it.

Promise: `tready` is a register and low in reset; `weights_ready` is high only while a whole set
is in the memory; the memory is never written while a frame reads it.";

/// Builds the port. `width` is the width of a weight address; a set ends with `scale_words` beats of
/// scales.
pub fn weight_port(name: &str, width: usize, scale_words: u64, config: &mut Config) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let tvalid = m.input("tvalid", 1, "");
    let tready = m.output("tready", 1, "");
    let tlast = m.input("tlast", 1, "");
    let write = m.output("write", 1, "to the weight memory");
    let write_address = m.output("write_address", width, "");
    let weights_ready = m.output("weights_ready", 1, "");
    let frame_busy = m.input("frame_busy", 1, "a frame reads the memory");
    let misplaced = Misplaced::declare(&mut m);

    let loading = m.reg("loading", 1, 1, "a set is being taken");
    let ready = m.reg("ready", 1, 0, "");
    let usable = m.reg("usable", 1, 0, "whole, and no other set waits");
    let told = m.reg(
        "told",
        2,
        0,
        "`usable` in the two cycles before: a frame may begin by it and not yet be seen",
    );
    let quiet = m.reg("quiet", 1, 0, "no frame reads, or begins by what was told");
    let begins = m.reg("begins", 1, 0, "the beat that waits begins a set");
    let accept = m.net("accept", 1, "");
    m.comb(|b| b.set(&accept, &(&tvalid & &ready.q)));
    let last = set_last(&mut m, width, config);
    let address = Counter::new(&mut m, "address", &last, "where the next word goes");
    let scales = ScaleBeats::new(&mut m, scale_words, config);
    let due = m.net("due", 1, "last beat of a set");
    m.comb(|b| {
        b.comment("A set ends by count; another begins where a beat waits and no frame reads.");
        b.set(&due, &scales.due(&address));
        b.set(&begins.d, &(&tvalid & &quiet.q & !(&usable.q | &loading.q)));
        let ends = &accept & &due;
        b.set(&loading.d, &((&loading.q & !ends) | &begins.q));
        b.set(&quiet.d, &!(&usable.q | told.q.any() | &frame_busy));
        b.set(&ready.d, &loading.d);
        b.set(&usable.d, &(!&loading.d & !&tvalid));
        b.set_slice(&told.d, 0, &usable.q);
        b.set_slice(&told.d, 1, &told.q.bit(0));
        // Between two sets there are cycles in which no beat is taken.
        scales.step(b, &accept, &address, &!&loading.q);
        scales.hold_back(b, &ready);
    });
    tlast_check(&mut m, &due, &accept, &tlast, &misplaced);
    scales.write(&mut m, &accept, &write);
    m.assign(&write_address, &address.now.q);
    m.assign(&weights_ready, &usable.q);
    m.assign(&tready, &ready.q);
    m
}

/// The configuration input that tells the last address of a set.
pub(crate) fn set_last(m: &mut Module, width: usize, config: &mut Config) -> Expr {
    config.port(
        m,
        "weight_words_less_1",
        width,
        |d| d.weight_words() - 1,
        "beats of a set of weights, less one",
    )
}

//! The weight stream: loads sets of weights between frames.

use crate::config::Config;
use crate::descriptor::Descriptor;
use crate::grad_port::frame_check;
use crate::rtl::{lit, Module};

const DOC: &str = "\
Accepts the weight stream and writes the set to the weight memory in order of arrival.

A set stays while frames pass. A beat that waits while no frame is being issued begins a new set;
frames whose issue has not begun then wait for the whole of it.

Promise: `tready` is a register and low in reset; `weights_ready` is high only while a whole set
is in the memory; the memory is never written while a frame reads it.";

/// Builds the port. `width` is the width of a weight address.
pub fn weight_port(name: &str, d: &Descriptor, width: usize, config: &mut Config) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let tvalid = m.input("tvalid", 1, "");
    let tready = m.output("tready", 1, "");
    let tlast = m.input("tlast", 1, "");
    let write = m.output("write", 1, "to the weight memory");
    let write_address = m.output("write_address", width, "");
    let weights_ready = m.output("weights_ready", 1, "");
    let frame_busy = m.input("frame_busy", 1, "a frame reads the memory");
    let early = m.output("tlast_early", 1, "");
    let missing = m.output("tlast_missing", 1, "");
    let late = m.output("tlast_late", 1, "");

    let loading = m.reg("loading", 1, 1, "a set is being taken");
    let ready = m.reg("ready", 1, 0, "");
    let usable = m.reg("usable", 1, 0, "whole, and no other set waits");
    let address = m.reg("address", width, 0, "");
    let accept = m.net("accept", 1, "");
    m.comb(|b| b.set(&accept, &(&tvalid & &ready.q)));
    let set = frame_check(
        &mut m,
        "weight_set",
        d.weight_words(),
        &accept,
        &tlast,
        [&early, &missing, &late],
        config,
    );
    m.comb(|b| {
        b.comment("A set ends by count; another begins where a beat waits and no frame reads.");
        b.when_else(
            &loading.q,
            |b| b.when(&(&accept & &set.due), |b| b.set(&loading.d, &lit(0, 1))),
            |b| b.when(&(&tvalid & !&frame_busy), |b| b.set(&loading.d, &lit(1, 1))),
        );
        b.set(&ready.d, &loading.d);
        b.set(&usable.d, &(!&loading.d & !&tvalid));
        b.when(&accept, |b| {
            b.set(&address.d, &address.q.plus(1));
            b.when(&set.due, |b| b.set(&address.d, &lit(0, width)));
        });
    });
    m.unused("begin", &set.begin);
    m.assign(&write, &accept);
    m.assign(&write_address, &address.q);
    m.assign(&weights_ready, &usable.q);
    m.assign(&tready, &ready.q);
    m
}

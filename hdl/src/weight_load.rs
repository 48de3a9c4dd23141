//! The weight stream of an engine that is reset for every layer: one set, once.

use crate::config::Config;
use crate::counter::Counter;
use crate::grad_port::{tlast_check, Misplaced};
use crate::rtl::{lit, Module};
use crate::weight_port::set_last;

const DOC: &str = "\
Accepts one set of weights after reset and writes it to the weight memory in order of arrival.

Promise: `tready` is a register, low in reset and from the set's last beat on; `weights_ready` is
high once the whole set is in the memory.";

/// Builds the port. `width` is the width of a weight address.
pub fn weight_load(name: &str, width: usize, config: &mut Config) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let tvalid = m.input("tvalid", 1, "");
    let tready = m.output("tready", 1, "");
    let tlast = m.input("tlast", 1, "");
    let write = m.output("write", 1, "to the weight memory");
    let write_address = m.output("write_address", width, "");
    let weights_ready = m.output("weights_ready", 1, "");
    let misplaced = Misplaced::declare(&mut m);

    let loading = m.reg("loading", 1, 1, "the set is being taken");
    let ready = m.reg("ready", 1, 0, "");
    let usable = m.reg("usable", 1, 0, "the set is whole");
    let accept = m.net("accept", 1, "");
    m.comb(|b| b.set(&accept, &(&tvalid & &ready.q)));
    let last = set_last(&mut m, width, config);
    let address = Counter::new(&mut m, "address", &last, "where the next word goes");
    let due = m.net("due", 1, "last beat of the set");
    m.comb(|b| {
        b.set(&due, &address.at_last());
        b.when(&(&accept & &due), |b| b.set(&loading.d, &lit(0, 1)));
        b.set(&ready.d, &loading.d);
        b.set(&usable.d, &!&loading.d);
        address.step(b, &accept);
    });
    tlast_check(&mut m, &due, &accept, &tlast, &misplaced);
    m.assign(&write, &accept);
    m.assign(&write_address, &address.now.q);
    m.assign(&weights_ready, &usable.q);
    m.assign(&tready, &ready.q);
    m
}

//! The queue behind the stages, and the grad_input stream of an engine that has them.

use crate::primitives::credit_counter::CreditCounter;
use crate::primitives::memory::held_memory;
use crate::rtl::{bits_for, lit, Module};
use crate::streams::result_port::{CLOSES, CLOSES_DOC};

const DOC: &str = "\
Queue of finished beats and grad_input stream. Beats arrive without a question: none starts through
the stages without a free place here, and `taken` gives a place back.

Promise: `tvalid`, `tdata` and `tlast` are registers and stay while `tready` is low; one beat a
cycle; a beat can leave three cycles after it was written.";

/// Builds the queue for beats of `bits` bits, with a power of two of places; `memory` names the module that holds them.
/// `ends_jobs`: its stream ends with a job.
pub fn queue(name: &str, memory: &str, bits: usize, places: u64, ends_jobs: bool) -> Module {
    let closes_doc = if ends_jobs { CLOSES_DOC } else { "" };
    let mut m = Module::new(name, format!("{DOC}{closes_doc}"));
    m.clocked();
    let slot_bits = bits_for(places - 1);
    let write = m.input("write", 1, "");
    let data = m.input("data", bits, "");
    let last = m.input("last", 1, "");
    let taken = m.output("taken", 1, "a place is free again");
    let tvalid = m.output("tvalid", 1, "");
    let tready = m.input("tready", 1, "");
    let tdata = m.output("tdata", bits, "");
    let tlast = m.output("tlast", 1, "");
    let frame_done = m.output("frame_done", 1, "the last beat of a frame was taken");
    let closes = ends_jobs.then(|| m.input(CLOSES, 1, "no beat follows"));

    let write_slot = m.reg("write_slot", slot_bits, 0, "");
    let read_slot = m.reg("read_slot", slot_bits, 0, "");
    let names = ["waiting", "some_wait"];
    let waiting = CreditCounter::none(&mut m, names, bits_for(places), "beats in the memory");
    let held = m.reg("held", 1, 0, "the memory's output has yet to leave");
    let gave = m.reg("gave", 1, 0, "");
    let out_valid = m.reg("out_valid", 1, 0, "");
    let out_last = m.data_reg("out_last", 1, "");
    let out_data = m.data_reg("out_data", bits, "");
    let done = m.reg("done", 1, 0, "");
    let open = m.net("open", 1, "the stream's registers are or become free");
    let read = m.net("read", 1, "a beat moves from the memory to its output");
    let stored = m.net("stored", bits + 1, "");
    let word = m.net("word", bits + 1, "");
    m.comb(|b| {
        b.set_slice(&stored, 0, &data);
        b.set_slice(&stored, bits, &last);
        b.set(&open, &(&tready | !&out_valid.q));
        b.set(&read, &(waiting.some() & (&open | !&held.q)));
        b.when_else(
            &read,
            |b| b.set(&held.d, &lit(1, 1)),
            |b| b.when(&open, |b| b.set(&held.d, &lit(0, 1))),
        );
        waiting.step(b, &write, &read);
        b.when(&write, |b| b.set(&write_slot.d, &write_slot.q.plus(1)));
        b.when(&read, |b| b.set(&read_slot.d, &read_slot.q.plus(1)));
        b.set(&gave.d, &read);
        b.when(&open, |b| {
            b.set(&out_valid.d, &held.q);
            b.set(&out_data.d, &word.slice(0, bits));
            b.set(&out_last.d, &word.bit(bits));
            if let Some(closes) = &closes {
                b.when(closes, |b| b.set(&out_valid.d, &lit(0, 1)));
            }
        });
        b.set(&done.d, &(&out_valid.q & &tready & &out_last.q));
    });
    m.assign(&taken, &gave.q);
    m.assign(&tvalid, &out_valid.q);
    m.assign(&tdata, &out_data.q);
    m.assign(&tlast, &out_last.q);
    m.assign(&frame_done, &done.q);
    m.instance(
        "u_beats",
        held_memory(memory, places, bits + 1),
        vec![
            ("write", write),
            ("write_address", write_slot.q.clone()),
            ("write_data", stored),
            ("read", read),
            ("read_address", read_slot.q),
            ("read_data", word),
        ],
    );
    m
}

//! A stream that joins the results.

use crate::rtl::{lit, Module};
use crate::streams::grad_port::{tlast_check, Misplaced};

const DOC: &str = "\
A stream that goes beside the results, beat by beat: two registers deep, and checked for its tlast
when a beat joins its result.

Promise: `tready` is a register and low in reset; a beat stays on `data`, a register, until `take`;
`next_valid` tells a cycle ahead whether one is there; a beat a cycle passes; nothing is lost.";

const VARIES_DOC: &str = "\n\
While `used` is low, no beat joins a result: `next_valid` is high, `data` means nothing, and what
was taken ahead stays for the next layer. So this port is not in reset between two layers.";

/// Builds the port for beats of `bits` bits. `varies`: not every layer uses the stream.
pub fn side_stream(name: &str, bits: usize, varies: bool) -> Module {
    let doc = format!("{DOC}{}", if varies { VARIES_DOC } else { "" });
    let mut m = Module::new(name, doc);
    m.clocked();
    let tvalid = m.input("tvalid", 1, "");
    let tready = m.output("tready", 1, "");
    let tdata = m.input("tdata", bits, "");
    let tlast = m.input("tlast", 1, "");
    let next_valid = m.output("next_valid", 1, "a beat is there in the next cycle");
    let data = m.output("data", bits, "");
    let take = m.input("take", 1, "the beat, which is there, joins a result");
    let frame_last = m.input("frame_last", 1, "that result is a frame's last");
    let used = varies.then(|| m.input("used", 1, "the layer uses the stream"));
    let misplaced = Misplaced::declare(&mut m);

    let ready = m.reg("ready", 1, 0, "");
    let head_valid = m.reg("head_valid", 1, 0, "");
    let tail_valid = m.reg("tail_valid", 1, 0, "");
    let head = m.data_reg("head", bits, "joins next");
    let head_last = m.data_reg("head_last", 1, "");
    let tail = m.data_reg("tail", bits, "waits behind the head");
    let tail_last = m.data_reg("tail_last", 1, "");
    let accept = m.net("accept", 1, "");
    let to_head = m.net("to_head", 1, "the head is or becomes free");
    let mut next = head_valid.d.clone();
    let mut take = take;
    if let Some(used) = &used {
        next = next | !used;
        take = take & used;
    }
    m.comb(|b| {
        b.set(&accept, &(&tvalid & &ready.q));
        b.set(&to_head, &(&take | !&head_valid.q));
        b.when(&!&tail_valid.q, |b| {
            b.set(&tail.d, &tdata);
            b.set(&tail_last.d, &tlast);
        });
        b.when_else(
            &to_head,
            |b| {
                b.set(&head_valid.d, &(&tail_valid.q | &accept));
                b.select(&head.d, &tail_valid.q, &tail.q, &tdata);
                b.select(&head_last.d, &tail_valid.q, &tail_last.q, &tlast);
                b.set(&tail_valid.d, &lit(0, 1));
            },
            |b| b.when(&accept, |b| b.set(&tail_valid.d, &lit(1, 1))),
        );
        b.set(&ready.d, &!&tail_valid.d);
    });
    tlast_check(&mut m, &frame_last, &take, &head_last.q, &misplaced);
    m.assign(&tready, &ready.q);
    m.assign(&next_valid, &next);
    m.assign(&data, &head.q);
    m
}

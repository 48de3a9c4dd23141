//! The limit that the engine's area and speed are measured against: its multipliers and memories,
//! with next to nothing around them.

use crate::config::capacity::Capacity;
use crate::config::descriptor::Lanes;
use crate::lanes::mac::place_lanes;
use crate::primitives::memory::read_ahead_memory;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, Expr, Module};

const DOC: &str = "\
Bare array: the engine's multipliers with their adder trees and accumulators, its line buffer and
its weight memory, and a register behind each accumulator. Free-running counters are the addresses
and start the accumulations; counters of writes fill the memories. There is no control and no
stream, and no output FIFO. It computes nothing of use: it shows what the fabric can do.";

/// Builds the bare array of an engine with this capacity and these lanes.
pub fn bare_array(name: &str, capacity: &Capacity, lanes: &Lanes, target: Target) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let (grad_bits, weight_bits) = (lanes.grad_word_bits(), lanes.weight_word_bits());
    let grad_write = m.input("grad_write", 1, "");
    let grad_data = m.input("grad_data", grad_bits, "");
    let weight_write = m.input("weight_write", 1, "");
    let weight_data = m.input("weight_data", weight_bits, "");
    let acc_bits = lanes.results() * lanes.acc_bits;
    let out = m.output("out", acc_bits, "");

    let grad = memory(
        &mut m,
        name,
        "line_buffer",
        (capacity.line_words, grad_bits),
        (&grad_write, &grad_data),
        target,
    );
    let weight = memory(
        &mut m,
        name,
        "weights",
        (capacity.weight_memory_words(), weight_bits),
        (&weight_write, &weight_data),
        target,
    );

    let issues = capacity.rows.taps * capacity.cols.taps * capacity.tap_issues;
    let count_bits = bits_for(issues - 1);
    let count = m.reg("count", count_bits, 0, "issues of an accumulation");
    let acc_first = m.data_reg("acc_first", 1, "");
    m.comb(|b| {
        b.set(&count.d, &count.q.plus(1));
        b.set(&acc_first.d, &count.q.is_zero());
    });
    let acc = m.net("acc", acc_bits, "");
    let nets = (&grad, &weight, &acc_first.q, &acc);
    place_lanes(&mut m, name, lanes, nets, target);
    let result = m.data_reg("result", acc_bits, "");
    m.comb(|b| b.set(&result.d, &acc));
    m.assign(&out, &result.q);
    m
}

/// A memory of (depth, width) with counters for addresses; what it reads.
fn memory(
    m: &mut Module,
    array: &str,
    name: &str,
    (depth, width): (u64, usize),
    (write, data): (&Expr, &Expr),
    target: Target,
) -> Expr {
    let address_bits = bits_for(depth - 1);
    let read_address = m.reg(&format!("{name}_read"), address_bits, 0, "");
    let write_address = m.reg(&format!("{name}_write"), address_bits, 0, "");
    m.comb(|b| {
        b.set(&read_address.d, &read_address.q.plus(1));
        b.when(write, |b| {
            b.set(&write_address.d, &write_address.q.plus(1));
        });
    });
    let word = m.net(&format!("{name}_word"), width, "");
    m.instance(
        &format!("u_{name}"),
        read_ahead_memory(&format!("{array}_{name}"), depth, width, target),
        vec![
            ("write", write.clone()),
            ("write_address", write_address.q),
            ("write_data", data.clone()),
            ("read_address", read_address.q),
            ("read_data", word.clone()),
        ],
    );
    word
}

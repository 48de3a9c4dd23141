//! The issue loop: one multiplier issue a cycle.

mod addresses;
mod ends;
mod flags;
mod flow;
mod loops;
mod pixel;
mod ports;
mod steps;
mod turned;
mod waiting;

use crate::config::capacity::Capacity;
use crate::config::inputs::Config;
use crate::primitives::target::Target;
use crate::rtl::Module;
use crate::walk::TokenWidths;
use addresses::{Addresses, Form};
use flags::{flags, skips, Behind};
use flow::Flow;
use loops::{shapes, Level};
use pixel::{Held, Token};
use ports::Ports;
use steps::steps;
use turned::Turned;
use waiting::Waiting;

const DOC: &str = "\
Issue loop. For each pixel token: blocks of C, tap rows, tap columns, blocks of K; one issue a
cycle, each a line-buffer read and a weight read. Each loop runs forth and back in turn, so that
every step of an address is one constant and no loop has a start to return to: the order within
an accumulation does not change an exact sum.

Three steps: the loops stand one issue ahead and name the next one; that one waits in `next_*`
with its constants; when it goes, the addresses take them.

A pixel enters the loops when its grad_output has arrived (its token says so). An accumulation
(all taps and blocks of K of one block of C) starts when the output FIFO has a free place; once
started it never stalls, so nothing behind this block knows of stalls.

Promise: addresses and flags are registers, two cycles behind `go`; `acc_first` and `acc_last`
mark an accumulation's first and last issue (`acc_first` has a meaning only where something is
issued); the next pixel follows the last issue of the one
before without a gap when its token and a place in the FIFO are there. `free_pixels` counts the
pixels of grad_output that are dead once the reads already issued are done.";

const FREE_WORDS_DOC: &str = "

`free_pixels` is in words here, less one.";

/// Cycles from an issue's going to its addresses.
pub const ISSUE_CYCLES: usize = 2;
/// Cycles from a token's leaving the queue to its first issue's going.
pub const LOAD_CYCLES: usize = 2;
/// Cycles from a place's being given back to the accumulation that may start by it.
pub const PLACE_CYCLES: usize = 1;
/// Cycles from a pixel's last issue's going to `free_less_1` telling what is dead behind it.
pub const FREE_CYCLES: usize = 1;
/// Cycles from an accumulation's start to `skip_write`.
pub const SKIP_CYCLES: usize = 1;
/// Cycles from a token's leaving the queue to `frame_busy`.
pub const BUSY_CYCLES: usize = 2;
/// Bits that tell the ways that loops turn: five loops, three of them forth and back.
pub const TURN_BITS: usize = 3;

/// Builds the loop. `weight_width` is the width of a weight address within a set.
pub fn issue_loop(
    name: &str,
    capacity: &Capacity,
    t: &TokenWidths,
    weight_width: usize,
    target: Target,
    config: &mut Config,
) -> Module {
    let free_doc = if capacity.whole_ring {
        FREE_WORDS_DOC
    } else {
        ""
    };
    let mut m = Module::new(name, format!("{DOC}{free_doc}"));
    m.clocked();
    let form = Form::new(capacity, weight_width);
    let upper = form.upper().is_some();
    let ports = Ports::declare(&mut m, capacity, t, &form);

    // Loops, from the innermost to the outermost, and their steps.
    let shapes = shapes(capacity);
    let levels: Vec<Option<Level>> = shapes
        .iter()
        .map(|shape| Level::new(&mut m, config, shape, (capacity, target)))
        .collect();
    let turning: Vec<&Level> = levels.iter().flatten().collect();
    let steps =
        (!capacity.told).then(|| steps(&mut m, config, capacity, (&levels, &shapes), &form));

    let token = Token::new(&mut m, (capacity, t), &ports.token, &levels, upper);
    let flow = Flow::new(&mut m, config, capacity, &levels);
    flow.decide(&mut m, &ports.token_valid);

    // The pixel in the loops.
    let held = Held::new(&mut m, capacity, t, upper);
    let (turned, bus) = match steps {
        Some(steps) => (Turned::by_ports(&mut m, &turning, steps), None),
        None => {
            let levels = (levels.as_slice(), turning.as_slice());
            let (turned, bus) = Turned::by_table(&mut m, config, capacity, levels, &form);
            (turned, Some(bus))
        }
    };
    let entering = (&ports.token_valid, &token);
    flow.turn_loops(&mut m, &levels, &turned, &held, entering);

    // The issue that waits, and the addresses.
    let next = Waiting::new(&mut m, &form, t, levels[0].as_ref());
    let size = form.ring.size(&mut m, config);
    next.take(&mut m, (capacity, &form), &flow, &held, &turned);
    let addresses = Addresses::new(&mut m, &form, &next, size.as_ref(), target);
    m.comb(|b| addresses.step(b, &form, &flow.go));

    let behind = Behind::new(&mut m, capacity, t);
    if let Some(bus) = bus {
        bus.close(&mut m);
    }
    behind.step(&mut m, &flow, &next);
    flow.count_places(&mut m, &ports.taken, &held.acc_start.q);
    if let Some(skip) = &ports.skip {
        skips(&mut m, skip, &flow, &held, &token);
    }
    flags(&mut m, &ports, &flow, &next, &addresses.out_weight.q);
    m.assign(&ports.token_ready, &flow.load);
    behind.tell(&mut m, &ports, &flow, &held);
    m.assign(&ports.grad_address, &addresses.out_grad.q);
    if let (Some(ports), Some(lanes)) = (&ports.lanes, &addresses.lanes) {
        for (port, value) in ports.iter().zip(lanes.outputs()) {
            m.assign(port, value);
        }
    }
    token.close(&mut m);
    m
}

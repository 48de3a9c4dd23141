//! The queue of tokens between the walk and the issue loop.

use super::token::TokenWidths;
use crate::config::capacity::Capacity;
use crate::primitives::carry_adders::carry_sum;
use crate::rtl::{bits_for, Expr, Module};

const DOC: &str = "\
Three-entry queue of pixel tokens between the walk and the issue loop. A token is held back until
its grad_output has arrived, a frame's first one also until a whole set of weights is there: before,
nothing of the frame has begun, and a new set of weights may still be meant for it.

Every token passes through the second entry, so that whether it may leave is known, from a
comparison there or at the head, in the cycle in which it is the head.

Promise: `in_ready` and `out_valid` are registers; a token moves on each side in every cycle in
which both flags of that side are high; nothing is lost or reordered; one token a cycle passes. A
token can leave three cycles after the last beat that it needs was taken. `out_ready` comes only
while `out_valid`, which may fall again where `weights_ready` does.";

const PACED_DOC: &str = "\
One pixel token between the walk and the issue loop. It is held back until its grad_output has
arrived, a frame's first one also until a whole set of weights is there: before, nothing of the
frame has begun, and a new set of weights may still be meant for it.

No pixel is done in fewer than three cycles: one in which the token leaves, one in which the next
comes, one in which its need is compared.

Promise: `in_ready` and `out_valid` are registers; a token moves on each side in every cycle in
which both flags of that side are high; nothing is lost or reordered. A token can leave three cycles
after the last beat that it needs was taken, and three after the one before. `out_ready` comes only
while `out_valid`, which may fall again where `weights_ready` does.";

/// Cycles from a token's coming into an empty queue to the first in which it may leave.
pub const TOKEN_CYCLES: usize = 2;
/// Cycles from a pixel's arrival, as the grad port tells it, to the first in which a token that waits for it may leave.
pub const DATA_CYCLES: usize = 2;

/// Builds the queue.
pub fn token_queue(name: &str, capacity: &Capacity, t: &TokenWidths) -> Module {
    let mut m = Module::new(name, if capacity.paced { PACED_DOC } else { DOC });
    m.clocked();
    let bits = t.bits();
    let in_valid = m.input("in_valid", 1, "");
    let in_ready = m.output("in_ready", 1, "");
    let in_token = m.input("in_token", bits, "");
    // Where jobs follow one another, the pixels are counted at the port.
    let arrivals = match capacity.frames {
        Some(_) => m.input("stored", t.need, "pixels stored of the job"),
        None => m.input("arrived", 1, "one more pixel is in the line buffer"),
    };
    let weights_ready = m.input("weights_ready", 1, "a whole set is in the weight memory");
    let out_valid = m.output("out_valid", 1, "");
    let out_ready = m.input("out_ready", 1, "");
    let out_token = m.output("out_token", bits, "");
    if capacity.paced {
        let ports = Ports {
            in_valid,
            in_ready,
            in_token,
            arrived: arrivals,
            weights_ready,
            out_valid,
            out_ready,
            out_token,
        };
        single_token(&mut m, &ports, capacity, t);
        return m;
    }
    let counted = capacity
        .frames
        .is_none()
        .then(|| m.reg("stored", t.need, 0, "pixels stored since reset"));
    let stored = counted.as_ref().map_or(&arrivals, |counted| &counted.q);
    if let Some(counted) = &counted {
        m.comb(|b| b.when(&arrivals, |b| b.set(&counted.d, &counted.q.plus(1))));
    }
    let head_valid = m.reg("head_valid", 1, 0, "");
    let head = m.data_reg("head", bits, "leaves next");
    let may_go = m.reg("may_go", 1, 0, "the head may leave");
    let comment = "negative: it needs what has not arrived";
    let head_lacks = m.net("head_lacks", t.need, comment);
    m.unused("head_lacks_low", &head_lacks.slice(0, t.need - 1));
    m.assign(&out_valid, &may_go.q);
    m.assign(&out_token, &head.q);
    let may_begin = |token: &Expr| &weights_ready | !t.field(token, "frame_first");
    let second_valid = m.reg("second_valid", 1, 0, "");
    let third_valid = m.reg("third_valid", 1, 0, "");
    let second = m.data_reg("second", bits, "waits behind the head");
    let third = m.data_reg("third", bits, "waits where the second cannot move");
    let to_head = m.net("to_head", 1, "the head is or becomes free");
    let to_second = m.net("to_second", 1, "so does the second entry");
    let second_lacks = m.net("second_lacks", t.need, "");
    m.unused("second_lacks_low", &second_lacks.slice(0, t.need - 1));
    let head_stays = m.net("head_stays", 1, "and may leave if its data is there");
    let second_moves = m.net("second_moves", 1, "to the head, and likewise");
    m.comb(|b| {
        b.set(&to_head, &(&out_ready | !&head_valid.q));
        b.set(&to_second, &(&to_head | !&second_valid.q));
        let waits = &in_valid | &third_valid.q;
        b.when(&!&third_valid.q, |b| b.set(&third.d, &in_token));
        b.set(&third_valid.d, &(&waits & !&to_second));
        b.when(&to_second, |b| {
            b.set(&second_valid.d, &waits);
            b.select(&second.d, &third_valid.q, &third.q, &in_token);
        });
        b.when(&to_head, |b| {
            b.set(&head_valid.d, &second_valid.q);
            b.set(&head.d, &second.q);
        });
        b.comment("Whether the token that is the head from the next cycle on may leave then.");
        // The comparisons come late: all else is worked out beside them.
        for (token, lacks, other) in [
            (&head.q, &head_lacks, (&head_stays, !&to_head)),
            (
                &second.q,
                &second_lacks,
                (&second_moves, &to_head & &second_valid.q),
            ),
        ] {
            b.set(lacks, &(stored - t.field(token, "need")));
            b.set(other.0, &(other.1 & may_begin(token)));
        }
        b.set(
            &may_go.d,
            &((&head_stays & !head_lacks.msb()) | (&second_moves & !second_lacks.msb())),
        );
    });
    m.assign(&in_ready, &!&third_valid.q);
    m
}

struct Ports {
    in_valid: Expr,
    in_ready: Expr,
    in_token: Expr,
    arrived: Expr,
    weights_ready: Expr,
    out_valid: Expr,
    out_ready: Expr,
    out_token: Expr,
}

/// The queue of a paced walk.
fn single_token(m: &mut Module, ports: &Ports, capacity: &Capacity, t: &TokenWidths) {
    let head_valid = m.reg("head_valid", 1, 0, "");
    let head = m.data_reg("head", t.bits(), "leaves next");
    let may_go = m.reg("may_go", 1, 0, "the head may leave");
    // From all that a token can need to a line buffer that nothing was needed of.
    let bits = 1 + bits_for(capacity.line_pixels.max(capacity.need));
    let comment = "pixels stored beyond those that the head and all before it need";
    let credit = m.reg("credit", bits, 0, comment);
    let takes = m.net("takes", 1, "the head takes a token");
    let need = t.field(&ports.in_token, "need").sext(bits).gated(&takes);
    let arrived = (&ports.arrived, "a pixel's arrival");
    let sum = carry_sum(m, "credit", (&credit.q, &need), arrived);
    m.comb(|b| {
        b.set(&takes, &(&ports.in_valid & !&head_valid.q));
        b.when(&!&head_valid.q, |b| b.set(&head.d, &ports.in_token));
        b.select(
            &head_valid.d,
            &head_valid.q,
            &!&ports.out_ready,
            &ports.in_valid,
        );
        b.set(&credit.d, &sum);
        let stays = &head_valid.q & !&ports.out_ready;
        let may_begin = &ports.weights_ready | !t.field(&head.q, "frame_first");
        b.set(&may_go.d, &(stays & may_begin & !credit.q.msb()));
    });
    m.assign(&ports.in_ready, &!&head_valid.q);
    m.assign(&ports.out_valid, &may_go.q);
    m.assign(&ports.out_token, &head.q);
}

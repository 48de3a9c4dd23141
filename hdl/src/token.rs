//! The pixel token: what the walk tells the issue loop of one pixel of grad_input.

use crate::descriptor::Descriptor;
use crate::rtl::{bits_for, lit, Body, Expr, Module};

/// Widths of a token's fields. Each field is one net of the same name, with a prefix.
#[derive(Clone, Debug)]
pub struct TokenWidths {
    /// Ring address of the first word of the first tap.
    pub address: usize,
    /// Weight address of the first tap within a block.
    pub weight: usize,
    /// Tap rows, less one.
    pub tap_rows: usize,
    /// Tap columns, less one.
    pub tap_cols: usize,
    /// Pixels of grad_output that must arrive beyond those of the pixel before.
    pub need: usize,
    /// Pixels of grad_output that are dead when the pixel is done.
    pub free: usize,
    /// Beats of grad_input without a tap ahead of the pixel, where a layer has such.
    pub skip: Option<usize>,
}

impl TokenWidths {
    /// The widths that just hold the layer.
    pub fn exactly(d: &Descriptor) -> Self {
        let extra =
            |axis: &crate::descriptor::Axis| axis.slots.iter().map(|s| s.extra).max().unwrap_or(0);
        TokenWidths {
            address: bits_for(d.line_words() - 1),
            weight: bits_for(d.block_weights - 1),
            tap_rows: bits_for(d.rows.max_taps - 1),
            tap_cols: bits_for(d.cols.max_taps - 1),
            need: bits_for(extra(&d.rows) + extra(&d.cols) + 1),
            free: bits_for(1 + d.cols.rest + d.rows.rest),
            skip: d.has_skips().then(|| bits_for(d.max_skip)),
        }
    }

    /// Name and width of every field, in the order of a packed token.
    pub fn fields(&self) -> Vec<(&'static str, usize)> {
        let mut fields = vec![
            ("address", self.address),
            ("weight", self.weight),
            ("tap_rows", self.tap_rows),
            ("tap_cols", self.tap_cols),
            ("need", self.need),
            ("free", self.free),
            ("frame_first", 1),
            ("frame_last", 1),
        ];
        if let Some(skip) = self.skip {
            fields.push(("skip", skip));
        }
        fields
    }

    /// Bits of a packed token.
    pub fn bits(&self) -> usize {
        self.fields().iter().map(|(_, width)| width).sum()
    }

    /// Assigns the fields, given by name, to their places in `packed`.
    pub fn pack(&self, b: &mut Body, packed: &Expr, field: &dyn Fn(&str) -> Expr) {
        let mut low = 0;
        for (name, width) in self.fields() {
            b.set_slice(packed, low, &field(name));
            low += width;
        }
    }

    /// The field `name` of a packed token.
    pub fn field(&self, packed: &Expr, wanted: &str) -> Expr {
        let mut low = 0;
        for (name, width) in self.fields() {
            if name == wanted {
                return packed.slice(low, width);
            }
            low += width;
        }
        unreachable!("no token field {wanted}")
    }
}

const QUEUE_DOC: &str = "\
Two-entry queue of pixel tokens between the walk and the issue loop. A frame's first token is held
back until that frame's first beat was taken and a whole set of weights is there: before, nothing
of the frame has begun, and a new set of weights may still be meant for it.

Promise: `in_ready` and `out_valid` are registers; a token moves on each side in every cycle in
which both flags of that side are high; nothing is lost or reordered; one token a cycle passes.";

/// Builds the queue. `frames_bits` hold the number of frames in the engine.
pub fn token_queue(name: &str, t: &TokenWidths, frames_bits: usize) -> Module {
    let mut m = Module::new(name, QUEUE_DOC);
    m.clocked();
    let bits = t.bits();
    let in_valid = m.input("in_valid", 1, "");
    let in_ready = m.output("in_ready", 1, "");
    let in_token = m.input("in_token", bits, "");
    let weights_ready = m.input("weights_ready", 1, "a whole set is in the weight memory");
    let frame_begin = m.input("frame_begin", 1, "a frame's first beat is taken");
    let out_valid = m.output("out_valid", 1, "");
    let out_ready = m.input("out_ready", 1, "");
    let out_token = m.output("out_token", bits, "");
    let head_valid = m.reg("head_valid", 1, 0, "");
    let tail_valid = m.reg("tail_valid", 1, 0, "");
    let head = m.data_reg("head", bits, "leaves next");
    let tail = m.data_reg("tail", bits, "waits behind the head");
    let may_go = m.reg("may_go", 1, 0, "the head may leave");
    let begun = m.reg(
        "begun",
        frames_bits,
        0,
        "frames whose first token has yet to leave",
    );
    let one_begun = m.reg("one_begun", 1, 0, "at least one");
    let two_begun = m.reg("two_begun", 1, 0, "at least two");
    let enters = m.net("enters", 1, "a frame's first token leaves");
    let may_begin = m.net("may_begin", 1, "the token behind it may");
    let accept = m.net("accept", 1, "");
    let to_head = m.net("to_head", 1, "the head is or becomes free");
    m.comb(|b| {
        b.set(&accept, &(&in_valid & !&tail_valid.q));
        b.set(&to_head, &(&out_ready | !&head_valid.q));
        b.when(&!&tail_valid.q, |b| b.set(&tail.d, &in_token));
        b.when_else(
            &to_head,
            |b| {
                b.set(&head_valid.d, &(&tail_valid.q | &accept));
                b.select(&head.d, &tail_valid.q, &tail.q, &in_token);
                b.set(&tail_valid.d, &lit(0, 1));
            },
            |b| b.when(&accept, |b| b.set(&tail_valid.d, &lit(1, 1))),
        );
        b.set(&enters, &(&out_ready & t.field(&head.q, "frame_first")));
        b.set(
            &begun.d,
            &(&begun.q + frame_begin.zext(frames_bits) - enters.zext(frames_bits)),
        );
        b.set(&one_begun.d, &begun.d.non_zero());
        b.set(
            &two_begun.d,
            &(begun.d.non_zero() & begun.d.ne(&lit(1, frames_bits))),
        );
        b.set(&may_begin, &(&weights_ready & &one_begun.q));
        b.when(&enters, |b| {
            b.set(&may_begin, &(&weights_ready & &two_begun.q))
        });
        let ready = |token: &Expr| &may_begin | !t.field(token, "frame_first");
        b.when_else(
            &to_head,
            |b| {
                b.set(&may_go.d, &(&in_valid & ready(&in_token)));
                b.when(&tail_valid.q, |b| b.set(&may_go.d, &ready(&tail.q)));
            },
            |b| b.set(&may_go.d, &ready(&head.q)),
        );
    });
    m.assign(&in_ready, &!&tail_valid.q);
    m.assign(&out_valid, &may_go.q);
    m.assign(&out_token, &head.q);
    m
}

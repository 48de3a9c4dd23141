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
    /// Pixels of grad_output that must have arrived since reset, modulo a range that tells those
    /// ahead from those behind.
    pub need: usize,
    /// Number of pixels of grad_output that are dead when a pixel is done: no field, but what the
    /// flags `closes`, `closes_row` and `frame_last` come to.
    pub free: usize,
    /// Beats of grad_input without a tap ahead of the pixel, where a layer has such.
    pub skip: Option<usize>,
}

impl TokenWidths {
    /// The widths that just hold the layer.
    pub fn exactly(d: &Descriptor) -> Self {
        TokenWidths {
            address: bits_for(d.line_words() - 1),
            weight: bits_for(d.block_weights - 1),
            tap_rows: bits_for(d.rows.max_taps - 1),
            tap_cols: bits_for(d.cols.max_taps - 1),
            // Up to two line buffers ahead: a token behind one that waits for all of one.
            need: bits_for(2 * d.line_pixels) + 1,
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
            ("closes", 1),
            ("closes_row", 1),
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
Two-entry queue of pixel tokens between the walk and the issue loop. A token is held back until
its grad_output has arrived, a frame's first one also until a whole set of weights is there: before,
nothing of the frame has begun, and a new set of weights may still be meant for it.

Promise: `in_ready` and `out_valid` are registers; a token moves on each side in every cycle in
which both flags of that side are high; nothing is lost or reordered; one token a cycle passes. A
token can leave two cycles after the last beat that it needs was taken.";

/// Builds the queue.
pub fn token_queue(name: &str, t: &TokenWidths) -> Module {
    let mut m = Module::new(name, QUEUE_DOC);
    m.clocked();
    let bits = t.bits();
    let in_valid = m.input("in_valid", 1, "");
    let in_ready = m.output("in_ready", 1, "");
    let in_token = m.input("in_token", bits, "");
    let arrived = m.input("arrived", t.need, "pixels of grad_output stored since reset");
    let weights_ready = m.input("weights_ready", 1, "a whole set is in the weight memory");
    let out_valid = m.output("out_valid", 1, "");
    let out_ready = m.input("out_ready", 1, "");
    let out_token = m.output("out_token", bits, "");
    let head_valid = m.reg("head_valid", 1, 0, "");
    let tail_valid = m.reg("tail_valid", 1, 0, "");
    let head = m.data_reg("head", bits, "leaves next");
    let tail = m.data_reg("tail", bits, "waits behind the head");
    let may_go = m.reg("may_go", 1, 0, "the head may leave");
    let second = m.net("second", bits, "the token behind the head");
    let second_valid = m.net("second_valid", 1, "");
    let head_lacks = m.net("head_lacks", t.need, "negative: it needs what has not arrived");
    let second_lacks = m.net("second_lacks", t.need, "");
    m.comb(|b| {
        b.set(&second_valid, &(&in_valid | &tail_valid.q));
        b.select(&second, &tail_valid.q, &tail.q, &in_token);
        b.when(&!&tail_valid.q, |b| b.set(&tail.d, &in_token));
        b.when_else(
            &(&out_ready | !&head_valid.q),
            |b| {
                b.set(&head_valid.d, &second_valid);
                b.set(&head.d, &second);
                b.set(&tail_valid.d, &lit(0, 1));
            },
            |b| b.set(&tail_valid.d, &second_valid),
        );
        b.comment("Whether the token that is the head from the next cycle on may leave then.");
        b.set(&head_lacks, &(&arrived - t.field(&head.q, "need")));
        b.set(&second_lacks, &(&arrived - t.field(&second, "need")));
        let goes = |token: &Expr, lacks: &Expr| {
            !lacks.msb() & (&weights_ready | !t.field(token, "frame_first"))
        };
        b.when_else(
            &(&out_ready | !&head_valid.q),
            |b| b.set(&may_go.d, &(&second_valid & goes(&second, &second_lacks))),
            |b| b.set(&may_go.d, &goes(&head.q, &head_lacks)),
        );
    });
    m.unused("head_lacks_low", &head_lacks.slice(0, t.need - 1));
    m.unused("second_lacks_low", &second_lacks.slice(0, t.need - 1));
    m.assign(&in_ready, &!&tail_valid.q);
    m.assign(&out_valid, &may_go.q);
    m.assign(&out_token, &head.q);
    m
}

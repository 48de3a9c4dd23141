//! The pixel token: what the walk tells the issue loop of one pixel of grad_input.

use crate::config::capacity::Capacity;
use crate::primitives::ring::Ring;
use crate::rtl::{bits_for, Body, Expr};

/// Widths of a token's fields. Each field is one net of the same name, with a prefix.
#[derive(Clone, Debug)]
pub struct TokenWidths {
    /// Line-buffer address of the first tap, in units of the walk.
    pub address: usize,
    /// Weight address of the first tap within a block, in units of the walk.
    pub weight: usize,
    /// Tap rows, less one.
    pub tap_rows: usize,
    /// Tap columns, less one.
    pub tap_cols: usize,
    /// With lanes over pixels, the first tap's place in the table of taps, and the stretch of the row.
    pub lanes: Option<[usize; 2]>,
    /// Pixels of grad_output that must have arrived since reset, modulo a range that tells those
    /// ahead from those behind; in a paced walk those that no token before needed, negative.
    pub need: usize,
    /// Pixels of grad_output, or words, that are dead when a pixel is done, less one: none is minus one, and what is added
    /// to it can be the carry of a sum.
    pub free: usize,
    /// Beats of grad_input without a tap ahead of the pixel, where a layer has such.
    pub skip: Option<usize>,
}

impl TokenWidths {
    /// The widths that just hold what the capacity does.
    pub fn of(capacity: &Capacity) -> Self {
        TokenWidths {
            address: Ring::of_walk(capacity).width,
            weight: bits_for((capacity.block_weights >> capacity.tap_unit_bits) - 1),
            tap_rows: bits_for(capacity.rows.taps - 1),
            tap_cols: bits_for(capacity.cols.taps - 1),
            lanes: capacity.lane_bits(),
            // Signed, from a line buffer behind to a token that needs the most more ahead of one that
            // waits for all of a line buffer. In a paced walk, what one token needs.
            need: match capacity.paced {
                true => 1 + bits_for(capacity.need),
                false => 1 + bits_for(capacity.line_pixels + capacity.need - 1),
            },
            // Signed, unless it wraps with the count of all there are.
            free: match capacity.free {
                1 => 1,
                free => (1 + bits_for(free - 1)).min(bits_for(capacity.line_space())),
            },
            skip: capacity.skip.map(bits_for),
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
        if let Some([tap, stretch]) = self.lanes {
            fields.extend([("tap", tap), ("stretch", stretch)]);
        }
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

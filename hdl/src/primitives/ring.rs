//! Addition on the ring of line-buffer words, whose size need not be a power of two.

use crate::config::capacity::Capacity;
use crate::config::descriptor::Descriptor;
use crate::config::inputs::Config;
use crate::rtl::{bits_for, lit, Expr, Module};

/// The ring of line-buffer words, counted in units of some words each.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    /// A unit is two to this many words.
    pub unit_bits: usize,
    /// Bits of an address.
    pub width: usize,
    /// Units of the whole ring.
    size: u64,
    /// Configuration input that tells the size; `None` where it is built in.
    port: Option<&'static str>,
}

impl Ring {
    /// In units of the walk.
    pub fn of_walk(capacity: &Capacity) -> Self {
        Self::new(capacity, capacity.walk_unit_bits, "walk_ring")
    }

    /// In units of what the issue loop adds to: whole runs over the blocks of K where it can.
    pub fn of_issue(capacity: &Capacity) -> Self {
        Self::new(capacity, capacity.k_block_bits, "issue_ring")
    }

    fn new(capacity: &Capacity, unit_bits: usize, port: &'static str) -> Self {
        let size = capacity.line_words >> unit_bits;
        Ring {
            unit_bits,
            width: bits_for(size - 1),
            size,
            port: (!capacity.whole_ring).then_some(port),
        }
    }

    /// The size, for a block that takes it off sums; `None` where dropping the carry does it.
    pub fn size(self, m: &mut Module, config: &mut Config) -> Option<Expr> {
        if !self.is_odd() {
            return None;
        }
        let Some(port) = self.port else {
            return Some(lit(self.size, self.width + 1));
        };
        let comment = "size of the line buffer in units of this block's addresses";
        let size = move |d: &Descriptor| d.line_words >> self.unit_bits;
        Some(config.port(m, port, self.width + 1, size, comment))
    }

    /// Whether the size is no power of two.
    pub fn is_odd(self) -> bool {
        !self.size.is_power_of_two()
    }

    /// `step - size`, negative, for [`ring_step`].
    pub fn wrapping(self, step: &Expr, size: &Expr) -> Expr {
        step.zext(self.width + 1) - size
    }
}

/// `(from + step) mod size` where `step - size` is known as `wrapping`: two adders side by side, the
/// sign of the second chooses. Without `wrapping`, dropping the carry does it.
pub fn ring_step(
    m: &mut Module,
    name: &str,
    from: &Expr,
    step: &Expr,
    wrapping: Option<&Expr>,
) -> Expr {
    let width = from.width();
    let Some(wrapping) = wrapping else {
        let result = m.net(name, width, "");
        m.comb(|b| b.set(&result, &(from + step)));
        return result;
    };
    let [sum, wrapped] = ["sum", "wrapped"].map(|part| format!("{name}_{part}"));
    let sum = m.net(&sum, width, "");
    let wrapped = m.net(&wrapped, width + 1, "negative: no wrap is due");
    let result = m.net(name, width, "");
    m.comb(|b| {
        b.set(&sum, &(from + step));
        b.set(&wrapped, &(from.zext(width + 1) + wrapping));
        b.select(&result, &wrapped.msb(), &sum, &wrapped.slice(0, width));
    });
    result
}

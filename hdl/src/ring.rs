//! Addition on the ring of line-buffer words, whose size need not be a power of two.

use crate::config::Config;
use crate::descriptor::Descriptor;
use crate::hull::Hull;
use crate::rtl::{bits_for, Expr, Module};

/// The ring of line-buffer words, counted in units of some words each.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    /// A unit is two to this many words.
    pub unit_bits: usize,
    /// Bits of an address.
    pub width: usize,
    /// Its size may be no power of two.
    odd: bool,
    /// Configuration input that tells the size.
    port: &'static str,
}

impl Ring {
    /// In units of the walk.
    pub fn of_walk(hull: &Hull) -> Self {
        Self::new(hull, hull.walk_unit_bits, "walk_ring")
    }

    /// In units of what the issue loop adds to: whole runs over the blocks of K where it can.
    pub fn of_issue(hull: &Hull) -> Self {
        Self::new(hull, hull.k_block_bits, "issue_ring")
    }

    fn new(hull: &Hull, unit_bits: usize, port: &'static str) -> Self {
        let size = hull.line_words >> unit_bits;
        Ring {
            unit_bits,
            width: bits_for(size - 1),
            odd: hull.line_words_vary || !size.is_power_of_two(),
            port,
        }
    }

    /// The configuration input that tells a block the size.
    pub fn port(self, m: &mut Module, config: &mut Config) -> Expr {
        let comment = "size of the line buffer in units of this block's addresses";
        let size = move |d: &Descriptor| d.line_words() >> self.unit_bits;
        config.port(m, self.port, self.width + 1, size, comment)
    }

    /// Whether sums must be brought back below the size: else dropping the carry does it.
    pub fn wraps(self) -> bool {
        self.odd
    }

    /// `step - size`, negative, for [`ring_step`].
    pub fn wrapping(self, step: &Expr, size: &Expr) -> Expr {
        step.zext(self.width + 1) - size
    }
}

/// `(from + step) mod size` where `step - size` is known as `wrapping`: two adders side by side, the
/// sign of the second chooses.
pub fn ring_step(m: &mut Module, name: &str, from: &Expr, step: &Expr, wrapping: &Expr) -> Expr {
    let width = from.width();
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

/// `(left + right) mod size` for operands below `size`; adds to the combinational process.
pub fn ring_add(m: &mut Module, name: &str, left: &Expr, right: &Expr, size: &Expr) -> Expr {
    let width = left.width();
    let sum = m.net(&format!("{name}_sum"), width + 1, "");
    m.comb(|b| b.set(&sum, &(left.zext(width + 1) + right.zext(width + 1))));
    ring_wrap(m, name, &sum, size)
}

/// `sum mod size` for a sum below twice the size.
pub fn ring_wrap(m: &mut Module, name: &str, sum: &Expr, size: &Expr) -> Expr {
    let wide = sum.width();
    let width = wide - 1;
    let result = m.net(name, width, "");
    let wrapped = m.net(
        &format!("{name}_wrapped"),
        wide + 1,
        "negative: no wrap is due",
    );
    m.comb(|b| {
        b.set(&wrapped, &(sum.zext(wide + 1) - size.zext(wide + 1)));
        b.select(
            &result,
            &wrapped.msb(),
            &sum.slice(0, width),
            &wrapped.slice(0, width),
        );
    });
    m.unused(&format!("{name}_wrapped"), &wrapped.bit(width));
    result
}

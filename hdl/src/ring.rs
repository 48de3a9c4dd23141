//! Addition on the ring of line-buffer words, whose size need not be a power of two.

use crate::config::Config;
use crate::rtl::{Expr, Module};

/// The ring: its size in words and the width of an address in it.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    /// Words.
    pub size: u64,
    /// Bits of an address.
    pub width: usize,
}

impl Ring {
    /// The configuration input that tells a block the size.
    pub fn port(self, m: &mut Module, config: &mut Config) -> Expr {
        config.port(
            m,
            "line_words",
            self.width + 1,
            self.size,
            "words in the line buffer",
        )
    }
}

/// `(left + right) mod size` for operands below `size`; adds to the combinational process.
///
/// Sum and wrapped sum are formed side by side and the sign of the second chooses, so that the
/// path is one adder and one multiplexer.
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

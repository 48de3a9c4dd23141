//! Counts the values that did not fit the output's type.

use crate::rtl::Module;

const DOC: &str = "\
Counts the values that did not fit, over all lanes.

Promise: `count` is the number of values in `saturated` while `valid`, since reset, modulo 2^32, a
few cycles late.";

/// Bits of the count.
pub const COUNT_BITS: usize = 32;

/// Builds the counter for so many lanes.
pub(super) fn saturation_count(name: &str, lanes: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let valid = m.input("valid", 1, "");
    let saturated = m.input("saturated", lanes, "one bit a lane");
    let count = m.output("count", COUNT_BITS, "");
    let seen = m.reg("seen", lanes, 0, "");
    m.comb(|b| b.set(&seen.d, &saturated.gated(&valid)));
    let mut level: Vec<_> = (0..lanes).map(|lane| seen.q.bit(lane)).collect();
    let mut depth = 0;
    while level.len() > 1 {
        depth += 1;
        let mut next = Vec::new();
        for (index, pair) in level.chunks(2).enumerate() {
            let width = pair[0].width() + 1;
            let sum = m.reg(&format!("sum{depth}_{index}"), width, 0, "");
            m.comb(|b| match pair {
                [left, right] => b.set(&sum.d, &(left.zext(width) + right.zext(width))),
                _ => b.set(&sum.d, &pair[0].zext(width)),
            });
            next.push(sum.q);
        }
        level = next;
    }
    let total = m.reg("total", COUNT_BITS, 0, "");
    m.comb(|b| b.set(&total.d, &(&total.q + level[0].zext(COUNT_BITS))));
    m.assign(&count, &total.q);
    m
}

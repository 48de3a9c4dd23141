//! Counts the values that did not fit the output's type.

use crate::rtl::{lit, Module};

const DOC: &str = "\
Counts the values that did not fit, over all lanes.

Promise: `count` is the number of values in `saturated` while `valid`, since reset, modulo 2^32, a
few cycles late.";

const CLEARED_DOC: &str = "\
Counts the values that did not fit, over all lanes and all layers.

Promise: `count` is the number of values in `saturated` while `valid`, since `clear`, modulo 2^32, a
few cycles late.";

/// Bits of the count.
pub const COUNT_BITS: usize = 32;

/// Builds the counter for so many lanes; `cleared` and not reset where it counts over several layers.
pub(super) fn saturation_count(name: &str, lanes: usize, cleared: bool) -> Module {
    let mut m = Module::new(name, if cleared { CLEARED_DOC } else { DOC });
    match cleared {
        true => drop(m.input("aclk", 1, "")),
        false => m.clocked(),
    }
    let valid = m.input("valid", 1, "");
    let saturated = m.input("saturated", lanes, "one bit a lane");
    let count = m.output("count", COUNT_BITS, "");
    let clear = cleared.then(|| m.input("clear", 1, ""));
    let mut regs = Vec::new();
    let mut reg = |m: &mut Module, name: &str, width| {
        let reg = match cleared {
            true => m.data_reg(name, width, ""),
            false => m.reg(name, width, 0, ""),
        };
        regs.push(reg.clone());
        reg
    };
    let seen = reg(&mut m, "seen", lanes);
    m.comb(|b| b.set(&seen.d, &saturated.gated(&valid)));
    let mut level: Vec<_> = (0..lanes).map(|lane| seen.q.bit(lane)).collect();
    let mut depth = 0;
    while level.len() > 1 {
        depth += 1;
        let mut next = Vec::new();
        for (index, pair) in level.chunks(2).enumerate() {
            let width = pair[0].width() + 1;
            let sum = reg(&mut m, &format!("sum{depth}_{index}"), width);
            m.comb(|b| match pair {
                [left, right] => b.set(&sum.d, &(left.zext(width) + right.zext(width))),
                _ => b.set(&sum.d, &pair[0].zext(width)),
            });
            next.push(sum.q);
        }
        level = next;
    }
    let total = reg(&mut m, "total", COUNT_BITS);
    m.comb(|b| {
        b.set(&total.d, &(&total.q + level[0].zext(COUNT_BITS)));
        if let Some(clear) = &clear {
            b.when(clear, |b| {
                for reg in &regs {
                    b.set(&reg.d, &lit(0, reg.d.width()));
                }
            });
        }
    });
    m.assign(&count, &total.q);
    m
}

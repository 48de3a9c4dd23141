//! Subtracts the zero point of what moves.

use crate::config::descriptor::Lanes;
use crate::config::inputs::Config;
use crate::rtl::Module;

const DOC: &str = "\
Each value of a beat less the zero point. It stands ahead of the line buffer, so that there is one
subtraction for each value that is stored, whatever number of lanes reads it, and so that what no
tap reaches counts as the zero point without being there.

Promise: combinational and exact: a difference has one bit more than a value.";

/// Builds the block for the beats of an engine with these lanes.
pub fn zero_point(name: &str, lanes: &Lanes, config: &mut Config) -> Module {
    let mut m = Module::new(name, DOC);
    let (bits, wide) = (lanes.grad_bits, lanes.operand_bits());
    let count = lanes.grad_values();
    let values = m.input("values", count * bits, "signed each");
    let point = config.port(
        &mut m,
        "zero_point",
        bits,
        move |d| d.zero_point as u64 & (u64::MAX >> (64 - bits)),
        "what the values count from, signed",
    );
    let centred = m.output("centred", count * wide, "signed each");
    let differences = m.net("differences", count * wide, "");
    m.comb(|b| {
        for index in 0..count {
            let value = values.slice(index * bits, bits).sext(wide);
            b.set_slice(&differences, index * wide, &(value - point.sext(wide)));
        }
    });
    m.assign(&centred, &differences);
    m
}

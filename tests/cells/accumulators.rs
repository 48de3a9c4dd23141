//! Promise: the accumulator in the ECP5's carry cells gives what the generic one gives, in the same cycle, at every
//! width. The other families have the generic one.

use bpa_hdl::lanes::accumulator::accumulator;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::print_verilog;

use crate::cell_models;
use crate::side_by_side::{Pair, SideBySide};

/// Even and odd, as a carry cell has two bits, from the narrowest to beyond what layers need.
const BITS: [usize; 8] = [2, 3, 4, 13, 24, 25, 32, 41];
const CYCLES: u64 = 4_000;

#[test]
fn ecp5() {
    let mut bench = SideBySide::new(CYCLES);
    for bits in BITS {
        let drive = format!(
            "first = n == 0 || $random(seed) % 6 == 0;
    term = {{$random(seed), $random(seed)}};
    case ($random(seed) & 15)
      0: term = {{{bits}{{1'b1}}}};
      1: term = {bits}'d1;
      2: term = {{{bits}{{1'b1}}}} >> 1;
      3: term = ~({{{bits}{{1'b1}}}} >> 1);
      4: term = {bits}'d0;
    endcase"
        );
        let pair = Pair {
            declarations: "",
            drive: &drive,
            promised: "n >= 1",
        };
        let body = |kind: &str, target| accumulator(&format!("{kind}_{bits}"), bits, target);
        bench.add(
            &body("generic", Target::Generic),
            &body("family", Target::Ecp5),
            &pair,
        );
    }
    let cells = cell_models::modules_of_yosys("ecp5", &["CCU2C", "LUT4", "LUT2"]);
    bench
        .run(&cells, CYCLES)
        .unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn other_families_have_the_generic_one() {
    let text = |target| print_verilog(&accumulator("accumulator", 25, target));
    for target in Target::ALL {
        let generic = text(target) == text(Target::Generic);
        assert_eq!(generic, target != Target::Ecp5, "{target}");
    }
}

//! Promise: a sum with a chosen operand in the ECP5's carry cells is what the generic one is, at every width. The other
//! families have the generic one.

use bpa_hdl::primitives::carry_adders::{chosen_sum, started_sum, Chosen, Started};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::{print_verilog, Module};

use crate::cell_models;
use crate::side_by_side::{Pair, SideBySide};

/// Even and odd, as a carry cell has two bits.
const BITS: [usize; 7] = [1, 2, 3, 10, 13, 24, 33];
const CYCLES: u64 = 4_000;

fn chosen(name: &str, bits: usize, target: Target) -> Module {
    let mut m = Module::new(name, "");
    m.input("aclk", 1, "");
    let from = m.input("from", bits, "");
    let choose = m.input("choose", 1, "");
    let one = m.input("one", bits, "");
    let other = m.input("other", bits, "");
    let sum = m.output("sum", bits, "");
    let operands = Chosen {
        from: &from,
        choose: &choose,
        one: &one,
        other: &other,
    };
    let value = chosen_sum(&mut m, "value", operands, target);
    m.assign(&sum, &value);
    m
}

fn started(name: &str, bits: usize, target: Target) -> Module {
    let mut m = Module::new(name, "");
    m.input("aclk", 1, "");
    let fresh = m.input("fresh", 1, "");
    let start = m.input("start", bits, "");
    let from = m.input("from", bits, "");
    let step = m.input("step", bits, "");
    let sum = m.output("sum", bits, "");
    let operands = Started {
        fresh: &fresh,
        start: &start,
        from: &from,
        step: &step,
    };
    let value = started_sum(&mut m, "value", operands, target);
    m.assign(&sum, &value);
    m
}

#[test]
fn ecp5() {
    let mut bench = SideBySide::new(CYCLES);
    for bits in BITS {
        let pair = Pair {
            declarations: "",
            drive: "from = {$random(seed), $random(seed)};
    one = {$random(seed), $random(seed)};
    other = $random(seed) % 3 == 0 ? ~64'd0 : {$random(seed), $random(seed)};
    choose = $random(seed);",
            promised: "n >= 1",
        };
        let body = |kind: &str, target| chosen(&format!("{kind}_chosen_{bits}"), bits, target);
        bench.add(
            &body("generic", Target::Generic),
            &body("family", Target::Ecp5),
            &pair,
        );
        let pair = Pair {
            declarations: "",
            // As promised, one of the two is zero.
            drive: "fresh = $random(seed);
    from = {$random(seed), $random(seed)};
    start = fresh ? {$random(seed), $random(seed)} : 64'd0;
    step = fresh ? 64'd0 : {$random(seed), $random(seed)};",
            promised: "n >= 1",
        };
        let body = |kind: &str, target| started(&format!("{kind}_started_{bits}"), bits, target);
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
    for body in [chosen, started] {
        let text = |target| print_verilog(&body("sum_of", 13, target));
        for target in Target::ALL {
            let generic = text(target) == text(Target::Generic);
            assert_eq!(generic, target != Target::Ecp5, "{target}");
        }
    }
}

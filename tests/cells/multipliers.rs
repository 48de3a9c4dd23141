//! Promise: a family's multiplier gives what the generic one gives, in the same cycle, for operands of every width.

use bpa_hdl::primitives::multiplier::{multiplier, MULTIPLY_CYCLES};
use bpa_hdl::primitives::target::Target;

use crate::cell_models::{self, ECP5_MULTIPLIER, GOWIN_MULTIPLIER};
use crate::side_by_side::{Pair, SideBySide};

/// Widths of grad and weight: the narrowest and the widest of layer files, equal and not, and those at which the
/// families' cells change: 9 bits and 10 for Gowin, 16 for iCE40, which has no bit to spare there.
const WIDTHS: [(usize, usize); 11] = [
    (2, 2),
    (2, 16),
    (16, 2),
    (3, 5),
    (8, 8),
    (9, 9),
    (9, 10),
    (10, 9),
    (4, 12),
    (15, 7),
    (16, 16),
];
const CYCLES: u64 = 3_000;

/// An operand of one of five kinds: zero, one, minus one, the greatest, the least.
fn corner(bits: usize, kind: &str) -> String {
    format!(
        "({kind}) % 5 == 0 ? {bits}'d0 : ({kind}) % 5 == 1 ? {bits}'d1 : ({kind}) % 5 == 2 ? {{{bits}{{1'b1}}}} :
      ({kind}) % 5 == 3 ? {{1'b0, {{{rest}{{1'b1}}}}}} : {{1'b1, {{{rest}{{1'b0}}}}}}",
        rest = bits - 1
    )
}

/// First every corner with every corner, then, of narrow operands, all pairs, then random ones with corners among them.
fn drive(grad: usize, weight: usize) -> String {
    let pairs = 25;
    let exhausted = match grad + weight <= 10 {
        true => 1 << (grad + weight),
        false => 0,
    };
    format!(
        "if (n < {pairs}) begin
      grad = {grad_corner};
      weight = {weight_corner};
    end else if (n - {pairs} < {exhausted}) begin
      {{grad, weight}} = n - {pairs};
    end else begin
      grad = $random(seed);
      weight = $random(seed);
      if ($random(seed) % 8 == 0) grad = {grad_random};
      if ($random(seed) % 8 == 0) weight = {weight_random};
    end",
        grad_corner = corner(grad, "n"),
        weight_corner = corner(weight, "n / 5"),
        grad_random = corner(grad, "grad"),
        weight_random = corner(weight, "weight"),
    )
}

fn check(target: Target, cells: &str) {
    let mut bench = SideBySide::new(CYCLES);
    for (index, (grad, weight)) in WIDTHS.into_iter().enumerate() {
        let body = |kind: &str, target| {
            let name = format!("{kind}_{index}_{grad}x{weight}");
            multiplier(&name, grad, weight, target)
        };
        let pair = Pair {
            declarations: "",
            drive: &drive(grad, weight),
            promised: &format!("n >= {MULTIPLY_CYCLES}"),
        };
        bench.add(
            &body("generic", Target::Generic),
            &body("family", target),
            &pair,
        );
    }
    let least = CYCLES - MULTIPLY_CYCLES as u64;
    bench
        .run(cells, least)
        .unwrap_or_else(|said| panic!("{target}: {said}"));
}

#[test]
fn ice40() {
    let cells = cell_models::modules_of_yosys("ice40", &["SB_MAC16"]);
    check(Target::Ice40, &cells);
}

#[test]
fn ecp5() {
    check(Target::Ecp5, ECP5_MULTIPLIER);
}

#[test]
fn gowin() {
    check(Target::Gowin, GOWIN_MULTIPLIER);
}

#[test]
fn xilinx7() {
    let cells = cell_models::modules_of_yosys("xilinx", &["DSP48E1"]);
    check(Target::Xilinx7, &cells);
}

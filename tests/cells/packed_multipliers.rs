//! Promise: one multiplier cell gives two products, each what a multiplier of its own gives, in the same cycle.

use bpa_hdl::primitives::multiplier::{multiplier, MULTIPLY_CYCLES};
use bpa_hdl::primitives::packed_multiplier::{packed_multiplier, packs, Sharing};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::{Expr, Module};

use crate::cell_models;
use crate::side_by_side::{Pair, SideBySide};

/// Values of one operand that meet all pairs of corners of the two others: of bytes all there are.
const VALUES: u64 = 256;
const CORNERS: u64 = 7;
const SWEPT: u64 = 3 * CORNERS * CORNERS * VALUES;
const RANDOM: u64 = 5_000;

/// A module of both products as one word, the upper above; `place` puts the multipliers into it.
fn products(
    name: &str,
    [grad, weight]: [usize; 2],
    place: impl FnOnce(&mut Module, [Expr; 3], [Expr; 2]),
) -> Module {
    let mut m = Module::new(name, "Two products.");
    m.input("aclk", 1, "");
    let operands = [
        ("grad", grad),
        ("weight_low", weight),
        ("weight_high", weight),
    ]
    .map(|(name, bits)| m.input(name, bits, ""));
    let bits = grad + weight;
    let both = m.output("products", 2 * bits, "");
    place(
        &mut m,
        operands,
        [both.slice(0, bits), both.slice(bits, bits)],
    );
    m
}

fn plain([grad, weight]: [usize; 2]) -> Module {
    let inner = || multiplier("plain_multiplier", grad, weight, Target::Generic);
    products("plain", [grad, weight], |m, [grad, low, high], products| {
        for (index, (weight, product)) in [low, high].into_iter().zip(products).enumerate() {
            let bindings = vec![
                ("grad", grad.clone()),
                ("weight", weight),
                ("product", product),
            ];
            m.instance(&format!("u_multiplier{index}"), inner(), bindings);
        }
    })
}

fn packed([grad, weight]: [usize; 2], target: Target) -> Module {
    let inner = packed_multiplier("packed_multiplier", Sharing::Grad, [grad, weight], target);
    products("family", [grad, weight], |m, operands, products| {
        let [grad, weight_low, weight_high] = operands;
        let [product_low, product_high] = products;
        let bindings = vec![
            ("grad", grad),
            ("weight_low", weight_low),
            ("weight_high", weight_high),
            ("product_low", product_low),
            ("product_high", product_high),
        ];
        m.instance("u_multiplier", inner, bindings);
    })
}

/// The ends of the range and its middle, by number.
const CORNER: &str = "  function signed [15:0] corner(input integer which, input integer bits);
    case (which % 7)
      0: corner = -(1 <<< (bits - 1));
      1: corner = (1 <<< (bits - 1)) - 1;
      2: corner = 0;
      3: corner = -1;
      4: corner = 1;
      5: corner = 1 - (1 <<< (bits - 1));
      default: corner = (1 <<< (bits - 1)) - 2;
    endcase
  endfunction
";

/// Each operand in turn sweeps its values while the others are at every pair of corners; then all are random.
fn drive([grad, weight]: [usize; 2]) -> String {
    let swept = match grad.max(weight) {
        0..=8 => format!("n % {VALUES}"),
        _ => "$random(seed)".to_owned(),
    };
    let pairs = CORNERS * CORNERS;
    let others = format!("(n / {VALUES}) % {pairs}");
    let turn = pairs * VALUES;
    let corner = |nth: u64, bits: usize| format!("corner({others} / {nth}, {bits})");
    format!(
        "case (n / {turn})
      0: begin grad = {swept}; weight_low = {low}; weight_high = {high}; end
      1: begin weight_low = {swept}; grad = {of_grad}; weight_high = {high}; end
      2: begin weight_high = {swept}; grad = {of_grad}; weight_low = {other}; end
      default: begin
        grad = $random(seed);
        weight_low = $random(seed);
        weight_high = $random(seed);
      end
    endcase",
        low = corner(1, weight),
        high = corner(CORNERS, weight),
        of_grad = corner(1, grad),
        other = corner(CORNERS, weight),
    )
}

fn check(widths: [usize; 2], target: Target, cells: &str) {
    assert!(packs(widths[0], widths[1]));
    let mut bench = SideBySide::new(SWEPT + RANDOM);
    let pair = Pair {
        declarations: CORNER,
        drive: &drive(widths),
        promised: &format!("n >= {MULTIPLY_CYCLES}"),
    };
    bench.add(&plain(widths), &packed(widths, target), &pair);
    bench
        .run(cells, SWEPT + RANDOM - MULTIPLY_CYCLES as u64)
        .unwrap_or_else(|said| panic!("{widths:?} on {target}: {said}"));
}

#[test]
fn bytes_in_a_dsp48e1() {
    let cells = cell_models::modules_of_yosys("xilinx", &["DSP48E1"]);
    check([8, 8], Target::Xilinx7, &cells);
}

/// The widest of each operand, and the narrowest.
#[test]
fn other_types_in_a_dsp48e1() {
    let cells = cell_models::modules_of_yosys("xilinx", &["DSP48E1"]);
    for widths in [[2, 11], [16, 4], [2, 2]] {
        check(widths, Target::Xilinx7, &cells);
    }
    assert!(!packs(8, 9) && !packs(9, 8));
}

#[test]
fn bytes_for_any_tool() {
    check([8, 8], Target::Generic, "");
}

//! The multipliers, their adder trees and accumulators.

use crate::descriptor::Lanes;
use crate::rtl::{Expr, Module};

/// Cycles from the operands of a multiplier to its product.
pub const MULTIPLY_CYCLES: usize = 3;

/// Cycles from the operands of a lane to its accumulator.
pub fn lane_cycles(simd: usize) -> usize {
    MULTIPLY_CYCLES + tree_levels(simd) + 1
}

fn tree_levels(simd: usize) -> usize {
    simd.next_power_of_two().trailing_zeros() as usize
}

/// Builds the signed multiplier: three registers deep, as the multipliers of FPGAs are.
pub fn multiplier(name: &str, grad_bits: usize, weight_bits: usize) -> Module {
    let mut m = Module::new(
        name,
        "Signed multiplier. `product` follows its operands by three cycles.",
    );
    let product = grad_bits + weight_bits;
    m.input("aclk", 1, "");
    m.input("grad", grad_bits, "signed");
    m.input("weight", weight_bits, "signed");
    m.output("product", product, "signed");
    m.primitive_body(format!(
        "\
reg signed [{g}:0] grad_q;
reg signed [{w}:0] weight_q;
reg signed [{p}:0] multiplied_q;
reg signed [{p}:0] product_q;

assign product = product_q;

always @(posedge aclk) begin
  grad_q <= grad;
  weight_q <= weight;
  multiplied_q <= grad_q * weight_q;
  product_q <= multiplied_q;
end",
        g = grad_bits - 1,
        w = weight_bits - 1,
        p = product - 1,
    ));
    m
}

const LANE_DOC: &str = "\
One lane over C: SIMD multipliers, an adder tree with a register at each level, an accumulator.

Promise: takes an issue in every cycle and never stalls. `acc` holds the sum of all issues from
the one with `acc_first` on; `acc_first` comes with the products' sum, not with the operands.";

/// Builds one lane. `acc_first` is due one cycle before `acc` takes the sum.
pub fn mac_lane(name: &str, multiplier_name: &str, lanes: &Lanes) -> Module {
    let mut m = Module::new(name, LANE_DOC);
    m.input("aclk", 1, "");
    let (gb, wb) = (lanes.grad_bits, lanes.weight_bits);
    let grad = m.input("grad", lanes.simd * gb, "one value for each multiplier");
    let weight = m.input("weight", lanes.simd * wb, "");
    let acc_first = m.input("acc_first", 1, "the sum starts anew");
    let acc = m.output("acc", lanes.acc_bits, "signed");
    let mut level: Vec<Expr> = (0..lanes.simd)
        .map(|s| m.net(&format!("product{s}"), gb + wb, ""))
        .collect();
    for (s, product) in level.iter().enumerate() {
        m.instance(
            &format!("u_multiplier{s}"),
            multiplier(multiplier_name, gb, wb),
            vec![
                ("grad", grad.slice(s * gb, gb)),
                ("weight", weight.slice(s * wb, wb)),
                ("product", product.clone()),
            ],
        );
    }
    let mut depth = 0;
    while level.len() > 1 {
        depth += 1;
        let mut next = Vec::new();
        for (index, pair) in level.chunks(2).enumerate() {
            let width = pair[0].width() + 1;
            let sum = m.data_reg(&format!("sum{depth}_{index}"), width, "");
            m.comb(|b| match pair {
                [left, right] => b.set(&sum.d, &(left.sext(width) + right.sext(width))),
                _ => b.set(&sum.d, &pair[0].sext(width)),
            });
            next.push(sum.q);
        }
        level = next;
    }
    let total = &level[0];
    let sum = m.data_reg("acc", lanes.acc_bits, "");
    let term = m.net(
        "term",
        lanes.acc_bits,
        "the issue's sum at the accumulator's width",
    );
    if total.width() > lanes.acc_bits {
        m.comb(|b| b.set(&term, &total.slice(0, lanes.acc_bits)));
        let above = total.width() - lanes.acc_bits;
        m.unused("sum_bits", &total.slice(lanes.acc_bits, above));
    } else {
        m.comb(|b| b.set(&term, &total.sext(lanes.acc_bits)));
    }
    m.comb(|b| b.set(&sum.d, &(&term + sum.q.gated(&!&acc_first))));
    m.assign(&acc, &sum.q);
    m
}

const ARRAY_DOC: &str = "\
PE lanes side by side. Dense and grouped: every lane gets the same SIMD values of grad_output.
Depthwise: each lane has its own. Value s of lane j stands at s*PE + j in a weight word, and in a
depthwise grad_output word.";

/// Builds the array.
pub fn mac_array(name: &str, lane_name: &str, multiplier_name: &str, lanes: &Lanes) -> Module {
    let mut m = Module::new(name, ARRAY_DOC);
    m.input("aclk", 1, "");
    let grad = m.input("grad", lanes.grad_word_bits(), "");
    let weight = m.input("weight", lanes.weight_word_bits(), "");
    let acc_first = m.input("acc_first", 1, "");
    let acc = m.output("acc", lanes.pe * lanes.acc_bits, "lane 0 in the low bits");
    let (simd, pe) = (lanes.simd, lanes.pe);
    let (gb, wb) = (lanes.grad_bits, lanes.weight_bits);
    for j in 0..pe {
        let lane_weight = m.net(&format!("weight{j}"), simd * wb, "");
        let lane_grad = if lanes.depthwise && pe > 1 {
            let net = m.net(&format!("grad{j}"), simd * gb, "");
            m.comb(|b| gather(b, &net, &grad, gb, pe, j));
            net
        } else {
            grad.clone()
        };
        m.comb(|b| gather(b, &lane_weight, &weight, wb, pe, j));
        m.instance(
            &format!("u_lane{j}"),
            mac_lane(lane_name, multiplier_name, lanes),
            vec![
                ("grad", lane_grad),
                ("weight", lane_weight),
                ("acc_first", acc_first.clone()),
                ("acc", acc.slice(j * lanes.acc_bits, lanes.acc_bits)),
            ],
        );
    }
    m
}

/// Collects lane `j`'s values, which lie `pe` apart in `word`.
fn gather(b: &mut crate::rtl::Body, lane: &Expr, word: &Expr, bits: usize, pe: usize, j: usize) {
    for s in 0..lane.width() / bits {
        b.set_slice(lane, s * bits, &word.slice((s * pe + j) * bits, bits));
    }
}

//! The multipliers, their adder trees and accumulators.

use crate::config::descriptor::Lanes;
use crate::lanes::accumulator::accumulator;
use crate::primitives::multiplier::{multiplier, MULTIPLY_CYCLES};
use crate::primitives::packed_multiplier::packed_multiplier;
use crate::primitives::target::Target;
use crate::rtl::{Expr, Module};

/// Cycles from the operands of a lane to its accumulator.
pub fn lane_cycles(simd: usize) -> usize {
    MULTIPLY_CYCLES + tree_levels(simd) + 1
}

fn tree_levels(simd: usize) -> usize {
    simd.next_power_of_two().trailing_zeros() as usize
}

const LANE_DOC: &str = "\
One lane over C: SIMD multipliers, an adder tree with a register at each level, an accumulator.

Promise: takes an issue in every cycle and never stalls. `acc` holds the sum of all issues from
the one with `acc_first` on; `acc_first` comes with the products' sum, not with the operands.";

/// Builds one lane. `acc_first` is due one cycle before `acc` takes the sum.
fn mac_lane(names: &LaneNames, lanes: &Lanes, target: Target) -> Module {
    let mut m = Module::new(names.lane, LANE_DOC);
    m.input("aclk", 1, "");
    let (gb, wb) = (lanes.operand_bits(), lanes.weight_bits);
    let grad = m.input("grad", lanes.simd * gb, "one value for each multiplier");
    let weight = m.input("weight", lanes.simd * wb, "");
    let acc_first = m.input("acc_first", 1, "the sum starts anew");
    let acc = m.output("acc", lanes.acc_bits, "signed");
    let products: Vec<Expr> = (0..lanes.simd)
        .map(|s| m.net(&format!("product{s}"), gb + wb, ""))
        .collect();
    for (s, product) in products.iter().enumerate() {
        m.instance(
            &format!("u_multiplier{s}"),
            multiplier(names.multiplier, gb, wb, target),
            vec![
                ("grad", grad.slice(s * gb, gb)),
                ("weight", weight.slice(s * wb, wb)),
                ("product", product.clone()),
            ],
        );
    }
    accumulate(
        &mut m,
        "",
        products,
        (acc_first, acc),
        (names, lanes, target),
    );
    m
}

const LANE_PAIR_DOC: &str = "\
Two lanes over C on SIMD multipliers: each gives a gradient's products with the weights of both
lanes. Each lane has an adder tree with a register at each level, and an accumulator.

Promise: takes an issue in every cycle and never stalls. `acc` holds each lane's sum of all issues
from the one with `acc_first` on; `acc_first` comes with the products' sum, not with the operands.";

/// Builds two lanes that share their multipliers; timing as in [`mac_lane`].
fn mac_lane_pair(names: &LaneNames, lanes: &Lanes, target: Target) -> Module {
    let mut m = Module::new(names.lane, LANE_PAIR_DOC);
    m.input("aclk", 1, "");
    let (gb, wb) = (lanes.operand_bits(), lanes.weight_bits);
    let grad = m.input("grad", lanes.simd * gb, "one value for each multiplier");
    let weights = PAIR.map(|side| m.input(&format!("weight_{side}"), lanes.simd * wb, ""));
    let acc_first = m.input("acc_first", 1, "the sums start anew");
    let acc = m.output(
        "acc",
        2 * lanes.acc_bits,
        "signed each, the lower lane below",
    );
    let mut products = [Vec::new(), Vec::new()];
    for s in 0..lanes.simd {
        let [low, high] = PAIR.map(|side| m.net(&format!("{side}_product{s}"), gb + wb, ""));
        m.instance(
            &format!("u_multiplier{s}"),
            packed_multiplier(names.multiplier, gb, wb, target),
            vec![
                ("grad", grad.slice(s * gb, gb)),
                ("weight_low", weights[0].slice(s * wb, wb)),
                ("weight_high", weights[1].slice(s * wb, wb)),
                ("product_low", low.clone()),
                ("product_high", high.clone()),
            ],
        );
        products[0].push(low);
        products[1].push(high);
    }
    for (index, (side, products)) in PAIR.iter().zip(products).enumerate() {
        let acc = acc.slice(index * lanes.acc_bits, lanes.acc_bits);
        accumulate(
            &mut m,
            &format!("{side}_"),
            products,
            (acc_first.clone(), acc),
            (names, lanes, target),
        );
    }
    m
}

/// The lanes of a pair, the one of the lower channel first.
const PAIR: [&str; 2] = ["low", "high"];

/// Adds up the products of one lane, whose names begin with `lane`, and accumulates the sums.
fn accumulate(
    m: &mut Module,
    lane: &str,
    products: Vec<Expr>,
    (acc_first, acc): (Expr, Expr),
    (names, lanes, target): (&LaneNames, &Lanes, Target),
) {
    let mut level = products;
    let mut depth = 0;
    while level.len() > 1 {
        depth += 1;
        let mut next = Vec::new();
        for (index, pair) in level.chunks(2).enumerate() {
            let width = pair[0].width() + 1;
            let sum = m.data_reg(&format!("{lane}sum{depth}_{index}"), width, "");
            m.comb(|b| match pair {
                [left, right] => b.set(&sum.d, &(left.sext(width) + right.sext(width))),
                _ => b.set(&sum.d, &pair[0].sext(width)),
            });
            next.push(sum.q);
        }
        level = next;
    }
    let total = &level[0];
    let term = m.net(
        &format!("{lane}term"),
        lanes.acc_bits,
        "the issue's sum at the accumulator's width",
    );
    if total.width() > lanes.acc_bits {
        m.comb(|b| b.set(&term, &total.slice(0, lanes.acc_bits)));
        let above = total.width() - lanes.acc_bits;
        m.unused(
            &format!("{lane}sum_bits"),
            &total.slice(lanes.acc_bits, above),
        );
    } else {
        m.comb(|b| b.set(&term, &total.sext(lanes.acc_bits)));
    }
    m.instance(
        &format!("u_{lane}accumulator"),
        accumulator(names.accumulator, lanes.acc_bits, target),
        vec![("first", acc_first), ("term", term), ("acc", acc)],
    );
}

const ARRAY_DOC: &str = "\
PE lanes side by side. Dense and grouped: every lane gets the same SIMD values of grad_output.
Depthwise: each lane has its own. Value s of lane j stands at s*PE + j in a weight word, and in a
depthwise grad_output word.";

/// Names of the modules of one lane, or of a pair.
struct LaneNames<'a> {
    lane: &'a str,
    multiplier: &'a str,
    accumulator: &'a str,
}

/// Builds the array of the engine `engine`.
pub fn mac_array(engine: &str, lanes: &Lanes, target: Target) -> Module {
    let lane = match lanes.packed_multipliers {
        true => "lane_pair",
        false => "lane",
    };
    let [lane, multiplier, accumulator] =
        [lane, "multiplier", "accumulator"].map(|part| format!("{engine}_{part}"));
    let names = LaneNames {
        lane: &lane,
        multiplier: &multiplier,
        accumulator: &accumulator,
    };
    let mut m = Module::new(format!("{engine}_lanes"), ARRAY_DOC);
    m.input("aclk", 1, "");
    let grad = m.input("grad", lanes.grad_word_bits(), "");
    let weight = m.input("weight", lanes.weight_word_bits(), "");
    let acc_first = m.input("acc_first", 1, "");
    let acc = m.output("acc", lanes.pe * lanes.acc_bits, "lane 0 in the low bits");
    let (simd, pe) = (lanes.simd, lanes.pe);
    let (gb, wb) = (lanes.operand_bits(), lanes.weight_bits);
    if lanes.packed_multipliers {
        for pair in 0..pe / 2 {
            let weights = [2 * pair, 2 * pair + 1].map(|j| {
                let net = m.net(&format!("weight{j}"), simd * wb, "");
                m.comb(|b| gather(b, &net, &weight, wb, pe, j));
                net
            });
            let [weight_low, weight_high] = weights;
            m.instance(
                &format!("u_lanes{pair}"),
                mac_lane_pair(&names, lanes, target),
                vec![
                    ("grad", grad.clone()),
                    ("weight_low", weight_low),
                    ("weight_high", weight_high),
                    ("acc_first", acc_first.clone()),
                    (
                        "acc",
                        acc.slice(2 * pair * lanes.acc_bits, 2 * lanes.acc_bits),
                    ),
                ],
            );
        }
        return m;
    }
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
            mac_lane(&names, lanes, target),
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

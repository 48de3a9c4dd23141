//! The multipliers, their adder trees and accumulators.

use crate::config::descriptor::Lanes;
use crate::lanes::accumulator::accumulator;
use crate::primitives::multiplier::{multiplier, MULTIPLY_CYCLES};
use crate::primitives::packed_multiplier::{packed_multiplier, Sharing};
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
lanes.";

const PIXEL_PAIR_DOC: &str = "\
A lane over C for two pixels on SIMD multipliers: each gives a weight's products with the gradients of
both pixels.";

const PAIR_DOC: &str =
    " Each lane has an adder tree with a register at each level, and an accumulator.

Promise: takes an issue in every cycle and never stalls. `acc` holds each lane's sum of all issues
from the one with `acc_first` on; `acc_first` comes with the products' sum, not with the operands.";

/// Builds two lanes that share their multipliers; timing as in [`mac_lane`].
fn mac_lane_pair(names: &LaneNames, lanes: &Lanes, sharing: Sharing, target: Target) -> Module {
    let head = match sharing {
        Sharing::Grad => LANE_PAIR_DOC,
        Sharing::Weight => PIXEL_PAIR_DOC,
    };
    let mut m = Module::new(names.lane, format!("{head}{PAIR_DOC}"));
    m.input("aclk", 1, "");
    let bits = sharing.bits(lanes.operand_bits(), lanes.weight_bits);
    let [sb, ob] = bits;
    let ports = sharing.ports();
    let shared = m.input(ports[0], lanes.simd * sb, "one value for each multiplier");
    let own = [ports[1], ports[2]].map(|port| m.input(port, lanes.simd * ob, ""));
    let acc_first = m.input("acc_first", 1, "the sums start anew");
    let comment = match sharing {
        Sharing::Grad => "signed each, the lower lane below",
        Sharing::Weight => "signed each, the pixel before below",
    };
    let acc = m.output("acc", 2 * lanes.acc_bits, comment);
    let mut products = [Vec::new(), Vec::new()];
    for s in 0..lanes.simd {
        let [low, high] = PAIR.map(|side| m.net(&format!("{side}_product{s}"), sb + ob, ""));
        m.instance(
            &format!("u_multiplier{s}"),
            packed_multiplier(names.multiplier, sharing, bits, target),
            vec![
                (ports[0], shared.slice(s * sb, sb)),
                (ports[1], own[0].slice(s * ob, ob)),
                (ports[2], own[1].slice(s * ob, ob)),
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
fn mac_array(engine: &str, lanes: &Lanes, target: Target) -> Module {
    let pairs = lanes.pairs() == Some(Sharing::Grad);
    let lane = match pairs {
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
    if pairs {
        for pair in 0..pe / 2 {
            let weights = [2 * pair, 2 * pair + 1].map(|j| {
                let net = m.net(&format!("weight{j}"), simd * wb, "");
                m.comb(|b| gather(b, &net, &weight, wb, pe, j));
                net
            });
            let [weight_low, weight_high] = weights;
            m.instance(
                &format!("u_lanes{pair}"),
                mac_lane_pair(&names, lanes, Sharing::Grad, target),
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

/// Places the arrays of all pixels: gradients, weights, when sums start anew, and sums.
pub fn place_lanes(
    m: &mut Module,
    engine: &str,
    lanes: &Lanes,
    (grad, weight, first, acc): (&Expr, &Expr, &Expr, &Expr),
    target: Target,
) {
    let of_pixel = |values: &Expr, pixel: usize| {
        let bits = values.width() / lanes.pixels;
        match lanes.pixels {
            1 => values.clone(),
            _ => values.slice(pixel * bits, bits),
        }
    };
    if lanes.pairs() == Some(Sharing::Weight) {
        for pair in 0..lanes.pixels / 2 {
            let [low, high] = [2 * pair, 2 * pair + 1];
            m.instance(
                &format!("u_lanes{pair}"),
                mac_pixel_array(engine, lanes, target),
                vec![
                    ("grad_low", of_pixel(grad, low)),
                    ("grad_high", of_pixel(grad, high)),
                    ("weight", weight.clone()),
                    ("acc_first", first.clone()),
                    ("acc_low", of_pixel(acc, low)),
                    ("acc_high", of_pixel(acc, high)),
                ],
            );
        }
        return;
    }
    for pixel in 0..lanes.pixels {
        let name = match lanes.pixels {
            1 => "u_lanes".to_owned(),
            _ => format!("u_lanes{pixel}"),
        };
        m.instance(
            &name,
            mac_array(engine, &lanes.of_pixel(), target),
            vec![
                ("grad", of_pixel(grad, pixel)),
                ("weight", weight.clone()),
                ("acc_first", first.clone()),
                ("acc", of_pixel(acc, pixel)),
            ],
        );
    }
}

const PIXEL_ARRAY_DOC: &str = "\
PE lanes side by side, each for two pixels, whose gradients it gets. Depthwise: each lane has its own
ones. Value s of lane j stands at s*PE + j in a weight word, and in a depthwise pixel.";

/// Builds the array of the engine `engine` for two pixels, which share its multipliers.
fn mac_pixel_array(engine: &str, lanes: &Lanes, target: Target) -> Module {
    let [lane, multiplier, accumulator] =
        ["lane_pair", "multiplier", "accumulator"].map(|part| format!("{engine}_{part}"));
    let names = LaneNames {
        lane: &lane,
        multiplier: &multiplier,
        accumulator: &accumulator,
    };
    let of_pixel = lanes.of_pixel();
    let mut m = Module::new(format!("{engine}_lanes"), PIXEL_ARRAY_DOC);
    m.input("aclk", 1, "");
    let (simd, pe) = (lanes.simd, lanes.pe);
    let (gb, wb, ab) = (lanes.operand_bits(), lanes.weight_bits, lanes.acc_bits);
    let grads = PAIR.map(|side| m.input(&format!("grad_{side}"), of_pixel.grad_word_bits(), ""));
    let weight = m.input("weight", lanes.weight_word_bits(), "");
    let acc_first = m.input("acc_first", 1, "");
    let accs = PAIR.map(|side| m.output(&format!("acc_{side}"), pe * ab, "lane 0 in the low bits"));
    for j in 0..pe {
        let lane_weight = m.net(&format!("weight{j}"), simd * wb, "");
        m.comb(|b| gather(b, &lane_weight, &weight, wb, pe, j));
        let mut own = Vec::new();
        for (side, grad) in PAIR.iter().zip(&grads) {
            own.push(match lanes.depthwise && pe > 1 {
                true => {
                    let net = m.net(&format!("grad{j}_{side}"), simd * gb, "");
                    m.comb(|b| gather(b, &net, grad, gb, pe, j));
                    net
                }
                false => grad.clone(),
            });
        }
        let both = m.net(&format!("acc{j}"), 2 * ab, "");
        m.instance(
            &format!("u_lane{j}"),
            mac_lane_pair(&names, lanes, Sharing::Weight, target),
            vec![
                ("weight", lane_weight),
                ("grad_low", own[0].clone()),
                ("grad_high", own[1].clone()),
                ("acc_first", acc_first.clone()),
                ("acc", both.clone()),
            ],
        );
        for (index, acc) in accs.iter().enumerate() {
            m.assign(&acc.slice(j * ab, ab), &both.slice(index * ab, ab));
        }
    }
    m
}

/// Collects lane `j`'s values, which lie `pe` apart in `word`.
fn gather(b: &mut crate::rtl::Body, lane: &Expr, word: &Expr, bits: usize, pe: usize, j: usize) {
    for s in 0..lane.width() / bits {
        b.set_slice(lane, s * bits, &word.slice((s * pe + j) * bits, bits));
    }
}

//! The lanes beyond the end of a row.

use crate::config::pixels::RowOrder;
use crate::primitives::counter::Counter;
use crate::rtl::{bits_for, lit, Expr, Module};

const DOC: &str = "\
Lanes over pixels beyond the end of a row: in the last beats of each, one for each block of channels,
they are zero.

`moves` is high in each cycle in which a beat moves.

Promise: `in_row` is `beat` in the same cycle, with zeros in those lanes.";

/// The beat `values` with zeros beyond the end of a row in this order; `moves` tells in which cycles one moves, each column's
/// `blocks` beats one after the other. The names of its nets begin with `short`.
pub fn inside_row(
    m: &mut Module,
    (engine, short): (&str, &str),
    (values, moves): (&Expr, &Expr),
    order: &RowOrder,
    blocks: u64,
) -> Expr {
    let lanes = order.lanes as usize;
    let (inside, bits) = (order.last_columns() as usize, values.width() / lanes);
    if inside == lanes {
        return values.clone();
    }
    let kept = m.net(
        &format!("{short}_inside"),
        values.width(),
        "zero beyond the row",
    );
    if order.beats() == 1 {
        // Each beat is its row's last.
        let all = m.net(&format!("{short}_values"), values.width(), "");
        m.assign(&all, values);
        let (used, beyond) = (inside * bits, (lanes - inside) * bits);
        m.assign(&kept.slice(0, used), &all.slice(0, used));
        m.assign(&kept.slice(used, beyond), &lit(0, beyond));
        m.unused(&format!("{short}_beyond"), &all.slice(used, beyond));
        return kept;
    }
    let pulse = m.net(&format!("{short}_moves"), 1, "a beat does");
    m.assign(&pulse, moves);
    let name = format!("{engine}_{short}_row_end");
    let block = row_end(&name, (lanes, inside), bits, (order.beats(), blocks));
    m.instance(
        &format!("u_{short}_row_end"),
        block,
        vec![
            ("moves", pulse),
            ("beat", values.clone()),
            ("in_row", kept.clone()),
        ],
    );
    kept
}

/// Builds the block for rows of so many columns of beats, two at least, with `blocks` beats each; the first `last_lanes` of
/// `lanes` lanes are in the row in its last ones.
fn row_end(
    name: &str,
    (lanes, last_lanes): (usize, usize),
    bits: usize,
    (columns, blocks): (u64, u64),
) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let moves = m.input("moves", 1, "a beat does");
    let beat = m.input("beat", lanes * bits, "lane 0 in the low bits");
    let inside = m.output("in_row", lanes * bits, "");
    let counter = |m: &mut Module, name: &str, count: u64, comment: &str| {
        let last = m.constant(&format!("{name}_last"), count - 1, bits_for(count - 1), "");
        Counter::new(m, name, &last, comment)
    };
    let block = (blocks > 1).then(|| counter(&mut m, "block", blocks, "of channels"));
    let column = counter(&mut m, "column", columns, "of the row, by beats");
    let masked = m.net("masked", lanes * bits, "");
    m.comb(|b| {
        let mut ends = moves.clone();
        if let Some(block) = &block {
            block.step(b, &ends);
            ends = ends & block.at_last();
        }
        b.set(&masked, &beat);
        let used = last_lanes * bits;
        let beyond = lit(0, lanes * bits - used);
        column.step(b, &ends);
        b.when(&column.at_last(), |b| b.set_slice(&masked, used, &beyond));
    });
    m.assign(&inside, &masked);
    m
}

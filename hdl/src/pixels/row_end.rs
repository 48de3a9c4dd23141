//! The lanes beyond the end of a row.

use super::told_side::ToldRows;
use crate::config::inputs::{Config, Of};
use crate::config::pixels::{PixelHull, RowOrder};
use crate::primitives::counter::Counter;
use crate::rtl::{bits_for, lit, Expr, Module};

const DOC: &str = "\
Lanes over pixels beyond the end of a row: in the last beats of each, one for each block of channels,
they are zero.

`moves` is high in each cycle in which a beat moves.

Promise: `in_row` is `beat` in the same cycle, with zeros in those lanes.";

const TOLD_DOC: &str = "

The next job is told while the block is in reset.";

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
    let size = (order.beats(), blocks);
    let block = |name: &str| row_end(name, (lanes, inside), bits, size);
    placed(m, (engine, short), (values, moves), kept, block)
}

/// Places a block that lets through to `kept` what is in the row.
fn placed(
    m: &mut Module,
    (engine, short): (&str, &str),
    (values, moves): (&Expr, &Expr),
    kept: Expr,
    block: impl FnOnce(&str) -> Module,
) -> Expr {
    let pulse = m.net(&format!("{short}_moves"), 1, "a beat does");
    m.assign(&pulse, moves);
    m.instance(
        &format!("u_{short}_row_end"),
        block(&format!("{engine}_{short}_row_end")),
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

/// The same of a result whose rows are told at run time.
pub fn inside_told_row(
    m: &mut Module,
    (engine, short): (&str, &str),
    (values, moves): (&Expr, &Expr),
    hull: &PixelHull,
    config: &mut Config,
) -> Expr {
    let kept = m.net(
        &format!("{short}_inside"),
        values.width(),
        "zero beyond the row",
    );
    let block = |name: &str| told_row_end(name, hull, values.width(), config);
    placed(m, (engine, short), (values, moves), kept, block)
}

fn told_row_end(name: &str, hull: &PixelHull, width: usize, config: &mut Config) -> Module {
    let mut m = Module::new(name, format!("{DOC}{TOLD_DOC}"));
    m.clocked();
    let moves = m.input("moves", 1, "a beat does");
    let beat = m.input("beat", width, "lane 0 in the low bits");
    let inside = m.output("in_row", width, "");
    let rows = ToldRows {
        hull,
        of: Of::Result,
    };
    let [blocks, beats, lanes] = rows.row_end(&mut m, config);
    let block = Counter::told(&mut m, "block", &blocks, "of channels");
    let column = Counter::told(&mut m, "column", &beats, "of the row, by beats");
    let masked = m.net("masked", width, "");
    let bits = width / hull.lanes as usize;
    m.comb(|b| {
        block.step(b, &moves);
        column.step(b, &(&moves & block.at_last()));
        b.set(&masked, &beat);
        for lane in 0..hull.lanes as usize {
            let beyond = column.at_last() & !lanes.bit(lane);
            b.when(&beyond, |b| {
                b.set_slice(&masked, lane * bits, &lit(0, bits))
            });
        }
    });
    m.assign(&inside, &masked);
    m
}

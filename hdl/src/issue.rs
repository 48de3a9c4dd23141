//! The issue loop: one multiplier issue a cycle.

use crate::config::Config;
use crate::descriptor::Descriptor;
use crate::ring::{ring_add, Ring};
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use crate::token::TokenWidths;

const DOC: &str = "\
Issue loop. For each pixel token: blocks of C, tap rows, tap columns, blocks of K; one issue a
cycle, each a line-buffer read and a weight read. Addresses are running sums of constants.

An accumulation (all taps and blocks of K of one block of C) starts when its pixel's grad_output
has arrived and the output FIFO has a free place; once started it never stalls, so nothing behind
this block knows of stalls.

Promise: addresses and flags are registers; `acc_first` and `acc_last` mark an accumulation's
first and last issue; the next pixel follows the last issue of the one before without a gap when
its token, its data and a place in the FIFO are there. `free_words` counts the words that are dead
once the reads already issued are done.";

/// One loop level that a layer may not need.
struct Level {
    left: Reg,
    reload: Expr,
}

impl Level {
    /// `outer`, and this level is at its last turn.
    fn and_last(outer: Expr, level: &Option<Level>) -> Expr {
        match level {
            Some(level) => outer & level.left.q.is_zero(),
            None => outer,
        }
    }

    fn count(level: &Option<Level>, b: &mut Body) {
        if let Some(level) = level {
            b.set(&level.left.d, &level.left.q.minus(1));
        }
    }

    fn restart(level: &Option<Level>, b: &mut Body) {
        if let Some(level) = level {
            b.set(&level.left.d, &level.reload);
        }
    }
}

/// Width of the counter of free places in the output FIFO.
pub fn credit_width(d: &Descriptor) -> usize {
    bits_for(d.fifo_results)
}

/// Builds the loop. `weight_width` is the width of a weight address within a set.
pub fn issue_loop(
    name: &str,
    d: &Descriptor,
    t: &TokenWidths,
    ring: Ring,
    weight_width: usize,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let token_valid = m.input("token_valid", 1, "");
    let token_ready = m.output("token_ready", 1, "");
    let token = m.input("token", t.bits(), "");
    let weights_ready = m.input("weights_ready", 1, "a whole set is in the weight memory");
    let weight_set = d
        .two_weight_sets
        .then(|| m.input("weight_set", 1, "set of weights in use"));
    let frame_state = match d.two_weight_sets {
        true => m.output("frame_start", 1, "a frame's first pixel enters"),
        false => m.output("frame_busy", 1, "a frame is being or about to be issued"),
    };
    let arrived = m.input("arrived", 1, "one more word is in the line buffer");
    let free_words = m.output("free_words", t.free, "words dead as of now");
    let taken = m.input("taken", 1, "one more place in the output FIFO is free");
    let grad_address = m.output("grad_address", ring.width, "line-buffer read");
    let sets = usize::from(d.two_weight_sets);
    let weight_address = m.output("weight_address", weight_width + sets, "weight read");
    let acc_first = m.output("acc_first", 1, "");
    let acc_last = m.output("acc_last", 1, "low while nothing is issued");
    let frame_last = m.output("frame_last", 1, "with acc_last: last result of a frame");
    let skip_ports = t.skip.map(|width| {
        (
            m.output("skip_write", 1, "an accumulation starts"),
            m.output(
                "skip_slot",
                bits_for(d.fifo_results - 1),
                "its place in the output FIFO",
            ),
            m.output(
                "skip_beats",
                width,
                "beats without a tap ahead of its result",
            ),
        )
    });

    // Constants of the loop.
    let kb_less_1 = d.k_blocks - 1;
    let next_col = (d.cols.address_tap + ring.size - kb_less_1 % ring.size) % ring.size;
    let mut constant = |m: &mut Module, name: &str, width: usize, value: u64, comment: &str| {
        config.port(m, name, width, value, comment)
    };
    let mut level = |m: &mut Module, name: &str, count: u64, reload: Option<Expr>, what: &str| {
        (count > 1).then(|| {
            let width = bits_for(count - 1);
            let reload = reload.unwrap_or_else(|| {
                constant(
                    m,
                    &format!("{name}_less_1"),
                    width,
                    count - 1,
                    &format!("{what}, less one"),
                )
            });
            Level {
                left: m.data_reg(
                    &format!("{name}_left"),
                    width,
                    &format!("{what} after this one"),
                ),
                reload,
            }
        })
    };
    let k = level(&mut m, "k_blocks", d.k_blocks, None, "blocks of K");
    let held_rows = m.data_reg("held_rows", t.tap_rows, "tap rows of the pixel, less one");
    let held_cols = m.data_reg(
        "held_cols",
        t.tap_cols,
        "tap columns of the pixel, less one",
    );
    let cols = level(
        &mut m,
        "cols",
        d.cols.max_taps,
        Some(held_cols.q.clone()),
        "tap columns",
    );
    let rows = level(
        &mut m,
        "rows",
        d.rows.max_taps,
        Some(held_rows.q.clone()),
        "tap rows",
    );
    let c = level(&mut m, "c_blocks", d.c_blocks, None, "blocks of C");
    let g = level(&mut m, "groups", d.group_blocks, None, "groups");

    let active = m.reg("active", 1, 0, "a pixel is in the loop");
    let starts = m.data_reg("starts", 1, "the next issue is an accumulation's first");
    let held_free = m.data_reg("held_free", t.free, "");
    let held_last = m.data_reg("held_last", 1, "last pixel of the frame");
    let in_frame = (!d.two_weight_sets).then(|| m.reg("in_frame", 1, 0, ""));
    let grad = Address::new(&mut m, "grad", ring.width);
    let weight = Address::new(&mut m, "weight", weight_width);
    let avail_width = bits_for(ring.size.max((1 << t.need) - 1)) + 1;
    let avail = m.reg(
        "avail",
        avail_width,
        0,
        "words arrived minus words needed, signed",
    );
    let credits_full = constant(
        &mut m,
        "fifo_results",
        credit_width(d),
        d.fifo_results,
        "results that the output FIFO holds",
    );
    let credits = m.reg_from("credits", credits_full, "free places in the output FIFO");
    let credit_ok = m.reg("credit_ok", 1, 0, "");
    let out_grad = m.data_reg("out_grad", ring.width, "");
    let out_weight = m.data_reg("out_weight", weight_width + sets, "");
    let out_first = m.data_reg("out_first", 1, "");
    let out_last = m.reg("out_last", 1, 0, "");
    let out_frame_last = m.data_reg("out_frame_last", 1, "");
    let out_free = m.reg("out_free", t.free, 0, "");

    let named: Vec<(&str, Expr)> = t
        .fields()
        .iter()
        .map(|&(field, width)| {
            let net = m.net(&format!("token_{field}"), width, "");
            m.assign(&net, &t.field(&token, field));
            (field, net)
        })
        .collect();
    let field = |wanted: &str| -> Expr {
        named
            .iter()
            .find(|(field, _)| *field == wanted)
            .map_or_else(
                || unreachable!("no token field {wanted}"),
                |(_, net)| net.clone(),
            )
    };
    let go = m.net("go", 1, "issue in this cycle");
    let k_end = m.net("k_end", 1, "");
    let col_end = m.net("col_end", 1, "");
    let acc_end = m.net("acc_end", 1, "");
    let group_end = m.net("group_end", 1, "");
    let done = m.net("done", 1, "last issue of the pixel");
    let load = m.net("load", 1, "the next pixel enters");
    m.comb(|b| {
        b.set(
            &go,
            &(&active.q & (!&starts.q | (&credit_ok.q & !avail.q.msb()))),
        );
        let at_last = |level: &Option<Level>| {
            level
                .as_ref()
                .map_or_else(|| lit(1, 1), |level| level.left.q.is_zero())
        };
        b.set(&k_end, &at_last(&k));
        b.set(&col_end, &Level::and_last(k_end.clone(), &cols));
        b.set(&acc_end, &Level::and_last(col_end.clone(), &rows));
        b.set(&group_end, &at_last(&c));
        b.set(&done, &Level::and_last(&go & &acc_end & &group_end, &g));
        b.set(
            &load,
            &(&token_valid & (&done | !&active.q) & (&weights_ready | !field("frame_first"))),
        );
    });

    // Where the next issue reads.
    let grad_next_col = constant(
        &mut m,
        "grad_next_col",
        ring.width,
        next_col,
        "words to the next tap column, from the last block of K",
    );
    let grad_next_row = constant(
        &mut m,
        "grad_next_row",
        ring.width,
        d.rows.address_tap,
        "words to the next tap row",
    );
    let weight_next_col = constant(
        &mut m,
        "weight_next_col",
        weight_width,
        d.cols.weight_tap.saturating_sub(kb_less_1),
        "weights to the next tap column, from the last block of K",
    );
    let weight_next_row = constant(
        &mut m,
        "weight_next_row",
        weight_width,
        d.rows.weight_tap,
        "weights to the next tap row",
    );
    let weight_next_block = (d.c_blocks * d.group_blocks > 1).then(|| {
        constant(
            &mut m,
            "weight_block",
            weight_width,
            d.block_weights,
            "weights of one block of C",
        )
    });
    let k_blocks = (d.group_blocks > 1).then(|| {
        constant(
            &mut m,
            "k_blocks",
            ring.width,
            d.k_blocks,
            "blocks of K in a group",
        )
    });
    let grad_from = m.net("grad_from", ring.width, "");
    let grad_step = m.net("grad_step", ring.width, "");
    let weight_from = m.net("weight_from", weight_width, "");
    let weight_step = m.net("weight_step", weight_width, "");
    m.comb(|b| {
        b.comment("Next address = where it steps from + constant of the step.");
        b.set(&grad_from, &grad.now.q);
        b.set(&grad_step, &lit(1, ring.width));
        b.set(&weight_from, &weight.now.q);
        b.set(&weight_step, &lit(1, weight_width));
        b.when_else(
            &acc_end,
            |b| {
                b.set(&grad_from, &grad.block.q);
                b.set(&grad_step, &lit(0, ring.width));
                if let Some(k_blocks) = &k_blocks {
                    b.when(&group_end, |b| b.set(&grad_step, k_blocks));
                }
                b.set(&weight_from, &weight.block.q);
                match &weight_next_block {
                    Some(step) => b.set(&weight_step, step),
                    None => b.set(&weight_step, &lit(0, weight_width)),
                }
            },
            |b| {
                b.when_else(
                    &col_end,
                    |b| {
                        b.set(&grad_from, &grad.row.q);
                        b.set(&grad_step, &grad_next_row);
                        b.set(&weight_from, &weight.row.q);
                        b.set(&weight_step, &weight_next_row);
                    },
                    |b| {
                        b.when(&k_end, |b| {
                            b.set(&grad_step, &grad_next_col);
                            b.set(&weight_step, &weight_next_col);
                        })
                    },
                )
            },
        );
    });
    let size = ring.port(&mut m, config);
    let grad_next = ring_add(&mut m, "grad_next", &grad_from, &grad_step, &size);
    let weight_next = m.net("weight_next", weight_width, "");
    let first_block = t
        .skip
        .map(|_| m.data_reg("first_block", 1, "first block of C of the pixel"));
    let held_skip = t.skip.map(|width| m.data_reg("held_skip", width, ""));
    let skip_regs = t.skip.map(|width| {
        (
            m.reg("skip_write", 1, 0, ""),
            m.reg(
                "next_slot",
                bits_for(d.fifo_results - 1),
                0,
                "place of the next accumulation",
            ),
            m.data_reg("slot", bits_for(d.fifo_results - 1), ""),
            m.data_reg("skip", width, ""),
        )
    });
    m.comb(|b| {
        b.set(&weight_next, &(&weight_from + &weight_step));
        b.when(&go, |b| {
            b.set(&starts.d, &acc_end);
            grad.go(b, &grad_next, &col_end, &acc_end);
            weight.go(b, &weight_next, &col_end, &acc_end);
            Level::count(&k, b);
            b.when(&k_end, |b| {
                Level::restart(&k, b);
                Level::count(&cols, b);
            });
            b.when(&col_end, |b| {
                Level::restart(&cols, b);
                Level::count(&rows, b);
            });
            b.when(&acc_end, |b| {
                Level::restart(&rows, b);
                Level::count(&c, b);
                if let Some(first) = &first_block {
                    b.set(&first.d, &lit(0, 1));
                }
            });
            b.when(&(&acc_end & &group_end), |b| {
                Level::restart(&c, b);
                Level::count(&g, b);
            });
        });
        b.when(&done, |b| {
            b.set(&active.d, &lit(0, 1));
            if let Some(in_frame) = &in_frame {
                b.when(&held_last.q, |b| b.set(&in_frame.d, &lit(0, 1)));
            }
        });
        b.when(&load, |b| {
            b.set(&active.d, &lit(1, 1));
            b.set(&starts.d, &lit(1, 1));
            if let Some(in_frame) = &in_frame {
                b.set(&in_frame.d, &lit(1, 1));
            }
            b.set(&held_rows.d, &field("tap_rows"));
            b.set(&held_cols.d, &field("tap_cols"));
            b.set(&held_free.d, &field("free"));
            b.set(&held_last.d, &field("frame_last"));
            grad.load(b, &field("address"));
            weight.load(b, &field("weight").zext(weight_width));
            Level::restart(&k, b);
            if let Some(cols) = &cols {
                b.set(&cols.left.d, &field("tap_cols"));
            }
            if let Some(rows) = &rows {
                b.set(&rows.left.d, &field("tap_rows"));
            }
            Level::restart(&c, b);
            Level::restart(&g, b);
            if let (Some(first), Some(held)) = (&first_block, &held_skip) {
                b.set(&first.d, &lit(1, 1));
                b.set(&held.d, &field("skip"));
            }
        });
    });

    let start = m.net("start", 1, "an accumulation starts");
    let needed = m.net("needed", avail_width, "");
    m.comb(|b| {
        b.set(&start, &(&go & &starts.q));
        b.comment("Data that has arrived against data that the pixel in the loop needs.");
        b.set(&needed, &lit(0, avail_width));
        b.when(&load, |b| b.set(&needed, &field("need").zext(avail_width)));
        b.set(&avail.d, &(&avail.q + arrived.zext(avail_width) - &needed));
        b.comment("Places in the output FIFO, taken at the start of an accumulation.");
        let width = credits.q.width();
        b.set(
            &credits.d,
            &(&credits.q + taken.zext(width) - start.zext(width)),
        );
        b.set(&credit_ok.d, &credits.d.non_zero());
        b.set(&out_grad.d, &grad.now.q);
        match &weight_set {
            Some(set) => {
                b.set_slice(&out_weight.d, 0, set);
                b.set_slice(&out_weight.d, 1, &weight.now.q);
            }
            None => b.set(&out_weight.d, &weight.now.q),
        }
        b.set(&out_first.d, &starts.q);
        b.set(&out_last.d, &(&go & &acc_end));
        b.set(&out_frame_last.d, &(&done & &held_last.q));
        b.set(&out_free.d, &held_free.q.gated(&done));
        if let (Some((write, next, slot, skip)), Some(first), Some(held)) =
            (&skip_regs, &first_block, &held_skip)
        {
            b.set(&write.d, &start);
            b.set(&slot.d, &next.q);
            b.set(&skip.d, &held.q.gated(&first.q));
            b.when(&start, |b| b.set(&next.d, &next.q.plus(1)));
        }
    });

    m.assign(&token_ready, &load);
    match &in_frame {
        Some(in_frame) => m.assign(&frame_state, &(&in_frame.q | &load)),
        None => m.assign(&frame_state, &(&load & field("frame_first"))),
    }
    m.assign(&free_words, &out_free.q);
    m.assign(&grad_address, &out_grad.q);
    m.assign(&weight_address, &out_weight.q);
    m.assign(&acc_first, &out_first.q);
    m.assign(&acc_last, &out_last.q);
    m.assign(&frame_last, &out_frame_last.q);
    if let (Some((write, slot, beats)), Some((write_q, _, slot_q, skip_q))) =
        (&skip_ports, &skip_regs)
    {
        m.assign(write, &write_q.q);
        m.assign(slot, &slot_q.q);
        m.assign(beats, &skip_q.q);
    }
    if rows.is_none() {
        m.unused("tap_rows", &held_rows.q);
    }
    if cols.is_none() {
        m.unused("tap_cols", &held_cols.q);
    }
    m
}

/// An address with the places that the outer loops return to.
struct Address {
    now: Reg,
    row: Reg,
    block: Reg,
}

impl Address {
    fn new(m: &mut Module, name: &str, width: usize) -> Self {
        Address {
            now: m.data_reg(&format!("{name}_now"), width, "read by the next issue"),
            row: m.data_reg(&format!("{name}_row"), width, "first tap of this tap row"),
            block: m.data_reg(
                &format!("{name}_block"),
                width,
                "first tap of this block of C",
            ),
        }
    }

    fn go(&self, b: &mut Body, next: &Expr, col_end: &Expr, acc_end: &Expr) {
        b.set(&self.now.d, next);
        b.when(col_end, |b| b.set(&self.row.d, next));
        b.when(acc_end, |b| b.set(&self.block.d, next));
    }

    fn load(&self, b: &mut Body, address: &Expr) {
        b.set(&self.now.d, address);
        b.set(&self.row.d, address);
        b.set(&self.block.d, address);
    }
}

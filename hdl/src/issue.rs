//! The issue loop: one multiplier issue a cycle.

use crate::config::Config;
use crate::descriptor::Descriptor;
use crate::ring::{ring_add, Ring};
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use crate::token::TokenWidths;

const DOC: &str = "\
Issue loop. For each pixel token: blocks of C, tap rows, tap columns, blocks of K; one issue a
cycle, each a line-buffer read and a weight read. Each loop runs forth and back in turn, so that
every step of an address is one constant and no loop has a start to return to: the order within
an accumulation does not change an exact sum.

An accumulation (all taps and blocks of K of one block of C) starts when its pixel's grad_output
has arrived and the output FIFO has a free place; once started it never stalls, so nothing behind
this block knows of stalls.

Three steps: the loop names the next step; its constant is registered; the addresses take it.

Promise: addresses and flags are registers, two cycles behind the loop; `acc_first` and `acc_last`
mark an accumulation's first and last issue; the next pixel follows the last issue of the one
before without a gap when its token, its data and a place in the FIFO are there. `free_pixels`
counts the pixels of grad_output that are dead once the reads already issued are done.";

/// Cycles from the loop's decision to the addresses.
pub const ISSUE_CYCLES: usize = 2;

/// One loop that a layer may not need: how many turns are left, and which way it runs.
struct Level {
    left: Reg,
    /// `left` is zero; a register, because everything hangs on it.
    last: Reg,
    reload: Expr,
    forth: Reg,
}

impl Level {
    /// `outer`, and this loop is at its last turn.
    fn and_last(outer: Expr, level: &Option<Level>) -> Expr {
        match level {
            Some(level) => outer & &level.last.q,
            None => outer,
        }
    }

    /// One turn on; from the last, the other way round.
    fn turn(level: &Option<Level>, b: &mut Body, end: &Expr) {
        let Some(level) = level else { return };
        let width = level.left.q.width();
        b.set(&level.left.d, &level.left.q.minus(1));
        b.set(&level.last.d, &level.left.q.eq(&lit(1, width)));
        b.when(end, |b| {
            level.reload(b, &level.reload);
            b.set(&level.forth.d, &!&level.forth.q);
        });
    }

    fn reload(&self, b: &mut Body, turns_less_1: &Expr) {
        b.set(&self.left.d, turns_less_1);
        b.set(&self.last.d, &turns_less_1.is_zero());
    }
}

/// The constants of a loop's step in both addresses, and back.
struct Step {
    grad: [Expr; 2],
    weight: [Expr; 2],
}

impl Step {
    /// `grad` and `weight` are what one step forth adds.
    fn new(
        m: &mut Module,
        config: &mut Config,
        name: &str,
        what: &str,
        ring: Ring,
        weight_width: usize,
        (grad, weight): (u64, u64),
    ) -> Self {
        let weights = 1 << weight_width;
        let mut port = |direction: &str, address: &str, width: usize, value: u64| {
            let port = format!("{address}_{name}{direction}");
            let unit = if address == "grad" {
                "words"
            } else {
                "weights"
            };
            let sense = if direction.is_empty() {
                "to the next"
            } else {
                "back to the last"
            };
            config.port(m, &port, width, value, &format!("{unit} {sense} {what}"))
        };
        Step {
            grad: [
                port("", "grad", ring.width, grad),
                port("_back", "grad", ring.width, (ring.size - grad) % ring.size),
            ],
            weight: [
                port("", "weight", weight_width, weight),
                port(
                    "_back",
                    "weight",
                    weight_width,
                    (weights - weight) % weights,
                ),
            ],
        }
    }

    fn take(&self, b: &mut Body, level: &Option<Level>, grad: &Expr, weight: &Expr) {
        let [(grad_forth, grad_back), (weight_forth, weight_back)] =
            [&self.grad, &self.weight].map(|[forth, back]| (forth, back));
        b.set(grad, grad_forth);
        b.set(weight, weight_forth);
        if let Some(level) = level {
            b.when(&!&level.forth.q, |b| {
                b.set(grad, grad_back);
                b.set(weight, weight_back);
            });
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
    let sets = usize::from(d.two_weight_sets);
    let token_valid = m.input("token_valid", 1, "and a whole set of weights is there");
    let token_ready = m.output("token_ready", 1, "");
    let token = m.input("token", t.bits(), "");
    let weight_set = d
        .two_weight_sets
        .then(|| m.input("weight_set", 1, "set of weights in use"));
    let frame_state = match d.two_weight_sets {
        true => m.output("frame_start", 1, "a frame's first pixel enters"),
        false => m.output("frame_busy", 1, "a frame is being or about to be issued"),
    };
    let arrived = m.input("arrived", 1, "one more pixel is in the line buffer");
    let free_pixels = m.output("free_pixels", t.free, "pixels dead as of now");
    let taken = m.input("taken", 1, "one more place in the output FIFO is free");
    let grad_address = m.output("grad_address", ring.width, "line-buffer read");
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

    // Loops.
    let held_rows = m.data_reg("held_rows", t.tap_rows, "tap rows of the pixel, less one");
    let held_cols = m.data_reg(
        "held_cols",
        t.tap_cols,
        "tap columns of the pixel, less one",
    );
    let mut level = |m: &mut Module, name: &str, turns: u64, reload: Option<&Expr>, what: &str| {
        (turns > 1).then(|| {
            let width = bits_for(turns - 1);
            let reload = reload.cloned().unwrap_or_else(|| {
                let comment = format!("{what}, less one");
                config.port(m, &format!("{name}_less_1"), width, turns - 1, &comment)
            });
            let comment = format!("{what} after this one");
            Level {
                left: m.reg_from(&format!("{name}_left"), reload.clone(), &comment),
                last: m.reg_from(&format!("{name}_last"), reload.is_zero(), ""),
                forth: m.reg(&format!("{name}_forth"), 1, 1, "which way it runs"),
                reload,
            }
        })
    };
    let k = level(&mut m, "k_blocks", d.k_blocks, None, "blocks of K");
    let cols = level(
        &mut m,
        "cols",
        d.cols.max_taps,
        Some(&held_cols.q),
        "tap columns",
    );
    let rows = level(
        &mut m,
        "rows",
        d.rows.max_taps,
        Some(&held_rows.q),
        "tap rows",
    );
    let c = level(&mut m, "c_blocks", d.c_blocks, None, "blocks of C");
    let g = level(&mut m, "groups", d.group_blocks, None, "groups");

    // Steps.
    let mut step =
        |m: &mut Module, level: &Option<Level>, name: &str, what: &str, by: (u64, u64)| {
            level
                .as_ref()
                .map(|_| Step::new(m, config, name, what, ring, weight_width, by))
        };
    let k_step = step(&mut m, &k, "k_block", "block of K", (1, 1));
    let col_step = step(
        &mut m,
        &cols,
        "col",
        "tap column",
        (d.cols.address_tap, d.cols.weight_tap),
    );
    let row_step = step(
        &mut m,
        &rows,
        "row",
        "tap row",
        (d.rows.address_tap, d.rows.weight_tap),
    );
    let blocks = d.c_blocks * d.group_blocks;
    let weight_block = (blocks > 1).then(|| {
        config.port(
            &mut m,
            "weight_block",
            weight_width,
            d.block_weights,
            "weights of one block of C",
        )
    });
    let grad_group = g.as_ref().map(|_| {
        config.port(
            &mut m,
            "grad_group",
            ring.width,
            d.k_blocks,
            "words to the next group",
        )
    });

    let active = m.reg("active", 1, 0, "a pixel is in the loop");
    let starts = m.data_reg("starts", 1, "the next issue is an accumulation's first");
    let held_free = m.data_reg("held_free", t.free, "");
    let held_last = m.reg("held_last", 1, 0, "last pixel of the frame");
    let in_frame = (!d.two_weight_sets).then(|| m.reg("in_frame", 1, 0, ""));
    let avail_width = bits_for(d.line_pixels.max((1 << t.need) - 1)) + 1;
    let avail = m.reg(
        "avail",
        avail_width,
        0,
        "pixels arrived minus pixels needed, signed",
    );
    let credits_full = config.port(
        &mut m,
        "fifo_results",
        credit_width(d),
        d.fifo_results,
        "results that the output FIFO holds",
    );
    let credits = m.reg_from("credits", credits_full, "free places in the output FIFO");
    let credit_ok = m.reg("credit_ok", 1, 0, "");
    let freed = m.reg("freed", t.free, 0, "");
    let out_free = m.reg(
        "out_free",
        t.free,
        0,
        "the last read of these is on its way",
    );

    let field = token_fields(&mut m, t, &token, d.two_weight_sets);
    let go = m.net("go", 1, "issue in this cycle");
    let k_end = m.net("k_end", 1, "");
    let col_end = m.net("col_end", 1, "");
    let group_end = m.net("group_end", 1, "");
    // What the rest of the loop hangs on is worked out one cycle ahead.
    let ends_acc = m.reg_from(
        "ends_acc",
        all_last(&[&k, &cols, &rows], |l| l.reload.is_zero()),
        "last issue of an accumulation",
    );
    let ends_pixel = m.reg_from(
        "ends_pixel",
        all_last(&[&k, &cols, &rows, &c, &g], |l| l.reload.is_zero()),
        "last issue of a pixel",
    );
    let acc_end = ends_acc.q.clone();
    let done = m.net("done", 1, "last issue of the pixel");
    let vacant = m.net("vacant", 1, "the loop has no pixel after this cycle");
    let load = m.net("load", 1, "the next pixel enters");
    m.comb(|b| {
        b.set(
            &go,
            &(&active.q & (!&starts.q | (&credit_ok.q & !avail.q.msb()))),
        );
        let at_last = |level: &Option<Level>| {
            level
                .as_ref()
                .map_or_else(|| lit(1, 1), |level| level.last.q.clone())
        };
        b.set(&k_end, &at_last(&k));
        b.set(&col_end, &Level::and_last(k_end.clone(), &cols));
        b.set(&group_end, &Level::and_last(acc_end.clone(), &c));
        b.set(&done, &(&go & &ends_pixel.q));
        b.set(&vacant, &(&done | !&active.q));
        b.set(&load, &(&vacant & &token_valid));
    });

    // The constant of the step from this issue to the next.
    let grad = Address::new(&mut m, "grad", ring.width);
    let weight = Address::new(&mut m, "weight", weight_width);
    let moves = m.reg("moves", 1, 0, "the addresses take a step");
    let loads = m.reg("loads", 1, 0, "the addresses take a pixel's start");
    m.comb(|b| {
        b.comment("Constant of the step to the next issue.");
        b.set(&moves.d, &go);
        b.set(&loads.d, &load);
        b.set(&grad.step.d, &lit(0, ring.width));
        b.set(&weight.step.d, &lit(0, weight_width));
        let block = |b: &mut Body| {
            if let Some(weight_block) = &weight_block {
                b.set(&weight.step.d, weight_block);
            }
            if let Some(grad_group) = &grad_group {
                b.when(&group_end, |b| b.set(&grad.step.d, grad_group));
            }
        };
        let take = |b: &mut Body, step: &Option<Step>, level: &Option<Level>| {
            if let Some(step) = step {
                step.take(b, level, &grad.step.d, &weight.step.d);
            }
        };
        // Innermost loop first, each outer one over it where the inner ones end.
        take(b, &k_step, &k);
        b.when(&k_end, |b| take(b, &col_step, &cols));
        b.when(&col_end, |b| take(b, &row_step, &rows));
        b.when(&acc_end, |b| {
            b.set(&grad.step.d, &lit(0, ring.width));
            block(b);
        });
        b.set(&grad.start.d, &field("address"));
        b.set(&weight.start.d, &field("weight").zext(weight_width));
    });

    let size = ring.port(&mut m, config);
    let stepped = ring_add(&mut m, "grad_stepped", &grad.now.q, &grad.step.q, &size);
    let out_grad = m.data_reg("out_grad", ring.width, "");
    let out_weight = m.data_reg("out_weight", weight_width, "");
    m.comb(|b| {
        b.comment("The addresses of the next issue; the ones in use go on to the memories.");
        for (address, stepped) in [
            (&grad, stepped.clone()),
            (&weight, &weight.now.q + &weight.step.q),
        ] {
            b.when(&moves.q, |b| b.set(&address.now.d, &stepped));
            b.when(&loads.q, |b| b.set(&address.now.d, &address.start.q));
        }
        b.set(&out_grad.d, &grad.now.q);
        b.set(&out_weight.d, &weight.now.q);
    });

    let first_block = t
        .skip
        .map(|_| m.data_reg("first_block", 1, "first block of C of the pixel"));
    let held_skip = t.skip.map(|width| m.data_reg("held_skip", width, ""));
    m.comb(|b| {
        b.comment("The loops.");
        b.when(&go, |b| {
            b.set(&starts.d, &acc_end);
            Level::turn(&k, b, &k_end);
            b.when(&k_end, |b| Level::turn(&cols, b, &col_end));
            b.when(&col_end, |b| Level::turn(&rows, b, &acc_end));
            b.when(&acc_end, |b| {
                Level::turn(&c, b, &group_end);
                if let Some(first) = &first_block {
                    b.set(&first.d, &lit(0, 1));
                }
            });
            b.when(&group_end, |b| Level::turn(&g, b, &done));
        });
        b.comment("A pixel enters; what it brings may be taken before it is known to be there.");
        b.when(&done, |b| {
            for level in [&k, &cols, &rows, &c, &g].into_iter().flatten() {
                b.set(&level.forth.d, &lit(1, 1));
            }
        });
        b.when(&vacant, |b| {
            b.set(&active.d, &token_valid);
            b.set(&starts.d, &lit(1, 1));
            if let Some(in_frame) = &in_frame {
                b.when(&held_last.q, |b| b.set(&in_frame.d, &lit(0, 1)));
                b.when(&token_valid, |b| b.set(&in_frame.d, &lit(1, 1)));
            }
            b.set(&held_rows.d, &field("tap_rows"));
            b.set(&held_cols.d, &field("tap_cols"));
            b.set(&held_free.d, &field("free"));
            b.set(&held_last.d, &(&token_valid & field("frame_last")));
            if let Some(cols) = &cols {
                cols.reload(b, &field("tap_cols"));
            }
            if let Some(rows) = &rows {
                rows.reload(b, &field("tap_rows"));
            }
            if let (Some(first), Some(held)) = (&first_block, &held_skip) {
                b.set(&first.d, &lit(1, 1));
                b.set(&held.d, &field("skip"));
            }
        });
        b.set(
            &ends_acc.d,
            &all_last(&[&k, &cols, &rows], |l| l.last.d.clone()),
        );
        b.set(
            &ends_pixel.d,
            &all_last(&[&k, &cols, &rows, &c, &g], |l| l.last.d.clone()),
        );
    });

    let start = m.net("start", 1, "an accumulation starts");
    let more = m.net("more", avail_width, "");
    let less = m.net("less", avail_width, "");
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
        b.set(&start, &(&go & &starts.q));
        b.comment("Data that has arrived against data that the pixel in the loop needs.");
        b.set(&more, &(&avail.q + arrived.zext(avail_width)));
        b.set(
            &less,
            &(&avail.q + arrived.zext(avail_width) - field("need").zext(avail_width)),
        );
        b.select(&avail.d, &load, &less, &more);
        b.comment("Places in the output FIFO, taken at the start of an accumulation.");
        let width = credits.q.width();
        b.set(
            &credits.d,
            &(&credits.q + taken.zext(width) - start.zext(width)),
        );
        b.set(&credit_ok.d, &credits.d.non_zero());
        b.set(&freed.d, &held_free.q.gated(&done));
        b.set(&out_free.d, &freed.q);
        if let (Some((write, next, slot, skip)), Some(first), Some(held)) =
            (&skip_regs, &first_block, &held_skip)
        {
            b.set(&write.d, &start);
            b.set(&slot.d, &next.q);
            b.set(&skip.d, &held.q.gated(&first.q));
            b.when(&start, |b| b.set(&next.d, &next.q.plus(1)));
        }
    });

    // Flags keep step with the addresses.
    let beside = |m: &mut Module, name: &str, flag: &Expr, reset: bool| -> Expr {
        let line = match reset {
            true => m.reg(
                &format!("{name}_line"),
                ISSUE_CYCLES,
                0,
                "keeps step with the addresses",
            ),
            false => m.data_reg(
                &format!("{name}_line"),
                ISSUE_CYCLES,
                "keeps step with the addresses",
            ),
        };
        m.comb(|b| {
            b.set_slice(&line.d, 0, flag);
            b.set_slice(&line.d, 1, &line.q.slice(0, ISSUE_CYCLES - 1));
        });
        line.q.msb()
    };
    let first_flag = beside(&mut m, "first", &starts.q, false);
    let ends = m.net("ends", 1, "an accumulation ends");
    let frame_ends = m.net("frame_ends", 1, "");
    m.comb(|b| {
        b.set(&ends, &(&go & &acc_end));
        b.set(&frame_ends, &(&done & &held_last.q));
    });
    let last_flag = beside(&mut m, "last", &ends, true);
    let frame_flag = beside(&mut m, "frame_last", &frame_ends, false);
    m.assign(&acc_first, &first_flag);
    m.assign(&acc_last, &last_flag);
    m.assign(&frame_last, &frame_flag);
    match &weight_set {
        Some(set) => {
            let set_flag = beside(&mut m, "set", set, false);
            m.assign(&weight_address.slice(0, 1), &set_flag);
            m.assign(&weight_address.slice(1, weight_width), &out_weight.q);
        }
        None => m.assign(&weight_address, &out_weight.q),
    }

    m.assign(&token_ready, &load);
    match &in_frame {
        Some(in_frame) => m.assign(&frame_state, &(&in_frame.q | &load)),
        None => m.assign(&frame_state, &(&load & field("frame_first"))),
    }
    m.assign(&free_pixels, &out_free.q);
    m.assign(&grad_address, &out_grad.q);
    if let (Some((write, slot, beats)), Some((write_q, _, slot_q, skip_q))) =
        (&skip_ports, &skip_regs)
    {
        m.assign(write, &write_q.q);
        m.assign(slot, &slot_q.q);
        m.assign(beats, &skip_q.q);
    }
    if !d.two_weight_sets {
        m.unused("frame_first", &t.field(&token, "frame_first"));
    }
    if rows.is_none() {
        m.unused("tap_rows", &held_rows.q);
    }
    if cols.is_none() {
        m.unused("tap_cols", &held_cols.q);
    }
    m
}

/// The AND of `flag` over the loops that there are.
fn all_last(levels: &[&Option<Level>], flag: impl Fn(&Level) -> Expr) -> Expr {
    levels
        .iter()
        .filter_map(|level| level.as_ref().map(&flag))
        .reduce(|all, one| all & one)
        .unwrap_or_else(|| lit(1, 1))
}

/// Names the fields of the token. Whether it begins a frame matters here only to swap weights.
fn token_fields(
    m: &mut Module,
    t: &TokenWidths,
    token: &Expr,
    swaps: bool,
) -> impl Fn(&str) -> Expr {
    let named: Vec<(&str, Expr)> = t
        .fields()
        .iter()
        .filter(|(field, _)| swaps || *field != "frame_first")
        .map(|&(field, width)| {
            let net = m.net(&format!("token_{field}"), width, "");
            m.assign(&net, &t.field(token, field));
            (field, net)
        })
        .collect();
    move |wanted| {
        named
            .iter()
            .find(|(field, _)| *field == wanted)
            .map_or_else(
                || unreachable!("no token field {wanted}"),
                |(_, net)| net.clone(),
            )
    }
}

/// An address that runs by steps.
struct Address {
    /// Read by the issue under way.
    now: Reg,
    step: Reg,
    start: Reg,
}

impl Address {
    fn new(m: &mut Module, name: &str, width: usize) -> Self {
        Address {
            now: m.data_reg(&format!("{name}_now"), width, ""),
            step: m.data_reg(&format!("{name}_step"), width, ""),
            start: m.data_reg(&format!("{name}_start"), width, "the pixel's first"),
        }
    }
}

//! The issue loop: one multiplier issue a cycle.

use crate::config::Config;
use crate::delay::delayed;
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

/// What is known of a loop when the hardware is built.
struct LoopShape {
    name: &'static str,
    what: &'static str,
    /// Most turns of a run.
    turns: u64,
    /// The token tells the turns; else they are the layer's.
    by_token: bool,
    /// Runs more than once a pixel: some loop around it turns.
    repeats: bool,
    /// Steps forth and back through an address.
    moves: bool,
}

/// A loop that turns.
struct Level {
    /// Turns after this one.
    left: Reg,
    /// `left` is zero; a register, because everything hangs on it.
    last: Reg,
    /// Turns of a pixel's next run, less one; `None` where a pixel has one run and its token tells.
    again: Option<Expr>,
    /// Keeps what the token told for the next run.
    held: Option<Reg>,
    /// Which way it runs, where it runs both ways.
    forth: Option<Reg>,
}

impl Level {
    /// `None` where the loop never turns.
    fn new(m: &mut Module, config: &mut Config, shape: &LoopShape) -> Option<Self> {
        if shape.turns == 1 {
            return None;
        }
        let LoopShape { name, what, .. } = shape;
        let width = bits_for(shape.turns - 1);
        let (left, last) = (format!("{name}_left"), format!("{name}_last"));
        let comment = format!("{what} after this one");
        let less_1 = format!("{what} of a run, less one");
        let forth = (shape.moves && shape.repeats)
            .then(|| m.reg(&format!("{name}_forth"), 1, 1, "which way it runs"));
        if shape.by_token {
            let held = shape
                .repeats
                .then(|| m.data_reg(&format!("{name}_held"), width, &less_1));
            return Some(Level {
                left: m.data_reg(&left, width, &comment),
                last: m.data_reg(&last, 1, ""),
                again: held.as_ref().map(|held| held.q.clone()),
                held,
                forth,
            });
        }
        let again = config.port(
            m,
            &format!("{name}_less_1"),
            width,
            shape.turns - 1,
            &less_1,
        );
        Some(Level {
            left: m.reg_from(&left, again.clone(), &comment),
            last: m.reg_from(&last, again.is_zero(), ""),
            again: Some(again),
            held: None,
            forth,
        })
    }

    /// One turn on; from the last, the other way round.
    fn turn(&self, b: &mut Body, end: &Expr) {
        let width = self.left.q.width();
        b.set(&self.left.d, &self.left.q.minus(1));
        b.set(&self.last.d, &self.left.q.eq(&lit(1, width)));
        b.when(end, |b| {
            if let Some(again) = &self.again {
                self.load(b, again);
            }
            if let Some(forth) = &self.forth {
                b.set(&forth.d, &!&forth.q);
            }
        });
    }

    fn load(&self, b: &mut Body, turns_less_1: &Expr) {
        b.set(&self.left.d, turns_less_1);
        b.set(&self.last.d, &turns_less_1.is_zero());
    }

    /// Takes the turns of the next pixel from its token.
    fn take(&self, b: &mut Body, turns_less_1: &Expr) {
        self.load(b, turns_less_1);
        if let Some(held) = &self.held {
            b.set(&held.d, turns_less_1);
        }
    }
}

/// The constants of a loop's step in both addresses, forth and, where it runs that way, back.
struct Step {
    grad: Vec<Expr>,
    weight: Vec<Expr>,
}

impl Step {
    /// `grad` and `weight` are what one step forth adds.
    fn new(
        m: &mut Module,
        config: &mut Config,
        shape: &LoopShape,
        ring: Ring,
        weight_width: usize,
        (grad, weight): (u64, u64),
    ) -> Self {
        let ways = if shape.repeats { 2 } else { 1 };
        let mut ports = |address: &str, unit: &str, width: usize, by: u64, size: u64| {
            [
                ("", "to the next", by),
                ("_back", "back to the last", size - by),
            ]
            .into_iter()
            .take(ways)
            .map(|(way, sense, by)| {
                let name = format!("{address}_{}{way}", shape.name);
                let comment = format!("{unit} {sense} of the {}", shape.what);
                config.port(m, &name, width, by % size, &comment)
            })
            .collect()
        };
        Step {
            grad: ports("grad", "words", ring.width, grad, ring.size),
            weight: ports("weight", "weights", weight_width, weight, 1 << weight_width),
        }
    }

    fn take(&self, b: &mut Body, level: &Level, grad: &Expr, weight: &Expr) {
        b.set(grad, &self.grad[0]);
        b.set(weight, &self.weight[0]);
        if let Some(forth) = &level.forth {
            b.when(&!&forth.q, |b| {
                b.set(grad, &self.grad[1]);
                b.set(weight, &self.weight[1]);
            });
        }
    }
}

/// `test`, where there is one, and `level` is at its last turn.
fn and_last(test: Option<Expr>, level: &Level) -> Expr {
    let last = level.last.q.clone();
    match test {
        Some(test) => test & last,
        None => last,
    }
}

/// `if (test) ...`, or without a test where it is always true.
fn where_true(b: &mut Body, test: &Option<Expr>, then: impl FnOnce(&mut Body)) {
    match test {
        Some(test) => b.when(test, then),
        None => then(b),
    }
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

    // Loops, from the innermost to the outermost, and their steps.
    let turns = [
        d.k_blocks,
        d.cols.max_taps,
        d.rows.max_taps,
        d.c_blocks,
        d.group_blocks,
    ];
    let shape = |index: usize, name, what| LoopShape {
        name,
        what,
        turns: turns[index],
        by_token: index == 1 || index == 2,
        repeats: turns[index + 1..].iter().any(|&turns| turns > 1),
        moves: index < 3,
    };
    let shapes = [
        shape(0, "k_blocks", "blocks of K"),
        shape(1, "cols", "tap columns"),
        shape(2, "rows", "tap rows"),
        shape(3, "c_blocks", "blocks of C"),
        shape(4, "groups", "groups"),
    ];
    let levels: Vec<Option<Level>> = shapes
        .iter()
        .map(|shape| Level::new(&mut m, config, shape))
        .collect();
    let [k, cols, rows, c, groups] = [0, 1, 2, 3, 4].map(|index| levels[index].as_ref());
    let by = [
        (1, 1),
        (d.cols.address_tap, d.cols.weight_tap),
        (d.rows.address_tap, d.rows.weight_tap),
    ];
    let steps: Vec<(&Level, Step)> = [k, cols, rows]
        .into_iter()
        .zip(&shapes)
        .zip(by)
        .filter_map(|((level, shape), by)| {
            let step = |_| Step::new(&mut m, config, shape, ring, weight_width, by);
            level.zip(level.map(step))
        })
        .collect();
    let weight_block = (d.c_blocks * d.group_blocks > 1).then(|| {
        config.port(
            &mut m,
            "weight_block",
            weight_width,
            d.block_weights,
            "weights of one block of C",
        )
    });
    let grad_group = groups.map(|_| {
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
        bits_for(d.fifo_results),
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

    // Where a frame begins matters here only to swap weights; taps only where there are several.
    let unnamed: Vec<&str> = [
        ("frame_first", d.two_weight_sets),
        ("tap_rows", rows.is_some()),
        ("tap_cols", cols.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, used)| (!used).then_some(name))
    .collect();
    let field = token_fields(&mut m, t, &token, &unnamed);
    let go = m.net("go", 1, "issue in this cycle");
    // What the rest of the loop hangs on is worked out one cycle ahead.
    let ends_acc = m.data_reg("ends_acc", 1, "last issue of an accumulation");
    let ends_pixel = m.data_reg("ends_pixel", 1, "last issue of a pixel");
    let acc_end = ends_acc.q.clone();
    let group_end = match c {
        Some(c) => and_last(Some(acc_end.clone()), c),
        None => acc_end.clone(),
    };
    let done = m.net("done", 1, "last issue of the pixel");
    let vacant = m.net("vacant", 1, "the loop has no pixel after this cycle");
    let load = m.net("load", 1, "the next pixel enters");
    m.comb(|b| {
        b.set(
            &go,
            &(&active.q & (!&starts.q | (&credit_ok.q & !avail.q.msb()))),
        );
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
        if steps.is_empty() {
            b.set(&grad.step.d, &lit(0, ring.width));
            b.set(&weight.step.d, &lit(0, weight_width));
        }
        // The innermost loop first, each outer one over it where the inner ones end.
        let mut inner = None;
        for (level, step) in &steps {
            where_true(b, &inner, |b| {
                step.take(b, level, &grad.step.d, &weight.step.d);
            });
            inner = Some(and_last(inner, level));
        }
        if let Some(weight_block) = &weight_block {
            b.when(&acc_end, |b| {
                b.set(&grad.step.d, &lit(0, ring.width));
                b.set(&weight.step.d, weight_block);
                if let Some(grad_group) = &grad_group {
                    b.when(&group_end, |b| b.set(&grad.step.d, grad_group));
                }
            });
        }
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
            // The tap loops turn where those inside them end, the outer two where an accumulation
            // does.
            for (mut inner, loops) in [
                (None, vec![k, cols, rows]),
                (Some(acc_end.clone()), vec![c, groups]),
            ] {
                for level in loops.into_iter().flatten() {
                    let end = and_last(inner.clone(), level);
                    where_true(b, &inner, |b| level.turn(b, &end));
                    inner = Some(end);
                }
            }
            if let Some(first) = &first_block {
                b.when(&acc_end, |b| b.set(&first.d, &lit(0, 1)));
            }
        });
        b.comment("A pixel enters; what it brings may be taken before it is known to be there.");
        b.when(&done, |b| {
            for forth in levels.iter().flatten().filter_map(|l| l.forth.as_ref()) {
                b.set(&forth.d, &lit(1, 1));
            }
        });
        b.when(&vacant, |b| {
            b.set(&active.d, &token_valid);
            b.set(&starts.d, &lit(1, 1));
            if let Some(in_frame) = &in_frame {
                b.when(&held_last.q, |b| b.set(&in_frame.d, &lit(0, 1)));
                b.when(&token_valid, |b| b.set(&in_frame.d, &lit(1, 1)));
            }
            b.set(&held_free.d, &field("free"));
            b.set(&held_last.d, &(&token_valid & field("frame_last")));
            if let Some(cols) = cols {
                cols.take(b, &field("tap_cols"));
            }
            if let Some(rows) = rows {
                rows.take(b, &field("tap_rows"));
            }
            if let (Some(first), Some(held)) = (&first_block, &held_skip) {
                b.set(&first.d, &lit(1, 1));
                b.set(&held.d, &field("skip"));
            }
        });
        b.set(&ends_acc.d, &all_last(&levels[..3]));
        b.set(&ends_pixel.d, &all_last(&levels));
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
    let first_flag = delayed(&mut m, "first", &starts.q, ISSUE_CYCLES, false);
    let ends = m.net("ends", 1, "an accumulation ends");
    let frame_ends = m.net("frame_ends", 1, "");
    m.comb(|b| {
        b.set(&ends, &(&go & &acc_end));
        b.set(&frame_ends, &(&done & &held_last.q));
    });
    let last_flag = delayed(&mut m, "last", &ends, ISSUE_CYCLES, true);
    let frame_flag = delayed(&mut m, "frame_last", &frame_ends, ISSUE_CYCLES, false);
    m.assign(&acc_first, &first_flag);
    m.assign(&acc_last, &last_flag);
    m.assign(&frame_last, &frame_flag);
    match &weight_set {
        Some(set) => {
            let set_flag = delayed(&mut m, "set", set, ISSUE_CYCLES, false);
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
    for name in unnamed {
        m.unused(name, &t.field(&token, name));
    }
    m
}

/// Whether all loops that there are will be at their last turn.
fn all_last(levels: &[Option<Level>]) -> Expr {
    levels
        .iter()
        .flatten()
        .map(|level| level.last.d.clone())
        .reduce(|all, one| all & one)
        .unwrap_or_else(|| lit(1, 1))
}

/// Names the fields of the token but for those that this layer has no use for.
fn token_fields(
    m: &mut Module,
    t: &TokenWidths,
    token: &Expr,
    unnamed: &[&str],
) -> impl Fn(&str) -> Expr {
    let named: Vec<(&str, Expr)> = t
        .fields()
        .iter()
        .filter(|(field, _)| !unnamed.contains(field))
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

//! The issue loop: one multiplier issue a cycle.

mod loops;
mod places;
mod steps;

use crate::config::Config;
use crate::delay::delayed;
use crate::descriptor::Descriptor;
use crate::ring::Ring;
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use crate::token::TokenWidths;
use loops::{all_last, shapes, Level};
use places::Places;
use steps::{Step, Steps};

const DOC: &str = "\
Issue loop. For each pixel token: blocks of C, tap rows, tap columns, blocks of K; one issue a
cycle, each a line-buffer read and a weight read. Each loop runs forth and back in turn, so that
every step of an address is one constant and no loop has a start to return to: the order within
an accumulation does not change an exact sum.

Three steps: the loops stand one issue ahead and name the next one; that one waits in `next_*`
with its constants; when it goes, the addresses take them.

A pixel enters the loops when its grad_output has arrived (its token says so). An accumulation
(all taps and blocks of K of one block of C) starts when the output FIFO has a free place; once
started it never stalls, so nothing behind this block knows of stalls.

Promise: addresses and flags are registers, two cycles behind `go`; `acc_first` and `acc_last`
mark an accumulation's first and last issue; the next pixel follows the last issue of the one
before without a gap when its token and a place in the FIFO are there. `free_pixels` counts the
pixels of grad_output that are dead once the reads already issued are done.";

/// Cycles from an issue's going to its addresses.
pub const ISSUE_CYCLES: usize = 2;

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
    let slot_bits = bits_for(d.fifo_results - 1);
    let token_valid = m.input("token_valid", 1, "its data and a whole set of weights are there");
    let token_ready = m.output("token_ready", 1, "");
    let token = m.input("token", t.bits(), "");
    let weight_set = d
        .two_weight_sets
        .then(|| m.input("weight_set", 1, "set of weights in use"));
    let frame_state = match d.two_weight_sets {
        true => m.output("frame_start", 1, "a frame's first issue is the next"),
        false => m.output("frame_busy", 1, "a frame is being or about to be issued"),
    };
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
            m.output("skip_slot", slot_bits, "its place in the output FIFO"),
            m.output("skip_beats", width, "beats without a tap ahead of its result"),
        )
    });

    // Loops, from the innermost to the outermost, and their steps.
    let shapes = shapes(d);
    let levels: Vec<Option<Level>> = shapes
        .iter()
        .map(|shape| Level::new(&mut m, config, shape))
        .collect();
    let taps = [
        (1, 1),
        (d.cols.address_tap, d.cols.weight_tap),
        (d.rows.address_tap, d.rows.weight_tap),
    ];
    let mut turning: Vec<(&Level, Steps)> = levels
        .iter()
        .zip(&shapes)
        .zip(taps)
        .filter_map(|((level, shape), by)| {
            let level = level.as_ref()?;
            let steps = Steps::of_taps(&mut m, config, shape, ring, weight_width, by);
            Some((level, steps))
        })
        .collect();
    let around = d.c_blocks * d.group_blocks > 1;
    let weight_block = around.then(|| {
        let comment = "weights of one block of C";
        config.port(&mut m, "weight_block", weight_width, d.block_weights, comment)
    });
    if let Some(weight_block) = &weight_block {
        let by_block = |grad| Steps::of_blocks(grad, weight_block.clone());
        if let Some(c) = &levels[3] {
            turning.push((c, by_block(lit(0, ring.width))));
        }
        if let Some(groups) = &levels[4] {
            let comment = "words to the next group";
            let grad = config.port(&mut m, "grad_group", ring.width, d.k_blocks, comment);
            turning.push((groups, by_block(grad)));
        }
    }

    // Where a frame begins matters here only to swap weights; taps only where there are several.
    // The data has arrived by then.
    let unnamed: Vec<&str> = [
        ("need", false),
        ("frame_first", d.two_weight_sets),
        ("tap_rows", levels[2].is_some()),
        ("tap_cols", levels[1].is_some()),
    ]
    .into_iter()
    .filter_map(|(name, used)| (!used).then_some(name))
    .collect();
    let field = token_fields(&mut m, t, &token, &unnamed);

    let active = m.reg("active", 1, 0, "a pixel is in the loops");
    let next_valid = m.reg("next_valid", 1, 0, "an issue waits to go");
    let next_first = m.data_reg("next_first", 1, "it is an accumulation's first");
    let places_all = config.port(
        &mut m,
        "fifo_results",
        bits_for(d.fifo_results),
        d.fifo_results,
        "results that the output FIFO holds",
    );
    let places = Places::new(&mut m, &places_all);
    let go = m.net("go", 1, "the issue that waits goes");
    let advance = m.net("advance", 1, "the loops' issue takes its place");
    let turn = m.net("turn", 1, "and the loops go to the next");
    let start = m.net("start", 1, "an accumulation starts");
    let acc_end = m.net("acc_end", 1, "the loops stand at an accumulation's last issue");
    let pixel_end = m.net("pixel_end", 1, "and at a pixel's");
    let vacant = m.net("vacant", 1, "the loops have no pixel after this cycle");
    let load = m.net("load", 1, "the next pixel enters them");
    m.comb(|b| {
        b.comment("What moves in this cycle.");
        b.set(&go, &(&next_valid.q & (!&next_first.q | places.some())));
        b.set(&start, &(&next_valid.q & &next_first.q & places.some()));
        b.set(&advance, &(&go | !&next_valid.q));
        b.set(&turn, &(&advance & &active.q));
        b.set(&acc_end, &all_last(levels[..3].iter().flatten()));
        b.set(&pixel_end, &all_last(levels.iter().flatten()));
        b.set(&vacant, &(!&active.q | (&advance & &pixel_end)));
        b.set(&load, &(&vacant & &token_valid));
    });

    // The pixel in the loops.
    let at_first = m.data_reg("at_first", 1, "at the pixel's first issue");
    let acc_start = m.data_reg("acc_start", 1, "at an accumulation's first issue");
    let held = Pixel::new(&mut m, "held");
    let start_grad = m.data_reg("start_grad", ring.width, "address of the pixel's first tap");
    let start_weight = m.data_reg("start_weight", t.weight, "");
    let frame_first = d
        .two_weight_sets
        .then(|| m.data_reg("held_frame_first", 1, "a frame's first pixel"));
    let turned = Turned::new(&mut m, &turning);
    m.comb(|b| {
        b.comment("The loops: one turns where all inside it end.");
        b.when(&turn, |b| {
            b.set(&at_first.d, &lit(0, 1));
            b.set(&acc_start.d, &acc_end);
            turned.turn(b, &turning);
        });
        b.comment("A pixel enters; what it brings may be taken before it is known to be there.");
        b.when(&vacant, |b| {
            b.set(&active.d, &token_valid);
            b.set(&at_first.d, &lit(1, 1));
            b.set(&acc_start.d, &lit(1, 1));
            b.set(&start_grad.d, &field("address"));
            b.set(&start_weight.d, &field("weight"));
            held.take(b, &field);
            if let Some(frame_first) = &frame_first {
                b.set(&frame_first.d, &field("frame_first"));
            }
            let told = [None, Some("tap_cols"), Some("tap_rows"), None, None];
            for (level, told) in levels.iter().zip(told) {
                if let Some(level) = level {
                    level.enter(b, told.map(&field).as_ref());
                }
            }
        });
    });

    // The issue that waits.
    let next = Pixel::new(&mut m, "next");
    let next_last = m.data_reg("next_last", 1, "it is an accumulation's last");
    let next_done = m.data_reg("next_done", 1, "and its pixel's");
    let next_fresh = m.data_reg("next_fresh", 1, "its address is a start, not a step");
    let next_grad = m.data_reg("next_grad", ring.width, "words to it");
    let next_wrapped = m.data_reg("next_wrapped", ring.width + 1, "less a whole line buffer");
    let next_weight = m.data_reg("next_weight", weight_width, "");
    let size = ring.port(&mut m, config);
    let less = |grad: &Expr| grad.zext(ring.width + 1) - &size;
    m.comb(|b| {
        b.comment("The issue that goes next and how its addresses come from those of the one before.");
        b.when(&advance, |b| {
            b.set(&next_valid.d, &active.q);
            b.set(&next_first.d, &acc_start.q);
            b.set(&next_last.d, &acc_end);
            b.set(&next_done.d, &pixel_end);
            b.set(&next_fresh.d, &at_first.q);
            next.copy(b, &held);
            turned.steps(b, &turning, &|b, step| {
                b.set(&next_grad.d, &step.grad);
                b.set(&next_wrapped.d, &less(&step.grad));
                b.set(&next_weight.d, &step.weight);
            });
            b.when(&at_first.q, |b| {
                b.set(&next_grad.d, &start_grad.q);
                b.set(&next_wrapped.d, &less(&lit(0, ring.width)));
                b.set(&next_weight.d, &start_weight.q.zext(weight_width));
            });
        });
    });

    let now_grad = m.data_reg("now_grad", ring.width, "");
    let now_weight = m.data_reg("now_weight", weight_width, "");
    let out_grad = m.data_reg("out_grad", ring.width, "");
    let out_weight = m.data_reg("out_weight", weight_width, "");
    let from_grad = m.net("from_grad", ring.width + 1, "");
    let sum = m.net("sum", ring.width + 1, "");
    let wrapped = m.net("wrapped", ring.width + 1, "negative: no wrap is due");
    m.comb(|b| {
        b.comment("The addresses take the step; the ones in use go on to the memories.");
        let stays = !&next_fresh.q;
        b.set(&from_grad, &now_grad.q.gated(&stays).zext(ring.width + 1));
        b.set(&sum, &(&from_grad + next_grad.q.zext(ring.width + 1)));
        b.set(&wrapped, &(&from_grad + &next_wrapped.q));
        b.when(&go, |b| {
            b.select(
                &now_grad.d,
                &wrapped.msb(),
                &sum.slice(0, ring.width),
                &wrapped.slice(0, ring.width),
            );
            b.set(&now_weight.d, &(now_weight.q.gated(&stays) + &next_weight.q));
        });
        b.set(&out_grad.d, &now_grad.q);
        b.set(&out_weight.d, &now_weight.q);
    });
    m.unused("sum_carry", &sum.msb());

    // Whether a frame is under way, and what is dead behind it.
    let in_frame = (!d.two_weight_sets).then(|| m.reg("in_frame", 1, 0, ""));
    let out_free = m.reg("out_free", t.free, 0, "the last read of these is on its way");
    let done = m.net("done", 1, "a pixel's last issue goes");
    let free_row_end = config.port(
        &mut m,
        "free_row_end",
        t.free,
        d.cols.rest,
        "pixels freed at the end of a row that closes one",
    );
    let free_frame_end = config.port(
        &mut m,
        "free_frame_end",
        t.free,
        d.rows.rest,
        "pixels freed at the end of a frame",
    );
    m.comb(|b| {
        b.set(&done, &(&go & &next_done.q));
        b.comment("Pixels of grad_output that nothing reads any more.");
        b.set(&out_free.d, &lit(0, t.free));
        b.when(&done, |b| {
            b.set(
                &out_free.d,
                &(next.closes.q.zext(t.free)
                    + free_row_end.gated(&next.closes_row.q)
                    + free_frame_end.gated(&next.frame_last.q)),
            );
        });
        if let Some(in_frame) = &in_frame {
            b.comment("A frame is under way until its last issue goes, unless the next is there.");
            b.when(&(&done & &next.frame_last.q & !&active.q), |b| {
                b.set(&in_frame.d, &lit(0, 1));
            });
            b.when(&load, |b| b.set(&in_frame.d, &lit(1, 1)));
        }
        b.comment("Places in the output FIFO, taken at the start of an accumulation.");
        places.step(b, &start, &taken);
    });

    if let Some((skip_write, skip_slot, skip_beats)) = &skip_ports {
        let width = skip_beats.width();
        let write = m.reg("skip_write", 1, 0, "");
        let next_slot = m.reg("next_slot", slot_bits, 0, "place of the next accumulation");
        let slot = m.data_reg("slot", slot_bits, "");
        let beats = m.data_reg("skip", width, "");
        let held_skip = m.data_reg("held_skip", width, "");
        let next_skip = m.data_reg("next_skip", width, "");
        m.comb(|b| {
            b.comment("Beats without a tap ahead of the pixel go with its first accumulation.");
            b.when(&vacant, |b| b.set(&held_skip.d, &field("skip")));
            b.when(&advance, |b| {
                b.set(&next_skip.d, &held_skip.q.gated(&at_first.q));
            });
            b.set(&write.d, &start);
            b.set(&slot.d, &next_slot.q);
            b.set(&beats.d, &next_skip.q);
            b.when(&start, |b| b.set(&next_slot.d, &next_slot.q.plus(1)));
        });
        m.assign(skip_write, &write.q);
        m.assign(skip_slot, &slot.q);
        m.assign(skip_beats, &beats.q);
    }

    // Flags keep step with the addresses.
    let first_flag = delayed(&mut m, "first", &next_first.q, ISSUE_CYCLES, false);
    let ends = m.net("ends", 1, "an accumulation ends");
    m.comb(|b| b.set(&ends, &(&go & &next_last.q)));
    let last_flag = delayed(&mut m, "last", &ends, ISSUE_CYCLES, true);
    let frame_ends = m.net("frame_ends", 1, "");
    m.comb(|b| b.set(&frame_ends, &(&next_done.q & &next.frame_last.q)));
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
    match (&in_frame, &frame_first) {
        (Some(in_frame), _) => m.assign(&frame_state, &(&in_frame.q | &load)),
        (None, Some(first)) => {
            m.assign(&frame_state, &(&advance & &active.q & &at_first.q & &first.q));
        }
        (None, None) => unreachable!("two sets hold a frame's first pixel"),
    }
    m.assign(&free_pixels, &out_free.q);
    m.assign(&grad_address, &out_grad.q);
    for name in unnamed {
        m.unused(name, &t.field(&token, name));
    }
    m
}

/// What is known of the pixel that an issue belongs to.
struct Pixel {
    closes: Reg,
    closes_row: Reg,
    frame_last: Reg,
}

impl Pixel {
    fn new(m: &mut Module, whose: &str) -> Self {
        let mut flag = |name: &str, comment: &str| m.data_reg(&format!("{whose}_{name}"), 1, comment);
        Pixel {
            closes: flag("closes", "a pixel of grad_output is dead after it"),
            closes_row: flag("closes_row", "so is what is left of a row"),
            frame_last: flag("frame_last", "last pixel of the frame"),
        }
    }

    fn flags(&self) -> [(&'static str, &Reg); 3] {
        [
            ("closes", &self.closes),
            ("closes_row", &self.closes_row),
            ("frame_last", &self.frame_last),
        ]
    }

    fn take(&self, b: &mut Body, field: &impl Fn(&str) -> Expr) {
        for (name, flag) in self.flags() {
            b.set(&flag.d, &field(name));
        }
    }

    fn copy(&self, b: &mut Body, from: &Pixel) {
        for ((_, flag), (_, from)) in self.flags().into_iter().zip(from.flags()) {
            b.set(&flag.d, &from.q);
        }
    }
}

/// Which loop turned last, and which way.
struct Turned {
    /// Its place among those that turn; `None` where there are not two.
    level: Option<Reg>,
    back: Option<Reg>,
}

impl Turned {
    fn new(m: &mut Module, turning: &[(&Level, Steps)]) -> Self {
        let bits = bits_for((turning.len() as u64).saturating_sub(1));
        let backs = turning.iter().any(|(level, _)| level.back().is_some());
        Turned {
            level: (turning.len() > 1).then(|| m.data_reg("turned", bits, "loop that turned last")),
            back: backs.then(|| m.data_reg("turned_back", 1, "and it ran back")),
        }
    }

    /// Turns the loops: each one where all inside it are at their last turn.
    fn turn(&self, b: &mut Body, turning: &[(&Level, Steps)]) {
        self.turn_from(b, turning, 0);
    }

    fn turn_from(&self, b: &mut Body, turning: &[(&Level, Steps)], index: usize) {
        let Some((level, _)) = turning.get(index) else {
            return;
        };
        level.turn(b);
        if let Some(turned) = &self.level {
            b.set(&turned.d, &lit(index as u64, turned.q.width()));
        }
        if let Some(back) = &self.back {
            b.set(&back.d, &level.back().unwrap_or_else(|| lit(0, 1)));
        }
        if index + 1 < turning.len() {
            b.when(&level.last(), |b| self.turn_from(b, turning, index + 1));
        }
    }

    /// Chooses the step of the loop that turned.
    fn steps(&self, b: &mut Body, turning: &[(&Level, Steps)], take: &dyn Fn(&mut Body, &Step)) {
        let of = |b: &mut Body, index: usize| {
            let (_, steps) = &turning[index];
            take(b, &steps.forth);
            if let (Some(back), Some(ran_back)) = (&steps.back, &self.back) {
                b.when(&ran_back.q, |b| take(b, back));
            }
        };
        match &self.level {
            Some(turned) => b.case(&turned.q, turning.len(), of),
            None if turning.is_empty() => {}
            None => of(b, 0),
        }
    }
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

//! The issue loop: one multiplier issue a cycle.

mod ends;
mod loops;
mod steps;

use crate::config::capacity::Capacity;
use crate::config::descriptor::Descriptor;
use crate::config::inputs::Config;
use crate::primitives::carry_adders::{started_sum, Started};
use crate::primitives::credit_counter::CreditCounter;
use crate::primitives::delay::delayed;
use crate::primitives::paged_memory::LoadBus;
use crate::primitives::ring::Ring;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};
use crate::walk::TokenWidths;
use ends::Ends;
use loops::{shapes, Level, LoopShape};
use steps::{ByTurn, Grad, Step, Steps, TurnTable};

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
mark an accumulation's first and last issue (`acc_first` has a meaning only where something is
issued); the next pixel follows the last issue of the one
before without a gap when its token and a place in the FIFO are there. `free_pixels` counts the
pixels of grad_output that are dead once the reads already issued are done.";

const FREE_WORDS_DOC: &str = "

`free_pixels` is in words here, less one.";

/// Cycles from an issue's going to its addresses.
pub const ISSUE_CYCLES: usize = 2;
/// Cycles from a token's leaving the queue to its first issue's going.
pub const LOAD_CYCLES: usize = 2;
/// Cycles from a place's being given back to the accumulation that may start by it.
pub const PLACE_CYCLES: usize = 1;
/// Cycles from a pixel's last issue's going to `free_less_1` telling what is dead behind it.
pub const FREE_CYCLES: usize = 1;
/// Cycles from an accumulation's start to `skip_write`.
pub const SKIP_CYCLES: usize = 1;
/// Cycles from a token's leaving the queue to `frame_busy`.
pub const BUSY_CYCLES: usize = 2;
/// Bits that tell the ways that loops turn: five loops, three of them forth and back.
pub const TURN_BITS: usize = 3;

/// Builds the loop. `weight_width` is the width of a weight address within a set.
pub fn issue_loop(
    name: &str,
    capacity: &Capacity,
    t: &TokenWidths,
    weight_width: usize,
    target: Target,
    config: &mut Config,
) -> Module {
    let free_doc = if capacity.whole_ring {
        FREE_WORDS_DOC
    } else {
        ""
    };
    let mut m = Module::new(name, format!("{DOC}{free_doc}"));
    m.clocked();
    let sets = usize::from(capacity.two_weight_sets);
    // Addresses are a block of K in the low bits, where that can be, and what the steps add to.
    let low = capacity.k_block_bits;
    let ring = Ring::of_issue(capacity);
    // Where the line buffer is a constant and no power of two, addresses are signed within a pixel, from its first tap
    // down, and wrapped once, on their way out.
    let signed = ring.is_odd() && !capacity.told;
    let grad_bits = ring.width + usize::from(signed);
    // None where a block of K is a weight's whole address.
    let upper = (weight_width > low).then(|| weight_width - low);
    let token_valid = m.input(
        "token_valid",
        1,
        "its data and a whole set of weights are there",
    );
    let token_ready = m.output("token_ready", 1, "");
    let token = m.input("token", t.bits(), "");
    let weight_set = capacity
        .two_weight_sets
        .then(|| m.input("weight_set", 1, "set of weights in use"));
    let frame_state = match capacity.two_weight_sets {
        true => m.output("frame_start", 1, "a frame's first issue is the next"),
        false => m.output(
            "frame_busy",
            1,
            "a pixel entered two cycles ago, and its frame is not done",
        ),
    };
    let free_less_1 = m.output("free_less_1", t.free, "dead as of now, less one");
    let taken = m.input("taken", 1, "one more place in the output FIFO is free");
    let grad_address = m.output("grad_address", low + ring.width, "line-buffer read");
    let weight_address = m.output("weight_address", weight_width + sets, "weight read");
    let acc_first = m.output("acc_first", 1, "");
    let acc_last = m.output("acc_last", 1, "low while nothing is issued");
    let frame_last = m.output("frame_last", 1, "with acc_last: last result of a frame");
    let skip_ports = t.skip.map(|width| {
        (
            m.output("skip_write", 1, "an accumulation starts"),
            m.output(
                "skip_beats",
                width,
                "beats without a tap ahead of its result",
            ),
        )
    });

    // Loops, from the innermost to the outermost, and their steps.
    let shapes = shapes(capacity);
    let levels: Vec<Option<Level>> = shapes
        .iter()
        .map(|shape| Level::new(&mut m, config, shape, (capacity, target)))
        .collect();
    let taps: [ByTurn; 3] = [
        |_| (1, 1),
        |d| (d.cols.address_tap, d.cols.weight_tap),
        |d| (d.rows.address_tap, d.rows.weight_tap),
    ];
    let turning: Vec<&Level> = levels.iter().flatten().collect();
    let steps = (!capacity.told).then(|| {
        steps(
            &mut m,
            config,
            capacity,
            (&levels, &shapes),
            (
                Grad {
                    ring,
                    bits: grad_bits,
                },
                upper,
            ),
            taps,
        )
    });

    // Where a frame begins matters here only to swap weights; taps only where there are several,
    // and so do weights. The data has arrived by then.
    let unnamed: Vec<&str> = [
        ("weight", upper.is_some()),
        ("need", false),
        ("frame_first", capacity.two_weight_sets),
        ("tap_rows", levels[2].is_some()),
        ("tap_cols", levels[1].is_some()),
    ]
    .into_iter()
    .filter_map(|(name, used)| (!used).then_some(name))
    .collect();
    let field = token_fields(&mut m, t, &token, &unnamed);

    let active = m.reg("active", 1, 0, "a pixel is in the loops");
    let next_valid = m.reg("next_valid", 1, 0, "an issue waits to go");
    let next_first = m.reg("next_first", 1, 0, "it is an accumulation's first");
    let places_all = config.hardware(
        &mut m,
        "fifo_results",
        bits_for(capacity.fifo_results),
        capacity.fifo_results,
        "results that the output FIFO holds",
    );
    let names = ["places", "place_free"];
    let places = CreditCounter::full(&mut m, names, &places_all, "free places in the output FIFO");
    // All else hangs on it, so it is known a cycle ahead.
    let blocked = m.reg("blocked", 1, 0, "that issue is a start without a place");
    let go = m.net("go", 1, "the issue that waits goes");
    let advance = m.net("advance", 1, "the loops' issue takes its place");
    let turn = m.net("turn", 1, "and the loops go to the next");
    let start = m.net("start", 1, "an accumulation starts");
    let ends = Ends::new(&mut m, &levels, capacity);
    let (acc_end, pixel_end) = (ends.acc.clone(), ends.pixel.clone());
    let vacant = m.net("vacant", 1, "the loops have no pixel after this cycle");
    let load = m.net("load", 1, "the next pixel enters them");
    m.comb(|b| {
        b.comment("What moves in this cycle.");
        b.set(&go, &(&next_valid.q & !&blocked.q));
        b.set(&advance, &!&blocked.q);
        b.set(&start, &(&advance & &next_first.q));
        b.set(&turn, &(&advance & &active.q));
        b.set(&vacant, &(!&active.q | (&advance & &pixel_end)));
        b.set(&load, &(&vacant & &token_valid));
    });

    // The pixel in the loops.
    let at_first = m.data_reg("at_first", 1, "at the pixel's first issue");
    let acc_start = m.data_reg("acc_start", 1, "at an accumulation's first issue");
    let held = Pixel::new(&mut m, "held", t.free);
    let start_grad = m.data_reg("start_grad", t.address, "address of the pixel's first tap");
    let start_weight = upper.map(|_| m.data_reg("start_weight", t.weight, ""));
    let frame_first = capacity
        .two_weight_sets
        .then(|| m.data_reg("held_frame_first", 1, "a frame's first pixel"));
    let mut bus = None;
    let turned = match steps {
        Some(steps) => Turned::new(&mut m, &turning, steps),
        None => {
            let [k, cols, rows] = taps;
            let by: [ByTurn; 5] = [
                k,
                cols,
                rows,
                |d| (0, d.block_weights),
                |d| (d.k_blocks as i64, d.block_weights),
            ];
            let turn = levels.iter().zip(by);
            let by: Vec<ByTurn> = turn
                .filter_map(|(level, by)| level.as_ref().map(|_| by))
                .collect();
            let bus = bus.insert(LoadBus::declare(&mut m, config, capacity.entry_bits()));
            Turned::Table(TurnTable::new(
                &mut m,
                config,
                bus,
                (&turning, &by),
                ring,
                weight_width,
            ))
        }
    };
    m.comb(|b| {
        b.comment("The loops: one turns where all inside it end.");
        b.when(&turn, |b| {
            b.set(&at_first.d, &lit(0, 1));
            b.set(&acc_start.d, &acc_end);
            turned.turn(b, &turning, &ends);
        });
        ends.step(b, &levels, &turn);
        b.comment("A pixel enters; what it brings may be taken before it is known to be there.");
        b.when(&vacant, |b| {
            b.set(&active.d, &token_valid);
            b.set(&at_first.d, &lit(1, 1));
            b.set(&acc_start.d, &lit(1, 1));
            b.set(&start_grad.d, &field("address"));
            if let Some(start_weight) = &start_weight {
                b.set(&start_weight.d, &field("weight"));
            }
            held.take(b, &field);
            if let Some(frame_first) = &frame_first {
                b.set(&frame_first.d, &field("frame_first"));
            }
            let told = [None, Some("tap_cols"), Some("tap_rows"), None, None];
            let told = told.map(|name| name.filter(|name| !unnamed.contains(name)).map(&field));
            for (level, told) in levels.iter().zip(&told) {
                if let Some(level) = level {
                    level.enter(b, told.as_ref());
                }
            }
            ends.enter(b, &levels, &told);
        });
    });

    // The issue that waits.
    let next = Pixel::new(&mut m, "next", t.free);
    let next_last = m.reg("next_last", 1, 0, "it is an accumulation's last");
    let next_done = m.reg("next_done", 1, 0, "and its pixel's");
    let next_fresh = m.data_reg("next_fresh", 1, "its address is a start, not a step");
    let next_grad = m.data_reg("next_grad", grad_bits, "words to it");
    let next_wrapped = (ring.is_odd() && capacity.told)
        .then(|| m.data_reg("next_wrapped", ring.width + 1, "less a whole line buffer"));
    let next_weight = upper.map(|upper| m.data_reg("next_weight", upper, ""));
    let starts = Starts::new(
        &mut m,
        (ring, grad_bits),
        upper,
        next_wrapped.as_ref().map(|_| &next_fresh.q),
    );
    let k_block = match &levels[0] {
        // From the last block to the first: their order does not matter.
        Some(k) if low > 0 => Some((k.left(), m.data_reg("next_k_block", low, ""))),
        _ => None,
    };
    let size = ring.size(&mut m, config);
    m.comb(|b| {
        b.comment(
            "The issue that goes next and how its addresses come from those of the one before.",
        );
        b.when(&advance, |b| {
            b.set(&next_valid.d, &active.q);
            b.set(&next_first.d, &(&active.q & &acc_start.q));
            b.set(&next_last.d, &(&active.q & &acc_end));
            b.set(&next_done.d, &(&active.q & &pixel_end));
            b.set(&next_fresh.d, &at_first.q);
            next.copy(b, &held);
            if let Some((index, next)) = &k_block {
                b.set(&next.d, index);
            }
            match &turned {
                Turned::Table(table) => {
                    b.set(&next_grad.d, &table.grad);
                    if let Some(next) = &next_weight {
                        b.set(&next.d, &table.weight);
                    }
                    if let (Some(next), Some(step)) = (&next_wrapped, &table.wrapped) {
                        b.set(&next.d, step);
                    }
                }
                Turned::Ports { .. } => turned.take(b, &|b, step| {
                    b.set(&next_grad.d, &step.grad);
                    if let (Some(next), Some(step)) = (&next_weight, &step.weight) {
                        b.set(&next.d, step);
                    }
                }),
            }
            // The walk counts in larger units.
            place(
                b,
                &starts.grad.d,
                capacity.walk_unit_bits - low,
                &start_grad.q,
            );
            if let (Some(start), Some(held)) = (&starts.weight, &start_weight) {
                place(b, &start.d, capacity.tap_unit_bits - low, &held.q);
            }
            b.comment("A step is zero where the sum begins anew, a start elsewhere.");
            b.when_else(
                &at_first.q,
                |b| {
                    let steps = [
                        Some(&next_grad),
                        next_weight.as_ref(),
                        next_wrapped.as_ref(),
                    ];
                    for next in steps.into_iter().flatten() {
                        b.set(&next.d, &lit(0, next.q.width()));
                    }
                },
                |b| starts.none(b),
            );
        });
    });

    let now_grad = m.data_reg("now_grad", grad_bits, "");
    let now_weight = upper.map(|upper| m.data_reg("now_weight", upper, ""));
    let out_grad = m.data_reg("out_grad", low + ring.width, "");
    let out_weight = m.data_reg("out_weight", weight_width, "");
    let wide = ring.width + 1;
    let fresh = &next_fresh.q;
    let mut add = |name: &str, start: &Expr, from: &Expr, step: &Expr| {
        let operands = Started {
            fresh,
            start,
            from,
            step,
        };
        started_sum(&mut m, name, operands, target)
    };
    let grad_sum = add("grad_sum", &starts.grad.q, &now_grad.q, &next_grad.q);
    let grad_wrapped = next_wrapped
        .as_ref()
        .zip(starts.wrapped.as_ref())
        .map(|(next, begins)| add("grad_wrapped", begins, &now_grad.q.zext(wide), &next.q));
    let weight_sum = now_weight
        .zip(next_weight.as_ref())
        .zip(starts.weight.as_ref())
        .map(|((now, next), start)| {
            let sum = add("weight_sum", &start.q, &now.q, &next.q);
            (now, sum)
        });
    let grad_out = match (&size, signed) {
        (Some(size), true) => {
            let out = m.net("grad_out", grad_bits, "wrapped");
            m.assign(&out, &(&now_grad.q + size.gated(&now_grad.q.msb())));
            m.unused("grad_out_sign", &out.msb());
            out.slice(0, ring.width)
        }
        _ => now_grad.q.clone(),
    };
    let now_k_block = k_block
        .as_ref()
        .map(|(_, next)| (next.q.clone(), m.data_reg("now_k_block", low, "")));
    m.comb(|b| {
        b.comment("The addresses take the step; the ones in use go on to the memories.");
        b.when(&go, |b| {
            b.set(&now_grad.d, &grad_sum);
            if let Some(wrapped) = &grad_wrapped {
                b.when(&!wrapped.msb(), |b| {
                    b.set(&now_grad.d, &wrapped.slice(0, ring.width));
                });
            }
            if let Some((now, sum)) = &weight_sum {
                b.set(&now.d, sum);
            }
            if let Some((next, now)) = &now_k_block {
                b.set(&now.d, next);
            }
        });
        b.set_slice(&out_grad.d, low, &grad_out);
        if let Some((now, _)) = &weight_sum {
            b.set_slice(&out_weight.d, low, &now.q);
        }
        if let Some((_, now)) = &now_k_block {
            b.set_slice(&out_grad.d, 0, &now.q);
            b.set_slice(&out_weight.d, 0, &now.q);
        }
    });

    // Whether a frame is under way, and what is dead behind it.
    let in_frame = (!capacity.two_weight_sets).then(|| {
        let entered = m.reg("entered", 1, 0, "a pixel did, in the cycle before");
        (m.reg("in_frame", 1, 0, ""), entered)
    });
    let none_free = lit(1, 1).sext(t.free);
    let comment = "less one: the last read of these is on its way";
    let out_free = m.reg_from("out_free", none_free.clone(), comment);
    let done = m.net("done", 1, "a pixel's last issue goes");
    if let Some(bus) = bus {
        bus.close(&mut m);
    }
    m.comb(|b| {
        b.set(&done, &(&advance & &next_done.q));
        b.comment("Pixels of grad_output that nothing reads any more.");
        b.set(&out_free.d, &none_free);
        b.when(&done, |b| b.set(&out_free.d, &next.free.q));
        if let Some((in_frame, entered)) = &in_frame {
            b.comment("A frame is under way until its last issue goes, unless the next is there.");
            let over = &done & &next.frame_last.q & !&active.q;
            b.set(&entered.d, &load);
            b.set(&in_frame.d, &(&entered.q | (&in_frame.q & !over)));
        }
        b.comment("Places in the output FIFO, taken at the start of an accumulation.");
        places.step(b, &taken, &start);
        let starts_next = &blocked.q | (&active.q & &acc_start.q);
        b.set(&blocked.d, &(starts_next & !places.some_next()));
    });

    if let Some((skip_write, skip_beats)) = &skip_ports {
        let width = skip_beats.width();
        let write = m.reg("skip_write", 1, 0, "");
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
            b.set(&beats.d, &next_skip.q);
        });
        m.assign(skip_write, &write.q);
        m.assign(skip_beats, &beats.q);
    }

    // Flags keep step with the addresses.
    let first_flag = delayed(&mut m, "first", &next_first.q, ISSUE_CYCLES, false);
    let acc_ends = m.net("acc_ends", 1, "an accumulation's last issue goes");
    m.comb(|b| b.set(&acc_ends, &(&advance & &next_last.q)));
    let last_flag = delayed(&mut m, "last", &acc_ends, ISSUE_CYCLES, true);
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
        (Some((in_frame, _)), _) => m.assign(&frame_state, &in_frame.q),
        (None, Some(first)) => {
            m.assign(
                &frame_state,
                &(&advance & &active.q & &at_first.q & &first.q),
            );
        }
        (None, None) => unreachable!("two sets hold a frame's first pixel"),
    }
    m.assign(&free_less_1, &out_free.q);
    m.assign(&grad_address, &out_grad.q);
    for name in unnamed {
        m.unused(name, &t.field(&token, name));
    }
    m
}

/// The steps of the loops that turn, each from the configuration.
fn steps(
    m: &mut Module,
    config: &mut Config,
    capacity: &Capacity,
    (levels, shapes): (&[Option<Level>], &[LoopShape]),
    (grad, upper): (Grad, Option<usize>),
    taps: [ByTurn; 3],
) -> Vec<Steps> {
    let low = capacity.k_block_bits;
    let mut steps: Vec<Steps> = levels
        .iter()
        .zip(shapes)
        .zip(taps)
        .filter_map(|((level, shape), by)| {
            level.as_ref()?;
            Some(match shape.moves {
                true => Steps::of_taps(m, config, shape, grad, upper, by),
                // Blocks of K are the low bits: their loop leaves the rest alone.
                false => Steps::of_blocks(lit(0, grad.bits), upper.map(|upper| lit(0, upper))),
            })
        })
        .collect();
    let around = capacity.c_blocks * capacity.group_blocks > 1;
    let weight_block = upper.filter(|_| around).map(|upper| {
        let comment = "weights of one block of C, in units of the steps";
        config.port(
            m,
            "weight_block",
            upper,
            // Where there is one block alone this is not used, and may be too large.
            move |d| (d.block_weights >> low) % (1 << upper),
            comment,
        )
    });
    if let Some(weight_block) = &weight_block {
        let by_block = |grad| Steps::of_blocks(grad, Some(weight_block.clone()));
        if levels[3].is_some() {
            steps.push(by_block(lit(0, grad.bits)));
        }
        if levels[4].is_some() {
            let comment = "words to the next group, in units of the steps";
            let by = move |d: &Descriptor| (d.k_blocks >> low) % (d.line_words >> low);
            let grad = config.port(m, "grad_group", grad.bits, by, comment);
            steps.push(by_block(grad));
        }
    }
    steps
}

/// What is known of the pixel that an issue belongs to.
struct Pixel {
    free: Reg,
    frame_last: Reg,
}

impl Pixel {
    fn new(m: &mut Module, whose: &str, free_bits: usize) -> Self {
        let mut reg = |name: &str, bits: usize, comment: &str| {
            m.data_reg(&format!("{whose}_{name}"), bits, comment)
        };
        Pixel {
            free: reg("free", free_bits, "what is dead behind it, less one"),
            frame_last: reg("frame_last", 1, "last pixel of the frame"),
        }
    }

    fn take(&self, b: &mut Body, field: &impl Fn(&str) -> Expr) {
        b.set(&self.free.d, &field("free"));
        b.set(&self.frame_last.d, &field("frame_last"));
    }

    fn copy(&self, b: &mut Body, from: &Pixel) {
        b.set(&self.free.d, &from.free.q);
        b.set(&self.frame_last.d, &from.frame_last.q);
    }
}

/// The first addresses of a pixel, for the sums that begin with them; zero in all other issues.
struct Starts {
    grad: Reg,
    /// `None` where a block of K is a weight's whole address.
    weight: Option<Reg>,
    /// What a sum less the line buffer begins with, where there are such.
    wrapped: Option<Expr>,
}

impl Starts {
    /// `fresh`: the issue that waits is such a one; only where there are sums less the line buffer.
    fn new(
        m: &mut Module,
        (ring, grad): (Ring, usize),
        weight: Option<usize>,
        fresh: Option<&Expr>,
    ) -> Self {
        let wrapped = fresh.map(|fresh| {
            let comment = "negative where a sum begins: no wrap is due";
            let wrapped = m.net("next_unwrapped", ring.width + 1, comment);
            m.assign(&wrapped.slice(0, ring.width), &lit(0, ring.width));
            m.assign(&wrapped.msb(), fresh);
            wrapped
        });
        Starts {
            grad: m.data_reg("next_start_grad", grad, ""),
            weight: weight.map(|bits| m.data_reg("next_start_weight", bits, "")),
            wrapped,
        }
    }

    fn none(&self, b: &mut Body) {
        for reg in [Some(&self.grad), self.weight.as_ref()]
            .into_iter()
            .flatten()
        {
            b.set(&reg.d, &lit(0, reg.q.width()));
        }
    }
}

/// Which loop turned last, and which way; the steps that this comes to.
enum Turned {
    /// Each step is a configuration input.
    Ports {
        /// The loop's place among those that turn; `None` where there are not two.
        level: Option<Reg>,
        back: Option<Reg>,
        steps: Vec<Steps>,
    },
    /// They are in a memory.
    Table(TurnTable),
}

impl Turned {
    fn new(m: &mut Module, turning: &[&Level], steps: Vec<Steps>) -> Self {
        let bits = bits_for((turning.len() as u64).saturating_sub(1));
        let backs = turning.iter().any(|level| level.back().is_some());
        Turned::Ports {
            level: (turning.len() > 1).then(|| m.reg("turned", bits, 0, "loop that turned last")),
            back: backs.then(|| m.data_reg("turned_back", 1, "and it ran back")),
            steps,
        }
    }

    /// Turns the loops: each one where all inside it are at their last turn.
    fn turn(&self, b: &mut Body, turning: &[&Level], ends: &Ends) {
        let inner = ends.inner_loops;
        self.turn_from(b, &turning[..inner], 0);
        if inner < turning.len() {
            b.when(&ends.acc, |b| self.turn_from(b, turning, inner));
        }
    }

    fn turn_from(&self, b: &mut Body, turning: &[&Level], index: usize) {
        let Some(level) = turning.get(index) else {
            return;
        };
        level.turn(b);
        match self {
            Turned::Table(table) => table.turn(b, index, level),
            Turned::Ports {
                level: turned,
                back,
                ..
            } => {
                if let Some(turned) = turned {
                    b.set(&turned.d, &lit(index as u64, turned.q.width()));
                }
                if let Some(back) = back {
                    b.set(&back.d, &level.back().unwrap_or_else(|| lit(0, 1)));
                }
            }
        }
        if index + 1 < turning.len() {
            b.when(&level.last(), |b| self.turn_from(b, turning, index + 1));
        }
    }

    /// Chooses the step of the loop that turned, where steps are inputs.
    fn take(&self, b: &mut Body, take: &dyn Fn(&mut Body, &Step)) {
        let Turned::Ports { level, back, steps } = self else {
            return;
        };
        let of = |b: &mut Body, index: usize| {
            let steps = &steps[index];
            take(b, &steps.forth);
            if let (Some(step), Some(ran_back)) = (&steps.back, back) {
                b.when(&ran_back.q, |b| take(b, step));
            }
        };
        match level {
            Some(turned) => b.case(&turned.q, steps.len(), of),
            None if steps.is_empty() => {}
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

/// Assigns `value` to `target` with `zeros` below it, and zeros above.
fn place(b: &mut Body, target: &Expr, zeros: usize, value: &Expr) {
    if value.width() < target.width() {
        b.set(target, &lit(0, target.width()));
    }
    b.set_slice(target, zeros, value);
}

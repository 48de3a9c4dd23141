//! The walk over the pixels of grad_input that have taps.

use crate::axis_walk::{axis_walk, AxisWidths, WalkUnits, COL, ROW};
use crate::carry_adders::{chosen_sum, Chosen};
use crate::config::Config;
use crate::hull::{AxisHull, Hull};
use crate::ring::{ring_add, ring_wrap, Ring};
use crate::rtl::{bits_for, lit, Expr, Module};
use crate::target::Target;
use crate::token::TokenWidths;
use crate::told_walk::told_walk;

const DOC: &str = "\
Walks the pixels of grad_input that have taps, row by row, frame after frame without end, and
hands a token for each to the issue loop. It knows nothing of data: the issue loop waits for it.

Row walk -> row context -> (with the column walk) token. A pixel takes one cycle, so does an
empty position that is visited; everything else without a tap is jumped over and only counted.

Promise: `token_valid` with `token` stays until `token_ready`; a token moves in every cycle in
which both are high; one token a cycle, also across rows and frames.";

/// Builds the walk.
pub fn pixel_walk(
    name: &str,
    hull: &Hull,
    t: &TokenWidths,
    target: Target,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let ring = Ring::of_walk(hull);
    let token_valid = m.output("token_valid", 1, "");
    let token_ready = m.input("token_ready", 1, "");
    let token = m.output("token", t.bits(), "");
    let weight_base = hull
        .weight_ring
        .then(|| m.input("weight_base", t.weight, "where the layer's weights begin"));
    let skips = t.skip.is_some();
    let skip_width = t.skip.unwrap_or(1);

    let extra = bits_for(hull.need);
    let widths = |axis| AxisWidths::of(axis, ring.width, t.weight, extra, skip_width);
    let (row_widths, col_widths) = (widths(&hull.rows), widths(&hull.cols));

    // What the two axis walks say.
    let mut outputs = |prefix: &str, w: &AxisWidths| {
        let mut net = |n: &str, width: usize| m.net(&format!("{prefix}_{n}"), width, "");
        WalkNets {
            advance: net("advance", 1),
            taps: net("taps", w.taps),
            address: net("address", w.address),
            weight: net("weight", w.weight),
            opens: net("opens", 1),
            extra: net("extra", w.extra),
            closes: net("closes", 1),
            last: net("last", 1),
            skip: skips.then(|| net("skip", w.skip)),
        }
    };
    let row = outputs("row", &row_widths);
    let col = outputs("col", &col_widths);
    let units = WalkUnits {
        ring,
        address_bits: hull.walk_unit_bits,
        weight_bits: hull.tap_unit_bits,
    };
    let (rows, cols) = (format!("{name}_rows"), format!("{name}_cols"));
    let (row_walk, col_walk) = match hull.told {
        false => (
            axis_walk(&rows, ROW, &hull.rows, &row_widths, &units, skips, config),
            axis_walk(&cols, COL, &hull.cols, &col_widths, &units, skips, config),
        ),
        true => {
            let mut walk = |name: &str, axis, axis_hull, widths, opened| {
                told_walk(
                    name,
                    axis,
                    (hull, axis_hull),
                    widths,
                    opened,
                    target,
                    config,
                )
            };
            (
                // A row opens whole ones, and then what its first pixel does.
                walk(&rows, ROW, &hull.rows, &row_widths, |d, extra| {
                    let first = d.cols.slots.first();
                    extra + first.map_or(0, |slot| slot.extra + u64::from(slot.opens_first))
                }),
                walk(&cols, COL, &hull.cols, &col_widths, |_, extra| extra + 1),
            )
        }
    };

    let size = ring.size(&mut m, config);
    let frame_step = config.port(
        &mut m,
        "frame_step",
        ring.width,
        move |d| d.frame_step >> ring.unit_bits,
        "units stored of a frame, modulo the line buffer",
    );
    // Row context: the row whose pixels are being walked.
    let comment = "ring address of the frame's first stored pixel";
    let base = match hull.frames {
        Some(_) => {
            let begin = m.input("job_begin", ring.width, "that of the job's first frame");
            m.reg_from("base", begin, comment)
        }
        None => m.reg("base", ring.width, 0, comment),
    };
    let ctx_valid = m.reg("ctx_valid", 1, 0, "");
    let ctx_address = m.data_reg("ctx_address", ring.width, "");
    let ctx_weight = m.data_reg("ctx_weight", t.weight, "");
    let ctx_taps = m.data_reg("ctx_taps", t.tap_rows, "tap rows, less one");
    let ctx_opens = m.data_reg("ctx_opens", 1, "");
    let ctx_closes = m.data_reg("ctx_closes", 1, "");
    let ctx_extra = m.data_reg("ctx_extra", extra, "");
    let ctx_first = m.data_reg("ctx_first", 1, "first row of the frame");
    let ctx_last = m.data_reg("ctx_last", 1, "last row of the frame");
    let frame_start = m.reg("frame_start", 1, 1, "the next row is a frame's first");
    let row_start = m.reg("row_start", 1, 1, "the next pixel is a row's first");
    let ctx_skip = skips.then(|| {
        m.data_reg(
            "ctx_skip",
            skip_width,
            "beats without a tap ahead of the row",
        )
    });

    // Token under way: where a ring address needs a wrap, it has yet to come.
    let raw_valid = m.reg("raw_valid", 1, 0, "");
    let raw_address = match size {
        Some(_) => m.data_reg("raw_address", ring.width + 1, "below twice the ring"),
        None => m.data_reg("raw_address", ring.width, ""),
    };
    let raw_weight = m.data_reg("raw_weight", t.weight, "");
    let raw_rows = m.data_reg("raw_rows", t.tap_rows, "");
    let raw_cols = m.data_reg("raw_cols", t.tap_cols, "");
    let raw_need = m.reg(
        "raw_need",
        t.need,
        0,
        "pixels that must have arrived since reset",
    );
    let raw_closes = m.data_reg("raw_closes", 1, "");
    let raw_closes_row = m.data_reg("raw_closes_row", 1, "");
    let raw_first = m.data_reg("raw_first", 1, "");
    let raw_last = m.data_reg("raw_last", 1, "");
    let raw_skip = skips.then(|| m.data_reg("raw_skip", skip_width, ""));

    // Where rows are never taken in two cycles on end, the row walk may be a register behind.
    let late_advance = (hull.cols.visits > 1 && !hull.rows.gaps && !hull.cols.gaps)
        .then(|| m.reg("row_taken", 1, 0, "a row was taken in the cycle before"));
    let row_empty = m.net("row_empty", 1, "");
    let row_load = m.net("row_load", 1, "");
    let row_done = m.net("row_done", 1, "");
    let col_empty = m.net("col_empty", 1, "");
    let emit = m.net("emit", 1, "");
    let room = m.net("room", 1, "");
    let frame_end = m.net("frame_end", 1, "");
    m.comb(|b| {
        b.comment("What moves in this cycle.");
        b.set(&room, &(&token_ready | !&raw_valid.q));
        b.set(&row_empty, &empty(&hull.rows, &row.taps));
        b.set(&col_empty, &empty(&hull.cols, &col.taps));
        b.set(&emit, &(&ctx_valid.q & &room & !&col_empty));
        b.set(&col.advance, &(&ctx_valid.q & (&room | &col_empty)));
        b.set(&row_done, &(&emit & &col.last));
        b.set(&row_load, &((&row_done | !&ctx_valid.q) & !&row_empty));
        match &late_advance {
            Some(late) => {
                b.set(&late.d, &row_load);
                b.set(&row.advance, &late.q);
            }
            None => b.set(&row.advance, &(&row_load | &row_empty)),
        }
        b.set(&frame_end, &(&ctx_last.q & &col.last));
    });
    let row_address = ring_add(&mut m, "row_base", &base.q, &row.address, size.as_ref());
    let next_base = ring_add(&mut m, "next_base", &base.q, &frame_step, size.as_ref());
    let taken = (hull.rows.gaps && skips).then(|| {
        let empty = config.port(
            &mut m,
            "row_empty_beats",
            skip_width,
            |d| d.rows.empty_beats,
            "beats of a visited row without a tap",
        );
        (
            m.reg(
                "row_run",
                skip_width,
                0,
                "beats of the empty rows just visited",
            ),
            empty,
        )
    });
    m.comb(|b| {
        b.comment("The next row that has taps.");
        b.when(&row_done, |b| b.set(&ctx_valid.d, &lit(0, 1)));
        b.when(&row_load, |b| {
            b.set(&ctx_valid.d, &lit(1, 1));
            b.set(&ctx_address.d, &row_address);
            match &weight_base {
                Some(base) => b.set(&ctx_weight.d, &(base + &row.weight)),
                None => b.set(&ctx_weight.d, &row.weight),
            }
            b.set(&ctx_taps.d, &less_one(&hull.rows, &row.taps, t.tap_rows));
            b.set(&ctx_opens.d, &row.opens);
            b.set(&ctx_closes.d, &row.closes);
            b.set(&ctx_extra.d, &row.extra);
            b.set(&ctx_first.d, &frame_start.q);
            b.set(&ctx_last.d, &row.last);
            b.set(&frame_start.d, &row.last);
            b.when(&row.last, |b| b.set(&base.d, &next_base));
        });
        if let (Some(ctx_skip), Some(skip)) = (&ctx_skip, &row.skip) {
            match &taken {
                Some((run, empty)) => {
                    b.when(&row_load, |b| {
                        b.set(&ctx_skip.d, &(&run.q + skip));
                        b.set(&run.d, &lit(0, skip_width));
                    });
                    b.when(&row_empty, |b| b.set(&run.d, &(&run.q + skip + empty)));
                }
                None => b.when(&row_load, |b| b.set(&ctx_skip.d, skip)),
            }
        }
    });

    let opens = (!hull.told).then(|| m.net("opens", extra, ""));
    let need = match &opens {
        Some(_) => None,
        None => {
            // From the second round on a column opens one pixel or, once it is clipped, none.
            let opened = m.net("col_opened", t.need, "");
            m.assign(&opened.bit(0), &(col.extra.bit(0) & &col.opens));
            let above = col.extra.slice(1, extra - 1);
            m.assign(&opened.slice(1, t.need - 1), &above.zext(t.need - 1));
            let operands = Chosen {
                from: &raw_need.q,
                choose: &row_start.q,
                one: &ctx_extra.q.zext(t.need),
                other: &opened,
            };
            Some(chosen_sum(&mut m, "need", operands, target))
        }
    };
    m.comb(|b| {
        let Some(opens) = &opens else {
            return;
        };
        b.comment("Pixels of grad_output that this one is the first to need.");
        b.set(opens, &lit(0, extra));
        b.when(&ctx_opens.q, |b| {
            b.set(opens, &(&col.extra + col.opens.zext(extra)));
        });
        b.when(&row_start.q, |b| b.set(opens, &(opens + &ctx_extra.q)));
    });
    let col_taken = (hull.cols.gaps && skips).then(|| {
        let empty = config.port(
            &mut m,
            "col_empty_beats",
            skip_width,
            |d| d.cols.empty_beats,
            "beats of a visited pixel without a tap",
        );
        (
            m.reg(
                "col_run",
                skip_width,
                0,
                "beats of the empty pixels just visited",
            ),
            empty,
        )
    });
    m.comb(|b| {
        b.comment("The next pixel that has taps.");
        b.when(&room, |b| b.set(&raw_valid.d, &emit));
        b.when(&emit, |b| {
            b.set(&row_start.d, &col.last);
            let raw_width = raw_address.q.width();
            b.set(
                &raw_address.d,
                &(ctx_address.q.zext(raw_width) + col.address.zext(raw_width)),
            );
            b.set(&raw_weight.d, &(&ctx_weight.q + &col.weight));
            b.set(&raw_rows.d, &ctx_taps.q);
            b.set(&raw_cols.d, &less_one(&hull.cols, &col.taps, t.tap_cols));
            if let Some(opens) = &opens {
                b.set(&raw_need.d, &(&raw_need.q + opens.zext(t.need)));
            }
            b.set(&raw_closes.d, &(&ctx_closes.q & &col.closes));
            b.set(&raw_closes_row.d, &(&ctx_closes.q & &col.last));
            b.set(&raw_first.d, &(&ctx_first.q & &row_start.q));
            b.set(&raw_last.d, &frame_end);
        });
        if let Some(need) = &need {
            b.when(&(&emit & &ctx_opens.q), |b| b.set(&raw_need.d, need));
        }
        if let (Some(raw), Some(ctx), Some(skip)) = (&raw_skip, &ctx_skip, &col.skip) {
            let run = col_taken.as_ref().map(|(run, _)| &run.q);
            let ahead = match run {
                Some(run) => run + skip,
                None => skip.clone(),
            };
            b.when(&emit, |b| {
                b.set(&raw.d, &ahead);
                b.when(&row_start.q, |b| b.set(&raw.d, &(&ahead + &ctx.q)));
            });
            if let Some((run, empty)) = &col_taken {
                b.when(&(&ctx_valid.q & &col_empty), |b| {
                    b.set(&run.d, &(&run.q + skip + empty));
                });
                b.when(&emit, |b| b.set(&run.d, &lit(0, skip_width)));
            }
        }
    });

    let address = match &size {
        Some(size) => ring_wrap(&mut m, "start_address", &raw_address.q, size),
        None => raw_address.q.clone(),
    };
    let packed = m.net("raw_token", t.bits(), "");
    m.comb(|b| {
        t.pack(b, &packed, &|field| match field {
            "address" => address.clone(),
            "weight" => raw_weight.q.clone(),
            "tap_rows" => raw_rows.q.clone(),
            "tap_cols" => raw_cols.q.clone(),
            "need" => raw_need.q.clone(),
            "closes" => raw_closes.q.clone(),
            "closes_row" => raw_closes_row.q.clone(),
            "frame_first" => raw_first.q.clone(),
            "frame_last" => raw_last.q.clone(),
            _ => raw_skip
                .as_ref()
                .map_or_else(|| unreachable!("no token field {field}"), |r| r.q.clone()),
        });
    });
    m.assign(&token_valid, &raw_valid.q);
    m.assign(&token, &packed);
    for (instance, walk, nets) in [("u_rows", row_walk, &row), ("u_cols", col_walk, &col)] {
        m.instance(instance, walk, nets.bindings(hull.told));
    }
    m
}

struct WalkNets {
    advance: Expr,
    taps: Expr,
    address: Expr,
    weight: Expr,
    opens: Expr,
    extra: Expr,
    closes: Expr,
    last: Expr,
    skip: Option<Expr>,
}

impl WalkNets {
    fn bindings(&self, told: bool) -> Vec<(&'static str, Expr)> {
        let mut bindings = vec![
            ("advance", self.advance.clone()),
            ("taps", self.taps.clone()),
            ("address", self.address.clone()),
            ("weight", self.weight.clone()),
            ("opens", self.opens.clone()),
            (if told { "opened" } else { "extra" }, self.extra.clone()),
            ("closes", self.closes.clone()),
            ("last", self.last.clone()),
        ];
        bindings.extend(self.skip.clone().map(|skip| ("skip", skip)));
        bindings
    }
}

/// The taps of a pixel, less one, in `width` bits, which hold it.
fn less_one(axis: &AxisHull, taps: &Expr, width: usize) -> Expr {
    match axis.gaps {
        // They are one at least, so the bits above `width` only matter where the rest is zero.
        true => taps.slice(0, width).minus(1),
        false => taps.clone(),
    }
}

/// High at a visited position without a tap; some axes have none.
fn empty(axis: &AxisHull, taps: &Expr) -> Expr {
    match axis.gaps {
        true => taps.is_zero(),
        false => lit(0, 1),
    }
}

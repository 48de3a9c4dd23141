//! The walk over the pixels of grad_input that have taps.

use super::line::{LineFormat, COL, ROW};
use super::sequencer::sequencer;
use super::token::TokenWidths;
use crate::config::capacity::{AxisHull, Capacity};
use crate::config::inputs::Config;
use crate::primitives::carry_adders::{chosen_sum, Chosen};
use crate::primitives::ring::{ring_step, Ring};
use crate::primitives::target::Target;
use crate::rtl::{lit, Expr, Module, Reg};

const DOC: &str = "\
Walks the pixels of grad_input that have taps, row by row, frame after frame without end, and
hands a token for each to the issue loop. It knows nothing of data: the issue loop waits for it.

Two sequencers, of rows and of columns, tell step by step what changes; the token adds it up. Where
a row begins the row's step counts, elsewhere the column's. All that has no tap is jumped over and
only counted.

Promise: `token_valid` with `token` stays until `token_ready`; a token moves in every cycle in
which both are high; ";

const EVERY_CYCLE_DOC: &str = "one token a cycle, also across rows and frames.";

const PACED_DOC: &str = "at least one token in three cycles.

No pixel is done in fewer, and none of these sums is in a hurry: the next begins when the token has
moved, the sequencers go on a cycle later, and where the line buffer is no power of two, the address
is wrapped in the cycle behind the sum.";

/// Builds the walk.
pub fn pixel_walk(
    name: &str,
    capacity: &Capacity,
    t: &TokenWidths,
    target: Target,
    config: &mut Config,
) -> Module {
    let rate = match capacity.paced {
        true => PACED_DOC,
        false => EVERY_CYCLE_DOC,
    };
    let mut m = Module::new(name, format!("{DOC}{rate}"));
    m.clocked();
    let ring = Ring::of_walk(capacity);
    let token_valid = m.output("token_valid", 1, "");
    let token_ready = m.input("token_ready", 1, "");
    let token = m.output("token", t.bits(), "");
    let begin = capacity.frames.map(|_| {
        let weights = m.input("weight_base", t.weight, "where the layer's weights begin");
        let pixels = m.input(
            "job_begin",
            ring.width,
            "where the job's first frame begins",
        );
        (weights, pixels)
    });

    let mut axis = |instance: &str, axis_name, axis: &AxisHull, rows: bool| {
        let prefix = if rows { "row" } else { "col" };
        let format = LineFormat::of(capacity, axis, t, rows);
        let name = format!("{name}_{prefix}s");
        let module = sequencer(
            &name,
            axis_name,
            (axis, capacity.paced),
            &format,
            target,
            config,
            capacity.entry_bits(),
        );
        let there = m.net(&format!("{prefix}_there"), 1, "");
        let advance = m.net(&format!("{prefix}_advance"), 1, "");
        let step = m.net(&format!("{prefix}_step"), format.step_bits(), "");
        m.instance(
            instance,
            module,
            vec![
                ("there", there.clone()),
                ("advance", advance.clone()),
                ("step", step.clone()),
            ],
        );
        let mut fields = Vec::new();
        for (field, value) in format.unpacked(&step) {
            let name = format!("{prefix}_{}", field.name);
            let net = m.net(&name, field.width, field.comment);
            m.assign(&net, &value);
            fields.push((field.name, net));
        }
        AxisNets {
            there,
            advance,
            fields,
        }
    };
    let row = axis("u_rows", ROW, &capacity.rows, true);
    let col = axis("u_cols", COL, &capacity.cols, false);

    let valid = m.reg("valid", 1, 0, "the token is there");
    let row_first = m.reg("row_first", 1, 1, "the next pixel is a row's first");
    let frame_first = m.reg("frame_first", 1, 1, "the next row is a frame's first");
    let from = |m: &mut Module, name: &str, begin: Option<Expr>, width: usize, comment: &str| {
        match begin {
            Some(begin) => m.reg_from(name, begin, comment),
            None => m.reg(name, width, 0, comment),
        }
    };
    let (weight_begin, address_begin) = begin.unzip();
    let comment = "line buffer, of the first tap";
    let address = from(&mut m, "address", address_begin, ring.width, comment);
    let size = ring.size(&mut m, config);
    let settles = capacity
        .paced
        .then(|| m.reg("settles", 1, 0, "the sums are new"));
    let wraps = size.clone().filter(|_| capacity.paced).map(|size| Wraps {
        wrapped: m.net("wrapped", ring.width, "the address"),
        sum: m.data_reg("sum", ring.width + 1, "the address, below twice the ring"),
        less: m.data_reg(
            "less",
            ring.width + 2,
            "less the ring; negative: no wrap is due",
        ),
        size,
    });
    let comment = "weight memory, likewise";
    let weight = from(&mut m, "weight", weight_begin, t.weight, comment);
    let tap_rows = m.reg("tap_rows", t.tap_rows, 0, "less one");
    let tap_cols = m.reg("tap_cols", t.tap_cols, 0, "less one");
    let need = match capacity.paced {
        true => m.data_reg(
            "need",
            t.need,
            "pixels that it is the first to need, negative",
        ),
        false => {
            let comment = "pixels that must have arrived since reset";
            m.reg("need", t.need, 0, comment)
        }
    };
    let free = m.data_reg("free", t.free, "what is dead behind the pixel, less one");
    let first = m.data_reg("first", 1, "a frame's first pixel");
    let last = m.data_reg("last", 1, "a frame's last pixel");
    let skip = t
        .skip
        .map(|width| m.data_reg("skip", width, "beats without a tap just before"));

    let row_done = capacity
        .paced
        .then(|| m.reg("row_done", 1, 0, "so was the row's last pixel"));
    let emit = m.net("emit", 1, "the next token goes into the registers");
    let row_end = m.net("row_end", 1, "it is its row's last");
    m.comb(|b| {
        b.comment("What moves in this cycle.");
        let there = &row.there & &col.there;
        let stays = &valid.q & !&token_ready;
        match &settles {
            None => {
                b.set(&emit, &(there & !&stays));
                b.set(&valid.d, &(&emit | &stays));
            }
            Some(settles) => {
                b.set(&emit, &(there & !(&valid.q | &settles.q)));
                b.set(&settles.d, &emit);
                b.set(&valid.d, &(&settles.q | &stays));
            }
        }
        b.set(&row_end, &col.get("last", 1));
        let done = &emit & &row_end;
        match settles.as_ref().zip(row_done.as_ref()) {
            Some((settles, row_done)) => {
                b.set(&row_done.d, &done);
                b.set(&row.advance, &row_done.q);
                b.set(&col.advance, &settles.q);
            }
            None => {
                b.set(&row.advance, &done);
                b.set(&col.advance, &emit);
            }
        }
    });

    // The sums.
    let begins = &row_first.q;
    let chosen = |m: &mut Module, name: &str, sum: &Expr, rows: Expr, cols: Expr| {
        let sum_name = format!("next_{name}");
        let operands = Chosen {
            from: sum,
            choose: begins,
            one: &rows.zext(sum.width()),
            other: &cols.zext(sum.width()),
        };
        chosen_sum(m, &sum_name, operands, target)
    };
    let [rows, cols] = [&row, &col].map(|nets| nets.get("address", ring.width));
    let next_address = match (&size, &wraps) {
        (Some(size), None) => {
            let step = m.net("address_step", ring.width, "");
            let wrapping = m.net("wrapping", ring.width + 1, "the step less the line buffer");
            m.observe(|b| {
                b.select(&step, begins, &rows, &cols);
                b.set(&wrapping, &ring.wrapping(&step, size));
            });
            ring_step(&mut m, "next_address", &address.q, &step, Some(&wrapping))
        }
        (_, Some(wraps)) => {
            let wide = address.q.zext(wraps.sum.q.width());
            chosen(&mut m, "address", &wide, rows, cols)
        }
        (None, None) => chosen(&mut m, "address", &address.q, rows, cols),
    };
    let [rows, cols] = [&row, &col].map(|nets| nets.get("weight", t.weight));
    let next_weight = chosen(&mut m, "weight", &weight.q, rows, cols);
    let opened = m.net(
        "opened",
        t.need,
        "pixels that a row's other pixels need beyond those before",
    );
    let extended = |need: Expr| match capacity.paced {
        true => need.sext(t.need),
        false => need.zext(t.need),
    };
    let [rows, cols] = [&row, &col].map(|nets| match nets.find("need") {
        Some(need) => extended(need.clone()),
        None => lit(0, t.need),
    });
    m.assign(&opened, &cols.gated(&row.get("opens", 1)));
    let next_need = match capacity.paced {
        true => {
            let next = m.net("next_need", t.need, "");
            m.observe(|b| b.select(&next, begins, &rows, &opened));
            next
        }
        false => chosen(&mut m, "need", &need.q, rows, opened),
    };
    m.comb(|b| {
        b.comment("The next pixel.");
        b.when(&emit, |b| {
            b.set(&row_first.d, &row_end);
            let sum = wraps.as_ref().map_or(&address, |wraps| &wraps.sum);
            b.set(&sum.d, &next_address);
            b.set(&weight.d, &next_weight);
            if let Some(taps) = col.find("taps") {
                b.set(&tap_cols.d, &(&tap_cols.q + taps));
            }
            b.set(&need.d, &next_need);
            b.set(&free.d, &lit(1, 1).sext(t.free));
            b.when(&row.get("closes", 1), |b| {
                b.set(&free.d, &col.get("free", t.free))
            });
            b.when(&row_end, |b| b.set(&free.d, &row.get("free", t.free)));
            b.set(&first.d, &(begins & &frame_first.q));
            b.set(&last.d, &(&row_end & row.get("last", 1)));
            if let Some(skip) = &skip {
                let width = skip.q.width();
                b.select(
                    &skip.d,
                    begins,
                    &row.get("skip", width),
                    &col.get("skip", width),
                );
            }
        });
        if let Some(Wraps {
            wrapped,
            sum,
            less,
            size,
        }) = &wraps
        {
            let wide = |net: &Expr| net.zext(less.q.width());
            b.set(&less.d, &(wide(&sum.q) - wide(size)));
            let low = |reg: &Reg| reg.q.slice(0, ring.width);
            b.select(wrapped, &less.q.msb(), &low(sum), &low(less));
            b.when(&valid.q, |b| b.set(&address.d, wrapped));
        }
        if let Some(taps) = row.find("taps") {
            b.when(&(&emit & begins), |b| {
                b.set(&tap_rows.d, &(&tap_rows.q + taps))
            });
        }
        b.when(&row.advance, |b| b.set(&frame_first.d, &row.get("last", 1)));
    });

    let packed = m.net("next_token", t.bits(), "");
    m.comb(|b| {
        t.pack(b, &packed, &|field| match field {
            "address" => wraps
                .as_ref()
                .map_or_else(|| address.q.clone(), |wraps| wraps.wrapped.clone()),
            "weight" => weight.q.clone(),
            "tap_rows" => tap_rows.q.clone(),
            "tap_cols" => tap_cols.q.clone(),
            "need" => need.q.clone(),
            "free" => free.q.clone(),
            "frame_first" => first.q.clone(),
            "frame_last" => last.q.clone(),
            _ => skip
                .as_ref()
                .map_or_else(|| unreachable!("no token field {field}"), |r| r.q.clone()),
        });
    });
    if let Some(wraps) = &wraps {
        m.unused("less", &wraps.less.q.bit(ring.width));
    }
    m.assign(&token_valid, &valid.q);
    m.assign(&token, &packed);
    m
}

/// What stands between a sum on the ring and its wrap.
struct Wraps {
    wrapped: Expr,
    sum: Reg,
    less: Reg,
    size: Expr,
}

/// What a sequencer says.
struct AxisNets {
    there: Expr,
    advance: Expr,
    fields: Vec<(&'static str, Expr)>,
}

impl AxisNets {
    /// The field of the present step; `None` where it is zero in all of them.
    fn find(&self, name: &str) -> Option<&Expr> {
        let field = self.fields.iter().find(|(field, _)| *field == name);
        field.map(|(_, net)| net)
    }

    /// The same in `width` bits.
    fn get(&self, name: &str, width: usize) -> Expr {
        self.find(name)
            .map_or_else(|| lit(0, width), |net| net.zext(width))
    }
}

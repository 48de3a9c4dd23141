//! The walk over the pixels of grad_input that have taps.

use super::line::{AxisName, LineFormat, COL, ROW};
use super::sequencer::sequencer;
use super::token::TokenWidths;
use crate::config::capacity::{AxisHull, Capacity};
use crate::config::inputs::Config;
use crate::primitives::carry_adders::{chosen_sum, Chosen};
use crate::primitives::ring::{ring_step, Ring};
use crate::primitives::target::Target;
use crate::rtl::{lit, ones, Body, Expr, Module, Reg};

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
        let comment = "where the job's first frame begins";
        (weights, m.input("job_begin", ring.width, comment))
    });
    let axes = [(ROW, &capacity.rows), (COL, &capacity.cols)];
    let [row, col] = axes.map(|(axis, hull)| {
        let place = (name, axis);
        AxisNets::new(&mut m, place, hull, (capacity, t), target, config)
    });
    let axes = [&row, &col];

    let valid = m.reg("valid", 1, 0, "the token is there");
    let pixel = Pixel::new(&mut m, capacity, t, begin, config);
    let settles = capacity
        .paced
        .then(|| m.reg("settles", 1, 0, "the sums are new"));
    let emit = m.net("emit", 1, "the next token goes into the registers");
    let row_end = m.net("row_end", 1, "it is its row's last");
    let there = &row.there & &col.there;
    let stays = &valid.q & !&token_ready;
    match &settles {
        None => every_cycle(&mut m, axes, [&emit, &row_end], (there, stays), &valid),
        Some(settles) => paced(
            &mut m,
            axes,
            [&emit, &row_end],
            (there, stays),
            (&valid, settles),
        ),
    }

    let begins = &pixel.row_first.q;
    let address = Address::new(&mut m, &pixel.address, (ring, capacity.paced), config);
    let next_address = address.next(&mut m, axes, begins, target);
    let next_weight = {
        let [rows, cols] = axes.map(|axis| axis.get("weight", t.weight));
        chosen(
            &mut m,
            "weight",
            &pixel.weight.q,
            begins,
            [rows, cols],
            target,
        )
    };
    let next_need = pixel.next_need(&mut m, axes, (t, capacity.paced), target);
    m.comb(|b| {
        b.comment("The next pixel.");
        b.when(&emit, |b| {
            b.set(&address.sum().d, &next_address);
            b.set(&pixel.weight.d, &next_weight);
            b.set(&pixel.need.d, &next_need);
            pixel.take(b, axes, &row_end);
        });
        address.wrap(b, &valid.q);
        if let Some(taps) = row.find("taps") {
            b.when(&(&emit & begins), |b| {
                b.set(&pixel.tap_rows.d, &(&pixel.tap_rows.q + taps))
            });
        }
        b.when(&row.advance, |b| {
            b.set(&pixel.frame_first.d, &row.get("last", 1))
        });
    });

    let packed = m.net("next_token", t.bits(), "");
    m.comb(|b| {
        t.pack(b, &packed, &|field| match field {
            "address" => address.wrapped(),
            field => pixel.field(field),
        });
    });
    if let Address::Wrapped { less, .. } = &address {
        m.unused("less", &less.q.bit(ring.width));
    }
    m.assign(&token_valid, &valid.q);
    m.assign(&token, &packed);
    m
}

/// A token in every cycle: the sequencers go on with it.
fn every_cycle(
    m: &mut Module,
    [row, col]: [&AxisNets; 2],
    [emit, row_end]: [&Expr; 2],
    (there, stays): (Expr, Expr),
    valid: &Reg,
) {
    m.comb(|b| {
        b.comment("What moves in this cycle.");
        b.set(emit, &(there & !&stays));
        b.set(&valid.d, &(emit | &stays));
        b.set(row_end, &col.get("last", 1));
        b.set(&row.advance, &(emit & row_end));
        b.set(&col.advance, emit);
    });
}

/// A token in three cycles: its sums settle in the first, it moves at the earliest in the second, and the sequencers go on
/// behind it.
fn paced(
    m: &mut Module,
    [row, col]: [&AxisNets; 2],
    [emit, row_end]: [&Expr; 2],
    (there, stays): (Expr, Expr),
    (valid, settles): (&Reg, &Reg),
) {
    let row_done = m.reg("row_done", 1, 0, "so was the row's last pixel");
    m.comb(|b| {
        b.comment("What moves in this cycle.");
        b.set(emit, &(there & !(&valid.q | &settles.q)));
        b.set(&settles.d, emit);
        b.set(&valid.d, &(&settles.q | &stays));
        b.set(row_end, &col.get("last", 1));
        b.set(&row_done.d, &(emit & row_end));
        b.set(&row.advance, &row_done.q);
        b.set(&col.advance, &settles.q);
    });
}

/// The sum of a register and what the row's step says where a row begins, and else the column's.
fn chosen(
    m: &mut Module,
    name: &str,
    from: &Expr,
    row_begins: &Expr,
    [rows, cols]: [Expr; 2],
    target: Target,
) -> Expr {
    let operands = Chosen {
        from,
        choose: row_begins,
        one: &rows.zext(from.width()),
        other: &cols.zext(from.width()),
    };
    chosen_sum(m, &format!("next_{name}"), operands, target)
}

/// What the token says of the pixel, and where in its frame the next one is.
struct Pixel {
    row_first: Reg,
    frame_first: Reg,
    address: Reg,
    weight: Reg,
    tap_rows: Reg,
    tap_cols: Reg,
    need: Reg,
    free: Reg,
    first: Reg,
    last: Reg,
    skip: Option<Reg>,
    lanes: Option<LanePlace>,
}

/// Where lanes over pixels begin.
struct LanePlace {
    tap: Reg,
    stretch: Reg,
    /// The stretch of a row's first.
    first: Expr,
}

impl LanePlace {
    fn new(m: &mut Module, [tap, stretch]: [usize; 2], config: &mut Config) -> Self {
        let first = config.port(
            m,
            "first_stretch",
            stretch,
            |d| d.pixels.as_ref().map_or(0, |pixels| pixels.first_stretch),
            "stretch of a row's first word with a tap",
        );
        LanePlace {
            tap: m.data_reg("tap", tap, "its first tap in the table of taps"),
            stretch: m.data_reg("stretch", stretch, "of the row"),
            first,
        }
    }

    fn take(&self, b: &mut Body, col: &AxisNets, begins: &Expr) {
        b.set(&self.tap.d, &col.get("tap", self.tap.q.width()));
        let further = col.get("stretches", self.stretch.q.width());
        b.set(&self.stretch.d, &(&self.stretch.q + &further));
        b.when(begins, |b| b.set(&self.stretch.d, &self.first));
    }
}

impl Pixel {
    /// `begin` tells where the weights and the pixels of a job begin.
    fn new(
        m: &mut Module,
        capacity: &Capacity,
        t: &TokenWidths,
        begin: Option<(Expr, Expr)>,
        config: &mut Config,
    ) -> Self {
        let (weight_begin, address_begin) = begin.unzip();
        let from =
            |m: &mut Module, name: &str, begin: Option<Expr>, width: usize, comment: &str| {
                match begin {
                    Some(begin) => m.reg_from(name, begin, comment),
                    None => m.reg(name, width, 0, comment),
                }
            };
        let row_first = m.reg("row_first", 1, 1, "the next pixel is a row's first");
        let frame_first = m.reg("frame_first", 1, 1, "the next row is a frame's first");
        let width = Ring::of_walk(capacity).width;
        let comment = "line buffer, of the first tap";
        let address = from(m, "address", address_begin, width, comment);
        let comment = "weight memory, likewise";
        let weight = from(m, "weight", weight_begin, t.weight, comment);
        let comment = "beats without a tap just before";
        Pixel {
            row_first,
            frame_first,
            address,
            weight,
            tap_rows: m.reg("tap_rows", t.tap_rows, 0, "less one"),
            tap_cols: m.reg("tap_cols", t.tap_cols, 0, "less one"),
            need: match capacity.paced {
                true => {
                    let comment = "pixels that it is the first to need, negative";
                    m.data_reg("need", t.need, comment)
                }
                false => m.reg(
                    "need",
                    t.need,
                    0,
                    "pixels that must have arrived since reset",
                ),
            },
            free: m.data_reg("free", t.free, "what is dead behind the pixel, less one"),
            first: m.data_reg("first", 1, "a frame's first pixel"),
            last: m.data_reg("last", 1, "a frame's last pixel"),
            skip: t.skip.map(|width| m.data_reg("skip", width, comment)),
            lanes: t.lanes.map(|widths| LanePlace::new(m, widths, config)),
        }
    }

    /// What the next pixel needs: of the pixels of grad_output in a paced walk, else of all since reset.
    fn next_need(
        &self,
        m: &mut Module,
        axes: [&AxisNets; 2],
        (t, paced): (&TokenWidths, bool),
        target: Target,
    ) -> Expr {
        let comment = "pixels that a row's other pixels need beyond those before";
        let opened = m.net("opened", t.need, comment);
        let [rows, cols] = axes.map(|axis| match (axis.find("need"), paced) {
            (Some(need), true) => need.sext(t.need),
            (Some(need), false) => need.zext(t.need),
            (None, _) => lit(0, t.need),
        });
        m.assign(&opened, &cols.gated(&axes[0].get("opens", 1)));
        let begins = &self.row_first.q;
        if !paced {
            return chosen(m, "need", &self.need.q, begins, [rows, opened], target);
        }
        let next = m.net("next_need", t.need, "");
        m.observe(|b| b.select(&next, begins, &rows, &opened));
        next
    }

    /// The next pixel, but for its sums.
    fn take(&self, b: &mut Body, [row, col]: [&AxisNets; 2], row_end: &Expr) {
        let begins = &self.row_first.q;
        b.set(&self.row_first.d, row_end);
        if let Some(taps) = col.find("taps") {
            b.set(&self.tap_cols.d, &(&self.tap_cols.q + taps));
        }
        let free = &self.free.d;
        let width = free.width();
        b.set(free, &ones(width));
        b.when(&row.get("closes", 1), |b| {
            b.set(free, &col.get("free", width))
        });
        b.when(row_end, |b| b.set(free, &row.get("free", width)));
        b.set(&self.first.d, &(begins & &self.frame_first.q));
        b.set(&self.last.d, &(row_end & row.get("last", 1)));
        if let Some(lanes) = &self.lanes {
            lanes.take(b, col, begins);
        }
        if let Some(skip) = &self.skip {
            let [rows, cols] = [row, col].map(|axis| axis.get("skip", skip.q.width()));
            b.select(&skip.d, begins, &rows, &cols);
        }
    }

    /// A field of the token, but for the address.
    fn field(&self, name: &str) -> Expr {
        let reg = match name {
            "weight" => Some(&self.weight),
            "tap_rows" => Some(&self.tap_rows),
            "tap_cols" => Some(&self.tap_cols),
            "need" => Some(&self.need),
            "free" => Some(&self.free),
            "frame_first" => Some(&self.first),
            "frame_last" => Some(&self.last),
            "tap" => self.lanes.as_ref().map(|lanes| &lanes.tap),
            "stretch" => self.lanes.as_ref().map(|lanes| &lanes.stretch),
            _ => self.skip.as_ref(),
        };
        reg.map_or_else(
            || unreachable!("no token field {name}"),
            |reg| reg.q.clone(),
        )
    }
}

/// How the address of the first tap is kept on the ring.
enum Address {
    /// Its bits are the ring's.
    Free { now: Reg, width: usize },
    /// The step is chosen with or without a wrap, in the cycle of the sum.
    Chosen { now: Reg, ring: Ring, size: Expr },
    /// A paced walk wraps the sum in the cycle behind it.
    Wrapped {
        now: Reg,
        wrapped: Expr,
        sum: Reg,
        less: Reg,
        size: Expr,
    },
}

impl Address {
    fn new(m: &mut Module, now: &Reg, (ring, paced): (Ring, bool), config: &mut Config) -> Self {
        let now = now.clone();
        let width = ring.width;
        match (ring.size(m, config), paced) {
            (None, _) => Address::Free { now, width },
            (Some(size), false) => Address::Chosen { now, ring, size },
            (Some(size), true) => {
                let comment = "less the ring; negative: no wrap is due";
                Address::Wrapped {
                    now,
                    wrapped: m.net("wrapped", width, "the address"),
                    sum: m.data_reg("sum", width + 1, "the address, below twice the ring"),
                    less: m.data_reg("less", width + 2, comment),
                    size,
                }
            }
        }
    }

    /// Where the next sum goes.
    fn sum(&self) -> &Reg {
        match self {
            Address::Free { now, .. } | Address::Chosen { now, .. } => now,
            Address::Wrapped { sum, .. } => sum,
        }
    }

    /// The address of the token.
    fn wrapped(&self) -> Expr {
        match self {
            Address::Free { now, .. } | Address::Chosen { now, .. } => now.q.clone(),
            Address::Wrapped { wrapped, .. } => wrapped.clone(),
        }
    }

    /// The sum with the next step.
    fn next(&self, m: &mut Module, axes: [&AxisNets; 2], begins: &Expr, target: Target) -> Expr {
        let steps = |width| axes.map(|axis| axis.get("address", width));
        match self {
            Address::Free { now, width } => {
                chosen(m, "address", &now.q, begins, steps(*width), target)
            }
            Address::Chosen { now, ring, size } => {
                let step = m.net("address_step", ring.width, "");
                let comment = "the step less the line buffer";
                let wrapping = m.net("wrapping", ring.width + 1, comment);
                let [rows, cols] = steps(ring.width);
                m.observe(|b| {
                    b.select(&step, begins, &rows, &cols);
                    b.set(&wrapping, &ring.wrapping(&step, size));
                });
                ring_step(m, "next_address", &now.q, &step, Some(&wrapping))
            }
            Address::Wrapped { now, sum, .. } => {
                let wide = now.q.zext(sum.q.width());
                chosen(m, "address", &wide, begins, steps(now.q.width()), target)
            }
        }
    }

    /// Wraps a sum, where that has a cycle of its own; `there`: it is wrapped.
    fn wrap(&self, b: &mut Body, there: &Expr) {
        let Address::Wrapped {
            now,
            wrapped,
            sum,
            less,
            size,
        } = self
        else {
            return;
        };
        let wide = |net: &Expr| net.zext(less.q.width());
        b.set(&less.d, &(wide(&sum.q) - wide(size)));
        let low = |reg: &Reg| reg.q.slice(0, wrapped.width());
        b.select(wrapped, &less.q.msb(), &low(sum), &low(less));
        b.when(there, |b| b.set(&now.d, wrapped));
    }
}

/// What a sequencer says.
struct AxisNets {
    there: Expr,
    advance: Expr,
    fields: Vec<(&'static str, Expr)>,
}

impl AxisNets {
    /// Places the sequencer of an axis of the walk `name`.
    fn new(
        m: &mut Module,
        (name, axis): (&str, AxisName),
        hull: &AxisHull,
        (capacity, t): (&Capacity, &TokenWidths),
        target: Target,
        config: &mut Config,
    ) -> Self {
        let prefix = axis.name;
        let format = LineFormat::of(capacity, hull, t, prefix == ROW.name);
        let module = sequencer(
            &format!("{name}_{prefix}s"),
            axis,
            (hull, capacity.paced),
            &format,
            target,
            config,
            capacity.entry_bits(),
        );
        let there = m.net(&format!("{prefix}_there"), 1, "");
        let advance = m.net(&format!("{prefix}_advance"), 1, "");
        let step = m.net(&format!("{prefix}_step"), format.step_bits(), "");
        m.instance(
            &format!("u_{prefix}s"),
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
    }

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

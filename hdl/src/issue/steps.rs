//! The constant that each loop's turn adds to the two addresses.

use super::addresses::Form;
use super::loops::{Level, LoopShape, ACCUMULATION, TAP_COLUMNS};
use super::TURN_BITS;
use crate::config::capacity::Capacity;
use crate::config::descriptor::Descriptor;
use crate::config::inputs::{Config, Used};
use crate::primitives::paged_memory::{number, LoadBus, ReadBy};
use crate::primitives::ring::Ring;
use crate::rtl::{lit, ones, Body, Expr, Module, Reg};

/// How the loops add up addresses of the line buffer.
#[derive(Clone, Copy)]
pub(super) struct Grad {
    pub ring: Ring,
    /// Bits of a sum: those of the ring, and a sign where it is wrapped later.
    pub bits: usize,
}

/// The step of one loop in one direction.
pub(super) struct Step {
    /// In the line buffer, modulo its size.
    pub grad: Expr,
    /// In the weight memory; `None` where a block of K is its whole address.
    pub weight: Option<Expr>,
    /// In the table of taps, with lanes over pixels.
    pub tap: Option<Expr>,
}

/// What one turn forth adds to both addresses.
pub(super) type ByTurn = fn(&Descriptor) -> (i64, u64);

/// That of each loop, from the innermost to the outermost.
pub(super) const BY_TURN: [ByTurn; 5] = [
    |_| (1, 1),
    |d| (d.cols.address_tap, d.cols.weight_tap),
    |d| (d.rows.address_tap, d.rows.weight_tap),
    |d| (0, d.block_weights),
    |d| (d.k_blocks as i64, d.block_weights),
];

/// The steps of a loop: forth, and back where it runs that way too.
pub(super) struct Steps {
    pub forth: Step,
    pub back: Option<Step>,
}

impl Steps {
    /// Declares the steps of a loop over blocks of K or taps; `by` tells what one turn forth adds to
    /// the line-buffer address and to the weight address, in words.
    pub fn of_taps(
        m: &mut Module,
        config: &mut Config,
        shape: &LoopShape,
        Grad { ring, bits }: Grad,
        weight_width: Option<usize>,
        by: ByTurn,
    ) -> Self {
        let LoopShape { name, what, .. } = shape;
        let unit_bits = ring.unit_bits;
        // Both addresses wrap, so that a step back is one forth by what is left.
        let way = |by: i64, size: u64, back: bool| {
            (if back { -by } else { by }).rem_euclid(size as i64) as u64
        };
        let mut step = |suffix: &str, sense: &str, back: bool| {
            let grad = move |d: &Descriptor| {
                let size = match bits > ring.width {
                    true => 1 << bits,
                    false => d.line_words >> unit_bits,
                };
                way(by(d).0 >> unit_bits, size, back)
            };
            Step {
                grad: config.port(
                    m,
                    &format!("grad_{name}{suffix}"),
                    bits,
                    grad,
                    &format!("words {sense} of the {what}"),
                ),
                weight: weight_width.map(|width| {
                    config.port(
                        m,
                        &format!("weight_{name}{suffix}"),
                        width,
                        move |d| way(by(d).1 as i64 >> unit_bits, 1 << width, back),
                        &format!("weights {sense} of the {what}"),
                    )
                }),
                tap: None,
            }
        };
        Steps {
            forth: step("", "to the next", false),
            back: shape
                .repeats
                .then(|| step("_back", "back to the last", true)),
        }
    }

    /// The steps of a loop around whole accumulations, whose taps end where they began.
    pub fn of_blocks(grad: Expr, weight: Option<Expr>) -> Self {
        Steps {
            forth: Step {
                grad,
                weight,
                tap: None,
            },
            back: None,
        }
    }

    /// With lanes over pixels the line buffer's address is the same for all tap columns: the table of taps, of which this
    /// loop goes through neighbours, tells what is added to it.
    fn by_table(mut self, form: &Form, of_columns: bool) -> Self {
        let Some(bits) = form.tap else {
            return self;
        };
        let [forth, back] = match of_columns {
            true => [lit(1, bits), ones(bits)],
            false => [lit(0, bits), lit(0, bits)],
        };
        self.forth.tap = Some(forth);
        if let Some(step) = &mut self.back {
            step.tap = Some(back);
        }
        self
    }
}

/// The steps of the loops that turn, each from the configuration.
pub(super) fn steps(
    m: &mut Module,
    config: &mut Config,
    capacity: &Capacity,
    (levels, shapes): (&[Option<Level>], &[LoopShape]),
    form: &Form,
) -> Vec<Steps> {
    let low = capacity.k_block_bits;
    let upper = form.upper();
    let grad = Grad {
        ring: form.ring,
        bits: form.grad_bits(),
    };
    let mut steps: Vec<Steps> = levels
        .iter()
        .zip(shapes)
        .zip(&BY_TURN[..ACCUMULATION])
        .enumerate()
        .filter_map(|(index, ((level, shape), &by))| {
            level.as_ref()?;
            let steps = match shape.moves {
                true => Steps::of_taps(m, config, shape, grad, upper, by),
                // Blocks of K are the low bits: their loop leaves the rest alone.
                false => Steps::of_blocks(lit(0, grad.bits), upper.map(|upper| lit(0, upper))),
            };
            Some(steps.by_table(form, index == TAP_COLUMNS))
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
        let by_block =
            |grad| Steps::of_blocks(grad, Some(weight_block.clone())).by_table(form, false);
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

/// The steps of all loops in a memory, by the loop that turned last and the way it ran.
pub(super) struct TurnTable {
    turned: Reg,
    /// Of each loop, its first entry: forth, and back behind it where it runs that way too.
    first: Vec<u64>,
    pub grad: Expr,
    pub weight: Expr,
    /// In the table of taps, with lanes over pixels: the loop of tap columns goes through neighbours.
    pub tap: Option<Expr>,
    /// `grad` less the line buffer, where sums need that.
    pub wrapped: Option<Expr>,
}

impl TurnTable {
    /// `by` tells of each of the loops what one turn forth adds, in words; `columns`, which of them is that of tap columns.
    pub fn new(
        m: &mut Module,
        config: &mut Config,
        bus: &mut LoadBus,
        (levels, by): (&[&Level], &[ByTurn]),
        columns: Option<usize>,
        form: &Form,
    ) -> Self {
        let (ring, weight_width) = (form.ring, form.weight_width);
        let turned = m.reg("turned", TURN_BITS, 0, "loop that turned last, and its way");
        let mut ways: Vec<(ByTurn, bool)> = Vec::new();
        let mut first = Vec::new();
        for (level, &by) in levels.iter().zip(by) {
            first.push(ways.len() as u64);
            ways.push((by, false));
            if level.back().is_some() {
                ways.push((by, true));
            }
        }
        let entries: Vec<u64> = (0..ways.len() as u64).collect();
        let ways = std::rc::Rc::new(ways);
        // Both addresses wrap, so that a step back is one forth by what is left.
        let way = |of: fn((i64, u64)) -> i64, size: fn(&Descriptor, usize) -> u64| {
            let ways = ways.clone();
            move |d: &Descriptor, entry: u64| {
                let (by, back) = ways[entry as usize];
                let by = of(by(d));
                let by = if back { -by } else { by };
                by.rem_euclid(size(d, weight_width) as i64) as u64
            }
        };
        let grad = || way(|by| by.0, |d, _| d.line_words);
        let weight = way(|by| by.1 as i64, |_, width| 1 << width);
        let mut numbers = vec![
            number("grad", ring.width, "words to the next", grad()),
            number("weight", weight_width, "weights to the next", weight),
        ];
        if ring.is_odd() {
            let grad = grad();
            let width = ring.width + 1;
            let wrapped = move |d: &Descriptor, entry| (1 << width) + grad(d, entry) - d.line_words;
            let comment = "words to the next, less the line buffer";
            numbers.push(number("wrapped", width, comment, wrapped));
        }
        let used = Used::Always(entries.len() as u64);
        let found = bus.memory(
            m,
            config,
            "turns",
            numbers,
            (&entries, used, &turned.q),
            ReadBy::Address,
        );
        let tap = form.tap.map(|bits| {
            let step = m.net("turns_tap", bits, "places in the table of taps");
            m.comb(|b| {
                b.set(&step, &lit(0, bits));
                let Some(index) = columns else { return };
                let at = |entry: u64| turned.q.eq(&lit(entry, TURN_BITS));
                b.when(&at(first[index]), |b| b.set(&step, &lit(1, bits)));
                if levels[index].back().is_some() {
                    b.when(&at(first[index] + 1), |b| b.set(&step, &ones(bits)));
                }
            });
            step
        });
        TurnTable {
            tap,
            turned,
            first,
            grad: found["grad"].clone(),
            weight: found["weight"].clone(),
            wrapped: found.get("wrapped").cloned(),
        }
    }

    /// The loop `index` turned.
    pub fn turn(&self, b: &mut Body, index: usize, level: &Level) {
        b.set(&self.turned.d, &lit(self.first[index], TURN_BITS));
        if let Some(back) = level.back() {
            b.when(&back, |b| {
                b.set(&self.turned.d, &lit(self.first[index] + 1, TURN_BITS));
            });
        }
    }
}

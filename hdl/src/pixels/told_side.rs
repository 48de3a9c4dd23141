//! A side of the banks that rows are put in order by, where the layer is told at run time.

use super::sides::{slots, Counts, Entry};
use crate::config::descriptor::Descriptor;
use crate::config::inputs::{Config, Of, Used};
use crate::config::pixels::{PixelHull, RowOrder};
use crate::primitives::counter::Counter;
use crate::primitives::paged_memory::{number, LoadBus, ReadBy};
use crate::rtl::{bits_for, lit, Expr, Module, Reg};

/// Whose rows are put in order, and the largest of them.
#[derive(Clone, Copy)]
pub(super) struct ToldRows<'a> {
    pub hull: &'a PixelHull,
    pub of: Of,
}

/// What the names of a side's nets begin with.
pub(super) fn side_name(written: bool) -> &'static str {
    if written {
        "write"
    } else {
        "read"
    }
}

/// What a side is told beside the tables of its entries.
pub(super) struct ToldNets {
    /// The number of the last entry of a whole stretch, and of the rest of a row.
    whole_last: Expr,
    rest_last: Expr,
    has_rest: Expr,
}

/// What a table says of the entry that is taken or given.
pub(super) struct EntryNets {
    /// Lanes that it is turned down by.
    pub turn: Expr,
    /// Where its columns lie in each bank, blocks of channels included; none of a beat, which lies behind the one before.
    pub places: Vec<Expr>,
    /// Slots that are not zero; in a whole stretch, and in the rest of a row. None where it is written.
    pub kept: Option<[Expr; 2]>,
}

impl ToldRows<'_> {
    /// What begins the names of its inputs.
    pub fn name(&self) -> &'static str {
        match self.of {
            Of::Moving => "moving",
            Of::Result => "result",
        }
    }

    /// Whether a side goes by words: what moves is read by them, and the result written.
    pub fn by_words(&self, written: bool) -> bool {
        written == (self.of == Of::Result)
    }

    /// Rows of a frame, and beats of a lane's column.
    fn counts(of: Of, d: &Descriptor) -> [u64; 2] {
        match of {
            Of::Moving => [d.kept_rows.size, d.pixel_words()],
            Of::Result => {
                let rows = d.pixels.as_ref().map_or(1, |pixels| pixels.result_rows);
                [rows, d.c_blocks * d.group_blocks]
            }
        }
    }

    /// A number of a layer's rows, by its name and what it means.
    fn port(
        &self,
        m: &mut Module,
        config: &mut Config,
        (name, width): (&str, usize),
        comment: &str,
        value: impl Fn(&RowOrder, [u64; 2]) -> u64 + 'static,
    ) -> Expr {
        let of = self.of;
        let name = format!("{}_{name}", self.name());
        let of_layer = move |d: &Descriptor| {
            let order = of.order(d);
            order.map_or(0, |order| value(order, Self::counts(of, d)))
        };
        config.port(m, &name, width, of_layer, comment)
    }

    /// Blocks of a column and rows of a frame, less one each.
    pub fn lasts(&self, m: &mut Module, config: &mut Config) -> [Expr; 2] {
        let blocks = self.last_block(m, config);
        let bits = bits_for(self.hull.rows - 1);
        let comment = "rows of a frame, less one";
        let rows = self.port(m, config, ("rows_less_1", bits), comment, |_, counts| {
            counts[0] - 1
        });
        [blocks, rows]
    }

    /// Blocks of a column, less one.
    fn last_block(&self, m: &mut Module, config: &mut Config) -> Expr {
        let bits = bits_for(self.hull.stretch_beats - 1);
        let comment = "blocks of channels in a beat's column, less one";
        self.port(m, config, ("blocks_less_1", bits), comment, |_, counts| {
            counts[1] - 1
        })
    }

    /// What the end of a row is told: its blocks and its beats, less one each, and which lanes its last beats have.
    pub fn row_end(&self, m: &mut Module, config: &mut Config) -> [Expr; 3] {
        let blocks = self.last_block(m, config);
        let bits = self.hull.stretch_bits();
        let comment = "beats of a row, less one";
        let beats = self.port(
            m,
            config,
            ("row_beats_less_1", bits),
            comment,
            |order, _| order.beats() - 1,
        );
        let bits = self.hull.lanes as usize;
        let comment = "lanes of a row's last beats";
        let lanes = self.port(m, config, ("last_lanes", bits), comment, |order, _| {
            (1 << order.last_columns()) - 1
        });
        [blocks, beats, lanes]
    }

    /// The counter of stretches, and what else is told of a side.
    pub fn stretches(
        &self,
        m: &mut Module,
        config: &mut Config,
        written: bool,
    ) -> (Counter, ToldNets) {
        let (side, by_words) = (side_name(written), self.by_words(written));
        let what = if by_words { "word" } else { "beat" };
        let entries = bits_for(self.entries(by_words) - 1);
        let mut port = |name: &str, width: usize, comment: &str, value: fn(Counts) -> u64| {
            let name = format!("{what}_{name}");
            self.port(m, config, (&name, width), comment, move |order, _| {
                value(Counts::of(order, by_words))
            })
        };
        let bits = bits_for(self.hull.stretches() - 1);
        let comment = "stretches that have any, less one";
        let last = port("stretches_less_1", bits, comment, |side| {
            side.stretches.saturating_sub(1)
        });
        let comment = "of a whole stretch, less one";
        let whole_last = port("whole_less_1", entries, comment, |side| side.whole - 1);
        let comment = "of the rest of a row, less one";
        let rest_last = port("rest_less_1", entries, comment, |side| {
            side.rest.saturating_sub(1)
        });
        let comment = "the last stretch is such a rest";
        let has_rest = port("has_rest", 1, comment, |side| u64::from(side.rest > 0));
        let nets = ToldNets {
            whole_last,
            rest_last,
            has_rest,
        };
        (
            Counter::told(m, &format!("{side}_stretch"), &last, ""),
            nets,
        )
    }

    /// Whether the rest of a row has beats and no word.
    pub fn restless(&self, m: &mut Module, config: &mut Config) -> Expr {
        let comment = "the rest of a row has beats and no word";
        self.port(m, config, ("restless", 1), comment, |order, _| {
            u64::from(order.restless())
        })
    }

    /// For each slot the lane that is in it ahead of the turn, or for each lane the slot behind it.
    pub fn slots(&self, m: &mut Module, config: &mut Config) -> Vec<Expr> {
        let bits = bits_for(self.hull.lanes - 1);
        let to_words = self.of == Of::Moving;
        let slots = (0..self.hull.lanes as usize).map(|index| {
            let comment = match to_words {
                true => "slot of the lane",
                false => "lane of the slot",
            };
            let name = format!("slot{index}");
            self.port(m, config, (&name, bits), comment, move |order, _| {
                let slots = slots(order);
                match to_words {
                    true => slots[index] as u64,
                    false => slots.iter().position(|&slot| slot == index).unwrap_or(0) as u64,
                }
            })
        });
        slots.collect()
    }

    /// Entries of a stretch, at the most.
    pub fn entries(&self, by_words: bool) -> u64 {
        match by_words {
            true => self.hull.taps.min(self.hull.stretch_beats).max(2),
            false => self.hull.stretch_beats.max(2),
        }
    }

    /// The table of a side's entries, read at `entry`.
    pub fn table(
        &self,
        m: &mut Module,
        config: &mut Config,
        bus: &mut LoadBus,
        written: bool,
        entry: &Expr,
    ) -> EntryNets {
        let by_words = self.by_words(written);
        let (hull, of) = (*self.hull, self.of);
        let lanes = hull.lanes as usize;
        let entry_of = move |d: &Descriptor, entry: u64| {
            let order = of.order(d)?;
            match by_words {
                true if entry < order.phases.len() as u64 => {
                    Some(Entry::word(order, entry as usize, written))
                }
                false if entry < order.stride => Some(Entry::beat(order, entry, written)),
                _ => None,
            }
        };
        let turn = move |d: &Descriptor, entry| entry_of(d, entry).map_or(0, |it| it.turn);
        let lane_bits = bits_for(hull.lanes - 1);
        let mut numbers = vec![number("turn", lane_bits, "lanes down", turn)];
        if by_words {
            let bits = bits_for(hull.stretch_beats - 1);
            let comment = "where its column lies in the bank";
            numbers.extend((0..lanes).map(|bank| {
                let place = move |d: &Descriptor, entry| {
                    let [_, blocks] = Self::counts(of, d);
                    entry_of(d, entry).map_or(0, |it| it.places[bank] * blocks)
                };
                number(format!("place{bank}"), bits, comment, place)
            }));
        }
        if !written {
            for (rest, (name, comment)) in KEPT.into_iter().enumerate() {
                let of_entry = move |d: &Descriptor, entry| {
                    let slots = of.order(d).filter(|_| by_words).map(slots);
                    let slot = |lane: usize| slots.as_ref().map_or(lane, |slots| slots[lane]);
                    let kept = entry_of(d, entry).map_or(Vec::new(), |it| it.kept[rest].clone());
                    let kept = kept.into_iter().enumerate();
                    kept.fold(0, |bits, (lane, kept)| bits | u64::from(kept) << slot(lane))
                };
                numbers.push(number(name, lanes, comment, of_entry));
            }
        }
        let (used, what) = match by_words {
            true => (Used::Words(of), "words"),
            false => (Used::Beats(of), "beats"),
        };
        let entries: Vec<u64> = (0..self.entries(by_words)).collect();
        let name = format!("{}_{what}", self.name());
        let found = bus.memory(
            m,
            config,
            &name,
            numbers,
            (&entries, used, entry),
            ReadBy::Address,
        );
        let places = (0..lanes).filter_map(|bank| found.get(format!("place{bank}").as_str()));
        EntryNets {
            turn: found["turn"].clone(),
            places: places.cloned().collect(),
            kept: (!written).then(|| KEPT.map(|(name, _)| found[name].clone())),
        }
    }
}

/// Names of the slots that are not zero, in a whole stretch and in the rest of a row.
const KEPT: [(&str, &str); 2] = [
    ("kept", "slots that are not zero"),
    ("rest_kept", "likewise in the rest of a row"),
];

impl ToldNets {
    /// Whether the stretch is the rest of a row.
    pub fn in_rest(&self, stretch: &Counter) -> Expr {
        &self.has_rest & stretch.at_last()
    }

    /// Whether the entry is the last of its stretch.
    pub fn at_last(&self, m: &mut Module, side: &str, entry: &Reg, in_rest: &Expr) -> Expr {
        let last = m.net(&format!("{side}_entry_last"), 1, "");
        m.observe(|b| {
            b.set(&last, &entry.q.eq(&self.whole_last));
            b.when(in_rest, |b| b.set(&last, &entry.q.eq(&self.rest_last)));
        });
        last
    }
}

/// The lanes of `values` that stand in `choices`, one after the other.
pub(super) fn chosen(
    m: &mut Module,
    name: &str,
    (values, choices): (&Expr, &[Expr]),
    bits: usize,
) -> Expr {
    let lanes = choices.len();
    let chosen = m.net(name, values.width(), "");
    m.comb(|b| {
        b.set(&chosen, &lit(0, values.width()));
        for (place, choice) in choices.iter().enumerate() {
            b.case(choice, lanes, |b, lane| {
                b.set_slice(&chosen, place * bits, &values.slice(lane * bits, bits));
            });
        }
    });
    chosen
}

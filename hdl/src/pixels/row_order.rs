//! Rows put in the order of lanes over pixels, and back in that of their columns.

use super::place::Place;
use super::sides::{Entry, Side};
use super::told_side::{chosen, side_name, EntryNets, ToldRows};
use super::turn::{late, turn_cycles, turned};
use super::MOST_PAGES;
use crate::config::inputs::{Config, Of};
use crate::config::pixels::{PixelHull, RowOrder};
use crate::primitives::beat_fifo::{beat_fifo, BEAT_CYCLES, SHORT_PLACES};
use crate::primitives::block_ram::fits_luts;
use crate::primitives::credit_counter::CreditCounter;
use crate::primitives::delay::delayed;
use crate::primitives::memory::{read_ahead_memory, MEMORY_CYCLES};
use crate::primitives::paged_memory::LoadBus;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, Expr, Module, Reg};
use crate::streams::grad_port::{tlast_check, Frames, Misplaced};
use crate::streams::result_port::CLOSES;

const TO_WORDS_DOC: &str = "\
Beats of neighbouring columns in, words of columns of one phase out, stretch by stretch of a row.
Phases that no tap meets are left out; columns beyond the row are zero.";

const TO_BEATS_DOC: &str = "\
Words of columns of one phase in, beats of neighbouring columns out, stretch by stretch of a row.
Phases without a tap and columns beyond the row are zero.";

const DOC: &str = "

Pages of as many banks as there are lanes: one is written while others are read. Columns lie so that
those of a beat are in as many banks as those of a word; either is turned on its way. What is read goes
through a FIFO.

Promise: both streams keep the rules of AXI4-Stream. A beat is taken in every cycle in which a page is
free, and in no other. What leaves is read in every cycle in which a page is full and there is a place
in the FIFO: so the side that has more to move moves in every cycle, from stretch to stretch as well. `tlast` is high with a frame's last one.
";

/// The head of the block for so many lanes.
fn head(direction: Direction, lanes: usize, tells_frames: bool) -> String {
    let OrderCycles { to_read, to_stream } = order_cycles(lanes);
    let ahead = PLACES + 1;
    let (head, frames) = match direction {
        Direction::ToWords => (TO_WORDS_DOC, TO_WORDS_FRAMES),
        Direction::ToBeats if tells_frames => (TO_BEATS_DOC, TO_BEATS_FRAMES),
        Direction::ToBeats => (TO_BEATS_DOC, ""),
    };
    format!(
        "{head}{DOC}
In cycles: a page is full {to_read} behind the last beat of a stretch, and free {PAGE_CYCLES} behind its last read;
a beat is on the stream {to_stream} behind its read, which is {PLACE_CYCLES} behind the move of the beat that is {ahead}
ahead of it, at the earliest.{frames}"
    )
}

const TO_WORDS_FRAMES: &str = "
`frame_begin` is a cycle behind its beat, and so is the pulse that tells a misplaced `tlast`, which
changes nothing else.";

const TO_BEATS_FRAMES: &str = "
`frame_done` is a cycle behind its beat.";

const TO_WORDS_TOLD: &str = "

It takes the frames of one job after the other, as many as it is told: no beat is taken and `all_taken` is high
in reset and from the last beat of the last frame on, until `frames_begin` comes with the next job's
configuration. While `frames_ahead` is high, what is in the other page of the tables is the job's.";

const TO_BEATS_TOLD: &str = "

The next job is told while the block is in reset. While `closes` is high, no beat follows the one on the stream.";

/// Pages that rows in this order go through, with so many beats for a lane's column: enough to be written and read all the
/// time, also where a stretch is over in a few cycles.
pub fn pages(order: &RowOrder, blocks: u64) -> u64 {
    // The rest of a row is a page of its own; with four of them, it is to be read before the fourth behind it comes.
    let rest = order.rest_beats().max(order.rest_words());
    let is_page = order.rest_words() > 0;
    let to_read = order_cycles(order.lanes as usize).to_read as u64;
    let is_short = is_page && 2 * rest * blocks + 1 < to_read;
    match order.stride * blocks < FEW_BEATS || is_short {
        true => 8,
        false => 4,
    }
}

/// Beats of a stretch that are over before one that follows can be there.
const FEW_BEATS: u64 = 8;

/// Which way a row goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From beats to words: what moves.
    ToWords,
    /// From words to beats: the result.
    ToBeats,
}

/// From a page's last read to a beat that may be taken for it.
pub const PAGE_CYCLES: usize = 1;
/// Words that what leaves may be ahead of the one on the stream.
pub const PLACES: u64 = SHORT_PLACES;
/// From the move of a word from the stream to the read that may take its place.
pub const PLACE_CYCLES: usize = 2;

/// Cycles through the block: to the read of the first of a stretch behind the last beat taken of it, and from a read to the
/// stream.
pub struct OrderCycles {
    /// From the last beat of a stretch taken to its first read.
    pub to_read: usize,
    /// From a read to the cycle in which it is on the stream.
    pub to_stream: usize,
}

/// The same for so many lanes.
pub fn order_cycles(lanes: usize) -> OrderCycles {
    let turn = turn_cycles(lanes);
    OrderCycles {
        to_read: turn + 1,
        to_stream: 1 + MEMORY_CYCLES + turn + BEAT_CYCLES as usize,
    }
}

/// The rows that go through the block.
pub enum Rows<'a> {
    /// Rows in this order, so many in a frame, with so many beats for each lane's column.
    Exactly(&'a RowOrder, [u64; 2]),
    /// What a job says, frame by frame.
    Told(ToldRowOrder<'a>),
}

/// Rows that are told at run time.
pub struct ToldRowOrder<'a> {
    /// The largest of them.
    pub hull: &'a PixelHull,
    /// Frames of a job, at the most.
    pub frames: u64,
    /// Bits of an entry of the largest memory of the core.
    pub entry_bits: usize,
    /// What the layer is told by.
    pub config: &'a mut Config,
}

impl Rows<'_> {
    fn lanes(&self) -> u64 {
        match self {
            Rows::Exactly(order, _) => order.lanes,
            Rows::Told(told) => told.hull.lanes,
        }
    }

    fn pages(&self) -> u64 {
        match self {
            Rows::Exactly(order, [_, blocks]) => pages(order, *blocks),
            Rows::Told(_) => MOST_PAGES,
        }
    }
}

/// Builds the block for rows of `bits` bits a lane; `fifo` and `memory` name the modules that hold what leaves.
pub fn row_order(
    name: &str,
    rows: Rows,
    direction: Direction,
    (bits, tells_frames): (usize, bool),
    [fifo, memory]: &[String; 2],
    target: Target,
) -> Module {
    let to_words = direction == Direction::ToWords;
    let (lanes, all) = (rows.lanes() as usize, rows.pages());
    let told_doc = match (&rows, direction) {
        (Rows::Exactly(..), _) => "",
        (Rows::Told(_), Direction::ToWords) => TO_WORDS_TOLD,
        (Rows::Told(_), Direction::ToBeats) => TO_BEATS_TOLD,
    };
    let mut m = Module::new(name, head(direction, lanes, tells_frames) + told_doc);
    m.clocked();
    let width = lanes * bits;
    let tvalid_in = m.input("in_tvalid", 1, "");
    let tready_in = m.output("in_tready", 1, "");
    let tdata_in = m.input("in_tdata", width, "lane 0 in the low bits");
    let tlast_in = to_words.then(|| m.input("in_tlast", 1, ""));
    let misplaced = to_words.then(|| Misplaced::declare(&mut m));
    let begin = to_words.then(|| m.output("frame_begin", 1, "a frame's first beat was taken"));
    let tvalid = m.output("out_tvalid", 1, "");
    let tready = m.input("out_tready", 1, "");
    let tdata = m.output("out_tdata", width, "");
    let tlast = m.output("out_tlast", 1, "");
    let done = tells_frames.then(|| {
        let comment = "the last beat of a frame was taken";
        m.output("frame_done", 1, comment)
    });
    let jobs = Jobs::of(&mut m, &rows, direction, target);
    let Sides {
        written,
        read,
        restless,
        place_bits,
        block_bits,
    } = Sides::new(&mut m, rows, direction, &jobs);
    let page_bits = bits_for(all - 1);
    let free_all = lit(all, bits_for(all));
    let free = CreditCounter::full(&mut m, ["free_pages", "page_free"], &free_all, "to write");
    let full = CreditCounter::none(
        &mut m,
        ["full_pages", "page_full"],
        bits_for(all),
        "to read",
    );
    let places_all = lit(SHORT_PLACES, bits_for(SHORT_PLACES));
    let comment = "in the FIFO of what leaves";
    let places = CreditCounter::full(&mut m, ["places", "place_free"], &places_all, comment);
    let ready = m.reg("ready", 1, 0, "");
    let write_page = m.reg("write_page", page_bits, 0, "");
    let read_page = m.reg("read_page", page_bits, 0, "");
    let accept = m.net("accept", 1, "a beat is taken");
    let fetch = m.net("fetch", 1, "one is read");
    let [page_written, page_read] = [
        ("page_written", "that is its page's last"),
        ("page_read", "likewise"),
    ]
    .map(|(name, comment)| m.net(name, 1, comment));
    let gave = m.net("gave", 1, "");
    // Of the side that goes through it all the same: the rest of a row may have no word, then it is no page.
    let rest_of = |place: &Place, beats: bool| {
        let restless = restless.as_ref().filter(|_| beats)?;
        let rest = place.in_rest.as_ref()?;
        Some(match restless {
            Restless::Always => rest.clone(),
            Restless::Told(told) => rest & told,
        })
    };
    let (write_place, read_place) = (&written.place, &read.place);
    let written_rest = rest_of(write_place, to_words);
    let read_rest = rest_of(read_place, !to_words);
    let over = |moves: &Expr, place: &Place, rest: &Option<Expr>| {
        let ends = moves & &place.ends;
        match rest {
            Some(rest) => ends & !rest,
            None => ends,
        }
    };
    let turn = turn_cycles(lanes);
    m.assign(&accept, &(&tvalid_in & &ready.q));
    let may_read = match &read_rest {
        Some(rest) => full.some() | rest,
        None => full.some(),
    };
    m.assign(&fetch, &(may_read & places.some()));
    m.comb(|b| {
        b.comment("A page is written while others are read.");
        write_place.step(b, &accept);
        read_place.step(b, &fetch);
        b.set(&page_written, &over(&accept, write_place, &written_rest));
        b.set(&page_read, &over(&fetch, read_place, &read_rest));
    });
    let page_full = delayed(&mut m, "page_full", &page_written, turn, true);
    m.comb(|b| {
        for (page, over) in [(&write_page, &page_written), (&read_page, &page_read)] {
            b.when(over, |b| b.set(&page.d, &page.q.plus(1)));
        }
        free.step(b, &page_read, &page_written);
        full.step(b, &page_full, &page_read);
        places.step(b, &gave, &fetch);
        b.set(&ready.d, &free.some_next());
        if let Jobs::Frames(frames) = &jobs {
            frames.step(b, &(&accept & &write_place.frame_ends), &ready);
            for place in [write_place, read_place] {
                place.restart(b, frames.begin());
            }
        }
    });
    m.assign(&tready_in, &ready.q);
    if let (Some(tlast_in), Some(misplaced), Some(begin)) = (&tlast_in, &misplaced, &begin) {
        tlast_check(
            &mut m,
            &write_place.frame_ends,
            &accept,
            tlast_in,
            misplaced,
        );
        let first = m.reg("first_beat", 1, 1, "the next beat is a frame's first");
        let begun = m.reg("begun", 1, 0, "");
        m.comb(|b| {
            b.set(&begun.d, &(&accept & &first.q));
            b.when(&accept, |b| b.set(&first.d, &write_place.frame_ends));
        });
        m.assign(begin, &begun.q);
    }

    let banks = Banks {
        lanes,
        bits,
        page_bits,
        place_bits,
        block_bits,
    };
    let writes = banks.write(&mut m, &written, (&accept, &write_page.q, &tdata_in));
    let words = banks.place(&mut m, name, &read, &read_page.q, writes, target);
    let ends = &fetch & &read_place.ends & &read_place.frame_ends;
    let to_fifo = 1 + MEMORY_CYCLES + turn;
    let fifo_write = delayed(&mut m, "fetch", &fetch, to_fifo, true);
    let fifo_last = delayed(&mut m, "last", &ends, to_fifo, false);
    let [beat, word] = ["beat", "word"].map(|name| m.net(name, width + 1, ""));
    let [valid, there] = match &jobs {
        Jobs::Closing(closing) => {
            let there = m.net("there", 1, "a beat is in the FIFO");
            [closing.offered(&mut m, &there, &tready), there]
        }
        _ => {
            let valid = m.net("valid", 1, "");
            [valid.clone(), valid]
        }
    };
    let take = m.net("take", 1, "");
    m.assign(&take, &(&valid & &tready));
    m.assign(&beat.slice(0, width), &words);
    m.assign(&beat.bit(width), &fifo_last);
    m.instance(
        "u_beats",
        beat_fifo(fifo, memory, width + 1, SHORT_PLACES, target),
        vec![
            ("write", fifo_write),
            ("beat", beat),
            ("gave", gave),
            ("valid", there),
            ("word", word.clone()),
            ("take", take.clone()),
        ],
    );
    m.assign(&tvalid, &valid);
    m.assign(&tdata, &word.slice(0, width));
    m.assign(&tlast, &word.bit(width));
    if let Some(done) = &done {
        let was_last = m.reg("done", 1, 0, "");
        m.comb(|b| b.set(&was_last.d, &(&take & word.bit(width))));
        m.assign(done, &was_last.q);
    }
    m
}

/// What goes with the jobs of an engine that has such.
enum Jobs {
    /// One layer, without end.
    None,
    /// What moves ends with each job's frames.
    Frames(Box<Frames>),
    /// No result follows a job's last one.
    Closing(Closing),
}

impl Jobs {
    fn of(m: &mut Module, rows: &Rows, direction: Direction, target: Target) -> Self {
        match (rows, direction) {
            (Rows::Exactly(..), _) => Jobs::None,
            (Rows::Told(told), Direction::ToWords) => {
                Jobs::Frames(Box::new(Frames::new(m, told.frames, target)))
            }
            (Rows::Told(_), Direction::ToBeats) => Jobs::Closing(Closing {
                closes: m.input(CLOSES, 1, "no beat follows"),
                closed: m.reg("closed", 1, 0, "no more are offered"),
            }),
        }
    }
}

/// Behind a job's last frame, no beat follows the one on the stream.
struct Closing {
    closes: Expr,
    closed: Reg,
}

impl Closing {
    /// Whether a beat is offered of those that are there.
    fn offered(&self, m: &mut Module, there: &Expr, ready: &Expr) -> Expr {
        let offered = m.net("valid", 1, "");
        m.assign(&offered, &(there & !&self.closed.q));
        m.comb(|b| {
            let held = &offered & !ready;
            b.when(&(&self.closes & !held), |b| {
                b.set(&self.closed.d, &lit(1, 1));
            });
        });
        offered
    }
}

/// How a side goes through its banks.
enum Ways {
    /// By constants.
    BuiltIn(Side),
    /// By tables; `slots` where lanes are not in their own ones.
    Told { entry: EntryNets, slots: Vec<Expr> },
}

/// One side of the banks: where in a frame it is, and which way it goes.
struct SideWays {
    name: &'static str,
    place: Place,
    ways: Ways,
}

/// Whether the rest of a row has beats and no word.
enum Restless {
    Always,
    Told(Expr),
}

/// Both sides, and how a place in a page is counted.
struct Sides {
    written: SideWays,
    read: SideWays,
    restless: Option<Restless>,
    place_bits: usize,
    block_bits: usize,
}

impl Sides {
    fn new(m: &mut Module, rows: Rows, direction: Direction, jobs: &Jobs) -> Self {
        match rows {
            Rows::Exactly(order, counts) => Self::built_in(m, order, counts, direction),
            Rows::Told(told) => Self::told(m, told, direction, jobs),
        }
    }

    fn built_in(
        m: &mut Module,
        order: &RowOrder,
        [rows, blocks]: [u64; 2],
        direction: Direction,
    ) -> Self {
        let to_words = direction == Direction::ToWords;
        let (written, read) = match direction {
            Direction::ToWords => (
                Side::beats("write", order, true),
                Side::words("read", order, false),
            ),
            Direction::ToBeats => (
                Side::words("write", order, true),
                Side::beats("read", order, false),
            ),
        };
        let mut side = |side: Side, counts_rows: bool| SideWays {
            name: side.name,
            place: Place::new(m, &side, (rows, blocks), counts_rows),
            ways: Ways::BuiltIn(side),
        };
        Sides {
            written: side(written, to_words),
            read: side(read, true),
            restless: order.restless().then_some(Restless::Always),
            place_bits: bits_for(order.stride - 1),
            block_bits: if blocks > 1 { bits_for(blocks - 1) } else { 0 },
        }
    }

    fn told(m: &mut Module, told: ToldRowOrder, direction: Direction, jobs: &Jobs) -> Self {
        let ToldRowOrder {
            hull,
            entry_bits,
            config,
            ..
        } = told;
        let to_words = direction == Direction::ToWords;
        let of = if to_words { Of::Moving } else { Of::Result };
        let rows = ToldRows { hull, of };
        let mut bus = match jobs {
            Jobs::Frames(frames) => LoadBus::declare_ahead(m, config, entry_bits, frames.ahead()),
            _ => LoadBus::declare(m, config, entry_bits),
        };
        let lasts = rows.lasts(m, config);
        let restless = rows.restless(m, config);
        let mut side = |written: bool, config: &mut Config| {
            let (place, entry) = Place::told(m, &rows, written, &lasts, (config, &mut bus));
            let slots = match rows.by_words(written) {
                true => rows.slots(m, config),
                false => Vec::new(),
            };
            SideWays {
                name: side_name(written),
                place,
                ways: Ways::Told { entry, slots },
            }
        };
        let sides = Sides {
            written: side(true, config),
            read: side(false, config),
            restless: Some(Restless::Told(restless)),
            place_bits: bits_for(hull.stretch_beats - 1),
            block_bits: 0,
        };
        bus.close(m);
        sides
    }
}

/// The banks of all pages.
struct Banks {
    lanes: usize,
    bits: usize,
    page_bits: usize,
    /// Bits of a column's place in a page, for one block.
    place_bits: usize,
    block_bits: usize,
}

/// What goes into each bank.
struct Writes {
    write: Expr,
    addresses: Vec<Expr>,
    data: Expr,
}

impl Banks {
    fn address_bits(&self) -> usize {
        self.page_bits + self.place_bits + self.block_bits
    }

    /// The address of each bank, from the page down to the block.
    fn addresses(&self, m: &mut Module, side: &SideWays, page: &Expr) -> Vec<Expr> {
        let (place, name) = (&side.place, side.name);
        let banks = (0..self.lanes).map(|bank| {
            let address = format!("{name}_address{bank}");
            m.net(&address, self.address_bits(), "")
        });
        let banks: Vec<Expr> = banks.collect();
        let low = self.place_bits + self.block_bits;
        let ways = match &side.ways {
            Ways::BuiltIn(ways) => ways,
            Ways::Told { entry, .. } => {
                for (bank, address) in banks.iter().enumerate() {
                    let of_word = entry.places.get(bank).zip(place.block.as_ref());
                    let within = match (of_word, &place.offset) {
                        (Some((first, block)), _) => first + &block.now.q,
                        (None, Some(offset)) => offset.q.clone(),
                        (None, None) => lit(0, low),
                    };
                    m.assign(&address.slice(0, low), &within);
                    m.assign(&address.slice(low, self.page_bits), page);
                }
                return banks;
            }
        };
        m.observe(|b| {
            for address in &banks {
                b.set(address, &lit(0, self.address_bits()));
                b.set_slice(address, low, page);
                if let Some(block) = &place.block {
                    b.set_slice(address, 0, &block.now.q);
                }
            }
            place.by_entry(b, ways, |b, entry| {
                for (address, &at) in banks.iter().zip(&ways.entries[entry].places) {
                    b.set_slice(address, self.block_bits, &lit(at, self.place_bits));
                }
            });
        });
        banks
    }

    /// By how much a side is turned; `None` where it never is.
    fn turn(&self, m: &mut Module, side: &SideWays) -> Option<Expr> {
        let ways = match &side.ways {
            Ways::BuiltIn(ways) => ways,
            Ways::Told { entry, .. } => return Some(entry.turn.clone()),
        };
        if ways.entries.iter().all(|entry| entry.turn == 0) {
            return None;
        }
        let bits = bits_for(self.lanes as u64 - 1);
        let turn = m.net(&format!("{}_turn", side.name), bits, "lanes down");
        m.observe(|b| {
            b.set(&turn, &lit(0, bits));
            side.place.by_entry(b, ways, |b, entry| {
                b.set(&turn, &lit(ways.entries[entry].turn, bits));
            });
        });
        Some(turn)
    }

    fn write(
        &self,
        m: &mut Module,
        side: &SideWays,
        (accept, page, data): (&Expr, &Expr, &Expr),
    ) -> Writes {
        let slots = match &side.ways {
            Ways::Told { slots, .. } if slots.is_empty() => data.clone(),
            Ways::Told { slots, .. } => chosen(m, "slots", (data, slots), self.bits),
            Ways::BuiltIn(ways) => {
                let slots = m.net("slots", self.lanes * self.bits, "");
                m.comb(|b| {
                    for (lane, &slot) in ways.slots.iter().enumerate() {
                        let value = data.slice(lane * self.bits, self.bits);
                        b.set_slice(&slots, slot * self.bits, &value);
                    }
                });
                slots
            }
        };
        let turn = self.turn(m, side);
        let turn_cycles = turn_cycles(self.lanes);
        let addresses = self.addresses(m, side, page);
        Writes {
            write: delayed(m, "write", accept, turn_cycles, true),
            data: turned(m, "written", &slots, turn.as_ref(), None, self.lanes),
            addresses: addresses
                .iter()
                .enumerate()
                .map(|(bank, at)| late(m, &format!("write_address{bank}"), at, turn_cycles))
                .collect(),
        }
    }

    fn place(
        &self,
        m: &mut Module,
        name: &str,
        side: &SideWays,
        page: &Expr,
        writes: Writes,
        target: Target,
    ) -> Expr {
        let depth = 1 << self.address_bits();
        // Pages are mostly short: no block RAMs then, and the generic body is that of lookup tables.
        let target = match fits_luts(target, depth, self.bits) {
            true => Target::Generic,
            false => target,
        };
        let addresses = self.addresses(m, side, page);
        let words = m.net("stored", self.lanes * self.bits, "");
        for (bank, (read, write)) in addresses.iter().zip(&writes.addresses).enumerate() {
            let address = late(m, &format!("read_address{bank}"), read, 1);
            m.instance(
                &format!("u_bank{bank}"),
                read_ahead_memory(&format!("{name}_bank"), depth, self.bits, target),
                vec![
                    ("write", writes.write.clone()),
                    ("write_address", write.clone()),
                    ("write_data", writes.data.slice(bank * self.bits, self.bits)),
                    ("read_address", address),
                    ("read_data", words.slice(bank * self.bits, self.bits)),
                ],
            );
        }
        let turn = self.turn(m, side);
        let turn = turn.map(|turn| late(m, "read_turn", &turn, 1 + MEMORY_CYCLES));
        let kept = self.kept(m, side);
        let slots = turned(m, "read", &words, turn.as_ref(), kept.as_ref(), self.lanes);
        let ways = match &side.ways {
            Ways::Told { slots: told, .. } if told.is_empty() => return slots,
            Ways::Told { slots: told, .. } => {
                return chosen(m, "lanes", (&slots, told), self.bits);
            }
            Ways::BuiltIn(ways) => ways,
        };
        let lanes = m.net("lanes", slots.width(), "");
        m.comb(|b| {
            for (lane, &slot) in ways.slots.iter().enumerate() {
                let value = slots.slice(slot * self.bits, self.bits);
                b.set_slice(&lanes, lane * self.bits, &value);
            }
        });
        lanes
    }

    /// The slots that hold a column of the row with a tap, in time for the last turn; `None` where all always do.
    fn kept(&self, m: &mut Module, side: &SideWays) -> Option<Expr> {
        let place = &side.place;
        let cycles = MEMORY_CYCLES + turn_cycles(self.lanes);
        let side = match &side.ways {
            Ways::BuiltIn(ways) => ways,
            Ways::Told { entry, .. } => {
                let ([whole, rest], in_rest) = entry.kept.as_ref().zip(place.in_rest.as_ref())?;
                let kept = m.net("kept", self.lanes, "slots that are not zero");
                m.comb(|b| b.select(&kept, in_rest, rest, whole));
                return Some(late(m, "kept", &kept, cycles));
            }
        };
        let whole = |entry: &Entry| entry.kept[0].iter().all(|&kept| kept);
        let rest = side.entries.iter().take(side.counts.rest as usize);
        let in_rest = place
            .in_rest
            .as_ref()
            .filter(|_| rest.clone().any(|entry| entry.kept[0] != entry.kept[1]));
        if side.entries.iter().all(whole) && in_rest.is_none() {
            return None;
        }
        let bits = |kept: &[bool]| {
            let slots = side.slots.iter().zip(kept);
            slots.fold(0, |bits, (slot, &kept)| bits | u64::from(kept) << slot)
        };
        let kept = m.net("kept", self.lanes, "slots that are not zero");
        m.observe(|b| {
            b.set(&kept, &lit(bits(&vec![true; self.lanes]), self.lanes));
            place.by_entry(b, side, |b, entry| {
                b.set(&kept, &lit(bits(&side.entries[entry].kept[0]), self.lanes));
            });
            if let Some(in_rest) = in_rest {
                b.when(in_rest, |b| {
                    place.by_entry(b, side, |b, entry| {
                        b.set(&kept, &lit(bits(&side.entries[entry].kept[1]), self.lanes));
                    });
                });
            }
        });
        Some(late(m, "kept", &kept, cycles))
    }
}

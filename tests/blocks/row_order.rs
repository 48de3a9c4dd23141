//! Promise: a row leaves in the other order, its columns where the definitions of words and of beats have them; what is
//! beyond its end is zero, and so are the phases without a tap; a beat is taken in every cycle in which a page is free, and
//! in no other; one leaves as many cycles behind its page, and behind the one whose place it has, as the constants say;
//! the side that has more to move moves in every cycle; `tlast` with a frame's last, what is misplaced is told and changes
//! nothing else; `frame_begin` and `frame_done` a cycle behind their beats.

use bpa_hdl::config::inputs::Config;
use bpa_hdl::config::pixels::RowOrder;
use bpa_hdl::pixels::{
    order_cycles, pages, row_order, Direction, OrderCycles, Rows, PAGE_CYCLES, PLACES, PLACE_CYCLES,
};
use bpa_hdl::primitives::target::Target;

use crate::choices::Choices;
use crate::must;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::tlast::Tlast;
use crate::traffic::Pauses;

/// Of a lane.
const BITS: usize = 8;
/// At the least, on the side with fewer.
const BEATS: usize = 150;
/// One beat of so many has a wrong `tlast`.
const WRONG_LAST: u64 = 10;

/// Rows in an order, as a frame has them.
struct Shape {
    order: RowOrder,
    rows: u64,
    blocks: u64,
}

impl Shape {
    fn new([lanes, stride, columns]: [u64; 3], phases: &[u64], [rows, blocks]: [u64; 2]) -> Self {
        let order = RowOrder {
            lanes,
            stride,
            phases: phases.to_vec(),
            columns,
        };
        Shape {
            order,
            rows,
            blocks,
        }
    }

    /// Lanes share a divisor with the stride; the rest of a row has fewer beats than words.
    fn rest() -> Self {
        Self::new([4, 2, 19], &[0, 1], [3, 2])
    }

    /// They share none; the rest of a row has a beat and no word.
    fn restless() -> Self {
        Self::new([3, 2, 13], &[1], [2, 1])
    }

    /// No rest, a phase that is left out, as many pages as blocks make enough.
    fn whole() -> Self {
        Self::new([2, 4, 16], &[0, 1, 3], [2, 3])
    }

    /// Rows that are shorter than a stretch, a frame of one row.
    fn short() -> Self {
        Self::new([5, 3, 7], &[0, 2], [1, 1])
    }
}

const REST_TO_WORDS: &[Mutant] = &[
    mutant(
        "a page that is written before it is read",
        "ready_q <= ready_d;",
        "ready_d",
        "1'd1",
    ),
    mutant(
        "a page that is free a cycle late",
        "ready_q <= ready_d;",
        "ready_d",
        "page_free_q & page_free_d",
    ),
    mutant(
        "a page that is full before its last block",
        "page_written = accept & write_ends;",
        "write_ends",
        "write_entry_last & ~write_block_at_last_q",
    ),
    mutant(
        "words that are turned the wrong way",
        "read_turn = 2'd1;",
        "2'd1",
        "2'd3",
    ),
    mutant(
        "a column beyond the row that is not zero",
        "kept = 4'd5;",
        "4'd5",
        "4'd15",
    ),
    mutant(
        "a rest as long as a stretch",
        "write_entry_last = write_entry_q == 1'd0;",
        "1'd0",
        "1'd1",
    ),
    mutant(
        "a block in the place of another",
        "write_address2[0] = write_block_q;",
        "write_block_q",
        "1'd0",
    ),
    mutant(
        "a tlast with each row",
        "assign read_frame_ends = read_ends & (read_stretch_at_last_q & read_row_at_last_q);",
        "read_row_at_last_q",
        "1'd1",
    ),
    mutant(
        "a tlast that is due with each row",
        "tlast_was_due_q <= tlast_was_due_d;",
        "tlast_was_due_d",
        "accept & write_ends & write_stretch_at_last_q",
    ),
    mutant(
        "a misplaced tlast that is not told",
        "overdue_q <= overdue_d;",
        "overdue_d",
        "1'd0",
    ),
    mutant(
        "a frame that begins with each beat",
        "first_beat_q <= first_beat_d;",
        "first_beat_d",
        "1'd1",
    ),
];

const RESTLESS_TO_WORDS: &[Mutant] = &[
    mutant(
        "a rest without a word that is a page",
        "page_written = accept & write_ends & ~write_stretch_at_last_q;",
        "~write_stretch_at_last_q",
        "1'd1",
    ),
    mutant(
        "a place in the FIFO too many",
        "assign fetch = page_full_q & place_free_q;",
        "place_free_q",
        "1'd1",
    ),
    mutant(
        "a place that is given back late",
        "place_free_q <= place_free_d;",
        "place_free_d",
        "place_free_d & place_free_q",
    ),
    mutant(
        "a phase in the place of another",
        "read_turn = 2'd1;",
        "2'd1",
        "2'd0",
    ),
];

const WHOLE_TO_WORDS: &[Mutant] = &[
    mutant(
        "a phase too few",
        "read_entry_last = read_entry_q == 2'd2;",
        "2'd2",
        "2'd1",
    ),
    mutant("a page too few", "free_pages_q <= 3'd4;", "3'd4", "3'd3"),
    mutant(
        "a block that is read for all of them",
        "read_address1[1:0] = read_block_q;",
        "read_block_q",
        "2'd0",
    ),
    mutant(
        "a column of another beat",
        "read_address1[3:2] = 2'd1;",
        "2'd1",
        "2'd3",
    ),
];

const SHORT_TO_WORDS: &[Mutant] = &[
    mutant(
        "a page that is read before it is written",
        "page_full_line_d[1] = page_full_line_q[0];",
        "page_full_line_q[0]",
        "page_written",
    ),
    mutant(
        "a word that is kept before it is there",
        ".write   (fetch_line_q[5])",
        "fetch_line_q[5]",
        "fetch_line_q[4]",
    ),
    mutant(
        "a column beyond the row that is not zero",
        "kept = 5'd9;",
        "5'd9",
        "5'd31",
    ),
];

const REST_TO_BEATS: &[Mutant] = &[
    mutant(
        "frame_done with every beat",
        "assign frame_done = done_q;",
        "done_q",
        "take",
    ),
    mutant(
        "frame_done a cycle early",
        "assign frame_done = done_q;",
        "done_q",
        "take & word[32]",
    ),
    mutant(
        "a column beyond the row that is not zero",
        "kept = 4'd7;",
        "4'd7",
        "4'd15",
    ),
    mutant(
        "words that are turned the wrong way",
        "write_turn = 2'd3;",
        "2'd3",
        "2'd1",
    ),
    mutant(
        "a tlast ahead of its beat",
        "assign beat[32] = last_line_q[4];",
        "last_line_q[4]",
        "last_line_q[3]",
    ),
    mutant(
        "a page that is given back twice",
        "page_read = fetch & read_ends;",
        "read_ends",
        "read_entry_last",
    ),
];

const RESTLESS_TO_BEATS: &[Mutant] = &[
    mutant(
        "a rest without a word that waits for a page",
        "assign fetch = (page_full_q | read_stretch_at_last_q) & place_free_q;",
        "read_stretch_at_last_q",
        "1'd0",
    ),
    mutant(
        "a rest without a word that is a page",
        "page_read = fetch & read_ends & ~read_stretch_at_last_q;",
        "~read_stretch_at_last_q",
        "1'd1",
    ),
    mutant(
        "a phase without a tap that is not zero",
        "kept = 3'd5;",
        "3'd5",
        "3'd7",
    ),
    mutant(
        "a rest without a word that is not zero",
        "        1'd0: begin\n          kept = 3'd0;",
        "3'd0",
        "3'd1",
    ),
];

const WHOLE_TO_BEATS: &[Mutant] = &[
    mutant(
        "a phase without a tap that is not zero",
        "      2'd1: begin\n        kept = 2'd2;",
        "2'd2",
        "2'd3",
    ),
    mutant("a page too many", "free_pages_q <= 3'd4;", "3'd4", "3'd5"),
    mutant(
        "a beat too few",
        "read_entry_last = read_entry_q == 2'd3;",
        "2'd3",
        "2'd2",
    ),
    mutant(
        "a tlast with each row",
        "assign read_frame_ends = read_ends & (read_stretch_at_last_q & read_row_at_last_q);",
        "read_row_at_last_q",
        "1'd1",
    ),
];

const SHORT_TO_BEATS: &[Mutant] = &[
    mutant(
        "a row as long as a stretch",
        "read_entry_last = read_entry_q == 2'd1;",
        "2'd1",
        "2'd2",
    ),
    mutant(
        "a column beyond the row that is not zero",
        "kept = 5'd3;",
        "5'd3",
        "5'd27",
    ),
    mutant(
        "a lane in the place of another",
        "slots[31:24] = in_tdata[15:8];",
        "in_tdata[15:8]",
        "in_tdata[23:16]",
    ),
];

#[test]
fn rest_to_words() {
    check(
        "rest_to_words",
        &Shape::rest(),
        Direction::ToWords,
        REST_TO_WORDS,
    );
}

#[test]
fn restless_to_words() {
    let mutants = RESTLESS_TO_WORDS;
    check(
        "restless_to_words",
        &Shape::restless(),
        Direction::ToWords,
        mutants,
    );
}

#[test]
fn whole_to_words() {
    check(
        "whole_to_words",
        &Shape::whole(),
        Direction::ToWords,
        WHOLE_TO_WORDS,
    );
}

#[test]
fn short_to_words() {
    check(
        "short_to_words",
        &Shape::short(),
        Direction::ToWords,
        SHORT_TO_WORDS,
    );
}

#[test]
fn rest_to_beats() {
    check(
        "rest_to_beats",
        &Shape::rest(),
        Direction::ToBeats,
        REST_TO_BEATS,
    );
}

#[test]
fn restless_to_beats() {
    let mutants = RESTLESS_TO_BEATS;
    check(
        "restless_to_beats",
        &Shape::restless(),
        Direction::ToBeats,
        mutants,
    );
}

#[test]
fn whole_to_beats() {
    check(
        "whole_to_beats",
        &Shape::whole(),
        Direction::ToBeats,
        WHOLE_TO_BEATS,
    );
}

#[test]
fn short_to_beats() {
    check(
        "short_to_beats",
        &Shape::short(),
        Direction::ToBeats,
        SHORT_TO_BEATS,
    );
}

/// By what the benches hold the block to: rows of any length, however short their stretches are.
#[test]
fn pages_are_enough_for_a_beat_in_every_cycle() {
    let mut pausing = Vec::new();
    for lanes in [2, 3, 4, 5, 8, 16, 17, 64, 65, 256] {
        for stride in 2..=9 {
            let whole = lanes * stride;
            let lengths = [1, 2, lanes, lanes + 1, whole - 1, whole, whole + 1];
            let longer = [2 * whole, 2 * whole + lanes + 1, 5 * whole - 1];
            for columns in lengths.into_iter().chain(longer) {
                for (first, blocks) in [(0, 1), (stride - 1, 1), (0, 3)] {
                    let phases: Vec<u64> = (first..stride).collect();
                    let few = [first];
                    for phases in [&phases[..], &few] {
                        if phases[0] >= columns {
                            continue;
                        }
                        let shape = Shape::new([lanes, stride, columns], phases, [1, blocks]);
                        for direction in [Direction::ToWords, Direction::ToBeats] {
                            if let Some(pause) = pause(&shape, direction) {
                                let order = &shape.order;
                                pausing.push(format!("{order:?}, {blocks}: {pause}"));
                            }
                        }
                    }
                }
            }
        }
    }
    let count = pausing.len();
    pausing.truncate(20);
    assert!(count == 0, "{count} orders\n{}", pausing.join("\n"));
}

/// A pause of the side that has more to move, where nobody else pauses.
fn pause(shape: &Shape, direction: Direction) -> Option<i64> {
    let mut choices = Choices::new(1);
    let mut order = Order::new(shape, Traffic::random(shape, direction, &mut choices));
    let mut now = 0;
    while order.given_in.len() < order.beats.given.len() {
        now += 1;
        let takes = order.taken_in.len() < order.beats.taken.len() && order.may_take(now);
        order.read(now);
        if takes {
            order.take(now);
        }
        if order.due(now).is_some() {
            order.given_in.push(now);
        }
    }
    order.pause()
}

fn check(name: &str, shape: &Shape, direction: Direction, mutants: &'static [Mutant]) {
    let names = ["beats", "memory"].map(|part| format!("{name}_{part}"));
    let module = row_order(
        name,
        Rows::Exactly(&shape.order, [shape.rows, shape.blocks]),
        direction,
        (BITS, direction == Direction::ToBeats),
        &names,
        Target::Generic,
    );
    let block = Block::new(&module, Config::default(), mutants);
    block.check(|run| {
        let beats = Traffic::random(shape, direction, &mut run.choices);
        let to_words = direction == Direction::ToWords;
        Bench {
            run,
            to_words,
            order: Order::new(shape, beats),
        }
        .run()
    });
}

/// What moves in a cycle, by the columns of its lanes; some may be beyond the row.
struct Group {
    columns: Vec<u64>,
    stretch: u64,
}

/// Beats of a row.
fn beats(order: &RowOrder) -> Vec<Group> {
    let all = (0..order.columns).step_by(order.lanes as usize);
    all.map(|first| group(order, first, 1)).collect()
}

/// Words of a row.
fn words(order: &RowOrder) -> Vec<Group> {
    let stretches = (0..order.columns).step_by((order.lanes * order.stride) as usize);
    let firsts = stretches.flat_map(|first| order.phases.iter().map(move |phase| first + phase));
    let inside = firsts.filter(|&first| first < order.columns);
    inside
        .map(|first| group(order, first, order.stride))
        .collect()
}

fn group(order: &RowOrder, first: u64, apart: u64) -> Group {
    Group {
        columns: (0..order.lanes).map(|lane| first + lane * apart).collect(),
        stretch: first / (order.lanes * order.stride),
    }
}

/// What moves in one cycle.
#[derive(Clone, Copy)]
struct Beat {
    value: u64,
    /// The last of its frame.
    last: bool,
    /// The first of its frame.
    first: bool,
    /// It goes through a page; a rest without words goes through none.
    paged: bool,
    /// It is the page's last.
    ends_page: bool,
}

/// Both sides of some frames.
struct Traffic {
    taken: Vec<Beat>,
    given: Vec<Beat>,
}

impl Traffic {
    fn random(shape: &Shape, direction: Direction, choices: &mut Choices) -> Self {
        let order = &shape.order;
        let groups = match direction {
            Direction::ToWords => [beats(order), words(order)],
            Direction::ToBeats => [words(order), beats(order)],
        };
        let in_row = groups[0].len().min(groups[1].len()) as u64 * shape.blocks;
        let frames = BEATS.div_ceil((in_row * shape.rows) as usize);
        let in_both = |stretch| {
            let has = |side: &Vec<Group>| side.iter().any(|group| group.stretch == stretch);
            groups.iter().all(has)
        };
        let mut sides = [Vec::new(), Vec::new()];
        // Where only cycles are counted, there are more lanes than a value has room for.
        let has_values = order.lanes as usize * BITS <= u64::BITS as usize;
        let columns = if has_values { order.columns } else { 0 };
        for row in 0..frames * shape.rows as usize {
            let values: Vec<Vec<u64>> = (0..shape.blocks)
                .map(|_| (0..columns).map(|_| 1 + choices.below(255)).collect())
                .collect();
            let row_of_frame = row % shape.rows as usize;
            for (side, (groups, beats)) in groups.iter().zip(&mut sides).enumerate() {
                for (index, group) in groups.iter().enumerate() {
                    for (block, values) in values.iter().enumerate() {
                        let begins = index == 0 && block == 0;
                        let block_ends = block + 1 == shape.blocks as usize;
                        let ends = index + 1 == groups.len() && block_ends;
                        let next = groups.get(index + 1).map(|next| next.stretch);
                        let lanes = group.columns.iter().enumerate().filter(|_| has_values);
                        let value = lanes.fold(0, |value, (lane, &column)| {
                            let has_tap = order.phases.contains(&(column % order.stride));
                            let of_lane = match values.get(column as usize) {
                                // What comes beyond a row may be anything.
                                None if side == 0 => choices.below(256),
                                Some(_) if side == 1 && !has_tap => 0,
                                value => value.copied().unwrap_or(0),
                            };
                            value | of_lane << (BITS * lane)
                        });
                        beats.push(Beat {
                            value,
                            last: ends && row_of_frame + 1 == shape.rows as usize,
                            first: begins && row_of_frame == 0,
                            paged: in_both(group.stretch),
                            ends_page: block_ends && next != Some(group.stretch),
                        });
                    }
                }
            }
        }
        let [taken, given] = sides;
        Traffic { taken, given }
    }
}

/// What moves when, from what has moved.
struct Order {
    pages: usize,
    cycles: OrderCycles,
    beats: Traffic,
    /// Cycles in which beats were taken, read and given, and in which pages were written and read.
    taken_in: Vec<i64>,
    read_in: Vec<i64>,
    given_in: Vec<i64>,
    written_in: Vec<i64>,
    freed_in: Vec<i64>,
}

impl Order {
    fn new(shape: &Shape, beats: Traffic) -> Self {
        Order {
            pages: pages(&shape.order, shape.blocks) as usize,
            cycles: order_cycles(shape.order.lanes as usize),
            beats,
            taken_in: Vec::new(),
            read_in: Vec::new(),
            given_in: Vec::new(),
            written_in: Vec::new(),
            freed_in: Vec::new(),
        }
    }

    /// Whether a beat may be taken in this cycle: a page is free. In the first behind a reset none may.
    fn may_take(&self, now: i64) -> bool {
        let freed = |since: &i64| since + PAGE_CYCLES as i64 <= now;
        let free = self.pages + self.freed_in.partition_point(freed);
        now > 0 && free > self.written_in.len()
    }

    /// The one that leaves next is read in this cycle, if its page is full and there is a place for it.
    fn read(&mut self, now: i64) {
        let index = self.read_in.len();
        let Some(beat) = self.beats.given.get(index) else {
            return;
        };
        let since = |all: &[i64], index: usize, cycles: usize| {
            let since = all.get(index);
            since.is_some_and(|since| since + cycles as i64 <= now)
        };
        let page = self.freed_in.len();
        let full = !beat.paged || since(&self.written_in, page, self.cycles.to_read);
        let before = index.checked_sub(PLACES as usize + 1);
        let place = before.is_none_or(|before| since(&self.given_in, before, PLACE_CYCLES));
        if full && place {
            self.read_in.push(now);
            if beat.ends_page && beat.paged {
                self.freed_in.push(now);
            }
        }
    }

    /// A beat is taken.
    fn take(&mut self, now: i64) -> Beat {
        let beat = self.beats.taken[self.taken_in.len()];
        self.taken_in.push(now);
        if beat.ends_page && beat.paged {
            self.written_in.push(now);
        }
        beat
    }

    /// The one that is on the stream in this cycle.
    fn due(&self, now: i64) -> Option<Beat> {
        let index = self.given_in.len();
        let since = self.read_in.get(index)? + self.cycles.to_stream as i64;
        let before = self.given_in.last().map_or(0, |cycle| cycle + 1);
        (since.max(before) <= now).then(|| self.beats.given[index])
    }

    /// A cycle in which the side that has more to move paused, since it began.
    fn pause(&self) -> Option<i64> {
        let longer = match self.taken_in.len() > self.given_in.len() {
            true => &self.taken_in,
            false => &self.given_in,
        };
        let pause = longer.windows(2).find(|pair| pair[1] != pair[0] + 1);
        pause.map(|pair| pair[0] + 1)
    }
}

struct Bench<'a, 'b> {
    run: &'a mut Run<'b>,
    to_words: bool,
    order: Order,
}

impl Bench<'_, '_> {
    fn run(&mut self) -> Verdict {
        let [mut offers, mut takes] = [self.run.idle(), self.run.back()];
        let mut tlast = Tlast::default();
        let (mut offered, mut quiet) = (None, 0);
        // What the latest beats are told by.
        let (mut began, mut ended) = (false, false);
        self.run.reset();
        while quiet < 20 {
            let now = self.run.cycle + 1;
            let ready = self.order.may_take(now);
            self.order.read(now);
            let next = self.order.beats.taken.get(self.order.taken_in.len());
            if let (None, Some(next), true) = (offered, next, offers.opens()) {
                let wrong = self.to_words && self.run.choices.below(WRONG_LAST) == 0;
                offered = Some((next.value, next.last != wrong));
            }
            let (value, last) = offered.unwrap_or_else(|| (self.run.choices.below(256), true));
            self.run.set("in_tvalid", offered.is_some().into());
            self.run.set("in_tdata", value);
            if self.to_words {
                self.run.set("in_tlast", last.into());
            }
            let takes = takes.opens();
            self.run.set("out_tready", takes.into());
            self.run.step()?;

            let run = &self.run;
            let found = run.high("in_tready");
            let index = self.order.taken_in.len();
            must!(run, found == ready, "beat {index}: in_tready is {found}");
            if self.to_words {
                tlast.check(run)?;
                let found = run.high("frame_begin");
                must!(run, found == began, "frame_begin is {found}");
            } else {
                let found = run.high("frame_done");
                must!(run, found == ended, "frame_done is {found}");
            }
            let moves = ready && offered.is_some();
            let taken = moves.then(|| self.order.take(now));
            tlast.beat(taken.map(|beat| (last, beat.last)));
            began = taken.is_some_and(|beat| beat.first);
            offered = offered.filter(|_| !moves);
            ended = self.give(takes, now)?;
            quiet = match self.order.given_in.len() == self.order.beats.given.len() {
                true => quiet + 1,
                false => 0,
            };
        }
        let left = self.order.beats.taken.len() - self.order.taken_in.len();
        must!(self.run, left == 0, "{left} beats are not taken");
        let (traffic, pause) = (self.run.traffic, self.order.pause());
        if (traffic.idle, traffic.back) == (Pauses::None, Pauses::None) {
            must!(self.run, pause.is_none(), "a pause in cycle {pause:?}");
        }
        Ok(())
    }

    /// What leaves is what has to; whether a frame's last beat was taken.
    fn give(&mut self, takes: bool, now: i64) -> Result<bool, String> {
        let index = self.order.given_in.len();
        let due = self.order.due(now);
        let valid = self.run.high("out_tvalid");
        must!(
            self.run,
            valid == due.is_some(),
            "{index}: out_tvalid is {valid}"
        );
        let Some(beat) = due else {
            return Ok(false);
        };
        let found = (self.run.was("out_tdata"), self.run.high("out_tlast"));
        let wanted = (beat.value, beat.last);
        must!(
            self.run,
            found == wanted,
            "{index}: {found:x?}, not {wanted:x?}"
        );
        if takes {
            self.order.given_in.push(now);
        }
        Ok(takes && beat.last)
    }
}

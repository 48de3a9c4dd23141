//! Promise: each lane gets the column of what moves that it meets through the tap, or zero where there is none, so many
//! cycles behind the address as are said; a word is found from the cycle of its write on, and may be written over when the
//! banks have been told where to read; rings of any size. What a lane meets is worked out from the layer's gather alone.

use bpa_engine::layer::Layer;
use bpa_engine::operation::Gather;
use bpa_engine::plan::Plan;
use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor::Descriptor;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::config::pixels::{PixelLanes, Pixels};
use bpa_hdl::pixels::{banked_line_buffer, read_behind, read_cycles, BankRows};
use bpa_hdl::primitives::target::Target;

use crate::must;
use crate::named_layers::layer;
use crate::rig::{mutant, Block, Mutant, Run, Verdict};

/// Of a lane.
const BITS: usize = 8;
/// Reads of a vector.
const READS: usize = 500;
/// Picks of a read until one is found whose words are there.
const PICKS: usize = 20;

const GRAD_INPUT: &[Mutant] = &[
    mutant(
        "a bank that never goes on in the next stretch",
        "crosses0_d = rotation_q >= 2'd1;",
        "rotation_q >= 2'd1",
        "1'd0",
    ),
    mutant(
        "lanes beyond the left border that are not zero",
        "here_inside_d = {1'd0, of_stretch_q} >= here_first_q;",
        "{1'd0, of_stretch_q} >= here_first_q",
        "1'd1",
    ),
    mutant(
        "lanes beyond the right border that are not zero",
        "behind_inside_d = behind_last_q >= {1'd0, of_stretch_q};",
        "behind_last_q >= {1'd0, of_stretch_q}",
        "1'd1",
    ),
    mutant(
        "a lane that never comes round",
        "if (kept_turn_late2_q >= 2'd1) begin",
        "2'd1",
        "2'd2",
    ),
    mutant(
        "a ring without an end",
        "here_address_d = here_wrapped[4:0];",
        "here_wrapped[4:0]",
        "here_sum",
    ),
    mutant(
        "a ring without an end in the next stretch",
        "behind_address_d = behind_wrapped[4:0];",
        "behind_wrapped[4:0]",
        "behind_sum",
    ),
    mutant(
        "a bank that is told a cycle early where to read",
        ".read_address  (address3_q)",
        "address3_q",
        "here_address_q",
    ),
    mutant(
        "a tap that is a cycle late",
        "turn_d = rotation_q;",
        "rotation_q",
        "turn_q",
    ),
];
const FORWARD: &[Mutant] = &[
    mutant(
        "lanes beyond the result's row that are not zero",
        "at_end_d = of_stretch_q == 3'd4;",
        "of_stretch_q == 3'd4",
        "1'd0",
    ),
    mutant(
        "lanes that are not turned by two",
        "if (turn_late3_q[1]) begin",
        "turn_late3_q[1]",
        "1'd0",
    ),
];
const WIDE: &[Mutant] = &[
    mutant(
        "lanes that are not turned by four",
        "turned0_by_line_d = turn_late3_q[2];",
        "turn_late3_q[2]",
        "1'd0",
    ),
    mutant(
        "a first bank beyond the right border that is not zero",
        "here_inside_d = (of_stretch_q >= here_first_q) & (here_last_q >= of_stretch_q);",
        "here_last_q >= of_stretch_q",
        "1'd1",
    ),
    mutant(
        "a next stretch ahead of the row that is not zero",
        "behind_inside_d = (of_stretch_q >= behind_first_q) & (behind_last_q >= of_stretch_q);",
        "of_stretch_q >= behind_first_q",
        "1'd1",
    ),
    mutant(
        "a lane beyond the result's row that is not zero",
        "kept_d[4:3] = 2'd0;",
        "2'd0",
        "2'd1",
    ),
];
const KERNEL_OF_ONE: &[Mutant] = &[mutant(
    "an address that is a cycle early",
    "here_address_d = base_q;",
    "base_q",
    "base_d",
)];

/// Two words a column of what moves, results in another order, columns beyond both borders, a ring of no power of two.
#[test]
fn of_a_data_gradient() {
    let layer = layer(
        "name = \"grad_input\"\n[layer]\nin_channels = 2\nout_channels = 4\nin_size = [5, 32]\nkernel = 5\nstride = 2
        padding = 1\n[engine]\nsimd = 2\npixels = 4",
    );
    check(&layer, 22, GRAD_INPUT);
}

/// What moves in another order, taps some columns apart, results that end within a word.
#[test]
fn of_a_forward_pass() {
    let layer = layer(
        "name = \"forward\"\n[layer]\npass = \"forward\"\nin_channels = 2\nout_channels = 2\nin_size = [5, 40]
        kernel = [1, 4]\nstride = [1, 3]\ndilation = [1, 2]\npadding = [0, 3]\n[engine]\nsimd = 2\npixels = 3",
    );
    check(&layer, 19, FORWARD);
}

/// A ring of a power of two, taps that go over more than a word.
#[test]
fn of_a_wide_kernel() {
    let layer = layer(
        "name = \"wide\"\n[layer]\npass = \"forward\"\nin_channels = 1\nout_channels = 2\nin_size = [4, 33]\nkernel = [1, 5]
        dilation = [1, 3]\npadding = [0, 6]\n[engine]\npixels = 5",
    );
    check(&layer, 16, WIDE);
}

/// Lanes that are never turned, and have no border but the end of the row.
#[test]
fn of_a_kernel_of_one() {
    let layer = layer(
        "name = \"one\"\n[layer]\nin_channels = 2\nout_channels = 2\nin_size = [3, 11]\nkernel = 1\n[engine]\npixels = 2",
    );
    check(&layer, 17, KERNEL_OF_ONE);
}

fn check(layer: &Layer, line_words: u64, mutants: &'static [Mutant]) {
    let descriptor = Descriptor {
        line_words,
        ..Plan::new(layer).descriptor().clone()
    };
    let capacity = Capacity::exactly(&descriptor);
    let Some(Pixels::BuiltIn(pixels)) = capacity.pixels.clone() else {
        panic!("a layer with lanes over pixels");
    };
    let name = format!("{}_banks", layer.name());
    let module = banked_line_buffer(
        &name,
        &capacity,
        BankRows::Exactly(&pixels),
        BITS,
        Target::Generic,
    );
    let block = Block::new(&module, Config::default(), mutants);
    let reach = Reach::new(layer.operation().cols, pixels);
    let blocks = capacity.pixel_words;
    let row_words = reach.pixels.moving.words() * blocks;
    assert!(row_words < line_words, "{row_words} words of a row");
    block.check(|run| {
        Bench {
            reach: &reach,
            blocks,
            ring: (0..line_words).map(|_| Slot::default()).collect(),
            rows: Vec::new(),
            place: run.choices.below(line_words),
            written: 0,
        }
        .run(run)
    });
}

/// What lanes meet, by the gather.
struct Reach {
    gather: Gather,
    pixels: PixelLanes,
    /// Tap by tap of the table: the phase of the result, and the tap of the kernel.
    taps: Vec<(u64, u64)>,
}

impl Reach {
    fn new(gather: Gather, pixels: PixelLanes) -> Self {
        let mut reach = Reach {
            gather,
            pixels,
            taps: Vec::new(),
        };
        let phases = reach.pixels.result.phases.iter();
        let all = phases.flat_map(|&phase| (0..gather.kernel).map(move |tap| (phase, tap)));
        let taps = all.filter(|&(phase, tap)| reach.met(phase, tap).is_some());
        reach.taps = taps.collect();
        assert_eq!(reach.taps.len(), reach.pixels.taps.len(), "taps");
        reach
    }

    /// The column of what moves that meets this one of the result through this tap, in the row or beyond its borders.
    fn met(&self, column: u64, tap: u64) -> Option<i64> {
        let g = &self.gather;
        let moved = (column * g.advance) as i64 + g.pad - (tap * g.dilation) as i64;
        let stride = g.stride as i64;
        (moved.rem_euclid(stride) == 0).then(|| moved.div_euclid(stride))
    }

    /// What each lane meets, in this stretch of the result, and the column of the result; none where its first column is
    /// beyond the row.
    fn lanes(&self, stretch: u64, tap: usize) -> Option<Vec<(u64, i64)>> {
        let (phase, tap) = self.taps[tap];
        let result = &self.pixels.result;
        let first = stretch * result.stretch() + phase;
        let lanes = (0..result.lanes).map(|lane| first + lane * result.stride);
        let met = |column| (column, self.met(column, tap).expect("as of its phase"));
        (first < result.columns).then(|| lanes.map(met).collect())
    }

    /// The number in its row of the word that has this column, if there is one.
    fn word(&self, column: i64) -> Option<u64> {
        let moving = &self.pixels.moving;
        let column = u64::try_from(column).ok()?;
        let (stretch, phase) = (column / moving.stretch(), column % moving.stride);
        if stretch * moving.stretch() + phase >= moving.columns {
            return None;
        }
        let before = moving.phases.iter().filter(|&&other| other < phase);
        Some(stretch * moving.phases.len() as u64 + before.count() as u64)
    }

    /// The columns of a word.
    fn columns(&self, word: u64) -> impl Iterator<Item = u64> {
        let moving = &self.pixels.moving;
        let phases = moving.phases.len() as u64;
        let first = word / phases * moving.stretch() + moving.phases[(word % phases) as usize];
        let stride = moving.stride;
        (0..moving.lanes).map(move |lane| first + lane * stride)
    }

    /// Whether a lane for this column of the result is beyond the row, and nothing behind the lanes drops it.
    fn beyond(&self, column: u64) -> bool {
        !self.pixels.result.differs() && column >= self.pixels.result.columns
    }
}

/// A word of the ring.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// The number of what was written there, of all words.
    word: Option<u64>,
    /// The cycle from which on it may be written over.
    needed_until: i64,
}

struct Bench<'a> {
    reach: &'a Reach,
    blocks: u64,
    ring: Vec<Slot>,
    /// Of each row, the values of its columns by block.
    rows: Vec<Vec<Vec<u64>>>,
    /// Of the first word in the ring.
    place: u64,
    written: u64,
}

impl Bench<'_> {
    fn row_words(&self) -> u64 {
        self.reach.pixels.moving.words() * self.blocks
    }

    /// The slot of a word, of all words.
    fn slot(&self, word: u64) -> usize {
        ((self.place + word) % self.ring.len() as u64) as usize
    }

    /// The value of a column; zero beyond the row.
    fn value(&self, row: u64, block: u64, column: i64) -> u64 {
        let values = &self.rows[row as usize][block as usize];
        let column = usize::try_from(column).ok();
        let value = column.and_then(|column| values.get(column));
        value.copied().unwrap_or(0)
    }

    /// The lanes of a word that comes.
    fn next_word(&mut self, run: &mut Run) -> u64 {
        let (row, in_row) = (
            self.written / self.row_words(),
            self.written % self.row_words(),
        );
        if row == self.rows.len() as u64 {
            let columns = self.reach.pixels.moving.columns;
            let mut values = || (0..columns).map(|_| 1 + run.choices.below(255)).collect();
            let blocks = (0..self.blocks).map(|_| values()).collect();
            self.rows.push(blocks);
        }
        let (word, block) = (in_row / self.blocks, in_row % self.blocks);
        let columns = self.reach.columns(word);
        let values = columns.map(|column| self.value(row, block, column as i64));
        packed(values)
    }

    /// A read whose words are there: its row, block of channels, stretch and tap, and what it is to give.
    fn pick(&self, run: &mut Run) -> Option<(Read, Vec<usize>)> {
        let rows = self.rows.len() as u64;
        let row = rows.checked_sub(1 + run.choices.below(3).min(rows.saturating_sub(1)))?;
        let result = &self.reach.pixels.result;
        let stretches = result.columns.div_ceil(result.stretch());
        let read = Read {
            row,
            block: run.choices.below(self.blocks),
            stretch: run.choices.below(stretches),
            tap: run.choices.below(self.reach.taps.len() as u64) as usize,
        };
        let mut slots = Vec::new();
        for (column, met) in self.reach.lanes(read.stretch, read.tap)? {
            if self.reach.beyond(column) {
                continue;
            }
            let Some(word) = self.reach.word(met) else {
                continue;
            };
            let word = row * self.row_words() + word * self.blocks + read.block;
            let slot = self.slot(word);
            if self.ring[slot].word != Some(word) {
                return None;
            }
            slots.push(slot);
        }
        Some((read, slots))
    }

    /// What the lanes have to be; `None` for one that is of no matter.
    fn expected(&self, read: &Read) -> Vec<Option<u64>> {
        let result = &self.reach.pixels.result;
        let lanes = self.reach.lanes(read.stretch, read.tap);
        let lanes = lanes.into_iter().flatten().map(|(column, met)| {
            match (self.reach.beyond(column), column < result.columns) {
                (true, _) => Some(0),
                (false, true) => Some(self.value(read.row, read.block, met)),
                (false, false) => None,
            }
        });
        lanes.collect()
    }

    fn run(&mut self, run: &mut Run) -> Verdict {
        let lanes = self.reach.pixels.result.lanes as usize;
        let [latency, behind] = [read_cycles(lanes), read_behind(lanes)].map(|it| it as i64);
        let [mut writes, mut reads] = [run.idle(), run.back()];
        let mut due: Vec<(i64, Read)> = Vec::new();
        let mut checked = 0;
        run.reset();
        while checked < READS {
            let now = run.cycle + 1;
            let slot = self.slot(self.written);
            let write = writes.opens() && self.ring[slot].needed_until <= now;
            run.set("write", write.into());
            if write {
                let word = self.next_word(run);
                run.set("write_address", slot as u64);
                run.set("write_data", word);
                self.ring[slot].word = Some(self.written);
                self.written += 1;
            }
            let mut place = run.choices.below(self.ring.len() as u64);
            if reads.opens() {
                let picked = (0..PICKS).find_map(|_| self.pick(run));
                if let Some((read, slots)) = picked {
                    for slot in slots {
                        self.ring[slot].needed_until = now + behind;
                    }
                    let stretch = read.stretch * self.reach.pixels.stretch_words;
                    let word = read.row * self.row_words() + stretch + read.block;
                    place = self.slot(word) as u64;
                    run.set("tap", read.tap as u64);
                    run.set("stretch", read.stretch);
                    due.push((now + latency, read));
                }
            }
            run.set("read_address", place);
            run.step()?;
            if due.first().is_none_or(|(cycle, _)| *cycle > run.cycle) {
                continue;
            }
            let (_, read) = due.remove(0);
            let found = run.was("lanes");
            for (lane, wanted) in self.expected(&read).into_iter().enumerate() {
                let found = found >> (BITS * lane) & 0xff;
                must!(
                    run,
                    wanted.is_none_or(|wanted| wanted == found),
                    "lane {lane} has {found:#x}, not {wanted:x?}: {read:?}"
                );
            }
            checked += 1;
        }
        Ok(())
    }
}

/// What is read.
#[derive(Debug)]
struct Read {
    row: u64,
    block: u64,
    stretch: u64,
    tap: usize,
}

fn packed(values: impl Iterator<Item = u64>) -> u64 {
    let lanes = values.enumerate();
    lanes.fold(0, |word, (lane, value)| word | value << (BITS * lane))
}

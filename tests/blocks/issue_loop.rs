//! Promise: for each token the issues of its accumulations, each of them one read of the line buffer and one of the
//! weights, in any order within an accumulation and in one go; nothing between accumulations, pixels and frames but a wait
//! for a token or for a place in the output FIFO; `free_less_1`, `skip_write` and `frame_last` with the issues they are of.

use std::collections::{BTreeMap, VecDeque};

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor::Descriptor;
use bpa_hdl::config::inputs::Config;
use bpa_hdl::issue::{
    issue_loop, BUSY_CYCLES, FREE_CYCLES, ISSUE_CYCLES, LOAD_CYCLES, PLACE_CYCLES, SKIP_CYCLES,
};
use bpa_hdl::primitives::target::Target;
use bpa_hdl::rtl::bits_for;
use bpa_hdl::walk::TokenWidths;

use crate::must;
use crate::named_layers::{example, layer};
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::walk::{bits, engine, fixed, pixels, token, told_layers, Pixel};

const FRAMES: u64 = 3;
/// A cycle before everything.
const NEVER: i64 = i64::MIN / 4;

const FIXED: &[Mutant] = &[
    mutant(
        "a start without a place",
        "blocked_q <= blocked_d;",
        "blocked_d",
        "1'd0",
    ),
    mutant(
        "a place counted twice",
        "places_q <= places_d;",
        "places_d",
        "(start & taken ? places_q + 1'd1 : places_d)",
    ),
    mutant(
        "an address that takes the step before",
        "next_grad_q <= next_grad_d;",
        "next_grad_d",
        "next_grad_q",
    ),
    mutant(
        "pixels let go with the last but one",
        "out_free_q <= out_free_d;",
        "out_free_d",
        "(advance ? next_free_q : out_free_d)",
    ),
    mutant(
        "a frame that ends with each pixel",
        "assign frame_last = frame_last_line_q[1];",
        "frame_last_line_q[1]",
        "acc_last",
    ),
    mutant(
        "a pause between two pixels",
        "assign token_ready = load;",
        "load",
        "load & ~active_q",
    ),
];

const TOLD: &[Mutant] = &[
    mutant(
        "a start without a place",
        "blocked_q <= blocked_d;",
        "blocked_d",
        "1'd0",
    ),
    mutant(
        "the turn of another loop",
        "turned_q <= turned_d;",
        "turned_d",
        "3'd0",
    ),
    mutant(
        "pixels let go twice",
        "out_free_q <= out_free_d;",
        "out_free_d",
        "(next_done_q ? next_free_q : out_free_d)",
    ),
];

/// Several blocks of C and K, pixels without a tap, a line buffer that is no power of two.
#[test]
fn of_a_fixed_engine() {
    let d = fixed(&example("strided_dilated"));
    of("issue", &Capacity::exactly(&d), vec![d], FIXED);
}

/// Groups, several taps on both axes, blocks of K that are no power of two; pixels of a single issue.
#[test]
fn of_groups() {
    let grouped = layer(
        "name = \"groups\"
        [layer]
        in_channels = 8
        out_channels = 6
        in_size = [7, 6]
        kernel = [3, 2]
        stride = [2, 1]
        groups = 2
        [engine]
        pe = 2",
    );
    let d = fixed(&grouped);
    of("groups", &Capacity::exactly(&d), vec![d], &[]);
    let single = fixed(&layer(
        "name = \"single\"\n[layer]\nin_channels = 2\nout_channels = 1\nin_size = [6, 7]\nkernel = 2",
    ));
    of("single", &Capacity::exactly(&single), vec![single], &[]);
}

#[test]
fn of_a_programmable_engine() {
    let capacity = Capacity::within(engine().limits());
    of("told", &capacity, told_layers(), TOLD);
}

fn of(name: &str, capacity: &Capacity, layers: Vec<Descriptor>, mutants: &'static [Mutant]) {
    let t = TokenWidths::of(capacity);
    let mut config = Config::default();
    let weights = bits_for(capacity.weight_words - 1);
    let module = issue_loop(name, capacity, &t, weights, Target::Generic, &mut config);
    let block = Block::new(&module, config, mutants);
    block.check(|run| {
        let index = run.choices.below(layers.len() as u64) as usize;
        Bench::new(run, capacity, &t, &layers[index]).run()
    });
}

/// The tokens of a run, and what came of them.
struct Bench<'r, 'a> {
    run: &'r mut Run<'a>,
    capacity: &'r Capacity,
    t: &'r TokenWidths,
    d: &'r Descriptor,
    /// Where the sets of weights of a ring begin.
    base: i64,
    pixels: Vec<Pixel>,
    /// Outputs of each cycle.
    seen: Vec<Seen>,
    /// Of each pixel that entered, since when it was offered, and the cycle.
    since: Vec<i64>,
    loaded: Vec<i64>,
    /// Places given back, by the cycle.
    places: Vec<i64>,
    /// What stands out of the pulses that tell dead pixels and runs, by the cycle.
    frees: BTreeMap<i64, u64>,
    skips: VecDeque<(i64, u64)>,
    /// Accumulations that ended, and in which cycle the last one's last issue left the loops and went.
    ended: usize,
    left: i64,
    gone: i64,
}

#[derive(Clone, Copy)]
struct Seen {
    grad: u64,
    weight: u64,
    first: bool,
    frame_busy: bool,
}

impl<'r, 'a> Bench<'r, 'a> {
    fn new(
        run: &'r mut Run<'a>,
        capacity: &'r Capacity,
        t: &'r TokenWidths,
        d: &'r Descriptor,
    ) -> Self {
        run.tell(d);
        let mut pixels = pixels(d, FRAMES);
        let mut base = 0;
        if capacity.told {
            let page = run.choices.below(2);
            run.fill(d, page);
            // A job begins anywhere in both rings.
            base = run.choices.below(capacity.weight_words) as i64;
            let begin = run.choices.below(d.line_words) as i64;
            for pixel in &mut pixels {
                pixel.address = (pixel.address + begin) % d.line_words as i64;
            }
        }
        Bench {
            run,
            capacity,
            t,
            d,
            base,
            pixels,
            seen: Vec::new(),
            since: Vec::new(),
            loaded: Vec::new(),
            places: Vec::new(),
            frees: BTreeMap::new(),
            skips: VecDeque::new(),
            ended: 0,
            left: NEVER,
            gone: NEVER,
        }
    }

    /// Accumulations of a pixel.
    fn beats(&self) -> usize {
        (self.d.c_blocks * self.d.group_blocks) as usize
    }

    fn run(&mut self) -> Verdict {
        let [mut offers, mut takes] = [self.run.idle(), self.run.back()];
        let all = self.pixels.len() * self.beats();
        // The pixel that is offered, and since when; results that hold a place.
        let mut offered: Option<i64> = None;
        let mut full = 0;
        self.run.set("taken", 0);
        self.run.set("token_valid", 0);
        self.run.reset();
        while self.ended < all || full > 0 {
            let index = self.loaded.len();
            if offered.is_none() && index < self.pixels.len() && offers.opens() {
                offered = Some(self.run.cycle + 1);
            }
            let token = match (offered, self.pixels.get(index)) {
                (Some(_), Some(pixel)) => self.token(pixel),
                _ => self.run.choices.below(1 << self.t.bits()),
            };
            self.run.set("token_valid", offered.is_some().into());
            self.run.set("token", token);
            let taken = full > 0 && takes.opens();
            self.run.set("taken", taken.into());
            self.run.step()?;
            if taken {
                full -= 1;
                self.places.push(self.run.cycle);
            }
            if self.run.high("token_ready") {
                let Some(since) = offered.take() else {
                    return Err(format!(
                        "cycle {}: a token is taken that is not there",
                        self.run.cycle
                    ));
                };
                self.since.push(since);
                self.loaded.push(self.run.cycle);
            }
            self.look()?;
            if self.run.high("acc_last") {
                self.accumulation()?;
                full += 1;
            }
        }
        self.quiet()
    }

    fn token(&self, pixel: &Pixel) -> u64 {
        token(self.t, |field| match field {
            "address" => pixel.address >> self.capacity.walk_unit_bits,
            "weight" => (pixel.weight + self.base) >> self.capacity.tap_unit_bits,
            "tap_rows" => pixel.tap_rows - 1,
            "tap_cols" => pixel.tap_cols - 1,
            "free" => pixel.free as i64 - 1,
            "frame_first" => pixel.frame_first.into(),
            "frame_last" => pixel.frame_last.into(),
            "skip" => pixel.skip as i64,
            _ => 0,
        })
    }

    /// Notes what the block says in this cycle.
    fn look(&mut self) -> Verdict {
        let run = &self.run;
        self.seen.push(Seen {
            grad: run.was("grad_address"),
            weight: run.was("weight_address"),
            first: run.high("acc_first"),
            frame_busy: run.high("frame_busy"),
        });
        let none = bits(-1, self.t.free);
        let free = run.was("free_less_1");
        if free != none {
            self.frees.insert(run.cycle, free + 1);
        }
        if self.t.skip.is_some() && run.high("skip_write") {
            self.skips.push_back((run.cycle, run.was("skip_beats")));
        }
        Ok(())
    }

    /// The last issue of an accumulation is at the addresses.
    fn accumulation(&mut self) -> Verdict {
        let (index, block) = (self.ended / self.beats(), self.ended % self.beats());
        must!(
            self.run,
            index < self.loaded.len(),
            "an accumulation of no pixel"
        );
        let pixel = self.pixels[index];
        let what = format!("pixel {index}, block {block}");
        let expected = self.issues(&pixel, block as u64);
        let count = expected.len();
        let end = self.run.cycle as usize;
        must!(
            self.run,
            end + 1 >= count,
            "{what} ends before it can have begun"
        );
        let issues = &self.seen[end + 1 - count..];
        let firsts: Vec<usize> = (0..count).filter(|&i| issues[i].first).collect();
        must!(
            self.run,
            firsts == [0],
            "{what}: acc_first at issues {firsts:?} of {count}"
        );
        let mut found: Vec<_> = issues.iter().map(|it| (it.grad, it.weight)).collect();
        found.sort_unstable();
        must!(
            self.run,
            found == expected,
            "{what}: reads {found:?}, not {expected:?}"
        );

        let gone = end as i64 - ISSUE_CYCLES as i64;
        let start = gone + 1 - count as i64;
        let mut due = self.gone + 1;
        if block == 0 {
            let loaded = self.loaded[index];
            let may = self.since[index].max(self.left);
            must!(
                self.run,
                loaded == may,
                "{what} enters in cycle {loaded}, not {may}"
            );
            due = due.max(loaded + LOAD_CYCLES as i64);
        }
        let places = self.d.fifo_results as usize;
        if let Some(before) = self.ended.checked_sub(places) {
            let place = self.places.get(before);
            must!(self.run, place.is_some(), "{what} has no place in the FIFO");
            due = due.max(self.places[before] + PLACE_CYCLES as i64);
        }
        must!(
            self.run,
            start == due,
            "{what} starts in cycle {start}, not {due}"
        );
        self.ended += 1;
        // The last issue leaves the loops when the one before it goes.
        let entered = if block == 0 {
            self.loaded[index]
        } else {
            self.left
        };
        self.left = match count {
            1 => (entered + 1).max(self.gone),
            _ => gone - 1,
        };
        self.gone = gone;

        let last = block + 1 == self.beats();
        let frame_last = last && pixel.frame_last;
        must!(
            self.run,
            self.run.high("frame_last") == frame_last,
            "{what}: frame_last"
        );
        if last {
            let freed = self.frees.remove(&(gone + FREE_CYCLES as i64)).unwrap_or(0);
            must!(
                self.run,
                freed == pixel.free,
                "{what} frees {freed}, not {}",
                pixel.free
            );
        }
        if self.t.skip.is_some() {
            let beats = if block == 0 { pixel.skip } else { 0 };
            let told = (start + SKIP_CYCLES as i64, beats);
            let found = self.skips.pop_front();
            must!(
                self.run,
                found == Some(told),
                "{what}: run {found:?}, not {told:?}"
            );
        }
        if !self.capacity.two_weight_sets {
            let from = self.loaded[index] + BUSY_CYCLES as i64;
            let idle = (from..=gone).find(|&cycle| !self.seen[cycle as usize].frame_busy);
            must!(
                self.run,
                idle.is_none(),
                "{what}: frame_busy is low in cycle {idle:?}"
            );
        }
        Ok(())
    }

    /// What an accumulation reads, in order of the addresses.
    fn issues(&self, pixel: &Pixel, block: u64) -> Vec<(u64, u64)> {
        let d = self.d;
        let (group, c_block) = (block / d.c_blocks, block % d.c_blocks);
        let weights = 1 << bits_for(self.capacity.weight_words - 1);
        let mut found = Vec::new();
        for row in 0..pixel.tap_rows {
            for col in 0..pixel.tap_cols {
                for k in 0..d.tap_issues() as i64 {
                    let taps = row * d.rows.address_tap + col * d.cols.address_tap;
                    let grad = pixel.address + taps + (group * d.k_blocks) as i64 + k;
                    let taps = row * d.rows.weight_tap as i64 + col * d.cols.weight_tap as i64;
                    let of_block = (group * d.c_blocks + c_block) * d.block_weights;
                    let weight = self.base + pixel.weight + taps + of_block as i64 + k;
                    found.push((
                        grad.rem_euclid(d.line_words as i64) as u64,
                        weight.rem_euclid(weights) as u64,
                    ));
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Nothing more comes.
    fn quiet(&mut self) -> Verdict {
        self.run.set("token_valid", 0);
        self.run.set("taken", 0);
        for _ in 0..20 {
            self.run.step()?;
            must!(self.run, !self.run.high("acc_last"), "an issue of no pixel");
            self.look()?;
        }
        must!(
            self.run,
            self.frees.is_empty(),
            "dead pixels of none: {:?}",
            self.frees
        );
        must!(
            self.run,
            self.skips.is_empty(),
            "runs of none: {:?}",
            self.skips
        );
        must!(
            self.run,
            !self.run.high("frame_busy"),
            "frame_busy behind the end"
        );
        Ok(())
    }
}

//! Promise: beats of needed pixels are written in order of arrival, round the ring, others dropped; a beat is taken in every
//! cycle in which there is space for its pixel, and in no other; `arrived` and `frame_begin` with their beats; a misplaced
//! `tlast` is told and changes nothing else. In a programmable engine, so many frames of each job, counted by the job.

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::config::descriptor::{Descriptor, Kept};
use bpa_hdl::config::inputs::Config;
use bpa_hdl::primitives::target::Target;
use bpa_hdl::streams::grad_port::{grad_port, SPACE_CYCLES, STORE_CYCLES, TLAST_CYCLES};
use bpa_hdl::walk::TokenWidths;

use crate::must;
use crate::named_layers::{example, layer};
use crate::rig::{mutant, Block, Mutant, Run, Verdict};
use crate::tlast::Tlast;
use crate::walk::{bits, engine, fixed, told_layers};

const BITS: usize = 16;
const BEATS: u64 = 500;
/// Frames of a job, at most.
const MOST_FRAMES: u64 = 3;

const FIXED: &[Mutant] = &[
    mutant(
        "a beat taken without space",
        "ready_q <= ready_d;",
        "ready_d",
        "1'd1",
    ),
    mutant(
        "space given back late",
        "ready_q <= ready_d;",
        "ready_d",
        "ready_d & (space_q > 1 | mid_pixel_d)",
    ),
    mutant(
        "a place passed over",
        "place_q <= place_d;",
        "place_d",
        "(place_q == 3 & stored_q ? place_d + 1'd1 : place_d)",
    ),
    mutant(
        "a pixel that arrives with its first word",
        "stored_q <= stored_d;",
        "stored_d",
        "store",
    ),
    mutant(
        "a misplaced tlast that is not told",
        "overdue_q <= overdue_d;",
        "overdue_d",
        "1'd0",
    ),
];

const DROPS: &[Mutant] = &[
    mutant(
        "a column too many stored",
        "inside_col_q <= inside_col_d;",
        "inside_col_d",
        "inside_col_d | inside_col_q",
    ),
    mutant(
        "a frame that begins with each pixel",
        "first_beat_q <= first_beat_d;",
        "first_beat_d",
        "1'd1",
    ),
];

const TOLD: &[Mutant] = &[
    mutant(
        "a frame too few",
        "frames_left_q <= frames_left_d;",
        "frames_left_d",
        "(frames_begin & |frames_less_1 ? frames_left_d - 1'd1 : frames_left_d)",
    ),
    mutant(
        "pixels of the next job counted for this one",
        "seen_q <= seen_d;",
        "seen_d",
        "pixels_d",
    ),
    mutant(
        "a word taken without space",
        "ready_q <= ready_d;",
        "ready_d",
        "~all_taken_q",
    ),
];

/// Two words a pixel, all of them needed.
#[test]
fn all_stored() {
    let d = fixed(&example("strided_dilated"));
    assert!(!d.drops() && d.pixel_words() == 2);
    port("grad", &Capacity::exactly(&d), vec![d], FIXED);
}

#[test]
fn with_drops() {
    let d = fixed(&layer(
        "name = \"cropped\"
        [layer]
        in_channels = 2
        out_channels = 3
        in_size = [6, 5]
        kernel = [1, 2]
        stride = [2, 1]
        padding = [3, 2, 2, 3]",
    ));
    assert!(d.drops() && d.pixel_words() == 3);
    port("drops", &Capacity::exactly(&d), vec![d], DROPS);
}

/// Three words a pixel, all of them needed: no count begins again by itself.
#[test]
fn uneven_words() {
    let d = fixed(&layer(
        "name = \"uneven\"\n[layer]\nin_channels = 2\nout_channels = 3\nin_size = [5, 6]\nkernel = 2\nstride = 2",
    ));
    assert!(!d.drops() && d.pixel_words() == 3);
    port("uneven", &Capacity::exactly(&d), vec![d], &[]);
}

#[test]
fn single_words() {
    let d = fixed(&layer(
        "name = \"single\"\n[layer]\nin_channels = 2\nout_channels = 1\nin_size = [5, 4]\nkernel = 2",
    ));
    assert!(!d.drops() && d.pixel_words() == 1);
    port("single", &Capacity::exactly(&d), vec![d], &[]);
}

#[test]
fn of_a_programmable_engine() {
    let capacity = Capacity::within(engine().limits());
    port("told", &capacity, told_layers(), TOLD);
}

fn port(name: &str, capacity: &Capacity, layers: Vec<Descriptor>, mutants: &'static [Mutant]) {
    let t = TokenWidths::of(capacity);
    let mut config = Config::default();
    let module = grad_port(name, capacity, &t, BITS, Target::Generic, &mut config);
    let block = Block::new(&module, config, mutants);
    block.check(|run| {
        let index = run.choices.below(layers.len() as u64) as usize;
        let mut bench = Bench::new(run, capacity, &t, &layers);
        bench.d = &layers[index];
        bench.run()
    });
}

/// A beat that was taken.
#[derive(Clone, Copy, Default)]
struct Taken {
    data: u64,
    /// Word of all that were stored; `None` where it is dropped.
    word: Option<u64>,
    /// It is the last of a stored pixel.
    arrives: bool,
    frame_first: bool,
}

/// A job's frames, in an engine of jobs.
#[derive(Default)]
struct Jobs {
    /// Frames that are still to be taken; none: `all_taken`.
    left: u64,
    /// What these were behind the cycle before.
    before: u64,
    /// Cycles until the job that is taken is the one that runs.
    ahead: u64,
    /// Pixels of the job that is taken, as of each cycle.
    pixels: u64,
    /// Word where it begins.
    begin: u64,
    /// What `stored` was.
    stored: u64,
}

struct Bench<'r, 'a> {
    run: &'r mut Run<'a>,
    capacity: &'r Capacity,
    t: &'r TokenWidths,
    layers: &'r [Descriptor],
    d: &'r Descriptor,
    /// Beats taken, of the frame; and of all, those stored.
    beat: u64,
    words: u64,
    /// What counts as space: pixels or words stored, and freed as of each of the latest cycles.
    filled: u64,
    freed: Vec<u64>,
    tlast: Tlast,
    jobs: Option<Jobs>,
}

impl<'r, 'a> Bench<'r, 'a> {
    fn new(
        run: &'r mut Run<'a>,
        capacity: &'r Capacity,
        t: &'r TokenWidths,
        layers: &'r [Descriptor],
    ) -> Self {
        Bench {
            run,
            capacity,
            t,
            layers,
            d: &layers[0],
            beat: 0,
            words: 0,
            filled: 0,
            freed: vec![0; SPACE_CYCLES + 1],
            tlast: Tlast::default(),
            jobs: capacity.frames.map(|_| Jobs::default()),
        }
    }

    fn run(&mut self) -> Verdict {
        let [mut offers, mut frees] = [self.run.idle(), self.run.back()];
        let mut offered: Option<(u64, bool)> = None;
        let (mut taken, mut all) = (Taken::default(), 0);
        let mut some = false;
        // A beat may be taken in the second cycle behind a reset, and behind the begin of a job.
        let mut closed = 1;
        let strays = self.run.choices.below(2) == 0;
        self.run.tell(self.d);
        self.run.set("tvalid", 0);
        self.run.set("free_less_1", bits(-1, self.t.free));
        if self.jobs.is_some() {
            self.run.set("frames_begin", 0);
            self.run.set("frames_ahead", 0);
        }
        self.run.reset();
        while all < BEATS {
            if offered.is_none() && offers.opens() {
                let stray = strays && self.run.choices.below(6) == 0;
                offered = Some((self.run.choices.below(1 << BITS), self.is_due() != stray));
            }
            let noise = self.run.choices.below(1 << BITS);
            let (data, last) = offered.unwrap_or((noise, noise & 1 != 0));
            self.run.set("tvalid", offered.is_some().into());
            self.run.set("tdata", data);
            self.run.set("tlast", last.into());
            let free = match frees.opens() {
                true => self.free(),
                false => 0,
            };
            self.run
                .set("free_less_1", bits(free as i64 - 1, self.t.free));
            let begins = self.job();
            self.run.step()?;

            // What the beat before comes to, a cycle later.
            assert_eq!(
                (STORE_CYCLES, TLAST_CYCLES),
                (1, 1),
                "the bench looks a cycle back"
            );
            self.written(some.then_some(taken))?;
            self.tlast.check(self.run)?;
            let space = self
                .capacity
                .line_space()
                .min(match self.capacity.whole_ring {
                    true => u64::MAX,
                    false => self.d.line_pixels(),
                });
            let freed = self.freed[self.freed.len() - SPACE_CYCLES];
            let mid_pixel = !self.capacity.whole_ring && self.beat % self.d.pixel_words() != 0;
            let open = closed == 0 && (mid_pixel || self.filled < space + freed);
            let ready = self.run.high("tready");
            must!(self.run, ready == open, "beat {all}: tready is {ready}");
            self.freed.push(self.freed[self.freed.len() - 1] + free);
            closed = i64::max(closed - 1, 0);
            some = ready && offered.is_some();
            self.tlast.beat(some.then_some((last, self.is_due())));
            if some {
                taken = self.take(data);
                all += 1;
                offered = None;
            }
            self.counted(begins)?;
            if begins || self.jobs.as_ref().is_some_and(|jobs| jobs.left == 0) {
                closed = 1;
            }
        }
        Ok(())
    }

    /// Whether the next beat is its frame's last.
    fn is_due(&self) -> bool {
        self.beat + 1 == self.d.input_pixels() * self.d.pixel_words()
    }

    /// How much of what is stored dies in the next cycle.
    fn free(&mut self) -> u64 {
        let dead = self.freed[self.freed.len() - 1];
        let alive = self.filled - dead;
        let most = self.capacity.free.min(alive);
        match most {
            0 => 0,
            _ => self.run.choices.below(1 + most.min(8)),
        }
    }

    /// The beat goes into the model.
    fn take(&mut self, data: u64) -> Taken {
        let words = self.d.pixel_words();
        let pixel = self.beat / words;
        let (row, col) = (pixel / self.d.kept_cols.size, pixel % self.d.kept_cols.size);
        let kept = |kept: &Kept, at: u64| (kept.first..=kept.last).contains(&at);
        let stored = kept(&self.d.kept_rows, row) && kept(&self.d.kept_cols, col);
        let whole = self.beat % words == words - 1;
        let taken = Taken {
            data,
            word: stored.then_some(self.words),
            arrives: stored && whole,
            frame_first: self.beat == 0,
        };
        self.words += u64::from(stored);
        self.filled += match self.capacity.whole_ring {
            true => u64::from(stored),
            false => u64::from(stored && whole),
        };
        let due = self.is_due();
        self.beat = if due { 0 } else { self.beat + 1 };
        if let Some(jobs) = &mut self.jobs {
            jobs.left -= u64::from(due);
        }
        taken
    }

    /// What a beat comes to in the cycle behind it.
    fn written(&mut self, beat: Option<Taken>) -> Verdict {
        let run = &self.run;
        let word = beat.and_then(|beat| beat.word.map(|word| (word, beat.data)));
        let write = run.high("write");
        must!(run, write == word.is_some(), "write is {write}");
        if let Some((word, data)) = word {
            let found = (run.was("write_address"), run.was("write_data"));
            let wanted = (word % self.ring(), data);
            must!(
                run,
                found == wanted,
                "{found:x?} is written, not {wanted:x?}"
            );
        }
        let begins = beat.is_some_and(|beat| beat.frame_first);
        must!(
            run,
            run.high("frame_begin") == begins,
            "frame_begin is {}",
            !begins
        );
        let arrives = beat.is_some_and(|beat| beat.arrives);
        match &mut self.jobs {
            Some(jobs) => jobs.pixels += u64::from(arrives),
            None => must!(
                run,
                run.high("arrived") == arrives,
                "arrived is {}",
                !arrives
            ),
        }
        Ok(())
    }

    /// Words of the ring.
    fn ring(&self) -> u64 {
        match self.capacity.whole_ring {
            true => self.capacity.line_words,
            false => self.d.line_words,
        }
    }

    /// The next job begins, or the one that is taken takes over; whether it begins.
    fn job(&mut self) -> bool {
        let Some(jobs) = &mut self.jobs else {
            return false;
        };
        jobs.ahead = jobs.ahead.saturating_sub(1);
        // The last beat of the job before was taken two cycles ago at least.
        let over = self.run.cycle >= 0 && self.run.high("all_taken") && jobs.ahead == 0;
        let begins = over && self.run.choices.below(4) == 0;
        if begins {
            self.d = &self.layers[self.run.choices.below(self.layers.len() as u64) as usize];
            jobs.left = 1 + self.run.choices.below(MOST_FRAMES);
            jobs.ahead = 1 + self.run.choices.below(60);
            self.run.tell(self.d);
            self.run.set("frames_less_1", jobs.left - 1);
        }
        self.run.set("frames_begin", begins.into());
        self.run.set("frames_ahead", (jobs.ahead > 0).into());
        begins
    }

    /// The count of the job that runs, and where it begins.
    fn counted(&mut self, begins: bool) -> Verdict {
        let Some(jobs) = &mut self.jobs else {
            return Ok(());
        };
        let run = &self.run;
        let all_taken = begins || jobs.before == 0;
        must!(
            run,
            run.high("all_taken") == all_taken,
            "all_taken is {}",
            !all_taken
        );
        jobs.before = jobs.left;
        let found = run.was("stored");
        must!(
            run,
            found == bits(jobs.stored as i64, self.t.need),
            "stored is {found}, not {}",
            jobs.stored
        );
        if begins {
            jobs.pixels = 0;
            jobs.begin = self.words;
        } else if jobs.left > 0 || jobs.ahead > 0 {
            let (begin, wanted) = (run.was("job_begin"), jobs.begin % self.capacity.line_words);
            must!(run, begin == wanted, "job_begin is {begin}, not {wanted}");
        }
        if jobs.ahead == 0 {
            jobs.stored = jobs.pixels;
        }
        Ok(())
    }
}

//! The walk through an array in memory, cut into bursts.

use crate::bus::place::{Place, ADDRESS_BITS, BLOCK_BITS};
use crate::primitives::memory::held_memory;
use crate::rtl::{lit, ones, Body, Expr, Module, Reg};

const DOC: &str = "\
Walk through an array in memory, job by job. A job is told by eight words: the address of its first
byte; the bytes of a run, less one (bit 31: the job has no such array, and there is no burst of it);
runs of a pixel and pixels of a row, less one; rows of a frame and frames, less one; and what is
added to the address of a run to reach the next one of its pixel, of the next pixel, of the next row
and of the next frame. Bits below those of a beat or of a word of the bus do not count. The words
stand in two pages: one job is walked while the next one is told.

Promise: the bursts cover the runs of the jobs that were told by `told`, in their order, each byte
once. A burst lies in one block of 64 words. `burst_*` are registers and stay until `burst_take`,
which comes only while `burst_valid`. Where each is taken at once, the first burst of a run comes three
cycles behind the last one of the run before, or four in the next pixel, or five in the next frame. With `drop` all jobs that were told are forgotten; none begins while `hold` is high. `rests` is high where
no burst is offered and no job is left.";

/// Words of a job.
pub const WORDS: u64 = 8;
/// Bits of the number of a word.
pub const WORD_BITS: usize = 3;
/// Bits of each count of a job.
pub const COUNT_BITS: usize = 16;
/// The bit of the word of bytes that says that there is no array.
pub const OFF_BIT: usize = 31;

const ADDRESS: u64 = 0;
const RUN: u64 = 1;
const COUNTS: u64 = 2;
const FRAMES: u64 = 3;
const STEPS: u64 = 4;

/// The ports of a burst, declared alike by those who take it.
pub(super) struct Burst {
    pub valid: Expr,
    pub take: Expr,
    pub address: Expr,
    pub last_word: Expr,
    /// The lane of its first beat in the first word, and of its last one in the last; `None` where words have one.
    pub lanes: Option<[Expr; 2]>,
    pub ends_frame: Expr,
    pub ends_job: Expr,
}

impl Burst {
    /// As nets of a module around the walk.
    pub fn nets(m: &mut Module, place: &Place) -> Self {
        Self::declared(place, |name, width| m.net(name, width, ""))
    }

    fn declared(place: &Place, mut declare: impl FnMut(&str, usize) -> Expr) -> Self {
        let lane_bits = place.lane_bits();
        Burst {
            valid: declare("burst_valid", 1),
            take: declare("burst_take", 1),
            address: declare("burst_address", place.word_address_bits()),
            last_word: declare("burst_last_word", BLOCK_BITS),
            lanes: (lane_bits > 0).then(|| {
                ["burst_first_lane", "burst_last_lane"].map(|name| declare(name, lane_bits))
            }),
            ends_frame: declare("burst_ends_frame", 1),
            ends_job: declare("burst_ends_job", 1),
        }
    }

    /// Binds the walk's ports to them.
    pub fn bindings(&self) -> Vec<(&'static str, Expr)> {
        let mut bindings = vec![
            ("burst_valid", self.valid.clone()),
            ("burst_take", self.take.clone()),
            ("burst_address", self.address.clone()),
            ("burst_last_word", self.last_word.clone()),
            ("burst_ends_frame", self.ends_frame.clone()),
            ("burst_ends_job", self.ends_job.clone()),
        ];
        if let Some([first, last]) = &self.lanes {
            bindings.push(("burst_first_lane", first.clone()));
            bindings.push(("burst_last_lane", last.clone()));
        }
        bindings
    }
}

/// The walk of a block of the bus, as it stands in it.
pub(super) struct Walking {
    pub burst: Burst,
    pub rests: Expr,
    /// What was told is being forgotten: no job begins.
    pub dropping: Reg,
}

impl Walking {
    /// Places the walk of the block `name` in it, with the inputs by which it is told, `drop` and `hold`, and its output `drops`;
    /// `comment` is what `dropping` means to the block.
    pub fn place(
        m: &mut Module,
        (name, place): (&str, &Place),
        telling: [(&'static str, Expr); 4],
        [drop, hold, drops]: [&Expr; 3],
        comment: &str,
    ) -> Self {
        let burst = Burst::nets(m, place);
        let rests = m.net("walk_rests", 1, "");
        let dropping = m.reg("dropping", 1, 0, comment);
        let walk_hold = m.net("walk_hold", 1, "");
        m.assign(&walk_hold, &(&dropping.q | hold));
        m.assign(drops, &dropping.q);
        let mut bindings = burst.bindings();
        bindings.extend(telling);
        bindings.extend([
            ("drop", drop.clone()),
            ("hold", walk_hold),
            ("rests", rests.clone()),
        ]);
        m.instance("u_walk", walk(&format!("{name}_walk"), place), bindings);
        Walking {
            burst,
            rests,
            dropping,
        }
    }
}

/// Inputs by which a job is told, by the names that all blocks of the bus have for them.
pub(super) const TELLING: [(&str, usize, &str); 4] = [
    ("fill", 1, "a word of the job that is told"),
    ("fill_word", WORD_BITS, "which it is"),
    ("fill_data", ADDRESS_BITS, ""),
    (
        "told",
        1,
        "pulse: the words that were filled are a job's that comes",
    ),
];

/// Where the walk is.
struct States {
    idle: Reg,
    first: Reg,
    counts: Reg,
    frames: Reg,
    run: Reg,
    piece: Reg,
    step: Reg,
}

impl States {
    fn new(m: &mut Module) -> Self {
        let mut state = |name: &str, first: u64, what: &str| m.reg(name, 1, first, what);
        States {
            idle: state("idle", 1, "no job is walked"),
            first: state("first", 0, "the address is read"),
            counts: state("counts", 0, "the counts of pixels are"),
            frames: state("frames", 0, "the counts of frames are"),
            run: state("run", 0, "a run begins"),
            piece: state("piece", 0, "a burst of it is cut"),
            step: state("step", 0, "the next run is found"),
        }
    }

    /// The counts that begin anew are read, and then the run begins.
    fn count(&self, b: &mut Body, reads: &Reads, walker: &Walker) {
        let word = &reads.word;
        b.comment("The counts, and the run.");
        b.when(&self.first.q, |b| {
            b.set(&walker.all.d, &lit(1, 1));
            reads.go(b, &self.first, &self.counts, COUNTS);
        });
        b.when(&self.counts.q, |b| {
            b.set(&walker.slices.d, &word.slice(0, COUNT_BITS));
            b.when(&(&walker.all.q | &walker.new_row.q), |b| {
                b.set(&walker.pixels.d, &word.slice(COUNT_BITS, COUNT_BITS));
            });
            b.when_else(
                &(&walker.all.q | &walker.new_frame.q),
                |b| reads.go(b, &self.counts, &self.frames, FRAMES),
                |b| reads.go(b, &self.counts, &self.run, RUN),
            );
        });
        b.when(&self.frames.q, |b| {
            b.set(&walker.rows.d, &word.slice(0, COUNT_BITS));
            b.when(&walker.all.q, |b| {
                b.set(&walker.frames.d, &word.slice(COUNT_BITS, COUNT_BITS));
            });
            reads.go(b, &self.frames, &self.run, RUN);
        });
        b.when(&self.run.q, |b| {
            b.set(&walker.all.d, &lit(0, 1));
            b.set(&walker.last.d, &walker.sum);
            b.set(&walker.at.d, &walker.start.q);
            reads.go(b, &self.run, &self.piece, ADDRESS);
            b.when(&word.bit(OFF_BIT), |b| {
                b.set(&self.piece.d, &lit(0, 1));
                b.set(&reads.over, &lit(1, 1));
            });
        });
    }

    /// The next run is found.
    fn next_run(&self, b: &mut Body, reads: &Reads, walker: &Walker) {
        b.comment("The next run.");
        b.when(&self.step.q, |b| {
            walker.step(b);
            b.when_else(
                &walker.more_slices,
                |b| reads.go(b, &self.step, &self.run, RUN),
                |b| reads.go(b, &self.step, &self.counts, COUNTS),
            );
        });
        b.when(&(&self.first.q | &self.step.q), |b| {
            b.set(&walker.start.d, &walker.sum);
        });
    }

    fn restart(&self, b: &mut Body) {
        for state in [
            &self.first,
            &self.counts,
            &self.frames,
            &self.run,
            &self.piece,
            &self.step,
        ] {
            b.set(&state.d, &lit(0, 1));
        }
        b.set(&self.idle.d, &lit(1, 1));
    }
}

/// The words of the job, one after the other.
struct Reads {
    number: Expr,
    word: Expr,
    over: Expr,
}

impl Reads {
    fn new(m: &mut Module) -> Self {
        Reads {
            number: m.net("number", WORD_BITS, "the word that is read"),
            word: m.net("word", ADDRESS_BITS, "the one that was read"),
            over: m.net("over", 1, "the job is"),
        }
    }

    /// From a state to the next, which has a word.
    fn go(&self, b: &mut Body, from: &Reg, to: &Reg, word: u64) {
        b.set(&from.d, &lit(0, 1));
        b.set(&to.d, &lit(1, 1));
        b.set(&self.number, &lit(word, WORD_BITS));
    }
}

/// Builds the walk.
pub fn walk(name: &str, place: &Place) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let [fill, fill_word, fill_data, told] =
        TELLING.map(|(name, width, comment)| m.input(name, width, comment));
    let drop = m.input("drop", 1, "pulse: all jobs are forgotten");
    let hold = m.input("hold", 1, "no job begins");
    let rests = m.output("rests", 1, "");
    let out = ports(&mut m, place);

    let states = States::new(&mut m);
    let reads = Reads::new(&mut m);
    let jobs_told = m.reg("jobs_told", 2, 0, "its lowest bit: the page that is told");
    let jobs_walked = m.reg(
        "jobs_walked",
        2,
        0,
        "its lowest bit: the page that is walked",
    );
    let walker = Walker::new(&mut m, place);
    let goes = m.net("goes", 1, "a job may begin");
    let waits = m.net("waits", 1, "the burst that is offered is not taken");
    m.comb(|b| {
        b.set(&goes, &(jobs_told.q.ne(&jobs_walked.q) & !&hold));
        b.set(&reads.number, &lit(ADDRESS, WORD_BITS));
        b.set(&reads.over, &lit(0, 1));
        b.set(&waits, &(&out.valid.q & !&out.take));
        b.when(&out.take, |b| b.set(&out.valid.d, &lit(0, 1)));
        walker.look(b);
        b.comment("A job begins.");
        b.when(&(&states.idle.q & &goes), |b| {
            reads.go(b, &states.idle, &states.first, ADDRESS);
        });
        states.count(b, &reads, &walker);
        b.comment("A run is cut into bursts.");
        b.when(&states.piece.q, |b| {
            walker.choose_step(b, &reads.number);
            b.when(&!&waits, |b| {
                walker.cut(b, &out);
                b.when(&walker.same_block, |b| {
                    b.set(&states.piece.d, &lit(0, 1));
                    b.set(&reads.over, &walker.ends_job);
                    b.set(&states.step.d, &!&walker.ends_job);
                });
            });
        });
        states.next_run(b, &reads, &walker);
        b.comment("The jobs.");
        b.when(&told, |b| b.set(&jobs_told.d, &jobs_told.q.plus(1)));
        b.when(&reads.over, |b| {
            b.set(&states.idle.d, &lit(1, 1));
            b.set(&jobs_walked.d, &jobs_walked.q.plus(1));
        });
        b.when(&drop, |b| {
            states.restart(b);
            b.set(&out.valid.d, &lit(0, 1));
            b.set(&jobs_walked.d, &jobs_told.d);
        });
    });
    // The sum of an address and the word that was read; the first one of a job is added to nothing.
    let units = place.unit_address_bits();
    let low = place.unit_bits();
    m.observe(|b| {
        let addend = &walker.addend;
        b.set(addend, &reads.word.slice(low, units));
        b.when(&states.run.q, |b| {
            b.set(addend, &reads.word.slice(low, OFF_BIT - low).zext(units));
        });
        let base = walker.start.q.gated(&!&states.first.q);
        b.set(&walker.sum, &(base + addend));
    });
    if low > 0 {
        m.unused("word", &reads.word.slice(0, low));
    }
    let fill_place = m.net("fill_place", WORD_BITS + 1, "");
    let place_read = m.net("place", WORD_BITS + 1, "");
    for (place, word, page) in [
        (&fill_place, &fill_word, &jobs_told.q),
        (&place_read, &reads.number, &jobs_walked.q),
    ] {
        m.assign(&place.slice(0, WORD_BITS), word);
        m.assign(&place.bit(WORD_BITS), &page.bit(0));
    }
    m.instance(
        "u_words",
        held_memory(&format!("{name}_words"), 2 * WORDS, ADDRESS_BITS),
        vec![
            ("write", fill),
            ("write_address", fill_place),
            ("write_data", fill_data),
            ("read", lit(1, 1)),
            ("read_address", place_read),
            ("read_data", reads.word),
        ],
    );
    let none = jobs_told.q.eq(&jobs_walked.q);
    m.assign(&rests, &(none & !&out.valid.q));
    m
}

/// What the walk knows of the job, the run and the rest of the run.
struct Walker {
    start: Reg,
    last: Reg,
    at: Reg,
    sum: Expr,
    addend: Expr,
    slices: Reg,
    pixels: Reg,
    rows: Reg,
    frames: Reg,
    all: Reg,
    new_row: Reg,
    new_frame: Reg,
    more_slices: Expr,
    more_pixels: Expr,
    more_rows: Expr,
    more_frames: Expr,
    same_block: Expr,
    ends_job: Expr,
    lane_bits: usize,
}

impl Walker {
    fn new(m: &mut Module, place: &Place) -> Self {
        let units = place.unit_address_bits();
        let mut count = |name: &str, what: &str| m.data_reg(name, COUNT_BITS, what);
        let [slices, pixels, rows, frames] = [
            count("slices", "runs of the pixel behind this one"),
            count("pixels", "pixels of the row behind this one"),
            count("rows", "rows of the frame behind this one"),
            count("frames_left", "frames behind this one"),
        ];
        Walker {
            start: m.data_reg("start", units, "where the run begins"),
            last: m.data_reg("last", units, "where it ends"),
            at: m.data_reg("at", units, "where its next burst begins"),
            sum: m.net("sum", units, ""),
            addend: m.net("addend", units, ""),
            slices,
            pixels,
            rows,
            frames,
            all: m.data_reg("all_counts", 1, "the job begins: all counts are read"),
            new_row: m.data_reg("new_row", 1, "the next run is in another row"),
            new_frame: m.data_reg("new_frame", 1, "and in another frame"),
            more_slices: m.net("more_slices", 1, ""),
            more_pixels: m.net("more_pixels", 1, ""),
            more_rows: m.net("more_rows", 1, ""),
            more_frames: m.net("more_frames", 1, ""),
            same_block: m.net(
                "same_block",
                1,
                "the run ends in the block of its next burst",
            ),
            ends_job: m.net("ends_job", 1, "the run is the last one"),
            lane_bits: place.lane_bits(),
        }
    }

    /// What is left.
    fn look(&self, b: &mut Body) {
        for (more, count) in [
            (&self.more_slices, &self.slices),
            (&self.more_pixels, &self.pixels),
            (&self.more_rows, &self.rows),
            (&self.more_frames, &self.frames),
        ] {
            b.set(more, &count.q.non_zero());
        }
        let low = self.lane_bits + BLOCK_BITS;
        let block = |reg: &Reg| reg.q.slice(low, reg.q.width() - low);
        b.set(&self.same_block, &block(&self.at).eq(&block(&self.last)));
        let in_frame = &self.more_slices | &self.more_pixels | &self.more_rows;
        b.set(&self.ends_job, &!(in_frame | &self.more_frames));
    }

    /// The word of the step to the next run is read.
    fn choose_step(&self, b: &mut Body, number: &Expr) {
        b.set(number, &lit(STEPS + 3, WORD_BITS));
        for (index, more) in [
            (2, &self.more_rows),
            (1, &self.more_pixels),
            (0, &self.more_slices),
        ] {
            b.when(more, |b| b.set(number, &lit(STEPS + index, WORD_BITS)));
        }
    }

    /// A burst: to the end of the run, or of the block.
    fn cut(&self, b: &mut Body, out: &Out) {
        let lanes = self.lane_bits;
        let in_block = |reg: &Reg| reg.q.slice(lanes, BLOCK_BITS);
        let words = self.at.q.width() - lanes;
        b.set(&out.valid.d, &lit(1, 1));
        b.set(&out.address.d, &self.at.q.slice(lanes, words));
        b.set(&out.last_word.d, &(ones(BLOCK_BITS) - in_block(&self.at)));
        b.when(&self.same_block, |b| {
            b.set(
                &out.last_word.d,
                &(in_block(&self.last) - in_block(&self.at)),
            );
        });
        if let Some([first, last]) = &out.lanes {
            b.set(&first.d, &self.at.q.slice(0, lanes));
            b.select(
                &last.d,
                &self.same_block,
                &self.last.q.slice(0, lanes),
                &ones(lanes),
            );
        }
        let in_frame = &self.more_slices | &self.more_pixels | &self.more_rows;
        b.set(&out.ends_frame.d, &(&self.same_block & !in_frame));
        b.set(&out.ends_job.d, &(&self.same_block & &self.ends_job));
        let low = lanes + BLOCK_BITS;
        let block = self.at.q.slice(low, self.at.q.width() - low);
        b.set(&self.at.d, &lit(0, self.at.q.width()));
        b.set_slice(&self.at.d, low, &block.plus(1));
    }

    /// The next run is counted.
    fn step(&self, b: &mut Body) {
        let less = |b: &mut Body, count: &Reg| b.set(&count.d, &count.q.minus(1));
        b.set(&self.new_row.d, &!&self.more_pixels);
        b.set(&self.new_frame.d, &!(&self.more_pixels | &self.more_rows));
        b.when_else(
            &self.more_slices,
            |b| less(b, &self.slices),
            |b| {
                b.when_else(
                    &self.more_pixels,
                    |b| less(b, &self.pixels),
                    |b| {
                        b.when_else(
                            &self.more_rows,
                            |b| less(b, &self.rows),
                            |b| less(b, &self.frames),
                        );
                    },
                );
            },
        );
    }
}

/// The burst that is offered.
struct Out {
    valid: Reg,
    take: Expr,
    address: Reg,
    last_word: Reg,
    lanes: Option<[Reg; 2]>,
    ends_frame: Reg,
    ends_job: Reg,
}

/// Declares the ports of bursts and the registers that drive them.
fn ports(m: &mut Module, place: &Place) -> Out {
    let comment = |name: &str| match name {
        "burst_valid" => "a burst is offered",
        "burst_take" => "pulse: it is taken",
        "burst_address" => "of its first word, in words",
        "burst_last_word" => "words behind the first",
        "burst_first_lane" => "of the first beat, in the first word",
        "burst_last_lane" => "of the last beat, in the last word",
        "burst_ends_frame" => "its last beat is the frame's",
        _ => "and the job's",
    };
    let port = Burst::declared(place, |name, width| match name {
        "burst_take" => m.input(name, width, comment(name)),
        _ => m.output(name, width, comment(name)),
    });
    let mut driven = |port: &Expr, name: &str, valid: bool| {
        let reg = match valid {
            true => m.reg(name, port.width(), 0, ""),
            false => m.data_reg(name, port.width(), ""),
        };
        m.assign(port, &reg.q);
        reg
    };
    Out {
        valid: driven(&port.valid, "valid", true),
        address: driven(&port.address, "address", false),
        last_word: driven(&port.last_word, "last_word", false),
        lanes: (port.lanes.as_ref()).map(|[first, last]| {
            [
                driven(first, "first_lane", false),
                driven(last, "last_lane", false),
            ]
        }),
        ends_frame: driven(&port.ends_frame, "ends_frame", false),
        ends_job: driven(&port.ends_job, "ends_job_out", false),
        take: port.take,
    }
}

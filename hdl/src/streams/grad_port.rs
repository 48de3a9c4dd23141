//! The grad_output stream: takes beats, stores the needed ones, counts space.

use crate::config::capacity::Capacity;
use crate::config::descriptor::{Descriptor, Kept};
use crate::config::inputs::Config;
use crate::primitives::carry_adders::{carry_sum, chosen_sum, Chosen};
use crate::primitives::counter::{Countdown, Counter};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, ones, Body, Expr, Module, Reg};
use crate::walk::TokenWidths;

const DOC: &str = "\
Accepts the grad_output stream and writes it to the line buffer, a ring addressed by word in order
of arrival. Pixels that no output needs are accepted and dropped.

Promise: `tready` is a register and low in reset; a beat is taken in every cycle while the ring
has space for its pixel; nothing is written over a pixel that `free_less_1` has not counted.
`arrived` follows the last word of a stored pixel by one cycle, `frame_begin` a frame's first beat. A
misplaced `tlast` pulses one of the three error outputs in the cycle behind the beat; frames are cut
by count, so that it changes nothing else.";

const FRAMES_DOC: &str = "

Space is counted in words: a beat is taken in every cycle while the ring has space for one.

It takes the frames of one job after the other, as many as it is told: `tready` is low and `all_taken`
high in reset and from the last beat of the last frame on, until `frames_begin` comes with the next
job's configuration; the first beat is then taken two cycles later at the earliest, behind what the
ring holds of the job before. `stored` counts the pixels of the job that runs: while
`frames_ahead` is high, what arrives is that of the next one, and `stored` does not change; it is
the next one's count two cycles after `frames_ahead` has fallen. `job_begin` is the ring address of the
first pixel of the job that begun last.";

/// Cycles from a beat's being taken to its write, and with a pixel's last one to `arrived` and in a frame's first to
/// `frame_begin`.
pub const STORE_CYCLES: usize = 1;
/// Cycles from `free_less_1` to the beat that may be taken for it.
pub const SPACE_CYCLES: usize = 2;
/// Cycles from a beat with a misplaced `tlast` to the pulse that tells it.
pub const TLAST_CYCLES: usize = 1;

/// Builds the port for beats of `bits` bits.
pub fn grad_port(
    name: &str,
    capacity: &Capacity,
    t: &TokenWidths,
    bits: usize,
    target: Target,
    config: &mut Config,
) -> Module {
    let frames_doc = if capacity.frames.is_some() {
        FRAMES_DOC
    } else {
        ""
    };
    let mut m = Module::new(name, format!("{DOC}{frames_doc}"));
    m.clocked();
    let address_width = bits_for(capacity.line_words - 1);
    let tvalid = m.input("tvalid", 1, "");
    let tready = m.output("tready", 1, "");
    let tlast = m.input("tlast", 1, "");
    let tdata = m.input("tdata", bits, "the bits that are values");
    let write = m.output("write", 1, "to the line buffer");
    let write_address = m.output("write_address", address_width, "");
    let write_data = m.output("write_data", bits, "");
    let arrivals = match capacity.frames {
        Some(_) => m.output("stored", t.need, "pixels stored of the job that runs"),
        None => m.output("arrived", 1, "a whole pixel is stored"),
    };
    let free_less_1 = m.input("free_less_1", t.free, "what may be written over, less one");
    let frame_begin = m.output("frame_begin", 1, "a frame's first beat was taken");
    let misplaced = Misplaced::declare(&mut m);
    let frames = capacity
        .frames
        .map(|most| Frames::new(&mut m, most, target));

    let space = space(&mut m, capacity, config);
    let space_width = space.q.width();
    let ready = m.reg("ready", 1, 0, "");
    let first_beat = m.reg("first_beat", 1, 1, "the next beat is a frame's first");
    // A beat is written in the cycle after it was taken.
    let stored = m.reg("stored", 1, 0, "it was the last of a pixel");
    let write_now = m.reg("write", 1, 0, "");
    let data = m.data_reg("data", bits, "");
    let accept = m.net("accept", 1, "");
    let store = m.net("store", 1, "");
    let word_end = m.net("word_end", 1, "last word of a pixel");
    let pixel_end = m.net("pixel_end", 1, "");
    let due = m.net("due", 1, "last beat of a frame");
    m.comb(|b| b.set(&accept, &(&tvalid & &ready.q)));
    let words = capacity.pixel_words;
    let word = (words > 1).then(|| {
        let width = bits_for(words - 1);
        let last = config.port(
            &mut m,
            "pixel_words_less_1",
            width,
            |d| d.pixel_words() - 1,
            "words of a pixel of grad_output, less one",
        );
        let comment = "word of the pixel";
        match capacity.told {
            true => Counter::told(&mut m, "word", &last, comment),
            false => Counter::late(&mut m, "word", &last, comment, words.is_power_of_two()),
        }
    });
    // Whether a beat was taken in the cycle before; all that are taken are stored where none is dropped.
    let came = (word.is_some() && !capacity.told && capacity.drops)
        .then(|| m.reg("came", 1, 0, "a beat was taken in the cycle before"));
    let counted = match (capacity.told, &came) {
        (true, _) => &accept,
        (false, Some(came)) => &came.q,
        (false, None) => &write_now.q,
    };
    let mid_pixel = (words > 1 && !capacity.whole_ring)
        .then(|| m.reg("mid_pixel", 1, 0, "the next beat is not a pixel's first"));
    // Where pixels are a power of two of words, the word is the address' low bits.
    let in_slots = capacity.pixels_in_slots;
    let low = if in_slots { bits_for(words) - 1 } else { 0 };
    let late_word = (low > 0 && capacity.told).then(|| m.data_reg("late_word", low, ""));
    let address = Place::new(&mut m, capacity, address_width - low, low, config);
    let some_free = m.net("some_free", 1, "the next pixel has a place");
    let position = Position::new(&mut m, capacity, config);
    let fills = m.net("fills", 1, "space is taken by the beat");
    // Where every beat is stored, nothing but tlast and the status depends on its place in the frame, and that can be
    // worked out a cycle late.
    let late_tlast = (capacity.frames.is_none() && !capacity.drops).then(|| {
        m.data_reg(
            "late_tlast",
            1,
            "of the beat that was taken in the cycle before",
        )
    });
    let seen = Seen {
        accept: m.net("seen", 1, "a beat's place in its frame is looked at"),
        pixel_end: m.net("seen_pixel_end", 1, "it is its pixel's last"),
    };
    let filled = match capacity.whole_ring {
        true => &write_now.q,
        false => &stored.q,
    };
    // Less one and one more, but for the place of a beat.
    let freed = free_less_1.sext(space_width);
    let unfilled = (&!filled, "a beat that takes no space");
    let space_sum = carry_sum(&mut m, "space", (&space.q, &freed), unfilled);
    m.comb(|b| {
        b.comment("Where in its frame a beat is.");
        match &word {
            Some(word) => {
                word.at_last_behind(b, &word_end, counted);
                word.step(b, counted);
            }
            None => b.set(&word_end, &lit(1, 1)),
        }
        if let Some(came) = &came {
            b.set(&came.d, &accept);
        }
        b.set(&pixel_end, &(&accept & &word_end));
        match &late_tlast {
            Some(late) => {
                b.set(&late.d, &tlast);
                b.set(&seen.accept, &write_now.q);
                b.set(&seen.pixel_end, &stored.q);
                b.set(&due, &(&stored.q & position.at_last()));
            }
            None => {
                b.set(&seen.accept, &accept);
                b.set(&seen.pixel_end, &pixel_end);
                b.set(&due, &(&word_end & position.at_last()));
            }
        }
        position.step(b, &seen.pixel_end);
        b.when(&seen.accept, |b| b.set(&first_beat.d, &due));
        b.comment("What of it is stored, and whether there is space for the next beat.");
        let whole = match position.kept() {
            Some(kept) => {
                b.set(&store, &(&accept & &kept));
                &pixel_end & &kept
            }
            None => {
                b.set(&store, &accept);
                pixel_end.clone()
            }
        };
        b.set(&fills, if capacity.whole_ring { &store } else { &whole });
        b.set(&space.d, &space_sum);
        b.set(&stored.d, &whole);
        // The beat before is not yet counted.
        b.set(&some_free, &space.q.non_zero());
        let two = space.q.at_least(2);
        if words > 1 && !capacity.whole_ring {
            // Two beats on end are never both their pixel's last.
            b.when(&(&fills | filled), |b| b.set(&some_free, &two));
        } else {
            b.when(&(&fills ^ filled), |b| b.set(&some_free, &two));
            let three = space.q.at_least(3);
            b.when(&(&fills & filled), |b| b.set(&some_free, &three));
        }
        match &mid_pixel {
            Some(mid_pixel) => {
                b.when(&accept, |b| b.set(&mid_pixel.d, &!&word_end));
                b.set(&ready.d, &(&some_free | &mid_pixel.d));
            }
            None => b.set(&ready.d, &some_free),
        }
        if let Some(frames) = &frames {
            frames.step(b, &(&accept & &due), &ready);
            b.comment("The next job.");
            position.restart(b, &frames.begin);
            if let Some(word) = &word {
                word.restart(b, &frames.begin);
            }
        }
        b.set(&write_now.d, &store);
        b.set(&data.d, &tdata);
        b.comment("Where the beat goes that was taken in the cycle before.");
        if let Some((word, late)) = word.as_ref().zip(late_word.as_ref()) {
            b.set(&late.d, &word.now.q);
        }
        address.step(b, if in_slots { &stored.q } else { &write_now.q });
    });
    let begins = &seen.accept & &first_beat.q;
    match &late_tlast {
        Some(late) => {
            tlast_judged(&mut m, &(&seen.accept & &late.q), &due, &misplaced);
            m.assign(&frame_begin, &begins);
        }
        None => {
            tlast_check(&mut m, &due, &seen.accept, &tlast, &misplaced);
            let begun = m.reg("begun", 1, 0, "");
            m.comb(|b| b.set(&begun.d, &begins));
            m.assign(&frame_begin, &begun.q);
        }
    }
    m.assign(&tready, &ready.q);
    m.assign(&write, &write_now.q);
    m.assign(&write_data, &data.q);
    let place = match (&word, &late_word) {
        (_, Some(late)) => Some(&late.q),
        (Some(word), None) if low > 0 => Some(&word.now.q),
        _ => None,
    };
    match place {
        Some(word) => {
            m.assign(&write_address.slice(0, low), word);
            m.assign(
                &write_address.slice(low, address_width - low),
                &address.now().q,
            );
        }
        None => m.assign(&write_address, &address.now().q),
    }
    match &frames {
        Some(frames) => frames.count(&mut m, t, &stored.q, &address.now().q, &arrivals),
        None => m.assign(&arrivals, &stored.q),
    }
    m
}

/// The beat whose place in its frame is looked at.
struct Seen {
    accept: Expr,
    pixel_end: Expr,
}

/// The register that counts free space in the ring.
fn space(m: &mut Module, capacity: &Capacity, config: &mut Config) -> Reg {
    if capacity.whole_ring {
        let all = lit(capacity.line_words, bits_for(capacity.line_words));
        return m.reg_from("space", all, "words free as of now");
    }
    let line_pixels = config.port(
        m,
        "line_pixels",
        bits_for(capacity.line_pixels),
        Descriptor::line_pixels,
        "pixels in the line buffer",
    );
    let comment = "pixels free as of now, the one being filled included";
    m.reg_from("space", line_pixels, comment)
}

/// A counter whose last value is told at run time, or is a constant.
fn counter(m: &mut Module, told: bool, name: &str, last: &Expr, comment: &str) -> Counter {
    match told {
        true => Counter::told(m, name, last, comment),
        false => Counter::new(m, name, last, comment),
    }
}

/// Where the next word goes, or the next pixel.
enum Place {
    /// It is told, or its constant size does not follow from its bits.
    Counted(Box<Counter>),
    /// All addresses are of the ring.
    Free(Reg),
}

impl Place {
    /// `low` bits of a word's address are its place in its pixel, the others are these.
    fn new(
        m: &mut Module,
        capacity: &Capacity,
        width: usize,
        low: usize,
        config: &mut Config,
    ) -> Self {
        let comment = "where the next one goes";
        if capacity.whole_ring && capacity.line_words.is_power_of_two() {
            return Place::Free(m.reg("place", width, 0, comment));
        }
        let last = match capacity.whole_ring {
            true => lit(capacity.line_words - 1, width),
            false => config.port(
                m,
                "line_less_1",
                width,
                move |d| (d.line_words >> low) - 1,
                match capacity.pixels_in_slots {
                    true => "pixels in the line buffer, less one",
                    false => "words in the line buffer, less one",
                },
            ),
        };
        Place::Counted(Box::new(Counter::new(m, "place", &last, comment)))
    }

    fn now(&self) -> &Reg {
        match self {
            Place::Counted(counter) => &counter.now,
            Place::Free(place) => place,
        }
    }

    fn step(&self, b: &mut Body, step: &Expr) {
        match self {
            Place::Counted(counter) => counter.step(b, step),
            Place::Free(place) => b.when(step, |b| b.set(&place.d, &place.q.plus(1))),
        }
    }
}

/// Frames still to be taken, of one job after the other.
pub(crate) struct Frames {
    /// Frames after this one; none when a job begins.
    left: Reg,
    /// What follows, below a bit that is high where there are none.
    next: Expr,
    all: Reg,
    begin: Expr,
    ahead: Expr,
}

impl Frames {
    /// Declares its inputs and outputs; jobs have so many frames at the most.
    pub(crate) fn new(m: &mut Module, most: u64, target: Target) -> Self {
        let width = bits_for(most - 1);
        let told = m.input("frames_less_1", width, "frames to take, less one");
        let port = m.output("all_taken", 1, "no more frames are taken");
        let all = m.reg("all_taken", 1, 1, "");
        m.assign(&port, &all.q);
        let begin = m.input("frames_begin", 1, "pulse: the next job's may be taken");
        let left = m.reg("frames_left", width, 0, "frames after this one");
        let operands = Chosen {
            from: &left.q.zext(width + 1),
            choose: &begin,
            one: &told.zext(width + 1),
            other: &ones(width + 1),
        };
        Frames {
            next: chosen_sum(m, "frames_next", operands, target),
            left,
            all,
            begin,
            ahead: m.input("frames_ahead", 1, "the job before runs still"),
        }
    }

    /// High in the cycle in which the next job's may be taken.
    pub(crate) fn begin(&self) -> &Expr {
        &self.begin
    }

    /// High while what is taken is for the job after the one that runs.
    pub(crate) fn ahead(&self) -> &Expr {
        &self.ahead
    }

    /// `ready` falls behind the last frame's end.
    pub(crate) fn step(&self, b: &mut Body, frame_end: &Expr, ready: &Reg) {
        b.comment("After the last frame nothing is taken.");
        let none_left = self.next.msb();
        b.when(&(&self.begin | (frame_end & !&none_left)), |b| {
            b.set(&self.left.d, &self.next.slice(0, self.left.q.width()));
        });
        b.when(&(frame_end & &none_left), |b| {
            b.set(&self.all.d, &lit(1, 1));
        });
        b.when(&self.all.d, |b| b.set(&ready.d, &lit(0, 1)));
        b.when(&self.begin, |b| b.set(&self.all.d, &lit(0, 1)));
    }

    /// Counts the pixels of each job, as one `arrived` pulse each tells them, and notes the `place` in the ring where
    /// its first one goes. The output `stored` is the count of the job that runs.
    fn count(&self, m: &mut Module, t: &TokenWidths, arrived: &Expr, place: &Expr, stored: &Expr) {
        let taken = m.reg(
            "pixels",
            t.need,
            0,
            "pixels stored of the job that is taken",
        );
        let seen = m.reg("seen", t.need, 0, "of the job that runs");
        let begin = m.reg("begin", place.width(), 0, "");
        let port = m.output(
            "job_begin",
            place.width(),
            "where the latest job's pixels begin",
        );
        m.comb(|b| {
            b.comment("Pixels of the job that is taken, and of the one that runs.");
            b.when(arrived, |b| b.set(&taken.d, &taken.q.plus(1)));
            b.when(&self.begin, |b| {
                b.set(&taken.d, &lit(0, t.need));
                b.set(&begin.d, place);
            });
            b.when(&!&self.ahead, |b| b.set(&seen.d, &taken.d));
        });
        m.assign(stored, &seen.q);
        m.assign(&port, &begin.q);
    }
}

/// The outputs that tell a misplaced `tlast`.
pub(crate) struct Misplaced {
    early: Expr,
    missing: Expr,
    late: Expr,
}

impl Misplaced {
    pub(crate) fn declare(m: &mut Module) -> Self {
        Misplaced {
            early: m.output("tlast_early", 1, ""),
            missing: m.output("tlast_missing", 1, ""),
            late: m.output("tlast_late", 1, ""),
        }
    }
}

/// Compares `tlast` with the count, one cycle late: `due` is high while the next beat should have it.
pub(crate) fn tlast_check(
    m: &mut Module,
    due: &Expr,
    accept: &Expr,
    tlast: &Expr,
    misplaced: &Misplaced,
) {
    let came = m.reg(
        "tlast_came",
        1,
        0,
        "with the beat taken in the cycle before",
    );
    let was_due = m.reg("tlast_was_due", 1, 0, "");
    m.comb(|b| {
        b.comment("tlast against the count of beats.");
        b.set(&came.d, &(accept & tlast));
        b.set(&was_due.d, &(accept & due));
    });
    tlast_judged(m, &came.q, &was_due.q, misplaced);
}

/// The same in the cycle in which it is known whether `tlast` came, and whether it was due.
fn tlast_judged(m: &mut Module, came: &Expr, was_due: &Expr, misplaced: &Misplaced) {
    let overdue = m.reg("overdue", 1, 0, "tlast was missing and has not come since");
    let missing = was_due & !came;
    let stray = came & !was_due;
    m.comb(|b| {
        b.when(came, |b| b.set(&overdue.d, &lit(0, 1)));
        b.when(&missing, |b| b.set(&overdue.d, &lit(1, 1)));
    });
    m.assign(&misplaced.early, &(&stray & !&overdue.q));
    m.assign(&misplaced.missing, &missing);
    m.assign(&misplaced.late, &(&stray & &overdue.q));
}

/// Counts the pixels of grad_output: by row and by column where some are dropped, else all in one.
enum Position {
    Pixel(Box<Countdown>),
    Grid(Box<[Line; 2]>),
}

impl Position {
    fn new(m: &mut Module, capacity: &Capacity, config: &mut Config) -> Self {
        if capacity.drops {
            return Position::Grid(Box::new([
                Line::new(
                    m,
                    capacity,
                    "row",
                    capacity.rows.size,
                    |d| d.kept_rows,
                    config,
                ),
                Line::new(
                    m,
                    capacity,
                    "col",
                    capacity.cols.size,
                    |d| d.kept_cols,
                    config,
                ),
            ]));
        }
        let width = bits_for(capacity.input_pixels - 1);
        let last = config.port(
            m,
            "grad_pixels_less_1",
            width,
            |d| d.input_pixels() - 1,
            "pixels of a frame of grad_output, less one",
        );
        Position::Pixel(Box::new(Countdown::new(
            m,
            "pixels_left",
            &last,
            "pixels of the frame after this one",
        )))
    }

    fn at_last(&self) -> Expr {
        match self {
            Position::Pixel(pixel) => pixel.at_last(),
            Position::Grid(lines) => lines[1].at_last() & lines[0].at_last(),
        }
    }

    fn step(&self, b: &mut Body, pixel_end: &Expr) {
        match self {
            Position::Pixel(pixel) => pixel.step(b, pixel_end),
            Position::Grid(lines) => {
                let [rows, cols] = lines.as_ref();
                cols.step(b, pixel_end);
                rows.step(b, &(pixel_end & cols.at_last()));
            }
        }
    }

    /// Begins with the first pixel where `test`, by what is configured then.
    fn restart(&self, b: &mut Body, test: &Expr) {
        match self {
            Position::Pixel(pixel) => pixel.restart(b, test),
            Position::Grid(lines) => lines.iter().for_each(|line| line.restart(b, test)),
        }
    }

    /// High while the pixel is stored; `None` where all are.
    fn kept(&self) -> Option<Expr> {
        match self {
            Position::Pixel(_) => None,
            Position::Grid(lines) => Some(&lines[1].inside.q & &lines[0].inside.q),
        }
    }
}

/// Rows or columns of grad_output, and which of them some output needs.
struct Line {
    at: Counter,
    inside: Reg,
    from: Expr,
    to: Expr,
    inside_at_0: Expr,
    /// All of these are told at run time.
    told: bool,
}

impl Line {
    /// `size` is the most positions along the axis, `kept` tells those of a layer.
    fn new(
        m: &mut Module,
        capacity: &Capacity,
        name: &str,
        size: u64,
        kept: fn(&Descriptor) -> Kept,
        config: &mut Config,
    ) -> Self {
        let width = bits_for(size - 1);
        let mut port = |name: String, width: usize, value: fn(Kept) -> u64, comment: &str| {
            config.port(m, &name, width, move |d| value(kept(d)), comment)
        };
        let last = port(
            format!("grad_{name}s_less_1"),
            width,
            |kept| kept.size - 1,
            "size of grad_output, less one",
        );
        let from = port(
            format!("first_kept_{name}"),
            width,
            |kept| kept.first,
            "first one that some output needs",
        );
        let to = port(
            format!("last_kept_{name}"),
            width,
            |kept| kept.last,
            "last one that some output needs",
        );
        let inside_at_0 = port(
            format!("keeps_{name}_0"),
            1,
            |kept| u64::from(kept.first == 0),
            "the first one is needed",
        );
        Line {
            at: counter(m, capacity.told, name, &last, "of grad_output"),
            inside: m.reg_from(&format!("inside_{name}"), inside_at_0.clone(), "needed"),
            from,
            to,
            inside_at_0,
            told: capacity.told,
        }
    }

    fn at_last(&self) -> Expr {
        self.at.at_last()
    }

    fn step(&self, b: &mut Body, step: &Expr) {
        self.at.step(b, step);
        let inside = &self.inside.d;
        if self.told {
            // Comparing costs less where it need not tell more from less.
            let now = &self.at.now.q;
            b.when(step, |b| {
                b.when(&now.plus(1).eq(&self.from), |b| b.set(inside, &lit(1, 1)));
                b.when(&now.eq(&self.to), |b| b.set(inside, &lit(0, 1)));
                b.when(&self.at_last(), |b| b.set(inside, &self.inside_at_0));
            });
            return;
        }
        b.set(
            inside,
            &(self.at.now.d.ge(&self.from) & self.to.ge(&self.at.now.d)),
        );
    }

    fn restart(&self, b: &mut Body, test: &Expr) {
        self.at.restart(b, test);
        b.when(test, |b| b.set(&self.inside.d, &self.inside_at_0));
    }
}

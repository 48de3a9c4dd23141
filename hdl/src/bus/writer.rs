//! A stream into memory.

use crate::bus::place::{Place, BLOCK_BITS, BURST_WORDS};
use crate::bus::reader::{Credit, BURSTS, WORDS};
use crate::bus::walk::{Burst, Walking, TELLING};
use crate::primitives::beat_fifo::beat_fifo;
use crate::primitives::credit_counter::CreditCounter;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, ones, Body, Expr, Module, Reg};

const DOC: &str = "\
Writer: the beats of a stream go into an array in memory. A burst is offered when all of its words are
there.

Promise: the beats of the stream are written to the places of the jobs that were told, in the order of
their walk, and to no other byte; where nothing is written, words are zero. `aw_*` and `w_*` are offered
until they are taken, and neither waits for the other; `b_*` is taken at once. `written` is a pulse: all
of a job is in memory. A beat of a job is taken only when all bursts of the job before were cut. With
`drop` the jobs that were told are forgotten; the burst that is under way ends with words of which no
byte is written, no beat is taken until all that was offered is answered, and no job is `written` by
that; `drops` is high meanwhile. No job begins while `hold` is high. `failed` is a pulse, with the
address of a burst that was answered by an error. `rests` is high where no word is under way, none is to
be answered and no job is left.";

/// Builds the writer.
pub fn writer(name: &str, place: &Place, target: Target) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let telling = TELLING.map(|(name, width, comment)| (name, m.input(name, width, comment)));
    let drop = m.input("drop", 1, "pulse: what was told is forgotten");
    let hold = m.input("hold", 1, "no job begins");
    let drops = m.output("drops", 1, "what was offered has yet to be answered");
    let rests = m.output("rests", 1, "");
    let input = Input {
        valid: m.input("s_tvalid", 1, ""),
        ready: m.output("s_tready", 1, ""),
        data: m.input("s_tdata", place.beat_bits, ""),
    };
    let aw_valid = m.output("aw_valid", 1, "");
    let aw_ready = m.input("aw_ready", 1, "");
    let aw_address = m.output("aw_address", place.word_address_bits(), "in words");
    let aw_last_word = m.output("aw_last_word", BLOCK_BITS, "words behind the first");
    let w_valid = m.output("w_valid", 1, "");
    let w_ready = m.input("w_ready", 1, "");
    let w_data = m.output("w_data", place.word_bits, "");
    let w_strobe = m.output("w_strobe", place.word_bits / 8, "");
    let w_last = m.output("w_last", 1, "");
    let b_valid = m.input("b_valid", 1, "");
    let b_error = m.input("b_error", 1, "");
    let written = m.output("written", 1, "pulse: a job is in memory");
    let failed = m.output("failed", 1, "pulse");
    let failed_address = m.output("failed_address", place.word_address_bits(), "in words");

    let Walking {
        burst,
        rests: walk_rests,
        dropping,
    } = Walking::place(
        &mut m,
        (name, place),
        telling,
        [&drop, &hold, &drops],
        "no beat is taken",
    );
    m.unused("ends_frame", &burst.ends_frame);

    let packing = Packing::new(&mut m, place);
    let words_gave = m.net("words_gave", 1, "");
    let free = Credit::new(&mut m);
    let bursts = m.reg(
        "bursts",
        bits_for(BURSTS),
        0,
        "bursts that are not answered",
    );
    let some_bursts = m.net("some_bursts", 1, "");
    let begins = m.net("begins", 1, "the words of another burst begin");
    let room = m.net(
        "room",
        1,
        "there is room for its words and for what is known of it",
    );
    m.comb(|b| {
        b.comment("Beats to words.");
        b.set(&packing.is_last, &packing.words_left.q.is_zero());
        packing.make(b, &input, &dropping.q);
        b.comment("Another burst.");
        let has_place = !&bursts.q.bit(bits_for(BURSTS) - 1);
        b.set(
            &room,
            &(free.enough(BURST_WORDS) & has_place & !(&drop | &dropping.q)),
        );
        b.set(
            &begins,
            &(&burst.valid & (!&packing.packs.q | &packing.ends) & &room),
        );
        packing.go_on(b, &burst, &begins, &input, &dropping.q);
        free.step(b, &begins, &burst.last_word, &words_gave);
        b.set(&some_bursts, &bursts.q.non_zero());
        let step = |b: &mut Body, test: Expr, count: Expr| {
            b.when(&test, |b| b.set(&bursts.d, &count));
        };
        step(b, &begins & !&b_valid, bursts.q.plus(1));
        step(b, &b_valid & !&begins, bursts.q.minus(1));
        b.when(&!&some_bursts, |b| b.set(&dropping.d, &lit(0, 1)));
        b.when(&drop, |b| b.set(&dropping.d, &lit(1, 1)));
    });
    m.assign(&input.ready, &packing.takes);
    m.assign(&burst.take, &begins);
    m.assign(&rests, &(&walk_rests & !&some_bursts));

    let pushed_last = m.net("pushed_last", 1, "the words of a burst are all there");
    m.assign(&pushed_last, &(&packing.pushes.q & &packing.last.q));
    let unit = place.unit_data_bits();
    let mut parts = Vec::new();
    for Reg { q, .. } in &packing.data {
        parts.push(q.clone());
        if q.width() < unit {
            parts.push(lit(0, unit - q.width()));
        }
    }
    let data_parts = parts.len();
    parts.push(packing.last.q.clone());
    parts.extend(packing.strobes.iter().map(|reg| reg.q.clone()));
    let words = Fifo::new(&mut m, "word", WORDS, parts);
    let leaving = Leaving::new(&mut m, ["w_whole", "w_some"], &words, &w_ready);
    leaving.step(
        &mut m,
        &pushed_last,
        &(&leaving.take & &words.out[data_parts]),
    );
    words.place(
        &mut m,
        name,
        target,
        (&packing.pushes.q, &words_gave, &leaving.take),
    );
    m.assign(&w_valid, &leaving.valid);
    m.assign(&w_data, &words.read.slice(0, place.word_bits));
    m.assign(&w_last, &words.out[data_parts]);
    let unit_bytes = unit / 8;
    for (lane, strobe) in words.out[data_parts + 1..].iter().enumerate() {
        m.assign(
            &w_strobe.slice(lane * unit_bytes, unit_bytes),
            &strobe.sext(unit_bytes),
        );
    }

    let parts = vec![burst.address.clone(), burst.last_word.clone()];
    let asked = Fifo::new(&mut m, "asked", BURSTS, parts);
    let leaving = Leaving::new(&mut m, ["aw_whole", "aw_some"], &asked, &aw_ready);
    leaving.step(&mut m, &pushed_last, &leaving.take);
    let gave = m.net("asked_gave", 1, "");
    asked.place(&mut m, name, target, (&begins, &gave, &leaving.take));
    m.unused("asked_gave", &gave);
    m.assign(&aw_valid, &leaving.valid);
    m.assign(&aw_address, &asked.out[0]);
    m.assign(&aw_last_word, &asked.out[1]);

    let known = Fifo::new(
        &mut m,
        "known",
        BURSTS,
        vec![burst.address.clone(), burst.ends_job.clone()],
    );
    let gave = m.net("known_gave", 1, "");
    known.place(&mut m, name, target, (&begins, &gave, &b_valid));
    m.unused("known_gave", &gave);
    m.unused("known_valid", &known.valid);
    m.assign(&written, &(&b_valid & &known.out[1] & !&dropping.q));
    m.assign(&failed, &(&b_valid & &b_error));
    m.assign(&failed_address, &known.out[0]);
    m
}

/// The stream.
struct Input {
    valid: Expr,
    ready: Expr,
    data: Expr,
}

/// Beats become words, of one burst.
struct Packing {
    packs: Reg,
    /// Words of the burst behind this one.
    words_left: Reg,
    is_last: Expr,
    made: Expr,
    /// The last word of the burst is made.
    ends: Expr,
    /// A beat is taken where one is offered.
    takes: Expr,
    /// The word that was made, by lanes, and which of them are written.
    data: Vec<Reg>,
    strobes: Vec<Reg>,
    last: Reg,
    pushes: Reg,
    form: Form,
}

/// How beats lie in words.
enum Form {
    /// One in each.
    Single,
    /// Several: the lane of the next beat, the last one of the burst, and whether the next beat is the first of its word.
    Lanes { next: Reg, last: Reg, fresh: Reg },
    /// Several words each: the ones that are left of a beat, the next one lowest, and how many behind that.
    Parts {
        held: Reg,
        left: Reg,
        some: Reg,
        uses_up: Expr,
    },
}

impl Packing {
    fn new(m: &mut Module, place: &Place) -> Self {
        let (lane_bits, unit) = (place.lane_bits(), place.unit_data_bits());
        let part_bits = place.words().ilog2() as usize;
        let form = match (lane_bits, part_bits) {
            (0, 0) => Form::Single,
            (0, _) => Form::Parts {
                held: m.data_reg("held", place.beat_bits, "what is left of a beat"),
                left: m.data_reg("left", part_bits, "words of it behind the next"),
                some: m.reg("some", 1, 0, "a word of it is left"),
                uses_up: m.net("uses_up", 1, "the last one is made"),
            },
            _ => Form::Lanes {
                next: m.data_reg("next_lane", lane_bits, "of the beat that comes"),
                last: m.data_reg("last_lane", lane_bits, "of the burst's last beat"),
                fresh: m.reg("fresh", 1, 1, "the beat that comes begins a word"),
            },
        };
        let lanes = 0..place.lanes();
        let beat = place.beat_bits.min(unit);
        Packing {
            packs: m.reg("packs", 1, 0, "words of a burst are made"),
            words_left: m.data_reg("words_left", BLOCK_BITS, "behind the one that is made"),
            is_last: m.net("is_last", 1, "there are none"),
            made: m.net("made", 1, "a word is made"),
            ends: m.net("ends", 1, "the last word of the burst is made"),
            takes: m.net("takes", 1, "a beat is taken where one is offered"),
            data: lanes
                .clone()
                .map(|lane| m.data_reg(&format!("data{lane}"), beat, ""))
                .collect(),
            strobes: lanes
                .map(|lane| m.data_reg(&format!("strobe{lane}"), 1, ""))
                .collect(),
            last: m.data_reg("last", 1, "the word is its burst's last one"),
            pushes: m.reg("pushes", 1, 0, "a word was made"),
            form,
        }
    }

    /// A word is made, of what came or, where nothing may come any more, of nothing.
    fn make(&self, b: &mut Body, input: &Input, dropping: &Expr) {
        let (made, packs) = (&self.made, &self.packs.q);
        let strobes = |b: &mut Body| {
            for strobe in &self.strobes {
                b.set(&strobe.d, &!dropping);
            }
        };
        match &self.form {
            Form::Single => {
                b.set(made, &(packs & (&input.valid | dropping)));
                b.set(&self.data[0].d, &input.data);
                strobes(b);
            }
            Form::Lanes { next, last, fresh } => {
                let whole = next.q.eq(&ones(next.q.width())) | (&self.is_last & next.q.eq(&last.q));
                b.set(made, &(packs & ((&input.valid & whole) | dropping)));
                b.when(&(packs & &input.valid), |b| {
                    b.set(&next.d, &next.q.plus(1));
                    b.set(&fresh.d, made);
                    for (lane, (data, strobe)) in self.data.iter().zip(&self.strobes).enumerate() {
                        let here = next.q.eq(&lit(lane as u64, next.q.width()));
                        b.when(&fresh.q, |b| {
                            b.set(&data.d, &lit(0, data.q.width()));
                            b.set(&strobe.d, &lit(0, 1));
                        });
                        b.when(&here, |b| {
                            b.set(&data.d, &input.data);
                            b.set(&strobe.d, &lit(1, 1));
                        });
                    }
                });
                b.when(dropping, |b| {
                    b.set(&fresh.d, &lit(1, 1));
                    for strobe in &self.strobes {
                        b.set(&strobe.d, &lit(0, 1));
                    }
                });
            }
            Form::Parts {
                held,
                left,
                some,
                uses_up,
            } => {
                let word = self.data[0].q.width();
                b.set(made, &(packs & (&some.q | dropping)));
                b.set(uses_up, &(made & left.q.is_zero()));
                b.set(&self.data[0].d, &held.q.slice(0, word));
                b.when(made, |b| {
                    let rest = held.q.width() - word;
                    b.set(&held.d, &held.q.slice(word, rest).zext(held.q.width()));
                    b.set(&left.d, &left.q.minus(1));
                });
                b.when(&(uses_up | dropping), |b| b.set(&some.d, &lit(0, 1)));
                strobes(b);
            }
        }
        b.set(&self.pushes.d, made);
        b.set(&self.last.d, &self.is_last);
        b.set(&self.ends, &(made & &self.is_last));
        b.when(made, |b| {
            b.set(&self.words_left.d, &self.words_left.q.minus(1))
        });
        b.when(&self.ends, |b| b.set(&self.packs.d, &lit(0, 1)));
    }

    /// Another burst begins, and a beat is taken.
    fn go_on(&self, b: &mut Body, burst: &Burst, begins: &Expr, input: &Input, dropping: &Expr) {
        b.when(begins, |b| {
            b.set(&self.packs.d, &lit(1, 1));
            b.set(&self.words_left.d, &burst.last_word);
            if let (Form::Lanes { next, last, .. }, Some([first_lane, last_lane])) =
                (&self.form, &burst.lanes)
            {
                b.set(&next.d, first_lane);
                b.set(&last.d, last_lane);
            }
        });
        b.set(&self.takes, &(&self.packs.q & !dropping));
        if let Form::Parts {
            held,
            left,
            some,
            uses_up,
        } = &self.form
        {
            let goes_on = !&self.is_last | begins;
            let free = !&some.q | (uses_up & goes_on);
            b.set(&self.takes, &(&self.packs.q & !dropping & free));
            b.when(&(&self.takes & &input.valid), |b| {
                b.set(&held.d, &input.data);
                b.set(&left.d, &ones(left.q.width()));
                b.set(&some.d, &lit(1, 1));
            });
        }
    }
}

/// What leaves a FIFO burst by burst, each when its words are all there.
struct Leaving {
    whole: CreditCounter,
    valid: Expr,
    take: Expr,
}

impl Leaving {
    fn new(m: &mut Module, names: [&str; 2], fifo: &Fifo, ready: &Expr) -> Self {
        let whole = CreditCounter::none(
            m,
            names,
            bits_for(BURSTS),
            "bursts whose words are all there",
        );
        let take = m.net(&format!("{}_take", fifo.name), 1, "");
        let valid = &fifo.valid & whole.some();
        m.assign(&take, &(&valid & ready));
        Leaving { whole, valid, take }
    }

    /// One more is there where `pushed`, one less where the last of one leaves.
    fn step(&self, m: &mut Module, pushed: &Expr, left: &Expr) {
        m.comb(|b| self.whole.step(b, pushed, left));
    }
}

/// A FIFO of some numbers side by side.
struct Fifo {
    name: &'static str,
    places: u64,
    written: Expr,
    read: Expr,
    valid: Expr,
    /// The numbers of the oldest entry.
    out: Vec<Expr>,
}

impl Fifo {
    fn new(m: &mut Module, name: &'static str, places: u64, parts: Vec<Expr>) -> Self {
        let bits = parts.iter().map(Expr::width).sum();
        let written = m.net(&format!("{name}_in"), bits, "");
        let read = m.net(&format!("{name}_out"), bits, "the oldest");
        let mut low = 0;
        let mut out = Vec::new();
        for part in &parts {
            m.assign(&written.slice(low, part.width()), part);
            out.push(read.slice(low, part.width()));
            low += part.width();
        }
        let valid = m.net(&format!("{name}_valid"), 1, "");
        Fifo {
            name,
            places,
            written,
            read,
            valid,
            out,
        }
    }

    fn place(
        &self,
        m: &mut Module,
        name: &str,
        target: Target,
        (write, gave, take): (&Expr, &Expr, &Expr),
    ) {
        let own = self.name;
        let memory = format!("{name}_{own}_memory");
        let bits = self.read.width();
        m.instance(
            &format!("u_{own}"),
            beat_fifo(&format!("{name}_{own}"), &memory, bits, self.places, target),
            vec![
                ("write", write.clone()),
                ("beat", self.written.clone()),
                ("gave", gave.clone()),
                ("valid", self.valid.clone()),
                ("word", self.read.clone()),
                ("take", take.clone()),
            ],
        );
    }
}

//! A stream of what stands in memory.

use crate::bus::place::{Place, BLOCK_BITS, BURST_WORDS};
use crate::bus::walk::{Burst, Walking, TELLING};
use crate::primitives::beat_fifo::beat_fifo;
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, ones, Body, Expr, Module, Reg};

const DOC: &str = "\
Reader: a stream of the beats of an array in memory. Bursts are asked for ahead, each only when there
is room for all of its words, so that a word that comes is always taken.

Promise: the beats are those of the jobs that were told, in the order of their walk, `tlast` on the last
one of a frame; a beat that is offered stays until it is taken. A burst that is asked for stays until it is
granted or dropped; what it asked for comes by `r_*`, in order. With `drop` the jobs that were told are
forgotten, and what was asked for is taken and thrown away; no beat is offered and no burst asked for until
all of it has come; `drops` is high meanwhile. No job begins while `hold` is high. `failed` is a pulse, with
the address of a burst of which a word came with an error. `rests` is high where no word is to come, no
beat is there and no job is left.";

/// Words that wait for the stream or are on their way, at the most.
pub(super) const WORDS: u64 = 512;
/// Bursts on their way, at the most.
pub const BURSTS: u64 = 16;

/// Builds the reader.
pub fn reader(name: &str, place: &Place, target: Target) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let telling = TELLING.map(|(name, width, comment)| (name, m.input(name, width, comment)));
    let drop = m.input("drop", 1, "pulse: what was told is forgotten");
    let hold = m.input("hold", 1, "no job begins");
    let drops = m.output("drops", 1, "what was asked for has yet to come");
    let rests = m.output("rests", 1, "");
    let asks = m.output("asks", 1, "a burst is wanted");
    let ask_address = m.output("ask_address", place.word_address_bits(), "");
    let ask_last_word = m.output("ask_last_word", BLOCK_BITS, "words behind the first");
    let granted = m.input("granted", 1, "pulse: it is asked for");
    let r_valid = m.input("r_valid", 1, "a word comes");
    let r_data = m.input("r_data", place.word_bits, "");
    let r_last = m.input("r_last", 1, "it is the burst's last one");
    let r_error = m.input("r_error", 1, "it could not be read");
    let failed = m.output("failed", 1, "pulse");
    let failed_address = m.output("failed_address", place.word_address_bits(), "in words");
    let out = Out::new(&mut m, place);

    let Walking {
        burst,
        rests: walk_rests,
        dropping,
    } = Walking::place(
        &mut m,
        (name, place),
        telling,
        [&drop, &hold, &drops],
        "what comes is thrown away",
    );

    let words_gave = m.net("words_gave", 1, "");
    let free = Credit::new(&mut m);
    let on_way = m.reg("bursts", bits_for(BURSTS), 0, "bursts that are not used up");
    let some_on_way = m.net("some_bursts", 1, "");
    let burst_ends = m.net("burst_ends", 1, "its last word is used up");
    let has_place = !&on_way.q.bit(bits_for(BURSTS) - 1);
    m.assign(
        &asks,
        &(&burst.valid & free.enough(BURST_WORDS) & has_place),
    );
    m.assign(&ask_address, &burst.address);
    m.assign(&ask_last_word, &burst.last_word);
    m.assign(&burst.take, &granted);
    m.assign(&rests, &(&walk_rests & !&some_on_way & !&out.valid.q));

    let word = Word::place(
        &mut m,
        name,
        place,
        target,
        (&r_valid, &r_data, &r_last, &r_error),
        &words_gave,
    );
    let known = Known::place(&mut m, name, place, target, [&granted, &burst_ends], &burst);
    let there = m.net("there", 1, "a word and its burst");
    let last_beat = m.net("last_beat", 1, "the beat is its burst's last one");
    let whole = m.net("whole", 1, "the word is used up with this beat");
    let moves = m.net("moves", 1, "a beat, or a word of one, moves on");
    m.comb(|b| {
        b.comment("Words to beats.");
        b.set(&there, &(&word.valid & &known.valid));
        b.set(
            &moves,
            &(&there & (!&out.valid.q | &out.ready | &dropping.q)),
        );
        out.choose(b, &known, &word, [&last_beat, &whole]);
        b.when(&dropping.q, |b| b.set(&whole, &lit(1, 1)));
        b.set(&word.take, &(&moves & &whole));
        b.set(&burst_ends, &(&word.take & &word.last));
        out.offer(b, &moves, &(&last_beat & &known.ends_frame));
        out.next(b, &moves, [&whole, &burst_ends]);
        b.when(&(&drop | &dropping.q), |b| out.drop(b));
    });
    m.comb(|b| {
        b.comment("Room for a whole burst, and for what is known of it.");
        free.step(b, &granted, &burst.last_word, &words_gave);
        b.set(&some_on_way, &on_way.q.non_zero());
        let step = |b: &mut Body, test: Expr, count: Expr| {
            b.when(&test, |b| b.set(&on_way.d, &count));
        };
        step(b, &granted & !&burst_ends, on_way.q.plus(1));
        step(b, &burst_ends & !&granted, on_way.q.minus(1));
        b.when(&!&some_on_way, |b| b.set(&dropping.d, &lit(0, 1)));
        b.when(&drop, |b| b.set(&dropping.d, &lit(1, 1)));
    });
    m.assign(&failed, &(&word.take & &word.error));
    m.assign(&failed_address, &known.address);
    m
}

/// A count of free places for words.
pub(super) struct Credit {
    free: Reg,
    less: Expr,
}

impl Credit {
    /// All of them from reset on.
    pub fn new(m: &mut Module) -> Self {
        let bits = bits_for(WORDS);
        Credit {
            free: m.reg("free", bits, WORDS, "words that there is room for"),
            less: m.net("less", bits, "the change of it"),
        }
    }

    /// A burst takes its words' places; one is given back where `gave`.
    pub fn step(&self, b: &mut Body, taken: &Expr, last_word: &Expr, gave: &Expr) {
        let bits = self.free.q.width();
        // The complement of the words behind the first is minus their number, less the first.
        b.set(&self.less, &lit(0, bits));
        b.when(taken, |b| {
            b.set(&self.less, &(ones(bits) - last_word.zext(bits)));
        });
        let sum = &self.free.q + &self.less + gave.zext(bits);
        b.set(&self.free.d, &sum);
    }

    /// Whether there is room for a burst of so many words, a power of two.
    pub fn enough(&self, words: u64) -> Expr {
        let low = words.ilog2() as usize;
        self.free.q.slice(low, self.free.q.width() - low).any()
    }
}

/// The words that came.
struct Word {
    valid: Expr,
    /// With what is known of it.
    read: Expr,
    data: Expr,
    last: Expr,
    error: Expr,
    take: Expr,
}

impl Word {
    fn place(
        m: &mut Module,
        name: &str,
        place: &Place,
        target: Target,
        (valid, data, last, error): (&Expr, &Expr, &Expr, &Expr),
        gave: &Expr,
    ) -> Self {
        let bits = place.word_bits;
        let written = m.net("word_in", bits + 2, "");
        let read = m.net("word", bits + 2, "the oldest word");
        m.assign(&written.slice(0, bits), data);
        m.assign(&written.bit(bits), last);
        m.assign(&written.bit(bits + 1), error);
        let word = Word {
            valid: m.net("word_valid", 1, ""),
            read: read.clone(),
            data: read.slice(0, bits),
            last: read.bit(bits),
            error: read.bit(bits + 1),
            take: m.net("word_take", 1, ""),
        };
        m.instance(
            "u_fifo",
            beat_fifo(
                &format!("{name}_fifo"),
                &format!("{name}_words_memory"),
                bits + 2,
                WORDS,
                target,
            ),
            vec![
                ("write", valid.clone()),
                ("beat", written),
                ("gave", gave.clone()),
                ("valid", word.valid.clone()),
                ("word", read),
                ("take", word.take.clone()),
            ],
        );
        word
    }
}

/// What is known of the bursts that are on their way, the oldest one.
struct Known {
    valid: Expr,
    address: Expr,
    ends_frame: Expr,
    lanes: Option<[Expr; 2]>,
}

impl Known {
    /// Written when a burst is granted, given up with its last word.
    fn place(
        m: &mut Module,
        name: &str,
        place: &Place,
        target: Target,
        [write, take]: [&Expr; 2],
        burst: &Burst,
    ) -> Self {
        let (lane_bits, address_bits) = (place.lane_bits(), place.word_address_bits());
        let bits = address_bits + 1 + 2 * lane_bits;
        let written = m.net("known_in", bits, "");
        let read = m.net("known", bits, "of the burst of the oldest word");
        m.assign(&written.slice(0, address_bits), &burst.address);
        m.assign(&written.bit(address_bits), &burst.ends_frame);
        let low = [0, 1].map(|index| address_bits + 1 + index * lane_bits);
        if let Some(lanes) = &burst.lanes {
            for (low, lane) in low.iter().zip(lanes) {
                m.assign(&written.slice(*low, lane_bits), lane);
            }
        }
        m.unused("ends_job", &burst.ends_job);
        let valid = m.net("known_valid", 1, "");
        let gave = m.net("known_gave", 1, "");
        m.instance(
            "u_known",
            beat_fifo(
                &format!("{name}_known"),
                &format!("{name}_known_memory"),
                bits,
                BURSTS,
                target,
            ),
            vec![
                ("write", write.clone()),
                ("beat", written),
                ("gave", gave.clone()),
                ("valid", valid.clone()),
                ("word", read.clone()),
                ("take", take.clone()),
            ],
        );
        m.unused("known_gave", &gave);
        Known {
            valid,
            address: read.slice(0, address_bits),
            ends_frame: read.bit(address_bits),
            lanes: burst
                .lanes
                .as_ref()
                .map(|_| low.map(|low| read.slice(low, lane_bits))),
        }
    }
}

/// The stream, and where in a word its next beat begins, or which word of a beat comes next.
struct Out {
    valid: Reg,
    ready: Expr,
    last: Reg,
    /// The words of a beat, as far as its bits go.
    parts: Vec<Reg>,
    /// Which of them comes next, where there are several.
    part: Option<Reg>,
    part_bits: usize,
    /// The part of a word that is a beat.
    beat: Expr,
    lane: Option<Lane>,
}

/// Where words have several beats.
struct Lane {
    /// The one behind the latest beat of the word.
    next: Reg,
    /// No beat of the burst has moved on.
    fresh: Reg,
    now: Expr,
}

impl Out {
    fn new(m: &mut Module, place: &Place) -> Self {
        let valid_port = m.output("m_tvalid", 1, "");
        let ready = m.input("m_tready", 1, "");
        let data_port = m.output("m_tdata", place.beat_bits, "");
        let last_port = m.output("m_tlast", 1, "");
        let unit = place.unit_data_bits();
        let (valid, last) = (m.reg("out_valid", 1, 0, ""), m.data_reg("out_last", 1, ""));
        m.assign(&valid_port, &valid.q);
        m.assign(&last_port, &last.q);
        let mut parts = Vec::new();
        for (index, low) in (0..place.beat_bits).step_by(unit).enumerate() {
            let bits = unit.min(place.beat_bits - low);
            let part = m.data_reg(&format!("out_data{index}"), bits, "");
            m.assign(&data_port.slice(low, bits), &part.q);
            parts.push(part);
        }
        let beat = m.net("beat", unit, "of the word, what moves on");
        if place.beat_bits < unit {
            m.unused("beat", &beat.slice(place.beat_bits, unit - place.beat_bits));
        }
        let part_bits = place.words().ilog2() as usize;
        let lane_bits = place.lane_bits();
        Out {
            valid,
            ready,
            last,
            parts,
            part: (part_bits > 0).then(|| m.reg("part", part_bits, 0, "the word of its beat")),
            part_bits,
            beat,
            lane: (lane_bits > 0).then(|| Lane {
                next: m.reg(
                    "next_lane",
                    lane_bits,
                    0,
                    "behind the latest beat of the word",
                ),
                fresh: m.reg("fresh", 1, 1, "no beat of the burst has moved on"),
                now: m.net("lane", lane_bits, "of the beat that moves on"),
            }),
        }
    }

    /// What the word gives next: whether that is the last of its burst, and of its word.
    fn choose(&self, b: &mut Body, known: &Known, word: &Word, [last_beat, whole]: [&Expr; 2]) {
        let (Some(lane), Some([first, last])) = (&self.lane, &known.lanes) else {
            b.set(&self.beat, &word.data);
            b.set(last_beat, &word.last);
            b.set(whole, &lit(1, 1));
            return;
        };
        b.select(&lane.now, &lane.fresh.q, first, &lane.next.q);
        let (bits, unit) = (lane.now.width(), self.beat.width());
        b.case(&lane.now, 1 << bits, |b, index| {
            b.set(&self.beat, &word.read.slice(index * unit, unit));
        });
        b.set(last_beat, &(&word.last & lane.now.eq(last)));
        b.set(whole, &(last_beat | lane.now.eq(&ones(bits))));
    }

    /// A beat is offered when its last word is there.
    fn offer(&self, b: &mut Body, moves: &Expr, is_last: &Expr) {
        b.when(&self.ready, |b| b.set(&self.valid.d, &lit(0, 1)));
        let Some(part) = &self.part else {
            b.when(moves, |b| {
                b.set(&self.valid.d, &lit(1, 1));
                b.set(
                    &self.parts[0].d,
                    &self.beat.slice(0, self.parts[0].q.width()),
                );
                b.set(&self.last.d, is_last);
            });
            return;
        };
        for (index, reg) in self.parts.iter().enumerate() {
            let here = part.q.eq(&lit(index as u64, self.part_bits));
            b.when(&(moves & here), |b| {
                b.set(&reg.d, &self.beat.slice(0, reg.q.width()))
            });
        }
        b.when(moves, |b| {
            b.set(&part.d, &part.q.plus(1));
            b.set(&self.last.d, is_last);
            b.set(&self.valid.d, &part.q.eq(&ones(self.part_bits)));
        });
    }

    /// The lane goes on.
    fn next(&self, b: &mut Body, moves: &Expr, [whole, burst_ends]: [&Expr; 2]) {
        let Some(lane) = &self.lane else { return };
        b.when(moves, |b| {
            b.set(&lane.next.d, &lane.now.plus(1));
            b.when(whole, |b| b.set(&lane.next.d, &lit(0, lane.now.width())));
            b.set(&lane.fresh.d, burst_ends);
        });
    }

    /// Nothing is offered.
    fn drop(&self, b: &mut Body) {
        b.set(&self.valid.d, &lit(0, 1));
        if let Some(part) = &self.part {
            b.set(&part.d, &lit(0, self.part_bits));
        }
    }
}

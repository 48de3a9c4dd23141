//! The grad_output stream: takes beats, stores the needed ones, counts space.

use crate::config::Config;
use crate::descriptor::{Descriptor, Kept};
use crate::ring::Ring;
use crate::rtl::{bits_for, lit, Expr, Module, Reg};

const DOC: &str = "\
Accepts the grad_output stream and writes it to the line buffer, a ring addressed by word in order
of arrival. Pixels that no output needs are accepted and dropped.

Promise: `tready` is a register and low in reset; a beat is taken in every cycle while the ring
has space; nothing is written over a word that `free_words` has not counted. `arrived` follows a
stored beat by one cycle. A misplaced `tlast` pulses one of the three error outputs; frames are
cut by count, so that it changes nothing else.";

/// Builds the port.
pub fn grad_port(
    name: &str,
    d: &Descriptor,
    ring: Ring,
    free_width: usize,
    config: &mut Config,
) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let tvalid = m.input("tvalid", 1, "");
    let tready = m.output("tready", 1, "");
    let tlast = m.input("tlast", 1, "");
    let write = m.output("write", 1, "to the line buffer");
    let write_address = m.output("write_address", ring.width, "");
    let arrived = m.output("arrived", 1, "a word was stored");
    let free_words = m.input("free_words", free_width, "words that may be written over");
    let frame_begin = m.output("frame_begin", 1, "first beat of a frame taken");
    let early = m.output("tlast_early", 1, "");
    let missing = m.output("tlast_missing", 1, "");
    let late = m.output("tlast_late", 1, "");

    let size = ring.port(&mut m, config);
    let space = m.reg_from("space", size.clone(), "words free");
    let ready = m.reg("ready", 1, 0, "");
    let address = m.reg("address", ring.width, 0, "");
    let stored = m.reg("stored", 1, 0, "");
    let accept = m.net("accept", 1, "");
    let store = m.net("store", 1, "");
    m.comb(|b| b.set(&accept, &(&tvalid & &ready.q)));
    let keep = d
        .drops()
        .then(|| kept_positions(&mut m, d, &accept, config));
    m.comb(|b| {
        match &keep {
            Some(keep) => b.set(&store, &(&accept & keep)),
            None => b.set(&store, &accept),
        }
        let width = space.q.width();
        b.set(
            &space.d,
            &(&space.q + free_words.zext(width) - store.zext(width)),
        );
        b.set(&ready.d, &space.d.non_zero());
        b.set(&stored.d, &store);
        b.when(&store, |b| {
            b.set(&address.d, &address.q.plus(1));
            b.when(&address.q.zext(ring.width + 1).eq(&size.minus(1)), |b| {
                b.set(&address.d, &lit(0, ring.width))
            });
        });
    });
    let frame = frame_check(
        &mut m,
        "frame",
        d.input_beats(),
        &accept,
        &tlast,
        [&early, &missing, &late],
        config,
    );
    m.assign(&tready, &ready.q);
    m.assign(&write, &store);
    m.assign(&write_address, &address.q);
    m.assign(&arrived, &stored.q);
    m.assign(&frame_begin, &frame.begin);
    m
}

/// Nets of [`frame_check`].
pub(crate) struct FrameCheck {
    /// High while the first beat is accepted.
    pub begin: Expr,
    /// High while the beat that is due next is the last.
    pub due: Expr,
}

/// Counts the beats of a frame or set and compares `tlast` with the count.
pub(crate) fn frame_check(
    m: &mut Module,
    what: &str,
    beats: u64,
    accept: &Expr,
    tlast: &Expr,
    [early, missing, late]: [&Expr; 3],
    config: &mut Config,
) -> FrameCheck {
    let width = bits_for(beats - 1);
    let full = config.port(
        m,
        &format!("{what}_beats_less_1"),
        width,
        beats - 1,
        &format!("beats of a {what}, less one"),
    );
    let left = m.reg_from("beats_left", full.clone(), "beats after this one");
    let first = m.reg("first_beat", 1, 1, "");
    let overdue = m.reg("overdue", 1, 0, "tlast was missing and has not come since");
    let begin = m.net("begins", 1, "the first beat is taken");
    let due = m.net("due", 1, "this beat should have tlast");
    let is_early = m.net("is_early", 1, "");
    let is_missing = m.net("is_missing", 1, "");
    let is_late = m.net("is_late", 1, "");
    m.comb(|b| {
        b.comment("tlast against the count of beats.");
        b.set(&due, &left.q.is_zero());
        b.set(&begin, &(accept & &first.q));
        b.set(&is_early, &(accept & tlast & !&due & !&overdue.q));
        b.set(&is_missing, &(accept & !tlast & &due));
        b.set(&is_late, &(accept & tlast & !&due & &overdue.q));
        b.when(accept, |b| {
            b.set(&left.d, &left.q.minus(1));
            b.set(&first.d, &due);
            b.when(&due, |b| b.set(&left.d, &full));
            b.when(tlast, |b| b.set(&overdue.d, &lit(0, 1)));
            b.when(&is_missing, |b| b.set(&overdue.d, &lit(1, 1)));
        });
    });
    m.assign(early, &is_early);
    m.assign(missing, &is_missing);
    m.assign(late, &is_late);
    FrameCheck { begin, due }
}

/// Follows rows and columns of grad_output; the register returned is high while the next beat
/// belongs to a pixel that is stored.
fn kept_positions(m: &mut Module, d: &Descriptor, accept: &Expr, config: &mut Config) -> Expr {
    let words = d.pixel_words();
    let word = (words > 1).then(|| {
        let width = bits_for(words - 1);
        let reload = config.port(
            m,
            "pixel_words_less_1",
            width,
            words - 1,
            "words of a pixel, less one",
        );
        (
            m.reg_from(
                "words_left",
                reload.clone(),
                "words of this pixel after this one",
            ),
            reload,
        )
    });
    let cols = Position::new(m, "col", d.kept_cols, config);
    let rows = Position::new(m, "row", d.kept_rows, config);
    let pixel_end = m.net("pixel_end", 1, "");
    m.comb(|b| {
        match &word {
            Some((left, reload)) => {
                b.set(&pixel_end, &(accept & left.q.is_zero()));
                b.when(accept, |b| b.set(&left.d, &left.q.minus(1)));
                b.when(&pixel_end, |b| b.set(&left.d, reload));
            }
            None => b.set(&pixel_end, accept),
        }
        cols.count(b, &pixel_end);
        rows.count(b, &(&pixel_end & cols.at_last()));
    });
    &cols.inside.q & &rows.inside.q
}

struct Position {
    now: Reg,
    inside: Reg,
    last: Expr,
    from: Expr,
    to: Expr,
}

impl Position {
    fn new(m: &mut Module, name: &str, kept: Kept, config: &mut Config) -> Self {
        let width = bits_for(kept.size - 1);
        let mut port = |name: String, width: usize, value: u64, comment: &str| {
            config.port(m, &name, width, value, comment)
        };
        let last = port(
            format!("grad_{name}s_less_1"),
            width,
            kept.size - 1,
            "size of grad_output, less one",
        );
        let from = port(
            format!("first_kept_{name}"),
            width,
            kept.first,
            "first one that some output needs",
        );
        let to = port(
            format!("last_kept_{name}"),
            width,
            kept.last,
            "last one that some output needs",
        );
        let inside_at_0 = port(
            format!("keeps_{name}_0"),
            1,
            u64::from(kept.first == 0),
            "the first one is needed",
        );
        Position {
            now: m.reg(name, width, 0, ""),
            inside: m.reg_from(&format!("inside_{name}"), inside_at_0, "needed"),
            last,
            from,
            to,
        }
    }

    fn at_last(&self) -> Expr {
        self.now.q.eq(&self.last)
    }

    fn count(&self, b: &mut crate::rtl::Body, step: &Expr) {
        b.when(step, |b| {
            b.set(&self.now.d, &self.now.q.plus(1));
            b.when(&self.at_last(), |b| {
                b.set(&self.now.d, &lit(0, self.now.q.width()))
            });
        });
        b.set(
            &self.inside.d,
            &(self.now.d.ge(&self.from) & self.to.ge(&self.now.d)),
        );
    }
}

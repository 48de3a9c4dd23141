//! The weight stream of an engine that is told one layer after the other.

use crate::config::inputs::Config;
use crate::primitives::carry_adders::{chosen_sum, Chosen};
use crate::primitives::target::Target;
use crate::rtl::{bits_for, lit, ones, Body, Expr, Module, Reg};
use crate::streams::grad_port::{tlast_check, Misplaced};
use crate::weights::port::set_last;

const DOC: &str = "\
Accepts one set of weights for each job and writes it to the weight memory, a ring of words: a set
begins where the one before it ended. The next job's set is taken while a job runs, as soon as
that one's is whole; a word is free again when the job that reads it ends.

A set begins where `next_told` is high: `cfg_weight_words_less_1` is that of a job whose set has not begun.
`weights_begin` answers in the cycle after, and `next_told` is to fall then.

Promise: `tready` is a register, low in reset, from a set's last beat to the begin of the next, and
while no word is free: a word of a job that runs is never written, whatever is sent. `weights_ready`
is high once the whole set of the job that runs is in the memory, and is no other job's from the
second cycle after `job_ends` on. `weight_base` is where its set begins, from the cycle after `takes_over`
on.";

const SCALES_DOC: &str = "\n\nA set ends with beats of scales. They go to a store of two sets, of which the next job's is written
while the other is `scale_set_in_use`, and never wait for a word of the memory.";

/// Builds the port. `width` is the width of a weight address; the memory has a word for each. A set ends
/// with up to `scale_words` beats of scales.
pub fn weight_load(
    name: &str,
    width: usize,
    scale_words: u64,
    target: Target,
    config: &mut Config,
) -> Module {
    let doc = format!("{DOC}{}", if scale_words > 0 { SCALES_DOC } else { "" });
    let mut m = Module::new(name, doc);
    m.clocked();
    let tvalid = m.input("tvalid", 1, "");
    let tready = m.output("tready", 1, "");
    let tlast = m.input("tlast", 1, "");
    let write = m.output("write", 1, "to the weight memory");
    let write_address = m.output("write_address", width, "");
    let weights_ready = m.output("weights_ready", 1, "");
    let told = m.input("next_told", 1, "a job's set may begin");
    let answer = m.output("weights_begin", 1, "it does");
    let takes_over = m.input("takes_over", 1, "pulse: the job of the latest set runs");
    let job_ends = m.input("job_ends", 1, "pulse: the one that ran is done");
    let base_now = m.output(
        "weight_base",
        width,
        "where the set of the job that runs begins",
    );
    let misplaced = Misplaced::declare(&mut m);

    let loading = m.reg("loading", 1, 0, "a set is being taken");
    let ready = m.reg("ready", 1, 0, "");
    let place = m.reg("place", width, 0, "where the next word goes");
    let after = m.reg("place_after", width, 1, "the one behind it");
    let left = m.reg("left", width, 0, "words of the set after this one");
    let due = m.reg("due", 1, 0, "there are none");
    let begin = m.reg("begin", width, 0, "where the latest set begins");
    let base = m.reg("base", width, 0, "");
    let ahead = m.reg(
        "ahead",
        1,
        0,
        "the latest set is of a job that does not run yet",
    );
    let full = m.reg("full", 1, 0, "the next word is that of a job that runs");
    let whole = m.reg("whole", 2, 0, "whole sets in the memory");
    let usable = m.reg("usable", 1, 0, "there is one");
    let begins = m.net("begins", 1, "a set begins");
    m.assign(&begins, &(&told & !&loading.q));
    let begun = m.reg("begun", 1, 0, "");
    let accept = m.net("accept", 1, "");
    let ended = m.net("ended", 1, "a set's last beat is taken");
    m.comb(|b| b.set(&accept, &(&tvalid & &ready.q)));
    let words = set_last(&mut m, width, config);
    let scales = (scale_words > 0).then(|| Scales::new(&mut m, scale_words, config));
    // Of the beats, those of weights.
    let (to_memory, set_due) = match &scales {
        None => (accept.clone(), due.q.clone()),
        Some(scales) => (&accept & !&scales.next.q, scales.set_due()),
    };
    let operands = Chosen {
        from: &left.q,
        choose: &begins,
        // A set begins when none are left of the one before.
        one: &words,
        other: &ones(width),
    };
    let left_next = chosen_sum(&mut m, "left_next", operands, target);
    m.comb(|b| {
        b.comment("A set, counted down.");
        b.set(&begun.d, &begins);
        b.set(&ended, &(&accept & &set_due));
        b.when(&to_memory, |b| {
            b.set(&place.d, &after.q);
            b.set(&after.d, &after.q.plus(1));
            b.set(&due.d, &left.q.eq(&lit(1, width)));
        });
        b.when(&ended, |b| b.set(&loading.d, &lit(0, 1)));
        b.when(&begins, |b| {
            b.set(&loading.d, &lit(1, 1));
            b.set(&begin.d, &place.q);
            b.set(&due.d, &words.is_zero());
        });
        b.when(&(&begins | (&to_memory & !&due.q)), |b| {
            b.set(&left.d, &left_next);
        });
        if let Some(scales) = &scales {
            scales.step(b, &accept, &(&to_memory & &due.q), &begins, &takes_over);
        }
        b.comment("The words in use: from the base to the place, all or none where these meet.");
        b.when(&(&to_memory & after.q.eq(&base.q)), |b| {
            b.set(&full.d, &lit(1, 1))
        });
        b.when(&job_ends, |b| {
            b.set(&full.d, &lit(0, 1));
            b.set(&base.d, &place.q);
        });
        // The words of a next set are in use at once, although its job may take over only later.
        b.when(&(&ahead.q & (&job_ends | &takes_over)), |b| {
            b.set(&base.d, &begin.q);
        });
        b.when(&takes_over, |b| b.set(&ahead.d, &lit(0, 1)));
        b.when(&begins, |b| b.set(&ahead.d, &lit(1, 1)));
        match &scales {
            None => b.set(&ready.d, &(&loading.d & !&full.d)),
            Some(scales) => b.set(&ready.d, &(&loading.d & (!&full.d | &scales.next.d))),
        }
        b.comment("The sets in the memory.");
        b.when(&(&ended & !&job_ends), |b| {
            b.set(&whole.d, &whole.q.plus(1));
        });
        b.when(&(&job_ends & !&ended), |b| {
            b.set(&whole.d, &whole.q.minus(1));
        });
        b.set(&usable.d, &whole.q.non_zero());
    });
    tlast_check(&mut m, &set_due, &accept, &tlast, &misplaced);
    m.assign(&write, &to_memory);
    if let Some(scales) = &scales {
        scales.write(&mut m, &accept);
    }
    m.assign(&write_address, &place.q);
    m.assign(&weights_ready, &usable.q);
    m.assign(&answer, &begun.q);
    m.assign(&base_now, &base.q);
    m.assign(&tready, &ready.q);
    m
}

/// The beats of scales at the end of a set.
struct Scales {
    write: Expr,
    next: Reg,
    /// Set that is written, and the one in use.
    set: Reg,
    set_in_use: Reg,
    /// `None` where there is one beat of them.
    beats: Option<Beats>,
}

struct Beats {
    now: Reg,
    left: Reg,
    due: Reg,
    less_1: Expr,
}

impl Scales {
    fn new(m: &mut Module, words: u64, config: &mut Config) -> Self {
        let width = bits_for(words - 1);
        let scales = Scales {
            write: m.output("scale_write", 1, "to the scales"),
            next: m.reg("scales_next", 1, 0, "the next beat is one of scales"),
            set: m.reg("scale_set", 1, 0, "set of scales that is written"),
            set_in_use: m.reg("scale_set_in_use", 1, 0, "that of the job that runs"),
            beats: (words > 1).then(|| Beats {
                now: m.reg("scale", width, 0, "beat of scales"),
                left: m.data_reg("scales_left", width, "beats of scales after this one"),
                due: m.reg("scales_due", 1, 0, "there are none"),
                less_1: config.port(
                    m,
                    "scale_words_less_1",
                    width,
                    |d| d.group_blocks * d.c_blocks - 1,
                    "beats of scales, less one",
                ),
            }),
        };
        let port = m.output("scale_set", 1, "set of scales that is written");
        m.assign(&port, &scales.set.q);
        let port = m.output("scale_set_in_use", 1, "set of scales of the job that runs");
        m.assign(&port, &scales.set_in_use.q);
        if let Some(beats) = &scales.beats {
            let index = m.output("scale_index", width, "");
            m.assign(&index, &beats.now.q);
        }
        scales
    }

    /// Whether the next beat is a set's last.
    fn set_due(&self) -> Expr {
        match &self.beats {
            None => self.next.q.clone(),
            Some(beats) => &self.next.q & &beats.due.q,
        }
    }

    /// One beat on, where one is accepted; `weights_end` where it is the last one of weights.
    fn step(
        &self,
        b: &mut Body,
        accept: &Expr,
        weights_end: &Expr,
        begins: &Expr,
        takes_over: &Expr,
    ) {
        b.comment("Its scales.");
        b.when(weights_end, |b| b.set(&self.next.d, &lit(1, 1)));
        b.when(&(accept & self.set_due()), |b| {
            b.set(&self.next.d, &lit(0, 1))
        });
        if let Some(beats) = &self.beats {
            let width = beats.now.q.width();
            b.when(&(accept & &self.next.q), |b| {
                b.set(&beats.now.d, &beats.now.q.plus(1));
                b.set(&beats.left.d, &beats.left.q.minus(1));
                b.set(&beats.due.d, &beats.left.q.eq(&lit(1, width)));
            });
            b.when(begins, |b| {
                b.set(&beats.now.d, &lit(0, width));
                b.set(&beats.left.d, &beats.less_1);
                b.set(&beats.due.d, &beats.less_1.is_zero());
            });
        }
        b.when(begins, |b| b.set(&self.set.d, &!&self.set.q));
        b.when(takes_over, |b| b.set(&self.set_in_use.d, &self.set.q));
    }

    fn write(&self, m: &mut Module, accept: &Expr) {
        m.assign(&self.write, &(accept & &self.next.q));
    }
}

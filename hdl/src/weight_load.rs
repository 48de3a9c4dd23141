//! The weight stream of an engine that is told one layer after the other.

use crate::config::Config;
use crate::grad_port::{tlast_check, Misplaced};
use crate::rtl::{lit, Module};
use crate::weight_port::set_last;

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

/// Builds the port. `width` is the width of a weight address; the memory has a word for each.
pub fn weight_load(name: &str, width: usize, config: &mut Config) -> Module {
    let mut m = Module::new(name, DOC);
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
    let left = m.data_reg("left", width, "words of the set after this one");
    let due = m.reg("due", 1, 0, "there are none");
    let begin = m.reg("begin", width, 0, "where the latest set begins");
    let base = m.reg("base", width, 0, "");
    let full = m.reg("full", 1, 0, "the next word is that of a job that runs");
    let whole = m.reg("whole", 2, 0, "whole sets in the memory");
    let usable = m.reg("usable", 1, 0, "there is one");
    let begins = m.net("begins", 1, "a set begins");
    let begun = m.reg("begun", 1, 0, "");
    let accept = m.net("accept", 1, "");
    let ended = m.net("ended", 1, "a set's last beat is taken");
    m.comb(|b| b.set(&accept, &(&tvalid & &ready.q)));
    let words = set_last(&mut m, width, config);
    config.ahead("weight_words_less_1");
    m.comb(|b| {
        b.comment("A set, counted down.");
        b.set(&begins, &(&told & !&loading.q));
        b.set(&begun.d, &begins);
        b.set(&ended, &(&accept & &due.q));
        b.when(&accept, |b| {
            b.set(&place.d, &place.q.plus(1));
            b.set(&left.d, &left.q.minus(1));
            b.set(&due.d, &left.q.eq(&lit(1, width)));
        });
        b.when(&ended, |b| b.set(&loading.d, &lit(0, 1)));
        b.when(&begins, |b| {
            b.set(&loading.d, &lit(1, 1));
            b.set(&begin.d, &place.q);
            b.set(&left.d, &words);
            b.set(&due.d, &words.is_zero());
        });
        b.comment("The words in use: from the base to the place, all or none where these meet.");
        b.when(&(&accept & place.d.eq(&base.q)), |b| {
            b.set(&full.d, &lit(1, 1))
        });
        b.when(&job_ends, |b| {
            b.set(&full.d, &lit(0, 1));
            b.set(&base.d, &place.q);
        });
        b.when(&takes_over, |b| b.set(&base.d, &begin.q));
        b.set(&ready.d, &(&loading.d & !&full.d));
        b.comment("The sets in the memory.");
        b.when(&(&ended & !&job_ends), |b| {
            b.set(&whole.d, &whole.q.plus(1));
        });
        b.when(&(&job_ends & !&ended), |b| {
            b.set(&whole.d, &whole.q.minus(1));
        });
        b.set(&usable.d, &whole.q.non_zero());
    });
    tlast_check(&mut m, &due.q, &accept, &tlast, &misplaced);
    m.assign(&write, &accept);
    m.assign(&write_address, &place.q);
    m.assign(&weights_ready, &usable.q);
    m.assign(&answer, &begun.q);
    m.assign(&base_now, &base.q);
    m.assign(&tready, &ready.q);
    m
}

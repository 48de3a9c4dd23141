//! The beats of scales at the end of a set of weights, in the port that takes the set.

use crate::config::inputs::Config;
use crate::primitives::counter::Counter;
use crate::rtl::{bits_for, lit, Body, Expr, Module, Reg};

/// Which beat of a set comes next, where scales follow the weights; without scales, nothing.
pub(crate) struct ScaleBeats(Option<Ports>);

struct Ports {
    write: Expr,
    index: Option<Expr>,
    free: Expr,
    next: Reg,
    beat: Option<Counter>,
}

impl ScaleBeats {
    /// Declares what the port needs for `words` beats of scales.
    pub(crate) fn new(m: &mut Module, words: u64, config: &mut Config) -> Self {
        if words == 0 {
            return ScaleBeats(None);
        }
        let write = m.output("scale_write", 1, "to the scales");
        let width = bits_for(words - 1);
        let index = (words > 1).then(|| m.output("scale_index", width, ""));
        let free = m.input("scales_free", 1, "scales may be written");
        let beat = (words > 1).then(|| {
            let last = config.port(
                m,
                "scale_words_less_1",
                width,
                |d| d.group_blocks * d.c_blocks - 1,
                "beats of scales, less one",
            );
            Counter::new(m, "scale", &last, "beat of scales")
        });
        ScaleBeats(Some(Ports {
            write,
            index,
            free,
            next: m.reg("scales_next", 1, 0, "the next beat is one of scales"),
            beat,
        }))
    }

    /// Whether the next beat is a set's last; `address` counts the weights.
    pub(crate) fn due(&self, address: &Counter) -> Expr {
        match &self.0 {
            None => address.at_last(),
            Some(ports) => match &ports.beat {
                None => ports.next.q.clone(),
                Some(beat) => &ports.next.q & beat.at_last(),
            },
        }
    }

    /// One beat on, where one is accepted. `idle` is high in some cycle between two sets.
    pub(crate) fn step(&self, b: &mut Body, accept: &Expr, address: &Counter, idle: &Expr) {
        let Some(ports) = &self.0 else {
            address.count(b, accept);
            address.restart(b, idle);
            return;
        };
        let weight = accept & !&ports.next.q;
        let scale = accept & &ports.next.q;
        address.count(b, &weight);
        address.restart(b, idle);
        b.when(&(&weight & address.at_last()), |b| {
            b.set(&ports.next.d, &lit(1, 1));
        });
        let last = match &ports.beat {
            None => scale,
            Some(beat) => {
                beat.step(b, &scale);
                &scale & beat.at_last()
            }
        };
        b.when(&last, |b| b.set(&ports.next.d, &lit(0, 1)));
    }

    /// Makes beats of scales wait until there is a place for them.
    pub(crate) fn hold_back(&self, b: &mut Body, ready: &Reg) {
        if let Some(ports) = &self.0 {
            b.when(&(&ports.next.d & !&ports.free), |b| {
                b.set(&ready.d, &lit(0, 1));
            });
        }
    }

    /// Sends an accepted beat to the weights, by `write`, or to the scales.
    pub(crate) fn write(&self, m: &mut Module, accept: &Expr, write: &Expr) {
        let Some(ports) = &self.0 else {
            m.assign(write, accept);
            return;
        };
        m.assign(write, &(accept & !&ports.next.q));
        m.assign(&ports.write, &(accept & &ports.next.q));
        if let (Some(index), Some(beat)) = (&ports.index, &ports.beat) {
            m.assign(index, &beat.now.q);
        }
    }
}

//! Which taps reach which position of one axis, and what a walk over the positions needs and lets go.

use crate::operation::{gcd, Gather};
use bpa_hdl::config::descriptor::Kept;

/// The taps that reach one position: `r = first_tap + i * tap_step` meets `p = first_out - i * out_step` for `i` from 0 to
/// `count - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// First tap of the kernel.
    pub first_tap: u64,
    /// Position of the array that is read that it meets.
    pub first_out: u64,
    /// Taps, at least one.
    pub count: u64,
}

/// The taps of every position of a gather.
#[derive(Clone, Debug)]
pub struct AxisTaps {
    gather: Gather,
    /// stride / gcd(stride, dilation): from one tap of a position to the next.
    pub tap_step: u64,
    /// dilation / gcd(stride, dilation): how far the position that is read falls meanwhile.
    pub out_step: u64,
    /// By `(h * advance + pad) mod stride`, the first tap for which the division is exact, where there is one.
    first_taps: Vec<Option<u64>>,
}

impl AxisTaps {
    /// Works out what the positions share.
    pub fn new(gather: impl Into<Gather>) -> Self {
        let gather = gather.into();
        let Gather {
            stride, dilation, ..
        } = gather;
        let g = gcd(stride, dilation);
        let tap_step = stride / g;
        let mut first_taps = vec![None; stride as usize];
        // The remainders of the first `tap_step` taps differ, and those of the others are the same again.
        for tap in 0..tap_step.min(gather.kernel) {
            first_taps[(tap * dilation % stride) as usize] = Some(tap);
        }
        AxisTaps {
            gather,
            tap_step,
            out_step: dilation / g,
            first_taps,
        }
    }

    /// The gather.
    pub fn gather(&self) -> Gather {
        self.gather
    }

    /// The taps that reach `position`, if any.
    pub fn at(&self, position: u64) -> Option<Taps> {
        let Gather {
            sources,
            kernel,
            stride,
            dilation,
            advance,
            pad,
            ..
        } = self.gather;
        let at = (position * advance) as i64 + pad;
        let first = self.first_taps[at.rem_euclid(stride as i64) as usize]?;
        // What that tap meets, inside the array or not; from tap to tap it falls.
        let met = (at - (first * dilation) as i64) / stride as i64;
        let step = self.out_step as i64;
        let beyond = (met - (sources as i64 - 1)).max(0) as u64;
        let lower = beyond.div_ceil(self.out_step);
        let upper = met
            .div_euclid(step)
            .min(((kernel - 1 - first) / self.tap_step) as i64);
        let count = upper - lower as i64 + 1;
        (count > 0).then(|| Taps {
            first_tap: first + lower * self.tap_step,
            first_out: (met - lower as i64 * step) as u64,
            count: count as u64,
        })
    }

    /// The first tap for which the division is exact at `position`, whether it meets the array that is read or not.
    pub(super) fn first_at(&self, position: u64) -> Option<u64> {
        let at = (position * self.gather.advance) as i64 + self.gather.pad;
        self.first_taps[at.rem_euclid(self.gather.stride as i64) as usize]
    }

    /// Remainders of `h * advance + pad` that some position has and for which some tap's division is exact: after so many
    /// positions with such a one, the remainders are the same again.
    pub fn live_remainders(&self) -> usize {
        let Gather {
            stride,
            advance,
            pad,
            ..
        } = self.gather;
        (0..self.gather.phases())
            .filter(|h| {
                let at = (h * advance) as i64 + pad;
                self.first_taps[at.rem_euclid(stride as i64) as usize].is_some()
            })
            .count()
    }

    /// The last position of the array that is read that `taps` meet.
    pub fn last_out(&self, taps: &Taps) -> u64 {
        taps.first_out - (taps.count - 1) * self.out_step
    }
}

/// A position with at least one tap, and what it means for the array that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The position.
    pub position: u64,
    /// Its taps.
    pub taps: Taps,
    /// Where its first tap reads, as the line buffer is addressed: what it meets; with lanes over pixels, the first word of
    /// its stretch.
    pub place: i64,
    /// The newest and the oldest position of the array that is read that its taps meet.
    pub meets: [u64; 2],
    /// With lanes over pixels: the first of its taps in their table, and its stretch.
    pub lanes: Option<LaneVisit>,
    /// Positions that must be there beyond those needed before.
    pub opens: u64,
    /// Positions that are dead afterwards.
    pub closes: u64,
}

/// What lanes over pixels are told where they begin with a word of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneVisit {
    /// Its first tap's place in the table of taps.
    pub tap: u64,
    /// Its stretch.
    pub stretch: u64,
}

/// A position as it is met before what it needs and lets go is known.
pub(super) struct Met {
    pub position: u64,
    pub taps: Taps,
    pub place: i64,
    pub meets: [u64; 2],
    pub lanes: Option<LaneVisit>,
}

/// An axis with at least one tap somewhere.
#[derive(Clone, Debug)]
pub struct AxisWalk {
    /// The taps.
    pub taps: AxisTaps,
    /// Positions of the array that is made; with lanes over pixels, words of a row.
    pub size: u64,
    /// The positions with taps, in order; never empty.
    pub visits: Vec<Visit>,
    /// The range of the array that is read that some position needs.
    pub kept: Kept,
}

impl AxisWalk {
    /// `None` where no tap reaches any position.
    pub fn new(gather: impl Into<Gather>) -> Option<Self> {
        let taps = AxisTaps::new(gather);
        let met = (0..taps.gather.positions).filter_map(|position| {
            let here = taps.at(position)?;
            Some(Met {
                position,
                taps: here,
                place: here.first_out as i64,
                meets: [here.first_out, taps.last_out(&here)],
                lanes: None,
            })
        });
        let met = met.collect();
        let (size, sources) = (taps.gather.positions, taps.gather.sources);
        Self::of(taps, met, size, sources)
    }

    /// The walk over these positions, of `size`, which read from so many.
    pub(super) fn of(taps: AxisTaps, all: Vec<Met>, size: u64, sources: u64) -> Option<Self> {
        let oldest = |met: &Met| met.meets[1];
        let first = all.iter().map(oldest).min()?;
        let last = all.iter().map(|met| met.meets[0]).max()?;
        // What is dead behind each position: all before the oldest that a later one needs.
        let mut needed = last + 1;
        let mut dead: Vec<u64> = all
            .iter()
            .rev()
            .map(|met| {
                let dead = needed;
                needed = needed.min(oldest(met));
                dead
            })
            .collect();
        dead.reverse();
        let (mut opened, mut closed) = (first, first);
        let visits = all
            .into_iter()
            .zip(dead)
            .map(|(met, dead)| {
                let opens = (met.meets[0] + 1).saturating_sub(opened);
                opened += opens;
                // What has not come yet cannot go.
                let closes = dead.min(opened) - closed;
                closed += closes;
                Visit {
                    position: met.position,
                    taps: met.taps,
                    place: met.place,
                    meets: met.meets,
                    lanes: met.lanes,
                    opens,
                    closes,
                }
            })
            .collect();
        let kept = Kept {
            size: sources,
            first,
            last,
        };
        Some(AxisWalk {
            taps,
            size,
            visits,
            kept,
        })
    }

    /// A stand-in for an axis that no tap reaches: one tap, from the first position that is read to the first that is made.
    pub fn one_tap(gather: impl Into<Gather>) -> Self {
        let gather = Gather {
            kernel: 1,
            advance: 1,
            dilation: 1,
            pad: 0,
            ..gather.into()
        };
        let gather = Gather {
            stride: gather.positions,
            ..gather
        };
        let visit = Visit {
            position: 0,
            taps: Taps {
                first_tap: 0,
                first_out: 0,
                count: 1,
            },
            place: 0,
            meets: [0, 0],
            lanes: None,
            opens: 1,
            closes: 1,
        };
        AxisWalk {
            taps: AxisTaps::new(gather),
            size: gather.positions,
            visits: vec![visit],
            kept: Kept {
                size: gather.sources,
                first: 0,
                last: 0,
            },
        }
    }

    /// Positions of the array that is read that are stored.
    pub fn kept_size(&self) -> u64 {
        self.kept.last - self.kept.first + 1
    }

    /// Positions of the array that is made.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How far the place that is read falls from one tap to the next; with lanes over pixels, the table of taps tells it.
    pub fn fall(&self) -> u64 {
        match self.visits[0].lanes {
            Some(_) => 0,
            None => self.taps.out_step,
        }
    }

    /// First position with a tap.
    pub fn first(&self) -> u64 {
        self.visits[0].position
    }

    /// Positions behind the last one with a tap.
    pub fn behind(&self) -> u64 {
        self.size() - 1 - self.visits[self.visits.len() - 1].position
    }

    /// The fewest taps of a position that has any.
    pub fn least_taps(&self) -> u64 {
        let taps = self.visits.iter().map(|visit| visit.taps.count);
        taps.min().unwrap_or(1)
    }

    /// The most taps of a position.
    pub fn max_taps(&self) -> u64 {
        let taps = self.visits.iter().map(|visit| visit.taps.count);
        taps.max().unwrap_or(1)
    }

    /// After how many visits they may be the same again: when the remainders are, and when a tap more has entered or left.
    pub fn periods(&self) -> [usize; 3] {
        let live = self.taps.live_remainders();
        let taps = live.saturating_mul(self.taps.out_step as usize);
        [live, 2 * live, taps]
    }
}

//! Which taps reach which position of one axis, and the walk that visits them.

use crate::layer::Axis;
use bpa_hdl::descriptor::{self, Kept, Slot};

/// The taps that reach one position of grad_input along an axis: `r = first_tap + i * tap_step`
/// meets `p = first_out - i * out_step` for `i` from 0 to `count - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// First tap of the kernel.
    pub first_tap: u64,
    /// Position of grad_output that it meets.
    pub first_out: u64,
    /// Taps, at least one.
    pub count: u64,
}

/// The arithmetic of one axis (design: an axis is a walk with constant steps).
#[derive(Clone, Debug)]
pub struct AxisTaps {
    axis: Axis,
    /// stride / gcd(stride, dilation): from one tap of a phase to the next.
    pub tap_step: u64,
    /// dilation / gcd(stride, dilation): how far grad_output falls meanwhile.
    pub out_step: u64,
    /// Tap along which grad_output opens: all before it are clipped at the far border from the
    /// first position on. Tap 0 but for paddings beyond what grad_output reaches.
    opening_tap: u64,
    /// Tap along which grad_output closes: all behind it never get past the near border. The
    /// kernel's last tap but for dilations beyond what grad_input reaches.
    closing_tap: u64,
    /// First tap of each phase `(h + pad_before) mod stride`, where it has one.
    first_taps: Vec<Option<u64>>,
}

/// State of a phase at one position, clipped or not: the raw form of [`Taps`].
struct Clipped {
    /// Position of grad_output that the phase's first tap meets, clipped or not.
    base: i64,
    /// Taps of the phase before the first that meets grad_output (far border).
    lower: i64,
    /// Index of the last tap that does (near border); -1 where none has entered.
    upper: i64,
    /// Taps of the phase, whatever the position.
    all: i64,
}

impl Clipped {
    fn count(&self) -> u64 {
        (self.upper - self.lower + 1).max(0) as u64
    }
}

impl AxisTaps {
    /// Works out the phases.
    pub fn new(axis: Axis) -> Self {
        let (stride, dilation) = (u64::from(axis.stride), u64::from(axis.dilation));
        let g = gcd(stride, dilation);
        let tap_step = stride / g;
        let far = u64::from(axis.in_size - 1 + axis.pad_before);
        let closing_tap = (far / dilation).min(u64::from(axis.kernel - 1));
        let beyond =
            u64::from(axis.pad_before).saturating_sub(u64::from(axis.out_size - 1) * stride);
        let mut first_taps = vec![None; axis.stride as usize];
        // Tap r lives in phase r * dilation mod stride; the phases of the first stride/g taps differ.
        for tap in 0..tap_step.min(closing_tap + 1) {
            first_taps[(tap * dilation % stride) as usize] = Some(tap);
        }
        AxisTaps {
            axis,
            tap_step,
            out_step: dilation / g,
            opening_tap: beyond.div_ceil(dilation),
            closing_tap,
            first_taps,
        }
    }

    /// The layer's axis.
    pub fn axis(&self) -> Axis {
        self.axis
    }

    /// Phases that some tap reaches.
    pub fn live_phases(&self) -> u64 {
        self.first_taps.iter().flatten().count() as u64
    }

    fn phase(&self, position: u64) -> usize {
        ((position + u64::from(self.axis.pad_before)) % u64::from(self.axis.stride)) as usize
    }

    /// Whether the position's phase has any tap, in reach or not.
    pub fn is_live(&self, position: u64) -> bool {
        self.first_taps[self.phase(position)].is_some()
    }

    fn clipped(&self, position: u64) -> Option<(u64, Clipped)> {
        let first = self.first_taps[self.phase(position)]?;
        let x = position as i64 + i64::from(self.axis.pad_before);
        let base =
            (x - (first * u64::from(self.axis.dilation)) as i64) / i64::from(self.axis.stride);
        let (outs, step) = (i64::from(self.axis.out_size), self.out_step as i64);
        let all = (self.closing_tap + 1 - first).div_ceil(self.tap_step) as i64;
        // ceil((base - (outs - 1)) / step), where positive
        let lower = (base - outs + step).div_euclid(step).max(0);
        let upper = base.div_euclid(step).min(all - 1);
        Some((
            first,
            Clipped {
                base,
                lower,
                upper,
                all,
            },
        ))
    }

    /// The taps that reach `position`, if any.
    pub fn at(&self, position: u64) -> Option<Taps> {
        let (first, c) = self.clipped(position)?;
        (c.count() > 0).then(|| Taps {
            first_tap: first + c.lower as u64 * self.tap_step,
            first_out: (c.base - c.lower * self.out_step as i64) as u64,
            count: c.count(),
        })
    }

    /// The last position of grad_output that `taps` meet.
    pub fn last_out(&self, taps: &Taps) -> u64 {
        taps.first_out - (taps.count - 1) * self.out_step
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        gcd(b, a % b)
    }
}

/// What a walk's steps are worth along one axis.
#[derive(Clone, Copy, Debug)]
pub struct AxisUnits {
    /// Words of one position of grad_output.
    pub words: u64,
    /// Pixels of one position of grad_output.
    pub pixels: u64,
    /// Words in the line buffer.
    pub ring: u64,
    /// Weight words of one tap.
    pub weights: u64,
    /// Beats of grad_input of one position.
    pub beats: u64,
    /// Beats without a tap that come with every step to another position: for rows, those at the
    /// ends of a row that has taps.
    pub edge_beats: u64,
    /// Beats without a tap ahead of the first position's first tap, within that position.
    pub lead_beats: u64,
}

/// A visited position with at least one tap, and what it means for grad_output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The position.
    pub position: u64,
    /// Its taps.
    pub taps: Taps,
    /// Positions of grad_output that must be there beyond those needed before.
    pub opens: u64,
    /// Whether one position of grad_output is dead afterwards.
    pub closes: bool,
    /// Visited positions without a tap just before.
    pub empty_before: u64,
}

/// An axis with at least one tap somewhere.
#[derive(Clone, Debug)]
pub struct AxisWalk {
    /// The arithmetic.
    pub taps: AxisTaps,
    /// First position with a tap.
    pub first: u64,
    /// Last position with a tap.
    pub last: u64,
    /// The range of grad_output that some position needs.
    pub kept: Kept,
}

impl AxisWalk {
    /// `None` where no tap reaches any position.
    pub fn new(axis: Axis) -> Option<Self> {
        let taps = AxisTaps::new(axis);
        let mut range: Option<(u64, u64)> = None;
        let mut kept: Option<(u64, u64)> = None;
        for position in 0..u64::from(axis.in_size) {
            if let Some(t) = taps.at(position) {
                let (low, high) = (taps.last_out(&t), t.first_out);
                range = Some((range.map_or(position, |r| r.0), position));
                kept = Some(kept.map_or((low, high), |k| (k.0.min(low), k.1.max(high))));
            }
        }
        let ((first, last), (low, high)) = (range?, kept?);
        Some(AxisWalk {
            taps,
            first,
            last,
            kept: Kept {
                size: u64::from(axis.out_size),
                first: low,
                last: high,
            },
        })
    }

    /// A stand-in for an axis that no tap reaches: one tap, from grad_output's first position to
    /// grad_input's first.
    pub fn one_tap(axis: Axis) -> Self {
        let taps = AxisTaps::new(Axis {
            kernel: 1,
            stride: axis.in_size,
            dilation: 1,
            pad_before: 0,
            pad_after: 0,
            ..axis
        });
        let kept = Kept {
            size: u64::from(axis.out_size),
            first: 0,
            last: 0,
        };
        AxisWalk {
            taps,
            first: 0,
            last: 0,
            kept,
        }
    }

    /// Positions of grad_output stored.
    pub fn kept_size(&self) -> u64 {
        self.kept.last - self.kept.first + 1
    }

    /// The positions that the walk visits, with their taps where there are any.
    pub fn visits(&self) -> impl Iterator<Item = (u64, Option<Taps>)> + '_ {
        (self.first..=self.last)
            .filter(|&position| self.taps.is_live(position))
            .map(|position| (position, self.taps.at(position)))
    }

    /// Whether the closing tap meets grad_output at a position: what it meets is dead afterwards,
    /// because no later tap reaches it.
    fn closes(&self, taps: &Taps) -> bool {
        taps.first_tap + (taps.count - 1) * self.taps.tap_step == self.taps.closing_tap
    }

    /// Live phases that take turns in the walk.
    fn slots(&self) -> usize {
        self.taps.live_phases() as usize
    }

    /// The positions with taps. What each opens follows the rule of the hardware: the first visit
    /// of each slot opens whatever is new; afterwards a position of grad_output opens where the
    /// opening tap meets it.
    pub fn visits_with_taps(&self) -> Vec<Visit> {
        let slots = self.slots();
        let mut needed = self.kept.first;
        let mut empty_before = 0;
        let mut visits = Vec::new();
        for (index, (position, taps)) in self.visits().enumerate() {
            let Some(taps) = taps else {
                empty_before += 1;
                continue;
            };
            let new = (taps.first_out + 1).saturating_sub(needed);
            let opens = if index < slots {
                new
            } else {
                u64::from(taps.first_tap == self.taps.opening_tap)
            };
            debug_assert_eq!(opens, new, "{:?} at {position}", self.taps.axis);
            needed += opens;
            visits.push(Visit {
                position,
                taps,
                opens,
                closes: self.closes(&taps),
                empty_before,
            });
            empty_before = 0;
        }
        visits
    }

    /// Positions of grad_output still held when the walk ends: none of its visits closes them.
    pub fn rest(&self, visits: &[Visit]) -> u64 {
        self.kept_size() - visits.iter().filter(|v| v.closes).count() as u64
    }

    pub fn describe(&self, units: &AxisUnits) -> descriptor::Axis {
        let axis = self.taps.axis;
        let stride = u64::from(axis.stride);
        let visited: Vec<(u64, Option<Taps>)> = self.visits().collect();
        let slots = self.slots().min(visited.len());
        let ring = |words: i128| words.rem_euclid(i128::from(units.ring)) as u64;
        let unit = i128::from(units.words);
        let out_step = i128::from(self.taps.out_step);

        let mut newest = self.kept.first as i64 - 1;
        let mut table = Vec::with_capacity(slots);
        for (index, &(position, taps)) in visited.iter().take(slots).enumerate() {
            let mut slot = self.slot(position, units);
            let reached = taps.map_or(newest, |t| newest.max(t.first_out as i64));
            slot.opens_first = reached > newest;
            slot.extra = (reached - newest - 1).max(0) as u64 * units.pixels;
            newest = reached;
            let gap = match index.checked_sub(1) {
                Some(before) => Some(position - visited[before].0),
                // The first slot follows the last of the round before, where there is one.
                None if visited.len() > slots => Some(position + stride - visited[slots - 1].0),
                None => None,
            };
            slot.skip = gap.map_or(0, |gap| (gap - 1) * units.beats + units.edge_beats);
            table.push(slot);
        }
        let with_taps = self.visits_with_taps();
        let more_than_one = (0..axis.stride as usize).any(|phase| {
            self.taps.first_taps[phase]
                .is_some_and(|r| r + self.taps.tap_step <= self.taps.closing_tap)
        });
        let gaps = visited.iter().any(|v| v.1.is_none());
        descriptor::Axis {
            slots: table,
            visits: visited.len() as u64,
            period: self.taps.out_step,
            address_step: ring(unit),
            address_clip: ring(unit - out_step * unit),
            address_tap: ring(-out_step * unit),
            weight_tap: if more_than_one {
                self.taps.tap_step * units.weights
            } else {
                0
            },
            first_skip: self.first * units.beats + units.lead_beats,
            empty_beats: match gaps {
                true => units.beats - units.edge_beats,
                false => 0,
            },
            gaps,
            max_taps: with_taps.iter().map(|v| v.taps.count).max().unwrap_or(1),
            rest: self.rest(&with_taps) * units.pixels,
        }
    }

    fn slot(&self, position: u64, units: &AxisUnits) -> Slot {
        let axis = self.taps.axis;
        let Some((first, c)) = self.taps.clipped(position) else {
            return Slot::default();
        };
        let x = position + u64::from(axis.pad_before);
        let stride = u64::from(axis.stride);
        let step = self.taps.out_step as i64;
        let phase_of = |tap: u64| tap * u64::from(axis.dilation) % stride;
        let first_tap = first + c.lower as u64 * self.taps.tap_step;
        let grows_left = (c.all - 1 - c.upper) as u64;
        // All taps have left: the slot stays empty, and what follows from its first tap is moot.
        let dead = c.count() == 0 && grows_left == 0;
        let first_out = c.base - c.lower * step;
        let words = i128::from(units.words) * i128::from(first_out - self.kept.first as i64);
        Slot {
            clip_in: if dead {
                0
            } else {
                (i64::from(axis.out_size) - 1 - first_out) as u64
            },
            grow_in: (step - 1 - c.base.rem_euclid(step)) as u64,
            grows_left,
            taps: c.count(),
            clipped: first_tap > self.taps.opening_tap,
            address: words.rem_euclid(i128::from(units.ring)) as u64,
            weight: if dead { 0 } else { first_tap * units.weights },
            opens: x % stride == phase_of(self.taps.opening_tap),
            closes: x % stride == phase_of(self.taps.closing_tap),
            ..Slot::default()
        }
    }
}

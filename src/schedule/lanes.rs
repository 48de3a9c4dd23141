//! Columns under lanes over pixels: which word of a row takes which taps, and where each tap reads.
//!
//! With `w * advance + pad - s * dilation = q * stride`, columns whose `w` is `stride / g` apart, g = gcd(stride, advance),
//! have the same taps, and what they meet through one of them is `advance / g` apart. So a row of the result is cut into
//! words by the first, and a row of what moves by the second; a tap of a word then meets one word, turned by some lanes, and
//! beyond the last bank the word of the same phase in the stretch behind.

use super::axis::{AxisTaps, AxisWalk, LaneVisit, Met, Taps};
use crate::operation::Gather;
use bpa_hdl::config::pixels::{RowOrder, TapColumn};

/// The columns of a layer under lanes over pixels.
#[derive(Clone, Debug)]
pub struct LaneColumns {
    /// Rows of what moves.
    pub moving: RowOrder,
    /// Rows of the result.
    pub result: RowOrder,
    /// Tap by tap, phase by phase; offsets in words of a row.
    pub taps: Vec<TapColumn>,
}

impl LaneColumns {
    /// The walk of the columns by so many lanes; `None` where no tap reaches any column.
    pub fn walk(gather: Gather, lanes: u64) -> Option<(Self, AxisWalk)> {
        let taps = AxisTaps::new(gather);
        let (out_phases, in_phases) = (gather.phases(), gather.phase_step());
        let mut result = RowOrder {
            lanes,
            stride: out_phases,
            phases: Vec::new(),
            columns: gather.positions,
        };
        let mut moving = RowOrder {
            lanes,
            stride: in_phases,
            phases: Vec::new(),
            columns: gather.sources,
        };
        let phases: Vec<Phase> = (0..out_phases)
            .filter_map(|phase| Phase::new(&taps, &result, phase))
            .collect();
        result.phases = phases.iter().map(|phase| phase.number).collect();
        let met = phases.iter().flat_map(|phase| phase.met.iter());
        let mut met: Vec<u64> = met
            .map(|met| met.rem_euclid(in_phases as i64) as u64)
            .collect();
        met.sort_unstable();
        met.dedup();
        moving.phases = met;
        let columns = phases.iter().flat_map(|phase| {
            let tap = |(index, &met): (usize, &i64)| tap_column(&moving, phase, index, met);
            phase.met.iter().enumerate().map(tap)
        });
        let columns = LaneColumns {
            taps: columns.collect(),
            moving,
            result,
        };
        let visits = columns.visits(&taps, &phases);
        let (size, sources) = (columns.result.words(), columns.moving.words());
        let walk = AxisWalk::of(taps, visits, size, sources)?;
        Some((columns, walk))
    }

    /// The stand-in for columns that no tap reaches, and its walk.
    pub fn none(gather: Gather, lanes: u64) -> (Self, AxisWalk) {
        let columns = LaneColumns {
            moving: RowOrder::neighbours(lanes, gather.sources),
            result: RowOrder::neighbours(lanes, gather.positions),
            taps: vec![TapColumn {
                comment: "no tap reaches any pixel".to_owned(),
                ..TapColumn::default()
            }],
        };
        let mut walk = AxisWalk::one_tap(Gather {
            positions: columns.result.words(),
            sources: columns.moving.words(),
            ..gather
        });
        walk.visits[0].lanes = Some(LaneVisit { tap: 0, stretch: 0 });
        (columns, walk)
    }

    /// The words of a row that have taps.
    fn visits(&self, taps: &AxisTaps, phases: &[Phase]) -> Vec<Met> {
        let mut visits = Vec::new();
        let result = &self.result;
        let words = self.moving.phases.len() as u64;
        let mut position = 0;
        for stretch in 0..result.stretches() {
            let mut first_tap = 0;
            for phase in phases {
                let column = stretch * result.stretch() + phase.number;
                if column < result.columns {
                    let lanes = (column..result.columns)
                        .step_by(result.stride as usize)
                        .take(result.lanes as usize);
                    let reached: Vec<Taps> = lanes.filter_map(|column| taps.at(column)).collect();
                    if let Some((all, meets)) = self.union(taps, &reached) {
                        let skipped = (all.first_tap - phase.first_tap) / taps.tap_step;
                        visits.push(Met {
                            position,
                            taps: all,
                            place: (stretch * words) as i64,
                            meets,
                            lanes: Some(LaneVisit {
                                tap: first_tap + skipped,
                                stretch,
                            }),
                        });
                    }
                    position += 1;
                }
                first_tap += phase.met.len() as u64;
            }
        }
        visits
    }

    /// The taps that reach any of the lanes, and the newest and the oldest word that these meet.
    fn union(&self, taps: &AxisTaps, reached: &[Taps]) -> Option<(Taps, [u64; 2])> {
        let last = |here: &Taps| here.first_tap + (here.count - 1) * taps.tap_step;
        let first_tap = reached.iter().map(|here| here.first_tap).min()?;
        let last_tap = reached.iter().map(last).max()?;
        let mut meets = [0, u64::MAX];
        for here in reached {
            for i in 0..here.count {
                let word = self.word(here.first_out - i * taps.out_step);
                meets = [meets[0].max(word), meets[1].min(word)];
            }
        }
        let all = Taps {
            first_tap,
            first_out: reached[0].first_out,
            count: (last_tap - first_tap) / taps.tap_step + 1,
        };
        Some((all, meets))
    }

    /// The word of a row of what moves that has this column.
    fn word(&self, column: u64) -> u64 {
        let moving = &self.moving;
        let phase = column % moving.stride;
        let before = moving.phases.partition_point(|&other| other < phase) as u64;
        column / moving.stretch() * moving.phases.len() as u64 + before
    }
}

/// Columns of the result whose taps are the same.
struct Phase {
    /// The first of these columns.
    number: u64,
    first_tap: u64,
    /// What lane 0 of the first stretch meets through each of the taps, inside the row or not.
    met: Vec<i64>,
}

impl Phase {
    /// `None` where no tap reaches any of its columns.
    fn new(taps: &AxisTaps, result: &RowOrder, number: u64) -> Option<Self> {
        let gather = taps.gather();
        let mut columns = (number..gather.positions).step_by(result.stride as usize);
        columns.find(|&column| taps.at(column).is_some())?;
        let at = (number * gather.advance) as i64 + gather.pad;
        let first_tap = taps.first_at(number)?;
        let of_tap = |tap: u64| (at - (tap * gather.dilation) as i64) / gather.stride as i64;
        let all = (first_tap..gather.kernel).step_by(taps.tap_step as usize);
        Some(Phase {
            number,
            first_tap,
            met: all.map(of_tap).collect(),
        })
    }
}

fn tap_column(moving: &RowOrder, phase: &Phase, index: usize, met: i64) -> TapColumn {
    let (stride, lanes) = (moving.stride as i64, moving.lanes as i64);
    let (lane, of_phase) = (met.div_euclid(stride), met.rem_euclid(stride) as u64);
    let (stretch, rotation) = (lane.div_euclid(lanes), lane.rem_euclid(lanes));
    let before = moving.phases.partition_point(|&other| other < of_phase) as i64;
    let words = moving.phases.len() as i64;
    TapColumn {
        offset: stretch * words + before,
        rotation: rotation as u64,
        first: -stretch,
        last: moving.stretches_of(of_phase) as i64 - 1 - stretch,
        comment: format!("columns {}, ...: tap {index}, met at {met}", phase.number),
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    /// The greatest of each.
    const KERNEL: u64 = 5;
    const STRIDE: u64 = 4;
    const DILATION: u64 = 4;
    const ADVANCE: u64 = 3;
    const PADDING: i64 = 6;
    const SIZE: u64 = 12;
    const LANES: u64 = 5;

    /// The column of what moves that `column` meets through `tap`, by the definition of a tap.
    fn met(gather: &Gather, column: u64, tap: u64) -> Option<u64> {
        let moved = (column * gather.advance) as i64 + gather.pad - (tap * gather.dilation) as i64;
        let stride = gather.stride as i64;
        let met = (moved % stride == 0).then_some(moved / stride)?;
        u64::try_from(met).ok().filter(|&met| met < gather.sources)
    }

    /// The word of the row and the bank that a lane reads in a stretch, by the table of taps; none beyond a border.
    fn read(lanes: &LaneColumns, tap: &TapColumn, stretch: u64, lane: u64) -> Option<(u64, u64)> {
        let count = lanes.moving.lanes;
        let at = tap.rotation + lane;
        // Behind the last bank, the word of the next stretch.
        let stretch = (stretch + at / count) as i64;
        let inside = (tap.first..=tap.last).contains(&stretch);
        let word = stretch * lanes.moving.phases.len() as i64 + tap.offset;
        inside.then(|| (u64::try_from(word).expect("in the row"), at % count))
    }

    /// The column that a word has in a bank; none behind the end of the row, where it has zero.
    fn column(moving: &RowOrder, (word, bank): (u64, u64)) -> Option<u64> {
        assert!(word < moving.words(), "word {word} of {}", moving.words());
        let words = moving.phases.len() as u64;
        let first = word / words * moving.stretch() + moving.phases[(word % words) as usize];
        Some(first + bank * moving.stride).filter(|&column| column < moving.columns)
    }

    /// Each lane of each word reads what it meets through each tap of its word, or nothing; no lane meets anything through
    /// another tap, or in another word. What is read is there, and is not dead yet.
    fn check(gather: Gather, lanes: u64) -> u64 {
        let taps = |column| (0..gather.kernel).filter_map(move |tap| met(&gather, column, tap));
        let Some((columns, walk)) = LaneColumns::walk(gather, lanes) else {
            assert!((0..gather.positions).all(|column| taps(column).next().is_none()));
            return 0;
        };
        let (moving, result) = (&columns.moving, &columns.result);
        let mut visits = walk.visits.iter().peekable();
        let (mut position, mut reads) = (0, 0);
        let mut in_words = vec![false; gather.positions as usize];
        let (mut there, mut dead) = (walk.kept.first, walk.kept.first);
        for stretch in 0..gather.positions.div_ceil(result.stretch()) {
            for phase in &result.phases {
                let first = stretch * result.stretch() + phase;
                let of_lane = |lane| first + lane * result.stride;
                if first >= gather.positions {
                    continue;
                }
                let inside = (0..lanes).filter(|&lane| of_lane(lane) < gather.positions);
                let inside: Vec<u64> = inside.collect();
                for &lane in &inside {
                    in_words[of_lane(lane) as usize] = true;
                }
                let visit = visits.next_if(|visit| visit.position == position);
                position += 1;
                let Some(visit) = visit else {
                    assert!(inside
                        .iter()
                        .all(|&lane| taps(of_lane(lane)).next().is_none()));
                    continue;
                };
                let at = visit.lanes.expect("with lanes over pixels");
                assert_eq!(at.stretch, stretch);
                assert_eq!(visit.place, (stretch * moving.phases.len() as u64) as i64);
                there += visit.opens;
                let (mut met_any, mut visited) = (false, 0);
                for tap in 0..gather.kernel {
                    let behind = tap.checked_sub(visit.taps.first_tap);
                    let number = behind.filter(|behind| behind % walk.taps.tap_step == 0);
                    let number = number.map(|behind| behind / walk.taps.tap_step);
                    let number = number.filter(|&number| number < visit.taps.count);
                    let of_tap = number.map(|number| &columns.taps[(at.tap + number) as usize]);
                    visited += u64::from(of_tap.is_some());
                    for &lane in &inside {
                        let word = of_tap.and_then(|tap| read(&columns, tap, stretch, lane));
                        let found = word.and_then(|word| column(moving, word));
                        assert_eq!(found, met(&gather, of_lane(lane), tap), "tap {tap}");
                        met_any |= found.is_some();
                        if let Some((word, _)) = word {
                            assert!((dead..there).contains(&word), "word {word}");
                            reads += 1;
                        }
                    }
                }
                assert!(met_any, "a word without a tap");
                assert_eq!(visited, visit.taps.count);
                dead += visit.closes;
            }
        }
        assert!(visits.next().is_none());
        assert_eq!(position, walk.size);
        let others = (0..gather.positions).filter(|&column| !in_words[column as usize]);
        assert!(others
            .into_iter()
            .all(|column| taps(column).next().is_none()));
        reads
    }

    fn check_told(gather: Gather, lanes: u64) -> u64 {
        let reads = std::panic::catch_unwind(|| check(gather, lanes));
        reads.unwrap_or_else(|_| panic!("{gather:?}, {lanes} lanes"))
    }

    /// Axes of the data gradient have an advance of one, those of the other passes a stride of one; here both are anything.
    #[test]
    fn each_lane_reads_what_the_definition_of_a_tap_says() {
        let mut all = Vec::new();
        for kernel in 1..=KERNEL {
            for stride in 1..=STRIDE {
                for dilation in 1..=DILATION {
                    for advance in 1..=ADVANCE {
                        for pad in -PADDING..=PADDING {
                            let gather = Gather {
                                positions: 0,
                                sources: 0,
                                kernel,
                                stride,
                                dilation,
                                advance,
                                pad,
                            };
                            all.push(gather);
                        }
                    }
                }
            }
        }
        let sizes = |gather: &Gather| {
            let mut reads = 0;
            for positions in 1..=SIZE {
                for sources in 1..=SIZE {
                    let gather = Gather {
                        positions,
                        sources,
                        ..*gather
                    };
                    for lanes in 2..=LANES {
                        reads += check_told(gather, lanes);
                    }
                }
            }
            reads
        };
        let reads: u64 = all.par_iter().map(sizes).sum();
        println!("{reads} reads");
        assert!(reads > 1_000_000, "{reads} reads");
    }
}

//! The live span: how much of what moves is alive at once.

use super::axis::AxisWalk;
use super::frame::FrameWalk;

/// The most pixels of what moves, of those that some output needs, that lie between the newest
/// arrived and the oldest still used while the frame is computed in order; freed in order of
/// arrival.
pub fn live_span_pixels(walk: &FrameWalk) -> u64 {
    if !walk.reaches {
        return 0;
    }
    let rows = Ranks::of(&walk.rows);
    let cols = Ranks::of(&walk.cols);
    let width = cols.needed;
    let last = cols.uses.last().map_or(0, |col| col.newest_so_far);
    let oldest = cols.uses[0].oldest_from_here;
    let apart = |col: &Use| col.newest_so_far as i64 - col.oldest_from_here as i64;
    let most_apart = cols.uses.iter().map(apart).max().unwrap_or(0);
    let mut newest = 0;
    let mut span = 0;
    for (i, row) in rows.uses.iter().enumerate() {
        // Oldest row that a later row of the result uses.
        let later = rows
            .uses
            .get(i + 1)
            .map_or(rows.needed, |next| next.oldest_from_here);
        // Along the row the newest is that of a row before or one of its own, and the oldest one of its own or of a later
        // row's first pixel: the most of the four is reached at its first pixel, at its last or between.
        let own = (row.newest * width + 1) as i64;
        let here = (row.oldest * width) as i64;
        let there = (later * width + oldest) as i64;
        let spans = [
            newest - there.min(here + oldest as i64),
            own - here + most_apart,
            own + last as i64 - there,
        ];
        span = spans.into_iter().fold(span, i64::max);
        newest = newest.max(own + last as i64);
    }
    span as u64
}

/// What one position uses, in ranks among the needed positions of what moves.
struct Use {
    newest: u64,
    /// Newest used here or before.
    newest_so_far: u64,
    oldest: u64,
    /// Oldest used here or later.
    oldest_from_here: u64,
}

struct Ranks {
    uses: Vec<Use>,
    needed: u64,
}

impl Ranks {
    fn of(axis: &AxisWalk) -> Self {
        // With lanes over pixels, words between those that are met count as well.
        let lanes = axis.visits[0].lanes.is_some();
        let mut is_needed = vec![lanes; axis.kept_size() as usize];
        let apart = axis.taps.out_step as usize;
        for visit in axis.visits.iter().filter(|_| !lanes) {
            let [newest, oldest] = visit.meets.map(|met| (met - axis.kept.first) as usize);
            for met in (oldest..=newest).step_by(apart) {
                is_needed[met] = true;
            }
        }
        let mut needed = 0;
        let ranks: Vec<u64> = is_needed
            .iter()
            .map(|&is_needed| {
                needed += u64::from(is_needed);
                needed - u64::from(is_needed)
            })
            .collect();
        let rank = |out: u64| ranks[(out - axis.kept.first) as usize];
        let mut oldest_from_here = needed;
        let mut uses: Vec<Use> = axis
            .visits
            .iter()
            .rev()
            .map(|visit| {
                let [newest, oldest] = visit.meets.map(rank);
                oldest_from_here = oldest_from_here.min(oldest);
                Use {
                    newest,
                    newest_so_far: 0,
                    oldest,
                    oldest_from_here,
                }
            })
            .collect();
        uses.reverse();
        let mut newest = 0;
        for one in &mut uses {
            newest = newest.max(one.newest);
            one.newest_so_far = newest;
        }
        Ranks { uses, needed }
    }
}

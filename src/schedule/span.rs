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
    let mut newest = 0;
    let mut span = 0;
    for (i, row) in rows.uses.iter().enumerate() {
        // Oldest row that a later row of the result uses.
        let later = rows
            .uses
            .get(i + 1)
            .map_or(rows.needed, |next| next.oldest_from_here);
        for col in &cols.uses {
            newest = newest.max(row.newest * width + col.newest);
            let here = row.oldest * width + col.oldest_from_here;
            let there = later * width + cols.uses[0].oldest_from_here;
            span = span.max(newest + 1 - here.min(there));
        }
    }
    span
}

/// What one position uses, in ranks among the needed positions of what moves.
struct Use {
    newest: u64,
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
        let all: Vec<_> = axis.visits.iter().map(|visit| visit.taps).collect();
        let mut is_needed = vec![false; axis.kept_size() as usize];
        for taps in &all {
            for i in 0..taps.count {
                let out = taps.first_out - i * axis.taps.out_step - axis.kept.first;
                is_needed[out as usize] = true;
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
        let mut uses: Vec<Use> = all
            .iter()
            .rev()
            .map(|taps| {
                let oldest = rank(axis.taps.last_out(taps));
                oldest_from_here = oldest_from_here.min(oldest);
                Use {
                    newest: rank(taps.first_out),
                    oldest,
                    oldest_from_here,
                }
            })
            .collect();
        uses.reverse();
        Ranks { uses, needed }
    }
}

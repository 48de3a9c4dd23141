//! The points of an exploration, and which of them no other beats.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Candidate, Found, Room, Shard};
use crate::synth::Cells;

/// An engine with certain lanes; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Lanes over the channels that are added up.
    pub simd: u32,
    /// Lanes over the result's channels, or over groups.
    pub pe: u32,
    /// Lanes over pixels.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub pixels: u32,
    /// Of all frames, which are one in steady state for a layer.
    pub cycles: u64,
    /// Those that no engine with these lanes can beat.
    pub bound_cycles: u64,
    /// Multiplier cells; none on a device that multiplies in LUTs.
    pub dsps: u64,
    /// Block RAMs.
    pub brams: u64,
    /// Whether no other has as few cycles, multipliers and block RAMs, and fewer of one.
    pub front: bool,
    /// What its synthesis found, where there was one.
    pub synthesis: Option<Found>,
    /// Where place and route found a speed.
    pub frames_per_second: Option<f64>,
    /// With synthesis: lanes that give as many frames a second or more, for as few multipliers and block RAMs or fewer.
    pub better: Option<Lanes>,
}

/// SIMD, PE, and pixels where these are more than one.
pub type Lanes = Vec<u32>;

fn one() -> u32 {
    1
}

fn is_one(pixels: &u32) -> bool {
    *pixels == 1
}

/// A point whose synthesis failed; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// As of a [`Point`].
    pub simd: u32,
    /// As of a [`Point`].
    pub pe: u32,
    /// As of a [`Point`].
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub pixels: u32,
    /// What the tool said.
    pub error: String,
}

/// All that was found; as JSON, with these names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exploration {
    /// Of this program.
    pub version: String,
    /// Of the layer or network.
    pub name: String,
    /// SHA-256 of what was explored: two with the same can be merged.
    pub of: String,
    /// The device.
    pub target: String,
    /// What there was to take of it.
    pub room: Room,
    /// Frames of which the cycles are.
    pub frames: u64,
    /// Seeds of place and route, where points were synthesised.
    pub seeds: Option<u64>,
    /// Versions of the tools that did.
    pub tools: BTreeMap<String, String>,
    /// Which part this is, where it is one.
    pub shard: Option<Shard>,
    /// Lanes that were looked at.
    pub candidates: u64,
    /// Of these, lanes of which there is no engine that the layers fit.
    pub unfit: u64,
    /// Of these, engines beyond what there is.
    pub beyond: u64,
    /// The others, by multipliers, block RAMs and cycles.
    pub points: Vec<Point>,
    /// Points of the front that could not be synthesised.
    pub failed: Vec<Failed>,
}

impl Point {
    /// That of an engine which takes these cells, with no cycles yet.
    pub(super) fn new(lanes: Candidate, cells: Cells) -> Self {
        Point {
            simd: lanes.simd,
            pe: lanes.pe,
            pixels: lanes.pixels,
            cycles: 0,
            bound_cycles: 0,
            dsps: cells.dsps,
            brams: cells.brams,
            front: false,
            synthesis: None,
            frames_per_second: None,
            better: None,
        }
    }

    /// The lanes.
    pub fn lanes(&self) -> Candidate {
        Candidate {
            simd: self.simd,
            pe: self.pe,
            pixels: self.pixels,
        }
    }

    /// Multiplications in a cycle.
    pub fn multiplications(&self) -> u64 {
        self.lanes().multiplications()
    }

    /// What multipliers cost: cells or, on a device that has none, the multiplications that LUTs have to make.
    pub fn multiplier_cost(&self) -> u64 {
        match self.dsps {
            0 => self.multiplications(),
            dsps => dsps,
        }
    }

    /// Whether it has as little of everything, and less of something; `time` compares the two in that.
    fn beats(&self, other: &Point, time: Ordering) -> bool {
        let all = [
            time,
            self.multiplier_cost().cmp(&other.multiplier_cost()),
            self.brams.cmp(&other.brams),
        ];
        all.iter().all(|it| it.is_le()) && all.iter().any(|it| it.is_lt())
    }
}

impl Exploration {
    /// Puts the points in order, and finds the front and what is better.
    pub fn settle(&mut self) {
        self.points
            .sort_by_key(|it| (it.multiplier_cost(), it.brams, it.cycles, it.lanes()));
        for point in &mut self.points {
            let mhz = point.synthesis.as_ref().and_then(Found::fmax_mhz);
            let speed = mhz.map(|mhz| mhz * 1e6 * self.frames as f64 / point.cycles as f64);
            point.frames_per_second = speed;
        }
        let points = self.points.clone();
        for point in &mut self.points {
            point.front = !points
                .iter()
                .any(|other| other.beats(point, other.cycles.cmp(&point.cycles)));
            point.better = better(point, &points).map(|other| {
                let mut lanes = vec![other.simd, other.pe];
                lanes.extend((other.pixels > 1).then_some(other.pixels));
                lanes
            });
        }
    }

    /// The points that no other beats.
    pub fn front(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| point.front)
    }

    /// One JSON object in lines.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("text and finite numbers are always valid JSON") + "\n"
    }
}

/// Of those that give more frames a second for as little or as many for less, one with the most.
fn better<'a>(point: &Point, points: &'a [Point]) -> Option<&'a Point> {
    let own = point.frames_per_second?;
    let speeds = points
        .iter()
        .filter_map(|it| Some((it, it.frames_per_second?)));
    // More of them is less time.
    let better = speeds.filter(|(other, speed)| other.beats(point, own.total_cmp(speed)));
    better
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(it, _)| it)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::explore::Speed;

    pub(in super::super) fn point(lanes: [u32; 2], cycles: u64, brams: u64) -> Point {
        let lanes = Candidate {
            simd: lanes[0],
            pe: lanes[1],
            pixels: 1,
        };
        let dsps = u64::from(lanes.simd) * u64::from(lanes.pe);
        Point {
            cycles,
            bound_cycles: cycles,
            ..Point::new(lanes, Cells { dsps, brams })
        }
    }

    pub(in super::super) fn exploration(points: Vec<Point>) -> Exploration {
        let mut exploration = Exploration {
            version: "0".to_owned(),
            name: "some".to_owned(),
            of: "text".to_owned(),
            target: "ecp5-85k".to_owned(),
            room: Room {
                dsps: Some(156),
                brams: None,
            },
            frames: 1,
            seeds: None,
            tools: BTreeMap::new(),
            shard: None,
            candidates: points.len() as u64,
            unfit: 0,
            beyond: 0,
            points,
            failed: Vec::new(),
        };
        exploration.settle();
        exploration
    }

    fn front(exploration: &Exploration) -> Vec<[u32; 2]> {
        exploration.front().map(|it| [it.simd, it.pe]).collect()
    }

    #[test]
    fn the_front_has_what_nothing_beats() {
        let found = exploration(vec![
            point([4, 4], 100, 8),
            point([2, 8], 100, 9),
            point([2, 4], 200, 8),
            point([8, 1], 180, 9),
            point([1, 1], 1600, 2),
            point([1, 2], 1600, 2),
            point([4, 2], 200, 8),
        ]);
        // As good as one another are both there.
        assert_eq!(front(&found), [[1, 1], [2, 4], [4, 2], [8, 1], [4, 4]]);
    }

    /// Fewer cycles of a slower clock are not faster.
    #[test]
    fn a_speed_that_was_found_says_what_is_better() {
        let with = |point, mhz| Point {
            synthesis: Some(Found::Speed(Speed {
                luts: 1,
                lut_rams: 0,
                ffs: 1,
                fmax_mhz: mhz,
            })),
            ..point
        };
        let found = exploration(vec![
            with(point([2, 2], 1000, 4), Some(200.0)),
            with(point([2, 3], 900, 4), Some(100.0)),
            with(point([4, 4], 250, 4), Some(150.0)),
            with(point([8, 8], 100, 4), None),
        ]);
        let better: Vec<_> = found.points.iter().map(|it| it.better.clone()).collect();
        assert_eq!(better, [None, Some(vec![2, 2]), None, None]);
        assert_eq!(found.points[0].frames_per_second, Some(200_000.0));
    }

    #[test]
    fn an_exploration_reads_back() {
        let found = exploration(vec![point([4, 4], 100, 8)]);
        let back: Exploration = serde_json::from_str(&found.to_json()).unwrap();
        assert_eq!(back, found);
    }
}

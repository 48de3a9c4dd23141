//! When how many of something were done, kept short where it repeats itself.

use std::ops::{Add, Mul, Sub};
use std::rc::Rc;

/// Stretches that are compared for one answer, at the most: where so many differ, stepping is as fast.
const MOST_COMPARED: usize = 1 << 12;

/// So many were done by this cycle; or so many more, and so much later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub count: i64,
    pub cycle: i64,
}

impl Point {
    pub const ZERO: Point = Point { count: 0, cycle: 0 };
}

impl Add for Point {
    type Output = Point;
    fn add(self, other: Point) -> Point {
        Point {
            count: self.count + other.count,
            cycle: self.cycle + other.cycle,
        }
    }
}

impl Sub for Point {
    type Output = Point;
    fn sub(self, other: Point) -> Point {
        self + other * -1
    }
}

impl Mul<i64> for Point {
    type Output = Point;
    fn mul(self, times: i64) -> Point {
        Point {
            count: self.count * times,
            cycle: self.cycle * times,
        }
    }
}

/// A point, or turns of a loop over others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    /// The point; of a loop, what the points of its first turn are relative to.
    at: Point,
    body: Option<Body>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Body {
    turns: i64,
    /// From one turn to the next.
    each: Point,
    /// Of the last point of a turn, relative to the turn.
    last: i64,
    nodes: Rc<[Node]>,
}

impl Node {
    fn last(&self) -> i64 {
        let inside = self.body.as_ref();
        self.at.count + inside.map_or(0, |it| (it.turns - 1) * it.each.count + it.last)
    }
}

/// A turn of a loop that a point is in.
struct Turn<'a> {
    body: &'a Body,
    /// Turns behind this one.
    left: i64,
    /// What the counts of its points are relative to.
    begin: i64,
}

impl Turn<'_> {
    /// Whether `later` is in a turn like this one, so many counts further, of a loop that may go on with other cycles.
    fn is_like(&self, later: &Turn, further: i64) -> bool {
        self.begin + further == later.begin
            && self.body.each.count == later.body.each.count
            && self.body.nodes == later.body.nodes
    }
}

/// Points whose counts grow.
#[derive(Default)]
pub struct History {
    nodes: Vec<Node>,
}

impl History {
    pub fn push(&mut self, at: Point) {
        self.nodes.push(Node { at, body: None });
    }

    /// How long the list is; to name what was pushed since.
    pub fn mark(&self) -> usize {
        self.nodes.len()
    }

    /// The cycle of the first point that has so many.
    pub fn cycle(&self, count: i64) -> Option<i64> {
        self.find(count, |_| ()).map(|point| point.cycle)
    }

    fn find<'a>(&'a self, count: i64, mut passes: impl FnMut(Turn<'a>)) -> Option<Point> {
        let mut nodes = &self.nodes[..];
        let mut base = Point::ZERO;
        loop {
            let wanted = count - base.count;
            let node = nodes.get(nodes.partition_point(|node| node.last() < wanted))?;
            base = base + node.at;
            let Some(body) = &node.body else {
                return Some(base);
            };
            let beyond = count - base.count - body.last;
            let turn = (beyond + body.each.count - 1)
                .div_euclid(body.each.count)
                .max(0);
            base = base + body.each * turn;
            passes(Turn {
                body,
                left: body.turns - 1 - turn,
                begin: base.count,
            });
            nodes = &body.nodes;
        }
    }

    /// Looks at the points from `count` on, at those `period` further and at those twice as far: up to which count is each
    /// later by what it was later before? Looks no further than `enough`.
    pub fn is_steady_up_to(&self, count: i64, period: i64, enough: i64) -> Steady {
        let last = self.nodes.last().map_or(0, Node::last);
        let mut at = count;
        let mut turns = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..MOST_COMPARED {
            if at + 2 * period > last {
                return Steady::Throughout { end: at };
            }
            if at > enough {
                break;
            }
            let mut points = [Point::ZERO; 3];
            for (i, (point, turns)) in points.iter_mut().zip(&mut turns).enumerate() {
                turns.clear();
                match self.find(at + i as i64 * period, |turn| turns.push(turn)) {
                    Some(found) => *point = found,
                    None => return Steady::UpTo(at),
                }
            }
            let steps = [points[1] - points[0], points[2] - points[1]];
            at = if steps == [Point::ZERO; 2] {
                // All three are there at once.
                points[0].count - 2 * period + 1
            } else if steps[0] == steps[1] && steps[0].count == period {
                points[0].count + stretch(&turns, period) + 1
            } else {
                break;
            };
        }
        Steady::UpTo(at)
    }

    /// Whether what was pushed since mark `middle` is what was between `before` and there, all of it later by the same.
    pub fn repeats(&self, before: usize, middle: usize) -> Option<Point> {
        let (first, second) = (&self.nodes[before..middle], &self.nodes[middle..]);
        if first.len() != second.len() {
            return None;
        }
        let Some((a, b)) = first.first().zip(second.first()) else {
            return Some(Point::ZERO);
        };
        let each = b.at - a.at;
        let alike = |(a, b): (&Node, &Node)| b.at - a.at == each && a.body == b.body;
        first.iter().zip(second).all(alike).then_some(each)
    }

    /// Adds what was pushed since mark `middle` so many times more, each time so much later.
    pub fn repeat(&mut self, middle: usize, turns: i64, each: Point) {
        let pushed = &self.nodes[middle..];
        let Some(first) = pushed.first().map(|node| node.at) else {
            return;
        };
        let nodes: Rc<[Node]> = pushed
            .iter()
            .map(|node| Node {
                at: node.at - first,
                body: node.body.clone(),
            })
            .collect();
        let last = nodes.last().map_or(0, Node::last);
        self.nodes.push(Node {
            at: first + each,
            body: Some(Body {
                turns,
                each,
                last,
                nodes,
            }),
        });
    }

    /// Nothing below this count will be asked for again; marks count from there.
    pub fn forget(&mut self, below: i64) {
        let gone = self.nodes.partition_point(|node| node.last() < below);
        self.nodes.drain(..gone);
    }
}

/// How far points, those a period further and those two periods further go on alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steady {
    /// The points from here on do not.
    UpTo(i64),
    /// As far as there are points two periods further; those from here on have none.
    Throughout { end: i64 },
}

/// How far three points, `period` apart, can go on in turns of their loops while the second differs from the first as the
/// third does from the second; they do so now.
fn stretch(turns: &[Vec<Turn>; 3], period: i64) -> i64 {
    let [first, second, third] = turns;
    let jump = |a: &Turn| {
        let b = second.iter().find(|b| a.is_like(b, period))?;
        let c = third.iter().find(|c| a.is_like(c, 2 * period))?;
        let cycles = [a, b, c].map(|turn| turn.body.each.cycle);
        let steady = cycles[1] - cycles[0] == cycles[2] - cycles[1];
        let turns = a.left.min(b.left).min(c.left);
        (steady && turns > 0).then_some(turns * a.body.each.count)
    };
    first.iter().find_map(jump).unwrap_or(0)
}

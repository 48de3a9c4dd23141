//! An exploration as a chart, for light pages and dark ones: by the multipliers of each point its cycles, its block
//! RAMs and, where points were synthesised, its frames a second.

use std::fmt::Write as _;

use indicatif::HumanCount;

use super::table::rate;
use super::{Exploration, Point};

// All sizes are in pixels.
const WIDTH: f64 = 800.0;
const MARGIN: f64 = 20.0;
const HEAD: f64 = 84.0;
/// Of a plot, with its axis and title.
const PLOT: f64 = 400.0;
const LEFT: f64 = 96.0;
const BELOW: f64 = 56.0;
const ABOVE: f64 = 30.0;
const FONT: f64 = 13.0;
/// About the width of a letter.
const LETTER: f64 = 7.6;
const RADIUS: f64 = 4.5;

/// The colours are two that all people tell apart, lighter on dark pages.
const STYLE: &str = "\
text{font-family:'DejaVu Sans',Verdana,Arial,sans-serif;font-size:13px;fill:#1f2328}
.page{fill:#ffffff}
.title{font-size:18px}
.muted{fill:#59636e}
.grid{stroke:#d0d7de}
.axis{stroke:#59636e}
.stairs{fill:none;stroke:#0072b2;stroke-width:2}
.front{fill:#0072b2;fill-opacity:0.55;stroke:#0072b2}
.worse{fill:#d55e00;fill-opacity:0.3;stroke:#d55e00}
.other{fill:none;stroke:#8c959f}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.page{fill:#0d1117}
.muted{fill:#9198a1}
.grid{stroke:#30363d}
.axis{stroke:#9198a1}
.stairs{stroke:#56b4e9}
.front{fill:#56b4e9;stroke:#56b4e9}
.worse{fill:#e69f00;stroke:#e69f00}
.other{stroke:#656c76}
}
";

/// A scale of logarithms.
struct Scale {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From the least value to the greatest, with some room, on these pixels.
    fn new(values: impl Iterator<Item = f64> + Clone, [from, to]: [f64; 2]) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        Self {
            least: least / 1.25,
            most: most * 1.25,
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value / self.least).ln() / (self.most / self.least).ln();
        self.from + part * (self.to - self.from)
    }

    /// Round numbers along it, fewer to a decade the more decades there are.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.most / self.least).log10();
        let steps: &[f64] = match decades {
            _ if decades > 4.0 => &[1.0],
            _ if decades > 1.0 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
        };
        let mut ticks = Vec::new();
        let mut decade = 10_f64.powf(self.least.log10().floor());
        while decade <= self.most {
            ticks.extend(steps.iter().map(|step| step * decade));
            decade *= 10.0;
        }
        ticks.retain(|tick| (self.least..=self.most).contains(tick));
        ticks
    }
}

/// What a plot shows of each point, upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Cycles,
    BlockRams,
    FramesPerSecond,
}

impl Measure {
    fn of(self, point: &Point) -> Option<f64> {
        match self {
            Self::Cycles => Some(point.cycles as f64),
            // A scale of logarithms has no zero.
            Self::BlockRams => Some(point.brams as f64).filter(|&count| count > 0.0),
            Self::FramesPerSecond => point.frames_per_second,
        }
    }

    fn title(self, frames: u64) -> String {
        match (self, frames) {
            (Self::Cycles, 1) => "cycles of a frame".to_owned(),
            (Self::Cycles, frames) => format!("cycles of {frames} frames"),
            (Self::BlockRams, _) => "block RAMs".to_owned(),
            (Self::FramesPerSecond, _) => "frames a second".to_owned(),
        }
    }
}

impl Exploration {
    /// The chart as an SVG; `None` where there is no point.
    pub fn to_svg(&self) -> Option<String> {
        if self.points.is_empty() {
            return None;
        }
        let plots = [
            Measure::FramesPerSecond,
            Measure::Cycles,
            Measure::BlockRams,
        ];
        let is_there = |plot: &Measure| self.points.iter().any(|it| plot.of(it).is_some());
        let plots: Vec<Measure> = plots.into_iter().filter(is_there).collect();
        let height = HEAD + PLOT * plots.len() as f64;
        let title = format!("{} on {}: which lanes", self.name, self.target);
        let mut svg = Svg {
            body: String::new(),
            exploration: self,
        };
        svg.head(&title);
        for (index, &measure) in plots.iter().enumerate() {
            svg.plot(measure, HEAD + PLOT * index as f64);
        }
        Some(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n\
             <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n{}</svg>\n",
            escaped(&title),
            svg.body
        ))
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

struct Svg<'a> {
    body: String,
    exploration: &'a Exploration,
}

impl Svg<'_> {
    fn line(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push('\n');
    }

    fn text(&mut self, [x, y]: [f64; 2], class: &str, anchor: &str, text: &str) {
        let text = escaped(text);
        self.line(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    /// Title, and what the signs mean.
    fn head(&mut self, title: &str) {
        self.text([MARGIN, MARGIN + 14.0], "title", "start", title);
        let mut keys = vec![
            (
                "front",
                "none has less of cycles, multipliers and block RAMs",
            ),
            ("other", "another has"),
        ];
        if self.exploration.points.iter().any(|it| it.better.is_some()) {
            keys.insert(1, ("worse", "at its clock, another is better"));
        }
        let mut x = MARGIN + 8.0;
        let y = MARGIN + 44.0;
        for (class, text) in keys {
            self.line(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"{RADIUS}\" class=\"{class}\"/>",
                y - 5.0
            ));
            self.text([x + 14.0, y], "", "start", text);
            x += 36.0 + text.len() as f64 * LETTER;
        }
    }

    fn plot(&mut self, measure: Measure, top: f64) {
        let points = &self.exploration.points;
        let values = points.iter().filter_map(|it| measure.of(it));
        let bottom = top + PLOT - BELOW;
        let right = WIDTH - MARGIN;
        let cost = |point: &Point| point.multiplier_cost() as f64;
        let x = Scale::new(points.iter().map(cost), [LEFT, right]);
        let y = Scale::new(values, [bottom, top + ABOVE]);
        self.axes(measure, &x, &y);
        if measure != Measure::BlockRams {
            self.stairs(measure, &x, &y);
        }
        let at = |point: &Point| Some([x.at(cost(point)), y.at(measure.of(point)?)]);
        // The front over the others.
        let mut taken: Vec<Place> = Vec::new();
        for front in [false, true] {
            for point in points.iter().filter(|it| it.front == front) {
                if let Some(at) = at(point) {
                    self.point(point, at, measure);
                    taken.push(Place::around(at));
                }
            }
        }
        for point in self.exploration.front() {
            if let Some(at) = at(point) {
                self.label(point, at, &mut taken);
            }
        }
    }

    fn axes(&mut self, measure: Measure, x: &Scale, y: &Scale) {
        let number = |value: f64| match value {
            _ if value >= 1.0 => HumanCount(value.round() as u64).to_string(),
            _ => format!("{value}"),
        };
        for tick in x.ticks() {
            let at = x.at(tick);
            self.line(&format!(
                "<line x1=\"{at:.1}\" y1=\"{:.1}\" x2=\"{at:.1}\" y2=\"{:.1}\" class=\"grid\"/>",
                y.from, y.to
            ));
            self.text([at, y.from + 18.0], "muted", "middle", &number(tick));
        }
        for tick in y.ticks() {
            let at = y.at(tick);
            self.line(&format!(
                "<line x1=\"{:.1}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\" class=\"grid\"/>",
                x.from, x.to
            ));
            self.text([x.from - 8.0, at + 4.0], "muted", "end", &number(tick));
        }
        self.line(&format!(
            "<path d=\"M{:.1} {:.1}V{:.1}H{:.1}\" class=\"axis\" fill=\"none\"/>",
            x.from, y.to, y.from, x.to
        ));
        let all = &self.exploration.points;
        let multipliers = match all.iter().any(|it| it.dsps > 0) {
            true => format!("multipliers, cells of {}", self.exploration.target),
            false => "multiplications in a cycle, in LUTs".to_owned(),
        };
        let middle = (x.from + x.to) / 2.0;
        self.text([middle, y.from + 40.0], "", "middle", &multipliers);
        let title = measure.title(self.exploration.frames);
        self.text([MARGIN, y.to - 12.0], "", "start", &title);
    }

    /// The best that so many multipliers give, whatever memory it takes.
    fn stairs(&mut self, measure: Measure, x: &Scale, y: &Scale) {
        let mut path = String::new();
        let mut best: Option<f64> = None;
        for point in &self.exploration.points {
            let Some(value) = measure.of(point) else {
                continue;
            };
            let is_better = best.is_none_or(|best| match measure {
                Measure::FramesPerSecond => value > best,
                _ => value < best,
            });
            if is_better {
                let at = [x.at(point.multiplier_cost() as f64), y.at(value)];
                let _ = match best {
                    None => write!(path, "M{:.1} {:.1}", at[0], at[1]),
                    Some(_) => write!(path, "H{:.1}V{:.1}", at[0], at[1]),
                };
                best = Some(value);
            }
        }
        let _ = write!(path, "H{:.1}", x.to);
        self.line(&format!("<path d=\"{path}\" class=\"stairs\"/>"));
    }

    fn point(&mut self, point: &Point, [x, y]: [f64; 2], measure: Measure) {
        let class = match point.front {
            true if point.better.is_some() && measure == Measure::FramesPerSecond => "worse",
            true => "front",
            false => "other",
        };
        let mut words = format!(
            "{}: {} cycles, {} multipliers, {} block RAMs",
            point.lanes(),
            HumanCount(point.cycles),
            point.multiplier_cost(),
            point.brams
        );
        if let Some(speed) = point.frames_per_second {
            let _ = write!(words, ", {} frames a second", rate(speed));
        }
        self.line(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" class=\"{class}\"><title>{words}</title></circle>"
        ));
    }

    /// The lanes beside a point, where there is room.
    fn label(&mut self, point: &Point, [x, y]: [f64; 2], taken: &mut Vec<Place>) {
        let text = point.lanes().to_string().replace(' ', "");
        let width = text.len() as f64 * LETTER;
        let aside = RADIUS + 2.0;
        let corners = [
            [x + aside, y - aside],
            [x - aside - width, y + aside + FONT / 2.0],
            [x + aside, y + aside + FONT / 2.0],
            [x - aside - width, y - aside],
        ];
        let free = |[left, base]: &[f64; 2]| {
            let place = Place {
                x: [*left, left + width],
                y: [base - FONT + 3.0, *base],
            };
            let is_free = taken.iter().all(|other| !place.meets(other));
            (place.x[0] > LEFT && place.x[1] < WIDTH && is_free).then_some(place)
        };
        let found = corners
            .iter()
            .find_map(|corner| Some((corner, free(corner)?)));
        if let Some((&corner, place)) = found {
            taken.push(place);
            self.text(corner, "", "start", &text);
        }
    }
}

/// What a point or a label takes.
struct Place {
    x: [f64; 2],
    y: [f64; 2],
}

impl Place {
    /// That of a point.
    fn around([x, y]: [f64; 2]) -> Self {
        Self {
            x: [x - RADIUS, x + RADIUS],
            y: [y - RADIUS, y + RADIUS],
        }
    }

    fn meets(&self, other: &Self) -> bool {
        let meet = |own: [f64; 2], others: [f64; 2]| own[0] < others[1] && others[0] < own[1];
        meet(self.x, other.x) && meet(self.y, other.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::front::tests::{exploration, point};

    #[test]
    fn every_point_is_in_the_chart() {
        let mut found = exploration(vec![
            point([1, 1], 1600, 2),
            point([4, 4], 100, 8),
            point([2, 8], 101, 9),
        ]);
        "a < b".clone_into(&mut found.name);
        let svg = found.to_svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let circles = document
            .descendants()
            .filter(|node| node.has_tag_name("circle"));
        let of_class = |class: &str| {
            let all = circles.clone();
            all.filter(|node| node.attribute("class") == Some(class) && node.has_children())
                .count()
        };
        // In cycles, and in block RAMs.
        assert_eq!((of_class("front"), of_class("other")), (2 * 2, 2));
        assert!(svg.contains(">4x4<") && !svg.contains(">2x8<"), "{svg}");
        assert_eq!(exploration(Vec::new()).to_svg(), None);
    }

    #[test]
    fn ticks_are_round_numbers() {
        let scale = |least: f64, most: f64| Scale::new([least, most].into_iter(), [0.0, 1.0]);
        assert_eq!(scale(1.0, 64.0).ticks(), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(scale(5.0, 5.0).ticks(), [4.0, 5.0, 6.0]);
        assert_eq!(
            scale(1.0, 90_000.0).ticks(),
            [1.0, 10.0, 100.0, 1e3, 1e4, 1e5]
        );
    }
}

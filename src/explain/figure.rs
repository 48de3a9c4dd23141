//! Figures of a layer in the manner of the article: the forward convolution, and the convolution that is its gradient.
//!
//! One pixel of grad_input is chosen. Its terms have the same colour in both figures, wherever their parts stand.

use super::convolution::borders;
use super::notation::Notation;
use super::page::Format;
use super::svg::{self, Legend};
use super::terms::{both, met, Along, Met, PixelTerms};
use super::window::Window;
use crate::layer::{Axis, Layer};
use crate::reference::Term;

/// Arrays that are so small together are shown whole: columns of all three, and rows of each.
const WHOLE: [u32; 2] = [24, 16];
/// Rows and columns of each array that are shown of others, ...
const PART: [u32; 3] = [9, 9, 5];
/// ... and where places have numbers of four digits or more, which need room.
const PART_OF_HUGE: [u32; 3] = [5; 3];
/// Terms that have a colour each; of more, all have one.
pub(super) const COLOURS: usize = 7;

/// A drawing.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it shows, as a part of a file's name: `forward` or `gradient`.
    pub name: &'static str,
    /// The drawing, as SVG.
    pub svg: String,
}

/// Three arrays side by side, and what is said of them.
pub(super) struct Drawing {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) panels: [Panel; 3],
    /// Between them.
    pub(super) signs: [&'static str; 2],
    pub(super) legends: Vec<Legend>,
    /// The terms of the chosen pixel, each with its colour.
    pub(super) left: String,
    pub(super) terms: Vec<(String, usize)>,
    pub(super) notes: Vec<String>,
}

/// An array, or the part of it that is shown.
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) notes: Vec<String>,
    pub(super) rows: Window,
    pub(super) cols: Window,
    /// Row by row.
    pub(super) cells: Vec<Cell>,
    pub(super) frames: Vec<Frame>,
}

/// An entry of an array.
pub(super) struct Cell {
    pub(super) kind: Kind,
    /// The array and where in it the value stands; a zero that is in none has none.
    pub(super) value: Option<(&'static str, u32, u32)>,
    /// Colours of the footprints whose taps are here.
    pub(super) dots: Vec<usize>,
}

/// How an entry is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Value,
    /// The pixel that the figure is about.
    Chosen,
    /// A part of a term, with its colour.
    Term(usize),
    Inserted,
    Border,
}

/// A kernel's footprint: first and last place of its rows and of its columns.
pub(super) struct Frame {
    pub(super) rows: [i64; 2],
    pub(super) cols: [i64; 2],
    /// That of a term; none for the kernel over the gradient.
    pub(super) colour: Option<usize>,
}

/// The forward convolution and its gradient, about this pixel, which must lie in grad_input, or one in the middle.
pub fn figures(layer: &Layer, pixel: Option<(u32, u32)>) -> [Figure; 2] {
    let pixel = match pixel {
        Some((h, w)) => PixelTerms::new(layer, h, w),
        None => PixelTerms::inner(layer),
    };
    let artist = Artist::new(layer, pixel);
    let figure = |name, drawing: Drawing| Figure {
        name,
        svg: svg::draw(&drawing, &artist.notation),
    };
    [
        figure("forward", artist.forward()),
        figure("gradient", artist.gradient()),
    ]
}

struct Artist<'a> {
    layer: &'a Layer,
    notation: Notation,
    pixel: PixelTerms,
    /// Those that have a colour each; none where there are too many.
    coloured: Vec<Term>,
}

impl<'a> Artist<'a> {
    fn new(layer: &'a Layer, pixel: PixelTerms) -> Self {
        let few = pixel.count() <= COLOURS as u64;
        let coloured = match few {
            true => pixel.terms().collect(),
            false => Vec::new(),
        };
        Self {
            layer,
            notation: Notation::new(layer, Format::Text),
            pixel,
            coloured,
        }
    }

    fn forward(&self) -> Drawing {
        let axes = [self.layer.rows(), self.layer.cols()];
        let alongs = [&self.pixel.row, &self.pixel.col];
        let padded = |axis: Axis| {
            let pads = [axis.pad_before, axis.pad_after].map(i64::from);
            (-pads[0], i64::from(axis.in_size) + pads[0] + pads[1])
        };
        let middles = alongs.map(middle_pair);
        let spans = axes.map(|axis| {
            [
                padded(axis),
                (0, axis.kernel.into()),
                (0, axis.out_size.into()),
            ]
        });
        let centres: [[i64; 3]; 2] = std::array::from_fn(|i| {
            let (out, tap) = middles[i];
            [alongs[i].position, tap, out].map(i64::from)
        });
        let [rows, cols] = windows(spans, centres, self.part());

        let frames: Vec<Frame> = self.footprints(middles).collect();
        let is_tap = |frame: &Frame, place: (i64, i64)| {
            let on = |axis: Axis, ends: [i64; 2], place: i64| {
                place >= ends[0]
                    && place <= ends[1]
                    && (place - ends[0]) % i64::from(axis.dilation) == 0
            };
            on(axes[0], frame.rows, place.0) && on(axes[1], frame.cols, place.1)
        };
        let is_dilated = axes.iter().any(|axis| axis.dilation > 1);
        let input = cells(rows[0], cols[0], |h, w| {
            let value = inside(axes[0].in_size, h).zip(inside(axes[1].in_size, w));
            let kind = match value {
                None => Kind::Border,
                Some(at) if at == self.pixel.pixel() => Kind::Chosen,
                Some(_) => Kind::Value,
            };
            let taps = frames.iter().filter(|frame| is_tap(frame, (h, w)));
            Cell {
                kind,
                value: value.map(|(h, w)| ("x", h, w)),
                dots: match is_dilated {
                    true => taps.filter_map(|frame| frame.colour).collect(),
                    // The taps fill their frame.
                    false => Vec::new(),
                },
            }
        });
        let is_padded = axes.iter().any(|axis| axis.pad_before + axis.pad_after > 0);
        let size = |of: fn(&Axis) -> u32| axes.map(|axis| i64::from(of(&axis)));
        let mut input = Panel {
            title: "input x".to_owned(),
            notes: notes(size(|axis| axis.in_size), rows[0], cols[0]),
            rows: rows[0],
            cols: cols[0],
            cells: input,
            frames,
        };
        if is_padded {
            input.notes[0].push_str(", padded");
        }
        let weights = self.array("w", [rows[1], cols[1]], TAP);
        let output = self.array("Y", [rows[2], cols[2]], OUTPUT);
        let panels = [
            input,
            Panel {
                title: "weights w".to_owned(),
                notes: notes(size(|axis| axis.kernel), rows[1], cols[1]),
                ..weights
            },
            Panel {
                title: "output Y".to_owned(),
                notes: notes(size(|axis| axis.out_size), rows[2], cols[2]),
                ..output
            },
        ];
        let mut legends = vec![Legend::Chosen(format!(
            "the chosen pixel, {}",
            self.chosen("x")
        ))];
        if shows(&panels, Kind::Border) {
            legends.push(Legend::Border("zero of the padding".to_owned()));
        }
        let taps = if is_dilated {
            ", its taps are dots"
        } else {
            ""
        };
        match self.coloured.len() {
            0 if self.pixel.count() == 0 => {}
            0 => legends.push(Legend::Frame(format!(
                "the kernel's footprint for one of the outputs{taps}"
            ))),
            _ => legends.push(Legend::Frame(format!(
                "the kernel's footprint for the output of its colour{taps}"
            ))),
        }
        self.drawing("Convolution", panels, ["*", "="], legends)
    }

    /// The footprints of the outputs that read the pixel; of many outputs, that of one.
    fn footprints(&self, middles: [(u32, u32); 2]) -> impl Iterator<Item = Frame> + '_ {
        let [(p, _), (q, _)] = middles;
        let one = (self.coloured.is_empty() && self.pixel.count() > 0).then_some(((p, q), 0));
        let all = self.coloured.iter().enumerate();
        let all = all.map(|(colour, term)| ((term.p, term.q), colour));
        all.chain(one).map(|((p, q), colour)| Frame {
            rows: footprint(self.layer.rows(), p),
            cols: footprint(self.layer.cols(), q),
            colour: Some(colour),
        })
    }

    fn gradient(&self) -> Drawing {
        let axes = [self.layer.rows(), self.layer.cols()];
        let alongs = [&self.pixel.row, &self.pixel.col];
        let span = |axis: Axis| i64::from(axis.kernel - 1) * i64::from(axis.dilation) + 1;
        let spans = axes.map(|axis| {
            [
                (-borders(axis)[0], i64::from(axis.in_size) + span(axis) - 1),
                (0, span(axis)),
                (0, axis.in_size.into()),
            ]
        });
        let part = self.part();
        // Where the kernel lies over the gradient.
        let firsts = alongs.map(|along| along.place(along.axis.kernel - 1));
        let centres: [[i64; 3]; 2] = std::array::from_fn(|i| {
            let (_, tap) = middle_pair(alongs[i]);
            let in_kernel = match span(axes[i]) {
                small if small <= part[1].into() => (small - 1) / 2,
                _ => i64::from(axes[i].kernel - 1 - tap) * i64::from(axes[i].dilation),
            };
            // The kernel's window is the gradient's, moved: what lies on one another is seen in both.
            let shown = Window::new(0, span(axes[i]), part[1], in_kernel);
            let centre = firsts[i] + shown.first + i64::from(shown.size - 1) / 2;
            [centre, in_kernel, alongs[i].position.into()]
        });
        let [rows, cols] = windows(spans, centres, self.part());
        let frame = Frame {
            rows: [firsts[0], firsts[0] + span(axes[0]) - 1],
            cols: [firsts[1], firsts[1] + span(axes[1]) - 1],
            colour: None,
        };
        let gradient = cells(rows[0], cols[0], |m, n| {
            let of = |i: usize, place: i64| met(&axes[i], place);
            let met = (of(0, m), of(1, n));
            let value = match met {
                (Met::Value(p), Met::Value(q)) => Some(("Y", p, q)),
                _ => None,
            };
            let zero = match both(met.0, met.1) {
                Met::Inserted => Kind::Inserted,
                _ => Kind::Border,
            };
            let at = |i: usize, place: i64| rotated_tap(&axes[i], place - firsts[i]);
            let is_tap = at(0, m).zip(at(1, n)).is_some();
            Cell {
                kind: value.map_or(zero, |(_, p, q)| self.kind(OUTPUT, (p, q))),
                value,
                dots: match (is_tap, value) {
                    (true, None) => vec![COLOURS],
                    _ => Vec::new(),
                },
            }
        });
        let kernel = cells(rows[1], cols[1], |a, b| {
            let tap = rotated_tap(&axes[0], a).zip(rotated_tap(&axes[1], b));
            Cell {
                kind: tap.map_or(Kind::Inserted, |tap| self.kind(TAP, tap)),
                value: tap.map(|(r, s)| ("w", r, s)),
                dots: Vec::new(),
            }
        });
        let result = cells(rows[2], cols[2], |h, w| {
            // Windows lie within their arrays, whose sizes have 32 bits.
            let at = (h as u32, w as u32);
            let chosen = at == self.pixel.pixel();
            Cell {
                kind: if chosen { Kind::Chosen } else { Kind::Value },
                value: Some(("x", at.0, at.1)),
                dots: Vec::new(),
            }
        });
        let strided = axes.iter().any(|axis| axis.stride > 1);
        let dilated = axes.iter().any(|axis| axis.dilation > 1);
        let whole = |array: usize| [spans[0][array].1, spans[1][array].1];
        let panel = |title: String, array: usize, cells, frames| Panel {
            title,
            notes: notes(whole(array), rows[array], cols[array]),
            rows: rows[array],
            cols: cols[array],
            cells,
            frames,
        };
        let panels = [
            panel(
                format!("dL/dY{}", if strided { ", dilated" } else { "" }),
                0,
                gradient,
                vec![frame],
            ),
            panel(
                format!("w, rotated{}", if dilated { " and dilated" } else { "" }),
                1,
                kernel,
                Vec::new(),
            ),
            panel("dL/dx".to_owned(), 2, result, Vec::new()),
        ];
        let mut legends = vec![Legend::Chosen(format!(
            "the chosen pixel, {}",
            self.chosen("dL/dx")
        ))];
        if shows(&panels, Kind::Inserted) {
            legends.push(Legend::Inserted(
                match (strided, dilated) {
                    (true, true) => "zero inserted by stride or dilation",
                    (true, false) => "zero inserted by the stride",
                    _ => "zero inserted by the dilation",
                }
                .to_owned(),
            ));
        }
        if shows(&panels, Kind::Border) {
            legends.push(Legend::Border("zero of the border".to_owned()));
        }
        if panels[0].cells.iter().any(|cell| !cell.dots.is_empty()) {
            legends.push(Legend::Dot("a weight meets a zero".to_owned()));
        }
        legends.push(Legend::Window("the kernel's footprint".to_owned()));
        self.drawing("Gradient of the input", panels, ["*", "="], legends)
    }

    /// `x22`, `dL/dx22`
    fn chosen(&self, name: &str) -> String {
        let (h, w) = self.pixel.pixel();
        self.notation.entry(name, &h.to_string(), &w.to_string())
    }

    fn drawing(
        &self,
        what: &str,
        panels: [Panel; 3],
        signs: [&'static str; 2],
        legends: Vec<Legend>,
    ) -> Drawing {
        let (rows, cols) = (self.layer.rows(), self.layer.cols());
        let is_part = panels
            .iter()
            .any(|it| it.rows.is_part() || it.cols.is_part());
        let it = &self.notation;
        let terms: Vec<(String, usize)> = (self.coloured.iter().enumerate())
            .map(|(colour, Term { p, q, r, s })| {
                let dy = it.dy(&p.to_string(), &q.to_string());
                let w = it.w(&r.to_string(), &s.to_string());
                (it.product(&dy, &w), colour)
            })
            .collect();
        let mut notes = Vec::new();
        match self.pixel.count() {
            0 => notes.push("No weight meets a value of dL/dY there: the gradient of this pixel is 0.".to_owned()),
            count if terms.is_empty() => notes.push(format!(
                "{} has {count} terms: each coloured value of dL/dY times the weight that lies on it.",
                self.chosen("dL/dx")
            )),
            _ => {}
        }
        if is_part {
            notes.push(format!(
                "The arrays are too large for a figure: of each a part is shown, round {}.",
                self.chosen("x")
            ));
        }
        Drawing {
            title: format!("{what}: {}", self.layer.name()),
            subtitle: format!(
                "stride {} x {}, dilation {} x {}, padding {}, {}, {}, {}; one channel of x and one of Y",
                rows.stride,
                cols.stride,
                rows.dilation,
                cols.dilation,
                rows.pad_before,
                rows.pad_after,
                cols.pad_before,
                cols.pad_after
            ),
            panels,
            signs,
            legends,
            left: self.chosen("dL/dx"),
            terms,
            notes,
        }
    }

    /// An array of which every entry has a value.
    fn array(&self, name: &'static str, [rows, cols]: [Window; 2], part: Part) -> Panel {
        let cells = cells(rows, cols, |row, col| {
            // Windows lie within their arrays, whose sizes have 32 bits.
            let at = (row as u32, col as u32);
            Cell {
                kind: self.kind(part, at),
                value: Some((name, at.0, at.1)),
                dots: Vec::new(),
            }
        });
        Panel {
            title: String::new(),
            notes: Vec::new(),
            rows,
            cols,
            cells,
            frames: Vec::new(),
        }
    }

    /// Whether a value is a part of a term, and of which.
    fn kind(&self, part: Part, at: (u32, u32)) -> Kind {
        let is_part = |along: &Along, place| along.pairs().any(|pair| part(pair) == place);
        let colour = match self.coloured.is_empty() {
            // Terms are all pairs of a row's and a column's.
            true => {
                let is_term = is_part(&self.pixel.row, at.0) && is_part(&self.pixel.col, at.1);
                is_term.then_some(0)
            }
            false => self.coloured.iter().position(|term| {
                let place = (part((term.p, term.r)), part((term.q, term.s)));
                place == at
            }),
        };
        colour.map_or(Kind::Value, Kind::Term)
    }

    /// How much is shown of arrays that are not shown whole.
    fn part(&self) -> [u32; 3] {
        let is_huge =
            |axis: Axis| [axis.in_size, axis.out_size, axis.kernel].into_iter().max() > Some(1000);
        match is_huge(self.layer.rows()) || is_huge(self.layer.cols()) {
            true => PART_OF_HUGE,
            false => PART,
        }
    }
}

/// The output or the tap of a pair of both.
type Part = fn((u32, u32)) -> u32;
const OUTPUT: Part = |(out, _)| out;
const TAP: Part = |(_, tap)| tap;

/// Output and tap of a term in the middle; where there is none, what is nearest.
fn middle_pair(along: &Along) -> (u32, u32) {
    let axis = along.axis;
    let nearest = || {
        let out = (along.position + axis.pad_before) / axis.stride;
        (out.min(axis.out_size - 1), axis.kernel / 2)
    };
    // A count of taps has no more bits than a kernel's size.
    let middle = along.count().saturating_sub(1) / 2;
    along.pairs().nth(middle as usize).unwrap_or_else(nearest)
}

/// First and last place of the input that an output reads.
fn footprint(axis: Axis, out: u32) -> [i64; 2] {
    let first = i64::from(out) * i64::from(axis.stride) - i64::from(axis.pad_before);
    let span = i64::from(axis.kernel - 1) * i64::from(axis.dilation);
    [first, first + span]
}

/// The tap at a place of the rotated and dilated kernel.
fn rotated_tap(axis: &Axis, place: i64) -> Option<u32> {
    let dilation = i64::from(axis.dilation);
    let back = (place % dilation == 0).then_some(place.div_euclid(dilation))?;
    let tap = i64::from(axis.kernel) - 1 - back;
    inside(axis.kernel, tap)
}

fn inside(size: u32, place: i64) -> Option<u32> {
    u32::try_from(place).ok().filter(|&place| place < size)
}

/// The windows of rows and of columns on three arrays, each given by its least place and its size.
fn windows(
    spans: [[(i64, i64); 3]; 2],
    centres: [[i64; 3]; 2],
    part: [u32; 3],
) -> [[Window; 3]; 2] {
    let [of_rows, of_cols] = spans;
    let width: i64 = of_cols.iter().map(|(_, size)| size).sum();
    let fits = width <= WHOLE[0].into() && of_rows.iter().all(|(_, size)| *size <= WHOLE[1].into());
    std::array::from_fn(|axis| {
        std::array::from_fn(|array| {
            let (least, whole) = spans[axis][array];
            let most = if fits { WHOLE[0] } else { part[array] };
            Window::new(least, whole, most, centres[axis][array])
        })
    })
}

fn cells(rows: Window, cols: Window, cell: impl Fn(i64, i64) -> Cell) -> Vec<Cell> {
    rows.places()
        .flat_map(|row| cols.places().map(move |col| (row, col)))
        .map(|(row, col)| cell(row, col))
        .collect()
}

/// Whether there is a cell of this kind.
fn shows(panels: &[Panel; 3], kind: Kind) -> bool {
    let mut cells = panels.iter().flat_map(|panel| &panel.cells);
    cells.any(|cell| cell.kind == kind)
}

/// The size of an array, and of what is shown of it.
fn notes([height, width]: [i64; 2], rows: Window, cols: Window) -> Vec<String> {
    let mut notes = vec![format!("{height} x {width}")];
    if rows.is_part() || cols.is_part() {
        notes.push(format!("shown: {} x {}", rows.size, cols.size));
    }
    notes
}

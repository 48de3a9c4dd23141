//! A drawing of arrays as SVG, for light pages and dark ones.

use std::fmt::Write as _;

use super::figure::{Cell, Drawing, Frame, Kind, Panel, COLOURS};
use super::notation::Notation;

/// What a sign of a figure means, for the lines below it.
pub(super) enum Legend {
    Chosen(String),
    Inserted(String),
    Border(String),
    Dot(String),
    Frame(String),
    Window(String),
}

// All sizes are in pixels.
const WIDTH: f64 = 800.0;
const MARGIN: f64 = 16.0;
/// Between two arrays, with a sign in it.
const GAP: f64 = 40.0;
const LARGEST_CELL: u32 = 44;
const SMALLEST_CELL: u32 = 16;
const TITLE_FONT: f64 = 20.0;
const FONT: f64 = 14.0;
const LINE: f64 = 22.0;
/// From one dot to the next.
const DOTS: f64 = 6.0;
/// The width of a letter, in sizes of its font, of the widest common sans-serif.
const LETTER: f64 = 0.6;

/// The colours of terms are those of Okabe and Ito, which people tell apart who see fewer colours; black is not among them,
/// and letters on them are black or white, whichever is read better.
const STYLE: &str = "\
text{font-family:'DejaVu Sans',Verdana,Arial,sans-serif;fill:#1f2328}
.page{fill:#ffffff}
.muted{fill:#59636e}
.cell{fill:#ffffff;stroke:#8c959f}
.inserted{fill:#e4e8ec}
.border{stroke-dasharray:3 3}
.chosen{fill:#ffffff;stroke:#1f2328;stroke-width:3}
.window{fill:none;stroke:#1f2328;stroke-width:3}
.frame{fill:none;stroke-width:3}
.zero{fill:#59636e}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.page{fill:#0d1117}
.muted,.zero{fill:#9198a1}
.cell{fill:#0d1117;stroke:#656c76}
.inserted{fill:#262c36}
.chosen{fill:#0d1117;stroke:#e6edf3}
.window{stroke:#e6edf3}
}
.c0{fill:#0072b2}.c1{fill:#d55e00}.c2{fill:#009e73}.c3{fill:#cc79a7}.c4{fill:#e69f00}.c5{fill:#56b4e9}.c6{fill:#f0e442}
.s0{stroke:#0072b2}.s1{stroke:#d55e00}.s2{stroke:#009e73}.s3{stroke:#cc79a7}.s4{stroke:#e69f00}.s5{stroke:#56b4e9}.s6{stroke:#f0e442}
text.on{fill:#000000}
text.on0{fill:#ffffff}
";

/// The drawing as a file's text.
pub(super) fn draw(drawing: &Drawing, notation: &Notation) -> String {
    let mut svg = Svg {
        body: String::new(),
        notation,
    };
    let cell = cell_size(&drawing.panels);
    let mut y = svg.head(drawing);
    y = svg.panels(drawing, y, cell);
    y = svg.legends(drawing, y + LINE);
    let height = y + MARGIN - LINE / 2.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n<style>\n{STYLE}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n",
        escaped(&drawing.title),
        escaped(&description(drawing)),
    );
    text.push_str(&svg.body);
    text.push_str("</svg>\n");
    text
}

/// For those who cannot see it.
fn description(drawing: &Drawing) -> String {
    let terms: Vec<&str> = drawing
        .terms
        .iter()
        .map(|(term, _)| term.as_str())
        .collect();
    let mut parts = vec![drawing.subtitle.clone()];
    if !terms.is_empty() {
        parts.push(format!("{} = {}", drawing.left, terms.join(" + ")));
    }
    parts.extend(drawing.notes.iter().cloned());
    parts.join(". ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// About how wide a text is.
fn text_width(text: &str, font: f64) -> f64 {
    text.chars().count() as f64 * font * LETTER
}

/// What an array takes from side to side: its cells, or its words where they are wider.
fn panel_width(panel: &Panel, cell: f64) -> f64 {
    let words = panel.notes.iter().map(|note| text_width(note, FONT));
    let widest = words.fold(text_width(&panel.title, FONT), f64::max);
    widest.max(f64::from(panel.cols.size) * cell)
}

/// The largest cells with which all arrays fit beside one another.
fn cell_size(panels: &[Panel; 3]) -> f64 {
    let fits = |cell: &u32| {
        let widths = panels
            .iter()
            .map(|panel| panel_width(panel, f64::from(*cell)));
        widths.sum::<f64>() + 2.0 * GAP + 2.0 * MARGIN <= WIDTH
    };
    let cell = (SMALLEST_CELL..=LARGEST_CELL).rev().find(fits);
    f64::from(cell.unwrap_or(SMALLEST_CELL))
}

struct Svg<'a> {
    body: String,
    notation: &'a Notation,
}

impl Svg<'_> {
    fn text(&mut self, [x, y]: [f64; 2], font: f64, class: &str, anchor: &str, text: &str) {
        let class = match class {
            "" => String::new(),
            class => format!(" class=\"{class}\""),
        };
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{font:.1}\" text-anchor=\"{anchor}\"{class}>{}</text>",
            escaped(text)
        );
    }

    /// In a font that is smaller where the text would not fit.
    fn line(&mut self, y: f64, font: f64, class: &str, text: &str) {
        let room = WIDTH - 2.0 * MARGIN;
        let font = font.min(font * room / text_width(text, font));
        self.text([MARGIN, y], font, class, "start", text);
    }

    fn rect(&mut self, [x, y]: [f64; 2], size: f64, class: &str, more: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{size:.1}\" height=\"{size:.1}\" class=\"{class}\"{more}/>"
        );
    }

    fn dot(&mut self, [x, y]: [f64; 2], colour: usize) {
        let class = match colour {
            COLOURS => "zero".to_owned(),
            colour => format!("c{colour}"),
        };
        let _ = writeln!(
            self.body,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" class=\"{class}\"/>"
        );
    }

    /// Where what comes below begins.
    fn head(&mut self, drawing: &Drawing) -> f64 {
        let y = MARGIN + TITLE_FONT;
        self.line(y, TITLE_FONT, "", &drawing.title);
        self.line(y + LINE, FONT, "muted", &drawing.subtitle);
        y + 2.0 * LINE
    }

    fn panels(&mut self, drawing: &Drawing, top: f64, cell: f64) -> f64 {
        let widths = drawing
            .panels
            .each_ref()
            .map(|panel| panel_width(panel, cell));
        let all = widths.iter().sum::<f64>() + 2.0 * GAP;
        let tallest = drawing
            .panels
            .iter()
            .map(|it| it.rows.size)
            .max()
            .unwrap_or(1);
        let height = f64::from(tallest) * cell;
        let top = top + LINE;
        let middle = top + height / 2.0;
        let mut left = (WIDTH - all) / 2.0;
        let mut bottom = top + height;
        for (index, (panel, width)) in drawing.panels.iter().zip(widths).enumerate() {
            let centre = left + width / 2.0;
            let origin = [
                centre - f64::from(panel.cols.size) * cell / 2.0,
                middle - f64::from(panel.rows.size) * cell / 2.0,
            ];
            self.text([centre, origin[1] - 9.0], FONT, "", "middle", &panel.title);
            self.panel(panel, origin, cell);
            let mut y = origin[1] + f64::from(panel.rows.size) * cell;
            for note in &panel.notes {
                y += FONT + 5.0;
                self.text([centre, y], FONT, "muted", "middle", note);
            }
            bottom = bottom.max(y);
            left += width;
            if let Some(sign) = drawing.signs.get(index) {
                self.text([left + GAP / 2.0, middle + 8.0], 24.0, "", "middle", sign);
                left += GAP;
            }
        }
        bottom
    }

    fn panel(&mut self, panel: &Panel, origin: [f64; 2], cell: f64) {
        let at = |index: usize| {
            let cols = panel.cols.size as usize;
            let (row, col) = (index / cols, index % cols);
            [origin[0] + col as f64 * cell, origin[1] + row as f64 * cell]
        };
        for (index, it) in panel.cells.iter().enumerate() {
            self.cell(it, at(index), cell);
        }
        // Over the lines of the cells, and words over all lines.
        for (index, frame) in panel.frames.iter().enumerate() {
            self.frame(panel, frame, index, origin, cell);
        }
        let font = self.font(panel, cell);
        for (index, it) in panel.cells.iter().enumerate() {
            let [x, y] = at(index);
            if it.kind == Kind::Chosen {
                let hollow = " fill-opacity=\"0\"";
                self.rect([x + 1.5, y + 1.5], cell - 3.0, "chosen", hollow);
            }
            self.label(it, [x, y], cell, font);
        }
    }

    fn cell(&mut self, it: &Cell, [x, y]: [f64; 2], cell: f64) {
        let class = match it.kind {
            Kind::Value | Kind::Chosen => "cell".to_owned(),
            Kind::Inserted => "cell inserted".to_owned(),
            Kind::Border => "cell border".to_owned(),
            Kind::Term(colour) => format!("cell term c{colour}"),
        };
        let place = match it.value {
            Some((array, row, col)) => {
                format!(" data-array=\"{array}\" data-row=\"{row}\" data-col=\"{col}\"")
            }
            None => String::new(),
        };
        self.rect([x, y], cell, &class, &place);
    }

    fn words(&self, it: &Cell) -> Vec<String> {
        match it.value {
            Some((array, row, col)) => self.notation.label(array, row, col),
            None => vec!["0".to_owned()],
        }
    }

    /// The font in which the longest words of an array fit its cells.
    fn font(&self, panel: &Panel, cell: f64) -> f64 {
        let lines = panel.cells.iter().flat_map(|it| self.words(it));
        let longest = lines.map(|line| line.len()).max().unwrap_or(1);
        (0.32 * cell).min(0.84 * cell / (longest as f64 * LETTER))
    }

    fn label(&mut self, it: &Cell, [x, y]: [f64; 2], cell: f64, font: f64) {
        let on = match it.kind {
            Kind::Value | Kind::Chosen => "",
            Kind::Inserted | Kind::Border => "zero",
            Kind::Term(0) => "on0",
            Kind::Term(_) => "on",
        };
        let label = self.words(it);
        let lines = label.len() as f64;
        let mut base = y + cell / 2.0 + font * 0.3 - (lines - 1.0) * font * 0.5;
        for line in &label {
            self.text([x + cell / 2.0, base], font, on, "middle", line);
            base += font;
        }
        let others = it.dots.len().saturating_sub(1) as f64;
        for (index, &colour) in it.dots.iter().enumerate() {
            let aside = DOTS * (index as f64 - others / 2.0);
            self.dot([x + cell / 2.0 + aside, y + 0.75 * cell], colour);
        }
    }

    /// The sides of a footprint that are in the window; a little inside of those before.
    fn frame(&mut self, panel: &Panel, frame: &Frame, index: usize, origin: [f64; 2], cell: f64) {
        let inset = 1.5 + 2.0 * index as f64;
        let ends = |places: [i64; 2], window: super::window::Window, origin: f64| {
            let at = |place: i64| origin + (place - window.first) as f64 * cell;
            let is_in = [places[0] >= window.first, places[1] < window.end()];
            let first = if is_in[0] {
                at(places[0]) + inset
            } else {
                at(window.first)
            };
            let last = if is_in[1] {
                at(places[1] + 1) - inset
            } else {
                at(window.end())
            };
            // Of one that is wholly elsewhere nothing is seen.
            (
                is_in,
                first,
                last,
                places[1] >= window.first && places[0] < window.end(),
            )
        };
        let (in_x, left, right, seen_x) = ends(frame.cols, panel.cols, origin[0]);
        let (in_y, top, bottom, seen_y) = ends(frame.rows, panel.rows, origin[1]);
        if !(seen_x && seen_y) {
            return;
        }
        let class = match frame.colour {
            None => "window".to_owned(),
            Some(colour) => format!("frame s{colour}"),
        };
        let sides = [
            (in_y[0], [left, top, right, top]),
            (in_x[1], [right, top, right, bottom]),
            (in_y[1], [right, bottom, left, bottom]),
            (in_x[0], [left, bottom, left, top]),
        ];
        for [x1, y1, x2, y2] in sides.into_iter().filter(|side| side.0).map(|side| side.1) {
            let _ = writeln!(
                self.body,
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke-linecap=\"square\" class=\"{class}\"/>"
            );
        }
    }

    /// What the signs mean, the chosen pixel's equation, and more words.
    fn legends(&mut self, drawing: &Drawing, top: f64) -> f64 {
        let mut y = top + LINE;
        let mut x = MARGIN;
        for legend in &drawing.legends {
            let text = match legend {
                Legend::Chosen(text)
                | Legend::Inserted(text)
                | Legend::Border(text)
                | Legend::Dot(text)
                | Legend::Frame(text)
                | Legend::Window(text) => text,
            };
            let width = 24.0 + text_width(text, FONT) + 16.0;
            if x > MARGIN && x + width > WIDTH - MARGIN {
                x = MARGIN;
                y += LINE;
            }
            let corner = [x + 1.0, y - 13.0];
            match legend {
                Legend::Chosen(_) => self.rect(corner, 14.0, "chosen", ""),
                Legend::Inserted(_) => self.rect(corner, 14.0, "cell inserted", ""),
                Legend::Border(_) => self.rect(corner, 14.0, "cell border", ""),
                Legend::Dot(_) => self.dot([x + 8.0, y - 5.0], COLOURS),
                Legend::Frame(_) => self.rect(corner, 14.0, "frame s0", ""),
                Legend::Window(_) => self.rect(corner, 14.0, "window", ""),
            }
            self.text([x + 24.0, y], FONT, "", "start", text);
            x += width;
        }
        y += LINE;
        if !drawing.terms.is_empty() {
            y = self.equation(drawing, y) + LINE;
        }
        for note in &drawing.notes {
            self.line(y, FONT, "", note);
            y += LINE;
        }
        y
    }

    fn equation(&mut self, drawing: &Drawing, mut y: f64) -> f64 {
        let begin = format!("{} =", drawing.left);
        self.text([MARGIN, y], FONT, "", "start", &begin);
        let indent = MARGIN + text_width(&begin, FONT) + 10.0;
        let mut x = indent;
        for (index, (term, colour)) in drawing.terms.iter().enumerate() {
            let term = match index {
                0 => term.clone(),
                _ => format!("+ {term}"),
            };
            let width = 20.0 + text_width(&term, FONT) + 10.0;
            if x > indent && x + width > WIDTH - MARGIN {
                x = indent;
                y += LINE;
            }
            self.rect([x, y - 12.0], 13.0, &format!("cell c{colour}"), "");
            self.text([x + 20.0, y], FONT, "", "start", &term);
            x += width;
        }
        y
    }
}

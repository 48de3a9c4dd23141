//! From the walk of a frame to what the core is told: the steps of both axes as programs.

use super::axis::{AxisWalk, Visit};
use super::cycles::Buffers;
use super::frame::FrameWalk;
use super::program::{fold, rounds, told_ahead, Folded};
use crate::layer::Layer;
use bpa_hdl::config::descriptor::{Axis, Descriptor, Line, Program, Step};
use bpa_hdl::config::pixels::{PixelLanes, TapColumn};
use bpa_hdl::walk::{AHEAD_IN_LOGIC, AHEAD_IN_MEMORY, LINES_IN_LOGIC};

/// Where the programs stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// In constants: short ones in logic, long ones in a memory.
    Fixed,
    /// In a memory that each job fills.
    Programmable,
}

impl FrameWalk {
    /// The layer as the core takes it, with buffers of these sizes.
    pub fn describe(&self, layer: &Layer, buffers: Buffers, shell: Shell) -> Descriptor {
        let beats = self.pixel_beats;
        let operation = layer.operation();
        let k_blocks = u64::from(operation.moving_blocks());
        let kernel_cols = operation.cols.kernel;
        let [row_units, col_units] = self.units(kernel_cols);
        // What the space of a pixel of what moves counts as.
        let space = match shell {
            Shell::Fixed => 1,
            Shell::Programmable => self.pixel_words,
        };
        let axis = |walk: &AxisWalk, steps: Steps, units: &Units, name: &str| {
            let fall = walk.fall() as i64 * units.words;
            let max_taps = walk.max_taps();
            Axis {
                program: steps.program(walk, shell, name),
                address_tap: -fall,
                weight_tap: match max_taps {
                    1 => 0,
                    _ => walk.taps.tap_step * units.weights as u64,
                },
                max_taps,
                visits: walk.visits.len() as u64,
            }
        };
        Descriptor {
            arrays: layer.pass().arrays(),
            rows: axis(
                &self.rows,
                self.row_steps(kernel_cols, space),
                &row_units,
                "row",
            ),
            cols: axis(
                &self.cols,
                self.col_steps(kernel_cols, space),
                &col_units,
                "column",
            ),
            kept_rows: self.rows.kept,
            kept_cols: self.cols.kept,
            k_blocks,
            c_blocks: operation.result_blocks().into(),
            group_blocks: operation.group_blocks().into(),
            block_weights: operation.rows.kernel * kernel_cols * k_blocks,
            line_words: buffers.line_words,
            reaches: self.reaches,
            least_issues: self.least_issues(),
            fifo_results: buffers.fifo_results,
            end_beats: self.end_pixels() * beats,
            two_weight_sets: layer.two_weight_sets(),
            accumulate: layer.accumulate(),
            mask: layer.mask(),
            shift: layer.requantise().map_or(0, |it| it.shift.into()),
            rounding_seed: 0,
            zero_point: layer.zero_point().into(),
            out_levels: layer
                .requantise()
                .map_or_else(Default::default, |it| it.levels()),
            max_skip: self.max_skipped() * beats,
            pixels: self.told_lanes(),
        }
    }

    /// What lanes over pixels are told.
    fn told_lanes(&self) -> Option<PixelLanes> {
        let lanes = self.lanes.as_ref()?;
        let words = self.pixel_words;
        let tap = |tap: &TapColumn| TapColumn {
            offset: tap.offset * words as i64,
            ..tap.clone()
        };
        Some(PixelLanes {
            moving: lanes.moving.clone(),
            result: lanes.result.clone(),
            result_rows: self.rows.size(),
            taps: lanes.taps.iter().map(tap).collect(),
            stretch_words: lanes.moving.phases.len() as u64 * words,
            first_stretch: self.cols.visits[0].lanes.map_or(0, |it| it.stretch),
        })
    }

    /// Of rows and of columns.
    fn units(&self, kernel_cols: u64) -> [Units; 2] {
        let words = self.pixel_words as i64;
        let weights = self.tap_issues as i64;
        [
            Units {
                words: words * self.cols.kept_size() as i64,
                weights: weights * kernel_cols as i64,
            },
            Units { words, weights },
        ]
    }

    /// A step of a row goes from the last pixel of the row before to the row's first.
    fn row_steps(&self, kernel_cols: u64, space: u64) -> Steps {
        let [units, col_units] = self.units(kernel_cols);
        let visits = &self.rows.visits;
        let at = |visit: &Visit| units.place(&self.rows, visit);
        let cols = &self.cols.visits;
        let first = col_units.place(&self.cols, &cols[0]);
        let across = first - col_units.place(&self.cols, &cols[cols.len() - 1]);
        let step = |index: usize, place: Place, taps: i64| {
            let needs = self.row_needs(&visits[index]);
            Step {
                taps,
                address: place.address,
                weight: place.weight,
                need: needs.first,
                free: needs.last * space,
                skip: self.skipped_before_row(index) * self.pixel_beats,
                opens: needs.opens,
                closes: needs.closes,
                last: index + 1 == visits.len(),
                ..Step::default()
            }
        };
        let taps = |index: usize| visits[index].taps.count as i64;
        let end = visits.len() - 1;
        let frame = Place {
            address: (self.kept_pixels() * self.pixel_words) as i64,
            weight: 0,
        };
        let again = at(&visits[0]) - at(&visits[end]) + across + frame;
        Steps {
            first: step(0, at(&visits[0]) + first, taps(0) - 1),
            others: (1..visits.len())
                .map(|i| {
                    step(
                        i,
                        at(&visits[i]) - at(&visits[i - 1]) + across,
                        taps(i) - taps(i - 1),
                    )
                })
                .collect(),
            again: step(0, again, taps(0) - taps(end)),
        }
    }

    /// A step of a column goes from the pixel before in its row. Where a row begins, its own step tells all but the taps.
    fn col_steps(&self, kernel_cols: u64, space: u64) -> Steps {
        let [_, units] = self.units(kernel_cols);
        let visits = &self.cols.visits;
        let taps = |index: usize| visits[index].taps.count as i64;
        let stretch = |visit: &Visit| visit.lanes.map_or(0, |lanes| lanes.stretch);
        let end = visits.len() - 1;
        let step = |index: usize| {
            let visit = &visits[index];
            let at = |visit: &Visit| units.place(&self.cols, visit);
            let place = at(visit) - at(&visits[index - 1]);
            Step {
                taps: taps(index) - taps(index - 1),
                address: place.address,
                weight: place.weight,
                tap: visit.lanes.map_or(0, |lanes| lanes.tap),
                stretches: stretch(visit) - stretch(&visits[index - 1]),
                need: visit.opens,
                // A row's last pixel lets go what the row tells.
                free: if index == end {
                    0
                } else {
                    visit.closes * space
                },
                skip: self.skipped_before_col(index) * self.pixel_beats,
                last: index == end,
                ..Step::default()
            }
        };
        let first = |taps: i64| Step {
            taps,
            tap: visits[0].lanes.map_or(0, |lanes| lanes.tap),
            free: if end == 0 {
                0
            } else {
                visits[0].closes * space
            },
            last: end == 0,
            ..Step::default()
        };
        Steps {
            first: first(taps(0) - 1),
            others: (1..visits.len()).map(step).collect(),
            again: first(taps(0) - taps(end)),
        }
    }
}

/// What one position along an axis is worth.
struct Units {
    /// Words of the line buffer.
    words: i64,
    /// Weight words of one tap.
    weights: i64,
}

impl Units {
    /// Where a position's first tap reads.
    fn place(&self, walk: &AxisWalk, visit: &Visit) -> Place {
        Place {
            address: (visit.place - walk.kept.first as i64) * self.words,
            weight: visit.taps.first_tap as i64 * self.weights,
        }
    }
}

/// Where a tap reads, or how far one is from another, in words.
#[derive(Clone, Copy)]
struct Place {
    address: i64,
    weight: i64,
}

impl std::ops::Add for Place {
    type Output = Place;
    fn add(self, other: Place) -> Place {
        Place {
            address: self.address + other.address,
            weight: self.weight + other.weight,
        }
    }
}

impl std::ops::Sub for Place {
    type Output = Place;
    fn sub(self, other: Place) -> Place {
        Place {
            address: self.address - other.address,
            weight: self.weight - other.weight,
        }
    }
}

/// The steps of an axis.
struct Steps {
    /// The very first.
    first: Step,
    /// Those behind the first, of a round.
    others: Vec<Step>,
    /// The first of every later round.
    again: Step,
}

impl Steps {
    fn program(&self, walk: &AxisWalk, shell: Shell, name: &str) -> Program {
        if shell == Shell::Fixed {
            let program = self.program_ahead(walk, AHEAD_IN_LOGIC, name);
            if program.lines.len() <= LINES_IN_LOGIC {
                return program;
            }
        }
        self.program_ahead(walk, AHEAD_IN_MEMORY, name)
    }

    fn program_ahead(&self, walk: &AxisWalk, ahead: usize, name: &str) -> Program {
        let mut steps = vec![&self.first];
        for _ in 0..rounds(self.others.len() + 1, ahead) {
            steps.extend(&self.others);
            steps.push(&self.again);
        }
        let lines = fold(&steps, ahead, &walk.periods());
        let told = told_ahead(&lines, ahead);
        let lines = lines.iter().zip(told).map(|(line, ahead)| Line {
            step: steps[line.first].clone(),
            ahead,
            comment: comment(walk, line, name),
        });
        Program {
            lines: lines.collect(),
            ahead,
        }
    }
}

/// `rows 1 to 53, every 2nd: 2 taps`
fn comment(walk: &AxisWalk, line: &Folded, name: &str) -> String {
    let round = walk.visits.len();
    let visits: Vec<&Visit> = (0..line.times)
        .map(|turn| &walk.visits[(line.first + turn * line.every) % round])
        .collect();
    let taps = visits.iter().map(|visit| visit.taps.count);
    let (least, most) = (taps.clone().min().unwrap_or(1), taps.max().unwrap_or(1));
    let taps = match (least, most) {
        (1, 1) => "1 tap".to_owned(),
        (least, most) if least == most => format!("{most} taps"),
        (least, most) => format!("{least} to {most} taps"),
    };
    let (first, last) = (visits[0].position, visits[visits.len() - 1].position);
    let positions = match line.times {
        1 => format!("{name} {first}"),
        2 => format!("{name}s {first} and {last}"),
        _ => format!("{name}s {first}, {}, ... {last}", visits[1].position),
    };
    let later = match line.first < round {
        true => "",
        false if name == "row" => " of the next frame",
        false => " of the next row",
    };
    format!("{positions}{later}: {taps}")
}

//! The front of an exploration as a table.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use indicatif::HumanCount;

use super::{Exploration, Found, Point, Room};

impl Exploration {
    /// A heading, the table of the front, and what was left out.
    pub fn to_text(&self) -> String {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED);
        let pixels = self.points.iter().any(|point| point.pixels > 1);
        let lanes = match pixels {
            true => "SIMD x PE x pixels",
            false => "SIMD x PE",
        };
        let mut header = vec![lanes, "cycles", "bound", "multipliers", "block RAMs"];
        if self.seeds.is_some() {
            header.extend(["LUTs", "FFs", "MHz", "frames/s"]);
            let has_note = |point: &Point| self.note(point).is_some();
            if self.front().any(has_note) {
                header.push("");
            }
        }
        table.set_header(header);
        for point in self.front() {
            table.add_row(self.row(point));
        }
        for column in table.column_iter_mut().take(9) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let (name, target) = (&self.name, &self.target);
        let cycles = match self.frames {
            1 => "cycles of a frame".to_owned(),
            frames => format!("cycles of {frames} frames"),
        };
        let count = |number: u64| HumanCount(number).to_string();
        format!(
            "{name} on {target}{}; {cycles}.\n\
             Of {} {} {} fit; none beats these {}:\n{table}\n",
            within(&self.room),
            count(self.candidates),
            match self.points.iter().any(|point| point.pixels > 1) {
                true => "choices of lanes",
                false => "pairs of lanes",
            },
            count(self.points.len() as u64),
            count(self.front().count() as u64),
        )
    }

    fn row(&self, point: &Point) -> Vec<String> {
        let count = |number: u64| HumanCount(number).to_string();
        let ratio = point.cycles as f64 / point.bound_cycles as f64;
        let mut row = vec![
            point.lanes().to_string(),
            count(point.cycles),
            format!("{ratio:.3} x"),
            match point.dsps {
                0 => format!("{} in LUTs", count(point.multiplications())),
                dsps => count(dsps),
            },
            count(point.brams),
        ];
        if self.seeds.is_some() {
            row.extend(match &point.synthesis {
                Some(Found::Speed(speed)) => [
                    count(speed.luts),
                    count(speed.ffs),
                    speed
                        .fmax_mhz
                        .map_or(String::new(), |mhz| format!("{mhz:.1}")),
                    point.frames_per_second.map_or(String::new(), rate),
                ],
                Some(Found::TooSmall(_)) | None => [""; 4].map(str::to_owned),
            });
            row.extend(self.note(point));
        }
        row
    }

    /// What is to be said of a point's synthesis.
    fn note(&self, point: &Point) -> Option<String> {
        match (&point.synthesis, &point.better) {
            _ if self.seeds.is_none() => None,
            (None, _) => Some("no synthesis".to_owned()),
            (Some(Found::TooSmall(reason)), _) => Some(format!("does not fit: {reason}")),
            (Some(Found::Speed(_)), better) => {
                let lanes = better.as_ref()?.iter().map(u32::to_string);
                Some(format!(
                    "{} is better",
                    lanes.collect::<Vec<_>>().join(" x ")
                ))
            }
        }
    }
}

/// What there is, for people.
fn within(room: &Room) -> String {
    let parts = [(room.dsps, "multipliers"), (room.brams, "block RAMs")];
    let parts = parts
        .iter()
        .filter_map(|(most, what)| most.map(|most| format!("{} {what}", HumanCount(most))));
    let parts: Vec<String> = parts.collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!(" with {}", parts.join(" and ")),
    }
}

/// Frames a second with three figures or all before the point.
pub(super) fn rate(rate: f64) -> String {
    match rate {
        _ if rate >= 100.0 => HumanCount(rate.round() as u64).to_string(),
        _ if rate >= 10.0 => format!("{rate:.1}"),
        _ => format!("{rate:.2}"),
    }
}

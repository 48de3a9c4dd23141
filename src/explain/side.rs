//! The terms of one axis as a progression: from each to the next the output rises and the tap falls.

use super::affine::affine;
use super::phases::Phase;
use super::terms::Along;

/// Numbers in a row that are written out.
const MOST_NUMBERS: u64 = 8;

/// What the rows of an axis are called.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    pub(super) position: &'static str,
    pub(super) index: &'static str,
}

pub(super) const ROWS: Names = Names {
    one: "row",
    many: "rows",
    position: "h",
    index: "i",
};
pub(super) const COLUMNS: Names = Names {
    one: "column",
    many: "columns",
    position: "w",
    index: "j",
};

/// The terms of an axis, of one position or, with a letter, of all those of a phase: term `a` meets output
/// `letter + first_out + a * out_step` with tap `first_tap - a * tap_step`.
pub(super) struct Side {
    letter: Option<&'static str>,
    first_out: i64,
    out_step: i64,
    first_tap: i64,
    tap_step: i64,
    pub(super) count: u64,
}

impl Side {
    pub(super) fn of_position(along: &Along) -> Self {
        let (out_step, tap_step) = along.steps();
        let (out, tap) = along.pairs().next().unwrap_or_default();
        Self {
            letter: None,
            first_out: out.into(),
            // Below the strides and dilations of a layer, which have 32 bits.
            out_step: out_step as i64,
            first_tap: tap.into(),
            tap_step: tap_step as i64,
            count: along.count(),
        }
    }

    pub(super) fn of_phase(phase: &Phase, names: Names) -> Self {
        let (out, tap) = phase.taps[0];
        let (next_out, next_tap) = phase.taps.get(1).copied().unwrap_or((out, tap));
        Self {
            letter: (phase.last > 0).then_some(names.index),
            first_out: out,
            out_step: next_out - out,
            first_tap: tap.into(),
            tap_step: i64::from(tap) - i64::from(next_tap),
            count: phase.taps.len() as u64,
        }
    }

    fn letter(&self) -> (i64, &str) {
        self.letter.map_or((0, ""), |letter| (1, letter))
    }

    /// Output and tap of a term.
    pub(super) fn term(&self, index: u64) -> [String; 2] {
        let index = index as i64;
        [
            affine(&[self.letter()], self.first_out + index * self.out_step),
            (self.first_tap - index * self.tap_step).to_string(),
        ]
    }

    /// The same of the term with this letter for its number.
    pub(super) fn any_term(&self, index: &str) -> [String; 2] {
        let some = i64::from(self.count > 1);
        [
            affine(
                &[self.letter(), (some * self.out_step, index)],
                self.first_out,
            ),
            affine(&[(-some * self.tap_step, index)], self.first_tap),
        ]
    }

    /// `weights of rows 2, 0 meet rows i, i + 1`
    pub(super) fn words(&self, names: Names) -> String {
        let all = |which: usize| {
            let term = |index| format!("`{}`", self.term(index)[which]);
            let shown: Vec<String> = match self.count {
                count if count <= MOST_NUMBERS => (0..count).map(term).collect(),
                count => vec![term(0), term(1), "...".to_owned(), term(count - 1)],
            };
            shown.join(", ")
        };
        let many = if self.count == 1 {
            names.one
        } else {
            names.many
        };
        let verb = if self.count == 1 { "meets" } else { "meet" };
        format!(
            "{many} {} of the weights {verb} {many} {} of `Y`",
            all(1),
            all(0)
        )
    }
}

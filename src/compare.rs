//! One result against another, element by element.

use std::fmt;

use ndarray::Array4;

use crate::layer::{Layer, Pass};
use crate::operands::{self, Operand};

/// What [`compare`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Elements that differ.
    pub mismatches: u64,
    /// The first of them, in the order of the indices.
    pub first: Option<Mismatch>,
}

impl Comparison {
    /// Takes in what was found of the frames that come after so many.
    pub fn join(&mut self, later: Comparison, frames: usize) {
        self.mismatches += later.mismatches;
        let first = later.first.map(|mut first| {
            first.index[0] += frames;
            first
        });
        self.first = self.first.or(first);
    }
}

/// An element that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Frame, channel, row, column.
    pub index: [usize; 4],
    /// What the engine gave.
    pub found: i64,
    /// What the reference says.
    pub expected: i64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:?} (frame, channel, row, column) is {}, the reference says {}",
            self.index, self.found, self.expected
        )
    }
}

impl Mismatch {
    /// For people, of the array that a layer makes: `grad_input[0, 2, 3, 4] (n, c, h, w) is -7, the reference says 234`.
    pub fn of(&self, layer: &Layer) -> String {
        let [.., array] = operands::of_layer(layer);
        self.of_array(array, layer.pass())
    }

    /// The same of a result that is called so, which an engine made in this pass.
    pub fn of_array(&self, array: Operand, pass: Pass) -> String {
        let [a, b, c, d] = operands::place(pass, self.index);
        // An index within a group is one of that group.
        let axes = array.axes.to_lowercase().replace("/groups", "");
        format!(
            "{}[{a}, {b}, {c}, {d}] {axes} is {}, the reference says {}",
            array.name, self.found, self.expected
        )
    }
}

/// Compares an engine's result (frame, channel, row, column) with the reference's.
///
/// # Panics
/// If the shapes differ.
pub fn compare(found: &Array4<i64>, expected: &Array4<i64>) -> Comparison {
    assert_eq!(found.shape(), expected.shape(), "results of two layers");
    let mut different = found
        .indexed_iter()
        .zip(expected)
        .filter(|((_, found), expected)| found != expected)
        .map(|((index, &found), &expected)| Mismatch {
            index: index.into(),
            found,
            expected,
        });
    let first = different.next();
    Comparison {
        mismatches: u64::from(first.is_some()) + different.count() as u64,
        first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::LayerFile;

    fn layer(pass: &str) -> Layer {
        let keys = "in_channels = 1\nout_channels = 1\nin_size = 1\nkernel = 1\n";
        let file = LayerFile::parse(&format!("[layer]\n{keys}{pass}"), "here").unwrap();
        file.validate().unwrap()
    }

    #[test]
    fn the_first_difference_is_named_and_all_are_counted() {
        let expected = Array4::from_shape_fn((2, 3, 4, 5), |(n, c, h, w)| {
            (n * 1000 + c * 100 + h * 10 + w) as i64
        });
        let mut found = expected.clone();
        assert_eq!(
            compare(&found, &expected),
            Comparison {
                mismatches: 0,
                first: None
            }
        );
        found[[1, 0, 0, 0]] = 1;
        found[[0, 2, 3, 4]] = -7;
        let comparison = compare(&found, &expected);
        assert_eq!(comparison.mismatches, 2);
        assert_eq!(
            comparison.first.unwrap().of(&layer("")),
            "grad_input[0, 2, 3, 4] (n, c, h, w) is -7, the reference says 234"
        );
        assert_eq!(
            comparison
                .first
                .unwrap()
                .of(&layer("pass = \"grad_weight\"\nbatch = 1\n")),
            "grad_weight[2, 0, 3, 4] (k, c, r, s) is -7, the reference says 234"
        );
        let mut whole = Comparison::default();
        whole.join(compare(&expected, &expected), 0);
        whole.join(comparison, 2);
        whole.join(comparison, 4);
        assert_eq!(whole.mismatches, 4);
        assert_eq!(whole.first.unwrap().index, [2, 2, 3, 4]);
    }
}

//! The runs that each mutant goes through.

use crate::choices::Choices;

/// One run of an engine.
#[derive(Clone, Copy)]
pub struct Vector {
    /// Of the arrays, of the stalls and of what registers hold before the reset.
    pub seed: u64,
    pub values: Values,
    /// Probabilities of stalls of inputs and output.
    pub stalls: (f64, f64),
    /// Sets of what is stationary; the later ones come while frames pass.
    pub sets: usize,
    /// Wrong `tlast`s, by source.
    pub flips: &'static [(usize, Flip)],
    /// Beats after which the output is blocked for so many cycles.
    pub blocked: Option<(u64, u64)>,
    /// Cycles before what is stationary comes; frames are offered before.
    pub late_set: u64,
    /// Cycles of a first run, which a reset of one cycle ends.
    pub cut: Option<u64>,
    pub frames: usize,
}

/// A wrong `tlast` of a stream.
#[derive(Clone, Copy, PartialEq)]
pub enum Flip {
    /// High on this beat of the first frame or set.
    Early(usize),
    /// Low on the last beat of the first.
    Missing,
    /// High on this beat of the second.
    Late(usize),
}

#[derive(Clone, Copy, PartialEq)]
pub enum Values {
    Random,
    /// What moves and what is stationary at an end of its range, the least where true.
    Ends(bool, bool),
    /// Ones with a power of two among them, of either sign: products, sums and what is added to them are powers of two, and
    /// scales as well, so that single bits go through the stages.
    Bits,
}

pub const PLAIN: Vector = Vector {
    seed: 1,
    values: Values::Random,
    stalls: (0.0, 0.0),
    sets: 1,
    flips: &[],
    blocked: None,
    late_set: 0,
    cut: None,
    frames: 5,
};

use Flip::{Early, Late, Missing};

const NAMED: &[Vector] = &[
    PLAIN,
    Vector {
        seed: 2,
        stalls: (0.3, 0.3),
        ..PLAIN
    },
    Vector {
        seed: 3,
        stalls: (0.0, 0.8),
        sets: 2,
        ..PLAIN
    },
    Vector {
        seed: 4,
        stalls: (0.9, 0.0),
        sets: 3,
        ..PLAIN
    },
    Vector {
        seed: 5,
        values: Values::Ends(true, true),
        ..PLAIN
    },
    Vector {
        seed: 6,
        values: Values::Ends(true, false),
        stalls: (0.1, 0.5),
        ..PLAIN
    },
    Vector {
        seed: 7,
        values: Values::Ends(false, true),
        late_set: 150,
        ..PLAIN
    },
    Vector {
        seed: 8,
        blocked: Some((3, 400)),
        sets: 3,
        ..PLAIN
    },
    Vector {
        seed: 9,
        cut: Some(70),
        stalls: (0.2, 0.2),
        ..PLAIN
    },
    Vector {
        seed: 10,
        cut: Some(190),
        sets: 2,
        ..PLAIN
    },
    Vector {
        seed: 11,
        flips: &[(0, Early(3))],
        ..PLAIN
    },
    Vector {
        seed: 12,
        flips: &[(0, Missing)],
        ..PLAIN
    },
    Vector {
        seed: 13,
        flips: &[(0, Missing), (0, Late(2))],
        stalls: (0.3, 0.1),
        ..PLAIN
    },
    Vector {
        seed: 14,
        flips: &[(1, Early(1))],
        sets: 2,
        ..PLAIN
    },
    Vector {
        seed: 15,
        flips: &[(1, Missing)],
        sets: 2,
        ..PLAIN
    },
    Vector {
        seed: 16,
        flips: &[(1, Missing), (1, Late(0))],
        sets: 2,
        stalls: (0.3, 0.1),
        ..PLAIN
    },
    Vector {
        seed: 17,
        flips: &[(2, Early(1)), (3, Early(2))],
        ..PLAIN
    },
    Vector {
        seed: 18,
        flips: &[(2, Missing), (3, Missing)],
        ..PLAIN
    },
    Vector {
        seed: 19,
        flips: &[(2, Missing), (2, Late(1)), (3, Missing), (3, Late(0))],
        stalls: (0.2, 0.2),
        ..PLAIN
    },
];

/// The last one, for what none of the others notices: so many frames whose results saturate that bits of their count change
/// which a short run leaves at zero.
const LONG: Vector = Vector {
    seed: 20,
    values: Values::Ends(true, true),
    frames: 2_000,
    ..PLAIN
};

/// Cycles that are reset one by one, as the engine begins and as it is in full flow: a register that a reset leaves alone shows
/// where it would not have been at rest behind it.
const RESETS: [std::ops::Range<u64>; 3] = [20..28, 90..106, 200..216];

/// Vectors that are drawn, beside those that are named.
const DRAWN: u64 = 60;

/// All vectors.
pub fn vectors() -> Vec<Vector> {
    let drawn = (0..DRAWN).map(|index| {
        let mut choices = Choices::new(index);
        let mut one_of = |of: &[f64]| of[choices.below(of.len() as u64) as usize];
        let stalls = (one_of(&[0.0, 0.1, 0.4, 0.8]), one_of(&[0.0, 0.2, 0.6, 0.9]));
        let mut perhaps = |most: u64| choices.below(most).saturating_sub(most / 2);
        let (late_set, cut, beats) = (perhaps(300), perhaps(400), perhaps(40));
        let (one, other) = (choices.below(2) == 0, choices.below(2) == 0);
        Vector {
            seed: 100 + index,
            values: match choices.below(4) {
                0 => Values::Ends(one, other),
                1 => Values::Bits,
                _ => Values::Random,
            },
            stalls,
            sets: 1 + choices.below(3) as usize,
            flips: &[],
            blocked: (beats > 0).then_some((beats, 100 + choices.below(600))),
            late_set,
            cut: (cut > 0).then_some(cut),
            frames: PLAIN.frames,
        }
    });
    let resets = RESETS.into_iter().flatten().map(|cycle| Vector {
        seed: 300 + cycle,
        cut: Some(cycle),
        ..PLAIN
    });
    let named = NAMED.iter().copied();
    named.chain(drawn).chain(resets).chain([LONG]).collect()
}

//! Lanes over pixels: several columns of a row at once, which share every weight.
//!
//! Columns whose taps are the same are a *phase* apart from one another. A *stretch* of a row is as many neighbouring
//! columns as hold one for each lane of each phase. A *word* of a row is what the lanes work on at once: one column for
//! each, all of one phase, of one stretch. A row's words come stretch by stretch, and in each the phases in order.

use crate::rtl::bits_for;

/// A row as the lanes see it: which of its columns are in one word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RowOrder {
    /// Lanes over pixels.
    pub lanes: u64,
    /// Columns from one of a phase to the next: how many phases there are.
    pub stride: u64,
    /// Phases that are words, in order; the others have no part in the layer.
    pub phases: Vec<u64>,
    /// Columns of the row.
    pub columns: u64,
}

impl RowOrder {
    /// Neighbouring columns: a beat is a word.
    pub fn neighbours(lanes: u64, columns: u64) -> Self {
        RowOrder {
            lanes,
            stride: 1,
            phases: vec![0],
            columns,
        }
    }

    /// Whether words are other columns than beats.
    pub fn differs(&self) -> bool {
        self.stride > 1
    }

    /// Columns of a stretch.
    pub fn stretch(&self) -> u64 {
        self.lanes * self.stride
    }

    /// Whole stretches of the row.
    pub fn whole_stretches(&self) -> u64 {
        self.columns / self.stretch()
    }

    /// Columns behind the last whole stretch.
    pub fn rest(&self) -> u64 {
        self.columns % self.stretch()
    }

    /// Words of a stretch that is not whole.
    pub fn rest_words(&self) -> u64 {
        let rest = self.rest();
        self.phases.iter().filter(|&&phase| phase < rest).count() as u64
    }

    /// Beats of a stretch that is not whole.
    pub fn rest_beats(&self) -> u64 {
        self.rest().div_ceil(self.lanes)
    }

    /// Whether the rest of a row has beats and no word.
    pub fn restless(&self) -> bool {
        self.rest() > 0 && self.rest_words() == 0
    }

    /// Stretches of the row, its rest among them.
    pub fn stretches(&self) -> u64 {
        self.columns.div_ceil(self.stretch())
    }

    /// Words of the row.
    pub fn words(&self) -> u64 {
        self.whole_stretches() * self.phases.len() as u64 + self.rest_words()
    }

    /// Beats of the row on its stream, for each block of channels.
    pub fn beats(&self) -> u64 {
        self.columns.div_ceil(self.lanes)
    }

    /// Columns in the last beat of the row.
    pub fn last_columns(&self) -> u64 {
        match self.columns % self.lanes {
            0 => self.lanes,
            some => some,
        }
    }

    /// Stretches that have a column of this phase.
    pub fn stretches_of(&self, phase: u64) -> u64 {
        self.columns.saturating_sub(phase).div_ceil(self.stretch())
    }
}

/// Where the lanes read through one tap, from the word of what moves that their stretch begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapColumn {
    /// Words, of the line buffer, to what lane 0 reads.
    pub offset: i64,
    /// The bank of what lane 0 reads: the lanes behind the last bank read the same word of the stretch behind.
    pub rotation: u64,
    /// First stretch of the result for which the word of lane 0 is in the row.
    pub first: i64,
    /// Last one.
    pub last: i64,
    /// What stands beside it in the Verilog.
    pub comment: String,
}

/// What lanes over pixels are told of a layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PixelLanes {
    /// Rows of what moves.
    pub moving: RowOrder,
    /// Rows of the result.
    pub result: RowOrder,
    /// How many of them a frame has.
    pub result_rows: u64,
    /// Tap by tap, phase by phase.
    pub taps: Vec<TapColumn>,
    /// Words, of the line buffer, from a stretch to the same word of the next.
    pub stretch_words: u64,
    /// The stretch of a row's first word of the result with a tap.
    pub first_stretch: u64,
}

impl PixelLanes {
    /// Bits of a tap's place in the table.
    pub fn tap_bits(&self) -> usize {
        bits_for(self.taps.len() as u64 - 1)
    }

    /// What tells where the lanes read through one tap of the table, without the rows of what moves; `None` behind its end.
    pub fn with_tap(&self, tap: u64) -> Option<Self> {
        let taps = vec![self.taps.get(tap as usize)?.clone()];
        Some(PixelLanes {
            moving: RowOrder::default(),
            result: self.result.clone(),
            taps,
            ..*self
        })
    }

    /// Bits of the number of a stretch of the result.
    pub fn stretch_bits(&self) -> usize {
        bits_for(self.result.stretches() - 1)
    }
}

/// Lanes over pixels of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// For one layer, which is built in.
    BuiltIn(PixelLanes),
    /// For any layer within these, which is told.
    Told(PixelHull),
}

impl Pixels {
    /// Bits of a tap's place in the table of taps, and of the number of a stretch.
    pub fn bits(&self) -> [usize; 2] {
        match self {
            Pixels::BuiltIn(pixels) => [pixels.tap_bits(), pixels.stretch_bits()],
            Pixels::Told(hull) => [hull.tap_bits(), hull.stretch_bits()],
        }
    }

    /// Whether rows of the result are put in order.
    pub fn orders_result(&self) -> bool {
        match self {
            Pixels::BuiltIn(pixels) => pixels.result.differs(),
            Pixels::Told(_) => true,
        }
    }
}

/// What lanes over pixels of a programmable engine can be told: the largest of each table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelHull {
    /// Lanes over pixels.
    pub lanes: u64,
    /// Entries of the table of taps; a stretch has no more words than that, since each phase that is one has a tap.
    pub taps: u64,
    /// Columns of a row, of what moves and of the result.
    pub columns: u64,
    /// Rows of a frame, likewise.
    pub rows: u64,
    /// Beats of a stretch that is put in order, blocks of channels included.
    pub stretch_beats: u64,
}

impl PixelHull {
    /// Bits of a tap's place in the table.
    pub fn tap_bits(&self) -> usize {
        bits_for(self.taps - 1)
    }

    /// Stretches of a row, at the most.
    pub fn stretches(&self) -> u64 {
        self.columns.div_ceil(self.lanes)
    }

    /// Bits of the number of a stretch.
    pub fn stretch_bits(&self) -> usize {
        bits_for(self.stretches() - 1)
    }
}

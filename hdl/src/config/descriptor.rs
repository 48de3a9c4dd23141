//! What the core needs to know of a layer: plain numbers, worked out by the schedule.
//!
//! Units: a *word* is one beat of grad_output in the line buffer, a *beat* is one beat of
//! grad_input, an *issue* is one cycle of the multipliers. An axis is rows (H) or columns (W).

use crate::config::arrays::Arrays;
use crate::config::pixels::PixelLanes;
use crate::primitives::packed_multiplier::{packs, Sharing};
use crate::stages::Stages;

/// One step of an axis: what changes from a position with taps to the next one.
///
/// An axis is a list of steps, one for each position that has a tap, frame after frame (columns: row after row). A step of
/// the rows leads from the last pixel of a row to the first of the next one. What is counted from the start is zero before
/// the first step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Step {
    /// Taps more than before; the first step tells its taps less one.
    pub taps: i64,
    /// Words of the line buffer from the first tap before to this one's.
    pub address: i64,
    /// Weight words likewise.
    pub weight: i64,
    /// With lanes over pixels, of a column: its first tap's place in the table of taps.
    pub tap: u64,
    /// With lanes over pixels, of a column: stretches of the row since the one before.
    pub stretches: u64,
    /// Pixels of grad_output that must be there beyond those needed before. Of a row: for its first pixel; of a column: in a
    /// row that [`opens`](Self::opens), but for its first pixel.
    pub need: u64,
    /// Pixels of grad_output, in a programmable engine words, that are dead afterwards. Of a row: behind its last pixel; of a column: in a row that
    /// [`closes`](Self::closes), but for its last pixel.
    pub free: u64,
    /// Beats of grad_input without a tap just before. Of a column: but for a row's first pixel, where the row tells all.
    pub skip: u64,
    /// Whether its columns need pixels of grad_output that no row before needed. Of a row.
    pub opens: bool,
    /// Whether pixels of grad_output are dead behind its columns. Of a row.
    pub closes: bool,
    /// Last of the frame, of a column: of its row.
    pub last: bool,
}

/// Where a program goes on from a line; the line a few places before says it (see [`Line::ahead`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Jump {
    /// With the next line.
    #[default]
    Next,
    /// With the line `start`, until the lines from there to this one were gone through so many times.
    Loop {
        /// First line of the loop.
        start: u64,
        /// Times that the loop's lines are gone through, two at least.
        turns: u64,
    },
    /// With line 1, always: behind the last line.
    Wrap,
}

/// A line of a program: a step, and where the program goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The step.
    pub step: Step,
    /// Where the program goes on from the line that comes [`Program::ahead`] places later.
    pub ahead: Jump,
    /// The positions that it stands for.
    pub comment: String,
}

/// The steps of an axis without end: line 0 is the first step of the first frame, the last line that of all later ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Its lines.
    pub lines: Vec<Line>,
    /// How many lines ahead a jump is told.
    pub ahead: usize,
}

/// The walk along one axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    /// Its steps.
    pub program: Program,
    /// Words from one tap to the next: they fall.
    pub address_tap: i64,
    /// Weight words from one tap to the next.
    pub weight_tap: u64,
    /// Largest number of taps at one position.
    pub max_taps: u64,
    /// Positions with taps.
    pub visits: u64,
}

/// Which positions of grad_output are stored: the range that some output needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Positions along the axis.
    pub size: u64,
    /// First position stored.
    pub first: u64,
    /// Last position stored.
    pub last: u64,
}

/// A layer as the core sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// What the streams carry.
    pub arrays: Arrays,
    /// Rows, addressed in whole rows of words.
    pub rows: Axis,
    /// Columns.
    pub cols: Axis,
    /// Rows of grad_output stored.
    pub kept_rows: Kept,
    /// Columns of grad_output stored.
    pub kept_cols: Kept,
    /// Channel blocks of K in one accumulation and tap.
    pub k_blocks: u64,
    /// Channel blocks of C in a group.
    pub c_blocks: u64,
    /// Groups (depthwise: blocks of groups).
    pub group_blocks: u64,
    /// Weight words of one block of C.
    pub block_weights: u64,
    /// Words in the line buffer.
    pub line_words: u64,
    /// Whether any tap reaches any pixel; where none does, weights count as zero.
    pub reaches: bool,
    /// Issues of the pixel that has fewest, of those with taps.
    pub least_issues: u64,
    /// Results in the output FIFO, a power of two.
    pub fifo_results: u64,
    /// Beats without a tap after the last pixel with one.
    pub end_beats: u64,
    /// Most beats without a tap ahead of any pixel.
    pub max_skip: u64,
    /// Whether the memory holds two sets of weights, one in use and one being loaded.
    pub two_weight_sets: bool,
    /// Whether values from outside are added to the results.
    pub accumulate: bool,
    /// Whether results are masked.
    pub mask: bool,
    /// Bits shifted out behind the scale; zero where nothing is scaled.
    pub shift: u64,
    /// What is subtracted from each value that moves, as it enters.
    pub zero_point: i64,
    /// What is added to each scaled value, and between which values it is then kept.
    pub out_levels: Levels,
    /// Where stochastic rounding begins, where the layer's words tell it.
    pub rounding_seed: u64,
    /// Lanes over pixels, where there are any. A pixel is then a word of a row in all of the above.
    pub pixels: Option<PixelLanes>,
}

/// Values of the result's type that a quantised layer gives a meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Stands for zero: it is added to each scaled value.
    pub zero_point: i64,
    /// The least that leaves.
    pub least: i64,
    /// The greatest that leaves.
    pub greatest: i64,
}

impl Descriptor {
    /// Words of one pixel of grad_output.
    pub fn pixel_words(&self) -> u64 {
        self.group_blocks * self.k_blocks
    }

    /// Issues of one tap: its blocks of K. Where no tap reaches any pixel every product is zero, and one of them says as
    /// much as all.
    pub fn tap_issues(&self) -> u64 {
        match self.reaches {
            true => self.k_blocks,
            false => 1,
        }
    }

    /// Whole pixels in the line buffer.
    pub fn line_pixels(&self) -> u64 {
        self.line_words / self.pixel_words()
    }

    /// A line-buffer address of the walk is in units of two to this many words: the largest such
    /// that a pixel is whole units, because the walk goes from pixel to pixel.
    pub fn walk_unit_bits(&self) -> usize {
        self.pixel_words().trailing_zeros() as usize
    }

    /// A weight offset of the walk is in units of two to this many words: the largest such that a
    /// tap is whole units.
    pub fn tap_unit_bits(&self) -> usize {
        self.tap_issues().trailing_zeros() as usize
    }

    /// Low address bits, of line buffer and weights alike, that are the block of K and nothing else;
    /// none where the issues of a tap are no power of two.
    pub fn k_block_bits(&self) -> usize {
        match self.tap_issues().is_power_of_two() {
            true => self.tap_unit_bits(),
            false => 0,
        }
    }

    /// Words of the whole set of weights.
    pub fn weight_words(&self) -> u64 {
        self.group_blocks * self.c_blocks * self.block_weights
    }

    /// Sets of weights in memory.
    pub fn weight_sets(&self) -> u64 {
        1 + u64::from(self.two_weight_sets)
    }

    /// [`Capacity::weight_memory_words`](crate::config::capacity::Capacity::weight_memory_words) of an engine for this
    /// layer.
    pub fn weight_memory_words(&self) -> u64 {
        crate::config::capacity::Capacity::exactly(self).weight_memory_words()
    }

    /// Pixels of one frame of grad_output.
    pub fn input_pixels(&self) -> u64 {
        self.kept_rows.size * self.kept_cols.size
    }

    /// Most frames that can be in the engine at once: in the line buffer, among its results, and
    /// partly in each port.
    pub fn frames_inside(&self) -> u64 {
        let kept = |kept: &Kept| kept.last - kept.first + 1;
        let results = self.rows.visits * self.cols.visits * self.c_blocks * self.group_blocks;
        let stored = kept(&self.kept_rows) * kept(&self.kept_cols);
        self.line_pixels().div_ceil(stored) + self.fifo_results.div_ceil(results) + 5
    }

    /// Whether any output pixel has no tap.
    pub fn has_skips(&self) -> bool {
        self.max_skip > 0 || self.end_beats > 0
    }

    /// Whether some grad_output pixel is consumed and dropped.
    pub fn drops(&self) -> bool {
        [self.kept_rows, self.kept_cols]
            .iter()
            .any(|kept| kept.last - kept.first + 1 < kept.size)
    }
}

/// Lanes and number formats, fixed in the hardware whatever the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Lanes over K.
    pub simd: usize,
    /// Lanes over C (depthwise: over groups).
    pub pe: usize,
    /// Lanes over pixels, that share every weight.
    pub pixels: usize,
    /// Depthwise: each PE lane has its own grad_output values.
    pub depthwise: bool,
    /// Bits of a grad_output value on its stream.
    pub grad_bits: usize,
    /// A zero point is subtracted from each of them as it enters, which takes a bit more.
    pub zero_point: bool,
    /// Bits of a weight.
    pub weight_bits: usize,
    /// Bits of the accumulator.
    pub acc_bits: usize,
    /// Two multiplications share each multiplier; [`Lanes::pairs`] tells which.
    pub packed_multipliers: bool,
    /// Stages behind the accumulators.
    pub stages: Stages,
}

impl Lanes {
    /// Values of grad_output in a beat.
    pub fn grad_values(&self) -> usize {
        let of_pixel = match self.depthwise {
            true => self.simd * self.pe,
            false => self.simd,
        };
        self.pixels * of_pixel
    }

    /// Values of grad_input in a beat.
    pub fn results(&self) -> usize {
        self.pixels * self.pe
    }

    /// What two multiplications have in common that share a multiplier: a weight where pixels are even, else a gradient, of
    /// lanes over C. `None` where each has its own.
    pub fn pairs(&self) -> Option<Sharing> {
        let fits = |sharing: Sharing| {
            let [shared, own] = sharing.bits(self.operand_bits(), self.weight_bits);
            packs(shared, own)
        };
        let over_pixels = self.pixels % 2 == 0 && fits(Sharing::Weight);
        let over_channels = self.pe % 2 == 0 && !self.depthwise && fits(Sharing::Grad);
        match self.packed_multipliers {
            true if over_pixels => Some(Sharing::Weight),
            true if over_channels => Some(Sharing::Grad),
            _ => None,
        }
    }

    /// The same lanes over one pixel.
    pub fn of_pixel(&self) -> Lanes {
        Lanes { pixels: 1, ..*self }
    }

    /// Bits of a beat of grad_output that carry values.
    pub fn grad_beat_bits(&self) -> usize {
        self.grad_values() * self.grad_bits
    }

    /// Bits of a grad_output value in the line buffer and at the multipliers.
    pub fn operand_bits(&self) -> usize {
        self.grad_bits + usize::from(self.zero_point)
    }

    /// Bits of a word of grad_output in the line buffer.
    pub fn grad_word_bits(&self) -> usize {
        self.grad_values() * self.operand_bits()
    }

    /// Bits of a beat of weights that carry values.
    pub fn weight_word_bits(&self) -> usize {
        self.simd * self.pe * self.weight_bits
    }

    /// Bits of a beat of weights, or of scales and biases where these are wider.
    pub fn weight_beat_bits(&self) -> usize {
        self.weight_word_bits().max(self.scale_word_bits())
    }

    /// Bits of one value of grad_input on its stream: the accumulator or its sum with a value from
    /// outside, sign-extended to bytes; a requantised value as it is.
    pub fn out_bits(&self) -> usize {
        match self.stages.requantise {
            Some(requantise) => requantise.out_bits,
            None => self.result_bits().next_multiple_of(8),
        }
    }
}

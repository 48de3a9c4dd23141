//! What the core needs to know of a layer: plain numbers, worked out by the schedule.
//!
//! Units: a *word* is one beat of grad_output in the line buffer, a *beat* is one beat of
//! grad_input, an *issue* is one cycle of the multipliers. An axis is rows (H) or columns (W).

use crate::output_stages::Stages;

/// One live phase of an axis, in the order of visits from the first position that has a tap.
/// "First" values are those at the slot's first visit of a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Visits of this slot until its first tap leaves grad_output at the far border.
    pub clip_in: u64,
    /// Visits of this slot until one more tap enters at the near border.
    pub grow_in: u64,
    /// Taps that have yet to enter.
    pub grows_left: u64,
    /// Taps at the first visit.
    pub taps: u64,
    /// Whether taps were already clipped at the far border at the first visit.
    pub clipped: bool,
    /// Line-buffer offset of the first tap, in words, modulo the ring.
    pub address: u64,
    /// Weight-memory offset of the first tap, in weight words.
    pub weight: u64,
    /// Whether the first visit needs grad_output that no earlier visit needed.
    pub opens_first: bool,
    /// How much more than one position the first visit opens, in pixels of grad_output.
    pub extra: u64,
    /// Whether later visits open one position each, until clipped.
    pub opens: bool,
    /// Whether the last tap of this phase is the kernel's last: its position is dead afterwards.
    pub closes: bool,
    /// Beats of grad_input without a tap between the visit before and this one.
    pub skip: u64,
}

/// The walk along one axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    /// The live phases; never empty.
    pub slots: Vec<Slot>,
    /// Visits from the first to the last position with a tap.
    pub visits: u64,
    /// dilation / gcd(stride, dilation): visits of a slot between two taps that enter or leave.
    pub period: u64,
    /// Words from one position of grad_output to the next, modulo the ring.
    pub address_step: u64,
    /// The same where the first tap is clipped.
    pub address_clip: u64,
    /// Words from one tap to the next (they fall), modulo the ring.
    pub address_tap: u64,
    /// Weight words from one tap to the next.
    pub weight_tap: u64,
    /// Beats without a tap before the first visit.
    pub first_skip: u64,
    /// Beats that a visited position without a tap stands for; none where there is no such position.
    pub empty_beats: u64,
    /// Whether some visited position has no tap.
    pub gaps: bool,
    /// Largest number of taps at one position.
    pub max_taps: u64,
    /// Pixels of grad_output freed at the end of the axis beyond those that `closes` frees.
    pub rest: u64,
}

impl Axis {
    /// Visits left of the walk at the last visit of slot `index` before its first tap leaves; none
    /// where that is no visit of this walk.
    pub fn clip_after(&self, index: usize) -> Option<u64> {
        let visits_before = self.slots[index].clip_in.checked_sub(1)?;
        let visit = index as u64 + visits_before * self.slots.len() as u64;
        (self.visits - 1).checked_sub(visit)
    }
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
    /// Words stored of a frame, modulo the line buffer.
    pub frame_step: u64,
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
    /// Where stochastic rounding begins, where the layer's words tell it.
    pub rounding_seed: u64,
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

    /// Words freed, beyond those of pixels that are closed, at the end of a row that closes one and
    /// at the end of a frame.
    pub fn rest_words(&self) -> [u64; 2] {
        [self.cols.rest, self.rows.rest].map(|pixels| pixels * self.pixel_words())
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

    /// [`Hull::weight_memory_words`](crate::hull::Hull::weight_memory_words) of an engine for this
    /// layer.
    pub fn weight_memory_words(&self) -> u64 {
        crate::hull::Hull::exactly(self).weight_memory_words()
    }

    /// Pixels of one frame of grad_output.
    pub fn input_pixels(&self) -> u64 {
        self.kept_rows.size * self.kept_cols.size
    }

    /// Most frames that can be in the engine at once: in the line buffer, among its results, and
    /// partly in each port.
    pub fn frames_inside(&self) -> u64 {
        let kept = |kept: &Kept| kept.last - kept.first + 1;
        let results = match self.rows.gaps || self.cols.gaps {
            true => 1,
            false => self.rows.visits * self.cols.visits * self.c_blocks * self.group_blocks,
        };
        let stored = kept(&self.kept_rows) * kept(&self.kept_cols);
        self.line_pixels().div_ceil(stored) + self.fifo_results.div_ceil(results) + 3
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
    /// Depthwise: each PE lane has its own grad_output values.
    pub depthwise: bool,
    /// Bits of a grad_output value.
    pub grad_bits: usize,
    /// Bits of a weight.
    pub weight_bits: usize,
    /// Bits of the accumulator.
    pub acc_bits: usize,
    /// Two lanes over C share each multiplier. Only where PE is even, not depthwise, and the types
    /// fit ([`packs`](crate::packed_multiplier::packs)).
    pub packed_multipliers: bool,
    /// Stages behind the accumulators.
    pub stages: Stages,
}

impl Lanes {
    /// Values of grad_output in a beat.
    pub fn grad_values(&self) -> usize {
        if self.depthwise {
            self.simd * self.pe
        } else {
            self.simd
        }
    }

    /// Bits of a beat of grad_output that carry values.
    pub fn grad_word_bits(&self) -> usize {
        self.grad_values() * self.grad_bits
    }

    /// Bits of a beat of weights that carry values.
    pub fn weight_word_bits(&self) -> usize {
        self.simd * self.pe * self.weight_bits
    }

    /// Bits of a beat of weights, or of scales where these are wider.
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

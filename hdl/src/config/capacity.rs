//! What the hardware is built to hold: one layer exactly, or every layer within limits.
//!
//! A [`Capacity`] says which blocks and registers there are and how wide; what a layer puts into them
//! is its [`Descriptor`], which the hardware is told through its configuration.

use crate::config::arrays::Arrays;
use crate::config::descriptor::{Axis, Descriptor, Jump, Program, Step};
use crate::config::limits::Limits;
use crate::config::pixels::{PixelHull, Pixels};
use crate::issue::TURN_BITS;
use crate::rtl::bits_for;

/// Cycles from one token to the next of a walk that is [`paced`](Capacity::paced).
pub const PACE: u64 = 3;

/// Whether the walk of an engine can be paced in which no pixel with taps has fewer issues.
pub fn is_paced(least_issues: u64) -> bool {
    least_issues >= PACE
}

/// The largest of everything along one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisHull {
    /// Its steps, where they are built in.
    pub program: Option<Program>,
    /// Lines that a program may have.
    pub lines: u64,
    /// Times that a loop of it may be gone through.
    pub turns: u64,
    /// Taps at one position.
    pub taps: u64,
    /// Positions of grad_output.
    pub size: u64,
}

/// The largest of everything that an engine is told of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// What the streams carry; the ports are called after it.
    pub arrays: Arrays,
    /// Rows.
    pub rows: AxisHull,
    /// Columns.
    pub cols: AxisHull,
    /// [`Descriptor::tap_issues`].
    pub tap_issues: u64,
    /// Whether each layer has more than one of them.
    pub k_turns: bool,
    /// Channel blocks of C in a group.
    pub c_blocks: u64,
    /// Groups (depthwise: blocks of groups).
    pub group_blocks: u64,
    /// Words of one pixel of grad_output.
    pub pixel_words: u64,
    /// Whether the word of a pixel is the low bits of its address.
    pub pixels_in_slots: bool,
    /// [`Descriptor::walk_unit_bits`].
    pub walk_unit_bits: usize,
    /// [`Descriptor::tap_unit_bits`].
    pub tap_unit_bits: usize,
    /// [`Descriptor::k_block_bits`].
    pub k_block_bits: usize,
    /// [`Descriptor::frames_inside`].
    pub frames_inside: u64,
    /// Pixels of one frame of grad_output.
    pub input_pixels: u64,
    /// Pixels in the line buffer.
    pub line_pixels: u64,
    /// Words in the line buffer.
    pub line_words: u64,
    /// Whether the ring is all of them, whatever the layer: its size is built in, a pixel may lie
    /// across its end, and space in it is counted in words instead of pixels.
    pub whole_ring: bool,
    /// Whether the layer is told at run time: what would need multiplexers between registers then
    /// stands in memories.
    pub told: bool,
    /// Weight words of one block of C.
    pub block_weights: u64,
    /// Weight words of a set.
    pub weight_words: u64,
    /// Whether each pixel takes so many cycles ([`PACE`]) that the walk need not give a token in each.
    pub paced: bool,
    /// Pixels of grad_output that one pixel is the first to need.
    pub need: u64,
    /// Pixels of grad_output that are dead after one pixel; words with `whole_ring`.
    pub free: u64,
    /// Whether some pixel of grad_output may be consumed and dropped.
    pub drops: bool,
    /// Beats without a tap ahead of a pixel; `None` where there are none anywhere.
    pub skip: Option<u64>,
    /// Beats without a tap after the last pixel with one.
    pub end_beats: u64,
    /// Whether any tap reaches any pixel; where none does, weights count as zero.
    pub reaches: bool,
    /// Results in the output FIFO, a power of two.
    pub fifo_results: u64,
    /// Whether the memory holds two sets of weights, one in use and one being loaded.
    pub two_weight_sets: bool,
    /// Whether the sets of layers lie one behind the other in the weight memory, round and round, so
    /// that the next layer's is loaded while one is in use. Addresses then wrap by themselves.
    pub weight_ring: bool,
    /// Frames between two resets, where the engine is told how many to take; it then takes one set
    /// of weights as well. `None` where it goes on without end.
    pub frames: Option<u64>,
    /// Beats of scales of a layer that has one for each channel: those of a pixel of grad_input.
    pub scale_words: u64,
    /// Lanes over pixels, where there are such.
    pub pixels: Option<Pixels>,
    /// Whether layers differ in their stages: in the shift, and in which of the streams beside the
    /// results they use.
    pub stages_vary: bool,
}

impl AxisHull {
    fn exactly(axis: &Axis, size: u64) -> Self {
        let lines = &axis.program.lines;
        let turns = lines.iter().map(|line| match line.ahead {
            Jump::Loop { turns, .. } => turns,
            _ => 0,
        });
        AxisHull {
            lines: lines.len() as u64,
            turns: turns.max().unwrap_or(0),
            program: Some(axis.program.clone()),
            taps: axis.max_taps,
            size,
        }
    }
}

impl Capacity {
    /// Holds this layer and no more.
    pub fn exactly(d: &Descriptor) -> Self {
        let steps = || d.rows.program.lines.iter().chain(&d.cols.program.lines);
        let most = |field: fn(&Step) -> u64| {
            let fields = steps().map(|line| field(&line.step));
            fields.max().unwrap_or(0).max(1)
        };
        Capacity {
            arrays: d.arrays,
            rows: AxisHull::exactly(&d.rows, d.kept_rows.size),
            cols: AxisHull::exactly(&d.cols, d.kept_cols.size),
            tap_issues: d.tap_issues(),
            k_turns: d.tap_issues() > 1,
            c_blocks: d.c_blocks,
            group_blocks: d.group_blocks,
            pixel_words: d.pixel_words(),
            pixels_in_slots: d.pixel_words().is_power_of_two(),
            walk_unit_bits: d.walk_unit_bits(),
            tap_unit_bits: d.tap_unit_bits(),
            k_block_bits: d.k_block_bits(),
            frames_inside: d.frames_inside(),
            input_pixels: d.input_pixels(),
            line_pixels: d.line_pixels(),
            line_words: d.line_words,
            whole_ring: false,
            told: false,
            block_weights: d.block_weights,
            weight_words: d.weight_words(),
            paced: is_paced(d.least_issues),
            need: most(|step| step.need),
            free: most(|step| step.free),
            drops: d.drops(),
            skip: d.has_skips().then_some(d.max_skip),
            end_beats: d.end_beats,
            reaches: d.reaches,
            fifo_results: d.fifo_results,
            two_weight_sets: d.two_weight_sets,
            weight_ring: false,
            frames: None,
            scale_words: d.group_blocks * d.c_blocks,
            pixels: d.pixels.clone().map(Pixels::BuiltIn),
            stages_vary: false,
        }
    }

    /// Holds every layer within these limits.
    pub fn within(limits: &Limits) -> Self {
        let Limits {
            weight_words,
            line_words,
            zero_run,
            ..
        } = *limits;
        let [rows, cols] = limits.axes.map(|axis| AxisHull {
            program: None,
            lines: axis.steps,
            turns: axis.size,
            taps: axis.kernel,
            size: axis.size,
        });
        let pixels = limits.pixels.map(|pixels| {
            Pixels::Told(PixelHull {
                lanes: pixels.lanes,
                taps: cols.taps,
                columns: cols.size,
                rows: rows.size,
                stretch_beats: pixels.stretch_beats,
            })
        });
        Capacity {
            arrays: Arrays::NEUTRAL,
            // Any number of words may be a pixel's and a tap's, so that addresses count words.
            pixels_in_slots: false,
            walk_unit_bits: 0,
            tap_unit_bits: 0,
            k_block_bits: 0,
            frames_inside: line_words + limits.fifo_results + 5,
            input_pixels: rows.size * cols.size,
            rows,
            cols,
            tap_issues: line_words.min(weight_words),
            k_turns: false,
            c_blocks: weight_words,
            group_blocks: line_words.min(weight_words),
            pixel_words: line_words,
            line_pixels: line_words,
            line_words,
            whole_ring: true,
            told: true,
            block_weights: weight_words,
            weight_words,
            paced: false,
            // What a pixel needs is in the line buffer all at once, and so is what is dead after it.
            need: line_words,
            free: line_words,
            drops: true,
            skip: Some(zero_run),
            end_beats: zero_run,
            // Where no tap reaches any pixel, the weights that are sent are zero.
            reaches: true,
            fifo_results: limits.fifo_results,
            two_weight_sets: false,
            weight_ring: true,
            frames: Some(1 << 32),
            scale_words: limits.scale_words,
            pixels,
            stages_vary: true,
        }
    }

    /// Bits of an entry of the largest memory that the layer is told into: a line of a program; a way that a loop turns;
    /// with lanes over pixels, a tap, and a beat of a stretch.
    pub fn entry_bits(&self) -> usize {
        let lines = self.rows.lines.max(self.cols.lines);
        let of_lines = bits_for(lines - 1).max(TURN_BITS);
        match &self.pixels {
            Some(Pixels::Told(hull)) => of_lines
                .max(hull.tap_bits())
                .max(bits_for(hull.stretch_beats - 1)),
            _ => of_lines,
        }
    }

    /// With lanes over pixels, bits of a tap's place in their table, and of the number of a stretch.
    pub fn lane_bits(&self) -> Option<[usize; 2]> {
        self.pixels.as_ref().map(Pixels::bits)
    }

    /// What the space in the line buffer is counted in: words where a pixel may lie across its end, else pixels.
    pub fn line_space(&self) -> u64 {
        match self.whole_ring {
            true => self.line_words,
            false => self.line_pixels,
        }
    }

    /// Sets of weights in memory.
    pub fn weight_sets(&self) -> u64 {
        1 + u64::from(self.two_weight_sets)
    }

    /// Words of the weight memory. Two sets lie word by word in turn, so that the lowest address
    /// bit tells the set; the bits above it are never fewer than one. A ring has a power of two of
    /// them: a wrap elsewhere would cost an adder at each step of an address.
    pub fn weight_memory_words(&self) -> u64 {
        match (self.two_weight_sets, self.weight_ring) {
            (true, _) => 2 * self.weight_words.max(2),
            (false, true) => 1 << bits_for(self.weight_words - 1),
            (false, false) => self.weight_words,
        }
    }
}

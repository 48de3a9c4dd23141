//! What the largest layer of an engine may be that is told its layer at run time.

/// Limits of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisLimits {
    /// H or W, and P or Q.
    pub size: u64,
    /// R or S.
    pub kernel: u64,
    /// Lines of the program that the walk along it comes to.
    pub steps: u64,
}

/// Lanes over pixels, and what is built for rows that they put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelLimits {
    /// Lanes, two at least.
    pub lanes: u64,
    /// Beats of a stretch: as many columns as there are phases, each with its blocks of channels.
    pub stretch_beats: u64,
}

/// Limits of a layer, and the memories that are built for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows, columns.
    pub axes: [AxisLimits; 2],
    /// Words of the weight memory.
    pub weight_words: u64,
    /// Words of the line buffer.
    pub line_words: u64,
    /// Results in the output FIFO, a power of two.
    pub fifo_results: u64,
    /// Beats of grad_input without a tap in a row.
    pub zero_run: u64,
    /// Beats of scales, where each channel has one: those of a pixel of grad_input.
    pub scale_words: u64,
    /// Lanes over pixels, where there are more than one.
    pub pixels: Option<PixelLimits>,
    /// Bits of a word of the AXI4 bus, in an engine that reads and writes memory; `None` for one with streams.
    pub bus_bits: Option<usize>,
}

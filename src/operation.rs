//! What the hardware does for a layer's pass: a gather, whatever the pass is called.
//!
//! An engine computes one thing: each position of the *result* is a sum over taps and channels of what *moves* through the
//! line buffer times what is *stationary* in the weight memory. Along an axis, position `h` of the result takes position `p`
//! of what moves through tap `r` where `p * stride = h * advance + pad - r * dilation` ([`Gather`]). The three passes of a
//! convolution with u, d, C, K, H, P, R as in its [`Layer`](crate::layer::Layer), and N images a batch, are:
//!
//! | | `grad_input` | `forward` | `grad_weight` |
//! |---|---|---|---|
//! | frames | images | images | channels of the input, of each group |
//! | moves | grad_output: K channels, P | input: C channels, H | input: N channels a group, H |
//! | stationary | weight, R taps | weight turned by 180 degrees, R taps | grad_output turned by 180 degrees, P taps |
//! | result | grad_input: C channels, H | output: K channels, P | grad_weight: K channels, R |
//! | stride, dilation, advance | u, d, 1 | 1, d, u | 1, u, d |
//! | pad | top | (R - 1) d - top | (P - 1) u - top |
//!
//! Schedule, bound, plan, vectors and manifest are made from this. The reference is not: it is written from the equations.

use crate::layer::{Axis, Pass};

/// An axis as a gather: position `h` of the array that is made takes from position `p` of the array that is read through
/// tap `r` where
///
/// ```text
/// p * stride = h * advance + pad - r * dilation,   0 <= p < sources,   0 <= r < kernel
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// Positions of the array that is made.
    pub positions: u64,
    /// Positions of the array that is read.
    pub sources: u64,
    /// Taps.
    pub kernel: u64,
    /// How far a position of the array that is read moves `h * advance + pad`.
    pub stride: u64,
    /// How far a tap does, the other way.
    pub dilation: u64,
    /// How far a position of the array that is made does.
    pub advance: u64,
    /// Where position 0 and tap 0 meet the array that is read.
    pub pad: i64,
}

impl From<Axis> for Gather {
    /// The data gradient: grad_input is made, grad_output is read.
    fn from(axis: Axis) -> Self {
        Gather {
            positions: axis.in_size.into(),
            sources: axis.out_size.into(),
            kernel: axis.kernel.into(),
            stride: axis.stride.into(),
            dilation: axis.dilation.into(),
            advance: 1,
            pad: axis.pad_before.into(),
        }
    }
}

impl Gather {
    /// The axis of a convolution in this pass.
    pub fn of(axis: Axis, pass: Pass) -> Self {
        match pass {
            Pass::GradInput => axis.into(),
            Pass::Forward => Self::correlation(
                axis,
                axis.out_size,
                Window {
                    size: axis.kernel,
                    dilation: axis.dilation,
                    stride: axis.stride,
                },
            ),
            Pass::GradWeight => Self::correlation(
                axis,
                axis.kernel,
                Window {
                    size: axis.out_size,
                    dilation: axis.stride,
                    stride: axis.dilation,
                },
            ),
        }
    }

    /// Positions that are made from one to the next with the same taps: as many have others, so many phases there are.
    pub fn phases(&self) -> u64 {
        self.stride / gcd(self.stride, self.advance)
    }

    /// How far what is read moves from one of these positions to the next.
    pub fn phase_step(&self) -> u64 {
        self.advance / gcd(self.stride, self.advance)
    }

    /// The padded input seen through a window. Its taps are counted from the last one, so that what they meet falls.
    fn correlation(axis: Axis, positions: u32, window: Window) -> Self {
        let reach = i64::from(window.size - 1) * i64::from(window.dilation);
        Gather {
            positions: positions.into(),
            sources: axis.in_size.into(),
            kernel: window.size.into(),
            stride: 1,
            dilation: window.dilation.into(),
            advance: window.stride.into(),
            pad: reach - i64::from(axis.pad_before),
        }
    }
}

/// The greatest common divisor.
pub(crate) fn gcd(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        _ => gcd(b, a % b),
    }
}

/// What slides over the input, on one axis.
struct Window {
    /// Taps.
    size: u32,
    /// Pixels of the input from one tap to the next.
    dilation: u32,
    /// Pixels of the input from one position of the window to the next.
    stride: u32,
}

/// A gather along both axes, for channels in groups, on lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The row axis.
    pub rows: Gather,
    /// The column axis.
    pub cols: Gather,
    /// Groups; channels meet only within their own.
    pub groups: u32,
    /// Channels of what moves, of each group: they are added up.
    pub moving_per_group: u32,
    /// Channels of the result, of each group.
    pub result_per_group: u32,
    /// Lanes over the moving channels of a group.
    pub simd: u32,
    /// Lanes over the result's channels of a group; if depthwise, over groups.
    pub pe: u32,
    /// Lanes over pixels: neighbouring columns of a beat.
    pub pixels: u32,
    /// Whether the PE lanes run over groups.
    pub depthwise: bool,
}

impl Operation {
    /// Channels of a frame of what moves.
    pub fn moving_channels(&self) -> u32 {
        self.groups * self.moving_per_group
    }

    /// Channels of a frame of the result.
    pub fn result_channels(&self) -> u32 {
        self.groups * self.result_per_group
    }

    /// Blocks of `simd` channels that hold the moving channels of a group.
    pub fn moving_blocks(&self) -> u32 {
        self.moving_per_group.div_ceil(self.simd)
    }

    /// Blocks of `pe` channels that hold the result's channels of a group; if depthwise, its only one.
    pub fn result_blocks(&self) -> u32 {
        match self.depthwise {
            true => 1,
            false => self.result_per_group.div_ceil(self.pe),
        }
    }

    /// The groups that the engine goes through one by one; if depthwise, blocks of `pe` groups.
    pub fn group_blocks(&self) -> u32 {
        match self.depthwise {
            true => self.groups.div_ceil(self.pe),
            false => self.groups,
        }
    }

    /// Words of a row of what moves, and beats of it for each block of channels: pixels, as many at once as there are lanes.
    pub fn moving_columns(&self) -> u64 {
        self.cols.sources.div_ceil(self.pixels.into())
    }

    /// The same of the result.
    pub fn result_columns(&self) -> u64 {
        self.cols.positions.div_ceil(self.pixels.into())
    }

    /// Beats of the moving stream for one pixel, which are also the line buffer's words for one pixel.
    pub fn moving_beats_per_pixel(&self) -> u32 {
        self.group_blocks() * self.moving_blocks()
    }

    /// Beats of the result's stream for one pixel.
    pub fn result_beats_per_pixel(&self) -> u32 {
        self.group_blocks() * self.result_blocks()
    }

    /// Words of the weight memory for a set, which are also its beats; beats of scales may follow.
    pub fn stationary_words(&self) -> u64 {
        let blocks = u64::from(self.result_beats_per_pixel()) * u64::from(self.moving_blocks());
        blocks * self.rows.kernel * self.cols.kernel
    }

    /// Products of a value of the result, were every tap to reach its pixel.
    pub fn terms(&self) -> u128 {
        u128::from(self.rows.kernel)
            * u128::from(self.cols.kernel)
            * u128::from(self.moving_per_group)
    }

    /// Shape of a frame of what moves: channels, rows, columns.
    pub fn moving_shape(&self) -> [usize; 3] {
        [
            self.moving_channels() as usize,
            self.rows.sources as usize,
            self.cols.sources as usize,
        ]
    }

    /// Shape of what is stationary: moving channels, the result's channels of a group, taps of rows and columns.
    pub fn stationary_shape(&self) -> [usize; 4] {
        [
            self.moving_channels() as usize,
            self.result_per_group as usize,
            self.rows.kernel as usize,
            self.cols.kernel as usize,
        ]
    }

    /// Shape of a frame of the result: channels, rows, columns.
    pub fn result_shape(&self) -> [usize; 3] {
        [
            self.result_channels() as usize,
            self.rows.positions as usize,
            self.cols.positions as usize,
        ]
    }
}

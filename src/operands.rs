//! The arrays of a pass as PyTorch lays them out, and as they go through an engine.
//!
//! An engine takes frames of what moves (frame, channel, row, column), one set of what is stationary (moving channel,
//! channel of the result within its group, row of taps, column of taps), and gives frames of the result. For the data
//! gradient these are PyTorch's arrays as they are. For the others, with g for a group and c and k for channels within it:
//!
//! | pass | engine's | PyTorch's |
//! |---|---|---|
//! | `forward` | moving\[n, c, h, w\] | input\[n, c, h, w\] |
//! | | stationary\[g C/groups + c, k, r, s\] | weight\[g K/groups + k, c, R - 1 - r, S - 1 - s\] |
//! | | result\[n, k, p, q\] | output\[n, k, p, q\] |
//! | `grad_weight` | moving\[c, g N + n, h, w\] | input\[n, g C/groups + c, h, w\] |
//! | | stationary\[g N + n, k, p, q\] | grad_output\[n, g K/groups + k, P - 1 - p, Q - 1 - q\] |
//! | | result\[c, k, r, s\] | grad_weight\[k, c, r, s\] |

use ndarray::{Array4, ArrayBase, Ix4, RawData};

use crate::layer::{Layer, Op, Pass};

/// An array of a pass, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// PyTorch's name.
    pub name: &'static str,
    /// Its axes.
    pub axes: &'static str,
}

const INPUT: Operand = Operand {
    name: "input",
    axes: "(N, C, H, W)",
};
const OUTPUT: Operand = Operand {
    name: "output",
    axes: "(N, K, P, Q)",
};
const WEIGHT: Operand = Operand {
    name: "weight",
    axes: "(K, C/groups, R, S)",
};

/// What moves.
pub fn moving(pass: Pass) -> Operand {
    let axes = match pass {
        Pass::GradInput => OUTPUT.axes,
        Pass::Forward | Pass::GradWeight => INPUT.axes,
    };
    let name = pass.arrays().moving.name;
    Operand { name, axes }
}

/// What is stationary.
pub fn stationary(pass: Pass) -> Operand {
    let axes = match pass {
        Pass::GradInput | Pass::Forward => WEIGHT.axes,
        Pass::GradWeight => OUTPUT.axes,
    };
    let name = pass.arrays().stationary.name;
    Operand { name, axes }
}

/// What is made.
pub fn result(pass: Pass) -> Operand {
    let axes = match pass {
        Pass::GradInput => INPUT.axes,
        Pass::Forward => OUTPUT.axes,
        Pass::GradWeight => WEIGHT.axes,
    };
    let name = pass.arrays().result.name;
    Operand { name, axes }
}

/// What moves, what is stationary and what is made, as the user's layer calls them.
pub fn of_layer(layer: &Layer) -> [Operand; 3] {
    let pass = layer.pass();
    match layer.op() {
        Op::Conv => [moving(pass), stationary(pass), result(pass)],
        Op::ConvTranspose => [
            Operand {
                name: INPUT.name,
                axes: "(N, in_channels, H, W)",
            },
            Operand {
                name: WEIGHT.name,
                axes: "(in_channels, out_channels/groups, R, S)",
            },
            Operand {
                name: "output",
                axes: "(N, out_channels, H_out, W_out)",
            },
        ],
    }
}

/// PyTorch's shape of what moves, in so many frames.
pub fn moving_shape(layer: &Layer, frames: usize) -> [usize; 4] {
    let op = layer.operation();
    let [channels, height, width] = op.moving_shape();
    match layer.pass() {
        Pass::GradInput | Pass::Forward => [frames, channels, height, width],
        Pass::GradWeight => {
            let (batch, groups) = (op.moving_per_group as usize, op.groups as usize);
            [batch, groups * frames, height, width]
        }
    }
}

/// PyTorch's shape of what is stationary.
pub fn stationary_shape(layer: &Layer) -> [usize; 4] {
    let op = layer.operation();
    let [moving, result, rows, cols] = op.stationary_shape();
    let (groups, of_group) = (op.groups as usize, op.moving_per_group as usize);
    match layer.pass() {
        Pass::GradInput => [moving, result, rows, cols],
        Pass::Forward => [groups * result, of_group, rows, cols],
        Pass::GradWeight => [of_group, groups * result, rows, cols],
    }
}

/// PyTorch's shape of the result of so many frames.
pub fn result_shape(layer: &Layer, frames: usize) -> [usize; 4] {
    let [channels, height, width] = layer.operation().result_shape();
    match layer.pass() {
        Pass::GradInput | Pass::Forward => [frames, channels, height, width],
        Pass::GradWeight => [channels, frames, height, width],
    }
}

/// What moves, from PyTorch's array.
///
/// # Panics
/// If it is of another layer, or holds no whole frames.
pub fn moving_of(layer: &Layer, array: Array4<i32>) -> Array4<i32> {
    let (channels, groups) = (array.dim().1, layer.operation().groups as usize);
    if layer.pass() != Pass::GradWeight {
        return array;
    }
    let (batch, _, height, width) = array.dim();
    let frames = channels / groups;
    assert_eq!(array.shape(), moving_shape(layer, frames));
    Array4::from_shape_fn((frames, groups * batch, height, width), |(c, m, h, w)| {
        let (group, n) = (m / batch, m % batch);
        array[[n, group * frames + c, h, w]]
    })
}

/// The way back from [`moving_of`].
///
/// # Panics
/// If the frames are of another layer.
pub fn moving_as_array(layer: &Layer, moving: Array4<i32>) -> Array4<i32> {
    if layer.pass() != Pass::GradWeight {
        return moving;
    }
    let (frames, [batch, ..]) = (moving.dim().0, moving_shape(layer, 1));
    Array4::from_shape_fn(moving_shape(layer, frames), |(n, channel, h, w)| {
        let (group, c) = (channel / frames, channel % frames);
        moving[[c, group * batch + n, h, w]]
    })
}

/// What is stationary, from PyTorch's array.
///
/// # Panics
/// If it is of another layer.
pub fn stationary_of(layer: &Layer, array: Array4<i32>) -> Array4<i32> {
    assert_eq!(array.shape(), stationary_shape(layer), "another layer's");
    if layer.pass() == Pass::GradInput {
        return array;
    }
    Array4::from_shape_fn(layer.operation().stationary_shape(), |index| {
        array[turned(layer, index)]
    })
}

/// The way back from [`stationary_of`].
///
/// # Panics
/// If it is of another layer.
pub fn stationary_as_array(layer: &Layer, stationary: &Array4<i32>) -> Array4<i32> {
    let mut array = Array4::zeros(stationary_shape(layer));
    for (index, &value) in stationary.indexed_iter() {
        array[turned(layer, index)] = value;
    }
    array
}

/// Where an element of what is stationary stands in PyTorch's array.
fn turned(layer: &Layer, index: (usize, usize, usize, usize)) -> [usize; 4] {
    let op = layer.operation();
    let (moving, result, row, col) = index;
    let (of_group, results) = (op.moving_per_group as usize, op.result_per_group as usize);
    let (group, moving_of_group) = (moving / of_group, moving % of_group);
    let [row_turned, col_turned] = [
        op.rows.kernel as usize - 1 - row,
        op.cols.kernel as usize - 1 - col,
    ];
    match layer.pass() {
        Pass::GradInput => [moving, result, row, col],
        Pass::Forward => [
            group * results + result,
            moving_of_group,
            row_turned,
            col_turned,
        ],
        Pass::GradWeight => [
            moving_of_group,
            group * results + result,
            row_turned,
            col_turned,
        ],
    }
}

/// Frames of the result, or of what stands beside it, from PyTorch's array; and the way back, which is the same.
pub fn result_of<S: RawData>(layer: &Layer, array: ArrayBase<S, Ix4>) -> ArrayBase<S, Ix4> {
    match layer.pass() {
        Pass::GradInput | Pass::Forward => array,
        Pass::GradWeight => array.permuted_axes([1, 0, 2, 3]),
    }
}

/// Where an element of the result, by its frame, channel, row and column, stands in PyTorch's array.
pub fn place(pass: Pass, [frame, channel, row, col]: [usize; 4]) -> [usize; 4] {
    match pass {
        Pass::GradInput | Pass::Forward => [frame, channel, row, col],
        Pass::GradWeight => [channel, frame, row, col],
    }
}

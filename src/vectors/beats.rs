//! Arrays as beats of the streams and back.
//!
//! A beat is a vector of values in two's complement, value `e` in the bits from `e * value_bits` up, the whole
//! zero-extended to bytes; beats follow one another as little-endian bytes. Where a block of lanes reaches beyond
//! the channels of its group (depthwise: beyond the groups), its lanes hold zero.
//!
//! | stream | order of beats | values of a beat |
//! |---|---|---|
//! | what moves | row, column, group block, block of moving channels | SIMD channels; depthwise: SIMD channels x PE groups, the group fastest |
//! | what is stationary | group block, block of the result's channels, row and column of taps, block of moving channels | SIMD x PE, the PE lane fastest |
//! | the result, accumulate, mask | row, column, group block, block of the result's channels | PE channels; depthwise: PE groups |
//!
//! Arrays are those of the [`Operation`]: what they are to PyTorch is told by [`operands`](crate::operands). A stationary
//! set may end with beats of scales: group block, block of the result's channels, each the scales of PE channels; or one
//! beat with one scale. Where there are biases, there is always such a beat for each block, with the PE biases below the
//! scales, or below the one scale.

use ndarray::{Array4, ArrayView3};

use crate::arrays::StageArrays;
use crate::layer::{Layer, ScalePer};
use crate::operation::Operation;
use crate::plan::Plan;

/// Bits of a value's place on the accumulate stream.
pub fn accumulate_bits(plan: &Plan) -> u32 {
    plan.lanes().accumulate_bits() as u32
}

/// Bits that a value on the accumulate stream may have: one less than its place, so that its sum with a result fits the
/// place.
pub fn accumulate_value_bits(plan: &Plan) -> u32 {
    accumulate_bits(plan) - 1
}

/// The beats of a frame on a stream, or of a stationary set. The last of them carries `tlast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeatFormat {
    /// Values of a beat.
    pub values: u32,
    /// Bits of a value.
    pub value_bits: u32,
    /// Beats of a frame or set.
    pub beats: u64,
    /// Bytes of a beat: `tdata` is as wide. The values may need fewer, where other beats of the stream need more.
    pub beat_bytes: usize,
}

impl BeatFormat {
    /// Beats as wide as these values need.
    fn of(values: u32, value_bits: u32, beats: u64) -> Self {
        Self {
            values,
            value_bits,
            beats,
            beat_bytes: (values as usize * value_bits as usize).div_ceil(8),
        }
    }

    /// Bytes of a beat: `tdata` is as wide.
    pub fn beat_bytes(&self) -> usize {
        self.beat_bytes
    }

    /// Bytes of a frame or set.
    pub fn bytes(&self) -> usize {
        self.beat_bytes() * self.beats as usize
    }
}

/// Beats of a frame of what moves.
pub fn moving_beats(layer: &Layer) -> BeatFormat {
    let op = layer.operation();
    let values = match op.depthwise {
        true => op.simd * op.pe,
        false => op.simd,
    };
    BeatFormat::of(
        op.pixels * values,
        layer.moving_type().bits(),
        op.rows.sources * op.moving_columns() * u64::from(op.moving_beats_per_pixel()),
    )
}

/// Beats of a stationary set; of those, the last [`Layer::scale_words`] are as [`bias_beats`] and [`scale_beats`] say.
pub fn stationary_beats(layer: &Layer) -> BeatFormat {
    let mut format = BeatFormat::of(
        layer.simd() * layer.pe(),
        layer.stationary_type().bits(),
        layer.operation().stationary_words() + layer.scale_words(),
    );
    format.beat_bytes = format.beat_bytes.max(scale_bits(layer).div_ceil(8));
    format
}

/// Bits of a beat of scales and biases that are values.
fn scale_bits(layer: &Layer) -> usize {
    let bits = |(values, bits): (u32, u32)| values as usize * bits as usize;
    bias_values(layer).map_or(0, bits) + scale_values(layer).map_or(0, bits)
}

/// Biases of a beat, and bits of one.
fn bias_values(layer: &Layer) -> Option<(u32, u32)> {
    layer.bias_place().map(|bits| (layer.pe(), bits))
}

/// Scales of a beat, and bits of one.
fn scale_values(layer: &Layer) -> Option<(u32, u32)> {
    let requantise = layer.requantise()?;
    let values = match requantise.scale_per {
        ScalePer::Tensor => 1,
        ScalePer::Channel => layer.pe(),
    };
    Some((values, requantise.scale_type.bits()))
}

/// The beats at the end of a stationary set as beats of its biases; `None` where there are none.
pub fn bias_beats(layer: &Layer) -> Option<BeatFormat> {
    last_beats(layer, bias_values(layer)?)
}

/// The beats at the end of a stationary set as beats of its scales, which stand above the biases; `None` where nothing is
/// scaled.
pub fn scale_beats(layer: &Layer) -> Option<BeatFormat> {
    last_beats(layer, scale_values(layer)?)
}

fn last_beats(layer: &Layer, (values, value_bits): (u32, u32)) -> Option<BeatFormat> {
    Some(BeatFormat {
        values,
        value_bits,
        beats: layer.scale_words(),
        beat_bytes: stationary_beats(layer).beat_bytes,
    })
}

/// Beats of a frame of the result, of values sign-extended to `value_bits`; the accumulate and mask streams have
/// beats of the same kind.
pub fn result_beats(layer: &Layer, value_bits: u32) -> BeatFormat {
    let op = layer.operation();
    BeatFormat::of(
        op.pixels * op.pe,
        value_bits,
        op.rows.positions * op.result_columns() * u64::from(op.result_beats_per_pixel()),
    )
}

/// The beats of one frame of what moves (channel, row, column).
///
/// # Panics
/// If the frame has not the shape of the layer's.
pub fn pack_moving(layer: &Layer, frame: ArrayView3<i32>) -> Vec<u8> {
    let op = layer.operation();
    let [_, height, width] = op.moving_shape();
    assert_eq!(frame.shape(), op.moving_shape(), "a frame of another layer");
    let pixel = moving_pixel(op);
    let mut writer = BeatWriter::new(moving_beats(layer));
    let lanes = op.pixels as usize;
    for row in 0..height {
        for first in (0..width).step_by(lanes) {
            for beat in &pixel {
                let value = |channel: usize, col: usize| match col < width {
                    true => frame[[channel, row, col]].into(),
                    false => 0,
                };
                let values = (first..first + lanes).flat_map(|col| {
                    beat.iter()
                        .map(move |channel| channel.map_or(0, |channel| value(channel, col)))
                });
                writer.beat(values);
            }
        }
    }
    writer.bytes
}

/// The beats of a stationary set (moving channel, channel of the result in its group, row and column of taps), without
/// the scales that may follow.
///
/// # Panics
/// If the array has not the shape of the layer's.
pub fn pack_stationary(layer: &Layer, set: &Array4<i32>) -> Vec<u8> {
    let op = layer.operation();
    let [_, _, height, width] = op.stationary_shape();
    assert_eq!(set.shape(), op.stationary_shape(), "a set of another layer");
    let mut writer = BeatWriter::new(stationary_beats(layer));
    for group_block in 0..op.group_blocks() {
        for result_block in 0..op.result_blocks() {
            let tap: Vec<Vec<_>> = (0..op.moving_blocks())
                .map(|moving_block| stationary_lanes(op, group_block, result_block, moving_block))
                .collect();
            for row in 0..height {
                for col in 0..width {
                    for beat in &tap {
                        let value = |(moving, result)| set[[moving, result, row, col]].into();
                        writer.beat(beat.iter().map(|lane| lane.map_or(0, value)));
                    }
                }
            }
        }
    }
    writer.bytes
}

/// The beats of scales and biases at the end of a stationary set; none where the layer has neither.
///
/// # Panics
/// If an array is missing that the layer has, or has another shape.
pub fn pack_channels(layer: &Layer, stages: &StageArrays) -> Vec<u8> {
    let Some(format) = scale_beats(layer).or_else(|| bias_beats(layer)) else {
        return Vec::new();
    };
    let bias = layer.bias().then(|| {
        let bias = stages.bias.as_ref().expect("biases");
        assert_eq!(bias.len(), bias_count(layer), "biases of another layer");
        bias
    });
    let bias_of = |c: usize| bias.map_or(0, |bias| bias[c]);
    let scale = layer.requantise().map(|requantise| {
        let scale = stages.scale.as_ref().expect("scales");
        assert_eq!(scale.len(), scale_count(layer), "scales of another layer");
        (requantise.scale_per, scale)
    });
    let scale_bits = scale_values(layer).map_or(0, |(_, bits)| bits);
    let mut writer = BeatWriter::new(format);
    let beats = result_pixel(layer.operation());
    for channels in &beats[..layer.scale_words() as usize] {
        // A layer without biases has zeros in their places.
        let biases = bias_values(layer).into_iter().flat_map(|(_, bias_bits)| {
            let of = move |c: &Option<usize>| (c.map_or(0, bias_of), bias_bits);
            channels.iter().map(of)
        });
        let scales = scale.iter().flat_map(|(per, scale)| {
            let of = |c: &Option<usize>| (c.map_or(0, |c| scale[c].into()), scale_bits);
            match per {
                ScalePer::Channel => channels.iter().map(of).collect(),
                ScalePer::Tensor => vec![(scale[0].into(), scale_bits)],
            }
        });
        writer.mixed_beat(biases.chain(scales));
    }
    writer.bytes
}

/// Biases of a stationary set: one for each channel of the result, or none.
pub fn bias_count(layer: &Layer) -> usize {
    match layer.bias() {
        true => layer.operation().result_channels() as usize,
        false => 0,
    }
}

/// Scales of a stationary set: one for each channel of the result, or one for all; zero where nothing is scaled.
pub fn scale_count(layer: &Layer) -> usize {
    match layer.requantise().map(|requantise| requantise.scale_per) {
        None => 0,
        Some(ScalePer::Tensor) => 1,
        Some(ScalePer::Channel) => layer.operation().result_channels() as usize,
    }
}

/// The beats of one frame of the result (channel, row, column), as the engine gives them.
///
/// # Panics
/// If the frame has not the shape of the layer's, or `value_bits` is above 64.
pub fn pack_result(layer: &Layer, frame: ArrayView3<i64>, value_bits: u32) -> Vec<u8> {
    let op = layer.operation();
    let [_, height, width] = op.result_shape();
    assert_eq!(frame.shape(), op.result_shape(), "a frame of another layer");
    let pixel = result_pixel(op);
    let mut writer = BeatWriter::new(result_beats(layer, value_bits));
    let lanes = op.pixels as usize;
    for row in 0..height {
        for first in (0..width).step_by(lanes) {
            for beat in &pixel {
                let value = |channel: usize, col: usize| match col < width {
                    true => frame[[channel, row, col]],
                    false => 0,
                };
                let values = (first..first + lanes).flat_map(|col| {
                    beat.iter()
                        .map(move |channel| channel.map_or(0, |channel| value(channel, col)))
                });
                writer.beat(values);
            }
        }
    }
    writer.bytes
}

/// Beats that make no whole number of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} bytes of results are no whole number of frames of {frame} bytes")]
pub struct UnpackError {
    /// Bytes given.
    pub found: usize,
    /// Bytes of a frame.
    pub frame: usize,
}

/// The result (frame, channel, row, column) of the beats of any number of frames. What padded lanes hold is ignored.
///
/// # Errors
/// `bytes` is no whole number of frames.
///
/// # Panics
/// If `value_bits` is not from 1 to 64.
pub fn unpack_result(
    layer: &Layer,
    bytes: &[u8],
    value_bits: u32,
) -> Result<Array4<i64>, UnpackError> {
    assert!(
        (1..=64).contains(&value_bits),
        "values of results are those of an i64"
    );
    let format = result_beats(layer, value_bits);
    if bytes.len() % format.bytes() != 0 {
        return Err(UnpackError {
            found: bytes.len(),
            frame: format.bytes(),
        });
    }
    let frames = bytes.len() / format.bytes();
    let pixel = result_pixel(layer.operation());
    let lanes = layer.operation().pixels as usize;
    let [channels, height, width] = layer.operation().result_shape();
    let mut result = Array4::zeros((frames, channels, height, width));
    let mut beats = bytes.chunks_exact(format.beat_bytes());
    for n in 0..frames {
        for h in 0..height {
            for first in (0..width).step_by(lanes) {
                for (channels, beat) in pixel.iter().zip(&mut beats) {
                    let places = (first..first + lanes)
                        .flat_map(|col| channels.iter().map(move |channel| (*channel, col)));
                    for ((channel, col), value) in places.zip(values_of(beat, value_bits)) {
                        if let Some(c) = channel.filter(|_| col < width) {
                            result[[n, c, h, col]] = value;
                        }
                    }
                }
            }
        }
    }
    Ok(result)
}

/// The values of a beat, in two's complement of `value_bits`.
fn values_of(beat: &[u8], value_bits: u32) -> impl Iterator<Item = i64> + '_ {
    let mut bytes = beat.iter();
    let (mut pending, mut count) = (0_u128, 0);
    std::iter::from_fn(move || {
        while count < value_bits {
            pending |= u128::from(*bytes.next()?) << count;
            count += 8;
        }
        let value = (pending as i64) << (64 - value_bits) >> (64 - value_bits);
        pending >>= value_bits;
        count -= value_bits;
        Some(value)
    })
}

/// The channels in the beats of one pixel of what moves; `None` for a padded lane.
pub(crate) fn moving_pixel(op: &Operation) -> Vec<Vec<Option<usize>>> {
    let mut beats = Vec::new();
    for group_block in 0..op.group_blocks() {
        for moving_block in 0..op.moving_blocks() {
            let lanes = stationary_lanes(op, group_block, 0, moving_block);
            // Unless depthwise, PE lanes share what moves: lane 0, which always exists, stands for all.
            let step = match op.depthwise {
                true => 1,
                false => op.pe as usize,
            };
            let channel = |lane: &Option<(usize, usize)>| lane.map(|(moving, _)| moving);
            beats.push(lanes.iter().step_by(step).map(channel).collect());
        }
    }
    beats
}

/// The channels in the beats of one pixel of the result; `None` for a padded lane.
pub(crate) fn result_pixel(op: &Operation) -> Vec<Vec<Option<usize>>> {
    let per_group = op.result_per_group;
    let mut beats = Vec::new();
    for group_block in 0..op.group_blocks() {
        for result_block in 0..op.result_blocks() {
            let channel = |lane: u32| match op.depthwise {
                true => {
                    let group = group_block * op.pe + lane;
                    (group < op.groups).then_some(group as usize)
                }
                false => {
                    let of_group = result_block * op.pe + lane;
                    let channel = (group_block * per_group + of_group) as usize;
                    (of_group < per_group).then_some(channel)
                }
            };
            beats.push((0..op.pe).map(channel).collect());
        }
    }
    beats
}

/// The channels (moving, and of the result within the group) in one beat of a stationary set; `None` for a padded lane.
fn stationary_lanes(
    op: &Operation,
    group_block: u32,
    result_block: u32,
    moving_block: u32,
) -> Vec<Option<(usize, usize)>> {
    let mut lanes = Vec::new();
    for simd_lane in 0..op.simd {
        for pe_lane in 0..op.pe {
            let (group, result) = match op.depthwise {
                true => (group_block * op.pe + pe_lane, 0),
                false => (group_block, result_block * op.pe + pe_lane),
            };
            let of_group = moving_block * op.simd + simd_lane;
            let exists =
                group < op.groups && result < op.result_per_group && of_group < op.moving_per_group;
            let moving = group * op.moving_per_group + of_group;
            lanes.push(exists.then_some((moving as usize, result as usize)));
        }
    }
    lanes
}

/// Appends beats to bytes.
struct BeatWriter {
    format: BeatFormat,
    bytes: Vec<u8>,
    beats: usize,
}

impl BeatWriter {
    fn new(format: BeatFormat) -> Self {
        assert!(
            (1..=64).contains(&format.value_bits),
            "values are those of an i64"
        );
        Self {
            format,
            bytes: Vec::with_capacity(format.bytes()),
            beats: 0,
        }
    }

    /// Appends one beat; the values are cut to the format's width.
    fn beat(&mut self, values: impl Iterator<Item = i64>) {
        let value_bits = self.format.value_bits;
        self.mixed_beat(values.map(|value| (value, value_bits)));
    }

    /// The same of values with the bits of each, from 1 to 64.
    fn mixed_beat(&mut self, values: impl Iterator<Item = (i64, u32)>) {
        // Less than 8 bits are pending when a value of up to 64 comes.
        let (mut pending, mut count) = (0_u128, 0);
        for (value, value_bits) in values {
            pending |= u128::from(value as u64 & u64::MAX >> (64 - value_bits)) << count;
            count += value_bits;
            while count >= 8 {
                self.bytes.push(pending as u8);
                pending >>= 8;
                count -= 8;
            }
        }
        if count > 0 {
            self.bytes.push(pending as u8);
        }
        self.beats += 1;
        self.bytes.resize(self.beats * self.format.beat_bytes(), 0);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Axis;

    use super::*;
    use crate::layer::{LayerFile, PerItem};
    use crate::vectors::{random_moving, random_stationary};

    /// Dense, grouped and depthwise layers whose lanes divide their channels or do not, at widths that fill bytes or
    /// do not.
    fn layers() -> Vec<Layer> {
        let shape = |groups, in_channels, out_channels, simd, pe| {
            let mut file = LayerFile::default();
            file.layer.in_channels = Some(in_channels);
            file.layer.out_channels = Some(out_channels);
            file.layer.in_size = Some(PerItem([5, 6]));
            file.layer.kernel = Some(PerItem([2, 3]));
            file.layer.groups = groups;
            file.engine.simd = simd;
            file.engine.pe = pe;
            file
        };
        let mut layers = Vec::new();
        for file in [
            shape(1, 4, 6, 3, 2),
            shape(1, 5, 7, 3, 2),
            shape(2, 6, 10, 3, 2),
            shape(5, 5, 5, 1, 2),
            shape(4, 4, 12, 2, 3),
        ] {
            for [grad, weight] in [["int8", "int16"], ["int3", "int5"], ["int16", "int2"]] {
                let mut file = file.clone();
                file.engine.grad_type = grad.to_owned();
                file.engine.weight_type = weight.to_owned();
                layers.push(file.validate().unwrap());
            }
        }
        layers
    }

    /// Takes values out of beats bit by bit, in order.
    struct BeatReader<'a> {
        format: BeatFormat,
        bytes: &'a [u8],
    }

    impl BeatReader<'_> {
        fn next(&mut self) -> Vec<i64> {
            let (beat, rest) = self.bytes.split_at(self.format.beat_bytes());
            self.bytes = rest;
            let bit = |index: usize| i64::from(beat[index / 8] >> (index % 8) & 1);
            let width = self.format.value_bits as usize;
            let used = self.format.values as usize * width;
            assert!(
                (used..beat.len() * 8).all(|index| bit(index) == 0),
                "zero-extended"
            );
            let value = |first: usize| {
                let magnitude: i64 = (0..width - 1).map(|i| bit(first + i) << i).sum();
                magnitude - (bit(first + width - 1) << (width - 1))
            };
            (0..used).step_by(width).map(value).collect()
        }
    }

    #[test]
    fn gradients_lie_where_the_contract_says() {
        for layer in layers() {
            let frame = random_moving(&layer, 1, 5).index_axis_move(Axis(0), 0);
            let bytes = pack_moving(&layer, frame.view());
            let format = moving_beats(&layer);
            assert_eq!(bytes.len(), format.bytes());
            let mut reader = BeatReader {
                format,
                bytes: &bytes,
            };
            let (simd, pe) = (layer.simd() as usize, layer.pe() as usize);
            let per_group = layer.out_per_group() as usize;
            // What a lane holds: channel `k` of group `g`, or zero where there is none.
            let lane = |g: usize, k: usize, p: usize, q: usize| match () {
                () if g < layer.groups() as usize && k < per_group => {
                    i64::from(frame[[g * per_group + k, p, q]])
                }
                () => 0,
            };
            for p in 0..layer.rows().out_size as usize {
                for q in 0..layer.cols().out_size as usize {
                    for group_block in 0..layer.operation().group_blocks() as usize {
                        for k_block in 0..layer.operation().moving_blocks() as usize {
                            let mut expected = Vec::new();
                            for s in 0..simd {
                                let k = k_block * simd + s;
                                if layer.operation().depthwise {
                                    expected.extend(
                                        (0..pe).map(|j| lane(group_block * pe + j, k, p, q)),
                                    );
                                } else {
                                    expected.push(lane(group_block, k, p, q));
                                }
                            }
                            assert_eq!(reader.next(), expected);
                        }
                    }
                }
            }
            assert!(reader.bytes.is_empty());
        }
    }

    #[test]
    fn weights_lie_where_the_contract_says() {
        for layer in layers() {
            let weight = random_stationary(&layer, 5);
            let bytes = pack_stationary(&layer, &weight);
            let format = stationary_beats(&layer);
            assert_eq!(bytes.len(), format.bytes());
            let mut reader = BeatReader {
                format,
                bytes: &bytes,
            };
            let (simd, pe) = (layer.simd() as usize, layer.pe() as usize);
            let per_group = layer.out_per_group() as usize;
            for group_block in 0..layer.operation().group_blocks() as usize {
                for c_block in 0..layer.operation().result_blocks() as usize {
                    for r in 0..layer.rows().kernel as usize {
                        for s in 0..layer.cols().kernel as usize {
                            for k_block in 0..layer.operation().moving_blocks() as usize {
                                for (index, value) in reader.next().into_iter().enumerate() {
                                    let (k, j) = (k_block * simd + index / pe, index % pe);
                                    let (group, c) = match layer.operation().depthwise {
                                        true => (group_block * pe + j, 0),
                                        false => (group_block, c_block * pe + j),
                                    };
                                    // The group's bounds first: k beyond them is a channel of the next group.
                                    let stored = weight
                                        .get([group * per_group + k, c, r, s])
                                        .filter(|_| k < per_group);
                                    assert_eq!(value, stored.map_or(0, |&value| value.into()));
                                }
                            }
                        }
                    }
                }
            }
            assert!(reader.bytes.is_empty());
        }
    }

    #[test]
    fn results_survive_packing_and_unpacking() {
        for layer in layers() {
            for value_bits in [8, 24, 32, 40, 64] {
                let [c, h, w] = layer.operation().result_shape();
                let least = i64::MIN >> (64 - value_bits);
                let results =
                    Array4::from_shape_fn((2, c, h, w), |(n, c, h, w)| match (n + c + h + w) % 3 {
                        0 => least + (c * h) as i64,
                        1 => -1 - least - (n * w) as i64,
                        _ => -((c + h + w) as i64),
                    });
                let bytes: Vec<u8> = results
                    .outer_iter()
                    .flat_map(|frame| pack_result(&layer, frame, value_bits))
                    .collect();
                assert_eq!(unpack_result(&layer, &bytes, value_bits), Ok(results));
                let cut = &bytes[1..];
                assert!(unpack_result(&layer, cut, value_bits).is_err());
            }
        }
    }

    /// The order of channels, which a round trip alone would not show.
    #[test]
    fn results_come_in_order_of_groups_and_blocks() {
        let channels = |layer: &Layer| {
            let beats = result_pixel(layer.operation()).into_iter();
            beats.map(|beat| {
                beat.iter()
                    .map(|c| c.map_or(-1, |c| c as i64))
                    .collect::<Vec<_>>()
            })
        };
        let order: Vec<Vec<Vec<i64>>> = layers()
            .iter()
            .step_by(3)
            .map(|layer| channels(layer).collect())
            .collect();
        assert_eq!(order[0], [[0, 1], [2, 3]]);
        assert_eq!(order[1], [[0, 1], [2, 3], [4, -1]]);
        assert_eq!(order[2], [[0, 1], [2, -1], [3, 4], [5, -1]]);
        assert_eq!(order[3], [[0, 1], [2, 3], [4, -1]]);
        assert_eq!(order[4], [[0, 1, 2], [3, -1, -1]]);
    }
}

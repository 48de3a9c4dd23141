//! Which channels of a pass the lanes run over, and how many lanes there may be.

use super::validate::{in_range, MAX_SIZE};
use super::{Engine, Geometry, LaneUse, Layer, LayerError, Pass};

const C: &str = "in_channels / groups";
const K: &str = "out_channels / groups";

/// What a group has.
pub(super) struct Channels {
    /// C/groups and K/groups.
    pub(super) c: u32,
    pub(super) k: u32,
    /// Images of a batch.
    pub(super) batch: Option<u32>,
}

/// Channels of a group that the lanes run over, and what messages call them.
pub(super) struct Roles {
    pub(super) moving: u32,
    moving_words: &'static str,
    pub(super) result: u32,
    result_words: &'static str,
    depthwise_words: &'static str,
}

/// Lanes that a layer is laid out on.
pub(super) struct OnLanes {
    /// Over moving channels.
    pub(super) simd: u32,
    /// Over the result's channels; if depthwise, over groups.
    pub(super) pe: u32,
    pub(super) depthwise: bool,
}

impl Roles {
    /// In this pass.
    pub(super) fn new(pass: Pass, channels: &Channels) -> Self {
        const NARROW: &str = "groups, as each has one output channel";
        let (moving, moving_words) = match pass {
            Pass::GradInput => (channels.k, K),
            Pass::Forward => (channels.c, C),
            // A weight gradient has a batch.
            Pass::GradWeight => (channels.batch.unwrap_or(1), "batch"),
        };
        let (result, result_words, depthwise_words) = match pass {
            Pass::GradInput => (channels.c, C, "groups, as the layer is depthwise"),
            Pass::Forward | Pass::GradWeight => (channels.k, K, NARROW),
        };
        Roles {
            moving,
            moving_words,
            result,
            result_words,
            depthwise_words,
        }
    }

    /// The same of a transposed convolution, whose channels are called the other way round.
    pub(super) fn transposed(self) -> Self {
        Roles {
            moving_words: C,
            result_words: K,
            ..self
        }
    }

    /// The lanes that the file asks for, if these channels have so many.
    ///
    /// # Errors
    /// They have not.
    pub(super) fn on_lanes(
        &self,
        engine: &Engine,
        groups: u32,
        lane_use: LaneUse,
    ) -> Result<OnLanes, LayerError> {
        let depthwise = lane_use.is_depthwise(groups, self.result);
        let (simd, pe) = match lane_use {
            LaneUse::Shared => (
                in_range("engine.simd", "", engine.simd, 1, MAX_SIZE)?,
                in_range("engine.pe", "", engine.pe, 1, MAX_SIZE)?,
            ),
            LaneUse::Own => (
                lanes("simd", engine.simd, self.moving, self.moving_words)?,
                match depthwise {
                    true => lanes("pe", engine.pe, groups, self.depthwise_words)?,
                    false => lanes("pe", engine.pe, self.result, self.result_words)?,
                },
            ),
        };
        Ok(OnLanes {
            simd,
            pe,
            depthwise,
        })
    }
}

impl Layer {
    /// Its geometry with so many groups, and in each of them so many channels of what moves and of the result. For a weight
    /// gradient the channels of the input, which are its frames, stay as many in each group.
    pub(crate) fn with_channels(&self, groups: u32, moving: u64, result: u64) -> Geometry {
        // What is beyond 63 bits is beyond any limit.
        let channels = |of_group: u64| {
            let channels = u64::from(groups).saturating_mul(of_group);
            Some(i64::try_from(channels).unwrap_or(i64::MAX))
        };
        let mut geometry = self.to_file().layer;
        geometry.groups = groups.into();
        (geometry.in_channels, geometry.out_channels) = match self.pass() {
            Pass::GradInput => (channels(result), channels(moving)),
            Pass::Forward => (channels(moving), channels(result)),
            Pass::GradWeight => (channels(self.in_per_group().into()), channels(result)),
        };
        if self.pass() == Pass::GradWeight {
            geometry.batch = Some(i64::try_from(moving).unwrap_or(i64::MAX));
        }
        geometry
    }
}

fn lanes(
    key: &'static str,
    value: i64,
    greatest: u32,
    what: &'static str,
) -> Result<u32, LayerError> {
    u32::try_from(value)
        .ok()
        .filter(|lanes| (1..=greatest).contains(lanes))
        .ok_or(LayerError::Lanes {
            key,
            value,
            greatest,
            what,
        })
}

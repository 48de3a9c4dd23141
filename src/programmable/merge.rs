//! Narrow groups laid side by side, so that lanes work that would stand idle; and [rows](super::rows) of a weight gradient.
//!
//! Promise: the first channels of the merged layer's result are those of the layer's, and what is behind them means
//! nothing. So many groups that follow one another become one, in which what is stationary is that of its groups along the
//! diagonal and zero elsewhere: a channel of what moves then adds nothing to the results of another group. The engine knows nothing
//! of it. Channels are in the order of their groups, so that they stay where they are; where the groups do not divide,
//! the last merged one is filled up with channels of zeros.

use ndarray::{s, Array4, Axis};

use super::even_parts;
use super::rows::Beside;
use crate::bound::bound_cycles;
use crate::layer::{LaneUse, Layer};

/// A layer and the one that its groups make when so many of them become one.
#[derive(Clone, Debug)]
pub struct Merge {
    layer: Layer,
    /// Rows that are laid side by side before that, where there are.
    beside: Option<Beside>,
    /// Moving channels of a group that is not merged yet.
    moving_per_group: u32,
    merged: Layer,
    each: u32,
}

impl Merge {
    /// Every way to merge a layer's groups with its bound, the lowest first; of several for one number of merged groups
    /// the one with the least filling. Rows are laid side by side only where that makes the bound lower.
    pub(super) fn all(layer: &Layer) -> Vec<(u64, Self)> {
        let mut all = Self::groups(layer, None, layer);
        let least = all.iter().map(|(bound, _)| *bound).min();
        for each in even_parts(layer.operation().simd.min(layer.rows().out_size)) {
            if let Some((beside, laid)) = Beside::new(layer, each).filter(|_| each > 1) {
                let ways = Self::groups(layer, Some(beside), &laid).into_iter();
                all.extend(ways.filter(|(bound, _)| Some(*bound) < least));
            }
        }
        all.sort_by_key(|(bound, merge)| (*bound, merge.rows_beside(), merge.each));
        all
    }

    /// Those of a layer that was `laid` out, with its groups by themselves or merged.
    fn groups(layer: &Layer, beside: Option<Beside>, laid: &Layer) -> Vec<(u64, Self)> {
        let merge = |each| {
            let merged = merged(laid, each)?;
            let merge = Merge {
                layer: layer.clone(),
                beside: beside.clone(),
                moving_per_group: laid.operation().moving_per_group,
                merged,
                each,
            };
            Some((bound_cycles(&merge.merged), merge))
        };
        even_parts(layer.groups()).filter_map(merge).collect()
    }

    /// The layer.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// What the engine is told in its place.
    pub fn merged(&self) -> &Layer {
        &self.merged
    }

    /// Groups that become one; 1 where they stay as they are.
    pub fn each(&self) -> u32 {
        self.each
    }

    /// Rows of each image that stand side by side; 1 where they come one after the other.
    pub fn rows_beside(&self) -> u32 {
        self.beside.as_ref().map_or(1, Beside::each)
    }

    /// These channels of what moves in the merged layer.
    pub(crate) fn moving(&self, moving: &Array4<i32>, channels: &[usize]) -> Array4<i32> {
        match &self.beside {
            None => pick(moving, channels),
            Some(beside) => pick(&beside.moving(moving), channels),
        }
    }

    /// These channels of the merged layer's result, of an array of that shape for the layer.
    pub(crate) fn result<T: Clone + Default>(
        &self,
        array: &Array4<T>,
        channels: &[usize],
    ) -> Array4<T> {
        pick(array, channels)
    }

    /// The layer's own channels of the merged one's result.
    pub(crate) fn own(&self, result: Array4<i64>) -> Array4<i64> {
        let own = self.layer.operation().result_channels() as usize;
        match result.len_of(Axis(1)) == own {
            true => result,
            false => result.slice(s![.., ..own, .., ..]).to_owned(),
        }
    }

    /// What is stationary in the merged layer, from these channels of what moves to these of each of its groups' channels of
    /// the result.
    pub(crate) fn stationary(
        &self,
        stationary: &Array4<i32>,
        moving: &[usize],
        results: &[usize],
    ) -> Array4<i32> {
        let laid = self
            .beside
            .as_ref()
            .map(|beside| beside.stationary(stationary));
        let stationary = laid.as_ref().unwrap_or(stationary);
        let (all, result_per_group, height, width) = stationary.dim();
        let moving_per_group = self.moving_per_group as usize;
        let mut picked = Array4::zeros((moving.len(), results.len(), height, width));
        let moving = moving.iter().enumerate();
        for (row, &m) in moving.filter(|(_, &m)| m < all) {
            // The channels of the result of its own group begin here.
            let own = m / moving_per_group % self.each as usize * result_per_group;
            for (col, &c) in results.iter().enumerate() {
                if (own..own + result_per_group).contains(&c) {
                    let from = stationary.slice(s![m, c - own, .., ..]);
                    picked.slice_mut(s![row, col, .., ..]).assign(&from);
                }
            }
        }
        picked
    }
}

/// These channels of an array; those that it has not are zeros.
fn pick<T: Clone + Default>(array: &Array4<T>, channels: &[usize]) -> Array4<T> {
    let (frames, all, height, width) = array.dim();
    let mut picked = Array4::default((frames, channels.len(), height, width));
    for (mut to, &from) in picked.axis_iter_mut(Axis(1)).zip(channels) {
        if from < all {
            to.assign(&array.index_axis(Axis(1), from));
        }
    }
    picked
}

/// `None` where the merged layer has more channels than a layer may have.
fn merged(layer: &Layer, each: u32) -> Option<Layer> {
    if each == 1 {
        return Some(layer.clone());
    }
    let groups = layer.groups().div_ceil(each);
    let channels = |of_group: u32| u64::from(each) * u64::from(of_group);
    let op = layer.operation();
    // All but its channels is the layer's.
    let mut file = layer.to_file();
    file.layer = layer.with_channels(
        groups,
        channels(op.moving_per_group),
        channels(op.result_per_group),
    );
    let merged = file.validate_on(LaneUse::Shared).ok()?;
    Some(merged.on_bias_place(layer.bias_place()))
}

#[cfg(test)]
mod tests {
    use super::Merge;
    use crate::layer::{Geometry, Pass, PerItem};
    use crate::programmable::EngineFile;
    use crate::reference::{reference, StageArrays};
    use crate::run::Arrays;
    use crate::vectors::{random_moving, random_stationary};

    /// 5 groups of 2 x 3 channels, by 1, 2, 3 and 5 of them.
    #[test]
    fn a_merged_layer_has_the_result_of_the_layer() {
        let file = EngineFile::parse("[engine]\nsimd = 8\npe = 8", "here").unwrap();
        let engine = file.validate().unwrap();
        for pass in Pass::ALL {
            let geometry = Geometry {
                pass: Some(pass.to_string()),
                in_channels: Some(10),
                out_channels: Some(15),
                groups: 5,
                batch: Some(1),
                in_size: Some(PerItem([4, 5])),
                kernel: Some(PerItem([2, 3])),
                ..Geometry::default()
            };
            let layer = engine.layer(geometry).unwrap();
            let arrays = |moving, stationary| Arrays {
                moving,
                stationary,
                stages: StageArrays::default(),
            };
            let all = arrays(random_moving(&layer, 2, 1), random_stationary(&layer, 1));
            let expected = reference(&layer, &all).result;
            let merges = Merge::all(&layer);
            let each = |beside: u32| {
                let merges = merges.iter().map(|(_, merge)| merge);
                let merges = merges.filter(|merge| merge.rows_beside() == beside);
                let mut each: Vec<u32> = merges.map(Merge::each).collect();
                each.sort_unstable();
                each
            };
            assert_eq!(each(1), [1, 2, 3, 5]);
            // An image on 8 lanes: 3 rows of grad_output of two groups are 6, and a third of the taps for each.
            assert_eq!(each(3).is_empty(), pass != Pass::GradWeight);
            for (_, merge) in merges {
                let op = merge.merged().operation();
                let moving: Vec<usize> = (0..op.moving_channels() as usize).collect();
                let results: Vec<usize> = (0..op.result_per_group as usize).collect();
                let merged = arrays(
                    merge.moving(&all.moving, &moving),
                    merge.stationary(&all.stationary, &moving, &results),
                );
                let found = reference(merge.merged(), &merged).result;
                assert_eq!(
                    merge.own(found),
                    expected,
                    "{pass}: {} as one",
                    merge.each()
                );
            }
        }
    }
}

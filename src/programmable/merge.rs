//! Narrow groups laid side by side, so that lanes work that would stand idle.
//!
//! Promise: the first channels of the merged layer's gradient are those of the layer's, and what is behind them means
//! nothing. So many groups that follow one another become one, whose weights are those of its groups along the diagonal
//! and zero elsewhere: a channel of K then adds nothing to the channels of C of another group. The engine knows nothing
//! of it. Channels are in the order of their groups, so that they stay where they are; where the groups do not divide,
//! the last merged one is filled up with channels of zeros.

use ndarray::{s, Array4, Axis};

use super::even_parts;
use crate::bound::bound_cycles;
use crate::layer::{LaneUse, Layer};

/// A layer and the one that its groups make when so many of them become one.
#[derive(Clone, Debug)]
pub struct Merge {
    layer: Layer,
    merged: Layer,
    each: u32,
}

impl Merge {
    /// Every way to merge a layer's groups with its bound, the lowest first; of several for one number of merged groups
    /// the one with the least filling.
    pub(super) fn all(layer: &Layer) -> Vec<(u64, Self)> {
        let merge = |each| {
            let merged = merged(layer, each)?;
            let layer = layer.clone();
            Some((
                bound_cycles(&merged),
                Merge {
                    layer,
                    merged,
                    each,
                },
            ))
        };
        let mut all: Vec<_> = even_parts(layer.groups()).filter_map(merge).collect();
        all.sort_by_key(|(bound, merge)| (*bound, merge.each));
        all
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

    /// These channels of the merged layer's grad_output.
    pub(crate) fn grad_output(&self, grad_output: &Array4<i32>, channels: &[usize]) -> Array4<i32> {
        pick(grad_output, channels)
    }

    /// These channels of the merged layer's grad_input, of an array of that shape for the layer.
    pub(crate) fn grad_input<T: Clone + Default>(
        &self,
        array: &Array4<T>,
        channels: &[usize],
    ) -> Array4<T> {
        pick(array, channels)
    }

    /// The layer's own channels of the merged one's grad_input.
    pub(crate) fn own(&self, grad_input: Array4<i64>) -> Array4<i64> {
        let own = self.layer.in_channels() as usize;
        match grad_input.len_of(Axis(1)) == own {
            true => grad_input,
            false => grad_input.slice(s![.., ..own, .., ..]).to_owned(),
        }
    }

    /// The merged layer's weights from these channels of K to these of each of its groups' channels of C.
    pub(crate) fn weight(
        &self,
        weight: &Array4<i32>,
        out_channels: &[usize],
        in_channels: &[usize],
    ) -> Array4<i32> {
        let (all, in_per_group, height, width) = weight.dim();
        let out_per_group = self.layer.out_per_group() as usize;
        let mut picked = Array4::zeros((out_channels.len(), in_channels.len(), height, width));
        let outs = out_channels.iter().enumerate();
        for (row, &k) in outs.filter(|(_, &k)| k < all) {
            // The channels of C of its own group begin here.
            let own = k / out_per_group % self.each as usize * in_per_group;
            for (col, &c) in in_channels.iter().enumerate() {
                if (own..own + in_per_group).contains(&c) {
                    let from = weight.slice(s![k, c - own, .., ..]);
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
    let channels = |of_group: u32| i64::from(groups) * i64::from(each) * i64::from(of_group);
    // All but its channels is the layer's.
    let mut file = layer.to_file();
    file.layer.groups = groups.into();
    file.layer.in_channels = Some(channels(layer.in_per_group()));
    file.layer.out_channels = Some(channels(layer.out_per_group()));
    file.validate_on(LaneUse::Shared).ok()
}

#[cfg(test)]
mod tests {
    use super::Merge;
    use crate::layer::{Geometry, PerItem};
    use crate::programmable::EngineFile;
    use crate::reference::gather;
    use crate::vectors::{random_moving, random_stationary};

    /// 5 groups of 2 x 3 channels, by 1, 2, 3 and 5 of them.
    #[test]
    fn a_merged_layer_has_the_gradient_of_the_layer() {
        let file = EngineFile::parse("[engine]\nsimd = 4\npe = 8", "here").unwrap();
        let engine = file.validate().unwrap();
        let layer = engine
            .layer(Geometry {
                in_channels: Some(10),
                out_channels: Some(15),
                groups: 5,
                in_size: Some(PerItem([4, 5])),
                kernel: Some(PerItem([2, 3])),
                ..Geometry::default()
            })
            .unwrap();
        let (grad_output, weight) = (random_moving(&layer, 2, 1), random_stationary(&layer, 1));
        let expected = gather(&layer, &grad_output, &weight);
        let merges = Merge::all(&layer);
        let mut all: Vec<u32> = merges.iter().map(|(_, merge)| merge.each()).collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 5]);
        for (_, merge) in merges {
            let merged = merge.merged();
            let outs: Vec<usize> = (0..merged.out_channels() as usize).collect();
            let ins: Vec<usize> = (0..merged.in_per_group() as usize).collect();
            let found = gather(
                merged,
                &merge.grad_output(&grad_output, &outs),
                &merge.weight(&weight, &outs, &ins),
            );
            assert_eq!(merge.own(found), expected, "{} as one", merge.each());
        }
    }
}

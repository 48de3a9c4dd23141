//! A layer in tiles: the jobs of a [`Tiling`], and their results put together.

use std::collections::VecDeque;

use ndarray::{Array4, Axis};

use super::{Device, Driver, DriverError, Submitted, JOBS_HELD};
use crate::programmable::{Tile, Tiling};
use crate::reference::{grad_input_shape, StageArrays};
use crate::run::Arrays;

impl<D: Device> Driver<'_, D> {
    /// grad_input (N, C, H, W) of a layer, each tile a job that is given while those before it run. Partial sums over K
    /// are added in 64 bits, exactly.
    ///
    /// # Errors
    /// A tile is too large for the engine, or the engine cannot be reached.
    ///
    /// # Panics
    /// If the arrays are of another layer, or there are no frames.
    pub fn run(&mut self, tiling: &Tiling, arrays: &Arrays) -> Result<Array4<i64>, DriverError> {
        // With the channels that fill up the last merged group.
        let [channels, height, width] = grad_input_shape(tiling.merge().merged());
        let frames = arrays.grad_output.len_of(Axis(0));
        let mut result = Array4::zeros((frames, channels, height, width));
        let mut held: VecDeque<(&Tile, Submitted)> = VecDeque::new();
        let mut tiles = tiling.tiles().iter();
        loop {
            let next = tiles.next();
            if let Some(tile) = next {
                let job = self.submit(tile.plan.clone(), &part(tiling, tile, arrays))?;
                held.push_back((tile, job));
            }
            if next.is_none() || held.len() == JOBS_HELD {
                let Some((tile, job)) = held.pop_front() else {
                    return Ok(tiling.merge().own(result));
                };
                add(&mut result, tiling, tile, &self.collect(&job)?);
            }
        }
    }

    /// Cycles in which the engine had a job, loads of weights included and those of tables not, since the counters were
    /// cleared. Waits until it has none.
    ///
    /// # Errors
    /// The engine cannot be reached.
    pub fn busy_cycles(&mut self) -> Result<u64, DriverError> {
        while self.value("state")? != 0 {}
        // Nothing counts meanwhile, so that the halves belong together.
        let (low, high) = (self.value("cycles_low")?, self.value("cycles_high")?);
        Ok(u64::from(high) << 32 | u64::from(low))
    }
}

/// What the engine is given for a tile.
fn part(tiling: &Tiling, tile: &Tile, arrays: &Arrays) -> Arrays {
    let merge = tiling.merge();
    let of_group = merge.merged().out_per_group();
    let channels: Vec<usize> = channels(tile, &tile.out_channels, of_group).collect();
    let in_channels: Vec<usize> = tile.in_channels.clone().map(|c| c as usize).collect();
    Arrays {
        grad_output: merge.grad_output(&arrays.grad_output, &channels),
        weight: merge.weight(&arrays.weight, &channels, &in_channels),
        stages: StageArrays::default(),
    }
}

/// Adds a tile's result to the channels that it is of.
fn add(result: &mut Array4<i64>, tiling: &Tiling, tile: &Tile, found: &Array4<i64>) {
    let of_group = tiling.merge().merged().in_per_group();
    for (from, to) in channels(tile, &tile.in_channels, of_group).enumerate() {
        let mut sum = result.index_axis_mut(Axis(1), to);
        sum += &found.index_axis(Axis(1), from);
    }
}

/// Channels of the whole merged layer: these of each group of the tile, where a group has `of_group`.
fn channels<'a>(
    tile: &'a Tile,
    of_each: &'a std::ops::Range<u32>,
    of_group: u32,
) -> impl Iterator<Item = usize> + 'a {
    let of = move |group| of_each.clone().map(move |index| group * of_group + index);
    tile.groups.clone().flat_map(of).map(|index| index as usize)
}

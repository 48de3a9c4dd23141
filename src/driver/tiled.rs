//! A layer in tiles: the jobs of a [`Tiling`], and their results put together.

use std::collections::VecDeque;

use ndarray::{Array1, Array4, Axis};

use super::{check_values, Device, Driver, DriverError, Submitted, JOBS_HELD};
use crate::layer::ScalePer;
use crate::plan::Plan;
use crate::programmable::{Tile, Tiling};
use crate::reference::StageArrays;
use crate::run::Arrays;

/// What is known of a layer before the one before it is done.
#[derive(Clone, Copy, Debug)]
pub struct Coming<'a> {
    /// Its tiles.
    pub tiling: &'a Tiling,
    /// Frames of its batch.
    pub frames: usize,
    /// What is stationary.
    pub weight: &'a Array4<i32>,
    /// Frames of what moves, where they are known as well.
    pub moving: Option<&'a Array4<i32>>,
    /// Its scales and where its rounding begins; what is added and the mask may be missing.
    pub stages: &'a StageArrays,
}

/// A layer whose first job was told and given its weights.
#[derive(Debug)]
pub struct Begun {
    job: Submitted,
    /// Whether it was given its frames as well.
    fed: bool,
}

impl<D: Device> Driver<'_, D> {
    /// The result of a layer, by frames, each tile a job that is given while those before it run. Partial sums over moving
    /// channels go back into the engine with the next tile, where [`Tiling::sums_go_in`]; else they are added here, in 64 bits,
    /// exactly.
    ///
    /// # Errors
    /// A tile is too large for the engine, or a value to add is, or the engine cannot be reached.
    ///
    /// # Panics
    /// If the arrays are of another layer, or one is missing, or there are no frames.
    pub fn run(&mut self, tiling: &Tiling, arrays: &Arrays) -> Result<Array4<i64>, DriverError> {
        let (result, _) = self.run_between(None, tiling, arrays, None)?;
        Ok(result)
    }

    /// As [`run`](Self::run), between two other layers: where `begun` is given, this one's first job was told before. The
    /// first job of the layer that is `coming` is told while the last ones of this one run, so that its weights are there
    /// when its frames come, or both are; that layer is to be the next one.
    ///
    /// # Errors
    /// As `run`.
    ///
    /// # Panics
    /// As `run`.
    pub fn run_between(
        &mut self,
        mut begun: Option<Begun>,
        tiling: &Tiling,
        arrays: &Arrays,
        mut coming: Option<Coming>,
    ) -> Result<(Array4<i64>, Option<Begun>), DriverError> {
        let mut begins = None;
        // With the channels that fill up the last merged group.
        let [channels, height, width] = tiling.merge().merged().operation().result_shape();
        let frames = arrays.moving.len_of(Axis(0));
        let mut result = match tiling.layer().accumulate() {
            true => {
                let values = arrays.stages.accumulate.as_ref().expect("values to add");
                check_values(values, tiling.most_accumulate())?;
                let all: Vec<usize> = (0..channels).collect();
                tiling.merge().result(values, &all)
            }
            false => Array4::zeros((frames, channels, height, width)),
        };
        let mut held: VecDeque<(&Tile, Submitted)> = VecDeque::new();
        // Those of them that have all they need.
        let mut whole = 0;
        let mut tiles = tiling.tiles().iter().enumerate();
        loop {
            let next = tiles.next();
            if let Some((index, tile)) = next {
                let part = part(tiling, index, tile, arrays);
                let job = match begun.take() {
                    Some(Begun { job, fed }) => {
                        if !fed {
                            self.feed(&job, &part)?;
                        }
                        job
                    }
                    None => self.submit_all_but_values(Plan::clone(&tile.plan), &part)?,
                };
                held.push_back((tile, job));
            } else if let Some(coming) = coming.take() {
                begins = Some(self.begin(coming)?);
            }
            whole = self.submit_sums(tiling, &held, whole, &result)?;
            if next.is_none() || held.len() == JOBS_HELD {
                let Some((tile, job)) = held.pop_front() else {
                    return Ok((tiling.merge().own(result), begins));
                };
                whole -= 1;
                put(&mut result, tiling, tile, &self.collect(&job)?);
                whole = self.submit_sums(tiling, &held, whole, &result)?;
            }
        }
    }

    /// Tells the first job of a layer, for [`run_between`](Self::run_between).
    ///
    /// # Errors
    /// As `run`.
    pub fn begin(&mut self, coming: Coming) -> Result<Begun, DriverError> {
        let tile = &coming.tiling.tiles()[0];
        let (weight, stages) = weight_part(coming.tiling, 0, tile, coming.weight, coming.stages);
        let job = self.tell(Plan::clone(&tile.plan), coming.frames, &weight, &stages)?;
        let fed = coming.moving.is_some();
        if let Some(moving) = coming.moving {
            let part = Arrays {
                moving: moving_part(coming.tiling, tile, moving),
                stationary: weight,
                stages,
            };
            self.feed(&job, &part)?;
        }
        Ok(Begun { job, fed })
    }

    /// Sends what is added to the results of jobs, in their order, as far as it is known: partial sums of a job that is
    /// held itself are not. The first `whole` jobs have it; tells how many have it then, the first one at least.
    fn submit_sums(
        &mut self,
        tiling: &Tiling,
        held: &VecDeque<(&Tile, Submitted)>,
        mut whole: usize,
        sums: &Array4<i64>,
    ) -> Result<usize, DriverError> {
        while let Some((tile, job)) = held.get(whole) {
            if tile.plan.layer().accumulate() {
                let mut before = held.iter().take(whole);
                if before.any(|(before, _)| before.gives_sums_to(tile)) {
                    break;
                }
                let channels: Vec<usize> = result_channels(tiling, tile).collect();
                self.submit_values(job, &sums.select(Axis(1), &channels))?;
            }
            whole += 1;
        }
        Ok(whole)
    }

    /// Cycles in which the engine had a job, loads of weights included and those of tables not, since the counters were
    /// cleared. Waits until it has none.
    ///
    /// # Errors
    /// The engine cannot be reached.
    pub fn busy_cycles(&mut self) -> Result<u64, DriverError> {
        while self.value("state")? != 0 {}
        self.cycles()
    }

    /// The same as of now.
    ///
    /// # Errors
    /// The engine cannot be reached.
    pub fn cycles(&mut self) -> Result<u64, DriverError> {
        loop {
            let low = self.value("cycles_low")?;
            let high = self.value("cycles_high")?;
            // The upper half is of another count only where the lower one has wrapped meanwhile.
            if low >> 31 == 0 || self.value("cycles_low")? >= low {
                return Ok(u64::from(high) << 32 | u64::from(low));
            }
        }
    }
}

/// Where stochastic rounding begins in a tile: each draws as a layer of its own, the first one as the whole layer
/// would.
pub fn tile_seed(seed: u32, tile: usize) -> u32 {
    // 31 bits.
    seed.wrapping_add(tile as u32) & (u32::MAX >> 1)
}

/// What the engine is given for tile `index`, but for the values to add.
fn part(tiling: &Tiling, index: usize, tile: &Tile, arrays: &Arrays) -> Arrays {
    let (weight, stages) = weight_part(tiling, index, tile, &arrays.stationary, &arrays.stages);
    Arrays {
        moving: moving_part(tiling, tile, &arrays.moving),
        stationary: weight,
        stages,
    }
}

/// Of what moves.
fn moving_part(tiling: &Tiling, tile: &Tile, moving: &Array4<i32>) -> Array4<i32> {
    let channels: Vec<usize> = moving_channels(tiling, tile).collect();
    let part = tiling.merge().moving(moving, &channels);
    match &tile.rows {
        None => part,
        Some(rows) => rows.moving(&part),
    }
}

/// Of this, what does not come in frames, and the mask.
pub(crate) fn weight_part(
    tiling: &Tiling,
    index: usize,
    tile: &Tile,
    weight: &Array4<i32>,
    stages: &StageArrays,
) -> (Array4<i32>, StageArrays) {
    let merge = tiling.merge();
    let channels: Vec<usize> = moving_channels(tiling, tile).collect();
    let of_weight: Vec<usize> = tile.result_channels.clone().map(|c| c as usize).collect();
    let of_result: Vec<usize> = result_channels(tiling, tile).collect();
    let requantise = tiling.layer().requantise();
    let per_channel = requantise.is_some_and(|it| it.scale_per == ScalePer::Channel);
    let stages = StageArrays {
        bias: (stages.bias.as_ref())
            .filter(|_| tile.plan.layer().bias())
            .map(|bias| for_channels(bias, &of_result)),
        mask: (stages.mask.as_ref()).map(|mask| merge.result(mask, &of_result)),
        scale: (stages.scale.as_ref()).map(|scale| match per_channel {
            false => scale.clone(),
            true => for_channels(scale, &of_result),
        }),
        accumulate: None,
        rounding_seed: tile_seed(stages.rounding_seed, index),
    };
    let part = merge.stationary(weight, &channels, &of_weight);
    let part = match &tile.rows {
        None => part,
        Some(rows) => rows.stationary(&part),
    };
    (part, stages)
}

/// Those of these channels of the result; zero for one that only fills a merged group.
fn for_channels<T: Copy + Default>(values: &Array1<T>, channels: &[usize]) -> Array1<T> {
    let of = |&c: &usize| values.get(c).copied().unwrap_or_default();
    channels.iter().map(of).collect()
}

/// Puts a tile's result, or adds it, to the channels that it is of: it is added where the engine did not add it to what
/// is there.
fn put(result: &mut Array4<i64>, tiling: &Tiling, tile: &Tile, found: &Array4<i64>) {
    let is_sum = tile.plan.layer().accumulate() || tile.part == 0;
    for (from, to) in result_channels(tiling, tile).enumerate() {
        let mut sum = result.index_axis_mut(Axis(1), to);
        let found = found.index_axis(Axis(1), from);
        match is_sum {
            true => sum.assign(&found),
            false => sum += &found,
        }
    }
}

/// Channels of what moves, of the whole merged layer that a tile is of.
pub(crate) fn moving_channels<'a>(
    tiling: &Tiling,
    tile: &'a Tile,
) -> impl Iterator<Item = usize> + 'a {
    let of_group = tiling.merge().merged().operation().moving_per_group;
    channels(tile, &tile.moving_channels, of_group)
}

/// Channels of the result, of the whole merged layer that a tile is of.
pub(crate) fn result_channels<'a>(
    tiling: &Tiling,
    tile: &'a Tile,
) -> impl Iterator<Item = usize> + 'a {
    let of_group = tiling.merge().merged().operation().result_per_group;
    channels(tile, &tile.result_channels, of_group)
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

//! An array in memory, as a walk is told it, and its runs, from the definition of the words.

use crate::choices::Choices;

/// Words of a job, in their order.
#[derive(Clone, Debug, Default)]
pub struct MemoryArray {
    pub address: u32,
    pub run_bytes: u32,
    /// The job has no such array.
    pub off: bool,
    /// Slices of a pixel, pixels of a row, rows of a frame, frames.
    pub counts: [u32; 4],
    pub steps: [u32; 4],
}

/// Beats, or words of the bus where a beat takes several, side by side.
pub struct ArrayRun {
    /// By address in units.
    pub units: Vec<u64>,
    pub ends_frame: bool,
    pub ends_job: bool,
}

impl MemoryArray {
    /// One of at most so many units a run, and four times as many in all.
    pub fn random(choices: &mut Choices, unit: u64, most_units: u64) -> Self {
        let units = match choices.below(3) {
            0 => 1 + choices.below(3),
            1 => 1 + choices.below(20),
            _ => 1 + choices.below(most_units),
        };
        let counts = loop {
            let counts: [u32; 4] = std::array::from_fn(|_| 1 + choices.below(4) as u32);
            if units * u64::from(counts.iter().product::<u32>()) <= 4 * most_units {
                break counts;
            }
        };
        let unit = unit as u32;
        let mut step = || match choices.below(2) {
            0 => (choices.below(40) as u32) * unit,
            _ => (choices.below(1 << 32) as u32) / unit * unit,
        };
        let steps = [step(), step(), step(), step()];
        // Around the end of the address space as well.
        let address = match choices.below(4) {
            0 => 0_u32.wrapping_sub(unit * choices.below(64) as u32),
            _ => choices.below(1 << 32) as u32 / unit * unit,
        };
        MemoryArray {
            address,
            run_bytes: units as u32 * unit,
            off: choices.below(8) == 0,
            counts,
            steps,
        }
    }

    pub fn words(&self) -> [u32; 8] {
        let [slices, pixels, rows, frames] = self.counts.map(|count| count - 1);
        let [slice, pixel, row, frame] = self.steps;
        [
            self.address,
            (self.run_bytes - 1) | (u32::from(self.off) << 31),
            slices | pixels << 16,
            rows | frames << 16,
            slice,
            pixel,
            row,
            frame,
        ]
    }

    /// The runs, in the order of the walk.
    pub fn runs(&self, unit: u64) -> Vec<ArrayRun> {
        if self.off {
            return Vec::new();
        }
        let mut runs = Vec::new();
        let mut start = self.address;
        let [slices, pixels, rows, frames] = self.counts;
        for frame in 0..frames {
            for row in 0..rows {
                for pixel in 0..pixels {
                    for slice in 0..slices {
                        let bytes = (0..u64::from(self.run_bytes)).step_by(unit as usize);
                        let ends_frame = (slice, pixel, row) == (slices - 1, pixels - 1, rows - 1);
                        runs.push(ArrayRun {
                            units: bytes
                                .map(|byte| u64::from(start.wrapping_add(byte as u32)) / unit)
                                .collect(),
                            ends_frame,
                            ends_job: ends_frame && frame + 1 == frames,
                        });
                        if slice + 1 < slices {
                            start = start.wrapping_add(self.steps[0]);
                        }
                    }
                    if pixel + 1 < pixels {
                        start = start.wrapping_add(self.steps[1]);
                    }
                }
                if row + 1 < rows {
                    start = start.wrapping_add(self.steps[2]);
                }
            }
            start = start.wrapping_add(self.steps[3]);
        }
        runs
    }
}

//! The scale with which an engine makes integers of 8 bits of its sums. It has to be chosen before the sums are known,
//! so it follows what came of the batches before.

use super::quantise::GREATEST;

/// What is left of the estimate after a batch whose sums are all smaller.
const DECAY: f64 = 0.9;
/// How much the estimate grows after a batch that it was too small for.
const GROWTH: f64 = 1.25;
/// Results that are all below this have lost too much to rounding.
const COARSE: i64 = GREATEST as i64 / 4;

/// An estimate of the greatest sum of the next batch, without its sign.
pub struct Range {
    greatest_sum: f64,
    unit: f64,
    greatest_scale: i32,
}

/// Whether the results of a batch are fine enough to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// The batch is to be sent again, with the scale that is now known to be better.
    Coarse,
}

impl Range {
    /// Begins with a sum that is never exceeded, far above those that come; the engine shifts by `shift`, and scales are
    /// at most `greatest_scale`.
    pub fn new(bound: f64, shift: u32, greatest_scale: i32) -> Self {
        Self {
            greatest_sum: bound,
            unit: 2_f64.powi(shift as i32),
            greatest_scale,
        }
    }

    pub fn scale(&self) -> i32 {
        let scale = f64::from(GREATEST) * self.unit / self.greatest_sum;
        (scale as i32).clamp(1, self.greatest_scale)
    }

    /// Sums for each one of the integers that the engine makes with this scale.
    pub fn sums_per_one(&self, scale: i32) -> f64 {
        self.unit / f64::from(scale)
    }

    /// Takes the results of a batch into account: the greatest without its sign, and how many were saturated.
    pub fn see(&mut self, greatest: i64, saturations: u64, scale: i32) -> Verdict {
        // Rounding may have taken almost one.
        let seen = (greatest + 1) as f64 * self.sums_per_one(scale);
        if greatest < COARSE && scale < self.greatest_scale {
            self.greatest_sum = seen;
            return Verdict::Coarse;
        }
        self.greatest_sum = match saturations {
            0 => seen.max(self.greatest_sum * DECAY),
            _ => self.greatest_sum * GROWTH,
        };
        Verdict::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an engine makes of sums up to `sum`, without the chance in its rounding.
    fn see(range: &mut Range, sum: f64) -> Verdict {
        let scale = range.scale();
        let result = (sum / range.sums_per_one(scale)) as i64;
        let greatest = i64::from(GREATEST);
        range.see(result.min(greatest), (result > greatest).into(), scale)
    }

    #[test]
    fn it_finds_the_sums_and_follows_them() {
        let mut range = Range::new(1e7, 20, 32767);
        while see(&mut range, 5e4) == Verdict::Coarse {}
        assert!((5e4..1e5).contains(&range.greatest_sum));
        for sum in [3e5, 2e4] {
            for _ in 0..20 {
                see(&mut range, sum);
            }
            assert!((sum..1.5 * sum).contains(&range.greatest_sum));
        }
    }

    #[test]
    fn zeros_are_no_reason_to_go_on_for_ever() {
        let mut range = Range::new(1e7, 20, 32767);
        while see(&mut range, 0.0) == Verdict::Coarse {}
        assert_eq!(range.scale(), 32767);
    }
}

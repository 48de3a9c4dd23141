//! What a port says of the `tlast`s that it is given.

use crate::must;
use crate::rig::{Run, Verdict};

/// The check of one stream, by count.
#[derive(Default)]
pub struct Tlast {
    overdue: bool,
    /// Early, missing, late: of the beat in the latest cycle.
    told: [bool; 3],
}

impl Tlast {
    /// A beat with this `tlast` was taken, or none; `due`: it had to have one.
    pub fn beat(&mut self, taken: Option<(bool, bool)>) {
        self.told = [false; 3];
        if let Some((came, due)) = taken {
            self.told = [
                came && !due && !self.overdue,
                due && !came,
                came && !due && self.overdue,
            ];
            self.overdue = !came && (self.overdue || due);
        }
    }

    /// The pulses of the cycle behind that beat.
    pub fn check(&self, run: &Run) -> Verdict {
        let found = ["tlast_early", "tlast_missing", "tlast_late"].map(|port| run.high(port));
        must!(
            run,
            found == self.told,
            "early, missing, late {found:?}, not {:?}",
            self.told
        );
        Ok(())
    }
}

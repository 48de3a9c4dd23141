//! What an engine may take of a device.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::synth::Board;

/// What a user allows, as `dsps=64,brams=40`; either may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Multiplier cells.
    pub dsps: Option<u64>,
    /// Block RAMs.
    pub brams: Option<u64>,
}

/// What there is: the budget, or the device where that has less. `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Multiplier cells.
    pub dsps: Option<u64>,
    /// Block RAMs.
    pub brams: Option<u64>,
}

/// Why a budget is none for a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// A family, and no word of how many multipliers there are.
    #[error("{board} stands for no one device: say how many multipliers there are, like `--budget dsps=220,brams=280`")]
    NoDevice {
        /// Its name.
        board: &'static str,
    },
    /// A limit to what is not there.
    #[error("`--budget` allows {dsps} multipliers, and {board} has none: it multiplies in LUTs; leave `dsps` out")]
    NoMultipliers {
        /// Its name.
        board: &'static str,
        /// As the budget says.
        dsps: u64,
    },
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut budget = Self::default();
        for part in text.split(',') {
            let wrong =
                || format!("`{part}` is no part of a budget: write it like dsps=64,brams=40");
            let (key, number) = part.split_once('=').ok_or_else(wrong)?;
            let place = match key.trim() {
                "dsps" => &mut budget.dsps,
                "brams" => &mut budget.brams,
                _ => return Err(wrong()),
            };
            let number = number.trim().parse().map_err(|_| wrong())?;
            if place.replace(number).is_some() {
                return Err(format!("`{}` is given twice", key.trim()));
            }
        }
        Ok(budget)
    }
}

impl Room {
    /// That of a budget on a device, for operands of at most so many bits.
    ///
    /// # Errors
    /// Nothing limits the multipliers, or the device has none and the budget speaks of them.
    pub fn new(budget: Budget, board: Board, widest: u32) -> Result<Self, BudgetError> {
        let least = |asked: Option<u64>, there: Option<u64>| match (asked, there) {
            (Some(asked), Some(there)) => Some(asked.min(there)),
            (asked, there) => asked.or(there),
        };
        let there = board.capacity(widest);
        if !board.has_multipliers() {
            if let Some(dsps) = budget.dsps {
                let board = board.name();
                return Err(BudgetError::NoMultipliers { board, dsps });
            }
        }
        let room = Self {
            dsps: match board.has_multipliers() {
                true => least(budget.dsps, there.map(|cells| cells.dsps)),
                false => None,
            },
            brams: least(budget.brams, there.map(|cells| cells.brams)),
        };
        match room.dsps {
            None if board.has_multipliers() => Err(BudgetError::NoDevice {
                board: board.name(),
            }),
            _ => Ok(room),
        }
    }

    /// Whether so much is within it.
    pub fn holds(&self, dsps: u64, brams: u64) -> bool {
        self.dsps.is_none_or(|most| dsps <= most) && self.brams.is_none_or(|most| brams <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        let budget = |dsps, brams| Ok(Budget { dsps, brams });
        assert_eq!("dsps=64,brams=40".parse(), budget(Some(64), Some(40)));
        assert_eq!("brams=0".parse(), budget(None, Some(0)));
        for wrong in [
            "", "64", "dsps", "dsps=", "dsps=-1", "dsps=1,", "luts=5", "dsps=1.5",
        ] {
            let error = Budget::from_str(wrong).unwrap_err();
            assert!(error.contains("dsps=64,brams=40"), "{wrong}: {error}");
        }
        let twice = Budget::from_str("dsps=1,dsps=2");
        assert_eq!(twice.unwrap_err(), "`dsps` is given twice");
    }

    #[test]
    fn a_device_bounds_a_budget() {
        let room = |text: &str, board, bits| Room::new(text.parse().unwrap(), board, bits);
        let there = |dsps, brams| Ok(Room { dsps, brams });
        assert_eq!(
            room("dsps=64", Board::Ecp5_85k, 8),
            there(Some(64), Some(208))
        );
        assert_eq!(
            room("dsps=900", Board::Ecp5_85k, 8),
            there(Some(156), Some(208))
        );
        assert_eq!(
            room("brams=9", Board::GowinGw2a, 10),
            there(Some(48), Some(9))
        );
        assert_eq!(room("dsps=7", Board::XilinxXc7, 8), there(Some(7), None));
        assert_eq!(room("brams=9", Board::Ice40Hx8k, 8), there(None, Some(9)));
        let error = room("brams=9", Board::XilinxXc7, 8).unwrap_err();
        assert!(error.to_string().contains("--budget dsps="), "{error}");
        let error = room("dsps=4", Board::Ice40Hx8k, 8).unwrap_err();
        assert!(error.to_string().contains("has none"), "{error}");
        let room = room("dsps=4,brams=2", Board::Ecp5_85k, 8).unwrap();
        assert!(room.holds(4, 2) && !room.holds(5, 2) && !room.holds(4, 3));
    }
}

//! An exploration in parts, for as many machines, and the parts put together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Exploration, Point};

/// Parts that an exploration can have.
const MOST_SHARDS: u64 = 10_000;

/// One of several parts, written `2/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 1 on.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

/// Why parts make no whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// None.
    #[error("there is nothing to merge")]
    Nothing,
    /// It is a whole.
    #[error("{file}: this is no part of an exploration; `--shard I/N --out FILE` makes one")]
    Whole {
        /// Which.
        file: String,
    },
    /// Parts of two.
    #[error(
        "{file}: this is a part of another exploration than {first}: layer or network, device, budget, seeds, version \
         of the program and number of parts must be the same"
    )]
    Other {
        /// Which.
        file: String,
        /// The one that it is compared with.
        first: String,
    },
    /// A part that is there twice.
    #[error("{file}: part {shard} is in {first} already")]
    Twice {
        /// The second one.
        file: String,
        /// The first one.
        first: String,
        /// Which.
        shard: Shard,
    },
    /// Parts that are not there.
    #[error("of {count} parts {} missing: {}", if missing.len() == 1 { "one is" } else { "some are" }, list(missing))]
    Missing {
        /// How many there should be.
        count: u64,
        /// Which.
        missing: Vec<u64>,
    },
}

fn list(numbers: &[u64]) -> String {
    let words: Vec<String> = numbers.iter().map(u64::to_string).collect();
    words.join(", ")
}

impl fmt::Display for Shard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let number = |text: &str| text.parse::<u64>().ok();
        parts
            .and_then(|(index, count)| Some((number(index)?, number(count)?)))
            .filter(|(index, count)| {
                (1..=MOST_SHARDS).contains(count) && (1..=*count).contains(index)
            })
            .map(|(index, count)| Self { index, count })
            .ok_or_else(|| {
                format!(
                    "expected I/N, like 2/8: part I of N, from 1/N to N/N, N at most {MOST_SHARDS}"
                )
            })
    }
}

impl Shard {
    /// Those of a list that are this part's: every one of as many as there are parts, so that costly neighbours part.
    pub fn share<T>(self, all: Vec<T>) -> Vec<T> {
        let all = all.into_iter().enumerate();
        let own = all.filter(|(index, _)| *index as u64 % self.count == self.index - 1);
        own.map(|(_, it)| it).collect()
    }
}

impl Exploration {
    /// The whole of all its parts, each with what messages call it.
    ///
    /// # Errors
    /// They are not the parts of one exploration, each of them once.
    pub fn merged(parts: Vec<(String, Self)>) -> Result<Self, MergeError> {
        let mut parts = parts.into_iter();
        let (first, mut whole) = parts.next().ok_or(MergeError::Nothing)?;
        let none = |file: &str| MergeError::Whole {
            file: file.to_owned(),
        };
        let own = whole.shard.take().ok_or_else(|| none(&first))?;
        let mut seen = vec![(own, first.clone())];
        for (file, part) in parts {
            let shard = part.shard.ok_or_else(|| none(&file))?;
            if part.of != whole.of || shard.count != own.count {
                return Err(MergeError::Other { file, first });
            }
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == shard) {
                let first = first.clone();
                return Err(MergeError::Twice { file, first, shard });
            }
            seen.push((shard, file));
            whole.add(part);
        }
        let is_there = |index: &u64| seen.iter().any(|(shard, _)| shard.index == *index);
        let missing: Vec<u64> = (1..=own.count).filter(|index| !is_there(index)).collect();
        if !missing.is_empty() {
            let count = own.count;
            return Err(MergeError::Missing { count, missing });
        }
        whole.settle();
        Ok(whole)
    }

    /// Takes what another part has. Parts with synthesis all have the same points, of which each synthesised its own.
    fn add(&mut self, part: Self) {
        if self.seeds.is_none() {
            self.candidates += part.candidates;
            self.unfit += part.unfit;
            self.beyond += part.beyond;
        }
        for point in part.points {
            let lanes = point.lanes();
            match self.points.iter_mut().find(|known| known.lanes() == lanes) {
                Some(known) => {
                    let synthesis = known.synthesis.take().or(point.synthesis);
                    *known = Point { synthesis, ..point };
                }
                None => self.points.push(point),
            }
        }
        self.failed.extend(part.failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::front::tests::{exploration, point};

    #[test]
    fn shards_are_read_and_share_everything_once() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, count: 8 }));
        for wrong in [
            "", "1", "0/2", "3/2", "-1/2", "1/0", "1/2/3", "a/b", "1/10001",
        ] {
            assert!(Shard::from_str(wrong).is_err(), "{wrong}");
        }
        let all: Vec<u32> = (0..10).collect();
        let mut shared: Vec<u32> = (1..=3)
            .flat_map(|index| Shard { index, count: 3 }.share(all.clone()))
            .collect();
        shared.sort_unstable();
        assert_eq!(shared, all);
    }

    #[test]
    fn parts_make_the_whole_or_say_what_is_wrong() {
        let points = [
            point([1, 1], 100, 1),
            point([1, 2], 90, 1),
            point([2, 2], 95, 1),
            point([4, 4], 10, 3),
        ];
        let whole = exploration(points.to_vec());
        let part = |index, count| {
            let shard = Shard { index, count };
            let mut part = exploration(shard.share(points.to_vec()));
            part.shard = Some(shard);
            (format!("part {index}"), part)
        };
        let merged = Exploration::merged(vec![part(2, 2), part(1, 2)]);
        assert_eq!(merged, Ok(whole.clone()));
        let error = |parts| Exploration::merged(parts).unwrap_err().to_string();
        assert_eq!(
            error(vec![part(1, 3), part(2, 3)]),
            "of 3 parts one is missing: 3"
        );
        assert_eq!(
            error(vec![part(2, 4)]),
            "of 4 parts some are missing: 1, 3, 4"
        );
        let twice = error(vec![part(1, 2), part(1, 2)]);
        assert_eq!(twice, "part 1: part 1/2 is in part 1 already");
        assert!(error(vec![part(1, 2), part(2, 3)]).contains("another exploration"));
        assert!(error(vec![("w".to_owned(), whole)]).contains("no part"));
        assert_eq!(error(Vec::new()), "there is nothing to merge");
    }
}

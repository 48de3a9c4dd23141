//! Integers on the command line.

use std::fmt::Display;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::ops::RangeBounds;
use std::str::FromStr;

/// Reads an integer of `range`, or says what would be one.
pub(crate) fn integer<T, R>(range: R) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync
where
    T: FromStr + PartialOrd + Display,
    R: RangeBounds<T> + Clone + Send + Sync,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("expected an integer{}", words(&range)))
    }
}

fn words<T: Display>(range: &impl RangeBounds<T>) -> String {
    let from = match range.start_bound() {
        Included(least) | Excluded(least) => format!(" from {least}"),
        Unbounded => String::new(),
    };
    let to = match range.end_bound() {
        Included(greatest) => format!(" to {greatest}"),
        Excluded(end) => format!(" to below {end}"),
        Unbounded if from.is_empty() => String::new(),
        Unbounded => " up".to_owned(),
    };
    from + &to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_integer_of_the_range_is_told_which_are() {
        let frames = integer::<u64, _>(1..=1000);
        assert_eq!(frames("1000"), Ok(1000));
        for text in [
            "0",
            "1001",
            "1e3",
            "-1",
            "abc",
            "",
            "99999999999999999999999",
        ] {
            let message = frames(text).unwrap_err();
            assert_eq!(message, "expected an integer from 1 to 1000", "{text}");
        }
        let jobs = integer::<usize, _>(1..);
        assert_eq!(jobs("0").unwrap_err(), "expected an integer from 1 up");
        let any = integer::<i64, _>(..);
        assert_eq!(any("-5"), Ok(-5));
        assert_eq!(any("five").unwrap_err(), "expected an integer");
    }
}

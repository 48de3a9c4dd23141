//! Sums like `2i + r - 1`, as people write them.

/// `coefficient * letter` for each part, and a constant; parts of coefficient 0 are left out. The constant comes last, unless
/// the sum would begin with a minus.
pub(super) fn affine(parts: &[(i64, &str)], constant: i64) -> String {
    let mut text = String::new();
    let mut add = |negative: bool, part: &str| {
        let sign = match (text.is_empty(), negative) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        text.push_str(sign);
        text.push_str(part);
    };
    let parts = parts.iter().filter(|(coefficient, _)| *coefficient != 0);
    let begins_negative = parts.clone().next().is_some_and(|part| part.0 < 0);
    let (first, last) = match begins_negative && constant > 0 {
        true => (constant, 0),
        false => (0, constant),
    };
    if first != 0 {
        add(false, &first.to_string());
    }
    for &(coefficient, letter) in parts {
        let part = match coefficient.unsigned_abs() {
            1 => letter.to_owned(),
            size => format!("{size}{letter}"),
        };
        add(coefficient < 0, &part);
    }
    if last != 0 {
        add(last < 0, &last.unsigned_abs().to_string());
    }
    match text.is_empty() {
        true => "0".to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_and_zeros_are_not_written() {
        assert_eq!(affine(&[(2, "p"), (1, "r")], -1), "2p + r - 1");
        assert_eq!(affine(&[(1, "h"), (-3, "r")], 2), "h - 3r + 2");
        assert_eq!(affine(&[(-1, "a"), (0, "b")], 0), "-a");
        assert_eq!(affine(&[(-3, "a")], 5), "5 - 3a");
        assert_eq!(affine(&[(0, "a")], -4), "-4");
        assert_eq!(affine(&[], 0), "0");
    }
}

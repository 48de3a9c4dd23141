//! Texts with places to be filled, so that what is emitted can be read where it is written.

/// The template with each `@KEY@` replaced.
///
/// # Panics
/// If a key is not in the template, or a place is left: both are faults of this program.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut used = vec![false; values.len()];
    let mut rest = template;
    while let Some((before, key, after)) = next_place(rest) {
        let place = values.iter().position(|(name, _)| *name == key);
        let place = place.unwrap_or_else(|| panic!("nothing fills @{key}@"));
        used[place] = true;
        text.push_str(before);
        text.push_str(values[place].1);
        rest = after;
    }
    text.push_str(rest);
    for ((key, _), used) in values.iter().zip(used) {
        assert!(used, "the template has no place @{key}@");
    }
    text
}

/// What stands before the first place, the place's key, and what stands behind it.
fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find('@')?;
        let key = &text[at + 1..];
        let is_key = |c: char| c.is_ascii_uppercase() || c == '_';
        let end = key.find(|c| !is_key(c)).unwrap_or(key.len());
        match end > 0 && key[end..].starts_with('@') {
            true => return Some((&text[..at], &key[..end], &key[end + 1..])),
            false => from = at + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_other_signs_stay() {
        let text = fill(
            "always @(posedge @CLOCK@) @x@ @A_B@@",
            &[("CLOCK", "aclk"), ("A_B", "@CLOCK@")],
        );
        assert_eq!(text, "always @(posedge aclk) @x@ @CLOCK@@");
    }
}

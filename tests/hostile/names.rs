//! What may be in a text that another program reads.

use crate::damage::TEXTS;

fn word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// A name that became one of Verilog, of a file, of a script.
pub fn check_name(name: &str) {
    let length = (1..=64).contains(&name.len());
    assert!(length && name.chars().all(word), "name {name:?}");
}

/// A text for another program has none of the texts that mean something to one.
pub fn check_text(what: &str, text: &str) {
    let plain = |letter: char| letter == '\n' || (' '..='~').contains(&letter);
    assert!(
        text.chars().all(plain),
        "{what} has other letters than ASCII"
    );
    for hostile in TEXTS
        .iter()
        .filter(|text| text.contains("HOSTILE") && !text.chars().all(word))
    {
        assert!(!text.contains(hostile), "{what} has {hostile:?}");
    }
}

/// A message for a terminal has nothing that moves its cursor.
pub fn check_message(message: &str) {
    let control = |letter: char| letter.is_control() && letter != '\n';
    assert!(
        !message.is_empty() && !message.chars().any(control),
        "message {message:?}"
    );
}

//! Words in lines.

/// The words in lines of so many columns, the first one behind `first` and the others behind `others`. A word that is longer
/// than a line has one of its own.
pub fn wrapped(words: &str, first: &str, others: &str, columns: usize) -> String {
    let mut text = first.to_owned();
    let mut column = first.len();
    let mut is_begin = true;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if !is_begin && column + 1 + length > columns {
            text.push('\n');
            text.push_str(others);
            column = others.len();
            is_begin = true;
        }
        if !is_begin {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
        is_begin = false;
    }
    text + "\n"
}

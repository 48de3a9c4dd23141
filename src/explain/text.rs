//! A page as plain text.

use bpa_hdl::paragraph::wrapped;

use super::page::{Block, Equation};

/// Columns of a line, unless a single word or product is longer.
const WIDTH: usize = 100;

pub(super) fn print(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks.iter().map(block).collect();
    parts.join("\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Title(title) => underlined(title, '='),
        Block::Section(title) => underlined(title, '-'),
        Block::Words(words) => wrapped(&plain(words), "", "", WIDTH),
        Block::List(items) => items
            .iter()
            .map(|item| wrapped(&plain(item), "  ", "    ", WIDTH))
            .collect(),
        Block::Equations(groups) => {
            let groups: Vec<String> = groups.iter().map(|group| equations(group)).collect();
            groups.join("\n")
        }
    }
}

fn underlined(title: &str, line: char) -> String {
    let title = plain(title);
    let line = line.to_string().repeat(title.chars().count());
    format!("{title}\n{line}\n")
}

/// Formulas are as they are.
fn plain(words: &str) -> String {
    words.replace('`', "")
}

/// Equal signs below one another, and so are the signs of sums that go on.
fn equations(group: &[Equation]) -> String {
    let width = group.iter().map(|it| it.left.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Equation { left, right } in group {
        let mut line = format!("  {left:width$} = ");
        let indent = line.len();
        let mut is_begin = true;
        for part in right {
            if !is_begin {
                if line.len() + 3 + part.len() > WIDTH {
                    text.push_str(&line);
                    text.push('\n');
                    line = format!("{:1$}+ ", "", indent - 2);
                } else {
                    line.push_str(" + ");
                }
            }
            line.push_str(part);
            is_begin = false;
        }
        if is_begin {
            line.push('0');
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sums_go_on_below_their_equal_sign() {
        let part = "p".repeat(40);
        let group = [
            Equation::of("a", "b"),
            Equation {
                left: "long".to_owned(),
                right: vec![part; 3],
            },
            Equation {
                left: "none".to_owned(),
                right: vec![],
            },
        ];
        let p = "p".repeat(40);
        let expected = format!("  a    = b\n  long = {p} + {p}\n       + {p}\n  none = 0\n");
        assert_eq!(equations(&group), expected);
    }
}

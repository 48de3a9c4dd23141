//! A page as the inside of a LaTeX document.

use super::page::{Block, Equation};

/// Summands of one line of an equation.
const A_LINE: usize = 4;

pub(super) fn print(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks.iter().map(block).collect();
    format!("% needs \\usepackage{{amsmath}}\n{}", parts.join("\n"))
}

fn block(block: &Block) -> String {
    match block {
        Block::Title(title) => format!("\\section*{{{}}}\n", words(title)),
        Block::Section(title) => format!("\\subsection*{{{}}}\n", words(title)),
        Block::Words(text) => format!("{}\n", words(text)),
        Block::List(items) => {
            let items: String = items
                .iter()
                .map(|item| format!("  \\item {}\n", words(item)))
                .collect();
            format!("\\begin{{itemize}}\n{items}\\end{{itemize}}\n")
        }
        Block::Equations(groups) => {
            let groups: Vec<String> = groups
                .iter()
                .map(|group| format!("\\[\n{}\\]\n", aligned(group)))
                .collect();
            groups.join("\n")
        }
    }
}

/// Text with formulas between dollars and everything else made safe.
fn words(text: &str) -> String {
    let pieces = text.split('`').enumerate().map(|(index, piece)| {
        if index % 2 == 1 {
            format!("${piece}$")
        } else {
            safe(piece)
        }
    });
    pieces.collect()
}

fn safe(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        '_' | '%' | '&' | '#' | '$' | '{' | '}' => format!("\\{letter}"),
        _ => letter.to_string(),
    });
    // Two dashes would be set as one long one.
    escaped.collect::<String>().replace("--", "-{}-")
}

/// Equations as the article sets them: behind one brace, with their equal signs below one another. A single one has no
/// brace.
pub(super) fn aligned(group: &[Equation]) -> String {
    let lines: Vec<String> = group.iter().flat_map(lines).collect();
    let lines = lines.join(" \\\\\n");
    let aligned = format!("\\begin{{aligned}}\n{lines}\n\\end{{aligned}}\n");
    match group {
        [_] => aligned,
        _ => format!("\\left\\lbrace\n{aligned}\\right.\n"),
    }
}

fn lines(equation: &Equation) -> Vec<String> {
    let Equation { left, right } = equation;
    if right.is_empty() {
        return vec![format!("{left} &= 0")];
    }
    let line = |(index, parts): (usize, &[String])| {
        let begin = match index {
            0 => format!("{left} &= "),
            _ => "&\\quad + ".to_owned(),
        };
        begin + &parts.join(" + ")
    };
    right.chunks(A_LINE).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_formulas_are_left_alone() {
        assert_eq!(
            words("of a_b: `x_{1}`, 5 % by --pixel"),
            "of a\\_b: $x_{1}$, 5 \\% by -{}-pixel"
        );
    }
}

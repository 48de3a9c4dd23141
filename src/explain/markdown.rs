//! A page as Markdown, with equations as the article has them.

use super::latex::aligned;
use super::page::Block;

pub(super) fn print(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks.iter().map(block).collect();
    parts.join("\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Title(title) => format!("# {}\n", words(title)),
        Block::Section(title) => format!("## {}\n", words(title)),
        Block::Words(text) => format!("{}\n", words(text)),
        Block::List(items) => items
            .iter()
            .map(|item| format!("- {}\n", words(item)))
            .collect(),
        Block::Equations(groups) => {
            let groups: Vec<String> = groups
                .iter()
                .map(|group| format!("$$\n{}$$\n", aligned(group)))
                .collect();
            groups.join("\n")
        }
    }
}

/// Text with formulas between dollars. The name of a layer may hold underscores, which could be taken for emphasis.
fn words(text: &str) -> String {
    let pieces = text.split('`').enumerate().map(|(index, piece)| {
        if index % 2 == 1 {
            format!("${piece}$")
        } else {
            piece.replace('_', "\\_")
        }
    });
    pieces.collect()
}

//! What is said, in blocks, whatever it is written in.

use super::{latex, markdown, text};

/// What a page is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Plain text, for a terminal.
    #[default]
    Text,
    /// The inside of a LaTeX document; it needs the package amsmath.
    Latex,
    /// Markdown with LaTeX between dollars, as GitHub and most others show it.
    Markdown,
}

/// An explanation, ready to be printed.
#[derive(Clone, Debug)]
pub struct Page {
    pub(super) format: Format,
    pub(super) blocks: Vec<Block>,
}

/// A part of a page. In words, what stands between backticks is a formula.
#[derive(Clone, Debug)]
pub(super) enum Block {
    Title(String),
    Section(String),
    Words(String),
    List(Vec<String>),
    /// Groups of equations, those of a group set together.
    Equations(Vec<Vec<Equation>>),
}

/// `left = right + right + ...`; with nothing on the right, zero.
#[derive(Clone, Debug)]
pub(super) struct Equation {
    pub(super) left: String,
    pub(super) right: Vec<String>,
}

impl Equation {
    /// An equation of a single part on the right.
    pub(super) fn of(left: impl Into<String>, right: impl Into<String>) -> Self {
        Self {
            left: left.into(),
            right: vec![right.into()],
        }
    }
}

impl Page {
    /// The page as it is printed.
    pub fn print(&self) -> String {
        match self.format {
            Format::Text => text::print(&self.blocks),
            Format::Latex => latex::print(&self.blocks),
            Format::Markdown => markdown::print(&self.blocks),
        }
    }
}

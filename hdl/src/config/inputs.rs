//! Configuration inputs: where the layer enters the core.

use crate::config::descriptor::Descriptor;
use crate::config::pixels::RowOrder;
use crate::rtl::{Expr, Module};
use std::collections::HashMap;

/// What a configuration port is told.
pub enum Told {
    /// A function of the layer.
    Layer(Box<dyn Fn(&Descriptor) -> u64>),
    /// A number that the hardware was built for, whatever the layer.
    Hardware(u64),
    /// A number of a job that no layer has: software chooses it.
    Software,
}

/// One input of the core.
pub struct ConfigPort {
    /// Port name, which begins with `cfg_`.
    pub port: String,
    /// Bits.
    pub width: usize,
    /// What it is told.
    pub told: Told,
    /// The greatest number that it may be told.
    pub most: u64,
    /// What it means, with its unit.
    pub comment: String,
    /// When it is told of the next layer.
    pub turn: Turn,
}

/// When a block goes on to the next layer, in a shell that is told one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// As soon as the layer is known; the block takes what it needs while the one before runs.
    Known,
    /// When the last frame of the layer before has been taken.
    Taken,
    /// When the layer before is done.
    #[default]
    Done,
}

impl ConfigPort {
    /// What a layer puts there; zero where software does.
    pub fn value(&self, d: &Descriptor) -> u64 {
        match &self.told {
            Told::Layer(value) => value(d),
            Told::Hardware(value) => *value,
            Told::Software => 0,
        }
    }
}

/// The configuration ports that the blocks of a core ask for, each with what it is told.
///
/// A block declares a port and its value in one call, so that neither can be without the other;
/// the shell around the core then drives every port.
#[derive(Default)]
pub struct Config {
    ports: Vec<ConfigPort>,
    turn: Turn,
    index: HashMap<String, usize>,
    /// Words of memories that the layer is told into.
    pub(crate) parts: Vec<ToldPart>,
    /// Bits of an entry of the largest of them.
    pub(crate) entry_bits: usize,
}

/// A memory of the core, or a part of one, that is filled word by word.
pub struct ToldPart {
    /// The input that fills it.
    pub strobe: String,
    /// Bits of an entry's address.
    pub entry_bits: usize,
    /// Those that a layer uses.
    pub used: Used,
    /// Its entries by their addresses, and the numbers of each from the lowest bit on.
    pub entries: Vec<(u64, Vec<ConfigPort>)>,
    /// The names of its words, where these are not one alike the other.
    pub names: Option<Vec<String>>,
}

/// How many entries of a memory a layer uses: the first ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// One for each line of the rows' program.
    Rows,
    /// One for each line of the columns' program.
    Cols,
    /// One for each tap, with lanes over pixels.
    Taps,
    /// One for each word of a stretch, of what moves or of the result.
    Words(Of),
    /// One for each beat of a stretch's columns.
    Beats(Of),
    /// So many, whatever the layer.
    Always(u64),
}

/// Whose rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// What moves.
    Moving,
    /// The result.
    Result,
}

impl Of {
    /// How its rows go under lanes over pixels.
    pub fn order(self, d: &Descriptor) -> Option<&RowOrder> {
        let pixels = d.pixels.as_ref()?;
        Some(match self {
            Of::Moving => &pixels.moving,
            Of::Result => &pixels.result,
        })
    }
}

impl Used {
    /// How many.
    pub fn entries(self, d: &Descriptor) -> u64 {
        match self {
            Used::Rows => d.rows.program.lines.len() as u64,
            Used::Cols => d.cols.program.lines.len() as u64,
            Used::Taps => d.pixels.as_ref().map_or(0, |it| it.taps.len() as u64),
            Used::Words(of) => of.order(d).map_or(0, |it| it.phases.len() as u64),
            Used::Beats(of) => of.order(d).map_or(0, |it| it.stride),
            Used::Always(entries) => entries,
        }
    }
}

impl Config {
    /// Declares the input `cfg_name` on `m`, which the layer tells.
    pub fn port(
        &mut self,
        m: &mut Module,
        name: &str,
        width: usize,
        value: impl Fn(&Descriptor) -> u64 + 'static,
        comment: &str,
    ) -> Expr {
        self.declare(m, name, width, Told::Layer(Box::new(value)), comment)
    }

    /// Declares the input `cfg_name` on `m`, which is the same for every layer.
    pub fn hardware(
        &mut self,
        m: &mut Module,
        name: &str,
        width: usize,
        value: u64,
        comment: &str,
    ) -> Expr {
        self.declare(m, name, width, Told::Hardware(value), comment)
    }

    fn declare(
        &mut self,
        m: &mut Module,
        name: &str,
        width: usize,
        told: Told,
        comment: &str,
    ) -> Expr {
        let port = format!("cfg_{name}");
        match self.index.get(&port) {
            Some(&known) => {
                let known = &self.ports[known];
                assert_eq!(
                    (known.width, known.comment.as_str(), known.turn),
                    (width, comment, self.turn),
                    "two meanings of {port}"
                );
            }
            None => {
                self.index.insert(port.clone(), self.ports.len());
                self.ports.push(ConfigPort {
                    port: port.clone(),
                    width,
                    told,
                    most: u64::MAX >> (64 - width),
                    comment: comment.to_owned(),
                    turn: self.turn,
                });
            }
        }
        m.input(&port, width, comment)
    }

    /// Narrows what `cfg_name`, if it is there, may be told.
    pub fn at_most(&mut self, name: &str, most: u64) {
        if let Some(&index) = self.index.get(&format!("cfg_{name}")) {
            let port = &mut self.ports[index];
            port.most = port.most.min(most);
        }
    }

    /// Builds a block that goes on to the next layer in this turn.
    pub fn in_turn<T>(&mut self, turn: Turn, build: impl FnOnce(&mut Self) -> T) -> T {
        let around = std::mem::replace(&mut self.turn, turn);
        let block = build(self);
        self.turn = around;
        block
    }

    /// Every port, in order of declaration.
    pub fn ports(&self) -> &[ConfigPort] {
        &self.ports
    }

    /// The same, to keep, and the memories.
    pub fn into_parts(self) -> (Vec<ConfigPort>, Vec<ToldPart>) {
        (self.ports, self.parts)
    }
}

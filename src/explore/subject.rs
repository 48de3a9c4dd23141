//! What is explored, and what each choice of lanes makes of it.

use std::fmt;

use bpa_hdl::rtl::Module;

use super::{NetworkSubject, Point, Room};
use crate::bound::bound_cycles;
use crate::emit;
use crate::layer::{Layer, LayerFile};
use crate::plan::Plan;
use crate::programmable::even_parts;
use crate::synth::{cells, widest, Board};

/// Lanes of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// Over the channels that are added up.
    pub simd: u32,
    /// Over the result's channels, or over groups.
    pub pe: u32,
    /// Over pixels.
    pub pixels: u32,
}

impl Candidate {
    /// Multiplications in a cycle.
    pub fn multiplications(&self) -> u64 {
        [self.simd, self.pe, self.pixels]
            .map(u64::from)
            .iter()
            .product()
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} x {}", self.simd, self.pe)?;
        match self.pixels {
            1 => Ok(()),
            pixels => write!(out, " x {pixels}"),
        }
    }
}

/// A layer, or a network.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A valid layer, each time on an engine that is built for it, with at most so many lanes over pixels; its own lanes do
    /// not count.
    Layer(Box<LayerFile>, u32),
    /// Layers on one programmable engine.
    Network(Box<NetworkSubject>),
}

/// An engine that is to be synthesised.
pub(super) struct Design {
    pub(super) top: String,
    pub(super) module: Module,
    /// Multiplications in a cycle.
    pub(super) macs: u64,
}

impl Subject {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Layer(file, _) => &file.name,
            Self::Network(network) => network.name(),
        }
    }

    /// Frames of which the cycles are: a layer's in steady state, a network's batch.
    pub fn frames(&self) -> u64 {
        match self {
            Self::Layer(..) => 1,
            Self::Network(network) => network.frames(),
        }
    }

    /// All of it that the figures depend on, as text.
    pub fn text(&self) -> String {
        match self {
            Self::Layer(file, most) => {
                let lanes = Candidate {
                    simd: 1,
                    pe: 1,
                    pixels: 1,
                };
                let text = lanes_of(file, lanes).to_toml();
                match most {
                    1 => text,
                    most => format!("{text}# pixels to {most}\n"),
                }
            }
            Self::Network(network) => network.text(),
        }
    }

    /// Bits of the wider one of the two operands that are multiplied; `None` of a layer that is none.
    pub fn widest(&self) -> Option<u32> {
        match self {
            Self::Layer(file, _) => Some(widest(&least_of(file)?)),
            Self::Network(network) => Some(network.widest()),
        }
    }

    /// Lanes of each kind with which there is a block of channels, or a word of a row, fewer than with one lane less: those in
    /// between only cost more. Of all, those that the device has the multipliers for, as far as that is known before the engine
    /// is.
    pub fn candidates(&self, room: &Room) -> Vec<Candidate> {
        let (simds, pes, pixels, packed) = match self {
            Self::Layer(file, most) => match least_of(file) {
                None => return Vec::new(),
                Some(layer) => {
                    let op = layer.operation();
                    let lanes_over = match op.depthwise {
                        true => op.groups,
                        false => op.result_per_group,
                    };
                    let packed = layer.packed_multipliers();
                    let pes = even_parts(lanes_over).map(|pe| match packed {
                        true => pe.next_multiple_of(2),
                        false => pe,
                    });
                    let simds = even_parts(op.moving_per_group).collect();
                    // Of the columns of a phase, which are what a word has.
                    let columns = op.cols.positions.div_ceil(op.cols.phases());
                    let pixels = even_parts(u32::try_from(columns).unwrap_or(u32::MAX));
                    let pixels = pixels.filter(|pixels| pixels <= most).collect();
                    (sorted(simds), sorted(pes.collect()), sorted(pixels), packed)
                }
            },
            Self::Network(network) => {
                let [simds, pes] = network.lanes();
                (sorted(simds), sorted(pes), vec![network.pixels()], false)
            }
        };
        let products = if packed { 2 } else { 1 };
        let fits = |candidate: &Candidate| {
            let multipliers = candidate.multiplications();
            room.dsps
                .is_none_or(|most| multipliers.div_ceil(products) <= most)
        };
        let mut all = Vec::new();
        for &simd in &simds {
            for &pe in &pes {
                all.extend(pixels.iter().map(|&pixels| Candidate { simd, pe, pixels }));
            }
        }
        all.retain(fits);
        all
    }

    /// What the cost model has for these lanes; `None` where there is no such engine, or the layers do not fit it.
    pub fn point(&self, lanes: Candidate, board: Board) -> Option<Point> {
        match self {
            Self::Layer(file, _) => {
                let layer = lanes_of(file, lanes).validate().ok()?;
                board.accepts(&layer).ok()?;
                let plan = Plan::new(&layer);
                let cycles = plan.cycles(3);
                let cells = cells(&emit::engine(&plan, board.target()), board);
                Some(Point {
                    cycles: cycles.per_frame_steady.unwrap_or(cycles.total),
                    bound_cycles: bound_cycles(&layer),
                    ..Point::new(lanes, cells)
                })
            }
            Self::Network(network) => network.point(lanes, board),
        }
    }

    /// The engine with these lanes; `None` as of [`point`](Self::point).
    pub(super) fn design(&self, lanes: Candidate, board: Board) -> Option<Design> {
        match self {
            Self::Layer(file, _) => {
                let layer = lanes_of(file, lanes).validate().ok()?;
                Some(Design {
                    top: layer.name().to_owned(),
                    module: emit::engine(&Plan::new(&layer), board.target()),
                    macs: layer.multipliers(),
                })
            }
            Self::Network(network) => network.design(lanes, board),
        }
    }
}

/// The layer on so many lanes.
fn lanes_of(file: &LayerFile, lanes: Candidate) -> LayerFile {
    let mut file = file.clone();
    (file.engine.simd, file.engine.pe) = (lanes.simd.into(), lanes.pe.into());
    file.engine.pixels = lanes.pixels.into();
    file
}

/// The layer on the fewest lanes.
fn least_of(file: &LayerFile) -> Option<Layer> {
    let pe = if file.engine.packed_multipliers { 2 } else { 1 };
    let lanes = Candidate {
        simd: 1,
        pe,
        pixels: 1,
    };
    lanes_of(file, lanes).validate().ok()
}

fn sorted(mut lanes: Vec<u32>) -> Vec<u32> {
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

//! What synthesis finds of a point.

use std::collections::BTreeMap;

use bpa_hdl::rtl::print_verilog;
use bpa_sim::Cache;
use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::subject::Design;
use super::{Candidate, Subject};
use crate::synth::{synthesise_alone, Board, SynthError};

/// What a synthesis found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Area and speed.
    Speed(Speed),
    /// It does not fit the device, for this reason.
    TooSmall(String),
}

/// Area and speed of an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// As [`Figures::luts`](crate::synth::Figures::luts).
    pub luts: u64,
    /// As [`Figures::lut_rams`](crate::synth::Figures::lut_rams).
    pub lut_rams: u64,
    /// Flip-flops.
    pub ffs: u64,
    /// The median over the seeds; `None` where there is no place and route.
    pub fmax_mhz: Option<f64>,
}

impl Found {
    /// The speed, where there is one.
    pub fn fmax_mhz(&self) -> Option<f64> {
        match self {
            Self::Speed(speed) => speed.fmax_mhz,
            Self::TooSmall(_) => None,
        }
    }
}

/// Synthesises the engine of the subject with these lanes, placed and routed with the seeds from 1 on; or takes what
/// was found of it before, which the second value says. `tools` are the versions of the tools.
///
/// # Errors
/// A tool failed, or a file could not be written.
pub fn synthesised(
    subject: &Subject,
    lanes: Candidate,
    board: Board,
    seeds: u64,
    tools: &BTreeMap<String, String>,
    cache: &Cache,
) -> Result<(Found, bool), SynthError> {
    let Some(design) = subject.design(lanes, board) else {
        unreachable!("a point is that of an engine");
    };
    let kept = Kept::new(cache, &texts(&design, board, seeds, tools));
    if let Some(found) = kept.get() {
        return Ok((found, true));
    }
    let folder = tempfile::tempdir().map_err(SynthError::file(kept.path()))?;
    let Design { top, module, macs } = design;
    let figures = synthesise_alone((&top, module), macs, board, seeds, folder.path(), cache);
    let found = match figures {
        Ok(figures) => Found::Speed(Speed {
            luts: figures.luts,
            lut_rams: figures.lut_rams,
            ffs: figures.ffs,
            fmax_mhz: figures.fmax_mhz_median,
        }),
        Err(SynthError::TooSmall { reason, .. }) => Found::TooSmall(reason),
        Err(error) => return Err(error),
    };
    kept.put(&found).map_err(SynthError::file(kept.path()))?;
    Ok((found, false))
}

/// All that a result is of.
fn texts(
    design: &Design,
    board: Board,
    seeds: u64,
    tools: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut texts = vec![
        print_verilog(&design.module),
        board.yosys_script().to_owned(),
        board.shell_script(),
        seeds.to_string(),
    ];
    texts.extend(
        tools
            .iter()
            .map(|(tool, version)| format!("{tool} {version}")),
    );
    texts
}

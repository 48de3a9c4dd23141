//! The pins of an AXI4 master.

use crate::bus::place::ADDRESS_BITS;
use crate::rtl::{bits_for, Expr, Module};

/// Bits of a response: the upper one alone says an error.
pub(super) const RESPONSE_BITS: usize = 2;
/// Normal memory that may be buffered and is not cached.
pub(super) const CACHE: u64 = 0b0011;
/// Data, secure, unprivileged.
pub(super) const PROT: u64 = 0b000;
/// Addresses rise.
pub(super) const BURST_INCR: u64 = 0b01;

/// Bits of an ID on the bus: it tells one of so many readers.
pub fn id_bits(readers: usize) -> usize {
    bits_for(readers as u64 - 1)
}

/// The pins `m_axi_*`, declared alike on the masters and on the modules around them.
pub struct MasterPins {
    pins: Vec<(String, Expr)>,
}

impl MasterPins {
    /// Declares them on `m`, with words of so many bits, for so many readers.
    pub fn declare(m: &mut Module, word_bits: usize, readers: usize) -> Self {
        let id = id_bits(readers);
        let out = false;
        let inward = true;
        let address = |channel: &str, what: &'static str| {
            let pin = |name: &str, width, inward, comment| {
                (format!("{channel}{name}"), width, inward, comment)
            };
            vec![
                pin("valid", 1, out, what),
                pin("ready", 1, inward, ""),
                pin("id", id, out, ""),
                pin("addr", ADDRESS_BITS, out, "in bytes, of a whole word"),
                pin("len", 8, out, "words behind the first"),
                pin("size", 3, out, "of a word, always"),
                pin("burst", 2, out, "1 INCR, always"),
                pin(
                    "cache",
                    4,
                    out,
                    "3 normal, bufferable, not cacheable, always",
                ),
                pin("prot", 3, out, "0 data, secure, unprivileged, always"),
            ]
        };
        let pin = |name: &str, width, inward, comment| (name.to_owned(), width, inward, comment);
        let mut pins = address("ar", "read address; the ID tells the stream");
        pins.extend([
            pin("rvalid", 1, inward, "read data"),
            pin(
                "rready",
                1,
                out,
                "high but in reset and at the first edge after it",
            ),
            pin(
                "rid",
                id,
                inward,
                "words of one ID in the order of its bursts",
            ),
            pin("rdata", word_bits, inward, ""),
            pin(
                "rresp",
                RESPONSE_BITS,
                inward,
                "2 SLVERR and 3 DECERR are errors",
            ),
            pin("rlast", 1, inward, ""),
        ]);
        pins.extend(address("aw", "write address; the ID is 0"));
        pins.extend([
            pin(
                "wvalid",
                1,
                out,
                "write data, in the order of the addresses",
            ),
            pin("wready", 1, inward, ""),
            pin("wdata", word_bits, out, ""),
            pin("wstrb", word_bits / 8, out, "bytes to write"),
            pin("wlast", 1, out, ""),
            pin("bvalid", 1, inward, "write response"),
            pin(
                "bready",
                1,
                out,
                "high but in reset and at the first edge after it",
            ),
            pin("bid", id, inward, "ignored"),
            pin(
                "bresp",
                RESPONSE_BITS,
                inward,
                "2 SLVERR and 3 DECERR are errors",
            ),
        ]);
        let pins = pins.into_iter().map(|(name, width, inward, comment)| {
            let name = format!("m_axi_{name}");
            let pin = match inward {
                true => m.input(&name, width, comment),
                false => m.output(&name, width, comment),
            };
            (name, pin)
        });
        MasterPins {
            pins: pins.collect(),
        }
    }

    /// Binds them to the pins of the same name on the module around.
    pub fn bindings(&self) -> impl Iterator<Item = (&str, Expr)> {
        let pins = self.pins.iter();
        pins.map(|(name, pin)| (name.as_str(), pin.clone()))
    }

    /// The pin of that name, less its prefix.
    pub(super) fn pin(&self, wanted: &str) -> &Expr {
        let named = |(name, _): &&(String, Expr)| name.strip_prefix("m_axi_") == Some(wanted);
        self.pins
            .iter()
            .find(named)
            .map_or_else(|| unreachable!("no pin {wanted}"), |(_, pin)| pin)
    }
}

//! The AXI4-Lite slave: the protocol, and nothing of what the registers mean.

use crate::rtl::{lit, Body, Expr, Module, Reg};

const DOC: &str = "\
AXI4-Lite slave, 32 bits of data: turns requests into single accesses of a bank of registers.

Write address and write data come in any order and at any distance; each channel takes one beat and
waits until the write is answered. One write and one read may be under way at the same time, and
know nothing of each other.

Promise: every output of the AXI side is a register; ready and valid are low in reset and at the
first edge after it; a response stays until it is taken. `write` is high for one cycle for each
write, with word, data and byte strobes; one cycle later the bank says whether it refuses. `read` is
high for one cycle for each read, with its word, which stays until the bank answers by
`read_answered`, in a later cycle; with it the bank says whether it refuses, and gives what was read.
What it refuses is answered by SLVERR.";

/// Bits of a response: SLVERR has the upper one alone, OKAY none.
const RESPONSE_BITS: usize = 2;

/// The pins of an AXI4-Lite slave, declared alike on the slave and on the modules around it.
pub struct AxiPins {
    pins: Vec<(&'static str, Expr)>,
}

impl AxiPins {
    /// Declares `s_axi_*` on `m`, with byte addresses of so many bits.
    pub fn declare(m: &mut Module, address_bits: usize) -> Self {
        let inward = true;
        let pins = [
            ("s_axi_awvalid", 1, inward, "write address"),
            ("s_axi_awready", 1, !inward, ""),
            ("s_axi_awaddr", address_bits, inward, "in bytes"),
            ("s_axi_awprot", 3, inward, "ignored"),
            ("s_axi_wvalid", 1, inward, "write data"),
            ("s_axi_wready", 1, !inward, ""),
            ("s_axi_wdata", 32, inward, ""),
            ("s_axi_wstrb", 4, inward, "bytes to write"),
            ("s_axi_bvalid", 1, !inward, "write response"),
            ("s_axi_bready", 1, inward, ""),
            ("s_axi_bresp", RESPONSE_BITS, !inward, "0 OKAY, 2 SLVERR"),
            ("s_axi_arvalid", 1, inward, "read address"),
            ("s_axi_arready", 1, !inward, ""),
            ("s_axi_araddr", address_bits, inward, "in bytes"),
            ("s_axi_arprot", 3, inward, "ignored"),
            ("s_axi_rvalid", 1, !inward, "read data"),
            ("s_axi_rready", 1, inward, ""),
            ("s_axi_rdata", 32, !inward, ""),
            ("s_axi_rresp", RESPONSE_BITS, !inward, "0 OKAY, 2 SLVERR"),
        ];
        let pins = pins.map(|(name, width, inward, comment)| match inward {
            true => (name, m.input(name, width, comment)),
            false => (name, m.output(name, width, comment)),
        });
        AxiPins { pins: pins.into() }
    }

    /// Binds them to the pins of the same name on the module around.
    pub fn bindings(&self) -> Vec<(&'static str, Expr)> {
        self.pins.clone()
    }

    fn pin(&self, wanted: &str) -> &Expr {
        self.pins
            .iter()
            .find(|(name, _)| *name == wanted)
            .map_or_else(|| unreachable!("no pin {wanted}"), |(_, pin)| pin)
    }
}

/// Builds the slave. A word of the bank has `address_bits - 2` bits of address.
pub fn axi_lite(name: &str, address_bits: usize) -> Module {
    let mut m = Module::new(name, DOC);
    m.clocked();
    let pins = AxiPins::declare(&mut m, address_bits);
    let word_bits = address_bits - 2;
    let write = m.output("write", 1, "a word is written");
    let write_word = m.output("write_word", word_bits, "its address in words");
    let write_data = m.output("write_data", 32, "");
    let write_strobe = m.output("write_strobe", 4, "its bytes that are written");
    let write_refused = m.input("write_refused", 1, "one cycle after `write`");
    let read = m.output("read", 1, "a word is read");
    let read_word = m.output("read_word", word_bits, "its address in words");
    let read_answered = m.input("read_answered", 1, "pulse: the answer to `read`");
    let read_data = m.input("read_data", 32, "with it");
    let read_refused = m.input("read_refused", 1, "with it");

    let address = Channel::new(&mut m, "aw", "a write address is held");
    let data = Channel::new(&mut m, "w", "write data are held");
    let held_word = m.data_reg("write_word", word_bits, "");
    let held_data = m.data_reg("write_data", 32, "");
    let held_strobe = m.data_reg("write_strobe", 4, "");
    let write_asked = m.reg("write_asked", 1, 0, "the bank was told and answers");
    let bvalid = m.reg("bvalid", 1, 0, "");
    let bad_write = m.data_reg("bad_write", 1, "");
    let start_write = m.net("start_write", 1, "");
    let wrote = m.net("wrote", 1, "the response is taken");
    m.comb(|b| {
        b.comment("A write: both channels, the bank, the response.");
        b.set(&wrote, &(&bvalid.q & pins.pin("s_axi_bready")));
        let idle = !(&write_asked.q | &bvalid.q);
        b.set(&start_write, &(&address.held.q & &data.held.q & idle));
        address.step(b, pins.pin("s_axi_awvalid"), &wrote, |b| {
            b.set(&held_word.d, &pins.pin("s_axi_awaddr").slice(2, word_bits));
        });
        data.step(b, pins.pin("s_axi_wvalid"), &wrote, |b| {
            b.set(&held_data.d, pins.pin("s_axi_wdata"));
            b.set(&held_strobe.d, pins.pin("s_axi_wstrb"));
        });
        b.set(&write_asked.d, &start_write);
        b.set(&bvalid.d, &((&bvalid.q | &write_asked.q) & !&wrote));
        b.when(&write_asked.q, |b| b.set(&bad_write.d, &write_refused));
    });

    let request = Channel::new(&mut m, "ar", "a read address is held");
    let asked_word = m.data_reg("read_word", word_bits, "");
    let read_asked = m.reg("read_asked", 1, 0, "the bank was told and has not answered");
    let rvalid = m.reg("rvalid", 1, 0, "");
    let rdata = m.data_reg("rdata", 32, "");
    let bad_read = m.data_reg("bad_read", 1, "");
    let start_read = m.net("start_read", 1, "");
    let done = m.net("done", 1, "the data are taken");
    m.comb(|b| {
        b.comment("A read: the address, the bank, the data.");
        b.set(&done, &(&rvalid.q & pins.pin("s_axi_rready")));
        let idle = !(&read_asked.q | &rvalid.q);
        b.set(&start_read, &(&request.held.q & idle));
        request.step(b, pins.pin("s_axi_arvalid"), &done, |b| {
            b.set(&asked_word.d, &pins.pin("s_axi_araddr").slice(2, word_bits));
        });
        let answered = &read_asked.q & &read_answered;
        let waits = &request.held.q & !&rvalid.q;
        b.set(&read_asked.d, &(waits & !&answered));
        b.set(&rvalid.d, &((&rvalid.q | &answered) & !&done));
        b.when(&answered, |b| {
            b.set(&rdata.d, &read_data);
            b.set(&bad_read.d, &read_refused);
        });
    });

    m.assign(pins.pin("s_axi_awready"), &address.ready.q);
    m.assign(pins.pin("s_axi_wready"), &data.ready.q);
    m.assign(pins.pin("s_axi_bvalid"), &bvalid.q);
    m.assign(pins.pin("s_axi_arready"), &request.ready.q);
    m.assign(pins.pin("s_axi_rvalid"), &rvalid.q);
    m.assign(pins.pin("s_axi_rdata"), &rdata.q);
    for (pin, bad) in [("s_axi_bresp", &bad_write), ("s_axi_rresp", &bad_read)] {
        m.assign(&pins.pin(pin).bit(0), &lit(0, 1));
        m.assign(&pins.pin(pin).bit(1), &bad.q);
    }
    m.assign(&write, &start_write);
    m.assign(&write_word, &held_word.q);
    m.assign(&write_data, &held_data.q);
    m.assign(&write_strobe, &held_strobe.q);
    m.assign(&read, &start_read);
    m.assign(&read_word, &asked_word.q);
    for pin in ["awaddr", "araddr"] {
        let low = pins.pin(&format!("s_axi_{pin}")).slice(0, 2);
        m.unused(&format!("{pin}_bytes"), &low);
    }
    for pin in ["awprot", "arprot"] {
        m.unused(pin, pins.pin(&format!("s_axi_{pin}")));
    }
    m
}

/// A channel that takes one beat and waits until it is done with.
struct Channel {
    held: Reg,
    ready: Reg,
}

impl Channel {
    fn new(m: &mut Module, name: &str, comment: &str) -> Self {
        Channel {
            held: m.reg(&format!("{name}_held"), 1, 0, comment),
            ready: m.reg(&format!("{name}_ready"), 1, 0, ""),
        }
    }

    fn step(&self, b: &mut Body, valid: &Expr, done: &Expr, take: impl FnOnce(&mut Body)) {
        b.when(&(valid & &self.ready.q), |b| {
            b.set(&self.held.d, &lit(1, 1));
            take(b);
        });
        b.when(done, |b| b.set(&self.held.d, &lit(0, 1)));
        b.set(&self.ready.d, &!&self.held.d);
    }
}

//! All streams of an engine by one AXI4 master.

use crate::bus::pins::{id_bits, MasterPins, BURST_INCR, CACHE, PROT, RESPONSE_BITS};
use crate::bus::place::{Place, ADDRESS_BITS, BLOCK_BITS};
use crate::bus::reader::reader;
use crate::bus::requests::{asking, requests};
use crate::bus::walk::WORD_BITS;
use crate::bus::writer::writer;
use crate::primitives::paged_memory::{LOAD_BITS, LOAD_DATA, LOAD_ENTRY};
use crate::primitives::target::Target;
use crate::rtl::{lit, Expr, Module, Reg};

const DOC: &str = "\
AXI4 master: the streams into an engine are read from memory, one ID each, and the results are written.

Promise: each stream has the beats of the arrays of the jobs, from the cycle on in which a job is in the
shadow (`next` rises), whatever the order of the words of different IDs. Valid pins are low in reset and
at the first edge after it, and what is offered stays. `job_written` is a pulse: a job's results are in
memory. With `abort` what was told is forgotten, and no stream moves until all that was asked for has come
and all that was offered is answered. `error_stream` tells the first stream of which a word or a burst came
with an error, and `error_address` its burst, until `clear_error`; `read_failed` and `write_failed` are
pulses at each. `under_way` is high while there is anything to be read, written or answered.";

/// A stream of the engine, and how it lies in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusStream {
    /// Its name, "data".
    pub name: &'static str,
    /// The start of the names of its pins.
    pub pins: String,
    /// Where its beats are.
    pub place: Place,
}

/// Bits of the number of a stream.
pub const STREAM_BITS: usize = 3;

/// The input that fills the words of a stream's array.
pub(crate) fn strobe(stream: &BusStream) -> String {
    format!("cfg_load_{}_array", stream.name)
}

/// Builds the master: `streams` are those into the engine, by their IDs, and the one of the results behind them. A stream's
/// number in an error is its place there, from 1 on.
pub fn masters(name: &str, streams: &[BusStream], entry_bits: usize, target: Target) -> Module {
    let (results, inputs) = streams.split_last().expect("an engine has results");
    let word_bits = results.place.word_bits;
    let mut m = Module::new(name, DOC);
    m.clocked();
    let entry = m.input(LOAD_ENTRY, entry_bits, "entry that is filled");
    let load_data = m.input(LOAD_DATA, LOAD_BITS, "its word");
    let strobes: Vec<Expr> = streams
        .iter()
        .map(|stream| m.input(&strobe(stream), 1, "it is one of this array"))
        .collect();
    let next = m.input("next", 1, "a job is in the shadow");
    let abort = m.input("abort", 1, "pulse: what was told is forgotten");
    let clear_error = m.input("clear_error", 1, "pulse");
    let outputs = Outputs::new(&mut m);
    let pins = MasterPins::declare(&mut m, word_bits, inputs.len());

    let told_before = m.reg("next", 1, 0, "");
    let told = m.net("told", 1, "the words that were filled are a job's");
    m.assign(&told, &(&next & !&told_before.q));
    let hold = m.net("hold", 1, "a stream has yet to come to rest");
    let rready = m.reg("rready", 1, 0, "");
    let bready = m.reg("bready", 1, 0, "");
    let shared = Shared {
        entry: entry.slice(0, WORD_BITS),
        load_data,
        told,
        abort,
        hold: hold.clone(),
        rready: rready.q.clone(),
        bready: bready.q.clone(),
    };
    if entry_bits > WORD_BITS {
        m.unused(
            "load_entry",
            &entry.slice(WORD_BITS, entry_bits - WORD_BITS),
        );
    }
    let mut sides = Vec::new();
    let mut asked = Vec::new();
    for (id, (stream, strobe)) in inputs.iter().zip(&strobes).enumerate() {
        let id = (id, inputs.len());
        let (side, asks) = shared.reader(&mut m, name, id, (stream, strobe), &pins, target);
        sides.push(side);
        asked.extend(asks);
    }
    let strobe = &strobes[inputs.len()];
    let (side, written) = shared.writer(&mut m, name, (results, strobe), &pins, target);
    sides.push(side);
    read_addresses(&mut m, name, &results.place, asked, &pins);

    m.comb(|b| {
        b.set(&told_before.d, &next);
        b.set(&rready.d, &lit(1, 1));
        b.set(&bready.d, &lit(1, 1));
        outputs.errors(b, &sides, &clear_error);
    });
    m.assign(pins.pin("rready"), &rready.q);
    m.assign(pins.pin("bready"), &bready.q);
    let any = |of: fn(&Side) -> &Expr| {
        let all = sides.iter().map(|side| of(side).clone());
        all.reduce(|all, one| all | one)
            .unwrap_or_else(|| lit(0, 1))
    };
    m.assign(&hold, &any(|side| &side.drops));
    m.assign(&outputs.under_way, &any(|side| &side.busy));
    m.assign(&outputs.job_written, &written);
    let (write, reads) = sides.split_last().expect("there is the writer");
    let read_failed = reads.iter().map(|side| side.failed.clone());
    let read_failed = read_failed.reduce(|all, one| all | one);
    m.assign(
        &outputs.read_failed,
        &read_failed.unwrap_or_else(|| lit(0, 1)),
    );
    m.assign(&outputs.write_failed, &write.failed);
    m.assign(&outputs.error_stream, &outputs.stream.q);
    m.assign(&outputs.error_address, &outputs.address.q);
    let [rresp, bresp] = ["rresp", "bresp"].map(|name| pins.pin(name).bit(0));
    m.unused("responses", &(rresp | bresp));
    m.unused("bid", pins.pin("bid"));
    m
}

/// What the shell is told.
struct Outputs {
    job_written: Expr,
    under_way: Expr,
    read_failed: Expr,
    write_failed: Expr,
    error_stream: Expr,
    error_address: Expr,
    stream: Reg,
    address: Reg,
}

impl Outputs {
    fn new(m: &mut Module) -> Self {
        Outputs {
            job_written: m.output("job_written", 1, "pulse: a job's results are in memory"),
            under_way: m.output("under_way", 1, ""),
            read_failed: m.output("read_failed", 1, "pulse"),
            write_failed: m.output("write_failed", 1, "pulse"),
            error_stream: m.output("error_stream", STREAM_BITS, "0: none"),
            error_address: m.output("error_address", ADDRESS_BITS, "of its burst, in bytes"),
            stream: m.reg("stream", STREAM_BITS, 0, "the first one with an error"),
            address: m.data_reg("address", ADDRESS_BITS, ""),
        }
    }

    /// The first error is kept.
    fn errors(&self, b: &mut crate::rtl::Body, sides: &[Side], clear: &Expr) {
        b.comment("The first error.");
        b.when(&self.stream.q.is_zero(), |b| {
            for (index, side) in sides.iter().enumerate().rev() {
                b.when(&side.failed, |b| {
                    b.set(&self.stream.d, &lit(index as u64 + 1, STREAM_BITS));
                    let low = ADDRESS_BITS - side.address.width();
                    b.set(&self.address.d, &lit(0, ADDRESS_BITS));
                    b.set_slice(&self.address.d, low, &side.address);
                });
            }
        });
        b.when(clear, |b| b.set(&self.stream.d, &lit(0, STREAM_BITS)));
    }
}

/// What one stream says to the others.
struct Side {
    drops: Expr,
    busy: Expr,
    failed: Expr,
    address: Expr,
}

impl Side {
    fn new(m: &mut Module, stream: &BusStream) -> Self {
        let mut net = |what: &str, width| m.net(&format!("{}_{what}", stream.name), width, "");
        Side {
            drops: net("drops", 1),
            busy: net("busy", 1),
            failed: net("failed", 1),
            address: net("failed_address", stream.place.word_address_bits()),
        }
    }
}

/// What all streams are told.
struct Shared {
    entry: Expr,
    load_data: Expr,
    told: Expr,
    abort: Expr,
    hold: Expr,
    rready: Expr,
    bready: Expr,
}

impl Shared {
    fn bindings(
        &self,
        m: &mut Module,
        stream: &BusStream,
        strobe: &Expr,
        side: &Side,
    ) -> Vec<(&'static str, Expr)> {
        let rests = m.net(&format!("{}_rests", stream.name), 1, "");
        m.assign(&side.busy, &!&rests);
        vec![
            ("fill", strobe.clone()),
            ("fill_word", self.entry.clone()),
            ("fill_data", self.load_data.clone()),
            ("told", self.told.clone()),
            ("drop", self.abort.clone()),
            ("hold", self.hold.clone()),
            ("drops", side.drops.clone()),
            ("rests", rests),
            ("failed", side.failed.clone()),
            ("failed_address", side.address.clone()),
        ]
    }

    /// Declares the stream's pins, and gives them by the names of the block that has the stream.
    fn stream(
        m: &mut Module,
        stream: &BusStream,
        ends: [&'static str; 4],
    ) -> Vec<(&'static str, Expr)> {
        let gives = ends[0].starts_with('m');
        let widths = [1, 1, stream.place.beat_bits, 1];
        let declare = |(end, width): (&'static str, usize)| {
            let name = format!("{}_{}", stream.pins, &end[2..]);
            let out = gives != end.ends_with("tready");
            let pin = match out {
                true => m.output(&name, width, ""),
                false => m.input(&name, width, ""),
            };
            (end, pin)
        };
        ends.into_iter().zip(widths).map(declare).collect()
    }

    fn reader(
        &self,
        m: &mut Module,
        name: &str,
        (id, readers): (usize, usize),
        (stream, strobe): (&BusStream, &Expr),
        pins: &MasterPins,
        target: Target,
    ) -> (Side, Vec<(String, Expr)>) {
        let side = Side::new(m, stream);
        let place = &stream.place;
        let mut bindings = self.bindings(m, stream, strobe, &side);
        bindings.extend(Self::stream(
            m,
            stream,
            ["m_tvalid", "m_tready", "m_tdata", "m_tlast"],
        ));
        let comes = m.net(
            &format!("{}_comes", stream.name),
            1,
            "a word of its own does",
        );
        let own = pins.pin("rid").eq(&lit(id as u64, id_bits(readers)));
        m.assign(&comes, &(pins.pin("rvalid") & &self.rready & own));
        let widths = [1, place.word_address_bits(), BLOCK_BITS, 1];
        let asked = asking(id).into_iter().zip(widths);
        let asked = asked.map(|(name, width)| (name.clone(), m.net(&name, width, "")));
        let asked: Vec<(String, Expr)> = asked.collect();
        let ports = ["asks", "ask_address", "ask_last_word", "granted"];
        bindings.extend(
            ports
                .into_iter()
                .zip(asked.iter().map(|(_, net)| net.clone())),
        );
        bindings.extend([
            ("r_valid", comes),
            ("r_data", pins.pin("rdata").clone()),
            ("r_last", pins.pin("rlast").clone()),
            ("r_error", pins.pin("rresp").bit(RESPONSE_BITS - 1)),
        ]);
        let block = reader(&format!("{name}_{}", stream.name), place, target);
        m.instance(&format!("u_{}", stream.name), block, bindings);
        (side, asked)
    }

    fn writer(
        &self,
        m: &mut Module,
        name: &str,
        (stream, strobe): (&BusStream, &Expr),
        pins: &MasterPins,
        target: Target,
    ) -> (Side, Expr) {
        let side = Side::new(m, stream);
        let place = &stream.place;
        let mut bindings = self.bindings(m, stream, strobe, &side);
        let ends = ["s_tvalid", "s_tready", "s_tdata", "s_tlast"];
        let ends = Self::stream(m, stream, ends);
        // Frames are counted by the walk.
        m.unused("tlast", &ends[3].1);
        bindings.extend(ends.into_iter().take(3));
        let address = m.net("write_address", place.word_address_bits(), "");
        let last_word = m.net("write_last_word", BLOCK_BITS, "");
        burst(
            m,
            pins,
            "aw",
            place,
            &lit(0, pins.pin("awid").width()),
            (&address, &last_word),
        );
        let written = m.net("written", 1, "");
        let answered = m.net("answered", 1, "");
        m.assign(&answered, &(pins.pin("bvalid") & &self.bready));
        bindings.extend([
            ("aw_valid", pins.pin("awvalid").clone()),
            ("aw_ready", pins.pin("awready").clone()),
            ("aw_address", address),
            ("aw_last_word", last_word),
            ("w_valid", pins.pin("wvalid").clone()),
            ("w_ready", pins.pin("wready").clone()),
            ("w_data", pins.pin("wdata").clone()),
            ("w_strobe", pins.pin("wstrb").clone()),
            ("w_last", pins.pin("wlast").clone()),
            ("b_valid", answered),
            ("b_error", pins.pin("bresp").bit(RESPONSE_BITS - 1)),
            ("written", written.clone()),
        ]);
        let block = writer(&format!("{name}_{}", stream.name), place, target);
        m.instance(&format!("u_{}", stream.name), block, bindings);
        (side, written)
    }
}

/// The bursts of all readers on the channel of read addresses.
fn read_addresses(
    m: &mut Module,
    name: &str,
    place: &Place,
    asked: Vec<(String, Expr)>,
    pins: &MasterPins,
) {
    let readers = asked.len() / 4;
    let id = m.net("read_id", id_bits(readers), "");
    let address = m.net("read_address", place.word_address_bits(), "");
    let last_word = m.net("read_last_word", BLOCK_BITS, "");
    burst(m, pins, "ar", place, &id, (&address, &last_word));
    let block = requests(
        &format!("{name}_requests"),
        readers,
        place.word_address_bits(),
    );
    let asked = asked.iter();
    let mut bindings: Vec<(&str, Expr)> = asked
        .map(|(port, net)| (port.as_str(), net.clone()))
        .collect();
    bindings.extend([
        ("request_valid", pins.pin("arvalid").clone()),
        ("request_ready", pins.pin("arready").clone()),
        ("request_id", id),
        ("request_address", address),
        ("request_last_word", last_word),
    ]);
    m.instance("u_requests", block, bindings);
}

/// The pins of a burst that do not shake hands.
fn burst(
    m: &mut Module,
    pins: &MasterPins,
    channel: &str,
    place: &Place,
    id: &Expr,
    (address, last_word): (&Expr, &Expr),
) {
    let mut pin = |name: &str, value: Expr| m.assign(pins.pin(&format!("{channel}{name}")), &value);
    let low = ADDRESS_BITS - place.word_address_bits();
    pin("id", id.clone());
    pin("len", last_word.zext(8));
    pin("size", lit(low as u64, 3));
    pin("burst", lit(BURST_INCR, 2));
    pin("cache", lit(CACHE, 4));
    pin("prot", lit(PROT, 3));
    let port = pins.pin(&format!("{channel}addr"));
    m.assign(&port.slice(0, low), &lit(0, low));
    m.assign(&port.slice(low, address.width()), address);
}

//! Numbers of the layer in memories of the core, where a register for each would need a multiplexer.

use crate::config::descriptor::Descriptor;
use crate::config::inputs::{Config, ConfigPort, Told, ToldPart, Turn, Used};
use crate::primitives::memory::{fetched_memory, prompt_memory};
use crate::primitives::target::Target;
use crate::rtl::{Expr, Module};
use std::borrow::Cow;
use std::collections::HashMap;

/// Bits of a word of the bus that fills the memories.
pub const LOAD_BITS: usize = 32;
/// Selects the page in use; the other one may be filled.
pub const PAGE: &str = "cfg_page";
/// The page that is filled.
pub const LOAD_PAGE: &str = "cfg_load_page";
/// The entry of a memory that is filled.
pub const LOAD_ENTRY: &str = "cfg_load_entry";
/// What it is filled with.
pub const LOAD_DATA: &str = "cfg_load_data";

/// What entry `entry` of a layer holds.
type OfEntry = Box<dyn Fn(&Descriptor, u64) -> u64>;

/// When a memory gives the numbers of an entry.
#[derive(Clone, Copy)]
pub enum ReadBy<'a> {
    /// In the cycle of its address.
    Address,
    /// With this fetch but one, in a device of this kind.
    Fetch(&'a Expr, Target),
}

/// One number of each entry.
pub struct Number {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Bits.
    pub width: usize,
    /// What entry `entry` of a layer holds.
    pub value: OfEntry,
    /// What it means, with its unit.
    pub comment: &'static str,
}

/// A number of that name.
pub fn number(
    name: impl Into<Cow<'static, str>>,
    width: usize,
    comment: &'static str,
    value: impl Fn(&Descriptor, u64) -> u64 + 'static,
) -> Number {
    Number {
        name: name.into(),
        width,
        value: Box::new(value),
        comment,
    }
}

/// The bus that fills the memories, on one module.
pub struct LoadBus {
    page: Expr,
    load_page: Expr,
    load_entry: Expr,
    load_data: Expr,
    data_bits: usize,
    entry_bits: usize,
}

impl LoadBus {
    /// Declares its inputs; `entry_bits` are those of the largest memory of the core.
    pub fn declare(m: &mut Module, config: &mut Config, entry_bits: usize) -> Self {
        config.entry_bits = entry_bits;
        LoadBus {
            page: m.input(PAGE, 1, "page of the memories in use"),
            load_page: m.input(LOAD_PAGE, 1, "page that is filled"),
            load_entry: m.input(LOAD_ENTRY, entry_bits, "entry that is filled"),
            load_data: m.input(LOAD_DATA, LOAD_BITS, "its word"),
            data_bits: 0,
            entry_bits: 0,
        }
    }

    /// The same for a block whose layer is the next one while `ahead` is high.
    pub fn declare_ahead(
        m: &mut Module,
        config: &mut Config,
        entry_bits: usize,
        ahead: &Expr,
    ) -> Self {
        let mut bus = Self::declare(m, config, entry_bits);
        bus.page = &bus.page ^ ahead;
        bus
    }

    /// Places a memory of these numbers, of the entries `entries`, of which a layer uses these, and reads it at `address`; gives
    /// the numbers by name. It has as many words a page as `address` tells apart, in as many
    /// memories side by side as the bus needs words for an entry.
    pub fn memory(
        &mut self,
        m: &mut Module,
        config: &mut Config,
        name: &str,
        numbers: Vec<Number>,
        (entries, used, address): (&[u64], Used, &Expr),
        read_by: ReadBy,
    ) -> HashMap<Cow<'static, str>, Expr> {
        let bits = address.width();
        self.entry_bits = self.entry_bits.max(bits);
        let paged = |m: &mut Module, what: &str, page: &Expr, entry: &Expr| {
            let place = m.net(&format!("{name}_{what}"), bits + 1, "");
            m.assign(&place.slice(0, bits), entry);
            m.assign(&place.bit(bits), page);
            place
        };
        let read = paged(m, "place", &self.page, address);
        let entry = self.load_entry.slice(0, bits);
        let write = paged(m, "load_place", &self.load_page, &entry);
        let mut found = HashMap::new();
        for (index, part) in parts(numbers).into_iter().enumerate() {
            let width: usize = part.iter().map(|number| number.width).sum();
            self.data_bits = self.data_bits.max(width);
            let part_name = format!("{name}{index}");
            let strobe = format!("cfg_load_{part_name}");
            let filled = m.input(&strobe, 1, "it is one of this memory");
            let word = m.net(&format!("{part_name}_word"), width, "");
            let memory_name = format!("{}_{part_name}", m.name());
            let (memory, mut bindings) = match read_by {
                ReadBy::Address => (prompt_memory(&memory_name, 2 << bits, width), vec![]),
                ReadBy::Fetch(fetch, target) => (
                    fetched_memory(&memory_name, 2 << bits, width, target),
                    vec![("fetch", fetch.clone()), ("move", fetch.clone())],
                ),
            };
            bindings.extend([
                ("write", filled),
                ("write_address", write.clone()),
                ("write_data", self.load_data.slice(0, width)),
                ("read_address", read.clone()),
                ("read_data", word.clone()),
            ]);
            m.instance(&format!("u_{part_name}"), memory, bindings);
            let mut low = 0;
            for number in &part {
                let net = m.net(
                    &format!("{name}_{}", number.name),
                    number.width,
                    number.comment,
                );
                m.assign(&net, &word.slice(low, number.width));
                found.insert(number.name.clone(), net);
                low += number.width;
            }
            config
                .parts
                .push(ToldPart::new((strobe, name), part, (entries, used, bits)));
        }
        found
    }

    /// Names what no memory of this module uses.
    pub fn close(self, m: &mut Module) {
        for (name, net, used) in [
            ("load_data", self.load_data, self.data_bits),
            ("load_entry", self.load_entry, self.entry_bits),
        ] {
            if used < net.width() {
                m.unused(name, &net.slice(used, net.width() - used));
            }
        }
    }
}

/// Cuts an entry into words of the bus; a number is in one of them.
fn parts(numbers: Vec<Number>) -> Vec<Vec<Number>> {
    let mut parts: Vec<Vec<Number>> = vec![Vec::new()];
    let mut bits = 0;
    for number in numbers {
        if bits + number.width > LOAD_BITS {
            parts.push(Vec::new());
            bits = 0;
        }
        bits += number.width;
        if let Some(part) = parts.last_mut() {
            part.push(number);
        }
    }
    parts
}

impl ToldPart {
    fn new(
        (strobe, name): (String, &str),
        numbers: Vec<Number>,
        (entries, used, entry_bits): (&[u64], Used, usize),
    ) -> Self {
        let numbers = std::rc::Rc::new(numbers);
        let entry = |&entry: &u64| {
            let ports = numbers.iter().enumerate().map(|(index, number)| {
                let numbers = numbers.clone();
                ConfigPort {
                    port: format!("cfg_{name}_{entry}_{}", number.name),
                    width: number.width,
                    told: Told::Layer(Box::new(move |d| (numbers[index].value)(d, entry))),
                    most: u64::MAX >> (64 - number.width),
                    turn: Turn::Done,
                    comment: number.comment.to_owned(),
                }
            });
            (entry, ports.collect())
        };
        ToldPart {
            strobe,
            entry_bits,
            used,
            entries: entries.iter().map(entry).collect(),
            names: None,
        }
    }
}

//! A register map, written once: the hardware, a C header, a page and a SystemRDL file come from it.

mod bank;
mod c_header;
mod markdown;
mod systemrdl;

pub use bank::bank;

use std::collections::BTreeSet;

/// Bits of a register.
pub const REGISTER_BITS: usize = 32;

/// What software may do with a register, and who else has a hand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Read: known when the hardware is built.
    Constant,
    /// Read: what the hardware says at that moment.
    Status,
    /// Read and written: kept in the bank, for the hardware to see.
    Control,
    /// Read; a one that is written clears its bit. The hardware sets bits. With `enable`, the
    /// register of that offset and the same fields says which of them raise the interrupt.
    Event {
        /// Offset of a [`Kind::Control`] register.
        enable: Option<u64>,
    },
    /// Read: what the hardware has counted, the word of that number of its [counters](crate::registers::counters).
    Counter {
        /// Words of counters follow one another, from an address on that is a multiple of their number.
        word: usize,
    },
    /// Written: a one is a pulse in the hardware. It reads as zero.
    Command,
    /// Written: a word of the table, which the bank hands on.
    Table {
        /// The greatest number that the word may hold.
        most: u32,
    },
}

impl Kind {
    fn writable(self) -> bool {
        !matches!(self, Kind::Constant | Kind::Status | Kind::Counter { .. })
    }
}

/// Bits of a register with one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, in small letters.
    pub name: String,
    /// Lowest bit.
    pub low: usize,
    /// Bits.
    pub width: usize,
    /// The value of a constant, or that of a control after reset; else zero.
    pub value: u32,
    /// What it means, with its unit.
    pub doc: String,
}

/// A word of 32 bits on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// Its name, in small letters.
    pub name: String,
    /// Address in bytes.
    pub offset: u64,
    /// What may be done with it.
    pub kind: Kind,
    /// What it is for.
    pub doc: String,
    /// Its fields, the lowest first; bits of no field read as zero and are not written.
    pub fields: Vec<Field>,
    /// The series that it is one of.
    pub series: Option<Series>,
}

/// Registers that differ in their number alone, one every so many bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// What all of them are called.
    pub name: String,
    /// Which of them it is, from 0 on.
    pub entry: u64,
    /// How many there are.
    pub entries: u64,
    /// Bytes from one to the next.
    pub stride: u64,
}

/// Registers on one bus. Only [`RegisterMap::new`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterMap {
    name: String,
    doc: String,
    registers: Vec<Register>,
    address_bits: usize,
}

impl RegisterMap {
    /// A map of these registers, in order of their addresses.
    ///
    /// # Panics
    /// If names or bits overlap, or addresses are no rising multiples of four: the map is written in the generator, so that such a thing
    /// is a bug of it.
    pub fn new(name: &str, doc: &str, registers: Vec<Register>) -> Self {
        let last = registers.last().expect("a map has registers").offset;
        let map = RegisterMap {
            name: name.to_owned(),
            doc: doc.to_owned(),
            // Room for one more word, so that there always is an address without a register.
            address_bits: crate::rtl::bits_for(last + 4).max(4),
            registers,
        };
        map.check();
        map
    }

    fn check(&self) {
        let mut names = BTreeSet::new();
        let mut next = 0;
        for register in &self.registers {
            let name = &register.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(
                register.offset % 4 == 0 && register.offset >= next,
                "{name}: address {:#x} after {next:#x}",
                register.offset
            );
            next = register.offset + 4;
            let mut free = 0;
            let mut fields = BTreeSet::new();
            for field in &register.fields {
                assert!(fields.insert(&field.name), "{name}.{}: twice", field.name);
                assert!(
                    field.low >= free && field.width >= 1 && field.low + field.width <= 32,
                    "{name}.{}: bits {}+:{}",
                    field.name,
                    field.low,
                    field.width
                );
                assert!(
                    u64::from(field.value) >> field.width == 0,
                    "{name}.{}: {} in {} bits",
                    field.name,
                    field.value,
                    field.width
                );
                assert!(
                    register.kind != Kind::Command || field.width == 1,
                    "{name}.{}: a pulse is one bit",
                    field.name
                );
                free = field.low + field.width;
            }
            if let Kind::Event {
                enable: Some(offset),
            } = register.kind
            {
                let partner = self.at(offset);
                let bits = |r: &Register| -> Vec<(String, usize, usize)> {
                    let fields = r.fields.iter();
                    fields.map(|f| (f.name.clone(), f.low, f.width)).collect()
                };
                assert!(
                    partner.kind == Kind::Control && bits(partner) == bits(register),
                    "{} does not enable {name}",
                    partner.name
                );
            }
        }
        let counters = self
            .registers
            .iter()
            .filter_map(|register| match register.kind {
                Kind::Counter { word } => Some((word, register.offset / 4)),
                _ => None,
            });
        let among = (self.counters() as u64).next_power_of_two();
        assert!(
            counters
                .enumerate()
                .all(|(i, (word, at))| i == word && at % among == word as u64),
            "the counters are not in their order, or not aligned to their number"
        );
    }

    /// All registers, in order of their addresses.
    pub fn registers(&self) -> &[Register] {
        &self.registers
    }

    /// Bits of a byte address on the bus.
    pub fn address_bits(&self) -> usize {
        self.address_bits
    }

    /// What is written of the map: of a series, its first register stands for all.
    fn written(&self) -> impl Iterator<Item = &Register> {
        let first = |series: &Series| series.entry == 0;
        let registers = self.registers.iter();
        registers.filter(move |register| register.series.as_ref().is_none_or(first))
    }

    /// The register at an address.
    ///
    /// # Panics
    /// If there is none.
    pub fn at(&self, offset: u64) -> &Register {
        self.registers
            .iter()
            .find(|register| register.offset == offset)
            .unwrap_or_else(|| panic!("no register at {offset:#x}"))
    }

    /// The register of that name.
    ///
    /// # Panics
    /// If there is none.
    pub fn named(&self, name: &str) -> &Register {
        self.registers
            .iter()
            .find(|register| register.name == name)
            .unwrap_or_else(|| panic!("no register {name}"))
    }

    /// Whether the register enables events.
    fn is_enable(&self, register: &Register) -> bool {
        let offset = Some(register.offset);
        let enables = |kind| matches!(kind, Kind::Event { enable } if enable == offset);
        self.registers.iter().any(|other| enables(other.kind))
    }

    /// Words of counters.
    pub fn counters(&self) -> usize {
        let registers = self.registers.iter();
        registers
            .filter(|register| matches!(register.kind, Kind::Counter { .. }))
            .count()
    }

    /// The words of the table, in their order, and the greatest number of each.
    pub fn table(&self) -> impl Iterator<Item = (&Register, u32)> {
        self.registers
            .iter()
            .filter_map(|register| match register.kind {
                Kind::Table { most } => Some((register, most)),
                _ => None,
            })
    }
}

impl Register {
    /// Whether its value is known when the hardware is built.
    pub fn is_constant(&self) -> bool {
        self.kind == Kind::Constant
    }

    /// The value of a constant, or what is there after reset.
    pub fn value(&self) -> u32 {
        let fields = self.fields.iter();
        fields.fold(0, |word, field| word | field.value << field.low)
    }
}

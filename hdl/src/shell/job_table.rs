//! The layer as the words of a job: which configuration input stands where.

use crate::config::descriptor::Descriptor;
use crate::config::inputs::{Config, ConfigPort, Told, ToldPart, Used};
use crate::registers::map::{Field, Kind, Register, Series};
use crate::rtl::bits_for;
use std::num::NonZeroU32;

/// Bits of a word.
const WORD_BITS: usize = 32;
/// Bits of the number of frames.
pub const FRAMES_BITS: usize = 32;

/// Where a configuration input stands.
struct Place {
    port: ConfigPort,
    low: usize,
}

/// A word of the table: inputs side by side, or one of the two that the job itself has.
struct Word {
    what: What,
    bits: usize,
    most: u64,
}

enum What {
    /// Lines of the table that the job has behind those of registers: it is to have those, whatever it says.
    MoreLines,
    /// Frames of the job, less one.
    Frames,
    Inputs(Vec<Place>),
}

impl Word {
    /// An input that may not be anything.
    fn limited(port: ConfigPort) -> Self {
        Word {
            bits: port.width,
            most: port.most,
            what: What::Inputs(vec![Place { port, low: 0 }]),
        }
    }

    /// Inputs side by side, from the lowest bit on, each of which may be anything.
    fn side_by_side(ports: Vec<ConfigPort>) -> Self {
        let mut bits = 0;
        let places = ports.into_iter().map(|port| {
            let low = bits;
            bits += port.width;
            Place { port, low }
        });
        let places = places.collect();
        Word {
            what: What::Inputs(places),
            bits,
            most: u64::MAX >> (64 - bits),
        }
    }

    /// Whether no layer says what it holds.
    fn is_of_software(&self) -> bool {
        let software = |place: &Place| matches!(place.port.told, Told::Software);
        self.places().iter().any(software)
    }

    fn doc(&self) -> &'static str {
        match &self.what {
            What::Inputs(_) if self.is_of_software() => "an array of the job",
            What::MoreLines => "how many lines of the table the job has",
            What::Frames => "how many frames the job has",
            What::Inputs(_) => "the job's layer",
        }
    }

    /// Its fields as those of the register `of`, which may be one of a series.
    fn fields(&self, of: &str, series: Option<&Series>) -> Vec<Field> {
        let field = |name: &str, low, width, doc: &str| Field {
            name: name.to_owned(),
            low,
            width,
            value: 0,
            doc: doc.to_owned(),
        };
        // Inputs of memories have names with the entry, "row_program_3_taps".
        let short = |port| {
            let name: &str = plain(port);
            if let Some(own) = name.strip_prefix(of).and_then(|own| own.strip_prefix('_')) {
                return own;
            }
            let entry = series.map(|it| format!("_{}_", it.entry));
            let short = entry.and_then(|entry| name.split_once(&entry).map(|(_, short)| short));
            short.unwrap_or(name)
        };
        match &self.what {
            What::MoreLines => vec![field("more", 0, self.bits, "lines behind that of frames")],
            What::Frames => {
                vec![field(
                    "less_1",
                    0,
                    FRAMES_BITS,
                    "frames of the job, less one",
                )]
            }
            What::Inputs(places) => {
                let places = places.iter();
                places
                    .map(|Place { port, low }| field(short(port), *low, port.width, &port.comment))
                    .collect()
            }
        }
    }

    fn places(&self) -> &[Place] {
        match &self.what {
            What::Inputs(places) => places,
            What::MoreLines | What::Frames => &[],
        }
    }

    /// What a layer and a number of frames put there.
    fn value(&self, d: &Descriptor, more_lines: u64, frames: NonZeroU32) -> Result<u32, Beyond> {
        match &self.what {
            What::MoreLines => Ok(more_lines as u32),
            What::Frames => Ok(frames.get() - 1),
            What::Inputs(places) => places.iter().try_fold(0, |bits, Place { port, low }| {
                let value = port.value(d);
                if value > port.most {
                    return Err(Beyond {
                        what: format!("{} ({})", port.comment, plain(port)),
                        value,
                        most: port.most,
                    });
                }
                Ok(bits | (value as u32) << low)
            }),
        }
    }
}

/// A memory of the core, or a part of one: the column behind that of registers.
pub struct MemoryColumn {
    /// The input that fills it.
    pub strobe: String,
    /// Bits of an entry's address.
    pub entry_bits: usize,
    /// Bits of a word.
    pub bits: usize,
    /// By the entry, which is the line.
    words: Vec<(u64, Word)>,
    names: Option<Vec<String>>,
}

/// How large the jobs of layers are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableShape {
    /// Words of registers.
    registers: u64,
    /// Of the memory of each other column: how many entries layers may use, and how many one does.
    columns: Vec<(u64, Used)>,
}

impl TableShape {
    /// Words of a line.
    fn line_words(&self) -> u64 {
        1 + self.columns.len() as u64
    }

    /// Lines of a layer's job.
    fn lines(&self, d: &Descriptor) -> u64 {
        let used = self.columns.iter().map(|(_, used)| used.entries(d));
        used.fold(self.registers, u64::max)
    }

    /// Words that the pass over the table goes through at the least, whatever the layer.
    pub fn least_pass_words(&self) -> u64 {
        self.registers * self.line_words()
    }

    /// Words that the pass over the table of a layer's job goes through.
    pub fn pass_words(&self, d: &Descriptor) -> u64 {
        self.lines(d) * self.line_words()
    }

    /// Words that tell a layer.
    pub fn told_words(&self, d: &Descriptor) -> u64 {
        let lines = self.lines(d);
        let entries = self.columns.iter().map(|(entries, _)| lines.min(*entries));
        self.registers + entries.sum::<u64>()
    }
}

/// The words of a job: the layer's configuration, and how many frames of it there are.
///
/// They stand in lines. The first column has the words of registers: how many more lines the job has, the layer's in the order
/// of their bits, so that they can be loaded through one another (see [`jobs`](crate::shell::jobs)), and the number of
/// frames. Each other column is filled into a memory, an entry a line. A word's address has its column in the low bits, so
/// that its place tells where it goes.
pub struct JobTable {
    registers: Vec<Word>,
    memories: Vec<MemoryColumn>,
    shape: TableShape,
    hardware: Vec<ConfigPort>,
    entry_bits: usize,
}

/// A number of a layer that the engine cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// What the number means.
    pub what: String,
    /// The layer's.
    pub value: u64,
    /// The engine's greatest.
    pub most: u64,
}

/// A field of the table as the hardware sees it.
pub struct TableField<'a> {
    /// Word of registers, of those that the layer tells.
    pub word: usize,
    /// Lowest bit.
    pub low: usize,
    /// The input that it drives.
    pub port: &'a ConfigPort,
}

impl JobTable {
    /// Lays out the inputs of a core.
    pub fn new(config: Config) -> Self {
        let mut words: Vec<Word> = Vec::new();
        let mut hardware = Vec::new();
        // A word that is compared as one number can hold several only if each may be anything.
        let mut open: Vec<ConfigPort> = Vec::new();
        let entry_bits = config.entry_bits;
        let (ports, parts) = config.into_parts();
        for port in ports {
            let all_ones = u64::MAX >> (64 - port.width);
            let bits: usize = open.iter().map(|port| port.width).sum();
            match port.told {
                Told::Hardware(_) => hardware.push(port),
                _ if port.most != all_ones => words.push(Word::limited(port)),
                _ if bits + port.width <= WORD_BITS => open.push(port),
                _ => words.push(Word::side_by_side(std::mem::replace(&mut open, vec![port]))),
            }
        }
        if !open.is_empty() {
            words.push(Word::side_by_side(open));
        }
        words.sort_by_key(|word| word.bits);
        words.push(Word {
            what: What::Frames,
            bits: FRAMES_BITS,
            most: u64::from(u32::MAX),
        });
        let used: Vec<Used> = parts.iter().map(|part| part.used).collect();
        let memories: Vec<MemoryColumn> = parts.into_iter().map(MemoryColumn::new).collect();
        let shape = TableShape {
            registers: 1 + words.len() as u64,
            columns: memories
                .iter()
                .map(MemoryColumn::entries)
                .zip(used)
                .collect(),
        };
        let entries = memories.iter().map(MemoryColumn::entries);
        let lines = entries.fold(shape.registers, u64::max);
        words.insert(
            0,
            Word {
                what: What::MoreLines,
                bits: bits_for((lines - shape.registers).max(1)),
                most: lines - shape.registers,
            },
        );
        JobTable {
            registers: words,
            memories,
            shape,
            hardware,
            entry_bits,
        }
    }

    /// Bits of a word's address: those of the line above those of the column.
    pub fn index_bits(&self) -> [usize; 2] {
        let lines = self.registers[0].most + self.shape.registers - 1;
        let columns = self.memories.len() as u64;
        [bits_for(lines), bits_for(columns)]
    }

    /// Words from the first one's address to the last possible one's.
    pub fn word_count(&self) -> usize {
        let [line, column] = self.index_bits();
        1 << (line + column)
    }

    /// How large jobs are.
    pub fn shape(&self) -> &TableShape {
        &self.shape
    }

    /// Lines that every job has: those of words of registers.
    pub fn register_lines(&self) -> u64 {
        self.shape.registers
    }

    /// Bits in use of each word that registers are told by: none has fewer than the one before it.
    pub fn bits(&self) -> impl Iterator<Item = usize> + '_ {
        self.registers[1..].iter().map(|word| word.bits)
    }

    /// The greatest number of each word of registers, that of lines first.
    pub fn most_of_registers(&self) -> impl Iterator<Item = u64> + '_ {
        self.registers.iter().map(|word| word.most)
    }

    /// The memories, in the order of their columns.
    pub fn memories(&self) -> &[MemoryColumn] {
        &self.memories
    }

    /// Bits of an entry of the largest memory.
    pub fn entry_bits(&self) -> usize {
        self.entry_bits
    }

    /// Every input that a word of registers drives.
    pub fn fields(&self) -> impl Iterator<Item = TableField<'_>> {
        let words = self.registers[1..].iter().enumerate();
        words.flat_map(|(word, w)| {
            w.places().iter().map(move |place| TableField {
                word,
                low: place.low,
                port: &place.port,
            })
        })
    }

    /// The inputs that are the same for every layer.
    pub fn hardware(&self) -> &[ConfigPort] {
        &self.hardware
    }

    /// Every word that has a meaning, with its index, in order.
    fn words(&self) -> Vec<(usize, &Word)> {
        let [_, column_bits] = self.index_bits();
        let registers = self.registers.iter().enumerate();
        let registers = registers.map(|(line, word)| (line << column_bits, word));
        let memories = self.memories.iter().enumerate().flat_map(|(i, memory)| {
            let words = memory.words.iter();
            words.map(move |(line, word)| ((*line as usize) << column_bits | (i + 1), word))
        });
        let mut words: Vec<_> = registers.chain(memories).collect();
        words.sort_by_key(|(index, _)| *index);
        words
    }

    /// The index of each word that has a meaning, and the greatest number that it may hold, in the order of
    /// [`encode`](Self::encode).
    pub fn most(&self) -> Vec<(usize, u64)> {
        let words = self.words().into_iter();
        words.map(|(index, word)| (index, word.most)).collect()
    }

    /// The words as registers from `offset` on.
    pub fn registers(&self, offset: u64) -> Vec<Register> {
        let [_, column_bits] = self.index_bits();
        let words = self.words().into_iter();
        let registers = words.map(|(index, word)| {
            let (line, column) = (index >> column_bits, index % (1 << column_bits));
            let memory = column.checked_sub(1).map(|memory| &self.memories[memory]);
            let named = memory.and_then(|memory| Some(memory.names.as_ref()?[line].clone()));
            let series = memory
                .filter(|memory| memory.names.is_none())
                .map(|memory| Series {
                    name: memory.name().to_owned(),
                    entry: line as u64,
                    entries: memory.entries(),
                    stride: 4 << column_bits,
                });
            let name = match (&word.what, &series) {
                (What::MoreLines, _) => "lines".to_owned(),
                (What::Frames, _) => "frames".to_owned(),
                (What::Inputs(_), None) => named.unwrap_or_else(|| format!("layer{line}")),
                (What::Inputs(_), Some(it)) => format!("{}_{line}", it.name),
            };
            let fields = word.fields(&name, series.as_ref());
            Register {
                name,
                offset: offset + 4 * index as u64,
                kind: Kind::Table {
                    // No word has more than 32 bits.
                    most: word.most as u32,
                },
                doc: word.doc().to_owned(),
                fields,
                series,
            }
        });
        registers.collect()
    }

    /// The words of a job of so many frames, in order; `None` behind its last line, and where software chooses. What its layer
    /// does not use of its lines is there too: the pass looks at it.
    ///
    /// # Errors
    /// The first number that is too large for this engine.
    pub fn encode(&self, d: &Descriptor, frames: NonZeroU32) -> Result<Vec<Option<u32>>, Beyond> {
        let [_, column_bits] = self.index_bits();
        let words = self.words().into_iter();
        let lines = self.shape.lines(d);
        let is_none = |index: usize, word: &Word| {
            (index >> column_bits) as u64 >= lines || word.is_of_software()
        };
        let value = |(index, word): (usize, &Word)| match is_none(index, word) {
            true => Ok(None),
            false => word
                .value(d, lines - self.shape.registers, frames)
                .map(Some),
        };
        words.map(value).collect()
    }
}

impl MemoryColumn {
    /// Its name.
    fn name(&self) -> &str {
        self.strobe
            .strip_prefix("cfg_load_")
            .unwrap_or(&self.strobe)
    }

    /// Entries that layers may use, the first ones of the memory.
    pub fn entries(&self) -> u64 {
        self.words.last().map_or(0, |(entry, _)| entry + 1)
    }

    fn new(part: ToldPart) -> Self {
        let entries = part.entries.into_iter();
        let words: Vec<(u64, Word)> = entries
            .map(|(entry, ports)| (entry, Word::side_by_side(ports)))
            .collect();
        MemoryColumn {
            strobe: part.strobe,
            entry_bits: part.entry_bits,
            bits: words.iter().map(|(_, word)| word.bits).max().unwrap_or(0),
            words,
            names: part.names,
        }
    }
}

/// The name of an input without what marks it as one.
pub(crate) fn plain(port: &ConfigPort) -> &str {
    port.port.strip_prefix("cfg_").unwrap_or(&port.port)
}

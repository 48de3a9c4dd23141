//! The layer as the words of a job: which configuration input stands where.

use crate::config::descriptor::Descriptor;
use crate::config::inputs::{Config, ConfigPort, Told};
use crate::registers::map::{Field, Kind, Register};
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

/// A word of the table: inputs side by side, or the number of frames.
struct Word {
    places: Vec<Place>,
    bits: usize,
    most: u64,
    /// The memory that it goes to, and the entry there; else it goes to registers.
    memory: Option<(usize, u64)>,
}

impl Word {
    fn of(port: ConfigPort) -> Self {
        Word {
            bits: port.width,
            most: port.most,
            places: vec![Place { port, low: 0 }],
            memory: None,
        }
    }

    fn of_memory(memory: usize, entry: u64, ports: Vec<ConfigPort>) -> Self {
        let mut bits = 0;
        let places: Vec<Place> = ports
            .into_iter()
            .map(|port| {
                let low = bits;
                bits += port.width;
                Place { port, low }
            })
            .collect();
        Word {
            places,
            bits,
            most: u64::MAX >> (64 - bits),
            memory: Some((memory, entry)),
        }
    }
}

/// The words of a job: the layer's configuration, and how many frames of it there are.
///
/// First stand the words of memories. The others stand in the order of their bits, the last one being
/// the number of frames, so that they can be loaded through one another (see
/// [`jobs`](crate::shell::jobs)).
pub struct JobTable {
    words: Vec<Word>,
    hardware: Vec<ConfigPort>,
    strobes: Vec<String>,
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
    /// Word of registers.
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
        let mut open: Option<Word> = None;
        let entry_bits = config.entry_bits;
        let (ports, parts) = config.into_parts();
        for port in ports {
            let all_ones = u64::MAX >> (64 - port.width);
            match (&port.told, &mut open) {
                (Told::Hardware(_), _) => hardware.push(port),
                _ if port.most != all_ones => words.push(Word::of(port)),
                (_, Some(word)) if word.bits + port.width <= WORD_BITS => {
                    let low = word.bits;
                    word.bits += port.width;
                    word.most |= port.most << low;
                    word.places.push(Place { port, low });
                }
                _ => words.extend(open.replace(Word::of(port))),
            }
        }
        words.extend(open);
        words.sort_by_key(|word| word.bits);
        words.push(Word {
            places: Vec::new(),
            bits: FRAMES_BITS,
            most: u64::from(u32::MAX),
            memory: None,
        });
        let mut strobes = Vec::new();
        let mut all = Vec::new();
        for (index, part) in parts.into_iter().enumerate() {
            strobes.push(part.strobe);
            let entries = part.entries.into_iter();
            all.extend(entries.map(|(entry, ports)| Word::of_memory(index, entry, ports)));
        }
        all.extend(words);
        JobTable {
            words: all,
            hardware,
            strobes,
            entry_bits,
        }
    }

    /// Number of words.
    pub fn word_count(&self) -> usize {
        self.words.len()
    }

    /// Bits in use of each word of registers: none has fewer than the one before it.
    pub fn bits(&self) -> impl Iterator<Item = usize> + '_ {
        self.words[self.memory_words()..]
            .iter()
            .map(|word| word.bits)
    }

    /// Number of words that go to memories, which are the first.
    pub fn memory_words(&self) -> usize {
        let in_memory = self.words.iter().filter(|word| word.memory.is_some());
        in_memory.count()
    }

    /// The memory and the entry there of each of these words.
    pub fn entries(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.words.iter().filter_map(|word| word.memory)
    }

    /// The inputs that fill the memories, in their order.
    pub fn strobes(&self) -> &[String] {
        &self.strobes
    }

    /// Bits of an entry of the largest memory.
    pub fn entry_bits(&self) -> usize {
        self.entry_bits
    }

    /// The greatest number that each word may hold.
    pub fn most(&self) -> impl Iterator<Item = u64> + '_ {
        self.words.iter().map(|word| word.most)
    }

    /// Every input that a word of registers drives; words are counted from the first of these.
    pub fn fields(&self) -> impl Iterator<Item = TableField<'_>> {
        let registers = &self.words[self.memory_words()..];
        registers.iter().enumerate().flat_map(|(word, w)| {
            w.places.iter().map(move |place| TableField {
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

    /// The words as registers from `offset` on.
    pub fn registers(&self, offset: u64) -> Vec<Register> {
        let fields = |word: &Word| -> Vec<Field> {
            let field = |place: &Place| Field {
                name: plain(&place.port).to_owned(),
                low: place.low,
                width: place.port.width,
                value: 0,
                doc: place.port.comment.clone(),
            };
            match word.places.as_slice() {
                [] => vec![Field {
                    name: "less_1".to_owned(),
                    low: 0,
                    width: FRAMES_BITS,
                    value: 0,
                    doc: "frames of the job, less one".to_owned(),
                }],
                places => places.iter().map(field).collect(),
            }
        };
        self.words
            .iter()
            .enumerate()
            .map(|(index, word)| Register {
                name: match word.places.is_empty() {
                    true => "frames".to_owned(),
                    false => format!("layer{index}"),
                },
                offset: offset + 4 * index as u64,
                kind: Kind::Table {
                    // No word has more than 32 bits.
                    most: word.most as u32,
                },
                doc: match word.places.is_empty() {
                    true => "how many frames the job has".to_owned(),
                    false => "the job's layer".to_owned(),
                },
                fields: fields(word),
            })
            .collect()
    }

    /// The words of a job of so many frames.
    ///
    /// # Errors
    /// The first number that is too large for this engine.
    pub fn encode(&self, d: &Descriptor, frames: NonZeroU32) -> Result<Vec<u32>, Beyond> {
        self.words
            .iter()
            .map(|word| match word.places.as_slice() {
                [] => Ok(frames.get() - 1),
                places => places.iter().try_fold(0, |bits, Place { port, low }| {
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
            })
            .collect()
    }
}

/// The name of an input without what marks it as one.
pub(crate) fn plain(port: &ConfigPort) -> &str {
    port.port.strip_prefix("cfg_").unwrap_or(&port.port)
}

//! The layer as the words of a job: which configuration input stands where.

use crate::config::{Config, ConfigPort, Told};
use crate::descriptor::Descriptor;
use crate::register_map::{Field, Kind, Register};
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
}

impl Word {
    fn of(port: ConfigPort) -> Self {
        Word {
            bits: port.width,
            most: port.most,
            places: vec![Place { port, low: 0 }],
        }
    }
}

/// The words of a job: the layer's configuration, and how many frames of it there are.
///
/// Words stand in the order of their bits, the last one being the number of frames, so that they
/// can be loaded through one another (see [`jobs`](crate::jobs)).
pub struct JobTable {
    words: Vec<Word>,
    hardware: Vec<ConfigPort>,
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
    /// Word of the table.
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
        for port in config.into_ports() {
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
        });
        JobTable { words, hardware }
    }

    /// Number of words.
    pub fn word_count(&self) -> usize {
        self.words.len()
    }

    /// Bits in use of each word: no word has fewer than the one before it.
    pub fn bits(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().map(|word| word.bits)
    }

    /// The greatest number that each word may hold.
    pub fn most(&self) -> impl Iterator<Item = u64> + '_ {
        self.words.iter().map(|word| word.most)
    }

    /// Every input that a word drives.
    pub fn fields(&self) -> impl Iterator<Item = TableField<'_>> {
        self.words.iter().enumerate().flat_map(|(word, w)| {
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

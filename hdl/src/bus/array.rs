//! What a job is told of an array in memory.

use crate::bus::masters::{strobe, BusStream};
use crate::bus::walk::{COUNT_BITS, OFF_BIT, WORDS, WORD_BITS};
use crate::config::inputs::{ConfigPort, Told, ToldPart, Turn, Used};

/// A word of an array: its name, and its fields with their bits.
struct Word {
    name: &'static str,
    fields: &'static [(&'static str, usize, &'static str)],
}

/// The names of the words of an array, in their order; a register's is the stream's, an underscore and this.
pub const WORD_NAMES: [&str; WORDS as usize] = {
    let mut names = [""; WORDS as usize];
    let mut index = 0;
    while index < ALL.len() {
        names[index] = ALL[index].name;
        index += 1;
    }
    names
};

/// The words, in the order in which the walk has them.
const ALL: [Word; WORDS as usize] = [
    Word {
        name: "address",
        fields: &[("byte", 32, "where the first frame begins")],
    },
    Word {
        name: "run",
        fields: &[
            ("bytes_less_1", OFF_BIT, "bytes side by side, less one"),
            ("none", 1, "the job has no such array"),
        ],
    },
    Word {
        name: "pixels",
        fields: &[
            ("runs_less_1", COUNT_BITS, "runs of a pixel, less one"),
            ("less_1", COUNT_BITS, "pixels of a row, less one"),
        ],
    },
    Word {
        name: "frames",
        fields: &[
            ("rows_less_1", COUNT_BITS, "rows of a frame, less one"),
            ("less_1", COUNT_BITS, "frames, less one"),
        ],
    },
    Word {
        name: "run_step",
        fields: &[("bytes", 32, "from a run to the next one of its pixel")],
    },
    Word {
        name: "pixel_step",
        fields: &[("bytes", 32, "from a pixel's last run to the next pixel")],
    },
    Word {
        name: "row_step",
        fields: &[("bytes", 32, "from a row's last run to the next row")],
    },
    Word {
        name: "frame_step",
        fields: &[("bytes", 32, "from a frame's last run to the next frame")],
    },
];

/// The words that a job is told of a stream's array, as those of a memory of the core.
pub(crate) fn told(stream: &BusStream) -> ToldPart {
    let name = |word: &Word| format!("{}_{}", stream.name, word.name);
    let port = |word: &Word, (field, width, comment): &(&str, usize, &str)| ConfigPort {
        port: format!("cfg_{}_{field}", name(word)),
        width: *width,
        told: Told::Software,
        most: u64::MAX >> (64 - width),
        comment: (*comment).to_owned(),
        turn: Turn::Done,
    };
    let entry = |(index, word): (usize, &Word)| {
        let fields = word.fields.iter().map(|field| port(word, field));
        (index as u64, fields.collect())
    };
    ToldPart {
        strobe: strobe(stream),
        entry_bits: WORD_BITS,
        used: Used::Always(WORDS),
        entries: ALL.iter().enumerate().map(entry).collect(),
        names: Some(ALL.iter().map(name).collect()),
    }
}

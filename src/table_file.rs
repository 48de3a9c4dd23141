//! Files of tables (TOML): which kind of file one is, what it holds, and where in it the keys stand.
//!
//! A message about a file begins with the file and, where it is about a key, the line: `layer.toml:7: ...`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

mod plain_words;

use plain_words::in_plain_words;

/// The kinds of files that the programs take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[layer]`, perhaps `[engine]`.
    Layer,
    /// `[engine]` with a mode, or `[limits]`.
    Engine,
    /// `[[layer]]`, each a `conv` in a network with a name.
    Network,
    /// `[[layer]]`, each with its lanes.
    List,
}

impl Kind {
    /// What a text is meant as; `None` where it says too little to tell, or is no TOML.
    pub fn of(text: &str) -> Option<Self> {
        let table: Table = toml::from_str(text).ok()?;
        let engine = table.get("engine");
        if table.contains_key("limits") || engine.is_some_and(|engine| engine.get("mode").is_some())
        {
            return Some(Self::Engine);
        }
        match table.get("layer")? {
            Value::Table(_) => Some(Self::Layer),
            Value::Array(entries) => {
                // That of a network is the name of a file.
                let engine = engine.is_some_and(Value::is_str);
                let other = ["name", "frames"]
                    .iter()
                    .any(|key| table.contains_key(*key));
                let conv = entries.iter().any(|entry| entry.get("conv").is_some());
                match engine || other || conv {
                    true => Some(Self::Network),
                    false => Some(Self::List),
                }
            }
            _ => None,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Layer => "a layer",
            Self::Engine => "a programmable engine",
            Self::Network => "a network",
            Self::List => "a list of layers",
        }
    }

    /// Which programs take such a file.
    fn takers(self) -> &'static str {
        match self {
            Self::Layer => "gen-verilog takes it, and run, verify, estimate and synth of bpa",
            Self::Engine => {
                "gen-verilog takes it, and `--engine` of estimate, bench and run-network"
            }
            Self::Network => "`bpa run-network` takes it, and `bpa explore`",
            Self::List => "`bpa bench --layers` takes it",
        }
    }
}

/// Why a file gives no tables of the wanted kind.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened or is not text.
    #[error("{file}: cannot read the file: {reason}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// It is a file of another kind.
    #[error("{file}: this is the file of {}, not of {}; {}", .found.what(), .wanted.what(), .found.takers())]
    Kind {
        /// The file.
        file: String,
        /// What it is a file of.
        found: Kind,
        /// What was wanted.
        wanted: Kind,
    },
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("{place}: {message}")]
    Syntax {
        /// Where: the file and its line.
        place: Place,
        /// What is wrong, for people.
        message: String,
    },
}

impl FileError {
    /// What the parser says of the text.
    pub(crate) fn syntax(text: &str, file: &str, error: &toml::de::Error) -> Self {
        let key_lines = KeyLines::of(text, file);
        let key = error.span().and_then(|span| key_lines.key_of(&span));
        let message = in_plain_words(error.message(), key);
        match error.span() {
            Some(bytes) => Self::at(text, file, &bytes, message),
            None => Self::Syntax {
                place: key_lines.place(""),
                message,
            },
        }
    }

    /// What is wrong with these bytes of the text.
    pub(crate) fn at(text: &str, file: &str, bytes: &Range<usize>, message: String) -> Self {
        let place = Place {
            file: file.to_owned(),
            line: Some(line(text, bytes.start)),
        };
        Self::Syntax { place, message }
    }
}

/// Bytes of a file of tables: that of a network of a thousand layers has a tenth.
const MOST_BYTES: u64 = 1 << 22;

/// The text of a file, and what messages call the file.
///
/// # Errors
/// It cannot be opened, is not text, or is longer than any is.
pub fn read_text(path: &Path) -> Result<(String, String), FileError> {
    let file = path.display().to_string();
    match bounded_text(path) {
        Ok(text) => Ok((text, file)),
        Err(reason) => Err(FileError::Read { file, reason }),
    }
}

fn bounded_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // A device may have no end.
    let read = File::open(path)?
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)?;
    match read as u64 > MOST_BYTES {
        true => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {MOST_BYTES} bytes, the most that is read"),
        )),
        false => Ok(text),
    }
}

/// What the text of a file holds that should be of the `wanted` kind; `file` is what messages call it.
///
/// # Errors
/// It is of another kind, is not TOML, has an unknown key or a value of another type.
pub fn parse<T: DeserializeOwned>(text: &str, file: &str, wanted: Kind) -> Result<T, FileError> {
    check_kind(text, file, wanted)?;
    toml::from_str(text).map_err(|error| FileError::syntax(text, file, &error))
}

/// Refuses a text that is meant as another kind of file.
///
/// # Errors
/// It is one.
pub(crate) fn check_kind(text: &str, file: &str, wanted: Kind) -> Result<(), FileError> {
    match Kind::of(text).filter(|found| *found != wanted) {
        Some(found) => Err(FileError::Kind {
            file: file.to_owned(),
            found,
            wanted,
        }),
        None => Ok(()),
    }
}

/// Where in a file something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: String,
    line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(out, ":{line}"))
    }
}

/// An error with its place in a file.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {error}")]
pub struct At<E: fmt::Display> {
    place: Place,
    error: E,
}

/// Where the keys of a file stand. A key is written with those of the tables that it is in, and of lists with the index:
/// `layer.kernel`, `layer[2].conv.kernel`.
#[derive(Clone, Debug)]
pub struct KeyLines {
    file: String,
    keys: Vec<Key>,
}

#[derive(Clone, Debug)]
struct Key {
    path: String,
    line: usize,
    /// Bytes of the value.
    value: Range<usize>,
}

impl KeyLines {
    /// Those of a text; none where it is not TOML.
    pub fn of(text: &str, file: &str) -> Self {
        let mut keys = Vec::new();
        if let Ok(table) = DeTable::parse(text) {
            collect(text, table.get_ref(), "", &mut keys);
        }
        let file = file.to_owned();
        Self { file, keys }
    }

    /// The place of a key or, where it is not given, of the innermost table around it that is; the file alone where there is
    /// none.
    pub fn place(&self, path: &str) -> Place {
        let mut path = path;
        let line = loop {
            match self.keys.iter().find(|key| key.path == path) {
                Some(key) => break Some(key.line),
                None => match path.rfind(['.', '[']) {
                    Some(end) => path = &path[..end],
                    None => break None,
                },
            }
        };
        let file = self.file.clone();
        Place { file, line }
    }

    /// An error with the place of its key; with that of the file where it is about no key alone.
    pub fn at<E: fmt::Display>(&self, key: Option<&str>, error: E) -> At<E> {
        let place = self.place(key.unwrap_or(""));
        At { place, error }
    }

    /// The key whose value, or part of it, stands there.
    fn key_of(&self, value: &Range<usize>) -> Option<&str> {
        let key = self.keys.iter().find(|key| key.value == *value)?;
        Some(&key.path)
    }
}

/// The keys of a table and of those in it.
fn collect(text: &str, table: &DeTable, prefix: &str, keys: &mut Vec<Key>) {
    for (key, value) in table {
        let path = format!("{prefix}{}", key.get_ref());
        keys.push(Key {
            path: path.clone(),
            line: line(text, key.span().start),
            value: value.span(),
        });
        collect_value(text, value.get_ref(), &path, keys);
    }
}

fn collect_value(text: &str, value: &DeValue, path: &str, keys: &mut Vec<Key>) {
    match value {
        DeValue::Table(table) => collect(text, table, &format!("{path}."), keys),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                keys.push(Key {
                    path: path.clone(),
                    line: line(text, item.span().start),
                    value: item.span(),
                });
                collect_value(text, item.get_ref(), &path, keys);
            }
        }
        _ => {}
    }
}

/// The line, from 1 on, of a byte of the text.
fn line(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().iter().take(byte);
    1 + before.filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        for (text, kind) in [
            ("[layer]\nkernel = 3", Some(Kind::Layer)),
            (
                "layer = { kernel = 3 }\n[engine]\nsimd = 2",
                Some(Kind::Layer),
            ),
            ("[engine]\nmode = \"programmable\"", Some(Kind::Engine)),
            ("[engine]\nmode = 3", Some(Kind::Engine)),
            ("[limits]", Some(Kind::Engine)),
            ("name = \"n\"\n[[layer]]", Some(Kind::Network)),
            ("engine = \"e.toml\"\n[[layer]]", Some(Kind::Network)),
            ("[[layer]]\nconv = { kernel = 3 }", Some(Kind::Network)),
            ("[[layer]]\nname = \"a\"\nkernel = 3", Some(Kind::List)),
            ("layer = []", Some(Kind::List)),
            ("[[layer]]\n[engine]\nsimd = 2", Some(Kind::List)),
            ("name = \"n\"", None),
            ("[engine]\nsimd = 2", None),
            ("layer = 3", None),
            ("", None),
            ("[", None),
        ] {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }

    #[test]
    fn keys_have_places() {
        let text = "name = \"n\"\n\n[layer] # a comment\nkernel = 3\nstride = [\n  1,\n  2,\n]\n[[entry]]\n[[entry]]\nconv = { a = 1,\n  b = 2 }\n";
        let lines = KeyLines::of(text, "f");
        for (path, place) in [
            ("name", "f:1"),
            ("layer", "f:3"),
            ("layer.kernel", "f:4"),
            ("layer.stride", "f:5"),
            ("layer.stride[1]", "f:7"),
            ("entry[0]", "f:9"),
            ("entry[1].conv.a", "f:11"),
            ("entry[1].conv.b", "f:12"),
            // What is not there has the place of what would hold it.
            ("layer.groups", "f:3"),
            ("entry[1].conv.c", "f:11"),
            ("engine.simd", "f"),
            ("", "f"),
        ] {
            assert_eq!(lines.place(path).to_string(), place, "{path}");
        }
        assert_eq!(KeyLines::of("[", "f").place("layer").to_string(), "f");
    }
}

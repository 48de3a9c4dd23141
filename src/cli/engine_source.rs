//! The programmable engine that a program is given.

use std::path::Path;

use crate::programmable::{EngineError, EngineFile, ProgrammableEngine};
use crate::table_file::{read_text, KeyLines};

/// A programmable engine, and where its keys stand.
pub(super) struct EngineSource {
    pub(super) engine: ProgrammableEngine,
    key_lines: KeyLines,
}

impl EngineSource {
    /// The engine of a file.
    ///
    /// # Errors
    /// The file cannot be read, or is none of a valid engine.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let (text, file) = read_text(path)?;
        let key_lines = KeyLines::of(&text, &file);
        let engine = EngineFile::parse(&text, &file)?.validate();
        let engine = engine.map_err(|error| at(&key_lines, error))?;
        Ok(Self { engine, key_lines })
    }

    /// Refuses an engine that has a bus, where streams are needed.
    ///
    /// # Errors
    /// It is one.
    pub(super) fn check_has_streams(&self) -> anyhow::Result<()> {
        match self.engine.limits().bus_bits {
            Some(_) => Err(at(&self.key_lines, EngineError::HasBus)),
            None => Ok(()),
        }
    }

    /// Refuses an engine whose results are not the sums themselves.
    ///
    /// # Errors
    /// It is one.
    pub(super) fn check_gives_sums(&self) -> anyhow::Result<()> {
        let checked = self.engine.check_gives_sums();
        checked.map_err(|error| self.at(error))
    }

    /// The error with its place in the file.
    pub(super) fn at(&self, error: EngineError) -> anyhow::Error {
        at(&self.key_lines, error)
    }
}

fn at(key_lines: &KeyLines, error: EngineError) -> anyhow::Error {
    let key = error.key();
    key_lines.at(key.as_deref(), error).into()
}

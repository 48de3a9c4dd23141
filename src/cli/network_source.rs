//! The network that a program is given, and its engine.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::engine_source::EngineSource;
use crate::network::{Network, NetworkError, NetworkFile};
use crate::table_file::{read_text, KeyLines};

/// A network's file, the programmable engine for it, and where the keys of the file stand.
pub(super) struct NetworkSource {
    pub(super) file: NetworkFile,
    pub(super) engine_path: PathBuf,
    pub(super) engine: EngineSource,
    key_lines: KeyLines,
}

impl NetworkSource {
    /// The network of a file, on the engine that is `given`, or else on that which the file names.
    ///
    /// # Errors
    /// A file cannot be read or is none of its kind, or there is no engine.
    pub(super) fn read(path: &Path, given: Option<&Path>) -> anyhow::Result<Self> {
        let (text, name) = read_text(path)?;
        Self::parse(path, &text, &name, given)
    }

    /// The same of a text that was read from `path`.
    ///
    /// # Errors
    /// As [`NetworkSource::read`].
    pub(super) fn parse(
        path: &Path,
        text: &str,
        name: &str,
        given: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let file = NetworkFile::parse(text, name)?;
        let engine_path = file.engine_path(path, given).ok_or_else(|| {
            anyhow!("{name}: there is no engine: name its file by the key `engine`, or by --engine")
        })?;
        let engine = EngineSource::read(&engine_path)?;
        Ok(Self {
            file,
            engine_path,
            engine,
            key_lines: KeyLines::of(text, name),
        })
    }

    /// The network, if it is one on this engine.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn validate(&self) -> anyhow::Result<Network> {
        let network = self.file.validate(&self.engine.engine);
        network.map_err(|error| self.at(error))
    }

    /// The error with its place in the file, or in the engine's.
    pub(super) fn at(&self, error: NetworkError) -> anyhow::Error {
        if let NetworkError::Engine(error) = error {
            return self.engine.at(error);
        }
        let key = error.key(&self.file);
        self.key_lines.at(key.as_deref(), error).into()
    }
}

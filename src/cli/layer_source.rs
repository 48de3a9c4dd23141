//! Where a program takes its layer from.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;

use super::engine_source::EngineSource;
use crate::internal_error::works_on;
use crate::layer::{Layer, LayerArgs, LayerFile};
use crate::programmable::{EngineFile, ProgrammableEngine};
use crate::table_file::{read_text, KeyLines};

/// A layer file, flags over it, or flags alone.
#[derive(Args, Clone, Debug)]
pub(super) struct LayerSource {
    /// Layer file (TOML); flags alone do as well
    file: Option<PathBuf>,
    #[command(flatten)]
    flags: LayerArgs,
}

/// A layer as the user wrote it, and where.
pub(super) struct WrittenLayer {
    pub(super) file: LayerFile,
    /// Of the layer file, if there is one.
    key_lines: Option<KeyLines>,
    /// Keys that flags give.
    flags: Vec<&'static str>,
}

impl WrittenLayer {
    /// The layer.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn validate(&self) -> anyhow::Result<Layer> {
        let layer = self.file.validate();
        layer.map_err(|error| self.at(error.key(), error))
    }

    /// An error about a key with the key's place in the file, unless a flag gives it.
    pub(super) fn at<E>(&self, key: Option<String>, error: E) -> anyhow::Error
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let is_of_flags = match &key {
            Some(key) => self.flags.contains(&key.as_str()),
            // Of the layer as a whole: all flags may matter.
            None => !self.flags.is_empty(),
        };
        match &self.key_lines {
            Some(key_lines) if !is_of_flags => key_lines.at(key.as_deref(), error).into(),
            _ => error.into(),
        }
    }
}

impl LayerSource {
    /// The file, where one was given.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether any key is given by a flag.
    pub(super) fn has_flags(&self) -> bool {
        !self.flags.is_empty()
    }

    /// Whether lanes are given by flags.
    pub(super) fn has_lanes(&self) -> bool {
        let keys = self.flags.keys();
        let lanes = ["engine.simd", "engine.pe", "engine.pixels"];
        lanes.iter().any(|lanes| keys.contains(lanes))
    }

    /// The layer; `None` where neither a file nor a flag was given.
    pub(super) fn layer(self) -> anyhow::Result<Option<Layer>> {
        let written = self.written()?;
        written.map(|written| written.validate()).transpose()
    }

    /// The layer, where there has to be one.
    pub(super) fn required(self) -> anyhow::Result<Layer> {
        self.layer()?.ok_or_else(no_layer)
    }

    /// The layer as the user wrote it; `None` as of [`layer`](Self::layer).
    pub(super) fn written(self) -> anyhow::Result<Option<WrittenLayer>> {
        let (file, key_lines) = match self.file {
            Some(path) => {
                let (text, file) = read_text(&path)?;
                let key_lines = KeyLines::of(&text, &file);
                (LayerFile::parse(&text, &file)?, Some(key_lines))
            }
            None if self.flags.is_empty() => return Ok(None),
            None => (LayerFile::default(), None),
        };
        let flags = self.flags.keys();
        let file = self.flags.over(file);
        works_on(file.to_toml());
        Ok(Some(WrittenLayer {
            flags,
            file,
            key_lines,
        }))
    }

    /// The programmable engine, where the file is that of one.
    pub(super) fn programmable(&self) -> anyhow::Result<Option<ProgrammableEngine>> {
        let Some(file) = self.programmable_file() else {
            return Ok(None);
        };
        if !self.flags.is_empty() {
            bail!(
                "{}: the flags are those of a layer, which a programmable engine is told at run time; \
                 change the file instead",
                file.display()
            );
        }
        let engine = EngineSource::read(file)?.engine;
        works_on(engine.to_file().to_toml());
        Ok(Some(engine))
    }

    /// The file, if its text is that of a programmable engine.
    fn programmable_file(&self) -> Option<&PathBuf> {
        let path = self.file.as_ref()?;
        // What cannot be read is for the layer file's reader to tell.
        let (text, _) = read_text(path).ok()?;
        EngineFile::is_meant(&text).then_some(path)
    }
}

/// What is said where there has to be a layer and none is given.
pub(super) fn no_layer() -> anyhow::Error {
    anyhow!("there is no layer: give a layer file, or flags like --in-channels (see --help)")
}

//! Where a program takes its layer from.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::Args;

use crate::layer::{Layer, LayerArgs, LayerFile};
use crate::programmable::{EngineFile, ProgrammableEngine};

/// A layer file, flags over it, or flags alone.
#[derive(Args, Clone, Debug)]
pub(super) struct LayerSource {
    /// Layer file (TOML); flags alone do as well
    file: Option<PathBuf>,
    #[command(flatten)]
    flags: LayerArgs,
}

impl LayerSource {
    /// The layer; `None` where neither a file nor a flag was given.
    pub(super) fn layer(self) -> anyhow::Result<Option<Layer>> {
        let file = self.layer_file()?;
        Ok(file.map(|file| file.validate()).transpose()?)
    }

    /// The layer as the user wrote it, likewise.
    pub(super) fn layer_file(self) -> anyhow::Result<Option<LayerFile>> {
        if let Some(file) = self.programmable_file() {
            bail!(
                "{}: this is the file of a programmable engine, not of a layer; gen-verilog takes it, and `--engine` of estimate, bench and run-network",
                file.display()
            );
        }
        let file = match self.file {
            Some(path) => LayerFile::read(&path)?,
            None if self.flags.is_empty() => return Ok(None),
            None => LayerFile::default(),
        };
        Ok(Some(self.flags.over(file)))
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
        let engine = EngineFile::read(file)?
            .validate()
            .map_err(|error| anyhow!("{}: {error}", file.display()))?;
        Ok(Some(engine))
    }

    /// The file, if its text is that of a programmable engine.
    fn programmable_file(&self) -> Option<&PathBuf> {
        let path = self.file.as_ref()?;
        // What cannot be read is for the layer file's reader to tell.
        let text = std::fs::read_to_string(path).ok()?;
        EngineFile::is_meant(&text).then_some(path)
    }
}

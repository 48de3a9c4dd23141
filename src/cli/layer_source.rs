//! Where a program takes its layer from.

use std::path::PathBuf;

use clap::Args;

use crate::layer::{Layer, LayerArgs, LayerError, LayerFile};

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
    pub(super) fn layer(self) -> Result<Option<Layer>, LayerError> {
        let file = match self.file {
            Some(path) => LayerFile::read(&path)?,
            None if self.flags.is_empty() => return Ok(None),
            None => LayerFile::default(),
        };
        self.flags.over(file).validate().map(Some)
    }
}

//! Lists of layers to measure on: `[[layer]]` entries with the keys of a layer file's `[layer]` table, a `name`, and
//! `lanes = [simd, pe]`.

use std::path::Path;

use serde::Deserialize;

use crate::layer::{Engine, Geometry, LayerError, LayerFile};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    layer: Vec<toml::Table>,
}

/// Reads a list of layers, in its order.
///
/// # Errors
/// The file cannot be read, is not TOML, has an unknown key or a value of another type, or an entry lacks its name or
/// lanes. Whether the layers are valid is for [`LayerFile::validate`] to say.
pub fn read(path: &Path) -> Result<Vec<LayerFile>, LayerError> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, &file),
        Err(reason) => Err(LayerError::Read { file, reason }),
    }
}

/// Reads the text of a list; `file` is what messages call it.
///
/// # Errors
/// As [`read`], but for the file.
pub fn parse(text: &str, file: &str) -> Result<Vec<LayerFile>, LayerError> {
    let syntax = |message: String| LayerError::Syntax {
        file: file.to_owned(),
        message: message.trim_end().to_owned(),
    };
    let list: List = toml::from_str(text).map_err(|error| syntax(error.to_string()))?;
    list.layer
        .into_iter()
        .enumerate()
        .map(|(index, table)| {
            entry(table).map_err(|message| syntax(format!("layer {}: {message}", index + 1)))
        })
        .collect()
}

fn entry(mut table: toml::Table) -> Result<LayerFile, String> {
    let mut take = |key: &str| table.remove(key).ok_or(format!("`{key}` is missing"));
    let name = take("name")?;
    let lanes = take("lanes")?;
    let message = |error: toml::de::Error| error.message().to_owned();
    let name: String = name.try_into().map_err(message)?;
    let [simd, pe]: [i64; 2] = lanes.try_into().map_err(message)?;
    let layer: Geometry = table.try_into().map_err(message)?;
    Ok(LayerFile {
        name,
        layer,
        engine: Engine {
            simd,
            pe,
            ..Engine::default()
        },
    })
}

//! Lists of layers to measure on: `[[layer]]` entries with the keys of a layer file's `[layer]` table, a `name`, and
//! `lanes = [simd, pe]`, or `[simd, pe, pixels]`.

use std::path::Path;

use serde::de::{IgnoredAny, IntoDeserializer};
use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::Spanned;

use crate::layer::{Engine, Geometry, LayerError, LayerFile};
use crate::table_file::{check_kind, read_text, At, FileError, KeyLines, Kind};

/// Whether the layers need lanes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// Each is measured on an engine for it alone.
    Own,
    /// All are measured on one engine; lanes in the list do not count.
    OfAnEngine,
}

/// What a list holds beside its entries: nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(rename = "layer")]
    _layers: Vec<IgnoredAny>,
}

/// Reads a list of layers, in its order.
///
/// # Errors
/// The file cannot be read, is one of another kind, is not TOML, has an unknown key or a value of another type, or an entry
/// lacks its name or lanes. Whether the layers are valid is for [`LayerFile::validate`] to say.
pub fn read(path: &Path) -> Result<Vec<LayerFile>, LayerError> {
    let (text, file) = read_text(path)?;
    parse(&text, &file)
}

/// Reads the text of a list; `file` is what messages call it.
///
/// # Errors
/// As [`read`], but for the file.
pub fn parse(text: &str, file: &str) -> Result<Vec<LayerFile>, LayerError> {
    parse_for(Lanes::Own, text, file)
}

/// The same for layers that may need no lanes.
///
/// # Errors
/// As [`parse`].
pub fn parse_for(lanes: Lanes, text: &str, file: &str) -> Result<Vec<LayerFile>, LayerError> {
    check_kind(text, file, Kind::List)?;
    let source = Source { lanes, text, file };
    toml::from_str::<List>(text).map_err(|error| source.syntax(&error))?;
    let table = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
    let entries = match table.into_inner().remove("layer").map(Spanned::into_inner) {
        Some(DeValue::Array(entries)) => entries.to_vec(),
        _ => Vec::new(),
    };
    let entries = entries.into_iter().enumerate();
    Ok(entries
        .map(|(index, entry)| source.layer(index, entry))
        .collect::<Result<_, _>>()?)
}

/// An error of a list's layer with the place of its key.
pub fn at<E: std::fmt::Display>(
    key_lines: &KeyLines,
    index: usize,
    key: Option<&str>,
    error: E,
) -> At<E> {
    let key = match key.unwrap_or("") {
        "engine.simd" | "engine.pe" => ".lanes".to_owned(),
        "name" => ".name".to_owned(),
        key => key.strip_prefix("layer").unwrap_or("").to_owned(),
    };
    key_lines.at(Some(&format!("layer[{index}]{key}")), error)
}

/// The text of a list.
struct Source<'a> {
    lanes: Lanes,
    text: &'a str,
    file: &'a str,
}

impl Source<'_> {
    fn syntax(&self, error: &toml::de::Error) -> FileError {
        FileError::syntax(self.text, self.file, error)
    }

    fn layer(&self, index: usize, mut entry: Spanned<DeValue>) -> Result<LayerFile, FileError> {
        let place = entry.span();
        let mut take = |key: &str| match entry.get_mut() {
            DeValue::Table(table) => table.remove(key),
            // It is told by what takes the rest.
            _ => None,
        };
        let (name, lanes) = (take("name"), take("lanes"));
        let syntax = |error| self.syntax(&error);
        let missing = |what: String| {
            let message = format!("layer {}{what}", index + 1);
            FileError::at(self.text, self.file, &place, message)
        };
        let layer = Geometry::deserialize(entry.into_deserializer()).map_err(syntax)?;
        let name = name.ok_or_else(|| {
            missing(": `name` is missing: give `name = \"...\"`, what tables call it".to_owned())
        })?;
        let name = String::deserialize(name.into_deserializer()).map_err(syntax)?;
        let lanes_place = lanes.as_ref().map(Spanned::span);
        let lanes = lanes.map(|lanes| Vec::<i64>::deserialize(lanes.into_deserializer()));
        let [simd, pe, pixels] = match (lanes.transpose().map_err(syntax)?.as_deref(), self.lanes) {
            (Some(&[simd, pe]), _) => [simd, pe, 1],
            (Some(&[simd, pe, pixels]), _) => [simd, pe, pixels],
            (Some(lanes), _) => {
                let items = match lanes.len() {
                    1 => "1 item".to_owned(),
                    count => format!("{count} items"),
                };
                let message = format!("`lanes` has {items}: it must be [simd, pe] or [simd, pe, pixels]");
                let place = lanes_place.unwrap_or(place);
                return Err(FileError::at(self.text, self.file, &place, message));
            }
            (None, Lanes::OfAnEngine) => [1, 1, 1],
            (None, Lanes::Own) => {
                return Err(missing(format!(
                    " ({name:?}): `lanes` is missing: give `lanes = [simd, pe]`, its lanes over out_channels and over \
                     in_channels, like [1, 1]"
                )))
            }
        };
        Ok(LayerFile {
            name,
            layer,
            engine: Engine {
                simd,
                pe,
                pixels,
                ..Engine::default()
            },
        })
    }
}

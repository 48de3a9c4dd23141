//! Values of a tensor that are in another file, beside the model.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::proto::TensorMessage;

/// The bytes, which have to be `length` many.
///
/// # Errors
/// The file is not named, is not within the folder, or has not so many.
pub(super) fn bytes(
    tensor: &TensorMessage,
    folder: &Path,
    length: usize,
) -> Result<Vec<u8>, String> {
    let value = |key: &str| {
        let mut entries = tensor.external.iter();
        entries
            .find(|entry| entry.key == key)
            .map(|entry| entry.value.as_str())
    };
    let number = |key: &str, default: u64| match value(key) {
        None => Ok(default),
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| format!("its `{key}` in another file is {text:?}, no number")),
    };
    let location = value("location").ok_or("its values are in another file, which is not named")?;
    let outside =
        || format!("its values are in {location:?}, which is not below the model's folder");
    let relative = Path::new(location);
    let is_plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if location.is_empty() || !is_plain {
        return Err(outside());
    }
    let (offset, stated) = (number("offset", 0)?, number("length", length as u64)?);
    if stated != length as u64 {
        return Err(format!(
            "it has {stated} bytes in {location:?}, and its shape needs {length}"
        ));
    }
    let cannot =
        |reason: std::io::Error| format!("its values are in {location:?}: cannot read: {reason}");
    // A link may lead elsewhere.
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let folder = folder.canonicalize().map_err(cannot)?;
    let path = folder.join(relative).canonicalize().map_err(cannot)?;
    if !path.starts_with(&folder) || !path.is_file() {
        return Err(outside());
    }
    let mut file = File::open(path).map_err(cannot)?;
    let there = file.metadata().map_err(cannot)?.len();
    let needed = offset.checked_add(stated);
    if needed.is_none_or(|needed| needed > there) {
        return Err(format!(
            "its values are {length} bytes of {location:?} from {offset} on, and that file has {there}"
        ));
    }
    file.seek(SeekFrom::Start(offset)).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(stated).read_to_end(&mut bytes).map_err(cannot)?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(format!("{location:?} has changed while it was read")),
    }
}

//! Folders for results.

use std::fs;
use std::path::Path;

use anyhow::anyhow;

/// Makes the folder and those above it, where they are not there yet.
///
/// # Errors
/// It cannot be made, perhaps since a file is in its place or in that of one above it.
pub(super) fn make_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).map_err(|reason| {
        let in_the_way = path.ancestors().find(|place| place.is_file());
        match in_the_way {
            Some(file) => anyhow!(
                "{}: cannot write: {} is a file, where a folder is needed",
                path.display(),
                file.display()
            ),
            None => anyhow!("{}: cannot write: {reason}", path.display()),
        }
    })
}

//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes a file by way of a temporary one in the same folder, so that neither a failure nor a reader in between ever
/// sees a part of it.
///
/// # Errors
/// Whatever the file system reports; a file that was there before is then unchanged.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::new(path, bytes)?.publish()
}

/// A file that is written, but not yet in its place: several of them can be made ready before the first is seen.
/// Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

impl Staged {
    /// Writes the bytes to a temporary file beside `path`. With no bytes this is a test whether a result can be
    /// written there, which is better asked before a long run than after it.
    ///
    /// # Errors
    /// Whatever the file system reports, and a folder at `path`.
    pub fn new(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // A bare file name has the empty path for a parent.
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // Opened here and not by the crate, which would make it private to its owner.
        let create = |path: &Path| File::options().write(true).create_new(true).open(path);
        let mut file = tempfile::Builder::new().make_in(folder, create)?;
        file.write_all(bytes)?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Moves the file to its place.
    ///
    /// # Errors
    /// Whatever the file system reports; a file that was there before is then unchanged.
    pub fn publish(self) -> io::Result<()> {
        self.file.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_a_failure_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        write_whole(&path, b"first").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert!(write_whole(&folder.path().join("none/result"), b"").is_err());
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        assert!(write_whole(&folder.path().join("folder"), b"").is_err());
        drop(Staged::new(&folder.path().join("dropped"), b"bytes").unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

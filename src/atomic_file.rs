//! Files that appear whole or not at all.
//!
//! That holds for regular files, and for a symbolic link's target if it is one: the link stays. To anything else, such as
//! a device or a FIFO, the bytes are written through, for it must not be replaced by a file.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Symbolic links that may follow one another: what Linux allows.
const MOST_LINKS: usize = 40;

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
pub struct Staged(Place);

#[derive(Debug)]
enum Place {
    /// Moves to `path`, which is no symbolic link.
    Whole { file: NamedTempFile, path: PathBuf },
    /// Goes into what is at `path`. Until then it is kept here: a reader behind a FIFO would see a part of it.
    Through { bytes: Vec<u8>, path: PathBuf },
}

impl Staged {
    /// Makes ready what is to come to `path`, with its first bytes; more can be written. With no bytes this is a test
    /// whether a result can be written there, which is better asked before a long run than after it.
    ///
    /// # Errors
    /// Whatever the file system reports, and a folder at `path`.
    pub fn new(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut staged = Self(match replaced(path)? {
            Some((path, permissions)) => Place::Whole {
                file: beside(&path, permissions)?,
                path,
            },
            None => Place::Through {
                bytes: Vec::new(),
                path: path.to_owned(),
            },
        });
        staged.write_all(bytes)?;
        Ok(staged)
    }

    /// Moves the file to its place, or the bytes into what is there.
    ///
    /// # Errors
    /// Whatever the file system reports; a regular file that was there before is then unchanged.
    pub fn publish(self) -> io::Result<()> {
        match self.0 {
            Place::Whole { file, path } => {
                file.persist(path)?;
            }
            Place::Through { bytes, path } => {
                let mut file = File::options().write(true).open(path)?;
                file.write_all(&bytes)?;
            }
        }
        Ok(())
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Place::Whole { file, .. } => file.write(bytes),
            Place::Through { bytes: kept, .. } => kept.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Place::Whole { file, .. } => file.flush(),
            Place::Through { .. } => Ok(()),
        }
    }
}

/// The regular file that is to be replaced or made, behind all links, and the permissions of one that is there; `None`
/// where something else is there, which has to stay.
fn replaced(path: &Path) -> io::Result<Option<(PathBuf, Option<Permissions>)>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => Ok(None),
        // Opened only to learn whether it may be written: a rename would not ask.
        Ok(metadata) => File::options().write(true).open(path).and_then(|_| {
            let target = behind_links(path)?;
            Ok(target.map(|target| (target, Some(metadata.permissions()))))
        }),
        // What a link leads to need not be there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(behind_links(path)?.map(|target| (target, None)))
        }
        Err(error) => Err(error),
    }
}

/// Where the path leads, which need not be there; `None` if by way of a process' open files, as `/dev/stdout` does: what
/// that process has open must stay where it is.
fn behind_links(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(_) if fs::canonicalize(folder_of(&path))?.starts_with("/proc") => return Ok(None),
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(Some(path)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// A bare file name has the empty path for a parent.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A temporary file in the folder of `path`, with these permissions or those of any new file.
fn beside(path: &Path, permissions: Option<Permissions>) -> io::Result<NamedTempFile> {
    // Opened here and not by the crate, which would make it private to its owner.
    let create = |path: &Path| File::options().write(true).create_new(true).open(path);
    let file = tempfile::Builder::new().make_in(folder_of(path), create)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{symlink, FileTypeExt, MetadataExt, PermissionsExt};
    use std::process::Command;
    use std::thread;

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

    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("private");
        write_whole(&path, b"first").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    }

    /// One link or several, relative to their folders, to a file that is there or not; and a circle.
    #[test]
    fn a_link_keeps_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("far")).unwrap();
        symlink("far/second", at("first")).unwrap();
        symlink("target", at("far/second")).unwrap();
        for bytes in [b"made", b"over"] {
            write_whole(&at("first"), bytes).unwrap();
            assert_eq!(fs::read(at("far/target")).unwrap(), bytes);
            assert!(fs::symlink_metadata(at("far/target")).unwrap().is_file());
        }
        assert_eq!(fs::read_link(at("first")).unwrap(), Path::new("far/second"));
        assert_eq!(
            fs::read_link(at("far/second")).unwrap(),
            Path::new("target")
        );
        assert_eq!(fs::read_dir(at("far")).unwrap().count(), 2);
        symlink("circle", at("circle")).unwrap();
        assert!(write_whole(&at("circle"), b"").is_err());
        assert!(fs::symlink_metadata(at("circle")).unwrap().is_symlink());
    }

    /// By way of a link, which is what a fault would replace, and not a device of the machine.
    #[test]
    fn a_device_stays_and_says_what_it_cannot_take() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("full");
        symlink("/dev/full", &link).unwrap();
        let staged = Staged::new(&link, b"bytes").unwrap();
        assert_eq!(
            staged.publish().unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        let kind = fs::symlink_metadata("/dev/full").unwrap().file_type();
        assert!(kind.is_char_device());
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("/dev/full"));
    }

    #[test]
    fn a_fifo_gets_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        // The question whether it can be written does not wake the reader.
        drop(Staged::new(&fifo, &[]).unwrap());
        let reader = thread::spawn({
            let fifo = fifo.clone();
            move || {
                let mut bytes = Vec::new();
                File::open(fifo).unwrap().read_to_end(&mut bytes).unwrap();
                bytes
            }
        });
        write_whole(&fifo, b"bytes").unwrap();
        assert_eq!(reader.join().unwrap(), b"bytes");
        assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// `/dev/stdout` leads to a file that a process has open, or to a pipe.
    #[test]
    fn what_a_process_has_open_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open");
        let file = File::create(&path).unwrap();
        let before = file.metadata().unwrap().ino();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&file);
        write_whole(Path::new(&format!("/dev/fd/{descriptor}")), b"bytes").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().ino(), before);
        assert_eq!(fs::read(&path).unwrap(), b"bytes");
    }
}

//! Files that a command may write: none of its inputs, and no file of somebody else's unless by `--force`.
//!
//! Its own are those that carry an unbroken [seal](crate::seal), and those of which the [`Record`] says so.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use bpa_sim::Cache;
use clap::Args;
use sha2::{Digest, Sha256};

use crate::atomic_file::{write_whole, Staged};
use crate::seal::{has_seal, hex};

/// Whether files are replaced without asking whose they are.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Overwrite {
    /// Replace files, too, that this program did not write or that were changed since
    #[arg(long)]
    force: bool,
}

/// What a command writes, seen from what it reads.
pub(super) struct Outputs {
    force: bool,
    inputs: Vec<PathBuf>,
    record: Option<Record>,
}

impl Outputs {
    pub(super) fn new<'a>(
        overwrite: Overwrite,
        inputs: impl IntoIterator<Item = &'a Path>,
    ) -> Self {
        Self {
            force: overwrite.force,
            inputs: inputs.into_iter().map(Path::to_owned).collect(),
            // Without a place for it, no file is known again but by its seal.
            record: Cache::from_env().ok().map(Record::in_cache),
        }
    }

    /// Asked before what makes the file, which may take long.
    ///
    /// # Errors
    /// The file cannot be written, or must not be.
    pub(super) fn check(&self, path: &Path) -> anyhow::Result<()> {
        self.stage(path, None).map(drop)
    }

    /// A file with this text, to be published. One that holds it already may be anybody's.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn stage_text(&self, path: &Path, text: &str) -> anyhow::Result<Staged> {
        let mut staged = self.stage(path, Some(text))?;
        let written = staged.write_all(text.as_bytes());
        written.map_err(cannot_write(path))?;
        Ok(staged)
    }

    /// A file to fill and publish, with this text if it is known beforehand.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn stage(&self, path: &Path, text: Option<&str>) -> anyhow::Result<Staged> {
        self.not_an_input(path)?;
        if self.is_taken(path, text)? {
            bail!(
                "{}: a file is there that this program did not write, or that was changed since: choose another name, or \
                 replace it by --force",
                path.display()
            );
        }
        Staged::new(path, &[]).map_err(cannot_write(path))
    }

    /// Remembers a file without a seal that this program has just written, or a tool for it.
    pub(super) fn remember(&self, path: &Path) {
        if let Some(record) = self.record.as_ref().filter(|_| path.is_file()) {
            // What is not remembered is asked about, and no worse.
            let _ = record.note(path);
        }
    }

    /// Whether somebody would lose something by a file that comes there, with this text if that is known.
    ///
    /// # Errors
    /// What is there cannot be read.
    pub(super) fn is_taken(&self, path: &Path, text: Option<&str>) -> anyhow::Result<bool> {
        // An empty file holds nothing, nor does what is not there or passes its bytes on; what cannot be seen is for the
        // writer to tell.
        let holds = |it: &fs::Metadata| it.is_file() && it.len() > 0;
        let Some(there) = fs::metadata(path).ok().filter(holds) else {
            return Ok(false);
        };
        let known = |record: &Record| record.knows(path);
        if self.force || self.record.as_ref().is_some_and(known) {
            return Ok(false);
        }
        let same = text.is_some_and(|text| {
            let as_long = there.len() == text.len() as u64;
            as_long && fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes())
        });
        let sealed = has_seal(path)
            .map_err(|reason| anyhow!("{}: cannot read: {reason}", path.display()))?;
        Ok(!same && !sealed)
    }

    /// Not even by force: the result would replace what it was made of.
    fn not_an_input(&self, path: &Path) -> anyhow::Result<()> {
        let identity = |path: &Path| {
            let metadata = fs::metadata(path).ok().filter(|it| it.is_file())?;
            Some((metadata.dev(), metadata.ino()))
        };
        let Some(output) = identity(path) else {
            return Ok(());
        };
        match self.inputs.iter().find(|input| identity(input) == Some(output)) {
            Some(input) if input == path => bail!(
                "{}: is read by this command, so its result cannot be written there",
                path.display()
            ),
            Some(input) => bail!(
                "{}: is the file {}, which is read by this command, so its result cannot be written there",
                path.display(),
                input.display()
            ),
            None => Ok(()),
        }
    }
}

/// The message of a file that cannot be written.
pub(super) fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> anyhow::Error + '_ {
    move |reason| anyhow!("{}: cannot write: {reason}", path.display())
}

/// What files without a place for a seal were when the program wrote them: in the cache's folder, for each path a small
/// file with the SHA-256.
struct Record {
    folder: PathBuf,
}

impl Record {
    /// Files that are remembered, at the most.
    const MOST: usize = 10_000;

    fn in_cache(cache: Cache) -> Self {
        Self {
            folder: cache.dir().join("written"),
        }
    }

    /// Whether the file is as it was when it was noted.
    fn knows(&self, path: &Path) -> bool {
        let noted = self.entry(path).and_then(fs::read_to_string);
        let is = digest_of(path);
        matches!((noted, is), (Ok(noted), Ok(is)) if noted == is)
    }

    fn note(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        write_whole(&self.entry(path)?, digest_of(path)?.as_bytes())?;
        self.forget_the_oldest(Self::MOST)
    }

    fn entry(&self, path: &Path) -> io::Result<PathBuf> {
        let path = fs::canonicalize(path)?;
        let mut hasher = Sha256::new();
        hasher.update(path.as_os_str().as_encoded_bytes());
        Ok(self.folder.join(hex(hasher)))
    }

    fn forget_the_oldest(&self, most: usize) -> io::Result<()> {
        let mut entries = fs::read_dir(&self.folder)?.collect::<Result<Vec<_>, _>>()?;
        if entries.len() > most {
            entries.sort_by_key(|entry| entry.metadata().and_then(|it| it.modified()).ok());
            for entry in &entries[..entries.len() - most] {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hex(hasher))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_knows_what_was_noted_as_long_as_nobody_changes_it() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record {
            folder: folder.path().join("written"),
        };
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        fs::write(&first, "one").unwrap();
        fs::write(&second, "one").unwrap();
        assert!(!record.knows(&first));
        record.note(&first).unwrap();
        assert!(record.knows(&first));
        assert!(!record.knows(&second), "the same bytes of somebody else's");
        fs::write(&first, "two").unwrap();
        assert!(!record.knows(&first));
        record.note(&second).unwrap();
        record.forget_the_oldest(1).unwrap();
        assert_eq!(fs::read_dir(&record.folder).unwrap().count(), 1);
    }
}

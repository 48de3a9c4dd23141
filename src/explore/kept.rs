//! Results that take long, kept as they come, so that an exploration that was interrupted goes on where it was.
//!
//! Each is a file of its own in the cache folder. Its name is the SHA-256 of the texts that it is of, whatever they
//! are: an engine's Verilog, commands, versions. It appears whole and bears a seal; one that was changed is made anew.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bpa_sim::Cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Candidate, Point, Subject};
use crate::atomic_file::write_whole;
use crate::seal::{has_seal, hex, sealed};
use crate::synth::Board;

/// The cache's folder of results.
const FOLDER: &str = "explored";

/// The place of a result.
pub(super) struct Kept {
    path: PathBuf,
}

/// What is in its file; a seal stands beside it.
#[derive(Serialize, Deserialize)]
struct Content<T> {
    found: T,
}

impl Kept {
    /// That of these texts.
    pub(super) fn new(cache: &Cache, texts: &[String]) -> Self {
        let mut hasher = Sha256::new();
        for text in texts {
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        }
        let name = format!("{}.json", hex(hasher));
        Self {
            path: cache.dir().join(FOLDER).join(name),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is there, if it is as it was written.
    pub(super) fn get<T: DeserializeOwned>(&self) -> Option<T> {
        if !has_seal(&self.path).ok()? {
            return None;
        }
        let text = fs::read_to_string(&self.path).ok()?;
        let content: Content<T> = serde_json::from_str(&text).ok()?;
        Some(content.found)
    }

    /// Puts it there.
    ///
    /// # Errors
    /// Whatever the file system reports.
    pub(super) fn put<T: Serialize>(&self, found: &T) -> io::Result<()> {
        fs::create_dir_all(self.path.parent().unwrap_or(&self.path))?;
        let json = serde_json::to_string_pretty(&Content { found })?;
        write_whole(&self.path, sealed(&(json + "\n"), "json").as_bytes())
    }
}

/// What the cost model has for these lanes, as [`Subject::point`]; that of a network takes seconds and is kept.
///
/// # Errors
/// A result cannot be written.
pub fn point(
    subject: &Subject,
    lanes: Candidate,
    board: Board,
    cache: &Cache,
) -> io::Result<Option<Point>> {
    if matches!(subject, Subject::Layer(..)) {
        return Ok(subject.point(lanes, board));
    }
    let kept = Kept::new(
        cache,
        &[program(), subject.text(), format!("{lanes:?} {board:?}")],
    );
    if let Some(found) = kept.get() {
        return Ok(found);
    }
    let found = subject.point(lanes, board);
    kept.put(&found)?;
    Ok(found)
}

/// This build of the program: another may have another cost model.
fn program() -> String {
    let file = env::current_exe().and_then(fs::metadata);
    let build = file.and_then(|file| Ok((file.len(), file.modified()?)));
    format!("{} {:?}", env!("CARGO_PKG_VERSION"), build.ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{Found, Speed};

    #[test]
    fn what_was_found_is_kept_until_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("new"));
        let kept = Kept::new(&cache, &["text".to_owned()]);
        let others = [
            &["text".to_owned(), String::new()][..],
            &["other".to_owned()],
        ];
        for texts in others {
            assert_ne!(Kept::new(&cache, texts).path(), kept.path());
        }
        assert_eq!(kept.get::<Found>(), None);
        let speed = Found::Speed(Speed {
            luts: 3,
            lut_rams: 2,
            ffs: 1,
            fmax_mhz: Some(123.456),
        });
        for found in [speed, Found::TooSmall("for a reason".to_owned())] {
            kept.put(&found).unwrap();
            assert_eq!(kept.get(), Some(found));
        }
        let text = fs::read_to_string(kept.path()).unwrap();
        fs::write(kept.path(), text.replace("reason", "treason")).unwrap();
        assert_eq!(kept.get::<Found>(), None);
        fs::write(kept.path(), &text[..text.len() / 2]).unwrap();
        assert_eq!(kept.get::<Found>(), None);
    }
}

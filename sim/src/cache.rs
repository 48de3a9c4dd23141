//! A folder of build results, named by the content that they were made from.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::SimError;

/// Temporary folders of builds start with this.
const TEMPORARY: &str = ".building-";
/// A temporary folder of this age was left behind by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Where compiled models are kept. Any number of processes may use one folder at the same time:
/// an entry is built aside and appears whole, by a rename, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// A cache in the given folder, which is made when it is first needed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Cache { dir: dir.into() }
    }

    /// The user's cache: `$BPA_CACHE_DIR`, else `$XDG_CACHE_HOME/bpa-engine`, else
    /// `~/.cache/bpa-engine`.
    pub fn from_env() -> Result<Self, SimError> {
        let folder = |name| env::var_os(name).filter(|value| !value.is_empty());
        if let Some(dir) = folder("BPA_CACHE_DIR") {
            return Ok(Cache::new(dir));
        }
        let base = match (folder("XDG_CACHE_HOME"), folder("HOME")) {
            (Some(base), _) => PathBuf::from(base),
            (None, Some(home)) => Path::new(&home).join(".cache"),
            (None, None) => return Err(SimError::NoCacheDir),
        };
        Ok(Cache::new(base.join("bpa-engine")))
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of the entry `name`, and whether it was there already. If not, `build` fills a
    /// fresh folder, which then becomes the entry. Threads of one process wait for each other;
    /// of several processes, all may build, and the first to finish wins.
    ///
    /// # Errors
    /// Those of `build`, and of the folder.
    pub fn entry<E: From<SimError>>(
        &self,
        name: &str,
        build: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(PathBuf, bool), E> {
        // Canonical, since tools run in other folders and the path must hold there too
        fs::create_dir_all(&self.dir).map_err(SimError::cache(&self.dir))?;
        let dir = fs::canonicalize(&self.dir).map_err(SimError::cache(&self.dir))?;
        let entry = dir.join(name);
        if entry.is_dir() {
            return Ok((entry, true));
        }
        let lock = lock_of(&entry);
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if entry.is_dir() {
            return Ok((entry, true));
        }
        sweep(&dir);
        let temporary = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempdir_in(&dir)
            .map_err(SimError::cache(&dir))?;
        build(temporary.path())?;
        install(temporary, &entry)?;
        Ok((entry, false))
    }

    /// Removes an entry that turned out to be unusable.
    pub(crate) fn discard(&self, entry: &Path) {
        // Renamed first: the entry vanishes as a whole, as it came
        if let Ok(temporary) = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempdir_in(&self.dir)
        {
            let _ = fs::rename(entry, temporary.path().join("discarded"));
        }
    }
}

/// Makes a finished folder the entry, unless somebody else was faster.
fn install(temporary: TempDir, entry: &Path) -> Result<(), SimError> {
    match fs::rename(temporary.path(), entry) {
        Ok(()) => {
            let _ = temporary.keep();
            Ok(())
        }
        Err(_) if entry.is_dir() => Ok(()),
        Err(error) => Err(SimError::cache(entry)(error)),
    }
}

fn lock_of(entry: &Path) -> Arc<Mutex<()>> {
    static LOCKS: LazyLock<Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>> = LazyLock::new(Mutex::default);
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(locks.entry(entry.to_path_buf()).or_default())
}

/// Removes what killed processes left behind. Best effort: what cannot be removed stays.
fn sweep(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let temporary = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        if temporary && age.is_ok_and(|age| age > ABANDONED) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Hashes a list of texts, each with its length, so that no two lists run into one.
pub(crate) fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    let hash = hasher.finalize();
    hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_failed_build_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        let result = cache.entry("entry", |path| {
            fs::write(path.join("half"), "written").unwrap();
            Err(SimError::NoCacheDir)
        });
        assert!(result.is_err());
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn the_loser_of_a_race_takes_the_winners_entry() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        let (entry, cached) = cache
            .entry("entry", |path| {
                // Another process, which knows nothing of this one's lock, is done first
                let winner = dir.path().join("entry");
                fs::create_dir(&winner).unwrap();
                fs::write(winner.join("by"), "winner").unwrap();
                fs::write(path.join("by"), "loser").unwrap();
                Ok::<(), SimError>(())
            })
            .unwrap();
        assert!(!cached);
        assert_eq!(fs::read_to_string(entry.join("by")).unwrap(), "winner");
        assert_eq!(names(dir.path()), ["entry"]);
    }

    #[test]
    fn digests_tell_lists_apart() {
        assert_ne!(digest(["ab", "c"]), digest(["a", "bc"]));
        assert_ne!(digest(["a", ""]), digest(["a"]));
    }
}

//! A folder of build results, named by the content that they were made from.

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::fs::{flock, FlockOperation};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::SimError;

/// Temporary folders of builds start with this. Each is locked for as long as its process lives.
const TEMPORARY: &str = ".building-";
/// Where folders cannot be locked: a temporary one of this age was left behind by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Where compiled models are kept. Any number of processes may use one folder at the same time:
/// an entry is built aside and appears whole, by a rename, or not at all.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
    tell: Option<fn(&str)>,
}

impl Cache {
    /// A cache in the given folder, which is made when it is first needed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Cache {
            dir: dir.into(),
            tell: None,
        }
    }

    /// The same, which says what it makes before it does, for it may take long.
    pub fn telling(self, tell: fn(&str)) -> Self {
        Cache {
            tell: Some(tell),
            ..self
        }
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
    /// fresh folder, which then becomes the entry; `what` is said of it beforehand, if anything. Threads
    /// of one process wait for each other; of several processes, all may build, and the first to finish
    /// wins.
    ///
    /// # Errors
    /// Those of `build`, and of the folder.
    pub fn entry<E: From<SimError>>(
        &self,
        name: &str,
        what: Option<&str>,
        build: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(PathBuf, bool), E> {
        // Canonical, since tools run in other folders and the path must hold there too
        fs::create_dir_all(&self.dir).map_err(SimError::cache(&self.dir))?;
        let dir = fs::canonicalize(&self.dir).map_err(SimError::cache(&self.dir))?;
        sweep_once(&dir);
        let entry = dir.join(name);
        if entry.is_dir() {
            return Ok((entry, true));
        }
        let lock = lock_of(&entry);
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if entry.is_dir() {
            return Ok((entry, true));
        }
        if let (Some(tell), Some(what)) = (self.tell, what) {
            tell(what);
        }
        let temporary = Building::new(&dir).map_err(SimError::cache(&dir))?;
        build(temporary.dir.path())?;
        temporary.install(&entry)?;
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

/// A temporary folder in which an entry is built.
struct Building {
    dir: TempDir,
    /// Tells other processes that this one is at work there; gone with the process, however that ends.
    _lock: Option<File>,
}

impl Building {
    fn new(cache: &Path) -> io::Result<Self> {
        // Nobody sweeps between the folder's making and its lock.
        let _no_sweep = lock(cache, FlockOperation::LockShared);
        let dir = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempdir_in(cache)?;
        let lock = lock(dir.path(), FlockOperation::NonBlockingLockExclusive);
        Ok(Building {
            dir,
            _lock: lock.ok(),
        })
    }

    /// Makes a finished folder the entry, unless somebody else was faster.
    fn install(self, entry: &Path) -> Result<(), SimError> {
        match fs::rename(self.dir.path(), entry) {
            Ok(()) => {
                let _ = self.dir.keep();
                Ok(())
            }
            Err(_) if entry.is_dir() => Ok(()),
            Err(error) => Err(SimError::cache(entry)(error)),
        }
    }
}

/// Locks a folder until the value is dropped.
fn lock(dir: &Path, operation: FlockOperation) -> io::Result<File> {
    let file = File::open(dir)?;
    flock(&file, operation)?;
    Ok(file)
}

fn lock_of(entry: &Path) -> Arc<Mutex<()>> {
    static LOCKS: LazyLock<Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>> = LazyLock::new(Mutex::default);
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(locks.entry(entry.to_path_buf()).or_default())
}

/// [`sweep`] for the first use of a cache by this process.
fn sweep_once(dir: &Path) {
    static SWEPT: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
    let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if swept.insert(dir.to_path_buf()) {
        sweep(dir);
    }
}

/// Removes what killed processes left behind. Best effort: what cannot be removed stays.
fn sweep(dir: &Path) {
    // Where nothing can be locked, age decides.
    let _alone = lock(dir, FlockOperation::LockExclusive);
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let temporary = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        if temporary && is_abandoned(&entry) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(entry: &fs::DirEntry) -> bool {
    match lock(&entry.path(), FlockOperation::NonBlockingLockExclusive) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
        Err(_) => {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            age.is_ok_and(|age| age > ABANDONED)
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
        let result = cache.entry("entry", None, |path| {
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
            .entry("entry", None, |path| {
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
    fn what_nobody_builds_any_more_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let abandoned = dir.path().join(".building-killed");
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join("half"), "written").unwrap();
        let build = |path: &Path| {
            assert!(!abandoned.exists());
            // As another process would, which shares no lock of this one's but the file system's
            sweep(dir.path());
            assert!(path.is_dir());
            Ok::<(), SimError>(())
        };
        Cache::new(dir.path()).entry("entry", None, build).unwrap();
        assert_eq!(names(dir.path()), ["entry"]);
        // An entry that is there already does as well
        fs::create_dir(&abandoned).unwrap();
        sweep(dir.path());
        assert_eq!(names(dir.path()), ["entry"]);
    }

    #[test]
    fn what_is_made_is_told_beforehand_and_once() {
        static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path()).telling(|what| TOLD.lock().unwrap().push(what.into()));
        for _ in 0..2 {
            let build = |_: &Path| {
                assert_eq!(*TOLD.lock().unwrap(), ["a model"]);
                Ok::<(), SimError>(())
            };
            cache.entry("entry", Some("a model"), build).unwrap();
        }
        assert_eq!(TOLD.lock().unwrap().len(), 1);
    }

    #[test]
    fn digests_tell_lists_apart() {
        assert_ne!(digest(["ab", "c"]), digest(["a", "bc"]));
        assert_ne!(digest(["a", ""]), digest(["a"]));
    }
}

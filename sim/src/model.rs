//! A compiled and loaded design.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use crate::build::Record;
use crate::library::Shim;
use crate::{build, Cache, Instance, ModelSpec, SimError, Toolchain};

/// A compiled design, of which any number of instances can be made. Clones share the library.
#[derive(Clone)]
pub struct Model {
    pub(crate) spec: Arc<ModelSpec>,
    pub(crate) shim: Arc<Shim>,
    record: Record,
    counts: Option<Arc<Counts>>,
    cached: bool,
}

/// Where instances write what they covered.
struct Counts {
    folder: PathBuf,
    written: AtomicU64,
}

impl Counts {
    /// A file for one more instance.
    fn next(&self) -> PathBuf {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{number}.dat"))
    }
}

impl Model {
    /// Compiles a design, or takes it from the cache, with the tools that the environment names.
    pub fn build(spec: &ModelSpec, cache: &Cache) -> Result<Model, SimError> {
        Model::build_with(spec, cache, &Toolchain::default())
    }

    /// The same with what writes waveforms, see [`Instance::trace`]: another entry of the cache, which takes longer to
    /// compile and to run.
    pub fn build_traced(spec: &ModelSpec, cache: &Cache) -> Result<Model, SimError> {
        Model::load(spec, Record::Waveforms, cache, &Toolchain::default())
    }

    /// The same with counts of the lines, branches and bits of signals that a run reaches, from the end of the first reset
    /// on; registers begin at zero instead of at random. Each instance ends with a file of its own in `folder`, `0.dat` and so on, in the format of `verilator_coverage`; a folder that cannot be written
    /// to ends the process, by Verilator.
    pub fn build_covered(
        spec: &ModelSpec,
        cache: &Cache,
        folder: &Path,
    ) -> Result<Model, SimError> {
        let model = Model::load(spec, Record::Coverage, cache, &Toolchain::default())?;
        let counts = Counts {
            folder: folder.to_owned(),
            written: AtomicU64::new(0),
        };
        Ok(Model {
            counts: Some(Arc::new(counts)),
            ..model
        })
    }

    /// Compiles a design, or takes it from the cache, with the given tools.
    pub fn build_with(
        spec: &ModelSpec,
        cache: &Cache,
        tools: &Toolchain,
    ) -> Result<Model, SimError> {
        Model::load(spec, Record::Nothing, cache, tools)
    }

    fn load(
        spec: &ModelSpec,
        record: Record,
        cache: &Cache,
        tools: &Toolchain,
    ) -> Result<Model, SimError> {
        let (path, mut cached) = build::library(spec, record, cache, tools)?;
        let shim = match Shim::load(&path) {
            // An entry that a crash of the machine has damaged is built again, once
            Err(SimError::Load { .. }) if cached => {
                cache.discard(path.parent().unwrap_or(&path));
                let (path, _) = build::library(spec, record, cache, tools)?;
                cached = false;
                Shim::load(&path)?
            }
            loaded => loaded?,
        };
        Ok(Model {
            spec: Arc::new(spec.clone()),
            shim: Arc::new(shim),
            record,
            counts: None,
            cached,
        })
    }

    /// Whether the library was in the cache already.
    pub fn was_cached(&self) -> bool {
        self.cached
    }

    /// Whether its instances can write waveforms.
    pub fn is_traced(&self) -> bool {
        self.record == Record::Waveforms
    }

    /// What the model was built from.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// A file for what an instance covers, if that is counted.
    pub(crate) fn counts_file(&self) -> Option<PathBuf> {
        self.counts.as_ref().map(|counts| counts.next())
    }

    /// A fresh instance. All its registers and memories start at random values drawn from the
    /// seed, so that a design that relies on initial values is found out.
    pub fn instance(&self, rand_seed: u64) -> Instance {
        Instance::new(self, rand_seed)
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("top", &self.spec.top)
            .field("cached", &self.cached)
            .finish_non_exhaustive()
    }
}

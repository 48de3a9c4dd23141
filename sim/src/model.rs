//! A compiled and loaded design.

use std::fmt;
use std::sync::Arc;

use crate::library::Shim;
use crate::{build, Cache, Instance, ModelSpec, SimError, Toolchain};

/// A compiled design, of which any number of instances can be made. Clones share the library.
#[derive(Clone)]
pub struct Model {
    pub(crate) spec: Arc<ModelSpec>,
    pub(crate) shim: Arc<Shim>,
    traced: bool,
    cached: bool,
}

impl Model {
    /// Compiles a design, or takes it from the cache, with the tools that the environment names.
    pub fn build(spec: &ModelSpec, cache: &Cache) -> Result<Model, SimError> {
        Model::build_with(spec, cache, &Toolchain::default())
    }

    /// The same with what writes waveforms, see [`Instance::trace`]: another entry of the cache, which takes longer to
    /// compile and to run.
    pub fn build_traced(spec: &ModelSpec, cache: &Cache) -> Result<Model, SimError> {
        Model::load(spec, true, cache, &Toolchain::default())
    }

    /// Compiles a design, or takes it from the cache, with the given tools.
    pub fn build_with(
        spec: &ModelSpec,
        cache: &Cache,
        tools: &Toolchain,
    ) -> Result<Model, SimError> {
        Model::load(spec, false, cache, tools)
    }

    fn load(
        spec: &ModelSpec,
        traced: bool,
        cache: &Cache,
        tools: &Toolchain,
    ) -> Result<Model, SimError> {
        let (path, mut cached) = build::library(spec, traced, cache, tools)?;
        let shim = match Shim::load(&path) {
            // An entry that a crash of the machine has damaged is built again, once
            Err(SimError::Load { .. }) if cached => {
                cache.discard(path.parent().unwrap_or(&path));
                let (path, _) = build::library(spec, traced, cache, tools)?;
                cached = false;
                Shim::load(&path)?
            }
            loaded => loaded?,
        };
        Ok(Model {
            spec: Arc::new(spec.clone()),
            shim: Arc::new(shim),
            traced,
            cached,
        })
    }

    /// Whether the library was in the cache already.
    pub fn was_cached(&self) -> bool {
        self.cached
    }

    /// Whether its instances can write waveforms.
    pub fn is_traced(&self) -> bool {
        self.traced
    }

    /// What the model was built from.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
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

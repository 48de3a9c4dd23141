//! Layers by their text, and those of `examples/` by their name.

use std::path::{Path, PathBuf};

use bpa_engine::layer::{Layer, LayerFile};

/// The layer of a file's text.
pub fn layer(toml: &str) -> Layer {
    let file: LayerFile = toml::from_str(toml).unwrap();
    file.validate().unwrap()
}

/// The folder `examples`.
pub fn examples_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The layer of `examples/NAME.toml`.
pub fn example(name: &str) -> Layer {
    let path = examples_folder().join(name).with_extension("toml");
    LayerFile::read(&path).unwrap().validate().unwrap()
}

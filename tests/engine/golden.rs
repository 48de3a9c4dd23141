//! Promise: the emitted text changes only on purpose. Two configurations are kept as they were last read by somebody.
//!
//! After a change that was meant: `UPDATE_GOLDEN=1 cargo test --test engine golden`, then read the difference.

use std::path::{Path, PathBuf};

use bpa_engine::emit;
use bpa_engine::layer::{Layer, LayerFile};
use bpa_engine::plan::Plan;

use crate::common::example;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn check(layer: &Layer) {
    let path = folder().join(layer.name()).with_extension("v");
    let emitted = emit::verilog(&Plan::new(layer));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &emitted).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    let mut lines = golden.lines().zip(emitted.lines()).enumerate();
    if let Some((index, (golden, emitted))) = lines.find(|(_, (golden, emitted))| golden != emitted)
    {
        panic!(
            "{} differs from line {} on; it was\n{golden}\nand is\n{emitted}\nIf that is meant: UPDATE_GOLDEN=1",
            path.display(),
            index + 1
        );
    }
    assert_eq!(
        golden.len(),
        emitted.len(),
        "{}: one is longer",
        path.display()
    );
}

/// The article's first example.
#[test]
fn the_strided_example_is_as_it_was() {
    check(&example("strided"));
}

/// One lane for each of two groups, a kernel of one row: about the smallest depthwise engine, with pixels that no tap
/// reaches and pixels of dY that no output needs.
#[test]
fn a_small_depthwise_engine_is_as_it_was() {
    let file = LayerFile::read(&folder().join("depthwise_small.toml")).unwrap();
    check(&file.validate().unwrap());
}

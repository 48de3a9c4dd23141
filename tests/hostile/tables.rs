//! Layer, engine and network files, and lists of layers.

use std::path::Path;
use std::sync::LazyLock;

use bpa_engine::bound::bound_cycles;
use bpa_engine::emit;
use bpa_engine::layer::{Layer, LayerFile};
use bpa_engine::layer_list;
use bpa_engine::manifest;
use bpa_engine::network::{LayerEntry, NetworkFile};
use bpa_engine::plan::Plan;
use bpa_engine::programmable::{EngineFile, ProgrammableEngine};
use toml::Table;

use crate::choices::Choices;
use crate::damage;
use crate::hunt::{hunt, Found};
use crate::names::{check_message, check_name, check_text};
use crate::trees;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
/// Cycles of a frame of layers of which the Verilog is made as well: it takes longer than all else.
const MOST_CYCLES: u64 = 60;

/// Channels of C times those of K in layers of networks that are cut into tiles as well.
const MOST_CHANNELS: i64 = 1 << 10;

/// The files of a folder of examples.
fn examples(folder: &str) -> Vec<String> {
    let folder = Path::new(EXAMPLES).join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let tables = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "toml"));
    tables
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// Some of these files, damaged.
fn damaged(corpus: &[String], choices: &mut Choices) -> Vec<u8> {
    let whole = &corpus[choices.below(corpus.len() as u64) as usize];
    match choices.below(8) {
        0 => {
            let mut bytes = whole.clone().into_bytes();
            damage::bytes(&mut bytes, choices);
            bytes
        }
        1 if choices.below(40) == 0 => trees::nested(choices).into_bytes(),
        _ => {
            let mut table: Table = toml::from_str(whole).unwrap();
            trees::damage(&mut table, choices);
            toml::to_string(&table).unwrap_or_default().into_bytes()
        }
    }
}

fn small() -> String {
    "name = \"small\"\n[layer]\nin_channels = 2\nout_channels = 2\nin_size = [3, 4]\nkernel = [2, 1]\nstride = [1, 2]\n\
     padding = [1, 0, 0, 1]\ngroups = 1\ndilation = 1\npass = \"forward\"\nbatch = 1\n[engine]\nsimd = 1\npe = 2\n\
     input_type = \"int4\"\nweight_type = \"int5\"\nweight_sets = 2\nbias = true\nzero_point = 3\nout_type = \"int4\"\n\
     shift = 3\nscale_bits = 4\nscale_per = \"channel\"\nrounding = \"floor\"\nactivation = \"relu\"\n"
        .to_owned()
}

/// A file is text, or it is refused; what messages say of it is not looked at.
fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// What a layer is made into, without another program.
fn make(layer: &Layer) {
    check_name(layer.name());
    if bound_cycles(layer) <= MOST_CYCLES {
        let plan = Plan::new(layer);
        check_text("Verilog", &emit::verilog(&plan));
        check_text("manifest", &manifest::json(&plan));
    }
}

#[test]
fn layer_files() {
    let mut corpus = examples("");
    corpus.retain(|text| !text.contains("[[layer]]"));
    corpus.extend(vec![small(); 2 * corpus.len()]);
    let check = |bytes: &[u8], _: &Path| {
        let file =
            text_of(bytes).and_then(|text| LayerFile::parse(text, "here").map_err(said).ok());
        match file.and_then(|file| file.validate().map_err(said).ok()) {
            Some(layer) => {
                make(&layer);
                Found::Taken
            }
            None => Found::Refused,
        }
    };
    hunt("layer files", |choices| damaged(&corpus, choices), check);
}

/// A message, which can be made.
fn said<E: std::fmt::Display>(error: E) {
    check_message(&error.to_string());
}

#[test]
fn lists_of_layers() {
    let list = "[[layer]]\nname = \"a\"\nin_channels = 2\nout_channels = 2\nin_size = [3, 4]\nkernel = [2, 1]\nsimd = 1\n\
                pe = 1\n[[layer]]\nname = \"b\"\nin_channels = 4\nout_channels = 2\nin_size = 5\nkernel = 3\nstride = 2\n\
                simd = 2\npe = 2\n";
    let corpus = [
        list.to_owned(),
        std::fs::read_to_string(Path::new(EXAMPLES).join("benchmark_layers.toml")).unwrap(),
    ];
    let check = |bytes: &[u8], _: &Path| {
        let files =
            text_of(bytes).and_then(|text| layer_list::parse(text, "here").map_err(said).ok());
        match files {
            Some(files) => {
                files
                    .iter()
                    .for_each(|file| drop(file.validate().map_err(said)));
                Found::Taken
            }
            None => Found::Refused,
        }
    };
    hunt(
        "lists of layers",
        |choices| damaged(&corpus, choices),
        check,
    );
}

#[test]
fn engine_files() {
    let corpus = examples("engines");
    let check = |bytes: &[u8], _: &Path| {
        let file =
            text_of(bytes).and_then(|text| EngineFile::parse(text, "here").map_err(said).ok());
        match file.and_then(|file| file.validate().map_err(said).ok()) {
            Some(engine) => {
                check_name(engine.name());
                Found::Taken
            }
            None => Found::Refused,
        }
    };
    hunt("engine files", |choices| damaged(&corpus, choices), check);
}

/// An engine that holds layers of a few channels and pixels, and others in tiles.
static ENGINE: LazyLock<ProgrammableEngine> = LazyLock::new(|| {
    let text = "name = \"told\"\n[engine]\nmode = \"programmable\"\nsimd = 2\npe = 2\naccumulate = true\n[limits]\n\
                weight_words = 64\nline_words = 128\nsize = 32\nkernel = 8\nsteps = 16\nfifo_results = 64\n";
    EngineFile::parse(text, "here").unwrap().validate().unwrap()
});

#[test]
fn network_files() {
    let network = "name = \"small\"\nengine = \"told.toml\"\nframes = 2\npasses = [\"forward\", \"grad_input\", \
                   \"grad_weight\"]\ninput = \"x.npy\"\n\
                   [[layer]]\nname = \"last\"\nweight = \"w.npy\"\nshift = 0\n[layer.conv]\nin_channels = 3\n\
                   out_channels = 2\nin_size = [4, 5]\nkernel = [3, 2]\npadding = 1\n\
                   [[layer]]\nname = \"first\"\nfrom = [\"last\"]\nshift = 4\noutput_shift = 3\n[layer.conv]\n\
                   in_channels = 2\nout_channels = 3\nin_size = [8, 10]\nkernel = 2\nstride = 2\n";
    let mut corpus = examples("networks");
    corpus.extend(vec![network.to_owned(); 12 * corpus.len()]);
    let check = |bytes: &[u8], _: &Path| {
        let file =
            text_of(bytes).and_then(|text| NetworkFile::parse(text, "here").map_err(said).ok());
        // A layer of many channels is many tiles on so small an engine, and each is planned.
        let small = |file: &NetworkFile| {
            let channels = |layer: &LayerEntry| {
                let given = [layer.conv.in_channels, layer.conv.out_channels]
                    .map(Option::unwrap_or_default);
                given[0].saturating_mul(given[1]) <= MOST_CHANNELS
            };
            file.layers.len() < 6 && file.layers.iter().all(channels)
        };
        match file {
            Some(file) if small(&file) => match file.validate(&ENGINE).map_err(said) {
                Ok(network) => {
                    network
                        .steps()
                        .iter()
                        .for_each(|step| check_message(step.name()));
                    Found::Taken
                }
                Err(()) => Found::Refused,
            },
            Some(_) => Found::Taken,
            None => Found::Refused,
        }
    };
    hunt("network files", |choices| damaged(&corpus, choices), check);
}

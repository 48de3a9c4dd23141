//! `bpa import`: the convolutions of an ONNX model as a network file, with weights and an engine.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::Table;
use serde::Serialize;

use super::engine_source::EngineSource;
use super::folder::make_folder;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::{print, say, Outcome};
use crate::atomic_file::Staged;
use crate::import::{
    check_input, engine_for, import as import_graph, network_file, Import as Found, Imported,
    Options, Quantise, Quantised, Unmapped,
};
use crate::layer::{IntType, Op, Pass};
use crate::network::NetworkFile;
use crate::npy::{float_bytes, read_floats, Item, Writer};
use crate::onnx;
use crate::programmable::EngineFile;
use crate::seal::sealed;

/// Lanes of each kind of an engine that is made here, and words of its memories.
const LANES: i64 = 8;
const WEIGHT_WORDS: i64 = 1024;
const LINE_WORDS: i64 = 2048;

/// What `bpa import --help` shows below the flags.
pub(super) const EXAMPLES: &str = "\
Examples:
  bpa import model.onnx --out build/net.toml --quantise channel
  bpa run-network build/net.toml                                 simulates and checks what was imported
  bpa import quantised.onnx --out build/net.toml --passes forward
  bpa import model.onnx --out build/net.toml --quantise tensor --engine examples/engines/training.toml
More: docs/import.md";

#[derive(Args, Debug)]
pub(super) struct Import {
    /// ONNX model
    model: PathBuf,
    /// Network file to write; beside it come NAME_engine.toml, unless --engine names one, and a folder NAME of weights
    #[arg(long, value_name = "FILE.toml")]
    out: PathBuf,
    /// Passes of the network: forward, grad_input, grad_weight, as a list with commas
    #[arg(long, value_name = "PASSES", value_delimiter = ',', value_parser = pass, default_value = "forward,grad_input,grad_weight")]
    passes: Vec<Pass>,
    /// Make weights in floating point integers, with a scale for each tensor or each channel of the output
    #[arg(long)]
    quantise: Option<Quantise>,
    /// Array of floating point to read, the model's input: by the ranges of values that it leads to, each convolution in
    /// floating point becomes a quantised layer file as well
    #[arg(long, value_name = "NPY", requires = "quantise")]
    input: Option<PathBuf>,
    /// File of the programmable engine that is to run it, in place of one that is made for it
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Print what became of the model as one JSON object
    #[arg(long)]
    json: bool,
}

fn pass(text: &str) -> Result<Pass, String> {
    let mut all = Pass::ALL.into_iter();
    all.find(|pass| pass.to_string() == text)
        .ok_or_else(|| "a pass is forward, grad_input or grad_weight".to_owned())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    version: &'static str,
    model: String,
    layers: Vec<Row<'a>>,
    unmapped: &'a [Unmapped],
    others: &'a BTreeMap<String, u64>,
}

/// A layer, for programs.
#[derive(Serialize)]
struct Row<'a> {
    node: &'a str,
    op: &'a str,
    name: &'a str,
    weight: Option<String>,
    weight_scale: Option<String>,
    layer_file: Option<String>,
    /// Of its input and output, by ranges.
    steps: Option<[f64; 2]>,
    takes: Vec<&'a str>,
    left_out: &'a [String],
}

/// The files of a layer's weights, seen from the network file.
#[derive(Clone, Default)]
struct Files {
    weight: Option<String>,
    scale: Option<String>,
    /// A layer file, its biases and its scales.
    layer: Option<String>,
    bias: Option<String>,
    requantise: Option<String>,
}

pub(super) fn import(args: Import) -> anyhow::Result<Outcome> {
    let inputs = [&args.model]
        .into_iter()
        .chain(&args.engine)
        .chain(&args.input);
    let outputs = Outputs::new(args.overwrite, inputs.map(PathBuf::as_path));
    let stem = stem(&args.out)?;
    let folder = args.out.parent().unwrap_or(Path::new(""));
    let model = onnx::read(&args.model)?;
    let Some(graph) = &model.graph else {
        unreachable!("a model that is read has a graph")
    };
    let engine = match &args.engine {
        Some(path) => {
            let source = EngineSource::read(path)?;
            source.check_gives_sums()?;
            source.engine.to_file()
        }
        None => made_engine(&stem, &args.passes),
    };
    let weight_type = engine.engine.weight_type.parse::<IntType>()?;
    let options = Options {
        quantise: args.quantise,
        weight_bits: weight_type.bits(),
        input: match &args.input {
            None => None,
            Some(path) => {
                let input = read_floats(path)?;
                check_input(graph, input.shape())
                    .map_err(|reason| anyhow!("{}: {reason}", path.display()))?;
                Some(input)
            }
        },
    };
    let weight_bits = options.weight_bits;
    let found = import_graph(graph, args.model.parent().unwrap_or(Path::new("")), options);
    for unmapped in &found.unmapped {
        say(&format!(
            "not mapped: {} ({}): {}",
            unmapped.node, unmapped.op, unmapped.reason
        ));
    }
    if found.layers.is_empty() {
        bail!(
            "{}: no convolution of the model became a layer",
            args.model.display()
        );
    }
    let files: Vec<Files> = found
        .layers
        .iter()
        .map(|layer| files_of(layer, &stem))
        .collect();
    let engine_name = match &args.engine {
        Some(path) => std::path::absolute(path)?.display().to_string(),
        None => format!("{stem}_engine.toml"),
    };
    let weights: Vec<Option<String>> = files.iter().map(|files| files.weight.clone()).collect();
    let called = args.model.file_name().unwrap_or(args.model.as_os_str());
    let called = called.to_string_lossy();
    let text = network_file(&found, &stem, &called, &engine_name, &args.passes, &weights);
    let network = NetworkFile::parse(&text, &args.out.display().to_string())?;
    let engine = match &args.engine {
        Some(_) => {
            let engine = engine.validate().map_err(|error| anyhow!("{error}"))?;
            network.validate(&engine)?;
            None
        }
        None => Some(engine_for(&network, engine)?),
    };

    make_folder(&folder.join(&stem))?;
    let mut staged: Vec<(PathBuf, Staged)> = Vec::new();
    for (layer, files) in found.layers.iter().zip(&files) {
        for (file, bytes) in contents(layer, files, weight_bits)? {
            let path = folder.join(file);
            let mut file = outputs.stage(&path, None)?;
            file.write_all(&bytes).map_err(cannot_write(&path))?;
            staged.push((path, file));
        }
    }
    if let Some(engine) = &engine {
        let path = folder.join(&engine_name);
        let text = sealed(&engine.to_toml(), "toml");
        staged.push((path.clone(), outputs.stage_text(&path, &text)?));
    }
    let text = sealed(&text, "toml");
    staged.push((args.out.clone(), outputs.stage_text(&args.out, &text)?));
    for (path, file) in staged {
        file.publish().map_err(cannot_write(&path))?;
        outputs.remember(&path);
    }
    say(&format!("wrote {}", args.out.display()));
    match args.json {
        true => print(&json(&args.model, &found, &files)?)?,
        false => print(&told(&args.model, &found))?,
    }
    Ok(Outcome::Success)
}

/// The name of the network and of the files beside it.
fn stem(out: &Path) -> anyhow::Result<String> {
    let stem = out.file_stem().and_then(|stem| stem.to_str());
    let stem = stem.filter(|_| out.extension().is_some_and(|it| it == "toml"));
    let Some(stem) = stem else {
        bail!(
            "{}: the network file's name must end in .toml",
            out.display()
        );
    };
    let engine = EngineFile {
        name: stem.to_owned(),
        ..EngineFile::default()
    };
    engine
        .validate()
        .map_err(|error| anyhow!("{}: {error}", out.display()))?;
    Ok(stem.to_owned())
}

/// An engine with small memories, whose limits are raised as far as needed.
fn made_engine(name: &str, passes: &[Pass]) -> EngineFile {
    let mut engine = EngineFile {
        name: format!("{name}_engine"),
        ..EngineFile::default()
    };
    (engine.engine.simd, engine.engine.pe) = (LANES, LANES);
    // Partial sums of weight gradients go back in.
    engine.engine.accumulate = passes.contains(&Pass::GradWeight);
    let limits = &mut engine.limits;
    (limits.weight_words, limits.line_words) = (WEIGHT_WORDS, LINE_WORDS);
    engine
}

fn files_of(layer: &Imported, stem: &str) -> Files {
    let Some(weights) = &layer.weights else {
        return Files::default();
    };
    let file = |what: &str| format!("{stem}/{}{what}", layer.name);
    let quantised = layer.quantised.as_ref();
    Files {
        weight: Some(file("_weight.npy")),
        scale: weights.scales.as_ref().map(|_| file("_weight_scale.npy")),
        layer: quantised.map(|_| file(".toml")),
        bias: quantised
            .and_then(|it| it.bias.as_ref())
            .map(|_| file("_bias.npy")),
        requantise: quantised
            .and_then(|it| it.scale.as_ref())
            .map(|_| file("_scale.npy")),
    }
}

/// The files of a layer, each with its bytes.
fn contents(
    layer: &Imported,
    files: &Files,
    weight_bits: u32,
) -> io::Result<Vec<(String, Vec<u8>)>> {
    let Some(weights) = &layer.weights else {
        return Ok(Vec::new());
    };
    let of_weights = Item::of_bits(weight_bits);
    let mut all = vec![
        (
            &files.weight,
            integer_bytes(weights.values.shape(), &weights.values, of_weights)?,
        ),
        (
            &files.scale,
            float_bytes(weights.scales.as_deref().unwrap_or(&[]))?,
        ),
    ];
    if let Some(quantised) = &layer.quantised {
        let text = sealed(&quantised.file.to_toml(), "toml");
        all.push((&files.layer, text.into_bytes()));
        for (file, values) in [
            (&files.bias, &quantised.bias),
            (&files.requantise, &quantised.scale),
        ] {
            let values = values.as_deref().unwrap_or(&[]);
            all.push((file, integer_bytes(&[values.len()], values, Item::Int32)?));
        }
    }
    let named = all
        .into_iter()
        .filter_map(|(file, bytes)| Some((file.clone()?, bytes)));
    Ok(named.collect())
}

fn json(model: &Path, found: &Found, files: &[Files]) -> anyhow::Result<String> {
    let rows = found.layers.iter().zip(files).map(|(layer, files)| Row {
        node: &layer.node,
        op: &layer.op_type,
        name: &layer.name,
        weight: files.weight.clone(),
        weight_scale: files.scale.clone(),
        layer_file: files.layer.clone(),
        steps: layer.quantised.as_ref().and_then(|it| it.real_scales),
        takes: layer
            .from
            .iter()
            .map(|&from| found.layers[from].name.as_str())
            .collect(),
        left_out: &layer.notes,
    });
    let json = serde_json::to_string(&Json {
        version: env!("CARGO_PKG_VERSION"),
        model: model.display().to_string(),
        layers: rows.collect(),
        unmapped: &found.unmapped,
        others: &found.others,
    })?;
    Ok(json + "\n")
}

/// What became of the model, for people.
fn told(model: &Path, found: &Found) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header([
        "layer", "node", "operator", "channels", "input", "kernel", "takes",
    ]);
    for layer in &found.layers {
        let valid = &layer.layer;
        let (rows, cols) = (valid.rows(), valid.cols());
        let [from, to, height, width] = match valid.op() {
            Op::Conv => [
                valid.in_channels(),
                valid.out_channels(),
                rows.in_size,
                cols.in_size,
            ],
            Op::ConvTranspose => [
                valid.out_channels(),
                valid.in_channels(),
                rows.out_size,
                cols.out_size,
            ],
        };
        let takes: Vec<&str> = layer
            .from
            .iter()
            .map(|&it| found.layers[it].name.as_str())
            .collect();
        table.add_row([
            layer.name.clone(),
            layer.node.clone(),
            layer.op_type.clone(),
            format!("{from} to {to}"),
            format!("{height} x {width}"),
            format!("{} x {}", rows.kernel, cols.kernel),
            match takes.is_empty() {
                true => "its own input".to_owned(),
                false => takes.join(" + "),
            },
        ]);
    }
    let all = found.layers.len() + found.unmapped.len();
    let mut text = format!(
        "{}: {} of {all} convolutions are layers\n{table}\n",
        model.display(),
        found.layers.len()
    );
    for note in notes(found) {
        let of = found.layers.iter().filter(|it| it.notes.contains(note));
        let names: Vec<&str> = of.map(|it| it.name.as_str()).collect();
        text += &format!("{}: {note}\n", names.join(", "));
    }
    for layer in &found.layers {
        if let Some(quantised) = &layer.quantised {
            text += &alone(layer, quantised);
        }
    }
    let others: Vec<String> = found
        .others
        .iter()
        .map(|(op, count)| format!("{count} {op:?}"))
        .collect();
    if !others.is_empty() {
        text += &format!(
            "left out, as they are no convolutions: {}\n",
            others.join(", ")
        );
    }
    text
}

/// What is said of layers, each thing once.
fn notes(found: &Found) -> Vec<&String> {
    let mut notes: Vec<&String> = Vec::new();
    for note in found.layers.iter().flat_map(|layer| &layer.notes) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

/// What is said of a layer that has a file of its own.
fn alone(layer: &Imported, quantised: &Quantised) -> String {
    let mut words = vec![format!(
        "{0}: {0}.toml is the whole operator, for `bpa run`",
        layer.name
    )];
    for (is_so, what) in [
        (quantised.unsigned_input, "take 128 off its input"),
        (quantised.unsigned_output, "add 128 to its output"),
    ] {
        if is_so {
            words.push(what.to_owned());
        }
    }
    if let Some([input, output]) = quantised.real_scales {
        words.push(format!(
            "a step of its input is {input:.6e}, of its output {output:.6e}"
        ));
    }
    words.join("; ") + "\n"
}

/// Integers as a file of this type.
fn integer_bytes<'a>(
    shape: &[usize],
    values: impl IntoIterator<Item = &'a i64>,
    item: Item,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, shape, item)?;
    writer.extend(values.into_iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

//! `gen-verilog`: a layer in, NAME.v and NAME.json out; or a programmable engine in, and its registers out as well.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use bpa_hdl::rtl::print_verilog;
use clap::Parser;

use super::command_line::CommandLine;
use super::folder::make_folder;
use super::layer_source::LayerSource;
use super::{guarded, say, Outcome};
use crate::atomic_file::Staged;
use crate::layer::{Layer, LayerFile};
use crate::plan::Plan;
use crate::programmable::ProgrammableEngine;
use crate::synth::Board;
use crate::{emit, manifest};

/// The layer for a user who gave none.
const EXAMPLE: &str = include_str!("../../examples/strided.toml");

/// Emits the Verilog of an engine for a convolution's data gradient, and its manifest.
///
/// Writes NAME.v and NAME.json. Without a layer it emits an example. From the file of a programmable engine (`[engine]
/// mode = "programmable"`, and `[limits]` in place of `[layer]`) it writes NAME.h, NAME.md and NAME.rdl as well: the
/// registers for C, for people and in SystemRDL.
#[derive(Parser, Debug)]
#[command(name = "gen-verilog", version)]
struct GenVerilog {
    /// Folder for the files; it is made where it does not exist
    #[arg(short, long, value_name = "DIR", default_value = "build")]
    out: PathBuf,
    /// Device whose multipliers and memories the Verilog names
    #[arg(long, value_name = "DEVICE", default_value = "generic")]
    target: Board,
    // Last: the flags are under a heading of their own, as would be all that follow.
    #[command(flatten)]
    source: LayerSource,
}

/// The program, with the arguments of the process.
pub fn main() -> ExitCode {
    match CommandLine::of_process().parse::<GenVerilog>() {
        Ok(args) => guarded(false, || run(args)),
        Err(code) => code,
    }
}

fn run(args: GenVerilog) -> anyhow::Result<Outcome> {
    if let Some(engine) = args.source.programmable()? {
        emit_programmable(&args.out, &engine, args.target)?;
        return Ok(Outcome::Success);
    }
    match args.source.layer()? {
        Some(layer) => emit_to(&args.out, &layer, args.target, None)?,
        None => emit_example(&args.out, args.target)?,
    }
    Ok(Outcome::Success)
}

fn emit_example(out: &Path, target: Board) -> anyhow::Result<()> {
    let file: LayerFile = toml::from_str(EXAMPLE)?;
    let layer = file.validate()?;
    emit_to(out, &layer, target, Some(EXAMPLE))?;
    let path = out.join(layer.name()).with_extension("toml");
    let path = path.display();
    say(&format!(
        "No layer was given, so this is an example: a convolution of stride 2. Next:\n  \
           bpa verify {path}             simulates it on random arrays (needs Verilator)\n  \
           gen-verilog {path} --simd 4   emits it with more lanes; every key is also a flag"
    ));
    Ok(())
}

/// Writes the files of an engine, all or none of them; `text` is that of the layer file, where it is to be written too.
fn emit_to(out: &Path, layer: &Layer, target: Board, text: Option<&str>) -> anyhow::Result<()> {
    target.accepts(layer)?;
    let plan = Plan::new(layer);
    let verilog = emit::verilog_for(&plan, target.target());
    let manifest = manifest::json(&plan);
    let mut files = vec![("v", verilog), ("json", manifest)];
    files.extend(text.map(|text| ("toml", text.to_owned())));
    write_all(out, layer.name(), &files)
}

/// Writes the files of a programmable engine, all or none of them.
fn emit_programmable(out: &Path, engine: &ProgrammableEngine, target: Board) -> anyhow::Result<()> {
    let hardware = engine.hardware(target.target());
    let files = [
        ("v", print_verilog(&hardware.module)),
        ("json", manifest::programmable_json(engine, &hardware)),
        ("h", hardware.map.c_header()),
        ("md", hardware.map.markdown()),
        ("rdl", hardware.map.systemrdl()),
    ];
    write_all(out, engine.name(), &files)
}

/// Writes a file for each extension and text, all or none of them.
fn write_all(out: &Path, name: &str, files: &[(&str, String)]) -> anyhow::Result<()> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |reason: std::io::Error| anyhow!("{path}: cannot write: {reason}")
    };
    make_folder(out)?;
    let mut staged = Vec::new();
    for (extension, text) in files {
        let path = out.join(name).with_extension(extension);
        let file = Staged::new(&path, text.as_bytes()).map_err(failed(&path))?;
        staged.push((path, file));
    }
    for (path, file) in staged {
        file.publish().map_err(failed(&path))?;
        say(&format!("wrote {}", path.display()));
    }
    Ok(())
}

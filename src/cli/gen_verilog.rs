//! `gen-verilog`: a layer in, NAME.v and NAME.json out; or a programmable engine in, and its registers out as well.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{CommandFactory, Parser};

use super::command_line::CommandLine;
use super::flows::FlowArgs;
use super::folder::make_folder;
use super::layer_source::LayerSource;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::{guarded, say, Outcome};
use crate::flows::FlowFile;
use crate::layer::{Layer, LayerFile};
use crate::plan::Plan;
use crate::programmable::ProgrammableEngine;
use crate::seal::sealed;
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
    #[command(flatten)]
    overwrite: Overwrite,
    #[command(flatten)]
    flows: FlowArgs,
    // Last: the flags are under a heading of their own, as would be all that follow.
    #[command(flatten)]
    source: LayerSource,
}

/// Its command line.
pub fn command() -> clap::Command {
    GenVerilog::command()
}

/// The program, with the arguments of the process.
pub fn main() -> ExitCode {
    match CommandLine::of_process().parse::<GenVerilog>() {
        Ok(args) => guarded(false, || run(args)),
        Err(code) => code,
    }
}

fn run(args: GenVerilog) -> anyhow::Result<Outcome> {
    let outputs = Outputs::new(args.overwrite, args.source.path());
    let emission = Emission {
        out: &args.out,
        target: args.target,
        flows: args.flows,
        outputs: &outputs,
    };
    if let Some(engine) = args.source.programmable()? {
        emission.programmable(&engine)?;
        return Ok(Outcome::Success);
    }
    match args.source.layer()? {
        Some(layer) => emission.layer(&layer, None)?,
        None => emission.example()?,
    }
    Ok(Outcome::Success)
}

/// Where files go.
struct Emission<'a> {
    out: &'a Path,
    target: Board,
    flows: FlowArgs,
    outputs: &'a Outputs,
}

impl Emission<'_> {
    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.out.join(format!("{name}.{extension}"))
    }

    fn example(&self) -> anyhow::Result<()> {
        let file: LayerFile = toml::from_str(EXAMPLE)?;
        let layer = file.validate()?;
        let path = self.path(layer.name(), "toml");
        let shown = path.display();
        if self.outputs.is_taken(&path, Some(EXAMPLE))? {
            bail!(
                "{shown}: is there already, and is not the example that is emitted where no layer is given: \
                 `gen-verilog {shown}` emits it, and --force replaces it by the example"
            );
        }
        self.layer(&layer, Some(EXAMPLE))?;
        say(&format!(
            "No layer was given, so this is an example: a convolution of stride 2. Next:\n  \
               bpa verify {shown}             simulates it on random arrays (needs Verilator)\n  \
               gen-verilog {shown} --simd 4   emits it with more lanes; every key is also a flag"
        ));
        Ok(())
    }

    /// The files of an engine, all or none of them; `text` is that of the layer file, where it is to be written too.
    fn layer(&self, layer: &Layer, text: Option<&str>) -> anyhow::Result<()> {
        self.target.accepts(layer)?;
        let plan = Plan::new(layer);
        let verilog = emit::verilog_for(&plan, self.target.target());
        let manifest = manifest::json(&plan);
        let name = layer.name();
        let mut files = vec![
            (self.path(name, "v"), sealed(&verilog, "v")),
            (self.path(name, "json"), sealed(&manifest, "json")),
        ];
        // Without a seal, for it is there to be changed.
        files.extend(text.map(|text| (self.path(name, "toml"), text.to_owned())));
        files.extend(self.flow_files(self.flows.of_layer(&plan, self.target)?));
        self.write(&files)
    }

    /// The files of a programmable engine, all or none of them.
    fn programmable(&self, engine: &ProgrammableEngine) -> anyhow::Result<()> {
        let hardware = engine.hardware(self.target.target());
        let files = [
            ("v", emit::file(&hardware.module)),
            ("json", manifest::programmable_json(engine, &hardware)),
            ("h", hardware.map.c_header()),
            ("md", hardware.map.markdown()),
            ("rdl", hardware.map.systemrdl()),
        ];
        let files = files.into_iter().map(|(extension, text)| {
            let path = self.path(engine.name(), extension);
            (path, sealed(&text, extension))
        });
        let flows = self.flows.programmable(engine, self.target)?;
        let files: Vec<_> = files.chain(self.flow_files(flows)).collect();
        self.write(&files)
    }

    /// Places and sealed texts.
    fn flow_files(&self, files: Vec<FlowFile>) -> impl Iterator<Item = (PathBuf, String)> + '_ {
        files.into_iter().map(|FlowFile { name, text }| {
            let (_, extension) = name.rsplit_once('.').expect("flow files have extensions");
            (self.out.join(&name), sealed(&text, extension))
        })
    }

    /// Files of these texts, all or none of them.
    fn write(&self, files: &[(PathBuf, String)]) -> anyhow::Result<()> {
        make_folder(self.out)?;
        let mut staged = Vec::new();
        for (path, text) in files {
            let file = self.outputs.stage_text(path, text)?;
            staged.push((path, file));
        }
        for (path, file) in staged {
            file.publish().map_err(cannot_write(path))?;
            say(&format!("wrote {}", path.display()));
        }
        Ok(())
    }
}

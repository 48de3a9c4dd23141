//! `bpa compile`: a network as a program for the C driver.

use std::path::{Path, PathBuf};

use clap::Args;

use super::folder::make_folder;
use super::network_source::NetworkSource;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::{say, Outcome};
use crate::atomic_file::write_whole;
use crate::emit::Target;
use crate::network::compile::{blob, c_header, c_source, report, Program};
use crate::network::NetworkArrays;
use crate::number::integer;
use crate::seal::sealed;

#[derive(Args, Debug)]
pub(super) struct Compile {
    /// Network file (TOML): layers from the loss to the input; its passes are "forward", "grad_input" or both
    network: PathBuf,
    /// File of the programmable engine, in place of the one that the network file names
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// Folder for NAME.bpa, the blob; NAME_blob.c and NAME_blob.h, the same for firmware; and NAME_plan.json, its tiles, arrays
    /// and addresses. It is made where it does not exist
    #[arg(short, long, value_name = "DIR", default_value = "build")]
    out: PathBuf,
    /// Seed of the weights, where the network file names no arrays
    #[arg(long, value_name = "SEED", default_value_t = 0, value_parser = integer(0..=u64::MAX))]
    seed: u64,
    #[command(flatten)]
    overwrite: Overwrite,
}

pub(super) fn compile(args: Compile) -> anyhow::Result<Outcome> {
    let source = NetworkSource::read(&args.network, args.engine.as_deref())?;
    let network = source.validate()?;
    let engine = &source.engine.engine;
    let folder = args.network.parent().unwrap_or(Path::new(""));
    let arrays =
        NetworkArrays::read(&network, folder, args.seed).map_err(|error| source.at(error))?;
    let named: Vec<PathBuf> = source
        .file
        .arrays()
        .map(|array| folder.join(array))
        .collect();
    let files = [&source.engine_path, &args.network]
        .into_iter()
        .chain(&named);
    let outputs = Outputs::new(args.overwrite, files.map(PathBuf::as_path));

    let hardware = engine.hardware(Target::Generic);
    let program = Program::new(&network, engine, &hardware, &arrays)?;
    let blob = blob(&program)?;
    let stem = program.identifier();
    let texts = [
        (format!("{stem}_blob.c"), "c", c_source(&program, &blob)),
        (format!("{stem}_blob.h"), "h", c_header(&program, &blob)),
        (
            format!("{stem}_plan.json"),
            "json",
            report(&program, &network, blob.len()),
        ),
    ];
    make_folder(&args.out)?;
    let binary = args.out.join(format!("{stem}.bpa"));
    outputs.check(&binary)?;
    let mut staged = Vec::new();
    for (name, extension, text) in texts {
        let path = args.out.join(name);
        let file = outputs.stage_text(&path, &sealed(&text, extension))?;
        staged.push((path, file));
    }
    write_whole(&binary, &blob).map_err(cannot_write(&binary))?;
    outputs.remember(&binary);
    say(&format!("wrote {}", binary.display()));
    for (path, file) in staged {
        file.publish().map_err(cannot_write(&path))?;
        say(&format!("wrote {}", path.display()));
    }
    Ok(Outcome::Success)
}

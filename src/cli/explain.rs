//! `bpa explain`: the gradient of a layer as equations, as figures, or as the walk that computes it.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use super::folder::make_folder;
use super::layer_source::LayerSource;
use super::outputs::{cannot_write, Outputs, Overwrite};
use super::{print, say, Outcome};
use crate::explain::{figures, page, walk, Format};
use crate::layer::{Layer, Pass, PerAxis};
use crate::seal::sealed;

/// What `bpa explain --help` shows below the flags.
pub(super) const EXAMPLES: &str = "\
Examples:
  bpa explain examples/strided.toml                         every pixel's equation
  bpa explain examples/strided.toml --pixel 2,2             that of one pixel
  bpa explain examples/strided.toml --markdown > page.md    for a page with formulas
  bpa explain examples/strided.toml --figures build         strided_forward.svg, strided_gradient.svg
  bpa explain examples/strided.toml --walk                  what the hardware goes through
  bpa explain --in-channels 64 --out-channels 128 --in-size 56 --kernel 3 --stride 2 --padding 1
                                                            no file; so large a layer is shown by its pattern
More: docs/explain.md";

#[derive(Args, Debug)]
pub(super) struct Explain {
    /// Row and column of the one pixel of grad_input to explain, from 0
    #[arg(long, value_name = "H,W", conflicts_with = "walk")]
    pixel: Option<PerAxis>,
    /// Print LaTeX (needs amsmath) in place of plain text
    #[arg(long, group = "what")]
    latex: bool,
    /// Print Markdown with formulas in place of plain text
    #[arg(long, group = "what")]
    markdown: bool,
    /// Print the programs of rows and columns that the hardware goes through, in place of equations
    #[arg(long, group = "what")]
    walk: bool,
    /// Draw NAME_forward.svg and NAME_gradient.svg in this folder, in place of equations; it is made where it does not exist.
    /// Without --pixel they show one in the middle
    #[arg(long, value_name = "DIR", group = "what")]
    figures: Option<PathBuf>,
    #[command(flatten)]
    overwrite: Overwrite,
    // Last: the flags are under a heading of their own, as would be all that follow.
    #[command(flatten)]
    source: LayerSource,
}

pub(super) fn explain(args: Explain) -> anyhow::Result<Outcome> {
    let outputs = Outputs::new(args.overwrite, args.source.path());
    let layer = args.source.required()?;
    if layer.pass() != Pass::GradInput {
        bail!(
            "{}: pass is {}, and what can be explained is the data gradient: leave `pass` out",
            layer.name(),
            layer.pass()
        );
    }
    let pixel = args
        .pixel
        .map(|pixel| pixel_of(&layer, pixel))
        .transpose()?;
    if args.walk {
        print(&walk(&layer))?;
    } else if let Some(folder) = &args.figures {
        draw(&layer, pixel, folder, &outputs)?;
    } else {
        let format = match (args.latex, args.markdown) {
            (true, _) => Format::Latex,
            (_, true) => Format::Markdown,
            _ => Format::Text,
        };
        print(&page(&layer, pixel, format).print())?;
    }
    Ok(Outcome::Success)
}

/// Row and column, if they lie in grad_input.
fn pixel_of(layer: &Layer, pixel: PerAxis) -> anyhow::Result<(u32, u32)> {
    let [h, w] = pixel.0;
    let inside = |name: &str, value: i64, size: u32| match u32::try_from(value) {
        Ok(value) if value < size => Ok(value),
        _ => bail!(
            "`--pixel` ({name}) is {value}: grad_input has {size} {name}{}, so it must be {}",
            if size == 1 { "" } else { "s" },
            match size {
                1 => "0".to_owned(),
                _ => format!("from 0 to {}", size - 1),
            }
        ),
    };
    Ok((
        inside("row", h, layer.rows().in_size)?,
        inside("column", w, layer.cols().in_size)?,
    ))
}

/// Both figures, or none of them.
fn draw(
    layer: &Layer,
    pixel: Option<(u32, u32)>,
    folder: &Path,
    outputs: &Outputs,
) -> anyhow::Result<()> {
    make_folder(folder)?;
    let mut staged = Vec::new();
    for figure in figures(layer, pixel) {
        let path = folder.join(format!("{}_{}.svg", layer.name(), figure.name));
        let file = outputs.stage_text(&path, &sealed(&figure.svg, "svg"))?;
        staged.push((path, file));
    }
    for (path, file) in staged {
        file.publish().map_err(cannot_write(&path))?;
        say(&format!("wrote {}", path.display()));
    }
    Ok(())
}

//! The files of a pass's arrays: which of them a run reads and writes.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use crate::layer::{Layer, Op};
use crate::operands::{self, Operand};

/// A file for each array that some pass reads or writes.
#[derive(Args, Debug)]
pub(super) struct ArrayFiles {
    /// Array (N, C, H, W) of integers to read; for the passes forward and grad_weight
    #[arg(long, value_name = "NPY")]
    input: Option<PathBuf>,
    /// Array (N, K, P, Q) of integers to read; for grad_input and grad_weight
    #[arg(long, value_name = "NPY")]
    grad_output: Option<PathBuf>,
    /// Array (K, C/groups, R, S) of integers to read; for grad_input and forward
    #[arg(long, value_name = "NPY")]
    weight: Option<PathBuf>,
    /// Array (N, C, H, W) to write; of the pass grad_input
    #[arg(long, value_name = "NPY")]
    grad_input: Option<PathBuf>,
    /// Array (N, K, P, Q) to write; of the pass forward
    #[arg(long, value_name = "NPY")]
    output: Option<PathBuf>,
    /// Array (K, C/groups, R, S) to write; of the pass grad_weight
    #[arg(long, value_name = "NPY")]
    grad_weight: Option<PathBuf>,
}

/// Those of one pass.
pub(super) struct PassFiles<'a> {
    pub(super) moving: &'a Path,
    pub(super) stationary: &'a Path,
    pub(super) result: &'a Path,
}

impl ArrayFiles {
    /// The files that are read, of whatever pass.
    pub(super) fn read(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.input, &self.grad_output, &self.weight];
        files.into_iter().flatten().map(PathBuf::as_path)
    }

    /// Those of this layer's pass, and no others.
    pub(super) fn of(&self, layer: &Layer) -> anyhow::Result<PassFiles<'_>> {
        let own = operands::of_layer(layer);
        let [moving, stationary, result] = own;
        let what = match layer.op() {
            Op::Conv => format!("the pass {}", layer.pass()),
            Op::ConvTranspose => "a transposed convolution".to_owned(),
        };
        for (name, path) in self.all() {
            if let (Some(path), false) = (path, own.iter().any(|array| array.name == name)) {
                let [reads, and, writes] = own.map(flag);
                bail!(
                    "`{}` is {}, but {what} has no use for it: it reads {reads} and {and} and writes {writes}; \
                     another pass is chosen by `layer.pass` or --pass",
                    flag_of(name),
                    path.display()
                );
            }
        }
        let file = |array: Operand, does: &str| {
            let path = self.all().into_iter().find(|(name, _)| *name == array.name);
            match path {
                Some((_, Some(path))) => Ok(path),
                _ => bail!(
                    "`{}` is missing: {what} {does} an .npy file of the shape {}",
                    flag(array),
                    array.axes
                ),
            }
        };
        Ok(PassFiles {
            moving: file(moving, "reads")?,
            stationary: file(stationary, "reads")?,
            result: file(result, "writes")?,
        })
    }

    fn all(&self) -> [(&'static str, Option<&Path>); 6] {
        [
            ("input", self.input.as_deref()),
            ("grad_output", self.grad_output.as_deref()),
            ("weight", self.weight.as_deref()),
            ("grad_input", self.grad_input.as_deref()),
            ("output", self.output.as_deref()),
            ("grad_weight", self.grad_weight.as_deref()),
        ]
    }
}

fn flag(array: Operand) -> String {
    flag_of(array.name)
}

fn flag_of(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

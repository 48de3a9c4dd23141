//! A transposed convolution as the convolution whose data gradient it is.
//!
//! `torch.nn.ConvTranspose2d` from C' channels of P x Q to K' of H x W is the data gradient of a convolution from K' channels
//! of H x W to C' of P x Q with the same kernel, stride, padding, dilation and groups; its weight (C', K'/groups, R, S) is
//! that convolution's (K, C/groups, R, S) as it lies. H = (P - 1) u - padding + d (R - 1) + output_padding + 1.

use super::file::PerItem;
use super::output::Choice;
use super::validate::{
    check_groups, in_range, required, AxisNames, COLUMNS, MAX_SIZE, MAX_STEP, ROWS,
};
use super::{Geometry, LayerError, Pass};

/// What a layer file's geometry is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Op {
    /// A convolution, of which an engine computes a pass.
    #[default]
    Conv,
    /// A transposed convolution, forward.
    ConvTranspose,
}

impl Choice for Op {
    const ALL: &'static [(&'static str, Self)] =
        &[("conv", Op::Conv), ("conv_transpose", Op::ConvTranspose)];
}

impl Geometry {
    /// What it is of, and the convolution; of a transposed one, the one whose data gradient it is.
    ///
    /// # Errors
    /// A key that is not one of this op, or of a transposed convolution anything that is wrong with it.
    pub(super) fn convolution(&self) -> Result<(Op, Geometry), LayerError> {
        let op = match &self.op {
            None => Op::Conv,
            Some(text) => Op::parse(text).ok_or_else(|| LayerError::Op {
                text: text.clone(),
                words: Op::words(),
            })?,
        };
        match (op, self.output_padding) {
            (Op::Conv, None) => Ok((op, self.clone())),
            (Op::Conv, Some(_)) => Err(LayerError::OutputPadding),
            (Op::ConvTranspose, _) => Ok((op, self.transposed()?)),
        }
    }

    fn transposed(&self) -> Result<Geometry, LayerError> {
        match self.pass.as_deref().map(|text| (text, Pass::parse(text))) {
            None | Some((_, Some(Pass::Forward))) => (),
            Some((text, _)) => {
                return Err(LayerError::TransposedPass {
                    text: text.to_owned(),
                })
            }
        }
        if self.out_size.is_some() {
            return Err(LayerError::TransposedOutSize);
        }
        let channels = |key: &'static str, name: &'static str, value: Option<i64>| {
            in_range(name, "", required(key, value)?, 1, MAX_SIZE)
        };
        let from = channels("in_channels", "layer.in_channels", self.in_channels)?;
        let to = channels("out_channels", "layer.out_channels", self.out_channels)?;
        let sizes = PerItem([self.out_size_of(&ROWS)?, self.out_size_of(&COLUMNS)?]);
        let groups = in_range("layer.groups", "", self.groups, 1, MAX_SIZE)?;
        check_groups(groups, from, to)?;
        Ok(Geometry {
            op: None,
            pass: None,
            in_channels: self.out_channels,
            out_channels: self.in_channels,
            in_size: Some(sizes),
            out_size: self.in_size,
            output_padding: None,
            ..self.clone()
        })
    }

    /// Pixels of its output along an axis.
    fn out_size_of(&self, names: &AxisNames) -> Result<i64, LayerError> {
        let (index, item) = (names.index, names.axis);
        let pixels = required("in_size", self.in_size)?.0[index];
        let kernel = required("kernel", self.kernel)?.0[index];
        in_range("layer.in_size", item, pixels, 1, MAX_SIZE)?;
        in_range("layer.kernel", item, kernel, 1, MAX_STEP)?;
        let (stride, dilation) = (self.stride.0[index], self.dilation.0[index]);
        in_range("layer.stride", item, stride, 1, MAX_STEP)?;
        in_range("layer.dilation", item, dilation, 1, MAX_STEP)?;
        let [before, after] = [0, 1].map(|side| self.padding.0[2 * index + side]);
        in_range("layer.padding", names.before, before, 0, MAX_STEP)?;
        in_range("layer.padding", names.after, after, 0, MAX_STEP)?;
        let more = self.output_padding.map_or(0, |pair| pair.0[index]);
        // PyTorch's rule.
        let most = stride.max(dilation) - 1;
        in_range("layer.output_padding", item, more, 0, most)?;
        let size = (pixels - 1) * stride - before - after + dilation * (kernel - 1) + more + 1;
        match (1..=MAX_SIZE).contains(&size) {
            true => Ok(size),
            false => Err(LayerError::TransposedSize {
                item,
                size,
                greatest: MAX_SIZE,
            }),
        }
    }
}

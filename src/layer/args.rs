//! The layer file's keys as command line flags.

use clap::Args;

use super::{LayerFile, PerAxis, PerSide};
use crate::number::integer;

/// Flags that override the layer file, or replace it. Lists are separated by commas; one number serves all.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Layer (each overrides the layer file)")]
pub struct LayerArgs {
    /// Verilog module and file name
    #[arg(long)]
    pub name: Option<String>,
    /// What the layer is
    #[arg(long, value_name = "conv|conv_transpose")]
    pub op: Option<String>,
    /// What the engine computes of the convolution
    #[arg(long, value_name = "grad_input|forward|grad_weight")]
    pub pass: Option<String>,
    /// Channels of the convolution's input
    #[arg(long, value_name = "C", value_parser = integer::<i64, _>(..))]
    pub in_channels: Option<i64>,
    /// Channels of its output
    #[arg(long, value_name = "K", value_parser = integer::<i64, _>(..))]
    pub out_channels: Option<i64>,
    /// Size of its input
    #[arg(long, value_name = "H,W")]
    pub in_size: Option<PerAxis>,
    /// Size of the kernel
    #[arg(long, value_name = "R,S")]
    pub kernel: Option<PerAxis>,
    /// Stride of rows and columns
    #[arg(long, value_name = "ROWS,COLUMNS")]
    pub stride: Option<PerAxis>,
    /// Dilation of rows and columns
    #[arg(long, value_name = "ROWS,COLUMNS")]
    pub dilation: Option<PerAxis>,
    /// Padding of the four sides; two numbers are those of PyTorch: top and bottom, left and right
    #[arg(long, value_name = "TOP,BOTTOM,LEFT,RIGHT")]
    pub padding: Option<PerSide>,
    /// Groups of channels; as many as in-channels for a depthwise layer
    #[arg(long, value_parser = integer::<i64, _>(..))]
    pub groups: Option<i64>,
    /// Images of a batch; for grad_weight, which is summed over them
    #[arg(long, value_name = "N", value_parser = integer::<i64, _>(..))]
    pub batch: Option<i64>,
    /// Size of its output, where it is less than the greatest that fits
    #[arg(long, value_name = "P,Q")]
    pub out_size: Option<PerAxis>,
    /// Rows and columns more of a transposed convolution's output
    #[arg(long, value_name = "ROWS,COLUMNS")]
    pub output_padding: Option<PerAxis>,
    /// Lanes over channels that are added up: at most K/groups; forward C/groups; grad_weight the batch
    #[arg(long, value_name = "LANES", value_parser = integer::<i64, _>(..))]
    pub simd: Option<i64>,
    /// Lanes over channels of the result: at most C/groups, else K/groups; over groups if each has one of them
    #[arg(long, value_name = "LANES", value_parser = integer::<i64, _>(..))]
    pub pe: Option<i64>,
    /// Lanes over pixels: neighbouring columns of a beat, which share every weight
    #[arg(long, value_name = "LANES", value_parser = integer::<i64, _>(..))]
    pub pixels: Option<i64>,
    /// Type of the input, int2 to int16
    #[arg(long, value_name = "TYPE")]
    pub input_type: Option<String>,
    /// Type of grad_output, int2 to int16
    #[arg(long, value_name = "TYPE")]
    pub grad_type: Option<String>,
    /// Type of the weights, int2 to int16
    #[arg(long, value_name = "TYPE")]
    pub weight_type: Option<String>,
    /// Sets of weights in memory; with 2, one loads while the other is in use
    #[arg(long, value_name = "1|2", value_parser = integer::<i64, _>(..))]
    pub weight_sets: Option<i64>,
    /// What the values that enter count from; padding counts as it
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = integer::<i64, _>(..))]
    pub zero_point: Option<i64>,
    /// Two multiplications in each multiplier: for AMD 7 series
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub packed_multipliers: Option<bool>,
    /// Add a bias to each channel of the result
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub with_bias: Option<bool>,
    /// Add a stream of values to the results; `--with-accumulate=false` overrides a file that says so
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub with_accumulate: Option<bool>,
    /// Keep the results, or make them zero, by a stream of bits
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub with_mask: Option<bool>,
    /// Type of the result: accumulator, or int2 to int16 to requantise
    #[arg(long, value_name = "TYPE")]
    pub out_type: Option<String>,
    /// Which results share a scale
    #[arg(long, value_name = "tensor|channel")]
    pub scale_per: Option<String>,
    /// Bits of a scale, 2 to 16
    #[arg(long, value_name = "BITS", value_parser = integer::<i64, _>(..))]
    pub scale_bits: Option<i64>,
    /// Bits shifted out behind the scale
    #[arg(long, value_name = "BITS", value_parser = integer::<i64, _>(..))]
    pub shift: Option<i64>,
    /// What becomes of them
    #[arg(long, value_name = "nearest_even|floor|stochastic")]
    pub rounding: Option<String>,
    /// The result that stands for zero
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = integer::<i64, _>(..))]
    pub out_zero_point: Option<i64>,
    /// What keeps the results between two of their type's values
    #[arg(long, value_name = "relu|relu6|clamp")]
    pub activation: Option<String>,
    /// The least result, with clamp
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = integer::<i64, _>(..))]
    pub out_min: Option<i64>,
    /// The greatest result, with clamp; with relu6 what stands for 6
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = integer::<i64, _>(..))]
    pub out_max: Option<i64>,
}

impl LayerArgs {
    /// Whether no flag was given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The keys of the layer file that the flags give.
    pub fn keys(&self) -> Vec<&'static str> {
        let given = [
            ("name", self.name.is_some()),
            ("layer.op", self.op.is_some()),
            ("layer.pass", self.pass.is_some()),
            ("layer.in_channels", self.in_channels.is_some()),
            ("layer.out_channels", self.out_channels.is_some()),
            ("layer.in_size", self.in_size.is_some()),
            ("layer.kernel", self.kernel.is_some()),
            ("layer.stride", self.stride.is_some()),
            ("layer.dilation", self.dilation.is_some()),
            ("layer.padding", self.padding.is_some()),
            ("layer.groups", self.groups.is_some()),
            ("layer.batch", self.batch.is_some()),
            ("layer.out_size", self.out_size.is_some()),
            ("layer.output_padding", self.output_padding.is_some()),
            ("engine.simd", self.simd.is_some()),
            ("engine.pe", self.pe.is_some()),
            ("engine.pixels", self.pixels.is_some()),
            ("engine.input_type", self.input_type.is_some()),
            ("engine.grad_type", self.grad_type.is_some()),
            ("engine.weight_type", self.weight_type.is_some()),
            ("engine.weight_sets", self.weight_sets.is_some()),
            ("engine.zero_point", self.zero_point.is_some()),
            (
                "engine.packed_multipliers",
                self.packed_multipliers.is_some(),
            ),
            ("engine.bias", self.with_bias.is_some()),
            ("engine.accumulate", self.with_accumulate.is_some()),
            ("engine.mask", self.with_mask.is_some()),
            ("engine.out_type", self.out_type.is_some()),
            ("engine.scale_per", self.scale_per.is_some()),
            ("engine.scale_bits", self.scale_bits.is_some()),
            ("engine.shift", self.shift.is_some()),
            ("engine.rounding", self.rounding.is_some()),
            ("engine.out_zero_point", self.out_zero_point.is_some()),
            ("engine.activation", self.activation.is_some()),
            ("engine.out_min", self.out_min.is_some()),
            ("engine.out_max", self.out_max.is_some()),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(key, _)| key).collect()
    }

    /// `file` with the flags that were given put over it; flags alone go over [`LayerFile::default`].
    pub fn over(self, file: LayerFile) -> LayerFile {
        let LayerFile {
            name,
            mut layer,
            mut engine,
        } = file;
        layer.op = self.op.or(layer.op);
        layer.pass = self.pass.or(layer.pass);
        layer.in_channels = self.in_channels.or(layer.in_channels);
        layer.out_channels = self.out_channels.or(layer.out_channels);
        layer.in_size = self.in_size.or(layer.in_size);
        layer.kernel = self.kernel.or(layer.kernel);
        layer.stride = self.stride.unwrap_or(layer.stride);
        layer.dilation = self.dilation.unwrap_or(layer.dilation);
        layer.padding = self.padding.unwrap_or(layer.padding);
        layer.groups = self.groups.unwrap_or(layer.groups);
        layer.batch = self.batch.or(layer.batch);
        layer.out_size = self.out_size.or(layer.out_size);
        layer.output_padding = self.output_padding.or(layer.output_padding);
        engine.simd = self.simd.unwrap_or(engine.simd);
        engine.pe = self.pe.unwrap_or(engine.pe);
        engine.pixels = self.pixels.unwrap_or(engine.pixels);
        engine.input_type = self.input_type.or(engine.input_type);
        engine.grad_type = self.grad_type.unwrap_or(engine.grad_type);
        engine.weight_type = self.weight_type.unwrap_or(engine.weight_type);
        engine.weight_sets = self.weight_sets.unwrap_or(engine.weight_sets);
        engine.zero_point = self.zero_point.unwrap_or(engine.zero_point);
        engine.packed_multipliers = self.packed_multipliers.unwrap_or(engine.packed_multipliers);
        engine.bias = self.with_bias.unwrap_or(engine.bias);
        engine.accumulate = self.with_accumulate.unwrap_or(engine.accumulate);
        engine.mask = self.with_mask.unwrap_or(engine.mask);
        engine.out_type = self.out_type.unwrap_or(engine.out_type);
        engine.scale_per = self.scale_per.or(engine.scale_per);
        engine.scale_bits = self.scale_bits.or(engine.scale_bits);
        engine.shift = self.shift.or(engine.shift);
        engine.rounding = self.rounding.or(engine.rounding);
        engine.out_zero_point = self.out_zero_point.or(engine.out_zero_point);
        engine.activation = self.activation.or(engine.activation);
        engine.out_min = self.out_min.or(engine.out_min);
        engine.out_max = self.out_max.or(engine.out_max);
        LayerFile {
            name: self.name.unwrap_or(name),
            layer,
            engine,
        }
    }
}

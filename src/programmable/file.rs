//! The engine file: what the user wrote, before anything is checked but the types.

use std::path::Path;

use bpa_hdl::config::limits::{AxisLimits, Limits, PixelLimits};
use bpa_hdl::shell::job_table::TableShape;
use bpa_hdl::shell::programmable::table_shape;
use bpa_hdl::stages::Stages;
use serde::{Deserialize, Serialize};

use super::{EngineError, ProgrammableEngine};
use crate::layer::file::{is_accumulator, ACCUMULATOR};
use crate::layer::validate::{
    check_name, check_staged, in_range, int_type, requantise, MAX_BEAT_BITS, MAX_SIZE,
    MAX_STAGED_BITS, MAX_STEP,
};
use crate::layer::{Engine, LayerError, Pass, PerAxis, PerItem};
use crate::table_file::{self, read_text, Kind};

/// The `mode` of the engines that this file describes.
pub const MODE: &str = "programmable";
/// Words of a memory: an address stays within 31 bits.
const MAX_WORDS: i64 = 1 << 24;
/// Lines of the program of an axis; of two positions it can have five.
const STEPS: [i64; 2] = [8, 1024];
/// Where the file does not say: nearly every axis has a program that is shorter.
const DEFAULT_STEPS: i64 = 32;
/// Results in the output FIFO.
pub(super) const FIFO_RESULTS: [i64; 2] = [4, 4096];
/// Where the file does not say: as many as the block RAMs of most devices are deep, so that fewer cost no less. It is four
/// times what stride 2 needs of a block of channels at the default size, a quarter of its columns and the pipeline; layers
/// that need more for all their channels are cut into tiles.
const DEFAULT_FIFO_RESULTS: i64 = 512;
/// The one bus that there is.
const BUS: &str = "axi4";
/// Bits of its words; the second where the file does not say.
const BUS_BITS: [i64; 5] = [32, 64, 128, 256, 512];
/// Beats of scales, where the file does not say.
const SCALE_WORDS: i64 = 256;
/// Lanes over pixels: a bit for each is in one word of a job.
const MOST_PIXELS: i64 = 32;
/// Beats of a stretch, where the file does not say, and the most.
const STRETCH_BEATS: i64 = 64;
pub(crate) const MOST_STRETCH_BEATS: i64 = 4096;
/// Beats in a row without a tap.
const MAX_RUN: i64 = (1 << 31) - 1;

/// An engine file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineFile {
    /// Name of the Verilog module and of the files.
    pub name: String,
    /// The `[engine]` table.
    pub engine: Lanes,
    /// The `[limits]` table.
    pub limits: LimitsFile,
}

/// The `[engine]` table: lanes, types, and what can happen to the results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lanes {
    /// "programmable".
    pub mode: String,
    /// Lanes over K.
    pub simd: i64,
    /// Lanes over C.
    pub pe: i64,
    /// Lanes over pixels: neighbouring columns of a beat, which share every weight. 1 by default.
    #[serde(skip_serializing_if = "is_one")]
    pub pixels: i64,
    /// Type of the consumed gradient, "int2" to "int16".
    pub grad_type: String,
    /// Type of the weights, "int2" to "int16".
    pub weight_type: String,
    /// Whether data of jobs can have a zero point.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub zero_point: bool,
    /// Whether jobs can have a bias for each channel of the result.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bias: bool,
    /// Whether jobs can have a stream of values that is added to the results.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub accumulate: bool,
    /// Whether jobs can have a stream of bits that says which results are kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mask: bool,
    /// "accumulator", or the type that results are requantised to, "int2" to "int16".
    #[serde(skip_serializing_if = "is_accumulator")]
    pub out_type: String,
    /// Which results share a scale: "tensor" (the default) or "channel". This and the keys below only with an
    /// `out_type` that requantises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_per: Option<String>,
    /// Bits of a scale, 2 to 16, signed; 16 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_bits: Option<i64>,
    /// Bits shifted out behind the scale, the most of any job, required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<i64>,
    /// What becomes of them: "nearest_even" (the default), "floor" or "stochastic".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<String>,
    /// Whether results of jobs can have a zero point, and the bounds of an activation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub activation: bool,
    /// "axi4": memory instead of streams. By default there are streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bus: Option<String>,
    /// Bits of a word of the bus, 32 to 512; 64 by default. Only with a `bus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bus_bits: Option<i64>,
}

/// The `[limits]` table: what the largest layer may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsFile {
    /// Words of the weight memory, each of SIMD x PE values.
    pub weight_words: i64,
    /// Words of the line buffer, each of SIMD values.
    pub line_words: i64,
    /// H and P, W and Q.
    pub size: PerAxis,
    /// R, S.
    pub kernel: PerAxis,
    /// Lines of the programs of rows and columns, 32 by default: most layers need a dozen or less; long kernels and strides
    /// need more. `bpa estimate` tells how many.
    pub steps: PerAxis,
    /// Results in the output FIFO, a power of two.
    pub fifo_results: i64,
    /// Beats of grad_input in a row that no tap reaches.
    pub zero_run: i64,
    /// Beats of scales and biases, each of PE channels; where each channel has a scale or a bias, 256 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_words: Option<i64>,
    /// Beats of a stretch of a row, with lanes over pixels only, 64 by default: of as many columns for each lane as the
    /// stride, each with all its blocks of channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stretch_beats: Option<i64>,
}

fn is_one(value: &i64) -> bool {
    *value == 1
}

impl Default for EngineFile {
    fn default() -> Self {
        EngineFile {
            name: "bpa_engine".to_owned(),
            engine: Lanes::default(),
            limits: LimitsFile::default(),
        }
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Lanes {
            mode: MODE.to_owned(),
            simd: 1,
            pe: 1,
            pixels: 1,
            grad_type: "int8".to_owned(),
            weight_type: "int8".to_owned(),
            zero_point: false,
            bias: false,
            accumulate: false,
            mask: false,
            out_type: ACCUMULATOR.to_owned(),
            scale_per: None,
            scale_bits: None,
            shift: None,
            rounding: None,
            activation: false,
            bus: None,
            bus_bits: None,
        }
    }
}

impl Default for LimitsFile {
    fn default() -> Self {
        LimitsFile {
            weight_words: 4096,
            line_words: 4096,
            size: PerItem([256; 2]),
            kernel: PerItem([7; 2]),
            steps: PerItem([DEFAULT_STEPS; 2]),
            fifo_results: DEFAULT_FIFO_RESULTS,
            zero_run: 65_535,
            scale_words: None,
            stretch_beats: None,
        }
    }
}

impl EngineFile {
    /// Reads an engine file.
    ///
    /// # Errors
    /// The file cannot be read, is one of another kind, is not TOML, has an unknown key or a value of another type.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let (text, file) = read_text(path)?;
        Self::parse(&text, &file)
    }

    /// Reads the text of an engine file; `file` is what messages call it.
    ///
    /// # Errors
    /// As [`read`](Self::read), but for the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, EngineError> {
        Ok(table_file::parse(text, file, Kind::Engine)?)
    }

    /// Whether the text of a file is meant as that of a programmable engine: layer files have neither a mode nor limits.
    pub fn is_meant(text: &str) -> bool {
        Kind::of(text) == Some(Kind::Engine)
    }

    /// The engine as the text of an engine file, which reads back as the same value.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("tables of strings and 64-bit integers are always valid TOML")
    }

    /// Checks everything and gives the engine.
    ///
    /// # Errors
    /// The first key, in the order of the file, that has an impossible value.
    pub fn validate(&self) -> Result<ProgrammableEngine, EngineError> {
        check_name(&self.name)?;
        let EngineFile { engine, limits, .. } = self;
        if engine.mode != MODE {
            return Err(EngineError::Mode {
                text: engine.mode.clone(),
            });
        }
        let words = |key, value| in_range(key, "", value, 2, MAX_WORDS);
        let axis = |index: usize, item: &str| -> Result<AxisLimits, LayerError> {
            let size = in_range("limits.size", item, limits.size.0[index], 2, MAX_SIZE)?;
            let kernel = in_range("limits.kernel", item, limits.kernel.0[index], 1, MAX_STEP)?;
            let [least, most] = STEPS;
            let steps = in_range("limits.steps", item, limits.steps.0[index], least, most)?;
            Ok(AxisLimits {
                size: size.into(),
                kernel: kernel.into(),
                steps: steps.into(),
            })
        };
        let simd = in_range("engine.simd", "", engine.simd, 1, MAX_SIZE)?;
        let pe = in_range("engine.pe", "", engine.pe, 1, MAX_SIZE)?;
        let pixels = in_range("engine.pixels", "", engine.pixels, 1, MOST_PIXELS)?;
        let weight_type = int_type("weight_type", &engine.weight_type)?;
        let bits = u64::from(simd) * u64::from(pe) * u64::from(weight_type.bits());
        if bits > MAX_BEAT_BITS {
            return Err(LayerError::BeatWidth {
                simd,
                pe,
                bits,
                stream: "weight",
                greatest: MAX_BEAT_BITS,
            }
            .into());
        }
        let grad_type = int_type("grad_type", &engine.grad_type)?;
        let bits = u64::from(pixels) * u64::from(simd) * u64::from(grad_type.bits());
        if pixels > 1 && bits > MAX_BEAT_BITS {
            return Err(LayerError::BeatWidth {
                simd,
                pe,
                bits,
                stream: "data",
                greatest: MAX_BEAT_BITS,
            }
            .into());
        }
        let [least, greatest] = FIFO_RESULTS;
        let fifo_results = in_range(
            "limits.fifo_results",
            "",
            limits.fifo_results,
            least,
            greatest,
        )?;
        if !fifo_results.is_power_of_two() {
            return Err(EngineError::FifoResults {
                value: fifo_results,
            });
        }
        let bus_bits = bus_bits(engine.bus.as_deref(), engine.bus_bits)?;
        if pixels > 1 && bus_bits.is_some() {
            return Err(EngineError::PixelsOnBus { pixels });
        }
        let requantise = requantise(&engine.stages()).map_err(|error| match error {
            LayerError::NoShift { out_type } => EngineError::NoShift { out_type },
            other => other.into(),
        })?;
        let grad_type = int_type("grad_type", &engine.grad_type)?;
        if engine.zero_point && grad_type.wider().is_none() {
            return Err(EngineError::ZeroPoint { grad_type });
        }
        if engine.activation && requantise.is_none() {
            return Err(LayerError::NothingScaled { key: "activation" }.into());
        }
        let stages = Stages {
            // How many bits it has follows from the limits.
            bias: engine.bias.then_some(0),
            accumulate: engine.accumulate,
            mask: engine.mask,
            requantise: requantise.map(|it| bpa_hdl::stages::Requantise {
                clamps: engine.activation,
                ..it.hardware()
            }),
        };
        let mut engine = ProgrammableEngine {
            name: self.name.clone(),
            simd,
            pe,
            pixels,
            grad_type,
            weight_type,
            zero_point: engine.zero_point,
            stages,
            requantise,
            limits: Limits {
                weight_words: words("limits.weight_words", limits.weight_words)?.into(),
                line_words: words("limits.line_words", limits.line_words)?.into(),
                axes: [axis(0, "rows")?, axis(1, "columns")?],
                fifo_results: fifo_results.into(),
                zero_run: in_range("limits.zero_run", "", limits.zero_run, 1, MAX_RUN)?.into(),
                scale_words: scale_words(limits.scale_words, &stages)?,
                pixels: pixel_limits(pixels, limits.stretch_beats)?,
                bus_bits,
            },
            table: TableShape::default(),
        };
        engine.check_results()?;
        engine.check_stages()?;
        engine.table = table_shape(&engine.limits, &engine.lanes());
        Ok(engine)
    }
}

impl Lanes {
    /// What a layer file would say of the stages.
    fn stages(&self) -> Engine {
        Engine {
            accumulate: self.accumulate,
            mask: self.mask,
            out_type: self.out_type.clone(),
            scale_per: self.scale_per.clone(),
            scale_bits: self.scale_bits,
            shift: self.shift,
            rounding: self.rounding.clone(),
            ..Engine::default()
        }
    }
}

/// Bits of a word of the bus; `None` where there is none.
fn bus_bits(bus: Option<&str>, bits: Option<i64>) -> Result<Option<usize>, EngineError> {
    match (bus, bits) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(EngineError::NoBus),
        (Some(BUS), bits) => {
            let value = bits.unwrap_or(BUS_BITS[1]);
            match BUS_BITS.contains(&value) {
                // One of a few small numbers.
                true => Ok(Some(value as usize)),
                false => Err(EngineError::BusBits { value }),
            }
        }
        (Some(text), _) => Err(EngineError::Bus {
            text: text.to_owned(),
        }),
    }
}

/// What is built for lanes over pixels; `None` where there is one.
fn pixel_limits(
    lanes: u32,
    stretch_beats: Option<i64>,
) -> Result<Option<PixelLimits>, EngineError> {
    match (lanes, stretch_beats) {
        (1, None) => Ok(None),
        (1, Some(_)) => Err(EngineError::StretchBeats),
        (lanes, beats) => {
            let beats = beats.unwrap_or(STRETCH_BEATS);
            let beats = in_range("limits.stretch_beats", "", beats, 2, MOST_STRETCH_BEATS)?;
            Ok(Some(PixelLimits {
                lanes: lanes.into(),
                stretch_beats: beats.into(),
            }))
        }
    }
}

/// Beats of scales and biases; one where no channel has its own.
fn scale_words(words: Option<i64>, stages: &Stages) -> Result<u64, EngineError> {
    match stages.for_channels() {
        true => {
            let words = words.unwrap_or(SCALE_WORDS);
            Ok(in_range("limits.scale_words", "", words, 2, MAX_WORDS)?.into())
        }
        false if words.is_some() => Err(EngineError::ScaleWords),
        false => Ok(1),
    }
}

impl ProgrammableEngine {
    /// Results of several pixels are in one beat.
    fn check_results(&self) -> Result<(), LayerError> {
        let bits = self.lanes().results() as u64 * u64::from(self.out_bits());
        match self.pixels > 1 && bits > MAX_BEAT_BITS {
            true => Err(LayerError::BeatWidth {
                simd: self.simd,
                pe: self.pe,
                bits,
                stream: "result",
                greatest: MAX_BEAT_BITS,
            }),
            false => Ok(()),
        }
    }

    /// What the stages behind the accumulators can hold.
    fn check_stages(&self) -> Result<(), EngineError> {
        if !self.stages.any() {
            return Ok(());
        }
        let lanes = self.lanes();
        let bits = lanes.biased_bits();
        if bits as u128 > MAX_STAGED_BITS {
            return Err(EngineError::StagedBits {
                bits,
                greatest: MAX_STAGED_BITS,
            });
        }
        let beat_bits = lanes.weight_beat_bits() as u64;
        if beat_bits > MAX_BEAT_BITS {
            return Err(LayerError::BeatWidth {
                simd: self.simd,
                pe: self.pe,
                bits: beat_bits,
                stream: "weight",
                greatest: MAX_BEAT_BITS,
            }
            .into());
        }
        Ok(check_staged(
            bits as u64,
            self.pe,
            self.simd,
            Pass::GradInput,
        )?)
    }

    /// The engine as a file that states every key.
    pub fn to_file(&self) -> EngineFile {
        // Each number came from an `i64`.
        let number = |value: u64| value as i64;
        let pair = |pick: fn(&AxisLimits) -> u64| {
            PerItem(self.limits.axes.map(|axis| number(pick(&axis))))
        };
        EngineFile {
            name: self.name.clone(),
            engine: Lanes {
                mode: MODE.to_owned(),
                simd: self.simd.into(),
                pe: self.pe.into(),
                pixels: self.pixels.into(),
                grad_type: self.grad_type.to_string(),
                weight_type: self.weight_type.to_string(),
                zero_point: self.zero_point,
                bias: self.stages.bias.is_some(),
                accumulate: self.stages.accumulate,
                mask: self.stages.mask,
                out_type: match self.requantise {
                    None => ACCUMULATOR.to_owned(),
                    Some(requantise) => requantise.out_type.to_string(),
                },
                scale_per: self.requantise.map(|it| it.scale_per.to_string()),
                scale_bits: self.requantise.map(|it| it.scale_type.bits().into()),
                shift: self.requantise.map(|it| it.shift.into()),
                rounding: self.requantise.map(|it| it.rounding.to_string()),
                activation: self.has_activation(),
                bus: self.limits.bus_bits.map(|_| BUS.to_owned()),
                bus_bits: self.limits.bus_bits.map(|bits| bits as i64),
            },
            limits: LimitsFile {
                weight_words: number(self.limits.weight_words),
                line_words: number(self.limits.line_words),
                size: pair(|axis| axis.size),
                kernel: pair(|axis| axis.kernel),
                steps: pair(|axis| axis.steps),
                fifo_results: number(self.limits.fifo_results),
                zero_run: number(self.limits.zero_run),
                scale_words: (self.stages.for_channels()).then(|| number(self.limits.scale_words)),
                stretch_beats: self.limits.pixels.map(|it| number(it.stretch_beats)),
            },
        }
    }
}

//! The manifest beside the Verilog: all that a user of the engine has to know, for programs to read.
//!
//! The same layer gives the same bytes: there is no time, host or path in it.

mod values;

use std::collections::BTreeMap;

use bpa_hdl::shell::programmable::Programmable;
use serde::Serialize;

use crate::bound::{batch_bound_cycles, bound_cycles, useful_macs, zero_insertion_cycles};
use crate::interface::{self, Direction, Port, Streams};
use crate::layer::{Layer, LayerFile, Pass, Rounding, ScalePer};
use crate::operands::{self, Operand};
use crate::plan::Plan;
use crate::programmable::{EngineFile, ProgrammableEngine};
use crate::vectors::{bias_beats, scale_beats, BeatFormat};
use values::{Letters, Values};

/// Frames in a row that stand for a steady state; the figures do not change with more.
const STEADY_FRAMES: u64 = 3;

/// Where the values of a beat are.
const LAYOUT: &str = "value e, in two's complement, is tdata[e * value_bits + value_bits - 1 : e * value_bits]; bits above \
    the last value are ignored";
const ACCUMULATE_LAYOUT: &str =
    "value e, in two's complement, is tdata[e * value_bits + value_bits - 2 : e * value_bits]; \
    the bit above it is ignored: it would be a copy of the sign";
const ABOVE_LAYOUT: &str =
    "value e, in two's complement, is tdata[first_bit + e * value_bits + value_bits - 1 : first_bit + e * value_bits]; \
    bits above the last value are ignored";
const MASK_LAYOUT: &str = "value e is tdata[e]; bits above the last value are ignored";

/// The manifest of the plan's engine, as JSON.
pub fn json(plan: &Plan) -> String {
    let manifest = Manifest::new(plan);
    let json = serde_json::to_string_pretty(&manifest);
    json.expect("text and numbers are always valid JSON") + "\n"
}

/// The manifest of a programmable engine, as JSON. What depends on the layer is in the manifests of layers.
pub fn programmable_json(engine: &ProgrammableEngine, hardware: &Programmable) -> String {
    let lanes = engine.lanes();
    let registers = hardware.map.registers().iter();
    let manifest = ProgrammableManifest {
        generator: Generator::THIS,
        file: engine.to_file(),
        accumulator_bits: lanes.acc_bits,
        grad_input_bits: lanes.out_bits(),
        accumulate_bits: lanes.stages.accumulate.then(|| lanes.accumulate_bits()),
        ports: interface::module_ports(&hardware.module),
        registers: registers
            .map(|register| RegisterOffset {
                name: register.name.clone(),
                offset: register.offset,
            })
            .collect(),
    };
    let json = serde_json::to_string_pretty(&manifest);
    json.expect("text and numbers are always valid JSON") + "\n"
}

#[derive(Serialize)]
struct ProgrammableManifest {
    generator: Generator,
    /// `name`, `engine` and `limits`, as in an engine file that states every key.
    #[serde(flatten)]
    file: EngineFile,
    accumulator_bits: usize,
    grad_input_bits: usize,
    /// Bits of a value's place on that stream, where it is there; the value has one bit less.
    #[serde(skip_serializing_if = "Option::is_none")]
    accumulate_bits: Option<usize>,
    ports: Vec<Port>,
    registers: Vec<RegisterOffset>,
}

#[derive(Serialize)]
struct RegisterOffset {
    name: String,
    /// Bytes.
    offset: u64,
}

#[derive(Serialize)]
struct Manifest {
    generator: Generator,
    /// `name`, `layer` and `engine`, as in a layer file that states every key.
    #[serde(flatten)]
    layer: LayerFile,
    arithmetic: Arithmetic,
    /// What stands behind the accumulators, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    output_stages: Vec<OutputStage>,
    ports: Vec<Port>,
    streams: Vec<Stream>,
    error_cause: Vec<ErrorCause>,
    depths: Depths,
    cycles: CyclesOfAFrame,
}

#[derive(Serialize)]
struct Generator {
    name: &'static str,
    version: &'static str,
}

impl Generator {
    const THIS: Self = Self {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
    };
}

#[derive(Serialize)]
struct Arithmetic {
    multipliers: u64,
    depthwise: bool,
    accumulator_bits: usize,
    /// `grad_input_bits`, `output_bits` or `grad_weight_bits`: values of the result are accumulators, sign-extended to whole
    /// bytes, or what the output stages make of them.
    #[serde(flatten)]
    result_bits: BTreeMap<String, u32>,
}

#[derive(Serialize)]
struct OutputStage {
    stage: &'static str,
    /// Bits of a value behind it.
    value_bits: u32,
    what: String,
}

#[derive(Serialize)]
struct Stream {
    name: &'static str,
    direction: Direction,
    array: String,
    /// What ends with `tlast`.
    packet: &'static str,
    beats_per_packet: u64,
    beat: Beat,
    /// The beats of a packet, as nested loops, the outermost first.
    order: Vec<Loop>,
    values: Values,
    /// The last beats of a packet, where they are others than those.
    #[serde(skip_serializing_if = "Option::is_none")]
    followed_by: Option<Part>,
}

/// Beats of a packet that are laid out in another way than those before them.
#[derive(Serialize)]
struct Part {
    array: &'static str,
    beats: u64,
    beat: Beat,
    order: Vec<Loop>,
    values: Values,
    /// What stands in the same beats above these values.
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<Box<Part>>,
}

#[derive(Serialize)]
struct Beat {
    values: u32,
    value_bits: u32,
    /// Where other values stand below these.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_bit: Option<u32>,
    tdata_bits: usize,
    layout: &'static str,
}

#[derive(Serialize)]
struct Loop {
    index: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct ErrorCause {
    bit: usize,
    stream: &'static str,
    tlast: &'static str,
}

#[derive(Serialize)]
struct Depths {
    line_buffer_pixels: u64,
    line_buffer_words: u64,
    live_span_pixels: u64,
    line_buffer_reason: String,
    weight_words_of_a_set: u64,
    weight_sets: u64,
    output_fifo_results: u64,
}

#[derive(Serialize)]
struct CyclesOfAFrame {
    /// From the first beat of what moves to the last of the result, the stationary set loaded and no stalls.
    first_frame: u64,
    /// From one frame's last beat to the next one's.
    per_frame_steady: Option<u64>,
    bound: u64,
    /// Of a weight gradient: all frames of a batch, and not fewer than the beats of its grad_output.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_of_a_batch: Option<u64>,
    zero_insertion: u64,
    useful_macs: u64,
}

impl Manifest {
    fn new(plan: &Plan) -> Self {
        let layer = plan.layer();
        let cycles = plan.cycles(STEADY_FRAMES);
        Self {
            generator: Generator::THIS,
            layer: layer.to_file(),
            arithmetic: Arithmetic {
                multipliers: layer.multipliers(),
                depthwise: layer.operation().depthwise,
                accumulator_bits: plan.lanes().acc_bits,
                result_bits: BTreeMap::from([(
                    format!("{}_bits", layer.pass().arrays().result.name),
                    interface::out_bits(plan),
                )]),
            },
            output_stages: output_stages(plan),
            ports: interface::ports(plan),
            streams: streams(plan),
            error_cause: (0..)
                .zip(interface::causes(plan))
                .map(|(bit, cause)| ErrorCause {
                    bit,
                    stream: cause.0,
                    tlast: cause.1,
                })
                .collect(),
            depths: depths(plan),
            cycles: CyclesOfAFrame {
                first_frame: cycles.first_frame,
                per_frame_steady: cycles.per_frame_steady,
                bound: bound_cycles(layer),
                bound_of_a_batch: batch_bound_cycles(layer),
                zero_insertion: zero_insertion_cycles(layer),
                useful_macs: useful_macs(layer),
            },
        }
    }
}

fn depths(plan: &Plan) -> Depths {
    let layer = plan.layer();
    let pixels = plan.line_buffer_pixels();
    Depths {
        line_buffer_pixels: pixels,
        line_buffer_words: pixels * u64::from(layer.operation().moving_beats_per_pixel()),
        live_span_pixels: plan.live_span_pixels(),
        line_buffer_reason: format!(
            "the fewest pixels with which the engine is as fast as with many: those of the live span (the most pixels of \
             {} that are alive at once, from their arrival to their last use), those that are freed later than that \
             because they are freed in order of arrival, and room for the beats that arrive meanwhile",
            layer.pass().arrays().moving.name
        ),
        weight_words_of_a_set: layer.operation().stationary_words(),
        weight_sets: plan.descriptor().weight_sets(),
        output_fifo_results: plan.fifo_results(),
    }
}

fn streams(plan: &Plan) -> Vec<Stream> {
    let layer = plan.layer();
    let (op, pass) = (layer.operation(), layer.pass());
    let formats = Streams::new(plan);
    let letters = Letters::of(pass);
    let shape = |array: Operand| format!("{}[{}]", array.name, indices(array));
    // With lanes over pixels a beat has several columns.
    let columns = |letter: &'static str, count: u64| match op.pixels {
        1 => each(letter, count),
        _ => each(values::column_block(letter), count),
    };
    // In the order of the result, one beat for each of its beats.
    let beside = |name, direction, array, format: BeatFormat, layout| Stream {
        name,
        direction,
        array,
        packet: "frame",
        beats_per_packet: format.beats,
        beat: Beat {
            layout,
            ..beat(format)
        },
        order: vec![
            each(letters.result[0], op.rows.positions),
            columns(letters.result[1], op.result_columns()),
            groups(layer),
            each(letters.result_block, op.result_blocks().into()),
        ],
        values: values::result(layer),
        followed_by: None,
    };
    let mut streams = vec![
        Stream {
            name: formats.names.moving,
            direction: Direction::Input,
            array: shape(operands::moving(pass)),
            packet: "frame",
            beats_per_packet: formats.moving.beats,
            beat: beat(formats.moving),
            order: vec![
                each(letters.moving[0], op.rows.sources),
                columns(letters.moving[1], op.moving_columns()),
                groups(layer),
                each(letters.moving_block, op.moving_blocks().into()),
            ],
            values: values::moving(layer),
            followed_by: None,
        },
        Stream {
            name: formats.names.stationary,
            direction: Direction::Input,
            array: shape(operands::stationary(pass)),
            packet: "set",
            beats_per_packet: formats.stationary.beats,
            beat: beat(formats.stationary),
            order: vec![
                groups(layer),
                each(letters.result_block, op.result_blocks().into()),
                each(letters.taps[0], op.rows.kernel),
                each(letters.taps[1], op.cols.kernel),
                each(letters.moving_block, op.moving_blocks().into()),
            ],
            values: values::stationary(layer),
            followed_by: channel_values(layer),
        },
    ];
    let result = operands::result(pass);
    for (name, format, layout) in [
        (interface::ACCUMULATE, formats.accumulate, ACCUMULATE_LAYOUT),
        (interface::MASK, formats.mask, MASK_LAYOUT),
    ] {
        streams.extend(format.map(|format| {
            let array = name.trim_start_matches("s_axis_");
            let array = format!("{array}[{}]", indices(result));
            beside(name, Direction::Input, array, format, layout)
        }));
    }
    streams.push(beside(
        formats.names.result,
        Direction::Output,
        shape(result),
        formats.result,
        LAYOUT,
    ));
    streams
}

/// `n, c, h, w`: what an array is indexed by.
fn indices(array: Operand) -> String {
    let axes = array.axes.trim_matches(['(', ')']).replace("/groups", "");
    axes.to_lowercase()
}

fn each(index: &'static str, count: u64) -> Loop {
    Loop { index, count }
}

fn groups(layer: &Layer) -> Loop {
    let op = layer.operation();
    let index = match op.depthwise {
        true => "group_block",
        false => "group",
    };
    each(index, op.group_blocks().into())
}

/// The beats of scales and biases at the end of a set.
fn channel_values(layer: &Layer) -> Option<Part> {
    let of_data_gradient = layer.pass() == Pass::GradInput;
    let blocks = || {
        let block = Letters::of(layer.pass()).result_block;
        let blocks = layer.operation().result_blocks().into();
        vec![groups(layer), each(block, blocks)]
    };
    let biases = bias_beats(layer).map(|format| Part {
        array: if of_data_gradient {
            "bias[c]"
        } else {
            "bias[k]"
        },
        beats: format.beats,
        beat: beat(format),
        order: blocks(),
        values: values::of_channels(layer),
        above: None,
    });
    let scales = scale_beats(layer).zip(layer.requantise());
    let scales = scales.map(|(format, requantise)| Part {
        array: if of_data_gradient {
            "scale[c]"
        } else {
            "scale[k]"
        },
        beats: format.beats,
        beat: match &biases {
            Some(below) => Beat {
                first_bit: Some(below.beat.values * below.beat.value_bits),
                layout: ABOVE_LAYOUT,
                ..beat(format)
            },
            None => beat(format),
        },
        order: match (requantise.scale_per, layer.bias()) {
            (ScalePer::Tensor, false) => vec![],
            _ => blocks(),
        },
        values: match requantise.scale_per {
            ScalePer::Tensor => values::one_scale(layer.pass()),
            ScalePer::Channel => values::of_channels(layer),
        },
        above: None,
    });
    match biases {
        None => scales,
        Some(biases) => Some(Part {
            above: scales.map(Box::new),
            ..biases
        }),
    }
}

fn output_stages(plan: &Plan) -> Vec<OutputStage> {
    let layer = plan.layer();
    let sum_bits = plan.lanes().sum_bits() as u32;
    let mut stages = Vec::new();
    let mut stage = |stage, value_bits, what: String| {
        stages.push(OutputStage {
            stage,
            value_bits,
            what,
        });
    };
    if let Some(bits) = layer.bias_bits() {
        let biased_bits = plan.lanes().biased_bits() as u32;
        let what = format!("plus the bias of the channel, of {bits} bits: the sum always fits");
        stage("bias", biased_bits, what);
    }
    if layer.accumulate() {
        let bits = interface::accumulate_value_bits(plan);
        let what = format!("plus accumulate, of {bits} bits: the sum always fits");
        stage("accumulate", sum_bits, what);
    }
    if layer.mask() {
        let what = "kept where mask is 1, zero where it is 0".to_owned();
        stage("mask", sum_bits, what);
    }
    if let Some(requantise) = layer.requantise() {
        let (shift, out_type) = (requantise.shift, requantise.out_type);
        let product_bits = sum_bits + requantise.scale_type.bits();
        let what = format!("times the scale, {}, exact", requantise.scale_type);
        stage("scale", product_bits, what);
        let rounding = match requantise.rounding {
            Rounding::NearestEven => "to the nearest integer, from the middle to the even one",
            Rounding::Floor => "to the integer below",
            Rounding::Stochastic => {
                "to the integer below the sum with a fraction drawn at random; see docs/interface.md for the generator"
            }
        };
        // Rounding up may take one bit more.
        let adds = shift > 0 && requantise.rounding != Rounding::Floor;
        let rounded_bits = product_bits.max(shift + 1) - shift + u32::from(adds);
        let what = format!("divided by 2^{shift} and rounded {rounding}");
        stage("round", rounded_bits, what);
        if requantise.zero_point != 0 {
            let what = format!(
                "plus {}, the result that stands for zero",
                requantise.zero_point
            );
            let bits = rounded_bits.max(out_type.bits()) + 1;
            stage("zero_point", bits, what);
        }
        let what = format!(
            "{} where it is below, {} where it is above; `saturations` counts both",
            out_type.min(),
            out_type.max()
        );
        stage("saturate", out_type.bits(), what);
        if let Some(activation) = requantise.activation {
            let [least, greatest] = requantise.bounds;
            let what = format!(
                "{activation}: {least} where it is below, {greatest} where it is above; not counted"
            );
            stage("activation", out_type.bits(), what);
        }
    }
    stages
}

fn beat(format: BeatFormat) -> Beat {
    Beat {
        values: format.values,
        value_bits: format.value_bits,
        first_bit: None,
        tdata_bits: 8 * format.beat_bytes(),
        layout: LAYOUT,
    }
}

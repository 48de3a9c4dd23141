//! The manifest beside the Verilog: all that a user of the engine has to know, for programs to read.
//!
//! The same layer gives the same bytes: there is no time, host or path in it.

use bpa_hdl::shell::programmable::Programmable;
use serde::Serialize;

use crate::bound::{bound_cycles, useful_macs, zero_insertion_cycles};
use crate::interface::{self, Direction, Port, Streams};
use crate::layer::{Layer, LayerFile, Rounding, ScalePer};
use crate::plan::Plan;
use crate::programmable::{EngineFile, ProgrammableEngine};
use crate::vectors::{scale_beats, BeatFormat};

/// Frames in a row that stand for a steady state; the figures do not change with more.
const STEADY_FRAMES: u64 = 3;

/// Where the values of a beat are.
const LAYOUT: &str = "value e, in two's complement, is tdata[e * value_bits + value_bits - 1 : e * value_bits]; bits above \
    the last value are ignored";
const ACCUMULATE_LAYOUT: &str =
    "value e, in two's complement, is tdata[e * value_bits + value_bits - 2 : e * value_bits]; \
    the bit above it is ignored: it would be a copy of the sign";
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
    /// Values of grad_input are accumulators, sign-extended to whole bytes, or what the output stages make of them.
    grad_input_bits: u32,
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
    array: &'static str,
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
}

#[derive(Serialize)]
struct Beat {
    values: u32,
    value_bits: u32,
    tdata_bits: usize,
    layout: &'static str,
}

#[derive(Serialize)]
struct Loop {
    index: &'static str,
    count: u64,
}

/// Channels of value e of a beat, as integer expressions in e and the loops' indices; the array's other indices are
/// those of the loops.
#[derive(Serialize)]
struct Values {
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    /// Where one of these holds there is no such channel: zero goes in, and what comes out has no meaning.
    padding_if: Vec<String>,
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
    line_buffer_reason: &'static str,
    weight_words_of_a_set: u64,
    weight_sets: u64,
    output_fifo_results: u64,
}

#[derive(Serialize)]
struct CyclesOfAFrame {
    /// From the first beat of grad_output to the last of grad_input, weights loaded and no stalls.
    first_frame: u64,
    /// From one frame's last beat to the next one's.
    per_frame_steady: Option<u64>,
    bound: u64,
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
                depthwise: layer.is_depthwise(),
                accumulator_bits: plan.lanes().acc_bits,
                grad_input_bits: interface::out_bits(plan),
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
        line_buffer_words: pixels * u64::from(layer.dy_words_per_pixel()),
        live_span_pixels: plan.live_span_pixels(),
        line_buffer_reason: "the fewest pixels with which the engine is as fast as with many: those of the live \
            span (the most pixels of grad_output that are alive at once, from their arrival to their last use), \
            those that are freed later than that because they are freed in order of arrival, and room for the \
            beats that arrive meanwhile",
        weight_words_of_a_set: layer.weight_words(),
        weight_sets: plan.descriptor().weight_sets(),
        output_fifo_results: plan.fifo_results(),
    }
}

fn streams(plan: &Plan) -> Vec<Stream> {
    let layer = plan.layer();
    let formats = Streams::new(plan);
    let (rows, cols) = (layer.rows(), layer.cols());
    let each = |index, count: u32| Loop {
        index,
        count: count.into(),
    };
    let groups = || match layer.is_depthwise() {
        true => each("group_block", layer.group_blocks()),
        false => each("group", layer.group_blocks()),
    };
    let k_blocks = || each("k_block", layer.k_blocks());
    let c_blocks = || each("c_block", layer.c_blocks());
    // In the order of grad_input, one beat for each of its beats.
    let beside = |name, array, format: BeatFormat, layout| Stream {
        name,
        direction: match name {
            interface::GRAD_INPUT => Direction::Output,
            _ => Direction::Input,
        },
        array,
        packet: "frame",
        beats_per_packet: format.beats,
        beat: Beat {
            layout,
            ..beat(format)
        },
        order: vec![
            each("h", rows.in_size),
            each("w", cols.in_size),
            groups(),
            c_blocks(),
        ],
        values: grad_input_values(layer),
        followed_by: None,
    };
    let mut streams = vec![
        Stream {
            name: interface::GRAD_OUTPUT,
            direction: Direction::Input,
            array: "grad_output[n, k, p, q]",
            packet: "frame",
            beats_per_packet: formats.grad_output.beats,
            beat: beat(formats.grad_output),
            order: vec![
                each("p", rows.out_size),
                each("q", cols.out_size),
                groups(),
                k_blocks(),
            ],
            values: grad_output_values(layer),
            followed_by: None,
        },
        Stream {
            name: interface::WEIGHT,
            direction: Direction::Input,
            array: "weight[k, c, r, s]",
            packet: "set",
            beats_per_packet: formats.weight.beats,
            beat: beat(formats.weight),
            order: vec![
                groups(),
                c_blocks(),
                each("r", rows.kernel),
                each("s", cols.kernel),
                k_blocks(),
            ],
            values: weight_values(layer),
            followed_by: scales(layer),
        },
    ];
    streams.extend(formats.accumulate.map(|format| {
        let array = "accumulate[n, c, h, w]";
        beside(interface::ACCUMULATE, array, format, ACCUMULATE_LAYOUT)
    }));
    streams.extend(formats.mask.map(|format| {
        let array = "mask[n, c, h, w]";
        beside(interface::MASK, array, format, MASK_LAYOUT)
    }));
    streams.push(beside(
        interface::GRAD_INPUT,
        "grad_input[n, c, h, w]",
        formats.grad_input,
        LAYOUT,
    ));
    streams
}

/// The beats of scales at the end of a set.
fn scales(layer: &Layer) -> Option<Part> {
    let format = scale_beats(layer)?;
    let each = |index, count: u32| Loop {
        index,
        count: count.into(),
    };
    let (order, values) = match layer.requantise()?.scale_per {
        ScalePer::Tensor => {
            let one = Values {
                k: None,
                c: Some("0".to_owned()),
                padding_if: vec![],
            };
            (vec![], one)
        }
        ScalePer::Channel => {
            let groups = match layer.is_depthwise() {
                true => "group_block",
                false => "group",
            };
            let order = vec![
                each(groups, layer.group_blocks()),
                each("c_block", layer.c_blocks()),
            ];
            (order, grad_input_values(layer))
        }
    };
    Some(Part {
        array: "scale[c]",
        beats: format.beats,
        beat: beat(format),
        order,
        values,
    })
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
        let what = format!(
            "{} where it is below, {} where it is above; `saturations` counts both",
            out_type.min(),
            out_type.max()
        );
        stage("saturate", out_type.bits(), what);
    }
    stages
}

fn grad_output_values(layer: &Layer) -> Values {
    let per_group = layer.out_per_group();
    let simd = layer.simd();
    if layer.is_depthwise() {
        return Values {
            c: None,
            ..weight_values(layer)
        };
    }
    let lane = format!("k_block * {simd} + e");
    Values {
        k: Some(format!("group * {per_group} + {lane}")),
        c: None,
        padding_if: vec![format!("{lane} >= {per_group}")],
    }
}

fn weight_values(layer: &Layer) -> Values {
    let per_group = layer.out_per_group();
    let (simd, pe) = (layer.simd(), layer.pe());
    let k_lane = format!("k_block * {simd} + e / {pe}");
    let k_padding = format!("{k_lane} >= {per_group}");
    if layer.is_depthwise() {
        let group = format!("group_block * {pe} + e % {pe}");
        return Values {
            k: Some(format!("({group}) * {per_group} + {k_lane}")),
            c: Some("0".to_owned()),
            padding_if: vec![k_padding, format!("{group} >= {}", layer.groups())],
        };
    }
    let c_lane = format!("c_block * {pe} + e % {pe}");
    Values {
        k: Some(format!("group * {per_group} + {k_lane}")),
        padding_if: vec![k_padding, format!("{c_lane} >= {}", layer.in_per_group())],
        c: Some(c_lane),
    }
}

fn grad_input_values(layer: &Layer) -> Values {
    let pe = layer.pe();
    let (lane, of) = match layer.is_depthwise() {
        true => (format!("group_block * {pe} + e"), layer.groups()),
        false => (format!("c_block * {pe} + e"), layer.in_per_group()),
    };
    Values {
        k: None,
        c: Some(match layer.is_depthwise() {
            true => lane.clone(),
            false => format!("group * {} + {lane}", layer.in_per_group()),
        }),
        padding_if: vec![format!("{lane} >= {of}")],
    }
}

fn beat(format: BeatFormat) -> Beat {
    Beat {
        values: format.values,
        value_bits: format.value_bits,
        tdata_bits: 8 * format.beat_bytes(),
        layout: LAYOUT,
    }
}

//! The layer and its engine in words, for the page.

use bpa_hdl::config::capacity::Capacity;
use bpa_hdl::walk::TokenWidths;
use indicatif::HumanCount;

use crate::bound::useful_macs;
use crate::interface::Streams;
use crate::layer::{Axis, Layer, Op, Pass};
use crate::operands::of_layer;
use crate::plan::Plan;
use crate::vectors::BeatFormat;

/// What an array is called in an equation.
pub(super) struct Symbols {
    pub(super) moving: &'static str,
    pub(super) stationary: &'static str,
    pub(super) result: &'static str,
}

/// Those of a layer: of the article, and for a transposed convolution those of its forward pass.
pub(super) fn symbols(layer: &Layer) -> Symbols {
    match (layer.op(), layer.pass()) {
        (Op::ConvTranspose, _) => Symbols {
            moving: "x",
            stationary: "w",
            result: "Y",
        },
        (_, Pass::GradInput) => Symbols {
            moving: "dL/dY",
            stationary: "w",
            result: "dL/dx",
        },
        (_, Pass::Forward) => Symbols {
            moving: "x",
            stationary: "w",
            result: "Y",
        },
        (_, Pass::GradWeight) => Symbols {
            moving: "x",
            stationary: "dL/dY",
            result: "dL/dw",
        },
    }
}

/// What the engine computes.
pub(super) fn what(layer: &Layer) -> &'static str {
    match (layer.op(), layer.pass()) {
        (Op::ConvTranspose, _) => "a transposed convolution",
        (_, Pass::GradInput) => "the data gradient of a convolution",
        (_, Pass::Forward) => "a convolution, forward",
        (_, Pass::GradWeight) => "the weight gradient of a convolution",
    }
}

/// Why some taps of a result are not issued.
pub(super) fn spared(layer: &Layer) -> &'static str {
    match layer.pass() {
        Pass::GradInput => "zeros that the stride inserts, or lie beyond the border",
        Pass::Forward | Pass::GradWeight => "zeros of the padding",
    }
}

/// The layer as a list of names and what they are.
pub(super) fn layer_words(layer: &Layer) -> Vec<(String, String)> {
    let (rows, cols) = (layer.rows(), layer.cols());
    let both = |pick: fn(&Axis) -> u32| format!("{} x {}", pick(&rows), pick(&cols));
    let [moving, stationary, result] = of_layer(layer);
    let mut words = vec![
        (
            "Computes".to_owned(),
            format!("{}: {}", what(layer), result.name),
        ),
        (
            "Of".to_owned(),
            format!(
                "{} {} and {} {}",
                moving.name, moving.axes, stationary.name, stationary.axes
            ),
        ),
        (
            "Input".to_owned(),
            format!(
                "{} channels, {} pixels",
                layer.in_channels(),
                both(|it| it.in_size)
            ),
        ),
        (
            "Output".to_owned(),
            format!(
                "{} channels, {} pixels",
                layer.out_channels(),
                both(|it| it.out_size)
            ),
        ),
        ("Kernel".to_owned(), both(|it| it.kernel)),
        ("Stride".to_owned(), both(|it| it.stride)),
        ("Dilation".to_owned(), both(|it| it.dilation)),
        (
            "Padding".to_owned(),
            format!(
                "{} above, {} below, {} on the left, {} on the right",
                rows.pad_before, rows.pad_after, cols.pad_before, cols.pad_after
            ),
        ),
    ];
    if layer.op() == Op::ConvTranspose {
        // What the layer keeps is the convolution whose gradient it is.
        words[2].0 = "Its result".to_owned();
        words[3].0 = "Its input".to_owned();
    }
    if layer.groups() > 1 {
        words.push(("Groups".to_owned(), layer.groups().to_string()));
    }
    if let Some(batch) = layer.batch() {
        words.push(("Batch".to_owned(), batch.to_string()));
    }
    words.push((
        "Lanes".to_owned(),
        format!(
            "{} multipliers: {} PE lanes of {} SIMD lanes; {} x {}",
            layer.multipliers(),
            layer.pe(),
            layer.simd(),
            layer.moving_type(),
            layer.stationary_type()
        ),
    ));
    words.push((
        "A frame".to_owned(),
        format!("{} useful multiplications", HumanCount(useful_macs(layer))),
    ));
    words
}

/// What is written into a block of the diagram: its name's place there, and two lines.
pub(super) fn block_words(plan: &Plan) -> Vec<(&'static str, [String; 2])> {
    let layer = plan.layer();
    let descriptor = plan.descriptor();
    let capacity = Capacity::exactly(descriptor);
    let lanes = plan.lanes();
    let streams = Streams::new(plan);
    let beat = |format: BeatFormat| {
        [
            format!("{} bits a beat", 8 * format.beat_bytes()),
            format!("{} beats", HumanCount(format.beats)),
        ]
    };
    let kept = |size: &bpa_hdl::config::descriptor::Kept| size.last - size.first + 1;
    let stored = kept(&descriptor.kept_rows) * kept(&descriptor.kept_cols);
    let lines = |axis: &bpa_hdl::config::descriptor::Axis| axis.program.lines.len();
    let stages: Vec<&str> = [
        (layer.bias(), "bias"),
        (layer.accumulate(), "accumulate"),
        (layer.mask(), "mask"),
        (layer.requantise().is_some(), "requantise"),
    ]
    .into_iter()
    .filter_map(|(is_there, name)| is_there.then_some(name))
    .collect();
    vec![
        ("moving", beat(streams.moving)),
        ("stationary", beat(streams.stationary)),
        ("result", beat(streams.result)),
        (
            "grad_port",
            [
                format!("stores {} of", HumanCount(stored)),
                format!("{} pixels", HumanCount(descriptor.input_pixels())),
            ],
        ),
        (
            "line_buffer",
            [
                format!(
                    "{} words x {} bits",
                    HumanCount(descriptor.line_words),
                    lanes.grad_word_bits()
                ),
                format!(
                    "{} pixels, span {}",
                    plan.line_buffer_pixels(),
                    plan.live_span_pixels()
                ),
            ],
        ),
        (
            "weight_port",
            [
                match layer.two_weight_sets() {
                    true => "two sets".to_owned(),
                    false => "one set".to_owned(),
                },
                format!("{} words each", HumanCount(descriptor.weight_words())),
            ],
        ),
        (
            "weight_memory",
            [
                format!("{} words", HumanCount(capacity.weight_memory_words())),
                format!("x {} bits", lanes.weight_word_bits()),
            ],
        ),
        (
            "lanes",
            [
                format!("{} x {} multipliers", lanes.pe, lanes.simd),
                format!("sums of {} bits", lanes.acc_bits),
            ],
        ),
        (
            "fifo",
            [
                format!("{} results", HumanCount(plan.fifo_results())),
                format!("x {} bits", lanes.pe * lanes.acc_bits),
            ],
        ),
        (
            "output",
            match stages.is_empty() {
                true => ["results".to_owned(), "and zeros".to_owned()],
                false => [stages.join(", "), format!("{} cycles", plan.stage_cycles())],
            },
        ),
        (
            "walk",
            [
                format!("rows: {} lines", lines(&descriptor.rows)),
                format!("columns: {} lines", lines(&descriptor.cols)),
            ],
        ),
        (
            "tokens",
            [
                "a token a pixel,".to_owned(),
                format!("{} bits", TokenWidths::of(&capacity).bits()),
            ],
        ),
        ("issue", ["one tap".to_owned(), "a cycle".to_owned()]),
    ]
}

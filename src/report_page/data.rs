//! What the page's script is given.

use serde::{Deserialize, Serialize};

use super::steps::Steps;
use super::words::{block_words, layer_words, spared, symbols, what};
use crate::events::{Recording, Stream};
use crate::interface::Streams;
use crate::layer::{Layer, Pass};
use crate::operands::of_layer;
use crate::plan::Plan;
use crate::report::Figures;
use crate::schedule::{AxisWalk, FrameWalk};

/// The data of a page. Lists that go with one another have an element for each issue, or each result.
#[derive(Clone, Debug, Serialize)]
pub struct PageData {
    /// The page's title.
    pub title: String,
    what: &'static str,
    version: &'static str,
    words: Vec<(String, String)>,
    blocks: Vec<(&'static str, [String; 2])>,
    figures: Figures,
    values: u64,
    multipliers: u64,
    synthesised: Option<Synthesised>,
    arrays: Arrays,
    channels: Channels,
    spared: &'static str,
    window: Window,
    streams: Vec<StreamData>,
    line: Line,
    issues: Issues,
    results: Results,
    /// For each row of the result, and each column, whether a tap reaches any pixel there: 1, else 0.
    result_taps: [String; 2],
}

/// What `bpa synth --json` found of the engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Synthesised {
    /// The device.
    pub target: String,
    /// LUTs.
    pub luts: u64,
    /// LUTs used as memories.
    pub lut_rams: u64,
    /// Flip-flops.
    pub ffs: u64,
    /// Multiplier cells.
    pub dsps: u64,
    /// Block RAMs.
    pub brams: u64,
    /// The median of all seeds, where it was placed and routed.
    pub fmax_mhz_median: Option<f64>,
    /// Multiplications in each cycle: those of the layer's lanes.
    pub macs: u64,
}

/// An array as the page draws it.
#[derive(Clone, Debug, Serialize)]
struct Array {
    name: &'static str,
    symbol: &'static str,
    rows: u64,
    cols: u64,
    stream: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Arrays {
    moving: Array,
    stationary: Array,
    result: Array,
}

/// How blocks of channels are made.
#[derive(Clone, Debug, Serialize)]
struct Channels {
    groups: u32,
    moving_per_group: u32,
    result_per_group: u32,
    simd: u32,
    pe: u32,
    depthwise: bool,
    /// What is counted by what is called a channel of what moves.
    moving_unit: &'static str,
}

/// Which cycles the page shows.
#[derive(Clone, Debug, Serialize)]
struct Window {
    cycles: u64,
    /// Of the whole first frame.
    frame: u64,
    frames: u64,
}

/// What a stream does: a state, and for how many cycles, and so on.
#[derive(Clone, Debug, Serialize)]
struct StreamData {
    name: &'static str,
    inward: bool,
    runs: Vec<u64>,
}

/// No beat is offered.
const IDLE: u64 = 0;
/// A beat moves.
const MOVES: u64 = 1;
/// A beat waits to be taken.
const WAITS: u64 = 2;
/// A beat moves that no tap reaches.
const ZERO: u64 = 3;

/// The line buffer.
#[derive(Clone, Debug, Serialize)]
struct Line {
    pixels: u64,
    /// First row and column that are stored, rows and columns.
    kept: [u64; 4],
    /// In which cycle each pixel that is stored is whole, less that of the one before.
    stored: Vec<u64>,
    /// From which cycle on, less that of the one before, how many more are dead.
    freed: Vec<(u64, u64)>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Issues {
    /// Less that of the one before.
    cycle: Vec<u64>,
    /// Which pixel of what moves, of all that are stored.
    pixel: Vec<u64>,
    /// Which of its words.
    word: Vec<u64>,
    /// Which row and column of what is stationary, as PyTorch has it.
    tap: Vec<u64>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Results {
    frame: Vec<u64>,
    row: Vec<u64>,
    col: Vec<u64>,
    block: Vec<u64>,
    /// Issues of each; the last may have more than the page shows.
    issues: Vec<u64>,
}

impl PageData {
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text and finite numbers are always valid JSON")
    }
}

/// The data of a page about the plan's engine, of which this was recorded. Its results were compared.
pub fn page_data(
    plan: &Plan,
    recording: &Recording,
    steps: &Steps,
    figures: Figures,
    synthesised: Option<Synthesised>,
) -> PageData {
    let layer = plan.layer();
    let op = layer.operation();
    let walk = FrameWalk::new(op);
    PageData {
        title: format!("{}: {}", layer.name(), what(layer)),
        what: what(layer),
        version: env!("CARGO_PKG_VERSION"),
        words: layer_words(layer),
        blocks: block_words(plan),
        values: recording.result.len() as u64,
        multipliers: layer.multipliers(),
        synthesised,
        arrays: arrays(plan),
        channels: Channels {
            groups: op.groups,
            moving_per_group: op.moving_per_group,
            result_per_group: op.result_per_group,
            simd: op.simd,
            pe: op.pe,
            depthwise: op.depthwise,
            moving_unit: match layer.pass() {
                Pass::GradInput | Pass::Forward => "channel",
                Pass::GradWeight => "image",
            },
        },
        spared: spared(layer),
        window: Window {
            cycles: recording.cycles,
            frame: figures.cycles_first_frame,
            frames: figures.frames,
        },
        figures,
        streams: streams(&walk, recording),
        line: line(plan, &walk, recording),
        issues: issues(layer, &walk, steps),
        results: results(steps),
        result_taps: [has_taps(&walk, &walk.rows), has_taps(&walk, &walk.cols)].map(|taps| {
            taps.into_iter()
                .map(|tap| if tap { '1' } else { '0' })
                .collect()
        }),
    }
}

fn arrays(plan: &Plan) -> Arrays {
    let layer = plan.layer();
    let op = layer.operation();
    let names = Streams::new(plan).names;
    let symbols = symbols(layer);
    let [moving, stationary, result] = of_layer(layer).map(|operand| operand.name);
    let array = |name, symbol, rows, cols, stream| Array {
        name,
        symbol,
        rows,
        cols,
        stream,
    };
    let (rows, cols) = (&op.rows, &op.cols);
    Arrays {
        moving: array(
            moving,
            symbols.moving,
            rows.sources,
            cols.sources,
            names.moving,
        ),
        stationary: array(
            stationary,
            symbols.stationary,
            rows.kernel,
            cols.kernel,
            names.stationary,
        ),
        result: array(
            result,
            symbols.result,
            rows.positions,
            cols.positions,
            names.result,
        ),
    }
}

/// Which positions of an axis some tap reaches.
fn has_taps(walk: &FrameWalk, axis: &AxisWalk) -> Vec<bool> {
    let mut taps = vec![false; axis.size() as usize];
    for visit in &axis.visits {
        taps[visit.position as usize] = walk.reaches;
    }
    taps
}

/// Each stream's states, in runs. Beats of the result are told apart by whether a tap reaches their pixel.
fn streams(walk: &FrameWalk, recording: &Recording) -> Vec<StreamData> {
    let (rows, cols) = (has_taps(walk, &walk.rows), has_taps(walk, &walk.cols));
    let out = recording.streams.len() - 1;
    let mut beats = 0;
    let mut state = |is_out: bool, stream: &Stream| match (stream.valid, stream.ready) {
        (false, _) => IDLE,
        (true, false) => WAITS,
        (true, true) if !is_out => MOVES,
        (true, true) => {
            let pixel = beats / walk.pixel_beats % (walk.rows.size() * walk.cols.size());
            beats += 1;
            let (row, col) = (pixel / walk.cols.size(), pixel % walk.cols.size());
            match rows[row as usize] && cols[col as usize] {
                true => MOVES,
                false => ZERO,
            }
        }
    };
    let streams = recording.streams.iter().enumerate();
    streams
        .map(|(index, (name, cycles))| {
            let mut runs: Vec<u64> = Vec::new();
            for cycle in cycles {
                let state = state(index == out, cycle);
                match runs.len() {
                    length if length > 0 && runs[length - 2] == state => runs[length - 1] += 1,
                    _ => runs.extend([state, 1]),
                }
            }
            StreamData {
                name,
                inward: index != out,
                runs,
            }
        })
        .collect()
}

fn line(plan: &Plan, walk: &FrameWalk, recording: &Recording) -> Line {
    let words = walk.pixel_words as usize;
    let whole = recording.stored.iter().skip(words - 1).step_by(words);
    let freed = recording.freed.iter().map(|(cycle, _)| cycle);
    let freed = differences(freed).zip(&recording.freed);
    let (rows, cols) = (&walk.rows, &walk.cols);
    Line {
        pixels: plan.line_buffer_pixels(),
        kept: [
            rows.kept.first,
            cols.kept.first,
            rows.kept_size(),
            cols.kept_size(),
        ],
        stored: differences(whole).collect(),
        freed: freed.map(|(cycle, (_, count))| (cycle, *count)).collect(),
    }
}

fn issues(layer: &Layer, walk: &FrameWalk, steps: &Steps) -> Issues {
    let op = layer.operation();
    let (kept_rows, kept_cols) = (&walk.rows.kept, &walk.cols.kept);
    let pixel = |[row, col]: [u64; 2], frame: u64| {
        let (row, col) = (row - kept_rows.first, col - kept_cols.first);
        frame * walk.kept_pixels() + row * walk.cols.kept_size() + col
    };
    // The data gradient has the kernel as it is; in the others it is turned.
    let tap = |[row, col]: [u64; 2]| match layer.pass() {
        Pass::GradInput => row * op.cols.kernel + col,
        Pass::Forward | Pass::GradWeight => {
            (op.rows.kernel - 1 - row) * op.cols.kernel + op.cols.kernel - 1 - col
        }
    };
    let all = &steps.steps;
    Issues {
        cycle: differences(all.iter().map(|step| &step.cycle)).collect(),
        pixel: all
            .iter()
            .map(|step| pixel(step.moving, step.frame))
            .collect(),
        word: all.iter().map(|step| step.moving_block).collect(),
        tap: all.iter().map(|step| tap(step.tap)).collect(),
    }
}

fn results(steps: &Steps) -> Results {
    let mut results = Results::default();
    let mut begins = true;
    for step in &steps.steps {
        if begins {
            results.frame.push(step.frame);
            results.row.push(step.result[0]);
            results.col.push(step.result[1]);
            results.block.push(step.block);
            results.issues.push(0);
        }
        if let Some(issues) = results.issues.last_mut() {
            *issues += 1;
        }
        begins = step.last;
    }
    results
}

/// Each number less the one before.
fn differences<'a>(numbers: impl Iterator<Item = &'a u64> + 'a) -> impl Iterator<Item = u64> + 'a {
    let mut before = 0;
    numbers.map(move |&number| {
        let difference = number - before;
        before = number;
        difference
    })
}

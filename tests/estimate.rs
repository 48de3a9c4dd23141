//! Predicted multipliers and block RAMs against the reports of Yosys, and both against what the line buffer, the weights
//! and the output FIFO need: there are no others.

use std::path::Path;

use bpa_engine::layer::LayerFile;
use bpa_engine::plan::Plan;
use bpa_engine::synth::{estimate, synthesise, Board};
use bpa_sim::Cache;

/// A FIFO of 64 results with runs of zeros, each wide enough for some family's block RAMs. Line buffer: 52 words of
/// 32 bits. Weights: 64 of 128. Output FIFO: 64 results of 4 x 20 bits with their mark, 64 runs of 8 bits.
const DEEP: &str = "[layer]
    in_channels = 16
    out_channels = 16
    in_size = 33
    kernel = 2
    stride = 3
    [engine]
    simd = 4
    pe = 4";

/// Odd widths, two sets of weights. Line buffer: 28 words of 10 bits. Weights: 96 of 72. Output FIFO: 16 results of
/// 3 x 20 bits with their mark, 16 runs of 2 bits.
const ODD: &str = "[layer]
    in_channels = 6
    out_channels = 7
    in_size = 12
    kernel = [3, 2]
    stride = [2, 3]
    [engine]
    simd = 2
    pe = 3
    grad_type = \"int5\"
    weight_type = \"int12\"
    weight_sets = 2";

/// Line buffer: 6 words of 8 bits. Weights: one. Output FIFO: 16 results of 16 bits with their mark.
const TINY: &str = "[layer]
    in_channels = 1
    out_channels = 1
    in_size = 5
    kernel = 1";

/// Line buffer: 20 pixels of 16 words of 32 bits. Weights: 576 words of 128 bits.
const DEEPER: &str = "[layer]
    in_channels = 16
    out_channels = 64
    in_size = 33
    kernel = 3
    stride = 2
    [engine]
    simd = 4
    pe = 4";

/// Block RAMs by their use.
struct Blocks {
    line_buffer: u64,
    weights: u64,
    /// Results and runs.
    fifo: u64,
}

fn check(layer: &str, board: Board, blocks: &Blocks) {
    let file: LayerFile = toml::from_str(layer).unwrap();
    let plan = Plan::new(&file.validate().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools");
    let report = synthesise(&plan, board, 0, folder.path(), &Cache::new(tools)).unwrap();
    let predicted = estimate(&plan, board).unwrap();
    let (engine, limit) = (&report.engine, &report.bare_array);
    assert_eq!(
        (predicted.dsps, predicted.brams),
        (engine.dsps, engine.brams),
        "{:?}",
        engine.cells
    );
    assert_eq!(engine.dsps, plan.layer().multipliers());
    assert_eq!(limit.brams, blocks.line_buffer + blocks.weights);
    assert_eq!(engine.brams - limit.brams, blocks.fifo);
}

/// A block has 16 bits x 256 words; memories of up to 64 bits are of flip-flops.
#[test]
fn ice40_takes_what_is_predicted() {
    for (layer, line_buffer, weights, fifo) in
        [(DEEP, 2, 8, 6 + 1), (ODD, 1, 5, 4), (TINY, 0, 0, 2)]
    {
        let blocks = Blocks {
            line_buffer,
            weights,
            fifo,
        };
        check(layer, Board::Ice40Up5k, &blocks);
    }
}

/// A block has 36 bits x 512 words; LUTs hold up to 32 words.
#[test]
fn ecp5_takes_what_is_predicted() {
    let blocks = Blocks {
        line_buffer: 1,
        weights: 4,
        fifo: 3 + 1,
    };
    check(DEEP, Board::Ecp5_85k, &blocks);
}

/// The same blocks, at the same costs.
#[test]
fn gowin_takes_what_is_predicted() {
    let blocks = Blocks {
        line_buffer: 1,
        weights: 4,
        fifo: 3 + 1,
    };
    check(DEEP, Board::GowinGw2a, &blocks);
}

/// Here LUTs hold up to 64 words: the output FIFO is of them.
#[test]
fn xilinx7_takes_what_is_predicted() {
    let blocks = Blocks {
        line_buffer: 1,
        weights: 4,
        fifo: 0,
    };
    check(DEEP, Board::XilinxXc7, &blocks);
}

/// The same where memories are inferred, as all are here.
#[test]
fn ultrascale_takes_what_is_predicted() {
    let blocks = Blocks {
        line_buffer: 1,
        weights: 2 * 4,
        fifo: 0,
    };
    check(DEEPER, Board::XilinxXcup, &blocks);
}

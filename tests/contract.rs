//! A run notices each way in which an engine can break its contract. The engine here is written by hand, multiplies
//! by one weight, and is faulty on demand: the weight's value names the fault.

#[path = "shared/fst.rs"]
mod fst;

use std::sync::LazyLock;

use bpa_engine::layer::{Layer, LayerFile, PerItem};
use bpa_engine::plan::Plan;
use bpa_engine::reference::StageArrays;
use bpa_engine::run::{Arrays, Measured, RunError, Simulator, Traffic};
use bpa_engine::trace::Trace;
use bpa_sim::Cache;
use fst::Waves;
use ndarray::Array4;

const FRAMES: usize = 3;
const FRAME_BEATS: usize = 6;

const STUCK: i32 = -1;
const EXTRA: i32 = -2;
const LAST_MISSING: i32 = -3;
const LAST_EARLY: i32 = -4;
const UNSTABLE: i32 = -5;
const ERROR: i32 = -6;
const DONE_TWICE: i32 = -7;
const BUSY: i32 = -8;
const SKIPS_INPUT: i32 = -9;

fn layer() -> Layer {
    let mut file = LayerFile {
        name: "faulty".to_owned(),
        ..LayerFile::default()
    };
    file.layer.in_channels = Some(1);
    file.layer.out_channels = Some(1);
    file.layer.in_size = Some(PerItem([2, 3]));
    file.layer.kernel = Some(PerItem([1, 1]));
    file.validate().unwrap()
}

/// Takes a weight, then gives a result in the cycle after each gradient.
fn verilog(out_bits: usize) -> String {
    let high = out_bits - 1;
    let last_beat = FRAME_BEATS - 1;
    let all_beats = FRAMES * FRAME_BEATS;
    format!(
        "module faulty (
    input wire aclk, input wire aresetn,
    input wire s_axis_grad_output_tvalid, output wire s_axis_grad_output_tready,
    input wire [7:0] s_axis_grad_output_tdata,
    input wire s_axis_weight_tvalid, output wire s_axis_weight_tready,
    input wire [7:0] s_axis_weight_tdata,
    /* verilator lint_off UNUSED */
    input wire s_axis_grad_output_tlast, input wire s_axis_weight_tlast,
    /* verilator lint_on UNUSED */
    output wire m_axis_grad_input_tvalid, input wire m_axis_grad_input_tready,
    output wire [{high}:0] m_axis_grad_input_tdata, output wire m_axis_grad_input_tlast,
    output wire busy, output reg frame_done, output wire error, output wire [5:0] error_cause
);
    reg has_weight, valid, flicker, again;
    reg signed [7:0] weight;
    reg signed [{high}:0] result;
    reg [7:0] beat, taken, given;
    wire give = valid & m_axis_grad_input_tready;
    wire extra = weight == {EXTRA} && given == {all_beats};
    wire ends = beat == {last_beat};
    assign s_axis_weight_tready = aresetn & ~has_weight;
    assign s_axis_grad_output_tready = has_weight & (~valid | give)
        & ~(weight == {STUCK} && taken == 8) & ~(weight == {SKIPS_INPUT} && taken == {all_beats} - 1);
    wire take = s_axis_grad_output_tvalid & s_axis_grad_output_tready;
    wire invented = weight == {SKIPS_INPUT} && taken == {all_beats} - 1 && given == {all_beats} - 1;
    assign m_axis_grad_input_tvalid = valid | extra;
    assign m_axis_grad_input_tdata = weight == {UNSTABLE} ? result ^ {{ {{ {high} {{1'b0}} }}, flicker }} : result;
    assign m_axis_grad_input_tlast = (ends & weight != {LAST_MISSING}) | (weight == {LAST_EARLY} && beat == 2);
    assign error = weight == {ERROR} && taken != 0;
    assign error_cause = error ? 6'b010001 : 6'b0;
    assign busy = valid | (weight == {BUSY});
    always @(posedge aclk) begin
        flicker <= ~flicker;
        again <= aresetn & give & ends & weight == {DONE_TWICE};
        frame_done <= (aresetn & give & ends) | again;
        if (s_axis_weight_tvalid & s_axis_weight_tready) begin
            has_weight <= 1'b1;
            weight <= s_axis_weight_tdata;
        end
        if (take)
            result <= $signed(s_axis_grad_output_tdata) * weight;
        if (take) taken <= taken + 1;
        if (m_axis_grad_input_tvalid & m_axis_grad_input_tready) begin
            given <= given + 1;
            beat <= ends ? 0 : beat + 1;
        end
        valid <= take | invented | (valid & ~give);
        if (!aresetn) begin
            {{has_weight, valid, flicker}} <= 0;
            {{weight, beat, taken, given}} <= 0;
        end
    end
endmodule
"
    )
}

static PLAN: LazyLock<Plan> = LazyLock::new(|| Plan::new(&layer()));
static SIMULATOR: LazyLock<Simulator> = LazyLock::new(|| {
    let verilog = verilog(PLAN.lanes().out_bits());
    Simulator::build(&PLAN, &verilog, &cache()).unwrap()
});

fn cache() -> Cache {
    Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"))
}

fn arrays(weight: i32) -> Arrays {
    Arrays {
        moving: Array4::from_shape_fn((FRAMES, 1, 2, 3), |(n, _, p, q)| {
            (100 * n + 10 * p + q) as i32 / 2 - 60
        }),
        stationary: Array4::from_elem((1, 1, 1, 1), weight),
        stages: StageArrays::default(),
    }
}

fn run(weight: i32, traffic: &Traffic) -> Result<Measured, String> {
    let arrays = arrays(weight);
    let measured = SIMULATOR.run(&arrays, traffic, &mut |_| ());
    if let Ok(measured) = &measured {
        let expected = arrays.moving.mapv(|grad| i64::from(grad * weight));
        assert_eq!(measured.result, expected);
    }
    measured.map_err(|error| match error {
        RunError::Broken(broken) => broken.to_string(),
        RunError::Simulator(error) => panic!("{error}"),
    })
}

fn fault(weight: i32) -> String {
    let broken = run(weight, &Traffic::default()).unwrap_err();
    broken
        .strip_prefix("the engine broke its contract:\n  - ")
        .unwrap()
        .to_owned()
}

/// The first result leaves in the cycle after the first gradient, and then one comes in every cycle.
#[test]
fn a_faultless_run_is_measured_to_the_cycle() {
    let cycles = run(3, &Traffic::default()).unwrap().cycles;
    let beats = FRAME_BEATS as u64;
    assert_eq!(cycles.first_frame, beats + 1);
    assert_eq!(cycles.total, FRAMES as u64 * beats + 1);
    assert_eq!(cycles.per_frame_steady, Some(beats));
}

#[test]
fn a_faultless_run_stands_any_stalls() {
    let stalls = [0.0, 0.3, 0.9, 0.999];
    for (stall_input, stall_output) in stalls.iter().flat_map(|a| stalls.map(|b| (*a, b))) {
        let traffic = |seed| Traffic {
            stall_input,
            stall_output,
            seed,
        };
        let measured = run(-100, &traffic(1)).unwrap();
        assert_eq!(measured, run(-100, &traffic(1)).unwrap());
        if stall_input + stall_output > 0.0 {
            assert_ne!(measured.cycles, run(-100, &traffic(2)).unwrap().cycles);
        }
    }
}

#[test]
fn each_fault_is_named() {
    let stuck = fault(STUCK);
    assert!(
        stuck.starts_with("m_axis_grad_input is stuck: 8 of 18 beats after 20"),
        "{stuck}"
    );
    let skips = fault(SKIPS_INPUT);
    assert!(
        skips.starts_with("s_axis_grad_output is stuck: 17 of 18 beats after 20"),
        "{skips}"
    );
    insta::assert_snapshot!(fault(EXTRA), @"m_axis_grad_input went on after the last frame: in 512 cycles, 1 more");
    insta::assert_snapshot!(fault(LAST_MISSING), @"m_axis_grad_input_tlast is low on beat 5 of frame 0");
    insta::assert_snapshot!(fault(LAST_EARLY), @"m_axis_grad_input_tlast is high on beat 2 of frame 0");
    insta::assert_snapshot!(fault(ERROR), @"error went high though no tlast was misplaced; s_axis_grad_output_tlast came before the last beat of a frame; s_axis_weight_tlast was missing on the last beat of a set");
    insta::assert_snapshot!(fault(DONE_TWICE), @"frame_done was high in 6 cycles for 3 frames");
    insta::assert_snapshot!(fault(BUSY), @"busy stayed high after the last frame");
}

/// What somebody wants to see is the run that failed.
#[test]
fn a_broken_run_leaves_its_waveforms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stuck.fst");
    let trace = Trace {
        path: path.clone(),
        from: 0,
        cycles: 1000,
    };
    let verilog = verilog(PLAN.lanes().out_bits());
    let simulator = Simulator::traced(&PLAN, &verilog, &cache(), trace).unwrap();
    let ran = simulator.run(&arrays(STUCK), &Traffic::default(), &mut |_| ());
    assert!(matches!(ran, Err(RunError::Broken(_))));
    let waves = Waves::read(&path);
    assert_eq!(waves.header.end_time, 10_000);
    // It stands there with a beat that it does not take.
    let pin = |pin: &str| waves.high(&format!("TOP.faulty.s_axis_grad_output_{pin}"), 9_999);
    assert!(pin("tvalid") && !pin("tready"));
}

#[test]
fn a_beat_that_does_not_stay_while_it_waits_is_noticed() {
    let traffic = Traffic {
        stall_output: 0.5,
        ..Traffic::default()
    };
    let broken = run(UNSTABLE, &traffic).unwrap_err();
    assert!(broken.contains("broke a rule of AXI4-Stream"), "{broken}");
}

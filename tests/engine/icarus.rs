//! Promise: the Verilog means the same to another simulator, one that starts every register unknown: what Verilator
//! gives, Icarus gives, in as many cycles, and nothing unknown ever reaches an output.
//!
//! The testbench is plain Verilog, made here. Between beats it drives unknowns on `tdata` and `tlast`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use bpa_engine::emit;
use bpa_engine::interface::{out_bits, Streams};
use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_engine::vectors::{pack_grad_input, pack_grad_output, pack_weight, BeatFormat};

use crate::common::{arrays, exact_and_on_time, example, expected, layer, simulator};

const FRAMES: usize = 3;

/// A file for `$readmemh`: a beat a line, most significant digit first.
fn write_beats(path: &Path, beats: &[u8], format: BeatFormat) {
    let mut text = String::new();
    for beat in beats.chunks(format.beat_bytes()) {
        for byte in beat.iter().rev() {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    std::fs::write(path, text).unwrap();
}

/// The testbench of a plan's engine: every beat of the three files goes through, then what follows is watched.
fn testbench(plan: &Plan) -> String {
    let streams = Streams::new(plan);
    let top = plan.layer().name();
    let frames = FRAMES as u64;
    let source = |name: &str, port: &str, format: BeatFormat, sets: u64| {
        let high = 8 * format.beat_bytes() - 1;
        let (beats, of_frame) = (sets * format.beats, format.beats);
        format!(
            "
  // Beats of {name}: offered at random, unknown between.
  reg [{high}:0] {name}_beats [0:{beats} - 1];
  reg [{high}:0] {name}_tdata;
  reg {name}_tvalid, {name}_tlast;
  wire {name}_tready;
  integer {name}_next, {name}_first;
  always @(posedge aclk)
    if (aresetn && {name}_tvalid && {name}_tready === 1'b1) begin
      if ({name}_next == 0) {name}_first = cycle;
      {name}_next <= {name}_next + 1;
      {name}_tvalid <= #1 1'b0;
    end
  always @(negedge aclk)
    if (aresetn && !{name}_tvalid && {name}_next < {beats} && {port} && {{$random(seed)}} % 100 >= stall) begin
      {name}_tvalid <= 1'b1;
      {name}_tdata <= {name}_beats[{name}_next];
      {name}_tlast <= {name}_next % {of_frame} == {of_frame} - 1;
    end else if (!{name}_tvalid) begin
      {name}_tdata <= {{{width}{{1'bx}}}};
      {name}_tlast <= 1'bx;
    end
",
            width = high + 1,
        )
    };
    let out = streams.grad_input;
    let (out_high, out_beats, of_frame) = (8 * out.beat_bytes() - 1, frames * out.beats, out.beats);
    let set = streams.weight.beats;
    format!(
        "`timescale 1ns / 1ps
module testbench;
  reg aclk, aresetn;
  integer cycle, stall, back_pressure, seed;
  initial begin
    if (!$value$plusargs(\"stall=%d\", stall)) stall = 0;
    if (!$value$plusargs(\"back_pressure=%d\", back_pressure)) back_pressure = 0;
    if (!$value$plusargs(\"seed=%d\", seed)) seed = 1;
    $readmemh(\"grad.hex\", grad_beats);
    $readmemh(\"weight.hex\", weight_beats);
    $readmemh(\"result.hex\", result_beats);
    aclk = 0;
    aresetn = 1'bx;
    cycle = 0;
    grad_next = 0;
    weight_next = 0;
    grad_tvalid = 0;
    weight_tvalid = 0;
    m_tready = 0;
    results = 0;
    done = 0;
  end
  always #5 aclk = ~aclk;
  always @(posedge aclk) cycle <= cycle + 1;
  always @(negedge aclk) aresetn <= cycle >= 4;

  // In reset nothing is ready and nothing valid, from the first edge on that saw it.
  always @(negedge aclk)
    if (aresetn === 1'b0 && cycle > 2
        && {{grad_tready, weight_tready, m_tvalid, busy, frame_done, error, error_cause}} !== 12'd0)
      fail(\"not quiet in reset\");
{grad}{weight}
  // Results.
  reg [{out_high}:0] result_beats [0:{out_beats} - 1];
  reg m_tready;
  wire m_tvalid, m_tlast, busy, frame_done, error;
  wire [5:0] error_cause;
  wire [{out_high}:0] m_tdata;
  integer results, done, last;
  always @(negedge aclk) m_tready <= aresetn && {{$random(seed)}} % 100 >= back_pressure;
  always @(posedge aclk)
    if (aresetn && cycle > 5) begin
      if (^{{m_tvalid, grad_tready, weight_tready, busy, frame_done}} === 1'bx) fail(\"an unknown flag\");
      if ({{error, error_cause}} !== 7'd0) fail(\"error\");
      if (frame_done) done <= done + 1;
      if (m_tvalid && m_tready) begin
        if (results >= {out_beats}) fail(\"too many results\");
        if (m_tdata !== result_beats[results]) fail(\"a wrong value\");
        if (m_tlast !== (results % {of_frame} == {of_frame} - 1)) fail(\"a wrong tlast\");
        last = cycle;
        results <= results + 1;
      end
      if (cycle > 2000000) fail(\"stuck\");
    end
  task fail(input [40 * 8:1] what);
    begin
      $display(\"FAIL %0s in cycle %0d, result %0d\", what, cycle, results);
      $finish;
    end
  endtask

  // A while after the last result nothing more may have come.
  always @(posedge aclk)
    if (results == {out_beats} && cycle == last + 300) begin
      if (done != {FRAMES} || busy || grad_next != {grad_beats}) fail(\"the end\");
      $display(\"PASS %0d\", last - grad_first + 1);
      $finish;
    end

  {top} engine (
    .aclk(aclk),
    .aresetn(aresetn),
    .s_axis_grad_output_tvalid(grad_tvalid),
    .s_axis_grad_output_tready(grad_tready),
    .s_axis_grad_output_tdata(grad_tdata),
    .s_axis_grad_output_tlast(grad_tlast),
    .s_axis_weight_tvalid(weight_tvalid),
    .s_axis_weight_tready(weight_tready),
    .s_axis_weight_tdata(weight_tdata),
    .s_axis_weight_tlast(weight_tlast),
    .m_axis_grad_input_tvalid(m_tvalid),
    .m_axis_grad_input_tready(m_tready),
    .m_axis_grad_input_tdata(m_tdata),
    .m_axis_grad_input_tlast(m_tlast),
    .busy(busy),
    .frame_done(frame_done),
    .error(error),
    .error_cause(error_cause)
  );
endmodule
",
        // Without stalls the frames come after the weights, as cycles are counted.
        grad = source(
            "grad",
            &format!("(stall != 0 || weight_next == {set} && cycle > {set} + 40)"),
            streams.grad_output,
            frames
        ),
        weight = source("weight", "1'b1", streams.weight, 1),
        grad_beats = frames * streams.grad_output.beats,
    )
}

fn check(layer: &Layer) {
    let plan = Plan::new(layer);
    let seed = 11;
    let arrays = arrays(layer, FRAMES, seed);
    let expected = expected(layer, &arrays);
    let verilator = simulator(&plan);
    let measured = exact_and_on_time(&verilator, &plan, &arrays, &expected, seed)
        .unwrap_or_else(|fault| panic!("{}: {fault}", layer.name()));

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let streams = Streams::new(&plan);
    let mut grads = Vec::new();
    let mut results = Vec::new();
    for frame in arrays.grad_output.outer_iter() {
        grads.extend(pack_grad_output(layer, frame));
    }
    for frame in measured.grad_input.outer_iter() {
        // Padded lanes are zero here; the engine's are too, since it has zero weights for them.
        results.extend(pack_grad_input(layer, frame, out_bits(&plan)));
    }
    write_beats(&path("grad.hex"), &grads, streams.grad_output);
    write_beats(
        &path("weight.hex"),
        &pack_weight(layer, &arrays.weight),
        streams.weight,
    );
    write_beats(&path("result.hex"), &results, streams.grad_input);
    std::fs::write(path("engine.v"), emit::verilog(&plan)).unwrap();
    std::fs::write(path("testbench.v"), testbench(&plan)).unwrap();

    let run = |command: &mut Command| {
        let output = command.current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{}: {said}", layer.name());
        said
    };
    let files = ["testbench.v", "engine.v"];
    run(Command::new("iverilog")
        .args(["-g2005", "-o", "run.vvp"])
        .args(files));
    let vvp = |stall: u32, back_pressure: u32, seed: u32| {
        let said = run(Command::new("vvp").args([
            "-n",
            "run.vvp",
            &format!("+stall={stall}"),
            &format!("+back_pressure={back_pressure}"),
            &format!("+seed={seed}"),
        ]));
        let cycles = said.lines().find_map(|line| line.strip_prefix("PASS "));
        let cycles = cycles.unwrap_or_else(|| panic!("{} with {stall}: {said}", layer.name()));
        cycles.parse::<u64>().unwrap()
    };
    assert_eq!(
        vvp(0, 0, 1),
        measured.cycles.total,
        "{}: cycles",
        layer.name()
    );
    for (stall, back_pressure, seed) in [(30, 0, 2), (0, 30, 3), (50, 50, 4), (5, 80, 5)] {
        vvp(stall, back_pressure, seed);
    }
}

#[test]
fn dense_layers_give_what_verilator_gives() {
    check(&example("strided"));
    check(&example("strided_dilated"));
}

#[test]
fn grouped_and_depthwise_layers_give_what_verilator_gives() {
    check(&example("grouped"));
    check(&example("depthwise"));
}

/// Pixels without taps at the beginning, inside and at the end of a frame, dropped pixels, two sets of weights, odd
/// widths.
#[test]
fn an_irregular_layer_gives_what_verilator_gives() {
    check(&layer(
        "name = \"irregular_icarus\"
        [layer]
        in_channels = 3
        out_channels = 3
        in_size = [8, 11]
        kernel = [2, 2]
        stride = [4, 3]
        dilation = [2, 1]
        padding = [1, 0, 0, 2]
        [engine]
        simd = 3
        pe = 2
        grad_type = \"int5\"
        weight_type = \"int7\"
        weight_sets = 2",
    ));
}

/// No tap reaches any pixel: all results are zero, known zeros, whatever the weights are.
#[test]
fn a_layer_without_taps_gives_what_verilator_gives() {
    check(&layer(
        "name = \"unreached\"
        [layer]
        in_channels = 2
        out_channels = 2
        in_size = [3, 4]
        kernel = 1
        padding = [4, 0, 0, 0]
        out_size = [2, 3]",
    ));
}

//! A testbench in plain Verilog that sends vectors through an engine, or through a netlist of it, and compares.
//!
//! It runs in Icarus, where every register starts unknown. Between beats it drives unknowns on `tdata` and `tlast`, and
//! nothing unknown may ever reach an output.

use std::fmt::Write as _;
use std::path::Path;

use bpa_engine::interface::{self, out_bits, Streams};
use bpa_engine::plan::Plan;
use bpa_engine::run::{frame_beats, stationary_set, Arrays};
use bpa_engine::vectors::{pack_result, BeatFormat};
use ndarray::Array4;
use tempfile::TempDir;

use crate::icarus_tool;

/// Frames that a testbench sends.
pub const FRAMES: usize = 3;

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

/// What the testbench calls the streams beside the results, and their ports.
fn sides(plan: &Plan) -> Vec<(&'static str, &'static str, BeatFormat)> {
    let inputs = Streams::new(plan).inputs().into_iter().skip(2);
    let sides = inputs.map(|(port, format)| match port {
        interface::ACCUMULATE => ("accumulate", port, format),
        _ => ("mask", port, format),
    });
    sides.collect()
}

/// The testbench of a plan's engine: every beat of the files goes through, then what follows is watched.
fn testbench(plan: &Plan, rounding_seed: u32, saturations: u64) -> String {
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
    let out = streams.result;
    let (out_high, out_beats, of_frame) = (8 * out.beat_bytes() - 1, frames * out.beats, out.beats);
    let set = streams.stationary.beats;
    let causes = interface::causes(plan).len();
    let each_side = |line: &dyn Fn(&str, &str, BeatFormat) -> String| -> String {
        let sides = sides(plan).into_iter();
        sides
            .map(|(name, port, format)| line(name, port, format))
            .collect()
    };
    let mut pins = String::new();
    if !interface::settings(plan).is_empty() {
        let _ = writeln!(
            pins,
            "    .rounding_seed(aresetn ? 31'bx : 31'd{rounding_seed}),"
        );
    }
    if plan.layer().requantise().is_some() {
        pins += "    .saturations(saturations),\n";
    }
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
{side_files}    aclk = 0;
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
        && ({{grad_tready, weight_tready, m_tvalid, busy, frame_done, error}} !== 6'd0 || error_cause !== 0{side_ready}))
      fail(\"not quiet in reset\");
{grad}{weight}{side_sources}
  // Results.
  reg [{out_high}:0] result_beats [0:{out_beats} - 1];
  reg m_tready;
  wire m_tvalid, m_tlast, busy, frame_done, error;
  wire [{causes} - 1:0] error_cause;
  wire [31:0] saturations;
  wire [{out_high}:0] m_tdata;
  integer results, done, last;
  always @(negedge aclk) m_tready <= aresetn && {{$random(seed)}} % 100 >= back_pressure;
  always @(posedge aclk)
    if (aresetn && cycle > 5) begin
      if (^{{m_tvalid, grad_tready, weight_tready, busy, frame_done}} === 1'bx) fail(\"an unknown flag\");
      if (error !== 1'b0 || error_cause !== 0) fail(\"error\");
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
      if ({counts} && saturations !== {saturations}) fail(\"the count of saturations\");
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
{side_ports}{pins}    .m_axis_grad_input_tvalid(m_tvalid),
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
            streams.moving,
            frames
        ),
        weight = source("weight", "1'b1", streams.stationary, 1),
        side_sources = each_side(&|name, _, format| source(name, "1'b1", format, frames)),
        side_files = each_side(&|name, _, _| format!(
            "    $readmemh(\"{name}.hex\", {name}_beats);\n    {name}_next = 0;\n    {name}_tvalid = 0;\n"
        )),
        side_ready = each_side(&|name, _, _| format!(" || {name}_tready !== 1'b0")),
        side_ports = each_side(&|name, port, _| {
            ["tvalid", "tready", "tdata", "tlast"]
                .map(|pin| format!("    .{port}_{pin}({name}_{pin}),\n"))
                .concat()
        }),
        counts = u8::from(plan.layer().requantise().is_some()),
        grad_beats = frames * streams.moving.beats,
    )
}

/// A folder with the testbench of a plan's engine and its vectors.
pub struct VectorBench {
    folder: TempDir,
    name: String,
}

impl VectorBench {
    /// The testbench that sends `arrays` and expects `grad_input`, and so many values to be counted as saturated.
    pub fn new(plan: &Plan, arrays: &Arrays, grad_input: &Array4<i64>, saturations: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let layer = plan.layer();
        let streams = Streams::new(plan);
        let batch = |port: &str| -> Vec<u8> {
            let frames = (0..FRAMES).flat_map(|n| frame_beats(plan, arrays, port, n));
            frames.collect()
        };
        let grads = batch(interface::GRAD_OUTPUT);
        let mut results = Vec::new();
        for frame in grad_input.outer_iter() {
            // Padded lanes are zero here; the engine's are too, since it has zero weights for them.
            results.extend(pack_result(layer, frame, out_bits(plan)));
        }
        let weights = stationary_set(plan, arrays);
        write_beats(&path("grad.hex"), &grads, streams.moving);
        write_beats(&path("weight.hex"), &weights, streams.stationary);
        write_beats(&path("result.hex"), &results, streams.result);
        for (name, port, format) in sides(plan) {
            write_beats(&path(&format!("{name}.hex")), &batch(port), format);
        }
        let text = testbench(plan, arrays.stages.rounding_seed, saturations);
        std::fs::write(path("testbench.v"), text).unwrap();
        VectorBench {
            folder,
            name: layer.name().to_owned(),
        }
    }

    /// Takes the Verilog of the engine, which is of this generation of the language, as Icarus names it.
    pub fn load(&self, verilog: &str, generation: &str) {
        std::fs::write(self.folder.path().join("engine.v"), verilog).unwrap();
        icarus_tool::compile(self.folder.path(), generation, &["testbench.v", "engine.v"]);
    }

    /// Runs with these stalls: the percentages of cycles in which the testbench offers no beat and takes none, and a
    /// seed for the choice. The cycles from the first beat to the last result.
    pub fn run(&self, [stall, back_pressure, seed]: [u32; 3]) -> u64 {
        let words = [
            format!("+stall={stall}"),
            format!("+back_pressure={back_pressure}"),
            format!("+seed={seed}"),
        ];
        let said = icarus_tool::simulate(self.folder.path(), &words.each_ref().map(String::as_str));
        let cycles = said.lines().find_map(|line| line.strip_prefix("PASS "));
        let cycles = cycles.unwrap_or_else(|| panic!("{} with {words:?}: {said}", self.name));
        cycles.parse().unwrap()
    }
}

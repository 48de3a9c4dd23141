// @TOP@_tb: sends the beats of the .hex files beside it through @TOP@, and compares what comes out.
//
// Plain Verilog-2005 for any simulator, to be run in the folder of the .hex files:
//
//   $ iverilog -g2005 -o @TOP@_tb.vvp @TOP@_tb.v @TOP@.v
//   $ vvp -n @TOP@_tb.vvp +stall=30 +back_pressure=30 +seed=2
//
//   $ verilator --binary --timing -Wno-fatal --top-module @TOP@_tb @TOP@_tb.v @TOP@.v
//   $ obj_dir/V@TOP@_tb
//
// +stall=P and +back_pressure=P are percentages: of the cycles in which an input that is free offers no beat, and of
// those in which no result is taken. Both are 0 by default; then the cycles are checked as well. +seed=N chooses other
// cycles. The last line says PASS, or FAIL and why. Between beats the inputs are unknown.
`timescale 1ns / 1ps

module @TOP@_tb;
  reg aclk;
  reg aresetn;
  integer cycle;
  integer idle;  // cycles since a beat moved on any stream
  integer stall;
  integer back_pressure;
  integer seed;
  reg over;

  initial begin
    if (!$value$plusargs("stall=%d", stall)) stall = 0;
    if (!$value$plusargs("back_pressure=%d", back_pressure)) back_pressure = 0;
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    aclk = 1'b0;
    aresetn = 1'bx;
    cycle = 0;
    idle = 0;
    over = 1'b0;
  end
  always #5 aclk = ~aclk;
  always @(posedge aclk) cycle <= cycle + 1;
  always @(negedge aclk) aresetn <= cycle >= 4;

  task fail(input [8 * 40:1] what);
    begin
      if (!over) $display("FAIL: %0s, in cycle %0d, after %0d results", what, cycle, @RESULT@_next);
      over = 1'b1;
      $finish;
    end
  endtask

@PINS@
@SOURCES@
  // @RESULT@: @FRAMES@ frames of @RESULT_BEATS@ beats are expected.
  reg [@RESULT_HIGH@:0] @RESULT@_beats [0:@RESULT_LAST@];
  wire @RESULT@_tvalid;
  reg @RESULT@_tready;
  wire [@RESULT_HIGH@:0] @RESULT@_tdata;
  wire @RESULT@_tlast;
  integer @RESULT@_next;
  integer @RESULT@_seed;
  reg waits;  // a result was there and was not taken
  reg [@RESULT_HIGH@:0] waiting_tdata;
  reg waiting_tlast;
  integer frames_done;
  integer first;  // the cycle of the first beat of @MOVING@
  integer last;   // the cycle of the latest result
  initial begin
    $readmemh("@RESULT_FILE@", @RESULT@_beats);
    @RESULT@_tready = 1'b0;
    @RESULT@_next = 0;
    @RESULT@_seed = seed;
    waits = 1'b0;
    frames_done = 0;
    first = 0;
    last = 0;
  end
  always @(negedge aclk) @RESULT@_tready <= aresetn && {$random(@RESULT@_seed)} % 100 >= back_pressure;

  // In reset, from the first edge on that saw it, nothing is ready or valid.
  always @(negedge aclk)
    if (aresetn === 1'b0 && cycle > 2 && {@QUIET@} !== @QUIET_BITS@'d0) fail("not quiet in reset");

  always @(posedge aclk)
    if (aresetn && cycle > 5) begin
      if (^{@FLAGS@} === 1'bx) fail("an unknown flag");
      if (error !== 1'b0 || |error_cause !== 1'b0) fail("an error is reported");
      if (frame_done) frames_done <= frames_done + 1;
      if (waits && (!@RESULT@_tvalid || @RESULT@_tdata !== waiting_tdata || @RESULT@_tlast !== waiting_tlast))
        fail("a result changed while it waited");
      waits <= @RESULT@_tvalid && !@RESULT@_tready;
      waiting_tdata <= @RESULT@_tdata;
      waiting_tlast <= @RESULT@_tlast;
      if (@RESULT@_tvalid && @RESULT@_tready) begin
        if (@RESULT@_next == @RESULT_ALL@) fail("too many results");
        else if (@RESULT@_tdata !== @RESULT@_beats[@RESULT@_next]) fail("a wrong value");
        if (@RESULT@_tlast !== (@RESULT@_next % @RESULT_BEATS@ == @RESULT_BEATS@ - 1)) fail("a wrong tlast");
        last <= cycle;
        @RESULT@_next <= @RESULT@_next + 1;
      end
      if (@MOVING@_next == 0 && @MOVING@_tvalid && @MOVING@_tready) first <= cycle;
      idle <= @MOVES@ ? 0 : idle + 1;
      if (idle > @CYCLES@ + 10000) fail("stuck");
    end

  // A while after the last result nothing more may have come.
  always @(posedge aclk)
    if (@RESULT@_next == @RESULT_ALL@ && cycle == last + 512 && !over) begin
      if (frames_done != @FRAMES@) fail("frame_done was not there once a frame");
      if (busy !== 1'b0) fail("still busy");
      if (@ALL_TAKEN@) fail("a beat was not taken");
@SATURATIONS@      if (stall == 0 && back_pressure == 0 && last - first + 1 != @CYCLES@) fail("other cycles than predicted");
      if (!over) $display("PASS: %0d results, %0d cycles", @RESULT@_next, last - first + 1);
      over = 1'b1;
      $finish;
    end

  @TOP@ engine (
@BINDINGS@
  );
endmodule

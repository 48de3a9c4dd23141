// MULT9X9 and MULT18X18, the multipliers of Gowin GW2A: behavioural models of what this project uses of them.
//
// Written for these tests as we understand what is described in
// Gowin UG287, "Gowin Digital Signal Processing (DSP) User Guide"; they
// are not Gowin's. Modelled: both operands signed and from the fabric; registers of operands, pipeline and output, each
// in use where its parameter is 1 and bypassed where it is 0, with the clock enable CE. Registers are unknown until
// first clocked. All else is refused: reset, registers of the signs, the shift chains, whose outputs are unknown.
module MULT18X18 #(
  parameter AREG = 1'b0,
  parameter BREG = 1'b0,
  parameter PIPE_REG = 1'b0,
  parameter OUT_REG = 1'b0,
  parameter ASIGN_REG = 1'b0,
  parameter BSIGN_REG = 1'b0,
  parameter SOA_REG = 1'b0,
  parameter MULT_RESET_MODE = "SYNC"
) (
  input CLK, CE, RESET, ASIGN, BSIGN, ASEL, BSEL,
  input [17:0] A, B, SIA, SIB,
  output [17:0] SOA, SOB,
  output [35:0] DOUT
);
  gowin_mult #(
    .WIDTH(18), .AREG(AREG), .BREG(BREG), .PIPE_REG(PIPE_REG), .OUT_REG(OUT_REG),
    .REFUSED(ASIGN_REG || BSIGN_REG || SOA_REG || MULT_RESET_MODE != "SYNC")
  ) cell_18 (CLK, CE, {RESET, ASEL, BSEL, SIA, SIB}, {ASIGN, BSIGN}, A, B, DOUT);
  assign {SOA, SOB} = 36'bx;
endmodule

module MULT9X9 #(
  parameter AREG = 1'b0,
  parameter BREG = 1'b0,
  parameter PIPE_REG = 1'b0,
  parameter OUT_REG = 1'b0,
  parameter ASIGN_REG = 1'b0,
  parameter BSIGN_REG = 1'b0,
  parameter SOA_REG = 1'b0,
  parameter MULT_RESET_MODE = "SYNC"
) (
  input CLK, CE, RESET, ASIGN, BSIGN, ASEL, BSEL,
  input [8:0] A, B, SIA, SIB,
  output [8:0] SOA, SOB,
  output [17:0] DOUT
);
  gowin_mult #(
    .WIDTH(9), .AREG(AREG), .BREG(BREG), .PIPE_REG(PIPE_REG), .OUT_REG(OUT_REG),
    .REFUSED(ASIGN_REG || BSIGN_REG || SOA_REG || MULT_RESET_MODE != "SYNC")
  ) cell_9 (CLK, CE, {RESET, ASEL, BSEL, SIA, SIB}, {ASIGN, BSIGN}, A, B, DOUT);
  assign {SOA, SOB} = 18'bx;
endmodule

// What both are.
module gowin_mult #(
  parameter WIDTH = 18,
  parameter AREG = 0,
  parameter BREG = 0,
  parameter PIPE_REG = 0,
  parameter OUT_REG = 0,
  parameter REFUSED = 0
) (
  input clk, ce,
  input [2 + 2 * WIDTH:0] unused,
  input [1:0] signs,
  input signed [WIDTH-1:0] a, b,
  output [2*WIDTH-1:0] dout
);
  reg signed [WIDTH-1:0] a_register, b_register;
  reg signed [2*WIDTH-1:0] pipeline_register, output_register;
  wire signed [WIDTH-1:0] a_used = AREG ? a_register : a;
  wire signed [WIDTH-1:0] b_used = BREG ? b_register : b;
  wire signed [2*WIDTH-1:0] multiplied = a_used * b_used;
  wire signed [2*WIDTH-1:0] piped = PIPE_REG ? pipeline_register : multiplied;
  assign dout = OUT_REG ? output_register : piped;

  always @(posedge clk)
    if (ce) begin
      a_register <= a;
      b_register <= b;
      pipeline_register <= multiplied;
      output_register <= piped;
    end else if (ce !== 1'b0) $fatal(1, "MULT: CE is unknown");

  initial if (REFUSED) $fatal(1, "MULT: a parameter that is not modelled");

  always @(posedge clk)
    if (signs !== 2'b11 || unused !== 0) $fatal(1, "MULT: a use that is not modelled");
endmodule

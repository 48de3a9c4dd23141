// MULT18X18D, the multiplier of Lattice ECP5: a behavioural model of what this project uses of it.
//
// Written for these tests as we understand what is described in
// Lattice FPGA-TN-02205, "ECP5 and ECP5-5G sysDSP Usage Guide"; it
// is not Lattice's. Modelled: 18 x 18 bits, both operands signed and from the fabric; registers of operands, pipeline
// and output, each in use where its REG_.._CLK is "CLK0" and bypassed where it is "NONE", with the clock enable CE0.
// Registers are unknown until first clocked. All else is refused: resets, other clocks, the pre-adder's operand C,
// the shift chains. Pins of those that are not declared here cannot be connected.
module MULT18X18D (
  input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6,
    A5, A4, A3, A2, A1, A0,
  input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6,
    B5, B4, B3, B2, B1, B0,
  input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6,
    C5, C4, C3, C2, C1, C0,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  input CLK0, CLK1, CLK2, CLK3, CE0, CE1, CE2, CE3, RST0, RST1, RST2, RST3,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24,
    P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12,
    P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_PIPELINE_CLK = "NONE";
  parameter REG_OUTPUT_CLK = "NONE";
  parameter GSR = "ENABLED";

  wire signed [17:0] a = {
    A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6,
    A5, A4, A3, A2, A1, A0
  };
  wire signed [17:0] b = {
    B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6,
    B5, B4, B3, B2, B1, B0
  };
  wire [17:0] c = {
    C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6,
    C5, C4, C3, C2, C1, C0
  };

  reg signed [17:0] a_register, b_register;
  reg signed [35:0] pipeline_register, output_register;
  wire signed [17:0] a_used = REG_INPUTA_CLK == "CLK0" ? a_register : a;
  wire signed [17:0] b_used = REG_INPUTB_CLK == "CLK0" ? b_register : b;
  wire signed [35:0] multiplied = a_used * b_used;
  wire signed [35:0] piped = REG_PIPELINE_CLK == "CLK0" ? pipeline_register : multiplied;

  assign {
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24,
    P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12,
    P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
  } = REG_OUTPUT_CLK == "CLK0" ? output_register : piped;

  always @(posedge CLK0)
    if (CE0) begin
      a_register <= a;
      b_register <= b;
      pipeline_register <= multiplied;
      output_register <= piped;
    end else if (CE0 !== 1'b0) $fatal(1, "MULT18X18D: CE0 is unknown");

  function modelled(input [8 * 4:1] register_clock);
    modelled = register_clock == "CLK0" || register_clock == "NONE";
  endfunction

  initial
    if (!modelled(REG_INPUTA_CLK) || !modelled(REG_INPUTB_CLK) || !modelled(REG_PIPELINE_CLK)
        || !modelled(REG_OUTPUT_CLK) || GSR != "DISABLED")
      $fatal(1, "MULT18X18D: a parameter that is not modelled");

  always @(posedge CLK0)
    if ({SIGNEDA, SIGNEDB, SOURCEA, SOURCEB} !== 4'b1100 || c !== 18'd0
        || {CLK1, CLK2, CLK3, RST0, RST1, RST2, RST3} !== 7'd0)
      $fatal(1, "MULT18X18D: a use that is not modelled");
endmodule

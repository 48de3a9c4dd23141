// SDPB and SDPX9B, the block RAM of Gowin GW2A as a semi-dual port: behavioural models of what this project uses of it.
//
// Written for these tests as we understand what is described in
// Gowin UG285, "Gowin BSRAM & SSRAM User Guide"; they are not Gowin's.
// Modelled: port A writes where CEA is high, port B reads, both of one width and on one clock. SDPB has 1 to 32 bits,
// SDPX9B 9, 18 or 36. The address stands at the top of the fourteen pins; where a word has more than one byte, the
// lowest pins of ADA enable them. A word that is written and read at the same edge is read as unknown, words never
// written are unknown, and so is all after a write of which it is not known where or whether it is. READ_MODE 1 delays
// what is read by one cycle, with the clock enable OCE. All else is refused: resets, block selects, initial values.
module SDPB #(
  parameter READ_MODE = 1'b0,
  parameter BIT_WIDTH_0 = 32,
  parameter BIT_WIDTH_1 = 32,
  parameter BLK_SEL_0 = 3'b000,
  parameter BLK_SEL_1 = 3'b000,
  parameter RESET_MODE = "SYNC"
) (
  input CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE,
  input [2:0] BLKSELA, BLKSELB,
  input [13:0] ADA, ADB,
  input [31:0] DI,
  output [31:0] DO
);
  wire [35:0] read_data;
  assign DO = read_data[31:0];
  gowin_sdp #(
    .WIDTH(BIT_WIDTH_0), .BYTE(8), .READ_MODE(READ_MODE),
    .REFUSED(BIT_WIDTH_1 != BIT_WIDTH_0 || BLK_SEL_0 != 0 || BLK_SEL_1 != 0 || RESET_MODE != "SYNC")
  ) block (CLKA, CLKB, CEA, CEB, OCE, {RESETA, RESETB, BLKSELA, BLKSELB}, ADA, ADB, {4'bx, DI}, read_data);
endmodule

module SDPX9B #(
  parameter READ_MODE = 1'b0,
  parameter BIT_WIDTH_0 = 36,
  parameter BIT_WIDTH_1 = 36,
  parameter BLK_SEL_0 = 3'b000,
  parameter BLK_SEL_1 = 3'b000,
  parameter RESET_MODE = "SYNC"
) (
  input CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE,
  input [2:0] BLKSELA, BLKSELB,
  input [13:0] ADA, ADB,
  input [35:0] DI,
  output [35:0] DO
);
  gowin_sdp #(
    .WIDTH(BIT_WIDTH_0), .BYTE(9), .READ_MODE(READ_MODE),
    .REFUSED(BIT_WIDTH_1 != BIT_WIDTH_0 || BLK_SEL_0 != 0 || BLK_SEL_1 != 0 || RESET_MODE != "SYNC")
  ) block (CLKA, CLKB, CEA, CEB, OCE, {RESETA, RESETB, BLKSELA, BLKSELB}, ADA, ADB, DI, DO);
endmodule

// What both are.
module gowin_sdp #(
  parameter WIDTH = 36,
  parameter BYTE = 9,
  parameter READ_MODE = 0,
  parameter REFUSED = 0
) (
  input clka, clkb, cea, ceb, oce,
  input [7:0] unused,
  input [13:0] ada, adb,
  input [35:0] di,
  output [35:0] read_data
);
  localparam LANES = (WIDTH + BYTE - 1) / BYTE;
  localparam ADDRESS_LOW = LANES == 4 ? 5 : LANES == 2 ? 4 : WIDTH >= 8 ? 3 : WIDTH == 4 ? 2 : WIDTH == 2 ? 1 : 0;
  localparam WORDS = 1 << (14 - ADDRESS_LOW);

  wire [13:0] write_address = ada >> ADDRESS_LOW;
  wire [13:0] read_address = adb >> ADDRESS_LOW;
  wire [3:0] enables = LANES == 4 ? ada[3:0] : LANES == 2 ? {2'b00, ada[1:0]} : 4'b1111;
  reg [WIDTH-1:0] words [0:WORDS-1];
  reg [WIDTH-1:0] read, read_register;
  wire [WIDTH-1:0] out = READ_MODE ? read_register : read;
  // Bits above the word are unknown.
  assign read_data = {36'bx, out};

  integer index;
  always @(posedge clka)
    if (cea === 1'b1 && ^{write_address, enables} !== 1'bx) begin
      for (index = 0; index < WIDTH; index = index + 1)
        if (enables[index / BYTE]) words[write_address][index] <= di[index];
    end else if (cea !== 1'b0)
      for (index = 0; index < WORDS; index = index + 1) words[index] <= {WIDTH{1'bx}};

  always @(posedge clkb) begin
    if (ceb) read <= cea !== 1'b0 && write_address == read_address ? {WIDTH{1'bx}} : words[read_address];
    if (oce) read_register <= read;
  end

  initial
    if (REFUSED
        || BYTE == 8 && WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 8 && WIDTH != 16 && WIDTH != 32
        || BYTE == 9 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36)
      $fatal(1, "SDPB: a parameter that is not modelled");

  always @(posedge clka)
    if (clkb !== 1'b1 || unused !== 8'd0) $fatal(1, "SDPB: a use that is not modelled");
endmodule

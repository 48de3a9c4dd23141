// DP16KD, the block RAM of Lattice ECP5: a behavioural model of what this project uses of it.
//
// Written for these tests as we understand what is described in
// Lattice FPGA-TN-02204, "ECP5 and ECP5-5G Memory Usage Guide"; it is
// not Lattice's. Modelled: port A writes, port B reads, both of one width and on one clock, in two forms.
//
// 1 to 18 bits, as a true dual port RAM: the word is written where CEA and WEA are high, and is read at DOB. At 18
// bits ADA0 and ADA1 enable its halves.
//
// 36 bits, which the guide describes as the primitive PDPW16KD and place and route puts on the same block: CEW is
// CEA, BE is ADA3 to ADA0, DI is DIB above DIA, and what went in at DIA is read at DOA, at DIB at DOB (the halves of
// the primitive's DO are exchanged). PDPW16KD has no write enable, and so WEA has to be high.
//
// The address stands at the top of the fourteen pins. A word that is written and read at the same edge is read as
// unknown; words never written are unknown, and so is all after a write of which it is not known where or whether it is.
// REGMODE_B "OUTREG" delays what is read by one cycle, with its clock enable OCEB. All else is refused: resets, chip
// selects, writes at port B, initial values.
module DP16KD (
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6,
    DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
    ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6,
    DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6,
    DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
    ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6,
    DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter GSR = "ENABLED";

  localparam WIDTH = DATA_WIDTH_A;
  localparam ADDRESS_LOW = WIDTH == 36 ? 5 : WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH == 4 ? 2 : WIDTH == 2 ? 1 : 0;
  localparam WORDS = 1 << (14 - ADDRESS_LOW);

  wire [35:0] written = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6,
    DIB5, DIB4, DIB3, DIB2, DIB1, DIB0, DIA17, DIA16, DIA15, DIA14, DIA13, DIA12,
    DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
  };
  wire [13:0] pins_a = {
    ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
    ADA1, ADA0
  };
  wire [13:0] pins_b = {
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
    ADB1, ADB0
  };
  wire [13:0] address_a = pins_a >> ADDRESS_LOW;
  wire [13:0] address_b = pins_b >> ADDRESS_LOW;
  wire write = CEA & WEA;
  wire [3:0] enables = WIDTH == 36 ? pins_a[3:0] : WIDTH == 18 ? {2'b00, pins_a[1:0]} : 4'b1111;

  reg [WIDTH-1:0] words [0:WORDS-1];
  reg [WIDTH-1:0] read, read_register;
  wire [WIDTH-1:0] out_word = REGMODE_B == "OUTREG" ? read_register : read;
  // Bits above the word are unknown.
  wire [35:0] out = {36'bx, out_word};
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6,
    DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
  } =
    WIDTH == 36 ? out[35:18] : out[17:0];
  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6,
    DOA5, DOA4, DOA3, DOA2, DOA1, DOA0
  } =
    WIDTH == 36 ? out[17:0] : 18'bx;

  integer index;
  always @(posedge CLKA)
    if (write === 1'b1 && ^{address_a, enables} !== 1'bx) begin
      for (index = 0; index < WIDTH; index = index + 1)
        if (enables[index / 9]) words[address_a][index] <= written[index];
    end
// There are no unknown values in Verilator.
`ifndef VERILATOR
    else if (write !== 1'b0)
      for (index = 0; index < WORDS; index = index + 1) words[index] <= {WIDTH{1'bx}};
`endif

  always @(posedge CLKB) begin
    if (CEB) read <= write !== 1'b0 && address_a == address_b ? {WIDTH{1'bx}} : words[address_b];
    if (OCEB) read_register <= read;
  end

  initial begin
    if (DATA_WIDTH_B != DATA_WIDTH_A
        || WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36)
      $fatal(1, "DP16KD: a width that is not modelled");
    if (REGMODE_B != "OUTREG" && REGMODE_B != "NOREG" || WIDTH == 36 && REGMODE_A != REGMODE_B
        || RESETMODE != "SYNC" || CSDECODE_A != "0b000" || CSDECODE_B != "0b000" || GSR != "DISABLED")
      $fatal(1, "DP16KD: a parameter that is not modelled");
  end

  always @(posedge CLKA)
    if (CLKB !== 1'b1 || {RSTA, CSA2, CSA1, CSA0, WEB, RSTB, CSB2, CSB1, CSB0} !== 9'd0
        || WIDTH == 36 && WEA !== 1'b1)
      $fatal(1, "DP16KD: a use that is not modelled");
endmodule

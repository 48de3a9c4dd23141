// RAMB18E1, the block RAM of 18 kbit of AMD 7 series: a behavioural model of what this project uses of it.
//
// Written for these tests as we understand what is described in
// AMD UG473, "7 Series FPGAs Memory Resources"; it is not AMD's.
// Modelled: port A reads, port B writes, both of one width and on one clock, in two forms.
//
// RAM_MODE "TDP", 1 to 18 bits: written from DIBDI and DIPBDIP under WEBWE[1:0], read at DOADO and DOPADOP.
//
// RAM_MODE "SDP", 36 bits: DIADI and DIPADIP are the lower half of what is written, DIBDI and DIPBDIP the upper one,
// likewise for what is read; WEBWE enables the four bytes.
//
// The address stands at the top of the fourteen pins. A word that is written and read at the same edge is read as it
// was before, which the guide promises for WRITE_MODE "READ_FIRST" on one clock; words never written are unknown (in
// the device they are the INIT values), and so is all after a write of which it is not known where or whether it is.
// DOA_REG 1 delays what is read by one cycle, with the clock enable REGCEAREGCE. All else is refused:
// resets, writes at port A, reads at port B, initial values.
module RAMB18E1 (
  input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
  input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
  input [13:0] ADDRARDADDR, ADDRBWRADDR,
  input [15:0] DIADI, DIBDI,
  input [1:0] DIPADIP, DIPBDIP,
  input [1:0] WEA,
  input [3:0] WEBWE,
  output [15:0] DOADO, DOBDO,
  output [1:0] DOPADOP, DOPBDOP
);
  parameter RAM_MODE = "TDP";
  parameter READ_WIDTH_A = 0;
  parameter READ_WIDTH_B = 0;
  parameter WRITE_WIDTH_A = 0;
  parameter WRITE_WIDTH_B = 0;
  parameter DOA_REG = 0;
  parameter DOB_REG = 0;
  parameter WRITE_MODE_A = "WRITE_FIRST";
  parameter WRITE_MODE_B = "WRITE_FIRST";
  parameter RDADDR_COLLISION_HWCONFIG = "DELAYED_WRITE";
  parameter SIM_DEVICE = "VIRTEX6";

  localparam WIDTH = WRITE_WIDTH_B;
  localparam SDP = RAM_MODE == "SDP";
  localparam ADDRESS_LOW = WIDTH == 36 ? 5 : WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH == 4 ? 2 : WIDTH == 2 ? 1 : 0;
  localparam WORDS = 1 << (14 - ADDRESS_LOW);

  wire [13:0] read_address = ADDRARDADDR >> ADDRESS_LOW;
  wire [13:0] write_address = ADDRBWRADDR >> ADDRESS_LOW;
  // Four bytes, and beside them their parity bits.
  wire [31:0] bytes = SDP ? {DIBDI, DIADI} : {16'd0, DIBDI};
  wire [3:0] parities = SDP ? {DIPBDIP, DIPADIP} : {2'd0, DIPBDIP};
  reg [31:0] byte_words [0:WORDS-1];
  reg [3:0] parity_words [0:WORDS-1];
  reg [31:0] read_bytes, byte_register;
  reg [3:0] read_parities, parity_register;

  // What a narrow port does not have is unknown.
  localparam BYTE_BITS = WIDTH == 36 ? 32 : WIDTH == 18 ? 16 : WIDTH == 9 ? 8 : WIDTH;
  localparam PARITY_BITS = WIDTH == 36 ? 4 : WIDTH == 18 ? 2 : WIDTH == 9 ? 1 : 0;
  wire [31:0] no_byte = {32{1'bx}} << BYTE_BITS;
  wire [3:0] no_parity = {4{1'bx}} << PARITY_BITS;
  wire [31:0] out_bytes = (DOA_REG == 1 ? byte_register : read_bytes) ^ no_byte;
  wire [3:0] out_parities = (DOA_REG == 1 ? parity_register : read_parities) ^ no_parity;
  assign DOADO = out_bytes[15:0];
  assign DOPADOP = out_parities[1:0];
  assign DOBDO = SDP ? out_bytes[31:16] : 16'bx;
  assign DOPBDOP = SDP ? out_parities[3:2] : 2'bx;

  integer lane;
  always @(posedge CLKBWRCLK)
    if (ENBWREN === 1'b0 || WEBWE === 4'd0) begin
      // No write.
    end else if (ENBWREN !== 1'b1 || ^{WEBWE, write_address} === 1'bx) begin
      for (lane = 0; lane < WORDS; lane = lane + 1) begin
        byte_words[lane] <= 32'bx;
        parity_words[lane] <= 4'bx;
      end
    end else
      for (lane = 0; lane < 4; lane = lane + 1)
        if (WEBWE[lane] && (SDP || lane < 2)) begin
          byte_words[write_address][8 * lane +: 8] <= bytes[8 * lane +: 8];
          parity_words[write_address][lane] <= parities[lane];
        end

  always @(posedge CLKARDCLK) begin
    if (ENARDEN) begin
      read_bytes <= byte_words[read_address];
      read_parities <= parity_words[read_address];
    end
    if (REGCEAREGCE) begin
      byte_register <= read_bytes;
      parity_register <= read_parities;
    end
  end

  initial begin
    if (READ_WIDTH_A != WIDTH || READ_WIDTH_B != 0 || WRITE_WIDTH_A != 0
        || !(SDP ? WIDTH == 36 : WIDTH == 1 || WIDTH == 2 || WIDTH == 4 || WIDTH == 9 || WIDTH == 18))
      $fatal(1, "RAMB18E1: a width that is not modelled");
    if (!SDP && RAM_MODE != "TDP" || DOA_REG != 0 && DOA_REG != 1 || SDP && DOB_REG != DOA_REG
        || WRITE_MODE_A != "READ_FIRST" || WRITE_MODE_B != "READ_FIRST"
        || RDADDR_COLLISION_HWCONFIG != "DELAYED_WRITE" || SIM_DEVICE != "7SERIES")
      $fatal(1, "RAMB18E1: a parameter that is not modelled");
  end

  always @(posedge CLKBWRCLK)
    if (CLKARDCLK !== 1'b1 || {RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, WEA} !== 6'd0
        || WIDTH <= 9 && WEBWE[0] !== WEBWE[1])
      $fatal(1, "RAMB18E1: a use that is not modelled");
endmodule

// What the system has beside processor and engine.
`default_nettype none

// Sends bytes: a start bit, eight bits, a stop bit.
module uart_tx #(
  parameter integer CYCLES = 8
) (
  input  wire       clk,
  input  wire       resetn,
  input  wire       valid,
  output wire       ready,
  input  wire [7:0] data,
  output wire       line
);
  reg [9:0]  bits;
  reg [3:0]  left;
  reg [15:0] cycles;

  assign ready = left == 4'd0;
  assign line  = bits[0];

  always @(posedge clk) begin
    if (ready) begin
      if (valid) begin
        bits   <= {1'b1, data, 1'b0};
        left   <= 4'd10;
        cycles <= CYCLES - 1;
      end
    end else if (cycles != 16'd0) begin
      cycles <= cycles - 16'd1;
    end else begin
      cycles <= CYCLES - 1;
      bits   <= {1'b1, bits[9:1]};
      left   <= left - 4'd1;
    end
    if (~resetn) begin
      bits <= 10'h3ff;
      left <= 4'd0;
    end
  end
endmodule

// From a request that stays until `ready` to a transfer of AXI4-Lite. Address and data stay as well and go past it.
module lite_bridge (
  input  wire        clk,
  input  wire        resetn,
  input  wire        valid,
  input  wire        is_write,
  output reg         ready,
  output reg  [31:0] rdata,
  output reg         awvalid,
  input  wire        awready,
  output reg         wvalid,
  input  wire        wready,
  input  wire        bvalid,
  output wire        bready,
  output reg         arvalid,
  input  wire        arready,
  input  wire        rvalid,
  output wire        rready,
  input  wire [31:0] bus_rdata
);
  reg is_open;

  assign bready = 1'b1;
  assign rready = 1'b1;

  always @(posedge clk) begin
    ready <= is_open & (bvalid | rvalid);
    rdata <= bus_rdata;
    if (awready) awvalid <= 1'b0;
    if (wready) wvalid <= 1'b0;
    if (arready) arvalid <= 1'b0;
    if (is_open & (bvalid | rvalid)) is_open <= 1'b0;
    if (valid & ~is_open & ~ready) begin
      is_open <= 1'b1;
      awvalid <= is_write;
      wvalid  <= is_write;
      arvalid <= ~is_write;
    end
    if (~resetn) begin
      is_open <= 1'b0;
      ready   <= 1'b0;
      awvalid <= 1'b0;
      wvalid  <= 1'b0;
      arvalid <= 1'b0;
    end
  end
endmodule

// An AXI4 slave for INCR bursts of whole words before one port of a RAM: a word a cycle, read or written. Where both
// are wanted they take turns.
module axi_memory #(
  parameter integer WORDS_LOG2 = 14
) (
  input  wire                  clk,
  input  wire                  resetn,
  input  wire                  arvalid,
  output wire                  arready,
  input  wire [1:0]            arid,
  input  wire [31:0]           araddr,
  input  wire [7:0]            arlen,
  output wire                  rvalid,
  input  wire                  rready,
  output wire [1:0]            rid,
  output wire [63:0]           rdata,
  output wire                  rlast,
  input  wire                  awvalid,
  output wire                  awready,
  input  wire [31:0]           awaddr,
  input  wire                  wvalid,
  output wire                  wready,
  input  wire [63:0]           wdata,
  input  wire [7:0]            wstrb,
  input  wire                  wlast,
  output wire                  bvalid,
  input  wire                  bready,
  output wire                  ram_enable,
  output wire [WORDS_LOG2-1:0] ram_addr,
  output wire [7:0]            ram_wstrb,
  output wire [63:0]           ram_wdata,
  input  wire [63:0]           ram_rdata
);
  // The burst that is read, and the one that is written.
  reg                  reads, writes, answers;
  reg [WORDS_LOG2-1:0] read_at, write_at;
  reg [7:0]            read_left;
  reg [1:0]            read_id;
  // The word that the RAM gives in this cycle. The engine takes it: its rready is high but in reset.
  reg                  gives;
  reg [1:0]            gives_id;
  reg                  gives_last;
  reg                  turn;

  wire can_write = writes & wvalid & ~answers;
  wire is_write  = can_write & (~reads | turn);
  wire is_read   = reads & ~is_write;
  // The next burst follows without a gap.
  wire ends_read = is_read & read_left == 8'd0;

  assign arready    = ~reads | ends_read;
  assign awready    = ~writes & ~answers;
  assign wready     = is_write;
  assign bvalid     = answers;
  assign rvalid     = gives;
  assign rid        = gives_id;
  assign rdata      = ram_rdata;
  assign rlast      = gives_last;
  assign ram_enable = is_read | is_write;
  assign ram_addr   = is_write ? write_at : read_at;
  assign ram_wstrb  = {8{is_write}} & wstrb;
  assign ram_wdata  = wdata;

  always @(posedge clk) begin
    turn       <= is_read;
    gives      <= is_read;
    gives_id   <= read_id;
    gives_last <= read_left == 8'd0;
    if (is_read) begin
      read_at   <= read_at + 1'b1;
      read_left <= read_left - 8'd1;
    end
    if (arready) begin
      reads     <= arvalid;
      read_at   <= araddr[WORDS_LOG2+2:3];
      read_left <= arlen;
      read_id   <= arid;
    end
    if (is_write) begin
      write_at <= write_at + 1'b1;
      if (wlast) begin
        writes  <= 1'b0;
        answers <= 1'b1;
      end
    end
    if (awready) begin
      writes   <= awvalid;
      write_at <= awaddr[WORDS_LOG2+2:3];
    end
    if (answers & bready) answers <= 1'b0;
    if (~resetn) begin
      reads   <= 1'b0;
      writes  <= 1'b0;
      answers <= 1'b0;
      gives   <= 1'b0;
      turn    <= 1'b0;
    end
  end
endmodule

// A RAM of two ports, a memory for each byte of a word. It begins with the program: image0.hex to image7.hex, in
// the folder of the tool that reads this.
module shared_ram #(
  parameter integer WORDS_LOG2 = 14
) (
  input  wire                  clk,
  input  wire                  enable_a,
  input  wire [WORDS_LOG2-1:0] addr_a,
  input  wire [7:0]            wstrb_a,
  input  wire [63:0]           wdata_a,
  output wire [63:0]           rdata_a,
  input  wire                  enable_b,
  input  wire [WORDS_LOG2-1:0] addr_b,
  input  wire [7:0]            wstrb_b,
  input  wire [63:0]           wdata_b,
  output wire [63:0]           rdata_b
);
  byte_ram #(.WORDS_LOG2(WORDS_LOG2), .IMAGE("image0.hex")) byte0 (
    .clk(clk), .enable_a(enable_a), .addr_a(addr_a), .write_a(wstrb_a[0]), .wdata_a(wdata_a[7:0]),
    .rdata_a(rdata_a[7:0]), .enable_b(enable_b), .addr_b(addr_b), .write_b(wstrb_b[0]), .wdata_b(wdata_b[7:0]),
    .rdata_b(rdata_b[7:0]));
  byte_ram #(.WORDS_LOG2(WORDS_LOG2), .IMAGE("image1.hex")) byte1 (
    .clk(clk), .enable_a(enable_a), .addr_a(addr_a), .write_a(wstrb_a[1]), .wdata_a(wdata_a[15:8]),
    .rdata_a(rdata_a[15:8]), .enable_b(enable_b), .addr_b(addr_b), .write_b(wstrb_b[1]), .wdata_b(wdata_b[15:8]),
    .rdata_b(rdata_b[15:8]));
  byte_ram #(.WORDS_LOG2(WORDS_LOG2), .IMAGE("image2.hex")) byte2 (
    .clk(clk), .enable_a(enable_a), .addr_a(addr_a), .write_a(wstrb_a[2]), .wdata_a(wdata_a[23:16]),
    .rdata_a(rdata_a[23:16]), .enable_b(enable_b), .addr_b(addr_b), .write_b(wstrb_b[2]), .wdata_b(wdata_b[23:16]),
    .rdata_b(rdata_b[23:16]));
  byte_ram #(.WORDS_LOG2(WORDS_LOG2), .IMAGE("image3.hex")) byte3 (
    .clk(clk), .enable_a(enable_a), .addr_a(addr_a), .write_a(wstrb_a[3]), .wdata_a(wdata_a[31:24]),
    .rdata_a(rdata_a[31:24]), .enable_b(enable_b), .addr_b(addr_b), .write_b(wstrb_b[3]), .wdata_b(wdata_b[31:24]),
    .rdata_b(rdata_b[31:24]));
  byte_ram #(.WORDS_LOG2(WORDS_LOG2), .IMAGE("image4.hex")) byte4 (
    .clk(clk), .enable_a(enable_a), .addr_a(addr_a), .write_a(wstrb_a[4]), .wdata_a(wdata_a[39:32]),
    .rdata_a(rdata_a[39:32]), .enable_b(enable_b), .addr_b(addr_b), .write_b(wstrb_b[4]), .wdata_b(wdata_b[39:32]),
    .rdata_b(rdata_b[39:32]));
  byte_ram #(.WORDS_LOG2(WORDS_LOG2), .IMAGE("image5.hex")) byte5 (
    .clk(clk), .enable_a(enable_a), .addr_a(addr_a), .write_a(wstrb_a[5]), .wdata_a(wdata_a[47:40]),
    .rdata_a(rdata_a[47:40]), .enable_b(enable_b), .addr_b(addr_b), .write_b(wstrb_b[5]), .wdata_b(wdata_b[47:40]),
    .rdata_b(rdata_b[47:40]));
  byte_ram #(.WORDS_LOG2(WORDS_LOG2), .IMAGE("image6.hex")) byte6 (
    .clk(clk), .enable_a(enable_a), .addr_a(addr_a), .write_a(wstrb_a[6]), .wdata_a(wdata_a[55:48]),
    .rdata_a(rdata_a[55:48]), .enable_b(enable_b), .addr_b(addr_b), .write_b(wstrb_b[6]), .wdata_b(wdata_b[55:48]),
    .rdata_b(rdata_b[55:48]));
  byte_ram #(.WORDS_LOG2(WORDS_LOG2), .IMAGE("image7.hex")) byte7 (
    .clk(clk), .enable_a(enable_a), .addr_a(addr_a), .write_a(wstrb_a[7]), .wdata_a(wdata_a[63:56]),
    .rdata_a(rdata_a[63:56]), .enable_b(enable_b), .addr_b(addr_b), .write_b(wstrb_b[7]), .wdata_b(wdata_b[63:56]),
    .rdata_b(rdata_b[63:56]));
endmodule

module byte_ram #(
  parameter integer WORDS_LOG2 = 14,
  parameter         IMAGE      = ""
) (
  input  wire                  clk,
  input  wire                  enable_a,
  input  wire [WORDS_LOG2-1:0] addr_a,
  input  wire                  write_a,
  input  wire [7:0]            wdata_a,
  output reg  [7:0]            rdata_a,
  input  wire                  enable_b,
  input  wire [WORDS_LOG2-1:0] addr_b,
  input  wire                  write_b,
  input  wire [7:0]            wdata_b,
  output reg  [7:0]            rdata_b
);
  // What a port reads in the cycle in which the other one writes it is not used.
  (* no_rw_check *)
  reg [7:0] bytes [0:(1 << WORDS_LOG2)-1];

  initial $readmemh(IMAGE, bytes);

  // A port that writes gives nothing that is used.
  always @(posedge clk)
    if (enable_a) begin
      if (write_a) bytes[addr_a] <= wdata_a;
      else rdata_a <= bytes[addr_a];
    end

  always @(posedge clk)
    if (enable_b) begin
      if (write_b) bytes[addr_b] <= wdata_b;
      else rdata_b <= bytes[addr_b];
    end
endmodule

`default_nettype wire

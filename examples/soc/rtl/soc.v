// A system around an engine with a memory bus: PicoRV32, RAM that both share, a UART, a timer, the engine's interrupt.
//
//   0x00000000  RAM, of 64-bit words; the engine sees it at the same addresses
//   0x40000000  registers of the engine
//   0x80000000  +0 UART: write a byte; read: 1 if there is room for one
//               +4 LEDs, of which the highest says that the program has ended
//               +8 timer: cycles since reset   +12 interrupt when it gets here
`default_nettype none

module soc #(
  parameter integer RAM_WORDS_LOG2 = 14,
  parameter integer UART_CYCLES    = 8    // of a bit
) (
  input  wire       clk,
  input  wire       resetn,
  output wire       uart_tx,
  output reg  [7:0] leds,
  output wire       trap
);
  // Interrupts, by their bit.
  localparam integer IRQ_ENGINE = 3;
  localparam integer IRQ_TIMER  = 4;

  // Processor.
  wire        mem_valid;
  wire        mem_ready;
  wire [31:0] mem_addr;
  wire [31:0] mem_wdata;
  wire [3:0]  mem_wstrb;
  wire [31:0] mem_rdata;
  wire        engine_irq;
  wire        timer_irq;
  wire [31:0] irq;

  assign irq = ({31'b0, engine_irq} << IRQ_ENGINE) | ({31'b0, timer_irq} << IRQ_TIMER);

  picorv32 #(
    .ENABLE_COUNTERS(0),
    .ENABLE_COUNTERS64(0),
    .BARREL_SHIFTER(1),
    .ENABLE_FAST_MUL(1),
    .ENABLE_DIV(1),
    .ENABLE_IRQ(1),
    .ENABLE_IRQ_QREGS(0),
    .ENABLE_IRQ_TIMER(0),
    .LATCHED_IRQ(32'h0000_0000),
    .CATCH_MISALIGN(1),
    .CATCH_ILLINSN(1)
  ) processor (
    .clk(clk),
    .resetn(resetn),
    .trap(trap),
    .mem_valid(mem_valid),
    .mem_instr(),
    .mem_ready(mem_ready),
    .mem_addr(mem_addr),
    .mem_wdata(mem_wdata),
    .mem_wstrb(mem_wstrb),
    .mem_rdata(mem_rdata),
    .mem_la_read(),
    .mem_la_write(),
    .mem_la_addr(),
    .mem_la_wdata(),
    .mem_la_wstrb(),
    .pcpi_valid(),
    .pcpi_insn(),
    .pcpi_rs1(),
    .pcpi_rs2(),
    .pcpi_wr(1'b0),
    .pcpi_rd(32'b0),
    .pcpi_wait(1'b0),
    .pcpi_ready(1'b0),
    .irq(irq),
    .eoi(),
    .trace_valid(),
    .trace_data()
  );

  // Who is meant. Every slave answers once, a cycle or more after the request.
  wire selects_ram    = mem_addr[31:30] == 2'b00;
  wire selects_engine = mem_addr[31:30] == 2'b01;
  wire selects_rest   = mem_addr[31];

  reg  ram_ready;
  reg  rest_ready;
  wire engine_ready;
  wire [31:0] ram_rdata;
  wire [31:0] engine_rdata;
  reg  [31:0] rest_rdata;

  assign mem_ready = ram_ready | rest_ready | engine_ready;
  assign mem_rdata = ram_ready ? ram_rdata : engine_ready ? engine_rdata : rest_rdata;

  always @(posedge clk)
    ram_ready <= resetn & mem_valid & selects_ram & ~mem_ready;

  // UART, LEDs and timer.
  reg  [31:0] now;
  reg  [31:0] alarm;
  wire        uart_ready;
  wire        writes_rest = mem_valid & selects_rest & ~mem_ready & (|mem_wstrb);
  reg         is_late;

  assign timer_irq = is_late;

  always @(posedge clk) begin
    rest_ready <= resetn & mem_valid & selects_rest & ~mem_ready;
    case (mem_addr[3:2])
      2'd0: rest_rdata <= {31'b0, uart_ready};
      2'd1: rest_rdata <= {24'b0, leds};
      2'd2: rest_rdata <= now;
      2'd3: rest_rdata <= alarm;
    endcase
    if (writes_rest & mem_addr[3:2] == 2'd1) leds <= mem_wdata[7:0];
    if (writes_rest & mem_addr[3:2] == 2'd3) alarm <= mem_wdata;
    // It stays until it is set anew.
    if (now == alarm) is_late <= 1'b1;
    if (writes_rest & mem_addr[3:2] == 2'd3) is_late <= 1'b0;
    now <= now + 32'd1;
    if (~resetn) begin
      leds    <= 8'd0;
      now     <= 32'd0;
      alarm   <= 32'hffff_ffff;
      is_late <= 1'b0;
    end
  end

  uart_tx #(.CYCLES(UART_CYCLES)) serial (
    .clk(clk),
    .resetn(resetn),
    .valid(writes_rest & mem_addr[3:2] == 2'd0),
    .ready(uart_ready),
    .data(mem_wdata[7:0]),
    .line(uart_tx)
  );

  // The registers of the engine.
  wire        s_awvalid, s_awready, s_wvalid, s_wready, s_bvalid, s_bready;
  wire        s_arvalid, s_arready, s_rvalid, s_rready;
  wire [31:0] s_rdata;

  lite_bridge bridge (
    .clk(clk),
    .resetn(resetn),
    .valid(mem_valid & selects_engine & ~mem_ready),
    .is_write(|mem_wstrb),
    .ready(engine_ready),
    .rdata(engine_rdata),
    .awvalid(s_awvalid),
    .awready(s_awready),
    .wvalid(s_wvalid),
    .wready(s_wready),
    .bvalid(s_bvalid),
    .bready(s_bready),
    .arvalid(s_arvalid),
    .arready(s_arready),
    .rvalid(s_rvalid),
    .rready(s_rready),
    .bus_rdata(s_rdata)
  );

  // The engine, with the RAM behind its bus.
  wire        arvalid, arready, rvalid, rready, rlast;
  wire        awvalid, awready, wvalid, wready, wlast, bvalid, bready;
  wire [1:0]  arid, rid, awid;
  wire [31:0] araddr, awaddr;
  wire [7:0]  arlen, awlen;
  wire [63:0] rdata, wdata;
  wire [7:0]  wstrb;

  `SOC_ENGINE engine (
    .aclk(clk),
    .aresetn(resetn),
    .busy(),
    .frame_done(),
    .error(),
    .error_cause(),
    .s_axi_awvalid(s_awvalid),
    .s_axi_awready(s_awready),
    .s_axi_awaddr(mem_addr[`SOC_ADDRESS_BITS-1:0]),
    .s_axi_awprot(3'b0),
    .s_axi_wvalid(s_wvalid),
    .s_axi_wready(s_wready),
    .s_axi_wdata(mem_wdata),
    .s_axi_wstrb(mem_wstrb),
    .s_axi_bvalid(s_bvalid),
    .s_axi_bready(s_bready),
    .s_axi_bresp(),
    .s_axi_arvalid(s_arvalid),
    .s_axi_arready(s_arready),
    .s_axi_araddr(mem_addr[`SOC_ADDRESS_BITS-1:0]),
    .s_axi_arprot(3'b0),
    .s_axi_rvalid(s_rvalid),
    .s_axi_rready(s_rready),
    .s_axi_rdata(s_rdata),
    .s_axi_rresp(),
    .irq(engine_irq),
    .m_axi_arvalid(arvalid),
    .m_axi_arready(arready),
    .m_axi_arid(arid),
    .m_axi_araddr(araddr),
    .m_axi_arlen(arlen),
    .m_axi_arsize(),
    .m_axi_arburst(),
    .m_axi_arcache(),
    .m_axi_arprot(),
    .m_axi_rvalid(rvalid),
    .m_axi_rready(rready),
    .m_axi_rid(rid),
    .m_axi_rdata(rdata),
    .m_axi_rresp(2'b0),
    .m_axi_rlast(rlast),
    .m_axi_awvalid(awvalid),
    .m_axi_awready(awready),
    .m_axi_awid(awid),
    .m_axi_awaddr(awaddr),
    .m_axi_awlen(awlen),
    .m_axi_awsize(),
    .m_axi_awburst(),
    .m_axi_awcache(),
    .m_axi_awprot(),
    .m_axi_wvalid(wvalid),
    .m_axi_wready(wready),
    .m_axi_wdata(wdata),
    .m_axi_wstrb(wstrb),
    .m_axi_wlast(wlast),
    .m_axi_bvalid(bvalid),
    .m_axi_bready(bready),
    .m_axi_bid(awid),
    .m_axi_bresp(2'b0)
  );

  wire                      ram_enable;
  wire [RAM_WORDS_LOG2-1:0] ram_addr;
  wire [7:0]                ram_wstrb;
  wire [63:0]               ram_wdata;
  wire [63:0]               ram_word;

  axi_memory #(.WORDS_LOG2(RAM_WORDS_LOG2)) memory (
    .clk(clk),
    .resetn(resetn),
    .arvalid(arvalid),
    .arready(arready),
    .arid(arid),
    .araddr(araddr),
    .arlen(arlen),
    .rvalid(rvalid),
    .rready(rready),
    .rid(rid),
    .rdata(rdata),
    .rlast(rlast),
    .awvalid(awvalid),
    .awready(awready),
    .awaddr(awaddr),
    .wvalid(wvalid),
    .wready(wready),
    .wdata(wdata),
    .wstrb(wstrb),
    .wlast(wlast),
    .bvalid(bvalid),
    .bready(bready),
    .ram_enable(ram_enable),
    .ram_addr(ram_addr),
    .ram_wstrb(ram_wstrb),
    .ram_wdata(ram_wdata),
    .ram_rdata(ram_word)
  );

  // The processor takes half a word.
  wire [63:0] processor_word;
  reg         is_upper;

  always @(posedge clk) is_upper <= mem_addr[2];
  assign ram_rdata = is_upper ? processor_word[63:32] : processor_word[31:0];

  wire ram_selected = mem_valid & selects_ram & ~mem_ready;

  shared_ram #(.WORDS_LOG2(RAM_WORDS_LOG2)) ram (
    .clk(clk),
    .enable_a(ram_selected),
    .addr_a(mem_addr[RAM_WORDS_LOG2+2:3]),
    .wstrb_a({8{ram_selected}} & (mem_addr[2] ? {mem_wstrb, 4'b0} : {4'b0, mem_wstrb})),
    .wdata_a({2{mem_wdata}}),
    .rdata_a(processor_word),
    .enable_b(ram_enable),
    .addr_b(ram_addr),
    .wstrb_b(ram_wstrb),
    .wdata_b(ram_wdata),
    .rdata_b(ram_word)
  );
endmodule

`default_nettype wire

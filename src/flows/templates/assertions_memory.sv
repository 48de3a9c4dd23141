
  // The memory bus, AXI4.
  @BUS@_ar_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_arvalid && !@BUS@_arready |=> @BUS@_arvalid && $stable({@BUS@_araddr, @BUS@_arlen, @BUS@_arid})
  ) else $error("@BUS@: the engine changed or took back a read address");
  @BUS@_aw_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_awvalid && !@BUS@_awready |=> @BUS@_awvalid && $stable({@BUS@_awaddr, @BUS@_awlen, @BUS@_awid})
  ) else $error("@BUS@: the engine changed or took back a write address");
  @BUS@_w_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_wvalid && !@BUS@_wready |=> @BUS@_wvalid && $stable({@BUS@_wdata, @BUS@_wstrb, @BUS@_wlast})
  ) else $error("@BUS@: the engine changed or took back a word of a write");
  @BUS@_r_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_rvalid && !@BUS@_rready |=> @BUS@_rvalid && $stable({@BUS@_rdata, @BUS@_rresp, @BUS@_rid, @BUS@_rlast})
  ) else $error("@BUS@: the memory changed or took back a word of a read");
  @BUS@_b_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_bvalid && !@BUS@_bready |=> @BUS@_bvalid && $stable({@BUS@_bresp, @BUS@_bid})
  ) else $error("@BUS@: the memory changed or took back a response");
  @BUS@_quiet_in_reset: assert property (
    disable iff (!begun) !aresetn |=> !@BUS@_arvalid && !@BUS@_awvalid && !@BUS@_wvalid
  ) else $error("@BUS@: the engine asks in reset");

  // Whole words, in bursts that do not cross 4 KiB.
  localparam logic [12:0] @BUS@_WORD = 13'($bits(@BUS@_wdata) / 8);
  @BUS@_ar_burst: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_arvalid |-> @BUS@_arburst == 2'd1 && 13'd1 << @BUS@_arsize == @BUS@_WORD
      && {1'b0, @BUS@_araddr[11:0]} % @BUS@_WORD == 0
      && 32'(@BUS@_araddr[11:0]) + (32'(@BUS@_arlen) + 1) * 32'(@BUS@_WORD) <= 4096
  ) else $error("@BUS@: the engine reads a burst that is not of whole words, or crosses 4 KiB");
  @BUS@_aw_burst: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_awvalid |-> @BUS@_awburst == 2'd1 && 13'd1 << @BUS@_awsize == @BUS@_WORD
      && {1'b0, @BUS@_awaddr[11:0]} % @BUS@_WORD == 0
      && 32'(@BUS@_awaddr[11:0]) + (32'(@BUS@_awlen) + 1) * 32'(@BUS@_WORD) <= 4096
  ) else $error("@BUS@: the engine writes a burst that is not of whole words, or crosses 4 KiB");

  // Bursts that were asked for and are not over.
  logic [31:0] @BUS@_reads = '0;
  logic [31:0] @BUS@_writes = '0;
  logic [31:0] @BUS@_last_words = '0;
  always_ff @(posedge aclk)
    if (!aresetn) begin
      @BUS@_reads <= '0;
      @BUS@_writes <= '0;
      @BUS@_last_words <= '0;
    end else begin
      @BUS@_reads <= @BUS@_reads + 32'(@BUS@_arvalid && @BUS@_arready)
        - 32'(@BUS@_rvalid && @BUS@_rready && @BUS@_rlast);
      @BUS@_writes <= @BUS@_writes + 32'(@BUS@_awvalid && @BUS@_awready) - 32'(@BUS@_bvalid && @BUS@_bready);
      @BUS@_last_words <= @BUS@_last_words + 32'(@BUS@_wvalid && @BUS@_wready && @BUS@_wlast)
        - 32'(@BUS@_bvalid && @BUS@_bready);
    end
  @BUS@_r_was_asked: assert property (disable iff (!aresetn || !begun) @BUS@_rvalid |-> @BUS@_reads != 0)
    else $error("@BUS@: the memory gives a word that nobody asked for");
  @BUS@_b_was_asked: assert property (
    disable iff (!aresetn || !begun) @BUS@_bvalid |-> @BUS@_writes != 0 && @BUS@_last_words != 0
  ) else $error("@BUS@: the memory answers a write that is not whole");


  // The register bus, AXI4-Lite.
  @BUS@_aw_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_awvalid && !@BUS@_awready |=> @BUS@_awvalid && $stable(@BUS@_awaddr)
  ) else $error("@BUS@: the surroundings changed or took back a write address");
  @BUS@_w_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_wvalid && !@BUS@_wready |=> @BUS@_wvalid && $stable(@BUS@_wdata) && $stable(@BUS@_wstrb)
  ) else $error("@BUS@: the surroundings changed or took back data of a write");
  @BUS@_ar_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_arvalid && !@BUS@_arready |=> @BUS@_arvalid && $stable(@BUS@_araddr)
  ) else $error("@BUS@: the surroundings changed or took back a read address");
  @BUS@_b_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_bvalid && !@BUS@_bready |=> @BUS@_bvalid && $stable(@BUS@_bresp)
  ) else $error("@BUS@: the engine changed or took back a response to a write");
  @BUS@_r_stays: assert property (
    disable iff (!aresetn || !begun)
    @BUS@_rvalid && !@BUS@_rready |=> @BUS@_rvalid && $stable(@BUS@_rdata) && $stable(@BUS@_rresp)
  ) else $error("@BUS@: the engine changed or took back an answer to a read");
  @BUS@_quiet_in_reset: assert property (disable iff (!begun) !aresetn |=> !@BUS@_bvalid && !@BUS@_rvalid)
    else $error("@BUS@: a response in reset");

  // Requests that were taken and are not answered.
  logic [31:0] @BUS@_addresses = '0;
  logic [31:0] @BUS@_data = '0;
  logic [31:0] @BUS@_reads = '0;
  always_ff @(posedge aclk)
    if (!aresetn) begin
      @BUS@_addresses <= '0;
      @BUS@_data <= '0;
      @BUS@_reads <= '0;
    end else begin
      @BUS@_addresses <= @BUS@_addresses + 32'(@BUS@_awvalid && @BUS@_awready) - 32'(@BUS@_bvalid && @BUS@_bready);
      @BUS@_data <= @BUS@_data + 32'(@BUS@_wvalid && @BUS@_wready) - 32'(@BUS@_bvalid && @BUS@_bready);
      @BUS@_reads <= @BUS@_reads + 32'(@BUS@_arvalid && @BUS@_arready) - 32'(@BUS@_rvalid && @BUS@_rready);
    end
  @BUS@_b_was_asked: assert property (
    disable iff (!aresetn || !begun) @BUS@_bvalid |-> @BUS@_addresses != 0 && @BUS@_data != 0
  ) else $error("@BUS@: the engine answered a write that nobody asked for");
  @BUS@_r_was_asked: assert property (
    disable iff (!aresetn || !begun) @BUS@_rvalid |-> @BUS@_reads != 0
  ) else $error("@BUS@: the engine answered a read that nobody asked for");

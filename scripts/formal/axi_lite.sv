// The rules of AXI4-Lite for the slave that the generator emits, for yosys-smtbmc.
//
// The master is free: it may do anything, against the rules too. So is the bank of registers behind
// the slave. Reset may come at any time. DUT is the slave's module, ADDRESS_BITS those of a byte
// address.
//
// A cycle is judged by what stands before its edge: a beat moves where valid and ready are high.
module axi_lite_rules (
  input wire        aclk,
  input wire        aresetn,
  input wire        awvalid,
  input wire [`ADDRESS_BITS-1:0] awaddr,
  input wire [2:0]  awprot,
  input wire        wvalid,
  input wire [31:0] wdata,
  input wire [3:0]  wstrb,
  input wire        bready,
  input wire        arvalid,
  input wire [`ADDRESS_BITS-1:0] araddr,
  input wire [2:0]  arprot,
  input wire        rready,
  input wire        write_refused,
  input wire        read_answered,
  input wire [31:0] read_data,
  input wire        read_refused
);
  wire awready, wready, bvalid, arready, rvalid, write, read;
  wire [1:0] bresp, rresp;
  wire [31:0] rdata, write_data;
  wire [3:0] write_strobe;
  wire [`ADDRESS_BITS-3:0] write_word, read_word;

  `DUT dut (
    .aclk(aclk), .aresetn(aresetn),
    .s_axi_awvalid(awvalid), .s_axi_awready(awready), .s_axi_awaddr(awaddr), .s_axi_awprot(awprot),
    .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_wdata(wdata), .s_axi_wstrb(wstrb),
    .s_axi_bvalid(bvalid), .s_axi_bready(bready), .s_axi_bresp(bresp),
    .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_araddr(araddr), .s_axi_arprot(arprot),
    .s_axi_rvalid(rvalid), .s_axi_rready(rready), .s_axi_rdata(rdata), .s_axi_rresp(rresp),
    .write(write), .write_word(write_word), .write_data(write_data), .write_strobe(write_strobe),
    .write_refused(write_refused),
    .read(read), .read_word(read_word),
    .read_answered(read_answered), .read_data(read_data), .read_refused(read_refused)
  );

  // The first cycle is one of reset; `ran` tells that the cycle before this one was not.
  reg began = 1'b0;
  reg ran = 1'b0;
  initial assume (!aresetn);
  always @(posedge aclk) begin
    began <= 1'b1;
    ran <= aresetn;
  end

  // Requests that were taken and are not answered.
  reg [3:0] open_aw = 4'd0, open_w = 4'd0, open_ar = 4'd0;
  // Accesses of the bank that belong to them.
  reg [3:0] told_w = 4'd0, told_r = 4'd0;
  // What was taken, and what the bank said of it.
  reg [`ADDRESS_BITS-3:0] aw_word, ar_word;
  reg [31:0] w_data, said_data;
  reg [3:0] w_strobe;
  reg bad_write, bad_read, wrote = 1'b0;
  // A read that the bank has yet to answer, and one that it has answered.
  reg asked_r = 1'b0, said_r = 1'b0;
  wire says_r = asked_r & read_answered;
  reg [3:0] late_w = 4'd0, late_r = 4'd0;
  // The bank answers a read so many cycles after it at the latest.
  localparam [3:0] BANK_CYCLES = 4'd4;
  always @* assume (!(asked_r && late_r == BANK_CYCLES && !read_answered));
  // Cycles in which a whole request waits for its response.
  wire waits_w = open_aw != 0 && open_w != 0 && !bvalid;
  wire waits_r = open_ar != 0 && !rvalid;
  always @(posedge aclk) begin
    open_aw <= open_aw + (awvalid & awready) - (bvalid & bready);
    open_w <= open_w + (wvalid & wready) - (bvalid & bready);
    open_ar <= open_ar + (arvalid & arready) - (rvalid & rready);
    told_w <= told_w + write - (bvalid & bready);
    told_r <= told_r + read - (rvalid & rready);
    wrote <= write;
    asked_r <= read | (asked_r & !read_answered);
    said_r <= says_r | (said_r & !(rvalid & rready));
    if (awvalid & awready) aw_word <= awaddr[`ADDRESS_BITS-1:2];
    if (arvalid & arready) ar_word <= araddr[`ADDRESS_BITS-1:2];
    if (wvalid & wready) begin
      w_data <= wdata;
      w_strobe <= wstrb;
    end
    if (wrote) bad_write <= write_refused;
    if (says_r) begin
      bad_read <= read_refused;
      said_data <= read_data;
    end
    late_w <= waits_w ? late_w + 4'd1 : 4'd0;
    late_r <= waits_r ? late_r + 4'd1 : 4'd0;
    if (!aresetn) begin
      {open_aw, open_w, open_ar, told_w, told_r, late_w, late_r} <= 28'd0;
      {wrote, asked_r, said_r} <= 3'd0;
    end
  end

  // What was on the pins a cycle ago.
  reg b_waits = 1'b0, r_waits = 1'b0;
  reg [1:0] b_was, r_was;
  reg [31:0] data_was;
  always @(posedge aclk) begin
    b_waits <= aresetn & bvalid & !bready;
    r_waits <= aresetn & rvalid & !rready;
    b_was <= bresp;
    r_was <= rresp;
    data_was <= rdata;
  end

  always @* if (began) begin
    // Valid low in reset and at the first edge after it; ready too, so that no beat is lost.
    if (!ran) begin
      assert (!bvalid && !rvalid);
      assert (!awready && !wready && !arready);
    end

    // No response without a request, and one for each.
    if (bvalid) assert (open_aw == 1 && open_w == 1 && told_w == 1);
    if (rvalid) assert (open_ar == 1 && told_r == 1);
    assert (open_aw <= 1 && open_w <= 1 && open_ar <= 1);
    assert (told_w == 0 || (told_w == 1 && open_aw == 1 && open_w == 1));
    assert (told_r == 0 || (told_r == 1 && open_ar == 1));
    if (write) assert (open_aw == 1 && open_w == 1 && told_w == 0);
    if (read) assert (open_ar == 1 && told_r == 0);

    // A response stays as it is until it is taken.
    if (b_waits && ran) assert (bvalid && bresp == b_was);
    if (r_waits && ran) assert (rvalid && rresp == r_was && rdata == data_was);

    // Independent channels: each is ready unless it holds a beat, whatever the others do.
    if (ran) begin
      assert (awready == (open_aw == 0));
      assert (wready == (open_w == 0));
      assert (arready == (open_ar == 0));
    end

    // The bank gets what the master sent, and the master gets what the bank said.
    if (open_aw == 1) assert (write_word == aw_word);
    if (open_w == 1) assert (write_data == w_data && write_strobe == w_strobe);
    if (open_ar == 1) assert (read_word == ar_word);
    if (bvalid) assert (bresp == {bad_write, 1'b0});
    if (rvalid) assert (rresp == {bad_read, 1'b0} && rdata == said_data);

    // Every request is answered: the bank is told at once, and the response comes two cycles later; that of a read in the
    // cycle after the bank's.
    assert (late_w <= 1 || (late_w == 2 && bvalid));
    assert (late_r <= BANK_CYCLES || (late_r == BANK_CYCLES + 1 && rvalid));
    assert (write == (waits_w && late_w == 0) && wrote == (late_w == 1));
    assert (read == (waits_r && late_r == 0) && asked_r == (waits_r && late_r != 0));
    assert (rvalid == said_r);
  end

  // Each rule is met where it means something.
  reg aw_first = 1'b0, w_first = 1'b0, both = 1'b0;
  reg [2:0] writes = 3'd0, reads = 3'd0, b_stalls = 3'd0, r_stalls = 3'd0;
  always @(posedge aclk) begin
    aw_first <= aresetn & (aw_first | (awvalid & awready & !wvalid & (open_w == 0)));
    w_first <= aresetn & (w_first | (wvalid & wready & !awvalid & (open_aw == 0)));
    both <= aresetn & (both | (awvalid & awready & wvalid & wready));
    writes <= writes + (bvalid & bready);
    reads <= reads + (rvalid & rready);
    b_stalls <= b_waits ? b_stalls + 3'd1 : 3'd0;
    r_stalls <= r_waits ? r_stalls + 3'd1 : 3'd0;
  end
  always @(posedge aclk) if (began && aresetn) begin
    cover (bvalid && bready && aw_first && !both && !w_first);
    cover (bvalid && bready && w_first && !both && !aw_first);
    cover (bvalid && bready && both);
    cover (bvalid && bready && bresp == 2'd2);
    cover (bvalid && bready && bresp == 2'd0 && b_stalls == 3);
    cover (rvalid && rready && rresp == 2'd2);
    cover (rvalid && rready && rresp == 2'd0 && r_stalls == 3);
    cover (writes == 2 && reads == 2);
    cover (bvalid && rvalid);
    cover (says_r && late_r == 1);
    cover (says_r && late_r == BANK_CYCLES);
    // Reset takes back a response that waits.
    cover (!ran && b_stalls == 2);
  end
endmodule
